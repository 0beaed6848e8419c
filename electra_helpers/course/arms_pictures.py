"""Pictures of notebook 06: the arms over their bands of seeds, and the five sheets of exercise 06.4."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from electra_helpers.course.exercises.n06_joint_pretraining import SHEETS
from electra_helpers.course.objectives import ARMS, CLAIM, band, last_scores, recorded
from electra_helpers.view.plots.places import label_ends
from electra_helpers.view.plots.style import LINES, MARKERS, Picture, label, legend, picture, theme_of

READ = {
    "pairs": "minimal pairs preferred rightly",
    "outcome": "outcome of a story read rightly",
    "accuracy": "generator's accuracy at hidden words",
    "entropy": "entropy of the generator's guesses (nats)",
}
LOSSES, SHARE, AUCS = ("MLM loss", "RTD loss"), ("labelled replaced",), ("AUC own fakes", "AUC fixed exam")


def arms_picture(
    reading: str = "pairs",
    arms: Sequence[str] = CLAIM,
    mine: Sequence[dict[str, float]] = (),
    *,
    dark: bool | None = None,
) -> Picture:
    """One reading over the share of the compute spent: each arm a band over its seeds with the median, yours a thick line."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme)
    ends, said = [], []
    for i, arm in enumerate(arms):
        curves = band(arm, reading)
        x, rows = curves[0][0], list(zip(*(y for _, y in curves), strict=True))
        colour, middle = theme.series[i], [sorted(row)[len(row) // 2] for row in rows]
        axes.fill_between(
            x, [min(row) for row in rows], [max(row) for row in rows], color=colour, alpha=0.2, linewidth=0
        )
        axes.plot(x, middle, color=colour, linestyle=LINES[i], marker=MARKERS[i], markersize=4)
        ends.append((x[-1], middle[-1], ARMS[arm].title, colour))
        said.append(f"{ARMS[arm].title}, {len(curves)} seeds, ends between {min(rows[-1]):.3g} and {max(rows[-1]):.3g}")
    found = [(100 * record["compute"], record[reading]) for record in mine if reading in record]
    if found:
        axes.plot(*zip(*found, strict=True), color=theme.ink, linewidth=2.6)
        ends.append((*found[-1], "yours", theme.ink))
        said.append(f"yours ends at {found[-1][1]:.3g}")
    label_ends(axes, ends)
    label(axes, theme, title=READ[reading].capitalize(), x="% of the compute", y=reading)
    figure.alt = f"{READ[reading].capitalize()} over the share of the compute. {'; '.join(said)}."
    return figure


def arms_table(reading: str = "pairs", arms: Sequence[str] = CLAIM) -> str:
    """The last reading of each arm, mean ± standard deviation and every seed, beside the mean before training."""
    lines = [f"{READ[reading]}, at the end", f"{'':<32}steps  untrained  trained        seeds"]
    for arm in arms:
        values, steps = last_scores(arm, reading), recorded()["arms"][arm][0]["steps"]
        seeds = " ".join(f"{value:.3f}" for value in values)
        start = mean(y[0] for _, y in band(arm, reading))
        lines.append(
            f"{ARMS[arm].title:<32}{steps:>5,}  {start:<9.3f}  {mean(values):.3f} ± {stdev(values):.3f}  {seeds}"
        )
    return "\n".join(lines)


def sheets_picture(*, dark: bool | None = None) -> Picture:
    """Five recorded runs, A to E, a row each: the two losses, the share labelled as replaced, AUC on own fakes and on the fixed exam."""
    theme, sheets = theme_of(dark), recorded()["sheets"]
    figure, axes = picture(theme, width=9.5, height=10.5, shape=(len(SHEETS), 3))
    said = []
    for row, (letter, name) in enumerate(SHEETS.items()):
        parts = []
        for column, names in enumerate((LOSSES, SHARE, AUCS)):
            panel = axes[3 * row + column]
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
                parts.append(f"{curve} {values[0]:.2f}, {middle:.2f}, {values[-1]:.2f}")
            label(panel, theme, title=f"{letter} · {' and '.join(names)}")
            panel.set_ylim(*((0, 8), (0.09, 0.18), (0.2, 1.0))[column])
            if len(names) > 1:
                legend(panel, theme, loc="upper right" if column == 0 else "lower right")
        said.append(f"{letter}: {'; '.join(parts)}")
    figure.alt = f"Five runs, each curve at its first, middle and last point. {'. '.join(said)}."
    return figure
