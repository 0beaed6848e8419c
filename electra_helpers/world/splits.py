"""Which stories are for training and which for evaluation.

Validation stories come from the same grammar as training; test stories have heroes with other names and verb-object
pairs that training never shows. Both are fixed sets, and no training story holds a sentence of theirs: a training
story that would is drawn again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from .meaning import SPLITS
from .story import Story, draw_story
from .telling import SPOKEN, tell

EVALUATION_STORIES = 1000  # in each of validation and test


def stories(
    seed: int = 0, start: int = 0, count: int = 1000, *, split: str = "train", languages: Sequence[str] = SPOKEN
) -> Iterator[Story]:
    """Yield stories `start` … `start + count` of a stream without end: a pure function of seed and index.

    `validation` and `test` are fixed sets of 1,000 stories, whatever the seed. A training story never holds a sentence
    of theirs in any of `languages` (naming only the one you train on is faster). Raises ValueError for an unknown split
    or past the end of a fixed set. Used from notebook 00 on.

    >>> [story] = stories(seed=1, count=1)
    >>> len(story.frames) == len(story.sentences("en"))
    True
    """
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}: take one of {', '.join(SPLITS)}.")
    if split != "train" and start + count > EVALUATION_STORIES:
        raise ValueError(f"The {split} split has {EVALUATION_STORIES} stories; {start + count} were asked for.")
    for index in range(start, start + count):
        yield _training_story(seed, index, tuple(languages)) if split == "train" else _evaluation_story(split, index)


def _evaluation_story(split: str, index: int) -> Story:
    return draw_story(split, f"{split}/0/{index}/0")


@cache
def evaluation_sentences(language: str) -> frozenset[str]:
    """Every sentence of the validation and test stories in a language."""
    pairs = ((split, index) for split in SPLITS[1:] for index in range(EVALUATION_STORIES))
    return frozenset(told.text for pair in pairs for told in tell(_evaluation_story(*pair), language))


def _training_story(seed: int, index: int, languages: tuple[str, ...]) -> Story:
    attempt = 0
    while True:
        story = draw_story("train", f"train/{seed}/{index}/{attempt}")
        if all(evaluation_sentences(code).isdisjoint(story.sentences(code)) for code in languages):
            return story
        attempt += 1
