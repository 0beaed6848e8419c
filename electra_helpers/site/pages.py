"""A page before it is written: its place in the site, its headings, and how one page names another."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from electra_helpers.classroom.links import Address

FILES = "files"  # folder of the site for what is passed on as it is: notebooks, pictures
_DROPPED = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Heading:
    """A heading of a page: its level (1 to 6), its text, and its anchor."""

    level: int
    text: str
    anchor: str


@dataclass
class Page:
    """One page: where it lies in the site (`en/03_generator.html`), its part of the navigation, and what stands on it."""

    name: str
    language: str
    part: str
    title: str
    body: str = ""
    headings: list[Heading] = field(default_factory=list)
    source: str | None = None  # path in the repository, "" for pages that are computed
    notebook: str | None = None  # address in the site of the notebook to download
    names: list[tuple[str, str]] = field(default_factory=list)  # public names built here, and where they are described
    template: str = "page.html"

    @property
    def toc(self) -> list[Heading]:
        """The headings that are listed beside the text."""
        return [heading for heading in self.headings if heading.level in (2, 3)]

    def to(self, target: str) -> str:
        """The relative address of another file of the site."""
        path, mark, anchor = target.partition("#")
        if path == self.name and mark:
            return mark + anchor
        return posixpath.relpath(path, posixpath.dirname(self.name) or ".") + mark + anchor


class Anchors:
    """Anchors as GitHub makes them, each once a page: `## 00 · Welcome` → `00--welcome`."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def of(self, text: str) -> str:
        anchor = _DROPPED.sub("", text.strip().lower()).replace(" ", "-") or "section"
        number = self._used.get(anchor, 0)
        self._used[anchor] = number + 1
        return f"{anchor}-{number}" if number else anchor


@dataclass
class Places:
    """Which file of the repository became which page, and which files are passed on as they are."""

    root: Path
    pages: dict[str, str] = field(default_factory=dict)  # path in the repository → page
    copied: set[str] = field(default_factory=set)
    address: Address | None = None

    def link(self, url: str, page: Page) -> str | None:
        """Where a link of a document leads in the site; None where the target has no place there."""
        path, mark, anchor = url.partition("#")
        if re.match(r"[a-z]+:", url) or not path:
            return url
        target = posixpath.normpath(str(PurePosixPath(page.source or "").parent / path))
        if target in self.pages:
            return page.to(self.pages[target] + mark + anchor)
        if (self.root / target).is_file() and not target.startswith(".."):
            self.copied.add(target)
            return page.to(f"{FILES}/{target}") + mark + anchor
        if self.address and not target.startswith(".."):
            return f"https://github.com/{self.address.repository}/tree/{self.address.ref}/{target}"
        return None
