"""Tables of text: .csv and .tsv, what stands between their cells, and what quotes mean in them.

What is found out is a `Dialect`, which can be said; where two ways of reading are as good, the option that decides is named.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from electra_helpers.errors import ElectraError
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.lines import text_lines

OWN_DELIMITER = {".csv": ",", ".tsv": "\t"}
DELIMITERS = (",", "\t", ";", "|")
HEAD_ROWS = 100  # so many decide what stands between the cells
NAMES = {"\t": "tab", " ": "space"}
csv.field_size_limit(2**31 - 1)  # the default of 128 kB is less than an article


class Dialect(NamedTuple):
    """How a table is read."""

    delimiter: str
    quoted: bool  # whether quotes hold a cell together; if not, they are text
    header: bool = True

    def describe(self) -> str:
        """In words, for the line that says what was read."""
        name = NAMES.get(self.delimiter, self.delimiter)
        return f"{name!r} between cells, quotes {'hold cells together' if self.quoted else 'are text'}" + (
            "" if self.header else ", no header"
        )

    @property
    def style(self) -> dict[str, Any]:
        """What `csv` wants to know."""
        quoting = csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE
        return {"delimiter": self.delimiter, "quoting": quoting}


def dialect_of(path: Path, form: str, layout: Layout = FOUND_OUT) -> Dialect:
    """How a table is to be read: as the layout says, otherwise as its head (and in .tsv its quotes) show."""
    own = OWN_DELIMITER[form]
    quoted = {"csv": True, "none": False}.get(layout.quoting, form == ".csv")
    delimiter = layout.delimiter if layout.delimiter != "auto" else _delimiter(path, own, quoted, layout)
    if layout.quoting == "auto" and delimiter == "\t":
        quoted = _quotes_hold_cells(path, delimiter, layout) if form == ".tsv" else True
    elif layout.quoting == "auto":
        quoted = True
    return Dialect(delimiter, quoted, layout.header)


def read_table(path: Path, dialect: Dialect, layout: Layout = FOUND_OUT) -> Iterator[dict[str, str | None]]:
    """The rows of a table by the names of its columns; a row that is too short has None at its end."""
    reader = csv.reader(text_lines(path, layout), strict=True, **dialect.style)
    names: list[str] | None = None
    try:
        for cells in reader:
            if not cells:
                continue
            if names is None:
                names = _names(cells, path, dialect)
                if dialect.header:
                    continue
            if len(cells) > len(names):
                raise ElectraError(
                    f"Line {reader.line_num} of {path} has more fields than its header has columns "
                    f"({len(cells)}, {len(names)}; {dialect.describe()}): --delimiter and --quoting change that."
                )
            yield dict(zip(names, [*cells, *[None] * (len(names) - len(cells))], strict=True))
    except csv.Error as error:
        raise ElectraError(
            f"{path} is no correct CSV: {error} (line {reader.line_num}). If quotes are text in it: --quoting none."
        ) from error


def _names(cells: list[str], path: Path, dialect: Dialect) -> list[str]:
    if not dialect.header:
        return [str(number) for number in range(1, len(cells) + 1)]
    twice = [name for name in cells if cells.count(name) > 1]
    if twice:
        raise ElectraError(
            f"The first line of {path} names the column {twice[0]!r} twice. If it is a row and no header: --no-header."
        )
    return cells


def _heads(path: Path, delimiter: str, quoted: bool, layout: Layout) -> list[int]:
    """How many cells each of the first rows has."""
    style = Dialect(delimiter, quoted).style
    rows = csv.reader(text_lines(path, layout), **style)
    try:
        return [len(cells) for cells in islice((cells for cells in rows if cells), HEAD_ROWS)]
    except csv.Error:
        return []


def _delimiter(path: Path, own: str, quoted: bool, layout: Layout) -> str:
    """The one that belongs to the name where it gives several columns; else another one, if it gives every row as many."""
    counts = _heads(path, own, quoted, layout)
    if counts and counts[0] > 1:
        return own
    others = [d for d in DELIMITERS if d != own and _fits(_heads(path, d, True, layout))]
    if len(others) > 1:
        shown = " or ".join(repr(NAMES.get(d, d)) for d in others)
        raise ElectraError(f"Between the cells of {path} stands {shown}: say which with --delimiter.")
    return others[0] if others else own


def _fits(counts: list[int]) -> bool:
    return len(counts) > 1 and counts[0] > 1 and len(set(counts)) == 1


def _quotes_hold_cells(path: Path, delimiter: str, layout: Layout) -> bool:
    """Whether quotes in a .tsv file hold cells together, as spreadsheets and pandas write them, or are text, as in GLUE.

    They do where the names of the columns are quoted, where lines are whole rows only with them, or where a cell shows it: it is quoted
    and has a doubled quote inside. Raises `ElectraError` where it could be both.
    """
    if _header_is_quoted(path, delimiter, layout):
        return True
    regular, shows, open_ended = True, False, False
    width = None
    for line in text_lines(path, layout):
        cells = line.rstrip("\r\n").split(delimiter)
        if cells == [""]:
            continue
        width = width or len(cells)
        regular = regular and len(cells) == width
        for cell in cells:
            if cell.startswith('"'):
                whole = _is_quoted(cell)
                open_ended = open_ended or not whole
                shows = shows or (whole and (width is not None and '""' in cell[1:-1]))
    if regular and not open_ended:
        return shows
    as_csv = _whole_rows(path, delimiter, layout)
    if regular and as_csv and width == 1:
        return True
    if regular and as_csv and _has_inner_lines(path, delimiter, layout):
        raise ElectraError(
            f"The quotes in {path} could hold cells of several lines together, or be text: say which with --quoting csv or none."
        )
    return not regular and as_csv


def _is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell.endswith('"') and '"' not in cell[1:-1].replace('""', "")


def _header_is_quoted(path: Path, delimiter: str, layout: Layout) -> bool:
    first = next(iter(text_lines(path, layout)), "").rstrip("\r\n").split(delimiter)
    return all(_is_quoted(cell) for cell in first)


def _whole_rows(path: Path, delimiter: str, layout: Layout) -> bool:
    """Whether every row has as many cells as the first one, if quotes hold cells together."""
    rows = csv.reader(text_lines(path, layout), delimiter=delimiter, strict=True)
    try:
        return len({len(cells) for cells in rows if cells}) == 1
    except (csv.Error, ElectraError):
        return False


def _has_inner_lines(path: Path, delimiter: str, layout: Layout) -> bool:
    rows = csv.reader(text_lines(path, layout), delimiter=delimiter, strict=True)
    return any("\n" in cell for cells in rows for cell in cells)
