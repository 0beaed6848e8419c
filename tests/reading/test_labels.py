"""Labels are matched by name, a scale is one in every form of file, and what is missing is left out and counted."""

import json
import math
import tracemalloc

import pytest

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.reading.labelled import labelled, load_labelled
from electra_helpers.tasks.classification import Classification

HUB = ["entailment", "neutral", "contradiction"]
SORTED = sorted(HUB)


def of(values, **how):
    return labelled([{"text": f"t{n}", "label": value} for n, value in enumerate(values)], task="classification", **how)


def words(data):
    return [data.labels[number] if number >= 0 else None for number in data.column("label")]


def test_names_of_the_hub_are_matched_by_name_whatever_their_numbers():
    data = of([0, 1, 2, -1], labels=SORTED, names={"label": HUB})
    assert (data.labels, words(data)) == (tuple(SORTED), [*HUB, None])
    assert words(of([2, 0], names={"label": HUB})) == ["contradiction", "entailment"]
    tags = labelled(
        [{"tokens": ["Anna", "."], "ner_tags": [1, 0]}], labels=["B-PER", "O"], names={"ner_tags": ["O", "B-PER"]}
    )
    assert [tags.labels[tag] for tag in tags.rows[0]["tags"]] == ["B-PER", "O"]


def test_names_that_do_not_match_are_one_error_that_lists_both():
    with pytest.raises(ElectraError, match=r"negative, positive; known are bad, good.*--labels negative=bad"):
        of([0, 1], labels=["bad", "good"], names={"label": ["negative", "positive"]})
    with pytest.raises(ElectraError, match=r"'ugly', which is none of the labels bad, good\. It has good, ugly"):
        of(["good", "ugly"], labels=["bad", "good"])


def test_a_mapping_says_what_the_labels_of_the_data_are_called():
    assert words(of([4, 0, 4], labels={"0": "neg", "4": "pos"})) == ["pos", "neg", "pos"]
    assert words(
        of([0, 1], labels={"negative": "bad", "positive": "good"}, names={"label": ["negative", "positive"]})
    ) == [
        "bad",
        "good",
    ]
    with pytest.raises(ElectraError, match="holds '7', which --labels does not name"):
        of([7], labels={"0": "neg", "4": "pos"})


def test_names_that_are_numbers_are_matched_as_such_and_never_by_their_order():
    stars = ["1", "2", "3", "4", "5"]
    assert words(of([5, 1, 3], labels=stars)) == ["5", "1", "3"]
    for values in ([1, 2, 3, 4, 5, 0], [0, 1]):
        with pytest.raises(ElectraError, match=r"holds '0', which is none of the labels 1, 2.*--labels OLD=NEW"):
            of(values, labels=stars)
    rows = [{"tokens": ["a", "b"], "ner_tags": [0, 1]}]
    with pytest.raises(ElectraError, match="holds '0', which is none of the labels 1, 2"):
        labelled(rows, task="tagging", labels=["1", "2"])
    assert words(of([1, 0], labels=["neg", "pos"])) == ["pos", "neg"]
    with pytest.raises(ElectraError, match="holds '2', which is none of the labels neg, pos"):
        of([1, 2], labels=["neg", "pos"])


def test_numbers_that_are_spelt_in_two_ways_are_asked_about():
    sections = ["1.1", "1.10", "2.1"]
    with pytest.raises(
        ElectraError, match=r"holds 1\.1 and 1\.10, as numbers the same: .*--kind scale.*--kind classes"
    ):
        of(sections)
    assert words(of(sections, kind="classes")) == sections
    assert of(sections, kind="scale").column("label") == [1.1, 1.1, 2.1]


def test_fractions_are_classes_where_that_is_said():
    assert words(of([0, 0.5, 1, 0.5], kind="classes")) == ["0", "0.5", "1", "0.5"]


def test_minus_one_in_many_rows_to_learn_from_is_asked_about():
    values = [-1, 0, 1] * 10
    with pytest.raises(ElectraError, match=r"holds -1 in 10 of 30 rows: .*--labels=-1,0,1; .*--labels=0,1"):
        of(values)
    assert words(of(values, labels=["-1", "0", "1"])) == ["-1", "0", "1"] * 10
    assert words(of(values, labels=["0", "1"])) == [None, "0", "1"] * 10
    assert words(of([0, 1] * 30 + [-1])) == ["0", "1"] * 30 + [None]
    assert words(of([-1] * 9)) == [None] * 9


@pytest.mark.parametrize("form", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_a_scale_is_a_scale_in_every_form(form, tmp_path):
    scores = [round(n % 7 * 0.7, 2) for n in range(40)]
    path = tmp_path / f"a{form}"
    write(path, [{"sentence1": f"a {n}", "sentence2": "b", "label": score} for n, score in enumerate(scores)])
    data = load_labelled(path, task="classification")
    assert (data.labels, data.kind, data.column("label")) == ((), "scale", scores)
    assert "labels on a scale from 0 to 4.2" in data.describe()


def write(path, rows):
    mark = {".csv": ",", ".tsv": "\t"}.get(path.suffix)
    if mark:
        lines = [list(rows[0]), *([f"{v:.2f}" if isinstance(v, float) else v for v in row.values()] for row in rows)]
        path.write_text("".join(mark.join(line) + "\n" for line in lines), "utf-8")
    elif path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        lines = [json.dumps(row) for row in rows]
        path.write_text(f"[{','.join(lines)}]" if path.suffix == ".json" else "\n".join(lines), "utf-8")


@pytest.mark.parametrize(
    ("values", "names", "numbers"),
    [
        ([0.0, 1.0, None], ("0", "1"), [0, 1, -1]),
        ([0, 1, math.nan], ("0", "1"), [0, 1, -1]),
        (["pos", "neg", "", " "], ("neg", "pos"), [1, 0, -1, -1]),
        (["0", "1", ""], ("0", "1"), [0, 1, -1]),
        (["pos ", "pos", "neg"], ("neg", "pos"), [1, 1, 0]),
        ([True, False, None], ("False", "True"), [1, 0, -1]),
        ([1, 5, 3], ("1", "3", "5"), [0, 2, 1]),
        ([0, 4, 0], ("0", "4"), [0, 1, 0]),
        ([10**15, 0], ("0", str(10**15)), [1, 0]),
        ([0, 2, 0], ("0", "2"), [0, 1, 0]),
        (["007", "7", "12"], ("007", "12", "7"), [0, 2, 1]),
        (["01", "02", "01"], ("01", "02"), [0, 1, 0]),
        (["1.0", "0", "1"], ("0", "1"), [1, 0, 1]),
        ([0, 1, -1], ("0", "1"), [0, 1, -1]),
    ],
)
def test_labels_that_are_missing_are_left_out_and_counted(values, names, numbers):
    data = of(values)
    assert (data.labels, data.column("label")) == (names, numbers)
    assert sum(data.notes.values()) == numbers.count(-1)
    assert Classification.from_data(data, FinetuneConfig()).labels == names


def test_minus_one_is_a_label_where_it_is_named_and_a_number_on_a_scale():
    assert words(of([-1, 0, 1], labels=["-1", "0", "1"])) == ["-1", "0", "1"]
    scale = of([-0.5, -1.0, 1.0, None, math.nan])
    assert scale.column("label") == [-0.5, -1.0, 1.0, None, None]
    assert Classification.from_data(scale, FinetuneConfig()).answered(scale.rows) == scale.rows[:3]
    assert of([0.5, -1.0]).column("label") == [0.5, None]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, "1", 1], r"mixes numbers and text as labels: 0 in row 1, '1' in row 2"),
        ([True, 0], "mixes truth values and numbers"),
        ([[0, 1], [1, 0]], r"row 1 has a list as its label"),
        ([0, {"a": 1}], r"row 2 has a dict as its label"),
        ([0.5, math.inf], "row 2 has the label inf"),
        ([f"id {n}" for n in range(30)], "30 different labels in 30 rows, such as .*--kind scale.*--kind classes"),
        (list(range(1000, 1059)), "59 different labels in 59 rows"),
        ([10**12 + n for n in range(500)], "500 different labels in 500 rows, .*is this an id.*--column label=NAME"),
        ([10**12 + n % 1500 for n in range(6000)], "1,500 different labels in 6,000 rows, .*is this an id"),
        ([0, 10**300], "row 2 has a number of about [23].. digits as its label; is this an id"),
        ([0, 10**5000], "row 2 has a number of about 49.. digits"),
    ],
)
def test_labels_that_would_be_a_guess_are_one_line(values, message):
    with pytest.raises(ElectraError, match=message) as caught:
        of(values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [[0, 10**12], [10**12], [1e300, 1.0], [0, 2**63], [-5, 10**12]])
def test_a_large_number_is_one_name_and_no_range(values):
    tracemalloc.start()
    names = of(values * 20).labels
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(names) == len(values)
    assert all(len(name) < 32 for name in names)
    assert peak < 1_000_000


@pytest.mark.parametrize("first", [10**12, 0])
def test_tags_that_are_ids_are_one_line(first):
    rows = [{"tokens": ["a"], "ner_tags": [first + n]} for n in range(300)]
    with pytest.raises(ElectraError, match=r"300 different tags for 300 words; is this an id.*--column tags=NAME"):
        labelled(rows, task="tagging")
    few = [{"tokens": ["a", "b"], "ner_tags": [first, first + 1]}] * 20
    assert len(labelled(few, task="tagging").labels) == 2


def test_the_kind_of_label_can_be_said():
    scores = [str(n) for n in range(58)]
    assert of(scores, kind="scale").column("label")[-1] == 57.0
    assert len(of(scores, kind="classes").labels) == 58
    assert of([0.0, 1.0], kind="scale").labels == ()
    with pytest.raises(ElectraError, match="'good', which is no number on a scale"):
        of(["good"], kind="scale")
    with pytest.raises(ElectraError, match="no kind of label 'ranks'"):
        of([1], kind="ranks")


def test_a_column_that_first_occurs_in_a_later_row_is_seen():
    rows = [{"sentence1": "a", "label": 0}, {"sentence1": "b", "sentence2": "c", "label": 1}]
    assert labelled(rows).column("pair") == [None, "c"]


def test_empty_texts_and_spoilt_ones_are_counted():
    data = labelled([{"text": " ", "label": 0}, {"text": "It\x92s", "label": 1}])
    assert list(data.notes.values()) == [1, 1]
    assert "1 with an empty text" in data.describe()


def test_every_decision_can_be_read():
    data = of(["b", "a", "b", None])
    assert data.decisions()["labels"] == {"a": 1, "b": 2}
    assert "labels a (1), b (2) (text=text, label=label); 1 without a label" in data.describe()
