"""Rows held out of training data that comes without validation rows: the same ones every time, and fair ones.

Every class is on both sides, rows that are alike (or of one group) are on one side, and a seed decides which.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.fields import check_options, option
from electra_helpers.reading.labelled import TEXTS, LabelledData

Unit = list[int]  # numbers of rows that stay together


@dataclass(frozen=True)
class HoldOut:
    """How rows are held out."""

    hold_out: float = option(0.1, "share of a training set without validation rows that is held out for validation")
    group: str = option("", "column whose equal values stay on one side of the split, such as an author or a document")
    split_seed: int = option(0, "which rows are held out", at_least=0)

    def __post_init__(self) -> None:
        check_options(self)
        if not 0 < self.hold_out < 1:
            raise ElectraError(f"hold_out is {self.hold_out}: choose a share between 0 and 1, such as 0.1.")


def hold_out(
    data: LabelledData, share: float = 0.1, *, group: str = "", seed: int = 0
) -> tuple[LabelledData, LabelledData]:
    """Training rows and held-out rows. Raises `ElectraError` where too few differ, and for a group that is no column.

    Classes keep their shares, and each that has two different rows is on both sides; other labels are drawn as they come.
    """
    units = _units(data, group)
    strata: dict[Hashable, list[Unit]] = defaultdict(list)
    for unit in units:
        strata[data.rows[unit[0]]["label"] if data.kind == "classes" else None].append(unit)
    chosen: set[int] = set()
    for key in sorted(strata, key=str):
        rows = sum(map(len, strata[key]))
        chosen |= _drawn(strata[key], share * rows, random.Random(f"{seed} {key}"))
    if len(units) < 2 or not chosen or len(data) < 10:
        same = "" if len(data) < 10 else f", of which {len(units)} differ"
        raise ElectraError(f"{data.source} has {len(data)} rows{same}: too few to hold some out: give --validation.")
    by = f"held out by a draw with seed {seed}" + (", the same share of each label" if data.kind == "classes" else "")
    told = f"{len(chosen):,} of {len(data):,} rows {by}, {f'{group} and ' if group else ''}equal rows on one side"
    held = [row for number, row in enumerate(data.rows) if number in chosen]
    kept = [row for number, row in enumerate(data.rows) if number not in chosen]
    how = data.how | {"split": told}
    return replace(data, rows=kept, how=how), replace(
        data, rows=held, how=how, notes={}, source=f"{data.source}, held out"
    )


def _drawn(units: Sequence[Unit], wanted: float, drawn: random.Random) -> set[int]:
    """About `wanted` rows in whole units, at least one unit and not all of them; none of a class that has one unit only."""
    if len(units) < 2:
        return set()
    found: set[int] = set()
    in_turn = sorted(drawn.sample(units, len(units)), key=lambda unit: max(0.0, len(unit) - wanted))
    for unit in in_turn[:-1]:
        if found and len(found) + len(unit) / 2 > wanted:
            break
        found |= set(unit)
    return found


def _units(data: LabelledData, group: str) -> list[Unit]:
    """Rows that stay together: equal inputs, and equal values of the group; both relations are followed to their end."""
    if group and not any(group in row for row in data.rows):
        role = next((role for role, column in data.columns.items() if column == group), None)
        if role is None:
            there = dict.fromkeys(name for row in data.rows for name in row)
            raise ElectraError(
                f"--group {group!r} is no column of {data.source}; it has: {', '.join(map(str, there))}."
            )
        group = role
    leader = list(range(len(data)))

    def root(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    seen: dict[Hashable, int] = {}
    for number, row in enumerate(data.rows):
        keys = [_inputs(row, data), ("group", str(row[group])) if group and row.get(group) is not None else None]
        for key in filter(None, keys):
            leader[root(number)] = root(seen.setdefault(key, number))
    together: dict[int, Unit] = defaultdict(list)
    for number in range(len(data)):
        together[root(number)].append(number)
    return list(together.values())


def _inputs(row: dict[str, Any], data: LabelledData) -> Hashable:
    """What the net reads of a row, case and spaces aside."""
    roles = [role for role in data.columns if role in (TEXTS - {"target", "summary", "corrected"}) or role == "tokens"]
    return tuple(" ".join(" ".join(row[r]).split() if r == "tokens" else str(row[r]).split()).casefold() for r in roles)
