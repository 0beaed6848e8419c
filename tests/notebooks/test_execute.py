"""`make notebooks`: executed in order, normalised so that a second run changes nothing, linked from pyproject.toml."""

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.notebooks import form
from tests.notebooks.execute import execute, renew
from tests.notebooks.form import code_cells, normalise, overwrite_lines, read


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A little course of two notebooks in a folder of its own."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    setup = '%pip install -q --no-deps "electra_helpers @ git+https://github.com/someone/else@v0"'
    setup = f'import sys\nif "google.colab" in sys.modules:\n    {setup}'
    for number, name in enumerate(("Words", "Ideas")):
        cells = [
            new_markdown_cell(f"# {number:02d} · {name}\n\nOne promise."),
            new_code_cell(setup),
            new_code_cell("import os; os.environ['ELECTRA_PROFILE'], os.environ['HF_HUB_OFFLINE']"),
            new_code_cell("6 * 7", metadata={"tags": ["outcome"], "scrolled": True}),
        ]
        nbformat.write(new_notebook(cells=cells), folder / f"{number:02d}_{name.lower()}.ipynb")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nversion = "3.1"\n[project.urls]\nRepository = "https://github.com/teacher/course/tree/autumn"\n'
    )
    for module in ("form", "execute"):
        monkeypatch.setattr(f"tests.notebooks.{module}.ROOT", tmp_path)
        monkeypatch.setattr(f"tests.notebooks.{module}.NOTEBOOKS", folder)
    return folder


def test_a_second_run_changes_nothing(course):
    path = course / "00_words.ipynb"
    renew(path, course)
    once = path.read_bytes()
    renew(path, course)
    assert path.read_bytes() == once
    book = read(path)
    assert [cell.execution_count for cell in code_cells(book)] == [1, 2, 3]
    assert code_cells(book)[1].outputs[0].data["text/plain"] == "('laptop', '1')"
    assert code_cells(book)[2].outputs == [], "an outcome stays off the page"
    assert dict(code_cells(book)[2].metadata) == {"tags": ["outcome"]}


def test_links_come_from_pyproject_and_the_file(course):
    path = course / "00_words.ipynb"
    renew(path, course)
    book = read(path)
    colab = "https://colab.research.google.com/github/teacher/course/blob/autumn/notebooks"
    assert book.cells[0].source == (
        f"[▶ Open in Colab]({colab}/00_words.ipynb) | [contents](../README.md) | "
        f"→ [01 · Ideas](01_ideas.ipynb) ([Colab]({colab}/01_ideas.ipynb))"
    )
    assert "git+https://github.com/teacher/course@autumn" in code_cells(book)[0].source
    assert form.navigation(course / "01_ideas.ipynb").count("← [00 · Words](00_words.ipynb)") == 1


def test_a_notebook_that_fails_is_left_as_it_was(course):
    path = course / "00_words.ipynb"
    book = read(path)
    book.cells.append(new_code_cell("1 / 0"))
    nbformat.write(book, path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        renew(path, course)
    assert path.read_bytes() == before


def test_results_of_an_earlier_run_do_not_survive(tmp_path):
    stale = new_code_cell("x = 1", outputs=[new_output("stream", text="old\n")], execution_count=7)
    book = new_notebook(cells=[stale])
    execute(book, tmp_path)
    assert (book.cells[0].outputs, book.cells[0].execution_count) == ([], 1)


def test_streams_are_joined_and_widget_views_dropped():
    view = {form.WIDGET_VIEW: {"model_id": "x"}, "text/plain": "HBox()"}
    outputs = [
        new_output("stream", name="stderr", text="10%\r"),
        new_output("stream", name="stderr", text="100%\n"),
        new_output("display_data", dict(view)),
        new_output("display_data", view | {"text/html": "<p>the same without scripts</p>"}),
    ]
    book = new_notebook(cells=[new_code_cell("x", outputs=outputs)], metadata={"widgets": {"state": {}}})
    normalise(book)
    assert [list(output.get("data", {"text": 0})) for output in book.cells[0].outputs] == [
        ["text"],
        ["text/plain", "text/html"],
    ]
    assert book.cells[0].outputs[0].text == "100%\n"
    assert "widgets" not in book.metadata


@pytest.mark.parametrize(
    ("text", "left"), [("a\rb\rc\n", "c\n"), ("a\r\nb", "a\nb"), ("plain\n", "plain\n"), ("1\r2\n3\r4\n", "2\n4\n")]
)
def test_a_progress_bar_keeps_its_last_state(text, left):
    assert overwrite_lines(text) == left
