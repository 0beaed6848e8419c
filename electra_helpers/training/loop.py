"""The training loop, once, for pre-training and fine-tuning: batch → loss → gradient → update, with reports on the side.

What is trained is a `Task`; what is shown or kept of it is the business of callbacks. Data order, corruption and dropout depend on
(seed, step) alone, so a run that goes on from a checkpoint takes the very steps that it would have taken.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.ahead import one_ahead
from electra_helpers.config import TrainingConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import LossSum
from electra_helpers.training.checkpoint import Checkpoints, optimizer_tensors, restore_optimizer
from electra_helpers.training.optim import make_optimizer, parameter_groups, set_step
from electra_helpers.training.processes import agree_to_stop, gather, make_accelerator, shard, whole


class Task(Protocol):
    """What the loop needs to know of the thing it trains."""

    model: nn.Module
    loss_weights: dict[str, float]

    def work(self, step: int, process: int, processes: int) -> Any:
        """This process's rows of the global batch of a step, as one piece of work."""

    def split(self, work: Any, parts: int) -> Iterable[Any]:
        """The same cut into micro-batches."""

    def target_counts(self, work: Any) -> dict[str, Tensor]:
        """How many targets each loss has in it."""

    def tokens(self, work: Any) -> int:
        """How many tokens it holds, for the speed."""

    def losses(self, model: nn.Module, work: Any, device: torch.device) -> dict[str, LossSum]:
        """Forward pass."""

    def evaluate(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        """Metrics on held-out data."""


@dataclass
class Run:
    """Where a run stands; callbacks read it and may set `stop`."""

    task: Task
    config: TrainingConfig
    device: torch.device
    step: int = 0  # optimizer steps done
    start: int = 0  # the step it was resumed at
    saved: int = 0  # the step of the newest checkpoint
    tokens: int = 0  # of this session
    seconds: float = 0.0
    stop: bool = False
    interrupted: bool = False
    processes: int = 1
    is_main: bool = True  # of several processes the one that reports and saves
    last: dict[str, float] = field(default_factory=dict)  # the newest log record
    evaluation: dict[str, float] = field(default_factory=dict)  # the newest evaluation


class Callback:
    """Is told what happens in a run; a base class whose methods do nothing."""

    def on_start(self, run: Run) -> None: ...

    def on_log(self, run: Run, record: dict[str, float]) -> None: ...

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None: ...

    def on_step(self, run: Run) -> None: ...

    def on_end(self, run: Run) -> None: ...


def seed_for(*parts: int) -> int:
    """One 63-bit seed out of several numbers, such as (seed, step): close inputs give unrelated seeds."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


def train(
    task: Task,
    config: TrainingConfig,
    *,
    callbacks: Iterable[Callback] = (),
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    groups: list[dict] | None = None,
    sharded: bool = False,
) -> Run:
    """Train `task.model` for `config.steps` steps and return where the run stands.

    With `checkpoints`, a checkpoint is written every `save_every` steps, at the end, and when Ctrl-C or SIGTERM asks to stop; with
    `resume` the newest one is loaded first. `sharded` lets several processes each hold a piece of the net. Raises `ElectraError`
    when the loss is no longer a number (nothing is saved then).
    """
    trainer = Trainer(task, config, checkpoints=checkpoints, resume=resume, groups=groups, sharded=sharded)
    run = trainer.run
    listeners = list(callbacks) if run.is_main else []
    eval_every = config.eval_every or max(1, config.steps // 10)
    stop = False
    with stop_signals(run):
        tell(listeners, "on_start", run)
        while run.step < config.steps and not stop:
            learning_rate = trainer.step()
            tell(listeners, "on_step", run)
            stop, interrupted = agree_to_stop([run.stop, run.interrupted], run.step, trainer.accelerator)
            run.stop, run.interrupted = run.stop or stop, run.interrupted or interrupted
            if run.step % config.log_every == 0 or run.step == config.steps or stop:
                run.last = trainer.meter.read(run) | {"learning_rate": learning_rate}
                tell(listeners, "on_log", run, run.last)
            if run.step % eval_every == 0 or run.step == config.steps:
                with trainer.meter.paused():
                    run.evaluation = trainer.evaluate()
                    tell(listeners, "on_evaluation", run, run.evaluation)
            # After the evaluation: a run killed between the two would otherwise go on behind it and never know its score.
            if config.save_every and run.step % config.save_every == 0:
                trainer.save()
        if run.saved != run.step:
            trainer.save()
        tell(listeners, "on_end", run)
    return run


class Trainer:
    """What a run computes with: net, optimizer, processes, checkpoints; and the three things done with them: step, evaluate, save."""

    def __init__(
        self,
        task: Task,
        config: TrainingConfig,
        *,
        checkpoints: Checkpoints | None = None,
        resume: bool = False,
        groups: list[dict] | None = None,
        sharded: bool = False,
    ) -> None:
        self.task, self.config, self.checkpoints = task, config, checkpoints
        self.accelerator = accelerator = make_accelerator(config)
        self.net = task.model.to(accelerator.device)  # evaluated and saved
        state = checkpoints.restore(self.net) if resume and checkpoints else None
        self.trained = shard(self.net) if sharded and accelerator.num_processes > 1 else self.net
        self.optimizer = make_optimizer(groups or parameter_groups(self.trained, config), config)
        self.run, self.meter = Run(task, config, accelerator.device), Meter(accelerator)
        self.run.processes, self.run.is_main = accelerator.num_processes, accelerator.is_main_process
        if state:
            restore_optimizer(self.trained, self.optimizer, checkpoints.restored)
            self.run.step = self.run.start = self.run.saved = state["step"]
        wrapped = torch.compile(self.trained) if config.compile else self.trained
        self.wrapped = wrapped if self.is_sharded else accelerator.prepare(wrapped)
        self.stepper = accelerator.prepare(self.optimizer)
        if state and accelerator.scaler is not None and state.get("scaler"):
            accelerator.scaler.load_state_dict(state["scaler"])
        self.works = self._works()

    def _works(self) -> Iterator[Any]:
        """This process's share of every step from here on; for a GPU each is made while the step before it computes."""
        process, processes = self.accelerator.process_index, self.run.processes
        works = (self.task.work(step, process, processes) for step in count(self.run.step))
        if not computes_by_itself(self.run.device):
            return works
        return one_ahead(work.pin_memory() if hasattr(work, "pin_memory") else work for work in works)

    @property
    def is_sharded(self) -> bool:
        """Whether `net` is put together from the pieces of `trained`."""
        return self.trained is not self.net

    def step(self) -> float:
        """One optimizer step: micro-batches, gradients of the globally averaged loss, clipping, update; returns the learning rate."""
        config, run, accelerator = self.config, self.run, self.accelerator
        learning_rate = set_step(self.optimizer, run.step, config)
        work = next(self.works)
        targets = self.task.target_counts(work).items()
        counts = {name: accelerator.reduce(n.to(run.device), "sum").clamp(min=1) for name, n in targets}
        # Dropout is the only randomness that torch's global generator decides.
        torch.manual_seed(seed_for(config.seed, run.step, accelerator.process_index))
        self.wrapped.train()
        parts = list(self.task.split(work, config.accumulation))
        for i, part in enumerate(parts):
            waits = i < len(parts) - 1
            with accelerator.no_sync(self.wrapped) if waits else contextlib.nullcontext():
                self._backward(part, counts)
        norm = config.max_grad_norm if config.max_grad_norm > 0 else math.inf
        self.meter.add({"grad_norm": whole(accelerator.clip_grad_norm_(self.wrapped.parameters(), norm))})
        self.stepper.step()
        self.stepper.zero_grad()
        self.meter.count(self.task.tokens(work) * run.processes)
        run.step += 1
        return learning_rate

    def _backward(self, part: Any, counts: dict[str, Tensor]) -> None:
        """Forward and backward pass of a micro-batch; its losses are divided by global counts."""
        with self.accelerator.autocast():
            losses = self.task.losses(self.wrapped, part, self.run.device)
            shares = {name: found.total / counts[name] for name, found in losses.items()}
            loss = sum(self.task.loss_weights[name] * share for name, share in shares.items())
            # Gradients are averaged over processes, hence the factor.
            self.accelerator.backward(loss * self.run.processes)
        self.meter.add({"loss": loss.detach()} | {f"{name}_loss": share.detach() for name, share in shares.items()})

    def evaluate(self) -> dict[str, float]:
        """Metrics on held-out data, by the main process, in eval mode; dropout's generator is left as it was."""
        self.meter.check(self.run)
        gather(self.trained, self.net)
        record: dict[str, float] = {}
        if self.run.is_main:
            self.net.eval()
            with torch.no_grad(), self.accelerator.autocast():
                record = {"step": self.run.step} | self.task.evaluate(self.net, self.run.device)
            self.net.train()
        self.accelerator.wait_for_everyone()
        return record

    def save(self) -> None:
        """A checkpoint, written by the main process, unless a loss is no number."""
        self.meter.check(self.run)  # in every process: a weight that is not a number is one in all of them
        gather(self.trained, self.net)
        scaler = self.accelerator.scaler.state_dict() if self.accelerator.scaler is not None else None
        if self.checkpoints and (self.run.is_main or self.is_sharded):
            moments = optimizer_tensors(self.trained, self.optimizer)
            if self.run.is_main:
                state = {"step": self.run.step, "scaler": scaler, "config": asdict(self.config)}
                self.checkpoints.save(self.net, moments, state)
        self.accelerator.wait_for_everyone()
        self.run.saved = self.run.step


class Meter:
    """Adds up losses on the device, so that reading them (a host synchronisation) happens only when a line is logged.

    Each process adds the share of its own rows; what is read is the sum over all processes, and all have to read.
    """

    def __init__(self, accelerator: Any) -> None:
        self.accelerator = accelerator
        self.restart()

    def restart(self) -> None:
        self.sums: dict[str, Tensor | float] = {}
        self.steps, self.tokens, self.since = 0, 0, time.perf_counter()

    def add(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def count(self, tokens: int) -> None:
        self.steps, self.tokens = self.steps + 1, self.tokens + tokens

    def read(self, run: Run) -> dict[str, float]:
        """Means since the last reading, with tokens per second. Raises `ElectraError` if the loss is not a number."""
        means = {name: total / self.steps for name, total in self.check(run).items()}
        seconds = max(time.perf_counter() - self.since, 1e-9)
        run.tokens, run.seconds = run.tokens + self.tokens, run.seconds + seconds
        record = {"step": run.step} | means | {"tokens_per_second": self.tokens / seconds}
        self.restart()
        return record

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Time spent inside does not count against the speed."""
        began = time.perf_counter()
        yield
        self.since += time.perf_counter() - began

    def check(self, run: Run) -> dict[str, float]:
        """The sums since the last reading. Raises `ElectraError` if a loss among them is NaN or infinite."""
        sums = self.total()
        bad = {name: total for name, total in sums.items() if not math.isfinite(total)}
        if bad and "loss" in bad:
            raise ElectraError(
                f"The loss is {bad['loss']} near step {run.step}: training stopped, nothing was saved since. "
                "Try a lower learning rate, a longer warm-up, or --precision fp32."
            )
        return sums

    def total(self) -> dict[str, float]:
        """The sums of all processes together; the gradient's norm is the same in each."""
        names = [name for name in self.sums if name != "grad_norm"]
        if self.accelerator.num_processes > 1 and names:
            mine = torch.stack([torch.as_tensor(self.sums[name]) for name in names])
            return self.sums_as_numbers() | dict(zip(names, self.accelerator.reduce(mine, "sum").tolist(), strict=True))
        return self.sums_as_numbers()

    def sums_as_numbers(self) -> dict[str, float]:
        return {name: float(total) for name, total in self.sums.items()}


def computes_by_itself(device: torch.device) -> bool:
    """Whether the CPU is free while the device computes."""
    return device.type == "cuda"


def tell(listeners: Iterable[Callback], event: str, *what: Any) -> None:
    """Call the same method of every callback, in order."""
    for listener in listeners:
        getattr(listener, event)(*what)


@contextlib.contextmanager
def stop_signals(run: Run) -> Iterator[None]:
    """Ctrl-C and SIGTERM let the current step finish and then stop the run; a second Ctrl-C stops at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask_to_stop(number: int, _frame: Any) -> None:
        if run.stop and number == signal.SIGINT:
            raise KeyboardInterrupt
        run.stop = run.interrupted = True

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
