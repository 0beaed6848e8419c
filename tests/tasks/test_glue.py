"""GLUE as a suite: the paper's settings and metrics, medians over seeds, one report, and a run that goes on wherever it was stopped."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from electra_helpers.errors import ElectraError
from electra_helpers.reading.glue import read_glue
from electra_helpers.tasks.finetuned import load_finetuned
from electra_helpers.tasks.glue import Suite, evaluate_glue, finetune_glue, tasks_to_run
from electra_helpers.tasks.glue_report import PUBLISHED, report, spread, table, task_entry
from electra_helpers.training.loop import Callback, Run
from tests.glue_files import rows_of, write_hub, write_own, write_rows

QUICK = {"epochs": 2.0, "batch_size": 4, "learning_rate": 0.05, "device": "cpu", "dropout": 0.0}


@pytest.fixture
def suite(pretrained, tmp_path):
    def of(*tasks, **more):
        given = {"data": str(tmp_path / "data"), "out": tmp_path / "out", "changes": QUICK, **more}
        return Suite(pretrained, given.pop("data"), given.pop("out"), tasks, **given)

    return of


def test_the_report_has_the_median_of_each_metric_and_what_was_published(suite, tmp_path):
    write_own(tmp_path / "data", ("cola", "mrpc", "stsb"))
    found = finetune_glue(suite("cola", "mrpc", "stsb", seeds=3))
    assert found == json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert [(name, entry["metric"]) for name, entry in found["tasks"].items()] == [
        ("cola", "mcc"),
        ("mrpc", "accuracy"),
        ("stsb", "spearman"),
    ]
    for name, entry in found["tasks"].items():
        ends = json.loads((tmp_path / "out" / name / "results.json").read_text("utf-8"))["seeds"]
        runs = [end["validation"][entry["metric"]] for end in ends]
        assert entry["seeds"] == [0, 1, 2]
        assert entry["parts"]["validation"][entry["metric"]]["runs"] == runs
        assert entry["score"] == sorted(runs)[1]
    assert found["average"]["score"] == pytest.approx(np.mean([e["score"] for e in found["tasks"].values()]))
    assert found["average"]["published"]["ELECTRA-Small"] == 77.5  # (57.0 + 88.0 + 87.5) / 3
    assert set(found["missing"]) == {"sst2", "qqp", "mnli", "qnli", "rte"}
    assert "no folder for it" in found["missing"]["rte"]


@pytest.mark.parametrize(
    ("task", "name", "by_hand"),
    [
        ("cola", "mcc", matthews_corrcoef),
        ("stsb", "spearman", lambda truth, said: spearmanr(truth, said)[0]),
        ("mrpc", "accuracy", accuracy_score),
        ("mrpc", "f1", f1_score),
    ],
)
def test_metrics_are_those_of_the_libraries_on_the_predictions(suite, tmp_path, task, name, by_hand):
    write_own(tmp_path / "data", (task,))
    entry = finetune_glue(suite(task))["tasks"][task]
    made, data = load_finetuned(tmp_path / "out" / task), read_glue(str(tmp_path / "data"), task, "validation")
    said = [row["label"] for row in made.predict(data.rows)]
    numbers = [data.labels.index(label) for label in said] if data.labels else said
    assert entry["parts"]["validation"][name]["median"] == pytest.approx(by_hand(data.column("label"), numbers))


def test_settings_are_the_papers(suite, pretrained):
    small = replace(suite("cola"), changes={})
    configs = {task: small.config(task) for task in ("cola", "mnli", "rte", "stsb")}
    assert {task: config.epochs for task, config in configs.items()} == {"cola": 3, "mnli": 3, "rte": 10, "stsb": 10}
    assert {task: config.best_by for task, config in configs.items()} == {
        "cola": "mcc",
        "mnli": "accuracy",
        "rte": "accuracy",
        "stsb": "spearman",
    }
    assert all(config.min_steps == 0 for config in configs.values())
    assert replace(small, changes={"epochs": 1.0, "learning_rate": 1e-4}).config("rte").epochs == 1


def test_pairs_without_an_order_are_learned_in_both_and_judged_in_their_own(suite, tmp_path):
    write_own(tmp_path / "data", ("mrpc", "rte"))
    found = finetune_glue(suite("mrpc", "rte"))["tasks"]
    steps = {task: load_finetuned(tmp_path / "out" / task).config.steps for task in ("mrpc", "rte")}
    assert steps == {"mrpc": 2 * 16 / 4, "rte": 2 * 8 / 4}
    assert found["mrpc"]["rows"] == {"train": 16, "validation": 8}
    made = load_finetuned(tmp_path / "out" / "mrpc")
    one, other = made.predict([{"text": "the chef", "pair": "un meal ."}, {"text": "un meal .", "pair": "the chef"}])
    assert one["probability"] != other["probability"]


def test_the_last_net_is_scored_not_the_best_one(suite, tmp_path):
    class Evaluations(Callback):
        steps: list[int] = []  # noqa: RUF012

        def on_evaluation(self, run: Run, record):
            self.steps.append(run.step)

    write_own(tmp_path / "data", ("rte",))
    told = Evaluations()
    finetune_glue(suite("rte"), callbacks=lambda task, seed: [told])
    assert told.steps == [4]
    told.steps.clear()
    often = suite("rte", out=tmp_path / "often", changes=QUICK | {"eval_every": 1})
    found = finetune_glue(often, callbacks=lambda task, seed: [told])
    assert told.steps == [1, 2, 3, 4]
    assert found["how"] == "1 run scored at its best evaluation; scores × 100"


def test_mnli_is_scored_on_both_halves_and_counts_by_the_matched_one(suite, tmp_path):
    write_own(tmp_path / "data", ("mnli",))
    rows = rows_of("mnli", "validation_mismatched", 9)
    (tmp_path / "data" / "MNLI" / "dev_mismatched.tsv").unlink()
    write_rows(tmp_path / "data" / "MNLI" / "validation_mismatched.jsonl", rows[:7])
    found = finetune_glue(suite("mnli", seeds=2))
    entry = found["tasks"]["mnli"]
    assert entry["rows"] == {"train": 8, "validation": 8, "mismatched": 7}
    data = read_glue(str(tmp_path / "data"), "mnli", "mismatched")
    runs = [load_finetuned(tmp_path / "out" / "mnli" / "seeds" / s).evaluate(data)["accuracy"] for s in "01"]
    assert entry["parts"]["mismatched"]["accuracy"]["runs"] == runs
    assert entry["score"] == entry["parts"]["validation"]["accuracy"]["median"]
    lines = [line for line in table(found).splitlines() if line.startswith("| MNLI")]
    assert [line.split("|")[1].strip() for line in lines] == ["MNLI", "MNLI, mismatched"]
    assert "81.3" in lines[0]
    assert "81.3" not in lines[1]


def test_test_rows_that_have_labels_are_scored_too(suite, tmp_path):
    write_hub(tmp_path / "data", ("rte", "qnli"))
    write_rows(tmp_path / "data" / "rte" / "test.jsonl", rows_of("rte", "train", 6))
    found = finetune_glue(suite("rte", "qnli"))["tasks"]
    assert list(found["rte"]["parts"]) == ["validation", "test"]
    assert list(found["qnli"]["parts"]) == ["validation"]
    assert found["rte"]["rows"]["test"] == 6


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, run: Run):
        if run.step == self.step:
            run.stop = run.interrupted = True


@pytest.mark.parametrize(("task", "seed", "step"), [("cola", 0, 2), ("cola", 1, 3), ("mnli", 0, 1), ("mnli", 1, 4)])
def test_a_run_that_was_stopped_ends_with_the_same_report(suite, tmp_path, task, seed, step):
    write_own(tmp_path / "data", ("cola", "mnli"))
    whole = finetune_glue(suite("cola", "mnli", seeds=2, out=tmp_path / "whole"))
    cut = suite("cola", "mnli", seeds=2)
    with pytest.raises(KeyboardInterrupt):
        finetune_glue(cut, callbacks=lambda t, s: [StopAt(step)] if (t, s) == (task, seed) else [])
    if task == "mnli":  # what is done is reported, and what is not
        part = json.loads((cut.out / "results.json").read_text("utf-8"))
        assert (list(part["tasks"]), part["missing"]["mnli"]) == (["cola"], "not trained yet")
    assert finetune_glue(cut, resume=True) == whole
    assert (cut.out / "results.md").read_text("utf-8") == (tmp_path / "whole" / "results.md").read_text("utf-8")
    for name in ("cola", "mnli"):
        weights = [(out / name / "seeds/1/model.safetensors").read_bytes() for out in (cut.out, tmp_path / "whole")]
        assert weights[0] == weights[1]


def test_what_a_kill_left_of_a_task_that_had_hardly_begun_is_cleared(suite, tmp_path):
    write_own(tmp_path / "data", ("cola", "rte"))
    cut = suite("cola", "rte")
    with pytest.raises(KeyboardInterrupt):
        finetune_glue(cut, callbacks=lambda task, seed: [StopAt(1)])
    (cut.out / "rte").mkdir()
    (cut.out / "rte" / ".partial-run.json.x").write_text("{")
    assert list(finetune_glue(cut, resume=True)["tasks"]) == ["cola", "rte"]


def test_a_finished_seed_is_not_scored_again(suite, tmp_path, monkeypatch):
    write_own(tmp_path / "data", ("mnli",))
    first = finetune_glue(suite("mnli", seeds=2))
    monkeypatch.setattr("electra_helpers.tasks.glue.load_finetuned", None)
    assert finetune_glue(suite("mnli", seeds=2), resume=True) == first


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"changes": QUICK | {"learning_rate": 0.01}}, "learning_rate: 0.05 → 0.01"),
        ({"scratch": True}, "from_scratch: False → True"),
        ({"data": "other"}, "data: .* → "),
    ],
)
def test_changed_settings_are_refused_before_anything_is_trained(suite, tmp_path, change, said):
    write_own(tmp_path / "data", ("cola", "rte"))
    write_own(tmp_path / "other", ("cola", "rte"))
    finetune_glue(suite("rte"))
    if "data" in change:
        change = {"data": str(tmp_path / "other")}
    with pytest.raises(ElectraError, match=f"was started with other settings.*{said}"):
        finetune_glue(suite("cola", "rte", **change), resume=True)
    assert not (tmp_path / "out" / "cola").exists()


def test_a_resumed_run_takes_more_tasks_and_seeds_and_drops_none(suite, tmp_path):
    write_own(tmp_path / "data", ("cola", "rte", "qnli"))
    finetune_glue(suite("rte"))
    out, data = tmp_path / "out", str(tmp_path / "data")
    assert tasks_to_run(data, out, None, True) == ("rte",)
    assert tasks_to_run(data, out, "cola", True) == ("cola", "rte")
    assert tasks_to_run(data, out, None, False) == ("cola", "qnli", "rte")
    found = finetune_glue(suite("cola", "rte", seeds=2), resume=True)
    assert {name: entry["seeds"] for name, entry in found["tasks"].items()} == {"cola": [0, 1], "rte": [0, 1]}
    assert found["missing"]["qnli"] == "not among --tasks"


def test_a_used_folder_and_one_without_a_run_are_refused(suite, tmp_path):
    write_own(tmp_path / "data", ("rte",))
    with pytest.raises(ElectraError, match="no run of GLUE"):
        finetune_glue(suite("rte"), resume=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(ElectraError, match="is not empty: choose another --out, or resume"):
        finetune_glue(suite("rte"))


def test_data_that_do_not_fit_leave_no_folder_behind(suite, tmp_path):
    write_hub(tmp_path / "data", ("rte",))
    rows = rows_of("rte", "train")
    write_rows(tmp_path / "data" / "rte" / "train.jsonl", [*rows, rows[0] | {"label": "perhaps"}])
    with pytest.raises(ElectraError, match="mixes numbers and text as labels"):
        finetune_glue(suite("rte"))
    assert not (tmp_path / "out").exists()
    write_hub(tmp_path / "data", ("cola",))
    write_rows(
        tmp_path / "data" / "cola" / "validation.jsonl", [row | {"label": 5} for row in rows_of("cola", "train")]
    )
    with pytest.raises(ElectraError, match="none of the labels unacceptable, acceptable"):
        finetune_glue(suite("cola"))
    assert not (tmp_path / "out").exists()


def test_evaluating_a_run_gives_the_scores_of_its_report(suite, tmp_path):
    write_own(tmp_path / "data", ("cola", "mnli"))
    written = finetune_glue(suite("cola", "mnli", seeds=2))
    found = evaluate_glue(tmp_path / "out", str(tmp_path / "data"))
    for name, entry in found["tasks"].items():
        assert entry["parts"].keys() == written["tasks"][name]["parts"].keys()
        for part, metrics in entry["parts"].items():
            for metric, values in metrics.items():
                assert values["runs"] == pytest.approx(written["tasks"][name]["parts"][part][metric]["runs"], abs=1e-6)
    assert list(evaluate_glue(tmp_path / "out", str(tmp_path / "data"), tasks=("cola",))["tasks"]) == ["cola"]
    with pytest.raises(ElectraError, match="no finished run of RTE: it has cola, mnli"):
        evaluate_glue(tmp_path / "out", str(tmp_path / "data"), tasks=("cola", "rte"))
    with pytest.raises(ElectraError, match="no row with an answer"):
        evaluate_glue(tmp_path / "out", str(tmp_path / "data"), split="test")


def test_a_median_is_the_middle_or_the_mean_of_the_two_in_the_middle():
    assert spread([{"f1": v} for v in (0.9, 0.1, 0.4)], "f1") == {
        "median": 0.4,
        "min": 0.1,
        "max": 0.9,
        "runs": [0.9, 0.1, 0.4],
    }
    assert spread([{"f1": v} for v in (0.9, 0.1, 0.4, 0.6)], "f1")["median"] == pytest.approx(0.5)


def test_the_table_says_how_many_runs_what_is_missing_and_averages_over_the_same_tasks():
    scores = [{"step": 4, "mcc": value, "accuracy": 0.7} for value in (0.1, 0.3)]
    entry = task_entry("cola", [0, 1], {"validation": scores}, {"validation": {"name": "always 1", "mcc": 0.0}})
    about = {"model": "M", "data": "D", "split": "validation", "how": "median of 2 runs"}
    found = report(about, {"cola": entry}, {"rte": "D has no folder for it"})
    lines = table(found).splitlines()
    row = next(line for line in lines if line.startswith("| CoLA"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        *("CoLA", "Matthews", "20.0", "2: 10.0–30.0", "0.0"),
        *("57.0", "56.8", "67.7"),
    ]
    assert "RTE is missing: D has no folder for it." in lines
    average = next(line for line in lines if line.startswith("| average"))
    assert [cell.strip() for cell in average.strip("|").split("|")] == [
        "average of 1 of 8",
        "",
        "20.0",
        "",
        "",
        "57.0",
        "56.8",
        "67.7",
    ]
    assert len({len(line) for line in lines if line.startswith("|")}) == 1
    assert any("google-research/electra" in line for line in lines)


def test_the_published_numbers_average_to_those_of_the_papers_table():
    """ELECTRA-Small-OWT: 56.8, 88.3, 87.4, 86.8, 88.3, 78.9, 87.9, 68.5."""
    assert np.mean(list(PUBLISHED["ELECTRA-Small-OWT"].values())) == pytest.approx(80.36, abs=0.01)
    assert all(len(numbers) == 8 for numbers in PUBLISHED.values())


def test_sts_b_is_learned_as_a_number_on_its_own_scale(suite, tmp_path, pretrained):
    write_own(tmp_path / "data", ("stsb",))
    finetune_glue(suite("stsb", changes=QUICK | {"epochs": 30.0}))
    made = load_finetuned(tmp_path / "out" / "stsb")
    assert made.task.labels == ()
    data = read_glue(str(tmp_path / "data"), "stsb", "train")
    said, truth = [row["label"] for row in made.predict(data.rows)], data.column("label")
    assert np.mean(truth) > 2  # from 0.5 to 4.5
    assert np.mean(said) == pytest.approx(np.mean(truth), abs=0.4)
