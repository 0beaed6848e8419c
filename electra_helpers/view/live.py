"""What a notebook shows while a model trains: growing curves and re-coloured sentences, in one place, at most twice a second."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.language import ITEMS, joined, worded, wording
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.detection import Detection, detect
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.loop import Callback, Run
from electra_helpers.view.painted import Painted, below_each_other, paint_detection, paint_steps
from electra_helpers.view.plots.curves import Curve, Level, curves
from electra_helpers.view.plots.style import Picture

SECONDS_BETWEEN = 0.5


class InPlace(Callback):
    """One output that a run renews: `_begin` puts it there, `_show` renews it, `_is_due` says when it is time."""

    def _begin(self, text: str) -> None:
        from IPython.display import display

        self.shown_at = 0.0
        self.handle = display({"text/plain": text}, raw=True, display_id=True)

    def _is_due(self) -> bool:
        return time.monotonic() - self.shown_at >= SECONDS_BETWEEN

    def _show(self, page: Picture | Painted) -> None:
        data, metadata = page._repr_mimebundle_()
        self.handle.update(data, raw=True, metadata=metadata)
        self.shown_at = time.monotonic()


TRAINING = wording("Training")


@dataclass
class LiveCurves(InPlace):
    """Draws values of the log or of the evaluations while a model trains, over the course's band and between named levels.

    `names` maps what is written at a curve to its name in the records, such as {"own fakes": "rtd_auc"}. What the log reports is drawn
    from the log, what only evaluations report from these: never both in one curve. A name that the run never reports is an error at
    its end.
    """

    names: Mapping[str, str]
    title: str = ""
    y: str = ""
    bands: Mapping[str, Sequence[Curve]] | None = None
    ceilings: Mapping[str, Level] | None = None
    dark: bool | None = None
    runs: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)
    logged: set[str] = field(default_factory=set)  # labels that the log reports

    def on_start(self, run: Run) -> None:
        self._begin(worded("{title}: step {step}", title=worded(self.title or TRAINING), step=run.step))

    def on_log(self, run: Run, record: dict[str, float]) -> None:
        found = self._found(record)
        for label in found.keys() - self.logged:
            self.runs.pop(label, None)  # an evaluation came first
        self.logged |= found.keys()
        self._add(run.step, found)

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        self._add(run.step, {label: x for label, x in self._found(record).items() if label not in self.logged})

    def _found(self, record: Mapping[str, float]) -> dict[str, float]:
        return {label: record[name] for label, name in self.names.items() if name in record}

    def _add(self, step: int, found: Mapping[str, float]) -> None:
        for label, value in found.items():
            steps, values = self.runs.setdefault(label, ([], []))
            steps.append(step)
            values.append(value)
        if found and self._is_due():
            self._show(self.picture())

    def on_end(self, run: Run) -> None:
        missing = [name for label, name in self.names.items() if label not in self.runs]
        if missing:
            known = joined(sorted({*run.last, *run.evaluation}), ITEMS)
            raise ElectraError(
                worded(
                    "The run reported no {missing}; it reported {known}.", missing=joined(missing, ITEMS), known=known
                )
            )
        self._show(self.picture())

    def picture(self) -> Picture:
        """The curves as far as they have come."""
        shape: dict[str, Any] = {"bands": self.bands, "ceilings": self.ceilings, "title": self.title, "y": self.y}
        return curves(self.runs, **shape, dark=self.dark)


@dataclass(frozen=True)
class Snapshot:
    """P(replaced) of the watched sentences at one step."""

    step: int
    detections: tuple[Detection, ...]


@dataclass
class Recolour(InPlace):
    """Colours the same sentences by P(replaced) while the discriminator learns, and keeps every picture.

    `pictures` snapshots are spread over the run, closer together at its beginning, where most happens.
    """

    tokenizer: Tokenizer
    sentences: Mapping[str, str]  # title → sentence
    pictures: int = 40
    marked: Sequence[str] = ()  # words to underline
    snapshots: list[Snapshot] = field(default_factory=list)

    def on_start(self, run: Run) -> None:
        last = max(1, run.config.steps)
        # Quadratic spacing: steps 0, last/n², 4·last/n² … last.
        self.due = {round(last * (i / self.pictures) ** 2) for i in range(self.pictures + 1)} | {last}
        self.began = time.monotonic()
        self._begin("step 0")
        self._take(run)

    def on_step(self, run: Run) -> None:
        if run.step in self.due:
            self._take(run)

    def on_end(self, run: Run) -> None:
        if self.snapshots[-1].step != run.step:
            self._take(run)
        self._show(self.at(-1, self._progress(run)))

    def _take(self, run: Run) -> None:
        net = run.task.model
        net.eval()
        model = Pretrained(net, self.tokenizer, worded("this run"))
        self.snapshots.append(Snapshot(run.step, tuple(detect(model, text) for text in self.sentences.values())))
        net.train()
        if self._is_due():
            self._show(self.at(-1, self._progress(run)))

    def _progress(self, run: Run) -> str:
        """Where the run stands, and while it runs how long it will take."""
        left = (time.monotonic() - self.began) / max(run.step, 1) * (run.config.steps - run.step)
        if left <= SECONDS_BETWEEN:
            return worded("after step {step:,}", step=run.step)
        return worded(
            "step {step:,} of {steps:,} · about {left:.0f} s to go", step=run.step, steps=run.config.steps, left=left
        )

    def at(self, index: int, note: str = "") -> Painted:
        """The picture of one snapshot."""
        snapshot = self.snapshots[index]
        note = note or worded("after step {step:,}", step=snapshot.step)
        judged = zip(self.sentences, snapshot.detections, strict=True)
        named = ((worded("{title} ({note})", title=title, note=note), found) for title, found in judged)
        return below_each_other([paint_detection(found, title=title, marked=self.marked) for title, found in named])

    def slider(self) -> Painted:
        """A slider over the recorded steps with the sentences under it; nothing is computed again."""
        import ipywidgets

        painted = ipywidgets.HTML(self.at(-1).html)
        steps = [(worded("step {step:,}", step=snapshot.step), i) for i, snapshot in enumerate(self.snapshots)]
        choose = ipywidgets.SelectionSlider(
            options=steps, value=len(steps) - 1, description=worded("after"), layout=ipywidgets.Layout(width="95%")
        )
        choose.observe(lambda change: setattr(painted, "value", self.at(change["new"]).html), names="value")
        return self.film().with_widget(ipywidgets.VBox([choose, painted]))

    def film(self, rows: int = 6) -> Painted:
        """A few recorded steps below each other, one table a sentence: what the slider shows, where no kernel runs."""
        last = len(self.snapshots) - 1
        chosen = [self.snapshots[i] for i in sorted({round(last * k / max(rows - 1, 1)) for k in range(rows)})]
        return below_each_other(
            [
                paint_steps(title, [(snapshot.step, snapshot.detections[number]) for snapshot in chosen])
                for number, title in enumerate(self.sentences)
            ]
        )

    def first_noticed(self, number: int, word: str) -> int | None:
        """The step from which on `word` was the most suspicious word of a sentence, to the end; None if it never was."""
        since = None
        for snapshot in self.snapshots:
            found = snapshot.detections[number]
            top = max(zip(found.p_replaced_words, found.words, strict=True))[1].lower()
            since = None if top != word else snapshot.step if since is None else since
        return since
