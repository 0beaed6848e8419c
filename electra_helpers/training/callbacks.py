"""Reports of a run for people and for files: progress bar, JSON-lines log."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from electra_helpers.jsonfile import expect
from electra_helpers.language import worded
from electra_helpers.training.loop import Callback, Run
from electra_helpers.training.metrics import readable

SHOWN = ("loss", "mlm_loss", "rtd_loss", "tokens_per_second")


class ProgressBar(Callback):
    """One line with steps, time left, losses and tokens per second; a line of its own for each evaluation."""

    def __init__(self, stream: Any = None) -> None:
        self.stream = stream or sys.stderr

    def on_start(self, run: Run) -> None:
        from tqdm.auto import tqdm

        self.bar = tqdm(total=run.config.steps, initial=run.step, unit="step", file=self.stream, dynamic_ncols=True)

    def on_step(self, run: Run) -> None:
        self.bar.update()

    def on_log(self, run: Run, record: dict[str, float]) -> None:
        self.bar.set_postfix_str(readable(record, SHOWN).replace("tokens_per_second", "tok/s"))

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        names = tuple(name for name in record if name != "step")
        if names:  # without held-out data there is nothing to tell
            said = worded("held out, step {step}: {record}", step=run.step, record=readable(record, names))
            self.bar.write(said, self.stream)

    def on_end(self, run: Run) -> None:
        self.bar.close()


@contextmanager
def rows_bar(what: str, stream: Any = None) -> Iterator[Callable[[int, int], None]]:
    """A bar over the rows of a file with the time left; it is told rows done and rows in all."""
    from tqdm.auto import tqdm

    with tqdm(unit=" rows", desc=what, file=stream or sys.stderr, dynamic_ncols=True) as bar:

        def told(done: int, total: int) -> None:
            if bar.total is None:
                bar.total = total
                bar.initial = done
            bar.update(done - bar.n)

        yield told


class JsonLog(Callback):
    """Appends every record to a .jsonl file: {"kind": "train" | "evaluation", "step": …, …}."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def on_start(self, run: Run) -> None:
        # A resumed run writes the steps after its checkpoint once more: what the lost session wrote of them goes.
        lines = read_log(self.path) if run.start and self.path.exists() else []
        kept = [line for line in lines if line["step"] <= run.start]
        self.path.write_text("".join(json.dumps(line) + "\n" for line in kept), "utf-8")

    def on_log(self, run: Run, record: dict[str, float]) -> None:
        self._append({"kind": "train"} | record)

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        self._append({"kind": "evaluation"} | record)

    def _append(self, record: dict[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """The records of a log up to the first line that is none: a crash cuts off the last one."""
    records = []
    for line in Path(path).read_text("utf-8", "replace").splitlines():
        try:
            record = json.loads(line)
            expect(record, path, kind=str, step=int)
        except (ValueError, AttributeError, TypeError, RecursionError):
            break
        records.append(record)
    return records
