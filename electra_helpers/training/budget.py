"""How long a run is and what it costs: steps that epochs or minutes come to, and the time and memory of one step, tried out here."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch import nn

from electra_helpers.config import PretrainConfig, TrainingConfig
from electra_helpers.device import choose_device
from electra_helpers.errors import ElectraError
from electra_helpers.training.loop import Task, Trainer

Config = TypeVar("Config", bound=TrainingConfig)
TRIED = 3  # steps that are timed, behind one that warms up
TOKENS = 2_048  # of a step that is tried on a CPU, whose time grows with them; a GPU is tried with a whole micro-batch
STATE = 16  # bytes a parameter: its weight, its gradient and Adam's two moments, fp32 each


@dataclass(frozen=True)
class StepCost:
    """What one optimizer step of the whole batch costs on this machine."""

    seconds: float
    state: int  # bytes of weights, gradients and moments
    activations: int  # bytes that a micro-batch keeps for its backward pass
    evaluation: float = 0.0  # seconds of one evaluation, where it was asked for

    @property
    def memory(self) -> int:
        """Bytes beside those of the program itself."""
        return self.state + self.activations


def settle_steps(
    config: PretrainConfig, rows: Any, trial: Callable[[PretrainConfig], Task], *, resume: bool, processes: int
) -> PretrainConfig:
    """The configuration with `steps` in numbers where `epochs` or `minutes` say how long a run is; a run that is resumed keeps them.

    Raises `ElectraError` for epochs of streamed rows, whose number nobody knows, and for minutes of several processes.
    """
    if config.epochs and config.minutes:
        raise ElectraError(f"epochs is {config.epochs:g} and minutes is {config.minutes:g}: choose one of the two.")
    if config.epochs:
        if not hasattr(rows, "__len__"):
            raise ElectraError("--epochs needs the number of rows, which --stream does not know: give --steps.")
        return replace(config, steps=max(1, math.ceil(config.epochs * len(rows) / config.batch_size)))
    if config.minutes and not resume:
        if processes > 1:
            raise ElectraError("--minutes times the steps of one process: give --steps to several.")
        cost = step_cost(trial, config, tokens_of_a_row(rows), evaluate=True)
        return replace(config, steps=steps_within(60 * config.minutes, cost, config.eval_every))
    return config


def steps_within(seconds: float, cost: StepCost, eval_every: int = 0) -> int:
    """How many steps fit, with their evaluations: one every `eval_every` steps, or ten in all.

    >>> steps_within(60.0, StepCost(0.5, 0, 0, evaluation=1.0))
    100
    >>> steps_within(60.0, StepCost(0.5, 0, 0, evaluation=1.0), eval_every=10)
    100
    """
    if eval_every:
        return max(1, int(seconds / (cost.seconds + cost.evaluation / eval_every)))
    return max(1, int((seconds - 10 * cost.evaluation) / cost.seconds))


def step_cost(
    task_of: Callable[[Config], Task],
    config: Config,
    tokens_a_row: float,
    *,
    groups: Callable[[nn.Module], list[dict]] | None = None,
    evaluate: bool = False,
) -> StepCost:
    """Take a few steps with a task of its own, on few rows where the device is a CPU, and scale what they took to the whole batch.

    `task_of` makes the task of a configuration with another batch size; its net is trained, so it must not be the run's own.
    """
    micro = config.batch_size // config.accumulation
    few = max(1, min(micro, int(TOKENS / tokens_a_row)))
    on_gpu = choose_device(config.device, config.precision).device.startswith("cuda")
    tried = replace(config, batch_size=micro if on_gpu else few, accumulation=1, compile=False)
    task = task_of(tried)
    trainer = Trainer(task, tried, groups=groups(task.model) if groups else None)
    device, meter = trainer.run.device, trainer.meter
    with kept_for_backward(task.model) as kept:
        trainer.step()  # also warms up
    before = meter.tokens
    seconds = timed(lambda: [trainer.step() for _ in range(TRIED)], device)
    a_token = seconds / max(1, meter.tokens - before)
    evaluation = timed(trainer.evaluate, device) if evaluate else 0.0
    return StepCost(
        a_token * config.batch_size * tokens_a_row,
        STATE * sum(p.numel() for p in task.model.parameters() if p.requires_grad),
        int(sum(kept.values()) * micro / tried.batch_size),
        evaluation,
    )


@contextlib.contextmanager
def kept_for_backward(net: nn.Module) -> Iterator[dict[int, int]]:
    """Bytes of each piece of memory that a forward pass keeps for its backward pass, weights left out, by its address."""
    own = {parameter.untyped_storage().data_ptr() for parameter in net.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield kept


def tokens_of_a_row(rows: Any) -> float:
    """How many tokens of a row are not padding, on average; all of a streamed one."""
    return rows.length * getattr(rows, "filled", 1.0)


def timed(work: Callable[[], object], device: torch.device | str) -> float:
    """Seconds that `work` takes, waiting for a device that computes by itself."""
    wait = torch.cuda.synchronize if str(device).startswith("cuda") else lambda: None
    wait()
    began = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - began


def peak_memory(device: torch.device | str) -> float:
    """The most bytes that this process has held, on a GPU of the device's memory."""
    if str(device).startswith("cuda"):
        return float(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return math.nan
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
