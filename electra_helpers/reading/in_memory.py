"""Data that a program holds, as the readers of files give it: lists, a Dataset of datasets or of torch, a DataFrame.

None of these libraries is imported: an object is known by what it can do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.reading.corpora import Corpus, Part, content_hash, is_document
from electra_helpers.reading.files import TEXT_COLUMNS, form_of, pick_column
from electra_helpers.reading.sources import Found, of_dataset

MADE = ("docs", "world")  # sources that are no files
FETCHED = ("hub", "bundled")
ENDS = (".", "!", "?", "…", "。", "！", "？", "\n")  # of a text; a name ends otherwise
LONGEST_NAME = 1_000  # characters of a path
LOOKED_AT = 50  # items of a list by which it is decided what they are


def corpus_or_names(data: Any, column: str | None = None) -> tuple[Corpus | None, list[str]]:
    """What to pre-train on → a corpus in memory (None: it is still to be opened) and the names of its sources.

    `data` is a source as for `open_corpus`, a list of them, or texts: a list, a `Corpus`, a Dataset, a DataFrame (its column `column`, or
    the first of the usual ones). Raises `ElectraError` for a text alone, which could be the name of a file.
    """
    if isinstance(data, str | Path):
        return None, [_source(str(data))]
    corpus = data if isinstance(data, Corpus) else _corpus(data, column)
    return (corpus, [corpus.describe()]) if corpus is not None else (None, list(map(str, data)))


def _source(text: str) -> str:
    if is_source(text) or not reads_like_text(text):
        return text  # what is wrong with a path is said where it is opened
    raise ElectraError(
        f"{text[:40]!r} is no file, no folder, and neither docs, world nor hub:NAME. Give texts as a list: "
        "[text, …], and a file by its path."
    )


def is_source(text: str) -> bool:
    """Whether this names something to read, here or afar."""
    kind, colon, _ = text.partition(":")
    if kind in MADE or (kind in FETCHED and colon):
        return True
    try:
        return len(text) < LONGEST_NAME and Path(text).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # too long a name, a null byte, no such user
        return False


def reads_like_text(text: str) -> bool:
    """Whether this is a text and not the name of a file that is missing.

    >>> [reads_like_text(each) for each in ("It rained.", "今天下雨。", "corpus.txt", "data/my corpus")]
    [True, True, False, False]
    """
    if len(text) >= LONGEST_NAME or text.endswith(ENDS):
        return True
    return form_of(Path(text)) is None and "/" not in text and "\\" not in text and len(text.split()) > 1


def _corpus(data: Any, column: str | None) -> Corpus | None:
    """The texts of an object; None where it is a list of sources."""
    if is_dataset(data):
        return _of_dataset(data, column)
    if is_frame(data):
        columns = {str(name): name for name in data.columns}
        name = pick_column(columns, column, TEXT_COLUMNS, "The DataFrame")
        return _of_column(list(data[columns[name]]), name, "a DataFrame")
    if isinstance(data, Mapping):
        raise ElectraError(f"These are {len(data)} parts ({_listed(data)}): give one of them, or a list of texts.")
    items = in_a_list(data)
    if any(isinstance(item, Path) for item in items):
        return None
    if items and all(isinstance(item, str) for item in items):
        # A missing file in a list of files must not become the text of a corpus.
        are_texts = any(reads_like_text(item) and not is_source(item) for item in items[:LOOKED_AT])
        return Corpus.from_texts(items) if are_texts else None
    return _of_rows(items, column)


def _of_rows(items: Sequence[Any], column: str | None) -> Corpus:
    if not items:
        raise ElectraError("No corpus was given: give a path, docs, world, hub:NAME, or a list of texts.")
    if not all(isinstance(item, Mapping) for item in items):
        wrong = next(
            item for item in items if not isinstance(item, str | Mapping) or not isinstance(items[0], type(item))
        )
        raise ElectraError(f"A corpus is a list of texts; this one has {str(wrong)[:40]!r}, a {type(wrong).__name__}.")
    name = pick_column(items[0], column, TEXT_COLUMNS, "The first row")
    return _of_column([row.get(name) for row in items], name, "rows")


def _of_column(values: Sequence[Any], name: str, what: str) -> Corpus:
    """The texts of a column; rows that have none there are counted. Raises `ElectraError` for what is no text."""
    texts = [value for value in values if is_document(value, name, what)]
    left = f"; {len(values) - len(texts):,} rows without a text there" if len(texts) < len(values) else ""
    return Corpus.from_texts(texts, f"{len(texts):,} texts of {what} (column {name}{left})")


def _of_dataset(data: Any, column: str | None) -> Corpus:
    """The texts of a Dataset of `datasets`, read from where it lies, never held in memory."""
    name = pick_column(data.column_names or list(next(iter(data), {})), column, TEXT_COLUMNS, "The Dataset")

    def documents() -> Iterator[str]:
        for rows in data.select_columns([name]).iter(batch_size=1_000):
            yield from (text for text in rows[name] if is_document(text, name, "The Dataset"))

    def fingerprint() -> str:
        """The Dataset's own; one that is streamed has none, and is read once for it."""
        own = getattr(data, "_fingerprint", None)
        return f"{own} {name}" if own else content_hash(documents())

    count = f"{len(data):,} rows of a Dataset" if hasattr(data, "__len__") else "a Dataset that is streamed"
    return Corpus([Part("dataset", documents, fingerprint)], f"{count} (column {name})")


def rows_in_memory(data: Any) -> Found:
    """Labelled rows of an object, with the names that its columns give to numbers.

    `data` is a list of rows, a Dataset, a DataFrame, columns as {name: values}, or anything with a length and items. Raises
    `ElectraError` for a set of splits, and for columns of different lengths.
    """
    if is_dataset(data):
        return of_dataset(data, "the Dataset")
    if is_frame(data):
        rows = (
            data.to_dicts()
            if hasattr(data, "to_dicts")
            else data.astype(object).where(data.notna(), None).to_dict("records")
        )
        return Found(rows, "the DataFrame")
    if not isinstance(data, Mapping):
        return Found(in_a_list(data), "rows")
    columns = {
        name: list(values) for name, values in data.items() if not (is_dataset(values) or isinstance(values, str))
    }
    lengths = {name: len(values) for name, values in columns.items()}
    if len(columns) < len(data):
        raise ElectraError(f"These are {len(data)} parts ({_listed(data)}): give one of them.")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {count:,}" for name, count in lengths.items())
        raise ElectraError(f"Columns have one value a row; {told}.")
    return Found([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)], "columns")


def is_dataset(data: Any) -> bool:
    """Whether this is one set of `datasets`, in memory or streamed."""
    return hasattr(data, "column_names") and hasattr(data, "features") and not isinstance(data, Mapping)


def is_frame(data: Any) -> bool:
    """Whether this is a table of pandas or polars."""
    return hasattr(data, "columns") and (hasattr(data, "to_dicts") or hasattr(data, "to_dict"))


def in_a_list(data: Any) -> list[Any]:
    """Every item: of a list, of a generator, or of torch's Dataset, which has a length and items by number."""
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not hasattr(data, "__iter__"):
        return [data[number] for number in range(len(data))]
    return list(data)


def _listed(data: Mapping[str, Any]) -> str:
    return ", ".join(map(str, list(data)[:5]))
