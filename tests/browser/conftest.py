"""Every test in this folder needs a browser, and says so where there is none; and the notebook that the widget tests share."""

from pathlib import Path

import pytest

from tests.browser.harness import THEMES, chromium, find_chromium, jupyterlab
from tests.browser.widgets import Desk, write_notebook

HERE = Path(__file__).parent
# JupyterLab by every run of the tests; the other front and the other theme by `make test-all`.
PLACES = [
    "lab-light",
    *(pytest.param(place, marks=pytest.mark.slow) for place in ("lab-dark", "notebook-light", "notebook-dark")),
]
TEXT = "The chef cooked the unlikely meal today ."
# 0 [CLS]  1 the  2 chef  3 cook  4 ##ed  5 the  6 un  7 ##like  8 ##ly  9 meal  10 today  11 .  12 [SEP]
SETUP = f"""
import electra_helpers as eh
from electra_helpers.world import stories
from tests.view.models import small_pair
explorer = eh.explore(small_pair(layers=2), {TEXT!r}, examples=["Le chat a mange la souris .", "今天天气很好"])
start = explorer.state

def start_again():
    explorer.state = start

explorer
"""
DUEL = f"game = eh.duel(small_pair(), {TEXT!r})\ngame"
STORY = "marked = eh.explore('electra-tiny-world-en', next(stories(count=1, split='test')).text('en'))\nmarked"
SLIDERS = "dots = eh.threshold_sliders([0.9, 0.8, 0.3, 0.7, 0.2, 0.1, 0.05], [True] * 3 + [False] * 4)\ndots"
CELLS = [SETUP, DUEL, STORY, SLIDERS]


def pytest_collection_modifyitems(items):
    skip = pytest.mark.skip(reason="no Chromium on this machine (Debian and Ubuntu: apt-get install chromium)")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if find_chromium() is None:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def widgets_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("widgets")
    write_notebook(folder / "widgets.ipynb", *CELLS)
    with jupyterlab(folder, tmp_path_factory.mktemp("room")) as server:
        yield server


@pytest.fixture(scope="session", params=PLACES)
def desk(request, browser, widgets_server):
    """The widgets in JupyterLab and in Notebook 7, light and dark, each opened anew and run as a learner runs it."""
    front, theme = request.param.split("-")
    desk = Desk(widgets_server, browser)
    desk.place = request.param
    if front == "lab":
        desk.open("widgets.ipynb")
        desk.theme(THEMES[theme])
        desk.run_all(timeout=600)
    else:
        desk.open_in_notebook("widgets.ipynb")
        desk.theme(THEMES[theme])
        desk.run_by_menu()
    desk.widget().wait_for()
    yield desk
    desk.theme(THEMES["light"])  # the server remembers it
    desk.page.close()


@pytest.fixture
def fresh(desk):
    """The explorer as it was at first."""
    desk.cell = 0
    desk.ask("start_again()")
    return desk
