"""Several processes: the same examples, the same curve, one log and one set of checkpoints, whoever and however many they are."""

import contextlib
import json
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import electra_helpers
from electra_helpers.training.callbacks import read_log

OPTIONS = shlex.split(
    "--size tiny --steps 50 --save-every 20 --keep 5 --batch-size 8 --length 24 --vocab-size 150 --hidden-size 32 "
    "--embedding-size 32 --intermediate-size 64 --dropout 0 --attention-dropout 0 --eval-rows 8 --eval-every 25 "
    "--log-every 1 --device cpu --max-grad-norm 1 --form plain"
)
DATA = Path(electra_helpers.__file__).parents[1] / "data" / "accelerate"


def command(corpus: Path, out: Path, processes: int, *more: str) -> subprocess.Popen:
    launch = [
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        DATA / "two_cpu_processes.yaml",
        "--main_process_port",
        "0",
    ]
    launch = launch if processes > 1 else []
    return start(launch, corpus, out, *more)


def start(launch: list, corpus: Path, out: Path, *more: str) -> subprocess.Popen:
    environment = os.environ | {
        "PYTHONPATH": str(Path(electra_helpers.__file__).parents[1]),
        "ELECTRA_CACHE": str(corpus.parent / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, *launch, "-m", "electra_helpers.cli", "pretrain", "--corpus", corpus, "--out", out, *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    STARTED.append(process)
    return process


STARTED: list[subprocess.Popen] = []


@pytest.fixture(autouse=True)
def nobody_is_left_waiting():
    """Processes that wait for one that will never come are ended with the test."""
    yield
    for process in STARTED:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    STARTED.clear()


def run(corpus: Path, out: Path, processes: int, *more: str) -> str:
    process = command(corpus, out, processes, *OPTIONS, *more)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said[-3000:]
    assert (f"in {processes} processes" in said) == (processes > 1), "the launcher started others than asked for"
    return said


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Text that a net can learn a little of, in five files."""
    folder = tmp_path_factory.mktemp("processes") / "shards"
    folder.mkdir()
    draw = random.Random(0)
    for shard in range(5):
        lines = [
            f"the cat number {draw.randrange(90)} sat on mat {shard} and saw dog {i % 50} run ." for i in range(300)
        ]
        (folder / f"{shard}.jsonl").write_text("".join(json.dumps({"text": line}) + "\n" for line in lines), "utf-8")
    return folder


@pytest.fixture(scope="module")
def one(shards):
    run(shards, shards.parent / "one", 1)
    return shards.parent / "one"


@pytest.fixture(scope="module")
def two(shards):
    said = run(shards, shards.parent / "two", 2)
    assert said.count("50 of 50 steps") == 1, "the report is printed once"
    return shards.parent / "two"


def curve(out: Path) -> torch.Tensor:
    """(steps, 4) losses and gradient norms in the order of the log."""
    records = [r for r in read_log(out / "log.jsonl") if r["kind"] == "train"]
    assert [r["step"] for r in records] == list(range(1, 51)), "every step is logged once"
    return torch.tensor([[r[name] for name in ("loss", "mlm_loss", "rtd_loss", "grad_norm")] for r in records])


def same_weights(a: Path, b: Path) -> bool:
    left, right = (load_file(str(f / "model.safetensors")) for f in (a, b))
    assert left.keys() == right.keys()
    return all(torch.allclose(left[name], right[name], atol=1e-4) for name in left)


@pytest.mark.slow
def test_two_processes_learn_as_one_does(one, two):
    assert torch.allclose(curve(one), curve(two), rtol=1e-4)
    assert same_weights(one, two)
    for out in (one, two):
        evaluations = [r["step"] for r in read_log(out / "log.jsonl") if r["kind"] == "evaluation"]
        assert evaluations == [25, 50]
        assert sorted(p.name for p in (out / "checkpoints").glob("step-*")) == [
            "step-00000020",
            "step-00000040",
            "step-00000050",
        ]


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [("two", 1), ("one", 2)])
def test_a_run_goes_on_with_another_number_of_processes(shards, one, two, before, after):
    out = shards.parent / f"{before}-then-{after}"
    shutil.copytree(one if before == "one" else two, out)
    for step in (40, 50):
        shutil.rmtree(out / "checkpoints" / f"step-{step:08d}")
    run(shards, out, after, "--resume")
    assert torch.allclose(curve(out), curve(one), rtol=1e-4)
    assert same_weights(out, one)


@pytest.mark.slow
def test_a_sharded_net_learns_as_a_whole_one_and_streams_as_one_process_does(shards):
    whole, pieces = shards.parent / "stream-one", shards.parent / "stream-two"
    assert "rows of 24 from 4 streams" in run(shards, whole, 1, "--stream")
    run(shards, pieces, 2, "--stream", "--shard")
    assert torch.allclose(curve(whole), curve(pieces), rtol=1e-4)
    assert same_weights(whole, pieces)
    resumed = shards.parent / "stream-resumed"
    shutil.copytree(pieces, resumed)
    shutil.rmtree(resumed / "checkpoints" / "step-00000050")
    run(shards, resumed, 2, "--stream", "--shard", "--resume")
    assert torch.allclose(curve(whole), curve(resumed), rtol=1e-4)
    assert same_weights(whole, resumed)


@pytest.mark.slow
def test_a_signal_to_one_process_stops_both_behind_the_same_step(shards):
    out = shards.parent / "stopped"
    options = [*OPTIONS[:2], "--steps", "100000", *OPTIONS[4:]]
    launcher = command(shards, out, 2, *options)
    deadline = time.monotonic() + 120
    while not list(out.glob("checkpoints/step-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    children = subprocess.run(["pgrep", "-P", str(launcher.pid)], capture_output=True, text=True, check=True)
    os.kill(int(children.stdout.split()[-1]), signal.SIGTERM)
    said, _ = launcher.communicate(timeout=120)
    newest = max(p.name for p in (out / "checkpoints").glob("step-*"))
    assert int(newest.removeprefix("step-")) < 100_000
    assert f"{int(newest.removeprefix('step-')):,} of 100,000 steps" in said


@pytest.mark.slow
def test_two_machines_learn_as_one_does(shards, one):
    """Two launchers that find each other by an address, as on two machines."""
    out, port = shards.parent / "machines", free_port()
    launch = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1", "--master_addr", "127.0.0.1"]
    launch += ["--master_port", str(port)]
    machines = [start([*launch, "--node_rank", str(rank)], shards, out, *OPTIONS) for rank in range(2)]
    said = [machine.communicate(timeout=300)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    assert "in 2 processes" in said[0]
    assert torch.allclose(curve(one), curve(out), rtol=1e-4)
    assert same_weights(one, out)


@pytest.mark.parametrize(
    ("name", "processes", "machines"), [("one_machine", 8, 1), ("two_machines", 16, 2), ("two_cpu_processes", 2, 1)]
)
def test_the_launcher_understands_the_configuration_files(name, processes, machines):
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    command = [
        "--config_file",
        str(DATA / f"{name}.yaml"),
        "--machine_rank",
        str(machines - 1),
        "-m",
        "electra_helpers.cli",
    ]
    arguments, _, _ = _validate_launch_command(
        launch_command_parser().parse_args([*command, "pretrain", "--out", "runs/x"])
    )
    assert (arguments.num_processes, arguments.num_machines, arguments.multi_gpu) == (processes, machines, True)
    assert arguments.machine_rank == machines - 1
    assert arguments.mixed_precision == "no"
    assert arguments.module
    assert arguments.training_script == "electra_helpers.cli"
