"""`electra grade`: every submission run and judged, one after the other or several at once; a row for each learner and exercise."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from electra_helpers.classroom import origin
from electra_helpers.classroom.submissions import Submission, collect, copy_plain
from electra_helpers.classroom.transplant import Graded, Original, original_of, originals, read_book, transplant
from electra_helpers.classroom.watch import Limits, Run, run_watched
from electra_helpers.course.exercises import find
from electra_helpers.errors import ElectraError

ENDED = {
    "crashed": "The kernel died before this check: os._exit, a crash, or it was ended from inside.",
    "time is up": "The notebook ran longer than its time before this check.",
    "out of memory": "It took more memory than allowed before this check.",
    "too many processes": "It started more processes than allowed before this check.",
}


@dataclass
class Row:
    """One learner, one exercise."""

    learner: str
    notebook: str
    exercise: str
    title: str
    status: str  # passed, failed, not attempted, crashed, time is up, out of memory, not a notebook, …
    code: str = ""  # own, calls the package, same code as another
    detail: str = ""  # what it calls, or whose code is the same
    message: str = ""
    notes: str = ""
    seconds: float = 0.0  # of the whole notebook
    memory_gb: float = 0.0  # the most that its processes took together
    fingerprint: str | None = None  # equal for copies


@dataclass(frozen=True)
class Answer:
    """A written answer."""

    learner: str
    notebook: str
    exercise: str
    text: str


@dataclass
class Grades:
    """All rows and all written answers."""

    rows: list[Row] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


def grade(
    source: Path,
    notebooks: Path,
    *,
    limits: Limits | None = None,
    jobs: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> Grades:
    """Grade a folder or zip of submissions against the original notebooks.

    Raises `ElectraError` where there is nothing to grade or to grade against; whatever a submission does costs only itself.
    """
    known, limits = originals(notebooks), limits or Limits()
    with tempfile.TemporaryDirectory(prefix="electra-grade-", ignore_cleanup_errors=True) as room:
        submissions = collect(source, Path(room))
        with ThreadPoolExecutor(max_workers=jobs) as pool:

            def one(numbered: tuple[int, Submission]) -> Grades:
                number, submission = numbered
                try:
                    found = _grade_one(submission, known, Path(room) / f"{number:03d}", limits)
                except Exception as error:  # whatever it was about this one, the others are graded
                    why = f"The grader itself failed here: {type(error).__name__}: {error}"
                    found = Grades([Row(submission.learner, "", "", "", "not graded", message=why)])
                say(f"{number + 1} of {len(submissions)}: {submission.learner}: {_in_short(found.rows)}")
                return found

            parts = list(pool.map(one, enumerate(submissions)))
    made = Grades([row for part in parts for row in part.rows], [a for part in parts for a in part.answers])
    _mark_alike(made)
    return made


def _in_short(rows: list[Row]) -> str:
    return ", ".join(f"{count} {status}" for status, count in Counter(row.status for row in rows).items())


def _grade_one(submission: Submission, known: list[Original], room: Path, limits: Limits) -> Grades:
    made = Grades()
    if submission.problem:
        row = Row(submission.learner, "", "", "", submission.problem, message=submission.message)
        return Grades([row])
    folder = room / "folder"
    copy_plain(submission.folder, folder)
    for path in submission.notebooks:
        name = path.relative_to(submission.folder)
        try:
            book = read_book(path)
            original = original_of(book, path.name, known)
            if original is None:
                raise ElectraError(f"{path.name} is none of the originals: it holds no exercise of theirs.")
        except ElectraError as error:
            made.rows.append(Row(submission.learner, str(name), "", "", "not a notebook", message=str(error)))
            continue
        graded = transplant(original, book)
        run = run_watched(graded.cells, room, (folder / name).parent, limits)
        made.rows += _rows(submission.learner, original, graded, run)
        asked = {number: text for number, text in graded.answers.items() if text}
        made.answers += [Answer(submission.learner, original.name, number, text) for number, text in asked.items()]
    shutil.rmtree(room, ignore_errors=True)
    return made


def _rows(learner: str, original: Original, graded: Graded, run: Run) -> list[Row]:
    results = {event["exercise"]: event for event in run.events if event.get("event") == "result"}
    notes = [event["text"] for event in run.events if event.get("event") == "note"]
    if run.how != "finished":
        notes.append(f"ended: {run.how}")
    rows = []
    for number in original.variables:
        exercise = find(number)
        result = results.get(number) or {
            "status": run.how,
            "message": ENDED.get(run.how, "This check was not reached."),
        }
        row = Row(learner, original.name, number, exercise.title, result["status"], message=result["message"])
        row.notes, row.seconds, row.memory_gb = "; ".join(notes), run.seconds, run.peak_gb
        row.detail = origin.from_the_package(exercise, graded.code[number])
        attempted = exercise.kind == "build" and row.status != "not attempted"
        row.code = origin.CALLS if row.detail else origin.OWN if attempted else ""
        text = graded.answers.get(number, "") if exercise.kind == "write" else graded.code[number]
        row.fingerprint = origin.fingerprint(exercise, text)
        rows.append(row)
    return rows


def _mark_alike(made: Grades) -> None:
    """Equal code of different learners; the course's own, which two may have pasted, is named as such."""
    alike: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in made.rows:
        if row.fingerprint and row.code != origin.CALLS:
            alike[row.exercise, row.fingerprint].append(row)
    for rows in alike.values():
        names = sorted({row.learner for row in rows})
        for row in rows if len(names) > 1 else ():
            row.code, row.detail = origin.SAME, ", ".join(name for name in names if name != row.learner)
