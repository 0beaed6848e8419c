"""JSON files that others may have written: of a bounded size, whole, and of the kinds that are expected, or one clear line."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError

LARGEST = 64 << 20  # bytes: a configuration takes a few kB, the largest vocabularies some 20 MB
KINDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """The content of a plain file of at most so many bytes. Raises `FileNotFoundError`, and `ElectraError` for what cannot be read."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise ElectraError(f"{path} is no plain file.")
        if about.st_size > largest:
            raise ElectraError(f"{path} has {about.st_size >> 20:,} MB; such a file has at most {largest >> 20} MB.")
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ElectraError(f"{path} cannot be read: {error.strerror or error}.") from error


def read_json(path: Path, kind: type = dict) -> Any:
    """The value in a JSON file. Raises `FileNotFoundError`, and `ElectraError` where it is damaged or of another kind."""
    try:
        found = json.loads(read_bytes(path).decode("utf-8-sig"))
    except RecursionError:
        raise ElectraError(f"{path} cannot be read: it is nested too deep.") from None
    except ElectraError:
        raise
    except ValueError as error:  # wrong JSON, wrong UTF-8, a number of thousands of digits
        raise ElectraError(f"{path} cannot be read: {error}.") from error
    if not isinstance(found, kind):
        raise ElectraError(f"{path} cannot be read: it holds {_kind_of(found)} where {KINDS[kind]} should be.")
    return found


def expect(found: dict[str, Any], where: object, **kinds: type | tuple[type, ...]) -> None:
    """Check that each named entry is there and of its kind; `(str, type(None))` allows null. Raises `ElectraError`, naming the entry."""
    for name, kind in kinds.items():
        allowed = kind if isinstance(kind, tuple) else (kind,)
        if name not in found and type(None) not in allowed:
            raise ElectraError(f"{where} has no {name}: it is damaged, or was written by something else.")
        if not any(is_kind(found.get(name), each) for each in allowed):
            raise ElectraError(f"{where}: {name} is {shown(found[name])}, where {KINDS[allowed[0]]} should be.")


def is_kind(value: Any, kind: type) -> bool:
    """Whether a value is of a kind as JSON tells them apart: true is no number, and 3 may stand for 3.0."""
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, int | float if kind is float else kind)


def shown(value: Any, longest: int = 60) -> str:
    """A value in an error, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits has no decimal form
        return f"too long a {type(value).__name__}"
    return text if len(text) <= longest else f"{text[:longest]}…"


def _kind_of(value: Any) -> str:
    return "null" if value is None else next(name for kind, name in reversed(KINDS.items()) if is_kind(value, kind))
