"""Questions with several endings, of which one is right, in the shapes that SWAG, HellaSwag and RACE bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count, takewhile
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.reading.answers import value_in_cell
from electra_helpers.reading.labels import NO_LABEL

FEWEST = 2  # endings of a question
# Role → the columns that may play it, likeliest first; a stem is the question, or the beginning that every ending completes.
CHOICE_COLUMNS = {
    "context": ("context", "article", "sent1", "ctx", "passage"),
    "stem": ("stem", "question", "sent2"),
    "endings": ("endings", "options", "choices"),
    "label": ("label", "answer"),
}


def with_endings(row: Mapping[str, Any]) -> dict[str, Any]:
    """SWAG's columns ending0, ending1 … put together as `endings`; a row without them, or with that column, as it is.

    >>> with_endings({"sent1": "It rained.", "ending0": "We swam.", "ending1": "We ran home."})["endings"]
    ['We swam.', 'We ran home.']
    """
    names = list(takewhile(row.__contains__, (f"ending{number}" for number in count())))
    return {**row, "endings": [row[name] for name in names]} if names and "endings" not in row else dict(row)


def read_endings(value: Any, where: str) -> list[str]:
    """The endings as texts; a cell may hold the list as JSON or as Python writes it. Raises `ElectraError` for anything else."""
    found = value_in_cell(value)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ElectraError(
            f'{where} has {str(value)[:40]!r} as its endings: a list of texts is needed, such as ["It sank.", "It flew."].'
        )
    if len(found) < FEWEST:
        raise ElectraError(f"{where} has {len(found)} endings: {FEWEST} at least are needed to choose from.")
    return [text.encode("utf-8", "replace").decode("utf-8") for text in found]  # half a surrogate pair is no character


def read_choice(value: Any, endings: int, where: str) -> int:
    """The number of the right ending, from 0 on; it may be written as a letter, A for the first. −1 where there is none.

    >>> read_choice("C", 4, "Row 1"), read_choice("1", 4, "Row 1"), read_choice(2.0, 4, "Row 1"), read_choice("", 4, "Row 1")
    (2, 1, 2, -1)
    """
    text = value.strip() if isinstance(value, str) else value
    if text is None or text == "" or text != text or text in (NO_LABEL, str(NO_LABEL)):  # NaN is not itself
        return NO_LABEL
    number = None
    if isinstance(text, str) and text.isascii() and len(text) == 1 and text.isalpha():
        number = ord(text.upper()) - ord("A")
    elif isinstance(text, str):
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
    elif isinstance(text, int | float) and not isinstance(text, bool) and text in range(endings):
        number = int(text)
    if number is None or not 0 <= number < endings:
        last = f"{endings - 1}, or a letter from A to {chr(ord('A') + endings - 1)}" if endings <= 26 else endings - 1
        raise ElectraError(f"{where} has the label {str(value)[:40]!r}: the right ending is a number from 0 to {last}.")
    return number


def settle_choices(rows: Iterable[dict[str, Any]], where: str) -> dict[str, int]:
    """Bring every row's label to the number of its ending; how many rows have none."""
    without = 0
    for number, row in enumerate(rows, start=1):
        row["label"] = read_choice(row["label"], len(row["endings"]), f"Row {number} of {where}")
        without += row["label"] == NO_LABEL
    return {"without a label": without} if without else {}
