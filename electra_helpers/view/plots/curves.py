"""Pictures over training time, and of how rows are packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from electra_helpers.errors import ElectraError
from electra_helpers.language import ENTRY, ITEMS, SENTENCES, STATEMENTS, joined, worded, wording
from electra_helpers.view.plots.places import label_ends
from electra_helpers.view.plots.style import (
    LINES,
    Picture,
    Theme,
    label,
    legend,
    on,
    picture,
    theme_of,
    words,
)

Curve = tuple[Sequence[float], Sequence[float]]
Level = float | tuple[float, float]  # a value to compare with, or one and its error on both sides


VALUES, STEPS = wording("Values"), wording("steps")
PADDED = (
    wording(
        "{rows} rows of {length} tokens hold {documents} documents; {padding} of {total:,} tokens ({share}) are padding."
    ),
    wording(
        "{rows} rows of {length} tokens hold {documents} documents; {padding} of {total:,} tokens ({share}) is padding."
    ),
)  # of several tokens, of one


def _band(seeds: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Steps, lowest, median and highest of several seeds' curves over the same steps."""
    steps = np.asarray(seeds[0][0], dtype=float)
    if any(len(x) != len(steps) or not np.array_equal(x, steps) for x, _ in seeds):
        raise ElectraError(worded("The seeds of a band were measured at different steps: give them the same steps."))
    values = np.asarray([y for _, y in seeds], dtype=float)
    return steps, values.min(0), np.median(values, 0), values.max(0)


def curves(
    runs: Mapping[str, Curve],
    *,
    bands: Mapping[str, Sequence[Curve]] | None = None,
    ceilings: Mapping[str, Level] | None = None,
    title: str = "",
    x: str = "step",
    y: str = "",
    dark: bool | None = None,
) -> Picture:
    """Curves over steps, `runs` name → (steps, values), over the band from lowest to highest seed, with levels to compare with.

    `ceilings` name → value draws a level: the oracle's ceiling, the unigram entropy, a majority class; a pair (value, error) is as wide
    as its error on both sides. `x` names what the steps count.
    Raises `ElectraError` if a band's seeds have different steps.

    >>> from electra_helpers.view.plots import curves
    >>> curves({"yours": ([0, 100], [9.0, 3.5])}, ceilings={"unigram entropy": 5.1}, y="MLM loss").alt
    'MLM loss over steps. yours: 9 at step 0, 3.5 at step 100. Level: unigram entropy 5.1.'

    Built in notebook 03.
    """
    theme = theme_of(dark)
    figure, (axes,) = picture(theme)
    said = [_draw_band(axes, theme, i, name, seeds, x) for i, (name, seeds) in enumerate((bands or {}).items())]
    ends = []
    for i, (name, (steps, values)) in enumerate(runs.items()):
        axes.plot(steps, values, color=theme.series[i % 5], linewidth=2, linestyle=LINES[i % 5])
        ends.append((steps[-1], values[-1], name, theme.series[i % 5]))
        said.append(
            worded(
                "{name}: {first:.3g} at {x} {start:,}, {last:.3g} at {x} {end:,}",
                name=worded(name),
                first=values[0],
                x=worded(x),
                start=steps[0],
                last=values[-1],
                end=steps[-1],
            )
        )
    for name, value in (ceilings or {}).items():
        _draw_level(axes, theme, name, value)
    label_ends(axes, ends)
    if bands:
        legend(axes, theme, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    label(axes, theme, title=title, x=x, y=y)
    about = {"y": worded(y or VALUES), "x": worded(STEPS if x == "step" else x), "said": joined(said)}
    over = [worded("{y} over {x}. {said}.", **about)]
    if ceilings:
        over.append(worded("Level: {ceilings}.", ceilings=_levels(ceilings)))
    said_of_all = joined(over, SENTENCES)
    figure.alt = worded(ENTRY, name=worded(title), said=said_of_all) if title else said_of_all
    return figure


def _draw_band(axes: Axes, theme: Theme, i: int, name: str, seeds: Sequence[Curve], x: str) -> str:
    """From the lowest to the highest seed, edged, with the median in it; returns it in words."""
    colour, (steps, low, middle, high) = theme.series[-1 - i], _band(seeds)
    axes.fill_between(steps, low, high, color=colour, alpha=0.22, linewidth=0)
    for edge in (low, high):
        axes.plot(steps, edge, color=colour, linewidth=0.8)
    axes.plot(
        steps,
        middle,
        color=colour,
        linewidth=1.6,
        linestyle=LINES[1 + i],
        label=worded("{name}: {count} seeds, median", name=worded(name), count=len(seeds)),
    )
    return worded(
        "{name}, {count} seeds: {low:.3g} to {high:.3g} at {x} {steps:,.0f}",
        name=worded(name),
        count=len(seeds),
        low=low[-1],
        high=high[-1],
        x=worded(x),
        steps=steps[-1],
    )


def _levels(ceilings: Mapping[str, Level]) -> str:
    said = []
    for name, level in ceilings.items():
        value, error = level if isinstance(level, tuple) else (level, 0.0)
        said.append(f"{worded(name)} {value:.3g}" + (f" ± {error:.2g}" if error else ""))
    return joined(said, ITEMS)


def _draw_level(axes: Axes, theme: Theme, name: str, level: Level) -> None:
    """A dotted line across the picture with its name on it, in a strip as wide as its error."""
    value, error = level if isinstance(level, tuple) else (level, 0.0)
    if error:
        axes.axhspan(value - error, value + error, color=theme.ink, alpha=0.15, linewidth=0)
    axes.axhline(value, color=theme.ink, linewidth=1, linestyle=LINES[2])
    where = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right"}
    axes.annotate(worded(name), (1, value), (-4, 3), **where, color=theme.ink, fontsize=9)


def two_exams(
    steps: Sequence[float],
    own: Sequence[float],
    fixed: Mapping[str, Sequence[float]],
    *,
    ceilings: Mapping[str, float] | None = None,
    dark: bool | None = None,
) -> Picture:
    """AUC on the net's own fakes and on fixed exams over the same steps: the first may fall while the model improves.

    >>> from electra_helpers.view.plots import two_exams
    >>> two_exams([0, 500], [0.55, 0.7], {"uniform fakes": [0.5, 0.93]}).alt.split(". ")[0]
    'AUC from step 0 to 500: own fakes 0.55 to 0.7'

    Built in notebook 06.
    """
    theme = theme_of(dark)
    figure, (axes,) = picture(theme)
    ends = []
    exams = {wording("own fakes"): own, **fixed}
    for i, (name, values) in enumerate(exams.items()):
        colour = theme.series[(i + 1) % 5]
        style = {"linewidth": 2.4, "linestyle": LINES[1]} if i == 0 else {"linewidth": 2, "linestyle": LINES[0]}
        axes.plot(steps, values, color=colour, **style, marker="os^Dv"[i % 5], markersize=4)
        ends.append((steps[-1], values[-1], name, colour))
    axes.axhline(0.5, color=theme.faint, linewidth=1)
    for name, value in (ceilings or {}).items():
        axes.hlines(value, steps[0], steps[-1], color=theme.ink, linewidth=1, linestyle=LINES[2])
        ends.append((steps[-1], value, name, theme.ink))
    axes.set_ylim(min(0.45, *own), 1.01)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    label_ends(axes, ends)
    label(axes, theme, title="Own fakes get harder; a fixed exam does not", x="step", y="AUC (0.5 = guessing)")
    said = [
        worded("{name} {first:.3g} to {last:.3g}", name=worded(name), first=values[0], last=values[-1])
        for name, values in exams.items()
    ]
    limits = worded(". Ceilings: {ceilings}", ceilings=words(ceilings)) if ceilings else ""
    figure.alt = worded(
        "AUC from step {start:,} to {end:,}: {values}{limits}.",
        start=steps[0],
        end=steps[-1],
        values=joined([said[0], joined(said[1:], ITEMS)], STATEMENTS),
        limits=limits,
    )
    return figure


def packing_strip(
    rows: Sequence[Sequence[int]],
    documents: Sequence[Sequence[int | None]],
    *,
    pad_id: int = 0,
    dark: bool | None = None,
) -> Picture:
    """Packed rows as strips: each document in its colour, specials as thin gaps, padding hatched.

    `rows` are the ids, `documents` the number of the document that each token comes from (None: a special token or padding).

    >>> from electra_helpers.view.plots import packing_strip
    >>> packing_strip([[2, 7, 8, 3], [2, 9, 3, 0]], [[None, 0, 0, None], [None, 1, None, None]]).alt
    '2 rows of 4 tokens hold 2 documents; 1 of 8 tokens (12 %) is padding.'

    Built in notebook 01.
    """
    theme = theme_of(dark)
    length = max(map(len, rows))
    figure, (axes,) = picture(theme, height=0.9 + 0.34 * len(rows))
    for r, (ids, owners) in enumerate(zip(rows, documents, strict=True)):
        for start, stop, owner in _runs(ids, owners, pad_id):
            style: dict[str, Any] = {"color": theme.series[owner % 5]} if isinstance(owner, int) else {}
            if owner == "padding":
                style = {"facecolor": theme.page, "edgecolor": theme.faint, "hatch": "////", "linewidth": 0.5}
            if owner is None:
                style = {"color": theme.ink}
            axes.barh(r, stop - start, left=start, height=0.72, **style)
            if isinstance(owner, int) and (stop - start) / length > 0.05:
                axes.text(
                    (start + stop) / 2,
                    r,
                    str(owner),
                    ha="center",
                    va="center",
                    fontsize=9,
                    color=on(style["color"]),
                )
    axes.set_yticks(range(len(rows)), [worded("row {r}", r=r) for r in range(len(rows))])
    axes.invert_yaxis()
    axes.set_xlim(0, length)
    axes.spines["left"].set_visible(False)
    label(
        axes,
        theme,
        title="How the rows are packed",
        x="token (number: its document · narrow: [CLS], [SEP] · hatched: padding)",
    )
    total = sum(map(len, rows))
    padding = sum(list(ids).count(pad_id) for ids in rows)
    found = {owner for owners in documents for owner in owners if owner is not None}
    counted = {"rows": len(rows), "length": length, "documents": len(found), "padding": padding, "total": total}
    share = f"{padding / total:.0%}".replace("%", " %")
    figure.alt = worded(PADDED[padding == 1], **counted, share=share)
    return figure


def _runs(ids: Sequence[int], owners: Sequence[int | None], pad_id: int) -> list[tuple[int, int, Any]]:
    """(start, stop, owner) of neighbouring tokens of one kind; the owner of padding is "padding"."""
    kinds = ["padding" if i == pad_id else owner for i, owner in zip(ids, owners, strict=True)]
    edges = [0, *(i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]), len(kinds)]
    return [(a, b, kinds[a]) for a, b in pairwise(edges)]
