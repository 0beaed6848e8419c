"""Tokens until a fixed exam is passed: what the options that `electra pretrain` has do to a small budget on the little world.

    python -m tests.benchmarks.learning_speed --seeds 0 1

Each arm is the tiny recipe with the changes that its name says. The exams are the evaluation's own: the same held-out stories for all arms,
with uniform and with bigram fakes, so no arm sits an easier one. Tokens do not depend on the machine. Runs that stand in
data/benchmarks/learning_speed.json are not repeated; `--table` prints what is there.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from electra_helpers.recipes import recipe
from electra_helpers.training.loop import Callback, Run
from electra_helpers.training.pretraining import pretrain

RESULTS = Path(__file__).resolve().parents[2] / "data" / "benchmarks" / "learning_speed.json"
EXAMS = {"exam_uniform_auc": 0.85, "exam_bigram_auc": 0.75}  # the scores to be reached
PAPER = {"rtd_weight": 50.0, "max_grad_norm": 1.0}


@dataclass(frozen=True)
class Arm:
    """What is changed in the tiny recipe."""

    pretrain: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)


ARMS = {
    "the recipe": Arm(),
    "optimizer muon": Arm({"optimizer": "muon"}),
    "schedule reference": Arm({"schedule": "reference"}),
    "rtd_weight 50": Arm({"rtd_weight": 50.0}),
    "max_grad_norm 1": Arm({"max_grad_norm": 1.0}),
    "rtd_weight 50, max_grad_norm 1": Arm(PAPER),
    "sharing all": Arm(model={"sharing": "all"}),
    "sharing all, rtd_weight 50, max_grad_norm 1": Arm(PAPER, {"sharing": "all"}),
    "generator_size 0.25": Arm(model={"generator_size": 0.25}),
    "generator_size 0.5": Arm(model={"generator_size": 0.5}),
}


class Curve(Callback):
    """Every evaluation with the tokens seen until then."""

    def __init__(self) -> None:
        self.points: list[dict[str, float]] = []

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        # The meter was read for the log line of this very step: run.tokens is up to date.
        kept = ("step", "mlm_accuracy", "rtd_auc", *EXAMS)
        self.points.append({"tokens": run.tokens} | {name: round(record[name], 5) for name in kept})


def learn(arm: Arm, seed: int, steps: int, every: int, stories: int) -> dict[str, Any]:
    """One run: its curve, and the CPU seconds that it took."""
    tiny, curve, began = recipe("tiny"), Curve(), time.process_time()
    plan = {"steps": steps, "eval_every": every, "log_every": every, "seed": seed, "device": "cpu"}
    config = replace(tiny.pretrain, **plan, **arm.pretrain)
    with tempfile.TemporaryDirectory() as folder:
        out, source = Path(folder) / "run", f"world:en:{stories}"
        pretrain([source], out, config=config, model=replace(tiny.model, **arm.model), callbacks=[curve])
    return {"curve": curve.points, "cpu_seconds": round(time.process_time() - began, 1)}


def tokens_until(curve: list[dict[str, float]], exam: str, score: float) -> float:
    """Tokens at which an exam's score was first reached, on the line between two evaluations; infinite where it never was."""
    before: dict[str, float] | None = None
    for point in curve:
        if point[exam] >= score:
            if before is None:
                return float(point["tokens"])
            share = (score - before[exam]) / (point[exam] - before[exam])
            return before["tokens"] + share * (point["tokens"] - before["tokens"])
        before = point
    return math.inf


def table(runs: dict[str, dict[str, Any]]) -> str:
    """Thousands of tokens until each exam's score, seed by seed, and where the last evaluation stood."""
    heads = [f"tokens to {exam.split('_')[1]} {score}" for exam, score in EXAMS.items()]
    lines = [f"| change | {' | '.join(heads)} | last: uniform / bigram | MLM accuracy | CPU s |", "|---" * 6 + "|"]
    for name in ARMS:
        found = [run for key, run in sorted(runs.items()) if key.rpartition(", seed ")[0] == name]
        if not found:
            continue
        cells = [", ".join(thousands(tokens_until(r["curve"], e, s)) for r in found) for e, s in EXAMS.items()]
        last = [r["curve"][-1] for r in found]
        ends = ["/".join(f"{point[exam]:.3f}" for exam in EXAMS) for point in last]
        right = ", ".join(f"{x['mlm_accuracy']:.3f}" for x in last)
        seconds = sum(r["cpu_seconds"] for r in found) / len(found)
        lines.append(f"| {name} | {' | '.join(cells)} | {', '.join(ends)} | {right} | {seconds:.0f} |")
    return "\n".join(lines)


def thousands(tokens: float) -> str:
    return "never" if math.isinf(tokens) else f"{tokens / 1e3:,.0f} k"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--every", type=int, default=50, help="steps between two exams")
    parser.add_argument("--stories", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="train nothing, print what is there")
    asked = parser.parse_args()
    plan = {"steps": asked.steps, "every": asked.every, "stories": asked.stories}
    kept = json.loads(asked.out.read_text("utf-8")) if asked.out.exists() else {"plan": plan, "runs": {}}
    if kept["plan"] != plan and not asked.table:
        raise SystemExit(f"{asked.out} holds runs of {kept['plan']}: give another --out.")
    for seed in asked.seeds if not asked.table else []:
        for name in asked.arms:
            key = f"{name}, seed {seed}"
            if key not in kept["runs"]:
                kept["runs"][key] = learn(ARMS[name], seed, **plan)
                asked.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(table(kept["runs"]))


if __name__ == "__main__":
    main()
