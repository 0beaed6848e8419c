"""Real nbgrader, in an environment of its own: its autograde gives a right submission all points and a wrong one none for the mistake."""

import csv
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest

from tests.classroom.handed_in import WORD_IDS, short_original, solved
from tests.notebooks.form import ROOT, set_points

VERSION = "0.9.6"
CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'electra'\nc.Execute.timeout = 300\n"


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """nbgrader's command in a new environment that sees the packages of this one; skipped, saying so, without an index."""
    room = tmp_path_factory.mktemp("nbgrader")
    subprocess.run([sys.executable, "-m", "venv", str(room / "venv")], check=True)
    python = room / "venv" / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    Path(site, "here.pth").write_text(sysconfig.get_path("purelib"))
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"nbgrader=={VERSION}"]
    made = subprocess.run(install, capture_output=True, text=True, timeout=900)
    if made.returncode and "No matching distribution" in made.stderr + made.stdout:
        pytest.skip(f"nbgrader {VERSION} cannot be had: no package index is within reach")
    assert made.returncode == 0, made.stderr
    return python


@pytest.mark.parametrize("mode", ["autograde", "validate"])
def test_under_nbgrader_every_check_is_strict(mode, monkeypatch, tmp_path):
    import electra_helpers as eh
    from electra_helpers.course.engine.grading import ExerciseFailed

    monkeypatch.delenv("ELECTRA_STRICT", raising=False)
    monkeypatch.setenv("ELECTRA_PORTFOLIO", str(tmp_path / "portfolio.json"))
    eh.check("00.2", None)
    monkeypatch.setenv("NBGRADER_EXECUTION", mode)
    with pytest.raises(ExerciseFailed, match=r"00\.2 is not attempted"):
        eh.check("00.2", None)


@pytest.mark.slow
def test_autograde_gives_points_for_what_is_right(nbgrader, tmp_path):
    course = tmp_path / "course"
    book = short_original(course / "source" / "ps1")
    for cell in book.cells:
        set_points(cell)
    nbformat.write(book, course / "source" / "ps1" / "01_text_to_batches.ipynb")
    (course / "nbgrader_config.py").write_text(CONFIG)
    env = {name: value for name, value in os.environ.items() if name not in ("ELECTRA_STRICT", "ELECTRA_PORTFOLIO")}
    env |= {
        "PYTHONPATH": str(ROOT),
        "ELECTRA_PROFILE": "smoke",
        "HOME": str(tmp_path),
        "JUPYTER_CONFIG_DIR": str(tmp_path),
    }

    env["PATH"] = f"{nbgrader.parent}{os.pathsep}{env['PATH']}"  # it calls alembic by its name

    def run(*command):
        done = subprocess.run(
            [nbgrader, "-m", "nbgrader", *command], cwd=course, env=env, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stderr[-3000:]

    run("generate_assignment", "ps1", "--create")
    released = nbformat.read(course / "release" / "ps1" / "01_text_to_batches.ipynb", as_version=4)
    assert "raise NotImplementedError" in "".join(cell.source for cell in released.cells), "the stubs are still there"
    wrong = WORD_IDS.replace('last += not token.startswith("##")', "last += 1")
    for learner, handed_in in {
        "right": solved(released),
        "wrong": solved(released, word_ids=wrong),
        "untouched": released,
    }.items():
        folder = course / "submitted" / learner / "ps1"
        folder.mkdir(parents=True)
        nbformat.write(handed_in, folder / "01_text_to_batches.ipynb")
    run("autograde", "ps1", "--create")
    run("export", "--to", "grades.csv")
    rows = list(csv.DictReader((course / "grades.csv").open()))
    found = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in rows}
    assert found == {"right": (2.0, 2.0), "wrong": (1.0, 2.0), "untouched": (0.0, 2.0)}
