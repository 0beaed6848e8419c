"""Random damage to notebooks, zips and portfolios: a row or one line, never a traceback. ELECTRA_FUZZ_SECONDS makes it longer."""

import io
import json
import os
import random
import time
import zipfile

import nbformat
import pytest

from electra_helpers.classroom import runner
from electra_helpers.classroom.submissions import collect
from electra_helpers.errors import ElectraError
from tests.classroom.handed_in import CALLS, solved

SECONDS = float(os.environ.get("ELECTRA_FUZZ_SECONDS", 4))
ODD = [
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "\ud800",
    "\x00\x1b[2J",
    [],
    {},
    [[]],
    {"": None},
    "x" * 10_000,
    "exercise-01.3",
]
CODE = [
    "def pack(",
    "%run x",
    "pack = eh.mine",
    "'''",
    "\n\n",
    "check('01.3', pack)",
    "import *",
    "lambda: (yield)",
    "\\",
    "\t",
]


def damaged(value, rng):
    """A JSON-like value with one part exchanged, dropped or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        return (
            {**value, key: damaged(value[key], rng)}
            if rng.random() < 0.8
            else {k: v for k, v in value.items() if k != key}
        )
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        return [*value[:at], damaged(value[at], rng), *value[at + rng.randrange(2) :]]
    if isinstance(value, str) and rng.random() < 0.6:
        at = rng.randrange(len(value) + 1)
        return value[:at] + rng.choice(CODE) + value[at + rng.randrange(9) :]
    return rng.choice(ODD)


def spoilt(data, rng):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randrange(1, len(data) + 1)] if rng.random() < 0.2 else data)


@pytest.mark.slow
def test_whatever_is_handed_in_costs_a_row_and_no_traceback(original, tmp_path):
    rng, until, rounds = random.Random(time.time_ns()), time.monotonic() + SECONDS, 0
    book = json.loads(nbformat.writes(solved(original, pack=CALLS)))
    seed = rng.getstate()
    while time.monotonic() < until or rounds < 20:
        seed, rounds = rng.getstate(), rounds + 1
        content = book
        for _ in range(rng.randrange(1, 8)):
            content = damaged(content, rng)
        path = tmp_path / "book.ipynb"
        path.write_bytes(
            spoilt(json.dumps(content).encode(), rng) if rng.random() < 0.3 else json.dumps(content).encode()
        )
        said = ""
        job = {"book": str(path), "name": "book.ipynb", "originals": str(tmp_path / "originals")}
        try:
            json.dumps(runner.about(*runner.read(job), job)).encode()
        except ElectraError as error:
            said = str(error)
        assert "\n" not in said, seed
        _hand_in_a_zip(path.read_bytes(), rng, tmp_path / f"room {rounds}")
    assert rounds >= 20


def _hand_in_a_zip(content, rng, room):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice([0, 8, 12, 14])) as packed:
        packed.writestr(rng.choice(["01.ipynb", "a/b.ipynb", "..\\x", "张.ipynb"]), content)
    (room / "in").mkdir(parents=True)
    (room / "in" / "Mallory.zip").write_bytes(spoilt(file.getvalue(), rng))
    (room / "in" / "Ada.ipynb").write_text("{}")
    found = {each.learner: each for each in collect(room / "in", room / "out")}
    assert found["Ada"].notebooks
    assert found["Mallory"].notebooks or found["Mallory"].problem


def test_a_damaged_portfolio_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    import electra_helpers as eh

    monkeypatch.chdir(tmp_path)
    rng, until, rounds = random.Random(time.time_ns()), time.monotonic() + SECONDS / 2, 0
    entry = {"status": "passed", "attempts": 1, "name": "word_ids", "code": "def word_ids(t):\n    return t"}
    whole = {"version": 1, "exercises": {"01.4": entry}, "predictions": {"a": 1}}
    while time.monotonic() < until or rounds < 20:
        rounds += 1
        said = ""
        (tmp_path / "electra_portfolio.json").write_text(json.dumps(damaged(damaged(whole, rng), rng)))
        try:
            eh.progress()
            eh.portfolio("electra_portfolio.json")
            eh.reveal("a", 1.0)
        except ElectraError as error:
            said = str(error)
        assert "\n" not in said
    capsys.readouterr()


def test_a_lone_surrogate_in_a_portfolio_is_no_obstacle(tmp_path, monkeypatch, capsys):
    import electra_helpers as eh

    monkeypatch.chdir(tmp_path)
    whole = {"version": 1, "exercises": {}, "predictions": {"a": "\ud800"}}
    (tmp_path / "electra_portfolio.json").write_text(json.dumps(whole))
    eh.portfolio("electra_portfolio.json")
    eh.reveal("a", 1.0)
    assert "your guess: ?" in capsys.readouterr().out
