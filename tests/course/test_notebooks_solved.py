"""The notebooks as a learner leaves them: all solved passes in strict mode, stubs do not, and their own code reaches later cells.

A solved notebook takes as long as the notebook itself. `make test` runs those that changed since they last passed (solved.json),
`make test-all` runs all.
"""

import json
import re
from textwrap import dedent

import pytest
from nbclient.exceptions import CellExecutionError

from electra_helpers.course.engine.grading import ExerciseFailed, check
from electra_helpers.course.exercises import every, find
from tests.course import solved
from tests.course.solved import checking, complaints, exercise_of, name_of, run, said
from tests.notebooks.form import code_cells, notebooks, read

with_exercises = solved.with_exercises()
each_notebook = pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in with_exercises])


def of_its_own(path, *, slow: bool):
    """A notebook as a parameter."""
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if slow else [])


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


@pytest.mark.parametrize("path", [of_its_own(path, slow=not solved.has_changed(path)) for path in with_exercises])
def test_a_solved_notebook_passes_in_strict_mode(path, monkeypatch):
    monkeypatch.setenv("ELECTRA_STRICT", "1")
    assert complaints(path) == []


def test_what_is_recorded_as_solved_are_notebooks_of_the_course():
    assert set(json.loads(solved.RECORD.read_text("utf-8"))) <= {name_of(path) for path in notebooks()}


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A notebook that passed, in a record of its own."""
    path = with_exercises[0]
    monkeypatch.setattr(solved, "RECORD", tmp_path / "solved.json")
    solved.RECORD.write_text(json.dumps({name_of(path): solved.content_hash(path)}), "utf-8")
    assert not solved.has_changed(path)
    return path


def test_a_word_more_in_the_text_has_the_solved_notebook_run(recorded, monkeypatch):
    def with_a_word_more(path):
        book = read(path)
        book.cells[3].source += " more"
        return book

    monkeypatch.setattr(solved, "read", with_a_word_more)
    assert solved.has_changed(recorded)


def test_a_changed_exercise_has_the_solved_notebook_run(recorded, tmp_path, monkeypatch):
    for file in solved.EXERCISES.glob("*.py"):
        (tmp_path / file.name).write_text(
            file.read_text("utf-8") + "# changed\n" * file.name.startswith("n00"), "utf-8"
        )
    monkeypatch.setattr(solved, "EXERCISES", tmp_path)
    assert solved.has_changed(recorded)


def stub(cell) -> object:
    """What a stub defines, run outside of its notebook: the names it needs there are those of annotations."""
    space = {}
    exec(compile("from __future__ import annotations\n" + cell.source, "<stub>", "exec"), space)
    return space[find(exercise_of(cell)).variable]


@each_notebook
def test_no_stub_passes_in_strict_mode(path, monkeypatch, capsys):
    monkeypatch.setenv("ELECTRA_STRICT", "1")
    for cell in code_cells(read(path)):
        if exercise_of(cell):
            with pytest.raises(ExerciseFailed, match="is not attempted"):
                check(exercise_of(cell), stub(cell))


@pytest.mark.parametrize("path", [of_its_own(path, slow=place > 0) for place, path in enumerate(with_exercises)])
def test_a_kernel_stops_at_the_first_stub_in_strict_mode(path, monkeypatch):
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
    course = said(run(until(read(path), shown)).cells[-1])
    variant = said(run(until(solved.solved(read(path), select_positions=dedent(last_word)), shown)).cells[-1])
    assert course.count("the course's code") == variant.count("your code") == 2
    assert course.replace("the course's code", "your code") != variant
