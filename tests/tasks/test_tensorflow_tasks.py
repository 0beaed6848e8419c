"""Fine-tuned checkpoints of the authors' code, and fine-tuning in their form: logits, losses, spans and steps are theirs."""

import json
import shutil

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.exchange.tensorflow_checkpoint import Checkpoint
from electra_helpers.model.electra import real_tokens
from electra_helpers.tasks import tensorflow_tasks
from electra_helpers.tasks.base import Example, Examples
from electra_helpers.tasks.finetuned import load_finetuned
from electra_helpers.tasks.finetuning import Finetuning
from electra_helpers.tasks.question_answering import context_and_cls
from electra_helpers.tasks.tensorflow_tasks import Wanted, load_finetuned_tensorflow
from electra_helpers.text.packing import Batch
from electra_helpers.training.loop import train
from electra_helpers.training.optim import layer_scales, layerwise_groups
from tests.reference import HERE, Numbers
from tests.reference.writer import write_checkpoint

FOLDER = HERE / "finetuned"
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def numbers():
    return Numbers("finetuned")


def net_of(task):
    return load_finetuned_tensorflow(FOLDER, Wanted(task))


def test_classification_and_similarity_are_the_reference_s(numbers):
    batch = numbers.batch()
    sentiment, similarity = net_of("sst"), net_of("sts")
    with torch.no_grad():
        torch.testing.assert_close(sentiment.net(batch), numbers["sst_logits"], **CLOSE)
        loss = sentiment.task.loss(sentiment.net, batch, numbers["sst_label_ids"])
        scores = similarity.net(batch)[:, 0]
    torch.testing.assert_close(loss.total, numbers["sst_loss"].sum(), **CLOSE)
    torch.testing.assert_close(
        scores, 5 * numbers["sts_predictions"], **CLOSE
    )  # the reference divides its targets by 5
    assert (sentiment.task.labels, similarity.task.labels) == (("0", "1"), ())


def test_tagging_is_the_reference_s(numbers):
    made, batch = net_of("chunk"), numbers.batch()
    with torch.no_grad():
        found = made.net(batch)[torch.arange(4)[:, None], numbers["chunk_labeled_positions"]]
    torch.testing.assert_close(found, numbers["chunk_logits"], **CLOSE)
    assert made.net.head.dropout.p == 0
    assert made.task.labels == ("0", "1", "2", "3", "4")


def test_answers_are_the_reference_s(numbers):
    """Losses given the right start, and the 20 best starts with their 20 best ends each, over the context and [CLS]."""
    made, batch = net_of("squad"), numbers.batch()
    places = {"real": real_tokens(batch), "context": context_and_cls(batch)}
    targets = torch.stack([numbers["squad_start_positions"], numbers["squad_end_positions"]], 1)
    with torch.no_grad():
        first, last = made.net(batch, "edges", **places, starts=targets[:, 0])
        loss = made.task.loss(made.net, batch, targets)
        spans = made.net(batch, "spans", **places)
    allowed = places["context"]
    for ours, theirs in ((first, "squad_training_start_logits"), (last, "squad_training_end_logits")):
        torch.testing.assert_close(ours[allowed], torch.log_softmax(numbers[theirs], 1)[allowed], **CLOSE)
    expected = sum(
        F.cross_entropy(numbers[f"squad_training_{edge}_logits"], targets[:, at], reduction="sum") / 2
        for at, edge in enumerate(("start", "end"))
    )
    torch.testing.assert_close(loss.total, expected, **CLOSE)
    rows = torch.arange(4)[:, None, None]
    theirs = numbers["squad_start_top_log_probs"][..., None] + numbers["squad_end_top_log_probs"]
    ours = spans[rows, numbers["squad_start_top_index"][..., None], numbers["squad_end_top_index"]]
    likely = theirs > -100  # there what is not allowed has a logit 1,000 lower, here it has none
    torch.testing.assert_close(ours[likely], theirs[likely], **CLOSE)
    assert likely.sum() > 100
    assert not torch.isfinite(ours[~likely]).any()


def test_layers_learn_at_the_reference_s_rates(numbers):
    found = layer_scales(2, 0.8, "reference")
    names = ["/embeddings/", "encoder/layer_0/", "encoder/layer_1/", "task_specific/"]
    assert found == pytest.approx([float(numbers.arrays[f"scale:{name}"]) for name in names])


def chunk_examples(numbers) -> list[Example]:
    """The reference's rows of the task chunk, without their padding."""
    rows = []
    for ids, types, mask, places, labels, counted in zip(
        *(numbers.arrays[n] for n in ("input_ids", "segment_ids", "input_mask")),
        *(numbers.arrays[f"chunk_{n}"] for n in ("labeled_positions", "labels", "labels_mask")),
        strict=True,
    ):
        real = int(mask.sum())
        target = np.full(real, -100)
        target[places[counted > 0]] = labels[counted > 0]
        rows.append(Example(ids[:real].tolist(), types[:real].tolist(), target.tolist(), len(rows)))
    return rows


def test_five_steps_of_tagging_end_where_the_reference_s_do(numbers):
    """Losses summed before the gradient is clipped, weight decay, warm-up, layer-wise rates: through the loop itself."""
    made, rows = net_of("chunk"), chunk_examples(numbers)
    config = FinetuneConfig(
        steps=20,
        warmup_steps=2,
        batch_size=4,
        learning_rate=1e-2,
        weight_decay=0.01,
        layer_decay=0.8,
        decay_exponent="reference",
        head="paper",
        dropout=0.0,
        log_every=1,
        device="cpu",
    )
    for module in made.net.modules():
        if hasattr(module, "p"):
            module.p = 0.0
        if hasattr(module, "num_heads"):
            module.dropout = 0.0
    log = []

    class Watch:
        """Five of the twenty steps."""

        def on_start(self, run): ...
        def on_evaluation(self, run, record): ...
        def on_end(self, run): ...

        def on_log(self, run, record):
            log.append(record["loss"])

        def on_step(self, run):
            run.stop = run.step == 5

    run = Finetuning(made.net, made.task, Examples(rows, 0), config, made.tokenizer)
    run.work = lambda *_: run.rows.take(range(4))  # all four at every step
    train(run, config, callbacks=[Watch()], groups=layerwise_groups(made.net.encoder, made.net.head, config))
    assert log == pytest.approx(numbers["chunk_training_losses"].tolist(), rel=1e-4)
    state = made.net.state_dict()
    wanted = {name.removeprefix("after:"): numbers[name] for name in numbers.arrays if name.startswith("after:")}
    found = {
        "task_specific/chunk/dense/kernel": state["head.out.weight"].T,
        "electra/encoder/layer_0/output/dense/kernel": state["encoder.layers.0.down.weight"].T,
        "electra/encoder/layer_1/attention/self/value/bias": state["encoder.layers.1.attention.qkv.bias"][32:],
        "electra/embeddings/word_embeddings": state["encoder.embeddings.word.weight"],
    }
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-4)


def single(tmp_path, task, name=None):
    """The checkpoint with one task alone, under another name."""
    kept = {n: v for n, v in Checkpoint(FOLDER / "model.ckpt-7").items() if not n.startswith("task_specific/")}
    parts = Checkpoint(FOLDER / "model.ckpt-7")
    kept |= {
        n.replace(f"/{task}/", f"/{name or task}/"): v
        for n, v in parts.items()
        if n.startswith(f"task_specific/{task}/")
    }
    write_checkpoint(tmp_path / "one/model.ckpt-9", kept)
    shutil.copy(FOLDER / "vocab.txt", tmp_path / "one")
    return tmp_path / "one"


@pytest.mark.parametrize("task", ["sst", "sts", "chunk", "squad"])
def test_an_imported_task_predicts_from_the_command(task, tmp_path, electra):
    code, out, err = electra("import", single(tmp_path, task), "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "electra predict" in out
    rows = {
        "chunk": {"tokens": ["the", "cook", "ate"]},
        "squad": {"context": "the cook ate a meal .", "question": "who ate ?"},
    }
    row = rows.get(task, {"text": "the cook ate .", "text2": "a meal"})
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    columns = ("--column", "pair=text2") if task == "sts" else ()
    files = ("--input", tmp_path / "rows.jsonl", "--output", tmp_path / "said.jsonl")
    code, _, err = electra("predict", "--model", tmp_path / "out", *files, *columns)
    assert code == 0, err
    said = json.loads((tmp_path / "said.jsonl").read_text())
    expected = {"chunk": "tags", "squad": "answer"}.get(task, "label")
    assert any(expected in key for key in said), said


def test_what_the_names_do_not_say_is_asked(tmp_path, electra):
    def refused(*arguments):
        code, out, err = electra("import", *arguments, "--out", tmp_path / "out")
        assert (code, out, err.count("\n")) == (2, "", 1), err
        return err

    assert "choose one of chunk, squad, sst, sts with --task" in refused(FOLDER)
    assert "no task 'pos'" in refused(FOLDER, "--task", "pos")
    own = single(tmp_path, "chunk", "own")
    assert "--kind" in refused(own)
    assert "--kind" in refused(own, "--kind", "answers")
    assert "3 labels, own" in refused(own, "--kind", "tagging", "--labels", "a,b,c")
    assert "not fine-tuned" in refused(HERE / "small", "--task", "sst")
    assert "--kind does nothing for a checkpoint that is not fine-tuned" in refused(HERE / "small", "--kind", "tagging")
    assert "--labels does nothing" in refused(HERE / "small", "--labels", "a,b")
    for name in ("squad", "sts"):
        assert f"--labels does nothing for {name}" in refused(FOLDER, "--task", name, "--labels", "a")
    for kind in ("tagging", "classification"):
        out = tmp_path / kind
        assert electra("import", own, "--kind", kind, "--labels", "O,B-A, I-A, B-C,I-C", "--out", out)[0] == 0
        assert load_finetuned(out).task.labels == ("O", "B-A", "I-A", "B-C", "I-C")
        assert load_finetuned(out).task.name == kind
    with pytest.raises(ElectraError, match="fine-tuned for own"):
        load(own)


def test_a_head_that_is_not_whole_is_refused(tmp_path):
    folder = single(tmp_path, "squad")
    checkpoint = {name: value.copy() for name, value in Checkpoint(folder / "model.ckpt-9").items()}
    del checkpoint["task_specific/squad/dense_1/bias"]
    write_checkpoint(folder / "model.ckpt-9", checkpoint)
    with pytest.raises(ElectraError, match="dense_1/bias"):
        load_finetuned_tensorflow(folder)
    for name in ("kernel", "bias"):
        del checkpoint[f"task_specific/squad/qa_hidden/{name}"]
    write_checkpoint(folder / "model.ckpt-9", checkpoint)
    with pytest.raises(ElectraError, match="independently"):
        load_finetuned_tensorflow(folder)


def test_an_exported_tagger_of_the_paper_s_form_needs_no_segments(tmp_path, electra):
    """It learned with all text in segment 1; transformers takes segment 0 where nothing else is said."""
    from transformers import AutoModelForTokenClassification

    assert electra("import", single(tmp_path, "chunk"), "--out", tmp_path / "out")[0] == 0
    assert electra("export", tmp_path / "out", tmp_path / "exported")[0] == 0
    theirs, ours = (
        AutoModelForTokenClassification.from_pretrained(tmp_path / "exported"),
        load_finetuned(tmp_path / "out"),
    )
    example = ours.task.examples([{"tokens": ["the", "cook", "ate"]}], ours.tokenizer, ours.config)[0]
    ids, ones = torch.tensor([example.ids]), torch.ones(1, len(example.ids), dtype=torch.long)
    with torch.no_grad():
        wanted = ours.net(Batch(ids, ones))
        torch.testing.assert_close(theirs.eval()(ids).logits, wanted)
        assert (ours.net(Batch(ids)) - wanted).abs().max() > 0.1


@pytest.mark.parametrize(
    ("name", "given", "numbered"),
    [("mnli", (), False), ("sst", (), True), ("own", ("a", "b"), False), ("own", (), True), ("own", ("0", "1"), True)],
)
def test_labels_that_have_names_are_not_read_by_their_numbers(name, given, numbered, monkeypatch):
    monkeypatch.setattr(tensorflow_tasks, "shape_of", lambda *_: (8, 3 if name == "mnli" else 2))
    for kind in ("classification", "tagging"):
        assert tensorflow_tasks._task(None, name, kind, given).numbered is numbered
