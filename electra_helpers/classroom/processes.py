"""A process and what it started, as far as the system shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psutil


def family(pid: int) -> Iterator[psutil.Process]:
    """The process of this number and all that it started; none where it is gone. One of them may end while they are looked through."""
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        yield from (root, *root.children(recursive=True))
