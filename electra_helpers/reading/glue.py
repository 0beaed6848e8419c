"""The eight tasks of GLUE that the paper reports, from a folder or from the hub, as labelled rows of one form.

A folder has one for each task (`CoLA`, `cola`, …). In it lie the files of GLUE's own download (train.tsv, dev.tsv, test.tsv) or the hub's
(train, validation, test as .jsonl, .csv, .tsv or .parquet, in shards or not, or what `datasets` saved).
Source: Wang et al. (2019), GLUE; the columns are those of its files and of nyu-mll/glue.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.reading.files import form_of, read_rows
from electra_helpers.reading.hub import NoSplit, hub_name, load_from_hub
from electra_helpers.reading.labelled import NO_LABEL, LabelledData, labelled
from electra_helpers.reading.labels import listed
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.sources import Found, find_rows, of_dataset

HUB = "hub:nyu-mll/glue"
BOTH = ("entailment", "not_entailment")
LEFT_OUT = "left out: no text, or no label"


@dataclass(frozen=True)
class GlueTask:
    """One task: what it is called, what its rows are, and which of its splits are scored."""

    name: str  # its configuration on the hub
    title: str  # as papers write it
    texts: tuple[str, ...]  # the hub's columns that hold one text, or a pair
    labels: tuple[str, ...] = ()  # in the hub's order; none: a score from 0 to 5
    own: dict[str, str] = field(default_factory=dict)  # column of GLUE's own .tsv → the hub's
    other_names: tuple[str, ...] = ()
    symmetric: bool = False  # whether either text of a pair may come first
    matched: bool = False  # whether its splits are in two: genres of the training rows, and others


GLUE = {
    task.name: task
    for task in (
        # CoLA's own files have no line of names: source, label, the linguist's mark, sentence.
        GlueTask("cola", "CoLA", ("sentence",), ("unacceptable", "acceptable"), {"4": "sentence", "2": "label"}),
        GlueTask("sst2", "SST-2", ("sentence",), ("negative", "positive"), other_names=("sst",)),
        GlueTask(
            "mrpc",
            "MRPC",
            ("sentence1", "sentence2"),
            ("not_equivalent", "equivalent"),
            {"#1 String": "sentence1", "#2 String": "sentence2", "Quality": "label"},
            symmetric=True,
        ),
        GlueTask(
            "stsb", "STS-B", ("sentence1", "sentence2"), (), {"score": "label"}, other_names=("sts",), symmetric=True
        ),
        GlueTask("qqp", "QQP", ("question1", "question2"), ("not_duplicate", "duplicate"), {"is_duplicate": "label"}),
        GlueTask(
            "mnli",
            "MNLI",
            ("premise", "hypothesis"),
            ("entailment", "neutral", "contradiction"),
            {"sentence1": "premise", "sentence2": "hypothesis", "gold_label": "label"},
            matched=True,
        ),
        GlueTask("qnli", "QNLI", ("question", "sentence"), BOTH),
        GlueTask("rte", "RTE", ("sentence1", "sentence2"), BOTH),
    )
}
SPLITS = {"train": ("train",), "validation": ("validation", "dev"), "test": ("test",)}
SHARD = re.compile(r"-\d+-of-\d+")


def glue_tasks(written: str | Sequence[str]) -> tuple[str, ...]:
    """The tasks that are named, in GLUE's order, each once. Raises `ElectraError` for a name that is none.

    >>> glue_tasks("RTE, cola, STS-B")
    ('cola', 'stsb', 'rte')
    """
    names = written.split(",") if isinstance(written, str) else written
    found = set()
    for name in filter(None, map(str.strip, names)):
        known = [task.name for task in GLUE.values() if _plain(name) in (task.name, *task.other_names)]
        if not known:
            raise ElectraError(
                f"There is no task {name!r} in this suite: choose of {','.join(GLUE)}. WNLI and AX are left out, as in the paper."
            )
        found |= set(known)
    if not found:
        raise ElectraError(f"--tasks names no task: choose of {','.join(GLUE)}.")
    return tuple(name for name in GLUE if name in found)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_hub(data: str) -> bool:
    """Whether GLUE is asked of the hub: `hub`, or hub:OWNER/NAME of a set with its configurations."""
    return data == "hub" or data.startswith("hub:")


def task_folders(data: str) -> dict[str, Path]:
    """Task → its folder, of those that are there. Raises `ElectraError` where there is no folder with a task's name."""
    path = Path(data).expanduser()
    if not path.is_dir():
        raise ElectraError(f"{data} is no folder: --data names one with a folder for each task, or {HUB}.")
    inside = [each for each in sorted(path.iterdir()) if each.is_dir() and not each.name.startswith(".")]
    found = {
        task.name: each
        for task in GLUE.values()
        for each in reversed(inside)
        if _plain(each.name) in (task.name, *task.other_names)
    }
    if not found:
        there = listed([each.name for each in inside]) or "none"
        raise ElectraError(f"{data} has no folder for a task of GLUE ({','.join(GLUE)}); its folders: {there}.")
    return found


def tasks_in(data: str) -> tuple[str, ...]:
    """The tasks that a source has, in GLUE's order."""
    return tuple(GLUE) if is_hub(data) else tuple(name for name in GLUE if name in task_folders(data))


def split_names(task: GlueTask, split: str) -> tuple[str, ...]:
    """What the hub and GLUE's own files call a split: train, validation, test, mismatched or test_mismatched.

    >>> split_names(GLUE["mnli"], "validation"), split_names(GLUE["cola"], "validation")
    (('validation_matched', 'dev_matched'), ('validation', 'dev'))
    """
    if split == "train":
        return SPLITS["train"]
    kind = "mismatched" if split.endswith("mismatched") else "matched"
    base = SPLITS["test" if split.startswith("test") else "validation"]
    return tuple(f"{name}_{kind}" for name in base) if task.matched else base


def scored_splits(task: GlueTask, split: str = "validation") -> dict[str, str]:
    """Name in the report → split, of what is scored: of MNLI two."""
    other = {"mismatched": "mismatched"} if split == "validation" else {f"{split}_mismatched": f"{split}_mismatched"}
    return {split: split} | (other if task.matched else {})


def read_glue(data: str, name: str, split: str, layout: Layout = FOUND_OUT) -> LabelledData:
    """The rows of a task's split: train, validation, mismatched (of MNLI), test or test_mismatched.

    Rows without a text, or (but for test) without a label are left out and counted. Raises `ElectraError` (`NoSplit` where only the
    split is missing) for what is not there or has other columns.
    """
    task = GLUE[name]
    found = _find(data, task, split, layout)
    rows = [_renamed(row, task, is_test=split.startswith("test")) for row in found.rows]
    whole = [row for row in rows if _is_whole(row, task, is_test=split.startswith("test"))]
    roles = dict(zip(("text", "pair"), task.texts, strict=False)) | {"label": "label"}
    made = labelled(
        whole,
        task="classification",
        columns=roles,
        labels=task.labels or None,
        names=found.names,
        kind="classes" if task.labels else "scale",
        source=found.source,
    )
    dropped = {LEFT_OUT: len(rows) - len(whole)} if len(whole) < len(rows) else {}
    return replace(made, how=found.how, notes=made.notes | found.notes | dropped)


def both_orders(data: LabelledData) -> LabelledData:
    """Every pair, and behind them all every pair with its texts exchanged. Source: reference code, `double_unordered`."""
    swapped = [row | {"text": row["pair"], "pair": row["text"]} for row in data.rows]
    return replace(data, rows=data.rows + swapped, how=data.how | {"orders": "each pair in both"})


def check_glue(data: str, tasks: Sequence[str], layout: Layout = FOUND_OUT) -> None:
    """Raise `ElectraError` where a task's folder, its training or its validation rows are missing, or lack a column.

    One row of each file is read. The hub is not asked before it is needed.
    """
    if is_hub(data):
        return
    for name in tasks:
        task = GLUE[name]
        for split in ("train", *scored_splits(task)):
            files = _files(_folder(data, task), task, split, layout)
            if files:
                row = next(read_rows(files[0], layout=_layout(files[0], task, layout)), None)
                if row is None:
                    raise ElectraError(f"{files[0]} holds no rows.")
                _renamed(row, task, is_test=False, where=str(files[0]))


def has_labels(data: str, name: str, split: str, layout: Layout = FOUND_OUT) -> bool:
    """Whether a split is there and its first rows have labels: those of GLUE's test sets are kept by its server."""
    task = GLUE[name]
    try:
        if is_hub(data):
            rows = _of_hub(data, task, split, "[:10]").rows
        elif files := _files(_folder(data, task), task, split, layout):
            rows = list(islice(read_rows(files[0], layout=_layout(files[0], task, layout)), 10))
        else:
            rows = _find(data, task, split, layout).rows[:10]
    except NoSplit:
        return False
    return any(_is_whole(_renamed(row, task, is_test=True), task, is_test=False) for row in rows)


def _folder(data: str, task: GlueTask) -> Path:
    there = task_folders(data)
    if task.name not in there:
        raise ElectraError(
            f"{data} has no folder for {task.title} (such as {data}/{task.name}); it has {listed([*there])}. "
            f"Leave it out with --tasks {','.join(there)}."
        )
    return there[task.name]


def _find(data: str, task: GlueTask, split: str, layout: Layout) -> Found:
    """The rows as they are written."""
    names = split_names(task, split)
    if is_hub(data):
        return _of_hub(data, task, split)
    folder = _folder(data, task)
    files = _files(folder, task, split, layout)
    if not files:
        return find_rows(str(folder), names[0], "classification", layout)  # what `datasets` saved
    parts = [find_rows(str(file), split, "classification", _layout(file, task, layout)) for file in files]
    more = {"files": len(files)} if len(files) > 1 else {}
    rows = [row for part in parts for row in part.rows]
    return Found(rows, f"{folder} ({names[0]})", parts[0].names, how=parts[0].how | more)


def _of_hub(data: str, task: GlueTask, split: str, part: str = "") -> Found:
    """The rows of the task's configuration, or a part of them, such as [:10]."""
    written, name = (HUB if data == "hub" else data).removeprefix("hub:"), split_names(task, split)[0]
    path, at, revision = written.partition("@")
    asked = hub_name(f"{path}/{task.name}{at}{revision}")
    return of_dataset(load_from_hub(asked, f"{name}{part}"), f"hub:{path}/{task.name} ({name})")


def _files(folder: Path, task: GlueTask, split: str, layout: Layout) -> list[Path]:
    """The files of a split, by their whole name: MRPC's folder also has dev_ids.tsv, MNLI's has both halves of dev.

    None for a folder that `datasets` saved. Raises `NoSplit`, listing what is there.
    """
    if (folder / "dataset_dict.json").is_file():
        return []
    names = split_names(task, split)
    there = [
        each for each in sorted(folder.iterdir()) if each.is_file() and form_of(each, layout) not in (None, ".txt")
    ]
    files = [each for each in there if SHARD.sub("", each.name.split(".")[0]).lower() in names]
    if not files:
        found = listed([each.name for each in there]) or "no file that can be read"
        raise NoSplit(f"{folder} has no {' or '.join(names)} rows for {task.title}; it has: {found}.")
    return [each for each in files if form_of(each, layout) == form_of(files[0], layout)]


def _layout(file: Path, task: GlueTask, layout: Layout) -> Layout:
    """How a file is written: in GLUE's own .tsv quotes are text, and CoLA's have no line of names."""
    if form_of(file, layout) != ".tsv":
        return layout
    quoting = "none" if layout.quoting == "auto" else layout.quoting
    delimiter = "\t" if layout.delimiter == "auto" else layout.delimiter
    told = replace(layout, quoting=quoting, delimiter=delimiter)
    headless = replace(told, header=False)
    first = next(read_rows(file, layout=headless), {})
    has_names = any(name in first.values() for name in task.texts) or "4" not in first
    return headless if task.name == "cola" and not has_names else told


def _renamed(row: dict[str, Any], task: GlueTask, *, is_test: bool, where: str = "") -> dict[str, Any]:
    """A row under the hub's names. Raises `ElectraError` where a text, or (but for test) the label has no column."""
    made = {} if all(name in row for name in task.texts) and "label" in row else dict(task.own)
    made = {made.get(name, name): value for name, value in row.items()}
    wanted = (*task.texts, *(() if is_test else ("label",)))
    absent = [name for name in wanted if name not in made]
    if absent:
        own = [old for old, new in task.own.items() if new == absent[0] and not old.isdigit()]
        also = f" (nor {own[0]!r})" if own else ""
        raise ElectraError(
            f"{where or task.title} has no column {absent[0]!r}{also}, as {task.title} needs it; it has: {', '.join(map(str, row))}."
        )
    label = made.get("label")
    return made | {"label": None if isinstance(label, str) and label.strip() in ("", "-") else label}


def _is_whole(row: dict[str, Any], task: GlueTask, *, is_test: bool) -> bool:
    """Whether all texts are there (a line of QQP that was cut in two has fewer) and, but for test, the label."""
    has_label = row["label"] is not None and str(row["label"]) not in (str(NO_LABEL), f"{NO_LABEL}.0")
    return all(row[name] is not None for name in task.texts) and (is_test or has_label)
