"""Files that hurt: each costs one line of at most 400 characters, within two seconds and 500 MB, and nothing that a terminal obeys."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from electra_helpers.resources import bundled_models
from electra_helpers.terminal import error_line, printable
from tests.pace import within

RUN = "import sys; from electra_helpers.cli import main; main()"
MODEL = "electra-tiny-world-en"


def measured(*arguments, cwd=None):
    """Run the command in a process of its own: (exit code, standard error, CPU seconds, MB at its largest)."""
    # The child measures itself: what it counts of its children is nothing of other tests.
    code = (
        "import atexit, resource, sys\n"
        "def end():\n"
        "    u = resource.getrusage(resource.RUSAGE_SELF)\n"
        # ru_maxrss would start at what the test's own process holds; VmHWM starts anew with the program.
        "    peak = int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "    print(u.ru_utime + u.ru_stime, peak // 1024, 'torch' in sys.modules, file=sys.stdout)\n"
        f"atexit.register(end)\n{RUN}"
    )
    root = str(Path(__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": root},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30)),
    )
    seconds, megabytes, loaded_torch = done.stdout.split()[-3:]
    return done.returncode, done.stderr, float(seconds), int(megabytes), loaded_torch == "True"


def assert_one_line(errors: str) -> None:
    lines = errors.splitlines()
    assert len(lines) == 1, errors
    assert len(lines[0]) <= 400
    assert lines[0].startswith("electra: ")
    assert printable(lines[0]) == lines[0]


@pytest.fixture
def model(tmp_path):
    shutil.copytree(bundled_models()[MODEL], tmp_path / "model")
    return tmp_path / "model"


def with_shape(model, **changed):
    config = json.loads((model / "config.json").read_text())
    config["model"] |= changed
    (model / "config.json").write_text(json.dumps(config))


def with_vocabulary(model, change):
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    change(tokenizer["model"]["vocab"])
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))


def three_million_lines(model):
    (model / "tokenizer.json").unlink()
    with open(model / "vocab.txt", "w") as file:
        file.write("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
        file.writelines(f"w{i}\n" for i in range(3_000_000))


def three_million_entries(model):
    with_vocabulary(model, lambda vocab: vocab.update({f"w{i}": 1_000 + i for i in range(3_000_000)}))


def header_of_a_terabyte(model):
    path = model / "model.safetensors"
    path.write_bytes((1 << 40).to_bytes(8, "little") + path.read_bytes()[8:])


HARM = {
    "hidden_size 10^9": (lambda m: with_shape(m, hidden_size=10**9), "hidden_size is 1000000000"),
    "hidden_size that is allowed": (lambda m: with_shape(m, hidden_size=960_000), r"shape \(288, 96\)"),
    "num_layers 10^7": (lambda m: with_shape(m, num_layers=10**7), "num_layers is 10000000"),
    "num_layers that are allowed": (lambda m: with_shape(m, num_layers=10_000), "of 2 layers, it asks for 10,000"),
    "vocabulary of the net": (lambda m: with_shape(m, vocab_size=9_999_999), r"shape \(934, 96\)"),
    "positions": (lambda m: with_shape(m, max_positions=999_999), r"shape \(192, 96\)"),
    "feed-forward": (lambda m: with_shape(m, intermediate_size=999_999), r"shape \(96, 96\)"),
    "mask_id 10^6": (lambda m: with_shape(m, mask_id=10**6), "mask_id 1000000, the vocabulary beside it 4"),
    "one id of 10^9": (lambda m: with_vocabulary(m, lambda v: v.update(zebra=10**9)), "'zebra' the id 1000000000"),
    "ids beyond the table": (
        lambda m: with_vocabulary(m, lambda v: v.update(zebra=9_999)),
        "a table of 934|table of 934 rows",
    ),
    "an id below zero": (lambda m: with_vocabulary(m, lambda v: v.update(zebra=-1)), "'zebra' the id -1"),
    "3 million lines": (three_million_lines, "more than 1,000,000 lines"),
    "3 million entries": (three_million_entries, "more than 1,000,000 tokens"),
    "a header of a terabyte": (header_of_a_terabyte, "damaged"),
    "a size that is a text": (lambda m: with_shape(m, hidden_size="96"), "hidden_size is '96': give a whole number"),
    "a size that is true": (lambda m: with_shape(m, num_layers=True), "num_layers is True"),
    "an unknown entry": (lambda m: with_shape(m, colour="red"), "'colour'"),
    "nested": (lambda m: (m / "config.json").write_text("[" * 100_000), "nested too deep"),
    "a pipe": (lambda m: ((m / "config.json").unlink(), os.mkfifo(m / "config.json")), "no plain file"),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_model_that_would_hurt_is_one_line_in_two_seconds_and_500_mb(harm, model):
    import re

    do, said = HARM[harm]
    do(model)
    code, errors, seconds, megabytes, _ = measured("inspect", "Hello.", "--model", model)
    assert code == 2
    assert_one_line(errors)
    assert re.search(said, errors), errors
    assert within(seconds, 2)
    assert megabytes < 500


ESCAPES = ["\x1b[2J", "\x9b2J", "\r", "\x07", "\x08", "\u202e", "\u2066", "\x7f", "\x1b]0;owned\x07"]


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda e: ascii(e))
def test_what_a_terminal_obeys_is_shown_in_errors(escape, electra, tmp_path):
    named = tmp_path / f"a{escape}b.jsonl"
    named.write_text(json.dumps({f"col{escape}umn": 1, "other": 2}) + "\n")
    for arguments in (
        ["corpus", "stats", f"no{escape}where.txt"],
        ["corpus", "stats", named],
        ["inspect", "Hello.", "--model", f"no{escape}where"],
        ["inspect", "Hello.", f"--no{escape}thing"],
    ):
        code, said, errors = electra(*arguments)
        assert code == 2
        assert printable(said + errors) == said + errors


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda e: ascii(e))
def test_what_a_terminal_obeys_is_shown_in_tokens(escape, electra, model):
    with_vocabulary(model, lambda vocab: vocab.update({f"x{escape}": vocab.pop("your")}))
    for arguments in (["inspect", f"x{escape} y", "--model", model], ["corrupt", f"x{escape} y", "--model", model]):
        for form in ([], ["--json"]):
            code, said, errors = electra(*arguments, *form)
            assert code == 0, errors
            assert printable(said + errors) == said + errors


def test_an_error_keeps_its_beginning_and_its_advice_in_400_characters():
    line = error_line("electra: " + "x" * 5_000 + " choose another --out.")
    assert len(line) == 400
    assert line.startswith("electra: xxx")
    assert line.endswith("choose another --out.")


def test_a_long_list_of_columns_is_cut(electra, tmp_path):
    (tmp_path / "wide.csv").write_text(",".join(f"column{i}" for i in range(5_000)) + "\n" + "x," * 4_999 + "x\n")
    code, _, errors = electra("corpus", "stats", tmp_path / "wide.csv")
    assert code == 2
    assert_one_line(errors)
