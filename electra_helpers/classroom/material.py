"""Material made from the notebooks: a notebook of changed exercises, and handouts without answers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from electra_helpers.classroom.links import address_of_package, install_block
from electra_helpers.classroom.own_folder import begin_own_folder
from electra_helpers.classroom.transplant import check_metadata
from electra_helpers.course.engine.grading import KINDS, Exercise
from electra_helpers.course.exercises.variants import variants
from electra_helpers.errors import ElectraError

STUBS = {
    "select_positions": "input_ids: torch.Tensor, unselectable_ids: tuple, generator=None) -> Selection",
    "select_words": "word_ids: list[int | None], budget: int, generator=None) -> list[int]",
    "label_three": "original: torch.Tensor, corrupted: torch.Tensor, selection: Selection, pad_id: int) -> torch.Tensor",
}
DETAILS = re.compile(r"<details>\s*<summary>(.*?)</summary>.*?</details>\n?", re.DOTALL)
HELP = re.compile(r"(?:<[^>]+>)*\s*(?:Hint|Solution|Rubric|What a good|提示|解答|评分标准|好的回答)", re.IGNORECASE)


def variants_notebook(seed: int) -> NotebookNode:
    """A notebook of the three changed exercises of a seed, the same on every machine."""
    intro = (
        f"# Variants · {seed}\n\nThree functions of notebooks 03 and 04, with other rules. Read every word of the rules:"
        " what you wrote before does not fit."
    )
    cells = [new_markdown_cell(intro), new_code_cell(_setup())]
    for exercise in variants(seed):
        head = f"### Exercise {exercise.id} [{KINDS[exercise.kind]}] · {exercise.title} ({exercise.minutes} minutes)"
        cells.append(new_markdown_cell(f"{head}\n\n{exercise.specification}"))
        cells.append(new_code_cell(_stub(exercise), metadata={"tags": [f"exercise-{exercise.id}"]}))
        check = f'{exercise.variable} = eh.check("{exercise.id}", {exercise.variable})'
        cells.append(new_code_cell(check, metadata={"nbgrader": check_metadata(exercise.id)}))
    for number, cell in enumerate(cells):
        cell.id = f"v{seed}-{number}"
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return new_notebook(cells=cells, metadata=kernel)


def _stub(exercise: Exercise) -> str:
    return f"def {exercise.variable}({STUBS[exercise.variable]}:\n    raise NotImplementedError"


def _setup() -> str:
    lines = ["import sys", "", install_block(address_of_package()), "import torch"]
    lines += ["import electra_helpers as eh", "from electra_helpers import Selection", "", "env = eh.setup(seed=0)"]
    return "\n".join(lines)


def write_variants(seed: int, out: Path) -> Path:
    """Write the notebook of a seed. Raises `ElectraError` for a seed that is negative or has more than nine digits."""
    if not 0 <= seed < 10**9:
        raise ElectraError(f"The seed is a number from 0 to 999999999, not {seed}.")
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"variants_{seed}.ipynb"
    nbformat.write(variants_notebook(seed), path)
    return path


def write_handout(notebooks: Path, out: Path) -> list[Path]:
    """A copy of the notebooks without hints, solutions, rubrics and the answers of the quizzes; pictures and pages come along."""
    begin_own_folder(out, "handout", apart_from=notebooks)
    ignored = shutil.ignore_patterns(".ipynb_checkpoints", "TEACHING.md")
    shutil.copytree(notebooks, out, ignore=ignored, dirs_exist_ok=True)
    written = sorted(out / path.relative_to(notebooks) for path in notebooks.rglob("*.ipynb"))
    written = [path for path in written if path.is_file()]
    for path in written:
        book = nbformat.read(path, as_version=4)
        for cell in book.cells:
            if cell.cell_type == "markdown":
                cell.source = without_help(cell.source)
        book.cells = [cell for cell in book.cells if cell.source.strip()]
        nbformat.write(book, path)
    return written


def without_help(text: str) -> str:
    """A text without its folded help; of a quiz the questions stay."""

    def kept(found: re.Match) -> str:
        return "" if HELP.match(found[1]) else f"{found[1]}\n\n"

    return DETAILS.sub(kept, text).rstrip() + "\n" * text.endswith("\n")
