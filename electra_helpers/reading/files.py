"""Files → rows and documents: .txt, .jsonl, .json, .csv, .tsv, .parquet and CoNLL, plain or compressed, with errors that name the line.

Everything is read as a stream (but for whole JSON documents), so a file may be larger than the memory.
"""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from tqdm import tqdm

from electra_helpers.errors import ElectraError
from electra_helpers.reading.formats import conll_rows, json_rows
from electra_helpers.reading.layout import FORMS, FOUND_OUT, SAME_AS, TAGGED_FORMS, Layout
from electra_helpers.reading.lines import LONGEST_DOCUMENT, OPENERS, open_bytes, text_lines, undamaged
from electra_helpers.reading.tables import dialect_of, read_table

TEXT_COLUMNS = ("text", "content", "sentence", "document", "article", "body", "story", "review")
TABLES = (".csv", ".tsv")
# So much decides whether blank lines separate the documents of a .txt file.
HEAD_LINES, HEAD_CHARACTERS = 1_000, 4_000_000
LISTING_DELAY = 1  # seconds of silence while a folder is listed
MOST_WORDS_OF_A_NAME = 4  # a longer "name" of the only column is a row of a table without a header


def form_of(path: Path, layout: Layout = FOUND_OUT) -> str | None:
    """The form of a file by its name, compression left aside: "corpus.jsonl.xz" → ".jsonl"; None for any other."""
    if layout.format != "auto":
        return f".{layout.format}"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in OPENERS:
        suffixes.pop()
    suffix = SAME_AS.get(suffixes[-1], suffixes[-1]) if suffixes else None
    return suffix if suffix in FORMS + TAGGED_FORMS else None


def files_in(path: Path, layout: Layout = FOUND_OUT) -> list[Path]:
    """The file itself, or all files of a known form below a folder, by name; hidden and empty ones are left out."""
    if not path.exists():
        raise ElectraError(f"{path} does not exist. Check the path; the current folder is {Path.cwd()}.")
    if path.is_dir():
        files = [file for file in files_below(path) if form_of(file, layout) and file.stat().st_size]
        if not files:
            raise ElectraError(
                f"The folder {path} holds no text: no file that ends in {readable_forms()} and is not empty."
            )
        return files
    if form_of(path, layout) is None:
        raise ElectraError(f"{path} is of no form that can be read: the name must end in {readable_forms()}.")
    if path.stat().st_size == 0:
        raise ElectraError(f"{path} is empty (0 bytes).")
    return [path]


def files_below(path: Path) -> list[Path]:
    """All files below a folder but hidden ones, by name, with a line that counts them where they are many."""
    found: list[Path] = []
    with tqdm(desc=f"listing {path.name}", unit=" files", delay=LISTING_DELAY, leave=False) as bar:
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            files = [Path(folder, name) for name in names if not name.startswith(".")]
            found += [file for file in files if file.is_file()]  # no broken link, no pipe
            bar.update(len(files))
    return sorted(found)


def read_documents(path: Path, column: str | None = None, layout: Layout = FOUND_OUT) -> Iterator[str]:
    """The documents of a file; blank ones are skipped.

    In a .txt file blank lines separate documents, as in the reference code; in one without blank lines each line is a
    document; `layout.documents` says it where that is not meant. In the other forms each row is one, its text in `column`,
    or in the first of TEXT_COLUMNS that is there.
    A document of more than a million characters comes in pieces that end between words.
    """
    is_text = form_of(path, layout) == ".txt"
    texts = _text_documents(path, layout) if is_text else _column_of_rows(path, column, layout)
    whole = (well_formed(text) for text in texts if text and not text.isspace())
    return (piece for text in whole for piece in pieces(text))


def pieces(text: str, longest: int = LONGEST_DOCUMENT) -> Iterator[str]:
    """A text in pieces of at most so many characters, cut behind white space where there is some; nothing is lost.

    >>> list(pieces("one two three", 8))
    ['one two ', 'three']
    """
    start = 0
    while len(text) - start > longest:
        end = max(text.rfind(space, start, start + longest) for space in " \n\t\u3000") + 1 or start + longest
        yield text[start:end]
        start = end
    yield text[start:]


def text_column(path: Path, column: str | None = None, layout: Layout = FOUND_OUT) -> str | None:
    """The column that holds the documents: the one named, or guessed from the first row; None for .txt files."""
    if form_of(path, layout) == ".txt":
        return None
    first = next(read_rows(path, layout=layout), None)
    if first is None:
        raise ElectraError(f"{path} holds no rows.")
    return pick_column(first, column, TEXT_COLUMNS, path)


def read_rows(path: Path, columns: Sequence[str] | None = None, layout: Layout = FOUND_OUT) -> Iterator[dict]:
    """The rows of a file of rows as dictionaries; `columns` spares .parquet the others. Raises `ElectraError` for .txt."""
    form = form_of(path, layout)
    if form in (".jsonl", ".json"):
        return json_rows(path, form, layout)
    if form in TABLES:
        return read_table(path, dialect_of(path, form, layout), layout)
    if form in TAGGED_FORMS:
        return conll_rows(path, form, layout)
    if form == ".parquet":
        return _parquet_rows(path, columns)
    raise ElectraError(
        f"{path} has no columns: rows are read from {', '.join(f for f in FORMS if f != '.txt')} files. "
        f"If it is one of these under another name, say so: --format tsv, say (with --no-header where no line names the columns)."
    )


def how_read(path: Path, layout: Layout = FOUND_OUT) -> dict[str, Any]:
    """What is decided about a file before its first row is read: its form, its encoding, and how its table is written."""
    form = form_of(path, layout)
    found: dict[str, Any] = {"form": str(form).lstrip(".")}
    if form != ".parquet":
        found["encoding"] = layout.encoding
    if form in TABLES:
        dialect = dialect_of(path, form, layout)
        found |= {"delimiter": dialect.delimiter, "quoted": dialect.quoted, "header": dialect.header}
    return found


def pick_column(found: Iterable[str], wanted: str | None, guesses: Sequence[str], where: object) -> str:
    """The column named, or the first guess that is there, or the only one; otherwise an error lists those found."""
    found = [name for name in found if name is not None]
    listed = ", ".join(found) or "none"
    if wanted is not None:
        if wanted in found:
            return wanted
        raise ElectraError(f"{where} has no column {wanted!r}; it has: {listed}.")
    for name in guesses:
        if name in found:
            return name
    if len(found) == 1 and len(found[0].split()) <= MOST_WORDS_OF_A_NAME:
        return found[0]
    raise ElectraError(
        f"{where} has none of the columns {', '.join(guesses)}; it has: {listed}. Name the one to use"
        f" (a table without a line of names needs --no-header; its columns are called 1, 2, …)."
    )


def _text_documents(path: Path, layout: Layout) -> Iterator[str]:
    lines = text_lines(path, layout, cut=True)
    document, head = layout.documents, []
    if document == "auto":
        head = _head(lines)
        document = "paragraph" if _has_blank_lines(head) else "line"
    if document == "line":
        yield from chain(head, lines)
        return
    read: list[str] = []
    size = 0
    for line in chain(head, lines):
        size += len(line)
        ends = document == "paragraph" and not line.strip()
        if not ends:
            read.append(line)
        if ends or size > LONGEST_DOCUMENT:  # one without an end is given as far as it was read
            yield "".join(read)
            read, size = [], 0
    yield "".join(read)


def _head(lines: Iterator[str]) -> list[str]:
    """The lines by which it is decided what separates the documents; they are taken from `lines`."""
    head, size = [], 0
    for line in islice(lines, HEAD_LINES):
        head.append(line)
        if (size := size + len(line)) > HEAD_CHARACTERS:
            break
    return head


def _has_blank_lines(head: Iterable[str]) -> bool:
    body = "".join(line if line.strip() else "\n" for line in head).strip("\n")
    return "\n\n" in body.replace("\r\n", "\n")


def what_is_a_document(path: Path, layout: Layout = FOUND_OUT) -> str:
    """ "row", "file", "line", or "paragraph" where blank lines stand between them."""
    if form_of(path, layout) != ".txt":
        return "row"
    if layout.documents != "auto":
        return layout.documents
    return "paragraph" if _has_blank_lines(_head(text_lines(path, layout, cut=True))) else "line"


def _column_of_rows(path: Path, column: str | None, layout: Layout) -> Iterator[str]:
    name = text_column(path, column, layout)
    for number, row in enumerate(read_rows(path, None if name is None else [name], layout), start=1):
        if name not in row:
            pick_column(row, name, (), f"Row {number} of {path}")  # raises, listing what the row has
        text = row[name]
        if isinstance(text, str):
            yield text
        elif text is not None:
            raise ElectraError(
                f"Column {name!r} of {path} holds no text: row {number} has {type(text).__name__} there."
            )


def well_formed(text: str) -> str:
    """JSON may hold halves of surrogate pairs, which are no characters; they become "?"."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _parquet_rows(path: Path, columns: Sequence[str] | None) -> Iterator[dict]:
    import pyarrow.parquet as pq  # costs 0.2 s: only those who have .parquet files pay

    try:
        source: Path | BinaryIO = path
        if path.suffix.lower() in OPENERS:  # Parquet is read from its end: a compressed one is unpacked in memory
            with open_bytes(path) as stream:
                source = io.BytesIO(b"".join(undamaged(stream, path)))
        for batch in pq.ParquetFile(source).iter_batches(batch_size=1_000, columns=columns):
            yield from batch.to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's own errors are among these
        if isinstance(error, ElectraError):
            raise
        raise ElectraError(f"{path} is no Parquet file, or damaged: {error}.") from error


def readable_forms() -> str:
    """The endings of files that are read, for a message."""
    return f"{', '.join(FORMS)} (each also with .gz, .xz or .bz2); or say what it is with --format"
