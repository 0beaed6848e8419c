"""Zips as learners make them: unpacked inside one folder and within limits, with names in whatever encoding their system wrote."""

from __future__ import annotations

import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from electra_helpers.errors import ElectraError

MAX_FILES, MAX_BYTES = 5_000, 500_000_000  # of one learner, unpacked
DEEPEST = 3  # zips inside of zips
LONGEST = 120  # characters of a part of a path
UTF8_FLAG = 0x800
try:
    from lzma import LZMAError
except ImportError:  # a Python without it says NotImplementedError of such zips, which is a RuntimeError
    LZMAError = RuntimeError
# What a damaged zip can raise, decompressors and encrypted ones included.
DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    LZMAError,
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
)
CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


class UnsafeZip(ElectraError):
    """A zip that names places outside of itself, or that unpacks to more than it should."""


@dataclass
class Room:
    """How much an upload may still unpack to: a learner's, within that of the whole export."""

    files: int
    bytes: int
    whole: Room | None = None

    def take(self, archive: str, *, files: int = 0, size: int = 0) -> None:
        """Raises `UnsafeZip` where there is no more room."""
        self.files, self.bytes = self.files - files, self.bytes - size
        if self.files < 0 or self.bytes < 0:
            raise UnsafeZip(f"{archive} unpacks to more than {MAX_FILES:,} files or {MAX_BYTES / 1e6:.0f} MB.")
        if self.whole:
            self.whole.take(archive, files=files, size=size)


def is_zip(path: Path) -> bool:
    """Whether a file is called a zip."""
    return path.suffix.lower() == ".zip"


def is_litter(name: str) -> bool:
    """Files that a system leaves beside a learner's: a Mac's `._x` and `__MACOSX`, checkpoints, hidden ones."""
    return name.startswith((".", "__MACOSX")) or name in ("Thumbs.db", "desktop.ini")


def file_name(name: str) -> str:
    """A name that every file system takes, with its ending."""
    return printable(name, most=10_000)[-LONGEST:]


def printable(name: str, most: int = 200) -> str:
    """A name that can stand in a table and in a terminal: composed, without control characters and lone surrogates."""
    plain = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", plain)[:most]


def unpack(archive: Path, target: Path, room: Room | None = None) -> None:
    """Unpack a zip into a folder. Raises `UnsafeZip`, before anything is written, for paths that lead out, links, and too much."""
    room = room or Room(MAX_FILES, MAX_BYTES)
    with zipfile.ZipFile(archive) as packed:
        every = packed.infolist()
        # A folder's name ends in a slash; some Windows programs write a backslash.
        files = [(e, n) for e, n in zip(every, _names(every), strict=True) if not e.is_dir() and not n.endswith("/")]
        entries, names = [e for e, _ in files], [n for _, n in files]
        for entry, name in zip(entries, names, strict=True):
            _hold_inside(entry, name, archive)
        if len(entries) > room.files or sum(entry.file_size for entry in entries) > room.bytes:
            room.take(archive.name, size=room.bytes + 1)
        for entry, name in zip(entries, names, strict=True):
            parts = [file_name(part) for part in name.split("/") if part not in ("", ".")]
            if parts and not any(map(is_litter, parts)):
                _write(packed, entry, target.joinpath(*parts), room)


def _names(entries: list[zipfile.ZipInfo]) -> list[str]:
    """Names as their writer meant them: of those without the UTF-8 flag, Windows wrote the bytes of its own code page."""
    raw = [None if entry.flag_bits & UTF8_FLAG else entry.orig_filename.encode("cp437", "replace") for entry in entries]
    encoding = _encoding_of([name for name in raw if name is not None and not name.isascii()])
    named = (
        entry.filename if name is None or name.isascii() else name.decode(encoding, "replace")
        for entry, name in zip(entries, raw, strict=True)
    )
    return [name.split("\0")[0].replace("\\", "/") for name in named]


def _encoding_of(names: list[bytes]) -> str:
    """UTF-8 where the bytes are; Chinese where they read as characters in common use; otherwise what zips began with, cp437."""
    joined = b"".join(names)
    if _decodes(joined, "utf-8"):
        return "utf-8"
    if _decodes(joined, "gb18030"):
        letters = [c for c in joined.decode("gb18030") if not c.isascii()]
        if len("".join(letters).encode("gb2312", "ignore")) >= len(
            letters
        ):  # two bytes a character: at least half of them
            return "gb18030"
    return "cp437"


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _write(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, room: Room) -> None:
    """One file, by what really comes out of it and not by what the zip promises."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as incoming, _beside(target).open("wb") as outgoing:
        name = Path(str(packed.filename)).name
        room.take(name, files=1)
        while piece := incoming.read(1 << 20):
            room.take(name, size=len(piece))
            outgoing.write(piece)


def _beside(target: Path) -> Path:
    """The path, or one with a number where a file of that name is there already."""
    number, free = 1, target
    while free.exists():
        number += 1
        free = target.with_name(f"{target.stem} ({number}){target.suffix}")
    return free


def _hold_inside(entry: zipfile.ZipInfo, name: str, archive: Path) -> None:
    outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or ".." in PurePosixPath(name).parts
    if outside:
        raise UnsafeZip(f"{archive.name} names a place outside of itself: {name[:80]!r}.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnsafeZip(f"{archive.name} holds a link, {name[:80]!r}, which may point anywhere.")


def copy_plain(source: Path, target: Path, room: Room | None = None) -> None:
    """Copy files and folders. Links, sockets and pipes are left out: they may point anywhere, or never end."""
    room = room or Room(MAX_FILES, MAX_BYTES)
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        mode = path.lstat().st_mode
        name = file_name(path.name)
        if stat.S_ISDIR(mode) and not is_litter(path.name):
            copy_plain(path, target / name, room)
        elif stat.S_ISREG(mode) and not is_litter(path.name):
            room.take(source.name, files=1, size=path.lstat().st_size)
            shutil.copyfile(path, _beside(target / name))
