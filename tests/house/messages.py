"""The messages of the package and their catalogues: `make messages`.

    python -m tests.house.messages           write what is new into electra_helpers/locale/*/LC_MESSAGES/*.po, strike out what is gone
    python -m tests.house.messages --list    only list what is missing, stale or has other fields
    python -m tests.house.messages FILE …    the same, with the translations of these .po files

A message is the constant text of `worded("…")`, `wording("…")`, `padded("…")`, `Mistake("…")`, what an `Exercise` says, the names that
`label` gives to axes, and `w("…")` in the widgets' JavaScript. It stands in the catalogue of the part of the course that says it, the first
in the order of the files where there are several.
"""

import ast
import json
import re
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from electra_helpers.language import ENGLISH, LOCALE, languages

PACKAGE = LOCALE.parent
CALLS = {"worded", "wording", "padded", "Mistake"}  # whose first argument is a message
# Keywords whose values are; the specification of an exercise is read in the notebook.
NAMED = {"Exercise": {"title", "hints", "why"}, "label": {"title", "x", "y"}}
IN_JAVASCRIPT = re.compile(r'\bw\("((?:[^"\\]|\\.)*)"')
WIDTH = 120


@dataclass(frozen=True)
class Found:
    """A message, and where it is said: a file of the package and a line."""

    text: str
    file: str
    line: int


def messages(folder: Path = PACKAGE) -> list[Found]:
    """Every message of the package, in the order of files and lines."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".js"))
    return [found for path in paths for found in messages_of(path, folder)]


def messages_of(path: Path, folder: Path = PACKAGE) -> list[Found]:
    """The messages of one file."""
    source, file = path.read_text("utf-8"), path.relative_to(folder).as_posix()
    if path.suffix == ".js":
        found = IN_JAVASCRIPT.finditer(source)
        return [Found(json.loads(f'"{each[1]}"'), file, source[: each.start()].count("\n") + 1) for each in found]
    tree = ast.parse(source)
    found = [Found(node.value, file, node.lineno) for node in _texts(tree) if isinstance(node.value, str)]
    return sorted(found, key=lambda each: each.line)


def unreadable(path: Path) -> list[str]:
    """Calls whose text no tool can read: an f-string, or a sum of strings, where a constant with fields should stand."""
    tree = ast.parse(path.read_text("utf-8"))
    found = []
    for call in _calls(tree):
        for node in _first_texts(call) if call.func.id != "label" else ():  # an axis may be named by a formula
            if isinstance(node, ast.JoinedStr | ast.BinOp):
                found.append(f"{path.name}, line {node.lineno}: {ast.unparse(node)[:70]}")
    return found


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS | set(NAMED):
            yield node


def _texts(tree: ast.AST) -> Iterator[ast.Constant]:
    for call in _calls(tree):
        yield from (node for node in _first_texts(call) if isinstance(node, ast.Constant))


def _first_texts(call: ast.Call) -> Iterator[ast.expr]:
    """The expressions that are a call's messages, one for each branch of a choice."""
    named = NAMED.get(call.func.id)
    given = [each.value for each in call.keywords if each.arg in named] if named else call.args[:1]
    while given:
        node = given.pop(0)
        if isinstance(node, ast.Tuple):
            given[:0] = node.elts
        elif isinstance(node, ast.IfExp):
            given[:0] = [node.body, node.orelse]
        else:
            yield node


def part_of(file: str) -> str:
    """The name of the catalogue of a file: the notebook's number of its exercises, else the room."""
    rooms = file.split("/")
    if rooms[:2] == ["course", "exercises"] and rooms[2][:1] == "n" and rooms[2][1:3].isdigit():
        return rooms[2][1:3]
    return rooms[1] if rooms[0] == "course" and len(rooms) > 2 else rooms[0].removesuffix(".py")


def parts() -> dict[str, dict[str, list[Found]]]:
    """Catalogue → message → where it is said."""
    told: dict[str, list[Found]] = {}
    for found in messages():
        told.setdefault(found.text, []).append(found)
    ordered: dict[str, dict[str, list[Found]]] = {}
    for text, places in told.items():
        ordered.setdefault(min(part_of(place.file) for place in places), {})[text] = places
    return dict(sorted(ordered.items()))


def folder_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES"


def translations(language: str) -> dict[str, str]:
    """Message → translation, of all catalogues of a language."""
    return translated_in(sorted(folder_of(language).glob("*.po")))


def translated_in(files: list[Path]) -> dict[str, str]:
    """Message → translation, of these files."""
    found = {}
    for file in files:
        for message in read(file):
            if message.id and message.string:
                found[message.id] = message.string
    return found


def read(file: Path) -> Catalog:
    with file.open("rb") as stream:
        return read_po(stream)


def renewed(language: str, more: dict[str, str] | None = None) -> dict[str, bytes]:
    """The catalogues of a language as they should be: name → content. A translation stays with its message, whatever file it moves to.

    `more` are translations from elsewhere, which win.
    """
    known, files = translations(language) | (more or {}), {}
    for part, told in parts().items():
        catalog = Catalog(locale=language, project="electra_helpers", charset="utf-8", fuzzy=False)
        catalog.header_comment = f"# Messages of {part}; how to add one stands in electra_helpers/language.py."
        for text, places in told.items():
            where = [(f"electra_helpers/{place.file}", None) for place in places]
            message = Message(text, known.get(text, ""), locations=list(dict.fromkeys(where)))
            message.flags.discard("python-format")  # "15 % of" is no format
            catalog[text] = message
        files[f"{part}.po"] = _written(catalog)
    return files


def _written(catalog: Catalog) -> bytes:
    """A catalogue's file, without lines that change by themselves."""
    out = BytesIO()
    write_po(out, catalog, width=WIDTH, omit_header=False, include_lineno=False)
    lines = out.getvalue().decode().split("\n")
    moving = ('"POT-Creation-Date:', '"PO-Revision-Date:', '"Generated-By:', '"Last-Translator:', '"Report-Msgid')
    return "\n".join(line for line in lines if not line.startswith(moving)).encode()


def fields(text: str) -> list[tuple[str, str, str]]:
    """The fields of a message: (name, format, conversion), in alphabetical order."""
    parsed = string.Formatter().parse(text)
    return sorted((name, spec or "", how or "") for _, name, spec, how in parsed if name is not None)


def findings(language: str) -> list[str]:
    """What the catalogues of a language lack: messages without translation, with other fields, in no or in another file."""
    known, found = translations(language), []
    templates = {text for text in _with_fields()}
    for part, told in parts().items():
        for text in told:
            translated = known.get(text)
            if not translated:
                found.append(f"{part}.po: not translated: {text!r}")
            elif text in templates and fields(text) != fields(translated):
                found.append(f"{part}.po: other fields than {text!r}: {translated!r}")
    found += [f"{name}: run `make messages`" for name in _not_as_written(language)]
    return found


def _not_as_written(language: str) -> list[str]:
    """Names of catalogues that `make messages` would change, or remove."""
    wanted, folder = renewed(language), folder_of(language)
    there = {file.name: file.read_bytes() for file in folder.glob("*.po")}
    return sorted(name for name in wanted | there if wanted.get(name) != there.get(name))


def _with_fields(folder: Path = PACKAGE) -> Iterator[str]:
    """Messages that are given fields, or whose braces look like some: a table of texts gets its fields where it is shown."""
    for found in messages(folder):
        try:
            if fields(found.text):
                yield found.text
        except ValueError:  # a brace of its own, as in code: no fields are ever given
            continue


def main() -> int:
    more = translated_in([Path(name) for name in sys.argv[1:] if name.endswith(".po")])
    for language in set(languages()) - {ENGLISH}:
        if "--list" not in sys.argv:
            wanted, folder = renewed(language, more), folder_of(language)
            for file in folder.glob("*.po"):
                if file.name not in wanted:
                    file.unlink()
            for name, content in wanted.items():
                (folder / name).write_bytes(content)
        found = findings(language)
        print("\n".join(found[-400:]))
        print(f"{language}: {len(translations(language))} messages translated, {len(found)} findings")
    return 0


if __name__ == "__main__":
    sys.exit(main())
