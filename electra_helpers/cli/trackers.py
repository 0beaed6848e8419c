"""A run's numbers for TensorBoard or Weights & Biases, sent by accelerate's trackers; log.jsonl is written all the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from electra_helpers.training.loop import Callback, Run


class Tracker(Callback):
    """Sends every record to `name`: train/… and evaluation/…, under the step of the run.

    TensorBoard's files lie in `folder`/tensorboard/`run_name`; W&B's project is WANDB_PROJECT, or electra.
    """

    def __init__(self, name: str, folder: Path, run_name: str, about: Mapping[str, Any] | None = None) -> None:
        self.name, self.folder, self.run_name = name, folder, run_name
        self.about = dict(about or {})

    def on_start(self, run: Run) -> None:
        from accelerate import Accelerator

        if self.name == "tensorboard":
            self.accelerator = Accelerator(log_with=self.name, project_dir=str(self.folder / "tensorboard"))
            # A resumed run sends the steps after its checkpoint once more: what the lost session sent of them goes.
            project, how = self.run_name, {"purge_step": run.start + 1} if run.start else {}
        else:
            self.accelerator = Accelerator(log_with=self.name)
            project = os.environ.get("WANDB_PROJECT", "electra")
            how = {"name": self.run_name, "group": self.folder.name, "dir": str(self.folder)}
        settings = {name: _as_plain(value) for name, value in (asdict(run.config) | self.about).items()}
        self.accelerator.init_trackers(project, config=settings, init_kwargs={self.name: how})

    def on_log(self, run: Run, record: dict[str, float]) -> None:
        self._send("train", record)

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        self._send("evaluation", record)

    def _send(self, kind: str, record: dict[str, float]) -> None:
        values = {f"{kind}/{name}": value for name, value in record.items() if name != "step"}
        if values:
            self.accelerator.log(values, step=int(record["step"]))

    def on_end(self, run: Run) -> None:
        # Not `end_training`, which takes the group of processes apart: the others may still be at work.
        for tracker in self.accelerator.trackers:
            tracker.finish()


def _as_plain(value: Any) -> Any:
    """What trackers take for a setting."""
    return value if isinstance(value, bool | int | float | str) else str(value)
