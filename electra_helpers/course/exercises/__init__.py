"""The exercises, one file a notebook: `n03_generator.py` holds those of notebook 03. Found by their names, so a new file is enough."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from electra_helpers.errors import ElectraError
from electra_helpers.language import worded

if TYPE_CHECKING:
    from electra_helpers.course.engine.grading import Exercise


@cache
def every() -> tuple[Exercise, ...]:
    """All exercises in reading order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[:1] == "n")
    return tuple(exercise for name in names for exercise in import_module(f"{__name__}.{name}").EXERCISES)


def find(exercise_id: str) -> Exercise:
    """The exercise of that number. Raises `ElectraError` where there is none."""
    if exercise_id[:1] == "v":
        return import_module(f"{__name__}.variants").find_variant(exercise_id)
    for exercise in every():
        if exercise.id == exercise_id:
            return exercise
    known = ", ".join(exercise.id for exercise in every())
    raise ElectraError(
        worded("There is no exercise {exercise_id!r}. There are: {known}.", exercise_id=exercise_id, known=known)
    )
