"""Short rows, half of them a single sentence: for models that are asked about sentences which stand alone.

A model that read nothing but full rows knows no text without company: it judges single sentences worse than the same ones behind any
other 25 words. Rows are padded; batches hold rows of like length, so that padding costs little.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

SINGLE_SHARE = 0.5  # of the rows hold one sentence, the others as many as fit
LEAST = 4  # tokens of a sentence; less is an abbreviation or a number, and stays with what follows


def split_sentences(document: Sequence[int], end_ids: frozenset[int]) -> Iterator[list[int]]:
    """The sentences of a document's tokens, each with the mark that ends it; no token is lost.

    >>> list(split_sentences([7, 1, 8, 8, 8, 1, 9], frozenset([1])))
    [[7, 1, 8, 8, 8, 1], [9]]
    """
    sentence: list[int] = []
    for place, token in enumerate(document):
        sentence.append(token)
        # Of several marks in a row, such as "?!", the last one ends it.
        goes_on = place + 1 < len(document) and document[place + 1] in end_ids
        if token in end_ids and len(sentence) >= LEAST and not goes_on:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def pack_sentences(
    documents: Iterable[Sequence[int]], room: int, rng: random.Random, end_ids: frozenset[int]
) -> Iterator[list[int]]:
    """Rows of at most `room` tokens, without their specials: one sentence in half of them, in the others as many whole ones as fit.

    Documents are not crossed; a sentence that is longer than the room is cut into several rows. Every token is in one row.
    """
    for document in documents:
        waiting: list[int] = []
        single = rng.random() < SINGLE_SHARE
        for sentence in split_sentences(document, end_ids):
            for start in range(0, len(sentence), room):
                piece = sentence[start : start + room]
                if waiting and (single or len(waiting) + len(piece) > room):
                    yield waiting
                    waiting, single = [], rng.random() < SINGLE_SHARE
                waiting = waiting + piece
        if waiting:
            yield waiting
