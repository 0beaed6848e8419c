"""`electra clean` and `electra evaluate cleaning|acceptability`: the job done, and bad input in one line."""

import csv
import json
import re

import pytest

from tests.test_cli_tasks import MODEL, QUICK, write_rows

STORY = (
    "Martin, a fisher, had a house in a pretty city. Martin found a hungry horse by the cathedral one rainy morning. "
    '"Your name is Rocky," said Martin and gave the horse some {}. Rocky neighed happily whenever Martin came with some hay.'
)


@pytest.fixture
def stories(tmp_path):
    rows = [{"id": n, "text": STORY.format(word), "note": None} for n, word in enumerate(["hay", "thunder"])]
    return write_rows(tmp_path / "stories.jsonl", rows)


def test_a_wrong_word_is_flagged_with_place_score_and_suggestion(stories, electra, tmp_path):
    before = stories.read_bytes()
    code, said, errors = electra("clean", stories, "--model", MODEL, "--output", tmp_path / "flags.csv")
    assert code == 0, errors
    assert said.startswith(f"2 rows, 1 flags → {tmp_path / 'flags.csv'}")
    assert "words: the most suspicious 2 % (at least 3 words, none below a score of 0.4): score from" in said
    assert "thunder → hay" in said
    with open(tmp_path / "flags.csv", encoding="utf-8", newline="") as file:
        [flag] = csv.DictReader(file)
    start, end = int(flag["start"]), int(flag["end"])
    assert STORY.format("thunder")[start:end] == flag["word"] == "thunder"
    assert (flag["row"], flag["column"], flag["suggestion"]) == ("2", "text", "hay")
    assert float(flag["score"]) > 0.9
    assert stories.read_bytes() == before
    assert "cleaning: 100%" in errors


def test_a_corrected_copy_is_written_where_it_is_asked_for(stories, electra, tmp_path):
    copy = tmp_path / "copy.jsonl"
    code, said, _ = electra(
        "clean", stories, "--model", MODEL, "--output", tmp_path / "flags.tsv", "--corrected", copy, "--sure", "0.1"
    )
    assert code == 0
    assert f"1 changed cells → {copy}" in said
    rows = [json.loads(line) for line in copy.read_text("utf-8").splitlines()]
    assert [row["text"] for row in rows] == [STORY.format("hay")] * 2
    assert [row["id"] for row in rows] == [0, 1]


def test_the_same_words_are_found_in_cells_that_are_told_together(electra, tmp_path):
    head, tail = STORY.split("{}")
    table = tmp_path / "t.csv"
    with open(table, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["animal", "food"], ["horse", "hay"], ["horse", "thunder"]])
    template = head.replace("horse by", "{animal} by") + "{food}" + tail
    code, *_ = electra("clean", table, "--model", MODEL, "--template", template, "--output", tmp_path / "o.jsonl")
    assert code == 0
    found = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text("utf-8").splitlines()]
    assert [(f["row"], f["column"], f["start"], f["end"]) for f in found] == [(2, "food", 0, 7)]


@pytest.mark.slow
def test_cleaning_is_fine_tuned_evaluated_and_used_by_the_same_commands(electra, stories, tmp_path):
    out = tmp_path / "tuned"
    code, said, errors = electra("finetune", "cleaning", "--model", MODEL, "--train", "world:60", "--out", out, *QUICK)
    assert code == 0, errors
    assert "average_precision" in said
    code, said, _ = electra("evaluate", "cleaning", "--model", out, "--data", "world", "--threshold", "0.3")
    assert code == 0
    assert "flagged at 0.300" in said
    code, *_ = electra(
        "clean", stories, "--model", out, "--generator", MODEL, "--threshold", "0", "--output", tmp_path / "f.jsonl"
    )
    flags = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text("utf-8").splitlines()]
    assert code == 0
    assert all(flag["suggestion"] for flag in flags)


@pytest.mark.slow
def test_cleaning_is_evaluated_without_fine_tuning_beside_what_costs_nothing(electra):
    code, said, _ = electra(
        "evaluate", "cleaning", "--model", MODEL, "--data", "world", "--split", "validation", "--json"
    )
    found = json.loads(said)
    assert code == 0
    assert set(found["baselines"]) == {"flag nothing", "flag all", "rarest words"}
    assert found["scores"]["auc"] > 0.95 > found["baselines"]["rarest words"]["auc"]
    assert found["baselines"]["flag all"]["precision"] == pytest.approx(found["base_rate"])
    code, said, _ = electra(
        "evaluate", "cleaning", "--model", MODEL, "--data", "world", "--split", "validation", "--choose-on", "world"
    )
    assert code == 0
    chosen = float(next(line for line in said.splitlines() if "f0.5" in line).split()[1])
    assert chosen > found["scores"]["f0.5"]


def test_acceptability_is_measured_on_blimps_columns_and_on_the_little_world(electra, tmp_path):
    rows = [{"sentence_good": STORY.format("hay"), "sentence_bad": STORY.format("thunder"), "UID": "food"}]
    rows += [{"sentence_good": "He gave some hay.", "sentence_bad": "He gave.", "UID": "length"}]
    path = write_rows(tmp_path / "pairs.jsonl", rows)
    code, said, _ = electra("evaluate", "acceptability", "--model", MODEL, "--data", path, "--json")
    found = json.loads(said)
    assert code == 0
    assert found["scores"]["food"] == 1
    assert found["baselines"]["coin"]["accuracy"] == 0.5
    assert found["baselines"]["shorter sentence"] == {"accuracy": 0.25, "food": 0.5, "length": 0}
    code, said, _ = electra("evaluate", "acceptability", "--model", MODEL, "--data", "world", "--how", "mean")
    assert code == 0
    assert "500 pairs, the better sentence by the mean" in said


def test_a_threshold_takes_the_place_of_the_share(stories, electra, tmp_path):
    code, said, errors = electra(
        "clean", stories, "--model", MODEL, "--output", tmp_path / "f.csv", "--threshold", "0.00001"
    )
    assert code == 0, errors
    assert re.search(r"flagged of (\d+) words: those with a score from 1e-05 on \(--threshold\)", said)


BAD = {
    "share": (["clean", "{stories}", "--output", "{out}", "--share", "2"], "--share 2.0 is not above 0 and at most 1"),
    "share and threshold": (
        ["clean", "{stories}", "--output", "{out}", "--share", "0.1", "--threshold", "0.5"],
        "--share does nothing beside --threshold",
    ),
    "no such file": (["clean", "gone.csv", "--output", "{out}"], "gone.csv does not exist"),
    "no such model": (["clean", "{stories}", "--model", "nope", "--output", "{out}"], "no model 'nope'"),
    "no such column": (["clean", "{stories}", "--columns", "body", "--output", "{out}"], "it has: id, text, note"),
    "columns with blanks": (["clean", "{stories}", "--columns", "text, body", "--output", "{out}"], "no column 'body'"),
    "no text": (["clean", "{stories}", "--columns", "id", "--output", "{out}"], "where a text should be"),
    "output form": (["clean", "{stories}", "--output", "x.parquet"], "written as .jsonl, .csv or .tsv"),
    "over the input": (["clean", "{stories}", "--output", "{stories}"], "nothing is written over another"),
    "no folder": (["clean", "{stories}", "--output", "gone/out.csv"], "no folder gone"),
    "copy's form": (["clean", "{stories}", "--output", "{out}", "--corrected", "x.csv"], "is a .jsonl file"),
    "bad template": (["clean", "{stories}", "--output", "{out}", "--template", "{{text"], "--template"),
    "empty template": (["clean", "{stories}", "--output", "{out}", "--template", "text"], "write the columns as"),
    "template's column": (["clean", "{stories}", "--output", "{out}", "--template", "{{who}}"], "no column 'who'"),
    "auto without columns": (["clean", "{stories}", "--output", "{out}", "--template", "auto"], "--columns"),
    "columns of a text": (["clean", "{text}", "--output", "{out}", "--columns", "a"], "has no columns"),
    "not utf-8": (["clean", "{latin}", "--output", "{out}"], "is not UTF-8"),
    "broken json": (["clean", "{broken}", "--output", "{out}"], "Wrong JSON on line 2"),
    "fine-tuned for another": (["evaluate", "cleaning", "--data", "gone.jsonl"], "gone.jsonl does not exist"),
    "two thresholds": (
        ["evaluate", "cleaning", "--data", "world", "--threshold", "0.5", "--choose-on", "world"],
        "not both",
    ),
    "how": (["evaluate", "acceptability", "--data", "world", "--how", "max"], "choose one of sum, mean"),
    "no pairs": (["evaluate", "acceptability", "--data", "{stories}"], "has no column"),
    "unmarked": (["evaluate", "cleaning", "--data", "{stories}"], "has no column"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_code_2(name, electra, stories, tmp_path):
    arguments, word = BAD[name]
    (tmp_path / "t.txt").write_text("The chef.\n", "utf-8")
    (tmp_path / "latin.txt").write_bytes("caf\xe9\n".encode("latin1"))
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n', "utf-8")
    places = {"stories": stories, "out": tmp_path / "out.csv", "text": tmp_path / "t.txt"}
    places |= {"latin": tmp_path / "latin.txt", "broken": tmp_path / "broken.jsonl"}
    filled = [argument.format(**places) for argument in arguments]
    filled += [] if "--model" in filled else ["--model", MODEL]
    before = stories.read_bytes()
    code, said, complaint = electra(*filled)
    assert (code, said) == (2, "")
    last = complaint.strip().splitlines()[-1]
    assert last.startswith("electra: ")
    assert word in last
    assert "Traceback" not in complaint
    assert not (tmp_path / "out.csv").exists()
    assert stories.read_bytes() == before
