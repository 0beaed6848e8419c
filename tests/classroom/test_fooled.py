"""What a submission can still fool: README lists it, and a mending has to change both."""

import nbformat
import pytest
from nbformat.v4 import new_notebook

from electra_helpers.classroom import jail
from electra_helpers.classroom.grade import grade
from electra_helpers.classroom.origin import from_the_package
from electra_helpers.classroom.runner import IN_THEIR_PROCESS
from electra_helpers.classroom.transplant import checked_in, exercise_of
from electra_helpers.course.engine.grading import judge
from electra_helpers.course.exercises import find
from tests.classroom.handed_in import grades, hand_in, with_first
from tests.classroom.test_attacks import LIMITS
from tests.notebooks.form import NOTEBOOKS, ROOT, read

pytestmark = grades
README = (
    (ROOT / "README.md").read_text("utf-8").split("**What can still be fooled**")[1].split("**More for teachers:**")[0]
)
FORGED = """
import gc
for each in gc.get_objects():
    if type(each).__name__ == "Worker":
        type(each).do_judge = lambda self, message: {"status": "passed", "message": ""}
        type(each).do_seal = lambda self, message, first=each.do_seal({}): first
"""


def test_the_table_of_right_answers_passes():
    answers = {}

    def watched(tokens):
        answers[tuple(tokens)] = find("01.4").solution(tokens)
        return answers[tuple(tokens)]

    assert judge(find("01.4"), lambda tokens: watched(tokens)).status == "passed"
    assert judge(find("01.4"), lambda tokens: answers[tuple(tokens)]).status == "passed"
    assert "knows the inputs" in README


def test_a_detour_that_no_text_shows_counts_as_own():
    hidden = "find = print.__self__.__dir__\ndef word_ids(tokens):\n    return find()"
    assert from_the_package(find("01.4"), hidden) == ""
    assert "print.__self__" in README


def test_readme_names_what_is_judged_in_the_learners_process():
    for number in IN_THEIR_PROCESS:
        assert number in README


@pytest.mark.slow
def test_what_cannot_travel_can_be_forged(tmp_path, monkeypatch):
    book = read(NOTEBOOKS / "06_joint_pretraining.ipynb")
    setup = next(cell for cell in book.cells if cell.cell_type == "code")
    kept = [cell for cell in book.cells if "06.3" in (exercise_of(cell), checked_in(cell))]
    short = new_notebook(cells=[setup, *kept], metadata=book.metadata)
    (tmp_path / "originals").mkdir()
    nbformat.write(short, tmp_path / "originals" / "06_joint_pretraining.ipynb")
    wrong = with_first(short, "one = 1")
    for cell in wrong.cells:
        if exercise_of(cell) == "06.3":
            cell.source = "def share_embeddings(net):\n    return []"
    hand_in(tmp_path / "in", "Honest", wrong, "06.ipynb")
    hand_in(tmp_path / "in", "Mallory", with_first(wrong, FORGED), "06.ipynb")
    made = grade(tmp_path / "in", tmp_path / "originals", limits=LIMITS)
    assert [(row.learner, row.status) for row in made.rows] == [("Honest", "failed"), ("Mallory", "passed")]


def test_without_isolation_the_first_line_says_so():
    assert "can reach each other's copies" in jail.SAID[jail.NONE]
    assert "can reach each other's copies" in " ".join(
        (ROOT / "README.md").read_text("utf-8").split("## Teaching")[1].split("**What can")[0].split()
    )
