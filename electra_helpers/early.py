"""What is wrong with a command's paths, options and columns, told before torch is loaded: within a second, not after five."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from electra_helpers.errors import ElectraError
from electra_helpers.paths import check_different, check_new_folder
from electra_helpers.reading.corpora import open_corpus
from electra_helpers.reading.files import TABLES, files_in, form_of, read_rows
from electra_helpers.reading.labelled import load_labelled
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.sources import path_of
from electra_helpers.saved.folder import check_finetuned, check_pretrained, is_finetuned
from electra_helpers.tasks.cleaning.cells import Source, Wanted, check_outputs

TASK_NAMES = (
    *("classification", "tagging", "question-answering", "multiple-choice"),
    *("translation", "summarisation", "cleaning"),
)
AFAR = ("docs", "world", "hub", "bundled")  # sources that are made or fetched: they are not looked at twice
PREDICTION_FORMS = (".jsonl", ".csv", ".tsv")


def check_task(name: str, others: Sequence[str] = ()) -> None:
    """Raise `ElectraError`, listing those there are, where there is no such task."""
    if name not in (*TASK_NAMES, *others):
        raise ElectraError(f"There is no task {name!r}: choose one of {', '.join((*TASK_NAMES, *others))}.")


def check_corpus(sources: Iterable[str], column: str | None = None, layout: Layout = FOUND_OUT) -> None:
    """Raise `ElectraError` for a file or folder that cannot be read, or has no such column."""
    for source in map(str, sources):
        if not _is_afar(source):
            open_corpus(source, column=column, layout=layout)


def check_labelled(
    sources: Iterable[str | None], task: str, columns: Mapping[str, str], layout: Layout = FOUND_OUT
) -> None:
    """Raise `ElectraError` where labelled rows are not there, or a table has no such column."""
    for source in filter(None, sources):
        path = path_of(source)
        if path is None:
            continue
        if not path.exists():
            load_labelled(source, task=task, layout=layout)  # says what is wrong
        if path.is_file():
            check_columns(path, {} if task == "cleaning" else columns, layout)  # its columns may be made of marks


def check_columns(path: Path, columns: Mapping[str, str], layout: Layout = FOUND_OUT) -> None:
    """Raise `ElectraError` where a file cannot be read, or is a table without a column that is named."""
    files_in(path, layout)
    if form_of(path, layout) in (*TABLES, ".parquet"):  # in other forms a later row may have it
        found = next(read_rows(path, layout=layout), {})
        inside = found.get("translation")  # a column of the hub that holds columns
        found = {**found, **inside} if isinstance(inside, Mapping) else found
        absent = [name for name in columns.values() if name not in found]
        if absent:
            raise ElectraError(f"{path} has no column {absent[0]!r}; it has: {', '.join(found)}.")


def check_model(name: str | Path) -> None:
    """Raise `ElectraError` where neither a pre-trained nor a fine-tuned model can be loaded by this name."""
    if is_finetuned(name):
        check_finetuned(name)
    else:
        check_pretrained(name)


def check_export(model: str, out: Path) -> None:
    """Raise `ElectraError` where `electra export` could not read its model or not write what it makes of it."""
    check_model(model)
    check_new_folder(out)


def check_average(models: Sequence[str], out: Path) -> None:
    """Raise `ElectraError` where `electra average` could not read its models or not write their mean."""
    check_new_folder(out)
    for model in models:
        check_model(model)


def check_prediction(model: Path, input: Path, output: Path, columns: Mapping[str, str], layout: Layout) -> None:
    """Raise `ElectraError` where `electra predict` could not read its model or its input, or not write its output."""
    check_finetuned(model)
    check_columns(input, columns, layout)
    if form_of(output) not in PREDICTION_FORMS or output.suffix != form_of(output):
        raise ElectraError(f"{output}: predictions are written as .jsonl, .csv or .tsv.")
    if not output.parent.is_dir():
        raise ElectraError(f"There is no folder {output.parent}.")
    check_different(input, output, names="--input and --output")


def check_cleaning(file: Path, output: Path, wanted: Wanted, models: Iterable[str | None]) -> None:
    """Raise `ElectraError` where `electra clean` could not read its file or its models, or not write what is asked for."""
    check_outputs(Source(file, wanted).path, output, wanted.corrected)
    for name in filter(None, models):
        check_model(name)


def _is_afar(source: str) -> bool:
    return source.split(":")[0] in AFAR and not Path(source).exists()
