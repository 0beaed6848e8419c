"""Fine-tuned TensorFlow checkpoints of the reference code as fine-tuned models of ours, their heads in the paper's form.

The checkpoint holds weights alone: which task they do follows from its name in `task_specific/NAME/`, and from what the user says.
Source: reference code, `task_builder.py` and the tasks that it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.tensorflow_checkpoint import Checkpoint
from electra_helpers.exchange.tensorflow_import import (
    TASKS,
    WithoutStart,
    encoder_shape,
    fill,
    numbers,
    open_checkpoint,
    read_encoder,
    read_vocabulary,
    shape_of,
    task_names,
)
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.heads import FinetunedNet
from electra_helpers.tasks.base import DownstreamTask
from electra_helpers.tasks.classification import Classification
from electra_helpers.tasks.finetuned import Finetuned
from electra_helpers.tasks.question_answering import QuestionAnswering
from electra_helpers.tasks.tagging import Tagging

BINARY, ENTAILMENT = ("0", "1"), ("entailment", "not_entailment")
# The reference's names for the tasks of GLUE: their labels in its order, and those that judge pairs. STS has a number instead.
LABELS = {
    "cola": BINARY,
    "mrpc": BINARY,
    "sst": BINARY,
    "qqp": BINARY,
    "rte": ENTAILMENT,
    "qnli": ENTAILMENT,
    "mnli": ("contradiction", "entailment", "neutral"),
    "sts": (),
}
PAIRS = ("mrpc", "mnli", "rte", "qnli", "qqp", "sts")
STS_SCALE = 5.0  # the reference divides its targets, 0 to 5, by this
MOST_ANSWER_TOKENS, STRIDE = 30, 128  # `configure_finetuning.py`
LENGTHS = {"classification": 128, "tagging": 256, "question-answering": 512}
# Where a head of ours finds its layers. The reference's dense layer reads [first, last], ours [last, first].
SPAN_LAYERS = {"first": "dense", "dense": "qa_hidden", "last": "dense_1"}


@dataclass(frozen=True)
class Wanted:
    """What the user says of a fine-tuned checkpoint, where its names do not."""

    task: str | None = None  # which of several tasks
    kind: str | None = None  # classification or tagging
    labels: tuple[str, ...] = ()
    vocab: Path | None = None


def load_finetuned_tensorflow(folder: str | Path | Checkpoint, wanted: Wanted = Wanted()) -> Finetuned:
    """A fine-tuned checkpoint as a model that predicts. Raises `ElectraError` where it is damaged or more has to be said of it."""
    checkpoint = open_checkpoint(folder)
    name = _chosen(task_names(checkpoint), wanted.task, checkpoint)
    tokenizer = read_vocabulary(checkpoint, wanted.vocab)
    shape = encoder_shape(checkpoint, "electra", tokenizer)
    kind = _kind(checkpoint, name, wanted.kind)
    task = _task(checkpoint, name, kind, wanted.labels)
    length = min(LENGTHS[kind], shape.max_positions)
    config = FinetuneConfig(
        head="paper", length=length, stride=STRIDE if length == LENGTHS[QuestionAnswering.name] else 0
    )
    return Finetuned(_net(checkpoint, name, task, shape), tokenizer, task, config, checkpoint.prefix.parent.name)


def _chosen(names: list[str], asked: str | None, checkpoint: Checkpoint) -> str:
    if asked in names or (asked is None and len(names) == 1):
        return asked or names[0]
    if not names:
        raise ElectraError(f"{checkpoint.index} is not fine-tuned: leave --task out.")
    found = f"There is no task {asked!r} in" if asked else f"{len(names)} tasks are in"
    raise ElectraError(f"{found} {checkpoint.index}: choose one of {', '.join(names)} with --task.")


def _kind(checkpoint: Checkpoint, name: str, asked: str | None) -> str:
    """What the head does: only a span head can be told by its variables."""
    if f"{TASKS}{name}/qa_hidden/kernel" in checkpoint:
        return QuestionAnswering.name
    if f"{TASKS}{name}/dense_1/kernel" in checkpoint:
        raise ElectraError(
            f"{name} in {checkpoint.index} predicts start and end of an answer independently: only the joint form is read."
        )
    known = Classification.name if name in LABELS else Tagging.name if name == "chunk" else None
    kind = asked or known
    if kind not in (Classification.name, Tagging.name):
        raise ElectraError(
            f"{name} is no task of the reference code: say with --kind if it is classification or tagging."
        )
    return kind


def _task(checkpoint: Checkpoint, name: str, kind: str, labels: tuple[str, ...]) -> DownstreamTask:
    count = 1 if kind == QuestionAnswering.name else shape_of(checkpoint, f"{TASKS}{name}/dense/kernel", 2)[1]
    if labels and count == 1:
        raise ElectraError(
            f"--labels does nothing for {name} in {checkpoint.index}, which has no labels: leave it out."
        )
    if kind == QuestionAnswering.name:
        return QuestionAnswering(unanswerable=name == "squad", most_tokens=MOST_ANSWER_TOKENS)
    if labels and len(labels) != count:
        raise ElectraError(f"--labels names {len(labels)} labels, {name} in {checkpoint.index} has {count}.")
    known, numbers = LABELS.get(name, ()), tuple(map(str, range(count)))
    labels = labels or (known if len(known) == count else numbers)
    numbered = labels == numbers  # names are matched by name: other data may number them in another order
    if kind == Tagging.name:
        return Tagging(labels, numbered)
    return Classification(() if count == 1 else labels, typical=0, pairs=name in PAIRS, numbered=numbered)


def _net(checkpoint: Checkpoint, name: str, task: DownstreamTask, shape: ModelConfig) -> FinetunedNet:
    with torch.device("meta"), WithoutStart():  # every weight is replaced
        net = FinetunedNet(Encoder(shape), task.head(shape, "paper"))
    read_encoder(checkpoint, net.encoder)
    layers = SPAN_LAYERS if isinstance(task, QuestionAnswering) else {"out": "dense"}
    weights: dict[str, Tensor] = {}
    for ours, theirs in layers.items():
        for kind, their_kind in (("weight", "kernel"), ("bias", "bias")):
            variable = f"{TASKS}{name}/{theirs}/{their_kind}"
            shape_of(checkpoint, variable, 2 if kind == "weight" else 1)
            weights[f"{ours}.{kind}"] = numbers(checkpoint, variable)
    if isinstance(task, QuestionAnswering):
        weights["dense.weight"] = weights["dense.weight"].roll(shape.hidden_size, dims=1)
    if name == "sts":
        weights = {part: STS_SCALE * value for part, value in weights.items()}
    fill(net.head, lambda: weights, checkpoint)
    return net.eval()
