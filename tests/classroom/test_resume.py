"""Rows are written as they come; an interrupted run leaves its table and nothing else, and `--resume` goes on."""

import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from electra_helpers.classroom import grade as module
from electra_helpers.classroom.journal import Journal, journal_of
from electra_helpers.classroom.watch import Run
from tests.classroom.handed_in import grades, hand_in, solved, with_first

pytestmark = grades
LONG = "a written answer of more than a thousand characters " * 40
ABOUT = {"exercise": "01.3", "title": "Pack", "kind": "build", "detail": "", "fingerprint": "f"}


@pytest.fixture
def quick(original, room, monkeypatch):
    """Three submissions, graded by nobody: every notebook passes at once. Returns whose turn it was."""
    turns = []

    def run(self, book, name, originals, place):
        turns.append(place.name)
        about = {
            "event": "about",
            "original": "01",
            "exercises": [ABOUT],
            "answers": {"07.7": f"words {place.name} \ud83d\n{LONG}"},
        }
        result = {"event": "result", "exercise": "01.3", "status": "passed", "message": "\x1b[31m\ud800"}
        return Run([about, result, {"event": "end", "how": "finished"}], "finished")

    monkeypatch.setattr(module.Runner, "run", run)
    for learner in ("Ada", "Bo", "Cy"):
        hand_in(room, learner, with_first(original, f"# {learner}"))
    return turns


def learners(out):
    return [row["learner"] for row in csv.DictReader(out.open(encoding="utf-8-sig"))]


def test_what_was_graded_is_not_graded_again(quick, room, tmp_path, electra, monkeypatch):
    out, originals = tmp_path / "out" / "grades.csv", tmp_path / "originals"
    assert electra("grade", room, "--notebooks", originals, "--out", out, "--resume")[0] == 2, "nothing to resume"
    went = module.Runner.run

    def interrupted(self, book, name, where, place):
        if place.name == "0002":
            until = time.monotonic() + 20  # another thread writes them
            while learners(out) != ["Ada", "Bo"] and time.monotonic() < until:
                time.sleep(0.01)
            assert learners(out) == ["Ada", "Bo"], "rows are on disk as soon as they are known"
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        return went(self, book, name, where, place)

    monkeypatch.setattr(module.Runner, "run", interrupted)
    code, _, errors = electra("grade", room, "--notebooks", originals, "--out", out)
    assert (code, learners(out)) == (130, ["Ada", "Bo"])
    assert "Stopped after 2 of 3 submissions. Resume it with --resume." in errors
    assert "stopped after 2 of 3" in out.with_suffix(".html").read_text("utf-8")
    monkeypatch.setattr(module.Runner, "run", went)
    with journal_of(out).open("a") as file:
        file.write('{"key": "cut sh')
    quick.clear()
    hand_in(room, "Bo", solved(read_back(room)))  # a new version of an old submission
    assert electra("grade", room, "--notebooks", originals, "--out", out, "--resume")[0] == 0
    assert quick == ["0001", "0002"]
    assert learners(out) == ["Ada", "Bo", "Cy"]
    answers = out.with_name("grades_answers.html").read_text("utf-8")
    assert "words 0000 ?\n" in answers, "half of a pair of \\u escapes is no character that a file could hold"
    assert answers.count(LONG) == 3, "a written answer is shown whole"
    assert not journal_of(out).exists()


def read_back(room):
    import nbformat

    return nbformat.read(next((room / "Bo").glob("*.ipynb")), as_version=4)


def test_another_profile_is_not_resumed(quick, room, tmp_path, electra):
    out = tmp_path / "grades.csv"
    journal_of(out).write_text('{"made_with": "other notebooks"}\n')
    code, _, errors = electra("grade", room, "--notebooks", tmp_path / "originals", "--out", out, "--resume")
    assert code == 2
    assert "without --resume" in errors


@pytest.mark.parametrize("changed", [("--minutes", "9"), ("--memory", "2"), ("--disk", "1"), ("--cell-seconds", "60")])
def test_other_limits_are_not_resumed(changed, quick, room, tmp_path, electra, monkeypatch):
    words = ["grade", room, "--notebooks", tmp_path / "originals", "--out", tmp_path / "grades.csv"]
    monkeypatch.setattr(Journal, "done", lambda self: None)  # as if it had been interrupted
    assert electra(*words)[0] == 0
    quick.clear()
    code, _, errors = electra(*words, "--resume", *changed)
    assert (code, quick) == (2, [])
    assert "is of other notebooks, limits, --profile or --container" in errors
    assert (electra(*words, "--resume")[0], quick) == (0, [])


def test_nothing_in_a_table_reaches_the_terminal_or_breaks_the_file(quick, room, tmp_path, electra):
    hand_in(room, "Eve\x1b[2J", read_back(room))
    code, _, errors = electra("grade", room, "--notebooks", tmp_path / "originals", "--out", tmp_path / "g.csv")
    assert code == 0
    text = (tmp_path / "g.csv").read_text("utf-8-sig")
    assert "\x1b" not in text + errors
    assert text.count("passed") == 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_stopped_grader_leaves_no_process_and_no_folder(original, room, tmp_path, how):
    hand_in(room, "Ada", with_first(solved(original), "import time\nopen('begun', 'w')\ntime.sleep(300)"))
    words = ["grade", str(room), "--notebooks", str(tmp_path / "originals"), "--out", str(tmp_path / "g.csv")]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-m", "electra_helpers.cli", *words, "--cell-seconds", "300"]
    grader = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(temporary)}, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 200
    while not started(grader) and time.monotonic() < until:
        time.sleep(0.5)
    theirs = started(grader)
    assert theirs
    time.sleep(3)
    grader.send_signal(how)
    began = time.monotonic()
    assert grader.wait(30) == (130 if how != signal.SIGKILL else -9)
    while any(each.is_running() for each in theirs) and time.monotonic() < began + 20:
        time.sleep(0.1)
    assert not [each for each in theirs if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    if how != signal.SIGKILL:
        assert list(temporary.iterdir()) == []
        assert (tmp_path / "g.csv").read_text("utf-8-sig").startswith("learner,id")


def started(grader):
    """The learner's processes of a grader."""
    try:
        every = psutil.Process(grader.pid).children(recursive=True)
        return every if any("classroom.worker" in " ".join(each.cmdline()) for each in every) else []
    except psutil.Error:
        return []


def test_the_temporary_folder_goes_when_the_table_is_written(quick, room, tmp_path, electra, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    assert electra("grade", room, "--notebooks", tmp_path / "originals", "--out", tmp_path / "g.csv")[0] == 0
    assert list(Path(tmp_path / "tmp").iterdir()) == []
