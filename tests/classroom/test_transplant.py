"""The graded notebook has the original's checks and order, whatever a learner deleted, edited or moved."""

import copy
import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from electra_helpers.classroom.transplant import (
    checked_in,
    exercise_of,
    original_of,
    originals,
    read_book,
    transplant,
)
from electra_helpers.errors import ElectraError
from tests.classroom.handed_in import PACK, WORD_IDS, as_colab_saves, hand_in, solved, with_first, without
from tests.notebooks.form import NOTEBOOKS, read


@pytest.fixture
def known(original, tmp_path):
    return originals(tmp_path / "originals")


def checks(graded):
    return [(source, number) for source, number, _ in graded.cells if number]


def test_checks_come_from_the_original(original, known):
    right = checks(transplant(known[0], solved(original)))
    assert [number for _, number in right] == ["01.3", "01.4"]
    deleted = without(solved(original), checked_in)
    edited = solved(original)
    for cell in edited.cells:
        if checked_in(cell):
            cell.source = "print('01.3 · passed.')"
    for book in (deleted, edited, as_colab_saves(solved(original))):
        assert checks(transplant(known[0], book)) == right


def test_a_learners_own_checks_are_not_run_and_their_helpers_are(original, known):
    book = with_first(solved(original), 'import electra_helpers as eh\nx = eh.check("01.3", 1)\nhelper = 2')
    sources = [source for source, number, _ in transplant(known[0], book).cells if not number]
    assert "import electra_helpers as eh\n\nhelper = 2" in sources
    assert sources.index("import electra_helpers as eh\n\nhelper = 2") < sources.index(PACK.strip())


def test_an_exercise_is_found_by_tag_by_id_and_by_its_name(original, known):
    untagged, moved = solved(original), solved(original)
    for cell in untagged.cells:
        cell.metadata = {}
    for cell in moved.cells:
        cell.metadata, cell.id = {}, f"x{id(cell)}"
    moved.cells = moved.cells[::-1]
    for book in (untagged, moved):
        graded = transplant(known[0], book)
        assert [answers for source, _, answers in graded.cells if source == PACK.strip()] == ["01.3"]


def test_what_is_missing_is_the_originals(original, known):
    graded = transplant(known[0], without(solved(original), lambda cell: exercise_of(cell) == "01.3"))
    stub = next(source for source, _, answers in graded.cells if answers == "01.3")
    assert "raise NotImplementedError" in stub
    assert "eh.setup" in graded.cells[0][0]


def test_written_answers_are_collected_from_code_and_from_text(tmp_path):
    known = originals(NOTEBOOKS)
    book = copy.deepcopy(read(NOTEBOOKS / "07_seeing_replacements.ipynb"))
    cell = next(cell for cell in book.cells if "answer" in cell.metadata.get("tags", []))
    cell.source = 'my_note = """It is <b>not</b>\nan error list."""'
    book.cells.append(new_markdown_cell("One more thought.", metadata={"tags": ["answer"]}))
    graded = transplant(original_of(book, "x.ipynb", known), book)
    assert graded.answers == {
        "07.7": "It is <b>not</b>\nan error list.",
        f"added cell {len(book.cells) - 1}": "One more thought.",
    }


def test_the_original_is_found_by_its_exercises_whatever_the_file_is_called():
    known = originals(NOTEBOOKS)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        assert original_of(read(path), "homework (3).ipynb", known).name == path.stem
    stranger = read(NOTEBOOKS / "00_welcome.ipynb")
    stranger.cells = [new_code_cell("1 + 1")]
    assert original_of(stranger, "homework.ipynb", known) is None


def test_two_exercises_in_one_cell_are_both_taken(original, known):
    for untouched in (True, False):
        book = solved(original, pack=f"{PACK}\n{WORD_IDS}", word_ids="")
        if not untouched:
            book = without(book, lambda cell: exercise_of(cell) == "01.4")
        graded = transplant(known[0], book)
        at = {number: i for i, (_, number, _) in enumerate(graded.cells) if number}
        before = [source for source, _, _ in graded.cells[: at["01.4"]] if "def word_ids" in source]
        assert "last += not" in before[-1]
        assert "last += not" in graded.code["01.4"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_notebook_is_read_whatever_its_encoding_and_without_metadata(room, encoding):
    cells = [{"cell_type": "code", "source": ["x = '李'\n", "y = 2"]}, {"source": "\ud800"}]
    path = hand_in(room, "x", "")
    path.write_bytes(json.dumps({"cells": cells}, ensure_ascii=encoding == "utf-8").encode(encoding, "surrogatepass"))
    book = read_book(path)
    assert [cell.source for cell in book.cells] == ["x = '李'\ny = 2", "?"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        '{"cells": 3}',
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [3]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_notebook_is_said_in_one_line(room, text):
    with pytest.raises(ElectraError, match="cannot be read as a notebook"):
        read_book(hand_in(room, "x", text))
