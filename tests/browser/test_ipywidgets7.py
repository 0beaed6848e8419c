"""Colab has ipywidgets 7.7.1 on the Python side: the explorer answers there too."""

import subprocess
import sys

import pytest

from tests.browser.conftest import SETUP
from tests.browser.harness import complaints, jupyterlab
from tests.browser.test_explorer import agrees_with_python
from tests.browser.widgets import Desk, write_notebook

OLD = ["ipywidgets==7.7.1", "ipython_genutils==0.2.0"]


@pytest.fixture(scope="module")
def old_widgets(tmp_path_factory):
    """A folder with ipywidgets 7.7.1, to be put before the installed one."""
    folder = tmp_path_factory.mktemp("ipywidgets7")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), *OLD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode and "Could not find a version" in done.stderr:
        pytest.skip("ipywidgets 7.7.1 cannot be downloaded here")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_the_explorer_answers_under_ipywidgets_7(old_widgets, browser, tmp_path):
    (tmp_path / "books").mkdir()
    first = f"import sys; sys.path.insert(0, {str(old_widgets)!r})\nimport ipywidgets; ipywidgets.__version__"
    write_notebook(tmp_path / "books" / "explorer.ipynb", first, SETUP)
    with jupyterlab(tmp_path / "books", tmp_path / "room") as server:
        desk = Desk(server, browser)
        desk.open("explorer.ipynb")
        desk.cell = 1
        cells = desk.run_all(timeout=600)
        assert cells[0]["outputs"][0]["data"]["text/plain"] == "'7.7.1'"
        desk.widget().wait_for()
        desk.press(desk.chip(2))
        desk.press(desk.widget().locator(".eh-proposal").nth(1))
        tokens = desk.ask("explorer.exploration.proposals.tokens")
        assert desk.ask("explorer.state['sampled']") == {"2": tokens[1]}
        agrees_with_python(desk)
        assert complaints(cells, desk.foreign) == []
        desk.page.close()
