"""Fine-tuning: a pre-trained encoder and a fresh head learn a task in the loop that pre-training uses.

`finetune` trains one seed; `seeds` trains several and compares them; what comes out stands in `finetuned`.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from electra_helpers import __version__
from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError, warn
from electra_helpers.exchange.store import load
from electra_helpers.jsonfile import read_json
from electra_helpers.model.electra import LossSum
from electra_helpers.model.heads import FinetunedNet, encoder_to_finetune, main_encoder
from electra_helpers.paths import is_new
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.recipes import nearest_recipe
from electra_helpers.saved.files import read_model, write_json_atomically, write_model
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.base import DownstreamTask, Examples, Row, goodness
from electra_helpers.tasks.finetuned import AT_ONCE, Finetuned, chunks, known_rows, predict_chunk, save
from electra_helpers.tasks.holding_out import hold_out
from electra_helpers.tasks.own_run import begin, compare, rows_hash
from electra_helpers.tasks.reading import as_known, as_labelled
from electra_helpers.tasks.registry import task_named
from electra_helpers.text.packing import Batch
from electra_helpers.text.rows import like_lengths
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.callbacks import JsonLog, read_log
from electra_helpers.training.checkpoint import Checkpoints
from electra_helpers.training.loop import Callback, Run, seed_for, train
from electra_helpers.training.optim import layerwise_groups

# Streams of randomness beside those of pre-training: the head's weights, and the seeds of runs that start over.
WEIGHTS, RESTART = 3, 4
RESTARTS = "restarts.json"  # how often the run in this folder started over
WHAT_HELPS = "Try another seed, restarts=2, a lower learning_rate, or more rows."


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
        size = len(work[1]) // parts
        return (self.task.part(work, at, at + size) for at in range(0, size * parts, size))

    def target_counts(self, work: tuple[Batch, Tensor]) -> dict[str, Tensor]:
        if self.config.head == "paper":  # the reference sums a batch's losses: nothing to divide by
            return {self.task.name: torch.tensor(0)}
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
            for said in predict_chunk(model, self.task, chunk, self.tokenizer, self.config)
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
            best = max(records, key=lambda r: goodness(self.metric, r[self.metric]), default={})
            self.best = {name: value for name, value in best.items() if name != "kind"}
            self.waited = sum(r["step"] > self.best.get("step", 0) for r in records)
            run.stop = bool(self.patience) and self.waited >= self.patience

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        if len(record) < 2:  # the step alone: there are no held-out rows
            return
        if self.metric not in record:
            known = ", ".join(name for name in record if name != "step")
            raise ElectraError(f"best_by {self.metric!r} is no metric of this task; there are: {known}.")
        now, before = (goodness(self.metric, r[self.metric]) if r else -math.inf for r in (record, self.best))
        if not self.best or now > before:
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
    train_data: Any,
    *,
    validation: Any = None,
    columns: Mapping[str, str] | None = None,
    config: FinetuneConfig | None = None,
    scratch: bool = False,
    folder: str | Path | None = None,
    resume: bool = False,
    callbacks: Iterable[Callback] = (),
    **changes: Any,
) -> Finetuned:
    """Fine-tune a pre-trained model for a task and return it at its best validation score (without validation: at its end).

    `task` is a name of `electra finetune`. Data are a path (or another source of that command), a list of dictionaries, columns as
    {name: values}, a DataFrame, a `datasets.Dataset` or a `LabelledData`; `columns` says which column plays which role
    ({"text": "review"}) where that is not guessed; `validation` may be a share of the training rows, such as 0.1. `config` is the
    recipe of the model's size, or yours; `changes` replace single settings (`learning_rate=1e-4`); `scratch` trains the same net from
    random weights. With `folder`, a new one, the run is logged there, and its model is left for `load_finetuned`; a run that was stopped
    resumes with `resume`, given the same data and settings. Raises `ElectraError` for data that does not fit, and for a used folder.
    Source: paper, Section 3 and Appendix B.

    >>> import electra_helpers as eh
    >>> rows = [{"text": "It rained.", "label": "wet"}, {"text": "It was sunny.", "label": "dry"}]
    >>> made = eh.finetune("classification", "electra-tiny-world-en", rows, epochs=1)
    >>> sorted(next(made.predict(["It rained."]))["probabilities"])
    ['dry', 'wet']

    Built in notebook 08.
    """
    start = model if isinstance(model, Pretrained) else load(model)
    config = with_changes(config or settings_for(start), changes)
    material = read_material(task, start, train_data, validation, config, columns)
    folder = None if folder is None else Path(folder)
    if folder:
        _prepare(folder, task, start, material, scratch=scratch, resume=resume)
    made = learn(start, material, scratch=scratch, folder=folder, resume=resume, callbacks=callbacks)
    if folder:
        save(made, folder)
    if said := one_class(made, material):
        warn(f"{said}. {WHAT_HELPS}")
    return made


def _prepare(folder: Path, task: str, start: Pretrained, material: Material, *, scratch: bool, resume: bool) -> None:
    """Begin the folder of a run, or find that the one in it is this one. Raises `ElectraError` where it is another, or in use."""
    about = {"version": __version__, "task": task, "model": start.name, "from_scratch": scratch}
    about |= {"labels": list(material.task.label_names()), "finetune": asdict(material.config)}
    about["rows_hash"] = rows_hash(material.examples.examples, material.held_out)
    if resume and not is_new(folder):
        compare(folder, about, "choose another folder")
    else:
        begin(folder, about, "choose another folder, or resume the run in it by resume=True")


@dataclass(frozen=True, eq=False)
class Material:
    """What is learned from and tested on, read and encoded once for however many seeds; `config` has its steps in numbers."""

    task: DownstreamTask
    examples: Examples
    held_out: list[Row]
    config: FinetuneConfig
    columns: dict[str, str] = field(default_factory=dict)  # role → what the data calls it, of what the net reads


def read_material(
    task: str,
    start: Pretrained,
    train_data: Any,
    validation: Any,
    config: FinetuneConfig,
    columns: Mapping[str, str] | None = None,
) -> Material:
    """Data as `finetune` learns from it. Raises `ElectraError` for data that does not fit the task or the model."""
    data = as_labelled(train_data, task, columns=columns)
    if isinstance(validation, float):
        data, validation = hold_out(data, validation)
    elif validation is not None:
        known = as_known(data.labels, data.numbered, data.kind, None)
        validation = as_labelled(validation, task, "validation", columns=columns, **known)
    if config.patience and validation is None:
        raise ElectraError(f"patience {config.patience} needs held-out rows: give validation, such as 0.1 of the rows.")
    config = fit_length(config, start)
    learned = task_named(task).from_data(data, config)
    held_out = known_rows(learned, validation)
    examples = encoded(learned, data, start.tokenizer, config)
    read = [role for roles in (*learned.inputs, ("pair",)) for role in roles]
    columns = {role: column for role, column in data.columns.items() if role in read}
    return Material(learned, examples, held_out, with_schedule(config, len(examples)), columns)


def learn(
    start: Pretrained,
    material: Material,
    *,
    scratch: bool = False,
    folder: Path | None = None,
    resume: bool = False,
    callbacks: Iterable[Callback] = (),
) -> Finetuned:
    """Train one seed, that of the material's configuration; see `finetune`. Raises KeyboardInterrupt where it was stopped and saved.

    A run that gives every held-out row one class is trained again `restarts` times, each time with a warning.
    """
    seed, callbacks = material.config.seed, list(callbacks)
    attempt = restarts_in(folder) if folder and resume else 0
    while True:
        one = replace(material, config=replace(material.config, seed=restarted(seed, attempt)))
        made = _learn_once(start, one, scratch=scratch, folder=folder, resume=resume, callbacks=callbacks)
        said = one_class(made, material)
        if not said or attempt >= material.config.restarts:
            return made
        attempt, resume = attempt + 1, False
        warn(
            f"Seed {seed}: {said}. Training again, from other random weights ({attempt} of {material.config.restarts})."
        )
        if folder:
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
            (folder / "best.safetensors").unlink(missing_ok=True)
            write_json_atomically({"restarts": attempt}, folder / RESTARTS)


def restarted(seed: int, attempt: int) -> int:
    """The seed of a run's n-th restart; the seed itself for the run."""
    return seed_for(seed, RESTART, attempt) % 2**31 if attempt else seed


def restarts_in(folder: Path) -> int:
    """How often the run in a folder was trained again."""
    return read_json(folder / RESTARTS).get("restarts", 0) if (folder / RESTARTS).is_file() else 0


def one_class(made: Finetuned, material: Material) -> str:
    """What every held-out row is said to be, where the answers differ and the predictions do not; "" otherwise."""
    shown = material.held_out[:AT_ONCE]
    if len({str(row.get("label")) for row in shown}) < 2:
        return ""
    found = made.task.uniform(list(made.predict_read(shown)))
    return f"{found[0].upper()}{found[1:]} of the held-out rows" if found else ""


def _learn_once(
    start: Pretrained,
    material: Material,
    *,
    scratch: bool,
    folder: Path | None,
    resume: bool,
    callbacks: Iterable[Callback],
) -> Finetuned:
    config, task = material.config, material.task
    net = build_net(start, task, config, scratch)
    run = Finetuning(net, task, material.examples, config, start.tokenizer, material.held_out)
    keeper, log = KeepBest(config.best_by or task.main_metric, config.patience, folder), Recorder()
    checkpoints = Checkpoints(folder / "checkpoints", config.keep) if folder else None
    groups = layerwise_groups(net.encoder, net.head, config)
    told = [*([JsonLog(folder / "log.jsonl")] if folder else []), *callbacks, log, keeper]
    ended = train(run, config, callbacks=told, checkpoints=checkpoints, resume=resume, groups=groups)
    if ended.interrupted:
        raise KeyboardInterrupt
    if keeper.weights is not None:
        net.load_state_dict(keeper.weights)
    net = net.cpu().eval()
    return Finetuned(net, start.tokenizer, task, config, start.name, keeper.best, log.records, material.columns)


class Recorder(Callback):
    """Keeps every record in a list."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def on_log(self, run: Run, record: dict[str, float]) -> None:
        self.records.append({"kind": "train"} | record)

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        self.records.append({"kind": "evaluation"} | record)


def encoded(task: DownstreamTask, data: LabelledData, tokenizer: Tokenizer, config: FinetuneConfig) -> Examples:
    """The training examples. Raises `ElectraError` where no row can be learned from."""
    rows = task.answered(data.rows)
    if not rows:
        raise ElectraError(f"{data.source} has no row with an answer to learn from.")
    return task.gathered(task.examples(rows, tokenizer, config, training=True), tokenizer.pad_id)


def build_net(start: Pretrained, task: DownstreamTask, config: FinetuneConfig, scratch: bool) -> FinetunedNet:
    """The encoder with a head whose weights depend on the seed alone."""
    torch.manual_seed(seed_for(config.seed, WEIGHTS))
    encoder = encoder_to_finetune(start.net, config.dropout, scratch=scratch)
    head = task.head(encoder.config, config.head)
    task.start_head(head, encoder, start.tokenizer)
    return FinetunedNet(encoder, head, frozen=config.freeze)


def with_changes(config: FinetuneConfig, changes: Mapping[str, Any]) -> FinetuneConfig:
    """The configuration with single settings replaced; whoever names the epochs gets these, however few steps they are."""
    return replace(config, **({"min_steps": 0} if "epochs" in changes else {}) | dict(changes))


def settings_for(start: Pretrained) -> FinetuneConfig:
    """How a net of this width is fine-tuned (paper, Table 7; tiny and mini measured here)."""
    return nearest_recipe(main_encoder(start.net).config).finetune


def fit_length(config: FinetuneConfig, start: Pretrained) -> FinetuneConfig:
    """The configuration with a row no longer than the model's position table."""
    return replace(config, length=min(config.length, shape_of(start).max_positions))


def check_length(asked: int | None, start: Pretrained) -> None:
    """Raise `ElectraError` where rows are asked for that the model has no positions for."""
    most = shape_of(start).max_positions
    if asked is not None and asked > most:
        raise ElectraError(
            f"--length {asked} is more than the {most} positions of {start.name}: ask for {most} at most."
        )


def shape_of(start: Pretrained) -> ModelConfig:
    """The shape of the encoder that is fine-tuned."""
    return main_encoder(start.net).config


def with_schedule(config: FinetuneConfig, rows: int) -> FinetuneConfig:
    """The configuration with steps and warm-up in numbers."""
    steps = config.steps or max(1, config.min_steps, math.ceil(config.epochs * rows / config.batch_size))
    return replace(config, steps=steps, warmup_steps=config.warmup_steps or round(config.warmup_share * steps))
