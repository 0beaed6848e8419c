"""The rows of a file as texts to judge, and flags brought back to the cells that their words came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any, NamedTuple

from electra_helpers.errors import ElectraError
from electra_helpers.paths import check_different
from electra_helpers.reading.files import TEXT_COLUMNS, files_in, form_of, read_rows, well_formed
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.lines import text_lines
from electra_helpers.tasks.cleaning.raw import Edit, exchanged
from electra_helpers.tasks.negation import changes_negation

if TYPE_CHECKING:  # it brings torch, and what is wrong with a file is said before
    from electra_helpers.tasks.cleaning.suspects import Flag

FLAG_FORMS = (".jsonl", ".csv", ".tsv")
DIGITS = 6  # of scores in the output
FIELDS = ("row", "column", "start", "end", "word", "score", "suggestion", "suggestion_p")


@dataclass(frozen=True)
class Wanted:
    """What is judged and what is written. `template` joins the cells of a row to one text; `corrected` asks for a changed copy."""

    columns: tuple[str, ...] = ()
    template: str | None = None
    share: float | None = None  # of the words, the most suspicious ones; see flagging.SHARE
    threshold: float | None = None  # in its place: the score from which on a word is flagged
    suggest: int = 1
    corrected: Path | None = None
    sure: float = 0.5  # P(wrong) times P of a suggestion from which on the copy has it in the word's place
    layout: Layout = FOUND_OUT  # how the file is written


class Cell(NamedTuple):
    """A piece of a row's text that came from one cell: characters `start` … `end` of the text."""

    column: str
    start: int
    end: int


class Judged(NamedTuple):
    """One text of a row, and which of its characters are whose."""

    row: int  # from 1; in a .txt file the line
    text: str
    cells: tuple[Cell, ...]

    def holds(self, flag: Flag) -> bool:
        """Whether the word, or a part of it, stands in a cell."""
        return any(max(flag.start, cell.start) < min(flag.end, cell.end) for cell in self.cells)


class Placed(NamedTuple):
    """A flag in its cell: characters `start` … `end` of the cell, or of the line of a .txt file."""

    row: int
    column: str
    start: int
    end: int
    flag: Flag

    def record(self) -> dict[str, Any]:
        """As it is written."""
        suggestion, p = self.flag.suggestions[0] if self.flag.suggestions else ("", None)
        p = None if p is None else round(p, DIGITS)
        values = (
            self.row,
            self.column,
            self.start,
            self.end,
            self.flag.word,
            round(self.flag.score, DIGITS),
            suggestion,
            p,
        )
        return dict(zip(FIELDS, values, strict=True))


def plain_template(columns: Sequence[str]) -> str:
    """A row as a text, where nobody wrote a sentence for it. Raises `ElectraError` where no column is named.

    >>> plain_template(["name", "trade"])
    'name: {name}, trade: {trade}.'
    """
    if not columns:
        raise ElectraError("--template auto needs --columns: which cells belong together?")
    return ", ".join(f"{name}: {{{name}}}" for name in columns) + "."


def fill(template: str, row: dict[str, Any]) -> tuple[str, tuple[Cell, ...]]:
    """A row told by a template, and where its cells stand in it.

    >>> fill("{who} likes {what}.", {"who": "Ann", "what": "tea"})
    ('Ann likes tea.', (Cell(column='who', start=0, end=3), Cell(column='what', start=10, end=13)))
    """
    text, cells = "", []
    for literal, name in _parts(template):
        text += literal
        if name is not None:
            value = _as_text(row.get(name))
            cells.append(Cell(name, len(text), len(text) + len(value)))
            text += value
    return text, tuple(cells)


def _parts(template: str) -> list[tuple[str, str | None]]:
    try:
        parts = [(literal, name, shape or turn) for literal, name, shape, turn in Formatter().parse(template)]
    except ValueError as error:
        raise ElectraError(f"--template {template!r}: {error}. Write columns as {{name}}.") from error
    if any(extra for *_, extra in parts) or not any(name for _, name, _ in parts):
        raise ElectraError(f"--template {template!r}: write the columns as {{name}}, such as '{{who}} is a {{what}}.'")
    return [(literal, name) for literal, name, _ in parts]


def _as_text(value: Any) -> str:
    return "" if value is None else well_formed(value if isinstance(value, str) else str(value))


class Source:
    """A file's rows, read as a stream, and the text that is judged of each."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        files_in(path, wanted.layout)  # says what is wrong with the path
        if path.is_dir():
            raise ElectraError(f"{path} is a folder: give one file.")
        self.path, self.form, self.wanted = path, form_of(path, wanted.layout), wanted
        self.columns = self._columns()

    def rows(self) -> Iterator[Any]:
        """The rows as they are: lines of a .txt file, dictionaries of the others."""
        layout = self.wanted.layout
        return text_lines(self.path, layout, cut=True) if self.form == ".txt" else read_rows(self.path, layout=layout)

    def _columns(self) -> tuple[str, ...]:
        named, template = self.wanted.columns, self.wanted.template
        if self.form == ".txt":
            if named or template:
                raise ElectraError(f"{self.path} has no columns: leave --columns and --template out.")
            return ("",)
        first = next(read_rows(self.path, layout=self.wanted.layout), None)
        if first is None:
            raise ElectraError(f"{self.path} holds no rows.")
        asked = tuple(dict.fromkeys((*named, *(name for _, name in _parts(template) if name)))) if template else named
        for name in asked:
            if name not in first:
                raise ElectraError(f"{self.path} has no column {name!r}; it has: {', '.join(first)}.")
        guessed = [name for name in TEXT_COLUMNS if name in first][:1]
        return asked or tuple(guessed or [name for name, value in first.items() if isinstance(value, str)])

    def judged(self, number: int, row: Any) -> list[Judged]:
        """The texts of a row that have something to judge."""
        if self.form == ".txt":
            line = row.rstrip("\r\n")
            return [Judged(number, line, (Cell("", 0, len(line)),))] if line.strip() else []
        if self.wanted.template:
            text, cells = fill(self.wanted.template, row)
            return [Judged(number, text, cells)]
        texts = ((name, self._checked(number, name, row)) for name in self.columns)
        return [Judged(number, text, (Cell(name, 0, len(text)),)) for name, text in texts if text.strip()]

    def _checked(self, number: int, name: str, row: dict[str, Any]) -> str:
        value = row.get(name)
        if value is None or isinstance(value, str):
            return _as_text(value)
        raise ElectraError(
            f"Row {number} of {self.path} has {str(value)[:40]!r} in column {name!r}, where a text should be."
        )


def check_outputs(path: Path, output: Path, copy: Path | None) -> None:
    """Raise `ElectraError` where flags or a corrected copy of `path` cannot be written under these names."""
    form = form_of(output)
    if form not in FLAG_FORMS or output.suffix.lower() != form:
        raise ElectraError(f"{output}: flags are written as .jsonl, .csv or .tsv.")
    paths = [path, output, *([copy] if copy else [])]
    check_different(*paths, names="Input, --output and --corrected")
    for each in paths[1:]:
        if not each.parent.is_dir():
            raise ElectraError(f"There is no folder {each.parent}.")


def placed(judged: Judged, flags: Iterable[Flag]) -> list[Placed]:
    """The flags that touch a cell, in reading order, at their characters of the cell."""
    found = []
    for flag in sorted(flags, key=lambda flag: flag.start):
        for cell in judged.cells:
            start, end = max(flag.start, cell.start), min(flag.end, cell.end)
            if start < end:
                whole = (start, end) == (flag.start, flag.end)  # a suggestion is for a word, not for a part of one
                suggestions = flag.suggestions if whole else ()
                own = replace(flag, word=judged.text[start:end], start=start, end=end, suggestions=suggestions)
                found.append(Placed(judged.row, cell.column, start - cell.start, end - cell.start, own))
    return found


def corrected(text: str, flags: Sequence[Placed], sure: float) -> str:
    """A cell's text with the sure suggestions in the place of the flagged words, and not a character else changed."""
    return exchanged(text, edits(flags, sure))


def edits(flags: Iterable[Placed], sure: float) -> list[Edit]:
    """What a copy has in the place of a cell's flagged words; none touches another, as it might where a template names a cell twice.

    One is sure where P(the word is wrong) times P(the suggestion, if it is) is at least `sure`.
    A suggestion that would change a negation stays a suggestion.
    """
    made: list[Edit] = []
    for each in sorted(flags, key=lambda each: (each.start, each.end)):
        sure_enough = each.flag.suggestions and each.flag.score * each.flag.suggestions[0][1] >= sure
        is_free = not made or each.start >= made[-1].end
        if is_free and sure_enough and not changes_negation(each.flag.word, each.flag.suggestion):
            made.append(Edit(each.start, each.end, each.flag.suggestion))
    return made
