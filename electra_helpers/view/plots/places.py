"""Where names go so that none covers another: at the ends of lines, and beside points."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from electra_helpers.language import worded
from electra_helpers.view.plots.style import FONTS, Theme

FONT = 8  # points
RINGS, STEP = 9, 7.0  # how often, and by how many points, a name moves away from its point
AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
MARKER = 3.5  # points from the middle of a marker to its edge

Box = tuple[float, float, float, float]  # left, bottom, right, top in points


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Names at the right ends of lines, (x, y, name, colour), moved apart where they would overlap."""
    low, high = axes.get_ylim()
    ends = sorted(ends, key=lambda end: end[1])
    places = spread([y for _, y, _, _ in ends], gap=(high - low) * 0.07)
    for (x, _, name, colour), y in zip(ends, places, strict=True):
        axes.annotate(worded(name), (x, y), (8, 0), textcoords="offset points", color=colour, fontsize=9, va="center")


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Places at least `gap` apart, as near to the ascending `wanted` ones as they can be: close ones share their shift."""
    groups: list[list[float]] = []  # each: wanted places, less what the names below take up
    for i, y in enumerate(wanted):
        groups.append([y - i * gap])
        while len(groups) > 1 and np.mean(groups[-2]) >= np.mean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    middles = [float(np.mean(group)) for group in groups for _ in group]
    return [middle + i * gap for i, middle in enumerate(middles)]


def name_points(axes: Axes, theme: Theme, points: np.ndarray, names: Sequence[str]) -> list[Box]:
    """Each name at the nearest free place beside its point, `points` (n, 2); a thin line leads to one that had to move away.

    Returns where the names are, in points from the figure's corner. The axes must have their limits.
    """
    axes.figure.draw_without_rendering()  # the layout decides how large the axes are
    middles = axes.transData.transform(points) * 72 / axes.figure.dpi
    taken: list[Box] = [(x - MARKER, y - MARKER, x + MARKER, y + MARKER) for x, y in middles]
    placed = []
    for name, point, (x, y) in zip(names, points, middles, strict=True):
        ring, box = next(spot for spot in _spots(name, x, y) if spot[0] == RINGS or not _covers(spot[1], taken))
        offset = ((box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y)
        line = {"arrowstyle": "-", "color": theme.ink, "alpha": 0.6, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 3}
        shape = {"ha": "center", "va": "center", "color": theme.ink, "fontsize": FONT, "fontfamily": FONTS}
        axes.annotate(
            name, tuple(point), offset, textcoords="offset points", **shape, arrowprops=line if ring else None
        )
        taken.append(box)
        placed.append(box)
    return placed


def _spots(name: str, x: float, y: float) -> Iterator[tuple[int, Box]]:
    """(ring, box) around a point, the nearest first; the last one is taken however crowded it is."""
    columns = sum(1.7 if unicodedata.east_asian_width(c) in "WF" else 1 for c in name)
    wide, high = 0.31 * FONT * columns, 0.62 * FONT  # half of the text's width and height
    for ring in range(RINGS + 1):
        away = MARKER + 1 + ring * STEP
        for dx, dy in AROUND:
            u, v = x + dx * (wide + away), y + dy * (high + away)
            yield ring, (u - wide, v - high, u + wide, v + high)


def _covers(box: Box, taken: Sequence[Box]) -> bool:
    return any(box[0] < t[2] and t[0] < box[2] and box[1] < t[3] and t[1] < box[3] for t in taken)
