"""Curves that grow while a model trains: one picture, renewed in place at most twice a second, and left as a PNG at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.training.loop import Callback, Run
from electra_helpers.view.plots.curves import Curve, curves
from electra_helpers.view.plots.style import Picture

SECONDS_BETWEEN = 0.5


@dataclass
class LiveCurves(Callback):
    """Draws values of the log or of the evaluations while a model trains, over the course's band and between named levels.

    `names` maps what is written at a curve to its name in the records, such as {"own fakes": "rtd_auc"}. A name that the run never
    reports is an error at its end.
    """

    names: Mapping[str, str]
    title: str = ""
    y: str = ""
    bands: Mapping[str, Sequence[Curve]] | None = None
    ceilings: Mapping[str, float] | None = None
    dark: bool | None = None
    runs: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    def on_start(self, run: Run) -> None:
        from IPython.display import display

        self.shown_at = 0.0
        self.handle = display({"text/plain": f"{self.title or 'Training'}: step {run.step}"}, raw=True, display_id=True)

    def on_log(self, run: Run, record: dict[str, float]) -> None:
        self._add(run.step, record)

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        self._add(run.step, record)

    def _add(self, step: int, record: Mapping[str, float]) -> None:
        found = {label: record[name] for label, name in self.names.items() if name in record}
        for label, value in found.items():
            steps, values = self.runs.setdefault(label, ([], []))
            steps.append(step)
            values.append(value)
        if found and time.monotonic() - self.shown_at >= SECONDS_BETWEEN:
            self.show()

    def on_end(self, run: Run) -> None:
        missing = [name for label, name in self.names.items() if label not in self.runs]
        if missing:
            known = ", ".join(sorted({*run.last, *run.evaluation}))
            raise ElectraError(f"The run reported no {', '.join(missing)}; it reported {known}.")
        self.show()

    def picture(self) -> Picture:
        """The curves as far as they have come."""
        shape: dict[str, Any] = {"bands": self.bands, "ceilings": self.ceilings, "title": self.title, "y": self.y}
        return curves(self.runs, **shape, dark=self.dark)

    def show(self) -> None:
        """Renew the picture in its place."""
        data, metadata = self.picture()._repr_mimebundle_()
        self.handle.update(data, raw=True, metadata=metadata)
        self.shown_at = time.monotonic()
