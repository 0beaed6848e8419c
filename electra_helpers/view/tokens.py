"""Tokens with a probability each, as a heat map: one pure function for HTML and one for the terminal.

Neither knows a model: they take lists, so the same picture serves notebooks, static pages, tests and the command line.
The number always stands beside the colour, and nothing is said by colour alone.
"""

import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

from wcwidth import wcswidth

from electra_helpers.errors import ElectraError
from electra_helpers.language import worded
from electra_helpers.terminal import printable

# One hue over the page's own background, never opaque: at p = 1 the text keeps its contrast on white and on black.
HEAT_RGB, HEAT_ALPHA = (222, 108, 12), 0.66
# The same ramp in the terminal's palette of 256: nothing below 0.2, then ever deeper orange under black text.
TERMINAL_HEAT = (None, 223, 222, 215, 208)
MARK_FROM = 0.5  # the terminal stars what is at least this probable

# Shape only: in a notebook that is not trusted yet Jupyter drops this, and heat and numbers must still show.
STYLE = """
.eh-tokens { color-scheme: light dark; color: var(--jp-content-font-color0, CanvasText);
  background: var(--jp-layout-color0, Canvas); font: 15px/1.35 var(--jp-content-font-family, sans-serif);
  margin: .5em 0; padding: .4em; }
.eh-tokens figcaption { font-weight: 600; margin-bottom: .3em; }
.eh-tokens .eh-text { display: flex; flex-wrap: wrap; gap: .35em; }
.eh-tokens .eh-word { display: inline-flex; flex-wrap: wrap; max-width: 100%; border-radius: 4px; overflow: hidden; }
.eh-tokens .eh-token { display: inline-flex; flex-direction: column; align-items: center; min-width: 2em;
  padding: .1em .25em; overflow-wrap: anywhere; }
.eh-tokens u { text-decoration: underline 2px; text-underline-offset: 3px; }
.eh-tokens small { font-size: 11px; font-variant-numeric: tabular-nums; }
.eh-tokens .eh-legend { font-size: 12px; margin: .6em 0 0; }
.eh-tokens .eh-legend .eh-word { vertical-align: middle; }
""".strip()


class Cell(NamedTuple):
    """One token on its way to the page."""

    token: str
    p: float
    word: int | None
    is_replaced: bool


class Column(NamedTuple):
    """One token on its way to the terminal: two texts of one width, one above the other."""

    token: str
    number: str
    p: float
    width: int


def shown(text: str) -> str:
    """The text composed (pieces of Korean may be loose jamo), without what a page or a terminal would obey."""
    return printable(unicodedata.normalize("NFC", text), one_line=True)


def html_text(text: str) -> str:
    """Text for an element of a notebook's output: escaped, and no formula, whatever it holds.

    Jupyter typesets what stands between two $, and what follows a backslash; a sign in an element of its own is left alone.

    >>> html_text("<b> $1 and $2")
    '&lt;b&gt; <span>$</span>1 and <span>$</span>2'
    """
    return escape(text).replace("\\", "<span>\\</span>").replace("$", "<span>$</span>")


def _check_length(name: str, values: Sequence, tokens: Sequence) -> None:
    if len(values) != len(tokens):
        raise ElectraError(
            worded(
                "{tokens} tokens but {values} values in {name}: they belong together one by one. "
                "Were [CLS] and [SEP] counted on one side only?",
                tokens=len(tokens),
                values=len(values),
                name=name,
            )
        )


def _cells(
    tokens: Sequence[str], p: Sequence[float], word_ids: Sequence | None, is_replaced: Sequence | None
) -> list[Cell]:
    word_ids = range(len(tokens)) if word_ids is None else word_ids
    is_replaced = [False] * len(tokens) if is_replaced is None else is_replaced
    for name, values in (("p", p), ("word_ids", word_ids), ("is_replaced", is_replaced)):
        _check_length(name, values, tokens)
    rows = zip(tokens, p, word_ids, is_replaced, strict=True)
    cells = [Cell(shown(token), float(x), word, bool(replaced)) for token, x, word, replaced in rows]
    for position, cell in enumerate(cells):
        if not 0 <= cell.p <= 1:  # NaN fails this too
            raise ElectraError(
                worded(
                    "p[{position}] = {p} (token {token!r}) is no probability: it must lie between 0 and 1. "
                    "Logits go through a sigmoid first.",
                    position=position,
                    p=cell.p,
                    token=cell.token,
                )
            )
    return cells


def _words(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    """The pieces of one word together; every special token (word None) alone."""
    keys = [(i, None) if cell.word is None else (None, cell.word) for i, cell in enumerate(cells)]
    for _, group in groupby(zip(keys, cells, strict=True), key=lambda pair: pair[0]):
        yield [cell for _, cell in group]


def text_direction(tokens: Iterable[str]) -> str:
    """The side the text starts from: right for Arabic or Hebrew; the tokens themselves are isolated from each other."""
    kinds = [unicodedata.bidirectional(c) for token in tokens for c in token]
    return "rtl" if kinds.count("R") + kinds.count("AL") > kinds.count("L") else "ltr"


def heat(p: float) -> str:
    """The colour of a probability as an attribute: translucent, so that it suits a light and a dark page."""
    return f'style="background-color:rgba({",".join(map(str, HEAT_RGB))},{HEAT_ALPHA * p:.3f})"'


def _token_html(cell: Cell) -> str:
    shown, hint = (
        f"<bdi>{html_text(cell.token)}</bdi>",
        worded("{token}: P(replaced) = {p:.4f}", token=cell.token, p=cell.p),
    )
    if cell.is_replaced:
        shown, hint = f"<u>{shown}</u>", worded("{hint}, really replaced", hint=hint)
    number = f"<small>{cell.p:.2f}</small>"
    return f'<span class="eh-token" {heat(cell.p)} title="{escape(hint)}">{shown} {number}</span>'


def _legend_html(*, with_underline: bool) -> str:
    steps = (f'<span class="eh-token" {heat(x)}><small>{x}</small></span>' for x in (0, 0.25, 0.5, 0.75, 1))
    underline = worded(" · <u>underlined</u>: really replaced") if with_underline else ""
    return f'<p class="eh-legend">P(replaced) <span class="eh-word">{" ".join(steps)}</span>{underline}</p>'


def tokens_to_html(
    tokens: Sequence[str],
    p: Sequence[float],
    *,
    word_ids: Sequence[int | None] | None = None,
    is_replaced: Sequence[bool] | None = None,
    title: str | None = None,
) -> str:
    """Paint tokens by their probability of being replaced, as an HTML fragment in the page's light or dark theme.

    `tokens` and `p` are aligned lists of one length, specials included; `word_ids` keeps the pieces of a word together
    (None: a special token), `is_replaced` underlines what really was replaced. Token text is escaped. Raises
    `ElectraError` if the lengths differ or a value of `p` is outside 0 … 1. Built in notebook 00.

    >>> from electra_helpers.view.tokens import tokens_to_html
    >>> html = tokens_to_html(["the", "chef", "<ate>"], [0.01, 0.02, 0.9])
    >>> "<bdi>&lt;ate&gt;</bdi> <small>0.90</small>" in html
    True
    """
    cells = _cells(tokens, p, word_ids, is_replaced)
    words = (f'<span class="eh-word">{"".join(map(_token_html, word))}</span>' for word in _words(cells))
    text = "\n".join(words) or worded("(no tokens)")
    caption = f"<figcaption>{html_text(shown(worded(title)))}</figcaption>\n" if title else ""
    legend = _legend_html(with_underline=is_replaced is not None)
    return (
        f'<figure class="eh-tokens">\n<style>{STYLE}</style>\n{caption}'
        f'<div class="eh-text" dir="{text_direction(c.token for c in cells if c.word is not None)}">\n{text}\n</div>\n{legend}\n</figure>'
    )


def _wants_color(color: bool | None) -> bool:
    if color is not None:
        return color
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _paint(text: str, p: float) -> str:
    shade = TERMINAL_HEAT[min(int(p * len(TERMINAL_HEAT)), len(TERMINAL_HEAT) - 1)]
    return text if shade is None else f"\x1b[38;5;16;48;5;{shade}m{text}\x1b[0m"


def _fit(text: str, width: int) -> str:
    """`text` in exactly `width` columns: cut with an ellipsis, or filled up. A Chinese character takes two columns."""
    if wcswidth(text) > width:
        text = text[: 4 * width]  # spares the loop below a token of a thousand letters
        while wcswidth(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - wcswidth(text))


def _column(cell: Cell, limit: int) -> Column:
    token = f"{'*' if cell.p >= MARK_FROM else ''}{'_' if cell.is_replaced else ''}{cell.token}"
    number = f"{cell.p:.2f}"
    width = min(max(wcswidth(token), len(number)), limit)
    return Column(_fit(token, width), _fit(number, width), cell.p, width)


def _rows(cells: Sequence[Cell], width: int) -> Iterator[list[tuple[int, Column]]]:
    """Rows of (gap before it, column) no wider than `width`; a word is only broken where it is wider than that."""
    row, used = [], 0
    for word in _words(cells):
        columns = [_column(cell, width) for cell in word]
        whole = sum(column.width for column in columns) + len(columns) - 1
        for i, column in enumerate(columns):
            gap = 1 if i else 2
            if row and used + gap + (column.width if i else whole) > width:
                yield row
                row, used = [], 0
            gap = gap if row else 0
            row.append((gap, column))
            used += gap + column.width
    if row:
        yield row


def tokens_to_terminal(
    tokens: Sequence[str],
    p: Sequence[float],
    *,
    word_ids: Sequence[int | None] | None = None,
    is_replaced: Sequence[bool] | None = None,
    color: bool | None = None,
    width: int | None = None,
) -> str:
    """Paint tokens by their probability of being replaced for the terminal: each token, and the number under it.

    Arguments as in `tokens_to_html`; a star marks p ≥ 0.5, an underscore what really was replaced. `color` None paints
    only when standard output is a terminal and NO_COLOR is unset; `width` is in columns, None asks the terminal.
    Raises `ElectraError` as `tokens_to_html` does. Built in notebook 00.

    >>> from electra_helpers.view.tokens import tokens_to_terminal
    >>> print(tokens_to_terminal(["the", "chef", "ate"], [0.01, 0.02, 0.9], color=False))
    the   chef  *ate
    0.01  0.02  0.90
    """
    cells = _cells(tokens, p, word_ids, is_replaced)
    width = width or shutil.get_terminal_size().columns
    paint = _paint if _wants_color(color) else lambda text, p: text
    blocks = []
    for row in _rows(cells, width):
        above = "".join(" " * gap + paint(column.token, column.p) for gap, column in row)
        below = "".join(" " * gap + paint(column.number, column.p) for gap, column in row)
        blocks.append(f"{above.rstrip(' ')}\n{below.rstrip(' ')}")
    return "\n\n".join(blocks) or worded("(no tokens)")
