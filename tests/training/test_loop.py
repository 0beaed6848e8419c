"""The loop: global averages, what it logs, how it stops."""

import os
import signal
import threading

import numpy as np
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from electra_helpers.device import DeviceChoice
from electra_helpers.errors import ElectraError
from electra_helpers.training import distributed, loop
from electra_helpers.training.callbacks import JsonLog, ProgressBar, read_log
from electra_helpers.training.loop import Callback, seed_for, train
from electra_helpers.training.pretraining import Work

from .conftest import weights


class Recorder(Callback):
    def __init__(self):
        self.logs, self.evaluations = [], []

    def on_log(self, run, record):
        self.logs.append(record)

    def on_evaluation(self, run, record):
        self.evaluations.append(record)


def test_the_loss_falls_and_is_logged(make_task):
    task, config = make_task(steps=150, log_every=10, rtd_weight=5.0)
    seen = Recorder()
    run = train(task, config, callbacks=[seen])
    assert run.step == 150
    assert [r["step"] for r in seen.logs] == list(range(10, 151, 10))
    assert seen.logs[-1]["mlm_loss"] < seen.logs[0]["mlm_loss"] - 0.2
    assert seen.logs[0]["loss"] == pytest.approx(seen.logs[0]["mlm_loss"] + 5 * seen.logs[0]["rtd_loss"], rel=1e-5)
    assert len(seen.evaluations) == 10
    assert {"mlm_loss", "mlm_accuracy", "rtd_auc", "rtd_precision", "rtd_recall", "replaced_share"} <= set(
        run.evaluation
    )
    assert {"exam_uniform_auc", "exam_bigram_auc"} <= set(run.evaluation)
    assert run.evaluation["exam_uniform_auc"] > seen.evaluations[0]["exam_uniform_auc"]


def test_the_words_drawn_for_a_step_are_those_of_the_rows_and_the_same_however_they_are_split(make_task):
    task, _ = make_task(unigram_share=0.5)
    whole = task.work(3, 0, 1)
    halves = [task.work(3, process, 2) for process in (0, 1)]
    assert torch.cat([half.noise.drawn for half in halves]).equal(whole.noise.drawn)
    assert not whole.noise.drawn.equal(task.work(4, 0, 1).noise.drawn)
    seen = set(task.rows.ids.flatten().tolist()) - {0, 2, 3, 4}
    assert set(whole.noise.drawn.flatten().tolist()) - {-1} <= seen
    plain = make_task()[0].work(3, 0, 1).noise
    assert plain.drawn is None
    assert plain.sample.equal(whole.noise.sample)


def test_micro_batches_give_the_gradient_of_the_whole_batch(make_task):
    results, told = [], []
    for parts in (1, 4):
        task, config = make_task(steps=3, accumulation=parts, log_every=1)
        seen = Recorder()
        train(task, config, callbacks=[seen])
        results.append(weights(task))
        told.append([(log["loss"], log["grad_norm"]) for log in seen.logs])
    assert torch.allclose(*results, atol=2e-6)
    # Adam would forgive a gradient that is four times as large.
    assert np.allclose(*told, rtol=1e-4)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(make_task):
    results = []
    for seed in (0, 0, 1):
        task, config = make_task(steps=3, seed=seed, dropout=0.1)
        train(task, config)
        results.append(weights(task))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_work_made_ahead_for_a_gpu_is_the_same_work(make_task, monkeypatch):
    results, threads = [], []
    for ahead in (False, True):
        monkeypatch.setattr(loop, "computes_by_itself", lambda device, ahead=ahead: ahead)
        monkeypatch.setattr(Work, "pin_memory", lambda self: self)  # needs a GPU
        task, config = make_task(steps=4, dropout=0.1)
        made, made_in = task.work, set()
        task.work = lambda *which, made=made, seen=made_in: seen.add(threading.current_thread()) or made(*which)
        train(task, config)
        results.append(weights(task))
        threads.append(threading.main_thread() in made_in)
    assert torch.equal(*results)
    assert threads == [True, False]


def test_evaluating_more_often_changes_no_weight(make_task):
    results = []
    for every in (1, 3):
        task, config = make_task(steps=3, dropout=0.1, eval_every=every)
        train(task, config)
        results.append(weights(task))
    assert torch.equal(*results)


@pytest.mark.parametrize(("clip", "expected"), [(0.01, 0.01), (0.0, None)])
def test_the_optimizer_gets_gradients_of_at_most_the_clip(make_task, clip, expected):
    task, config = make_task(steps=2, max_grad_norm=clip, log_every=2)
    seen, norms = Recorder(), []

    def measure(optimizer, *_):
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"]]
        norms.append(float(torch.cat([g.flatten() for g in gradients]).norm()))

    hook = register_optimizer_step_pre_hook(measure)
    try:
        train(task, config, callbacks=[seen])
    finally:
        hook.remove()
    logged = seen.logs[0]["grad_norm"]
    assert logged > 0.1, "what is logged is the norm before clipping"
    assert (
        norms[0] == pytest.approx(expected, rel=1e-3) if expected else sum(norms) / 2 == pytest.approx(logged, rel=1e-3)
    )


def test_a_loss_that_is_not_a_number_stops_the_run(make_task):
    task, config = make_task(steps=50, log_every=5)
    with torch.no_grad():
        task.model.generator.head.bias[7] = float("nan")
    with pytest.raises(ElectraError, match=r"The loss is nan near step 5"):
        train(task, config)


class StopAt(Callback):
    """Sends this process a signal in the middle of a run."""

    def __init__(self, step, number=signal.SIGINT):
        self.step, self.number = step, number

    def on_step(self, run):
        if run.step == self.step:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_its_step_and_restores_the_handlers(make_task, number):
    before = signal.getsignal(number)
    task, config = make_task(steps=50)
    run = train(task, config, callbacks=[StopAt(7, number)])
    assert (run.step, run.interrupted) == (7, True)
    assert signal.getsignal(number) is before


def test_a_gpu_named_by_its_number_is_refused_where_the_first_one_would_train(make_task, monkeypatch):
    task, config = make_task(steps=1)
    monkeypatch.setattr(distributed, "choose_device", lambda *_: DeviceChoice("cuda:1", "fp32", "as you asked"))
    with pytest.raises(ElectraError, match=r"device is cuda:1, .* CUDA_VISIBLE_DEVICES=1, and leave device at cuda"):
        train(task, config)


def test_seeds_of_neighbouring_steps_are_unrelated():
    seeds = {seed_for(0, step) for step in range(1_000)} | {seed_for(1, step) for step in range(1_000)}
    assert len(seeds) == 2_000
    assert max(seeds) < 2**63


def test_the_log_is_json_lines_and_the_bar_shows_speed(make_task, tmp_path, capsys):
    task, config = make_task(steps=20)
    train(task, config, callbacks=[JsonLog(tmp_path / "log.jsonl"), ProgressBar()])
    kinds = [r["kind"] for r in read_log(tmp_path / "log.jsonl")]
    assert kinds.count("train") == 2
    assert kinds.count("evaluation") == 10
    shown = capsys.readouterr().err
    assert "tok/s" in shown
    assert "20/20" in shown
