"""How long a run is, said by epochs or minutes; what a step costs; and a finished run that gets more steps."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from electra_helpers.config import PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.training import budget
from electra_helpers.training.budget import StepCost, settle_steps, step_cost
from electra_helpers.training.loop import train
from electra_helpers.training.pretraining import pretrain as python_pretrain
from tests.test_cli import SHAPE, TEXT

from .conftest import weights

pytestmark = pytest.mark.usefixtures("own_cache")
BASE = ["--size", "tiny", "--batch-size", "4", "--length", "16", "--vocab-size", "80", "--eval-rows", "8", *SHAPE]
BASE += ["--validation-share", "0.2", "--warmup-steps", "2"]


@pytest.fixture
def pretrain(electra, tmp_path):
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")

    def run(out, *more, base=BASE):
        arguments = ["pretrain", "--out", tmp_path / out, *more]
        arguments += [*base, "--corpus", tmp_path / "text.txt"] if "--resume" not in more else []
        code, said, errors = electra(*arguments)
        return code, said, errors, tmp_path / out

    return run


def test_epochs_become_steps_that_read_every_row_so_often(make_task):
    task, config = make_task()  # 200 rows, 8 a step
    for epochs, steps in ((1.0, 25), (2.0, 50), (0.1, 3)):
        asked = PretrainConfig(**config.__dict__ | {"epochs": epochs})
        assert settle_steps(asked, task.rows, None, resume=False, processes=1).steps == steps
    with pytest.raises(ElectraError, match="--epochs needs the number of rows"):
        settle_steps(asked, object(), None, resume=False, processes=1)
    with pytest.raises(ElectraError, match="choose one of the two"):
        settle_steps(PretrainConfig(epochs=1.0, minutes=1.0), task.rows, None, resume=False, processes=1)


def test_minutes_become_the_steps_that_fit_with_their_evaluations(make_task, monkeypatch):
    task, config = make_task()
    asked = PretrainConfig(**config.__dict__ | {"minutes": 2.0})
    monkeypatch.setattr(budget, "step_cost", lambda *_, **__: StepCost(0.5, 0, 0, evaluation=2.0))
    assert settle_steps(asked, task.rows, None, resume=False, processes=1).steps == 200  # (120 - 10 · 2) / 0.5
    assert settle_steps(asked, task.rows, None, resume=True, processes=1).steps == config.steps
    with pytest.raises(ElectraError, match="--minutes times the steps of one process"):
        settle_steps(asked, task.rows, None, resume=False, processes=2)


def test_what_a_step_costs_is_scaled_from_few_rows_to_the_batch(make_task, monkeypatch):
    seconds = iter([3.0, 3.0])  # of three steps
    monkeypatch.setattr(budget, "timed", lambda work, device: (work(), next(seconds))[1])
    made = {}

    def task_of(config):
        made["task"], _ = make_task(batch_size=config.batch_size)
        return made["task"]

    _, config = make_task(batch_size=64, accumulation=2)
    monkeypatch.setattr(budget, "TOKENS", 8 * 12)
    few = step_cost(task_of, config, 12.0)
    assert made["task"].config.batch_size == 8
    tokens = sum(made["task"].tokens(made["task"].work(step, 0, 1)) for step in (1, 2, 3))
    assert few.seconds == pytest.approx(3.0 / tokens * 64 * 12)
    assert few.state == 16 * sum(p.numel() for p in made["task"].model.parameters())
    monkeypatch.setattr(budget, "TOKENS", 16 * 12)
    more = step_cost(task_of, config, 12.0)  # padded to other lengths, so only about the same
    assert more.activations == pytest.approx(few.activations, rel=0.35)


def test_a_run_of_minutes_is_a_run_of_as_many_steps(pretrain, monkeypatch):
    monkeypatch.setattr(budget, "step_cost", lambda *_, **__: StepCost(10.0, 0, 0))
    code, said, errors, timed = pretrain("timed", "--minutes", "1")
    assert (code, "6 of 6 steps" in said) == (0, True), errors
    assert json.loads((timed / "run.json").read_text())["pretrain"]["steps"] == 6
    *_, counted = pretrain("counted", "--steps", "6")
    assert (timed / "model.safetensors").read_bytes() == (counted / "model.safetensors").read_bytes()
    code, said, errors, _ = pretrain("timed", "--resume")
    assert (code, "is finished: 6 of 6 steps" in said) == (0, True), errors


def test_a_run_of_minutes_is_resumed_from_python_to_its_own_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "step_cost", lambda *_, **__: StepCost(20.0, 0, 0))
    config = PretrainConfig(minutes=1.0, batch_size=2, length=32, eval_rows=4, form="documents", device="cpu")
    begin = partial(python_pretrain, ["world"], tmp_path / "run")
    assert begin(config=config).step == 3
    assert (begin(config=config, resume=True).start, begin(config=config, resume=True).step) == (3, 3)
    with pytest.raises(ElectraError, match="started with minutes 1, not 2: extend it by steps or epochs"):
        begin(config=replace(config, minutes=2.0), resume=True)


def test_the_trial_leaves_the_net_as_it_is(pretrain):
    code, _, errors, timed = pretrain("timed", "--minutes", "0.0001")
    assert code == 0, errors
    *_, counted = pretrain("counted", "--steps", "1")
    assert (timed / "model.safetensors").read_bytes() == (counted / "model.safetensors").read_bytes()


def test_a_finished_run_is_extended_to_what_a_longer_run_had_come_to(pretrain):
    constant = ("--schedule", "constant")
    code, _, errors, out = pretrain("short", "--steps", "4", *constant)
    assert code == 0, errors
    code, said, errors, _ = pretrain("short", "--resume", "--steps", "7")
    assert (code, "7 of 7 steps" in said) == (0, True), errors
    assert "Extended from 4 to 7 steps; the learning rate stays." in errors
    *_, long = pretrain("long", "--steps", "7", *constant)
    assert (out / "model.safetensors").read_bytes() == (long / "model.safetensors").read_bytes()
    about = json.loads((out / "run.json").read_text())
    assert (about["pretrain"]["steps"], about["extended"], about["begun"]["size"]) == (7, [4], "tiny")
    assert "| steps | 7 |" in (out / "README.md").read_text()
    code, said, _, _ = pretrain("short", "--resume")
    assert (code, "is finished: 7 of 7 steps" in said) == (0, True)


def test_more_epochs_extend_a_run_and_fewer_steps_or_an_unfinished_run_are_refused(pretrain, tmp_path):
    code, _, errors, out = pretrain("run", "--epochs", "0.05", "--save-every", "1")
    assert code == 0, errors
    steps = json.loads((out / "run.json").read_text())["pretrain"]["steps"]
    code, _, errors, _ = pretrain("run", "--resume", "--epochs", "0.1")
    assert code == 0, errors
    assert "is that of the longer run's schedule from here" in errors
    assert json.loads((out / "run.json").read_text())["pretrain"]["steps"] > steps
    code, _, errors, _ = pretrain("run", "--resume", "--steps", "1")
    assert (code, "give the same, or another --out" in errors) == (2, True)
    for file in sorted((out / "checkpoints").glob("step-*"))[-1].iterdir():
        file.unlink()
    code, _, errors, _ = pretrain("run", "--resume", "--steps", "90")
    assert (code, "resume it to its end before it is extended" in errors) == (2, True)
    code, _, errors, _ = pretrain("run", "--resume", "--minutes", "1")
    assert (code, "--minutes does nothing beside --resume" in errors) == (2, True)


def test_a_trial_step_does_not_change_what_the_loop_takes_next(make_task):
    undisturbed, config = make_task()
    train(undisturbed, config)
    task, config = make_task()
    step_cost(lambda tried: make_task(batch_size=tried.batch_size)[0], config, 12.0)
    train(task, config)
    assert torch.equal(weights(task), weights(undisturbed))
