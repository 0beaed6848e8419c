"""`--log-with` sends what log.jsonl holds to a tracker, through accelerate: shown by what the tracker was given."""

import json
from collections import defaultdict

import pytest
from accelerate import tracking

from tests.test_cli import BEGUN, SHAPE, TEXT

pytestmark = pytest.mark.usefixtures("own_cache")
# What is asked of the two packages, and no more: each call becomes a line of sent.jsonl in the current folder.
TENSORBOARD = """
import json

class SummaryWriter:
    def __init__(self, folder, **how): self.send("folder", folder=folder, how=how)
    def send(self, what, **values): open("sent.jsonl", "a").write(json.dumps({"what": what} | values) + "\\n")
    def add_hparams(self, values, metric_dict): self.send("settings", values=values)
    def add_scalar(self, name, value, global_step): self.send("value", name=name, value=value, step=global_step)
    def flush(self): pass
    def close(self): self.send("closed")
"""
WANDB = """
import json

def send(what, **values): open("sent.jsonl", "a").write(json.dumps({"what": what} | values) + "\\n")

class Run:
    def log(self, values, step): [send("value", name=name, value=v, step=step) for name, v in values.items()]
    def finish(self): send("closed")

class config:
    def update(values, allow_val_change): send("settings", values=values)

def init(project, **how):
    send("folder", folder=project, how=how)
    return Run()
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Make one of the two packages there, the other not, and read what it was sent."""
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    monkeypatch.chdir(tmp_path)

    def make(name):
        package, source = {"tensorboard": ("tensorboardX", TENSORBOARD), "wandb": ("wandb", WANDB)}[name]
        (tmp_path / "packages").mkdir()
        (tmp_path / f"packages/{package}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path / "packages")
        monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
        monkeypatch.delitem(__import__("sys").modules, package, raising=False)
        monkeypatch.setattr(tracking, "_available_trackers", [tracking.LoggerType(name)])

    def sent():
        return [json.loads(line) for line in (tmp_path / "sent.jsonl").read_text().splitlines()]

    return make, sent


def by_step(records):
    """{kind/name: {step: value}} of a log.jsonl."""
    found = defaultdict(dict)
    for record in records:
        for name in set(record) - {"kind", "step"}:
            found[f"{record['kind']}/{name}"][record["step"]] = record[name]
    return found


def logged(folder):
    return by_step(map(json.loads, (folder / "log.jsonl").read_text().splitlines()))


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_pretraining_sends_every_value_of_its_log(name, stand_in, electra, tmp_path):
    make, sent = stand_in
    make(name)
    small = [*BEGUN, *SHAPE, "--vocab-size", "80", "--validation-share", "0.2", "--log-every", "2"]
    code, _, errors = electra("pretrain", "--corpus", "text.txt", "--out", "run", *small, "--log-with", name)
    assert code == 0, errors
    values = defaultdict(dict)
    for each in (each for each in sent() if each["what"] == "value"):
        values[each["name"]][each["step"]] = each["value"]
    assert values == logged(tmp_path / "run")
    (begun,) = [each for each in sent() if each["what"] == "folder"]
    assert begun["folder"] == ("run/tensorboard/run" if name == "tensorboard" else "electra")
    (settings,) = [each["values"] for each in sent() if each["what"] == "settings"]
    assert (settings["steps"], settings["corpus"], settings["size"]) == (6, "text.txt", "tiny")
    assert sent()[-1]["what"] == "closed"


def test_a_resumed_run_takes_back_what_came_after_its_checkpoint(stand_in, electra):
    make, sent = stand_in
    make("tensorboard")
    small = [*BEGUN, *SHAPE, "--vocab-size", "80", "--validation-share", "0.2"]
    electra("pretrain", "--corpus", "text.txt", "--out", "run", *small, "--log-with", "tensorboard")
    code, _, errors = electra("pretrain", "--resume", "--out", "run", "--steps", "8", "--log-with", "tensorboard")
    assert code == 0, errors
    first, second = [each["how"] for each in sent() if each["what"] == "folder"]
    assert (first, second) == ({}, {"purge_step": 7})


def test_a_fine_tuning_logs_each_seed_under_its_own_name(stand_in, electra, tmp_path):
    make, sent = stand_in
    make("tensorboard")
    rows = [{"text": f"{word} {n}", "label": word} for word in ("good", "bad") for n in range(10)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    begun = (
        "finetune",
        "classification",
        "--model",
        "electra-tiny-world-en",
        "--train",
        "rows.jsonl",
        "--out",
        "tuned",
    )
    code, _, errors = electra(*begun, "--steps", "2", "--seeds", "2", "--log-with", "tensorboard")
    assert code == 0, errors
    folders = [each["folder"] for each in sent() if each["what"] == "folder"]
    assert folders == [f"tuned/tensorboard/tuned-seed-{seed}" for seed in (0, 1)]
    assert {"train/loss", "evaluation/accuracy"} <= {each["name"] for each in sent() if each["what"] == "value"}


def test_a_tracker_that_is_not_there_is_one_clear_line(electra, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    begun = ("pretrain", "--corpus", "world", "--out", tmp_path / "out", "--log-with")
    code, _, errors = electra(*begun, "wandb")
    assert (code, errors) == (2, "electra: --log-with wandb needs a package that is not installed: pip install wandb\n")
    code, _, errors = electra(*begun, "paper")
    assert (code, errors) == (2, "electra: There is no --log-with 'paper': choose one of tensorboard, wandb.\n")
    assert not (tmp_path / "out").exists()


def test_tensorboard_itself_reads_what_was_written(electra, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    small = [*BEGUN, *SHAPE, "--vocab-size", "80", "--validation-share", "0.2", "--log-every", "2"]
    out = tmp_path / "run"
    code, _, errors = electra(
        "pretrain", "--corpus", tmp_path / "text.txt", "--out", out, *small, "--log-with", "tensorboard"
    )
    assert code == 0, errors
    events = accumulator.EventAccumulator(str(out / "tensorboard/run"))
    events.Reload()
    for name, values in logged(out).items():
        found = {each.step: each.value for each in events.Scalars(name)}
        assert found == pytest.approx(values, rel=1e-6)
