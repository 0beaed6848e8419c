"""The API reference: every public name with its signature and docstring, and in which notebook it is built."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import electra_helpers
from electra_helpers.site import markdown
from electra_helpers.site.pages import Anchors, Heading, Page

BUILT = re.compile(r"Built in notebooks? ((?:\d\d(?:, | and )?)+)\.?")
_MODULES = re.compile(
    r"\b(?:collections\.abc|typing|pathlib|tokenizers|torch|numpy|pandas|electra_helpers(?:\.\w+)*)\.(?=[A-Z])"
)
# Room of the package → what it is for, in the order in which the course builds it.
ROOMS = {
    "text": "Text",
    "corruption": "Corruption",
    "model": "Networks and stored models",
    "config": "Configuration",
    "recipes": "Configuration",
    "device": "Configuration",
    "training": "Training",
    "tasks": "Tasks",
    "view": "Pictures and widgets",
    "course": "The course",
    "errors": "Errors",
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """A public name: where it lives, how it is called, what its docstring says, and the numbers of its notebooks."""

    name: str
    room: str
    signature: str
    doc: str
    notebooks: tuple[str, ...]

    @property
    def anchor(self) -> str:
        return self.name


def entries() -> list[Entry]:
    """Every public name of the package, by room and then by the alphabet."""
    order = list(dict.fromkeys(ROOMS.values()))
    found = [_entry(name, home) for name, home in electra_helpers._HOME.items()]
    return sorted(found, key=lambda entry: (order.index(entry.room), entry.name.lower()))


def _entry(name: str, home: str) -> Entry:
    value = getattr(electra_helpers, name)
    doc = inspect.getdoc(value) or ""
    built = BUILT.search(doc)
    numbers = tuple(re.findall(r"\d\d", built[1])) if built else ()
    room = ROOMS.get(home.split(".")[1] if "." in home else "", "The course")
    return Entry(name, room, signature(name, value), BUILT.sub("", doc).rstrip(), numbers)


def signature(name: str, value: Any) -> str:
    """`name(arguments) -> result`, an argument a line where it is long; the name alone of a module."""
    if inspect.ismodule(value):
        return f"{name}: module {value.__name__}"
    try:
        called = inspect.signature(value)
    except (TypeError, ValueError):
        return name
    result = str(called.replace(parameters=[])).removeprefix("()")
    short = f"{name}{called}"
    if len(short) > 100:
        short = f"{name}(\n" + "".join(f"    {line},\n" for line in _arguments(called)) + f"){result}"
    return _MODULES.sub("", short)


def _arguments(called: inspect.Signature) -> Iterator[str]:
    """Each argument as it is written, with the star that begins what is named by keyword."""
    starred = False
    for argument in called.parameters.values():
        starred |= argument.kind is argument.VAR_POSITIONAL
        if argument.kind is argument.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield str(argument)


def fill(page: Page, notebooks: dict[str, Page]) -> None:
    """Write the reference; `notebooks` are the course's pages by number. Each notebook's page learns its names."""
    anchors, parts, room = Anchors(), [f"<h1>{escape(page.title)}</h1>"], ""
    for entry in entries():
        if entry.room != room:
            room = entry.room
            anchor = anchors.of(room)
            page.headings.append(Heading(2, room, anchor))
            parts.append(f'<h2 id="{anchor}">{escape(room)}</h2>')
        page.headings.append(Heading(3, entry.name, entry.anchor))
        parts.append(_section(entry, page, notebooks))
        for number in entry.notebooks:
            if number in notebooks:
                notebooks[number].names.append((entry.name, f"{page.name}#{entry.anchor}"))
    page.body = "\n".join(parts)


def _section(entry: Entry, page: Page, notebooks: dict[str, Page]) -> str:
    links = [
        f'<a href="{page.to(notebooks[n].name)}">{escape(notebooks[n].title)}</a>'
        for n in entry.notebooks
        if n in notebooks
    ]
    built = f'<p class="built">Built in {", ".join(links)}.</p>' if links else ""
    code = markdown.coloured(entry.signature)
    return f'<section class="api"><h3 id="{entry.anchor}"><code>eh.{entry.name}</code></h3>{code}{docstring(entry.doc)}{built}</section>'


def docstring(text: str) -> str:
    """Paragraphs, lists and examples of a docstring as HTML."""
    return "\n".join(_block(block) for block in re.split(r"\n\s*\n", text) if block.strip())


def _block(block: str) -> str:
    lines = block.split("\n")
    if lines[0].lstrip().startswith(">>>"):
        return markdown.coloured(re.sub(r"  # doctest:.*", "", inspect.cleandoc(block)), "pycon")
    if all(line.startswith(("- ", "  ")) for line in lines):
        items = re.split(r"^- ", block, flags=re.MULTILINE)[1:]
        return "<ul>" + "".join(f"<li>{markdown.inline(' '.join(item.split()))}</li>" for item in items) + "</ul>"
    return f"<p>{markdown.inline(' '.join(block.split()))}</p>"
