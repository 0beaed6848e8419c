"""Published data sets by the command alone: fine-tune a model pre-trained on real text, and the same net from scratch.

    export ELECTRA_REAL_DATA=…
    electra pretrain --corpus $ELECTRA_REAL_DATA/pretrain/… --out runs/en    # how stands in tests/benchmarks/README.md
    python -m tests.benchmarks.real_files --en runs/en --zh runs/zh --out runs/real
    python -m tests.benchmarks.real_files --record …                         # only write what the finished runs say

Runs that have ended are kept, so it goes on where it stopped. Rows go to data/benchmarks/downstream.json, which the notebooks show.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data" / "benchmarks" / "downstream.json"


@dataclass(frozen=True)
class RealSet:
    """A published set and how the command learns it."""

    name: str
    language: str
    task: str
    files: str  # options that name files below the folder of real data
    options: str
    metric: str
    part: str = "validation"


SETS = {
    "sst2": RealSet(
        "SST-2, validation",
        "en",
        "classification",
        "--train sst2/train.jsonl.xz --validation sst2/validation.jsonl.xz --test sst2/test.jsonl.xz",
        "--seeds 3 --epochs 1 --length 64 --batch-size 64 --learning-rate 1e-3 --eval-every 500",
        "accuracy",
    ),
    "hotel": RealSet(
        "ChnSentiCorp hotel, test",
        "zh",
        "classification",
        "--train chnsenticorp_hotel/train.jsonl.xz --validation chnsenticorp_hotel/validation.jsonl.xz "
        "--test chnsenticorp_hotel/test.jsonl.xz",
        "--seeds 3 --epochs 2 --length 128 --learning-rate 1e-3 --eval-every 188",
        "accuracy",
        "test",
    ),
    "wikiann": RealSet(
        "WikiANN English, validation",
        "en",
        "tagging",
        "--train wikiann_en/train.jsonl.xz --validation wikiann_en/validation.jsonl.xz",
        "--seeds 3 --epochs 2 --length 64 --batch-size 32 --learning-rate 1e-3 --eval-every 100000",
        "f1",
    ),
    "cmrc": RealSet(
        "CMRC 2018, validation",
        "zh",
        "question-answering",
        "--train trial_and_drcd.jsonl.xz --validation cmrc2018/validation.jsonl.xz",
        "--seeds 2 --epochs 1 --length 256 --learning-rate 1e-3 --eval-every 100000",
        "f1",
    ),
}


def command(real: RealSet, model: str, out: Path, tasks: Path, *more: str) -> list[str]:
    """The command line; `trial_and_drcd` is CMRC's trial and DRCD's validation file, one behind the other."""
    files = [str(tasks / part) if part.endswith(".xz") else part for part in real.files.split()]
    files = [str(out.parent / "trial_and_drcd.jsonl.xz") if "trial_and_drcd" in part else part for part in files]
    return ["finetune", real.task, "--model", model, *files, *real.options.split(), "--out", str(out), *more]


def run(key: str, model: str, out: Path, tasks: Path, *more: str) -> None:
    """Fine-tune unless it is done; the seconds are kept beside the results."""
    if (out / "seconds.json").is_file():
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    if key == "cmrc":
        joined = b"".join(
            (tasks / name).read_bytes() for name in ("cmrc2018/trial.jsonl.xz", "drcd/validation.jsonl.xz")
        )
        (out.parent / "trial_and_drcd.jsonl.xz").write_bytes(joined)
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "electra_helpers.cli", *command(SETS[key], model, out, tasks, *more)], check=True
    )
    (out / "seconds.json").write_text(json.dumps(round(time.monotonic() - began)))


def row(key: str, out: Path, scratch: Path, about: str) -> dict:
    """What a finished run says, from its own files."""
    real, results = SETS[key], json.loads((out / "results.json").read_text())
    scores, baseline = results[real.part], results["baseline"][real.part]
    compared = (
        json.loads((scratch / "results.json").read_text())[real.part] if (scratch / "results.json").is_file() else None
    )
    shown = shlex.join(
        [
            "electra",
            "finetune",
            real.task,
            "--model",
            f"runs/{real.language}",
            *real.files.split(),
            *real.options.split(),
        ]
    )
    return {
        "set": real.name,
        "model": about,
        "metric": real.metric,
        "score": scores[real.metric]["mean"],
        "spread": scores[real.metric]["std"],
        "baseline": baseline[real.metric],
        "baseline_is": baseline["name"],
        "from_scratch": compared and compared[real.metric]["mean"],
        "seeds": len(results["seeds"]),
        "steps": max(seed["validation"].get("step", 0) for seed in results["seeds"]),
        "seconds": json.loads((out / "seconds.json").read_text()),
        "command": shown,
    }


def about(model: Path) -> str:
    """A pre-trained model in a few words, from its own log."""
    settings = json.loads((model / "run.json").read_text())["pretrain"]
    tokens = settings["steps"] * settings["batch_size"] * settings["length"]
    return f"{model.name}, {settings['steps']:,} steps on {tokens / 1e6:.0f} M tokens of real text"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--en", type=Path, required=True)
    parser.add_argument("--zh", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--record", action="store_true", help="run nothing, write what is there")
    asked = parser.parse_args()
    rows = []
    for key in asked.only:
        model, out = getattr(asked, SETS[key].language), asked.out / key
        scratch = asked.out / f"{key}-scratch"
        if not asked.record:
            tasks = Path(os.environ["ELECTRA_REAL_DATA"]) / "tasks"
            run(key, str(model), out, tasks)
            run(key, str(model), scratch, tasks, "--from-scratch")
        if (out / "results.json").is_file():
            rows.append(row(key, out, scratch, about(model)))
    recorded = json.loads(DATA.read_text("utf-8"))
    names = {new["set"] for new in rows}
    recorded["real"] = [*(old for old in recorded.get("real", []) if old["set"] not in names), *rows]
    DATA.write_text(json.dumps(recorded, indent=1) + "\n", "utf-8")
    print(
        "| set | metric | fine-tuned | from scratch | baseline | seeds | steps | seconds |\n|---|---|---|---|---|---|---|---|"
    )
    for new in rows:
        scratch = "–" if new["from_scratch"] is None else f"{new['from_scratch']:.3f}"
        print(
            f"| {new['set']} | {new['metric']} | {new['score']:.3f} ± {new['spread']:.3f} | {scratch} "
            f"| {new['baseline']:.3f} ({new['baseline_is']}) | {new['seeds']} | {new['steps']:,} | {new['seconds']:,} |"
        )


if __name__ == "__main__":
    main()
