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
    assert "10 rows for classification, labels bad (5), good (5)" in errors
    assert "reviews.jsonl, held out: 10 rows" in errors
    decided = json.loads((out / "run.json").read_text("utf-8"))
    assert decided["train"]["labels"] == decided["validation"]["labels"] == {"bad": 5, "good": 5}
    assert decided["train"]["columns"] == {"text": "review", "label": "label"}
    assert (decided["train"]["kind"], decided["train"]["encoding"]) == ("classes", "utf-8")
    assert "10 of 20 rows held out by a draw with seed 0" in decided["train"]["split"]
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


def test_predict_in_bf16_says_what_it_changed(tuned, electra, tmp_path):
    asked = [
        "predict",
        "--model",
        tuned[0],
        "--input",
        write_rows(tmp_path / "in.jsonl", [{"text": t} for t, _ in ROWS]),
    ]
    assert electra(*asked, "--output", tmp_path / "fp32.jsonl")[0] == 0
    code, _, errors = electra(*asked, "--output", tmp_path / "bf16.jsonl", "--device", "cpu", "--precision", "bf16")
    assert code == 0
    assert f"of the first {len(ROWS)} rows have another answer than in fp32." in errors
    whole, half = (
        [json.loads(line)["predicted_probability"] for line in (tmp_path / f"{kind}.jsonl").read_text().splitlines()]
        for kind in ("fp32", "bf16")
    )
    assert half != whole
    assert half == pytest.approx(whole, abs=0.05)
    code, _, errors = electra(*asked, "--output", tmp_path / "no.jsonl", "--precision", "int4")
    assert (code, "precision 'int4' is unknown" in errors, (tmp_path / "no.jsonl").exists()) == (2, True, False)


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


def test_a_fine_tuned_model_is_bundled_small_and_says_the_same(tuned, electra, tmp_path):
    out, *_ = tuned
    code, said, errors = electra("export", out, tmp_path / "small", "--bundle")
    assert code == 0, errors
    assert "load_finetuned(" in said
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (out, tmp_path / "small")]
    assert sizes[1] < 0.6 * sizes[0]
    assert not (tmp_path / "small" / "seeds").exists()
    rows = ["the cook was fine .", "it rained ."]
    from electra_helpers.tasks.finetuned import load_finetuned

    before, after = (list(load_finetuned(folder).predict(rows)) for folder in (out, tmp_path / "small"))
    for one, other in zip(before, after, strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=5e-3)
    assert "is not empty" in electra("export", out, tmp_path / "small", "--bundle")[2]


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
    "one label": (["finetune", "classification", "--train", "{same}"], "has one label only: two are needed"),
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
    same = write_rows(tmp_path / "same.jsonl", [{"text": f"a {n}", "label": "x"} for n in range(12)])
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


@pytest.fixture
def translator(electra, tmp_path):
    rows = [{"translation": {"en": f"The {a} dog {b}.", "fr": f"Le chien {a} {b}."}} for a in "abcd" for b in "xyz"]
    out = tmp_path / "fr"
    code, said, errors = electra(
        "finetune",
        "translation",
        "--model",
        MODEL,
        "--train",
        write_rows(tmp_path / "t.jsonl", rows),
        "--out",
        out,
        *QUICK,
    )
    assert code == 0, errors
    return out, said, write_rows(tmp_path / "again.jsonl", rows)


def test_a_translator_is_trained_scored_and_taken_along(translator, electra, tmp_path):
    out, said, data = translator
    assert "validation, 1 seed (baseline: word by word)" in said
    assert "chrf" in said
    found = json.loads(electra("evaluate", "translation", "--model", out, "--data", data, "--json")[1])
    assert set(found["scores"]) == {"chrf", "bleu"} < set(found["baseline"])
    assert "EncoderDecoderModel.from_pretrained" in electra("export", out, tmp_path / "taken")[1]


@pytest.mark.parametrize("name", ["in.jsonl", "in.csv", "in.txt", "nested.jsonl"])
def test_a_translator_finds_its_column_by_its_training_name(translator, electra, tmp_path, name):
    out, *_ = translator
    texts = {
        "in.jsonl": '{"en": "The a dog x.", "text": "no"}\n',
        "in.csv": "id,en\n7,The a dog x.\n",
        "in.txt": "The a dog x.\n",
        "nested.jsonl": '{"translation": {"en": "The a dog x.", "fr": "?"}}\n',
    }
    (tmp_path / name).write_text(texts[name], "utf-8")
    code, _, errors = electra("predict", "--model", out, "--input", tmp_path / name, "--output", tmp_path / "o.jsonl")
    assert code == 0, errors
    [row] = map(json.loads, (tmp_path / "o.jsonl").read_text("utf-8").splitlines())
    assert isinstance(row["predicted_target"], str)
    assert row["predicted_cut"] is False


def test_bad_input_for_a_translator_is_one_line(translator, electra, tmp_path):
    out, *_ = translator
    (tmp_path / "in.csv").write_text("id,de\n7,Der Hund\n", "utf-8")
    code, _, complaint = electra(
        "predict", "--model", out, "--input", tmp_path / "in.csv", "--output", tmp_path / "o.csv"
    )
    assert (code, "source or text" in complaint, "id, de" in complaint) == (2, True, True)
    (tmp_path / "one.csv").write_text("id,en\n7,The dog\n", "utf-8")
    arguments = ["--model", MODEL, "--train", tmp_path / "one.csv", "--out", tmp_path / "y", *QUICK]
    code, _, complaint = electra("finetune", "translation", *arguments)
    assert (code, complaint.count("\n")) == (2, 1)
    code, _, complaint = electra(
        "finetune", "translation", "--model", MODEL, "--train", "world:de", "--out", tmp_path / "z"
    )
    assert (code, complaint.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("task", "what"), [("translation", "world:zh:30"), ("translation", "world:30"), ("summarisation", "world:zh:30")]
)
def test_writing_tasks_know_the_little_world(task, what, electra, tmp_path):
    from electra_helpers.tasks.reading import open_task_data

    data = open_task_data(what, "train", task)
    target = {"translation": "target", "summarisation": "summary"}[task]
    assert len(data) == 30
    assert ("。" in data.rows[0][target]) == ("zh" in what)


def test_multiple_choice_goes_the_same_way_from_swags_columns(electra, tmp_path):
    rows = [
        {"sent1": f"A {a} won.", "sent2": "Then", "ending0": "it rained.", "ending1": f"the {a} sang.", "label": 1}
        for a in ("cook", "tailor", "dog")
    ]
    data, out = write_rows(tmp_path / "swag.jsonl", rows * 4), tmp_path / "tuned"
    given = ["--model", MODEL, "--train", data, "--validation", data, "--out", out]
    code, said, errors = electra("finetune", "multiple-choice", *given, *QUICK)
    assert code == 0, errors
    assert "baseline: always ending 1" in said
    assert "context=sent1, stem=sent2, endings=endings" in errors
    found = json.loads(electra("evaluate", "multiple-choice", "--model", out, "--data", data, "--json")[1])
    assert (set(found["scores"]), found["baseline"]["accuracy"]) == ({"accuracy"}, 1.0)
    code, *_ = electra("predict", "--model", out, "--input", data, "--output", tmp_path / "said.jsonl")
    first = json.loads((tmp_path / "said.jsonl").read_text("utf-8").splitlines()[0])
    assert (code, first["predicted_ending"]) == (0, rows[0][f"ending{first['predicted_label']}"])
    assert "ElectraForMultipleChoice.from_pretrained" in electra("export", out, tmp_path / "taken")[1]
    code, _, complaint = electra("finetune", "multiple-choice", *given[:-2], "--out", tmp_path / "x", "--labels", "a,b")
    assert (code, "--labels does nothing for multiple-choice" in complaint) == (2, True)
    code, said, errors = electra("finetune", "multiple-choice", *given[:-1], tmp_path / "x", "--check", *QUICK)
    assert (code, "endings = ['it rained.'" in said) == (0, True), errors
