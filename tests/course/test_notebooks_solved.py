"""The notebooks as a learner leaves them: all solved passes in strict mode, stubs do not, and their own code reaches later cells."""

import re

import pytest
from nbclient.exceptions import CellExecutionError

from electra_helpers.course import portfolio
from electra_helpers.course.exercises import every, find
from tests.notebooks.execute import copied_notebooks, execute
from tests.notebooks.form import code_cells, notebooks, read, tags

with_exercises = [path for path in notebooks() if any("exercise-" in tag for c in read(path).cells for tag in tags(c))]
each_notebook = pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in with_exercises])


def exercise_of(cell) -> str | None:
    return next((tag.removeprefix("exercise-") for tag in tags(cell) if tag.startswith("exercise-")), None)


def solved(book, **own):
    """The notebook with every stub replaced by the course's solution, or by `own` (variable name → source)."""
    for cell in code_cells(book):
        if exercise_of(cell):
            exercise = find(exercise_of(cell))
            cell.source = own.get(exercise.variable, exercise.solved_source())
    return book


def run(book, profile="smoke"):
    with copied_notebooks() as folder:
        execute(book, folder, profile)
    return book


def checking(book) -> list:
    """The cells that check an exercise; a demonstration (record=False) is none."""
    cells = [cell for cell in code_cells(book) if re.search(r'= eh\.check\("', cell.source)]
    return [cell for cell in cells if "record=False" not in cell.source]


def said(cell) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def until(book, part: str):
    """The notebook up to and including the first code cell that contains `part`."""
    at = next(i for i, cell in enumerate(book.cells) if cell.cell_type == "code" and part in cell.source)
    book.cells = book.cells[: at + 1]
    return book


@each_notebook
def test_every_exercise_has_its_stub_and_its_check(path):
    number, book = path.name[:2], read(path)
    stubs = [exercise_of(cell) for cell in code_cells(book) if exercise_of(cell)]
    checks = [re.search(r'check\("([\d.]+)"', cell.source)[1] for cell in checking(book)]
    assert stubs == checks == [each.id for each in every() if each.id.startswith(number)]
    text = "".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    for each in (find(i) for i in stubs):
        star = "★ " if each.starred else ""
        kind = {"build": "B", "find": "F", "decide": "D", "measure": "M", "write": "W"}[each.kind]
        heading = f"{star}Exercise {each.id} [{kind}]"
        assert f"### {heading}" in text, heading
        assert f'eh.solution("{each.id}")' in text


@each_notebook
def test_a_solved_notebook_passes_in_strict_mode(path, monkeypatch):
    monkeypatch.setenv("ELECTRA_STRICT", "1")
    for each in every():  # what was solved in earlier notebooks comes out of the portfolio
        if each.kind == "build" and each.id[:2] < path.name[:2]:
            portfolio.record(each.id, "passed", each.solution)
    book = run(solved(read(path)))
    verdicts = [said(cell).split(".\n")[0] for cell in checking(book)]
    assert verdicts
    assert all("· passed" in verdict for verdict in verdicts), verdicts
    assert not [cell.source for cell in code_cells(book) if "the course's code" in said(cell)]


@each_notebook
def test_stubs_do_not_pass_in_strict_mode(path, monkeypatch):
    monkeypatch.setenv("ELECTRA_STRICT", "1")
    first_check = checking(read(path))[0].source
    with pytest.raises(CellExecutionError, match="ExerciseFailed"):
        run(until(read(path), first_check))


def test_a_learners_variant_changes_what_a_later_cell_shows():
    path = next(path for path in with_exercises if path.name.startswith("03"))
    shown = "for ids, positions, valid in zip(batch"
    last_word = """
    def select_positions(input_ids, unselectable_ids, share=0.15, generator=None):
        rows, length = input_ids.shape
        keys = torch.rand(rows, length, generator=generator).flip(1)  # the same rule, drawn from the other end
        for each in unselectable_ids:
            keys[input_ids == each] = -1
        n = (share * (input_ids != unselectable_ids[0]).sum(1)).round().long().clamp(min=1).minimum((keys >= 0).sum(1))
        m = max(1, round(share * length))
        valid = torch.arange(m) < n[:, None]
        return Selection(keys.topk(m, dim=1).indices.where(valid, 0), valid)
    """
    from textwrap import dedent

    course = said(run(until(read(path), shown)).cells[-1])
    variant = said(run(until(solved(read(path), select_positions=dedent(last_word)), shown)).cells[-1])
    assert course.count("the course's code") == variant.count("your code") == 2
    assert course.replace("the course's code", "your code") != variant
