"""Holds the exercises of a notebook to their right and wrong answers; the tests of each notebook list those."""

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from electra_helpers.course import exercises
from electra_helpers.course.engine.grading import FAILED, FALLBACK, NOT_ATTEMPTED, PASSED, Exercise, Fallback, judge
from electra_helpers.course.exercises import find
from electra_helpers.language import ENGLISH, choose_language
from electra_helpers.world import vocabulary


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


def is_said_in_chinese(exercise: Exercise, wrong: Any) -> None:
    """Assert that the check speaks Chinese where that was chosen."""
    choose_language("zh")
    try:
        message = judge(exercise, wrong).message
    finally:
        choose_language(ENGLISH)
    assert re.search(r"[\u4e00-\u9fff]", message), (exercise.id, message)
    assert not english_runs(message), (exercise.id, english_runs(message), message)


def english_runs(message: str) -> list[str]:
    """Four and more English words in a row that are no quotation, no answer to choose, no story, and nothing that an exception says."""
    text = re.sub(
        r"^\w*(?:Error|Exception):.*$|'[^'\n]*'|\"[^\"\n]*\"|“[^”]*”|`[^`]*`|\b[BI]-[\w-]+",
        "|",
        message,
        flags=re.MULTILINE,
    )
    runs = re.findall(r"\b[A-Za-z-]+(?:[ ’']+[A-Za-z-]+){3,}", text)
    return [run for run in runs if not any(run in answer for answer in answers()) and not is_told(run)]


def is_told(run: str) -> bool:
    return {word.lower() for word in re.findall(r"[A-Za-z]+", run)} <= set(vocabulary("en"))


@cache
def answers() -> tuple[str, ...]:
    """What a learner may write or choose: the constants of the exercises that are no sentences."""
    folder = Path(exercises.__file__).parents[1]
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(folder.rglob("*.py"))]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return tuple(text for text in texts if isinstance(text, str) and not re.search(r"[.?!…]\s*$", text))


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
        is_said_in_chinese(exercise, build(define, each, names))
    for name in numbers_of(exercise.solution):
        for no_number in (float("nan"), True):
            verdict = judge(exercise, exercise.solution | {name: no_number})
            assert verdict.status == FAILED, (name, no_number)
    if exercise.fallback is not None and callable(exercise.fallback):
        assert judge(exercise, Fallback(exercise.fallback, exercise_id)).status == FALLBACK
