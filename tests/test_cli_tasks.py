"""`electra finetune`, `predict`, `evaluate`, `export` of a fine-tuned model: the job done, and bad input in one line."""

import csv
import json

import pytest

MODEL = "electra-tiny-world-en"
ROWS = [
    ("The tailor won.", "good"),
    ("The cook lost, alas.", "bad"),
    ("He sang 天气 for her.", "good"),
    ("It broke.", "bad"),
]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def reviews(tmp_path):
    return write_rows(tmp_path / "reviews.jsonl", [{"review": t, "label": label} for t, label in ROWS * 5])


QUICK = ["--steps", "2", "--batch-size", "4", "--device", "cpu"]


@pytest.fixture
def tuned(electra, reviews, tmp_path):
    out = tmp_path / "tuned"
    code, said, errors = electra(
        "finetune", "classification", "--model", MODEL, "--train", reviews, "--seeds", "2", "--out", out, *QUICK
    )
    assert code == 0, errors
    return out, said, errors


def test_finetune_reports_its_spread_beside_the_baseline(tuned):
    out, said, errors = tuned
    assert "validation, 2 seeds (baseline: always" in said
    assert "accuracy" in said
    assert "±" in said
    assert "18 rows for classification, labels bad, good" in errors
    assert "every 10th row: 2 rows" in errors
    results = json.loads((out / "results.json").read_text("utf-8"))
    assert [end["seed"] for end in results["seeds"]] == [0, 1]
    assert {"mean", "std"} == set(results["validation"]["f1"])


def test_predict_keeps_rows_and_order_and_adds_columns(tuned, electra, tmp_path):
    out, *_ = tuned
    wanted = [{"id": n, "text": text, "note": "héllo, 天\n"} for n, (text, _) in enumerate(ROWS * 150)]
    code, said, _ = electra(
        "predict",
        "--model",
        out,
        "--input",
        write_rows(tmp_path / "in.jsonl", wanted),
        "--output",
        tmp_path / "out.jsonl",
    )
    assert (code, said.strip()) == (0, f"600 rows → {tmp_path / 'out.jsonl'}")
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [{k: row[k] for k in ("id", "text", "note")} for row in found] == wanted
    assert {row["predicted_label"] for row in found} <= {"good", "bad"}
    assert all(row["predicted_probability"] == max(row["predicted_probabilities"].values()) for row in found)


def test_predict_writes_tables_that_read_back(tuned, electra, tmp_path):
    out, *_ = tuned
    with open(tmp_path / "in.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["n", "review"], *([n, text] for n, (text, _) in enumerate(ROWS))])
    code, *_ = electra("predict", "--model", out, "--input", tmp_path / "in.csv", "--output", tmp_path / "out.csv")
    assert code == 0
    with open(tmp_path / "out.csv", encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["review"] for row in found] == [text for text, _ in ROWS]
    assert sum(json.loads(found[0]["predicted_probabilities"]).values()) == pytest.approx(1, abs=1e-5)


def test_half_a_surrogate_pair_is_read_and_written_as_a_question_mark(tuned, electra, tmp_path):
    out, *_ = tuned
    (tmp_path / "in.jsonl").write_text('{"text": "sun \\ud800 rain"}\n', "utf-8")
    assert (
        electra("predict", "--model", out, "--input", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl")[0] == 0
    )
    assert json.loads((tmp_path / "out.jsonl").read_text("utf-8"))["text"] == "sun ? rain"


def test_evaluate_prints_scores_beside_the_baseline(tuned, electra, reviews):
    out, *_ = tuned
    code, said, _ = electra("evaluate", "classification", "--model", out, "--data", reviews)
    assert code == 0
    assert "20 rows (baseline: always" in said
    found = json.loads(electra("evaluate", "classification", "--model", out, "--data", reviews, "--json")[1])
    assert set(found["scores"]) == {"accuracy", "f1", "mcc"}
    assert found["baseline"]["accuracy"] == 0.5


def test_export_names_the_class_of_the_head(tuned, electra, tmp_path):
    out, *_ = tuned
    code, said, _ = electra("export", out, tmp_path / "taken")
    assert code == 0
    assert "ElectraForSequenceClassification.from_pretrained" in said
    config = json.loads((tmp_path / "taken" / "config.json").read_text("utf-8"))
    assert config["id2label"] == {"0": "bad", "1": "good"}


@pytest.mark.parametrize(("task", "what"), [("tagging", "world:60"), ("question-answering", "world:40")])
def test_the_other_tasks_go_the_same_way_on_the_little_world(task, what, electra, tmp_path):
    out = tmp_path / "tuned"
    code, said, errors = electra("finetune", task, "--model", MODEL, "--train", what, "--out", out, *QUICK)
    assert code == 0, errors
    assert "f1" in said
    text = {"text": "A tailor called Erik lived in a port.", "context": "Erik lived in a port.", "question": "Who?"}
    code, *_ = electra(
        "predict", "--model", out, "--input", write_rows(tmp_path / "a.jsonl", [text]), "--output", tmp_path / "b.jsonl"
    )
    row = json.loads((tmp_path / "b.jsonl").read_text("utf-8"))
    assert code == 0
    if task == "tagging":
        assert len(row["predicted_tags"]) == 9
    else:
        assert set(row) >= {"predicted_answer", "predicted_n_best", "predicted_no_answer_margin"}


def test_a_folder_of_transformers_is_finetuned_by_the_same_command(electra, reviews, tmp_path):
    assert electra("export", MODEL, tmp_path / "google")[0] == 0
    folder = tmp_path / "google" / "discriminator"
    code, said, errors = electra(
        "finetune", "classification", "--model", folder, "--train", reviews, "--out", tmp_path / "tuned", *QUICK
    )
    assert code == 0, errors
    assert "accuracy" in said


def test_the_papers_head_is_trained_but_not_exported(electra, reviews, tmp_path):
    out = tmp_path / "tuned"
    assert (
        electra(
            "finetune", "classification", "--model", MODEL, "--train", reviews, "--head", "paper", "--out", out, *QUICK
        )[0]
        == 0
    )
    code, _, complaint = electra("export", out, tmp_path / "taken")
    assert code == 2
    assert "--head transformers" in complaint
    assert complaint.count("\n") == 1


BAD = {
    "unknown task": (["finetune", "sentiment", "--train", "{reviews}"], "choose one of classification"),
    "unknown model": (["finetune", "classification", "--model", "nope", "--train", "{reviews}"], "no model 'nope'"),
    "missing file": (["finetune", "classification", "--train", "gone.jsonl"], "gone.jsonl does not exist"),
    "wrong column": (
        ["finetune", "classification", "--train", "{reviews}", "--column", "text=words"],
        "it has: review, label",
    ),
    "column without a role": (
        ["finetune", "classification", "--train", "{reviews}", "--column", "words"],
        "write ROLE=NAME",
    ),
    "unknown role": (
        ["finetune", "classification", "--train", "{reviews}", "--column", "body=review"],
        "has no role 'body'",
    ),
    "rows of another task": (["finetune", "tagging", "--train", "{reviews}"], "has no column"),
    "used folder": (["finetune", "classification", "--train", "{reviews}", "--out", "{full}"], "not empty"),
    "nothing to resume": (["finetune", "classification", "--train", "{reviews}", "--resume"], "no fine-tuning run"),
    "bad setting": (
        ["finetune", "classification", "--train", "{reviews}", "--layer-decay", "1.5"],
        "layer_decay is 1.5",
    ),
    "unknown world": (["finetune", "classification", "--train", "world:weather"], "no task 'weather'"),
    "world language": (["finetune", "question-answering", "--train", "world:xx"], "xx"),
    "one label": (["finetune", "classification", "--train", "{same}"], "1 kinds of label"),
    "text that is none": (
        ["finetune", "classification", "--train", "{numbers}"],
        "has '5' in column 'text', where a text should be",
    ),
    "long question": (["finetune", "question-answering", "--train", "world:20", "--length", "8"], "no room"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_code_2(name, electra, reviews, tmp_path):
    arguments, word = BAD[name]
    full = tmp_path / "full"
    full.mkdir()
    (full / "something").write_text("x")
    same = write_rows(tmp_path / "same.jsonl", [{"text": "a b", "label": "x"}] * 12)
    numbers = write_rows(tmp_path / "numbers.jsonl", [{"text": 5, "label": "x"}, {"text": "a", "label": "y"}] * 8)
    filled = [a.format(reviews=reviews, full=full, same=same, numbers=numbers) for a in arguments]
    for option, value in (("--model", MODEL), ("--out", tmp_path / "new")):
        filled += [] if option in filled else [option, value]
    code, said, complaint = electra(*filled, *QUICK)
    last = complaint.strip().splitlines()[-1]
    assert (code, said) == (2, "")
    assert last.startswith("electra: ")
    assert word in last
    assert "Traceback" not in complaint
    assert not (tmp_path / "new").exists()  # so the mended command may be given the same --out


BAD_USE = {
    "not fine-tuned": (
        ["predict", "--model", "{world}", "--input", "{reviews}", "--output", "{out}"],
        "not fine-tuned",
    ),
    "no such model": (["predict", "--model", "gone", "--input", "{reviews}", "--output", "{out}"], "no folder gone"),
    "no such input": (
        ["predict", "--model", "{tuned}", "--input", "gone.csv", "--output", "{out}"],
        "gone.csv does not exist",
    ),
    "no such column": (["predict", "--model", "{tuned}", "--input", "{odd}", "--output", "{out}"], "it has: a, b"),
    "named column": (
        ["predict", "--model", "{tuned}", "--input", "{odd}", "--output", "{out}", "--column", "text=c"],
        "no column 'c'",
    ),
    "empty cell": (
        ["predict", "--model", "{tuned}", "--input", "{odd}", "--output", "{out}", "--column", "text=b"],
        "Row 2",
    ),
    "output form": (["predict", "--model", "{tuned}", "--input", "{reviews}", "--output", "x.parquet"], "written as"),
    "other task": (["evaluate", "tagging", "--model", "{tuned}", "--data", "world"], "fine-tuned for classification"),
    "other labels": (["evaluate", "classification", "--model", "{tuned}", "--data", "{odd_labels}"], "'ugly'"),
}


@pytest.mark.parametrize("name", BAD_USE)
def test_bad_use_of_a_tuned_model_is_one_line(name, tuned, electra, reviews, tmp_path):
    arguments, word = BAD_USE[name]
    odd = write_rows(tmp_path / "odd.jsonl", [{"a": "x", "b": "y"}, {"a": "x", "b": None}])
    odd_labels = write_rows(tmp_path / "labels.jsonl", [{"text": "x", "label": "ugly"}, {"text": "x", "label": "good"}])
    out = tmp_path / "predictions.jsonl"
    from electra_helpers.resources import bundled_models

    places = {
        "world": bundled_models()[MODEL],
        "tuned": tuned[0],
        "reviews": reviews,
        "out": out,
        "odd": odd,
        "odd_labels": odd_labels,
    }
    code, said, complaint = electra(*(a.format(**places) for a in arguments))
    assert (code, said) == (2, "")
    assert word in complaint.strip().splitlines()[-1]
    assert "Traceback" not in complaint
    assert not out.exists()
