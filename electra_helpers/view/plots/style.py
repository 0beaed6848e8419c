"""How every picture looks: light or dark, colours that colour-blind readers tell apart, and words for those who do not see it."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from electra_helpers.language import ITEMS, joined, worded
from electra_helpers.view.plots.fonts import FONTS, prepare_texts

PIXELS_PER_INCH = 96
WIDTH, HEIGHT = 6.4, 3.4  # inches
# Okabe and Ito (2008): distinct with every kind of colour blindness; the black of the set is the ink of the theme.
BLUE, ORANGE, GREEN, PINK, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
DARK_BLUE, DARK_ORANGE, DARK_GREEN, DARK_PINK, DARK_SKY = "#5AB0EE", "#F28E3C", "#2FC79C", "#E3A0C6", "#9AD4F5"
LINES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 3)))
MARKERS = ("o", "s", "^", "D", "v")


@dataclass(frozen=True)
class Theme:
    """The colours of one theme: page, text, thin lines, and five series."""

    page: str
    ink: str
    faint: str
    series: tuple[str, ...]
    heat: str  # colour map from the page's own colour on


LIGHT = Theme("#ffffff", "#1a1a1a", "#c9c9c9", (BLUE, ORANGE, GREEN, PINK, SKY), "Oranges")
DARK = Theme("#111111", "#f2f2f2", "#4a4a4a", (DARK_BLUE, DARK_ORANGE, DARK_GREEN, DARK_PINK, DARK_SKY), "inferno")


class Picture(Figure):
    """A figure with `alt`, a sentence made from the numbers that it shows; in a notebook it is a PNG with that text."""

    alt: str = ""

    def draw(self, renderer: Any) -> None:
        with prepare_texts(self):
            super().draw(renderer)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": png(self), "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def png(figure: Figure) -> bytes:
    """The figure as a small PNG: a palette of 256 colours is a third of the size and keeps every colour of the theme."""
    from PIL import Image

    raw, small = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", dpi=PIXELS_PER_INCH, facecolor=figure.get_facecolor(), bbox_inches="tight")
    Image.open(raw).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def theme_of(dark: bool | None) -> Theme:
    """Light unless `dark` says otherwise; None reads ELECTRA_THEME (light or dark)."""
    wanted = os.environ.get("ELECTRA_THEME", "light") == "dark" if dark is None else dark
    return DARK if wanted else LIGHT


def picture(
    theme: Theme, *, width: float = WIDTH, height: float = HEIGHT, shape: tuple[int, int] = (1, 1), **grid: Any
) -> tuple[Picture, list[Axes]]:
    """An empty picture with its axes in reading order."""
    figure = Picture(figsize=(width, height), facecolor=theme.page, layout="constrained")
    axes = list(figure.subplots(*shape, squeeze=False, **grid).flat)
    for one in axes:
        dress(one, theme)
    return figure, axes


def dress(axes: Axes, theme: Theme) -> None:
    """Ink and paper of the theme; no frame above and at the right."""
    axes.set_facecolor(theme.page)
    axes.tick_params(colors=theme.ink, labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(theme.faint)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_color(theme.ink)
        text.set_fontsize(10)


def label(axes: Axes, theme: Theme, *, title: str = "", x: str = "", y: str = "") -> None:
    """Title at the left, axes named, all in the learner's language."""
    axes.set_title(worded(title), loc="left", color=theme.ink, fontsize=11, fontweight="bold", fontfamily=FONTS)
    axes.set_xlabel(worded(x))
    axes.set_ylabel(worded(y))


def legend(axes: Axes, theme: Theme, **where: Any) -> None:
    """A legend without a frame, in the theme's ink and the learner's language."""
    handles, names = axes.get_legend_handles_labels()
    axes.legend(handles, [worded(name) for name in names], frameon=False, labelcolor=theme.ink, fontsize=9, **where)


def on(colour: str) -> str:
    """Black or white, whichever is read more easily on a colour."""
    red, green, blue = to_rgb(colour)
    return "#000000" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.4 else "#ffffff"


def words(numbers: Mapping[str, float], unit: str = "") -> str:
    """`a 0.61, b 0.85` for an alt text."""
    return joined((f"{worded(name)} {value:.3g}{unit}" for name, value in numbers.items()), ITEMS)
