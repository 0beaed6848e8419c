"""What the C library does with the memory that a step frees: it keeps it for the next step, which needs as much again."""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
KEPT, LARGEST = 2**31 - 1, 2**30  # bytes


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory for the next step; False where there is no glibc to ask.

    Otherwise some 200 MB go back to the system in every step of ELECTRA-Small and come anew, page by page, each filled with zeros:
    60,000 page faults and 4 % of the time on one core (tests/benchmarks). The most that a run holds stays the same.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return bool(mallopt and mallopt(MMAP_THRESHOLD, LARGEST) and mallopt(TRIM_THRESHOLD, KEPT))
