"""The copy of a file with the sure suggestions in it: the same bytes but for the words that were exchanged."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.reading.files import form_of
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.lines import open_bytes
from electra_helpers.tasks.cleaning.cells import Placed, Source, edits
from electra_helpers.tasks.cleaning.partial import Partial
from electra_helpers.tasks.cleaning.raw import Edit, Piece, raw_of

# Each chunk is a stream of its own, as all three allow, so that a stopped run resumes behind the last whole one.
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}

ORDERS = {  # encodings whose files begin with a mark that says in which order the bytes are
    "utf-16": {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"},
    "utf-32": {codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be"},
}


class CorrectedCopy(Partial):
    """A copy that grows with the chunks of its original. Raises `ElectraError` where it could not have the original's bytes."""

    def __init__(self, source: Source, path: Path) -> None:
        super().__init__(path)
        self.source, self.raw = source, raw_of(source.path, source.wanted.layout)
        if form_of(path) != source.form:
            raise ElectraError(f"{path}: the corrected copy of {source.path.name} is a {source.form} file.")
        self.mark, self.encoding = written_as(source.path, source.wanted.layout)
        self.pack = PACKERS.get(path.suffix.lower(), lambda data: data)
        self._check()

    def _check(self) -> None:
        """Compare what would be written of unchanged rows with the file."""
        with open_bytes(self.source.path) as stream:
            same = stream.read(len(self.mark)) == self.mark
            for piece in self.raw.pieces():
                data = "".join(piece).encode(self.encoding)
                same = same and stream.read(len(data)) == data
            if not same or stream.read(1):
                raise ElectraError(
                    f"{self.source.path} cannot be written in {self.source.wanted.layout.encoding} with the bytes that it "
                    f"has: save it as UTF-8 first, or leave --corrected out."
                )

    def begin(self, size: int, rows: int) -> None:
        """Open it at `size` bytes, behind the first `rows` rows."""
        self.open(size)
        self.pieces: Iterator[Piece] = islice(self.raw.pieces(), rows, None)
        self.started = bool(rows)

    def add(self, rows: Sequence[tuple[int, Any]], flags: Sequence[Placed]) -> tuple[int, int]:
        """Append the next rows, numbered, with the sure ones of their flags; the copy's bytes, and how many cells are others now."""
        own: dict[int, list[Placed]] = {}
        for flag in flags:
            own.setdefault(flag.row, []).append(flag)
        text, changed = [], 0
        for (number, row), piece in zip(rows, self.pieces, strict=False):
            new, count = self._changed(row, piece.row, own.get(number, ()))
            text += [piece.before, new]
            changed += count
        return self._append("".join(text)), changed

    def end(self) -> None:
        """Append what stands behind the last row."""
        self._append("".join(text for piece in self.pieces for text in piece))

    def _append(self, text: str) -> int:
        data = (b"" if self.started else self.mark) + text.encode(self.encoding)
        self.started = True
        return self.write(self.pack(data) if data else b"")

    def _changed(self, row: Any, text: str, flags: Sequence[Placed]) -> tuple[str, int]:
        columns = list(row) if isinstance(row, dict) else [""]
        changed = 0
        for name in dict.fromkeys(flag.column for flag in flags):
            if isinstance(row, dict) and not isinstance(row.get(name), str):
                continue
            wanted = edits([flag for flag in flags if flag.column == name], self.source.wanted.sure)
            new = self.raw.edited(text, columns, {name: [each for each in wanted if self._can_be_written(each)]})
            changed += new != text
            text = new
        return text, changed

    def _can_be_written(self, edit: Edit) -> bool:
        try:
            return bool(edit.word.encode(self.encoding))
        except UnicodeEncodeError:
            return False


def written_as(path: Path, layout: Layout = FOUND_OUT) -> tuple[bytes, str]:
    """The mark that a file begins with, if any, and the encoding of what follows."""
    with open_bytes(path) as stream:
        head = stream.read(4)
    if layout.encoding in ORDERS:
        found = {mark: name for mark, name in ORDERS[layout.encoding].items() if head.startswith(mark)}
        return next(iter(found.items()), (b"", f"{layout.encoding}-{sys.byteorder[0]}e"))
    name = "utf-8" if layout.encoding == "utf-8-sig" else layout.encoding
    mark = "\ufeff".encode(name, "ignore")
    return (mark if mark and head.startswith(mark) else b""), name
