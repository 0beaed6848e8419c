"""Markdown → HTML for pages: headings with GitHub's anchors, links inside the site, coloured code, formulas set later all at once."""

from __future__ import annotations

import re
from functools import cache
from html import escape, unescape
from typing import Any

import mistune
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from electra_helpers.site.formulas import Formulas
from electra_helpers.site.pages import Anchors, Heading, Page, Places

PYTHON = "ipython3"  # knows the % and ! lines of notebooks
_EMPTY_HEAD = re.compile(r"<th\b([^>]*)></th>")
_TAGS = re.compile(r"<[^>]+>")
_INLINE_CODE = re.compile(r"`([^`]+)`")
_EMPHASIS = re.compile(r"(?<![\w*])\*([^\s*][^*]*)\*(?![\w*])")


def with_cells(html: str) -> str:
    """Heads of tables that say nothing, as cells: a screen reader would announce an empty head."""
    return _EMPTY_HEAD.sub(r"<td\1></td>", html)


def plain(html: str) -> str:
    """The text of a piece of HTML."""
    return unescape(_TAGS.sub("", html))


def coloured(source: str, language: str = PYTHON) -> str:
    """Source code as a block with a class for each kind of token; without colours where the language is unknown."""
    return f'<pre class="code"><code>{highlight(source, _lexer(language), HtmlFormatter(nowrap=True)).rstrip()}</code></pre>'


@cache
def _lexer(language: str) -> Any:
    try:
        return get_lexer_by_name(PYTHON if language == "python" else language)
    except ClassNotFound:
        return get_lexer_by_name("text")


class Renderer(mistune.HTMLRenderer):
    """HTML for one page; headings are collected on the way."""

    def __init__(self, page: Page, places: Places, formulas: Formulas, anchors: Anchors) -> None:
        super().__init__(escape=False)
        self.page, self.places, self.formulas, self.anchors = page, places, formulas, anchors

    def heading(self, text: str, level: int, **_: Any) -> str:
        heading = Heading(level, plain(text), self.anchors.of(plain(text)))
        self.page.headings.append(heading)
        here = f'<a class="anchor" href="#{heading.anchor}" aria-label="{escape(heading.text)}: link">#</a>'
        return f'<h{level} id="{heading.anchor}">{text}{here if level > 1 else ""}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        address = self.places.link(url, self.page)
        return text if address is None else f'<a href="{escape(address)}">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        address = self.places.link(url, self.page) or url
        return f'<img src="{escape(address)}" alt="{escape(plain(text))}" loading="lazy">'

    def block_code(self, code: str, info: str | None = None) -> str:
        return coloured(code.rstrip("\n"), (info or "text").split()[0]) + "\n"

    def block_math(self, text: str) -> str:
        return f'<div class="formula">{self.formulas.place(text, display=True)}</div>\n'

    def inline_math(self, text: str) -> str:
        return self.formulas.place(text, display=False)


def render(source: str, page: Page, places: Places, formulas: Formulas, anchors: Anchors) -> str:
    """The HTML of a document or a notebook's cell; its headings are added to the page's."""
    renderer = Renderer(page, places, formulas, anchors)
    markdown = mistune.create_markdown(renderer=renderer, plugins=["table", "math", "strikethrough"])
    made = markdown(source)
    assert isinstance(made, str)
    return made.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")


def inline(text: str) -> str:
    """A sentence of a docstring: escaped, `code` as code, *this* emphasised."""
    parts = _INLINE_CODE.split(escape(text, quote=False))  # text and code in turn
    return "".join(
        f"<code>{part}</code>" if i % 2 else _EMPHASIS.sub(r"<em>\1</em>", part) for i, part in enumerate(parts)
    )
