"""`--check`: what a command would read and take, shown by what it says; nothing is trained and nothing is written."""

import json
import re

import pytest

from electra_helpers.cli import check_rows, check_training
from electra_helpers.training import budget
from electra_helpers.training.budget import StepCost
from tests.test_cli import BEGUN, SHAPE, TEXT

MODEL = "electra-tiny-world-en"
SMALL = [*BEGUN, *SHAPE, "--vocab-size", "80", "--validation-share", "0.2"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    rows = [{"review": f"The tailor {word} {n} times.", "label": word} for word in ("won", "qqq") for n in range(12)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return tmp_path


@pytest.fixture
def cost(monkeypatch):
    """A trial that takes no time and says: 2 seconds a step, 3 GB of state, 1 GB of activations."""
    monkeypatch.setattr(budget, "step_cost", lambda *_, **__: StepCost(2.0, 3 * 10**9, 10**9))


def there(folder):
    return sorted(each.name for each in folder.iterdir() if each.name != "cache")


def test_a_pretraining_is_looked_at(folder, electra, cost):
    before = there(folder)
    code, said, errors = electra("pretrain", "--corpus", "text.txt", "--out", "run", *SMALL, "--check")
    assert code == 0, errors
    assert there(folder) == before
    assert "Looked at all of it:" in said
    first = re.search(r"\n  1  \[CLS\] .*\[SEP\] \(16 tokens\)\n", said)
    assert first, said
    rows = int(re.search(r"passes over (\d+) rows", said)[1])
    assert f"Steps: 6 of 4 rows, {24 / rows:.1f} passes over {rows} rows." in said
    assert "Memory: about 4.0 GB beside the program's own: 3.0 GB of weights" in said
    assert "Time: about 12 s on" in said
    assert "vocabulary 80." in said
    assert said.endswith("Checked only: nothing was trained, and nothing written to run.\n")
    code, said, errors = electra("pretrain", "--corpus", "text.txt", "--out", "run", *SMALL)
    assert code == 0, errors
    about = json.loads((folder / "run/run.json").read_text())["decisions"]
    assert f"{about['filled']:.0%} filled" in errors


def test_of_a_large_corpus_the_beginning_is_looked_at(folder, electra, cost, monkeypatch):
    (folder / "text.txt").write_text("\n\n".join([TEXT] * 4), "utf-8")
    monkeypatch.setattr(check_training, "LOOKED_AT", len(TEXT))
    epochs = [part for part in SMALL if part not in ("--steps", "6")]
    code, said, errors = electra(
        "pretrain", "--corpus", "text.txt", "--out", "run", *epochs, "--epochs", "2", "--check"
    )
    assert code == 0, errors
    assert "Looked at its first 0 MB: " in said
    rows = int(re.search(r"passes over ([\d,]+) rows", said)[1].replace(",", ""))
    seen = int(re.search(r"first 0 MB: (\d+) documents", said)[1])
    assert seen < 240 < 4 * 240 * 0.8 < 4 * rows
    assert f"Steps: {-(-2 * rows // 4):,} of 4 rows, 2.0 passes over" in said


def test_a_fine_tuning_is_looked_at(folder, electra, cost):
    before = there(folder)
    begun = ("finetune", "classification", "--model", MODEL, "--train", "rows.jsonl", "--out", "tuned", "--seeds", "3")
    code, said, errors = electra(*begun, "--epochs", "2", "--batch-size", "4", "--length", "8", "--check")
    assert code == 0, errors
    assert there(folder) == before
    assert "labels qqq (" in errors
    assert "text = The tailor won 0 times.; label = won" in said
    unknown, cut, rows = re.search(r"([\d.]+)% of the tokens \[UNK\]; (\d+) of (\d+) rows cut at 8", said).groups()
    assert (float(unknown) > 5, cut, rows) == (True, "0", "22")
    assert "Steps: 11 of 4 rows, 2.0 passes over 22 rows, for each of 3 seeds." in said
    assert "Time: about 1 min on" in said


@pytest.fixture
def tuned(folder, electra):
    begun = ("finetune", "classification", "--model", MODEL, "--train", "rows.jsonl", "--out", "tuned")
    code, _, errors = electra(*begun, "--steps", "2", "--length", "8")
    assert code == 0, errors
    return "tuned"


def test_what_uses_a_fine_tuned_model_is_looked_at(tuned, folder, electra):
    before = there(folder)
    code, said, errors = electra("predict", "--model", tuned, "--input", "rows.jsonl", "--output", "out.csv", "--check")
    assert code == 0, errors
    assert re.search(r"\n  1  text = The tailor won 0 times\.; → = (won|qqq)\n", said)
    assert re.search(r"Of the first 24 rows: [\d.]+% of the tokens \[UNK\], 0 cut at 8 tokens\.", said)
    assert re.search(r"Time: about .* for 24 rows, by a trial of 24\.", said)
    assert said.endswith("Checked only: nothing was written to out.csv.\n")
    code, said, errors = electra("evaluate", "classification", "--model", tuned, "--data", "rows.jsonl", "--check")
    assert code == 0, errors
    assert "label = won" in said
    assert "for 24 rows" in said
    assert "accuracy" not in said
    assert there(folder) == before


def test_a_row_that_cannot_be_read_is_found_however_late_it_is(tuned, folder, electra, monkeypatch):
    monkeypatch.setattr(check_rows, "LOOKED_AT", 4)
    with open(folder / "rows.jsonl", "a") as file:
        file.write('{"review": 7}\n')
    code, _, errors = electra("predict", "--model", tuned, "--input", "rows.jsonl", "--output", "out.csv", "--check")
    assert (code, "Row 25 of rows.jsonl has '7' in column 'review'" in errors) == (2, True)


def test_cleaning_and_judging_are_looked_at(folder, electra):
    before = there(folder)
    code, said, errors = electra("clean", "rows.jsonl", "--model", MODEL, "--output", "flags.csv", "--check")
    assert code == 0, errors
    assert "columns review; 24 texts with 120 words" in said
    assert "row = 1; text = The tailor won 0 times." in said
    assert re.search(r"Of the first 24 texts: [\d.]+% of the tokens \[UNK\], 0 longer than \d+ tokens\.", said)
    assert there(folder) == before
    for task in ("cleaning", "acceptability"):
        code, said, errors = electra("evaluate", task, "--model", MODEL, "--data", "world", "--check")
        assert code == 0, errors
        assert "Rows as understood:\n  1  " in said
        assert "Checked only: nothing was scored." in said


def test_a_trial_of_a_real_step_says_what_a_step_takes(folder, electra):
    code, said, errors = electra("pretrain", "--corpus", "text.txt", "--out", "run", *SMALL, "--check")
    assert code == 0, errors
    assert 0 < float(re.search(r"([\d.e-]+) s a step by a trial", said)[1]) < 10


def test_a_row_without_a_label_is_shown_without_one():
    shown = check_rows.as_understood([{"text": "a", "label": -1}, {"text": "b", "label": 1}], ("neg", "pos"))
    assert [line.split("label = ")[1] for line in shown[1:]] == ["none", "pos"]
    assert check_rows.as_understood([{"label": None}, {"label": -1.0}])[1:] == [
        "  1  label = none",
        "  2  label = -1.0",
    ]
