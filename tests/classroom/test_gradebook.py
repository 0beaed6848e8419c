"""The report shows hostile names and answers as text, and a spreadsheet opens them as text."""

import csv

from electra_helpers.classroom.grade import Answer, GradeRow, Grades
from electra_helpers.classroom.gradebook import write
from electra_helpers.course.exercises import find


def test_nothing_that_a_learner_chose_is_run(tmp_path):
    evil = "<script>alert(1)</script>"
    rows = [
        GradeRow("=HYPERLINK(1)", "01", "01.3", "Pack", "passed", "own", message=evil),
        GradeRow(evil, "01", "01.4", "Words", "failed", "own", evil, "@SUM(1)", evil),
        GradeRow("Bo", "x.ipynb", "", "", "not a notebook", message="no JSON"),
    ]
    answers = [Answer(evil, "07", "07.7", f"one two\n{evil}"), Answer("Bo", "07", "added cell 9", "three")]
    table, page, sheet = write(Grades(rows, answers), tmp_path / "new" / "grades.csv", said="cut off & watched")
    found = list(csv.DictReader(table.open(encoding="utf-8-sig")))
    assert [row["learner"] for row in found] == ["'=HYPERLINK(1)", evil, "Bo"]
    assert found[1]["message"] == "'@SUM(1)"
    for path in (page, sheet):
        text = path.read_text("utf-8")
        assert "<script" not in text
        assert "&lt;script&gt;" in text
    assert "3 learners, 2 exercises" in page.read_text("utf-8")
    assert "cut off &amp; watched" in page.read_text("utf-8")
    assert find("07.7").title in sheet.read_text("utf-8")
    assert sheet.read_text("utf-8").count("<article>") == 2
