"""Files that hold rows in other shapes than one a line: JSON arrays and tables, SQuAD's nested JSON, and CoNLL's columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.reading import lines
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.lines import text_lines

SHAPES = "a list of rows, SQuAD's data/paragraphs/qas, or lists of equal length by column"


def json_rows(path: Path, form: str, layout: Layout = FOUND_OUT) -> Iterator[dict]:
    """The rows of a .jsonl or .json file, as a stream where each line is one; a whole document is read at once.

    A file that begins with "[" is a document whatever its name; a .json file of objects, one a line, is read as lines.
    """
    stream = enumerate(text_lines(path, layout), start=1)
    filled = ((number, line) for number, line in stream if not line.isspace())
    head = list(islice(filled, 2))
    if not head:
        return
    if _is_one([line for _, line in head], form):
        yield from _rows_of_document(_document(path, chain(head, filled)), path, head[0][0])
    else:
        yield from _line_rows(path, chain(head, filled))


def is_document(path: Path, form: str, layout: Layout = FOUND_OUT) -> bool:
    """Whether a file is one JSON document, and not a row a line."""
    return _is_one(list(islice((line for line in text_lines(path, layout) if not line.isspace()), 2)), form)


def _is_one(head: list[str], form: str) -> bool:
    """By the first two lines that are not blank: one that is whole and has another behind it is a row, else it may be the document."""
    if form == ".jsonl" and not head[0].lstrip().startswith("["):
        return False
    return not (len(head) == 2 and _is_whole(head[0]))


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _line_rows(path: Path, numbered: Iterable[tuple[int, str]]) -> Iterator[dict]:
    for number, line in numbered:
        row = _parsed(line, f"on line {number} of {path}")
        if not isinstance(row, dict):
            raise ElectraError(
                f'Line {number} of {path} is a {type(row).__name__}: each line must be an object such as {{"text": "…"}}.'
            )
        yield row


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ElectraError(f"Wrong JSON {where}: {error.msg} (character {error.pos + 1}).") from error
    except RecursionError:
        raise ElectraError(f"Wrong JSON {where}: it is nested too deep to be read.") from None
    except ValueError as error:  # a number of thousands of digits
        raise ElectraError(f"Wrong JSON {where}: {error}.") from error


def _document(path: Path, numbered: Iterable[tuple[int, str]]) -> Any:
    read, size = [], 0
    for _, line in numbered:
        read.append(line)
        size += len(line)
        if size > lines.LONGEST_LINE:
            raise ElectraError(
                f"{path} is one JSON document of more than {lines.LONGEST_LINE >> 20} MB: write it as .jsonl, a row a line."
            )
    return _parsed("".join(read), f"in {path}")


def _rows_of_document(found: Any, path: Path, line: int) -> Iterator[dict]:
    """The rows of a JSON document in one of SHAPES. Raises `ElectraError` for any other."""
    if isinstance(found, dict):
        found = _list_inside(found, path)
    if not isinstance(found, list) or (found and not isinstance(found[0], dict)):
        raise ElectraError(
            f'Line {line} of {path} is a {type(found).__name__}: each line must be an object such as {{"text": "…"}}, '
            f"or the file a list of them."
        )
    for number, row in enumerate(found, start=1):
        if not isinstance(row, dict):
            raise ElectraError(f"Item {number} of {path} is a {type(row).__name__}: each must be an object.")
        if "paragraphs" in row or "qas" in row:
            yield from squad_rows(row, f"Item {number} of {path}")
        else:
            yield row


def _list_inside(found: dict, path: Path) -> list:
    """The rows of an object: its only list of objects, its columns put together, or itself, if it is one row."""
    inner = [value for value in found.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if "qas" in found or "paragraphs" in found:
        return [found]
    if isinstance(found.get("data"), list):
        return found["data"]
    if len(inner) == 1:
        return inner[0]
    columns = {name: list(v.values()) if isinstance(v, dict) else v for name, v in found.items()}
    alike = len({type(value) for value in found.values()}) == 1
    if (
        columns
        and alike
        and all(isinstance(v, list) for v in columns.values())
        and len({len(v) for v in columns.values()}) == 1
    ):
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    if found and not any(isinstance(value, dict | list) for value in found.values()):
        return [found]
    raise ElectraError(f"{path} is JSON of a shape that is not known (its keys: {_listed(found)}); known is {SHAPES}.")


def _listed(found: Mapping) -> str:
    return ", ".join(list(found)[:8]) or "none"


def squad_rows(article: dict, where: str) -> Iterator[dict]:
    """The questions of an article as rows of id, title, context, question and answers; also CMRC's names."""
    paragraphs = article.get("paragraphs", [article])
    for paragraph in paragraphs if isinstance(paragraphs, list) else [paragraphs]:
        if not isinstance(paragraph, dict) or not isinstance(paragraph.get("qas"), list):
            raise ElectraError(f"{where} has a paragraph without a list of questions in 'qas'.")
        context = paragraph.get("context", paragraph.get("context_text"))
        for question in paragraph["qas"]:
            if not isinstance(question, dict):
                raise ElectraError(f"{where} has {str(question)[:40]!r} in 'qas', where an object should be.")
            yield {
                "id": question.get("id", question.get("query_id")),
                "title": article.get("title", ""),
                "context": context,
                "question": question.get("question", question.get("query_text")),
                "answers": question.get("answers"),
            }


def conll_rows(path: Path, form: str, layout: Layout = FOUND_OUT) -> Iterator[dict[str, list[str]]]:
    """Sentences of a file with one word a line and blank lines between sentences, as lists by the number of their column.

    Columns are those of tabs, where there are some, otherwise of blanks. Lines that begin with -DOCSTART- or "# " are no words; in
    CoNLL-U the words that stand for several (1-2) or for none (1.1) are left out.
    """
    words: list[list[str]] = []
    width = 0
    for number, line in enumerate(text_lines(path, layout), start=1):
        cells = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
        if not line.strip() or line.startswith("-DOCSTART-"):
            if words:
                yield _columns(words)
            words = []
            continue
        comment = line.startswith("# ") and len(cells) != width  # "# O" is a word with its tag
        if comment or (form == ".conllu" and not cells[0].isdecimal()):
            continue
        width = width or len(cells)
        if len(cells) != width or width < 2:
            raise ElectraError(
                f"Line {number} of {path} has {len(cells)} columns, where a word has {max(width, 2)}: one word a line, its tag last."
            )
        words.append(cells)
    if words:
        yield _columns(words)


def _columns(words: list[list[str]]) -> dict[str, list[str]]:
    return {str(number): list(column) for number, column in enumerate(zip(*words, strict=True), start=1)}


def looks_like_conll(path: Path, layout: Layout = FOUND_OUT) -> bool:
    """Whether the first lines of a text file are words with their tags: as many columns in each, blank lines between."""
    head = [line for _, line in zip(range(200), text_lines(path, layout, cut=True), strict=False)]
    words = [line.split() for line in head if line.strip() and not line.startswith(("-DOCSTART-", "# "))]
    return bool(words) and len({len(cells) for cells in words}) == 1 and 2 <= len(words[0]) <= 10
