"""Submissions as teachers get them: a folder or a zip, with a folder, a zip or a file for each learner.

Moodle names a learner's folder `Ada Lovelace_123456_assignsubmission_file_`, Canvas a file `lovelaceada_LATE_1234_5678_03_generator.ipynb`.
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from electra_helpers.errors import ElectraError

MOODLE = re.compile(r"_\d+_assignsubmission_.*$")
CANVAS = re.compile(r"^(?P<learner>[^_]+)(?:_LATE)?_\d+_\d+_(?P<file>.+)$")
MAX_FILES, MAX_BYTES = 5_000, 500_000_000  # of one zip, unpacked


class UnsafeZip(ElectraError):
    """A zip that names places outside of itself, or that unpacks to more than it should."""


@dataclass(frozen=True)
class Submission:
    """What one learner handed in: a folder of their own with their notebooks, or why there is none."""

    learner: str
    folder: Path
    notebooks: tuple[Path, ...] = ()
    problem: str = ""
    message: str = ""


def collect(source: Path, room: Path) -> list[Submission]:
    """Every learner's submission, unpacked and copied into folders of `room`; what is unsafe or empty is said, not raised.

    Raises `ElectraError` if `source` is neither a folder nor a zip, or holds nothing that looks like a submission.
    """
    if source.is_dir():
        top = source
    elif zipfile.is_zipfile(source):
        top = room / "unpacked"
        unpack(source, top)
    else:
        raise ElectraError(f"{source} is neither a folder nor a zip: name what your learning platform exported.")
    found: dict[str, Path] = {}
    problems: list[Submission] = []
    for entry in _entries(top):
        learner, name = _whose(entry)
        home = found.setdefault(learner, room / "handed_in" / f"{len(found):03d}")
        problem = _take(entry, home, name)
        if problem:
            problems.append(Submission(learner, home, (), *problem))
    if not found:
        raise ElectraError(f"{source} holds no submissions: expected a folder, a zip or a notebook for each learner.")
    broken = {each.learner for each in problems}
    whole = [_submission(learner, home) for learner, home in found.items() if learner not in broken]
    return sorted([*whole, *problems], key=lambda each: each.learner.casefold())


def _entries(top: Path) -> Iterator[Path]:
    """The learners' files and folders; an export that wraps them in one more folder is unwrapped."""
    inside = [path for path in sorted(top.iterdir()) if _counts(path)]
    while len(inside) == 1 and inside[0].is_dir() and not any(inside[0].glob("*.ipynb")):
        deeper = [path for path in sorted(inside[0].iterdir()) if _counts(path)]
        if not any(path.is_dir() or path.suffix == ".zip" for path in deeper):
            break
        inside = deeper
    yield from inside


def _counts(path: Path) -> bool:
    return not path.is_symlink() and not path.name.startswith((".", "__MACOSX"))


def _whose(entry: Path) -> tuple[str, str]:
    """The learner's name and the file's own."""
    if entry.is_dir():
        return MOODLE.sub("", entry.name), entry.name
    canvas = CANVAS.match(entry.name)
    if canvas:
        return canvas["learner"], canvas["file"]
    return MOODLE.sub("", entry.stem), entry.name


def _take(entry: Path, home: Path, name: str) -> tuple[str, str] | None:
    """Copy or unpack an entry into the learner's folder; a problem in two words and a sentence, or None."""
    home.mkdir(parents=True, exist_ok=True)
    try:
        if entry.is_dir():
            copy_plain(entry, home)
        elif entry.suffix == ".zip":
            unpack(entry, home)
        else:
            shutil.copyfile(entry, home / name)
        for inner in sorted(home.rglob("*.zip")):  # Moodle: a folder with the zip that the learner uploaded
            unpack(inner, inner.with_suffix(""))
    except UnsafeZip as error:
        return "unsafe zip", str(error)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:  # encrypted, odd compression
        return "not readable", f"{entry.name} cannot be unpacked or copied: {error}"
    return None


def _submission(learner: str, home: Path) -> Submission:
    hidden = (".ipynb_checkpoints", "__MACOSX")
    books = [path for path in sorted(home.rglob("*.ipynb")) if not set(hidden) & set(path.parts)]
    if books:
        return Submission(learner, home, tuple(books))
    names = ", ".join(path.name for path in sorted(home.rglob("*")) if path.is_file())[:200] or "nothing"
    return Submission(learner, home, (), "not a notebook", f"No .ipynb was handed in, but {names}.")


def copy_plain(source: Path, target: Path) -> None:
    """Copy files and folders; links are left out, since they may point anywhere."""

    def links(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if (Path(folder) / name).is_symlink()]

    shutil.copytree(source, target, ignore=links, dirs_exist_ok=True)


def unpack(archive: Path, target: Path) -> None:
    """Unpack a zip, or raise `UnsafeZip` before anything is written: paths that lead out, links, too many files or bytes."""
    with zipfile.ZipFile(archive) as packed:
        entries = [entry for entry in packed.infolist() if not entry.is_dir()]
        for entry in entries:
            _hold_inside(entry, archive)
        if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_BYTES:
            raise UnsafeZip(f"{archive.name} unpacks to more than {MAX_FILES:,} files or {MAX_BYTES / 1e6:.0f} MB.")
        for entry in entries:
            packed.extract(entry, target)


def _hold_inside(entry: zipfile.ZipInfo, archive: Path) -> None:
    name = entry.filename.replace("\\", "/")
    outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or ".." in PurePosixPath(name).parts
    if outside:
        raise UnsafeZip(f"{archive.name} names a place outside of itself: {entry.filename!r}.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnsafeZip(f"{archive.name} holds a link, {entry.filename!r}, which may point anywhere.")
