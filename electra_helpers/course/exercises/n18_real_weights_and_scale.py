"""Exercises of notebook 18 that decide: how far a line holds, and what the published run of ELECTRA-Small says of yours."""

from __future__ import annotations

from typing import Any

import numpy as np

from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.labs.scaling_pictures import PAPER_HOURS
from electra_helpers.language import ITEMS, joined

FITTED = 3  # of the published points
VERDICTS = (
    "the published number must be wrong",
    "a line is known where it was fitted: further on it says too much",
    "GLUE cannot be predicted from hours at all",
)


def line_of_the_first_day() -> dict[str, Any]:
    """The right answer of 18.3: points a doubling, what the line says of 96 hours, and by how much it is off."""
    hours, scores = np.array(list(PAPER_HOURS)), np.array(list(PAPER_HOURS.values()))
    slope, start = np.polyfit(np.log2(hours[:FITTED]), scores[:FITTED], 1)
    predicted = float(start + slope * np.log2(hours[-1]))
    return {
        "a doubling": round(float(slope), 2),
        "96 hours": round(predicted, 2),
        "too much by": round(predicted - float(scores[-1]), 2),
        "so": VERDICTS[1],
    }


def _numbers_in(answers: Any, right: dict[str, Any], texts: tuple[str, ...]) -> dict[str, float]:
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    names = [name for name in right if name not in texts]
    try:
        return {name: as_number(answers[name]) for name in names}
    except (TypeError, ValueError):
        raise Mistake("{names} are numbers.", names=joined(names, ITEMS)) from None


def _the_line_of_the_first_day(answers: Any) -> None:
    right = line_of_the_first_day()
    given = _numbers_in(answers, right, ("so",))
    hours, scores = np.array(list(PAPER_HOURS)), np.array(list(PAPER_HOURS.values()))
    plain = np.polyfit(hours[:FITTED], scores[:FITTED], 1)
    every = np.polyfit(np.log2(hours), scores, 1)
    near = lambda name, value: abs(given[name] - value) < 0.06  # noqa: E731 - a word for a comparison
    if near("96 hours", np.polyval(plain, 96)):
        raise Mistake(
            "96 hours: your line is straight in hours. Each doubling adds about as much: take log2 of the hours."
        )
    if near("a doubling", every[0]):
        raise Mistake(
            "a doubling: you fitted all five points. Then nothing is left that the line could be tested on: take three."
        )
    if near("a doubling", np.polyfit(np.log10(hours[:FITTED]), scores[:FITTED], 1)[0]):
        raise Mistake("a doubling: that is for ten times the hours. With log2 a step of one is a doubling.")
    if near("a doubling", scores[FITTED - 1] - scores[0]):
        raise Mistake("a doubling: from 6 to 24 hours are two doublings.")
    if near("96 hours", scores[FITTED - 1] + right["a doubling"]):
        raise Mistake("96 hours: from 24 to 96 are two doublings, not one.")
    if near("too much by", -right["too much by"]):
        raise Mistake("too much by: what the line says less what was measured.")
    for name, value in given.items():
        # Through the last point fitted, or through the line: both ways to go on are right.
        allowed = 0.25 if name != "a doubling" else 0.06
        if abs(value - right[name]) > allowed:
            raise Mistake(
                "{name}: {value:g} is not it. Fit the three points of 6, 12 and 24 hours over log2(hours).",
                name=name,
                value=value,
            )
    if answers["so"] not in VERDICTS:
        raise Mistake("so: one of {verdicts}.", verdicts=joined(VERDICTS))
    if answers["so"] == VERDICTS[0]:
        raise Mistake(
            "so: gains of 1.9, 1.7, 1.3 and 0.9 a doubling: the points bend, and there is nothing wrong with the last."
        )
    if answers["so"] != VERDICTS[1]:
        raise Mistake(
            "so: within a doubling of its points the line was off by less than half a point. How far is 96 from 24?"
        )


# Published: ELECTRA-Small, 1.4e18 operations (paper, Table 8), 4 days on one V100 (Section 3.3). Peaks: NVIDIA's data sheets.
OPERATIONS, HOURS = 1.4e18, 96
V100_FP32, T4_FP32, T4_FP16 = 15.7e12, 8.1e12, 65e12
TOKENS = 1_000_000 * 128 * 128
COSTS = ("an eighth of the GPU hours", "the same GPU hours or a few more", "eight times the GPU hours")


def what_a_run_costs() -> dict[str, Any]:
    """The right answer of 18.4."""
    speed = OPERATIONS / (HOURS * 3600)
    share = speed / V100_FP32
    return {
        "operations a second": speed,
        "share of the peak": round(share, 3),
        "tokens a second": round(TOKENS / (HOURS * 3600)),
        "hours on a T4": round(OPERATIONS / (T4_FP32 * share) / 3600, 1),
        "on 8 GPUs": COSTS[1],
    }


def _a_run_is_paid_for(answers: Any) -> None:
    right = what_a_run_costs()
    given = _numbers_in(answers, right, ("on 8 GPUs",))
    near = lambda name, value: abs(given[name] - value) < 0.03 * abs(value)  # noqa: E731 - a word for a comparison
    if near("operations a second", OPERATIONS / HOURS):
        raise Mistake("operations a second: that is for an hour, which has 3,600 seconds.")
    if near("operations a second", OPERATIONS / 1e6):
        raise Mistake("operations a second: that is for a step. Divide by the seconds of four days.")
    if near("share of the peak", 100 * right["share of the peak"]):
        raise Mistake("share of the peak: a share, such as 0.25, not percent.")
    if near("tokens a second", right["tokens a second"] / 128):
        raise Mistake("tokens a second: those are rows. A row has 128 tokens.")
    if near("tokens a second", right["tokens a second"] / 128**2):
        raise Mistake("tokens a second: those are steps. A step reads 128 rows of 128 tokens.")
    if near("hours on a T4", OPERATIONS / T4_FP32 / 3600):
        raise Mistake("hours on a T4: nobody reaches the peak. Let it reach the share that the V100 reached.")
    if near("hours on a T4", OPERATIONS / (T4_FP16 * right["share of the peak"]) / 3600):
        raise Mistake(
            "hours on a T4: in fp32 its peak is 8.1; 65 is that of its fp16 units, of which this share was not measured."
        )
    if near("hours on a T4", HOURS * T4_FP32 / V100_FP32):
        raise Mistake("hours on a T4: it is the slower of the two, so it takes longer than 96 hours.")
    for name, value in given.items():
        if not near(name, right[name]):
            raise Mistake("{name}: {value:g} is not it.", name=name, value=value)
    if answers["on 8 GPUs"] not in COSTS:
        raise Mistake("on 8 GPUs: one of {costs}.", costs=joined(COSTS))
    if answers["on 8 GPUs"] != COSTS[1]:
        raise Mistake(
            "on 8 GPUs: the operations stay the same, the hours fall to an eighth at best. What do you pay for?"
        )


EXERCISES = (
    Exercise(
        id="18.3",
        title="How far a line holds",
        kind="decide",
        minutes=10,
        difficulty=2,
        starred=True,
        specification=(
            "GLUE of ELECTRA-Small after 6, 12 and 24 hours: points a doubling by a line over log2(hours), what it says of 96 hours, by how"
            " much that is more than the published score, and what follows."
        ),
        checks=(_the_line_of_the_first_day,),
        hints=(
            "np.polyfit(np.log2(hours), scores, 1) gives the slope for a doubling and the value at one hour.",
            "96 hours are two doublings after 24: the line goes on by twice its slope. Published: 79.9.",
        ),
        solution=line_of_the_first_day(),
        variable="my_line",
        why="The gains a doubling are 1.9, 1.7, 1.3, 0.9: what the first day promises, four days do not keep.",
    ),
    Exercise(
        id="18.4",
        title="What a run costs",
        kind="decide",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "From the published run of ELECTRA-Small (1.4e18 operations, 4 days on a V100): operations a second, share of the fp32 peak,"
            " tokens a second, hours on a T4 in fp32 at the same share, and what eight GPUs change."
        ),
        checks=(_a_run_is_paid_for,),
        hints=(
            "Four days have 345,600 seconds. The run reads 1,000,000 steps of 128 rows of 128 tokens.",
            "Hours = operations / (peak · share) / 3,600, with the share that the V100 reached.",
        ),
        solution=what_a_run_costs(),
        variable="my_costs",
        why="A price is operations by what the machine reaches of its peak: measure that in the first minutes, before you pay.",
    ),
)
