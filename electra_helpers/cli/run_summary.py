"""What a pre-training run says at its start and at its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from electra_helpers.device import choose_device
from electra_helpers.terminal import say
from electra_helpers.training.loop import Callback, Run
from electra_helpers.training.metrics import readable


class Announce(Callback):
    """Two lines before the first step: the nets and the data, the device and the precision."""

    def on_start(self, run: Run) -> None:
        task: Any = run.task
        config, net, rows = run.config, task.model, task.rows
        choice = choose_device(config.device, config.precision)
        going_on = f", from step {run.start:,}" if run.start else ""
        shared = f", in {run.processes} processes" if run.processes > 1 else ""
        parameters = sum(p.numel() for p in net.parameters())
        say(
            f"{parameters:,} parameters, vocabulary {net.config.vocab_size:,}; {rows.describe()}.",
            sys.stderr,
        )
        say(
            f"{config.steps:,} steps of {config.batch_size} rows{going_on}{shared} "
            f"on {choice.device} in {choice.precision} ({choice.reason}).",
            sys.stderr,
        )


def report(run: Run, out: Path) -> str:
    """The end of a run in a few lines: where it stands, what it reached, and what to type next."""
    done = f"{run.step:,} of {run.config.steps:,} steps"
    speed = f"{run.tokens / run.seconds:,.0f} tokens/s" if run.seconds else "no new steps"
    lines = [f"{done}, {run.tokens:,} tokens in {run.seconds:,.0f} s ({speed})."]
    if run.evaluation:
        lines += ["Held out: " + readable({k: v for k, v in run.evaluation.items() if k != "step"})]
    if run.interrupted:
        return "\n".join([*lines, f"Stopped and saved. Resume it: the same command with --resume (folder {out})."])
    if run.start == run.config.steps:
        lines = [
            f"The run in {out} is finished: {done}. Extend it: electra pretrain --resume --out {out} with more --steps; "
            f"or start another from it with --init-from {out}."
        ]
    return "\n".join([*lines, f'Look at it: electra inspect "Your sentence." --model {out}'])
