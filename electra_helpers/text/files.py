"""Files → rows and documents: .txt, .jsonl, .csv, .tsv and .parquet, plain, .gz or .xz, with errors that name the line.

Everything is read as a stream, so a file may be larger than the memory.
"""

import csv
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from electra_helpers.errors import ElectraError

FORMS = (".txt", ".jsonl", ".csv", ".tsv", ".parquet")
TEXT_COLUMNS = ("text", "content", "sentence", "document", "article", "body", "story", "review")
HEAD_LINES, HEAD_CHARACTERS = (
    1_000,
    4_000_000,
)  # so much decides whether blank lines separate the documents of a .txt file
LONGEST_DOCUMENT = 1_000_000  # characters: a longer one is read in pieces, so that memory stays flat
LONGEST_LINE = 1 << 28  # bytes of a row; an endless line of plain text is cut long before
_OPENERS = {".gz": gzip.open, ".xz": lzma.open}
_DAMAGE = (lzma.LZMAError, gzip.BadGzipFile, zlib.error, EOFError)


def form_of(path: Path) -> str | None:
    """The form of a file by its name, compression left aside: "corpus.jsonl.xz" → ".jsonl"; None for any other."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _OPENERS:
        suffixes.pop()
    return suffixes[-1] if suffixes and suffixes[-1] in FORMS else None


def files_in(path: Path) -> list[Path]:
    """The file itself, or all files of a known form below a folder, by name; hidden and empty ones are left out."""
    if not path.exists():
        raise ElectraError(f"{path} does not exist. Check the path; the current folder is {Path.cwd()}.")
    if path.is_dir():
        inside = [file.relative_to(path) for file in sorted(path.rglob("*"))]
        visible = [path / file for file in inside if form_of(file) and not any(p.startswith(".") for p in file.parts)]
        files = [file for file in visible if file.is_file() and file.stat().st_size]
        if not files:
            raise ElectraError(f"The folder {path} holds no text: no file that ends in {_forms()} and is not empty.")
        return files
    if form_of(path) is None:
        raise ElectraError(f"{path} is of no form that can be read: the name must end in {_forms()}.")
    if path.stat().st_size == 0:
        raise ElectraError(f"{path} is empty (0 bytes).")
    return [path]


def read_documents(path: Path, column: str | None = None) -> Iterator[str]:
    """The documents of a file; blank ones are skipped.

    In a .txt file blank lines separate documents, as in the reference code; in one without blank lines each line is a
    document. In the other forms each row is one, its text in `column`, or in the first of TEXT_COLUMNS that is there.
    A document of more than a million characters comes in pieces that end between words.
    """
    texts = _text_documents(path) if form_of(path) == ".txt" else _column_of_rows(path, column)
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


def text_column(path: Path, column: str | None = None) -> str | None:
    """The column that holds the documents: the one named, or guessed from the first row; None for .txt files."""
    if form_of(path) == ".txt":
        return None
    first = next(read_rows(path), None)
    if first is None:
        raise ElectraError(f"{path} holds no rows.")
    return pick_column(first, column, TEXT_COLUMNS, path)


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict]:
    """The rows of a .jsonl, .csv, .tsv or .parquet file as dictionaries; `columns` spares .parquet the others."""
    form = form_of(path)
    if form == ".jsonl":
        return _jsonl_rows(path)
    if form in (".csv", ".tsv"):
        return _csv_rows(path, "," if form == ".csv" else "\t")
    if form == ".parquet":
        return _parquet_rows(path, columns)
    raise ElectraError(f"{path} has no columns: rows are read from .jsonl, .csv, .tsv and .parquet files.")


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
    if len(found) == 1:
        return found[0]
    raise ElectraError(f"{where} has none of the columns {', '.join(guesses)}; it has: {listed}. Name the one to use.")


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file with their ends; other encodings and binary files are told with the line.

    An endless line of a .txt file comes in pieces; one of a file of rows is an error.
    """
    cut = form_of(path) == ".txt"
    with _open(path) as stream:
        lines = _bounded_lines(stream, path, 4 * LONGEST_DOCUMENT if cut else LONGEST_LINE, cut=cut)
        for number, raw in enumerate(_undamaged(lines, path), start=1):
            if b"\0" in raw:
                raise ElectraError(f"{path} is not text: line {number} holds NUL bytes, as binary and UTF-16 files do.")
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = raw[error.start]
                raise ElectraError(
                    f"{path} is not UTF-8: byte 0x{byte:02x} on line {number}. Save it as UTF-8, for example with "
                    f"`iconv -f latin1 -t utf-8`."
                ) from error
            yield line.removeprefix("\ufeff") if number == 1 else line


def _open(path: Path) -> BinaryIO:
    try:
        return io.BufferedReader(_OPENERS.get(path.suffix.lower(), io.FileIO)(path), 1 << 20)
    except OSError as error:
        raise ElectraError(f"{path} cannot be opened: {error.strerror}.") from error


def _bounded_lines(stream: BinaryIO, path: Path, longest: int, *, cut: bool) -> Iterator[bytes]:
    """Lines of at most `longest` bytes; a longer one is cut between words, or at least between characters, or refused."""
    rest = b""
    while line := rest + stream.readline(longest - len(rest)):
        rest = b""
        if len(line) == longest and not line.endswith(b"\n"):
            if not cut:
                raise ElectraError(
                    f"{path} has a row of more than {longest >> 20} MB: no text is that long; is a quote left open?"
                )
            end = line.rfind(b" ") + 1 or _last_character(line) or longest
            line, rest = line[:end], line[end:]
        yield line


def _last_character(line: bytes) -> int:
    """Where the last character of UTF-8 begins, which may be cut in two; 0 where none does."""
    place = len(line) - 1
    while place and line[place] & 0xC0 == 0x80:  # a byte that continues one
        place -= 1
    return place


def _undamaged(stream: Iterable[bytes], path: Path) -> Iterator[bytes]:
    try:
        yield from stream
    except _DAMAGE as error:
        raise ElectraError(
            f"{path} is damaged, or cut short, or no {path.suffix} file: {error}. Fetch or compress it again."
        ) from error


def _text_documents(path: Path) -> Iterator[str]:
    lines, size = text_lines(path), 0
    head: list[str] = []
    for line in islice(lines, HEAD_LINES):
        head.append(line)
        if (size := size + len(line)) > HEAD_CHARACTERS:
            break
    body = "".join(line if line.strip() else "\n" for line in head).strip("\n")
    if "\n\n" not in body.replace("\r\n", "\n"):
        yield from chain(head, lines)
        return
    paragraph: list[str] = []
    size = 0
    for line in chain(head, lines):
        size += len(line)
        if line.strip():
            paragraph.append(line)
        if not line.strip() or size > LONGEST_DOCUMENT:  # one without an end is given as far as it was read
            yield "".join(paragraph)
            paragraph, size = [], 0
    yield "".join(paragraph)


def _column_of_rows(path: Path, column: str | None) -> Iterator[str]:
    name = text_column(path, column)
    for number, row in enumerate(read_rows(path, [name]), start=1):
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


def _jsonl_rows(path: Path) -> Iterator[dict]:
    for number, line in enumerate(text_lines(path), start=1):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ElectraError(
                f"Wrong JSON on line {number} of {path}: {error.msg} (character {error.pos + 1})."
            ) from error
        except RecursionError:
            raise ElectraError(f"Wrong JSON on line {number} of {path}: it is nested too deep to be read.") from None
        if not isinstance(row, dict):
            kind = type(row).__name__
            raise ElectraError(
                f'Line {number} of {path} is a {kind}: each line must be an object such as {{"text": "…"}}.'
            )
        yield row


def _csv_rows(path: Path, delimiter: str) -> Iterator[dict]:
    csv.field_size_limit(2**31 - 1)  # the default of 128 kB is less than an article
    quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE  # in .tsv files a quote is a quote
    reader = csv.DictReader(text_lines(path), delimiter=delimiter, quoting=quoting, strict=True)
    try:
        for row in reader:
            if None in row:
                raise ElectraError(f"Line {reader.line_num} of {path} has more fields than its header has columns.")
            yield row
    except csv.Error as error:
        raise ElectraError(f"{path} is no correct CSV: {error} (line {reader.line_num}).") from error


def _parquet_rows(path: Path, columns: Sequence[str] | None) -> Iterator[dict]:
    import pyarrow.parquet as pq  # costs 0.2 s: only those who have .parquet files pay

    try:
        source: Path | BinaryIO = path
        if path.suffix.lower() in _OPENERS:  # Parquet is read from its end: a compressed one is unpacked in memory
            with _open(path) as stream:
                source = io.BytesIO(b"".join(_undamaged(stream, path)))
        for batch in pq.ParquetFile(source).iter_batches(batch_size=1_000, columns=columns):
            yield from batch.to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's own errors are among these
        if isinstance(error, ElectraError):
            raise
        raise ElectraError(f"{path} is no Parquet file, or damaged: {error}.") from error


def _forms() -> str:
    return f"{', '.join(FORMS)} (each also with .gz or .xz)"
