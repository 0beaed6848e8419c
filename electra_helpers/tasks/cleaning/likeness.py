"""Which word was meant by what is written: a noisy channel, P(meant | written, place) ∝ P(meant | place) · P(written | meant).

The first factor is the generator's. The second falls with every edit between the two words: steeply where what is written is no word,
little where it is one, since most wrong words are no slips of the fingers. Source: Kernighan, Church and Gale (1990), *A spelling
correction program based on a noisy channel model*. Shapes: V words of the vocabulary, C of them compared, L letters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EDIT = 6.0  # nats that an edit costs where what is written is no word; chosen on misspellings of the Birkbeck corpus
FIRST = 2.0  # nats more where the first letter is another: it is rarely the wrong one
EDIT_OF_WORD = 2.0  # nats that an edit costs where it is a word
FAR = 3  # edits from which on it is no slip of another word, but another word: then the place alone decides
OTHER = 28.0  # nats that any word costs in the place of any other, without a slip: a word may be wrong, and not listed either
LONGEST = 24  # letters of a word that are compared


class Spellings:
    """The spellings of a vocabulary, to be compared with a written word all at once."""

    def __init__(self, words: Sequence[str]) -> None:
        kept = [word.lower()[:LONGEST] for word in words]
        self.lengths = np.array([len(word) for word in kept])
        self.codes = np.zeros((LONGEST, len(kept)), dtype=np.int32)  # (L, V)
        for at, word in enumerate(kept):
            self.codes[: len(word), at] = _codes(word)

    def cost(self, written: str, *, is_word: bool) -> np.ndarray:
        """-log P(written | meant) in nats for every word of the vocabulary, up to a constant: (V,)."""
        edits = self.edits(written)
        if is_word:
            return EDIT_OF_WORD * np.minimum(edits, min(FAR, len(written)))
        slip = EDIT * edits + FIRST * (self.codes[0] != _codes(written.lower()[:1]))
        return -np.logaddexp(-slip, -OTHER)

    def edits(self, written: str) -> np.ndarray:
        """Letters to insert, delete, replace or exchange with their neighbour until the words are equal: (V,).

        >>> Spellings(["went", "sent", "thunder"]).edits("wnet").tolist()
        [1, 2, 5]

        Row by row of the usual table, for all words of the vocabulary at once.
        """
        own = _codes(written.lower()[:LONGEST])
        longest = int(self.lengths.max(initial=0))
        start = np.repeat(np.arange(longest + 1, dtype=np.int8)[:, None], len(self.lengths), axis=1)  # (L + 1, V)
        before, last = start, start
        for i in range(len(own)):
            row = np.full_like(last, i + 1)
            for j, letters in enumerate(self.codes[:longest]):
                row[j + 1] = np.minimum(np.minimum(last[j + 1], row[j]) + 1, last[j] + (letters != own[i]))
                if i and j:
                    is_exchanged = (letters == own[i - 1]) & (self.codes[j - 1] == own[i])
                    row[j + 1] = np.where(is_exchanged, np.minimum(row[j + 1], before[j - 1] + 1), row[j + 1])
            before, last = last, row
        return last[self.lengths, np.arange(len(self.lengths))].astype(int)


def _codes(text: str) -> np.ndarray:
    return np.array([ord(letter) for letter in text], dtype=np.int32)
