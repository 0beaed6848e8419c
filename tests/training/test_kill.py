"""A run that is killed without warning, at any moment, ends after --resume with the very weights of one that was left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

import electra_helpers

TEXT = "\n\n".join(
    f"the cat number {i} sat on mat {i * 7 % 90} and saw dog {i * 3 % 50} run away ." for i in range(400)
)
OPTIONS = [
    "--size",
    "tiny",
    "--steps",
    "60",
    "--save-every",
    "4",
    "--batch-size",
    "4",
    "--length",
    "24",
    "--vocab-size",
    "150",
]
OPTIONS += [
    "--hidden-size",
    "32",
    "--embedding-size",
    "32",
    "--intermediate-size",
    "64",
    "--dropout",
    "0.1",
    "--eval-rows",
    "8",
]


def start(out: Path, corpus: Path, *more: str) -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "electra_helpers.cli",
        "pretrain",
        "--corpus",
        str(corpus),
        "--out",
        str(out),
        *OPTIONS,
    ]
    environment = os.environ | {
        "PYTHONPATH": str(Path(electra_helpers.__file__).parents[1]),
        "ELECTRA_CACHE": str(corpus.parent / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [*command, *more], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kill")
    (folder / "text.txt").write_text(TEXT, "utf-8")
    process = start(folder / "whole", folder / "text.txt")
    assert process.wait(300) == 0, process.stderr.read()
    return folder


def kill_somewhere(process: subprocess.Popen, out: Path, seed: int) -> int:
    """SIGKILL a random while after the first checkpoint, writing of another one included; returns the newest step."""
    deadline = time.monotonic() + 120
    while not list(out.glob("checkpoints/step-*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(random.Random(seed).uniform(0, 0.6))
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    return max(int(p.name.removeprefix("step-")) for p in out.glob("checkpoints/step-*"))


def killed_and_resumed(folder: Path, seed: int) -> None:
    out = folder / f"killed-{seed}"
    reached = kill_somewhere(start(out, folder / "text.txt"), out, seed)
    assert 4 <= reached < 60, "the kill came too late to prove anything"
    again = start(out, folder / "text.txt", "--resume")
    assert again.wait(300) == 0, again.stderr.read()
    whole, resumed = (load_file(str(f / "model.safetensors")) for f in (folder / "whole", out))
    assert whole.keys() == resumed.keys()
    assert all(whole[name].equal(resumed[name]) for name in whole)
    assert not list(out.glob("checkpoints/.partial-*")), "what a crash left half-written is cleared away"


def test_a_killed_run_resumes_bit_identical(undisturbed):
    killed_and_resumed(undisturbed, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_five_out_of_five_killed_runs_resume_bit_identical(undisturbed, seed):
    killed_and_resumed(undisturbed, seed)
