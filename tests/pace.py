"""Limits in seconds that grow with the delay of the machine: a slow or a busy one keeps them too."""

import time

COUNT, USUAL = 1_000_000, 0.06  # additions, and the seconds that they took on the machine of the limits


def limit(seconds: float) -> float:
    """The limit here and now: `seconds` times as many as this machine is slower, never fewer.

    Measured at the time of the call, by the clock, so that what else the machine does counts.
    """
    begun, total = time.perf_counter(), 0
    for number in range(COUNT):
        total += number
    return seconds * max(1.0, (time.perf_counter() - begun) / USUAL)
