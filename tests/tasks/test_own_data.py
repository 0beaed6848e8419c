"""From Python alone: data of any kind in, a model that is saved, reloaded and exported with the same probabilities."""

from dataclasses import replace

import datasets
import pandas
import pytest
import torch

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError, ElectraWarning
from electra_helpers.exchange.store import load
from electra_helpers.saved.card import MARK
from electra_helpers.tasks import finetuned
from electra_helpers.tasks.exporting import export
from electra_helpers.tasks.finetuned import load_finetuned
from electra_helpers.tasks.finetuning import finetune, with_changes, with_schedule
from electra_helpers.tasks.predicting import predict_file
from electra_helpers.tasks.reading import as_labelled
from electra_helpers.tasks.seeds import finetune_seeds
from electra_helpers.training.loop import Callback

MODEL = "electra-tiny-world-en"
ROWS = [
    {"text": f"the {who} {what} .", "label": what} for who in ("chef", "tailor", "guest") for what in ("cooked", "ate")
] * 4
QUICK = {"epochs": 2, "batch_size": 8, "device": "cpu"}
pytestmark = pytest.mark.filterwarnings("ignore:Every prediction")  # a few steps may well end so


def probabilities(made):
    said = list(made.predict(["the chef ate .", "the painter cooked ."]))
    return torch.tensor([list(each["probabilities"].values()) for each in said])


@pytest.fixture(scope="module")
def made():
    return finetune("classification", MODEL, ROWS, validation=ROWS[:8], **QUICK)


def test_a_saved_model_comes_back_with_its_probabilities_and_its_scores(made, tmp_path):
    again = load_finetuned(made.save(tmp_path / "new" / "model"))
    assert torch.equal(probabilities(again), probabilities(made))
    assert again.evaluation == made.evaluation
    assert again.config == made.config


def test_saving_over_itself_works_and_over_something_else_does_not(made, tmp_path):
    made.save(tmp_path / "model")
    made.save(tmp_path / "model")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ElectraError, match="choose another folder"):
        made.save(tmp_path / "mine")


def test_the_folder_of_a_run_from_python_is_a_model_and_resumes(tmp_path):
    made = finetune("classification", MODEL, ROWS, folder=tmp_path / "run", **QUICK)
    assert torch.equal(probabilities(load_finetuned(tmp_path / "run")), probabilities(made))
    assert (tmp_path / "run" / "log.jsonl").read_text().count("train") >= 1
    again = finetune("classification", MODEL, ROWS, folder=tmp_path / "run", resume=True, **QUICK)
    assert torch.equal(probabilities(again), probabilities(made))


def test_a_run_resumes_on_the_same_rows_and_settings_and_no_other_starts_in_its_folder(tmp_path):
    run = {"folder": tmp_path / "run", **QUICK}
    finetune("classification", MODEL, ROWS, **run)
    with pytest.raises(
        ElectraError, match="is not empty: choose another folder, or resume the run in it by resume=True"
    ):
        finetune("classification", MODEL, ROWS, **run)
    with pytest.raises(ElectraError, match=r"learning_rate: .* → 0.5"):
        finetune("classification", MODEL, ROWS, resume=True, learning_rate=0.5, **run)
    other = [row | {"label": row["label"].replace("ate", "fed")} for row in ROWS]
    with pytest.raises(ElectraError, match=r"labels: \['ate', 'cooked'\] → \['cooked', 'fed'\]"):
        finetune("classification", MODEL, other, resume=True, **run)
    with pytest.raises(ElectraError, match=r"started with other settings .rows_hash: "):
        finetune("classification", MODEL, [*ROWS[1:], ROWS[0]], resume=True, **run)
    finetune("classification", MODEL, ROWS, resume=True, **{**run, "log_every": 1})


def test_export_takes_a_model_as_it_was_made_or_by_its_folder(made, tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = made.save(tmp_path / "model")
    for name, model in (("object", made), ("folder", folder)):
        (out,) = export(model, tmp_path / name)
        tokens = AutoTokenizer.from_pretrained(out)(
            ["the chef ate .", "the painter cooked ."], padding=True, return_tensors="pt"
        )
        with torch.no_grad():
            theirs = AutoModelForSequenceClassification.from_pretrained(out).eval()(**tokens).logits.softmax(-1)
        assert torch.allclose(theirs, probabilities(made), atol=1e-5)
    assert {path.name for path in export(load(MODEL), tmp_path / "pair")} == {"discriminator", "generator"}


def test_every_kind_of_data_trains_the_same_net(tmp_path):
    frame = pandas.DataFrame(ROWS)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    kinds = [ROWS, frame, datasets.Dataset.from_list(ROWS), {"text": list(frame.text), "label": list(frame.label)}]
    kinds += [tmp_path / "rows.csv", str(tmp_path / "rows.csv"), (row for row in ROWS)]
    nets = [finetune("classification", MODEL, data, **{**QUICK, "epochs": 1}).net.head.out.weight for data in kinds]
    assert all(torch.equal(net, nets[0]) for net in nets)


def test_columns_are_named_where_they_are_not_guessed():
    rows = [{"review": row["text"], "verdict": row["label"]} for row in ROWS]
    with pytest.raises(ElectraError, match="review, verdict"):
        finetune("classification", MODEL, rows, **QUICK)
    made = finetune("classification", MODEL, rows, columns={"text": "review", "label": "verdict"}, **QUICK)
    assert made.task.labels == ("ate", "cooked")


def test_the_columns_of_the_training_data_are_read_again_wherever_rows_come_from(tmp_path):
    rows = [{"text": "it rained .", "title": row["text"], "verdict": row["label"]} for row in ROWS]
    made = finetune("classification", MODEL, rows, columns={"text": "title", "label": "verdict"}, **QUICK)
    again = load_finetuned(made.save(tmp_path / "model"))
    assert again.columns == {"text": "title"}
    assert "a row has the columns of the training data: title" in (tmp_path / "model" / "README.md").read_text("utf-8")
    wanted = [said["probability"] for said in again.predict([row["title"] for row in rows])]
    assert [said["probability"] for said in again.predict(rows)] == pytest.approx(wanted)
    pandas.DataFrame(rows).to_csv(tmp_path / "in.csv", index=False)
    [said] = predict_file(again, tmp_path / "in.csv", tmp_path / "out.csv").said[:1]
    assert "text=title" in said
    assert list(pandas.read_csv(tmp_path / "out.csv").predicted_probability) == pytest.approx(wanted)
    named = predict_file(again, tmp_path / "in.csv", tmp_path / "out.csv", columns={"text": "text"}).said[0]
    assert "text=text" in named


def test_labelled_rows_are_read_by_role_whatever_their_other_columns_are_called(made, monkeypatch):
    data = as_labelled([{**row, "title": "it rained ."} for row in ROWS], "classification", columns={"text": "text"})
    seen = []
    monkeypatch.setattr(
        finetuned,
        "predict_chunk",
        lambda _, __, rows, *___, precision: seen.extend(rows) or [{"label": "ate"} for _ in rows],
    )
    replace(made, columns={"text": "title"}).evaluate(data)
    assert [row["text"] for row in seen] == [row["text"] for row in ROWS]


def test_a_share_of_the_rows_is_held_out_and_patience_needs_one():
    rows = [{"text": f"the {n} chef {what} .", "label": what} for n in range(20) for what in ("cooked", "ate")]
    made = finetune("classification", MODEL, rows, validation=0.25, **QUICK)
    assert "accuracy" in made.evaluation
    with pytest.raises(ElectraError, match="patience 3 needs held-out rows"):
        finetune("classification", MODEL, rows, patience=3, **QUICK)


def test_validation_labels_are_matched_by_name():
    wet = [{"text": "the chef ate .", "label": "cooked"}, {"text": "the chef cooked .", "label": "ate"}]
    made = finetune("classification", MODEL, ROWS, validation=wet, **QUICK)
    assert made.task.labels == ("ate", "cooked")
    with pytest.raises(ElectraError, match="slept"):
        finetune("classification", MODEL, ROWS, validation=[*wet, {"text": "a", "label": "slept"}], **QUICK)


def test_a_card_says_what_was_trained_and_scored_and_leaves_a_persons_own_text(made, tmp_path):
    card = (made.save(tmp_path / "model") / "README.md").read_text("utf-8")
    assert 'pipeline_tag: "text-classification"' in card
    assert f"| started from | {MODEL} |" in card
    assert f"| accuracy | {made.evaluation['accuracy']:.4g} |" in card
    assert 'eh.load_finetuned("model")' in card
    (tmp_path / "model" / "README.md").write_text(card.replace(MARK, "My own words."), "utf-8")
    made.save(tmp_path / "model")
    assert "My own words." in (tmp_path / "model" / "README.md").read_text("utf-8")


def test_the_card_of_several_seeds_has_their_spread_and_the_baseline(tmp_path):
    data = as_labelled(ROWS, "classification")
    config = FinetuneConfig(**QUICK)
    results = finetune_seeds(
        "classification", load(MODEL), tmp_path / "out", train=data, validation=data, config=config, seeds=2
    )
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    found = results["validation"]["accuracy"]
    assert f"| validation: accuracy | {found['mean']:.4f} ± {found['std']:.4f} (2 seeds) | 0.5 (always 'ate') |" in card
    assert f"| started from | {MODEL} |" in card


def test_small_sets_get_steps_not_epochs_unless_epochs_are_named():
    config = FinetuneConfig(min_steps=50)
    assert with_schedule(config, 64).steps == 50
    assert with_schedule(config, 3_200).steps == 300
    assert with_schedule(with_changes(config, {"epochs": 2}), 64).steps == 4
    assert with_schedule(with_changes(config, {"steps": 7}), 64).steps == 7
    assert with_schedule(with_changes(config, {"min_steps": 9, "epochs": 1}), 64).steps == 9


def test_the_best_step_is_chosen_by_the_metric_that_is_named():
    by = {
        name: finetune("classification", MODEL, ROWS, validation=ROWS[:7], best_by=name, **QUICK) for name in ("f1", "")
    }
    scores = {n: [r for r in made.log if r["kind"] == "evaluation"] for n, made in by.items()}
    assert by["f1"].evaluation["f1"] == max(r["f1"] for r in scores["f1"])
    with pytest.raises(ElectraError, match="best_by 'blue' is no metric of this task; there are: accuracy, f1, mcc"):
        finetune("classification", MODEL, ROWS, validation=ROWS[:8], best_by="blue", **QUICK)


class Ruin(Callback):
    """The head of a run says one class, whatever it reads, in the attempts that are named."""

    def __init__(self, attempts):
        self.attempts, self.attempt, self.seeds = attempts, -1, []

    def on_start(self, run):
        self.attempt += 1
        self.seeds.append(run.config.seed)

    def on_step(self, run):
        if self.attempt in self.attempts:
            with torch.no_grad():
                run.task.model.head.out.weight.zero_()
                run.task.model.head.out.bias.copy_(torch.tensor([9.0, 0.0]))


def test_a_run_with_one_class_starts_over_where_that_was_asked_for_and_always_says_so(tmp_path):
    ruin = Ruin({0})
    with pytest.warns(ElectraWarning, match=r"Seed 0: Every prediction is 'ate' of the held-out rows. Training again"):
        made = finetune(
            "classification", MODEL, ROWS, validation=ROWS, restarts=2, callbacks=[ruin], folder=tmp_path, **QUICK
        )
    assert len(set(ruin.seeds)) == 2
    assert made.task.uniform(list(made.predict(ROWS))) == ""
    assert (tmp_path / "restarts.json").is_file()


def test_a_run_with_one_class_is_told_what_helps():
    with pytest.warns(ElectraWarning, match="one class|Every prediction is 'ate'.*restarts=2"):
        finetune("classification", MODEL, ROWS, validation=ROWS, callbacks=[Ruin({0})], **QUICK)


def test_results_tell_how_many_seeds_have_one_class(tmp_path):
    data = as_labelled(ROWS, "classification")
    ruins = iter([Ruin({0}), Ruin(set()), Ruin({0, 1})])
    with pytest.warns(ElectraWarning):
        results = finetune_seeds(
            "classification",
            load(MODEL),
            tmp_path / "out",
            train=data,
            validation=data,
            config=FinetuneConfig(
                **QUICK | {"epochs": 10, "learning_rate": 1e-3, "bias_correction": True, "restarts": 1}
            ),
            seeds=3,
            callbacks=lambda seed: [next(ruins)],
        )
    assert [end["restarts"] for end in results["seeds"]] == [1, 0, 1]
    assert "1 of 3 seeds give every held-out row one class." in results["remarks"]
    assert "2 of 3 seeds gave every held-out row one class and started over." in results["remarks"]
