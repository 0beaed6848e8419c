"""`electra grade`: every submission run and judged, one after the other or several at once; a row for each learner and exercise."""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from electra_helpers.classroom import origin
from electra_helpers.classroom.jail import Container, hand_over
from electra_helpers.classroom.submissions import Submission, collect
from electra_helpers.classroom.transplant import originals
from electra_helpers.classroom.unpack import copy_plain, printable
from electra_helpers.classroom.watch import Limits, Run, Runner, prepare

ENDED = {
    "crashed": "The process died before this check: os._exit, a crash, or it was ended from inside.",
    "time is up": "The notebook ran longer than its time before this check.",
    "out of memory": "It took more memory than allowed before this check.",
    "out of disk": "It wrote more than allowed before this check.",
    "too many processes": "It started more processes than allowed before this check.",
}
BEST = ("passed", "failed", "not yours", "checks changed")  # of several notebooks with the same exercise


@dataclass
class GradeRow:
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
    id: str = ""  # the platform's number of the learner


@dataclass(frozen=True)
class Answer:
    """A written answer."""

    learner: str
    notebook: str
    exercise: str
    text: str
    id: str = ""


@dataclass
class Grades:
    """All rows and all written answers; `stopped` says of how many submissions, where not all were graded."""

    rows: list[GradeRow] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    stopped: str = ""


class Stopped(BaseException):
    """Ctrl-C or SIGTERM: what is graded so far counts."""


def grade(
    source: Path,
    notebooks: Path,
    *,
    limits: Limits | None = None,
    jobs: int = 1,
    say: Callable[[str], None] = lambda line: None,
    container: Container | None = None,
    known: dict[str, Grades] | None = None,
    keep: Callable[[str, Grades], None] = lambda key, found: None,
) -> Grades:
    """Grade a folder or zip of submissions against the original notebooks.

    `keep` hears of each submission as soon as it is graded; `known` are those graded before, by `key_of`. Raises `ElectraError` where
    there is nothing to grade or to grade against; whatever a submission does costs only itself.
    """
    originals(notebooks)  # said before anything is unpacked
    with tempfile.TemporaryDirectory(prefix="electra-grade-", ignore_cleanup_errors=True) as made:
        room = Path(made)
        room.chmod(0o711)  # a learner's process may pass through to its own copy, and list nothing
        submissions = collect(source, room)
        class_ = _Class(submissions, known or {}, room, (notebooks.resolve(), limits or Limits(), container))
        return class_.graded(jobs, say, keep)


class _Class:
    """All submissions of a run, and the grader's processes that work on them."""

    def __init__(self, submissions: list[Submission], known: dict[str, Grades], room: Path, how: tuple) -> None:
        self.submissions, self.known, self.room = submissions, known, room
        self.notebooks, self.limits, self.container = how
        self.runners: queue.SimpleQueue[Runner] = queue.SimpleQueue()
        self.every: list[Runner] = []
        self.stopping = threading.Event()

    def graded(self, jobs: int, say: Callable[[str], None], keep: Callable[[str, Grades], None]) -> Grades:
        parts: dict[int, Grades] = {}
        for _ in range(jobs):
            self.every.append(Runner(self.limits, self.container))
            self.runners.put(self.every[-1])
        pool = ThreadPoolExecutor(max_workers=jobs)
        stopped = ""
        try:
            waiting = {pool.submit(self._one, number): number for number in range(len(self.submissions))}
            for done in as_completed(waiting):
                number = waiting[done]
                submission, found = self.submissions[number], done.result()
                parts[number] = found
                keep(key_of(submission), found)
                say(f"{len(parts)} of {len(self.submissions)}: {submission.learner}: {_in_short(found.rows)}")
        except (Stopped, KeyboardInterrupt):
            stopped = f"stopped after {len(parts)} of {len(self.submissions)} submissions"
        finally:
            self.stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for runner in self.every:
                runner.close()
            pool.shutdown(wait=True)
        ordered = [parts[number] for number in sorted(parts)]
        made = Grades(
            [row for part in ordered for row in part.rows], [a for part in ordered for a in part.answers], stopped
        )
        _mark_alike(made)
        return made

    def _one(self, number: int) -> Grades:
        submission = self.submissions[number]
        if key_of(submission) in self.known:
            return self.known[key_of(submission)]
        runner = self.runners.get()
        try:
            found = self._grade(submission, self.room / f"{number:04d}", runner)
        except Exception as error:  # whatever it was about this one, the others are graded
            why = printable(f"The grader itself failed here: {type(error).__name__}: {error}")
            found = Grades([_problem(submission, "", "not graded", why)])
        finally:
            self.runners.put(runner)
        if self.stopping.is_set():
            raise CancelledError
        return found

    def _grade(self, submission: Submission, room: Path, runner: Runner) -> Grades:
        made = Grades()
        if submission.problem:
            return Grades([_problem(submission, "", submission.problem, submission.message)])
        for path in submission.notebooks:
            name = path.relative_to(submission.folder)
            copy_plain(submission.folder, room / "folder")
            prepare(room)
            hand_over(room)
            run = runner.run(room / "folder" / name, str(name), self.notebooks, room)
            about = run.of("about")
            if about:
                made.rows += _rows(submission, about[0], run)
                made.answers += _answers(submission, about[0])
            else:
                why = run.events[-1].get("message", "") if run.events else ENDED.get(run.how, "")
                made.rows.append(_problem(submission, str(name), run.how, why))
            shutil.rmtree(room, ignore_errors=True)
        return Grades(_counted_once(made.rows), made.answers)


def key_of(submission: Submission) -> str:
    """What tells a submission from others and from an earlier one of the same learner."""
    from hashlib import sha256

    seen = sha256()
    for path in submission.notebooks:
        seen.update(path.read_bytes())
    return "\x1f".join([submission.learner, submission.id, submission.problem, seen.hexdigest()])


def _in_short(rows: list[GradeRow]) -> str:
    return ", ".join(f"{count} {status}" for status, count in Counter(row.status for row in rows).items())


def _problem(submission: Submission, notebook: str, status: str, why: str) -> GradeRow:
    notes = "; ".join(submission.notes)
    return GradeRow(
        submission.learner, printable(notebook), "", "", status, message=_text(why), notes=notes, id=submission.id
    )


def _answers(submission: Submission, about: dict[str, Any]) -> list[Answer]:
    given = about["answers"].items()
    return [
        Answer(
            submission.learner, about["original"], number, _text(text, most=len(text), width=len(text)), submission.id
        )
        for number, text in given
    ]


def _rows(submission: Submission, about: dict[str, Any], run: Run) -> list[GradeRow]:
    results = {event["exercise"]: event for event in run.of("result")}
    notes = [*submission.notes, *(event["text"] for event in run.of("note"))]
    if run.how != "finished":
        notes.append(f"ended: {run.how}")
    rows = []
    for known in about["exercises"]:
        number = known["exercise"]
        result = results.get(number) or {
            "status": run.how,
            "message": ENDED.get(run.how, "This check was not reached."),
        }
        row = GradeRow(
            submission.learner, about["original"], number, known["title"], result["status"], id=submission.id
        )
        row.message, row.notes = _text(result["message"]), _text("; ".join(notes))
        row.seconds, row.memory_gb = run.seconds, run.peak_gb
        attempted = known["kind"] == "build" and row.status != "not attempted"
        row.detail = known["detail"] if attempted else ""
        row.code = origin.CALLS if row.detail else origin.OWN if attempted else ""
        row.fingerprint = known["fingerprint"]
        rows.append(row)
    return rows


def _text(text: str, *, most: int = 1_000, width: int = 200) -> str:
    """A learner chose it: lines stay, cut to `width` characters of `most` in all; control characters and lone surrogates do not."""
    return "\n".join(printable(line, width) for line in text[:most].split("\n"))


def _counted_once(rows: list[GradeRow]) -> list[GradeRow]:
    """One row an exercise, though several notebooks hold it: the best one, with a note about the others."""
    best: dict[str, GradeRow] = {}
    others: Counter[str] = Counter()
    made = []
    for row in rows:
        if not row.exercise:
            made.append(row)
            continue
        if row.exercise not in best:
            best[row.exercise] = row
            continue
        others[row.exercise] += 1
        if _rank(row) < _rank(best[row.exercise]):
            best[row.exercise] = row
    for number, count in others.items():
        row = best[number]
        row.notes = "; ".join(filter(None, [row.notes, f"in {count + 1} notebooks, counted once: the best"]))
    return [*best.values(), *made]


def _rank(row: GradeRow) -> int:
    return BEST.index(row.status) if row.status in BEST else len(BEST)


def _mark_alike(made: Grades) -> None:
    """Equal code of different learners; the course's own, which two may have pasted, is named as such."""
    shared = _shared_names(made.rows)
    alike: dict[tuple[str, str], list[GradeRow]] = defaultdict(list)
    for row in made.rows:
        if row.fingerprint and row.code != origin.CALLS:
            alike[row.exercise, row.fingerprint].append(row)
    for rows in alike.values():
        names = sorted({(row.learner, row.id) for row in rows})
        for row in rows if len(names) > 1 else ():
            said = (f"{n} ({i})" if n in shared else n for n, i in names if (n, i) != (row.learner, row.id))
            row.code, row.detail = origin.SAME, ", ".join(said)


def _shared_names(rows: Iterable[GradeRow]) -> set[str]:
    """Names that more than one learner has."""
    ids = defaultdict(set)
    for row in rows:
        ids[row.learner].add(row.id)
    return {name for name, numbers in ids.items() if len(numbers) > 1}
