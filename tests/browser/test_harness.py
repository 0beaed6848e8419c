"""The harness sees what it should: final values, failed cells, requests that leave, and nothing left running."""

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.browser.harness import Lab, complaints, jupyterlab, text_of

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

SOUND = [
    "import time\nfrom IPython.display import display\nhandle = display('step 0', display_id=True)",
    "for step in range(1, 4):\n    time.sleep(0.3)\n    handle.update(f'step {step}')",
    "from electra_helpers.view.tokens import tokens_to_html\nfrom IPython.display import HTML\n"
    "HTML(tokens_to_html(['the', 'chef', '<b>ate</b>'], [0.0, 0.5, 1.0]))",
    "import os\nos.environ['ELECTRA_PROFILE'], os.environ['HF_HUB_OFFLINE'], 6 * 7",
]
FAILS = ["1 + 1", "1 / 0", "'never reached'"]
LEAVES = [
    "from IPython.display import HTML\nHTML('<img src=\"https://example.org/pixel.png\">')",
    "import time\ntime.sleep(1)",
]
HANGS = ["1", "while True: pass"]
HEAT = """() => [...document.querySelectorAll('.eh-text .eh-token')].map(token => {
    const style = getComputedStyle(token);
    return [style.color, style.backgroundColor, getComputedStyle(token.closest('figure')).backgroundColor];
})"""


def write(folder, name: str, cells: list[str]) -> None:
    book = new_notebook(cells=[new_markdown_cell("# Try"), *map(new_code_cell, cells)], metadata=KERNEL)
    nbformat.write(book, folder / name)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    for name, cells in {"sound": SOUND, "fails": FAILS, "leaves": LEAVES, "hangs": HANGS}.items():
        write(folder, f"{name}.ipynb", cells)
    with jupyterlab(folder, tmp_path_factory.mktemp("room"), theme="dark") as server:
        yield server


@pytest.fixture
def lab(server, browser):
    lab = Lab(server, browser)
    yield lab
    lab.page.close()


@pytest.mark.slow
def test_a_sound_notebook_ends_with_its_final_values_in_the_dark_theme(lab):
    lab.open("sound.ipynb")
    cells = lab.run_all(timeout=900)
    assert complaints(cells, lab.foreign) == []
    assert text_of(cells[0]) == "'step 3'", "the last update, not an earlier one"
    assert text_of(cells[-1]) == "('smoke', '1', 42)"
    assert lab.page.locator(".eh-text bdi").all_inner_texts() == ["the", "chef", "<b>ate</b>"]
    assert lab.page.evaluate(HEAT) == [
        ["rgb(255, 255, 255)", "rgba(222, 108, 12, 0)", "rgb(17, 17, 17)"],
        ["rgb(255, 255, 255)", "rgba(222, 108, 12, 0.33)", "rgb(17, 17, 17)"],
        ["rgb(255, 255, 255)", "rgba(222, 108, 12, 0.66)", "rgb(17, 17, 17)"],
    ]
    assert lab.screenshot("harness").stat().st_size > 10_000


@pytest.mark.slow
def test_a_cell_that_fails_is_reported_and_so_is_what_did_not_run(lab):
    lab.open("fails.ipynb")
    found = complaints(lab.run_all(timeout=300), lab.foreign)
    assert found == [
        "cell 1 ('1 / 0') failed: ZeroDivisionError: division by zero",
        "cell 2 (\"'never reached'\") did not run",
    ]


@pytest.mark.slow
def test_a_request_that_leaves_the_machine_is_blocked_and_counted(lab):
    lab.open("leaves.ipynb")
    cells = lab.run_all(timeout=900)
    assert set(complaints(cells, lab.foreign)) == {"asked for https://example.org/pixel.png"}
    image = "() => [...document.images].map(i => [i.src, i.naturalWidth]).filter(([src]) => src.includes('example'))"
    assert lab.page.evaluate(image) == [["https://example.org/pixel.png", 0]]


@pytest.mark.slow
def test_a_cell_that_does_not_end_is_named(lab):
    lab.open("hangs.ipynb")
    with pytest.raises(AssertionError, match=r"still running after 3 s: \[.cell 1 .*did not run"):
        lab.run_all(timeout=3)


@pytest.mark.slow
def test_nothing_is_left_running(tmp_path, browser):
    write(tmp_path, "sleeps.ipynb", ["1"])
    with jupyterlab(tmp_path, tmp_path / "room") as server:
        lab = Lab(server, browser)
        lab.open("sleeps.ipynb")
        started = psutil.Process(server.process.pid).children(recursive=True)
        assert started, "a kernel runs while the notebook is open"
        lab.page.close()
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
    assert server.process.poll() is not None
