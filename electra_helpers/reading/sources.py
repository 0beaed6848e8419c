"""Where labelled rows lie: files, folders with a file a split or a folder a label, what `datasets` saved, and the hub."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.reading.files import files_in, form_of, how_read, read_documents, read_rows
from electra_helpers.reading.formats import looks_like_conll
from electra_helpers.reading.hub import NoSplit, hub_name, load_from_hub, told_in_one_line
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.lines import text_lines
from electra_helpers.resources import data_folder

SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "dev", "valid", "val", "eval"),
    "test": ("test",),
}
NO_CLASS = {"unsup", "unlabeled", "unlabelled"}  # folders of texts that nobody labelled, as IMDB has one


@dataclass(frozen=True, eq=False)
class Found:
    """Rows, and what was decided to get at them."""

    rows: list[dict]
    source: str
    names: dict[str, list[str]] = field(default_factory=dict)  # what the data calls its labels, by column
    columns: dict[str, str] = field(default_factory=dict)  # roles that the form of the file decides
    how: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)


def path_of(source: str) -> Path | None:
    """Where a source lies on this machine, `~` and `bundled:` resolved; None for the hub and for the little world."""
    kind, colon, rest = source.partition(":")
    if kind == "bundled" and colon:
        return data_folder() / rest
    path = Path(os.path.expanduser(source))
    return None if (kind == "hub" and colon) or (kind == "world" and not path.exists()) else path


def is_one_file(source: str) -> bool:
    """Whether a source is a single file, which has no splits: whichever is asked of it, its rows are the same."""
    path = path_of(source)
    return path is not None and path.is_file()


def find_rows(source: str, split: str, task: str | None = None, layout: Layout = FOUND_OUT) -> Found:
    """The rows of one split; a file that is named is all of it. Raises `ElectraError` (`NoSplit` where only the split is missing)."""
    path = path_of(source) or Path(source)
    if source.startswith("hub:"):
        name = hub_name(source.removeprefix("hub:"))
        return of_dataset(load_from_hub(name, split), f"{source} ({split})")
    if not path.is_dir():
        files_in(path, layout)  # says what is wrong with the path
        return _of_files([path], source, task, layout)
    where = f"{source} ({split})"
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        return _saved(path, split, where)
    folder = next((path / name for name in SPLITS.get(split, (split,)) if (path / name).is_dir()), None)
    for each in (folder, None if has_splits(path) else path):
        classes = class_folders(each) if each else []
        if each and classes:
            if each == path and split != "train":
                raise NoSplit(
                    f"{path} has no split {split!r}: its folders are labels ({', '.join(c.name for c in classes)})."
                )
            return _of_classes(each, where, layout)
    return _of_files(_files_of_split(path, split, layout), where, task, layout)


def has_splits(path: Path) -> bool:
    """Whether a folder holds splits, as files or as folders."""
    known = {name for names in SPLITS.values() for name in names}
    return any(not each.name.startswith(".") and _words(each.name)[0] in known for each in path.iterdir())


def _words(name: str) -> list[str]:
    return name.lower().replace("-", ".").replace("_", ".").split(".")


def class_folders(path: Path) -> list[Path]:
    """The folders of texts below a folder, if there are two or more: each is named after the label of its texts."""
    inside = [each for each in sorted(path.iterdir()) if each.is_dir() and not each.name.startswith(".")]
    texts = [each for each in inside if any(_is_text(file) for file in each.iterdir())]
    return texts if len([each for each in texts if each.name not in NO_CLASS]) > 1 else []


def _is_text(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".") and form_of(file) in (".txt", None)


def _of_classes(path: Path, where: str, layout: Layout) -> Found:
    """A row for each file: the whole of it is one text, its folder the label."""
    rows, notes, names = [], {}, []
    for folder in class_folders(path):
        files = [file for file in sorted(folder.iterdir()) if _is_text(file)]
        if folder.name in NO_CLASS:
            notes[f"files in {folder.name}/ left out: they have no label"] = len(files)
            continue
        names.append(folder.name)
        rows += [{"text": "".join(text_lines(file, layout)).strip(), "label": folder.name} for file in files]
    return Found(rows, where, how={"form": "a folder for each label", "encoding": layout.encoding}, notes=notes)


def _of_files(files: list[Path], where: str, task: str | None, layout: Layout) -> Found:
    form = form_of(files[0], layout)
    how = how_read(files[0], layout)
    columns: dict[str, str] = {}
    rows = [row for file in files for row in _rows_of(file, task, layout)]
    if task == "tagging" and rows and set(rows[0]) == {str(n) for n in range(1, len(rows[0]) + 1)}:
        columns = {"tokens": "2", "tags": "4"} if form == ".conllu" else {"tokens": "1", "tags": str(len(rows[0]))}
    elif form == ".txt" and task not in (None, "text"):
        raise ElectraError(
            f"{files[0]} is plain text and has no columns. If its lines are rows of a table, say so: --format tsv or csv "
            f"(with --no-header where no line names the columns)"
            + ("; or --format conll." if task == "tagging" else ".")
        )
    if len(files) > 1:
        how["files"] = len(files)
    return Found(rows, where, _names_in(files[0], form), columns, how)


def _rows_of(file: Path, task: str | None, layout: Layout) -> Iterator[dict]:
    form = form_of(file, layout)
    if form == ".txt" and task == "tagging" and layout.format == "auto" and looks_like_conll(file, layout):
        return read_rows(file, layout=Layout(encoding=layout.encoding, format="conll"))
    if form == ".txt":
        return ({"text": text} for text in read_documents(file, layout=layout))
    return read_rows(file, layout=layout)


def _names_in(file: Path, form: str | None) -> dict[str, list[str]]:
    """The label names that `datasets` writes into a .parquet file."""
    if form != ".parquet":
        return {}
    import pyarrow.parquet as pq

    try:
        about = json.loads((pq.read_schema(file).metadata or {}).get(b"huggingface", b"{}"))
        features = about.get("info", {}).get("features", {})
        found = {name: _names_of(feature) for name, feature in features.items()}
    except (OSError, ValueError, AttributeError):
        return {}
    return {name: names for name, names in found.items() if names}


def _names_of(feature: Any) -> list[str]:
    """The names of a feature as JSON: its own, or those of what it is a list of."""
    if isinstance(feature, list):
        feature = feature[0] if feature else {}
    inner = feature.get("feature", feature)
    names = inner.get("names") if isinstance(inner, dict) else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []


def _files_of_split(path: Path, split: str, layout: Layout) -> list[Path]:
    """The files whose name, or a folder above them, begins with the split's name, whole or before a number or a hyphen."""
    known = SPLITS.get(split, (split,))
    files = [file for file in files_in(path, layout) if form_of(file, layout)]
    names = {file: file.relative_to(path).parts for file in files}
    chosen = [file for file in files if any(_is_of(part, known) for part in names[file])]
    if not chosen:
        listed = sorted({parts[-1].split(".")[0] for parts in names.values()})
        raise NoSplit(f"{path} has no split {split!r}; it has: {', '.join(listed)}.")
    first = form_of(chosen[0], layout)
    return [file for file in chosen if form_of(file, layout) == first]


def _is_of(part: str, known: tuple[str, ...]) -> bool:
    stem = part.split(".")[0].lower()
    return any(stem == name or stem.startswith((f"{name}-", f"{name}_")) for name in known)


def _saved(path: Path, split: str, where: str) -> Found:
    """What `save_to_disk` of `datasets` wrote: one set, or one for each split."""
    import datasets

    with told_in_one_line(str(path)):
        found = datasets.load_from_disk(str(path))
    if isinstance(found, datasets.DatasetDict):
        chosen = next((name for name in SPLITS.get(split, (split,)) if name in found), None)
        if chosen is None:
            raise NoSplit(f"{path} has no split {split!r}; it has: {', '.join(map(str, found))}.")
        found = found[chosen]
    elif split != "train":
        raise NoSplit(f"{path} has no split {split!r}: it is one set.")
    return of_dataset(found, where)


def of_dataset(dataset: Any, where: str) -> Found:
    """The rows of a data set, and the label names that its columns carry."""
    names = {}
    for column, feature in dataset.features.items():
        inner = getattr(feature, "feature", feature)  # tags are a list of class labels
        if getattr(inner, "names", None):
            names[column] = list(inner.names)
    return Found(dataset.to_list(), where, names, how={"form": "datasets"})
