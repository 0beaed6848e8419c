"""What moves in notebook 00: the slider over the recorded minute, and the line to type into, in a real browser."""

import shutil

import pytest

from tests.browser.harness import ROOT, Lab, complaints, jupyterlab

NOTEBOOK = "00_welcome.ipynb"


@pytest.fixture(scope="module")
def lab(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("course") / "notebooks"
    folder.mkdir()
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, folder)
    with jupyterlab(folder.parent, tmp_path_factory.mktemp("room")) as server:
        lab = Lab(server, browser)
        lab.open(f"notebooks/{NOTEBOOK}")
        assert complaints(lab.run_all(timeout=300), lab.foreign) == []
        yield lab


def test_the_slider_goes_back_to_the_first_step(lab):
    box = lab.page.locator(".widget-vbox", has=lab.page.locator(".noUi-handle")).last
    assert "(after step 20)" in box.inner_text(), "the last step of the smoke profile"
    box.locator(".noUi-handle").focus()
    lab.page.keyboard.press("Home")
    box.get_by_text("(after step 0)").first.wait_for(timeout=10_000)
    assert "(after step 20)" not in box.inner_text()


def test_a_typed_sentence_is_coloured_at_once(lab):
    line = lab.page.locator(".widget-text input").last
    line.fill("Leo was a tailor and Leo sewed a coat.")
    box = lab.page.locator(".widget-vbox", has=lab.page.locator(".widget-text")).last
    box.locator("bdi", has_text="tailor").wait_for(timeout=10_000)
    assert box.locator("bdi").all_inner_texts()[:5] == ["[CLS]", "leo", "was", "a", "tailor"]
    line.fill(" ")
    box.get_by_text("The text is empty").wait_for(timeout=10_000)
