"""Holds the exercises of a notebook to their right and wrong answers; the tests of each notebook list those."""

from dataclasses import dataclass, field
from typing import Any

from electra_helpers.course.exercises import find
from electra_helpers.course.grading import FAILED, FALLBACK, NOT_ATTEMPTED, PASSED, Fallback, judge


@dataclass(frozen=True)
class Cases:
    """For one exercise: what is untouched, what is right (written differently), and what is wrong with a part of its message."""

    untouched: Any
    right: list
    wrong: list[tuple[Any, str]] = field(default_factory=list)


def build(define, submission, names):
    return define(submission, **names) if isinstance(submission, str) and "def " in submission else submission


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
    if exercise.fallback is not None and callable(exercise.fallback):
        assert judge(exercise, Fallback(exercise.fallback, exercise_id)).status == FALLBACK
