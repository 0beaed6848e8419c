"""Rows of a task: none of them on two sides of a split; lists of words out of a table, and one clear word for what is none."""

import json
import math

import pytest

from electra_helpers.early import check_labelled
from electra_helpers.errors import ElectraError
from electra_helpers.options import check_evaluate
from electra_helpers.reading.files import read_rows
from electra_helpers.reading.labelled import labelled, load_labelled
from electra_helpers.reading.layout import Layout
from electra_helpers.tasks.classification import Classification
from electra_helpers.tasks.predicting import predict_file, predictions_file
from electra_helpers.tasks.reading import labels_to_match, named_labels, rows_to_predict, training_data
from electra_helpers.tasks.tagging import Tagging

TASK = Tagging(("O", "B-PER"))


def write(tmp_path, cell):
    path = tmp_path / "in.csv"
    path.write_text(f"n,tokens\n1,{cell}\n", "utf-8")
    return path


def test_a_list_of_words_in_a_table_is_json(tmp_path):
    [(row, read)] = rows_to_predict(write(tmp_path, '"[""Anna"", ""sang""]"'), TASK)
    assert read == {"tokens": ["Anna", "sang"]}
    assert row["n"] == "1"


@pytest.mark.parametrize("cell", ["Anna sang", "[1]", "5", ""])
def test_what_is_no_list_of_words_is_said_with_its_row(tmp_path, cell):
    with pytest.raises(ElectraError, match=r"Row 1 of .* in column 'tokens', where a list of words should be"):
        list(rows_to_predict(write(tmp_path, cell), TASK))


def test_plain_text_is_a_row_a_line_unless_something_else_is_said(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n\nthree\n", "utf-8")
    told = []
    rows = rows_to_predict(tmp_path / "a.txt", Classification(("a", "b"), 0), say=told.append)
    assert [read["text"] for _, read in rows] == ["one", "two", "three"]
    assert told[0].endswith("; a row for each line")
    paragraphs = rows_to_predict(
        tmp_path / "a.txt", Classification(("a", "b"), 0), layout=Layout(documents="paragraph")
    )
    assert [read["text"] for _, read in paragraphs] == ["one\ntwo", "three"]


def test_a_model_of_pairs_says_that_it_lacks_the_second_text(tmp_path):
    (tmp_path / "a.csv").write_text("text,n\na,1\n", "utf-8")
    with pytest.raises(
        ElectraError, match=r"no column for text and pair; it has: text, n\. Name one with --column ROLE=NAME"
    ):
        list(rows_to_predict(tmp_path / "a.csv", Classification(("a", "b"), 0, pairs=True)))


def put_all(out, rows):
    with predictions_file(out) as write:
        for row in rows:
            write(row, {"label": "x"})


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv"])
def test_predictions_appear_whole_or_not_at_all(form, tmp_path):
    out = tmp_path / f"o.{form}"
    out.write_text("before")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / f".partial-o.{form}").symlink_to(tmp_path / "mine")
    there = sorted(tmp_path.iterdir())
    with pytest.raises(ElectraError, match="a column 'predicted_label' already, as a prediction is called: rename it"):
        put_all(out, [{"text": "a"}, {"text": "a", "predicted_label": "theirs"}])
    assert (out.read_text(), sorted(tmp_path.iterdir())) == ("before", there)
    with predictions_file(out) as write, predictions_file(tmp_path / "o.other.csv") as other:
        for put in (write, other):
            put({"text": "a", "score": math.nan}, {"margin": math.inf, "n_best": [{"p": -math.inf}]})
    assert (tmp_path / "mine").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == len(there) + 1
    [row] = read_rows(out)
    assert row["predicted_margin"] in (None, "")
    assert "Infinity" not in out.read_text()
    assert "NaN" not in out.read_text()


def test_predictions_do_not_take_the_place_of_their_input(home):
    (home / "link.jsonl").symlink_to(home / "d.jsonl")
    for output in (home / "d.jsonl", home / "link.jsonl"):
        with pytest.raises(ElectraError, match="--input and --output are different files"):
            predict_file(None, home / "d.jsonl", output)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with 40 rows in d.jsonl."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    rows = [{"review": f"text {n}", "label": "ab"[n % 2]} for n in range(40)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return tmp_path


@pytest.mark.parametrize("source", ["{home}/d.jsonl", "~/d.jsonl", "bundled:sentences/reviews.en.jsonl"])
def test_validation_rows_are_held_out_of_a_single_file_however_it_is_named(source, home):
    train, held_out, _ = training_data(source.format(home=home), None, None, "classification")
    texts = [{row["text"] for row in part.rows} for part in (train, held_out)]
    assert texts[0].isdisjoint(texts[1])
    assert len(train) + len(held_out) == len(load_labelled(source.format(home=home)))


def test_a_file_in_the_home_folder_is_looked_at_with_the_columns_that_are_named(home):
    (home / "d.csv").write_text("review,stars\na,1\n", "utf-8")
    check_labelled(["~/d.csv"], "classification", {"text": "review", "label": "stars"})
    with pytest.raises(ElectraError, match="no column 'mark'; it has: review, stars"):
        check_labelled(["~/d.csv"], "classification", {"label": "mark"})
    with pytest.raises(ElectraError, match="--split does nothing for a file"):
        check_evaluate("classification", {"split": "test", "data": "~/d.jsonl"})


def test_an_order_of_names_says_what_the_numbers_of_labelled_rows_are():
    rows = [{"text": "a", "label": 0}, {"text": "b", "label": 1}]
    model = Classification(("0", "1"), 0)
    for written, names in (("1,0", ["1", "0"]), ("0,1", ["0", "1"]), ("0=1,1=0", ["1", "0"])):
        data = labelled(rows, task="classification", **labels_to_match(model, named_labels(written)))
        assert [data.labels[number] for number in data.column("label")] == names
