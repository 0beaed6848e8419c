"""Rows for a downstream task: labelled ones from files, the hub or the little world, and those to predict, read as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.reading.choices import with_endings
from electra_helpers.reading.files import how_read, read_documents, read_rows
from electra_helpers.reading.hub import NoSplit
from electra_helpers.reading.in_memory import rows_in_memory
from electra_helpers.reading.labelled import PLAIN, LabelledData, checked, labelled, load_labelled
from electra_helpers.reading.labelled import TASKS as SCHEMAS
from electra_helpers.reading.labels import ByName, Wanted, listed
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.sources import SPLITS, is_one_file, path_of
from electra_helpers.tasks.base import DownstreamTask, Row
from electra_helpers.tasks.holding_out import HoldOut, hold_out
from electra_helpers.tasks.registry import task_named

WORLD_ROWS = {"train": 2_000, "validation": 500, "test": 500}


def open_task_data(
    source: str,
    split: str,
    task: str,
    *,
    columns: Mapping[str, str] | None = None,
    labels: Wanted | None = None,
    kind: str = "auto",
    numbered: bool = True,
    layout: Layout = FOUND_OUT,
) -> LabelledData:
    """One split of a labelled set: a file, a folder with a file a split, hub:NAME, or the little world.

    The little world is `world[:WHAT][:LANGUAGE][:ROWS]`, such as `world`, `world:topic`, `world:sentiment:zh:500`; for translation
    LANGUAGE is a pair such as `en-zh`, or the one translated into. `labels` are known labels in their order, `numbered` whether
    they were numbers where they come from, `kind` what labels are, `layout` how files are written. Raises
    `ElectraError` for a source, split or column that is not there, and for labels that cannot be matched.
    """
    if str(source).split(":")[0] == "world" and path_of(str(source)) is None:
        return _world_data(str(source), split, task, labels)
    task_named(task)  # says which there are
    data = load_labelled(source, split, task=task, columns=columns, labels=labels, kind=kind, layout=layout)
    if data.numbered and not numbered and data.labels:
        first = ",".join(f"{number}={name}" for number, name in enumerate(data.labels[:2]))
        raise ElectraError(
            f"The labels of {data.source} are numbers, those known are names: {listed(data.labels)}. Say which is which, "
            f"such as --labels {first},…"
        )
    return data


def as_labelled(
    rows: Any,
    task: str,
    split: str = "train",
    *,
    columns: Mapping[str, str] | None = None,
    labels: Wanted | None = None,
    kind: str = "auto",
    numbered: bool = True,
) -> LabelledData:
    """Rows of a program, or of a source that it names, as labelled data of this task; see `open_task_data`, `rows_in_memory`.

    Raises `ElectraError` where they are of another task.
    """
    task_named(task)  # says which there are
    how = {"columns": columns, "labels": labels, "kind": kind}
    if isinstance(rows, str | Path):
        return open_task_data(str(rows), split, task, numbered=numbered, **how)
    if isinstance(rows, LabelledData):
        if rows.task != task:
            raise ElectraError(f"{rows.source} holds rows for {rows.task}, not for {task}.")
        return rows
    found = rows_in_memory(rows)
    return labelled(found.rows, task=task, source=found.source, names=found.names, **how)


def _world_data(source: str, split: str, task: str, known: Wanted | None = None) -> LabelledData:
    from electra_helpers.world.labels import LABEL_NAMES
    from electra_helpers.world.labels import labelled as world_rows

    known_as, asked = {other: name for name, others in SPLITS.items() for other in others}, split
    if asked not in known_as:
        raise NoSplit(f"{source} has no split {asked!r}; it has: {', '.join(WORLD_ROWS)}.")
    split = known_as[asked]
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
    own = LABEL_NAMES.get(what)
    names = {"label": own, "ner_tags": own} if own else None
    return labelled(rows, task=task, labels=known or own, names=names, source=f"{source} ({split})")


def training_data(
    train: str, validation: str | None, test: str | None, task: str, *, holding: HoldOut | None = None, **how: Any
) -> tuple[LabelledData, LabelledData | None, LabelledData | None]:
    """Training, validation and test rows. Without `validation` its split of the same source, or a share that is held out of it."""
    data = open_task_data(train, "train", task, **how)
    known = how | as_known(data.labels, data.numbered, data.kind, how.get("labels"))
    held_out = None
    if validation:
        held_out = open_task_data(validation, "validation", task, **known)
    elif not is_one_file(train):
        try:
            held_out = open_task_data(train, "validation", task, **known)
        except NoSplit:
            held_out = None
        if held_out is not None and holding is not None:
            raise ElectraError(
                f"{train} has validation rows of its own: leave --hold-out, --group and --split-seed out."
            )
    if held_out is None:
        split = holding or HoldOut()
        data, held_out = hold_out(data, split.hold_out, group=split.group, seed=split.split_seed)
    return data, held_out, open_task_data(test, "test", task, **known) if test else None


def as_known(names: Sequence[str], numbered: bool, kind: str, named: Wanted | None) -> dict[str, Any]:
    """How other rows are read by what is known of the labels; a mapping that the user gave leads to these names already."""
    if kind == "scale":
        return {"kind": "scale"}
    if not names:
        return {}
    return {"labels": ByName(named, names) if isinstance(named, Mapping) else names, "numbered": numbered}


def labels_to_match(task: DownstreamTask, named: Wanted | None) -> dict[str, Any]:
    """How labelled rows are read that a fine-tuned model is scored on: by its labels, and by what the user says of the data's.

    Raises `ElectraError` for names that the model does not know.
    """
    known, numbered = task.label_names(), getattr(task, "numbered", True)
    if named is not None and not known:
        raise ElectraError("--labels does nothing for this model, whose labels are numbers on a scale: leave it out.")
    if named is None:
        return as_known(known, numbered, "scale" if task.name == "classification" and not known else "", None)
    new = list(named.values()) if isinstance(named, Mapping) else list(named)
    unknown = [name for name in new if name not in known]
    if unknown:
        raise ElectraError(f"--labels has {unknown[0]!r}; the model knows {listed(known)}.")
    # The order of the names wins: with --labels 1,0 the data's 0 is called 1.
    told = named if isinstance(named, Mapping) else {n: n for n in new} | {str(n): name for n, name in enumerate(new)}
    return {"labels": ByName(told, known)}


def named_labels(written: str | None) -> Wanted | None:
    """`a,b,c` → the labels in their order; `0=a,1=b` → what each of the data's labels is called.

    >>> named_labels("neg,pos"), named_labels("0=neg,4=pos")
    (['neg', 'pos'], {'0': 'neg', '4': 'pos'})
    """
    if not written:
        return None
    items = [item.strip() for item in written.split(",")]
    pairs = [item.partition("=") for item in items]
    if "" in items or len(set(items)) < len(items) or len({bool(equals) for _, equals, _ in pairs}) > 1:
        raise ElectraError(f"--labels {written!r}: write names with commas between them, or OLD=NEW for each.")
    if not pairs[0][1]:
        return items
    if not all(old and new for old, _, new in pairs):
        raise ElectraError(f"--labels {written!r}: write OLD=NEW for each label, such as 0=negative,1=positive.")
    return {old: new for old, _, new in pairs}


def rows_to_predict(
    path: Path,
    task: DownstreamTask,
    columns: Mapping[str, str] | None = None,
    layout: Layout = FOUND_OUT,
    say: Callable[[str], None] = lambda line: None,
    *,
    trained: Mapping[str, str] | None = None,
) -> Iterator[tuple[Row, Row]]:
    """Each row of a file with what the task reads of it, as a stream; `say` is told what was decided.

    A column that `columns` does not name is the one of the training data (`trained`: role → column), where the file has it. Raises
    `ElectraError`, listing the columns found.
    """
    how = how_read(path, layout)
    told = ", ".join(f"{name} {value!r}" for name, value in how.items() if (name, value) not in PLAIN)
    if how["form"] == "txt":
        if "text" not in {role for roles in task.inputs for role in roles}:
            raise ElectraError(f"{path} has no columns; {task.name} reads {' and '.join(task.inputs[0])}.")
        if layout.documents == "auto":  # a line is a row, as in every other form and for `electra clean`
            layout = replace(layout, documents="line")
        say(f"{path}: {told}; a row for each {layout.documents}")
        texts = (text.rstrip("\r\n") for text in read_documents(path, layout=layout))
        yield from (({"text": text}, {"text": text}) for text in texts)
        return
    chosen: dict[str, str] | None = None
    for number, row in enumerate(read_rows(path, layout=layout), start=1):
        inside = row.get("translation")  # a column of the hub that holds columns
        row = {**row, **inside} if isinstance(inside, Mapping) else row
        written, row = row, with_endings(row) if "endings" in task.inputs[0] else row
        if chosen is None:
            named = {"tokens": "2" if how["form"] == "conllu" else "1"} if how["form"] in ("conll", "conllu") else {}
            known = {role: name for role, name in (trained or {}).items() if name in row}
            chosen = _input_columns(list(row), task, {**named, **(columns or {})}, path, known)
            say(f"{path}: {told}; " + ", ".join(f"{role}={name}" for role, name in chosen.items()))
        where = f"Row {number} of {path}"
        yield written, {role: checked(row.get(name), role, name, where) for role, name in chosen.items()}


def _input_columns(
    found: list[str], task: DownstreamTask, named: Mapping[str, str], path: Path, trained: Mapping[str, str]
) -> dict[str, str]:
    schema = {**SCHEMAS["text"], **SCHEMAS[task.name], **task.columns()}
    absent = [name for name in named.values() if name not in found]
    if absent:
        raise ElectraError(f"{path} has no column {absent[0]!r}; it has: {', '.join(found)}.")
    for roles in task.inputs:
        wanted = (*roles, "pair") if getattr(task, "pairs", False) else roles
        chosen: dict[str, str] = {}
        for role in wanted:
            likely = [trained[role]] if role in trained else []
            free = [name for name in (*likely, *schema[role]) if name in found and name not in chosen.values()]
            if role in named or free:
                chosen[role] = named.get(role) or free[0]
        if len(chosen) == len(wanted):
            return chosen
    pair = ("pair",) if getattr(task, "pairs", False) else ()
    needed = " or ".join(" and ".join((*roles, *pair)) for roles in task.inputs)
    raise ElectraError(
        f"{path} has no column for {needed}; it has: {', '.join(found)}. Name one with --column ROLE=NAME."
    )
