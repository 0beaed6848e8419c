"""Minimal pairs: a sentence and one that differs by a single mistake, by phenomenon, in BLiMP's columns (English)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from typing import NamedTuple

from . import lexicon as lex
from .english import PRONOUNS, join, word
from .english_words import PLURALS
from .splits import EVALUATION_STORIES, stories
from .story import Story
from .telling import Slot, Told

FIELDS = {
    "agreement": "morphology",
    "pronoun": "morphology",
    "selection": "semantics",
    "world knowledge": "semantics",
    "order": "syntax",
}
# Verbs that take few kinds of things, so that with any other kind the sentence is odd; and which kinds they do take.
PICKY_VERBS = {
    "to bake": "food",
    "to cook": "food",
    "to harvest": "food",
    "to grow": "food",
    "to catch": "food",
    "to sew": "cloth",
    "to weave": "cloth",
    "to write": "paper",
    "to compose": "paper",
    "to code": "paper",
}
KINDS = {
    "food": ("baker", "chef", "farmer", "fisher", "gardener", "chemist", "potter"),
    "cloth": ("tailor", "weaver", "bookbinder"),
    "paper": ("writer", "composer", "programmer", "painter", "photographer", "bookbinder", "inventor"),
}
PICKY_USES = ("to read", "to wear", "to ride", "to strum", "to solve", "to fly")
STILL_FINE = {("puzzle", "to read"), ("sledge", "to ride"), ("umbrella", "to fly"), ("ball", "to fly")}
NEVER_EATEN = {  # by animals of which everybody knows what they do not eat
    **dict.fromkeys(("dog", "cat", "owl"), ("hay", "grass", "oats", "clover", "bran")),
    **dict.fromkeys(("horse", "goat", "donkey", "rabbit"), ("meat", "mice")),
}
ODD_SEASONS = {"heat": ("winter",), "snow": ("summer",), "frost": ("summer",)}
DETERMINERS = frozenset(("a", "an", "the", "his", "her"))
PREPOSITIONS = frozenset(("in", "on", "at", "with", "for", "near", "from"))


class Pair(NamedTuple):
    """A minimal pair with where it comes from: the sentence's number in the story, and the pieces of the bad one."""

    phenomenon: str
    uid: str
    story: Story
    number: int
    pieces: tuple[str, ...]


Candidates = Iterator[tuple[str, tuple[str, ...]]]  # (uid, pieces of the bad sentence)


def _with(told: Told, at: int, wrong: str) -> tuple[str, ...]:
    return (*told.pieces[:at], wrong, *told.pieces[at + 1 :])


def _agreement(story: Story, told: Told, rng: random.Random) -> Candidates:
    for at, (piece, slot) in enumerate(zip(told.pieces, told.slots, strict=True)):
        if slot and slot.form in PLURALS:
            yield "noun_number", _with(told, at, PLURALS[slot.form] if piece == slot.form else slot.form)
        elif slot and slot.form == "was":
            yield "verb_number", _with(told, at, "were" if piece == "was" else "was")
        elif slot and slot.form == "a" and rng.random() < 0.1:  # articles are many
            yield "article", _with(told, at, "an" if piece == "a" else "a")


def _pronoun(story: Story, told: Told, rng: random.Random) -> Candidates:
    """His or her, where the sentence names the hero and nobody of the other sex to whom it might belong."""
    named = {slot.expression for slot in told.slots if slot and slot.form == "" and slot.expression in "PF"}
    if "P" not in named or len({story.values[part] in lex.WOMEN for part in named}) > 1:
        return
    for at, (piece, slot) in enumerate(zip(told.pieces, told.slots, strict=True)):
        if slot and slot.form in PRONOUNS and slot.expression in named:
            hers, his = PRONOUNS[slot.form]
            yield f"gender_{slot.form}", _with(told, at, his if piece == hers else hers)


def _selection(story: Story, told: Told, rng: random.Random) -> Candidates:
    for at, slot in enumerate(told.slots):
        if slot == Slot("make", ""):
            trade = story.values["T"]
            odd = [verb for verb, kind in PICKY_VERBS.items() if trade not in KINDS[kind]]
            yield "verb_of_product", _with(told, at, word(rng.choice(odd)))
        elif slot == Slot("use", ""):
            gift = story.values["G"]
            odd = [verb for verb in PICKY_USES if verb != lex.GIFTS[gift] and (gift, verb) not in STILL_FINE]
            yield "verb_of_gift", _with(told, at, word(rng.choice(odd)))


def _world_knowledge(story: Story, told: Told, rng: random.Random) -> Candidates:
    expressions = {slot.expression for slot in told.slots if slot}
    for at, (piece, slot) in enumerate(zip(told.pieces, told.slots, strict=True)):
        if slot is None or slot.form != "":
            continue
        if slot.expression == "country":
            yield "city_in_country", _with(told, at, rng.choice([c for c in lex.CITIES.values() if c != piece]))
        elif slot.expression == "food" and "A" in expressions and story.values["A"] in NEVER_EATEN:
            yield "animal_food", _with(told, at, rng.choice(NEVER_EATEN[story.values["A"]]))
        elif slot.expression == "S" and story.values.get("W") in ODD_SEASONS and "W" in expressions:
            yield "season_weather", _with(told, at, rng.choice(ODD_SEASONS[story.values["W"]]))
        elif slot.expression == "tool" and {"make", "X"} <= expressions:
            other = rng.choice([trade for trade in lex.TRADES if trade != story.values["T"]])
            yield "tool_of_trade", _with(told, at, rng.choice(lex.TRADES[other].tools))


def _order(story: Story, told: Told, rng: random.Random) -> Candidates:
    """Two neighbours exchanged: a determiner and its noun or adjective, or a preposition and a determiner."""
    for at in range(len(told.pieces) - 1):
        one, two = told.pieces[at].lower(), told.pieces[at + 1].lower()
        after = told.slots[at + 1]
        is_noun = after is not None and after.form == ""
        uid = None
        if one in DETERMINERS - {"her"} and is_noun:  # "her" may stand alone: "he met her old"
            uid = "determiner_before_noun"
        elif one in PREPOSITIONS and two in DETERMINERS:
            uid = "preposition_before_determiner"
        if uid and rng.random() < 0.1:
            yield uid, (*told.pieces[:at], told.pieces[at + 1], told.pieces[at], *told.pieces[at + 2 :])


PHENOMENA: dict[str, Callable[[Story, Told, random.Random], Candidates]] = {
    "agreement": _agreement,
    "pronoun": _pronoun,
    "selection": _selection,
    "world knowledge": _world_knowledge,
    "order": _order,
}


def minimal_pairs(phenomenon: str, count: int = 100, split: str = "validation") -> Iterator[Pair]:
    """Yield pairs of a phenomenon, the kinds of it in turn; raises ValueError for an unknown phenomenon.

    They come from the validation stories, whose heroes' names training has seen: of a name never seen nobody can
    know whether it is a woman's. Used in notebook 13.
    """
    if phenomenon not in PHENOMENA:
        raise ValueError(f"There is no phenomenon {phenomenon!r}: take one of {', '.join(PHENOMENA)}.")
    rng = random.Random(f"{phenomenon}/{split}")
    found: dict[str, dict[str, Pair]] = {}  # kind → story → pair: one pair of a kind from a story
    for story in stories(count=EVALUATION_STORIES, split=split):
        for number, told in enumerate(story.told("en")):
            for uid, pieces in PHENOMENA[phenomenon](story, told, rng):
                found.setdefault(uid, {}).setdefault(story.key, Pair(phenomenon, uid, story, number, pieces))
    turns = zip_longest(*(found[uid].values() for uid in sorted(found)))
    yield from islice((pair for turn in turns for pair in turn if pair is not None), count)


def blimp_row(pair: Pair, pair_id: int) -> dict:
    """A pair in BLiMP's columns."""
    told = pair.story.told("en")[pair.number]
    return {
        "sentence_good": told.text,
        "sentence_bad": join(pair.pieces),
        "field": FIELDS[pair.phenomenon],
        "linguistics_term": pair.phenomenon,
        "UID": pair.uid,
        "simple_LM_method": True,
        "one_prefix_method": False,
        "two_prefix_method": False,
        "lexically_identical": pair.phenomenon == "order",
        "pair_id": pair_id,
    }
