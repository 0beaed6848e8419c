"""Sentences coloured anew while a model trains, a slider over what was recorded, and a line to type into."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from electra_helpers.model.store import Pretrained
from electra_helpers.tasks.detection import Detection, detect
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.loop import Callback, Run
from electra_helpers.view.tokens import HEAT_ALPHA, HEAT_RGB, tokens_to_html, tokens_to_terminal

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SECONDS_BETWEEN = 0.5  # at most two updates a second


@dataclass(frozen=True)
class Snapshot:
    """P(replaced) of the watched sentences at one step."""

    step: int
    detections: tuple[Detection, ...]


@dataclass
class Recolour(Callback):
    """Colours the same sentences by P(replaced) while the discriminator learns, and keeps every picture.

    `pictures` snapshots are spread over the run, closer together at its beginning, where most happens.
    """

    tokenizer: Tokenizer
    sentences: Mapping[str, str]  # title → sentence
    pictures: int = 40
    marked: Sequence[str] = ()  # words to underline
    snapshots: list[Snapshot] = field(default_factory=list)

    def on_start(self, run: Run) -> None:
        from IPython.display import display

        last = max(1, run.config.steps)
        # Quadratic spacing: steps 0, last/n², 4·last/n² … last.
        self.due = sorted({round(last * (i / self.pictures) ** 2) for i in range(self.pictures + 1)})
        self.began, self.shown_at = time.monotonic(), 0.0
        self.handle = display(self._view(run), display_id=True)
        self._take(run)

    def on_step(self, run: Run) -> None:
        if run.step in self.due or run.step == run.config.steps:
            self._take(run)

    def on_end(self, run: Run) -> None:
        if not self.snapshots or self.snapshots[-1].step != run.step:
            self._take(run)
        self.handle.update(self._view(run))

    def _take(self, run: Run) -> None:
        net = run.task.model
        net.eval()
        model = Pretrained(net, self.tokenizer, "this run")
        self.snapshots.append(Snapshot(run.step, tuple(detect(model, text) for text in self.sentences.values())))
        net.train()
        if time.monotonic() - self.shown_at >= SECONDS_BETWEEN:
            self.shown_at = time.monotonic()
            self.handle.update(self._view(run))

    def _view(self, run: Run) -> Painted:
        if not self.snapshots:
            return Painted("<p>Step 0 …</p>", "step 0")
        seconds = time.monotonic() - self.began
        left = seconds / max(run.step, 1) * (run.config.steps - run.step)
        return self.at(
            -1, f"step {run.step:,} of {run.config.steps:,} · about {left:.0f} s to go" if left > 0.5 else ""
        )

    def at(self, index: int, note: str = "") -> Painted:
        """The picture of one snapshot, as HTML and as text."""
        snapshot = self.snapshots[index]
        note = note or f"after step {snapshot.step:,}"
        parts = [
            self._paint(title, note, found) for title, found in zip(self.sentences, snapshot.detections, strict=True)
        ]
        return Painted("".join(part.html for part in parts), "\n\n".join(part.text for part in parts))

    def _paint(self, title: str, note: str, found: Detection) -> Painted:
        marks = [token in self.marked for token in found.tokens] if self.marked else None
        about = {"word_ids": found.word_ids, "is_replaced": marks}
        html = tokens_to_html(found.tokens, found.p_replaced, **about, title=f"{title} ({note})")
        text = tokens_to_terminal(found.tokens, found.p_replaced, **about, color=False, width=110)
        return Painted(html, f"{title} ({note})\n{text}")

    def slider(self) -> Painted:
        """A slider over the recorded steps with the sentences under it; nothing is computed again."""
        import ipywidgets

        painted = ipywidgets.HTML(self.at(-1).html)
        steps = [(f"step {snapshot.step:,}", i) for i, snapshot in enumerate(self.snapshots)]
        choose = ipywidgets.SelectionSlider(
            options=steps, value=len(steps) - 1, description="after", layout=ipywidgets.Layout(width="95%")
        )
        choose.observe(lambda change: setattr(painted, "value", self.at(change["new"]).html), names="value")
        return self.film().with_widget(ipywidgets.VBox([choose, painted]))

    def film(self, rows: int = 6) -> Painted:
        """A few recorded steps below each other, one table a sentence: what the slider shows, where no kernel runs."""
        last = len(self.snapshots) - 1
        chosen = [self.snapshots[i] for i in sorted({round(last * k / max(rows - 1, 1)) for k in range(rows)})]
        parts = []
        for number, title in enumerate(self.sentences):
            detections = [(snapshot.step, snapshot.detections[number]) for snapshot in chosen]
            parts.append(tokens_table(title, detections))
        return Painted("".join(html for html, _ in parts), "\n\n".join(text for _, text in parts))

    def first_noticed(self, number: int, word: str) -> int | None:
        """The step from which on `word` was the most suspicious word of a sentence, to the end; None if it never was."""
        since = None
        for snapshot in self.snapshots:
            found = snapshot.detections[number]
            top = max(zip(found.p_replaced_words, found.words, strict=True))[1].lower()
            since = None if top != word else snapshot.step if since is None else since
        return since


def tokens_table(title: str, detections: Sequence[tuple[int, Detection]]) -> tuple[str, str]:
    """One sentence at several steps: words as columns' heads, P(replaced) as numbers on heat."""
    words = detections[0][1].words
    head = "".join(f"<th><bdi>{escape(word)}</bdi></th>" for word in words)
    rows, lines = [], [title]
    for step, found in detections:
        cells = "".join(f'<td style="background:{heat(p)}">{p:.2f}</td>' for p in found.p_replaced_words)
        rows.append(f"<tr><th>step {step:,}</th>{cells}</tr>")
        top = sorted(zip(found.p_replaced_words, found.words, strict=True), reverse=True)[:3]
        lines.append(f"  step {step:>5,}: " + ", ".join(f"{word} {p:.2f}" for p, word in top))
    table = (
        f'<table style="font-size:12px"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )
    html = (
        f'<figure style="margin:.5em 0;overflow-x:auto"><figcaption><b>{escape(title)}</b></figcaption>{table}</figure>'
    )
    return html, "\n".join(lines)


def heat(p: float) -> str:
    """The colour of a probability, translucent, so that it suits a light and a dark page."""
    return f"rgb({' '.join(map(str, HEAT_RGB))} / {HEAT_ALPHA * p:.2f})"


@dataclass(frozen=True)
class Painted:
    """A picture made of HTML, with the same as text."""

    html: str
    text: str
    widget: Any = None  # what a running notebook shows instead

    def with_widget(self, widget: Any) -> Painted:
        """The same, shown as a widget where a kernel runs, and as the picture where none does."""
        return Painted(self.html, self.text, widget)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        pages: dict[str, Any] = {"text/html": self.html, "text/plain": self.text}
        if self.widget is not None:
            pages[WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return pages


def type_and_see(model: Pretrained, text: str) -> Painted:
    """A line to type a sentence into, coloured by P(replaced) at every change; without a kernel, the picture of `text`.

    A word that the model's vocabulary does not have is read as [UNK]. Raises `ElectraError` for an empty `text`.

    >>> import electra_helpers as eh
    >>> "chef" in eh.type_and_see(eh.world_run(story_count=20, steps=1).model, "the chef ate .").text
    True

    Built in notebook 00.
    """
    import ipywidgets

    def painted(sentence: str) -> Painted:
        found = detect(model, sentence)
        html = tokens_to_html(found.tokens, found.p_replaced, word_ids=found.word_ids)
        return Painted(html, tokens_to_terminal(found.tokens, found.p_replaced, word_ids=found.word_ids, color=False))

    first = painted(text)
    line = ipywidgets.Text(text, description="sentence", layout=ipywidgets.Layout(width="95%"))
    shown = ipywidgets.HTML(first.html)

    def update(change: Any) -> None:
        try:
            shown.value = painted(change["new"]).html
        except Exception as error:  # an exception in a callback would otherwise vanish in a log
            shown.value = f"<p>{escape(str(error))}</p>"

    line.observe(update, names="value")
    return first.with_widget(ipywidgets.VBox([line, shown]))
