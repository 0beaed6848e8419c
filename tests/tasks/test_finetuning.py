"""Fine-tuning: it learns, keeps its best step, stops in time, goes on bit for bit, and reads labels by their names."""

import json
from dataclasses import replace

import pytest
import torch

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.model.electra import Electra
from electra_helpers.reading.labelled import labelled
from electra_helpers.recipes import nearest_recipe, recipe
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.base import Examples
from electra_helpers.tasks.classification import Classification, class_metrics, scale_metrics
from electra_helpers.tasks.finetuned import load_finetuned, same_labels
from electra_helpers.tasks.finetuning import KeepBest, finetune
from electra_helpers.tasks.reading import as_labelled
from electra_helpers.tasks.seeds import finetune_seeds, summary
from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.training.checkpoint import Checkpoints
from electra_helpers.training.loop import Callback, Run

GOOD, BAD = ["sun", "warm", "fine"], ["rain", "cold", "grim"]
REST = ["the", "day", "was", "and", "then", "night", "."]
TINY = {"epochs": 25, "batch_size": 8, "learning_rate": 5e-3, "dropout": 0.0, "device": "cpu"}


def rows_of(count, seed=0):
    random = torch.Generator().manual_seed(seed)
    rows = []
    for number in range(count):
        words = [REST[int(i)] for i in torch.randint(len(REST), (5 + number % 4,), generator=random)]
        mood = GOOD if number % 2 else BAD
        words[int(torch.randint(len(words), (1,), generator=random))] = mood[number % 3]
        rows.append({"text": " ".join(words), "label": "good" if number % 2 else "bad"})
    return rows


@pytest.fixture
def start():
    torch.manual_seed(0)
    tokenizer = tokenizer_from_words([*GOOD, *BAD, *REST])
    ids = {name: getattr(tokenizer, name) for name in ("pad_id", "cls_id", "sep_id", "mask_id")}
    shape = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        embedding_size=16,
        hidden_size=16,
        num_layers=1,
        num_heads=2,
        intermediate_size=32,
        max_positions=24,
        initializer_range=0.2,
        **ids,
    )
    return Pretrained(Electra(shape).eval(), tokenizer, "untrained")


class StopAfter(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, run: Run):
        if run.step == self.step:
            run.stop = run.interrupted = True


def test_it_learns_and_says_so_in_words(start):
    made = finetune("classification", start, rows_of(60), validation=rows_of(40, 1), **TINY)
    assert made.evaluation["accuracy"] > 0.95
    said = next(made.predict(["the day was warm and fine ."]))
    assert said["label"] == "good"
    assert said["probability"] == said["probabilities"]["good"] > 0.5
    assert sum(said["probabilities"].values()) == pytest.approx(1)


def test_predictions_come_in_order_whatever_the_lengths(start):
    made = finetune("classification", start, rows_of(60), validation=rows_of(40, 1), **TINY)
    rows = rows_of(700, 3)
    together = list(made.predict(rows))
    alone = [next(made.predict([row])) for row in rows[::97]]
    for one, other in zip(together[::97], alone, strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)
        assert one["label"] == other["label"]


def test_prediction_reads_no_more_rows_than_it_holds(start):
    made = finetune("classification", start, rows_of(16), epochs=1, device="cpu")
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield {"text": "sun"}

    said = made.predict(endless())
    for _ in range(3):
        next(said)
    assert read <= 512


def test_the_same_seed_gives_the_same_net_and_another_does_not(start):
    nets = [finetune("classification", start, rows_of(24), seed=seed, **TINY).net for seed in (0, 0, 1)]
    weights = [net.head.out.weight for net in nets]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_what_it_starts_from_is_left_as_it_was(start):
    before = {n: p.clone() for n, p in start.net.named_parameters()}
    finetune("classification", start, rows_of(24), **TINY)
    assert all(torch.equal(p, before[n]) for n, p in start.net.named_parameters())


def test_frozen_trains_the_head_alone_and_scratch_starts_anew(start):
    frozen = finetune("classification", start, rows_of(24), freeze=True, **TINY)
    trained = start.net.discriminator.encoder
    assert torch.equal(frozen.net.encoder.layers[0].up.weight, trained.layers[0].up.weight)
    scratch = finetune("classification", start, rows_of(24), scratch=True, **{**TINY, "steps": 1, "learning_rate": 0.0})
    assert not torch.equal(scratch.net.encoder.layers[0].up.weight, trained.layers[0].up.weight)


def test_the_best_evaluation_is_kept_not_the_last(start):
    class Spoil(Callback):
        """After step 120 the net is ruined: what is kept must be from before."""

        def on_step(self, run: Run):
            if run.step == 121:
                for p in run.task.model.parameters():
                    p.data.zero_()

    settings = {**TINY, "steps": 160, "eval_every": 40}
    data, held_out = rows_of(60), rows_of(40, 1)
    made = finetune("classification", start, data, validation=held_out, callbacks=[Spoil()], **settings)
    assert made.log[-1]["kind"] == "evaluation"
    assert made.log[-1]["accuracy"] < made.evaluation["accuracy"]
    assert made.evaluate(as_labelled(held_out, "classification"))["accuracy"] == made.evaluation["accuracy"]


def test_patience_stops_a_run_that_no_longer_gets_better(start):
    settings = {**TINY, "epochs": 0, "steps": 400, "eval_every": 5, "patience": 3}
    made = finetune("classification", start, rows_of(60), validation=rows_of(40, 1), **settings)
    evaluations = [r for r in made.log if r["kind"] == "evaluation"]
    assert evaluations[-1]["step"] < 400
    assert evaluations[-1]["step"] == made.evaluation["step"] + 3 * 5


def run_seeds(start, out, rows=None, **more):
    data, held_out = as_labelled(rows or rows_of(60), "classification"), as_labelled(rows_of(40, 1), "classification")
    config = replace(FinetuneConfig(), **TINY | {"epochs": 8}, eval_every=7, save_every=5)
    return finetune_seeds(
        "classification", start, out, train=data, validation=held_out, test=held_out, config=config, **more
    )


@pytest.mark.parametrize("at", [3, 17, 40])
def test_an_interrupted_run_goes_on_bit_for_bit(start, tmp_path, at):
    whole = run_seeds(start, tmp_path / "whole", seeds=2)
    with pytest.raises(KeyboardInterrupt):
        run_seeds(start, tmp_path / "cut", seeds=2, callbacks=lambda seed: [StopAfter(at)] if seed == 1 else [])
    assert not (tmp_path / "cut" / "results.json").exists()
    resumed = run_seeds(start, tmp_path / "cut", seeds=2, resume=True)
    assert resumed == whole
    for seed in ("0", "1"):
        weights = [(tmp_path / d / "seeds" / seed / "model.safetensors").read_bytes() for d in ("whole", "cut")]
        assert weights[0] == weights[1]
        logs = [(tmp_path / d / "seeds" / seed / "log.jsonl").read_text() for d in ("whole", "cut")]
        steps = [[line.split(",")[1] for line in log.splitlines() if "evaluation" in line] for log in logs]
        assert steps[0] == steps[1]


def test_a_run_killed_while_it_saves_has_its_evaluation_behind_it(start, tmp_path, monkeypatch):
    whole = run_seeds(start, tmp_path / "whole")
    real = Checkpoints.save

    def dies_after(self, model, optimizer, state):
        real(self, model, optimizer, state)
        if state["step"] == 35 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            raise SystemExit("killed")

    monkeypatch.setattr(Checkpoints, "save", dies_after)
    with pytest.raises(SystemExit):
        run_seeds(start, tmp_path / "cut")
    assert run_seeds(start, tmp_path / "cut", resume=True) == whole


def test_a_folder_holds_the_seed_that_did_best_and_reads_back_the_same(start, tmp_path):
    results = run_seeds(start, tmp_path / "out", seeds=3)
    kept = max(results["seeds"], key=lambda end: end["validation"]["accuracy"])
    assert results["kept_seed"] == kept["seed"]
    made = load_finetuned(tmp_path / "out")
    held_out = as_labelled(rows_of(40, 1), "classification")
    assert made.evaluate(held_out)["accuracy"] == kept["test"]["accuracy"]
    assert not (tmp_path / "out" / "seeds" / "0" / "checkpoints").exists()
    with pytest.raises(ElectraError, match="fine-tuned for classification"):
        load(tmp_path / "out")


def test_resuming_with_other_settings_or_into_a_used_folder_is_refused(start, tmp_path):
    run_seeds(start, tmp_path / "out")
    with pytest.raises(ElectraError, match="not empty"):
        run_seeds(start, tmp_path / "out")
    with pytest.raises(ElectraError, match="from_scratch: False → True"):
        run_seeds(start, tmp_path / "out", resume=True, scratch=True)
    with pytest.raises(ElectraError, match=r"rows_hash: '[0-9a-f]{16}' → "):
        run_seeds(start, tmp_path / "out", rows=rows_of(60)[::-1], resume=True)
    with pytest.raises(ElectraError, match="no fine-tuning run"):
        run_seeds(start, tmp_path / "elsewhere", resume=True)


def test_spread_is_over_seeds():
    ends = [{"seed": s, "validation": {"step": 3, "accuracy": a}, "test": {}} for s, a in ((0, 0.5), (1, 0.7))]
    found = summary(ends, "accuracy")
    assert found["validation"]["accuracy"] == {"mean": pytest.approx(0.6), "std": pytest.approx(0.2 / 2**0.5)}
    assert (found["kept_seed"], found["test"]) == (1, {})


def test_labels_are_matched_by_name_not_by_number(start):
    task = Classification(("good", "bad"), 0)
    data = labelled([{"text": "sun", "label": "good"}, {"text": "rain", "label": "bad"}])
    assert data.labels == ("bad", "good")
    assert [row["label"] for row in same_labels(data, task).rows] == [0, 1]
    with pytest.raises(ElectraError, match="'odd'; the model knows good, bad"):
        same_labels(labelled([{"text": "sun", "label": "odd"}, {"text": "x", "label": "good"}]), task)


def test_a_scale_and_classes_are_not_compared_with_each_other():
    stars = labelled([{"text": f"t{n}", "label": n % 5 + 1} for n in range(10)])
    with pytest.raises(ElectraError, match=r"has labels of kind classes, the model gives scale: read .* kind='scale'"):
        same_labels(stars, Classification((), 3.0))
    scores = labelled([{"text": f"t{n}", "label": n / 3} for n in range(10)])
    with pytest.raises(ElectraError, match="has labels of kind scale, the model gives classes"):
        same_labels(scores, Classification(("0", "1"), 0))
    assert same_labels(scores, Classification((), 3.0)) is scores


def test_rows_that_are_cut_are_counted(start):
    rows = [{"text": "sun " * words, "pair": "rain", "label": "x"} for words in (3, 19, 18, 90)]
    for task in (Classification(("x", "y"), 0), Classification(("x", "y"), 0, symmetric=True)):
        examples = Examples(task.examples(rows, start.tokenizer, FinetuneConfig(length=22)), 0)
        assert (examples.cut, examples.rows) == (2, 4)


def test_a_symmetric_pair_is_read_in_both_orders_and_judged_the_same(start):
    rows = [{"sentence1": a, "sentence2": b, "label": int(a == b)} for a in GOOD + BAD for b in GOOD + BAD]
    made = finetune("classification", start, rows, **{**TINY, "epochs": 2, "symmetric": True})
    one, other = made.predict([{"text": "sun", "pair": "cold rain"}, {"text": "cold rain", "pair": "sun"}])
    assert one["probability"] == pytest.approx(other["probability"], abs=1e-6)
    plain = finetune("classification", start, rows, **{**TINY, "epochs": 2})
    one, other = plain.predict([{"text": "sun", "pair": "cold rain"}, {"text": "cold rain", "pair": "sun"}])
    assert abs(one["probability"] - other["probability"]) > 1e-4


def test_balanced_weights_count_each_class_the_same():
    data = labelled([{"text": "a", "label": "x"}] * 9 + [{"text": "b", "label": "y"}])
    task = Classification.from_data(data, FinetuneConfig(class_weights="balanced"))
    assert task.weights == pytest.approx((10 / 18, 5.0))
    assert float(task.count(torch.tensor([0] * 9 + [1]))) == pytest.approx(10)


def test_a_scale_is_learned_as_a_number(start):
    rows = [{"text": " ".join(GOOD[:n] + BAD[n:]), "label": n / 3} for n in range(4)] * 6
    made = finetune("classification", start, rows, validation=rows, **{**TINY, "epochs": 20})
    assert made.evaluation["pearson"] > 0.9
    assert isinstance(next(made.predict(["sun"]))["label"], float)


def test_metrics_have_their_known_values():
    assert class_metrics([1, 1, 0, 0], [1, 0, 0, 0], 2) == {
        "accuracy": 0.75,
        "f1": pytest.approx(2 / 3),
        "mcc": pytest.approx(1 / 3**0.5),
    }
    assert class_metrics([0, 1, 2], [0, 0, 0], 3)["f1"] == pytest.approx(0.5 / 3)
    assert class_metrics([0, 2, 2], [0, 2, 2], 4)["f1"] == 1  # labels that no row has say nothing
    assert class_metrics([0, 0, 2], [0, 1, 2], 4)["f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert scale_metrics([1, 2, 3], [2, 4, 6.0])["pearson"] == pytest.approx(1)
    assert scale_metrics([1, 2, 3], [2, 2, 2])["spearman"] == 0


def test_the_baseline_is_the_commonest_training_label():
    task = Classification(("bad", "good"), 1)
    name, scores = task.baseline([{"label": 1}, {"label": 1}, {"label": 0}])
    assert (name, scores["accuracy"], scores["mcc"]) == ("always 'good'", pytest.approx(2 / 3), 0)


def test_the_recipe_is_that_of_the_nearest_width():
    assert nearest_recipe(recipe("large").model).finetune.layer_decay == 0.9
    assert nearest_recipe(recipe("small").model).finetune.learning_rate == 3e-4
    assert nearest_recipe(ModelConfig(hidden_size=104, num_heads=4)) is recipe("tiny")


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([{"text": "a", "label": "x"}], "has one label only: two are needed"),
        ([{"tokens": ["a"], "tags": ["O"]}], "column"),
        ([], "no rows"),
    ],
)
def test_data_that_does_not_fit_is_said_so(start, rows, word):
    with pytest.raises(ElectraError, match=word):
        finetune("classification", start, rows)


def test_an_unknown_task_lists_the_known(start):
    with pytest.raises(ElectraError, match="classification, tagging, question-answering"):
        finetune("sentiment", start, rows_of(4))


def test_of_an_error_the_least_is_the_best(tmp_path):
    net = torch.nn.Linear(1, 1)
    keeper = KeepBest("mean_absolute_error", folder=tmp_path)
    run = type("R", (), {"task": type("T", (), {"model": net}), "start": 0})
    for step, error in ((1, 0.5), (2, 0.2), (3, 0.9)):
        keeper.on_evaluation(run, {"step": step, "mean_absolute_error": error})
    assert keeper.best["step"] == 2
    records = [{"kind": "evaluation", "step": s, "mean_absolute_error": e} for s, e in ((1, 0.5), (2, 0.2), (3, 0.9))]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    again = KeepBest("mean_absolute_error", folder=tmp_path)
    run.start = 3
    again.on_start(run)
    assert (again.best["step"], again.waited) == (2, 1)
    ends = [
        {"seed": s, "validation": {"mean_absolute_error": e}, "test": {}} for s, e in ((0, 0.5), (1, 0.2), (2, 0.9))
    ]
    assert summary(ends, "mean_absolute_error")["kept_seed"] == 1


def test_keep_best_remembers_by_value_not_by_reference():
    net = torch.nn.Linear(1, 1)
    keeper = KeepBest("accuracy")
    run = type("R", (), {"task": type("T", (), {"model": net})})
    keeper.on_evaluation(run, {"step": 1, "accuracy": 0.5})
    kept = keeper.weights["weight"].clone()
    net.weight.data.add_(1)
    assert torch.equal(keeper.weights["weight"], kept)
