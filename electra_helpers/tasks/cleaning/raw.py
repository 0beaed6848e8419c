"""The rows of a file as they stand in it, and words exchanged in them: not a character changes outside of the words.

A row comes as a `Piece` of the file's text; all pieces together are the file. A word's place in a cell is brought back to its place in
the piece, through doubled quotes in tables and through escapes in JSON, and only there is something else written.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from json.decoder import scanstring
from pathlib import Path
from typing import NamedTuple

from electra_helpers.errors import ElectraError
from electra_helpers.reading.files import form_of
from electra_helpers.reading.formats import is_document
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.lines import text_lines
from electra_helpers.reading.tables import Dialect, dialect_of


class Piece(NamedTuple):
    """What stands in a file behind the last row, up to the end of this one: what is between the rows, and the row itself."""

    before: str
    row: str


class Edit(NamedTuple):
    """Characters `start` … `end` of a cell, and what is to stand in their place."""

    start: int
    end: int
    word: str


Edits = Mapping[str, Sequence[Edit]]  # by column; of one column in their order, none over another


class Raw(NamedTuple):
    """A file's pieces, the last of them what stands behind the last row; and a row's text with words exchanged.

    `edited` takes the text of a piece, the row's columns in their order and the edits; an edit that the file cannot hold is left out.
    """

    pieces: Callable[[], Iterator[Piece]]
    edited: Callable[[str, Sequence[str], Edits], str]


def raw_of(path: Path, layout: Layout = FOUND_OUT) -> Raw:
    """How a file's rows are found and edited. Raises `ElectraError` for one whose rows are no pieces of text."""
    form = form_of(path, layout)
    if form == ".txt":
        return Raw(lambda: _lines(path, layout), _edited_line)
    if form in (".csv", ".tsv"):
        dialect = dialect_of(path, form, layout)
        return Raw(lambda: _records(path, dialect, layout), partial(_edited_record, dialect=dialect))
    if form in (".jsonl", ".json"):
        return Raw(lambda: _objects(path, form, layout), _edited_object)
    raise ElectraError(
        f"There is no corrected copy of a {form} file: leave --corrected out, or give .txt, .jsonl, .csv or .tsv."
    )


def exchanged(text: str, edits: Iterable[Edit]) -> str:
    """A text with words exchanged.

    >>> exchanged("a cat sat", [Edit(2, 5, "dog")])
    'a dog sat'
    """
    for start, end, word in sorted(edits, reverse=True):
        text = text[:start] + word + text[end:]
    return text


def _lines(path: Path, layout: Layout) -> Iterator[Piece]:
    for line in text_lines(path, layout, cut=True):
        yield Piece("", line)
    yield Piece("", "")


def _edited_line(text: str, columns: Sequence[str], edits: Edits) -> str:
    return exchanged(text, edits.get("", ()))


# Tables.


def _records(path: Path, dialect: Dialect, layout: Layout) -> Iterator[Piece]:
    read: list[str] = []  # the lines of this row so far

    def noted() -> Iterator[str]:
        for line in text_lines(path, layout):
            read.append(line)
            yield line

    before, is_header = "", dialect.header
    for cells in csv.reader(noted(), strict=True, **dialect.style):
        text = "".join(read)
        read.clear()
        if not cells or is_header:
            before += text
            is_header = is_header and not cells
        else:
            yield Piece(before, text)
            before = ""
    yield Piece(before, "")


def _edited_record(text: str, columns: Sequence[str], edits: Edits, *, dialect: Dialect) -> str:
    spans = list(_cells(text, dialect))
    found = [(columns.index(name), own) for name, own in edits.items()]
    for place, own in sorted(found, key=lambda each: each[0], reverse=True):
        if place < len(spans):
            start, end = spans[place]
            text = text[:start] + _edited_cell(text[start:end], own, dialect) + text[end:]
    return text


def _cells(text: str, dialect: Dialect) -> Iterator[tuple[int, int]]:
    """Where the cells of a row stand, their quotes included.

    >>> list(_cells('a,"b ""c"", d",\\n', Dialect(",", True)))
    [(0, 1), (2, 14), (15, 15)]
    """
    quoted = re.compile(r'"[^"]*(?:""[^"]*)*"')
    plain = re.compile(rf"[^{re.escape(dialect.delimiter)}\r\n]*")
    start = 0
    while True:
        match = dialect.quoted and quoted.match(text, start)
        end = (match or plain.match(text, start)).end()
        yield start, end
        if text[end : end + 1] != dialect.delimiter:
            return
        start = end + 1


def _edited_cell(cell: str, edits: Sequence[Edit], dialect: Dialect) -> str:
    if dialect.quoted and cell.startswith('"'):
        places = [m.start() + 1 for m in re.finditer(r'""|[^"]', cell[1:-1])] + [len(cell) - 1]
        return exchanged(cell, [Edit(places[s], places[e], word.replace('"', '""')) for s, e, word in edits])
    if not dialect.quoted:  # nothing can hold these together
        edits = [each for each in edits if not set(each.word) & {dialect.delimiter, "\r", "\n"}]
    new = exchanged(cell, edits)
    must_be_quoted = dialect.quoted and (new.startswith('"') or set(new) & {dialect.delimiter, "\r", "\n"})
    return '"' + new.replace('"', '""') + '"' if must_be_quoted else new


# JSON.

_BLANKS = re.compile(r"[ \t\n\r]*")
_CHARACTER = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u.{4}|\\.|.", re.DOTALL)


def _objects(path: Path, form: str, layout: Layout) -> Iterator[Piece]:
    lines = list(text_lines(path, layout)) if is_document(path, form, layout) else None
    if lines is not None:
        yield from _items("".join(lines), path)
        return
    before = ""
    for line in text_lines(path, layout):
        if line.isspace():
            before += line
        else:
            yield Piece(before, line)
            before = ""
    yield Piece(before, "")


def _items(text: str, path: Path) -> Iterator[Piece]:
    """The objects of a list, or the only one there is, in a document that is JSON."""
    start = _BLANKS.match(text).end()
    last, many = 0, text[start] == "["
    at = _BLANKS.match(text, start + 1).end() if many else start
    while text[at] == "{":
        value, end = json.JSONDecoder().raw_decode(text, at)
        if set(value) & {"paragraphs", "qas"} or (not many and any(isinstance(v, dict | list) for v in value.values())):
            break
        yield Piece(text[last:at], text[at:end])
        last, at = end, _BLANKS.match(text, end).end()
        if not many or text[at] == "]":
            yield Piece(text[last:], "")
            return
        at = _BLANKS.match(text, at + 1).end()
    raise ElectraError(
        f"{path} is JSON whose rows are not one object each, so there is no corrected copy of it: leave --corrected out, "
        f"or write it as .jsonl, a row a line."
    )


def _edited_object(text: str, columns: Sequence[str], edits: Edits) -> str:
    spans = _strings(text)
    for name, (start, end) in sorted(spans.items(), key=lambda each: each[1], reverse=True):
        if name in edits:
            text = text[:start] + _edited_string(text[start:end], edits[name], text.isascii()) + text[end:]
    return text


def _strings(text: str) -> dict[str, tuple[int, int]]:
    """Where the texts of an object stand, without their quotes, by name; of a name that occurs twice the last, as it is read.

    >>> _strings('{"a": "b", "n": 1}')
    {'a': (7, 8)}
    """
    found: dict[str, tuple[int, int]] = {}
    at = _BLANKS.match(text, text.index("{") + 1).end()
    while text[at] == '"':
        name, at = scanstring(text, at + 1)
        start = _BLANKS.match(text, text.index(":", at) + 1).end()
        _, end = json.JSONDecoder().raw_decode(text, start)
        found.pop(name, None)
        if text[start] == '"':
            found[name] = (start + 1, end - 1)
        at = _BLANKS.match(text, end).end()
        if text[at] == "}":
            break
        at = _BLANKS.match(text, at + 1).end()
    return found


def _edited_string(inside: str, edits: Sequence[Edit], ascii_only: bool) -> str:
    places = [match.start() for match in _CHARACTER.finditer(inside)] + [len(inside)]
    return exchanged(
        inside, [Edit(places[s], places[e], json.dumps(word, ensure_ascii=ascii_only)[1:-1]) for s, e, word in edits]
    )
