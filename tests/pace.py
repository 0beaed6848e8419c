"""Limits in seconds that a slow or a busy machine keeps too: where one is passed, it is asked how slow the machine is just now."""

import time
from statistics import median

COUNT, USUAL = 200_000, 0.012  # additions, and the seconds that they took on the machine on which the limits were set


def within(took: float, seconds: float) -> bool:
    """Whether something took less than `seconds`, or no longer than that on a machine which is as slow as this one now is."""
    return took < seconds or took < seconds * slowness()


def slowness() -> float:
    """How many times as long as usual plain Python takes, by the clock; 1 at least, and the middle of seven tries."""
    return max(1.0, median(_addition() for _ in range(7)) / USUAL)


def _addition() -> float:
    begun, total = time.perf_counter(), 0
    for number in range(COUNT):
        total += number
    return time.perf_counter() - begun
