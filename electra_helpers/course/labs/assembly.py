"""Trains with a learner's own pre-training step: notebook 06 puts the functions of 03 to 05 together and lets them run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from electra_helpers.course.engine.grading import mine
from electra_helpers.course.labs.world_run import WorldRun
from electra_helpers.model.electra import Electra, LossSum, Steps, real_tokens
from electra_helpers.training.pretraining import Pretraining, Work


class OwnStep(Pretraining):
    """The pre-training task with the forward half of its step given as a function: what it calls "loss" is what is trained."""

    def __init__(self, task: Pretraining, step: Callable, parts: Steps, rtd_loss: Callable) -> None:
        super().__init__(task.model, task.rows, task.held_out, task.config)
        self.step, self.parts, self.rtd_loss = step, parts, rtd_loss
        self.loss_weights = {"own": 1.0, "mlm": 0.0, "rtd": 0.0}  # mlm and rtd only for the log

    def target_counts(self, work: Work) -> dict[str, Tensor]:
        return dict.fromkeys(self.loss_weights, torch.tensor(1))

    def losses(self, model: torch.nn.Module, work: Work, device: torch.device) -> dict[str, LossSum]:
        batch, noise = work.batch.to(device), work.noise.to(device)
        weight = self.config.rtd_weight
        found = self.step(model, batch.input_ids, real_tokens(batch), noise, self.parts, self.rtd_loss, weight)
        one = torch.tensor(1)
        reports = {name: LossSum(found[name].detach(), one) for name in ("mlm", "rtd")}
        return {"own": LossSum(found["loss"], one)} | reports


def with_own_step(run: WorldRun, step: Callable, parts: Steps, rtd_loss: Callable) -> WorldRun:
    """A run of the little world that is trained by a learner's `pretraining_step` (exercise 06.1)."""
    return replace(run, task=OwnStep(run.task, step, parts, rtd_loss))


def with_network(run: WorldRun, net: Electra) -> WorldRun:
    """The same run with another network."""
    old = run.task
    return replace(run, task=Pretraining(net, old.rows, old.held_out, run.config, old.steps))


def own_functions() -> dict[str, Callable]:
    """Your functions of 03 to 05 out of the portfolio, under the names of the step's parts; the course's where there is none yet."""
    numbers = {
        "select": "03.1",
        "mask": "03.2",
        "sample": "04.1",
        "corrupt": "04.2",
        "label": "04.3",
        "rtd_loss": "05.1",
    }
    return {part: mine(number) for part, number in numbers.items()}
