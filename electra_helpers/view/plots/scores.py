"""Pictures of judgements: are they honest, where do they fail, what is a threshold worth, which words decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from electra_helpers.errors import ElectraError
from electra_helpers.tasks.inside import Clues
from electra_helpers.view.plots.style import FONTS, LINES, MARKERS, Picture, Theme, label, legend, picture, theme_of

DOTS = 1000


def calibration(
    p: Sequence[float],
    truth: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    bins: int = 10,
    dark: bool | None = None,
) -> Picture:
    """P(replaced) against how often it comes true, in bins with equal numbers; one line a group.

    `truth` is 0/1 labels, or the oracle's P. The diagonal is honesty; the alt text gives each group's mean gap.

    >>> from electra_helpers.view.plots import calibration
    >>> calibration([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 1], bins=2).alt
    'P(replaced) against the truth on 4 tokens. all: mean gap 0.10 over 4 tokens.'

    Built in notebook 05.
    """
    theme = theme_of(dark)
    p, truth = np.asarray(p, dtype=float), np.asarray(truth, dtype=float)
    if p.shape != truth.shape:
        raise ElectraError(f"{len(p)} probabilities but {len(truth)} truths: they belong together one by one.")
    names = np.asarray(groups if groups is not None else ["all"] * len(p))
    figure, (axes,) = picture(theme, height=4.2)
    axes.plot([0, 1], [0, 1], color=theme.faint, linewidth=1.5)
    axes.annotate("honest", (0.02, 0.06), color=theme.ink, fontsize=9, rotation=35)
    said = []
    for i, name in enumerate(sorted(set(names))):
        order = np.flatnonzero(names == name)[np.argsort(p[names == name], kind="stable")]
        parts = [part for part in np.array_split(order, bins) if len(part)]
        x, y = np.array([[p[part].mean(), truth[part].mean()] for part in parts]).T
        axes.plot(
            x, y, color=theme.series[i % 5], marker=MARKERS[i % 5], linestyle=LINES[i % 5], label=name, markersize=5
        )
        gap = np.average(abs(x - y), weights=[len(part) for part in parts])
        said.append(f"{name}: mean gap {gap:.2f} over {len(order):,} tokens")
    if len(said) > 1:
        legend(axes, theme, loc="upper left")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    label(
        axes, theme, title="Does P(replaced) keep its word?", x="P(replaced), mean of a bin", y="share that is replaced"
    )
    figure.alt = f"P(replaced) against the truth on {len(p):,} tokens. {'; '.join(said)}."
    return figure


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
                label=None if row else ("replaced and found", "original and flagged")[colour],
            )
            shown = f"{share:.0%} of {whole:,}".replace("%", " %") if whole else "none seen"
            axes.annotate(
                shown,
                (share, row + offset),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=theme.ink,
            )
    axes.set_yticks(range(len(rates)), rates)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.18)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    legend(axes, theme, loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2)
    said = [f"{n} {_percent(h, f)} of {f}, {_percent(a, o)} of {o}" for n, (h, f, a, o) in rates.items()]
    figure.alt = f"Found of the replaced, flagged of the original: {'; '.join(said)}."
    return figure


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"


def threshold_and_prior(recall: float, false_alarms: float, prior: float, *, dark: bool | None = None) -> Picture:
    """1,000 words as dots: found, missed, falsely flagged. `recall` and `false_alarms` are shares at a threshold, `prior` of wrong words.

    >>> from electra_helpers.view.plots import threshold_and_prior
    >>> threshold_and_prior(0.9, 0.02, 0.01).alt
    'Of 1,000 words 10 are wrong: 9 found, 1 missed; 20 good words are flagged. So 31 % of the flags are right.'

    Built in notebook 13.
    """
    for name, value in (("recall", recall), ("false_alarms", false_alarms), ("prior", prior)):
        if not 0 <= value <= 1:
            raise ElectraError(f"{name} is {value}: it is a share, from 0 to 1.")
    theme = theme_of(dark)
    wrong = round(DOTS * prior)
    found, flagged = round(wrong * recall), round((DOTS - wrong) * false_alarms)
    kinds = (
        (found, "wrong, found", 0, "s"),
        (wrong - found, "wrong, missed", 1, "X"),
        (flagged, "good, flagged", 3, "^"),
    )
    figure, (axes,) = picture(theme, width=7.2, height=3.6)
    start = 0
    for count, name, colour, marker in kinds:
        _dots(axes, start, count, theme.series[colour], marker, 26, f"{count} {name}")
        start += count
    _dots(axes, start, DOTS - start, theme.faint, ".", 24, f"{DOTS - start} good, passed")
    axes.set_axis_off()
    axes.invert_yaxis()
    legend(axes, theme, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=4)
    flags = found + flagged
    right = f"So {100 * found / flags:.0f} % of the flags are right." if flags else "Nothing is flagged."
    label(axes, theme, title=right)
    figure.alt = f"Of 1,000 words {wrong} are wrong: {found} found, {wrong - found} missed; {flagged} good words are flagged. {right}"
    return figure


def _dots(axes: Axes, start: int, count: int, colour: str, marker: str, size: float, name: str) -> None:
    """Dots number `start` … on a grid of 50 a row, kind after kind."""
    places = np.arange(start, start + count)
    axes.scatter(places % 50, places // 50, color=colour, marker=marker, s=size, label=name, linewidths=0)


def clue_finder(clues: Clues, *, dark: bool | None = None) -> Picture:
    """Above the words an arc to the one whose deletion moves P(replaced) most, below one to where attention goes; bars for all.

    >>> from electra_helpers.tasks.inside import Clues
    >>> from electra_helpers.view.plots import clue_finder
    >>> clue_finder(Clues(["[CLS]", "cat", "sat", "[SEP]"], 2, 0.1, [0, 0.5, 0, 0], [0.7, 0.2, 0.1, 0])).alt
    'P(replaced) of sat is 0.10. Deleting cat moves it most, by +0.50; attention looks most at [CLS] (0.70).'

    Built in notebook 07.
    """
    theme = theme_of(dark)
    n, change, attention = len(clues.tokens), np.asarray(clues.change), np.asarray(clues.attention)
    others = [i for i in range(n) if i != clues.position]
    clue, seen = (max(others, key=lambda i: values[i]) for values in (abs(change), attention))
    figure, (axes,) = picture(theme, width=max(6.4, 0.42 * n + 1), height=3.9)
    scale = 1 / max(abs(change).max(), 1e-9), 1 / max(attention[others].max(), 1e-9)
    axes.bar(range(n), abs(change) * scale[0], bottom=0.5, color=theme.series[1], width=0.6)
    axes.bar(
        others,
        -attention[others] * scale[1],
        bottom=-0.5,
        color=theme.series[0],
        width=0.6,
        hatch="///",
        edgecolor=theme.page,
    )
    for i, token in enumerate(clues.tokens):
        weight = "bold" if i in (clue, clues.position) else "normal"
        axes.text(
            i,
            0,
            token,
            rotation=38 if n > 12 else 0,
            ha="center",
            va="center",
            color=theme.ink,
            fontsize=9,
            fontweight=weight,
            fontfamily=FONTS,
        )
    _arc(axes, theme, clues.position, clue, 1.55, theme.series[1])
    _arc(axes, theme, clues.position, seen, -1.55, theme.series[0])
    axes.text(-0.4, 2.45, f"deletion moves P by up to {change[clue]:+.2f}", color=theme.ink, fontsize=9)
    axes.text(-0.4, -2.6, f"attention of the last layer, up to {attention[seen]:.2f}", color=theme.ink, fontsize=9)
    axes.set(xlim=(-0.7, n - 0.3), ylim=(-2.8, 2.8))
    axes.set_axis_off()
    word = clues.tokens[clues.position]
    label(axes, theme, title=f"What decides about “{word}”? P(replaced) = {clues.p_replaced:.2f}")
    figure.alt = (
        f"P(replaced) of {word} is {clues.p_replaced:.2f}. Deleting {clues.tokens[clue]} moves it most, by {change[clue]:+.2f}; "
        f"attention looks most at {clues.tokens[seen]} ({attention[seen]:.2f})."
    )
    return figure


def _arc(axes: Axes, theme: Theme, start: int, end: int, height: float, colour: str) -> None:
    bow = 0.35 * min(1, 7 / max(1, abs(end - start)))  # a long arc is flatter, so that it stays in the picture
    bend = -bow if (height > 0) == (end > start) else bow
    arrow = FancyArrowPatch(
        (start, height),
        (end, height),
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=14,
        color=colour,
        linewidth=2,
    )
    axes.add_patch(arrow)
