"""A learner's first minutes: the first notebook, opened in JupyterLab and run with the menu; then what moves in it, moved."""

import shutil

import nbformat
import pytest

from tests.browser.harness import ROOT, Lab, complaints, jupyterlab, text_of

NOTEBOOKS = ROOT / "notebooks"
FIRST = "00_welcome.ipynb"


@pytest.fixture(scope="module")
def lab(tmp_path_factory, browser):
    """The notebook after its cells were run once; `ran` are its code cells as they were then."""
    folder = tmp_path_factory.mktemp("course") / "notebooks"
    shutil.copytree(NOTEBOOKS, folder)
    with jupyterlab(folder.parent, tmp_path_factory.mktemp("room")) as server:
        lab = Lab(server, browser)
        lab.open(f"notebooks/{FIRST}")
        lab.ran = lab.run_all(timeout=900)
        yield lab
        lab.page.close()


def test_the_first_notebook_runs_from_top_to_bottom(lab):
    lab.screenshot("00_welcome")
    assert complaints(lab.ran, lab.foreign) == []
    committed = [c for c in nbformat.read(NOTEBOOKS / FIRST, as_version=4).cells if c.cell_type == "code"]
    checked = [i for i, cell in enumerate(committed) if "nbval-check-output" in cell.metadata.get("tags", [])]
    assert len(checked) >= 3
    for i in checked:
        assert text_of(lab.ran[i]) == text_of(committed[i]), f"cell {i} shows something else than on the page"


def test_the_slider_goes_back_to_the_first_step(lab):
    box = lab.page.locator(".widget-vbox", has=lab.page.locator(".noUi-handle")).last
    assert "(after step 20)" in box.inner_text(), "the last step of the smoke profile"
    box.locator(".noUi-handle").focus()
    lab.page.keyboard.press("Home")
    box.get_by_text("(after step 0)").first.wait_for(timeout=90_000)
    assert "(after step 20)" not in box.inner_text()


def test_a_typed_sentence_is_coloured_at_once(lab):
    line = lab.page.locator(".widget-text input").last
    line.fill("Leo was a tailor and Leo sewed a coat.")
    box = lab.page.locator(".widget-vbox", has=lab.page.locator(".widget-text")).last
    box.locator("bdi", has_text="leo").first.wait_for(timeout=90_000)
    assert box.locator("bdi").all_inner_texts()[:5] == ["[CLS]", "leo", "was", "a", "tailor"]
    line.fill(" ")
    box.get_by_text("The text is empty").wait_for(timeout=90_000)
