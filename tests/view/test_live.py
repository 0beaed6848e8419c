"""While a model trains: every value is kept, the picture is renewed at most twice a second, and the last one is whole."""

import pytest
import torch
from IPython import display as ipython_display

import electra_helpers as eh
from electra_helpers.config import TrainingConfig
from electra_helpers.course.labs.world_run import world_run
from electra_helpers.errors import ElectraError
from electra_helpers.training.loop import Run
from electra_helpers.view import live
from electra_helpers.view.live import Recolour
from electra_helpers.view.painted import WIDGET_VIEW


class Handle:
    """Stands in for the notebook's display: keeps what would be seen."""

    def __init__(self):
        self.pictures = []

    def update(self, data, **kwargs):
        self.pictures.append((data, kwargs["metadata"]))


@pytest.fixture
def screen(monkeypatch):
    handle, clock = Handle(), [100.0]
    monkeypatch.setattr(ipython_display, "display", lambda *_, **kwargs: handle if kwargs["display_id"] else None)
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    handle.clock = clock
    return handle


def run_of(steps):
    return Run(task=None, config=TrainingConfig(steps=steps), device=torch.device("cpu"))


def test_a_picture_every_half_second_and_one_at_the_end(screen):
    curve, run = live.LiveCurves({"loss": "mlm_loss"}, y="MLM loss"), run_of(100)
    curve.on_start(run)
    for run.step in range(1, 101):
        screen.clock[0] += 0.05
        curve.on_log(run, {"step": run.step, "mlm_loss": 9.0 - run.step / 20})
    curve.on_end(run)
    assert 9 <= len(screen.pictures) <= 12, "100 records in 5 seconds"
    data, metadata = screen.pictures[-1]
    assert data["image/png"][:4] == b"\x89PNG"
    assert (
        data["text/plain"]
        == metadata["image/png"]["alt"]
        == "MLM loss over steps. loss: 8.95 at step 1, 4 at step 100."
    )
    assert len(curve.runs["loss"][1]) == 100


def test_values_of_the_log_and_of_evaluations_share_a_picture(screen):
    curve, run = live.LiveCurves({"own fakes": "rtd_auc", "exam": "exam_uniform_auc"}), run_of(2)
    curve.on_start(run)
    for run.step in (1, 2):
        curve.on_evaluation(run, {"step": run.step, "rtd_auc": 0.5, "exam_uniform_auc": 0.4 + run.step / 5})
    curve.on_end(run)
    assert curve.runs == {"own fakes": ([1, 2], [0.5, 0.5]), "exam": ([1, 2], pytest.approx([0.6, 0.8]))}


def test_training_and_held_out_values_of_one_name_are_not_mixed_in_a_curve(screen):
    curve, run = live.LiveCurves({"loss": "mlm_loss"}), run_of(2)
    curve.on_start(run)
    curve.on_evaluation(run, {"mlm_loss": 7.0})
    for run.step in (1, 2):
        curve.on_log(run, {"mlm_loss": 4.0 - run.step})
    curve.on_evaluation(run, {"mlm_loss": 9.0})
    curve.on_end(run)
    assert curve.runs == {"loss": ([1, 2], [3.0, 2.0])}


def test_a_name_that_is_never_reported_is_named(screen):
    curve, run = live.LiveCurves({"loss": "mlm_los"}), run_of(1)
    curve.on_start(run)
    run.last = {"mlm_loss": 3.0}
    with pytest.raises(ElectraError, match=r"no mlm_los; it reported mlm_loss"):
        curve.on_end(run)


@pytest.fixture
def run():
    return world_run(story_count=30, steps=6, fakes="uniform")


TEXT = "Anna was a chef in a small town."


def test_the_watched_sentences_are_recorded_from_the_first_step_to_the_last(run, screen):
    watch = Recolour(run.tokenizer, {"one": TEXT}, pictures=3, marked=("chef",))
    end = run.train(watch)
    assert [snapshot.step for snapshot in watch.snapshots] == [0, 1, 3, 6]
    assert end.step == 6
    first, last = watch.snapshots[0].detections[0], watch.snapshots[-1].detections[0]
    assert first.p_replaced != last.p_replaced
    assert last.p_replaced == eh.detect(run.model, TEXT).p_replaced, "the last picture is the trained model's"
    shown = screen.pictures[-1][0]["text/html"]
    assert shown == watch.at(-1).html
    assert "<u><bdi>chef</bdi></u>" in shown


def test_the_slider_shows_what_was_recorded_and_leaves_a_picture(run, screen):
    watch = Recolour(run.tokenizer, {"one": TEXT}, pictures=3)
    run.train(watch)
    shown = watch.slider()
    slider, painted = shown.widget.children
    slider.value = 0
    assert painted.value == watch.at(0).html
    bundle, _ = shown._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", WIDGET_VIEW}
    assert bundle["text/html"].count("<tr") >= 4
    assert f"{watch.snapshots[-1].detections[0].p_replaced_words[1]:.2f}" in bundle["text/html"]


def test_a_word_is_noticed_from_the_step_on_from_which_it_stays_first(run, screen):
    watch = Recolour(run.tokenizer, {"one": TEXT}, pictures=3)
    run.train(watch)
    for snapshot, p in zip(watch.snapshots, (0.9, 0.1, 0.8, 0.7), strict=True):
        scores = snapshot.detections[0].p_replaced_words
        scores[:] = [0.5] * len(scores)
        scores[snapshot.detections[0].words.index("chef")] = p
    assert watch.first_noticed(0, "chef") == 3
    assert watch.first_noticed(0, "town") is None
