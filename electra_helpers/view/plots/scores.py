"""Pictures of judgements: are they honest, where do they fail, what is a threshold worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from electra_helpers.errors import ElectraError
from electra_helpers.language import joined, worded, wording
from electra_helpers.view.plots.style import LINES, MARKERS, Picture, label, legend, picture, theme_of

DOTS = 1000
LOWEST = 3e-4  # where the axes of log odds begin


def calibration(
    p: Sequence[float],
    truth: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    bins: int = 10,
    log_odds: bool = False,
    dark: bool | None = None,
) -> Picture:
    """P(replaced) against how often it comes true, in bins with equal numbers; one line a group.

    `truth` is 0/1 labels, or the oracle's P. The diagonal is honesty; the alt text gives each group's mean gap. With `log_odds` equal
    steps of an axis are equal factors of the odds, so that 0.001 and 0.01 are as far apart as 0.1 and 0.5; a bin without any
    replaced token then stands at the foot.

    >>> from electra_helpers.view.plots import calibration
    >>> calibration([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 1], bins=2).alt
    'P(replaced) against the truth on 4 tokens. all: mean gap 0.10 over 4 tokens.'

    Built in notebook 05.
    """
    theme = theme_of(dark)
    p, truth = _pairs(p, truth)
    names = np.asarray(groups if groups is not None else [worded("all")] * len(p))
    figure, (axes,) = picture(theme, height=4.2)
    ends = (LOWEST, 1 - LOWEST) if log_odds else (0, 1)
    axes.plot(ends, ends, color=theme.faint, linewidth=1.5)
    slope = {"rotation": 45, "rotation_mode": "anchor", "transform_rotates_text": True}
    axes.text(0.98, 0.985, worded("honest"), ha="right", va="bottom", color=theme.ink, fontsize=9, **slope)
    said = []
    for i, name in enumerate(sorted(set(names))):
        order = np.flatnonzero(names == name)[np.argsort(p[names == name], kind="stable")]
        parts = [part for part in np.array_split(order, bins) if len(part)]
        x, y = np.array([[p[part].mean(), truth[part].mean()] for part in parts]).T
        axes.plot(
            x,
            np.maximum(y, LOWEST) if log_odds else y,
            color=theme.series[i % 5],
            marker=MARKERS[i % 5],
            linestyle=LINES[i % 5],
            label=name,
            markersize=5,
        )
        gap = np.average(abs(x - y), weights=[len(part) for part in parts])
        said.append(worded("{name}: mean gap {gap:.2f} over {count:,} tokens", name=name, gap=gap, count=len(order)))
    if len(said) > 1:
        legend(axes, theme, loc="upper left")
    if log_odds:
        _log_odds(axes)
    else:
        axes.set(xlim=(0, 1), ylim=(0, 1))
    label(
        axes, theme, title="Does P(replaced) keep its word?", x="P(replaced), mean of a bin", y="share that is replaced"
    )
    figure.alt = worded("P(replaced) against the truth on {count:,} tokens. {said}.", count=len(p), said=joined(said))
    return figure


def _pairs(p: Sequence[float], truth: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays. Raises `ElectraError` where there are not as many of the one as of the other."""
    p, truth = np.asarray(p, dtype=float), np.asarray(truth, dtype=float)
    if p.shape != truth.shape:
        raise ElectraError(
            worded(
                "{probabilities} probabilities but {truths} truths: they belong together one by one.",
                probabilities=len(p),
                truths=len(truth),
            )
        )
    return p, truth


def _log_odds(axes: Axes) -> None:
    """Both axes by log odds, with the marks named by their probability."""
    marks = [0.001, 0.01, 0.1, 0.5, 0.9, 0.99]
    for axis, limit in ((axes.xaxis, axes.set_xlim), (axes.yaxis, axes.set_ylim)):
        axis.axes.set(**{f"{axis.axis_name}scale": "logit"})
        axis.set_major_locator(FixedLocator(marks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        limit(LOWEST, 1 - 1e-3)


FOUND, FLAGGED = wording("replaced and found"), wording("original and flagged")


def confusion_by_phenomenon(counts: Mapping[str, tuple[int, int, int, int]], *, dark: bool | None = None) -> Picture:
    """For each phenomenon the share of fakes found and of originals flagged; (hits, misses, false alarms, right passes).

    >>> from electra_helpers.view.plots import confusion_by_phenomenon
    >>> confusion_by_phenomenon({"agreement": (9, 1, 2, 98), "tools": (3, 7, 1, 99)}).alt
    'Found of the replaced, flagged of the original: agreement 90 % of 10, 2 % of 100; tools 30 % of 10, 1 % of 100.'

    Built in notebook 07.
    """
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, height=0.9 + 0.5 * len(counts))
    rates = {name: (hit, hit + miss, alarm, alarm + passed) for name, (hit, miss, alarm, passed) in counts.items()}
    for row, (hit, fakes, alarm, originals) in enumerate(rates.values()):
        for offset, part, whole, colour, hatch in ((-0.19, hit, fakes, 0, None), (0.19, alarm, originals, 1, "///")):
            share = part / whole if whole else 0.0
            axes.barh(
                row + offset,
                share,
                height=0.34,
                color=theme.series[colour],
                hatch=hatch,
                edgecolor=theme.page,
                label=None if row else (FOUND, FLAGGED)[colour],
            )
            shown = (
                worded("{part} of {whole:,}", part=_percent(part, whole), whole=whole) if whole else worded("none seen")
            )
            axes.annotate(
                shown,
                (share, row + offset),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=theme.ink,
            )
    axes.set_yticks(range(len(rates)), [worded(name) for name in rates])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.18)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    legend(axes, theme, loc="upper center", bbox_to_anchor=(0.45, -0.5 / len(counts)), ncols=2)
    label(axes, theme, title="What is found, and what is flagged by mistake")
    said = [
        worded(
            "{name} {found} of {fakes}, {flagged} of {originals}",
            name=worded(n),
            found=_percent(h, f),
            fakes=f,
            flagged=_percent(a, o),
            originals=o,
        )
        for n, (h, f, a, o) in rates.items()
    ]
    figure.alt = worded("Found of the replaced, flagged of the original: {said}.", said=joined(said))
    return figure


def _percent(part: int, whole: int) -> str:
    """A share in whole per cent, in tenths below one."""
    if not whole:
        return worded("none")
    return f"{100 * part / whole:.{1 if 0 < part < 0.01 * whole else 0}f} %"


def threshold_and_prior(recall: float, false_alarms: float, prior: float, *, dark: bool | None = None) -> Picture:
    """1,000 words as dots: found, missed, falsely flagged. `recall` and `false_alarms` are shares at a threshold, `prior` of wrong words.

    >>> from electra_helpers.view.plots import threshold_and_prior
    >>> threshold_and_prior(0.9, 0.02, 0.01).alt
    'Of 1,000 words 10 are wrong: 9 found, 1 missed; 20 good words are flagged. So 31 % of the flags are right.'

    Built in notebook 13.
    """
    for name, value in (("recall", recall), ("false_alarms", false_alarms), ("prior", prior)):
        if not 0 <= value <= 1:
            raise ElectraError(worded("{name} is {value}: it is a share, from 0 to 1.", name=name, value=value))
    theme = theme_of(dark)
    wrong = round(DOTS * prior)
    found, flagged = round(wrong * recall), round((DOTS - wrong) * false_alarms)
    kinds = (
        (found, worded("{count} wrong, found", count=found), 0, "s"),
        (wrong - found, worded("{count} wrong, missed", count=wrong - found), 1, "X"),
        (flagged, worded("{count} good, flagged", count=flagged), 3, "^"),
    )
    figure, (axes,) = picture(theme, width=7.2, height=3.4)
    start = 0
    for count, name, colour, marker in kinds:
        _dots(axes, start, count, theme.series[colour], marker, 34, name)
        start += count
    _dots(axes, start, DOTS - start, theme.faint, "o", 9, worded("{count} good, passed", count=DOTS - start))
    axes.set_axis_off()
    axes.invert_yaxis()
    legend(axes, theme, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=4)
    flags = found + flagged
    share = 100 * found / max(flags, 1)
    title = worded("{share:.0f} % of the flags are right.", share=share) if flags else worded("Nothing is flagged.")
    right = worded("So {share:.0f} % of the flags are right.", share=share) if flags else title
    label(axes, theme, title=title)
    figure.alt = worded(
        "Of 1,000 words {wrong} are wrong: {found} found, {missed} missed; {flagged} good words are flagged. {right}",
        wrong=wrong,
        found=found,
        missed=wrong - found,
        flagged=flagged,
        right=right,
    )
    return figure


def _dots(axes: Axes, start: int, count: int, colour: str, marker: str, size: float, name: str) -> None:
    """Dots number `start` … on a grid of 50 a row, kind after kind."""
    places = np.arange(start, start + count)
    axes.scatter(places % 50, places // 50, color=colour, marker=marker, s=size, label=name, linewidths=0)
