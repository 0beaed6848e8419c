"""Where computed texts and rows are kept, and how they get there whole or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from electra_helpers.errors import ElectraError
from electra_helpers.paths import shared


def cache_folder() -> Path:
    """The folder named by ELECTRA_CACHE, otherwise electra_helpers in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ELECTRA_CACHE") or Path(home) / "electra_helpers")


@contextmanager
def made_whole(final: Path, is_whole: Callable[[Path], bool]) -> Iterator[Path]:
    """A temporary folder that is renamed to `final` when the block ends well and removed otherwise.

    Where another process made the same in the meantime, and `is_whole` says that it is whole, that one stays.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = shared(Path(tempfile.mkdtemp(prefix=f"{final.name}.", suffix=".part", dir=final.parent)))
    except OSError as error:
        reason = f"{final.parent} cannot be written to ({error.strerror})"
        raise ElectraError(f"{reason}: set ELECTRA_CACHE to a folder for what is computed once and kept.") from error
    try:
        yield draft
        _put_in_place(draft, final, is_whole)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise
        raise ElectraError(f"The disk of {final.parent} is full: free some space, or set ELECTRA_CACHE.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put_in_place(draft: Path, final: Path, is_whole: Callable[[Path], bool]) -> None:
    """Rename a folder to its name; a whole one that is there already stays, a damaged one is set aside first.

    One process at a time, by a lock that dies with it: what one has found damaged another may have replaced.
    """
    from filelock import FileLock

    with FileLock(final.parent / ".lock", mode=0o666):
        if final.exists():
            if is_whole(final):
                return
            aside = Path(tempfile.mkdtemp(suffix=".part", dir=final.parent))
            final.rename(aside / final.name)
            shutil.rmtree(aside, ignore_errors=True)
        draft.rename(final)
