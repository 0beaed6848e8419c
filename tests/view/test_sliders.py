"""What a hand moves: the same numbers as the functions behind it, mistakes told in place, and a picture where nothing runs."""

import time
from threading import Thread

import pytest

import electra_helpers as eh
from electra_helpers.errors import ElectraError
from electra_helpers.view import sliders
from electra_helpers.view.painted import WIDGET_VIEW
from electra_helpers.view.plots import threshold_and_prior
from electra_helpers.view.sliders import image
from tests.view.models import small_pair

P = [0.9, 0.8, 0.3, 0.7, 0.2, 0.1, 0.05]
TRUTH = [True, True, True, False, False, False, False]


def test_a_typed_sentence_is_coloured_and_a_mistake_is_told_in_place():
    shown = eh.type_and_see(small_pair(), "The chef ate the meal .")
    line, painted = shown.widget.children
    line.value = "The chef ate <b>tailor</b>"
    assert "<b>" not in painted.value
    assert "<bdi>&lt;</bdi>" in painted.value
    assert "<bdi>tailor</bdi>" in painted.value
    line.value = "  "
    assert "empty" in painted.value


@pytest.mark.parametrize(
    ("threshold", "recall", "alarms"), [(0.5, 2 / 3, 0.25), (0.75, 2 / 3, 0), (0.95, 0, 0), (0.01, 1, 1)]
)
def test_the_threshold_slider_measures_on_the_given_tokens(threshold, recall, alarms):
    shown = eh.threshold_sliders(P, TRUTH, prior=0.1, dark=False)
    cut, _, picture = shown.widget.children
    cut.value = threshold
    made = threshold_and_prior(recall, alarms, 0.1)
    assert image(made) in picture.value
    assert f'alt="{made.alt}"' in picture.value
    assert f"{100 * recall:.0f} % of the replaced are found and {100 * alarms:.1f} %" in picture.value


def test_the_prior_slider_changes_how_many_words_are_wrong_and_nothing_measured():
    shown = eh.threshold_sliders(P, TRUTH, threshold=0.5, prior=0.1)
    _, prior, picture = shown.widget.children
    assert "Of 1,000 words 100 are wrong: 67 found" in picture.value
    prior.value = 0.001
    assert "Of 1,000 words 1 are wrong: 1 found" in picture.value
    assert "67 % of the replaced are found and 25.0 %" in picture.value


def test_two_changes_in_two_threads_end_with_the_newest_values(monkeypatch):
    shown = eh.threshold_sliders(P, TRUTH, prior=0.01, dark=False)
    cut, prior, picture = shown.widget.children
    paint = sliders._paint_threshold

    def paint_slowly(*values):
        made = paint(*values)
        if prior.value == 0.01:  # the first change: the second one comes, and would be done, while this one is drawn
            second.start()
            time.sleep(0.5)
        return made

    monkeypatch.setattr(sliders, "_paint_threshold", paint_slowly)
    second = Thread(target=lambda: setattr(prior, "value", 0.5))
    cut.value = 0.01
    second.join()
    assert "At threshold 0.01" in picture.value
    assert "With 50 % of the words wrong" in picture.value


def test_where_nothing_runs_the_dots_stay_as_a_picture_with_words():
    data, _ = eh.threshold_sliders(P, TRUTH, dark=True)._repr_mimebundle_()
    assert set(data) == {"text/html", "text/plain", WIDGET_VIEW}
    assert data["text/html"].count("<img") == 1
    assert "Of 1,000 words 10 are wrong: 7 found" in data["text/plain"]


def test_the_page_chooses_between_the_dots_by_day_and_by_night():
    shown = eh.threshold_sliders(P, TRUTH)
    by_day, by_night = (threshold_and_prior(2 / 3, 0.25, 0.01, dark=dark) for dark in (False, True))
    *_, picture = shown.widget.children
    assert image(by_day, "eh-by-day") in picture.value
    assert image(by_night, "eh-by-night") in picture.value
    # A page without a kernel may take away the style that chooses: it has one picture.
    assert image(threshold_and_prior(2 / 3, 0.25, 0.01, dark=False)) in shown.html
    assert shown.html.count("<img") == 1


@pytest.mark.parametrize("truth", [[True, False], [True] * 7, [False] * 7])
def test_rates_that_cannot_be_measured_are_refused(truth):
    with pytest.raises(ElectraError, match=r"7 probabilities and \d truths, \d of them replaced"):
        eh.threshold_sliders(P, truth)
