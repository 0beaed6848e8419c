"""`--config FILE.yaml` says what flags say, a flag beside it wins, and a key that no option has is refused with the nearest one."""

import json

import pytest
import yaml

from electra_helpers.cli.config_file import read_yaml
from tests.test_cli import TEXT

pytestmark = pytest.mark.usefixtures("own_cache")
SETTINGS = {
    "size": "tiny",
    "steps": 3,
    "batch-size": 4,
    "length": 16,
    "learning_rate": "5e-4",  # which YAML takes for a text: it is read as it is typed
    "vocab_size": 80,
    "eval-rows": 8,
    "hidden-size": 16,
    "num-heads": 2,
    "embedding-size": 16,
    "intermediate-size": 32,
    "validation-share": 0.2,
    "lowercase": False,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(SETTINGS | {"corpus": "text.txt", "out": "by_file"}), "utf-8")
    return tmp_path


def as_flags(settings):
    for name, value in settings.items():
        flag = name.replace("_", "-")
        yield from [f"--no-{flag}"] if value is False else [f"--{flag}", str(value)]


def test_a_run_by_yaml_equals_the_run_by_flags_bit_for_bit(folder, electra):
    by_flags = ["--corpus", "text.txt", "--out", "by_flags", *as_flags(SETTINGS)]
    for arguments in (by_flags, ["--config", "run.yaml"]):
        code, _, errors = electra("pretrain", *arguments)
        assert code == 0, errors
    for name in ("model.safetensors", "config.json", "run.json", "vocab.txt"):
        assert (folder / "by_file" / name).read_bytes() == (folder / "by_flags" / name).read_bytes()


def test_what_is_typed_wins_and_save_config_writes_what_was_used(folder, electra):
    code, _, errors = electra("pretrain", "--config", "run.yaml", "--steps", "2", "--save-config", "used.yaml")
    assert code == 0, errors
    assert json.loads((folder / "by_file/run.json").read_text())["pretrain"]["steps"] == 2
    used = yaml.safe_load((folder / "used.yaml").read_text("utf-8"))
    written = {name.replace("_", "-"): value for name, value in SETTINGS.items()}
    assert used == written | {"corpus": ["text.txt"], "out": "by_file", "steps": 2, "learning-rate": 0.0005}
    code, _, errors = electra("pretrain", "--config", "used.yaml", "--out", "again")
    assert code == 0, errors
    assert (folder / "again/model.safetensors").read_bytes() == (folder / "by_file/model.safetensors").read_bytes()


def test_a_saved_configuration_is_not_written_over_and_not_kept_of_a_command_that_is_refused(folder, electra):
    code, _, errors = electra("pretrain", "--config", "run.yaml", "--save-config", "text.txt")
    assert (code, "text.txt exists already" in errors) == (2, True)
    assert (folder / "text.txt").read_text("utf-8") == TEXT
    assert electra("pretrain", "--config", "run.yaml", "--steps", "-1", "--save-config", "used.yaml")[0] == 2
    assert not (folder / "used.yaml").exists()


WRONG = {
    "steps: 5\nbatchsize: 4\n": "has the key 'batchsize', which is no option of electra pretrain: did you mean batch-size?",
    "qqqqqq: 5\n": "its --help lists them",
    "steps: many\n": "Invalid value for '--steps'",
    "steps: 2.5\n": "Invalid value for '--steps'",
    "steps: 5\nsteps: 6\n": "sets 'steps' twice",
    "lowercase: maybe\n": "lowercase is 'maybe': write true or false",
    "column: no\n": "column is False: write it in quotes",
    "steps: [5, 6]\n": "steps is ['5', '6']: give one value",
    "steps: 1:30\n": "Invalid value for '--steps'",
    "out: !!timestamp 2024-02-30\n": "wrong.yaml is no YAML file of options: day is out of range",
    "steps: {a: 5}\n": "give one value",
    "- steps\n": "write one option on each line",
    "steps: 'a\n": "is no YAML on line",
    "steps: !!python/object/apply:os.getcwd []\n": "is no YAML on line 1",
    "[" * 5_000: "is no YAML",
}


@pytest.mark.parametrize("written", WRONG, ids=lambda text: text[:20].strip())
def test_a_file_that_no_option_takes_is_one_clear_line(written, folder, electra):
    (folder / "wrong.yaml").write_text(written, "utf-8")
    code, _, errors = electra("pretrain", "--config", "wrong.yaml", "--corpus", "text.txt", "--out", "new")
    assert code == 2
    assert WRONG[written] in errors
    assert "Traceback" not in errors
    assert not (folder / "new").exists()


def test_numbers_and_dates_are_read_as_they_are_typed(tmp_path):
    (tmp_path / "a.yaml").write_text("steps: 010\nout: 2024-02-30\nsize: 1.10\nlowercase: false\ncolumn:\n", "utf-8")
    found = read_yaml(tmp_path / "a.yaml")
    assert found == {"steps": "010", "out": "2024-02-30", "size": "1.10", "lowercase": False, "column": None}


def test_a_file_that_is_not_there_is_one_clear_line(folder, electra):
    code, _, errors = electra("pretrain", "--config", "none.yaml", "--out", "new")
    assert (code, errors) == (2, "electra: none.yaml does not exist: --config reads a YAML file of options.\n")


def test_arguments_and_the_options_of_nested_commands_may_stand_in_the_file(folder, electra):
    (folder / "stats.yaml").write_text("source: [text.txt]\njson: true\n", "utf-8")
    code, said, errors = electra("corpus", "stats", "--config", "stats.yaml")
    assert code == 0, errors
    assert json.loads(said)["documents"] == 240
