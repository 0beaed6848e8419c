"""What a notebook shows while a model trains, and where no kernel runs."""

import pytest

import electra_helpers as eh
from electra_helpers.course.live import WIDGET_VIEW, Recolour
from electra_helpers.course.own_steps import own_steps
from electra_helpers.course.quick import RowsInMemory, world_run
from electra_helpers.course.session import AMOUNTS, PROFILES, setup
from electra_helpers.errors import ElectraError


class Display:
    """Stands for IPython's display: keeps what was shown."""

    def __init__(self):
        self.shown = []

    def __call__(self, *objects, display_id=None, **options):
        self.shown.extend(objects)
        return self

    def update(self, thing, **options):
        self.shown.append(thing)


@pytest.fixture
def display(monkeypatch):
    import IPython.display

    display = Display()
    monkeypatch.setattr(IPython.display, "display", display)
    return display


@pytest.fixture
def run():
    return world_run(story_count=30, steps=6, fakes="uniform")


TEXT = "Anna was a chef in a small town."


def test_the_watched_sentences_are_recorded_from_the_first_step_to_the_last(run, display):
    watch = Recolour(run.tokenizer, {"one": TEXT}, pictures=3, marked=("chef",))
    end = run.train(watch)
    assert [snapshot.step for snapshot in watch.snapshots] == [0, 1, 3, 6]
    assert end.step == 6
    first, last = watch.snapshots[0].detections[0], watch.snapshots[-1].detections[0]
    assert first.p_replaced != last.p_replaced
    assert last.p_replaced == eh.detect(run.model, TEXT).p_replaced, "the last picture is the trained model's"
    assert display.shown[-1].html == watch.at(-1).html
    assert "<u><bdi>chef</bdi></u>" in display.shown[-1].html


def test_the_slider_shows_what_was_recorded_and_leaves_a_picture(run, display):
    watch = Recolour(run.tokenizer, {"one": TEXT}, pictures=3)
    run.train(watch)
    shown = watch.slider()
    slider, painted = shown.widget.children
    slider.value = 0
    assert painted.value == watch.at(0).html
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", WIDGET_VIEW}
    assert bundle["text/html"].count("<tr>") >= 4
    assert f"{watch.snapshots[-1].detections[0].p_replaced_words[1]:.2f}" in bundle["text/html"]


def test_a_word_is_noticed_from_the_step_on_from_which_it_stays_first(run, display):
    watch = Recolour(run.tokenizer, {"one": TEXT}, pictures=3)
    run.train(watch)
    for snapshot, p in zip(watch.snapshots, (0.9, 0.1, 0.8, 0.7), strict=True):
        scores = snapshot.detections[0].p_replaced_words
        scores[:] = [0.5] * len(scores)
        scores[snapshot.detections[0].words.index("chef")] = p
    assert watch.first_noticed(0, "chef") == 3
    assert watch.first_noticed(0, "town") is None


def test_a_typed_sentence_is_coloured_and_a_mistake_is_told_in_place(run):
    shown = eh.type_and_see(run.model, TEXT)
    line, painted = shown.widget.children
    line.value = "Anna was a <b>chef</b>"
    assert "<b>chef" not in painted.value
    assert "P(replaced)" in painted.value
    line.value = "  "
    assert "empty" in painted.value


def test_rows_in_memory_are_padded_and_masked():
    rows = RowsInMemory([[2, 5, 3], [2, 5, 6, 3]], 4, pad_id=0)
    batch = rows.take([1, 0])
    assert batch.input_ids.tolist() == [[2, 5, 6, 3], [2, 5, 3, 0]]
    assert batch.attention_mask.tolist() == [[True] * 4, [True, True, True, False]]
    assert rows.take([1]).attention_mask is None


def test_the_profile_decides_the_amounts(monkeypatch, capsys):
    for place, profile in enumerate(PROFILES):
        monkeypatch.setenv("ELECTRA_PROFILE", profile)
        session = setup(seed=1, device="cpu")
        assert [session.amount(name) for name in AMOUNTS] == [amounts[place] for amounts in AMOUNTS.values()]
    assert "profile gpu · seed 1" in capsys.readouterr().out
    with pytest.raises(ElectraError, match="no profile 'fast'"):
        setup(profile="fast")
    with pytest.raises(ElectraError, match="no amount"):
        session.amount("99.steps")


def test_setup_seeds_all_three_generators():
    import random

    import numpy as np
    import torch

    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    setup(seed=5, profile="smoke", device="cpu")
    first = draw()
    setup(seed=5, profile="smoke", device="cpu")
    assert draw() == first


def test_a_part_that_does_not_exist_is_told():
    with pytest.raises(ElectraError, match="no part 'judge'"):
        own_steps(judge=print)
