"""Live curves: every value is kept, the picture is renewed at most twice a second, and the last one is whole."""

import pytest
import torch
from IPython import display as ipython_display

from electra_helpers.config import TrainingConfig
from electra_helpers.errors import ElectraError
from electra_helpers.training.loop import Run
from electra_helpers.view import live


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


def test_a_name_that_is_never_reported_is_named(screen):
    curve, run = live.LiveCurves({"loss": "mlm_los"}), run_of(1)
    curve.on_start(run)
    run.last = {"mlm_loss": 3.0}
    with pytest.raises(ElectraError, match=r"no mlm_los; it reported mlm_loss"):
        curve.on_end(run)
