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
    """The folder named by ELECTRA_CACHE, otherwise the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ELECTRA_CACHE") or Path(home) / "electra_helpers")


@contextmanager
def made_whole(final: Path) -> Iterator[Path]:
    """A temporary folder that is renamed to `final` when the block ends well and removed otherwise."""
    draft = None
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{final.name}.", suffix=".part", dir=final.parent))
        yield draft
        if final.exists():  # another process was faster, or what lies there is damaged
            shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ElectraError(f"The disk of {final.parent} is full: free some space, or set ELECTRA_CACHE.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ElectraError(f"{final.parent} cannot be written to: set ELECTRA_CACHE to another folder.") from error
        raise
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
