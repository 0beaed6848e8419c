"""The duel and the sliders beside the explorer: by mouse and by keyboard, with Python's numbers."""

import pytest
from playwright.sync_api import expect

from electra_helpers.view import plots
from tests.browser.harness import PICTURES

DUEL, SLIDERS = 1, 3  # their cells
MADE = "[[a.original, a.word, f'{a.p_replaced:.2f}', f'{a.score:.2f}', f'{a.ceiling:.2f}'] for a in game.attempts]"
READ_ROWS = "rows => rows.map(r => [0, 1, 2, 3, 4].map(i => r.cells[i].textContent))"


@pytest.fixture
def game(desk):
    desk.cell = DUEL
    desk.ask("game.contest.attempts.clear()")
    return desk


def test_a_duel_by_mouse_then_by_keyboard(game):
    game.press(game.chip(9))
    game.widget().get_by_label("Your word").fill("needle")
    game.click("Try it")
    game.chip(9).focus()
    assert game.strays() == []
    game.keys("ArrowLeft", "ArrowLeft", "ArrowRight", "Enter")
    game.tab_to("[aria-label='Your word']")
    game.page.keyboard.insert_text("tailor")
    game.keys("Enter")
    made = game.ask(MADE)
    assert [attempt[:2] for attempt in made] == [["meal", "needle"], ["##ly", "tailor"]]
    assert game.widget().locator(".eh-attempts tbody tr").evaluate_all(READ_ROWS) == made[::-1]
    game.keys("Escape", answers=False)
    assert "tailor" in game.focused()
    assert game.unguarded() == []
    game.picture(PICTURES / f"duel-{game.place}.png")
    assert game.violations() == []


def test_another_sentence_is_read_and_what_does_not_count_is_said(game):
    before = game.answers()
    game.widget().get_by_label("Text").fill("the chef ate the meal .")
    game.keys("Enter")
    assert game.answers() == before + 1
    assert [token for token, _ in game.chips()] == ["[CLS]", "the", "chef", "ate", "the", "meal", ".", "[SEP]"]
    game.press(game.chip(2))
    game.widget().get_by_label("Your word").fill("<img src=x onerror=alert(1)>")
    game.click("Try it")
    assert "one position takes one token" in game.widget().get_by_role("alert").inner_text()
    assert game.widget().locator("img").count() == 0
    assert game.ask("len(game.attempts)") == 0


def test_the_sliders_over_threshold_and_prior_move_the_dots(desk):
    box = desk.page.locator(".jp-CodeCell").nth(SLIDERS).locator(".widget-vbox")
    assert "67 % of the replaced are found and 25.0 %" in box.inner_text()
    threshold, prior = box.locator(".noUi-handle").all()
    said = box.locator(".widget-readout")
    threshold.press("End")
    expect(said.first).to_have_text("0.99")
    expect(box.locator("p")).to_contain_text("At threshold 0.99, 0 % of the replaced are found and 0.0 %")
    threshold.press("Home")
    prior.press("End")
    expect(said.last).to_have_text("50 %")
    values = "[slider.value for slider in dots.widget.children[:2]]"
    desk.page.wait_for_timeout(500)  # the message of the slider is under way; Python's value is asked after it
    assert desk.ask(values) == [0.01, 0.5]
    expect(box.locator("p")).to_contain_text("At threshold 0.01, 100 % of the replaced are found and 100.0 %")
    shown = box.locator("img:visible")
    made = plots.threshold_and_prior(1.0, 1.0, 0.5).alt
    expect(shown).to_have_attribute("alt", made, timeout=90_000)
    assert ("eh-by-night" in shown.get_attribute("class")) == desk.place.endswith("dark")
