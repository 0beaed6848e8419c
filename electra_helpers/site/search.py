"""What the search looks through: the text of every section of every page, in one script a language."""

from __future__ import annotations

import json
import re
from pathlib import Path

from electra_helpers.site.markdown import plain
from electra_helpers.site.pages import Page

_HEADING = re.compile(r'<h[1-6][^>]* id="([^"]+)"[^>]*>(.*?)</h[1-6]>', re.DOTALL)
_LEFT_OUT = re.compile(r"<(style|script|svg|annotation)\b.*?</\1>|\x02\d+\x03", re.DOTALL)
_ANCHOR = re.compile(r'<a class="anchor".*?</a>', re.DOTALL)
MOST = 6_000  # characters kept of a section


def sections(page: Page) -> list[dict[str, str]]:
    """The page cut at its headings: address, page title, heading, text."""
    body = _ANCHOR.sub("", _LEFT_OUT.sub(" ", page.body))
    found = list(_HEADING.finditer(body))
    starts = [(0, "", page.title)] + [(heading.end(), f"#{heading[1]}", _text(heading[2])) for heading in found]
    ends = [heading.start() for heading in found] + [len(body)]
    texts = [
        (anchor, title, _text(body[start:end])[:MOST]) for (start, anchor, title), end in zip(starts, ends, strict=True)
    ]
    return [
        {"url": page.name + anchor, "page": page.title, "title": title, "text": text}
        for anchor, title, text in texts
        if text or anchor
    ]


def _text(html: str) -> str:
    return " ".join(plain(re.sub(r"</(?:td|th|p|li|pre|div|summary)>", " ", html)).split())


def write_index(pages: list[Page], path: Path) -> None:
    """The sections of some pages as a script that the search loads when it is first used."""
    found = [section for page in pages for section in sections(page)]
    path.write_text(
        f"globalThis.electraSections = {json.dumps(found, ensure_ascii=False, separators=(',', ':'))};\n", "utf-8"
    )
