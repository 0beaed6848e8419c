"""Holds the exercises of a notebook to their right and wrong answers; the tests of each notebook list those."""

import re
from dataclasses import dataclass, field
from typing import Any

from electra_helpers.course.engine.grading import FAILED, FALLBACK, NOT_ATTEMPTED, PASSED, Fallback, judge
from electra_helpers.course.exercises import find


@dataclass(frozen=True)
class Cases:
    """For one exercise: what is untouched, what is right (written differently), and what is wrong with a part of its message."""

    untouched: Any
    right: list
    wrong: list[tuple[Any, str]] = field(default_factory=list)


def build(define, submission, names):
    """A submission given as source, compiled; any other as it is."""
    is_source = isinstance(submission, str) and re.search(r"^\s*(def \w+\(|\w+ = )", submission, re.MULTILINE)
    return define(submission, **names) if is_source else submission


def numbers_of(solution: Any) -> list[str]:
    """The parts of an answer that are numbers: nan, with which every comparison is False, must not pass for one."""
    parts = solution.items() if isinstance(solution, dict) else ()
    return [name for name, value in parts if isinstance(value, int | float) and not isinstance(value, bool)]


def hold(exercise_id: str, cases: Cases, define, names: dict) -> None:
    """Assert what is asked of every exercise."""
    exercise = find(exercise_id)
    assert len(cases.right) >= 2, "at least two differently written right answers"
    assert len(cases.wrong) >= 3, "at least three typical wrong answers"
    assert judge(exercise, build(define, cases.untouched, names)).status == NOT_ATTEMPTED
    ours = define(exercise.solved_source(), **names) if callable(exercise.solution) else exercise.solution
    assert judge(exercise, ours).status == PASSED, judge(exercise, ours)
    for each in cases.right:
        verdict = judge(exercise, build(define, each, names))
        assert verdict.status == PASSED, (each, verdict)
    for each, part in cases.wrong:
        verdict = judge(exercise, build(define, each, names))
        assert verdict.status == FAILED, (each, verdict)
        assert part in verdict.message, (each, verdict)
    for name in numbers_of(exercise.solution):
        for no_number in (float("nan"), True):
            verdict = judge(exercise, exercise.solution | {name: no_number})
            assert verdict.status == FAILED, (name, no_number)
    if exercise.fallback is not None and callable(exercise.fallback):
        assert judge(exercise, Fallback(exercise.fallback, exercise_id)).status == FALLBACK
