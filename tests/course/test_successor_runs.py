"""The runs of notebook 17's arms: their compute, a generator made ready, a learner's loss in their place, and no export."""

import pytest
import torch

import electra_helpers as eh
from electra_helpers.course.labs import successor_losses as formulas
from electra_helpers.course.labs import successor_runs as lab
from electra_helpers.course.labs import successors as nets
from electra_helpers.course.labs.objectives import flops_of_a_step
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import LossSum


def list_stages(arm, percent):
    """All stages of an arm, trained."""
    found = []
    for run, callbacks in lab.stages(arm, lab.world_prepared(0, 40), lab.BUDGET * percent / 100):
        heats = []

        class Watch(nets.Callback):
            def on_step(self, run, heats=heats):
                heats.append(run.task.config.temperature)

        run.train(*callbacks, Watch())
        if callbacks:
            assert heats == sorted(heats, reverse=True)
            assert heats[0] > 1.5
        found.append((run, callbacks))
    return found


def test_a_ready_generator_stays_as_it_is_while_its_temperature_falls():
    found = list_stages("fast", percent=2)
    (first, _), (second, callbacks) = found
    assert [type(each).__name__ for each in callbacks] == ["Cooling"]
    assert second.config.steps > 1
    ready, pair = first.task.model.generator.state_dict(), second.task.model.generator.state_dict()
    assert all(torch.equal(ready[name], pair[name]) for name in ready)
    assert second.task.config.temperature == 1.0, "it ended at the generator as it is"


@pytest.mark.parametrize("arm", lab.ARMS)
def test_all_arms_have_the_same_compute(arm):
    runs, spent = [], 0
    for run, _ in lab.stages(arm, lab.world_prepared(0, 20), lab.BUDGET):
        runs.append(run)
        spent += run.config.steps * flops_of_a_step(run)
    assert spent == pytest.approx(lab.BUDGET, rel=0.005)
    assert len(runs) == (2 if arm == "fast" else 1)


def test_an_unknown_arm_is_refused():
    with pytest.raises(ElectraError, match="choose one of rtd, tied"):
        lab.arm_run("elektra", seed=0, story_count=20)


@pytest.mark.parametrize("arm", [name for name, arm in lab.ARMS.items() if arm.network])
def test_a_successor_is_not_exported_as_an_electra(arm, tmp_path):
    run = lab.arm_run(arm, seed=0, percent=1, story_count=20)
    with pytest.raises(ElectraError, match="takes the discriminator's encoder alone"):
        eh.export(run.model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_learners_mean_is_trained_as_the_package_trains_its_sum():
    own = lab.with_own_loss(
        "electric", lambda *given: mean_of(formulas.nce_loss_sum(*given)), seed=0, percent=1, story_count=20
    )
    ours = lab.arm_run("electric", seed=0, percent=1, story_count=20)
    work = ours.task.work(0, 0, 1)
    for name in ("cloze", "nce"):
        mine, theirs = (run.task.losses(run.task.model, work, torch.device("cpu"))[name] for run in (own, ours))
        assert torch.allclose(mine.total, theirs.total, rtol=1e-5)
        assert torch.equal(mine.count, theirs.count)
    with_words = lab.with_own_loss(
        "coco-lm", lambda *given: mean_of(formulas.corrective_loss_sum(*given)), seed=0, percent=1, story_count=20
    )
    plain = lab.arm_run("coco-lm", seed=0, percent=1, story_count=20)
    mine, theirs = (
        run.task.losses(run.task.model, work, torch.device("cpu"))["corrective"] for run in (with_words, plain)
    )
    assert torch.allclose(mine.total, theirs.total, rtol=1e-5)


def mean_of(part: LossSum):
    return part.total / part.count
