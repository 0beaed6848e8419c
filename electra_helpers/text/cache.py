"""Where computed texts and rows are kept, and how they get there whole or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from electra_helpers.errors import ElectraError


def cache_folder() -> Path:
    """The folder named by ELECTRA_CACHE, otherwise electra_helpers in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ELECTRA_CACHE") or Path(home) / "electra_helpers")


@contextmanager
def made_whole(final: Path) -> Iterator[Path]:
    """A temporary folder that is renamed to `final` when the block ends well and removed otherwise."""
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{final.name}.", suffix=".part", dir=final.parent))
    except OSError as error:
        reason = f"{final.parent} cannot be written to ({error.strerror})"
        raise ElectraError(f"{reason}: set ELECTRA_CACHE to a folder for what is computed once and kept.") from error
    try:
        yield draft
        shutil.rmtree(final, ignore_errors=True)  # what lies there is damaged, or another process made the same
        draft.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise
        raise ElectraError(f"The disk of {final.parent} is full: free some space, or set ELECTRA_CACHE.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
