"""The laboratory of notebook 07: stories with one wrong word, what the discriminator says of it, and cases to measure with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from statistics import mean

import torch

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.language import worded
from electra_helpers.model.electra import Electra
from electra_helpers.reading.files import read_rows
from electra_helpers.resources import data_folder
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.detection import detect, encode, judge_ids, most_surprising
from electra_helpers.world import lexicon as lex
from electra_helpers.world import stories
from electra_helpers.world.pairs import Pair, blimp_row, minimal_pairs
from electra_helpers.world.story import Story

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

    >>> from electra_helpers.course.labs.replacements import put, told, world_model
    >>> put(world_model(), told(0), "fisher", "baker").tokens[:4]  # doctest: +SKIP
    ['[CLS]', 'martin', ',', 'a']
    """
    encoding = encode(model, text)
    found = [model.tokenizer.encode(each).ids[1:-1] for each in (word, wrong)]
    for each, ids in zip((word, wrong), found, strict=True):
        if len(ids) != 1 or ids[0] == model.tokenizer.unk_id:
            raise ElectraError(
                worded("{each!r} is not one word of this model's vocabulary: choose another.", each=each)
            )
    (old,), (new,) = found
    if old not in encoding.ids:
        raise ElectraError(worded("{word!r} is not in the text: {text}", word=word, text=text))
    position = encoding.ids.index(old)
    ids = [*encoding.ids[:position], new, *encoding.ids[position + 1 :]]
    tokens = model.tokenizer.tokens(ids)
    return Fake(tokens, ids, position, wrong, word, judge_ids(model, torch.tensor([ids])))


@dataclass(frozen=True)
class Accused:
    """A sentence with one odd word, and the word that the discriminator finds most suspicious."""

    text: str
    odd_word: str
    accused: str
    is_found: bool


def accuse(model: Pretrained, language: str = "en") -> list[Accused]:
    """The course's hand-written sentences, each with one word that is out of place, judged by a model.

    >>> from electra_helpers.course.labs.replacements import accuse, world_model
    >>> accuse(world_model())[0].odd_word
    'sofa'
    """
    judged = []
    for row in read_rows(data_folder() / "sentences" / f"odd_word.{language}.jsonl"):
        scores = detect(model, row["text"]).p_replaced[1:-1]
        place = most_surprising(model, row["text"], row["words"], scores)
        judged.append(Accused(row["text"], row["odd_word"], row["words"][place], place == row["odd_index"]))
    return judged


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
class Swap:
    """One right story told twice: as training stories are, and of somebody else or as somebody else would say it."""

    usual: str
    other: str


def _renamed(story: Story, name: str) -> str:
    """The same story of another hero, with the pronouns that go with the name."""
    return replace(story, values={**story.values, "P": name}, _told={}).text("en")


def _name_swap(story: Story, number: int) -> Swap:
    """A name that training stories have, and one that they never have, of the same sex."""
    is_woman, text = story.values["P"] in lex.WOMEN, story.text("en")
    known = lex.FEMALE_NAMES if is_woman else lex.MALE_NAMES
    unknown = lex.HELD_OUT_FEMALE_NAMES if is_woman else lex.HELD_OUT_MALE_NAMES
    free = [name for name in known if name not in text]
    return Swap(_renamed(story, free[number % len(free)]), _renamed(story, unknown[number % len(unknown)]))


def _sex_swap(story: Story, number: int) -> Swap:
    """A man's story, and the same one of a woman; both names are in training stories."""
    is_woman, text = story.values["P"] in lex.WOMEN, story.text("en")
    free = [name for name in (lex.MALE_NAMES if is_woman else lex.FEMALE_NAMES) if name not in text]
    other = _renamed(story, free[number % len(free)])
    return Swap(other, text) if is_woman else Swap(text, other)


def _dialect_swap(story: Story, number: int) -> Swap:
    """*There was three mushrooms*: one form for all persons and numbers, right in many Englishes."""
    return Swap(story.text("en"), story.text("en").replace(" were ", " was "))


SWAPS: dict[str, Callable[[Story, int], Swap]] = {"names": _name_swap, "she": _sex_swap, "dialect": _dialect_swap}
PRONOUNS = frozenset(("he", "his", "him", "she", "her", "hers"))


@cache
def swaps(kind: str, count: int = 40) -> tuple[Swap, ...]:
    """`count` right stories told twice: `names` (known, unknown), `she` (of a man, of a woman), `dialect` (were, was).

    Raises `ElectraError` for another kind.

    >>> from electra_helpers.course.labs.replacements import swaps
    >>> [usual != other for usual, other in ((swap.usual, swap.other) for swap in swaps("names", 2))]
    [True, True]
    """
    if kind not in SWAPS:
        raise ElectraError(
            worded("There is no swap {kind!r}: choose one of {swaps}.", kind=kind, swaps=", ".join(SWAPS))
        )
    found: list[Swap] = []
    # Dialect needs many stories, for few have a plural verb; the bundled model was trained on others (seed 0).
    source = {"seed": 1, "count": 8_000} if kind == "dialect" else {"count": 1_000, "split": "validation"}
    for story in stories(languages=("en",), **source):
        swap = SWAPS[kind](story, len(found))
        if swap.usual != swap.other and (kind != "she" or PRONOUNS & set(story.words("en"))):
            found.append(swap)
        if len(found) == count:
            break
    return tuple(found)


def p_where_they_differ(model: Pretrained, swap: Swap) -> tuple[float, float]:
    """The mean P(replaced) at the words in which the two tellings differ: in the usual one, and in the other."""
    usual, other = detect(model, swap.usual), detect(model, swap.other)
    pairs = zip(usual.words, other.words, strict=True)
    places = [i for i, (a, b) in enumerate(pairs) if a.lower() != b.lower()]
    return mean(usual.p_replaced_words[i] for i in places), mean(other.p_replaced_words[i] for i in places)


def p_of_word(model: Pretrained, text: str, word: str) -> float:
    """The mean P(replaced) of all places of a word in a text."""
    found = detect(model, text)
    return mean(p for each, p in zip(found.words, found.p_replaced_words, strict=True) if each.lower() == word.lower())


def without_stop_words(text: str) -> str:
    """A text as old pre-processing leaves it: without the small words."""
    return " ".join(word for word in text.split() if word.lower().strip(".,!:;?") not in STOP_WORDS)
