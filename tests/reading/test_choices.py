"""Questions with endings: the schemas of SWAG, HellaSwag and RACE, labels as numbers or letters, and what is none of these."""

import json

import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.reading.choices import read_choice
from electra_helpers.reading.labelled import labelled, load_labelled

ENDINGS = ["He sank.", "He swam.", "He flew."]
SWAG = {
    "video-id": "v",
    "sent1": "He fell into the lake.",
    "sent2": "Then",
    "ending0": "he sank.",
    "ending1": "he swam.",
    "ending2": "it rained.",
    "ending3": "he sold it.",
    "label": 1,
}
HELLASWAG = {"ctx": "He fell into the lake.", "endings": ENDINGS, "label": "2", "activity_label": "swimming"}
RACE = {"article": "He fell into the lake.", "question": "He _ .", "options": ["sank", "swam"], "answer": "B"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (SWAG, ("He fell into the lake.", "Then", ["he sank.", "he swam.", "it rained.", "he sold it."], 1)),
        (HELLASWAG, ("He fell into the lake.", None, ENDINGS, 2)),
        (RACE, ("He fell into the lake.", "He _ .", ["sank", "swam"], 1)),
    ],
)
def test_each_schema_is_known_by_its_columns(row, expected):
    for task in (None, "multiple-choice"):
        data = labelled([row], task=task)
        found = data.rows[0]
        assert data.task == "multiple-choice"
        assert (found["context"], found.get("stem"), found["endings"], found["label"]) == expected


def test_a_table_holds_a_list_of_endings_in_a_cell(tmp_path):
    (tmp_path / "q.csv").write_text('article,options,answer\na,"[""x"", ""y""]",B\nb,"[\'x\', \'y\']",A\n', "utf-8")
    data = load_labelled(tmp_path / "q.csv", task="multiple-choice")
    assert [(row["endings"], row["label"]) for row in data.rows] == [(["x", "y"], 1), (["x", "y"], 0)]


def test_swags_columns_of_a_table_become_one_list(tmp_path):
    (tmp_path / "q.csv").write_text("sent1,sent2,ending0,ending1,label\na,b,c,d,1\na,b,c,d,\n", "utf-8")
    data = load_labelled(tmp_path / "q.csv")
    assert [(row["endings"], row["label"]) for row in data.rows] == [(["c", "d"], 1), (["c", "d"], -1)]
    assert data.notes == {"without a label": 1}
    assert "1 without a label" in data.describe()
    json.dumps(data.decisions())


@pytest.mark.parametrize(
    ("value", "number"),
    [(0, 0), ("3", 3), ("d", 3), (" A ", 0), (2.0, 2), (-1, -1), ("-1", -1), (None, -1), ("", -1), (float("nan"), -1)],
)
def test_a_label_is_a_number_or_a_letter(value, number):
    assert read_choice(value, 4, "Row 1") == number


@pytest.mark.parametrize("value", [4, "4", "E", True, 1.5, "swam", [], "¹", 10**40])
def test_a_label_that_is_no_place_is_refused_with_the_places_there_are(value):
    with pytest.raises(
        ElectraError, match=r"Row 7 has the label .*: the right ending is a number from 0 to 3, or a letter"
    ):
        read_choice(value, 4, "Row 7")


@pytest.mark.parametrize(
    ("endings", "said"),
    [
        ("He sank.", "a list of texts is needed"),
        (["one"], "has 1 endings: 2 at least"),
        ([1, 2], "list of texts"),
        (None, "list"),
    ],
)
def test_endings_that_are_none_are_told_with_their_row(endings, said):
    rows = [HELLASWAG, HELLASWAG | {"endings": endings}]
    with pytest.raises(ElectraError, match=f"Row 2 .*{said}"):
        labelled(rows)
