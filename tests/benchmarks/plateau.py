"""A masked language model that rests on the plateau of word frequencies: what notebook 03 shows beside the run that does not.

    python -m tests.benchmarks.plateau --seeds 0

writes data/benchmarks/plateau.json after every seed: the run of notebook 03, with one thing changed, its learning rate. As long as the
rate is high the net learns how often each word occurs, and nothing of its context.
"""

from __future__ import annotations

import argparse
import json
import time

from electra_helpers.course.labs.benchmarks import file_of
from electra_helpers.course.labs.world_run import world_run
from electra_helpers.training.loop import Callback, Run

PATH = file_of("plateau")
SETTINGS = {"story_count": 6_000, "steps": 900, "objective": "mlm", "log_every": 10}  # notebook 03's
LEARNING_RATE = 0.02  # the recipe has 0.003


class Curve(Callback):
    """The loss of training, every few steps."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.losses: list[float] = []

    def on_log(self, run: Run, record: dict[str, float]) -> None:
        self.steps.append(run.step)
        self.losses.append(round(record["mlm_loss"], 3))
        print(run.step, self.losses[-1], flush=True)


def record(seed: int) -> None:
    began, curve = time.process_time(), Curve()
    run = world_run(**SETTINGS, learning_rate=LEARNING_RATE, seed=seed)
    end = run.train(curve)
    found = {"seed": seed, "steps": curve.steps, "losses": curve.losses}
    found |= {"evaluation": {name: round(value, 4) for name, value in end.evaluation.items()}}
    found |= {"cpu_seconds": round(time.process_time() - began, 1)}
    content = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
    runs = [each for each in content.get("runs", []) if each["seed"] != seed]
    content = {"settings": SETTINGS | {"learning_rate": LEARNING_RATE}, "runs": [*runs, found]}
    content["runs"].sort(key=lambda each: each["seed"])
    PATH.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    for seed in parser.parse_args().seeds:
        record(seed)


if __name__ == "__main__":
    main()
