"""The explorer's picture where nothing runs: nbconvert's page opened offline, and a file that is reopened."""

import copy

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook, new_output

from electra_helpers.view.explorer.widget import WIDGET_VIEW, explore
from tests.browser.conftest import TEXT
from tests.browser.harness import jupyterlab
from tests.browser.widgets import KERNEL, Desk
from tests.view.models import small_pair

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return tmp_path_factory.mktemp("room")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A notebook as it is saved after the explorer ran and a token was replaced."""
    explorer = explore(small_pair(), TEXT)
    explorer.corrupt()
    live = explorer._repr_mimebundle_()[0][WIDGET_VIEW]
    outputs = [
        new_output("display_data", explorer._saved()),
        new_output("display_data", {WIDGET_VIEW: live, "text/plain": ""}),
    ]
    cell = new_code_cell("explorer", outputs=outputs, execution_count=1)
    return new_notebook(cells=[cell], metadata=KERNEL)


@pytest.fixture(scope="module")
def server(room, saved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("explorer")
    nbformat.write(saved, folder / "saved.ipynb")
    (room / "data").mkdir()
    NotebookNotary(data_dir=str(room / "data")).sign(nbformat.read(folder / "saved.ipynb", 4))
    unknown = copy.deepcopy(saved)
    unknown.cells.append(new_code_cell("'not signed on this machine'"))  # a signature is one of the contents
    nbformat.write(unknown, folder / "untrusted.ipynb")
    with jupyterlab(folder, room) as server:
        yield server


@pytest.fixture
def desk(server, browser):
    desk = Desk(server, browser)
    yield desk
    desk.page.close()


@pytest.mark.parametrize("name", ["saved.ipynb", "untrusted.ipynb"])
def test_reopened_without_running_the_picture_stands_in(desk, name):
    desk.open(name)
    picture = desk.page.locator(".jp-Notebook .eh-text" if name == "saved.ipynb" else ".jp-Notebook figure")
    picture.first.wait_for()
    if name == "saved.ipynb":  # the widget manager finds that the model is gone, and says so where nobody sees it
        desk.page.wait_for_function("() => document.querySelector('.jp-Notebook').textContent.includes('not found')")
    assert "chef" in picture.first.inner_text()
    assert "model not found" not in desk.page.locator(".jp-Notebook").inner_text()
    assert desk.foreign == []


def test_the_page_of_nbconvert_shows_the_picture_offline(browser, saved, tmp_path):
    page_file = tmp_path / "page.html"
    page_file.write_text(HTMLExporter().from_notebook_node(saved)[0], "utf-8")
    page = browser.new_page()
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
    page.goto(page_file.as_uri())
    assert "chef" in page.locator(".eh-saved .eh-text").inner_text()
    box = page.locator(".eh-saved .eh-text").bounding_box()
    assert box["height"] > 20
    assert "model not found" not in page.locator("body").inner_text()
    page.close()
