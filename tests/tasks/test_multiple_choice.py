"""Multiple choice: every ending is scored with its context, a softmax goes over a question's endings, and all of it travels."""

import json

import pytest
import torch

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.fast_cpu import IGNORED
from electra_helpers.model.heads import FinetunedNet
from electra_helpers.reading.labelled import labelled
from electra_helpers.tasks.exporting import export
from electra_helpers.tasks.finetuned import load_finetuned
from electra_helpers.tasks.finetuning import Finetuning, build_net, finetune, read_material
from electra_helpers.tasks.multiple_choice import MultipleChoice, Questions
from electra_helpers.tasks.predicting import predict_file
from electra_helpers.tasks.seeds import finetune_seeds
from electra_helpers.training.loop import Callback, Run

QUICK = {"epochs": 2, "batch_size": 4, "device": "cpu", "dropout": 0.0}
WORDS = ["the chef", "un meal", "today e", "like ly"]


def rows_of(count, endings=3):
    """The right ending says again what the context says; there are `endings` of them, or 2 to 4 in turn."""
    made = []
    for number in range(count):
        many = endings or 2 + number % 3
        right = number % many
        others = [WORDS[(number + 1 + place) % 4] for place in range(many)]
        said = [WORDS[number % 4] if place == right else other for place, other in enumerate(others)]
        said = [text if text != WORDS[number % 4] or place == right else "." for place, text in enumerate(said)]
        made.append({"context": WORDS[number % 4], "endings": said, "label": right})
    return made


@pytest.fixture
def learned(pretrained):
    return finetune("multiple-choice", pretrained, rows_of(12), validation=rows_of(8), **QUICK)


def by_hand(made, row):
    """P of each ending: each pair by itself through encoder and head, one softmax."""
    scores = []
    for ending in row["endings"]:
        read = made.tokenizer.encode(row["context"], ending)
        with torch.no_grad():
            hidden = made.net.encoder(torch.tensor([read.ids]), torch.tensor([read.token_type_ids]))
            scores.append(float(made.net.head(hidden)[0, 0]))
    return torch.softmax(torch.tensor(scores), 0).tolist()


def test_the_loss_is_the_cross_entropy_of_the_softmax_over_a_questions_endings(pretrained):
    rows = rows_of(6, endings=None)
    config = FinetuneConfig(**{**QUICK, "batch_size": 6})
    material = read_material("multiple-choice", pretrained, rows, rows, config)
    net = build_net(pretrained, material.task, material.config, scratch=False).eval()
    run = Finetuning(net, material.task, material.examples, material.config, pretrained.tokenizer)
    work = run.work(0, 0, 1)
    found = run.losses(net, work, torch.device("cpu"))["multiple-choice"]
    made = finetune("multiple-choice", pretrained, rows, **QUICK)
    made = type(made)(net, made.tokenizer, made.task, made.config, "x")
    wanted = -torch.log(torch.tensor([by_hand(made, row)[row["label"]] for row in rows])).sum()
    torch.testing.assert_close(found.total, wanted, rtol=1e-4, atol=1e-5)
    assert int(found.count) == 6
    assert work[0].input_ids.shape[0] == sum(len(row["endings"]) for row in rows)
    assert work[1].shape == (6, 4)
    assert sorted((work[1] != IGNORED).sum(1).tolist()) == [2, 2, 3, 3, 4, 4]


def test_micro_batches_keep_a_questions_endings_together_and_add_up(pretrained):
    rows = rows_of(6, endings=None)
    config = FinetuneConfig(**{**QUICK, "batch_size": 6})
    material = read_material("multiple-choice", pretrained, rows, None, config)
    net = build_net(pretrained, material.task, material.config, scratch=False).eval()
    run = Finetuning(net, material.task, material.examples, material.config, pretrained.tokenizer)
    work = run.work(0, 0, 1)
    whole = run.losses(net, work, torch.device("cpu"))["multiple-choice"].total
    parts = [run.losses(net, part, torch.device("cpu"))["multiple-choice"].total for part in run.split(work, 3)]
    assert len(parts) == 3
    torch.testing.assert_close(sum(parts), whole)


def test_batches_are_of_questions_and_their_pairs_are_in_order(pretrained):
    rows = rows_of(5, endings=None)
    task = MultipleChoice(0)
    examples = task.examples(rows, pretrained.tokenizer, FinetuneConfig(), training=True)
    questions = task.gathered(examples, pretrained.tokenizer.pad_id)
    assert isinstance(questions, Questions)
    assert len(questions) == 5
    batch, targets = questions.take([1, 0])
    pairs = [(row["context"], ending) for row in (rows[1], rows[0]) for ending in row["endings"]]
    assert len(pairs) == 3 + 2
    for ids, (context, ending) in zip(batch.input_ids.tolist(), pairs, strict=True):
        wanted = pretrained.tokenizer.encode(context, ending).ids
        assert ids[: len(wanted)] == wanted
        assert set(ids[len(wanted) :]) <= {pretrained.tokenizer.pad_id}
    assert targets.tolist() == [[0, 1, 0], [1, 0, IGNORED]]


def test_predictions_are_a_softmax_over_the_endings_of_each_row(learned):
    rows = rows_of(7, endings=None)
    for row, said in zip(rows, learned.predict(rows), strict=True):
        wanted = by_hand(learned, row)
        assert said["probabilities"] == pytest.approx(wanted, abs=1e-5)
        assert said["label"] == wanted.index(max(wanted))
        assert said["ending"] == row["endings"][said["label"]]
        assert said["probability"] == pytest.approx(max(wanted), abs=1e-5)


def test_the_order_of_the_endings_decides_nothing_but_their_places(learned):
    row = rows_of(1, endings=3)[0]
    turned = row | {"endings": row["endings"][::-1]}
    one, other = learned.predict([row, turned])
    assert one["probabilities"] == pytest.approx(other["probabilities"][::-1], abs=1e-6)


def test_it_learns_which_ending_belongs_to_a_context(pretrained):
    settings = {**QUICK, "epochs": 60, "learning_rate": 5e-3, "batch_size": 8}
    made = finetune("multiple-choice", pretrained, rows_of(24), validation=rows_of(12), **settings)
    assert made.evaluation["accuracy"] > 0.9


def test_a_question_with_a_gap_is_filled_and_a_beginning_is_continued(pretrained):
    rows = [
        {"article": "the chef .", "question": "the _ today", "options": ["meal", "chef"], "answer": "B"},
        {"sent1": "the chef .", "sent2": "the", "ending0": "meal", "ending1": "chef", "label": 0},
    ]
    for row, second in zip(rows, ("the meal today", "the meal"), strict=True):
        data = labelled([row])
        first = MultipleChoice(0).examples(data.rows, pretrained.tokenizer, FinetuneConfig())[0]
        assert first.ids == pretrained.tokenizer.encode("the chef .", second).ids
        assert first.token_type_ids == pretrained.tokenizer.encode("the chef .", second).token_type_ids


def test_accuracy_and_the_baseline_are_counted_over_known_rows(pretrained):
    data = labelled([*rows_of(4), {"context": "e", "endings": ["a", "b"], "label": -1}])
    task = MultipleChoice.from_data(labelled([row | {"label": 2} for row in rows_of(3)]), FinetuneConfig())
    rows = task.answered(data.rows)
    assert len(rows) == 4
    assert task.score(rows, [{"label": 0}, {"label": 1}, {"label": 0}, {"label": 1}]) == {"accuracy": 0.5}
    assert task.baseline(rows) == ("always ending 2", {"accuracy": 0.25})
    assert task.uniform([{"label": 1}, {"label": 1}]) == "every prediction is ending 1"
    assert task.uniform([{"label": 1}, {"label": 0}]) == ""
    with pytest.raises(ElectraError, match="no row with a right ending"):
        MultipleChoice.from_data(labelled([{"context": "e", "endings": ["a", "b"], "label": None}]), FinetuneConfig())


def test_it_reads_back_from_its_folder_and_says_the_same(learned, tmp_path):
    rows = rows_of(5)
    again = load_finetuned(learned.save(tmp_path / "made"))
    assert again.task == learned.task
    for one, other in zip(learned.predict(rows), again.predict(rows), strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-7)


def test_transformers_gives_the_same_logits(learned, tmp_path):
    transformers = pytest.importorskip("transformers")
    export(learned, tmp_path / "out")
    theirs = transformers.ElectraForMultipleChoice.from_pretrained(tmp_path / "out").eval()
    assert theirs.config.problem_type is None
    rows = rows_of(6, endings=3)
    task = learned.task
    examples = Questions(task.examples(rows, learned.tokenizer, learned.config), learned.tokenizer.pad_id)
    pairs = examples.batch(range(18))
    wanted = [made["probabilities"] for made in learned.predict(rows)]
    shape = (6, 3, -1)
    mask = torch.ones_like(pairs.input_ids) if pairs.attention_mask is None else pairs.attention_mask.long()
    with torch.no_grad():
        logits = theirs(pairs.input_ids.view(shape), mask.view(shape), pairs.token_type_ids.view(shape)).logits
        ours = FinetunedNet(learned.net.encoder, learned.net.head).eval()(pairs).view(6, 3)
    torch.testing.assert_close(logits, ours, rtol=1e-5, atol=1e-5)
    assert logits.softmax(1).tolist() == [pytest.approx(each, abs=1e-5) for each in wanted]
    assert ours.std() > 0.01
    with pytest.raises(ElectraError, match="--head transformers"):
        export(finetune("multiple-choice", learned_start(learned), rows, **QUICK, head="paper"), tmp_path / "paper")


def learned_start(made):
    """A pre-trained model with the encoder's shape, for a net with another head."""
    from electra_helpers.model.electra import Electra
    from electra_helpers.saved.pretrained import Pretrained

    return Pretrained(Electra(made.net.encoder.config).eval(), made.tokenizer, "untrained")


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, run: Run):
        if run.step == self.step:
            run.stop = run.interrupted = True


def test_an_interrupted_run_goes_on_bit_for_bit(pretrained, tmp_path):
    data, config = labelled(rows_of(12, endings=None)), FinetuneConfig(**QUICK)
    how = {"train": data, "validation": data, "config": config}
    whole = finetune_seeds("multiple-choice", pretrained, tmp_path / "whole", **how)
    with pytest.raises(KeyboardInterrupt):
        finetune_seeds("multiple-choice", pretrained, tmp_path / "cut", **how, callbacks=lambda seed: [StopAt(3)])
    assert finetune_seeds("multiple-choice", pretrained, tmp_path / "cut", **how, resume=True) == whole
    weights = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "cut")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("form", ["swag.csv", "race.jsonl"])
def test_a_file_of_questions_is_predicted_in_its_own_columns(learned, tmp_path, form):
    if form == "swag.csv":
        (tmp_path / form).write_text("sent1,sent2,ending0,ending1\nthe chef,un,meal,chef\n", "utf-8")
    else:
        row = {"article": "the chef", "question": "un _", "options": ["meal", "chef"]}
        (tmp_path / form).write_text(json.dumps(row) + "\n", "utf-8")
    predict_file(learned, tmp_path / form, tmp_path / "out.jsonl")
    said = json.loads((tmp_path / "out.jsonl").read_text("utf-8"))
    row = {"context": "the chef", "endings": ["un meal", "un chef"]}
    assert said["predicted_probabilities"] == pytest.approx(by_hand(learned, row), abs=1e-5)
    assert "endings" not in said
    assert said["predicted_ending"] in ("meal", "chef")


def test_long_contexts_are_cut_and_counted(pretrained):
    rows = [{"context": "the " * 40, "endings": ["chef", "meal"]}, {"context": "the", "endings": ["chef", "meal"]}]
    made = MultipleChoice(0).examples(rows, pretrained.tokenizer, FinetuneConfig(length=16))
    assert [example.cut for example in made] == [True, True, False, False]
    assert max(len(example.ids) for example in made) == 16
