"""GLUE's tasks from its own files, from files under the hub's names and from the hub: the same rows, with the same numbers for labels."""

import json
from pathlib import Path

import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.reading.glue import (
    GLUE,
    LEFT_OUT,
    both_orders,
    check_glue,
    glue_tasks,
    has_labels,
    read_glue,
    tasks_in,
)
from electra_helpers.reading.hub import NoSplit
from electra_helpers.reading.layout import Layout
from tests.glue_files import PAIRED, rows_of, splits_of, write_hub, write_own, write_rows

SPLITS = {"validation_matched": "validation", "validation_mismatched": "mismatched", "test_matched": "test"}


def meant(task, split):
    """(text, pair, label) of each row as the hub has it."""
    texts = PAIRED.get(task, ("sentence",))
    rows = rows_of(task, split)
    none = None if task == "stsb" else -1
    return [(*(row[name] for name in texts), none if row["label"] == -1 else row["label"]) for row in rows]


def found(task, data):
    roles = ("text", "pair", "label") if task in PAIRED else ("text", "label")
    return [tuple(row[role] for role in roles) for row in data.rows]


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return write_own(tmp_path_factory.mktemp("own"))


@pytest.mark.parametrize("task", GLUE)
def test_glues_own_files_give_the_hubs_rows(own, task):
    for split in splits_of(task):
        data = read_glue(str(own), task, SPLITS.get(split, split))
        assert found(task, data) == meant(task, split)
        assert data.labels == GLUE[task].labels


@pytest.mark.parametrize("form", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("task", ["cola", "stsb", "mnli", "qqp"])
def test_files_under_the_hubs_names_give_the_same(tmp_path, task, form):
    write_hub(tmp_path, (task,), form)
    for split in splits_of(task):
        assert found(task, read_glue(str(tmp_path), task, SPLITS.get(split, split))) == meant(task, split)


def test_a_tsv_with_the_hubs_names_is_read_by_them(tmp_path):
    (tmp_path / "cola").mkdir()
    for split in ("train", "validation"):
        rows = [{"sentence": f"Anna {n} sang .", "label": n % 2, "idx": n} for n in range(4)]
        write_rows(tmp_path / "cola" / f"{split}.tsv", rows)
    assert [row["label"] for row in read_glue(str(tmp_path), "cola", "validation").rows] == [0, 1, 0, 1]


def test_quotes_are_text_in_glues_own_tables_unless_it_is_said(tmp_path):
    (tmp_path / "RTE").mkdir()
    lines = [
        "index\tsentence1\tsentence2\tlabel",
        '0\t"He sang\tand left\tentailment',
        '1\t"a ""b"""\tc\tnot_entailment',
    ]
    (tmp_path / "RTE" / "train.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    texts = [row["text"] for row in read_glue(str(tmp_path), "rte", "train").rows]
    assert texts == ['"He sang', '"a ""b"""']
    (tmp_path / "RTE" / "train.tsv").write_text("\n".join([lines[0], lines[2]]) + "\n", "utf-8")
    whole = [read_glue(str(tmp_path), "rte", "train", Layout(quoting=how)).rows[0]["text"] for how in ("auto", "csv")]
    assert whole == ['"a ""b"""', 'a "b"']


def test_labels_of_text_and_of_numbers_mean_the_same(tmp_path):
    """MNLI's files say neutral, the hub 1; sorted by name, contradiction would be 0."""
    write_own(tmp_path / "own", ("mnli",))
    write_hub(tmp_path / "hub", ("mnli",))
    sides = [read_glue(str(tmp_path / side), "mnli", "train") for side in ("own", "hub")]
    assert sides[0].column("label") == sides[1].column("label") == [n % 3 for n in range(8)]
    assert sides[0].labels == sides[1].labels == ("entailment", "neutral", "contradiction")


def test_matched_and_mismatched_are_two_splits(own):
    matched, mismatched = (read_glue(str(own), "mnli", split) for split in ("validation", "mismatched"))
    assert {row["genre"] for row in matched.rows} == {"fiction"}
    assert {row["genre"] for row in mismatched.rows} == {"letters"}
    assert "dev_matched" in matched.source or "validation_matched" in matched.source


def test_rows_without_a_text_or_a_label_are_left_out_and_counted(tmp_path):
    write_own(tmp_path, ("qqp", "mnli"))
    with open(tmp_path / "QQP" / "train.tsv", "a", encoding="utf-8") as file:
        file.write("9\t1\t2\tHow does one\nsing ?\tWhy ?\t1\n")  # a line cut in two
    data = read_glue(str(tmp_path), "qqp", "train")
    assert (len(data), data.notes[LEFT_OUT]) == (8, 2)
    assert f"2 {LEFT_OUT}" in data.describe()
    write_hub(tmp_path / "hub", ("qqp",))
    write_rows(
        tmp_path / "hub" / "qqp" / "train.jsonl", [row | {"question2": None} for row in rows_of("qqp", "train")[:3]]
    )
    with pytest.raises(ElectraError, match="holds no rows"):
        read_glue(str(tmp_path / "hub"), "qqp", "train")
    path = tmp_path / "MNLI" / "dev_matched.tsv"
    path.write_text(path.read_text("utf-8").replace("\tneutral\tneutral\n", "\tneutral\t-\n"), "utf-8")
    data = read_glue(str(tmp_path), "mnli", "validation")
    assert (set(data.column("label")), data.notes[LEFT_OUT]) == ({0, 2}, 3)


def test_a_folder_that_datasets_saved_is_read(tmp_path):
    import datasets

    splits = {split: datasets.Dataset.from_list(rows_of("mnli", split)) for split in splits_of("mnli")}
    datasets.DatasetDict(splits).save_to_disk(str(tmp_path / "mnli"))
    check_glue(str(tmp_path), ("mnli",))
    for split in ("train", "mismatched"):
        written = "validation_mismatched" if split == "mismatched" else split
        assert found("mnli", read_glue(str(tmp_path), "mnli", split)) == meant("mnli", written)


def test_shards_are_one_split(tmp_path):
    write_hub(tmp_path, ("cola",))
    rows = rows_of("cola", "train")
    (tmp_path / "cola" / "train.jsonl").unlink()
    for shard in range(2):
        write_rows(tmp_path / "cola" / f"train-0000{shard}-of-00002.jsonl", rows[4 * shard : 4 * shard + 4])
    data = read_glue(str(tmp_path), "cola", "train")
    assert (found("cola", data), data.how["files"]) == (meant("cola", "train"), 2)


@pytest.fixture
def local_hub(tmp_path, monkeypatch):
    """A data set of configurations in the folder nyu-mll/glue: `datasets` reads it as it reads one of that name on the hub."""
    folder = write_hub(tmp_path / "nyu-mll" / "glue", ("cola", "mnli"))
    configs = [
        {"config_name": task, "data_files": [{"split": s, "path": f"{task}/{s}.jsonl"} for s in splits_of(task)]}
        for task in ("cola", "mnli")
    ]
    (folder / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\n---\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.mark.parametrize("data", ["hub", "hub:nyu-mll/glue", "hub:nyu-mll/glue@main"])
def test_the_hub_is_asked_for_the_configuration_and_split_of_each_task(local_hub, data):
    for task, split, written in (("cola", "train", "train"), ("mnli", "mismatched", "validation_mismatched")):
        read = read_glue(data, task, split)
        assert found(task, read) == meant(task, written)
        assert read.source.startswith("hub:nyu-mll/glue")
    assert has_labels(data, "mnli", "mismatched")
    assert not has_labels(data, "cola", "test")


def test_a_pair_in_both_orders_keeps_its_label(own):
    data = read_glue(str(own), "stsb", "train")
    both = both_orders(data)
    assert both.rows[: len(data)] == data.rows
    for one, other in zip(data.rows, both.rows[len(data) :], strict=True):
        assert (other["text"], other["pair"], other["label"]) == (one["pair"], one["text"], one["label"])
        assert one["text"] != one["pair"]
    assert "orders" in both.decisions()


def test_tasks_are_known_by_the_names_that_are_in_use():
    assert glue_tasks("sst,STS-B,sts, RTE") == ("sst2", "stsb", "rte")
    assert glue_tasks(["rte", "CoLA"]) == ("cola", "rte")


def test_what_is_missing_is_named_before_anything_is_read(tmp_path):
    write_own(tmp_path, ("cola", "mnli"))
    assert tasks_in(str(tmp_path)) == ("cola", "mnli")
    check_glue(str(tmp_path), ("cola", "mnli"))
    with pytest.raises(
        ElectraError, match=r"no folder for RTE .* it has cola, mnli\. Leave it out with --tasks cola,mnli"
    ):
        check_glue(str(tmp_path), ("cola", "rte"))
    with pytest.raises(ElectraError, match=r"There is no task 'wnli' in this suite.*WNLI and AX are left out"):
        glue_tasks("cola,wnli")
    with pytest.raises(ElectraError, match="is no folder"):
        tasks_in(str(tmp_path / "gone"))
    with pytest.raises(ElectraError, match="no folder for a task of GLUE"):
        tasks_in(str(tmp_path / "MNLI"))
    (tmp_path / "MNLI" / "dev_mismatched.tsv").unlink()
    with pytest.raises(
        NoSplit, match=r"no validation_mismatched or dev_mismatched rows for MNLI; it has: dev_matched\.tsv"
    ):
        check_glue(str(tmp_path), ("mnli",))
    (tmp_path / "CoLA" / "dev.tsv").write_text("sentence\tjudgement\na\t1\n", "utf-8")
    with pytest.raises(ElectraError, match=r"dev\.tsv has no column 'label'.* it has: sentence, judgement"):
        check_glue(str(tmp_path), ("cola",))


def test_labels_of_a_test_split_are_used_only_where_there_are_some(tmp_path):
    write_hub(tmp_path, ("rte",))
    assert not has_labels(str(tmp_path), "rte", "test")
    write_rows(tmp_path / "rte" / "test.jsonl", rows_of("rte", "train"))
    assert has_labels(str(tmp_path), "rte", "test")
    Path(tmp_path / "rte" / "test.jsonl").unlink()
    assert not has_labels(str(tmp_path), "rte", "test")
