"""Answers of question answering in the shapes that files bring: SQuAD's dictionary, lists, JSON or Python's spelling in a table's cell."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from electra_helpers.errors import ElectraError

NO_START = -1  # answer_start of an answer that is not in its context
# What is said of answers that are not where their offset says.
MOVED = "answers found again beside their offset"
AMBIGUOUS = "answers that are not at their offset and stand in several places"
LOST = "answers not to be found in their context"
NOTES = (MOVED, AMBIGUOUS, LOST)
LONGEST_CELL = 100_000  # characters of a cell that is read as Python's spelling of a value
# How pandas writes an array of numpy into a table's cell.
_ARRAY = re.compile(r"array\((\[.*?\])(?:,\s*dtype=[\w.]+)?\)", re.DOTALL)
_BREAKS = (tokenize.NL, tokenize.NEWLINE)


def value_in_cell(cell: Any) -> Any:
    """A list or dictionary that a cell holds as JSON or as Python writes it; anything else as it is.

    So is ['Anna' 'sang'], as numpy prints an array: Python would read it as one text.

    >>> value_in_cell("['Anna', 'sang']"), value_in_cell("Anna sang")
    (['Anna', 'sang'], 'Anna sang')
    """
    text = cell.strip() if isinstance(cell, str) else ""
    if not text.startswith(("[", "{")) or len(text) > LONGEST_CELL:
        return cell
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    written = _ARRAY.sub(r"\1", text)
    try:
        found = ast.literal_eval(written)
        return cell if _texts_side_by_side(written) else found
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError):
        return cell


def _texts_side_by_side(written: str) -> bool:
    """Whether two texts stand side by side with nothing between them, which Python joins to one."""
    kinds = [
        token.type for token in tokenize.generate_tokens(io.StringIO(written).readline) if token.type not in _BREAKS
    ]
    return any(pair == (tokenize.STRING, tokenize.STRING) for pair in pairwise(kinds))


def read_answers(value: Any, context: str, where: str) -> tuple[list[str], list[int], list[str]]:
    """Texts of the answers, where each begins, and a note for each that is not where its offset says; empty lists where there is no answer.

    Such an answer is looked for, with an offset or without: it begins where it stands once, otherwise at NO_START, since which of several
    places was meant nobody can know. Raises `ElectraError`, with row and column, for what is no answer.
    """
    texts, starts = _pairs(value_in_cell(value), where)
    found = [_place(text, start, context) for text, start in zip(texts, starts, strict=True)]
    return texts, [place for place, _ in found], [note for _, note in found if note]


def _place(text: str, start: int | None, context: str) -> tuple[int, str]:
    """Where an answer begins, and what is to be said of that."""
    if start is not None and start >= 0 and context[start : start + len(text)] == text:
        return start, ""
    places = _places(text, context)
    if not places:
        return NO_START, LOST
    return (places[0], MOVED) if len(places) == 1 else (NO_START, AMBIGUOUS)


def _places(text: str, context: str) -> list[int]:
    found, place = [], context.find(text)
    while place >= 0:
        found.append(place)
        place = context.find(text, place + 1)
    return found


def _pairs(value: Any, where: str) -> tuple[list[str], list[int | None]]:
    if isinstance(value, Mapping) and "text" in value:
        texts, starts = _as_list(value["text"]), value.get("answer_start")
        starts = [None] * len(texts) if starts is None else _as_list(starts)
    elif isinstance(value, str) and value.strip() and not value.lstrip().startswith(("{", "[")):
        texts, starts = [value.strip()], [None]
    elif isinstance(value, list):
        pairs = [_pairs(item, where) for item in value]
        return [t for texts, _ in pairs for t in texts], [s for _, starts in pairs for s in starts]
    else:
        raise ElectraError(
            f"{where} has {str(value)[:40]!r} in column 'answers', where {{'text': […], 'answer_start': […]}} should be "
            f"(with empty lists where there is no answer)."
        )
    if len(starts) != len(texts):
        raise ElectraError(f"{where} has {len(texts)} answers and {len(starts)} answer_starts in column 'answers'.")
    kept = [(_text(t, where), _start(s, where)) for t, s in zip(texts, starts, strict=True)]
    return [t for t, _ in kept if t], [s for t, s in kept if t]


def _as_list(value: Any) -> list:
    if hasattr(value, "tolist"):  # numpy's
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ElectraError(f"{where} has the answer {str(value)[:40]!r} in column 'answers', where a text should be.")
    return value.encode("utf-8", "replace").decode("utf-8")


def _start(value: Any, where: str) -> int | None:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ElectraError(
        f"{where} has the answer_start {str(value)[:40]!r} in column 'answers', where a number should be."
    )
