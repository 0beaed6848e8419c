"""What a teacher gets: a table as CSV, the same as a page, and all written answers on one sheet."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from html import escape
from pathlib import Path

from electra_helpers.classroom.grade import Answer, GradeRow, Grades
from electra_helpers.course.exercises import find

COLUMNS = (
    "learner",
    "id",
    "notebook",
    "exercise",
    "title",
    "status",
    "code",
    "detail",
    "message",
    "notes",
    "seconds",
    "memory_gb",
)
SIGNS = {"passed": "✓", "failed": "✗", "not attempted": "–"}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border: 1px solid; padding: .25rem .6rem; text-align: left; vertical-align: top; }
caption { text-align: left; font-weight: bold; }
.message { white-space: pre-wrap; } article { border-top: 1px solid; }
"""


def write(made: Grades, out: Path, *, said: str) -> list[Path]:
    """Write OUT.csv, OUT.html and OUT_answers.html; `said` is the sentence on how submissions were cut off."""
    begin_table(out)
    page, sheet = out.with_suffix(".html"), out.with_name(f"{out.stem}_answers.html")
    append_rows(made.rows, out)
    page.write_text(report_html(made.rows, f"{said}; {made.stopped}" if made.stopped else said), "utf-8")
    sheet.write_text(answers_html(made.answers), "utf-8")
    return [out, page, sheet]


def begin_table(out: Path) -> None:
    """An empty table."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8-sig", newline="") as file:  # the mark tells Excel that it is UTF-8
        csv.writer(file).writerow(COLUMNS)


def append_rows(rows: Iterable[GradeRow], out: Path) -> None:
    """More rows."""
    with out.open("a", encoding="utf-8", errors="replace", newline="") as file:
        csv.writer(file).writerows([_harmless(_cell(row, name)) for name in COLUMNS] for row in rows)


def _cell(row: GradeRow, name: str) -> str:
    value = getattr(row, name)
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _harmless(text: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; a learner chose some of these texts."""
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def report_html(rows: list[GradeRow], said: str) -> str:
    """The overview, learners by exercises, and below it every message."""
    numbers = sorted({row.exercise for row in rows if row.exercise})
    learners: dict[tuple[str, str], list[GradeRow]] = defaultdict(list)
    for row in rows:
        learners[row.learner, row.id].append(row)
    head = "".join(f'<th scope="col">{number}</th>' for number in numbers)
    body = "".join(_overview(_named(*who), theirs, numbers) for who, theirs in learners.items())
    details = "".join(_details(_named(*who), theirs) for who, theirs in learners.items())
    return _page(
        "Grades",
        f"<p>{escape(said)}</p><table><caption>{len(learners)} learners, {len(numbers)} exercises</caption><thead><tr>"
        f'<th scope="col">learner</th><th scope="col">passed</th>{head}</tr></thead><tbody>{body}</tbody></table>{details}',
    )


def _named(learner: str, number: str) -> str:
    return f"{learner} ({number})" if number else learner


def _overview(learner: str, rows: list[GradeRow], numbers: list[str]) -> str:
    status = {row.exercise: row.status for row in rows}
    problem = status.get("", "")
    cells = "".join(f"<td>{escape(_sign(status.get(number, '')))}</td>" for number in numbers)
    passed = problem or str(sum(row.status == "passed" for row in rows))
    return f'<tr><th scope="row">{escape(learner)}</th><td>{escape(passed)}</td>{cells}</tr>'


def _sign(status: str) -> str:
    return f"{SIGNS[status]} {status}" if status in SIGNS else status


def _details(learner: str, rows: list[GradeRow]) -> str:
    lines = "".join(
        f"<tr><td>{escape(row.exercise)} {escape(row.title)}</td><td>{escape(_sign(row.status))}</td>"
        f"<td>{escape(': '.join(filter(None, [row.code, row.detail])))}</td>"
        f'<td class="message">{escape(row.message)}</td></tr>'
        for row in rows
    )
    notes = "; ".join(sorted({row.notes for row in rows if row.notes}))
    head = "".join(f'<th scope="col">{name}</th>' for name in ("exercise", "status", "code", "message"))
    return (
        f"<details><summary>{escape(learner)}</summary><p>{escape(notes)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></details>"
    )


def answers_html(answers: Iterable[Answer]) -> str:
    """Every written answer, question by question, each beside what a good one holds."""
    asked: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        asked[answer.exercise].append(answer)
    parts = []
    for number, given in sorted(asked.items()):
        title, why = _question(number)
        parts.append(
            f"<h2>{escape(f'{number} {title}')}</h2><p><b>What a good answer holds:</b> {escape(why or '–')}</p>"
        )
        for each in given:
            words, who = len(each.text.split()), escape(_named(each.learner, each.id))
            parts.append(f"<article><h3>{who} ({words} words)</h3><p class='message'>{escape(each.text)}</p></article>")
    return _page("Written answers", "".join(parts) or "<p>No written answer was handed in.</p>")


def _question(number: str) -> tuple[str, str]:
    from electra_helpers.course.exercises import every

    if number in {exercise.id for exercise in every()}:
        return find(number).title, find(number).reason
    return "", ""


def _page(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return (
        f'<!doctype html><html lang="en"><head>{head}</head><body><main><h1>{title}</h1>{body}</main></body></html>\n'
    )
