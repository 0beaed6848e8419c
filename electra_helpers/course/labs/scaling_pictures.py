"""Pictures of notebook 18: what sixteen runs reached by their operations, the line through the best of them, and the paper's own."""

from __future__ import annotations

from collections.abc import Callable as Function
from collections.abc import Mapping, Sequence
from statistics import mean

import numpy as np
from matplotlib.ticker import NullLocator

from electra_helpers.course.labs.scaling import BUDGETS, WIDTHS, frontier, recorded, values
from electra_helpers.language import ITEMS, joined, worded, wording
from electra_helpers.view.plots.places import label_ends
from electra_helpers.view.plots.style import LINES, MARKERS, Picture, label, picture, theme_of

Fit = Function[[Sequence[float], Sequence[float]], tuple[float, float, float]]
READ = {
    wording("nats"): (("nats",), wording("nats per hidden word")),
    wording("exam"): (("auc", "learned"), wording("AUC on the course's fakes")),
}
# GLUE (dev) of ELECTRA-Small by hours on one V100: paper, Table 1.
PAPER_HOURS = {6: 74.1, 12: 76.0, 24: 77.7, 48: 79.0, 96: 79.9}


def _power(value: float) -> str:
    """A budget as people write it: 6e+11 is 6 · 10¹¹."""
    digits, power = f"{value:.1e}".split("e")
    return f"{float(digits):g} · 10{str(int(power)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def runs_picture(mine: Mapping[str, tuple[float, float]] | None = None, *, dark: bool | None = None) -> Picture:
    """Loss and exam over operations: a line for each width through the means, a dot for each seed; `mine`: panel → (operations, value)."""
    theme = theme_of(dark)
    figure, panels = picture(theme, width=10.5, height=4.0, shape=(1, 2))
    said = []
    for axes, (panel, (path, name)) in zip(panels, READ.items(), strict=True):
        ends = []
        for i, width in enumerate(WIDTHS):
            seeds, colour = [values(width, budget, *path) for budget in BUDGETS], theme.series[i]
            middle = [mean(each) for each in seeds]
            axes.plot(BUDGETS, middle, color=colour, linestyle=LINES[i], marker=MARKERS[i], markersize=5)
            for budget, each in zip(BUDGETS, seeds, strict=True):
                axes.plot([budget] * len(each), each, linestyle="", marker=".", color=colour, alpha=0.5)
            ends.append((BUDGETS[-1], middle[-1], worded("width {width}", width=width), colour))
            said.append(
                worded("{panel}, width {width}: ", panel=panel, width=width)
                + joined((f"{y:.2f}" for y in middle), ITEMS)
            )
        if mine and panel in mine:
            axes.plot(*mine[panel], marker="*", markersize=13, color=theme.ink)
            axes.annotate(worded("yours"), mine[panel], (9, 0), textcoords="offset points", color=theme.ink, fontsize=9)
        axes.set_xscale("log")
        axes.set_xticks(BUDGETS, [_power(budget) for budget in BUDGETS])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(y=0.18)  # room for the names of lines that end together
        label_ends(axes, ends)
        label(axes, theme, title=name, x="operations of the whole run")
    shown = joined((f"{budget:.1e}" for budget in BUDGETS), ITEMS)
    figure.alt = worded("At {shown} operations. {said}.", shown=shown, said=joined(said))
    return figure


def line_picture(fit: Fit, to: float = 1.4e18, *, dark: bool | None = None) -> Picture:
    """The best runs at each budget, the line of `fit` through them with twice its error, as far as `to`, and the world's floor."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, width=8.0, height=4.0)
    operations, losses = frontier()
    slope, intercept, error = fit(operations, losses)
    x = np.geomspace(min(operations), to, 60)
    turn = mean(np.log10(operations))  # a line of another slope still goes through the middle of its points
    at = lambda by: 10 ** (slope * np.log10(x) + intercept + by * error * (np.log10(x) - turn))  # noqa: E731 - a formula
    floor = recorded()["limits"]["nats"]
    axes.fill_between(x, at(-2), at(2), color=theme.series[0], alpha=0.2, linewidth=0)
    axes.plot(x, at(0), color=theme.series[0], linestyle=LINES[1])
    axes.plot(operations, losses, linestyle="", marker="o", color=theme.series[0])
    axes.axhline(floor, color=theme.ink, linewidth=1.4)
    axes.annotate(
        worded("no net can be below"),
        (operations[0], floor),
        (0, 5),
        textcoords="offset points",
        color=theme.ink,
        fontsize=9,
    )
    axes.axvline(to, color=theme.faint)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_yticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
    axes.yaxis.set_minor_locator(NullLocator())
    label(axes, theme, title="The line, and where it leads", x="operations", y="nats per hidden word")
    end = float(at(0)[-1])
    figure.alt = worded(
        "Loss over operations, both in logarithms: a line of slope {slope:.3f} ± {error:.3f} through the best runs from "
        "{first:.0e} to {last:.0e} operations; at {to:.1e} it says {end:.2g} nats, the floor is {floor:.2f}.",
        slope=slope,
        error=error,
        first=operations[0],
        last=operations[-1],
        to=to,
        end=end,
        floor=floor,
    )
    return figure


def paper_picture(*, dark: bool | None = None) -> Picture:
    """GLUE of ELECTRA-Small by hours, published, and the line through the first three."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, width=7.0, height=3.4)
    hours, scores = list(PAPER_HOURS), list(PAPER_HOURS.values())
    slope, start = np.polyfit(np.log2(hours[:3]), scores[:3], 1)
    line = [start + slope * np.log2(each) for each in hours]
    axes.plot(hours, line, color=theme.series[1], linestyle=LINES[1])
    axes.plot(hours, scores, color=theme.series[0], marker="o")
    axes.set_xscale("log", base=2)
    axes.set_xticks(hours, [str(each) for each in hours])
    label_ends(
        axes,
        [
            (96, line[-1], worded("the line of the first day"), theme.series[1]),
            (96, scores[-1], worded("published"), theme.series[0]),
        ],
    )
    label(axes, theme, title="ELECTRA-Small: GLUE by hours on a V100 (paper)", x="hours", y="GLUE, dev")
    pairs = ", ".join(worded("{score} after {hour} h", score=score, hour=hour) for hour, score in PAPER_HOURS.items())
    figure.alt = worded(
        "GLUE by hours: {pairs}; the line through the first three reaches {line:.1f} at 96 h.",
        pairs=pairs,
        line=line[-1],
    )
    return figure
