"""Files that appear whole: written under a name that nobody can guess, with the mode of every other file, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from electra_helpers.errors import ElectraError

PARTIAL = ".partial-"  # what unfinished files and folders are called; readers pass over them
_UMASK = os.umask(0o077)
os.umask(_UMASK)


def draft_file(path: Path) -> Path:
    """A new, empty file beside `path`, for its content; it exists under no name that was there before, so it follows no link."""
    number, name = tempfile.mkstemp(prefix=_prefix(path), dir=path.parent)
    os.close(number)
    return shared(Path(name))


def draft_folder(path: Path) -> Path:
    """A new, empty folder beside `path`, as `draft_file` makes a file."""
    return shared(Path(tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent)))


def shared(path: Path) -> Path:
    """Give a file or folder that was made for its owner alone the usual mode: 0666 or 0777 less the umask."""
    path.chmod((0o777 if path.is_dir() else 0o666) & ~_UMASK)
    return path


def is_new(folder: Path) -> bool:
    """Whether nothing is there, or an empty folder."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def check_new_folder(folder: Path, advice: str = "choose another folder") -> None:
    """Raise `ElectraError`, with the advice, where something is in the folder, or it is a file."""
    if not is_new(folder):
        raise ElectraError(f"{folder} is not empty: {advice}.")


def check_different(*paths: Path, names: str) -> None:
    """Raise `ElectraError` where two of the paths lead to one file, also through links."""
    if len({path.resolve() for path in paths}) < len(paths):
        raise ElectraError(f"{names} are different files: nothing is written over another.")


@contextmanager
def appears_whole(path: Path) -> Iterator[Path]:
    """A draft that gets its name when the block ends well, and is removed otherwise."""
    draft = draft_file(path)
    try:
        yield draft
        shared(draft)  # whoever wrote it may have put another file in its place
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    return f"{PARTIAL}{path.name[:100]}."  # a file's name may have 255 bytes
