"""`electra grade`: the table is right for every kind of submission, and each costs only itself."""

import csv
import os
from types import SimpleNamespace

import pytest

from electra_helpers.classroom import jail, watch
from electra_helpers.classroom.grade import grade
from electra_helpers.classroom.transplant import checked_in, exercise_of
from electra_helpers.classroom.watch import Limits, Run
from tests.classroom.handed_in import (
    CALLS,
    PACK,
    RENAMED,
    WORD_IDS,
    as_colab_saves,
    grades,
    hand_in,
    solved,
    with_first,
    without,
)

pytestmark = grades
WRONG = WORD_IDS.replace('last += not token.startswith("##")', "last += 1")
LIMITS = Limits(seconds=60, cell_seconds=6, memory_gb=2.0)
NO_CHECK = "import electra_helpers as eh\nfrom electra_helpers.course import grading\n"
CHEAT = NO_CHECK + "grading.judge = lambda *a, **k: grading.Verdict('passed', '')\neh.check = lambda i, x: x"

PRINTS = """
def word_ids(tokens):
    os.environ["ELECTRA_STRICT"] = "0"
    print("01.4 · passed.")
    return [0] * len(tokens)
"""


def table(made):
    return {(row.learner, row.exercise): (row.status, row.code) for row in made.rows}


def row_of(made, learner, exercise):
    return next(row for row in made.rows if (row.learner, row.exercise) == (learner, exercise))


def test_one_exercise_right_one_wrong_and_the_checks_deleted(original, room, tmp_path):
    mixed = solved(original, word_ids=WRONG)
    hand_in(room, "Ada", without(mixed, checked_in))
    made = grade(room, tmp_path / "originals", limits=LIMITS)
    assert table(made) == {("Ada", "01.3"): ("passed", "own"), ("Ada", "01.4"): ("failed", "own")}
    assert "##" in row_of(made, "Ada", "01.4").message, "the check's own sentence names the misconception"


def test_what_the_grader_stumbles_over_costs_only_that_submission(original, room, tmp_path, monkeypatch):
    from electra_helpers.classroom import grade as module

    def stumble(self, book, name, originals, place):
        if place.name == "0000":
            raise RuntimeError("odd\x1b[31m")
        return Run([{"event": "end", "how": "not a notebook", "message": "no JSON"}], "not a notebook")

    hand_in(room, "Ada", original)
    hand_in(room, "Bo", original)
    monkeypatch.setattr(module.Runner, "run", stumble)
    rows = grade(room, tmp_path / "originals").rows
    assert [(row.learner, row.status) for row in rows] == [("Ada", "not graded"), ("Bo", "not a notebook")]
    assert "RuntimeError: odd" in rows[0].message
    assert "\x1b" not in rows[0].message


SAME, OWN = ("passed", "same code as another"), ("passed", "own")
# What becomes of each learner of the test below: exercise → status and whose code.
FATES = {
    "all right": {"01.3": SAME, "01.4": OWN},
    "one wrong": {"01.3": SAME, "01.4": ("failed", "own")},
    "untouched": {"01.3": ("not attempted", ""), "01.4": ("not attempted", "")},
    "endless": {"01.3": SAME, "01.4": OWN},  # the cell is stopped; what it defined before counts
    "endless function": {"01.3": SAME, "01.4": ("failed", "own")},
    "stubborn": {"01.3": ("time is up", "same code as another"), "01.4": ("time is up", "own")},
    "exits": {"01.3": SAME, "01.4": ("crashed", "own")},
    "allocates": {"01.3": SAME, "01.4": ("out of memory", "own")},
    "deletes": {"01.3": SAME, "01.4": OWN},
    "calls out": {"01.3": SAME, "01.4": OWN},
    "calls the package": {"01.3": ("passed", "calls the package"), "01.4": OWN},
    "copies": {"01.3": SAME, "01.4": OWN},
    "exchanges checks": {"01.3": SAME, "01.4": ("failed", "own")},
    "prints passed": {"01.3": SAME, "01.4": ("failed", "own")},
    "from colab": {"01.3": SAME, "01.4": OWN},
    "no stub": {"01.3": SAME, "01.4": ("not attempted", "")},
    "not a notebook": {"": ("not a notebook", "")},
    "only text": {"": ("not a notebook", "")},
}


@pytest.mark.slow
def test_the_table_is_right_and_each_submission_costs_only_itself(original, room, tmp_path, electra):
    victim = tmp_path / "victim.txt"
    victim.write_text("of someone else")
    delete = "import shutil, pathlib\nshutil.rmtree('.', ignore_errors=True)\nshutil.rmtree(pathlib.Path.home())"
    delete += f"\npathlib.Path({str(victim)!r}).unlink()"
    network = "import urllib.request\nurllib.request.urlopen('http://example.com/')"
    right = solved(original)
    hand_in(room, "all right", right)
    hand_in(room, "one wrong", solved(original, word_ids=WRONG))
    hand_in(room, "untouched", original)
    hand_in(room, "endless", solved(original, pack=f"{PACK}\nwhile True:\n    pass"))
    hand_in(room, "endless function", solved(original, word_ids="def word_ids(tokens):\n    while True:\n        pass"))
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
    hand_in(room, "stubborn", with_first(right, stubborn))
    hand_in(room, "exits", solved(original, word_ids=f"{WORD_IDS}\nimport os\nos._exit(0)"))
    hand_in(room, "allocates", solved(original, word_ids=f"{WORD_IDS}\nbig = b'x' * (10 * 2**30)"))
    hand_in(room, "deletes", with_first(right, delete))
    hand_in(room, "calls out", with_first(right, network))
    hand_in(room, "calls the package", solved(original, pack=CALLS))
    hand_in(room, "copies", solved(original, pack=RENAMED))
    hand_in(room, "exchanges checks", with_first(solved(original, word_ids=WRONG), CHEAT))
    hand_in(room, "prints passed", solved(original, word_ids=f"import os\n{PRINTS}"))
    hand_in(room, "from colab", as_colab_saves(solved(original, pack=f"# of my own\n{PACK.replace('size', 'n')}")))
    hand_in(room, "no stub", without(right, lambda cell: exercise_of(cell) == "01.4"))
    hand_in(room, "not a notebook", "{ this is no notebook")
    (room / "only text").mkdir()
    (room / "only text" / "essay.txt").write_text("words")
    out = tmp_path / "out" / "grades.csv"
    options = ["--cell-seconds", 6, "--minutes", 1, "--memory", 2, "--jobs", 2]
    code, said, errors = electra("grade", room, "--notebooks", tmp_path / "originals", "--out", out, *options)
    assert code == 0, errors
    rows = list(csv.DictReader(out.open(encoding="utf-8-sig")))
    found = {learner: {} for learner in {row["learner"] for row in rows}}
    for row in rows:
        found[row["learner"]][row["exercise"]] = (row["status"], row["code"])
    assert found == FATES
    notes = {row["learner"]: row["notes"] for row in rows}
    assert notes["calls out"] == "tried the network (example.com)"
    assert "a cell was stopped after 6 s" in notes["endless"]
    assert "ended: out of memory" in notes["allocates"]
    if jail.isolation() == jail.FULL:
        assert victim.read_text() == "of someone else"
    assert jail.SAID[jail.isolation()] in out.with_suffix(".html").read_text("utf-8")
    assert said.split() == [str(out), str(out.with_suffix(".html")), str(out.with_name("grades_answers.html"))]


def test_what_a_notebook_wrote_is_counted_over_all_folders_and_without_blocks(tmp_path, monkeypatch):
    for folder in range(5):
        (tmp_path / str(folder)).mkdir()
        for name in range(4):
            (tmp_path / str(folder) / str(name)).write_bytes(b"x" * 1000)
    assert watch._bytes_in(tmp_path, most_files=26) >= 20_000  # 20 files in 6 folders
    assert watch._bytes_in(tmp_path, most_files=25) == float("inf")
    lstat = os.lstat

    def without_blocks(path, **how):  # as Windows says it
        found = lstat(path, **how)
        return SimpleNamespace(st_size=found.st_size, st_mode=found.st_mode)

    monkeypatch.setattr(os, "lstat", without_blocks)
    assert watch._bytes_in(tmp_path) == 20_000


def test_after_an_error_of_the_grader_the_next_learner_gets_a_process_of_their_own(
    original, room, tmp_path, monkeypatch
):
    """The first notebook is broken off by an error of ours while it runs: what it says later is nobody else's."""
    exceeded, calls = watch.Runner._exceeded, []

    def fails_once(self, run, place):
        calls.append(self.process.pid)
        if len(calls) == 1:
            raise AttributeError("st_blocks")
        return exceeded(self, run, place)

    monkeypatch.setattr(watch.Runner, "_exceeded", fails_once)
    hand_in(room, "Ada", original)
    hand_in(room, "Bo", solved(original))
    made = grade(room, tmp_path / "originals")
    assert [(row.learner, row.status) for row in made.rows] == [
        ("Ada", "not graded"),
        ("Bo", "passed"),
        ("Bo", "passed"),
    ]
    assert "AttributeError: st_blocks" in made.rows[0].message
    assert calls[0] not in calls[1:]
