"""What the loop adds up between two log lines: losses on the device, tokens and time."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from electra_helpers.errors import ElectraError

if TYPE_CHECKING:
    from electra_helpers.training.loop import Run


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
        """Means since the last reading, with tokens per second. Raises `ElectraError` as `check` does."""
        # The only place where numbers leave the device, `log_every` steps at a time.
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
        """The sums since the last reading. Raises `ElectraError` if a loss or a gradient among them is NaN or infinite."""
        sums = self.total()
        watched = {"loss": "The loss"}
        if self.accelerator.scaler is None:  # a scaler leaves out the steps whose gradients overflowed in fp16
            watched["grad_norm"] = "The gradient's norm"
        for name, words in watched.items():
            if not math.isfinite(sums.get(name, 0.0)):
                raise ElectraError(
                    f"{words} is {sums[name]} near step {run.step}: training stopped, nothing was saved since. "
                    "Try a lower learning rate, a longer warm-up, or --precision fp32."
                )
        return sums

    def total(self) -> dict[str, float]:
        """The sums of all processes together; the gradient's norm is the same in each."""
        names = [name for name in self.sums if name != "grad_norm"]
        if self.accelerator.num_processes > 1 and names:
            # One message for all names, (names,), in place of one each.
            mine = torch.stack([torch.as_tensor(self.sums[name]) for name in names])
            return self.sums_as_numbers() | dict(zip(names, self.accelerator.reduce(mine, "sum").tolist(), strict=True))
        return self.sums_as_numbers()

    def sums_as_numbers(self) -> dict[str, float]:
        return {name: float(total) for name, total in self.sums.items()}
