"""Data of a program: texts and rows are the same from a list, a Dataset, a DataFrame or a file, and a mistake is said in one line."""

import json

import datasets
import numpy as np
import pandas
import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.reading.corpora import Corpus, open_corpus
from electra_helpers.reading.in_memory import corpus_or_names, rows_in_memory
from electra_helpers.reading.labelled import labelled

TEXTS = ["The chef cooked a meal.", "The guests ate it.", "Then it rained on the tent."]
ROWS = [{"text": text, "label": "wet" if "rain" in text else "dry"} for text in TEXTS]


class OfTorch:
    """What torch calls a map-style Dataset: a length, and items by number."""

    def __len__(self):
        return len(TEXTS)

    def __getitem__(self, number):
        return TEXTS[number]


@pytest.mark.parametrize(
    "data",
    [
        TEXTS,
        tuple(TEXTS),
        (text for text in TEXTS),
        [{"body": text, "n": 1} for text in TEXTS],
        datasets.Dataset.from_dict({"n": [1, 2, 3], "text": TEXTS}),
        pandas.DataFrame({"n": [1, 2, 3], "text": TEXTS}),
        Corpus.from_texts(TEXTS),
        OfTorch(),
    ],
    ids=["list", "tuple", "generator", "rows", "Dataset", "DataFrame", "Corpus", "torch"],
)
def test_texts_are_the_same_documents_whatever_holds_them(data):
    corpus, names = corpus_or_names(data)
    assert list(corpus) == list(corpus) == TEXTS
    assert names == [corpus.describe()]


def test_streams_are_told_apart_by_their_content():
    made = [
        corpus_or_names(datasets.IterableDataset.from_generator(lambda texts=texts: ({"text": t} for t in texts)))[0]
        for texts in (TEXTS, TEXTS[:2], TEXTS)
    ]
    assert not hasattr(made[0], "_fingerprint")
    assert made[0].fingerprint == made[2].fingerprint != made[1].fingerprint
    assert list(made[0]) == TEXTS


@pytest.mark.parametrize("what", [list, pandas.DataFrame])
def test_rows_without_a_text_are_counted_and_numbers_are_no_text(what):
    rows = [{"text": TEXTS[0]}, {"text": None}, {"text": " "}, {"text": TEXTS[1]}]
    corpus, [told] = corpus_or_names(what(rows))
    assert list(corpus) == TEXTS[:2]
    assert "column text; 2 rows without a text there" in told
    with pytest.raises(ElectraError, match=r"Column 'text' of .* holds no text: it has '7', a int"):
        corpus_or_names(what([{"text": 7}]))
    numbers = datasets.Dataset.from_dict({"text": TEXTS, "label": [1, 2, 3]})
    with pytest.raises(ElectraError, match="Column 'label' of The Dataset holds no text: it has '1', a int"):
        list(corpus_or_names(numbers, "label")[0])


def test_a_column_of_numbers_of_a_hub_set_is_one_line(monkeypatch):
    rows = datasets.Dataset.from_dict({"text": ["a"], "label": [1]})
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **options: rows)
    with pytest.raises(ElectraError, match="Column 'label' of hub:a/b holds no text: it has '1', a int"):
        open_corpus("hub:a/b", column="label")


def test_a_table_without_names_is_read_by_the_numbers_of_its_columns():
    frame = pandas.DataFrame([[text, "x"] for text in TEXTS])
    assert list(corpus_or_names(frame, "0")[0]) == TEXTS
    data = labelled(rows_in_memory(frame).rows, task="classification", columns={"text": "0", "label": "1"})
    assert data.column("text") == TEXTS


def test_arrays_of_numpy_are_lists(tmp_path):
    rows = pandas.DataFrame({"tokens": [["Anna", "sang"]], "ner_tags": [[1, 0]]})
    rows.to_parquet(tmp_path / "a.parquet")
    read = pandas.read_parquet(tmp_path / "a.parquet")
    assert isinstance(read.tokens[0], np.ndarray)
    given = [read, read.to_dict("records"), [{"tokens": ["Anna", "sang"], "ner_tags": [np.int64(1), np.int64(0)]}]]
    for each in given:
        [row] = labelled(rows_in_memory(each).rows).rows
        assert row == {"tokens": ["Anna", "sang"], "tags": [1, 0]}
        json.dumps(row)


def test_other_text_in_a_dataset_has_another_fingerprint():
    made = [corpus_or_names(datasets.Dataset.from_dict({"text": texts}))[0] for texts in (TEXTS, TEXTS[:2], TEXTS)]
    assert made[0].fingerprint == made[2].fingerprint != made[1].fingerprint


@pytest.mark.parametrize(
    "data", ["docs", "world:zh", "hub:owner/name", ["world", "docs"], "no/such/corpus.txt", ["gone.txt"]]
)
def test_names_stay_names(data):
    corpus, names = corpus_or_names(data)
    assert corpus is None
    assert names == ([data] if isinstance(data, str) else data)


def test_a_path_and_a_list_with_a_missing_file_are_opened_not_read_as_text(tmp_path):
    (tmp_path / "a.txt").write_text("One.\n")
    there, gone = str(tmp_path / "a.txt"), str(tmp_path / "b.txt")
    assert corpus_or_names(tmp_path / "a.txt") == (None, [there])
    assert corpus_or_names([there, gone]) == (None, [there, gone])


@pytest.mark.parametrize("text", ["It rained all day and all night", "今天下雨。", "One.\nTwo."])
def test_a_bare_text_is_refused_with_the_way_to_give_it(text):
    with pytest.raises(ElectraError, match=r"is no file.* as a list: \[text, …\]"):
        corpus_or_names(text)


def test_chinese_texts_need_no_blanks():
    assert list(corpus_or_names(["今天下雨。", "明天天晴。"])[0]) == ["今天下雨。", "明天天晴。"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            datasets.DatasetDict({"train": datasets.Dataset.from_dict({"text": TEXTS})}),
            "parts .train.: give one of them",
        ),
        ([1, 2], "a list of texts; this one has '1', a int"),
        ([], "No corpus was given"),
        (pandas.DataFrame({"a": [1], "b": [2]}), "none of the columns text"),
    ],
)
def test_what_holds_no_text_is_named(data, said):
    with pytest.raises(ElectraError, match=said):
        corpus_or_names(data)


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        {"text": TEXTS, "label": [row["label"] for row in ROWS]},
        pandas.DataFrame(ROWS),
        datasets.Dataset.from_list(ROWS),
    ],
    ids=["rows", "columns", "DataFrame", "Dataset"],
)
def test_rows_are_the_same_whatever_holds_them(data):
    assert rows_in_memory(data).rows == ROWS


def test_a_missing_cell_of_a_dataframe_is_no_number():
    found = rows_in_memory(pandas.DataFrame({"text": TEXTS, "label": ["a", None, float("nan")]}))
    assert [row["label"] for row in found.rows] == ["a", None, None]


def test_a_dataset_brings_the_names_of_its_labels():
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["dry", "wet"])})
    data = datasets.Dataset.from_dict({"text": TEXTS, "label": [0, 0, 1]}, features=features)
    assert rows_in_memory(data).names == {"label": ["dry", "wet"]}


def test_columns_of_different_lengths_and_a_set_of_splits_are_refused():
    with pytest.raises(ElectraError, match="text has 3, label has 1"):
        rows_in_memory({"text": TEXTS, "label": ["dry"]})
    with pytest.raises(ElectraError, match=r"parts \(train, test\)"):
        rows_in_memory(datasets.DatasetDict({s: datasets.Dataset.from_list(ROWS) for s in ("train", "test")}))
