"""TEACHING.md names every notebook and exercise with the minutes and stars that the course gives them, and no other."""

import re

import pytest

from electra_helpers.classroom.links import title
from electra_helpers.course.exercises import every
from tests.notebooks.form import NOTEBOOKS, notebooks, read

TEXT = (NOTEBOOKS / "TEACHING.md").read_text("utf-8")
COMPLETE = [path for path in notebooks() if path.parent == NOTEBOOKS]
each_notebook = pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in COMPLETE])


def section(path) -> str:
    found = re.search(rf"^## {re.escape(title(path))}\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"TEACHING.md has no section {title(path)!r}"
    return found[1]


@each_notebook
def test_minutes_and_stars_are_those_of_the_exercises(path):
    text = re.sub(r"\s+", " ", section(path))
    starred, besides = re.search(r"\*\*★ path:\*\*(.*?)(?:\*\*Besides:\*\*(.*?))? \|", text).groups()
    found = {}
    for part, is_star in ((starred, True), (besides or "", False)):
        found |= {number: (int(minutes), is_star) for number, minutes in re.findall(r"(\d\d\.\d) \((\d+) min", part)}
    assert found == {e.id: (e.minutes, e.starred) for e in every() if e.id[:2] == path.name[:2]}


@each_notebook
def test_the_learners_time_is_the_notebooks_own_and_marked_as_an_estimate(path):
    said = re.search(r"\*\*Learner's time \(estimate\):\*\* (\d+) min", section(path))[1]
    table = "".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    header, row = re.search(r"^(\| machine time \|.*)\n.*\n(.*)$", table, re.MULTILINE).groups()
    column = [name.strip() for name in header.split("|")].index("your time")
    assert row.split("|")[column].strip() == f"{said} min"


@each_notebook
def test_every_section_has_what_a_teacher_looks_for(path):
    text = section(path)
    for part in (
        "**Outcomes.**",
        "| misconception | a question that rebuts it |",
        "**What breaks in class.**",
        "**Exit ticket.**",
    ):
        assert part in text
    rows = [line for line in text.splitlines() if line.startswith('| "')]
    assert len(rows) >= 3
    assert all(len(row.split("|")[2].split()) >= 5 for row in rows), "a question, or something to try, for each"


def test_every_exercise_that_is_named_exists_and_every_one_is_named():
    here = {path.name[:2] for path in COMPLETE}
    named = {number for number in re.findall(r"\b[01]\d\.\d\b", TEXT) if number[:2] in here}
    assert named == {exercise.id for exercise in every()}
    for path in notebooks():
        assert path.name[:2] in TEXT


PROMISED = ("45 minutes", "90 minutes", "2 × 90 minutes", "13 weeks", "JupyterHub", "alternative text", "telemetry")


@pytest.mark.parametrize("word", PROMISED)
def test_what_was_promised_is_there(word):
    assert word in TEXT


def test_all_minutes_of_learners_are_called_estimates():
    assert "**All minutes of learners are estimates.**" in TEXT


def test_links_inside_lead_somewhere():
    def anchor(heading):
        return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")

    anchors = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]*)\)", TEXT)) <= anchors


def test_the_commands_it_names_are_there(electra):
    for command in re.findall(r"`electra (grade|doctor|course \w+)", TEXT):
        assert electra(*command.split(), "--help")[0] == 0
    makefile = NOTEBOOKS.parent.joinpath("Makefile").read_text("utf-8")
    for target in set(re.findall(r"`make ([\w-]+)`", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
