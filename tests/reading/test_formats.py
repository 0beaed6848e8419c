"""Sets as they are shipped are read, and answers in the forms that files bring; what would be a guess is one line."""

import json

import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.reading.files import read_rows
from electra_helpers.reading.labelled import NO_START, labelled, load_labelled
from electra_helpers.reading.layout import Layout
from electra_helpers.text.tokenizer import tokenizer_from_words

CONTEXT = "The king moved to Bern. He liked Bern and tea."
SQUAD = {
    "version": "1.1",
    "data": [
        {
            "title": "K",
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [{"id": "1", "question": "What?", "answers": [{"text": "tea", "answer_start": 42}]}],
                }
            ],
        }
    ],
}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_nested_squad_and_arrays_are_read(tmp_path):
    data = load_labelled(write(tmp_path / "dev-v1.1.json", json.dumps(SQUAD, indent=1)), task="question-answering")
    assert data.rows[0]["answers"] == {"text": ["tea"], "answer_start": [42]}
    rows = [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]
    for name, text in (
        ("a.json", json.dumps(rows)),
        ("b.jsonl", json.dumps(rows, indent=2)),
        ("c.json", json.dumps({"data": rows})),
    ):
        assert list(read_rows(write(tmp_path / name, text))) == rows
    with pytest.raises(ElectraError, match="shape that is not known"):
        list(read_rows(write(tmp_path / "d.json", '{"a": {"b": 1}, "c": [1]}')))


@pytest.mark.parametrize(
    "answers",
    [
        "{'text': ['tea'], 'answer_start': [42]}",
        '{"text": ["tea"], "answer_start": [42]}',
        "{'text': array(['tea'], dtype=object), 'answer_start': array([42], dtype=int32)}",
        [{"text": "tea", "answer_start": "42"}],
        {"text": "tea", "answer_start": 42.0},
        {"text": ["tea"]},
        "tea",
    ],
)
def test_answers_are_read_in_every_form(answers):
    data = labelled([{"context": CONTEXT, "question": "?", "answers": answers}], task="question-answering")
    assert data.rows[0]["answers"] == {"text": ["tea"], "answer_start": [42]}


@pytest.mark.parametrize("answers", [None, 5, "{'text'", {"texts": []}, {"text": [1], "answer_start": [0]}, [[None]]])
def test_what_is_no_answer_is_one_line_with_row_and_column(answers):
    good = {"context": CONTEXT, "question": "?", "answers": {"text": ["Bern"], "answer_start": [3]}}
    with pytest.raises(ElectraError, match=r"Row 2 of rows .* in column 'answers'"):
        labelled([good, good | {"answers": answers}], task="question-answering")
    assert labelled([good], task="question-answering").rows[0]["answers"]["answer_start"] == [NO_START]


def test_conll_in_text_files_is_read_for_tagging(tmp_path):
    text = "-DOCSTART- -X- O\n\nAnna NNP B-PER\nsang VBD O\n\n# NN O\n"
    data = load_labelled(write(tmp_path / "train.txt", text), task="tagging")
    assert [row["tokens"] for row in data.rows] == [["Anna", "sang"], ["#"]]
    assert data.label_counts() == {"O": 2, "B-PER": 1}
    assert data.columns == {"tokens": "1", "tags": "3"}
    with pytest.raises(ElectraError, match=r"Line 2 of .* has 1 columns"):
        list(read_rows(write(tmp_path / "a.conll", "Anna O\nsang\n")))
    with pytest.raises(ElectraError, match="--format tsv"):
        load_labelled(write(tmp_path / "b.txt", "1\ta text\n"), task="classification")


def test_folders_of_labels_and_their_splits_are_read(tmp_path):
    for split, label, text in (
        ("train", "pos", "good\nfilm"),
        ("train", "neg", "bad"),
        ("train", "unsup", "?"),
        ("test", "pos", "fine"),
        ("test", "neg", "poor"),
    ):
        write(tmp_path / split / label / "0_1.txt", text)
    data = load_labelled(tmp_path, "train", task="classification")
    assert (data.labels, data.column("text")) == (("neg", "pos"), ["bad", "good\nfilm"])
    assert "1 files in unsup/ left out" in data.describe()
    with pytest.raises(ElectraError, match="no split 'validation'"):
        load_labelled(tmp_path, "validation", task="classification")


def test_what_datasets_saved_brings_its_names(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["pos", "neg"])})
    one = datasets.Dataset.from_list([{"text": "a", "label": 0}], features=features)
    datasets.DatasetDict({"train": one, "dev": one}).save_to_disk(tmp_path / "saved")
    data = load_labelled(tmp_path / "saved", "validation", labels=["neg", "pos"])
    assert data.labels[data.rows[0]["label"]] == "pos"
    one.to_parquet(tmp_path / "a.parquet")
    data = load_labelled(tmp_path / "a.parquet", labels=["neg", "pos"])
    assert data.labels[data.rows[0]["label"]] == "pos"


def test_a_delimiter_is_found_out_and_said_or_asked_for(tmp_path):
    rows = [{"text": "a, b", "label": "x"}, {"text": "c", "label": "y"}]
    for mark in ";\t|":
        path = write(tmp_path / "a.csv", f"text{mark}label\na, b{mark}x\nc{mark}y\n")
        assert list(read_rows(path)) == rows
        assert load_labelled(path).how["delimiter"] == mark
    with pytest.raises(ElectraError, match="say which with --delimiter"):
        list(read_rows(write(tmp_path / "b.csv", "a;b|c\n1;2|3\n")))
    path = write(tmp_path / "c.csv", "good film,1\nbad film,0\n")
    assert load_labelled(path, columns={"text": "1", "label": "2"}, layout=Layout(header=False)).labels == ("0", "1")
    with pytest.raises(ElectraError, match="--no-header"):
        load_labelled(path, task="classification")


def test_quotes_in_tsv_hold_cells_together_or_are_text_and_are_asked_for_where_both_fit(tmp_path):
    lines = 'text\tlabel\n"two\nlines"\tx\n"a ""b"" c"\ty\n'
    assert [row["text"] for row in read_rows(write(tmp_path / "a.tsv", lines))] == ["two\nlines", 'a "b" c']
    glue = 'text\tlabel\n"No way , he said\t0\n"fine"\t1\n'
    assert [row["text"] for row in read_rows(write(tmp_path / "b.tsv", glue))] == ['"No way , he said', '"fine"']
    both = 'text\tlabel\n"a\t0\nb"\t1\n'
    with pytest.raises(ElectraError, match="--quoting csv or none"):
        list(read_rows(write(tmp_path / "c.tsv", both)))
    assert len(list(read_rows(tmp_path / "c.tsv", layout=Layout(quoting="none")))) == 2


def test_special_tokens_typed_in_a_text_are_plain_text():
    tokenizer = tokenizer_from_words(["a", "[", "]", "sep", "pad", "mask"])
    read = tokenizer.encode("a [SEP] [PAD]", "[MASK]")
    assert read.tokens == ["[CLS]", "a", "[", "sep", "]", "[", "pad", "]", "[SEP]", "[", "mask", "]", "[SEP]"]
    assert tokenizer.encode_words(["[SEP]"]).tokens == ["[", "sep", "]"]
    assert tokenizer.encode("[MASK]", blanks=True).ids[1] == tokenizer.mask_id
