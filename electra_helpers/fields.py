"""A field of a configuration: its help, the values it may have, and how a file or a caller is told what it may not."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeVar

from electra_helpers.errors import ElectraError
from electra_helpers.jsonfile import KINDS, shown

Config = TypeVar("Config")
WIDEST, LONGEST = 1_000_000, 1_000_000  # units of a layer, tokens of a row


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    at_least: float | None = None,
    at_most: float | None = None,
) -> Any:
    """A dataclass field with its help text, its allowed values and its bounds."""
    bounds = {"at_least": at_least, "at_most": at_most}
    return field(default=default, metadata={"help": help, "choices": choices, **bounds})


COLDEST = 1e-6  # the least temperature: at 0 there is nothing to divide by
LARGEST = 1 << 62  # no count is larger, nor fits into what computes with it
NAMES = {"int": int, "float": float, "bool": bool, "str": str}


def check_options(config: Any) -> None:
    """Raise ElectraError for the first field whose value is not allowed."""
    for f in dataclasses.fields(config):
        if f.type.startswith("tuple"):
            check_counts(f.name, getattr(config, f.name))
            continue
        value, (kind, *optional) = getattr(config, f.name), f.type.split(" | ")
        if not (optional and value is None):
            check_option(f.name, value, NAMES[kind], f.metadata)


def check_counts(name: str, values: Any) -> None:
    """Raise ElectraError where a list does not hold counts of units."""
    is_list = isinstance(values, tuple | list)
    if not is_list or not all(isinstance(n, numbers.Integral) and 0 <= n <= WIDEST for n in values):
        raise ElectraError(f"{name} is {shown(values)}: give whole numbers up to {WIDEST:,}.")


def check_option(name: str, value: Any, kind: type, about: Mapping[str, Any]) -> None:
    """Raise ElectraError where a value is of the wrong kind, none of the choices, or out of bounds."""
    numeric = isinstance(value, numbers.Integral if kind is int else numbers.Real) and not isinstance(value, bool)
    if not (numeric if kind in (int, float) else isinstance(value, kind)):
        raise ElectraError(f"{name} is {shown(value)}: give {KINDS[kind]}.")
    if about["choices"] and value not in about["choices"]:
        raise ElectraError(f"{name} is {shown(value)}: choose one of {', '.join(about['choices'])}.")
    if kind not in (int, float):
        return
    low, high = about["at_least"], about["at_most"] or (LARGEST if kind is int else math.inf)
    if isinstance(value, float) and not math.isfinite(value):
        raise ElectraError(f"{name} is {value}: give a finite number.")
    if low is not None and value < low:
        raise ElectraError(f"{name} is {value}: it must be at least {low:g}.")
    if value > high:
        raise ElectraError(f"{name} is {shown(value)}: it must be at most {high:,}.")


def check_number(
    name: str, value: Any, kind: type, at_least: float | None = None, at_most: float | None = None
) -> None:
    """The same for a number that is a field of no configuration."""
    check_option(name, value, kind, {"choices": (), "at_least": at_least, "at_most": at_most})


def from_json(kind: type[Config], values: Any, where: object) -> Config:
    """A configuration that stands in a file: every entry known, of its kind and in bounds. Raises `ElectraError`, naming the file."""
    if not isinstance(values, dict):
        raise ElectraError(
            f"{where} is no configuration of this package: it holds {shown(values)} for a {kind.__name__}."
        )
    unknown = [name for name in values if name not in {f.name for f in dataclasses.fields(kind)}]
    if unknown:
        raise ElectraError(f"{where} is no configuration of this package: it does not know {shown(unknown[0])}.")
    try:
        return kind(**values)
    except ElectraError as error:
        raise ElectraError(f"{where} is no configuration of this package: {error}") from error
