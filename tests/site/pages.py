"""A written site as data: every page with its links, anchors and what it loads."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Written(HTMLParser):
    """One page: ids, links, what it loads, and its text."""

    path: Path
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.source = self.path.read_text("utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if "id" in named:
            self.ids.append(named["id"])
        if tag == "a" and named.get("href"):
            self.links.append(named["href"])
        if tag in ("script", "img", "iframe", "source") and named.get("src"):
            self.loads.append(named["src"])
        if tag == "link" and named.get("href"):
            self.loads.append(named["href"])

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(folder: Path) -> dict[Path, Written]:
    return {path.resolve(): Written(path) for path in sorted(folder.rglob("*.html"))}


def faults(folder: Path) -> list[str]:
    """Links and anchors that lead nowhere, ids that occur twice, and what is loaded from elsewhere or is not there."""
    pages, found = read(folder), []
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        found += [f"{name}: the id {i!r} occurs twice" for i in set(page.ids) if page.ids.count(i) > 1]
        for url in page.loads:
            parts = urlsplit(url)
            if parts.scheme == "data":
                continue
            if parts.scheme or parts.netloc or not (path.parent / unquote(parts.path)).is_file():
                found.append(f"{name}: loads {url}")
        for url in page.links:
            parts = urlsplit(url)
            if parts.scheme in ("http", "https", "mailto"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.append(f"{name}: links to {url}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                found.append(f"{name}: no anchor {url}")
    return found
