"""Which words a judgement hangs on: what deleting each one changes, and where attention looks."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from electra_helpers.language import worded
from electra_helpers.tasks.interpret import Clues
from electra_helpers.view.plots.style import FONTS, Picture, Theme, label, picture, theme_of

MOST_SHOWN = 16  # words; of a longer text those that matter most, in order, with … for the others
LOW = 0.1  # a bar of full height: what is smaller is not drawn as large
TALL = 1.5  # height of the tallest bar, in units of the picture
FLAT = 0.02  # a lower bar is not drawn: it would be nothing but its edge
GAP = "…"


def clue_finder(clues: Clues, *, dark: bool | None = None) -> Picture:
    """Above the words an arc to the one whose deletion moves P(replaced) most, below one to where attention goes; bars for all.

    Of a long text the 16 words with the largest change or attention are shown. A filled bar says that P rises without the word, an
    outlined one that it falls.

    >>> from electra_helpers.tasks.interpret import Clues
    >>> from electra_helpers.view.plots import clue_finder
    >>> clue_finder(Clues(["[CLS]", "cat", "sat", "[SEP]"], 2, 0.1, [0, 0.5, 0, 0], [0.7, 0.2, 0.1, 0])).alt
    'P(replaced) of sat is 0.10. Deleting cat moves it most, by +0.50; attention looks most at [CLS] (0.70).'

    Built in notebook 07.
    """
    theme, change, attention = theme_of(dark), np.asarray(clues.change), np.asarray(clues.attention)
    others = [i for i in range(len(clues.tokens)) if i != clues.position]
    clue, seen = (max(others, key=lambda i: values[i]) for values in (abs(change), attention))
    columns = _columns(clues, others)
    places = {i: x for x, i in enumerate(columns) if i is not None}
    figure, (axes,) = picture(theme, width=max(6.4, 0.42 * len(columns) + 0.8), height=4.0)
    _words(axes, theme, clues, columns, {clue, clues.position})
    heights = {i: TALL * abs(change[i]) / max(abs(change).max(), LOW) for i in others}
    depths = {i: TALL * attention[i] / max(attention[others].max(), LOW) for i in others}
    for i in sorted(places.keys() & set(others)):
        fill = theme.series[1] if change[i] > 0 else theme.page
        rise = {"bottom": 0.5, "color": fill, "edgecolor": theme.series[1], "linewidth": 1.2}
        if heights[i] > FLAT:
            axes.bar(places[i], heights[i], width=0.6, **rise)
        axes.bar(
            places[i], -depths[i], bottom=-0.5, width=0.6, color=theme.series[0], hatch="///", edgecolor=theme.page
        )
    start = places[clues.position]
    _arc(axes, theme.series[1], (start, 0.6), (places[clue], 0.6 + heights[clue]), _signed(change[clue]), theme)
    _arc(axes, theme.series[0], (start, -0.6), (places[seen], -0.6 - depths[seen]), f"{attention[seen]:.2f}", theme)
    _explain(axes, theme, len(columns), word := clues.tokens[clues.position], clues.p_replaced)
    figure.alt = worded(
        "P(replaced) of {word} is {p_replaced:.2f}. Deleting {clue} moves it most, by {change}; "
        "attention looks most at {seen} ({attention:.2f}).",
        word=word,
        p_replaced=clues.p_replaced,
        clue=clues.tokens[clue],
        change=_signed(change[clue]),
        seen=clues.tokens[seen],
        attention=attention[seen],
    )
    return figure


def _signed(change: float) -> str:
    return f"{change:+.2f}" if round(change, 2) else "0.00"


def _columns(clues: Clues, others: list[int]) -> list[int | None]:
    """The positions to show, in order; None stands for words left out."""
    weight = np.maximum(
        abs(np.asarray(clues.change)) / max(np.abs(clues.change).max(), LOW),
        np.asarray(clues.attention) / max(np.asarray(clues.attention)[others].max(), LOW),
    )
    best = sorted(others, key=lambda i: -weight[i])[: MOST_SHOWN - 1]
    shown = set(range(len(clues.tokens))) if len(clues.tokens) <= MOST_SHOWN else {*best, clues.position}
    columns: list[int | None] = []
    for i in range(len(clues.tokens)):
        if i in shown:
            columns.append(i)
        elif not columns or columns[-1] is not None:
            columns.append(None)
    return columns


def _words(axes: Axes, theme: Theme, clues: Clues, columns: list[int | None], strong: set[int]) -> None:
    slant = {"rotation": 38 if len(columns) > 12 else 0, "ha": "center", "va": "center"}
    for x, i in enumerate(columns):
        look = {
            "color": theme.ink,
            "fontsize": 9,
            "fontfamily": FONTS,
            "fontweight": "bold" if i in strong else "normal",
        }
        axes.text(x, 0, GAP if i is None else clues.tokens[i], **slant, **look)


def _arc(
    axes: Axes, colour: str, start: tuple[float, float], end: tuple[float, float], number: str, theme: Theme
) -> None:
    """An arrow that bows away from the words, with the number at its tip."""
    is_above = start[1] > 0
    bow = 0.35 * min(1, 7 / max(1, abs(end[0] - start[0])))  # a long arc is flatter, so that it stays in the picture
    bend = -bow if is_above == (end[0] > start[0]) else bow
    look = {"arrowstyle": "-|>", "mutation_scale": 14, "color": colour, "linewidth": 2, "shrinkB": 13}
    axes.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={bend}", **look))
    axes.annotate(
        number,
        end,
        (0, 3 if is_above else -3),
        textcoords="offset points",
        ha="center",
        va="bottom" if is_above else "top",
        color=theme.ink,
        fontsize=9,
        fontweight="bold",
    )


def _explain(axes: Axes, theme: Theme, n: int, word: str, p: float) -> None:
    """Title, and what is above and below the words."""
    axes.set(xlim=(-0.7, n - 0.3), ylim=(-3.2, 3.2))
    axes.set_axis_off()
    label(axes, theme, title=worded("What decides about “{word}”? P(replaced) = {p:.2f}", word=word, p=p))
    above = worded("Above: how P moves when the word is deleted; filled: it rises, outlined: it falls")
    axes.text(0, 1, above, color=theme.ink, fontsize=9, va="top", transform=axes.transAxes)
    below = worded("Below: attention of the last layer, mean over its heads")
    axes.text(0, 0, below, color=theme.ink, fontsize=9, va="bottom", transform=axes.transAxes)
