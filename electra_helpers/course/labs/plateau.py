"""The laboratory of notebook 03: a recorded run that rests on the plateau of word frequencies while yours leaves it."""

from __future__ import annotations

from functools import partial

from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.language import worded
from electra_helpers.view import plots
from electra_helpers.view.plots.curves import Curve
from electra_helpers.view.plots.style import Picture

recorded = partial(recorded_by, "plateau")
NEAR = 0.25  # nats: a loss so close to a level rests on it


def curve() -> Curve:
    """Steps and training losses of the recorded run."""
    (run,) = recorded()["runs"]
    return run["steps"], run["losses"]


def rest(level: float, near: float = NEAR) -> tuple[int, int]:
    """From which step to which the recorded loss, in nats, stays within `near` of a level: the longest such stretch."""
    steps, losses = curve()
    stretches: list[list[int]] = [[]]
    for step, loss in zip(steps, losses, strict=True):
        if abs(loss - level) <= near:
            stretches[-1].append(step)
        else:
            stretches.append([])
    longest = max(stretches, key=len)
    return longest[0], longest[-1]


def picture_of(mine: Curve, level: float, *, dark: bool | None = None) -> Picture:
    """The recorded run and yours over the same steps, with the word frequencies as a level (both in nats)."""
    (steps, _), flat = curve(), worded("word frequencies")  # a run like the others: so its name keeps clear of theirs
    runs = {worded("recorded"): curve(), worded("yours"): mine, flat: ([0, steps[-1]], [level, level])}
    return plots.curves(
        runs, title=worded("A run that rests, and yours"), y=worded("nats per selected token"), dark=dark
    )
