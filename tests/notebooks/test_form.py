"""Every notebook as it is committed: executed from top to bottom, small, linked, readable without running it."""

import re

import pytest

from electra_helpers.classroom.links import HEADING, INSTALL, install_block, language_of
from electra_helpers.classroom.transplant import check_metadata, checked_in
from electra_helpers.words import COUNTED_WORD
from tests.notebooks.form import address, code_cells, navigation, notebooks, read, tags, translations

MAX_BYTES = 500_000
MAX_LINES = {"setup": 12, "any": 25}
MACHINE_PATH = re.compile(r"(?<![\w./])/(?:home|root|tmp|Users|work|mnt|opt|var|content)/[\w.]|[A-Z]:\\\\?Users")
every_notebook = pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.stem) for p in notebooks()] + [pytest.param(p, id=f"zh-{p.stem}") for p in translations()],
)


def installs(book) -> list[str]:
    """What its cells install on Colab."""
    return [found[0] for cell in code_cells(book) for found in INSTALL.finditer(cell.source)]


def texts_of(output) -> str:
    data = output.get("data", {})
    return output.get("text", "") + "".join(str(data.get(kind, "")) for kind in ("text/plain", "text/html"))


@every_notebook
def test_it_is_small_and_opens_anywhere(path):
    metadata = read(path).metadata
    assert path.stat().st_size <= MAX_BYTES
    assert metadata.kernelspec.name == "python3"
    assert metadata.accelerator == "GPU"
    assert metadata.colab.toc_visible is True
    assert "widgets" not in metadata, "saved widget state makes GitHub say 'Invalid Notebook'"


@every_notebook
def test_it_was_executed_from_top_to_bottom_without_an_error(path):
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run `make notebooks`"
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]


@every_notebook
def test_every_cell_says_something_and_none_is_a_wall_of_code(path):
    cells = read(path).cells
    assert all(cell.source.strip() for cell in cells)
    for number, cell in enumerate(code_cells(read(path))):
        limit = MAX_LINES["setup" if number == 0 else "any"]
        own = INSTALL.sub("if …:\n    %pip …", cell.source)  # it is longer where no address is known
        assert len(own.splitlines()) <= limit, f"more than {limit} lines: {cell.source[:60]!r}"


@every_notebook
def test_answers_are_not_on_the_page(path):
    for cell in code_cells(read(path)):
        assert not ("outcome" in tags(cell) and cell.outputs), f"an outcome is shown: {cell.source[:60]!r}"


@every_notebook
def test_links_are_those_of_the_file_and_of_pyproject(path):
    book = read(path)
    assert book.cells[0].source == navigation(path), "run `make links`"
    assert installs(book) == [install_block(address(), language_of(path))], "run `make links`"


@every_notebook
def test_nbgrader_counts_a_point_for_each_check_and_nothing_else(path):
    for cell in read(path).cells:
        number = checked_in(cell)
        assert cell.metadata.get("nbgrader") == (check_metadata(number) if number else None), "run `make links`"


@every_notebook
def test_the_heading_carries_the_number_of_the_file(path):
    first = next(cell for cell in read(path).cells if HEADING.search(cell.source))
    assert HEADING.search(first.source)[1].startswith(f"{path.name[:2]} · ")


@every_notebook
def test_colab_keeps_its_own_torch_and_numpy(path):
    for cell in code_cells(read(path)):
        for line in re.findall(r"pip install.*", cell.source):
            assert "--no-deps" in line, line
            assert not re.search(r"\b(torch|numpy)\b", line), line


@every_notebook
def test_some_results_are_compared_with_the_page(path):
    checked = [cell for cell in code_cells(read(path)) if "nbval-check-output" in tags(cell)]
    assert len(checked) >= 3
    assert all(cell.outputs for cell in checked), "a cell without output compares nothing"


@every_notebook
def test_every_picture_is_told_in_words(path):
    for cell in read(path).cells:
        for alt in re.findall(r"!\[([^\]]*)\]\(", cell.source):
            assert len(COUNTED_WORD.findall(alt)) >= 3, f"a picture without a description: {cell.source[:60]!r}"
        for image in re.findall(r"<img\b[^>]*>", cell.source):
            assert re.search(r"""alt=["'][^"']{10,}""", image), image
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                words = output.metadata.get("image/png", output.metadata).get("alt") or output.data.get(
                    "text/plain", ""
                )
                assert words, f"a picture without alt text: {cell.source[:60]!r}"
                assert not words.startswith("<"), f"{words} says nothing: {cell.source[:60]!r}"


@every_notebook
def test_no_output_tells_where_it_was_made(path):
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            assert not MACHINE_PATH.search(texts_of(output)), f"a path of one machine: {cell.source[:60]!r}"


def test_the_paths_of_machines_are_recognised():
    for text in ("/home/ada/x", "in /root/.cache", "C:\\Users\\ada", "'/tmp/tmpx1'"):
        assert MACHINE_PATH.search(text), text
    for text in ("and/or", "https://example.org/home/x", "data/world", "</div>", "1/2"):
        assert not MACHINE_PATH.search(text), text
