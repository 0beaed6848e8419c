"""A sample of a file's rows: what threshold a share comes to, and how often values repeat, in memory that does not grow with the file."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.cleaning.cells import Judged, Source
from electra_helpers.tasks.cleaning.flagging import threshold_of
from electra_helpers.tasks.cleaning.suspects import Flag, scored_words
from electra_helpers.tasks.finetuned import Finetuned, chunks
from electra_helpers.words import MARKED_WORD

ROWS = 2048  # that are drawn: a short file is judged whole
SEED = 0
SHORT = 3  # words of a cell, on average, up to which a column holds values (names, places) and no running text
TOGETHER = 256  # rows that are judged at once


class Sample:
    """`ROWS` rows of a file of `total`, drawn with a fixed seed, and how often their values stand in their columns.

    What repeats in its column is what the column holds, however rare it is elsewhere: a word's score is divided by the number of rows
    that have its value, or, where cells are short, the word. In running text a mistake may repeat too: there words are not counted.
    With a template nothing is divided: there a common value is wrong where it does not fit its row.
    """

    def __init__(self, source: Source, total: int) -> None:
        self.source = source
        self.numbers = frozenset(random.Random(SEED).sample(range(1, total + 1), min(ROWS, total)))
        self.values: Counter[int] = Counter()
        self.words: Counter[int] = Counter()
        cells, words = Counter[str](), Counter[str]()
        for each in self._cells():
            column, found = each.cells[0].column, MARKED_WORD.findall(each.text)
            self.values[_key(column, each.text)] += 1
            self.words.update({_key(column, word) for word in found})
            cells[column] += 1
            words[column] += len(found)
        self.short = {column for column in cells if words[column] <= SHORT * cells[column]}

    def _cells(self) -> Iterator[Judged]:
        if self.source.form != ".txt" and not self.source.wanted.template:
            for number, row in self.rows():
                yield from self.source.judged(number, row)

    def rows(self) -> Iterator[tuple[int, Any]]:
        """The rows that were drawn, with their numbers."""
        return ((n, row) for n, row in enumerate(self.source.rows(), start=1) if n in self.numbers)

    def times(self, judged: Judged, word: str) -> int:
        """In how many of the drawn rows, and of this one, the column holds the value (a short cell: the word)."""
        if not self.values:
            return 1
        column, unseen = judged.cells[0].column, judged.row not in self.numbers
        of_word = self.words[_key(column, word)] if column in self.short else 0
        return max(1, unseen + max(self.values[_key(column, judged.text)], of_word))

    def judge(
        self, model: Pretrained | Finetuned, rows: Iterable[tuple[int, Any]]
    ) -> Iterator[tuple[Judged, list[Flag]]]:
        """The texts of some rows, and every word of their cells with its score."""
        judged = [each for number, row in rows for each in self.source.judged(number, row)]
        for each, words in zip(judged, scored_words(model, [each.text for each in judged]), strict=True):
            inside = (word for word in words if each.holds(word))
            yield each, [replace(word, score=word.score / self.times(each, word.word)) for word in inside]

    def threshold(self, model: Pretrained | Finetuned) -> float:
        """The score from which on a word is flagged: the one asked for, or what the share comes to on the drawn rows."""
        wanted = self.source.wanted
        if wanted.threshold is not None:
            return wanted.threshold
        scores = []
        for some in chunks(self.rows(), TOGETHER):
            scores += [word.score for _, words in self.judge(model, some) for word in words]
        return threshold_of(scores, wanted.share)


def _key(column: str, text: str) -> int:
    """A column's value or word as a number, so that long texts are not kept."""
    return hash((column, text.strip().casefold()))
