"""Labels and tags → numbers with names: what the values are, which classes they name, and which rows have none.

Every decision is one that can be said: classes or a scale, which numbers mean which names, what was left out. What would be a guess
raises `ElectraError`, with the option that decides it.
"""

from __future__ import annotations

import math
import numbers
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, SupportsFloat, cast

from electra_helpers.errors import ElectraError

NO_LABEL = -1  # what GLUE's test sets hold in the place of their labels; on a scale a missing label is None
MANY = 20  # kinds of label from which on labels may be scores, identifiers or texts
FEW_TAGS = 100  # a few sentences may have so many kinds, nearly each of them once
MOST_KINDS = 1_000  # more are hardly ever classes, however often each occurs
LARGEST = 10**30  # no number that a label is written as
KINDS = ("auto", "classes", "scale")
FEW = 0.05  # share of the rows up to which -1 stands for a label that is missing
LISTED = 20  # labels in a message


class ByName(dict[str, str]):
    """What the data's labels are called, old → new, and the order in which the new names are numbered."""

    def __init__(self, renamed: Mapping[str, str], order: Sequence[str] = ()) -> None:
        super().__init__(renamed)
        self.order = tuple(order) or tuple(dict.fromkeys(renamed.values()))


Wanted = Sequence[str] | Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels by number (on a scale as they are), the classes' names, and what was decided on the way."""

    values: list[Any]
    names: tuple[str, ...]  # none on a scale
    numbered: bool = False  # whether the data had numbers without names
    notes: dict[str, int] = field(default_factory=dict)


def listed(names: Sequence[Any]) -> str:
    """The first names, with commas."""
    return ", ".join(map(str, names[:LISTED])) + (f" … ({len(names)})" if len(names) > LISTED else "")


def plain(value: Any, where: str) -> Any:
    """A label as text, number, truth value, or None where there is none. Raises `ElectraError` for anything else."""
    if isinstance(value, str):
        return value.strip() or None
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # numpy's
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) >= LARGEST:
            raise ElectraError(
                f"{where} has a number of about {value.bit_length() * 3 // 10} digits as its label; is this an id? Name another "
                f"column: --column label=NAME."
            )
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise ElectraError(f"{where} has the label {value}: no number that is finite.")
        return None if math.isnan(value) else value
    if isinstance(value, numbers.Number) and not isinstance(value, complex):  # Decimal, Fraction
        return plain(float(cast(SupportsFloat, value)), where)
    kind = type(value).__name__
    raise ElectraError(f"{where} has a {kind} as its label ({str(value)[:40]!r}): one name or one number is needed.")


def settle_labels(
    values: Sequence[Any], *, wanted: Wanted | None, names: Sequence[str] | None, kind: str, where: str
) -> Labels:
    """Labels of a column, one a row.

    `names` are what the data itself calls its numbers (ClassLabel). `wanted` are the labels in the order in which they are to be numbered,
    or a mapping from the data's labels to them; labels that have names are matched by name. `kind` is classes, scale, or auto.
    """
    found = [plain(value, f"{where}: row {number}") for number, value in enumerate(values, start=1)]
    found = _one_kind(found, kind, where)
    if isinstance(wanted, Mapping):
        renamed = _renamed(found, wanted, names, where)
        return _classes(renamed, ByName(wanted, getattr(wanted, "order", ())).order, None, where)
    present = [value for value in found if value is not None]
    if names is not None and kind != "scale":
        return _classes(_named(found, names, wanted, where), wanted, names, where)
    if _is_scale(present, wanted, kind, where):
        return _scale(found, where)
    _not_too_many(present, wanted, kind, where)
    return _classes(found, wanted, None, where)


def _one_kind(found: list[Any], kind: str, where: str) -> list[Any]:
    """All text, all numbers, or all true and false; text that is all numbers, as tables have it, becomes numbers."""
    first: dict[str, tuple[int, Any]] = {}
    for number, value in enumerate(found, start=1):
        if value is not None:
            name = "text" if isinstance(value, str) else "truth values" if isinstance(value, bool) else "numbers"
            first.setdefault(name, (number, value))
    if len(first) > 1:
        (one, (row, value)), (other, (row2, value2)) = list(first.items())[:2]
        raise ElectraError(
            f"{where} mixes {one} and {other} as labels: {value!r} in row {row}, {value2!r} in row {row2}. Write them all alike."
        )
    if "text" in first and _are_numbers([value for value in found if value is not None], kind, where):
        return [None if value is None else _number(value, where) for value in found]
    if "truth values" in first:
        return [None if value is None else str(value) for value in found]
    return found


def _are_numbers(texts: Sequence[str], kind: str, where: str) -> bool:
    """Whether cells are numbers: 007 and 01 are names; and so may be 1.1 and 1.10, the same number, as which they are no two classes."""
    if not all(map(_is_number, texts)):
        return False
    if kind == "scale":
        return True
    if any(_NAME.match(text) for text in texts):
        return False
    spelt: dict[Any, str] = {}
    for text in dict.fromkeys(texts):
        number = float(text)
        other = spelt.setdefault(number, text)
        if other != text and not number.is_integer() and not math.isnan(number):
            if kind == "classes":
                return False
            raise ElectraError(
                f"{where} holds {other} and {text}, as numbers the same: if they are numbers, --kind scale; if they are "
                "names, --kind classes."
            )
    return True


_NAME = re.compile(r"[+-]?0\d")  # digits that as a number would be written in another way


def _is_number(text: str) -> bool:
    """Whether a cell is a number as tables write one; 1_000 and ¹ are not."""
    return text.isascii() and "_" not in text and len(text) < 30 and _float(text) is not None


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _number(text: str, where: str) -> int | float | None:
    return int(text) if text.lstrip("+-").isdigit() else plain(float(text), where)


def _named(found: list[Any], names: Sequence[str], wanted: Sequence[str] | None, where: str) -> list[str | None]:
    """Numbers that the data has names for, by name."""
    if wanted is not None and not set(names) <= set(wanted) and not set(names) & set(wanted):
        raise ElectraError(
            f"{where} calls its labels {listed(names)}; known are {listed(wanted)}. Say which is which: "
            f"--labels {names[0]}={wanted[0]},…"
        )
    told = []
    for number, value in enumerate(found, start=1):
        if isinstance(value, str) or value is None or value == NO_LABEL:
            told.append(None if value == NO_LABEL else value)
        elif value != int(value) or not 0 <= value < len(names):
            raise ElectraError(
                f"{where}: row {number} has the label {value}, beyond the {len(names)} names {listed(names)}."
            )
        else:
            told.append(names[int(value)])
    return told


def _renamed(found: list[Any], wanted: Mapping[str, str], names: Sequence[str] | None, where: str) -> list[str | None]:
    old = (
        found
        if names is None
        else [value if str(_text(value)) in wanted else _name_of(value, names) for value in found]
    )
    unknown = [value for value in old if value is not None and _text(value) not in wanted and value != NO_LABEL]
    if unknown:
        raise ElectraError(
            f"{where} holds {_text(unknown[0])!r}, which --labels does not name: it has {listed(list(wanted))}."
        )
    return [wanted.get(_text(value)) if value is not None else None for value in old]


def _name_of(value: Any, names: Sequence[str]) -> Any:
    whole = isinstance(value, int) and 0 <= value < len(names)
    return names[value] if whole else value


def _text(value: Any) -> str:
    """A label as its name is written: 1.0 is 1."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < LARGEST
    return str(int(value)) if whole else str(value)


def _is_scale(present: Sequence[Any], wanted: Sequence[str] | None, kind: str, where: str) -> bool:
    """Whether labels are numbers on a scale: numbers with fractions, or more whole ones than classes are likely to be."""
    if kind == "scale":
        if any(isinstance(value, str) for value in present):
            wrong = next(value for value in present if isinstance(value, str))
            raise ElectraError(
                f"{where} holds {wrong!r}, which is no number on a scale: leave --kind scale out, or mend it."
            )
        return True
    if kind == "classes" or wanted is not None or any(isinstance(value, str) for value in present):
        return False
    # Whole numbers written 0.0 and 1.0 are classes: pandas writes them so as soon as one label is missing.
    fractions = any(isinstance(value, float) and not value.is_integer() for value in present)
    return fractions or (any(isinstance(value, float) for value in present) and len(set(present)) > MANY)


def _scale(found: Sequence[Any], where: str) -> Labels:
    """Numbers as they are; -1 stands for none where no other number is below 0, as in GLUE's test sets."""
    below = {value for value in found if value is not None and value < 0}
    values = [
        None if value is None or (below == {NO_LABEL} and value == NO_LABEL) else _as_float(value, where)
        for value in found
    ]
    return Labels(
        values, (), notes=_missing(values.count(None), any(value == NO_LABEL for value in found if below == {NO_LABEL}))
    )


def _as_float(value: Any, where: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ElectraError(f"{where} holds a number of {len(str(value))} digits: too large for a scale.") from None


def _missing(count: int, marked: bool) -> dict[str, int]:
    return {"without a label" + (" (-1 counts as none)" if marked else ""): count} if count else {}


def _not_too_many(present: Sequence[Any], wanted: Wanted | None, kind: str, where: str) -> None:
    kinds = len(set(present))
    if kind != "auto" or wanted is not None or not _like_ids(kinds, len(present)):
        return
    shown = listed(sorted(set(present), key=str)[:3])
    raise ElectraError(
        f"{where} has {kinds:,} different labels in {len(present):,} rows, such as {shown}; is this an id? Then name another "
        f"column: --column label=NAME. If they are scores: --kind scale; if they are classes: --kind classes."
    )


def _like_ids(kinds: int, rows: int) -> bool:
    """Whether this number of kinds in this number of rows is more than classes are likely to have."""
    return kinds > MOST_KINDS or (kinds > MANY and 2 * kinds > rows)


def _classes(found: Sequence[Any], wanted: Sequence[str] | None, own: Sequence[str] | None, where: str) -> Labels:
    """Numbers of classes: `wanted` numbers them, otherwise the data's `own` names, otherwise names in their order."""
    counts = Counter(value for value in found if value is not None)
    hidden = [value for value in counts if value == NO_LABEL and not (wanted and str(NO_LABEL) in wanted)]
    if not wanted and not own and _is_frequent(NO_LABEL, counts):
        others = ",".join(sorted(_text(value) for value in counts if value not in hidden))
        raise ElectraError(
            f"{where} holds -1 in {counts[NO_LABEL]:,} of {counts.total():,} rows: if it is a label, --labels=-1,{others}; "
            f"if it means that there is none, --labels={others}."
        )
    counts = {value: counts[value] for value in counts if value not in hidden}
    numbered = bool(counts) and not any(isinstance(value, str) for value in counts)
    known = tuple(wanted or own or (_names_of_numbers(counts) if numbered or not counts else tuple(sorted(counts))))
    place = {name: number for number, name in enumerate(known)}
    by_name = all(_text(value) in place for value in counts)
    # Numbers without names count in the order of the names; names that are numbers themselves are matched as such.
    if numbered and not by_name and not any(map(_is_number, known)):
        place |= {str(number): number for number in range(len(known))}
    unknown = [value for value in counts if _text(value) not in place]
    if unknown:
        others = (
            f" It has {listed(sorted(map(_text, counts)))}; say which is which with --labels OLD=NEW,…"
            if wanted
            else ""
        )
        raise ElectraError(
            f"{where} holds {min(map(_text, unknown))!r}, which is none of the labels {listed(known)}.{others}"
        )
    values = [NO_LABEL if value is None or value in hidden else place[_text(value)] for value in found]
    return Labels(values, known, numbered, _missing(values.count(NO_LABEL), bool(hidden)))


def _is_frequent(value: int, counts: Counter[Any]) -> bool:
    """Whether a number beside others is more than a few gaps."""
    return 1 < counts[value] < counts.total() and counts[value] > FEW * counts.total()


def _names_of_numbers(counts: Mapping[Any, int]) -> tuple[str, ...]:
    """The numbers that occur; of a single one, which says nothing about the others, 0 … that one."""
    kinds = sorted(counts)
    if len(kinds) == 1 and kinds[0] in range(MANY):
        return tuple(map(str, range(int(kinds[0]) + 1)))
    return tuple(map(_text, kinds))


def settle_tags(
    rows: Sequence[Sequence[Any]], *, wanted: Wanted | None, names: Sequence[str] | None, where: str
) -> tuple[list[list[int]], tuple[str, ...], bool]:
    """Tags of words, a list a row, as numbers; their names (outside first, then by kind); whether they had been numbers."""
    flat = [tag for tags in rows for tag in tags]
    bad = next((n for n, tags in enumerate(rows, start=1) for tag in tags if not _is_tag(tag)), None)
    if bad is not None:
        wrong = next(tag for tag in rows[bad - 1] if not _is_tag(tag))
        raise ElectraError(
            f"{where}: row {bad} has the tag {str(wrong)[:40]!r}: a name, or a number from 0 on, is needed."
        )
    kinds = len(set(map(str, flat)))
    if not wanted and not names and kinds > FEW_TAGS and _like_ids(kinds, len(flat)):
        raise ElectraError(
            f"{where} has {kinds:,} different tags for {len(flat):,} words; is this an id? Name another column: --column tags=NAME."
        )
    if not wanted and not names and any(isinstance(tag, str) for tag in flat):
        wanted = None if all(map(_is_number, map(str, flat))) else sorted(set(map(str, flat)), key=lambda t: (t[2:], t))
    made = settle_labels(flat, wanted=wanted, names=names, kind="classes", where=where)
    left = iter(made.values)
    return [[next(left) for _ in tags] for tags in rows], made.names, made.numbered


def _is_tag(tag: Any) -> bool:
    return (
        bool(tag.strip()) if isinstance(tag, str) else isinstance(tag, int) and not isinstance(tag, bool) and tag >= 0
    )
