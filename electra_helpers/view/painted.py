"""A picture made of HTML that reads as text too, and as a widget where a kernel runs; and one sentence at several steps as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from electra_helpers.language import ITEMS, joined, worded
from electra_helpers.tasks.detection import Detection
from electra_helpers.view.tokens import heat, html_text, tokens_to_html, tokens_to_terminal

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDTH = 110  # columns of the text: fixed, so that it does not depend on the terminal
MOST_NAMED = 3  # words that the text of a table names at each step


@dataclass(frozen=True)
class Painted:
    """HTML, the same as text, and what a running notebook shows instead of both."""

    html: str
    text: str
    widget: Any = None

    def with_widget(self, widget: Any) -> Painted:
        """The same, shown as a widget where a kernel runs, and as the picture where none does."""
        return replace(self, widget=widget)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        pages: dict[str, Any] = {"text/html": self.html, "text/plain": self.text}
        if self.widget is not None:
            pages[WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return pages, {}


def paint_detection(found: Detection, *, title: str = "", marked: Sequence[str] = ()) -> Painted:
    """A judged text on its heat; tokens among `marked` are underlined."""
    about = {
        "word_ids": found.word_ids,
        "is_replaced": [token in marked for token in found.tokens] if marked else None,
    }
    html = tokens_to_html(found.tokens, found.p_replaced, **about, title=title or None)
    text = tokens_to_terminal(found.tokens, found.p_replaced, **about, color=False, width=WIDTH)
    return Painted(html, f"{title}\n{text}" if title else text)


def paint_steps(title: str, judged: Sequence[tuple[int, Detection]]) -> Painted:
    """One text at several steps, (step, detection), a row each: words as heads, P(replaced) as numbers on heat."""
    head = "".join(f"<th><bdi>{html_text(word)}</bdi></th>" for word in judged[0][1].words)
    rows, lines = [], [title]
    for step, found in judged:
        cells = "".join(f"<td {heat(p)}>{p:.2f}</td>" for p in found.p_replaced_words)
        name = html_text(worded("step {step:,}", step=step))
        rows.append(f"<tr style='background:none'><th style='white-space:nowrap'>{name}</th>{cells}</tr>")
        top = sorted(zip(found.p_replaced_words, found.words, strict=True), reverse=True)[:MOST_NAMED]
        lines.append(worded("  step {step:>5,}: ", step=step) + joined((f"{word} {p:.2f}" for p, word in top), ITEMS))
    table = (
        f'<table style="font-size:12px"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )
    caption = f"<figcaption><b>{html_text(title)}</b></figcaption>"
    return Painted(f'<figure style="margin:.5em 0;overflow-x:auto">{caption}{table}</figure>', "\n".join(lines))


def below_each_other(parts: Sequence[Painted]) -> Painted:
    """Several pictures as one."""
    return Painted("".join(part.html for part in parts), "\n\n".join(part.text for part in parts))
