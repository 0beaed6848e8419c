"""Submissions as teachers get them: a folder or a zip, with a folder, a zip or a file for each learner.

Moodle names a learner's folder `Ada Lovelace_123456_assignsubmission_file_`, Canvas a file `lovelaceada_LATE_1234_5678_03_generator.ipynb`.
The number keeps two learners of one name apart.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from electra_helpers.classroom.unpack import (
    DAMAGED,
    DEEPEST,
    MAX_BYTES,
    MAX_FILES,
    Room,
    UnsafeZip,
    copy_plain,
    file_name,
    is_litter,
    is_zip,
    printable,
    unpack,
)
from electra_helpers.errors import ElectraError

MOODLE = re.compile(r"_(?P<id>\d+)_assignsubmission_.*$")
CANVAS = re.compile(r"^(?P<learner>[^_]+)(?:_LATE)?_(?P<id>\d+)_\d+_(?P<file>.+)$")
MOST_NOTEBOOKS = 40  # of one learner
FOLDERS = 40  # as many times what one learner may unpack to, a whole export may


@dataclass(frozen=True)
class Submission:
    """What one learner handed in: a folder of their own with their notebooks, or why there is none."""

    learner: str
    folder: Path
    notebooks: tuple[Path, ...] = ()
    problem: str = ""
    message: str = ""
    id: str = ""  # the platform's number, or what else tells two of one name apart
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.learner, self.id


def collect(source: Path, room: Path) -> list[Submission]:
    """Every learner's submission, unpacked and copied into folders of `room`; what is unsafe or empty is said, not raised.

    Raises `ElectraError` if `source` is neither a folder nor a zip, or holds nothing that looks like a submission.
    """
    top = _opened(source, room)
    found: dict[tuple[str, str], list[tuple[Path, str]]] = defaultdict(list)
    for entry in _entries(top):
        learner, number, name = _whose(entry)
        found[learner, number].append((entry, name))
    if not found:
        raise ElectraError(f"{source} holds no submissions: expected a folder, a zip or a notebook for each learner.")
    whole = Room(FOLDERS * MAX_FILES, FOLDERS * MAX_BYTES)
    made = []
    for at, (learner, number, entries, notes) in enumerate(_apart(found)):
        space = Room(MAX_FILES, MAX_BYTES, whole)
        made.append(
            _submission(learner, number, entries, home=room / "handed_in" / f"{at:04d}", notes=notes, space=space)
        )
    return sorted(_each_once(made), key=lambda each: (each.learner.casefold(), each.id))


def _opened(source: Path, room: Path) -> Path:
    if source.is_dir():
        return source
    if not (source.is_file() and zipfile.is_zipfile(source)):
        raise ElectraError(f"{source} is neither a folder nor a zip: name what your learning platform exported.")
    try:
        unpack(source, room / "unpacked", Room(FOLDERS * MAX_FILES, FOLDERS * MAX_BYTES))
    except DAMAGED as error:
        if isinstance(error, ElectraError):
            raise
        raise ElectraError(
            f"{source} is damaged ({str(error)[:100]}): export it again, or unpack it into a folder."
        ) from error
    return room / "unpacked"


def _entries(top: Path) -> Iterator[Path]:
    """The learners' files and folders; an export that wraps them in one more folder is unwrapped, unless a learner's name stands on it."""
    inside = [path for path in sorted(top.iterdir()) if _counts(path)]
    while len(inside) == 1 and _wraps(inside[0]):
        deeper = [path for path in sorted(inside[0].iterdir()) if _counts(path)]
        if not any(path.is_dir() or is_zip(path) for path in deeper):
            break
        inside = deeper
    yield from inside


def _wraps(path: Path) -> bool:
    return path.is_dir() and not MOODLE.search(path.name) and not any(map(_is_notebook, path.iterdir()))


def _counts(path: Path) -> bool:
    return not path.is_symlink() and (path.is_dir() or path.is_file()) and not is_litter(path.name)


def _is_notebook(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb" and not is_litter(path.name) and path.is_file()


def _whose(entry: Path) -> tuple[str, str, str]:
    """The learner's name, the platform's number for them, and the file's own name."""
    name = entry.name if entry.is_dir() else entry.stem
    moodle = MOODLE.search(name)
    if moodle:
        return printable(MOODLE.sub("", name)), moodle["id"], entry.name
    canvas = None if entry.is_dir() else CANVAS.match(entry.name)
    if canvas:
        return printable(canvas["learner"]), canvas["id"], canvas["file"]
    return printable(name), "", entry.name


def _apart(found: dict) -> Iterator[tuple[str, str, list, tuple[str, ...]]]:
    """Entries without a number that share a name (`Bob`, `Bob.zip`) are learners of their own, unless they hold the same."""
    for (learner, number), entries in found.items():
        if number or len(entries) == 1:
            yield learner, number, entries, ()
            continue
        names = ", ".join(printable(entry.name) for entry, _ in entries)
        for entry, name in entries:
            note = f"{names}: if they are one learner's, count one"
            yield learner, printable(entry.name), [(entry, name)], (note,)


def _each_once(made: list[Submission]) -> list[Submission]:
    """Of entries without a number that share a name and hold the same notebooks, one."""
    kept: dict[tuple, Submission] = {}
    for each in made:
        same = (
            each.learner,
            bool(each.notes),
            each.problem,
            *sorted(sha256(p.read_bytes()).hexdigest() for p in each.notebooks),
        )
        key = same if each.notes and each.notebooks else each.key
        if key in kept:
            first = kept[key]
            kept[key] = replace(first, notes=(*first.notes[1:], f"{each.id} holds the same and is not counted"))
        else:
            kept[key] = each
    return list(kept.values())


def _submission(
    learner: str, number: str, entries: list, *, home: Path, notes: tuple[str, ...], space: Room
) -> Submission:
    """Take a learner's entries in; whatever is wrong with one costs only this learner."""
    empty = Submission(learner, home, id=number, notes=notes)
    try:
        home.mkdir(parents=True, exist_ok=True)
        for entry, name in entries:
            _take(entry, home, name, space)
    except UnsafeZip as error:
        _give_back(home, space)
        return replace(empty, problem="unsafe zip", message=printable(str(error)))
    except (*DAMAGED, RecursionError, MemoryError) as error:
        _give_back(home, space)
        why = f"{printable(name)} cannot be unpacked or copied: {printable(str(error))}"
        return replace(empty, problem="not readable", message=why)
    books, said = _once([path for path in sorted(home.rglob("*")) if _is_notebook(path)])
    if books:
        return replace(empty, notebooks=tuple(books), notes=(*notes, *said))
    names = ", ".join(path.name for path in sorted(home.rglob("*")) if path.is_file())[:200] or "nothing"
    return replace(empty, problem="not a notebook", message=f"No .ipynb was handed in, but {names}.")


def _give_back(home: Path, space: Room) -> None:
    """What a bad upload wrote is removed, and costs the others no room."""
    shutil.rmtree(home, ignore_errors=True)
    if space.whole:
        space.whole.files += MAX_FILES - max(0, space.files)
        space.whole.bytes += MAX_BYTES - max(0, space.bytes)


def _take(entry: Path, home: Path, name: str, space: Room) -> None:
    """Copy or unpack an entry into the learner's folder, and the zips that lie in it (Moodle: a folder with the uploaded zip)."""
    if entry.is_dir():
        copy_plain(entry, home, space)
    elif is_zip(entry):
        unpack(entry, home, space)
    else:
        space.take(entry.name, files=1, size=entry.stat().st_size)
        shutil.copyfile(entry, home / file_name(name))
    for _ in range(DEEPEST):
        inner = [path for path in sorted(home.rglob("*")) if is_zip(path) and path.is_file()]
        for path in inner:
            unpack(path, path.with_name(f"{path.stem} (unpacked)"), space)
            path.unlink()
    if any(is_zip(path) and path.is_file() for path in home.rglob("*")):
        raise UnsafeZip(f"{name} holds zips inside of zips, more than {DEEPEST} deep.")


def _once(books: list[Path]) -> tuple[list[Path], list[str]]:
    """Notebooks that are the same file twice are counted once; more than the limit are left out. Both are said."""
    kept: dict[str, Path] = {}
    said: list[str] = []
    for path in books:
        content = sha256(path.read_bytes()).hexdigest()
        if content in kept:
            said.append(f"{path.name} was handed in twice and is counted once")
        else:
            kept[content] = path
    if len(kept) > MOST_NOTEBOOKS:
        said.append(f"{len(kept)} notebooks were handed in, the first {MOST_NOTEBOOKS} are graded")
    return list(kept.values())[:MOST_NOTEBOOKS], list(dict.fromkeys(said))
