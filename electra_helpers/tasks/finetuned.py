"""A fine-tuned model: what it predicts, how it scores, and its folder, written and read again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.device import DTYPES, choose_device
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.hub_push import REPOSITORY
from electra_helpers.exchange.transformers_bridge import download
from electra_helpers.fields import from_json
from electra_helpers.jsonfile import expect
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.heads import FinetunedNet
from electra_helpers.paths import check_new_folder, is_new
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.saved.card import Card, shown, write_card
from electra_helpers.saved.files import build_to_fit, read_model, write_json_atomically, write_model
from electra_helpers.saved.folder import FORMAT, check_finetuned, is_finetuned, named
from electra_helpers.tasks.base import DownstreamTask, Examples, Row
from electra_helpers.tasks.registry import task_named
from electra_helpers.text.tokenizer import Tokenizer

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
    columns: dict[str, str] = field(
        default_factory=dict
    )  # role → what the training data called it, of what the net reads
    precision: str = "fp32"  # in which it predicts

    def on(self, device: str = "auto", precision: str = "fp32") -> Finetuned:
        """The same model, to predict on a device ("auto": the fastest here) and in a precision; its net is moved there.

        In bf16 a CPU with matrix units (Intel AMX) and a GPU are faster, and probabilities change in the third digit. Raises
        `ElectraError` for a device that is not here.
        """
        choice = choose_device(device, precision)
        return replace(self, net=self.net.to(choice.device), precision=choice.precision)

    def predict(self, rows: Iterable[Row | str]) -> Iterator[Row]:
        """A prediction for each row, in order, however many there are; a text alone stands for {"text": …}.

        A row has the columns of the training data, or the names of the task's roles: text, context and question, …
        """
        return self.predict_read({"text": row} if isinstance(row, str) else self._by_role(row) for row in rows)

    def predict_read(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same for rows as the task reads them, by role."""
        return (said for _, said in self.predict_beside((row, row) for row in rows))

    def _by_role(self, row: Row) -> Row:
        there = {role: row[column] for role, column in self.columns.items() if column in row}
        return {**row, **there}

    def save(self, folder: str | Path) -> Path:
        """Write the model as a folder for `load_finetuned`, `electra predict` and `electra export`; returns the folder.

        Raises `ElectraError` where something else is in the folder.
        """
        folder = named(folder)
        if not (is_new(folder) or is_finetuned(folder)):
            raise ElectraError(f"{folder} is not empty, and holds no fine-tuned model: choose another folder.")
        folder.mkdir(parents=True, exist_ok=True)
        save(self, folder)
        return folder

    def predict_beside(self, rows: Iterable[tuple[Item, Row]]) -> Iterator[tuple[Item, Row]]:
        """The same for rows that bring something along, which is given back beside each prediction."""
        for chunk in chunks(rows, AT_ONCE):
            read = [row for _, row in chunk]
            said = predict_chunk(self.net, self.task, read, self.tokenizer, self.config, precision=self.precision)
            yield from zip((beside for beside, _ in chunk), said, strict=True)

    def evaluate(self, data: LabelledData) -> dict[str, float]:
        """The task's metrics over the rows whose answer is known. Raises `ElectraError` if there is none."""
        rows = known_rows(self.task, data)
        if not rows:
            raise ElectraError(f"{data.source} has no row with an answer to compare with.")
        return self.task.score(rows, list(self.predict_read(rows)))


@torch.no_grad()
def predict_chunk(
    net: FinetunedNet,
    task: DownstreamTask,
    rows: Sequence[Row],
    tokenizer: Tokenizer,
    config: FinetuneConfig,
    *,
    precision: str = "fp32",
) -> list[Row]:
    """Predictions for rows that fit in memory, computed where the net is in batches of like length, given back in order."""
    device = next(net.parameters()).device
    half = nullcontext() if precision == "fp32" else torch.autocast(device.type, getattr(torch, DTYPES[precision]))
    found = task.examples(rows, tokenizer, config)
    examples = Examples(found, tokenizer.pad_id)
    outputs: list[np.ndarray] = [np.empty(0)] * len(found)
    order, asked = np.argsort(examples.real_lengths(np.arange(len(found))), kind="stable"), task.ready(net)
    for indices in chunks(order, max(config.batch_size, 32)):
        with half:
            said = task.outputs(asked, examples.batch(indices).to(device))
        for index, output in zip(indices, said, strict=True):
            outputs[index] = output
    return task.predictions(rows, found, outputs)


def same_labels(data: LabelledData, task: DownstreamTask) -> LabelledData:
    """The data with the numbers that the task gives to its labels. Raises `ElectraError` for labels of another kind, or unknown ones."""
    names = tuple(task.label_names())
    if data.task == "classification" and (data.kind == "scale") == bool(names):
        kind = "classes" if names else "scale"
        raise ElectraError(
            f"{data.source} has labels of kind {data.kind}, the model gives {kind}: read the rows with kind={kind!r}."
        )
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


def save(made: Finetuned, folder: Path) -> None:
    """Write weights, tokenizer and what is needed to build the net again."""
    about = {"electra_helpers": FORMAT, "task": made.task.write(folder), "name": made.name}
    about |= {"columns": made.columns}
    about |= {"model": asdict(made.net.encoder.config), "finetune": asdict(made.config), "evaluation": made.evaluation}
    write_model(made.net, folder / "model.safetensors")
    made.tokenizer.save(folder, max_length=made.net.encoder.config.max_positions)
    write_json_atomically(about, folder / "config.json")
    write_card(folder, card_of(made, folder.name))


PIPELINES = {  # what the hub calls a task
    "classification": "text-classification",
    "tagging": "token-classification",
    "cleaning": "token-classification",
    "question-answering": "question-answering",
    "multiple-choice": "multiple-choice",
    "translation": "translation",
    "summarisation": "summarization",
}
TOLD = (
    "steps",
    "batch_size",
    "learning_rate",
    "layer_decay",
    "warmup_steps",
    "dropout",
    "length",
    "class_weights",
    "seed",
)


def card_of(made: Finetuned, name: str, results: dict[str, Any] | None = None) -> Card:
    """The card of a fine-tuned model; `results` are those of several seeds, with the baseline."""
    labels = list(made.task.label_names())
    settings = {"started from": made.name} | ({"labels": ", ".join(labels)} if labels else {})
    settings |= {key: getattr(made.config, key) for key in TOLD}
    code = f'import electra_helpers as eh\n\nmodel = eh.load_finetuned("{name}")  # this folder\n'
    named = ", ".join(made.columns.values())
    read = (
        f"a row has the columns of the training data: {named}" if named else "a row has the names of the task's roles"
    )
    code += f"for said in model.predict([ROW, …]):  # {read}\n    print(said)"
    front = {"pipeline_tag": PIPELINES[made.task.name]}
    if made.name.count("/") == 1 and not Path(made.name).exists():
        front["base_model"] = made.name
    scores = {"validation": {n: v for n, v in made.evaluation.items() if n != "step"}}
    scores = spread(results) if results else {n: {"validation": v} for n, v in scores["validation"].items()}
    remarks = results["remarks"] if results else []
    return Card(name, f"An ELECTRA fine-tuned for {made.task.name}.", code, settings, scores, remarks, front)


def spread(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Metric → mean ± standard deviation over the seeds and the baseline's score, for each part of the data."""
    count = len(results["seeds"])
    rows: dict[str, dict[str, Any]] = {}
    for part in ("validation", "test"):
        trivial = results["baseline"].get(part, {})
        for metric, found in results[part].items():
            over = f" ± {found['std']:.4f} ({count} seeds)" if count > 1 else ""
            beside = f"{shown(trivial[metric])} ({trivial['name']})" if metric in trivial else ""
            rows[f"{part}: {metric}"] = {"score": f"{found['mean']:.4f}{over}", "trivial baseline": beside}
    return rows


def write_finetuned_bundle(folder: str | Path, out: str | Path) -> Path:
    """Write a fine-tuned model as one small folder for `load_finetuned`: half precision, its best seed alone; returns `out`.

    Raises `ElectraError` where `out` is not empty.
    """
    out = named(out)
    check_new_folder(out)
    made = load_finetuned(folder)
    out.mkdir(parents=True, exist_ok=True)
    save(replace(made, net=made.net.half()), out)
    if (Path(folder) / "log.jsonl").is_file():
        shutil.copyfile(Path(folder) / "log.jsonl", out / "log.jsonl")
    return out


def load_finetuned(folder: str | Path) -> Finetuned:
    """Load what `electra finetune`, `finetune(folder=…)` or `Finetuned.save` wrote, here or at OWNER/NAME of the hub.

    Raises `ElectraError` where there is no fine-tuned model.

    >>> import electra_helpers as eh
    >>> eh.load_finetuned("runs/topic").task.labels  # doctest: +SKIP

    Built in notebook 08.
    """
    name, folder = str(folder), named(folder)
    if not folder.parent.is_dir() and REPOSITORY.fullmatch(name):
        folder = download(name)
    about, path = check_finetuned(folder), folder / "config.json"
    try:
        task = task_named(about["task"]["name"]).read(about["task"], folder)
    except (TypeError, KeyError, AttributeError) as error:
        raise ElectraError(f"{path} is no configuration of this package: {error}") from error
    config, shape = from_json(FinetuneConfig, about["finetune"], path), from_json(ModelConfig, about["model"], path)

    def build() -> FinetunedNet:
        return FinetunedNet(Encoder(shape), task.head(shape, config.head), frozen=config.freeze)

    net = build_to_fit(build, folder / "model.safetensors", shape)
    read_model(net, folder / "model.safetensors")
    expect(about, path, evaluation=(dict, type(None)), columns=(dict, type(None)))
    columns = about.get("columns") or {}
    expect(columns, f"{path}: columns", **dict.fromkeys(columns, str))
    scores = about.get("evaluation") or {}
    return Finetuned(net.eval(), Tokenizer.load(folder), task, config, named(name).name, scores, columns=columns)
