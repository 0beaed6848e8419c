"""A file of rows → a file of the same rows with a model's predictions, in order and in constant memory."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from electra_helpers.errors import ElectraError
from electra_helpers.paths import appears_whole, check_different, draft_file
from electra_helpers.reading.files import files_in, form_of
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.tasks.base import Row
from electra_helpers.tasks.finetuned import AT_ONCE, Finetuned
from electra_helpers.tasks.reading import rows_to_predict
from electra_helpers.tasks.seeds import unknown_words

PREDICTED = "predicted_"  # before the name of every column that a prediction adds


class Predicted(NamedTuple):
    """How many rows were written, and what is to be said of them."""

    rows: int
    said: list[str]


def predict_file(
    made: Finetuned,
    path: Path,
    output: Path,
    *,
    columns: Mapping[str, str] | None = None,
    layout: Layout = FOUND_OUT,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Predicted:
    """Write the rows of `path` with predictions to `output`. Raises `ElectraError` for a file that cannot be read or written."""
    files_in(path, layout)  # says what is wrong with the path
    check_different(path, output, names="--input and --output")
    said: list[str] = []
    firsts: list[Row] = []
    asked = rows_to_predict(path, made.task, columns, layout, said.append, trained=made.columns)
    rows = empty = 0
    with predictions_file(output) as write:
        head = list(islice(asked, AT_ONCE))
        told = (((row, read), read) for row, read in chain(head, asked))
        for (row, read), prediction in made.predict_beside(told):
            write(row, prediction)
            if rows < len(head):
                firsts.append(prediction)
            rows, empty = rows + 1, empty + is_empty(read)
            progress(rows, None)
    if made.precision != "fp32" and head:
        said.append(against_fp32(made, [read for _, read in head], firsts))
    said += [f"{empty:,} of the {rows:,} rows have an empty text."] if empty else []
    return Predicted(rows, said + (unknown_words(made, [read for _, read in head]) if head else []))


def against_fp32(made: Finetuned, rows: Sequence[Row], said: Sequence[Row]) -> str:
    """How many of these rows have another answer in fp32 than what was said; of numbers on a scale, how far they are apart."""
    both = list(zip(said, replace(made, precision="fp32").predict_read(rows), strict=True))
    if isinstance(said[0].get("label"), float):
        most = max(abs(a["label"] - b["label"]) for a, b in both)
        return f"In {made.precision} the first {len(rows):,} numbers differ by at most {most:.2g} from those in fp32."
    others = sum(answer(a) != answer(b) for a, b in both)
    return f"In {made.precision} {others:,} of the first {len(rows):,} rows have another answer than in fp32."


def answer(said: Any) -> Any:
    """A prediction without its probabilities, which differ in any other precision."""
    if isinstance(said, dict):
        return {name: answer(value) for name, value in said.items() if not isinstance(value, float)}
    return [answer(each) for each in said] if isinstance(said, list | tuple) else said


def is_empty(read: Row) -> bool:
    """Whether something that the net reads of a row is empty."""
    return any(not (value.strip() if isinstance(value, str) else value) for value in read.values() if value is not None)


@contextmanager
def predictions_file(path: Path) -> Iterator[Any]:
    """A function that writes one row with its prediction; the file gets its name when all is written, and is not there otherwise.

    A table is written when all rows are known: a column that first occurs in a late row has its place in the header, too. Raises
    `ElectraError` for a row that has a column of the prediction's name already.
    """
    form = form_of(path)
    if form not in (".jsonl", ".csv", ".tsv") or path.suffix != form:
        raise ElectraError(f"{path}: predictions are written as .jsonl, .csv or .tsv.")
    columns: dict[str, dict[str, None]] = {"row": {}, "prediction": {}}
    with appears_whole(path) as draft, ExitStack() as stack:
        rows = draft
        if form != ".jsonl":
            rows = draft_file(path)
            stack.callback(rows.unlink)
        with open(rows, "w", encoding="utf-8", errors="replace", newline="") as file:

            def write(row: Row, prediction: Row) -> None:
                said = {f"{PREDICTED}{name}": value for name, value in prediction.items()}
                for part, found in (("row", row), ("prediction", said)):
                    columns[part] |= dict.fromkeys(found)
                if twice := next((name for name in columns["prediction"] if name in columns["row"]), None):
                    raise ElectraError(
                        f"The rows have a column {twice!r} already, as a prediction is called: rename it."
                    )
                file.write(_as_json(row | said) + "\n")

            yield write
        if form != ".jsonl":
            _write_table(rows, draft, [*columns["row"], *columns["prediction"]], form)


def _as_json(row: Row) -> str:
    """A row as a line; JSON has no number that is not finite, so null stands for it."""
    try:
        return json.dumps(row, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(row), ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_table(rows: Path, path: Path, columns: Sequence[str], form: str) -> None:
    """Rows as a table that reads back the same. In a .tsv file all cells are in quotes as soon as one must be."""
    quoted = csv.QUOTE_MINIMAL
    if form == ".tsv":
        special = any(set(str(cell)) & set('"\t\r\n') for row in _as_cells(rows) for cell in (*row, *row.values()))
        quoted = csv.QUOTE_ALL if special else csv.QUOTE_NONE
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter="," if form == ".csv" else "\t", quoting=quoted)
        writer.writeheader()
        writer.writerows(_as_cells(rows))


def _as_cells(rows: Path) -> Iterator[Row]:
    with open(rows, encoding="utf-8") as file:
        for line in file:
            yield {name: _cell(value) for name, value in json.loads(line).items()}


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
