"""The laboratory of notebook 18: weights from elsewhere, what a stopped run ends with, and what several processes see.

`data/tensorflow/` holds a checkpoint that the authors' own code wrote, ELECTRA-Small in little, and the logits that it computed with it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from electra_helpers.course.labs.scaling import scaling_run
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.exchange.tensorflow_checkpoint import Checkpoint
from electra_helpers.exchange.tensorflow_import import open_checkpoint
from electra_helpers.exchange.transformers_bridge import export, quiet_transformers
from electra_helpers.language import worded
from electra_helpers.resources import FREE_TEXT, data_folder
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.detection import detect
from electra_helpers.tasks.glue_report import PUBLISHED
from electra_helpers.training.checkpoint import Checkpoints
from electra_helpers.training.loop import Callback, Run, train

FOLDER = "tensorflow"
RELEASED = "google/electra-small-discriminator"  # whose generator of the same name comes along


def in_little() -> Path:
    """The folder with the authors' checkpoint in little."""
    return data_folder() / FOLDER


def variables(checkpoint: Checkpoint) -> dict[str, tuple[int, ...]]:
    """Name → shape of every variable of a checkpoint, as TensorFlow has them: a kernel is (inputs, outputs)."""
    return {name: entry.shape for name, entry in checkpoint.entries.items()}


def variables_table(folder: Path, holding: Sequence[str]) -> str:
    """The variables whose names hold one of some texts, with their shapes."""
    checkpoint = open_checkpoint(folder)
    shapes = variables(checkpoint)
    rows = [f"{name:<56}{shape}" for name, shape in shapes.items() if any(text in name for text in holding)]
    numbers = sum(int(np.prod(shape)) for shape in shapes.values())
    return "\n".join([*rows, worded("{count} variables, {numbers:,} numbers", count=len(shapes), numbers=numbers)])


def differences(model: Pretrained) -> dict[str, tuple[float, float]]:
    """Net → (largest difference of a logit to what the authors' code computed, largest logit), on a batch of three rows."""
    arrays = load_file(in_little() / "logits.safetensors")
    real, types = arrays["input_mask"].bool(), arrays["segment_ids"].long()
    with torch.no_grad():
        judged = model.net.discriminator(arrays["corrupted_ids"].long(), types, real)  # (B, L)
        filled = model.net.generator(arrays["masked_ids"].long(), types, real, positions=arrays["positions"].long())
    pairs = {"discriminator": (judged[real], arrays["rtd_logits"][real]), "generator": (filled, arrays["mlm_logits"])}
    return {name: (_most(ours - theirs), _most(theirs)) for name, (ours, theirs) in pairs.items()}


def _most(value: Tensor) -> float:
    return float(value.abs().max())


def released(name: str = RELEASED) -> Pretrained:
    """The released model, where the hub can be reached or has been before; else the course's own, with a line that says so."""
    try:
        model = load(name)
    except ElectraError as error:
        print(
            worded(
                "{name} is not to be had here: {error}\nIn its place: {free_text}, the course's own model of English.",
                name=name,
                error=error,
                free_text=FREE_TEXT,
            )
        )
        return load(FREE_TEXT)
    print(worded("{name} and its generator, from the hub.", name=name))
    return model


def through_transformers(model: Pretrained, text: str) -> float:
    """The largest difference of P(replaced) between our net and transformers' `ElectraForPreTraining` after an export."""
    from transformers import AutoTokenizer, ElectraForPreTraining

    with tempfile.TemporaryDirectory() as room:
        export(model, Path(room) / "exported")
        folder = Path(room) / "exported" / "discriminator"
        with quiet_transformers():
            net, pieces = ElectraForPreTraining.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
        with torch.no_grad():
            theirs = torch.sigmoid(net(**pieces(text, return_tensors="pt")).logits[0])  # (L,)
    return _most(torch.tensor(detect(model, text).p_replaced) - theirs)


class StopAfter(Callback):
    """Asks a run to stop behind a step, as Ctrl-C does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: Run) -> None:
        run.stop = run.step >= self.step


def stopped_and_resumed(stop: int, *, seed: int = 0, width: int = 48, budget: float = 1.5e10) -> dict[str, int]:
    """Train once to the end, and once with a stop behind step `stop`: both runs' steps, and how many weights differ in a bit."""
    whole, half, rest = (scaling_run(width, budget, seed=seed, story_count=200) for _ in range(3))
    whole.train()
    with tempfile.TemporaryDirectory() as room:
        store = Checkpoints(room)
        first = train(half.task, half.config, callbacks=[StopAfter(stop)], checkpoints=store)
        second = train(rest.task, rest.config, checkpoints=store, resume=True)
    pairs = zip(whole.task.model.parameters(), rest.task.model.parameters(), strict=True)
    return {
        "stopped after": first.step,
        "resumed at": second.start,
        "ended at": second.step,
        "weights": sum(each.numel() for each in whole.task.model.parameters()),
        "that differ": sum(int((one != other).sum()) for one, other in pairs),
    }


def among(processes: int, *, seed: int = 0, step: int = 5) -> dict[str, tuple[int, float]]:
    """What the processes of a run compute of one step: rows of each, and both losses, summed over them and divided by global counts."""
    run = scaling_run(48, 1e10, seed=seed, story_count=200)
    run.task.model.eval()
    rows, sums, counts = 0, {"mlm": 0.0, "rtd": 0.0}, {"mlm": 0, "rtd": 0}
    for process in range(processes):
        work = run.task.work(step, process, processes)
        rows = len(work.batch.input_ids)
        with torch.no_grad():
            losses = run.task.losses(run.task.model, work, torch.device("cpu"))
        for name, found in losses.items():
            sums[name] += float(found.total)
            counts[name] += int(found.count)
    return {name: (rows, sums[name] / counts[name]) for name in sums}


def glue_table() -> str:
    """The published scores of the released models, task by task, with their mean."""
    tasks = list(next(iter(PUBLISHED.values())))
    lines = [f"{'':<19}" + "".join(f"{task:>7}" for task in tasks) + "   " + worded("mean")]
    for name, scores in PUBLISHED.items():
        cells = "".join(f"{scores[task]:>7.1f}" for task in tasks)
        lines.append(f"{name:<19}{cells}{sum(scores.values()) / len(scores):>7.1f}")
    return "\n".join(lines)
