"""Bytes → lines: plain or compressed, in UTF-8 or the encoding that is named, with errors that name the line.

Lines are read as a stream, so a file may be larger than the memory.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from electra_helpers.errors import ElectraError
from electra_helpers.reading.encodings import SAMPLE, AsUtf8, advice, likely_encodings
from electra_helpers.reading.layout import FOUND_OUT, Layout

LONGEST_DOCUMENT = 1_000_000  # characters: a longer one is read in pieces, so that memory stays flat
LONGEST_LINE = 1 << 28  # bytes of a row; an endless line of plain text is cut long before
OPENERS = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
_DAMAGE = (lzma.LZMAError, gzip.BadGzipFile, zlib.error, EOFError, OSError)


def text_lines(path: Path, layout: Layout = FOUND_OUT, *, cut: bool = False) -> Iterator[str]:
    """The lines of a text file with their ends; other encodings and binary files are told with the line.

    With `cut` an endless line comes in pieces; otherwise it is an error.
    """
    beyond_ascii = False
    with open_bytes(path, layout) as stream:
        lines = _bounded_lines(stream, path, 4 * LONGEST_DOCUMENT if cut else LONGEST_LINE, cut=cut)
        for number, raw in enumerate(undamaged(lines, path), start=1):
            if b"\0" in raw:
                raise ElectraError(_has_nul(path, number, raw, stream))
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ElectraError(_not_utf8(path, number, raw, stream, error.start, beyond_ascii)) from error
            beyond_ascii = beyond_ascii or not line.isascii()
            yield line.removeprefix("\ufeff") if number == 1 else line


def _has_nul(path: Path, number: int, raw: bytes, stream: BinaryIO) -> str:
    said = f"{path} is not text: line {number} holds NUL bytes, as binary and UTF-16 files do."
    data = raw + stream.read(SAMPLE) if number == 1 else b""
    return f"{said} {advice(data)}" if likely_encodings(data) else said


def _not_utf8(path: Path, number: int, raw: bytes, stream: BinaryIO, at: int, mixed: bool) -> str:
    said = f"{path} is not UTF-8: byte 0x{raw[at]:02x} on line {number}"
    if mixed:  # another encoding would spoil the lines before
        return f"{said}, though lines before it are: it mixes encodings. Mend that line."
    data = raw + stream.read(max(0, SAMPLE - len(raw)))
    return f"{said}. {advice(data)}"


def open_bytes(path: Path, layout: Layout = FOUND_OUT) -> BinaryIO:
    """A file's bytes, unpacked; text in the named encoding comes as UTF-8."""
    try:
        stream = io.BufferedReader(OPENERS.get(path.suffix.lower(), io.FileIO)(path), 1 << 20)
    except OSError as error:
        raise ElectraError(f"{path} cannot be opened: {error.strerror}.") from error
    if layout.encoding in ("utf-8", "utf-8-sig"):
        return stream
    return io.BufferedReader(AsUtf8(stream, layout.encoding, path), 1 << 20)


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


def undamaged(stream: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """The same; what a decompressor raises becomes one line."""
    try:
        yield from stream
    except ElectraError:
        raise
    except _DAMAGE as error:
        raise ElectraError(
            f"{path} is damaged, or cut short, or no {path.suffix} file: {error}. Fetch or compress it again."
        ) from error
