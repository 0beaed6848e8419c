"""The exercise engine: what an exercise is, how a submission is judged, and `check`, `hint`, `solution` for the notebooks.

A check is a list of small functions that are called with the submission, in order: shape, core case, isolated mechanisms. Each raises
`Mistake` with a sentence that names the misconception; the first one raised is shown.
"""

from __future__ import annotations

import functools
import inspect
import math
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from electra_helpers.course.engine import portfolio
from electra_helpers.course.engine.sandbox import SECONDS, Outcome, own_frames, run_limited, short_traceback
from electra_helpers.errors import ElectraError
from electra_helpers.language import Wording, worded, wording
from electra_helpers.words import is_chinese

KINDS = {"build": "B", "find": "F", "decide": "D", "measure": "M", "write": "W"}
NOT_ATTEMPTED, PASSED, FAILED, FALLBACK = "not attempted", "passed", "failed", "not yours"
STATUS = {
    NOT_ATTEMPTED: wording("not attempted yet"),
    PASSED: wording("passed"),
    FAILED: wording("failed"),
    FALLBACK: wording("not yours"),
}  # as a learner reads them
FEWEST_WORDS = 12  # of a written answer


class Mistake(Exception):
    """A submission is wrong; the message names the misconception for the learner, its fields filled in as in `worded`."""

    def __init__(self, template: str, /, **fields: Any) -> None:
        super().__init__(template)
        self.template, self.fields = template, fields

    def __str__(self) -> str:
        return worded(self.template, **self.fields)


class ExerciseFailed(ElectraError):
    """Raised by `check` in strict mode (ELECTRA_STRICT=1) where an exercise is not passed."""


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise: what is asked, how it is judged, hints, and its readable solution.

    `solution` is the one readable function of a [B] (its source is what `eh.solution` prints), otherwise the right answer with its
    `why`. `fallback` is the function that later cells use until the learner's passes: the package's, where it has one.
    """

    id: str
    title: str
    kind: str  # build, find, decide, measure, write
    minutes: int
    difficulty: int  # 1 … 3
    specification: str
    checks: tuple[Callable[[Any], None], ...]
    hints: tuple[str, str]
    solution: Any
    variable: str  # the name that the notebook gives the submission
    why: str | dict[Any, str] = ""  # one reason, or one for each part of the answer
    fallback: Any = None
    starred: bool = False
    marked: bool = False  # its solution is not printed

    @property
    def label(self) -> str:
        return f"{'★ ' if self.starred else ''}{self.id} [{KINDS[self.kind]}]"

    @property
    def reason(self) -> str:
        """`why` in the learner's language, a line for each part."""
        if isinstance(self.why, str):
            return worded(self.why)
        return "\n".join(f"{part}: {worded(text)}" for part, text in self.why.items())

    def solved_source(self) -> str:
        """The solution as a cell's source: the function, or the assignment of the answer."""
        if callable(self.solution):
            return textwrap.dedent(inspect.getsource(self.solution))
        written = worded(self.solution) if isinstance(self.solution, Wording) else self.solution
        return f"{self.variable} = {written!r}"


@dataclass(frozen=True)
class Verdict:
    """What a judged submission is told."""

    status: str
    message: str


class Fallback:
    """The course's own function, marked: it works in later cells, and no check takes it for the learner's."""

    def __init__(self, function: Callable, exercise_id: str) -> None:
        functools.update_wrapper(self, function)
        self.function, self.exercise_id = function, exercise_id

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return worded("<the course's {name}, until your {id} passes>", name=self.__name__, id=self.exercise_id)


class CourseNumber(float):
    """A number of the course's that stands in for an answer not given yet."""


def is_ours(submission: Any) -> bool:
    """True for a fallback, and for a function of this package itself."""
    if isinstance(submission, Fallback | CourseNumber):
        return True
    module = getattr(submission, "__module__", None) or ""
    return callable(submission) and module.split(".")[0] == "electra_helpers"


def whose(function: Any) -> str:
    """ "your code" or "the course's code", for captions.

    >>> import electra_helpers as eh
    >>> eh.whose(eh.select_positions)
    "the course's code"

    Built in notebook 00.
    """
    return worded("the course's code") if is_ours(function) else worded("your code")


def judge(exercise: Exercise, submission: Any, seconds: float = SECONDS, patience: float = 1.0) -> Verdict:
    """Judge a submission without recording anything; `seconds` and `patience` as in `run_limited`."""
    if is_ours(submission):
        return Verdict(
            FALLBACK,
            worded(
                "This is the course's {variable}, not yours: run your definition cell first.",
                variable=exercise.variable,
            ),
        )
    if exercise.kind == "build":
        return _judge_function(exercise, submission, seconds, patience)
    submission = plain(submission)
    missing, total = count_missing(submission)
    if missing == total:
        return Verdict(
            NOT_ATTEMPTED, worded("Put your answer in place of None in {variable}.", variable=exercise.variable)
        )
    if missing:
        return Verdict(FAILED, worded("{missing} of {total} answers are still None.", missing=missing, total=total))
    if exercise.kind == "write" and (words := _count_words(str(submission))) < FEWEST_WORDS:
        return Verdict(FAILED, worded("{words} words say little: write at least two full sentences.", words=words))
    return _verdict(run_limited(lambda: _run_checks(exercise, submission), seconds, patience), exercise, seconds)


def _count_words(text: str) -> int:
    """Words between blanks, and one for every two Chinese characters."""
    chinese = sum(map(is_chinese, text))
    return len("".join(" " if is_chinese(character) else character for character in text).split()) + chinese // 2


def _run_checks(exercise: Exercise, submission: Any) -> None:
    for each in exercise.checks:
        each(submission)


def _judge_function(exercise: Exercise, submission: Any, seconds: float, patience: float) -> Verdict:
    if submission is None or submission is ...:
        return Verdict(NOT_ATTEMPTED, worded("Write {variable}, then run this cell again.", variable=exercise.variable))
    if not callable(submission):
        kind = type(submission).__name__
        return Verdict(
            FAILED,
            worded(
                "Pass the function {variable} itself, not a {kind}: no parentheses after its name.",
                variable=exercise.variable,
                kind=kind,
            ),
        )
    return _verdict(run_limited(lambda: _run_checks(exercise, submission), seconds, patience), exercise, seconds)


def _verdict(outcome: Outcome, exercise: Exercise, seconds: float) -> Verdict:
    printed = worded("\nIt printed:\n{printed}", printed=outcome.printed.rstrip()) if outcome.printed.strip() else ""
    if outcome.timed_out:
        ends = worded("Stopped after {seconds:g} seconds: is there a loop that never ends?", seconds=seconds)
        if outcome.still_running:
            ends += worded(" It could not be stopped: restart the kernel.")
        return Verdict(FAILED, ends + printed)
    error = outcome.error
    if error is None:
        kept = worded("Kept in your portfolio. Now open the rubric below and mark your own answer.")
        return Verdict(PASSED, kept if exercise.kind == "write" else printed.lstrip("\n"))
    if isinstance(error, Mistake):
        return Verdict(FAILED, str(error) + printed)
    if isinstance(error, NotImplementedError) and not str(error) and own_frames(error):
        return Verdict(NOT_ATTEMPTED, worded("Write {variable}, then run this cell again.", variable=exercise.variable))
    if not own_frames(error):
        text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return Verdict(
            FAILED,
            worded(
                "What {variable} gave back could not be used. {text}{printed}",
                variable=exercise.variable,
                text=text,
                printed=printed,
            ),
        )
    return Verdict(FAILED, f"{worded('Your code raised an exception.')}\n{short_traceback(error)}{printed}")


def plain(answer: Any) -> Any:
    """An answer with numpy's and torch's scalars turned into Python's, however deep they stand in it."""
    if isinstance(answer, dict):
        return {plain(key): plain(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return type(answer)(map(plain, answer)) if type(answer) in (list, tuple) else answer
    if isinstance(answer, CourseNumber):
        return answer
    is_scalar = hasattr(answer, "item") and getattr(answer, "ndim", None) == 0
    return answer.item() if is_scalar else answer


def as_number(answer: Any) -> float:
    """A number in an answer, as `float` reads it. TypeError for True and False, ValueError for nan: neither is near to anything."""
    if isinstance(answer, bool):
        raise TypeError("True and False are no numbers")
    value = float(answer)
    if math.isnan(value):  # every comparison with it is False, so no check would refuse it
        raise ValueError("nan is no number")
    return value


def count_missing(answer: Any) -> tuple[int, int]:
    """How many leaves of an answer are None or ..., and how many leaves there are."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, list | tuple) and answer:
        pairs = [count_missing(each) for each in answer]
        return sum(m for m, _ in pairs), sum(n for _, n in pairs)
    return int(answer is None or answer is ... or (isinstance(answer, str) and not answer.strip())), 1


def check(exercise_id: str, submission: Any, *, record: bool = True) -> Any:
    """Judge an exercise: prints *not attempted yet*, *passed*, or *failed* with a hint, and returns what later cells use.

    That is your own function or answer when it passed, otherwise the course's function, marked as such: checking that one again does
    not count. With `record=False` nothing is kept. Raises `ElectraError` for an unknown exercise, and, where ELECTRA_STRICT=1 is
    set and under nbgrader, for everything but *passed*.

    >>> import electra_helpers as eh
    >>> eh.check("00.2", None)
    00.2 · not attempted yet. Write flag_words, then run this cell again.
    Until then, later cells use the course's flag_words.
    <the course's flag_words, until your 00.2 passes>

    Built in notebook 00.
    """
    from electra_helpers.course.exercises import find

    exercise = find(exercise_id)
    submission = plain(submission) if exercise.kind != "build" else submission
    verdict = judge(exercise, submission)
    print(_announcement(exercise, verdict))
    if record and verdict.status in (PASSED, FAILED):
        portfolio.record(exercise.id, verdict.status, submission, exercise.variable)
    if record and verdict.status != PASSED and _is_strict():
        raise ExerciseFailed(
            worded(
                "{id} is {status}: {message}",
                id=exercise.id,
                status=wording(verdict.status),
                message=verdict.message,
            )
        )
    return submission if verdict.status == PASSED else _stand_in(exercise, submission)


def _is_strict() -> bool:
    """Where a check raises: on demand, and while nbgrader autogrades or validates, since it takes every cell that does not for right."""
    return os.environ.get("ELECTRA_STRICT") == "1" or bool(os.environ.get("NBGRADER_EXECUTION"))


def _announcement(exercise: Exercise, verdict: Verdict) -> str:
    said = {"id": exercise.id, "status": STATUS[verdict.status]}
    if verdict.message:
        lines = [worded("{id} · {status}. {message}", **said, message=verdict.message)]
    else:
        lines = [worded("{id} · {status}.", **said)]
    if verdict.status in (NOT_ATTEMPTED, FALLBACK):
        lines += _passed_before(exercise)
    if verdict.status != PASSED and exercise.fallback is not None:
        lines.append(worded("Until then, later cells use the course's {variable}.", variable=exercise.variable))
    if verdict.status == FAILED:
        lines.append(worded('Stuck? eh.hint("{id}")', id=exercise.id))
    return "\n".join(lines)


def _passed_before(exercise: Exercise) -> list[str]:
    """After a restart of the kernel: that it was passed, and how to have one's own function back."""
    if not portfolio.has_passed(exercise.id):
        return []
    if exercise.kind != "build":
        return [worded("You passed it before: your answer is in your portfolio.")]
    return [
        worded(
            'You passed it before: {variable} = eh.mine("{id}") gives you your own back.',
            variable=exercise.variable,
            id=exercise.id,
        )
    ]


def _stand_in(exercise: Exercise, submission: Any) -> Any:
    if exercise.fallback is None:
        return submission
    if isinstance(exercise.fallback, float):
        return CourseNumber(exercise.fallback)
    return Fallback(exercise.fallback, exercise.id)


def mine(exercise_id: str) -> Callable:
    """Your function of an earlier notebook, from the portfolio, or the course's, marked, where there is none of yours.

    A saved function is judged again before it is handed out. Raises `ElectraError` for an unknown exercise. Built in notebook 01.

    >>> import electra_helpers as eh
    >>> eh.mine("00.2").__name__
    'flag_words'
    """
    from electra_helpers.course.exercises import find

    exercise = find(exercise_id)
    try:
        saved = portfolio.saved_function(exercise_id)
    except portfolio.DoesNotRun as error:
        print(error, worded("The course's {variable} is used.", variable=exercise.variable), sep="\n")
        return _stand_in(exercise, None)
    if saved is None:
        return _stand_in(exercise, None)
    verdict = judge(exercise, saved)
    if verdict.status == PASSED:
        return saved
    print(worded("Your saved {id} does not pass any more: {message}", id=exercise_id, message=verdict.message))
    print(worded("The course's {variable} is used.", variable=exercise.variable))
    return _stand_in(exercise, None)


_hints_given: dict[str, int] = {}


def hint(exercise_id: str) -> None:
    """Print the first hint of an exercise, at the next call the second. Raises `ElectraError` for an unknown exercise.

    >>> import electra_helpers as eh
    >>> eh.hint("00.2")
    Hint 1 of 2: Print the words and p side by side. Which word has the first number?

    Built in notebook 00.
    """
    from electra_helpers.course.exercises import find

    exercise = find(exercise_id)
    number = _hints_given.get(exercise_id, 0) % len(exercise.hints)
    _hints_given[exercise_id] = number + 1
    text = worded(exercise.hints[number])
    print(worded("Hint {number} of {count}: {hint}", number=number + 1, count=len(exercise.hints), hint=text))


def solution(exercise_id: str) -> None:
    """Print the course's readable solution of an exercise. Raises `ElectraError` for an unknown exercise.

    >>> import electra_helpers as eh
    >>> eh.solution("00.2")  # doctest: +ELLIPSIS
    def flag_words(words, p, threshold):
        ...
        return [word for word, x in zip(words, of_words, strict=True) if x >= threshold]

    Built in notebook 00.
    """
    from electra_helpers.course.exercises import find

    exercise = find(exercise_id)
    if exercise.marked:
        raise ElectraError(worded("{exercise_id} is marked work: it has no printed solution.", exercise_id=exercise_id))
    print("\n".join(filter(None, [exercise.solved_source().rstrip(), exercise.reason])))
