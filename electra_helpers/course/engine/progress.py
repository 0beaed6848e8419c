"""What is done: a table of every exercise with the learner's status."""

from __future__ import annotations

from dataclasses import dataclass

from electra_helpers.course.engine import portfolio
from electra_helpers.course.engine.grading import KINDS, PASSED
from electra_helpers.language import worded
from electra_helpers.view.tokens import html_text


@dataclass(frozen=True)
class ProgressRow:
    """One exercise as the table shows it."""

    id: str
    title: str
    kind: str
    starred: bool
    minutes: int
    status: str


@dataclass(frozen=True)
class Progress:
    """A table of exercises; shown as text in a terminal and as a table in a notebook."""

    rows: tuple[ProgressRow, ...]

    @property
    def passed(self) -> int:
        return sum(row.status.startswith(PASSED) for row in self.rows)

    def __repr__(self) -> str:
        lines = [worded("{passed} of {count} passed", passed=self.passed, count=len(self.rows))]
        for row in self.rows:
            star = "★" if row.starred else " "
            lines.append(
                worded(
                    "{star} {id} [{kinds}] {title:<44} {minutes:>3} min  {status}",
                    star=star,
                    id=row.id,
                    kinds=KINDS[row.kind],
                    title=row.title,
                    minutes=row.minutes,
                    status=row.status,
                )
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("", "exercise", "", "minutes", "status"))
        body = "".join(self._row_html(row) for row in self.rows)
        return (
            f"<table><caption>{self.passed} of {len(self.rows)} passed (★: the path through a lab)</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    @staticmethod
    def _row_html(row: ProgressRow) -> str:
        status = f"<b>{html_text(row.status)}</b>" if row.status.startswith(PASSED) else html_text(row.status)
        cells = ("★" if row.starred else "", f"{row.id} {html_text(row.title)}", KINDS[row.kind], row.minutes, status)
        return "<tr>" + "".join(f'<td style="text-align: left">{cell}</td>' for cell in cells) + "</tr>"


def progress(notebook: str | None = None) -> Progress:
    """What you have passed so far, in all notebooks or in one ("03"). Built in notebook 00.

    >>> import electra_helpers as eh
    >>> eh.progress("00").rows[0].id
    '00.1'
    """
    from electra_helpers.course.exercises import every

    entries = portfolio.read()["exercises"]
    found = []
    for exercise in every():
        if notebook is None or exercise.id.startswith(f"{notebook}."):
            status = _status(entries.get(exercise.id))
            found.append(
                ProgressRow(exercise.id, exercise.title, exercise.kind, exercise.starred, exercise.minutes, status)
            )
    return Progress(tuple(found))


def _status(entry: dict | None) -> str:
    if entry is None:
        return "not yet"
    attempts = f"{entry['attempts']} attempt{'s' if entry['attempts'] > 1 else ''}"
    return f"{entry['status']} ({attempts})"
