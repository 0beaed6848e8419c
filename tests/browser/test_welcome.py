"""A learner's first minutes: the first notebook, opened in JupyterLab and run with the menu."""

import shutil

import nbformat
import pytest

from tests.browser.harness import ROOT, Lab, complaints, jupyterlab, text_of

NOTEBOOKS = ROOT / "notebooks"
FIRST = "00_welcome.ipynb"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course") / "notebooks"
    shutil.copytree(NOTEBOOKS, folder)
    with jupyterlab(folder.parent, tmp_path_factory.mktemp("room")) as server:
        yield server


@pytest.mark.skipif(not (NOTEBOOKS / FIRST).exists(), reason=f"{FIRST} is not there yet")
def test_the_first_notebook_runs_from_top_to_bottom(server, browser):
    lab = Lab(server, browser)
    lab.open(f"notebooks/{FIRST}")
    cells = lab.run_all(timeout=300)
    lab.screenshot("00_welcome")
    assert complaints(cells, lab.foreign) == []
    committed = [c for c in nbformat.read(NOTEBOOKS / FIRST, as_version=4).cells if c.cell_type == "code"]
    checked = [i for i, cell in enumerate(committed) if "nbval-check-output" in cell.metadata.get("tags", [])]
    assert len(checked) >= 3
    for i in checked:
        assert text_of(cells[i]) == text_of(committed[i]), f"cell {i} shows something else than on the page"
