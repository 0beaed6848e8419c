"""The training loop, once, for pre-training and fine-tuning: batch → loss → gradient → update, with reports on the side.

What is trained is a `Task`; what is shown or kept of it is the business of callbacks. Data order, corruption and dropout depend on
(seed, step) alone, so a run resumed from a checkpoint takes exactly the steps that it would have taken.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.config import TrainingConfig
from electra_helpers.errors import warn
from electra_helpers.model.electra import LossSum
from electra_helpers.prefetch import one_ahead
from electra_helpers.training.checkpoint import Checkpoints, optimizer_tensors, restore_optimizer
from electra_helpers.training.distributed import agree_to_stop, gather, make_accelerator, shard, whole
from electra_helpers.training.meter import Meter
from electra_helpers.training.optim import make_optimizer, parameter_groups, set_step
from electra_helpers.training.signals import stop_signals


class Task(Protocol):
    """What the loop needs to know of the thing it trains."""

    loss_weights: dict[str, float]

    @property
    def model(self) -> nn.Module:
        """The net."""
        ...

    def work(self, step: int, process: int, processes: int) -> Any:
        """This process's rows of the global batch of a step, as one piece of work."""
        ...

    def split(self, work: Any, parts: int) -> Iterable[Any]:
        """The same cut into micro-batches."""
        ...

    def target_counts(self, work: Any) -> dict[str, Tensor]:
        """How many targets each loss has in it."""
        ...

    def tokens(self, work: Any) -> int:
        """How many tokens it holds, for the speed."""
        ...

    def losses(self, model: Any, work: Any, device: torch.device) -> dict[str, LossSum]:
        """Forward pass."""
        ...

    def evaluate(self, model: Any, device: torch.device) -> dict[str, float]:
        """Metrics on held-out data."""
        ...


@dataclass
class Run:
    """Where a run stands; callbacks read it and may set `stop`."""

    task: Task
    config: TrainingConfig
    device: torch.device
    step: int = 0  # optimizer steps done
    start: int = 0  # the step it was resumed at
    saved: int = -1  # the step of the newest checkpoint; -1: none
    tokens: int = 0  # of this session
    seconds: float = 0.0  # of training in this session, without evaluations
    stop: bool = False  # a callback may set it: the run ends behind this step
    interrupted: bool = False  # by a signal
    saving: bool = False  # a checkpoint is being written: no signal may break it off
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
    # Added up, (seed 1, step 2) and (seed 2, step 1) would be one; SeedSequence hashes them.
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
    listeners = list(callbacks) if run.is_main else []  # of several processes one reports
    eval_every = config.eval_every or max(1, config.steps // 10)  # ten times a run
    stop = False
    if run.is_main:
        check_warmup(config)
    with stop_signals(run):
        tell(listeners, "on_start", run)
        while run.step < config.steps and not stop:
            learning_rate = trainer.step()
            tell(listeners, "on_step", run)
            # A signal may reach one process alone: all stop behind the same step, or the others wait for it for ever.
            stop, interrupted = agree_to_stop([run.stop, run.interrupted], run.step, trainer.accelerator)
            run.stop, run.interrupted = run.stop or stop, run.interrupted or interrupted
            if run.step % config.log_every == 0 or run.step == config.steps or stop:
                run.last = trainer.meter.read(run) | {"learning_rate": learning_rate}
                tell(listeners, "on_log", run, run.last)
            if run.step % eval_every == 0 or run.step == config.steps:
                with trainer.meter.paused():  # tokens per second are those of training
                    run.evaluation = trainer.evaluate()
                    tell(listeners, "on_evaluation", run, run.evaluation)
            # After the evaluation: a run killed between the two would otherwise resume behind it and never know its score.
            if config.save_every and run.step % config.save_every == 0:
                trainer.save()
        if run.saved != run.step:  # at the end, and where the run was stopped between two checkpoints
            trainer.save()
        tell(listeners, "on_end", run)
    return run


def check_warmup(config: TrainingConfig) -> None:
    """Say where the warm-up was cut to the run, or takes so much of it that the learning rate asked for is hardly reached."""
    if config.warmup != config.warmup_steps and config.steps:
        warn(
            f"warmup_steps {config.warmup_steps:,} is longer than the run of {config.steps:,} steps: "
            f"the learning rate grows over {config.warmup:,} of them instead."
        )
    elif config.warmup > config.steps / 2:
        warn(f"The learning rate grows over {config.warmup:,} of the {config.steps:,} steps: is warmup_steps meant so?")


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
        # Weights are restored before the net is cut into pieces and before the optimizer looks at them.
        state = checkpoints.restore(self.net) if resume and checkpoints else None
        self.trained = shard(self.net) if sharded and accelerator.num_processes > 1 else self.net
        self.optimizer = make_optimizer(groups or parameter_groups(self.trained, config), config)
        self.run, self.meter = Run(task, config, accelerator.device), Meter(accelerator)
        self.run.processes, self.run.is_main = accelerator.num_processes, accelerator.is_main_process
        if state and checkpoints and checkpoints.restored:
            restore_optimizer(self.trained, self.optimizer, checkpoints.restored)
            self.run.step = self.run.start = self.run.saved = state["step"]
            if checkpoints.refused and self.run.is_main:
                warn(
                    f"Passed over a damaged checkpoint, resumed at step {state['step']:,}: {'; '.join(checkpoints.refused)}."
                )
        # Three views of one net: `net` to evaluate and save, `trained` whose gradients are taken, `wrapped` to call in a step.
        wrapped = torch.compile(self.trained) if config.compile else self.trained
        self.wrapped = wrapped if self.is_sharded else accelerator.prepare(wrapped)
        self.stepper = accelerator.prepare(self.optimizer)
        # fp16 scales its loss up by what it has learned of overflows so far.
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
        # A function of the step alone, as are rows and noise: a resumed run takes the same steps.
        learning_rate = set_step(self.optimizer, run.step, config)
        work = next(self.works)  # batch_size / processes rows
        targets = self.task.target_counts(work).items()
        # How many tokens each loss is the mean of, in all micro-batches of all processes: (), int64.
        counts = {name: accelerator.reduce(n.to(run.device), "sum").clamp(min=1) for name, n in targets}
        # Dropout is the only randomness that torch's global generator decides.
        torch.manual_seed(seed_for(config.seed, run.step, accelerator.process_index))
        self.wrapped.train()
        parts = list(self.task.split(work, config.accumulation))  # micro-batches: one after the other fits into memory
        for i, part in enumerate(parts):
            # Gradients travel between processes once, behind the last micro-batch.
            waits = i < len(parts) - 1
            with accelerator.no_sync(self.wrapped) if waits else contextlib.nullcontext():
                self._backward(part, counts)
        norm = config.max_grad_norm if config.max_grad_norm > 0 else math.inf  # 0: measured, not clipped
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
            # A sum over this micro-batch by the count of all: the shares of all micro-batches add up to the mean.
            shares = {name: found.total / counts[name] for name, found in losses.items()}
            loss: Any = sum(self.task.loss_weights[name] * share for name, share in shares.items())
            # Gradients are averaged over processes, hence the factor.
            self.accelerator.backward(loss * self.run.processes)
        self.meter.add({"loss": loss.detach()} | {f"{name}_loss": share.detach() for name, share in shares.items()})

    def evaluate(self) -> dict[str, float]:
        """Metrics on held-out data, by the main process, in eval mode; dropout's generator is left as it was."""
        self.meter.check(self.run)  # a net that is no longer a number is not worth an evaluation
        gather(self.trained, self.net)
        record: dict[str, float] = {}
        if self.run.is_main:
            self.net.eval()
            with torch.no_grad(), self.accelerator.autocast():
                record = {"step": self.run.step} | self.task.evaluate(self.net, self.run.device)
            self.net.train()
        self.accelerator.wait_for_everyone()  # the others would time out in their next step
        return record

    def save(self) -> None:
        """A checkpoint, written by the main process, unless a loss is no number."""
        self.run.saving = True
        try:
            self._save()
            self.run.saved = self.run.step
        finally:
            self.run.saving = False

    def _save(self) -> None:
        self.meter.check(self.run)  # in every process: a weight that is not a number is one in all of them
        gather(self.trained, self.net)
        scaler = self.accelerator.scaler.state_dict() if self.accelerator.scaler is not None else None
        if self.checkpoints and (self.run.is_main or self.is_sharded):
            moments = optimizer_tensors(self.trained, self.optimizer)
            if self.run.is_main:
                state = {"step": self.run.step, "scaler": scaler, "config": asdict(self.config)}
                self.checkpoints.save(self.net, moments, state)
        self.accelerator.wait_for_everyone()


def computes_by_itself(device: torch.device) -> bool:
    """Whether the CPU is free while the device computes."""
    return device.type == "cuda"


def tell(listeners: Iterable[Callback], event: str, *what: Any) -> None:
    """Call the same method of every callback, in order."""
    for listener in listeners:
        getattr(listener, event)(*what)
