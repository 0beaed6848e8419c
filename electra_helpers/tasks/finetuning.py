"""Fine-tuning: a pre-trained encoder and a fresh head learn a task in the loop that pre-training uses.

`finetune` trains one seed; what several seeds, folders and the command need stands in `finetuned`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.config import FinetuneConfig, ModelConfig, nearest_recipe
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import LossSum
from electra_helpers.model.files import read_model, write_model
from electra_helpers.model.heads import FinetunedNet, encoder_to_finetune, main_encoder
from electra_helpers.model.store import Pretrained, load
from electra_helpers.tasks.downstream import DownstreamTask, Examples, Row
from electra_helpers.tasks.registry import task_named
from electra_helpers.text.labelled import LabelledData, labelled
from electra_helpers.text.packing import Batch, like_lengths
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.callbacks import read_log
from electra_helpers.training.checkpoint import Checkpoints
from electra_helpers.training.loop import Callback, Run, seed_for, train
from electra_helpers.training.optim import layerwise_groups

WEIGHTS = 3  # stream of randomness for the head's weights, beside those of pre-training
AT_ONCE = 512  # rows that are predicted together: sorted by length, and all that is held in memory
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Finetuned:
    """A fine-tuned model: the net, its tokenizer, the task it does, and how it was trained."""

    net: FinetunedNet
    tokenizer: Tokenizer
    task: DownstreamTask
    config: FinetuneConfig
    name: str
    evaluation: dict[str, float] = field(default_factory=dict)  # of the validation rows, at the step that was kept
    log: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def predict(self, rows: Iterable[Row | str]) -> Iterator[Row]:
        """A prediction for each row, in order, however many there are; a text alone stands for {"text": …}."""
        told = ({"text": row} if isinstance(row, str) else row for row in rows)
        return (said for _, said in self.predict_beside((row, row) for row in told))

    def predict_beside(self, rows: Iterable[tuple[Item, Row]]) -> Iterator[tuple[Item, Row]]:
        """The same for rows that bring something along, which is given back beside each prediction."""
        for chunk in chunks(rows, AT_ONCE):
            said = predict_chunk(self.net, self.task, [row for _, row in chunk], self.tokenizer, self.config)
            yield from zip((beside for beside, _ in chunk), said, strict=True)

    def evaluate(self, data: LabelledData) -> dict[str, float]:
        """The task's metrics over the rows whose answer is known. Raises `ElectraError` if there is none."""
        rows = known_rows(self.task, data)
        if not rows:
            raise ElectraError(f"{data.source} has no row with an answer to compare with.")
        return self.task.score(rows, list(self.predict(rows)))


class Finetuning:
    """Fine-tuning as the loop sees it."""

    def __init__(
        self,
        net: FinetunedNet,
        task: DownstreamTask,
        examples: Examples,
        config: FinetuneConfig,
        tokenizer: Tokenizer,
        held_out: Sequence[Row] = (),
    ) -> None:
        self.model, self.task, self.rows, self.config = net, task, examples, config
        self.tokenizer, self.held_out = tokenizer, held_out
        self.loss_weights = {task.name: 1.0}

    def work(self, step: int, process: int, processes: int) -> tuple[Batch, Tensor]:
        """This process's share of the global batch: rows of like length, a pure function of (seed, step)."""
        size = self.config.batch_size
        if size % processes:
            raise ElectraError(f"batch_size {size} does not split over {processes} processes: make it a multiple.")
        indices, _ = like_lengths(self.rows, self.config.seed, step, size)
        return self.rows.take(indices[process * size // processes : (process + 1) * size // processes])

    def split(self, work: tuple[Batch, Tensor], parts: int) -> Iterable[tuple[Batch, Tensor]]:
        batch, targets = work
        size = len(targets) // parts
        return ((batch.rows(at, at + size), targets[at : at + size]) for at in range(0, size * parts, size))

    def target_counts(self, work: tuple[Batch, Tensor]) -> dict[str, Tensor]:
        return {self.task.name: self.task.count(work[1])}

    def tokens(self, work: tuple[Batch, Tensor]) -> int:
        mask = work[0].attention_mask
        return work[0].input_ids.numel() if mask is None else int(mask.sum())

    def losses(self, model: nn.Module, work: tuple[Batch, Tensor], device: torch.device) -> dict[str, LossSum]:
        batch, targets = work
        return {self.task.name: self.task.loss(model, batch.to(device), targets.to(device))}

    def evaluate(self, model: FinetunedNet, device: torch.device) -> dict[str, float]:
        if not self.held_out:
            return {}
        predictions = [
            said
            for chunk in chunks(self.held_out, AT_ONCE)
            for said in predict_chunk(model, self.task, chunk, self.tokenizer, self.config, device)
        ]
        return self.task.score(self.held_out, predictions)


class KeepBest(Callback):
    """Keeps the weights of the best evaluation so far, in memory and (where there is a folder) on disk; may stop the run."""

    def __init__(self, metric: str, patience: int = 0, folder: Path | None = None) -> None:
        self.metric, self.patience, self.folder = metric, patience, folder
        self.weights: dict[str, Tensor] | None = None
        self.best: dict[str, float] = {}
        self.waited = 0

    def on_start(self, run: Run) -> None:
        if run.start and self.folder and (self.folder / "best.safetensors").is_file():
            net = run.task.model
            now = {name: value.clone() for name, value in net.state_dict().items()}
            read_model(net, self.folder / "best.safetensors")
            self._remember(net)
            net.load_state_dict(now)
            records = [
                r for r in read_log(self.folder / "log.jsonl") if r["kind"] == "evaluation" and r["step"] <= run.start
            ]
            best = max(records, key=lambda r: r[self.metric], default={})
            self.best = {name: value for name, value in best.items() if name != "kind"}
            self.waited = sum(r["step"] > self.best.get("step", 0) for r in records)
            run.stop = bool(self.patience) and self.waited >= self.patience

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        if self.metric not in record:
            return
        if not self.best or record[self.metric] > self.best[self.metric]:
            self.best, self.waited = dict(record), 0
            self._remember(run.task.model)
            if self.folder:
                partial = self.folder / ".partial-best.safetensors"
                write_model(run.task.model, partial)
                partial.replace(self.folder / "best.safetensors")
            return
        self.waited += 1
        if self.patience and self.waited >= self.patience:
            run.stop = True

    def _remember(self, net: nn.Module) -> None:
        self.weights = {name: value.detach().cpu().clone() for name, value in net.state_dict().items()}


def finetune(
    task: str,
    model: str | Path | Pretrained,
    train_data: LabelledData | Sequence[Row],
    *,
    validation: LabelledData | Sequence[Row] | None = None,
    config: FinetuneConfig | None = None,
    scratch: bool = False,
    folder: Path | None = None,
    resume: bool = False,
    callbacks: Iterable[Callback] = (),
    **changes: Any,
) -> Finetuned:
    """Fine-tune a pre-trained model for a task and return it at its best validation score (without validation: at its end).

    `task` is a name of `electra finetune`; rows are a `LabelledData` or dictionaries; `config` is the paper's for the model's size, or
    yours; `changes` replace single settings (`learning_rate=1e-4`); `scratch` trains the same net from random weights;
    with `folder` the run is logged, and goes on with `resume`. Raises `ElectraError` for data that does not fit.
    Source: paper, Section 3 and Appendix B.

    >>> import electra_helpers as eh
    >>> rows = [{"text": "It rained.", "label": "wet"}, {"text": "It was sunny.", "label": "dry"}]
    >>> made = eh.finetune("classification", "electra-tiny-world-en", rows, epochs=1)
    >>> sorted(next(made.predict(["It rained."]))["probabilities"])
    ['dry', 'wet']

    Built in notebook 08.
    """
    start = model if isinstance(model, Pretrained) else load(model)
    config = replace(config or settings_for(start), **changes)
    material = read_material(task, start, train_data, validation, config)
    return learn(start, material, scratch=scratch, folder=folder, resume=resume, callbacks=callbacks)


@dataclass(frozen=True, eq=False)
class Material:
    """What is learned from and tested on, read and encoded once for however many seeds; `config` has its steps in numbers."""

    task: DownstreamTask
    examples: Examples
    held_out: list[Row]
    config: FinetuneConfig


def read_material(
    task: str,
    start: Pretrained,
    train_data: LabelledData | Sequence[Row],
    validation: LabelledData | Sequence[Row] | None,
    config: FinetuneConfig,
) -> Material:
    """Data as `finetune` learns from it. Raises `ElectraError` for data that does not fit the task or the model."""
    data = as_labelled(train_data, task)
    config = fit_length(config, start)
    learned = task_named(task).from_data(data, config)
    held_out = known_rows(learned, None if validation is None else as_labelled(validation, task))
    examples = encoded(learned, data, start.tokenizer, config)
    return Material(learned, examples, held_out, settle_steps(config, len(examples)))


def learn(
    start: Pretrained,
    material: Material,
    *,
    scratch: bool = False,
    folder: Path | None = None,
    resume: bool = False,
    callbacks: Iterable[Callback] = (),
) -> Finetuned:
    """Train one seed, that of the material's configuration; see `finetune`. Raises KeyboardInterrupt where it was stopped and saved."""
    config, task = material.config, material.task
    net = build_net(start, task, config, scratch)
    run = Finetuning(net, task, material.examples, config, start.tokenizer, material.held_out)
    keeper, log = KeepBest(task.main_metric, config.patience, folder), Recorder()
    checkpoints = Checkpoints(folder / "checkpoints", config.keep) if folder else None
    groups = layerwise_groups(net.encoder, net.head, config)
    ended = train(
        run, config, callbacks=[*callbacks, log, keeper], checkpoints=checkpoints, resume=resume, groups=groups
    )
    if ended.interrupted:
        raise KeyboardInterrupt
    if keeper.weights is not None:
        net.load_state_dict(keeper.weights)
    return Finetuned(net.cpu().eval(), start.tokenizer, task, config, start.name, keeper.best, log.records)


class Recorder(Callback):
    """Keeps every record in a list."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def on_log(self, run: Run, record: dict[str, float]) -> None:
        self.records.append({"kind": "train"} | record)

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        self.records.append({"kind": "evaluation"} | record)


@torch.no_grad()
def predict_chunk(
    net: FinetunedNet,
    task: DownstreamTask,
    rows: Sequence[Row],
    tokenizer: Tokenizer,
    config: FinetuneConfig,
    device: torch.device | str = "cpu",
) -> list[Row]:
    """Predictions for rows that fit in memory, computed in batches of like length, given back in order."""
    found = task.examples(rows, tokenizer, config)
    examples = Examples(found, tokenizer.pad_id)
    outputs: list[np.ndarray] = [np.empty(0)] * len(found)
    order, asked = np.argsort(examples.real_lengths(np.arange(len(found))), kind="stable"), task.ready(net)
    for indices in chunks(order, max(config.batch_size, 32)):
        for index, output in zip(indices, task.outputs(asked, examples.batch(indices).to(device)), strict=True):
            outputs[index] = output
    return task.predictions(rows, found, outputs)


def encoded(task: DownstreamTask, data: LabelledData, tokenizer: Tokenizer, config: FinetuneConfig) -> Examples:
    """The training examples. Raises `ElectraError` where no row can be learned from."""
    rows = task.answered(data.rows)
    if not rows:
        raise ElectraError(f"{data.source} has no row with an answer to learn from.")
    return Examples(task.examples(rows, tokenizer, config, training=True), tokenizer.pad_id)


def build_net(start: Pretrained, task: DownstreamTask, config: FinetuneConfig, scratch: bool) -> FinetunedNet:
    """The encoder with a head whose weights depend on the seed alone."""
    torch.manual_seed(seed_for(config.seed, WEIGHTS))
    encoder = encoder_to_finetune(start.net, config.dropout, scratch=scratch)
    head = task.head(encoder.config, config.head)
    task.start_head(head, encoder, start.tokenizer)
    return FinetunedNet(encoder, head, frozen=config.freeze)


def settings_for(start: Pretrained) -> FinetuneConfig:
    """How a net of this width is fine-tuned (paper, Table 7; tiny and mini measured here)."""
    return nearest_recipe(main_encoder(start.net).config).finetune


def fit_length(config: FinetuneConfig, start: Pretrained) -> FinetuneConfig:
    """The configuration with a row no longer than the model's position table."""
    return replace(config, length=min(config.length, shape_of(start).max_positions))


def shape_of(start: Pretrained) -> ModelConfig:
    """The shape of the encoder that is fine-tuned."""
    return main_encoder(start.net).config


def settle_steps(config: FinetuneConfig, rows: int) -> FinetuneConfig:
    """The configuration with steps and warm-up in numbers."""
    steps = config.steps or max(1, math.ceil(config.epochs * rows / config.batch_size))
    return replace(config, steps=steps, warmup_steps=config.warmup_steps or round(config.warmup_share * steps))


def as_labelled(rows: LabelledData | Sequence[Row], task: str) -> LabelledData:
    """Rows as labelled data of this task. Raises `ElectraError` where they are of another."""
    task_named(task)  # says which there are
    data = rows if isinstance(rows, LabelledData) else labelled(rows, task=task)
    if data.task != task:
        raise ElectraError(f"{data.source} holds rows for {data.task}, not for {task}.")
    return data


def same_labels(data: LabelledData, task: DownstreamTask) -> LabelledData:
    """The data with the numbers that the task gives to its labels. Raises `ElectraError` for a label that it does not know."""
    names = tuple(task.label_names())
    if not names or data.labels == names:
        return data
    unknown = [name for name in data.labels if name not in names]
    if unknown:
        raise ElectraError(f"{data.source} has the label {unknown[0]!r}; the model knows {', '.join(names)}.")
    number = {old: names.index(name) for old, name in enumerate(data.labels)}
    role = "tags" if data.task in ("tagging", "cleaning") else "label"

    def renumbered(value: Any) -> Any:
        return [number[v] for v in value] if isinstance(value, list) else number.get(value, value)

    return replace(data, rows=[row | {role: renumbered(row[role])} for row in data.rows], labels=names)


def known_rows(task: DownstreamTask, data: LabelledData | None) -> list[Row]:
    """The rows whose answer is known, with the task's numbers for its labels."""
    return [] if data is None else task.answered(same_labels(data, task).rows)


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The same items in lists of at most `size`, read as they are needed."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part
