"""Pictures of notebook 06: the arms over their bands of seeds, and the five sheets of exercise 06.4."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import mean, stdev

from electra_helpers.course.exercises.n06_joint_pretraining import SHEETS
from electra_helpers.course.labs.objectives import ARMS, CLAIM, band, gains, last_scores, recorded
from electra_helpers.language import ENTRY, ITEMS, STATEMENTS, joined, padded, worded, wording
from electra_helpers.view.plots.places import label_ends
from electra_helpers.view.plots.style import LINES, MARKERS, Picture, label, legend, picture, theme_of

READ = {
    "pairs": wording("minimal pairs preferred rightly"),
    "outcome": wording("outcome of a story read rightly"),
    "accuracy": wording("generator's accuracy at hidden words"),
    "entropy": wording("entropy of the generator's guesses (nats)"),
}
NAMED = {
    "pairs": wording("pairs"),
    "outcome": wording("outcome"),
    "accuracy": wording("accuracy"),
    "entropy": wording("entropy"),
}  # the same in a word, at the axis
# What stands in a column of the sheets, and from where to where its axis goes; the two losses are of different sizes.
COLUMNS = {
    (wording("MLM loss"),): (0, 8),
    (wording("RTD loss"),): (0.25, 0.7),
    (wording("labelled replaced"),): (0.09, 0.18),
    (wording("AUC own fakes"), wording("AUC fixed exam")): (0.2, 1.0),
}

TITLES = {name: arm.title for name, arm in ARMS.items()}


def arms_picture(
    reading: str = "pairs",
    arms: Sequence[str] = CLAIM,
    mine: Sequence[dict[str, float]] = (),
    *,
    bands: Callable[[str, str], list[tuple[list[float], list[float]]]] = band,
    titles: Mapping[str, str] = TITLES,
    dark: bool | None = None,
) -> Picture:
    """One reading over the share of the compute spent: each arm a band over its seeds with the median, yours a thick line.

    `bands(arm, reading)` gives the recorded curves, one a seed; `titles` the arms' names for people.
    """
    theme = theme_of(dark)
    figure, (axes,) = picture(theme)
    ends, said = [], []
    for i, arm in enumerate(arms):
        curves = bands(arm, reading)
        x, rows = curves[0][0], list(zip(*(y for _, y in curves), strict=True))
        colour, middle = theme.series[i], [sorted(row)[len(row) // 2] for row in rows]
        axes.fill_between(
            x, [min(row) for row in rows], [max(row) for row in rows], color=colour, alpha=0.2, linewidth=0
        )
        axes.plot(x, middle, color=colour, linestyle=LINES[i], marker=MARKERS[i], markersize=4)
        ends.append((x[-1], middle[-1], titles[arm], colour))
        said.append(
            worded(
                "{titles}, {count} seeds, ends between {lowest:.3g} and {highest:.3g}",
                titles=titles[arm],
                count=len(curves),
                lowest=min(rows[-1]),
                highest=max(rows[-1]),
            )
        )
    found = [(100 * record["compute"], record[reading]) for record in mine if reading in record]
    if found:
        axes.plot(*zip(*found, strict=True), color=theme.ink, linewidth=2.6)
        ends.append((*found[-1], worded("yours"), theme.ink))
        said.append(worded("yours ends at {found:.3g}", found=found[-1][1]))
    label_ends(axes, ends)
    title = worded(READ[reading]).capitalize()
    label(axes, theme, title=title, x="% of the compute", y=NAMED[reading])
    figure.alt = worded("{read} over the share of the compute. {said}.", read=title, said=joined(said))
    return figure


def ahead(reading: str = "pairs", arms: Sequence[str] = CLAIM) -> str:
    """The arm that gained most over its own start, or that it is a tie: all that lie within twice the largest deviation of it."""
    found = {arm: gains(arm, reading) for arm in arms}
    means, spread = {arm: mean(values) for arm, values in found.items()}, max(map(stdev, found.values()))
    best = max(means, key=means.get)
    near = [arm for arm in sorted(means, key=means.get, reverse=True) if means[best] - means[arm] < 2 * spread]
    numbers = joined((f"{arm} {means[arm]:+.3f}" for arm in near), ITEMS)
    return (
        f"{best} ({numbers})"
        if len(near) == 1
        else worded("a tie ({numbers}; twice the spread {spread:.3f})", numbers=numbers, spread=2 * spread)
    )


def arms_table(reading: str = "pairs", arms: Sequence[str] = CLAIM) -> str:
    """The last reading of each arm, mean ± standard deviation and every seed, beside the mean before training."""
    lines = [
        worded("{read}, at the end", read=READ[reading]),
        f"{'':<32}{worded('steps  untrained  trained        seeds')}",
    ]
    for arm in arms:
        values, steps = last_scores(arm, reading), recorded()["arms"][arm][0]["steps"]
        seeds = " ".join(f"{value:.3f}" for value in values)
        start = mean(y[0] for _, y in band(arm, reading))
        lines.append(
            f"{padded(ARMS[arm].title, 32)}{steps:>5,}  {start:<9.3f}  {mean(values):.3f} ± {stdev(values):.3f}  {seeds}"
        )
    return "\n".join(lines)


def sheets_picture(*, dark: bool | None = None) -> Picture:
    """Five recorded runs, A to E, a row each: the losses, the share labelled as replaced, both AUCs."""
    theme, sheets = theme_of(dark), recorded()["sheets"]
    figure, axes = picture(theme, width=11.5, height=10.5, shape=(len(SHEETS), len(COLUMNS)))
    said = []
    for row, (letter, name) in enumerate(SHEETS.items()):
        parts = []
        for column, (names, limits) in enumerate(COLUMNS.items()):
            panel = axes[len(COLUMNS) * row + column]
            for i, curve in enumerate(names):
                steps, values = sheets[name][curve]
                panel.plot(
                    steps,
                    values,
                    color=theme.series[i],
                    linestyle=LINES[i],
                    marker=MARKERS[i],
                    markersize=3,
                    label=curve,
                )
                middle = values[len(values) // 2]
                numbers = joined((f"{value:.2f}" for value in (values[0], middle, values[-1])), ITEMS)
                parts.append(f"{worded(curve)} {numbers}")
            label(panel, theme, title=f"{letter} · {worded(names[0]) if len(names) == 1 else 'AUC'}")
            panel.set_ylim(*limits)
            if len(names) > 1 and row == len(SHEETS) - 1:  # one for the column, below it: inside it would cover a curve
                legend(panel, theme, loc="upper right", bbox_to_anchor=(1, -0.16))
        said.append(worded(ENTRY, name=letter, said=joined(parts)))
    figure.alt = worded(
        "Five runs, each curve at its first, middle and last point. {said}.", said=joined(said, STATEMENTS)
    )
    return figure
