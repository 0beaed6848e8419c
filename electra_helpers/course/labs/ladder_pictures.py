"""Pictures and tables of notebook 15: what each arm gained over its own start, seed by seed, with Table 5 and Figure 3 beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from electra_helpers.course.labs.ladder import ARMS, LADDER, PAPER, band, gains, runs, scores
from electra_helpers.course.labs.objectives_pictures import arms_picture
from electra_helpers.course.labs.three_objectives import is_beyond
from electra_helpers.language import joined, padded, worded, wording
from electra_helpers.view.plots.style import Picture, label, picture, theme_of

READ = {
    ("real", "blimp"): wording("BLiMP, the arm's own way to score a sentence"),
    ("real", "grammar"): wording("BLiMP, a linear probe on the frozen encoder"),
    ("real", "reviews"): wording("reviews, a linear probe that learned from 64"),
    ("world", "pairs"): wording("minimal pairs of the little world, a linear probe"),
    ("world", "outcome"): wording("outcome of a story, a linear probe"),
}


def with_spread(points: Sequence[float], sign: str = "") -> str:
    """Mean ± standard deviation over seeds; of one seed no deviation."""
    return (
        f"{mean(points):{sign}.1f} ± {stdev(points):.1f}"
        if len(points) > 1
        else worded("{mean:{sign}.1f} (one seed)", mean=mean(points), sign=sign)
    )


def gains_picture(
    ground: str,
    reading: str,
    arms: Sequence[str] = LADDER,
    mine: dict[str, float] | None = None,
    *,
    dark: bool | None = None,
) -> Picture:
    """For each arm the gain of every seed as a ring, their mean as a bar, and your run (arm → gain) as a diamond, in points."""
    values = {arm: gains(ground, arm, reading) for arm in arms}
    return _dots(
        values,
        mine or {},
        worded("Points gained: {read}", read=READ[ground, reading]),
        wording("points gained over its own start"),
        0.0,
        dark,
    )


def scores_picture(reading: str, arms: Sequence[str], *, chance: float = 0.5, dark: bool | None = None) -> Picture:
    """The same on real text for the scores at the end, in percent, with a line at chance: for heads that know nothing at the start."""
    values = {arm: scores("real", arm, reading) for arm in arms}
    return _dots(
        values,
        {},
        worded("Right: {read}", read=READ["real", reading]),
        wording("% right at the end; the line: a coin"),
        chance,
        dark,
    )


def _dots(
    values: Mapping[str, Sequence[float]], mine: Mapping[str, float], title: str, x: str, line: float, dark: bool | None
) -> Picture:
    """Rows of rings, one a seed, a bar at their mean, and a diamond for a learner's run; all in hundredths."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, height=1.2 + 0.42 * len(values))
    said = []
    for row, (arm, found) in enumerate(values.items()):
        points = [100 * value for value in found]
        axes.plot(points, [row] * len(points), "o", markerfacecolor="none", color=theme.series[0], markersize=6)
        axes.plot([mean(points)] * 2, [row - 0.3, row + 0.3], color=theme.ink, linewidth=2)
        seeds = worded(" ({count} seeds)", count=len(points)) if len(points) > 1 else ""
        said.append(f"{worded(ARMS[arm].title)} {with_spread(points)}{seeds}")
        if arm in mine:
            axes.plot([100 * mine[arm]], [row], "D", color=theme.series[1], markersize=8)
            said.append(worded("yours {mine:.1f}", mine=100 * mine[arm]))
    axes.axvline(100 * line, color=theme.ink, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(values)), [worded(ARMS[arm].title) for arm in values])
    axes.set_ylim(len(values) - 0.5, -0.5)  # the first on top
    label(axes, theme, title=title, x=worded("{x}; ring: a seed, bar: the mean", x=x))
    figure.alt = worded("{title}. {said}.", title=title, said=joined(said))
    return figure


def gains_table(ground: str, reading: str, arms: Sequence[str] = LADDER) -> str:
    """What each arm took and reached: its steps, its score before and after, and the points gained, mean ± deviation and every seed."""
    head = worded("steps  before  after   gained, in points")
    lines = [worded(READ[ground, reading]), f"{'':<26}{head}"]
    for arm in arms:
        found, points = runs(ground, arm), [100 * gain for gain in gains(ground, arm, reading)]
        steps, start = found[0]["steps"], mean(run["readings"][0][reading] for run in found)
        steps = sum(steps) if isinstance(steps, list) else steps
        each = " ".join(f"{point:+.1f}" for point in points)
        lines.append(
            f"{padded(ARMS[arm].title, 26)}{steps:>5,}  {start:.3f}   {mean(scores(ground, arm, reading)):.3f}"
            f"  {with_spread(points, '+'):<16} {each}"
        )
    return "\n".join(lines)


def paper_table() -> str:
    """The paper's Table 5 beside what was recorded here: GLUE; the score on BLiMP, in %; points gained by the two probes."""
    heads = [wording("GLUE, paper"), wording("BLiMP, own way"), wording("BLiMP, probe"), wording("world, probe")]
    lines = [" " * 16 + "".join(padded(head, 18 if i else 12, right=True) for i, head in enumerate(heads))]
    for arm in LADDER:
        found = (
            ("", scores("real", arm, "blimp")),
            ("+", gains("real", arm, "grammar")),
            ("+", gains("world", arm, "pairs")),
        )
        cells = "".join(f"{with_spread([100 * value for value in values], sign):>18}" for sign, values in found)
        lines.append(f"{padded(ARMS[arm].title, 16)}{PAPER[arm]:>12.1f}{cells}")
    return "\n".join(lines)


# Who is above whom in the paper's Figure 3 (sizes of the generator, ways to train), and tied above untied in its Section 3.2.
PAPER_SAYS = (
    ("generator 1/4", "generator 1/8"),
    ("generator 1/4", "generator 1"),
    ("generator 1/2", "generator 1"),
    ("rtd", "unigram"),
    ("rtd", "two-stage"),
    ("rtd", "adversarial"),
    ("adversarial", "mlm"),
    ("tied", "untied"),
)


def apart(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """The difference of two means, and twice the larger standard deviation that it is read against."""
    return mean(one) - mean(other), 2 * max(stdev(one), stdev(other))


def beside_the_paper(reading: str = "pairs") -> str:
    """Which arm is above which in the paper, pair by pair, and whether the gains on the little world say so."""
    names = padded("above, in the paper", 26) + padded("below", 26)
    heads = (wording("points apart"), wording("twice the spread"), wording("here"))
    lines = [names + "".join(padded(head, 18) for head in heads)]
    for above, below in PAPER_SAYS:
        both = gains("world", above, reading), gains("world", below, reading)
        difference, twice = apart(*both)
        agrees = wording("agrees") if difference > 0 else wording("the other way round")
        cells = (f"{100 * difference:+.1f}", f"{100 * twice:.1f}", agrees if is_beyond(*both) else "not clear")
        names = "".join(padded(ARMS[arm].title, 26) for arm in (above, below))
        lines.append(names + "".join(padded(cell, 18) for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def over_bands(
    reading: str, arms: Sequence[str], mine: Sequence[dict[str, float]] = (), *, dark: bool | None = None
) -> Picture:
    """A reading of the little world over the share of the compute: the recorded seeds of some arms as bands, your run as a line."""
    titles = {name: arm.title for name, arm in ARMS.items()}
    return arms_picture(reading, arms, mine, bands=band, titles=titles, dark=dark)
