"""Solved notebooks: every stub replaced by the course's solution; which of them changed since they last passed is in solved.json.

python -m tests.course.solved     run those that changed, and record the ones that pass: `make solved`
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from nbformat import NotebookNode

from electra_helpers.classroom.links import INSTALL
from electra_helpers.course import exercises
from electra_helpers.course.engine import portfolio
from electra_helpers.course.exercises import every, find
from tests.notebooks.execute import copied_notebooks, execute
from tests.notebooks.form import NOTEBOOKS, code_cells, notebooks, read, tags

RECORD = Path(__file__).parent / "solved.json"
EXERCISES = Path(exercises.__file__).parent


def exercise_of(cell: NotebookNode) -> str | None:
    return next((tag.removeprefix("exercise-") for tag in tags(cell) if tag.startswith("exercise-")), None)


def with_exercises() -> list[Path]:
    return [path for path in notebooks() if any(exercise_of(cell) for cell in read(path).cells)]


def name_of(path: Path) -> str:
    return path.relative_to(NOTEBOOKS).with_suffix("").as_posix()


def content_hash(path: Path) -> str:
    """Of what a solved run is about: text and code of the notebook but its links, its exercises, and what these share with others."""
    shared = [file for file in EXERCISES.glob("*.py") if not re.match(r"n\d\d_", file.name)]
    own = EXERCISES.glob(f"n{path.name[:2]}_*.py")
    parts = [INSTALL.sub("", cell.source) for cell in read(path).cells if cell.get("id") != "navigation"]
    parts += [file.read_text("utf-8") for file in sorted([*own, *shared])]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def has_changed(path: Path) -> bool:
    """Whether a notebook or its exercises are not as they were when the solved notebook last passed."""
    return json.loads(RECORD.read_text("utf-8")).get(name_of(path)) != content_hash(path)


def solved(book: NotebookNode, **own: str) -> NotebookNode:
    """The notebook with every stub replaced by the course's solution, or by `own` (variable name → source)."""
    for cell in code_cells(book):
        if exercise_of(cell):
            exercise = find(exercise_of(cell))
            cell.source = own.get(exercise.variable, exercise.solved_source())
    return book


def run(book: NotebookNode, profile: str = "smoke") -> NotebookNode:
    with copied_notebooks() as folder:
        execute(book, folder, profile)
    return book


def checking(book: NotebookNode) -> list[NotebookNode]:
    """The cells that check an exercise; a demonstration (record=False) is none."""
    cells = [cell for cell in code_cells(book) if re.search(r'= eh\.check\("', cell.source)]
    return [cell for cell in cells if "record=False" not in cell.source]


def said(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def complaints(path: Path) -> list[str]:
    """What a solved notebook says that it should not, run strictly; what earlier notebooks ask for comes out of the portfolio."""
    for each in every():
        if each.kind == "build" and each.id[:2] < path.name[:2]:
            portfolio.record(each.id, "passed", each.solution)
    book = run(solved(read(path)))
    verdicts = [said(cell).split(".\n")[0] for cell in checking(book)]
    found = [verdict for verdict in verdicts if "· passed" not in verdict]
    found += [cell.source for cell in code_cells(book) if "the course's code" in said(cell)]
    return found if verdicts else ["there is no check"]


def main() -> int:
    record = json.loads(RECORD.read_text("utf-8"))
    os.environ["ELECTRA_STRICT"] = "1"
    failed = 0
    for path in filter(has_changed, with_exercises()):
        with tempfile.TemporaryDirectory() as room:
            os.environ["ELECTRA_PORTFOLIO"] = str(Path(room) / "portfolio.json")
            found = complaints(path)
        failed += bool(found)
        print(f"{name_of(path)}: {found or 'passes, solved'}", flush=True)
        if not found:
            record[name_of(path)] = content_hash(path)
            RECORD.write_text(json.dumps(dict(sorted(record.items())), indent=1) + "\n", "utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
