"""One loader for the schemas of the hub: roles are guessed or named, labels numbered, wrong answer offsets mended."""

import json
from collections import Counter

import numpy as np
import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.reading.answers import AMBIGUOUS, LOST, MOVED, read_answers, value_in_cell
from electra_helpers.reading.labelled import NO_LABEL, NO_START, labelled, load_labelled

CONTEXT = "Anna lives in Paris. Anna is a baker."


def answers(*pairs):
    return {"text": [text for text, _ in pairs], "answer_start": [start for _, start in pairs]}


@pytest.mark.parametrize(
    ("row", "task", "expected"),
    [
        ({"sentence": "fine", "label": 1, "idx": 0}, "classification", {"text": "fine", "label": 1, "idx": 0}),
        ({"sentence1": "a", "sentence2": "b", "label": 0}, "classification", {"text": "a", "pair": "b", "label": 0}),
        ({"premise": "a", "hypothesis": "b", "label": 2}, "classification", {"text": "a", "pair": "b", "label": 2}),
        ({"question1": "a", "question2": "b", "label": 0}, "classification", {"text": "a", "pair": "b", "label": 0}),
        ({"question": "a", "sentence": "b", "label": 0}, "classification", {"text": "a", "pair": "b", "label": 0}),
        ({"text": "好", "label": 1}, "classification", {"text": "好", "label": 1}),
        (
            {"sentence1": "a", "sentence2": "b", "label": 3.8},
            "classification",
            {"text": "a", "pair": "b", "label": 3.8},
        ),
        (
            {"tokens": ["Anna", "."], "pos_tags": [1, 2], "ner_tags": ["B-PER", "O"]},
            "tagging",
            {"tokens": ["Anna", "."], "tags": [1, 0], "pos_tags": [1, 2]},
        ),
        (
            {"id": "1", "title": "t", "context": CONTEXT, "question": "Who?", "answers": answers(("Anna", 21))},
            "question-answering",
            {"id": "1", "title": "t", "context": CONTEXT, "question": "Who?", "answers": answers(("Anna", 21))},
        ),
        ({"translation": {"en": "tea", "fr": "thé"}}, "translation", {"source": "tea", "target": "thé"}),
        ({"document": "d", "summary": "s", "id": "1"}, "summarisation", {"text": "d", "summary": "s", "id": "1"}),
        (
            {"UID": "u", "field": "f", "sentence_good": "g", "sentence_bad": "b"},
            "minimal pairs",
            {"phenomenon": "u", "field": "f", "good": "g", "bad": "b"},
        ),
        ({"misspelling": "Ab", "word": "Al"}, "correction", {"text": "Ab", "corrected": "Al"}),
        ({"text": "a line"}, "text", {"text": "a line"}),
    ],
)
def test_each_schema_of_the_hub_is_known_by_its_columns(row, task, expected):
    data = labelled([row])
    assert (data.task, data.rows) == (task, [expected])


def test_label_names_are_numbered_in_a_stable_order():
    rows = [{"text": "a", "label": "sport"}, {"text": "b", "label": "art"}, {"text": "c", "label": "sport"}]
    data = labelled(rows)
    assert data.labels == ("art", "sport")
    assert data.column("label") == [1, 0, 1]
    assert labelled(rows, labels=["sport", "art"]).column("label") == [0, 1, 0]
    assert rows[0] == {"text": "a", "label": "sport"}  # the caller's rows stay as they were


def test_tags_are_named_outside_first_then_by_kind():
    rows = [{"tokens": ["x"] * 5, "ner_tags": ["I-PER", "B-LOC", "O", "B-PER", "I-LOC"]}]
    assert labelled(rows).labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def test_a_hidden_label_stays_hidden_and_is_counted():
    data = labelled([{"text": "a", "label": -1}, {"text": "b", "label": None}, {"text": "c", "label": 1}])
    assert data.column("label") == [NO_LABEL, NO_LABEL, 1]
    assert data.notes == {"without a label (-1 counts as none)": 2}
    assert data.describe() == (
        "rows: 3 rows for classification, labels 0 (0), 1 (1) (text=text, label=label); 2 without a label (-1 counts as none)"
    )


def test_wrong_answer_offsets_are_found_again_where_they_are_unique_and_counted():
    found = answers(("Anna", 0), ("Paris", 15), ("Anna", 3), ("Rome", 14), ("baker", 31))
    data = labelled(
        [
            {"context": CONTEXT, "question": "?", "answers": found},
            {"context": "c", "question": "?", "answers": answers()},
        ]
    )
    assert data.rows[0]["answers"]["answer_start"] == [0, 14, NO_START, NO_START, 31]
    assert data.rows[0]["answers"]["text"] == ["Anna", "Paris", "Anna", "Rome", "baker"]
    assert list(data.notes.items()) == [(MOVED, 1), (AMBIGUOUS, 1), (LOST, 1)]
    assert found["answer_start"] == [0, 15, 3, 14, 31]


@pytest.mark.parametrize("start", [20, 2, None, -1])
def test_an_answer_that_stands_twice_is_not_guessed_and_told(start):
    found = read_answers({"text": ["Anna"], "answer_start": [start]}, CONTEXT, "Row 1")
    assert found == (["Anna"], [NO_START], [AMBIGUOUS])


@pytest.mark.parametrize(("start", "end"), [(300, 400), (8, 12), (-2, 3), (5, 4)])
def test_a_mistake_beyond_its_text_is_refused(start, end):
    row = {"text": "He reed it.", "errors": [{"start": start, "end": end}]}
    with pytest.raises(
        ElectraError, match=f"Row 2 of rows has a mistake at {start} to {end} of a text of 11 characters"
    ):
        labelled([row | {"errors": []}, row], task="cleaning")


def test_columns_can_be_named():
    rows = [{"title": "t", "text": "long", "stars": 4}]
    data = labelled(rows, task="classification", columns={"text": "title", "label": "stars"})
    assert data.rows[0] == {"text": "t", "label": 4}
    assert data.columns == {"text": "title", "label": "stars"}


def test_languages_choose_the_direction():
    row = {"translation": {"en": "tea", "fr": "thé", "zh": "茶"}}
    assert labelled([row], languages=("zh", "en")).rows == [{"source": "茶", "target": "tea", "fr": "thé"}]
    assert labelled([{"en": "tea", "de": "Tee"}], languages=("en", "de")).rows == [{"source": "tea", "target": "Tee"}]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([], {}, "rows holds no rows"),
        ([{"a": 1, "b": 2}], {}, r"of no known schema; its columns are: a, b\. Name the task"),
        ([{"text": "a"}], {"task": "classification"}, r"no column 'label \(label or labels or .*'; it has: text"),
        ([{"text": "a", "label": 0}], {"columns": {"text": "body"}}, "no column 'body'; it has: text, label"),
        (
            [{"text": "a", "label": 0}],
            {"task": "tagging", "columns": {"txt": "text"}},
            "no role 'txt'; its roles are: tokens",
        ),
        ([{"text": "a"}], {"task": "sentiment"}, "There is no task 'sentiment'; there are: question-answering"),
        ([{"text": "a", "label": 0}, {"text": "b"}], {}, "Row 2 of rows has no column 'label'; it has: text"),
        ([{"text": "a", "label": 2}], {"labels": ["no", "yes"]}, "holds '2', which is none of the labels no, yes"),
        ([{"text": "a", "label": "maybe"}], {"labels": ["no", "yes"]}, "holds 'maybe'"),
        ([{"tokens": ["a", "b"], "tags": ["O"]}], {}, "row 1 has 1 tags for 2 tokens"),
        ([{"translation": {"en": "a", "fr": "b"}}], {"languages": ("en", "de")}, "no column 'de'; it has: .*en, fr"),
    ],
)
def test_mistakes_are_told(rows, options, message):
    with pytest.raises(ElectraError, match=message):
        labelled(rows, **options)


def test_a_folder_holds_one_file_a_split(tmp_path):
    for name, label in (("train.jsonl", 0), ("validation.jsonl", 1)):
        (tmp_path / name).write_text(json.dumps({"text": name, "label": label}) + "\n", encoding="utf-8")
    (tmp_path / "test-00000-of-00002.jsonl").write_text('{"text": "a", "label": 0}\n', encoding="utf-8")
    (tmp_path / "test-00001-of-00002.jsonl").write_text('{"text": "b", "label": 0}\n', encoding="utf-8")
    assert load_labelled(tmp_path, "validation").column("text") == ["validation.jsonl"]
    assert load_labelled(tmp_path, "test").column("text") == ["a", "b"]
    assert (
        load_labelled(tmp_path / "train.jsonl")
        .describe()
        .endswith("train.jsonl: 1 rows for classification, labels 0 (1) (text=text, label=label); form jsonl")
    )
    with pytest.raises(ElectraError, match=r"has no split 'dev'; it has: test-.*, train, validation"):
        load_labelled(tmp_path, "dev")


def test_tables_and_plain_text_are_read_too(tmp_path):
    (tmp_path / "a.tsv").write_text('sentence\tlabel\nsaid "no\t0\nfine\t1\n', encoding="utf-8")
    data = load_labelled(tmp_path / "a.tsv")
    assert data.rows == [{"text": 'said "no', "label": 0}, {"text": "fine", "label": 1}]
    (tmp_path / "a.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    assert [text.strip() for text in load_labelled(tmp_path / "a.txt").column("text")] == ["one", "two"]


def test_the_bundled_sentences_load():
    reviews = load_labelled("bundled:sentences/reviews.en.jsonl")
    assert (reviews.task, set(reviews.column("label"))) == ("classification", {0, 1})
    assert load_labelled("bundled:sentences/entities.zh.jsonl").labels[0] == "O"
    assert load_labelled("bundled:sentences/errors.en.jsonl").task == "correction"
    with pytest.raises(ElectraError, match="does not exist"):
        load_labelled("bundled:sentences/none.jsonl")


def test_a_set_on_the_hub_brings_its_label_names(monkeypatch):
    datasets = pytest.importorskip("datasets")
    tags = datasets.List(datasets.ClassLabel(names=["O", "B-PER"]))
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": tags})
    here = datasets.Dataset.from_list([{"tokens": ["Anna", "."], "ner_tags": [1, 0]}], features=features)
    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **options: asked.append((args, options)) or here)
    data = load_labelled("hub:wikiann/en", "validation")
    assert (data.labels, data.rows) == (("O", "B-PER"), [{"tokens": ["Anna", "."], "tags": [1, 0]}])
    assert asked == [(("unimelb-nlp/wikiann", "en"), {"split": "validation", "revision": None, "streaming": False})]
    assert data.describe() == (
        "hub:wikiann/en (validation): 1 rows for tagging, labels O (1), B-PER (1) (tokens=tokens, tags=ner_tags); form datasets"
    )


def test_real_sets_load_and_their_known_faults_are_counted(real_data):
    tasks = real_data / "tasks"
    cmrc = load_labelled(tasks / "cmrc2018", "validation")
    assert sum(cmrc.notes.values()) == 200
    for row in cmrc.rows:
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            assert start == NO_START or row["context"][start : start + len(text)] == text
    trial = load_labelled(tasks / "cmrc2018", "trial").notes
    assert trial == {"with an empty text": 2, "answers found again beside their offset": 5}
    assert not load_labelled(tasks / "drcd", "validation").notes
    sst = load_labelled(tasks / "sst2", "validation")
    assert (len(sst), Counter(sst.column("label")).keys()) == (872, {0, 1})
    assert len(load_labelled(tasks / "wikiann_en", "test").labels) == 7
    pairs = load_labelled(tasks / "multi30k_en_fr", "test", languages=("fr", "en"))
    assert pairs.rows[0]["target"].startswith("A man in an orange hat")
    assert len(set(load_labelled(tasks / "blimp", "blimp").column("phenomenon"))) == 67


def test_an_array_as_numpy_prints_it_is_refused_and_not_read_as_one_text(tmp_path):
    import pandas

    rows = pandas.DataFrame({"tokens": [["Anna", "sang"]], "ner_tags": [["B-PER", "O"]]})
    rows.to_csv(tmp_path / "lists.csv", index=False)
    assert load_labelled(tmp_path / "lists.csv").rows[0]["tokens"] == ["Anna", "sang"]
    rows.map(np.array).to_csv(tmp_path / "arrays.csv", index=False)
    with pytest.raises(ElectraError, match=r"Row 1 of .*\['Anna' 'sang'\].*a list of words should be, such as"):
        load_labelled(tmp_path / "arrays.csv")
    rows.assign(ner_tags=[np.array(["B-PER", "O"])]).to_csv(tmp_path / "tags.csv", index=False)
    with pytest.raises(ElectraError, match=r"row 1 has .*'B-PER' 'O'.*a list of tags should be, such as"):
        load_labelled(tmp_path / "tags.csv")
    assert value_in_cell("{'text': array(['it''s'],\n dtype=object)}") == "{'text': array(['it''s'],\n dtype=object)}"
    assert value_in_cell("{'text': array(['it', \"it's\"], dtype=object)}") == {"text": ["it", "it's"]}
