"""Prices in what the package shows: JupyterLab's MathJax typesets none of them."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from electra_helpers.tasks.detection import Detection
from electra_helpers.view.painted import paint_detection, paint_steps
from tests.browser.harness import Lab, jupyterlab
from tests.browser.widgets import KERNEL

pytestmark = pytest.mark.slow

PRICES = r"The book cost $31 and the boat $135, or \(x\) in all."
CONTROL = "<p>control: $x+1$</p>"  # is typeset, so that nothing else waits in vain


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    words = PRICES.split()
    p = [0.5] * len(words)
    found = Detection(PRICES, words, list(range(len(words))), p, words, p)
    pages = [paint_detection(found, title=PRICES).html, paint_steps(PRICES, [(1, found)]).html, CONTROL]
    cells = [new_code_cell("0", outputs=[new_output("display_data", {"text/html": page})]) for page in pages]
    folder = tmp_path_factory.mktemp("dollars")
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / "prices.ipynb")
    with jupyterlab(folder, tmp_path_factory.mktemp("room")) as server:
        yield server


def test_prices_stay_prices(server, browser):
    lab = Lab(server, browser)
    lab.open("prices.ipynb")
    outputs = lab.page.locator(".jp-OutputArea-output")
    outputs.nth(2).locator("mjx-container").wait_for(timeout=300_000)
    assert outputs.nth(0).locator("mjx-container").count() == outputs.nth(1).locator("mjx-container").count() == 0
    for number in (0, 1):
        assert PRICES in outputs.nth(number).locator("figcaption").inner_text()
    lab.page.close()
