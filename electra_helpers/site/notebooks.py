"""A notebook as a page, from its stored outputs: nothing is run.

Set-up code is folded, an exercise stands in a frame with its stub, and its solution is printed folded where the notebook can only call it.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from nbconvert.filters import ansi2html
from nbformat.v4 import reads_json

from electra_helpers.classroom.links import ON_COLAB
from electra_helpers.errors import ElectraError
from electra_helpers.site import markdown
from electra_helpers.site.formulas import Formulas
from electra_helpers.site.pages import Anchors, Page, Places
from electra_helpers.site.words import WORDS

TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
EXERCISE = re.compile(r"^### (?:★ )?(?:Exercise|练习) ", re.MULTILINE)
ASKS_FOR_SOLUTION = re.compile(
    r'<details><summary>([^<]*)</summary>\s*<code>eh\.solution\("([\d.]+)"\)</code>.*?</details>', re.DOTALL
)
# What can be scrolled sideways must be reached by the keyboard.
SCROLLS = re.compile(r"<(\w+)(?=[^>]*overflow-x:\s*auto)(?![^>]*tabindex)")
SAVED_HINT = re.compile(r"<style>[^<]*\.eh-saved[^<]*</style>")  # how Jupyter hides a saved picture: here it stays


@cache
def cells_of(path: Path) -> list[Any]:
    """The cells of a notebook, read once and not validated: the course's own notebooks are held to their form by other tests."""
    return reads_json(path.read_text("utf-8")).cells


def read_title(path: Path) -> str:
    """The first heading of a notebook."""
    for cell in cells_of(path):
        found = TITLE.search(cell.source) if cell.cell_type == "markdown" else None
        if found:
            return found[1]
    raise ElectraError(f"{path} has no heading of the form '# 04 · Corrupted inputs'.")


def fill(page: Page, path: Path, places: Places, formulas: Formulas) -> None:
    """Write the notebook's body into its page."""
    anchors = Anchors()
    words = WORDS[page.language]
    parts: list[str] = []
    frame = False  # whether an exercise's frame is open
    for cell in cells_of(path):
        if cell.get("id") == "navigation":
            continue
        if cell.cell_type == "markdown":
            opens = EXERCISE.search(cell.source) is not None
            before, exercise = _split_at_exercise(cell.source) if opens else (cell.source, "")
            goes_on = frame and not opens and before.lstrip().startswith("<details>")
            if frame and not goes_on:
                parts.append("</section>")
                frame = False
            parts.append(_markdown_cell(before, page, places, formulas, anchors))
            if opens:
                parts.append('<section class="exercise">')
                parts.append(_markdown_cell(exercise, page, places, formulas, anchors))
                frame = True
        elif cell.cell_type == "code":
            parts.append(_code_cell(cell, words))
    parts.append("</section>" if frame else "")
    page.body = "\n".join(filter(None, parts))


def _split_at_exercise(source: str) -> tuple[str, str]:
    """What stands before the exercise's heading, and the exercise."""
    found = EXERCISE.search(source)
    start = found.start() if found else 0
    return source[:start].strip(), source[start:]


def _markdown_cell(source: str, page: Page, places: Places, formulas: Formulas, anchors: Anchors) -> str:
    if not source.strip():
        return ""
    html = markdown.render(source, page, places, formulas, anchors)
    return ASKS_FOR_SOLUTION.sub(_solution, html)


def _solution(found: re.Match[str]) -> str:
    """The folded solution itself, where the notebook only calls it; marked work has none."""
    from electra_helpers.course.exercises import find

    exercise = find(found[2])
    if exercise.marked:
        return found[0]
    code = markdown.coloured(exercise.solved_source().rstrip())
    why = "".join(f"<p>{markdown.inline(line)}</p>" for line in exercise.reason.split("\n") if line)
    return f'<details class="solution"><summary>{found[1]}</summary>{code}{why}</details>'


def _code_cell(cell: Any, words: dict[str, str]) -> str:
    code = markdown.coloured(cell.source)
    if ON_COLAB in cell.source:
        code = f'<details class="setup"><summary>{words["setup"]}</summary>{code}</details>'
    if "outcome" in cell.metadata.get("tags", []) and not cell.outputs:
        code += f'<p class="left-out">{words["left_out"]}</p>'
    return f'<div class="cell">{code}{"".join(map(_output, cell.outputs))}</div>'


def _output(output: Any) -> str:
    """One stored output: its richest form that a page can show."""
    if output.output_type == "stream":
        kind = " stderr" if output.name == "stderr" else ""
        return f'<pre class="output{kind}">{ansi2html(output.text.rstrip())}</pre>'
    data = output.get("data", {})
    if "text/html" in data:
        shown = SCROLLS.sub(r'<\1 tabindex="0"', SAVED_HINT.sub("", data["text/html"]))
        return f'<div class="output html">{shown}</div>'
    if "image/png" in data:
        about = output.metadata.get("image/png", {}).get("alt") or data.get("text/plain", "")
        picture = "".join(data["image/png"].split())
        return f'<div class="output"><img src="data:image/png;base64,{picture}" alt="{escape(about)}"></div>'
    return f'<pre class="output">{escape(data.get("text/plain", ""))}</pre>' if data.get("text/plain") else ""
