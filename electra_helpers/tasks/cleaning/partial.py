"""A file that grows by whole chunks under a name of its own, and gets its real one at the end."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from electra_helpers.saved.files import sync_folder


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
