"""Random damage to JSON-like values and to bytes, for the tests that feed them to every reader."""

from __future__ import annotations

import random
from typing import Any

ODD = [None, True, False, -1, 0, 1, 10**30, 1.5, 1e400, "", "\ud800", "\x1b[2J", [], {}, [[]], {"": None}, "x" * 10_000]


def damaged(value: Any, rng: random.Random) -> Any:
    """A JSON-like value with one part exchanged, dropped or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        if rng.random() < 0.8:
            return value | {key: damaged(value[key], rng)}
        return {name: each for name, each in value.items() if name != key}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        return [*value[:at], damaged(value[at], rng), *value[at + rng.randrange(2) :]]
    return rng.choice(ODD)


def spoilt(data: bytes, rng: random.Random) -> bytes:
    """Bytes of which some, near the beginning for the most part, are others, or that end early."""
    made = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        made[rng.randrange(min(len(made), rng.choice([16, 4_000, len(made)])))] = rng.randrange(256)
    return bytes(made[: rng.randrange(len(made) + 1)] if rng.random() < 0.2 else made)
