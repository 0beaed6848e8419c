"""Checkpoints: a run that was stopped ends with the very weights of one that was not, and damage is noticed."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from electra_helpers.errors import ElectraError, ElectraWarning
from electra_helpers.training.callbacks import JsonLog, read_log
from electra_helpers.training.checkpoint import FILES, Checkpoints, only_run_in
from electra_helpers.training.loop import train

from .conftest import weights
from .test_loop import StopAt


@pytest.fixture
def undisturbed(make_task):
    task, config = make_task(dropout=0.1)
    train(task, config)
    return weights(task)


@pytest.mark.parametrize("step", [1, 6, 13, 19])
def test_a_resumed_run_ends_bit_identical(make_task, undisturbed, tmp_path, step):
    first, config = make_task(dropout=0.1)
    store = Checkpoints(tmp_path / "checkpoints", keep=1, publish=tmp_path / "model.safetensors")
    log = JsonLog(tmp_path / "log.jsonl")
    run = train(first, config, checkpoints=store, callbacks=[StopAt(step), log])
    assert (run.step, run.saved) == (step, step)

    second, config = make_task(dropout=0.1)
    with torch.no_grad():
        for p in second.model.parameters():
            p.add_(1.0)  # nothing of the new process may count
    run = train(second, config, checkpoints=store, resume=True, callbacks=[log])
    assert run.start == step
    assert torch.equal(weights(second), undisturbed)
    steps = [r["step"] for r in read_log(tmp_path / "log.jsonl") if r["kind"] == "evaluation"]
    assert steps == sorted(set(steps)), "no evaluation is logged twice"


def test_the_last_k_are_kept_and_the_newest_is_published(make_task, tmp_path):
    task, config = make_task(save_every=4, keep=2)
    store = Checkpoints(tmp_path / "checkpoints", config.keep, publish=tmp_path / "model.safetensors")
    train(task, config, checkpoints=store)
    assert [p.name for p in store.found()] == ["step-00000016", "step-00000020"]
    assert (tmp_path / "model.safetensors").read_bytes() == (store.found()[-1] / "model.safetensors").read_bytes()


@pytest.fixture
def two_checkpoints(make_task, tmp_path):
    task, config = make_task(steps=10, save_every=5)
    store = Checkpoints(tmp_path / "checkpoints", keep=2)
    train(task, config, checkpoints=store)
    return store


@pytest.mark.parametrize("name", [*FILES, "checksums.json"])
def test_a_checkpoint_cut_at_any_byte_is_refused_and_the_one_before_is_used(two_checkpoints, name):
    older, newer = two_checkpoints.found()
    whole = (newer / name).read_bytes()
    cuts = sorted({0, 1, 7, 8, 9, len(whole) // 2, *range(len(whole) - 20, len(whole) - 1)})
    for cut in cuts:
        (newer / name).write_bytes(whole[:cut])
        assert two_checkpoints.newest() == older, f"{name} cut at {cut} of {len(whole)}"
        assert newer.name in two_checkpoints.refused[0]
    (newer / name).write_bytes(whole)
    assert two_checkpoints.newest() == newer


def test_one_flipped_bit_is_noticed(two_checkpoints):
    path = two_checkpoints.found()[-1] / "optimizer.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[-3] ^= 1
    path.write_bytes(damaged)
    assert two_checkpoints.newest() == two_checkpoints.found()[0]
    assert "does not match its checksum" in two_checkpoints.refused[0]


def test_when_all_are_damaged_the_run_says_so_rather_than_start_anew(two_checkpoints, make_task):
    for folder in two_checkpoints.found():
        (folder / "model.safetensors").unlink()
    with pytest.raises(ElectraError, match=r"No checkpoint .* can be read: .*model.safetensors is missing"):
        two_checkpoints.restore(make_task()[0].model)


def test_a_half_written_folder_is_ignored(two_checkpoints):
    newest = two_checkpoints.newest()
    shutil.copytree(newest, newest.with_name(".partial-step-00000011"))
    assert two_checkpoints.newest() == newest


def test_a_checkpoint_of_a_later_version_is_refused(two_checkpoints, make_task):
    from electra_helpers.saved.files import checksum, write_json

    folder = two_checkpoints.newest()
    write_json(json.loads((folder / "state.json").read_text()) | {"format": 99}, folder / "state.json")
    write_json({name: checksum(folder / name) for name in FILES}, folder / "checksums.json")
    with pytest.raises(ElectraError, match="format 99"):
        two_checkpoints.restore(make_task()[0].model)


def test_a_full_disk_leaves_the_older_checkpoints_and_says_so(two_checkpoints, make_task, monkeypatch):
    from electra_helpers.training import checkpoint

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_tensors", full)
    task, _ = make_task()
    with pytest.raises(ElectraError, match=r"the disk is full.* untouched"):
        two_checkpoints.save(task.model, {}, {"step": 15})
    assert [p.name for p in two_checkpoints.folder.iterdir()] == ["step-00000005", "step-00000010"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the size of files as Linux does")
def test_a_real_limit_of_the_disk_ends_a_run_in_one_line_and_keeps_what_was_whole(tmp_path):
    """Not a made-up error: the system itself refuses to write more than 300 kB into a file."""
    (tmp_path / "text.txt").write_text("\n\n".join(f"the cat {i} sat on mat {i % 7} ." for i in range(300)))
    size = "--hidden-size 64 --embedding-size 64 --intermediate-size 128 --batch-size 4 --length 16 --vocab-size 120"
    options = f"--steps 4 --save-every 1 --eval-rows 4 --device cpu --size tiny {size}".split()
    code = "import resource, sys; from electra_helpers.cli import main; "
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)); main()"
    out = tmp_path / "run"
    command = ["pretrain", "--corpus", tmp_path / "text.txt", "--out", out, *options]
    environment = os.environ | {"ELECTRA_CACHE": str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == 2, ended.stderr
    assert "Could not write the checkpoint" in ended.stderr
    assert "File too large. Older checkpoints are untouched" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(out.glob("checkpoints/*step*"))


def test_a_nan_is_never_saved(make_task, tmp_path):
    task, config = make_task(steps=6, save_every=2, log_every=100)
    store = Checkpoints(tmp_path / "checkpoints")

    class Poison(StopAt):
        def on_step(self, run):
            if run.step == 3:
                with torch.no_grad():
                    task.model.generator.head.bias[7] = float("nan")

    with pytest.raises(ElectraError, match="The loss is nan"):
        train(task, config, checkpoints=store, callbacks=[Poison(3)])
    assert [p.name for p in store.found()] == ["step-00000002"]


def test_a_nan_that_only_the_gradient_shows_is_never_saved(make_task, tmp_path):
    """The loss of step 4 is fine, its gradient is not: the weights are NaN behind it, and step 4 would be saved."""
    task, config = make_task(steps=6, save_every=2, log_every=100, eval_every=100)
    store = Checkpoints(tmp_path / "checkpoints", publish=tmp_path / "model.safetensors")
    bias = task.model.generator.head.bias
    calls = iter(range(1, 9))
    bias.register_hook(lambda gradient: gradient * float("nan") if next(calls) == 4 else gradient)
    with pytest.raises(ElectraError, match="The gradient's norm is nan near step 4: training stopped"):
        train(task, config, checkpoints=store)
    assert bias.isnan().any(), "the test does what it says"
    assert [p.name for p in store.found()] == ["step-00000002"]
    assert not load_file(tmp_path / "model.safetensors")["generator.head.bias"].isnan().any()


def test_a_damaged_newest_checkpoint_is_passed_over_with_a_warning(two_checkpoints, make_task):
    (two_checkpoints.found()[-1] / "model.safetensors").unlink()
    task, config = make_task(steps=10)
    with pytest.warns(ElectraWarning, match=r"resumed at step 5: step-00000010: model.safetensors is missing"):
        assert train(task, config, checkpoints=two_checkpoints, resume=True).start == 5


def test_a_run_of_no_steps_saves_what_it_started_from(make_task, tmp_path):
    task, config = make_task(steps=0)
    store = Checkpoints(tmp_path / "checkpoints", publish=tmp_path / "model.safetensors")
    train(task, config, checkpoints=store)
    saved = load_file(tmp_path / "model.safetensors")
    assert torch.equal(saved["generator.head.bias"], task.model.generator.head.bias)
    longer, config = make_task(steps=2)
    assert train(longer, config, checkpoints=store, resume=True).step == 2


def test_two_runs_in_one_folder_are_refused_and_a_dead_one_holds_nothing(tmp_path):
    with (
        only_run_in(tmp_path),
        pytest.raises(ElectraError, match=r"Another run is at work in .*"),
        only_run_in(tmp_path),
    ):
        pass
    code = f"""
import os, signal
from pathlib import Path
from electra_helpers.training.checkpoint import only_run_in
with only_run_in(Path({str(tmp_path)!r})):
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""
    dead = subprocess.run([sys.executable, "-c", code], check=False)
    assert dead.returncode != 0
    with only_run_in(tmp_path):
        pass
