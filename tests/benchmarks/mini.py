"""What electra-mini-en is worth: the discriminator, a masked language model of the same shape and compute, and no pre-training.

    export ELECTRA_REAL_DATA=…
    python -m tests.benchmarks.mini zero-shot rtd=runs/rtd mlm=runs/mlm            # BLiMP, misspellings, odd words
    python -m tests.benchmarks.mini fine-tune rtd=runs/rtd mlm=runs/mlm --scratch  # SST-2 and WikiANN, and the same net from scratch
    python -m tests.benchmarks.mini fine-tune rtd=runs/rtd --rows 8000             # the same with fewer rows to learn from
    python -m tests.benchmarks.mini curve rtd=runs/rtd --rows 8000                 # BLiMP, odd words, SST-2 over the run's checkpoints
    python -m tests.benchmarks.mini log runs/rtd runs/last                         # the shipped model's losses and exams
    python -m tests.benchmarks.mini table

Each adds to data/benchmarks/mini.json what it found; `table` prints the file and draws tests/benchmarks/mini.svg. A discriminator
judges a sentence by the sum of log(1 − P(replaced)); a masked language model by the sum of log p of each token when that one is masked
(Salazar et al., 2020).
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from electra_helpers import load
from electra_helpers.config import ModelConfig
from electra_helpers.reading.files import read_rows
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.speed import flops_per_token
from electra_helpers.tasks.cleaning.acceptability import preferred, sentence_score, token_scores
from electra_helpers.tasks.detection import most_surprising
from electra_helpers.tasks.surprisal import surprisals
from tests.benchmarks import real_files
from tests.benchmarks.real_cleaning import blimp, misspelt, pairs

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data" / "benchmarks" / "mini.json"
PICTURE = Path(__file__).with_name("mini.svg")
ODD = ROOT / "data" / "sentences" / "odd_word.en.jsonl"
FINE_TUNED = ("sst2", "wikiann")
# A net of this width forgets all it knew at the rate that real_files.py gives a narrower one: SST-2 then stays at 0.509.
GENTLY = ("--learning-rate", "3e-4", "--epochs", "2", "--batch-size", "32")


def token_log_p(model: Pretrained, texts: list[str], rows: int = 256) -> list[list[float]]:
    """log p of each token of each text when it alone is masked, [CLS] and [SEP] left out."""
    return [[-each.nats for each in row] for row in surprisals(model, texts, rows)]


def surprise(model: Pretrained, texts: list[str]) -> list[list[float]]:
    """For each token how wrong it looks: P(replaced), or −log p where there is no discriminator."""
    if model.net.discriminator is not None:
        return token_scores(model, texts)
    return [[-value for value in row] for row in token_log_p(model, texts)]


def sentence_scores(model: Pretrained, texts: list[str]) -> list[float]:
    """How acceptable each sentence is."""
    if model.net.discriminator is not None:
        return [sentence_score(p) for p in token_scores(model, texts)]
    return [sum(row) for row in token_log_p(model, texts)]


def chosen(model: Pretrained, rows: list[dict]) -> np.ndarray:
    """1 where the good sentence of a pair is preferred."""
    sides = (sentence_scores(model, [row[side] for row in rows]) for side in ("sentence_good", "sentence_bad"))
    return preferred(*sides)


def found_odd(model: Pretrained, rows: list[dict]) -> list[bool]:
    """Whether the word with the most surprising piece is the odd one."""
    return [
        most_surprising(model, row["text"], row["words"], scores) == row["odd_index"]
        for row, scores in zip(rows, surprise(model, [row["text"] for row in rows]), strict=True)
    ]


def zero_shot(model: Pretrained, root: Path, every: int = 1) -> dict[str, Any]:
    """BLiMP in all and by field, misspellings in their sentences, odd words."""
    rows = blimp(root, every)
    won = chosen(model, rows)
    fields = {name: won[[row["field"] == name for row in rows]].mean() for name in sorted({r["field"] for r in rows})}
    paradigms = {name: won[[row["UID"] == name for row in rows]].mean() for name in sorted({r["UID"] for r in rows})}
    odd = found_odd(model, list(read_rows(ODD)))
    return {
        "blimp": float(won.mean()),
        "blimp_pairs": len(rows),
        "blimp_fields": {name: float(share) for name, share in fields.items()},
        "blimp_paradigms": {name: float(share) for name, share in paradigms.items()},
        "birkbeck": float(chosen(model, pairs(misspelt(root))).mean()),
        "odd_words": mean(odd),
        "odd_words_first_50": mean(odd[:50]),
    }


@contextmanager
def checkpoint_as_model(run: Path, checkpoint: Path) -> Iterator[Path]:
    """A checkpoint of a run as a folder that loads as a model."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / run.name
        folder.mkdir()
        for part in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
            shutil.copyfile(run / part, folder / part)
        shutil.copyfile(checkpoint / "model.safetensors", folder / "model.safetensors")
        yield folder


def cost(run: Path) -> tuple[int, float]:
    """Tokens of one step of a run, and the operations that they take."""
    settings = json.loads((run / "run.json").read_text())
    asked = settings["pretrain"]
    tokens = asked["batch_size"] * asked["length"]
    shape = ModelConfig(**settings["model"])
    return tokens, tokens * flops_per_token(shape, asked["length"], asked["mask_share"], asked["objective"])


def curve(name: str, run: Path, root: Path, every: int, steps: list[int], out: Path, rows: int) -> list[dict]:
    """BLiMP and odd words at some of the checkpoints that a run kept, and SST-2 after fine-tuning on `rows` rows where they are given."""
    tokens, flops = cost(run)
    kept = {json.loads(path.read_text())["step"]: path.parent for path in (run / "checkpoints").glob("*/state.json")}
    found = []
    for step in steps or sorted(kept):
        with checkpoint_as_model(run, kept[step]) as folder:
            scores = zero_shot(load(folder), root, every)
            point = {"step": step, "tokens": step * tokens, "flops": step * flops}
            point |= {key: scores[key] for key in ("blimp", "odd_words", "odd_words_first_50")}
            if rows:
                tuned = out / f"sst2-{name}-{step}-{rows}"
                real_files.run("sst2", str(folder), tuned, first_rows(root, out, rows), *GENTLY, "--seeds", "1")
                point["sst2"] = json.loads((tuned / "results.json").read_text())["seeds"][0]["validation"]["accuracy"]
        found.append(point)
        print(point, flush=True)
    return found


def first_rows(root: Path, out: Path, rows: int) -> Path:
    """The folder of tasks with no more than `rows` rows to learn from in each set; all of them where `rows` is 0."""
    if not rows:
        return root / "tasks"
    tasks = out / f"first-{rows}"
    for part in ("sst2", "wikiann_en"):
        (tasks / part).mkdir(parents=True, exist_ok=True)
        for source in (root / "tasks" / part).glob("*.jsonl.xz"):
            with (
                lzma.open(source, "rt", encoding="utf-8") as lines,
                lzma.open(tasks / part / source.name, "wt") as kept,
            ):
                kept.writelines(islice(lines, rows if source.name.startswith("train") else None))
    return tasks


def fine_tune(arms: dict[str, Path], out: Path, root: Path, seeds: int, rows: int, scratch: bool) -> dict[str, Any]:
    """SST-2 and WikiANN for every arm, and for the first arm's shape from scratch, by the command."""
    runs = {name: (path, ()) for name, path in arms.items()}
    if scratch:
        runs["scratch"] = (next(iter(arms.values())), ("--from-scratch",))
    found: dict[str, Any] = {}
    tasks = first_rows(root, out, rows)
    for name, (model, more) in runs.items():
        for key in FINE_TUNED:
            folder = out / f"{key}-{name}-{rows or 'all'}"
            real_files.run(key, str(model), folder, tasks, *more, *GENTLY, "--seeds", str(seeds))
            results = json.loads((folder / "results.json").read_text())
            metric = real_files.SETS[key].metric
            scores = [seed["validation"][metric] for seed in results["seeds"]]
            found.setdefault(name, {})[f"{key} {rows or 'all'}"] = scores
            print(name, key, rows or "all", scores, flush=True)
    return found


def remember(part: str, found: dict[str, Any]) -> None:
    """Put what was found beside what is known."""
    known = json.loads(FILE.read_text()) if FILE.is_file() else {}
    old = known.setdefault(part, {})
    for name, scores in found.items():
        old[name] = old.get(name, {}) | scores if isinstance(scores, dict) else scores
    FILE.write_text(json.dumps(known, indent=1) + "\n")


def table(known: dict[str, Any]) -> str:
    """The arms side by side."""
    tuned, judged = known.get("fine-tune", {}), known.get("zero-shot", {})
    columns = sorted({key for scores in tuned.values() for key in scores})
    shares = ("blimp", "birkbeck", "odd_words_first_50", "odd_words")
    lines = [f"| arm | {' | '.join([*columns, *shares])} |", "|---" * (1 + len(columns) + len(shares)) + "|"]
    for name in {**judged, **tuned}:
        cells = [spread(tuned.get(name, {}).get(key, [])) for key in columns]
        cells += [f"{judged[name][key]:.3f}" if name in judged else "–" for key in shares]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(scores: list[float]) -> str:
    """Mean ± standard deviation over seeds."""
    if not scores:
        return "–"
    return f"{mean(scores):.3f} ± {stdev(scores):.3f}" if len(scores) > 1 else f"{scores[0]:.3f}"


def read_logs(runs: list[Path]) -> list[dict]:
    """The evaluations of legs that follow each other, each with the tokens read until then."""
    before, found = 0, []
    for run in runs:
        tokens, last = cost(run)[0], 0
        for line in (run / "log.jsonl").read_text("utf-8").splitlines():
            record = json.loads(line)
            last = max(last, record["step"])
            if record["kind"] == "evaluation":
                names = ("mlm_loss", "exam_uniform_auc", "exam_bigram_auc", "rtd_auc")
                found.append({"tokens": before + record["step"] * tokens} | {name: record[name] for name in names})
        before += last * tokens
    return found


def draw(known: dict[str, Any]) -> None:
    """Over the tokens read: the two nets' progress, and what needs no labels; and the arms side by side."""
    import matplotlib

    matplotlib.use("svg")
    # The same points give the same file.
    matplotlib.rcParams |= {"svg.hashsalt": "mini", "font.size": 8, "svg.fonttype": "none"}
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
    log = known["log"]["shipped"]
    millions = [point["tokens"] / 1e6 for point in log]
    for name, style in (("exam_uniform_auc", "-"), ("exam_bigram_auc", "--")):
        left.plot(millions, [point[name] for point in log], style, color="#0072B2", label=name.split("_")[1])
    left.set_ylabel("exam AUC: uniform (solid), bigram (dashed)", color="#0072B2")
    loss = left.twinx()
    loss.plot(millions, [point["mlm_loss"] for point in log], ":", color="#D55E00")
    loss.set_ylabel("the generator's loss, nats (dotted)", color="#D55E00")
    before, points = 0, []  # each leg goes on where the one before ended
    for found in known["curve"].values():
        points += [point | {"at": (before + point["tokens"]) / 1e6} for point in found]
        before += found[-1]["tokens"]
        middle.axvline(before / 1e6, color="#bbbbbb", linewidth=0.8)
    for key, marker, colour in (("blimp", "o", "#009E73"), ("odd_words", "s", "#CC79A7")):
        at, shares = [point["at"] for point in points], [point[key] for point in points]
        middle.plot(at, shares, marker=marker, markersize=4, color=colour, label=key.replace("_", " "))
        shipped = known["zero-shot"]["electra-mini-en"][key]
        middle.plot(
            [before / 1e6], [shipped], "*", markersize=10, color=colour, label=f"{key.replace('_', ' ')}, shipped"
        )
    arms, width = list(known["fine-tune"]), 0.25
    for shift, (key, colour) in enumerate((("sst2 ", "#0072B2"), ("wikiann ", "#D55E00"))):
        found = [
            next(scores for name, scores in known["fine-tune"][arm].items() if name.startswith(key)) for arm in arms
        ]
        places = [i + shift * width for i in range(len(arms))]
        right.bar(places, [mean(scores) for scores in found], width, color=colour, label=key.strip())
        for place, scores in zip(places, found, strict=True):
            right.plot([place] * len(scores), scores, "o", color="#1a1a1a", markersize=3)
    judged = [known["zero-shot"].get(arm, {}).get("blimp", 0) for arm in arms]
    right.bar([i + 2 * width for i in range(len(arms))], judged, width, color="#009E73", label="blimp")
    right.set_xticks(
        [i + width for i in range(len(arms))],
        [arm.replace(", ", "\n").replace("equal ", "equal\n") for arm in arms],
        fontsize=6,
    )
    middle.set_ylabel("share that is right")
    right.set(ylabel="score; a dot a seed", ylim=(0, 0.85))
    for place in (left, middle):
        place.set_xlabel("million tokens read")
    middle.legend(fontsize=6, ncol=2, loc=(0.03, 0.68))  # between the two curves
    right.legend(fontsize=7)
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("zero-shot", "fine-tune", "curve", "log", "table"))
    parser.add_argument("arms", nargs="*", metavar="NAME=FOLDER")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="every how many pairs of BLiMP")
    parser.add_argument("--rows", type=int, default=0, help="rows to fine-tune on; 0 = all")
    parser.add_argument(
        "--steps", type=int, nargs="+", default=[], help="the checkpoints of a curve; default: all kept"
    )
    parser.add_argument("--scratch", action="store_true", help="fine-tune the first arm's shape from scratch, too")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "mini")
    asked = parser.parse_args()
    if asked.part == "log":
        remember("log", {"shipped": read_logs([Path(folder) for folder in asked.arms])})
        return
    if asked.part == "table":
        known = json.loads(FILE.read_text())
        print(table(known))
        draw(known)
        return
    root = Path(os.environ["ELECTRA_REAL_DATA"])
    arms = {name: Path(folder) for name, _, folder in (arm.partition("=") for arm in asked.arms)}
    if asked.part == "fine-tune":
        found = fine_tune(arms, asked.out, root, asked.seeds, asked.rows, asked.scratch)
    elif asked.part == "curve":
        found = {
            name: curve(name, path, root, asked.every, asked.steps, asked.out, asked.rows)
            for name, path in arms.items()
        }
    else:
        found = {name: zero_shot(load(path), root, asked.every) for name, path in arms.items()}
        print(json.dumps(found, indent=1))
    remember(asked.part, found)


if __name__ == "__main__":
    main()
