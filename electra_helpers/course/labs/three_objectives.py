"""The laboratory of notebook 16: one encoder, three objectives, at equal compute or at equal tokens, and what five seeds recorded.

GPT's objective is `clm`, BERT's is `mlm`, ELECTRA's is `rtd`: configurations of one loop, with one recipe, on the same stories.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from statistics import mean, stdev
from typing import Any

from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.course.labs.objectives import flops_of_a_step
from electra_helpers.course.labs.world_run import WorldRun, world_run
from electra_helpers.errors import ElectraError

STORIES = 4_000
BUDGET = 9e11  # floating-point operations of a whole run
OBJECTIVES = ("clm", "mlm", "rtd")
TITLES = {"clm": "GPT (next token)", "mlm": "BERT (masked tokens)", "rtd": "ELECTRA (replaced tokens)"}
EQUAL = ("compute", "tokens")
TASKS = {"topic": "accuracy", "entities": "f1", "questions": "f1"}  # of the little world, with the score of each
recorded = partial(recorded_by, "three_objectives")


@dataclass(frozen=True)
class Spread:
    """A number over seeds: its mean and the sample standard deviation."""

    mean: float
    spread: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.spread:.3f}"


def steps_for(objective: str, equal: str = "compute", percent: float = 100) -> int:
    """Optimizer steps of an objective's run: those that the common budget of operations pays for, or as many as its dearest rival has.

    Raises `ElectraError` for what is neither "compute" nor "tokens".
    """
    if equal not in EQUAL:
        raise ElectraError(f"Runs are equal in {' or '.join(EQUAL)}, not in {equal!r}.")
    asked = [objective] if equal == "compute" else OBJECTIVES
    return min(max(1, round(BUDGET * percent / 100 / step_flops(each))) for each in asked)


def step_flops(objective: str) -> int:
    """Floating-point operations of one training step on full rows."""
    return flops_of_a_step(world_run(steps=1, story_count=20, objective=objective))


def three_run(objective: str, *, seed: int, equal: str = "compute", percent: float = 100, **changes: Any) -> WorldRun:
    """Prepare one objective's run; `percent` of the common budget, `changes` are fields of `PretrainConfig`.

    >>> from electra_helpers.course.labs.three_objectives import three_run
    >>> three_run("clm", seed=0, percent=1, story_count=20).task.model.config.causal
    True
    """
    steps = steps_for(objective, equal, percent)
    return world_run(steps=steps, seed=seed, objective=objective, **{"story_count": STORIES} | changes)


def over_seeds(values: list[float]) -> Spread:
    """Mean and standard deviation."""
    return Spread(mean(values), stdev(values) if len(values) > 1 else 0.0)
