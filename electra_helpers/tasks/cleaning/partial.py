"""A file that grows by whole chunks under a name of its own, and gets its real one at the end."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from electra_helpers.errors import ElectraError
from electra_helpers.saved.files import sync_folder


@contextmanager
def only_run_to(path: Path) -> Iterator[None]:
    """Hold a file that is to be written for this process, by a lock beside it that dies with the process.

    Raises `ElectraError` where another run writes to it.
    """
    from filelock import FileLock, Timeout

    lock = path.with_name(f".partial-{path.name}.lock")
    try:
        with FileLock(lock, timeout=0):
            try:
                yield
            finally:
                if os.name != "nt":  # there the library removes it
                    lock.unlink(missing_ok=True)
    except Timeout:
        raise ElectraError(
            f"Another run writes to {path}: wait until it ends or stop it, or choose another file."
        ) from None


class Partial:
    """Such a file. What stands in it behind the size that a stopped run noted is cut off when it is opened again."""

    def __init__(self, path: Path) -> None:
        self.path, self.partial = path, path.with_name(f".partial-{path.name}")

    def open(self, size: int) -> None:
        """Open it at `size` bytes; what was written after them goes. A link that stands there is not followed (`OSError`)."""
        if self.partial.is_symlink():
            raise OSError(errno.ELOOP, "is a link to another file, and is not written to: remove it", str(self.partial))
        self.file = open(self.partial, "r+b" if size else "wb")  # noqa: SIM115 - open over many chunks; see close
        self.file.truncate(size)
        self.file.seek(size)

    def write(self, data: bytes) -> int:
        """Append bytes, wait until they are on the disk; how many there are now."""
        self.file.write(data)
        self.file.flush()
        os.fsync(self.file.fileno())
        return self.file.tell()

    def close(self) -> None:
        """Close the file; it stays a partial one."""
        self.file.close()

    def finish(self) -> None:
        """Give it its real name."""
        os.replace(self.partial, self.path)
        sync_folder(self.path.parent)
