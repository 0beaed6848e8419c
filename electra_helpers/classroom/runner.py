"""The grader's process for notebooks: reads one, has its cells run in a learner's process, and judges on this side of the line.

    python -P -m electra_helpers.classroom.runner

It takes one job a line and says what came out in lines of JSON. It serves many notebooks, each with a process of its own; whoever started
it watches time and memory and ends it where they are used up.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from electra_helpers.classroom import origin
from electra_helpers.classroom.remote import Dead, Hung, Learner, submission
from electra_helpers.classroom.transplant import Graded, Original, original_of, originals, read_book, transplant
from electra_helpers.classroom.wire import Line
from electra_helpers.classroom.worker import die_with_parent
from electra_helpers.course.engine import grading
from electra_helpers.course.engine.sandbox import LONGEST
from electra_helpers.course.exercises import find
from electra_helpers.errors import ElectraError

MOST_CHARACTERS = 600  # of a message
MOST_ANSWER = 20_000  # characters of a written answer that are kept
OUR_SECONDS = 60  # for what is not the learner's: a seal, a stand-in
# What cannot travel: gradients through the check's own functions (02.2), a layer's parts (02.6), a graph over the whole net (06.1), and
# parameters, of which it counts which they are (06.3); a predictor of the check that is to be called (15.1).
IN_THEIR_PROCESS = ("02.2", "02.6", "06.1", "06.3", "14.4", "15.1")


class Notebook:
    """One run: the learner's process, and what is said about it."""

    def __init__(self, job: dict[str, Any], graded: Graded, line: Line) -> None:
        self.job, self.graded, self.line = job, graded, line
        self.notes: set[str] = set()
        self.seal = ""
        options = {name: job["options"][name] for name in job["options"]}
        self.learner = Learner(job["command"], job["environment"], cwd=job["cwd"], options=options)

    def say(self, **event: Any) -> None:
        self.line.send(event)

    def note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < 20:
            self.notes.add(text)
            self.say(event="note", text=text[:200])

    def run(self) -> str:
        """Everything; how it ended."""
        try:
            self.learner.begin()
            if any(checks in IN_THEIR_PROCESS for _, checks, _ in self.graded.cells):
                self.seal = self._seal()
            self._cells()
            return "finished"
        except Dead:
            return "crashed"
        except Hung:
            return "time is up"
        finally:
            self.learner.end()

    def _cells(self) -> None:
        trouble: dict[str, str] = {}
        for source, checks, answers in self.graded.cells:
            if checks:
                self._check(checks, source.split("=")[0].strip(), trouble.get(checks, ""))
                continue
            error = self._cell(source)
            if answers and error:
                trouble[answers] = error

    def _cell(self, source: str) -> str:
        """The error of a cell in one line, or ''."""
        seconds = self.job["cell_seconds"]
        answer = self.learner.request(seconds, do="cell", source=source)
        self._note_hosts()
        if "stopped" in answer:
            self.note(f"a cell was stopped after {seconds} s")
            return f"the cell ran longer than {seconds} s"
        told = answer.get("error")
        if not isinstance(told, dict):
            return ""
        kind = (told.get("types") or ["Exception"])[0]
        return f"{kind}: {told.get('text', '')}"[:MOST_CHARACTERS]

    def _note_hosts(self) -> None:
        for host in sorted(self.learner.hosts):
            self.note(f"tried the network ({host})")

    def _seal(self) -> str:
        return str(self.learner.request(OUR_SECONDS, do="seal").get("seal"))

    def _check(self, number: str, variable: str, trouble: str) -> None:
        """Judge one exercise; where it is not passed, later cells get the course's function, as in the notebook."""
        seconds = min(grading.SECONDS, self.job["cell_seconds"])
        judge = self._judge_there if number in IN_THEIR_PROCESS else self._judge_here
        verdict = judge(number, variable, seconds)
        status, message = verdict.status, verdict.message
        if status == grading.NOT_ATTEMPTED and trouble:
            status, message = grading.FAILED, trouble
        if status == grading.PASSED:
            message = ""
        self.say(event="result", exercise=number, status=status, message=message[:MOST_CHARACTERS])
        self._note_hosts()
        then = "passed" if status == grading.PASSED else "fallback"
        self.learner.request(OUR_SECONDS, do=then, exercise=number, name=variable)

    def _judge_here(self, number: str, variable: str, seconds: float) -> grading.Verdict:
        given = submission(self.learner, variable, number, seconds)
        # The check waits for their process, which counts its own time; on a busy machine that may take longer by the clock.
        verdict = grading.judge(find(number), given, seconds, patience=LONGEST)
        if self.learner.gone:
            raise self.learner.gone
        self.learner.settle(seconds)
        return verdict

    def _judge_there(self, number: str, variable: str, seconds: float) -> grading.Verdict:
        if self._seal() != self.seal:
            return grading.Verdict("checks changed", "The submission exchanged a check.")
        told = self.learner.request(seconds + OUR_SECONDS, do="judge", exercise=number, name=variable, within=seconds)
        status, message = (str(told.get(name, "")) for name in ("status", "message"))
        known = (grading.PASSED, grading.FAILED, grading.NOT_ATTEMPTED, grading.FALLBACK)
        return (
            grading.Verdict(status, message)
            if status in known
            else grading.Verdict(grading.FAILED, "The check said nothing.")
        )


@cache
def _known(folder: str) -> list[Original]:
    return originals(Path(folder))


def read(job: dict[str, Any]) -> tuple[Original, Graded]:
    """The original of a learner's notebook, and the cells to run. Raises `ElectraError` where there is none."""
    book, name = read_book(Path(job["book"])), job["name"]
    original = original_of(book, Path(name).name, _known(job["originals"]))
    if original is None:
        raise ElectraError(f"{Path(name).name} is none of the originals: it holds no exercise of theirs.")
    return original, transplant(original, book)


def about(original: Original, graded: Graded, job: dict[str, Any]) -> dict[str, Any]:
    """What is known before anything is run: the exercises with the origin of their code, and the written answers."""
    exercises, files = [], _modules_beside(Path(job["book"]))
    for number in original.variables:
        exercise = find(number)
        detail = origin.from_the_package(exercise, graded.code[number], graded.given, files)
        text = graded.answers.get(number, "") if exercise.kind == "write" else graded.code[number]
        row = {"exercise": number, "title": exercise.title, "kind": exercise.kind, "detail": detail[:MOST_CHARACTERS]}
        exercises.append(row | {"fingerprint": origin.fingerprint(exercise, text)})
    answers = {number: text[:MOST_ANSWER] for number, text in graded.answers.items() if text}
    return {"event": "about", "original": original.name, "exercises": exercises, "answers": answers}


def _modules_beside(book: Path) -> dict[str, str]:
    """The text of a learner's own modules, by name."""
    found = [path for path in sorted(book.parent.glob("*.py"))[:20] if path.is_file() and path.stat().st_size < 200_000]
    return {path.stem: path.read_text("utf-8", errors="replace") for path in found}


def serve(line: Line) -> None:
    """Grade one notebook after the other, until there are no more jobs."""
    while True:
        job = line.receive()
        try:
            original, graded = read(job)
            line.send(about(original, graded, job))
        except ElectraError as error:
            line.send({"event": "end", "how": "not a notebook", "message": str(error)[:MOST_CHARACTERS]})
            continue
        except Exception as error:  # nobody is to lose a row to what nobody thought of
            why = f"The grader itself failed here: {type(error).__name__}: {error}"
            line.send({"event": "end", "how": "not graded", "message": why[:MOST_CHARACTERS]})
            continue
        line.send({"event": "end", "how": Notebook(job, graded, line).run()})


def main() -> None:
    """Serve whoever started this process."""
    die_with_parent()
    line = Line(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    find("v0.1")
    line.send({"event": "ready"})
    with suppress(EOFError, OSError):
        serve(line)


if __name__ == "__main__":
    main()
