"""What is done: a table of every exercise with the learner's status."""

from __future__ import annotations

from dataclasses import dataclass

from electra_helpers.course.engine import portfolio
from electra_helpers.course.engine.grading import KINDS, PASSED, STATUS
from electra_helpers.language import padded, worded
from electra_helpers.view.tokens import html_text


@dataclass(frozen=True)
class ProgressRow:
    """One exercise as the table shows it."""

    id: str
    title: str
    kind: str
    starred: bool
    minutes: int
    status: str  # as a learner reads it
    is_passed: bool


@dataclass(frozen=True)
class Progress:
    """A table of exercises; shown as text in a terminal and as a table in a notebook."""

    rows: tuple[ProgressRow, ...]

    @property
    def passed(self) -> int:
        return sum(row.is_passed for row in self.rows)

    def __repr__(self) -> str:
        lines = [worded("{passed} of {count} passed", passed=self.passed, count=len(self.rows))]
        for row in self.rows:
            star = "★" if row.starred else " "
            title, minutes = padded(worded(row.title), 44), worded("{minutes:>3} min", minutes=row.minutes)
            lines.append(f"{star} {row.id} [{KINDS[row.kind]}] {title} {minutes}  {row.status}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        names = ("", worded("exercise"), "", worded("minutes"), worded("status"))
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join(self._row_html(row) for row in self.rows)
        said = {"passed": self.passed, "count": len(self.rows)}
        caption = worded("{passed} of {count} passed (★: the path through a lab)", **said)
        return (
            f"<table><caption>{html_text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    @staticmethod
    def _row_html(row: ProgressRow) -> str:
        status = f"<b>{html_text(row.status)}</b>" if row.is_passed else html_text(row.status)
        title = html_text(worded(row.title))
        cells = ("★" if row.starred else "", f"{row.id} {title}", KINDS[row.kind], row.minutes, status)
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
            entry = entries.get(exercise.id, {})
            found.append(
                ProgressRow(
                    exercise.id,
                    exercise.title,
                    exercise.kind,
                    exercise.starred,
                    exercise.minutes,
                    _status(entry),
                    entry.get("status") == PASSED,
                )
            )
    return Progress(tuple(found))


def _status(entry: dict) -> str:
    if not entry:
        return worded("not yet")
    said = {"status": STATUS.get(entry["status"], entry["status"]), "attempts": entry["attempts"]}
    if entry["attempts"] > 1:
        return worded("{status} ({attempts} attempts)", **said)
    return worded("{status} ({attempts} attempt)", **said)
