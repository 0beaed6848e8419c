"""The laboratory of notebook 07: stories with one wrong word, what the discriminator says of it, and cases to measure with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from statistics import mean

import torch

from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import Electra
from electra_helpers.model.store import Pretrained, load
from electra_helpers.tasks.detection import detect, encode, judge_ids
from electra_helpers.world import lexicon as lex
from electra_helpers.world import stories
from electra_helpers.world.pairs import Pair, blimp_row, minimal_pairs

MODEL = "electra-tiny-world-en"
SMALL_WORDS = """
a an the he she it his her him its they them their is was were be been had has have did do in on at by of to for with
near from into over and but or so as not no all then there that this who which
"""
STOP_WORDS = frozenset(SMALL_WORDS.split())


@cache
def world_model() -> Pretrained:
    """The trained model of the little world that comes with the course."""
    return load(MODEL)


@cache
def told(number: int) -> str:
    """Validation story `number`, in English."""
    return next(stories(start=number, count=1, split="validation", languages=("en",))).text("en")


@dataclass(frozen=True)
class Fake:
    """A story with one word put in the place of another, as the discriminator reads it."""

    tokens: list[str]
    ids: list[int]
    position: int
    word: str
    original: str
    p: list[float]

    @property
    def p_replaced(self) -> float:
        return self.p[self.position]


def put(model: Pretrained, text: str, word: str, wrong: str) -> Fake:
    """Put `wrong` in the place of the first `word` of a text and ask the discriminator.

    Raises `ElectraError` if the word is not in the text, or if either is not one token of the vocabulary.

    >>> from electra_helpers.course.laboratory import put, told, world_model
    >>> put(world_model(), told(0), "fisher", "baker").tokens[:4]  # doctest: +SKIP
    ['[CLS]', 'martin', ',', 'a']
    """
    encoding = encode(model, text)
    found = [model.tokenizer.encode(each).ids[1:-1] for each in (word, wrong)]
    for each, ids in zip((word, wrong), found, strict=True):
        if len(ids) != 1 or ids[0] == model.tokenizer.unk_id:
            raise ElectraError(f"{each!r} is not one word of this model's vocabulary: choose another.")
    (old,), (new,) = found
    if old not in encoding.ids:
        raise ElectraError(f"{word!r} is not in the text: {text}")
    position = encoding.ids.index(old)
    ids = [*encoding.ids[:position], new, *encoding.ids[position + 1 :]]
    tokens = model.tokenizer.tokens(ids)
    return Fake(tokens, ids, position, wrong, word, judge_ids(model, torch.tensor([ids])))


def restless(model: Pretrained, share: float = 0.1) -> Pretrained:
    """The same weights in a net with dropout, left in training mode: the bug of exercise 07.2."""
    net = Electra(replace(model.net.config, dropout=share, attention_dropout=share))
    net.load_state_dict(model.net.state_dict())
    return Pretrained(net.train(), model.tokenizer, model.name)


def pair_in_its_story(pair: Pair) -> tuple[str, str]:
    """The whole story of a minimal pair with the right sentence, and with the wrong one."""
    row, sentences = blimp_row(pair, 0), pair.story.sentences("en")
    wrong = [*sentences[: pair.number], row["sentence_bad"], *sentences[pair.number + 1 :]]
    return " ".join(sentences), " ".join(wrong)


def found_by_phenomenon(
    model: Pretrained, phenomena: Iterable[str], count: int, threshold: float = 0.5
) -> dict[str, tuple[int, int, int, int]]:
    """For each phenomenon (found, missed, flagged originals, passed originals) over `count` stories with one mistake each."""
    table = {}
    for phenomenon in phenomena:
        hits, alarms, passes, pairs = 0, 0, 0, list(minimal_pairs(phenomenon, count))
        for pair in pairs:
            right, wrong = (detect(model, text) for text in pair_in_its_story(pair))
            is_changed = [a.lower() != b.lower() for a, b in zip(right.words, wrong.words, strict=True)]
            flags = [p >= threshold for p in wrong.p_replaced_words]
            hits += any(flag for flag, changed in zip(flags, is_changed, strict=True) if changed)
            others = [flag for flag, changed in zip(flags, is_changed, strict=True) if not changed]
            alarms, passes = alarms + sum(others), passes + len(others) - sum(others)
        table[phenomenon] = (hits, len(pairs) - hits, alarms, passes)
    return table


@cache
def clue_cases(count: int = 12) -> tuple[tuple[str, int], ...]:
    """Stories with one wrong word that an earlier word gives away, and the wrong word's position among the tokens."""
    model, cases = world_model(), []
    for pair in minimal_pairs("world knowledge", count):
        right, wrong = pair_in_its_story(pair)
        a, b = (encode(model, text).ids for text in (right, wrong))
        changed = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
        cases.append((wrong, changed[0]))
    return tuple(cases)


@dataclass(frozen=True)
class NameSwap:
    """One story twice: its hero under another name of the training stories, and under one that they never have."""

    seen: str
    seen_text: str
    unseen: str
    unseen_text: str


@cache
def name_swaps(count: int = 40) -> tuple[NameSwap, ...]:
    """The first `count` validation stories with their hero renamed, in keeping with the pronouns."""
    swaps = []
    for number, story in enumerate(stories(count=count, split="validation", languages=("en",))):
        hero, text = story.values["P"], story.text("en")
        is_woman = hero in lex.WOMEN
        known = lex.FEMALE_NAMES if is_woman else lex.MALE_NAMES
        unknown = lex.HELD_OUT_FEMALE_NAMES if is_woman else lex.HELD_OUT_MALE_NAMES
        free = [name for name in known if name not in text]
        seen, unseen = free[number % len(free)], unknown[number % len(unknown)]
        swaps.append(NameSwap(seen, text.replace(hero, seen), unseen, text.replace(hero, unseen)))
    return tuple(swaps)


def p_of_word(model: Pretrained, text: str, word: str) -> float:
    """The mean P(replaced) of all places of a word in a text."""
    found = detect(model, text)
    return mean(p for each, p in zip(found.words, found.p_replaced_words, strict=True) if each.lower() == word.lower())


def without_stop_words(text: str) -> str:
    """A text as old pre-processing leaves it: without the small words."""
    return " ".join(word for word in text.split() if word.lower().strip(".,!:;?") not in STOP_WORDS)
