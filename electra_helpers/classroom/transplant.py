"""The notebook that is graded: the learner's cells between the checks of the original.

A learner may delete, edit or reorder cells. So the original gives the order, the checks and whatever is missing; the learner gives the
exercises, the cells that they changed and those that they added. Cells are recognised by tag, by id (Colab keeps it in the metadata) and
by their text.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from electra_helpers.errors import ElectraError

CHECK = re.compile(r"""^[ \t]*(?:[\w.]+[ \t]*=[ \t]*)?[\w.]*check\([ \t]*["']([\w.]+)["'][^\n]*$""", re.MULTILINE)
EXERCISE = "exercise-"
MOST_BYTES, MOST_SOURCE = 50_000_000, 3_000_000  # of a notebook's file, of its cells' text


@dataclass(frozen=True, eq=False)
class Original:
    """A notebook of the course, and its exercises: number → the name that the notebook gives the submission."""

    name: str
    book: NotebookNode
    variables: dict[str, str]


@dataclass(eq=False)
class Graded:
    """The cells to run: (source, exercise that this cell checks or None, exercise that this cell answers or None)."""

    cells: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    code: dict[str, str] = field(default_factory=dict)  # exercise → the learner's own code up to its check
    given: str = ""  # the course's own cells
    answers: dict[str, str] = field(default_factory=dict)  # exercise or cell → written answer


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    found = cell.metadata.get("tags", [])
    return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []


def exercise_of(cell: NotebookNode) -> str | None:
    """The exercise that a cell is the stub of."""
    return next((tag.removeprefix(EXERCISE) for tag in tags(cell) if tag.startswith(EXERCISE)), None)


def checked_in(cell: NotebookNode) -> str | None:
    """The exercise that a cell checks; a demonstration (record=False) checks none."""
    found = CHECK.search(cell.source) if cell.cell_type == "code" else None
    return found[1] if found and "record=False" not in cell.source else None


def check_metadata(exercise_id: str) -> dict:
    """What makes a check cell an nbgrader test: locked, one point, and no solution cell (nbgrader would empty the stub)."""
    return {
        "grade": True,
        "grade_id": f"check-{exercise_id.replace('.', '-')}",
        "locked": True,
        "points": 1,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }


def originals(folder: Path) -> list[Original]:
    """Every notebook of a folder that has exercises. Raises `ElectraError` where there is none."""
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        variables = {}
        for cell in book.cells:
            number = checked_in(cell)
            if number:
                variables[number] = CHECK.search(cell.source)[0].split("=")[0].strip()
        if variables:
            found.append(Original(path.stem, book, variables))
    if not found:
        raise ElectraError(f"{folder} holds no notebook with exercises: name the originals with --notebooks.")
    return found


def read_book(path: Path) -> NotebookNode:
    """A learner's notebook, whatever its encoding and whatever metadata it lacks. Raises `ElectraError` if the file is none."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it is no file, or larger than {MOST_BYTES / 1e6:.0f} MB")
        content = json.loads(path.read_bytes())
        if content.get("nbformat", 4) < 4:
            content = nbformat.reads(json.dumps(content), as_version=4)
        book = NotebookNode(
            nbformat=4,
            nbformat_minor=5,
            metadata=NotebookNode(),
            cells=[_plain_cell(cell) for cell in content["cells"]],
        )
        if sum(len(cell.source) for cell in book.cells) > MOST_SOURCE:
            raise ValueError(f"its cells hold more than {MOST_SOURCE / 1e6:.0f} MB of text")
        return book
    except Exception as error:  # it is a stranger's file: whatever is wrong with it is said in a line
        said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise ElectraError(f"{path.name} cannot be read as a notebook: {said}") from error


def _plain_cell(cell: dict) -> NotebookNode:
    """What grading needs of a cell: its kind, text, metadata and id. Lone surrogates, which no file can hold, are replaced."""
    source, metadata = cell.get("source", ""), cell.get("metadata")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    plain = NotebookNode(cell_type=str(cell.get("cell_type", "raw")), source=text.encode("utf-8", "replace").decode())
    plain.metadata = nbformat.from_dict(metadata if isinstance(metadata, dict) else {})
    if isinstance(cell.get("id"), str):
        plain.id = cell["id"]
    return plain


def original_of(book: NotebookNode, name: str, known: list[Original]) -> Original | None:
    """The original that shares most exercises and cells with a submission; failing that, the one its file is named after."""

    def likeness(original: Original) -> int:
        theirs = {exercise_of(cell) for cell in book.cells} | {checked_in(cell) for cell in book.cells}
        texts = {cell.source for cell in original.book.cells} - {""}
        return 10 * len(theirs & set(original.variables)) + sum(cell.source in texts for cell in book.cells)

    best = max(known, key=likeness)
    if likeness(best) > 2:  # the set-up cell and a heading may be alike everywhere
        return best
    return next((original for original in known if original.name in name or original.name[:3] in name), None)


def transplant(original: Original, learner: NotebookNode) -> Graded:
    """The cells to run, the learner's own between the checks of the original."""
    made, taken = Graded(), _matches(original, learner)
    matched, done = set(taken.values()), set()
    _add_extras(made, learner, matched, -1, done)
    for cell in original.book.cells:
        number = checked_in(cell)
        if number:
            made.cells.append((cell.source, number, None))
            continue
        at, merged = taken.get(id(cell)), _elsewhere(original, cell, learner, taken.get(id(cell)))
        if merged is not None:  # the exercise stands in another's cell, and its own is missing or untouched
            made.cells.append((without_checks(learner.cells[merged].source), None, exercise_of(cell)))
            if at is not None:
                _add_extras(made, learner, matched, at, done)
            continue
        own = learner.cells[at] if at is not None else cell
        answers = exercise_of(cell)
        if cell.cell_type == "code":
            made.cells.append((without_checks(own.source), None, answers))
        if at is not None:
            if "answer" in tags(cell):
                made.answers[answers or cell.id] = written(own)
            _add_extras(made, learner, matched, at, done)
    _gather_code(original, made)
    return made


def _matches(original: Original, learner: NotebookNode) -> dict[int, int]:
    """Cell of the original → place of the learner's version of it."""
    taken: dict[int, int] = {}

    def match(same) -> None:
        for cell in original.book.cells:
            if id(cell) not in taken and not checked_in(cell):
                free = (i for i in range(len(learner.cells)) if i not in taken.values())
                found = next((i for i in free if same(cell, learner.cells[i])), None)
                if found is not None:
                    taken[id(cell)] = found

    match(lambda a, b: exercise_of(a) is not None and exercise_of(a) == exercise_of(b))
    match(lambda a, b: a.cell_type == b.cell_type and a.id in (b.get("id"), b.metadata.get("id")))
    match(lambda a, b: a.cell_type == b.cell_type and a.source.strip() == b.source.strip())
    match(lambda a, b: _defines(original, a, b))
    return taken


def _defines(original: Original, stub: NotebookNode, cell: NotebookNode) -> bool:
    """Whether a cell without tag and id gives the name that the stub's exercise asks for."""
    name = original.variables.get(exercise_of(stub) or "")
    return bool(
        name
        and cell.cell_type == "code"
        and re.search(rf"^(?:def {name}\(|{name}[ \t]*(?::[^=\n]*)?=(?!=))", without_checks(cell.source), re.MULTILINE)
    )


def _elsewhere(original: Original, stub: NotebookNode, learner: NotebookNode, at: int | None) -> int | None:
    """The place of a cell that holds an exercise's answer beside another's, where its own cell does not."""
    if at is not None and learner.cells[at].source.strip() != stub.source.strip():
        return None
    others = (i for i, cell in enumerate(learner.cells) if i != at and _defines(original, stub, cell))
    return next((i for i in others if learner.cells[i].source.strip() != stub.source.strip()), None)


def _is_extra(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(without_checks(cell.source).strip())


def _add_extras(made: Graded, learner: NotebookNode, matched: set[int], after: int, done: set[int]) -> None:
    """The cells that the learner added behind place `after`, up to the next one that the original knows."""
    for at in range(after + 1, len(learner.cells)):
        if at in matched:
            return
        cell = learner.cells[at]
        if at not in done and _is_extra(cell):
            made.cells.append((without_checks(cell.source), None, None))
        if at not in done and "answer" in tags(cell):
            made.answers[f"added cell {at}"] = written(cell)
        done.add(at)


def without_checks(source: str) -> str:
    """A learner's cell without its checks: those of the original are run."""
    return source if "record=False" in source else CHECK.sub("", source)


def written(cell: NotebookNode) -> str:
    """The text of a written answer: of a markdown cell, or of the string that a code cell assigns."""
    if cell.cell_type != "code":
        return cell.source.strip()
    try:
        statements = ast.parse(cell.source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return cell.source.strip()
    strings = [
        node.value
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n".join(strings).strip()


def _gather_code(original: Original, made: Graded) -> None:
    """For each exercise all code that is not the original's, up to its check."""
    known = {cell.source for cell in original.book.cells if cell.cell_type == "code"}
    so_far: list[str] = []
    for source, checks, answers in made.cells:
        if checks:
            made.code[checks] = "\n\n".join(so_far)
        elif answers or source not in known:
            so_far.append(source)
        else:
            made.given += f"{source}\n\n"
