"""A small kit for drawings: boxes, arrows and words on a card of 700 units' width, in a light and a dark palette.

A drawing carries its own background, so it can be read on any page; as a picture (`<img>`) it survives notebooks that are not
trusted yet, where inline SVG is dropped. It follows the theme by `prefers-color-scheme`, which a page sets by `color-scheme`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import quote

from electra_helpers.language import worded

WIDTH = 700  # units; at 700 px a letter is 13 px high
# kind → (fill, line) in light and in dark; each kind is also named in words wherever it is used.
LIGHT = {
    "plain": ("#f1f3f5", "#6b7480"),
    "generator": ("#dcebfb", "#1f5f9f"),
    "discriminator": ("#fde7d3", "#a84e0b"),
    "shared": ("#ece4f7", "#6a42a0"),
    "part": ("#dcf1ec", "#0d6a57"),
}
DARK = {
    "plain": ("#2b3037", "#98a2ae"),
    "generator": ("#17395c", "#7fb8f2"),
    "discriminator": ("#57310f", "#f3a661"),
    "shared": ("#3b2a57", "#bfa0ee"),
    "part": ("#133f36", "#6ccdb5"),
}
# The card, the words and the fainter words: in light, in dark.
PAPER, INK, FAINT = ("#ffffff", "#1d2024"), ("#1c1f23", "#e8eaed"), ("#56606b", "#a9b2bc")
STYLE = """
.eh-drawing { max-width: 100%; height: auto; color-scheme: light dark; }
body[data-jp-theme-light="true"] .eh-drawing, :root[data-theme="light"] .eh-drawing { color-scheme: light; }
body[data-jp-theme-light="false"] .eh-drawing, html[theme="dark"] .eh-drawing, :root[data-theme="dark"] .eh-drawing { color-scheme: dark; }
""".strip()


def _palette(kinds: dict[str, tuple[str, str]], paper: str, ink: str, faint: str) -> str:
    boxes = "".join(f".{kind}{{fill:{fill};stroke:{line}}}" for kind, (fill, line) in kinds.items())
    lines = f".flow{{stroke:{ink}}}.gradient{{stroke:{faint}}}.paper{{fill:{paper};stroke:{faint}}}"
    return f"{boxes}{lines}text{{fill:{ink}}}.faint{{fill:{faint}}}.tip{{fill:{ink}}}.tip-faint{{fill:{faint}}}"


def _style() -> str:
    light, dark = ((PAPER[i], INK[i], FAINT[i]) for i in (0, 1))
    shapes = (
        "text{font:13px system-ui,'Segoe UI',Helvetica,Arial,sans-serif}.bold{font-weight:600}.small{font-size:12px}"
    )
    shapes += ".flow,.gradient{fill:none;stroke-width:1.5}.gradient{stroke-dasharray:5 4}rect,circle{stroke-width:1.3}"
    return f"{shapes}{_palette(LIGHT, *light)}@media(prefers-color-scheme:dark){{{_palette(DARK, *dark)}}}"


def _tip(name: str, style: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path class="{style}" d="M0 0.5 8 4 0 7.5z"/></marker>'
    )


@dataclass(repr=False)
class Drawing:
    """A picture under construction, and then a picture: it shows itself in a notebook and prints its description."""

    alt: str  # what a reader who does not see it is told
    height: int
    parts: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, style: str = "", anchor: str = "middle") -> None:
        self.parts.append(
            f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(worded(words))}</text>'
        )

    def box(self, x: float, y: float, width: float, height: float, words: str, kind: str = "plain") -> None:
        """A rounded box with its words in the middle; a line break starts a new line, all but the first one small."""
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" class="{kind}"/>')
        lines = worded(words).split("\n")
        top = y + height / 2 + 4.5 - 8 * (len(lines) - 1)
        for i, line in enumerate(lines):
            self.text(x + width / 2, top + 16 * i, line, "small" if i else "bold" if kind != "plain" else "")

    def plus(self, x: float, y: float) -> None:
        self.parts.append(f'<circle cx="{x}" cy="{y}" r="12" class="plain"/>')
        self.text(x, y + 5, "+", "bold")

    def arrow(self, *points: tuple[float, float], gradient: bool = False) -> None:
        """An arrow along straight pieces; `gradient`: dashed, for what flows backwards."""
        path = " ".join(f"{'L' if i else 'M'}{x} {y}" for i, (x, y) in enumerate(points))
        kind, tip = ("gradient", "tip-faint") if gradient else ("flow", "tip")
        self.parts.append(f'<path class="{kind}" marker-end="url(#{tip})" d="{path}"/>')

    def wall(self, x: float, y: float, height: float) -> None:
        """Where gradients stop: two short bars across an arrow."""
        for shift in (0, 5):
            self.parts.append(f'<path class="flow" style="stroke-width:2.5" d="M{x + shift} {y}v{height}"/>')

    @contextmanager
    def faded(self, faded: bool = True) -> Iterator[None]:
        """What is drawn inside is there, but not what the picture is about."""
        self.parts.append(f'<g opacity="{0.35 if faded else 1}">')
        yield
        self.parts.append("</g>")

    @property
    def svg(self) -> str:
        tips = _tip("tip", "tip") + _tip("tip-faint", "tip-faint")
        card = f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{self.height - 1}" rx="8"/>'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}"'
            f' height="{self.height}" role="img"><title>{escape(self.alt)}</title><style>{_style()}</style>'
            f"<defs>{tips}</defs>{card}{''.join(self.parts)}</svg>"
        )

    @property
    def html(self) -> str:
        source = quote(self.svg, safe=" =:/,.;()[]{}@!*-")
        return f'<style>{STYLE}</style><img class="eh-drawing" width="{WIDTH}" alt="{escape(self.alt)}" src="data:image/svg+xml,{source}">'

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.alt}
