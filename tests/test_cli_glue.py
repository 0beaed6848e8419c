"""`electra finetune glue` and `electra evaluate glue`: one table from a folder of files, on after SIGKILL, and mistakes in one line."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import electra_helpers
from tests.glue_files import write_hub, write_own

MODEL = "electra-tiny-world-en"
QUICK = ["--steps", "2", "--batch-size", "4", "--device", "cpu", "--length", "24"]


@pytest.fixture
def data(tmp_path):
    return write_own(tmp_path / "glue", ("cola", "mrpc", "stsb", "rte"))


@pytest.fixture
def tuned(electra, data, tmp_path):
    arguments = ["--model", MODEL, "--data", data, "--tasks", "cola,STS-B", "--seeds", "2", "--out", tmp_path / "out"]
    code, said, errors = electra("finetune", "glue", *arguments, *QUICK)
    assert code == 0, errors
    return tmp_path / "out", said, errors


def test_one_command_gives_one_table_beside_the_published_numbers(tuned):
    out, said, errors = tuned
    assert "| task " in said
    assert "| CoLA " in said
    assert "Spearman" in said
    assert "57.0" in said
    assert "RTE is missing: not among --tasks." in said
    assert "QQP is missing" in said
    assert "no folder for it" in said
    assert "median of 2 runs" in said
    assert "8 rows for classification, labels unacceptable (4), acceptable (4)" in errors
    assert "16 rows for classification, labels on a scale" in errors
    assert said.rstrip().removesuffix("\n") == (out / "results.md").read_text("utf-8").rstrip()
    found = json.loads((out / "results.json").read_text("utf-8"))
    assert (found["model"], list(found["tasks"])) == (MODEL, ["cola", "stsb"])


def test_evaluating_prints_the_same_table_of_what_is_asked(tuned, electra, data):
    out, said, _ = tuned
    code, again, _ = electra("evaluate", "glue", "--model", out, "--data", data, "--tasks", "cola")
    row = next(line for line in said.splitlines() if line.startswith("| CoLA"))
    assert code == 0
    assert [line.split() for line in again.splitlines() if "CoLA" in line] == [row.split()]
    found = json.loads(electra("evaluate", "glue", "--model", out, "--data", data, "--json")[1])
    assert list(found["tasks"]) == ["cola", "stsb"]


def test_a_model_of_the_suite_predicts_like_any_other(tuned, electra, tmp_path):
    out, *_ = tuned
    (tmp_path / "in.csv").write_text("sentence\nAnna sang.\n", "utf-8")
    code, *_ = electra(
        "predict", "--model", out / "cola", "--input", tmp_path / "in.csv", "--output", tmp_path / "o.jsonl"
    )
    assert code == 0
    assert json.loads((tmp_path / "o.jsonl").read_text())["predicted_label"] in ("acceptable", "unacceptable")


def test_check_tells_rows_steps_and_time_of_every_task_and_writes_nothing(electra, data, tmp_path):
    code, said, _ = electra(
        "finetune",
        "glue",
        "--model",
        MODEL,
        "--data",
        data,
        "--tasks",
        "rte,mrpc",
        "--out",
        tmp_path / "out",
        "--check",
    )
    assert code == 0
    assert said.index("MRPC:") < said.index("RTE:")
    assert said.count("Steps: ") == said.count("Time: ") == 2
    assert "16 rows for classification" in said
    assert "Checked only: nothing was trained" in said
    assert not (tmp_path / "out").exists()


BAD = {
    "unknown task": (["--tasks", "cola,wnli"], "There is no task 'wnli' in this suite"),
    "missing folder": (["--tasks", "cola,qqp"], "has no folder for QQP"),
    "no folder": (["--data", "gone"], "gone is no folder"),
    "nothing to resume": (["--resume"], "There is no run of GLUE in"),
    "used folder": (["--out", "{data}"], "is not empty: choose another --out"),
    "bad setting": (["--layer-decay", "1.5"], "layer_decay is 1.5"),
    "idle": (["--steps", "2", "--epochs", "1"], "--epochs does nothing"),
    "too long": (["--length", "500"], "--length 500 is more than"),
    "no model": (["--model", "gone"], "gone"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes_are_one_line_and_leave_nothing_behind(name, electra, data, tmp_path):
    given, word = BAD[name]
    arguments = [each.format(data=data) for each in given]
    for option, value in (("--model", MODEL), ("--data", data), ("--out", tmp_path / "out")):
        arguments += [] if option in arguments else [option, value]
    code, said, complaint = electra("finetune", "glue", *arguments)
    assert (code, said) == (2, "")
    assert complaint.count("\n") == 1
    assert word in complaint
    assert not (tmp_path / "out").exists()


def test_evaluating_what_is_no_run_of_glue_is_one_line(electra, data, tmp_path):
    for model, split, word in (
        (tmp_path, "validation", "no run of GLUE in"),
        (tmp_path, "dev", "choose validation or test"),
    ):
        code, _, complaint = electra("evaluate", "glue", "--model", model, "--data", data, "--split", split)
        assert (code, complaint.count("\n")) == (2, 1)
        assert word in complaint


def test_the_two_commands_stand_beside_those_of_a_task(electra):
    said = electra("--help")[1]
    assert "  finetune glue " in said
    assert "--data" in electra("finetune", "glue", "--help")[1]
    assert "--train" in electra("finetune", "--help")[1]
    code, _, complaint = electra("finetune", "glue.tsv", "--model", MODEL, "--train", "x", "--out", "y")
    assert (code, "There is no task 'glue.tsv'" in complaint) == (2, True)


def test_options_come_from_a_file(electra, data, tmp_path):
    (tmp_path / "glue.yaml").write_text(f"model: {MODEL}\ndata: {data}\ntasks: rte\nsteps: 1\ndevice: cpu\n", "utf-8")
    code, said, errors = electra("finetune", "glue", "--config", tmp_path / "glue.yaml", "--out", tmp_path / "out")
    assert code == 0, errors
    assert "| RTE " in said


SUITE = ["--tasks", "cola,mnli,rte", "--seeds", "2", "--epochs", "6", "--save-every", "3", "--batch-size", "4"]
KILLS = 8


def start(folder, out, *more):
    command = [sys.executable, "-m", "electra_helpers.cli", "finetune", "glue", "--model", MODEL, "--device", "cpu"]
    environment = os.environ | {
        "PYTHONPATH": str(Path(electra_helpers.__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [*command, "--data", str(folder / "glue"), "--out", str(out), *SUITE, *more],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_suite_that_is_killed_at_any_task_or_seed_ends_with_the_same_report(tmp_path):
    """One is killed as soon as each file of a run is there: between tasks, between seeds, in a seed, while the other half is scored."""
    write_hub(tmp_path / "glue", ("cola", "mnli", "rte"), count=12)
    began = time.monotonic()
    whole = start(tmp_path, tmp_path / "whole")
    assert whole.wait(600) == 0, whole.stderr.read()
    wanted = json.loads((tmp_path / "whole" / "results.json").read_text("utf-8"))
    moments = [
        *("run.json", "cola/run.json", "cola/seeds/0/log.jsonl", "cola/seeds/0/result.json", "cola/results.json"),
        *("mnli/seeds/1/checkpoints", "mnli/also_scored/0.json", "rte/seeds/1/result.json"),
    ]
    assert len(moments) == KILLS
    out, killed, draw = tmp_path / "out", 0, random.Random(0)
    for number, moment in enumerate(moments):
        process = start(tmp_path, out, *(["--resume"] if number else []))
        while not (out / moment).exists():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < began + 1200, f"{moment} never came"
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        killed += process.wait(30) == -signal.SIGKILL
    last = start(tmp_path, out, "--resume")
    assert last.wait(600) == 0, last.stderr.read()
    assert json.loads((out / "results.json").read_text("utf-8")) == wanted
    assert killed == KILLS
    assert (out / "results.md").read_text("utf-8") == (tmp_path / "whole" / "results.md").read_text("utf-8")
