"""Rows for a downstream task: labelled ones from files, the hub or the little world, and those to predict, read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from electra_helpers.errors import ElectraError
from electra_helpers.tasks.downstream import DownstreamTask, Row
from electra_helpers.tasks.registry import task_named
from electra_helpers.text.files import form_of, read_documents, read_rows
from electra_helpers.text.labelled import TASKS as SCHEMAS
from electra_helpers.text.labelled import LabelledData, checked, labelled, load_labelled

WORLD_ROWS = {"train": 2_000, "validation": 500, "test": 500}
HELD_OUT_SHARE = 0.1  # of a training file that comes without validation rows
PREDICTED = "predicted_"  # before the name of every column that a prediction adds


def open_task_data(
    source: str,
    split: str,
    task: str,
    *,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[str] | None = None,
) -> LabelledData:
    """One split of a labelled set: a file, a folder with a file a split, hub:NAME, or the little world.

    The little world is `world[:WHAT][:LANGUAGE][:ROWS]`, such as `world`, `world:topic`, `world:sentiment:zh:500`; for translation
    LANGUAGE is a pair such as `en-zh`, or the one translated into. Raises
    `ElectraError` for a source, split or column that is not there.
    """
    if str(source).split(":")[0] == "world" and not Path(source).exists():
        return _world_data(str(source), split, task)
    task_named(task)  # says which there are
    return load_labelled(source, split, task=task, columns=columns, labels=labels)


def _world_data(source: str, split: str, task: str) -> LabelledData:
    from electra_helpers.world.labels import LABEL_NAMES
    from electra_helpers.world.labels import labelled as world_rows

    what, language, count = task_named(task).world, "en", WORLD_ROWS[split]
    for word in source.split(":")[1:]:
        if word.isdigit():
            count = int(word) if split == "train" else count
        elif len(word) == 2 or "-" in word:
            language = word
        else:
            what = word
    if what == "translation" and "-" not in language:
        language = f"en-{'fr' if language == 'en' else language}"
    try:
        rows = list(world_rows(what, language, split=split, count=count))
    except ValueError as error:
        raise ElectraError(f"{source}: {error}") from error
    return labelled(rows, task=task, labels=LABEL_NAMES.get(what), source=f"{source} ({split})")


def training_data(
    train: str, validation: str | None, test: str | None, task: str, **how: Any
) -> tuple[LabelledData, LabelledData | None, LabelledData | None]:
    """Training, validation and test rows. Without `validation` its split of the same source, or a tenth of a training file."""
    data = open_task_data(train, "train", task, **how)
    known = how | ({"labels": data.labels} if data.labels else {})
    if validation:
        held_out = open_task_data(validation, "validation", task, **known)
    elif Path(train).is_file():
        data, held_out = hold_out(data)
    else:
        held_out = open_task_data(train, "validation", task, **known)
    return data, held_out, open_task_data(test, "test", task, **known) if test else None


def hold_out(data: LabelledData, share: float = HELD_OUT_SHARE) -> tuple[LabelledData, LabelledData]:
    """Every tenth row (or what `share` says) for validation, the others for training: the same ones every time."""
    every = round(1 / share)
    chosen = [number % every == every - 1 for number in range(len(data))]
    if not any(chosen):
        raise ElectraError(f"{data.source} has {len(data)} rows, too few to hold some out: give --validation.")
    held_out = [row for row, out in zip(data.rows, chosen, strict=True) if out]
    kept = [row for row, out in zip(data.rows, chosen, strict=True) if not out]
    return replace(data, rows=kept), replace(data, rows=held_out, source=f"{data.source}, every {every}th row")


def rows_to_predict(
    path: Path, task: DownstreamTask, columns: Mapping[str, str] | None = None
) -> Iterator[tuple[Row, Row]]:
    """Each row of a file with what the task reads of it, as a stream. Raises `ElectraError`, listing the columns found."""
    if form_of(path) == ".txt":
        if "text" not in {role for roles in task.inputs for role in roles}:
            raise ElectraError(f"{path} has no columns; {task.name} reads {' and '.join(task.inputs[0])}.")
        yield from (({"text": text}, {"text": text}) for text in read_documents(path))
        return
    chosen: dict[str, str] | None = None
    for number, row in enumerate(read_rows(path), start=1):
        inside = row.get("translation")  # a column of the hub that holds columns
        row = {**row, **inside} if isinstance(inside, Mapping) else row
        chosen = chosen or _input_columns(list(row), task, columns or {}, path)
        yield (
            row,
            {
                role: checked(
                    _list(row.get(name)) if role == "tokens" else row.get(name), role, name, f"Row {number} of {path}"
                )
                for role, name in chosen.items()
            },
        )


def _list(cell: Any) -> Any:
    """A list that a .csv file holds as JSON; anything else as it is."""
    try:
        return json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def _input_columns(found: list[str], task: DownstreamTask, named: Mapping[str, str], path: Path) -> dict[str, str]:
    schema = {**SCHEMAS["text"], **SCHEMAS[task.name], **task.columns()}
    absent = [name for name in named.values() if name not in found]
    if absent:
        raise ElectraError(f"{path} has no column {absent[0]!r}; it has: {', '.join(found)}.")
    for roles in task.inputs:
        wanted = (*roles, "pair") if getattr(task, "pairs", False) else roles
        chosen: dict[str, str] = {}
        for role in wanted:
            free = [name for name in schema[role] if name in found and name not in chosen.values()]
            if role in named or free:
                chosen[role] = named.get(role) or free[0]
        if len(chosen) == len(wanted):
            return chosen
    needed = " or ".join(" and ".join(roles) for roles in task.inputs)
    raise ElectraError(
        f"{path} has no column for {needed}; it has: {', '.join(found)}. Name one with --column ROLE=NAME."
    )


@contextmanager
def predictions_file(path: Path) -> Iterator[Any]:
    """A function that writes one row with its prediction; the file gets its name when all is written."""
    form = form_of(path)
    if form not in (".jsonl", ".csv", ".tsv") or path.suffix != form:
        raise ElectraError(f"{path}: predictions are written as .jsonl, .csv or .tsv.")
    partial = path.with_name(f".partial-{path.name}")
    with open(partial, "w", encoding="utf-8", errors="replace", newline="") as file:
        yield _json_writer(file) if form == ".jsonl" else _table_writer(file, "," if form == ".csv" else "\t")
    partial.replace(path)


def _joined(row: Row, prediction: Row) -> Row:
    return row | {f"{PREDICTED}{name}": value for name, value in prediction.items()}


def _json_writer(file: TextIO) -> Any:
    def write(row: Row, prediction: Row) -> None:
        file.write(json.dumps(_joined(row, prediction), ensure_ascii=False) + "\n")

    return write


def _table_writer(file: TextIO, delimiter: str) -> Any:
    import csv

    writer: list[csv.DictWriter] = []

    def write(row: Row, prediction: Row) -> None:
        cells = {name: _cell(value) for name, value in _joined(row, prediction).items()}
        if not writer:
            writer.append(csv.DictWriter(file, list(cells), delimiter=delimiter, extrasaction="ignore"))
            writer[0].writeheader()
        writer[0].writerow(cells)

    return write


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def named_columns(written: Iterable[str]) -> dict[str, str]:
    """`ROLE=NAME` as it is typed → {role: name}."""
    pairs = [item.partition("=") for item in written]
    wrong = [role for role, equals, name in pairs if not (role and equals and name)]
    if wrong:
        raise ElectraError(f"--column {wrong[0]!r}: write ROLE=NAME, such as text=review.")
    return {role: name for role, _, name in pairs}
