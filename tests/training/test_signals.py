"""What a run does when it is asked to stop: the step ends, a whole checkpoint is written, and the command says how it went on."""

import os
import signal

import pytest

from electra_helpers.training import checkpoint
from electra_helpers.training.checkpoint import Checkpoints
from electra_helpers.training.loop import Trainer

TEXT = "\n\n".join(f"the cat number {i} sat on mat {i * 7 % 90} ." for i in range(600))
SIZE = ("--hidden-size", 16, "--embedding-size", 16, "--intermediate-size", 32, "--num-layers", 1, "--num-heads", 2)
OPTIONS = ("--steps", 6, "--batch-size", 2, "--length", 16, "--vocab-size", 80, "--eval-rows", 2, *SIZE)
AT = 2  # the step in which the signal comes

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")


@pytest.fixture(autouse=True)
def survivable():
    """Outside of a run these signals do nothing, so that a run that lacks a handler fails its test and not the tests."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGHUP, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def pretrain(electra, tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    return lambda *more: electra(
        "pretrain", "--corpus", tmp_path / "text.txt", "--out", tmp_path / "run", *OPTIONS, *more
    )


def signal_in_step(monkeypatch, number):
    step = Trainer.step

    def interrupted(self):
        if self.run.step == AT - 1:
            signal.raise_signal(number)
        return step(self)

    monkeypatch.setattr(Trainer, "step", interrupted)


def newest(tmp_path):
    """The number of the newest checkpoint that is whole, and whether any other one is not."""
    kept = Checkpoints(tmp_path / "run" / "checkpoints")
    found = kept.newest()
    assert not kept.refused
    assert not list(kept.folder.glob(".partial-*"))
    return int(found.name.removeprefix("step-"))


@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM", "SIGINT"])
def test_a_run_that_is_asked_to_stop_saves_and_goes_on(name, pretrain, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        signal_in_step(patch, getattr(signal, name))
        code, said, errors = pretrain()
    assert code == 130, errors
    assert "--resume" in said + errors
    assert newest(tmp_path) == AT
    code, _, errors = pretrain("--resume")
    assert code == 0, errors
    assert newest(tmp_path) == 6


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT"])
def test_a_signal_that_was_to_be_ignored_stays_ignored(name, pretrain, tmp_path, monkeypatch):
    """As of `nohup electra pretrain … &`, behind which the terminal is closed."""
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_IGN)
    try:
        signal_in_step(monkeypatch, number)
        code, _, errors = pretrain()
        assert code == 0, errors
        assert newest(tmp_path) == 6
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("second", ["SIGINT", "SIGHUP"])
def test_a_second_signal_while_the_run_is_saved_is_answered_and_loses_nothing(second, pretrain, tmp_path, monkeypatch):
    signal_in_step(monkeypatch, signal.SIGINT)
    write_tensors, write, told = checkpoint.write_tensors, os.write, []

    def slow(*arguments):  # half of the checkpoint is written
        for _ in range(2):
            signal.raise_signal(getattr(signal, second))
        return write_tensors(*arguments)

    monkeypatch.setattr(checkpoint, "write_tensors", slow)
    monkeypatch.setattr(os, "write", lambda fd, data: told.append(data) if fd == 2 else write(fd, data))
    code, _, errors = pretrain()
    assert code == 130, errors
    assert len(told) == 2
    assert all(b"saving the run" in each for each in told)
    assert newest(tmp_path) == AT
