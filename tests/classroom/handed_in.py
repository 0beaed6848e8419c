"""Submissions for the tests, made from a notebook of the course: its set-up cell and two exercises, 01.3 and 01.4."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from electra_helpers.classroom import jail
from electra_helpers.classroom.transplant import checked_in, exercise_of
from electra_helpers.course.exercises import find
from electra_helpers.errors import ElectraError
from tests.notebooks.form import NOTEBOOKS, read

WANTED = ("01.3", "01.4")


@cache
def why_not() -> str:
    """Why nothing can be graded here: a root whose checkout no other account may read. Otherwise nothing."""
    try:
        jail.isolation()
    except ElectraError as error:
        return str(error)
    return ""


grades = pytest.mark.skipif(bool(why_not()), reason=why_not())

PACK = """
def pack(documents, length, cls_id=2, sep_id=3):
    stream = []
    for number, document in enumerate(documents):
        stream += ([sep_id] if number else []) + list(document)
    size = length - 2
    return [[cls_id, *stream[i : i + size], sep_id] for i in range(0, len(stream) - size + 1, size)]
"""
RENAMED = """
def pack(docs: list, length: int, cls_id=2, sep_id=3) -> list:
    \"\"\"all mine\"\"\"
    tokens = []  # everything
    for i, doc in enumerate(docs):
        tokens += ([sep_id] if i else []) + list(doc)
    room = length - 2
    return [[cls_id, *tokens[at : at + room], sep_id] for at in range(0, len(tokens) - room + 1, room)]
"""
WORD_IDS = """
def word_ids(tokens):
    found, last = [], -1
    for token in tokens:
        if token in ("[CLS]", "[SEP]", "[PAD]"):
            found.append(None)
        else:
            last += not token.startswith("##")
            found.append(last)
    return found
"""
CALLS = """
from electra_helpers.course.exercises import n01_text_to_batches as theirs
def helper(rows, n, *ids):
    return theirs.pack(rows, n, *ids)
def pack(documents, length, cls_id=2, sep_id=3):
    return helper(documents, length, cls_id, sep_id)
"""


def short_original(folder: Path) -> NotebookNode:
    """Notebook 01 cut down to its set-up cell and two exercises, written to `folder`."""
    book = read(NOTEBOOKS / "01_text_to_batches.ipynb")
    setup = next(cell for cell in book.cells if cell.cell_type == "code")
    kept = [cell for cell in book.cells if exercise_of(cell) in WANTED or checked_in(cell) in WANTED]
    short = new_notebook(cells=[setup, *kept], metadata=book.metadata)
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(short, folder / "01_text_to_batches.ipynb")
    return short


def solved(book: NotebookNode, **own: str) -> NotebookNode:
    """The notebook with exercises filled in: `pack=…`, `word_ids=…`; the others right, unless they are ''."""
    filled = copy.deepcopy(book)
    answers = {"pack": PACK, "word_ids": WORD_IDS} | own
    for cell in filled.cells:
        if exercise_of(cell):
            cell.source = answers[find(exercise_of(cell)).variable].strip() or cell.source
    return filled


def without(book: NotebookNode, which) -> NotebookNode:
    """The notebook without the cells for which `which` holds."""
    less = copy.deepcopy(book)
    less.cells = [cell for cell in less.cells if not which(cell)]
    return less


def with_first(book: NotebookNode, source: str, at: int = 1) -> NotebookNode:
    """The notebook with one more cell, behind its set-up cell."""
    more = copy.deepcopy(book)
    more.cells.insert(at, new_code_cell(source))
    return more


def as_colab_saves(book: NotebookNode) -> NotebookNode:
    """Without cell ids (Colab writes an older format and keeps them in the metadata)."""
    saved = copy.deepcopy(book)
    saved.nbformat_minor = 0
    for cell in saved.cells:
        cell.metadata["id"] = cell.pop("id")
    return saved


def hand_in(room: Path, learner: str, book: NotebookNode | str, name: str = "01_text_to_batches.ipynb") -> Path:
    """A learner's folder with one notebook."""
    path = room / learner / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(book if isinstance(book, str) else nbformat.writes(book), "utf-8")
    return path
