"""Pictures and tables of notebook 15: what each arm gained over its own start, seed by seed, and Table 5 beside it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from electra_helpers.course.labs.ladder import ARMS, LADDER, PAPER, band, gains, runs
from electra_helpers.course.labs.objectives_pictures import arms_picture
from electra_helpers.view.plots.style import Picture, label, picture, theme_of

READ = {
    ("real", "blimp"): "BLiMP, the arm's own way to score a sentence",
    ("real", "grammar"): "BLiMP, a linear probe on the frozen encoder",
    ("real", "reviews"): "reviews, a linear probe that learned from 64",
    ("world", "pairs"): "minimal pairs of the little world, a linear probe",
    ("world", "outcome"): "outcome of a story, a linear probe",
}


def spread_of(values: Sequence[float]) -> float:
    """Standard deviation over seeds; 0 where there is one."""
    return stdev(values) if len(values) > 1 else 0.0


def gains_picture(
    ground: str,
    reading: str,
    arms: Sequence[str] = LADDER,
    mine: dict[str, float] | None = None,
    *,
    dark: bool | None = None,
) -> Picture:
    """For each arm the gain of every seed as a ring, their mean as a bar, and your run (arm → gain) as a diamond, in points."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, height=1.0 + 0.42 * len(arms))
    said = []
    for row, arm in enumerate(arms):
        points = [100 * gain for gain in gains(ground, arm, reading)]
        axes.plot(points, [row] * len(points), "o", markerfacecolor="none", color=theme.series[0], markersize=6)
        axes.plot([mean(points)] * 2, [row - 0.3, row + 0.3], color=theme.ink, linewidth=2)
        said.append(f"{ARMS[arm].title} {mean(points):+.1f} ± {spread_of(points):.1f} ({len(points)} seeds)")
        if mine and arm in mine:
            axes.plot([100 * mine[arm]], [row], "D", color=theme.series[1], markersize=8)
            said.append(f"yours {100 * mine[arm]:+.1f}")
    axes.axvline(0, color=theme.ink, linewidth=0.8)
    axes.set_yticks(range(len(arms)), [ARMS[arm].title for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.5)  # the first on top
    label(axes, theme, title=READ[ground, reading], x="points gained over its own start; ring: a seed, bar: the mean")
    figure.alt = f"Points gained on {READ[ground, reading]}. {'; '.join(said)}."
    return figure


def gains_table(ground: str, reading: str, arms: Sequence[str] = LADDER) -> str:
    """What each arm cost and gained: its steps, its score before, and the points gained, mean ± deviation and every seed."""
    lines = [READ[ground, reading], f"{'':<26}steps  untrained  gained, in points"]
    for arm in arms:
        found, points = runs(ground, arm), [100 * gain for gain in gains(ground, arm, reading)]
        steps, start = found[0]["steps"], mean(run["readings"][0][reading] for run in found)
        steps = sum(steps) if isinstance(steps, list) else steps
        each = " ".join(f"{point:+.1f}" for point in points)
        lines.append(
            f"{ARMS[arm].title:<26}{steps:>5,}  {start:<9.3f}  {mean(points):+5.1f} ± {spread_of(points):.1f}   {each}"
        )
    return "\n".join(lines)


def paper_table() -> str:
    """The paper's Table 5 beside what was recorded here: GLUE, and points gained on the two grounds."""
    lines = [f"{'':<16}{'GLUE, paper':>12}{'real text, BLiMP':>20}{'world, minimal pairs':>22}"]
    for arm in LADDER:
        cells = [
            f"{mean(points):+.1f} ± {spread_of(points):.1f}"
            for ground, reading in (("real", "grammar"), ("world", "pairs"))
            for points in [[100 * gain for gain in gains(ground, arm, reading)]]
        ]
        lines.append(f"{ARMS[arm].title:<16}{PAPER[arm]:>12.1f}{cells[0]:>20}{cells[1]:>22}")
    return "\n".join(lines)


def over_bands(
    reading: str, arms: Sequence[str], mine: Sequence[dict[str, float]] = (), *, dark: bool | None = None
) -> Picture:
    """A reading of the little world over the share of the compute: the recorded seeds of some arms as bands, your run as a line."""
    titles = {name: arm.title for name, arm in ARMS.items()}
    return arms_picture(reading, arms, mine, bands=band, titles=titles, dark=dark)


def clear(ground: str, reading: str, one: str, other: str) -> str:
    """The difference of two arms' mean gains against twice the larger deviation, in words."""
    first, second = (gains(ground, arm, reading) for arm in (one, other))
    difference, spread = 100 * (mean(first) - mean(second)), 100 * max(spread_of(first), spread_of(second))
    verdict = "clear" if abs(difference) >= 2 * spread else "not clear"
    return f"{ARMS[one].title} − {ARMS[other].title}: {difference:+.1f} points, twice the spread {2 * spread:.1f}: {verdict}"
