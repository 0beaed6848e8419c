"""How a step's time and memory grow with the model, the length, the batch and the vocabulary; and packing's with the corpus.

    python -m tests.benchmarks.growth $ELECTRA_REAL_DATA/pretrain/en_wiki.jsonl.xz

Each point is measured in a process of its own, so that its peak memory is its own: two steps to warm up, then the median of a few. The base
is ELECTRA-Small with 16 rows of 128 tokens, V = 8,192, dropout 0.1, fp32; each point changes one thing. Writes data/benchmarks/growth.json
and tests/benchmarks/growth.svg; `--draw` only draws what is there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from electra_helpers.reading.corpora import open_corpus
from electra_helpers.speed import make_trainer, peak_memory, settings
from electra_helpers.text.rows import build_rows
from electra_helpers.text.tokenizer import Tokenizer
from tests.benchmarks.sources import prepare
from tests.benchmarks.speed import ROOT

RESULTS = ROOT / "data" / "benchmarks" / "growth.json"
PICTURE = Path(__file__).with_name("growth.svg")
FOLDER = ROOT / "build" / "growth"
BASE = {"size": "small", "layers": 0, "length": 128, "batch_size": 16, "vocab_size": 8_192, "precision": "fp32"}
AXES = {
    "size": ("tiny", "mini", "small"),
    "layers": (3, 6, 12),
    "length": (64, 128, 256, 512),
    "batch_size": (4, 16, 64),
    "vocab_size": (4_096, 8_192, 30_522, 65_536),
}
MEGABYTES = (1.0, 5.0, 20.0)
TITLES = {
    "size": "named size",
    "layers": "layers of Small",
    "length": "length of a row",
    "batch_size": "rows of a batch",
    "vocab_size": "vocabulary",
    "megabytes": "corpus, MB",
}


def points() -> Iterator[dict]:
    """Every setting once, with the axes that it lies on; bf16 along size and length."""
    seen: dict[str, dict] = {}
    for precision in ("fp32", "bf16"):
        for axis, values in AXES.items():
            if precision == "bf16" and axis not in ("size", "length"):
                continue
            for value in values:
                point = BASE | {"precision": precision, axis: value}
                point["layers"] = 0 if point["layers"] == 12 else point["layers"]  # Small's own
                seen.setdefault(json.dumps(point, sort_keys=True), point)
    yield from seen.values()


def measure_step(point: dict, steps: int) -> dict[str, float]:
    """Seconds of a step, tokens a second, and the most memory that this process has held."""
    model, config = settings(point["size"], point["batch_size"], point["length"], 0.1, "cpu", point["precision"])
    model = replace(model, vocab_size=point["vocab_size"], num_layers=point["layers"] or model.num_layers)
    trainer = make_trainer(model, config)
    seconds = []
    for _ in range(steps + 2):
        began = time.perf_counter()
        trainer.step()
        seconds.append(time.perf_counter() - began)
    second = statistics.median(seconds[2:])
    parameters = sum(p.numel() for p in trainer.net.parameters()) / 1e6
    speed = point["batch_size"] * point["length"] / second
    return found(second) | {"tokens_per_second": round(speed, 1), "parameters_m": round(parameters, 2)}


def measure_packing(folder: Path) -> dict[str, float]:
    """Seconds that a corpus takes to become rows, and the most memory that this process has held."""
    corpus, pieces = open_corpus(str(folder / "articles.jsonl")), Tokenizer.load(folder / "tokenizer")
    with tempfile.TemporaryDirectory() as empty:
        began = time.perf_counter()
        rows = build_rows(corpus, pieces, BASE["length"], cache_dir=empty)
        return found(time.perf_counter() - began) | {"rows": len(rows)}


def found(seconds: float) -> dict[str, float]:
    return {"seconds": round(seconds, 4), "peak_mb": round(peak_memory("cpu") / 1e6, 1)}


def in_own_process(what: dict, steps: int) -> dict:
    """What a fresh process measures."""
    command = [sys.executable, "-m", "tests.benchmarks.growth", "-", "--one", json.dumps(what), "--steps", str(steps)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{what} could not be measured:\n{ended.stderr}")
    return what | json.loads(ended.stdout.splitlines()[-1])


def on_axis(rows: list[dict], axis: str, precision: str = "fp32") -> list[dict]:
    """The points that differ from the base in one thing only, in order."""
    base = BASE | {"precision": precision}
    chosen = [r for r in rows if all(r[k] == v for k, v in base.items() if k != axis)]
    return sorted(chosen, key=lambda r: AXES[axis].index(r[axis] or 12))


def draw(results: dict) -> None:
    """Six small plots: time above all, memory on the right-hand scale."""
    import matplotlib

    matplotlib.use("svg")
    # The same points give the same file.
    matplotlib.rcParams |= {"svg.hashsalt": "growth", "font.size": 8, "svg.fonttype": "none"}
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(9, 5), layout="constrained")
    panels = [(axis, on_axis(results["steps"], axis), on_axis(results["steps"], axis, "bf16")) for axis in AXES]
    panels.append(("megabytes", results["packing"], []))
    for place, (axis, fp32, bf16) in zip(axes.flat, panels, strict=True):
        memory = place.twinx()
        for rows, line in ((fp32, "-"), (bf16, ":")):
            if len(rows) > 1:
                names = [f"{row[axis] or 12:,}" if axis != "size" else row[axis] for row in rows]
                place.plot(names, [r["seconds"] for r in rows], line, marker="o", color="#0b5c8e")
                memory.plot(names, [r["peak_mb"] for r in rows], line, marker="s", color="#b3541e", markersize=4)
        place.set(xlabel=TITLES[axis], ylim=(0, None))
        memory.set_ylim(0, None)
        place.set_ylabel("seconds" if axis == "megabytes" else "seconds a step", color="#0b5c8e")
        memory.set_ylabel("peak MB", color="#b3541e")
    figure.suptitle("circles: time, squares: memory; solid: fp32, dotted: bf16")
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", help="the articles to pack")
    parser.add_argument("--one", type=json.loads, help="measure this point alone and print it")
    parser.add_argument("--steps", type=int, default=3, help="steps of which the median counts")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    asked = parser.parse_args()
    if asked.one:
        is_step = "size" in asked.one
        print(
            json.dumps(measure_step(asked.one, asked.steps) if is_step else measure_packing(Path(asked.one["folder"])))
        )
        return
    if not asked.draw:
        results = {"steps": [in_own_process(point, asked.steps) for point in points()], "packing": []}
        for size in MEGABYTES:
            folder = FOLDER / f"{size:g}"
            prepare(folder, asked.corpus, size, BASE["vocab_size"])
            measured = in_own_process({"folder": str(folder)}, asked.steps)
            results["packing"].append({"megabytes": size} | {k: v for k, v in measured.items() if k != "folder"})
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    draw(json.loads(RESULTS.read_text("utf-8")))
    print_table(json.loads(RESULTS.read_text("utf-8")))


def print_table(results: dict) -> None:
    for axis in AXES:
        for precision in ("fp32", "bf16"):
            rows = on_axis(results["steps"], axis, precision)
            if len(rows) > 1:
                cells = [f"{r[axis] or 12}: {r['seconds']:.2f} s, {r['peak_mb']:,.0f} MB" for r in rows]
                print(f"| {TITLES[axis]}, {precision} | {' · '.join(cells)} |")
    packed = [f"{r['megabytes']:g}: {r['seconds']:.1f} s, {r['peak_mb']:,.0f} MB" for r in results["packing"]]
    print(f"| {TITLES['megabytes']} | {' · '.join(packed)} |")


if __name__ == "__main__":
    main()
