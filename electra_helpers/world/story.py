"""What happens: a story as pure meaning, before any language tells it.

A story is a walk through a *plan*. Each step of the plan is a *frame*, one sentence's worth of meaning, and a frame
speaks of *registers*: who, which trade, which day. A register is drawn once a story, so a frame in the last sentence
that names the tool is bound to the trade named in the first. Everything here is a table, so that `oracle.py` can add
up over all stories there are.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from . import lexicon as lex

SPLITS = ("train", "validation", "test")


def _zipf(values, shift: float = 8.0) -> np.ndarray:
    """Weights 1/(rank + shift): the first is some four times as frequent as the last of 24, none is rare."""
    weights = 1.0 / (np.arange(len(values)) + shift)
    return weights / weights.sum()


def _even(values) -> np.ndarray:
    return np.full(len(values), 1.0 / len(values))


def _another(values, weights: np.ndarray) -> np.ndarray:
    """Row i: the weights of a second draw that must differ from value i."""
    table = np.tile(weights, (len(values), 1))
    np.fill_diagonal(table, 0.0)
    return table / table.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Register:
    """Something a story is about: its values, and their weights (n,) or, given a parent's value, (n_parent, n)."""

    name: str
    values: tuple[str, ...]
    weights: np.ndarray
    parent: str | None = None


def _name_weights(held_out: bool) -> np.ndarray:
    return np.array([float((name in lex.HELD_OUT_NAMES) == held_out) for name in lex.NAMES])


def _weather_given_season() -> np.ndarray:
    weathers = tuple(lex.WEATHERS)
    return np.array([[(w in possible) / len(possible) for w in weathers] for possible in lex.SEASONS.values()])


def _plain(name: str, values, weights: Callable = _zipf) -> Register:
    return Register(name, tuple(values), weights(values))


@cache
def registers(split: str = "train") -> dict[str, Register]:
    """Every register with its weights; the test split has other heroes and other verb-object pairs than training."""
    is_test = split == "test"
    known = _name_weights(held_out=False)
    heroes = _name_weights(held_out=is_test)
    # A trade has two further verbs and three products; the second verb with the third product is held out for test.
    product = np.array([0.0, 0.0, 1.0]) if is_test else _even("123")
    verb_given_product = np.array([[0.6, 0.4], [0.4, 0.6], [0.0, 1.0] if is_test else [1.0, 0.0]])
    plenty = lex.NUMBERS[1:]
    table = [
        Register("O", ("good", "bad"), _even("gb")),
        Register("P", lex.NAMES, heroes / heroes.sum()),
        Register("F", lex.NAMES, _another(lex.NAMES, known), parent="P"),
        _plain("R", lex.RELATIONS),
        _plain("T", lex.TRADES),
        _plain("J", ("0", "1", "2"), _even),
        Register("K", ("0", "1", "2"), product),
        Register("V", ("0", "1"), verb_given_product, parent="K"),
        _plain("adj", lex.PRODUCT_ADJECTIVES),
        _plain("age", lex.TOOL_ADJECTIVES),
        _plain("comp", lex.COMPARATIVES),
        _plain("L", lex.REGIONS),
        _plain("how", lex.REGION_ADJECTIVES),
        _plain("E", lex.WEEKDAYS, _even),
        Register("E2", lex.WEEKDAYS, _another(lex.WEEKDAYS, _even(lex.WEEKDAYS)), parent="E"),
        _plain("M", lex.DAYPARTS, _even),
        _plain("S", lex.SEASONS, _even),
        Register("W", tuple(lex.WEATHERS), _weather_given_season(), parent="S"),
        _plain("A", lex.ANIMALS),
        _plain("Q", lex.PETS),
        _plain("state", lex.ANIMAL_STATES),
        _plain("G", lex.GIFTS),
        _plain("C", lex.COLOURS),
        _plain("D", lex.DISHES),
        _plain("yum", lex.GOOD_TASTES),
        _plain("yuck", lex.BAD_TASTES),
        _plain("Y", lex.CITIES),
        _plain("Z", lex.TRANSPORTS),
        _plain("H", lex.HIDING_PLACES),
        Register("H2", lex.HIDING_PLACES, _another(lex.HIDING_PLACES, _zipf(lex.HIDING_PLACES)), parent="H"),
        _plain("joy", lex.GOOD_FEELINGS),
        _plain("woe", lex.BAD_FEELINGS),
        _plain("coins", lex.NUMBERS),
        _plain("hours", plenty),
        _plain("days", plenty),
        _plain("plates", lex.NUMBERS),
        _plain("count", lex.NUMBERS),
    ]
    return {register.name: register for register in table}


class Expression(NamedTuple):
    """Something a sentence can name: the registers it depends on, its concept, and the entity that the noun is."""

    registers: tuple[str, ...]
    concept: Callable[..., str]
    entity: str | None = None


def _same(name: str, entity: str | None = None) -> Expression:
    return Expression((name,), lambda value: value, entity)


def _trade(field: str, entity: str | None = None) -> Expression:
    return Expression(("T",), lambda trade: getattr(lex.TRADES[trade], field), entity)


def _number_of(dish: str, count: str) -> str:
    counted = lex.DISHES[dish].counted
    return counted if count == "one" else f"many {counted}"


EXPRESSIONS: dict[str, Expression] = {
    "P": _same("P", "PERSON"),
    "F": _same("F", "PERSON"),
    "R": Expression(("R", "F"), lambda relation, friend: lex.RELATIONS[relation][friend not in lex.WOMEN]),
    "T": _same("T", "TRADE"),
    "place": _trade("place", "PLACE"),
    "make": _trade("make"),
    "tool": Expression(("T", "J"), lambda trade, j: lex.TRADES[trade].tools[int(j)], "THING"),
    "work": Expression(("T", "V"), lambda trade, v: lex.TRADES[trade].work[int(v)]),
    "X": Expression(("T", "K"), lambda trade, k: lex.TRADES[trade].products[int(k)], "THING"),
    "adj": _same("adj"),
    "age": _same("age"),
    "comp": _same("comp"),
    "L": _same("L", "PLACE"),
    "how": _same("how"),
    "mark": Expression(("L",), lambda region: lex.REGIONS[region], "PLACE"),
    "E": _same("E", "TIME"),
    "E2": _same("E2", "TIME"),
    "M": _same("M", "TIME"),
    "meal": Expression(("M",), lambda daypart: lex.DAYPARTS[daypart]),
    "S": _same("S", "TIME"),
    "W": _same("W"),
    "sky": Expression(("W",), lambda weather: lex.WEATHERS[weather].adjective),
    "item": Expression(("W",), lambda weather: lex.WEATHERS[weather].item, "THING"),
    "effect": Expression(("W",), lambda weather: lex.WEATHERS[weather].effect),
    "A": _same("A"),
    "sound": Expression(("A",), lambda animal: lex.ANIMALS[animal].sound),
    "food": Expression(("A",), lambda animal: lex.ANIMALS[animal].food),
    "home": Expression(("A",), lambda animal: lex.ANIMALS[animal].home),
    "Q": _same("Q", "PERSON"),
    "state": _same("state"),
    "G": _same("G", "THING"),
    "use": Expression(("G",), lambda gift: lex.GIFTS[gift]),
    "C": _same("C", "THING"),
    "D": _same("D", "THING"),
    "counted": Expression(("D", "count"), _number_of),
    "weighed": Expression(("D",), lambda dish: lex.DISHES[dish].weighed),
    "yum": _same("yum"),
    "yuck": _same("yuck"),
    "Y": _same("Y", "PLACE"),
    "country": Expression(("Y",), lambda city: lex.CITIES[city], "PLACE"),
    "Z": _same("Z"),
    "stop": Expression(("Z",), lambda transport: lex.TRANSPORTS[transport], "PLACE"),
    "H": _same("H", "PLACE"),
    "H2": _same("H2", "PLACE"),
    "joy": _same("joy"),
    "joyful": Expression(("joy",), lambda feeling: lex.GOOD_FEELINGS[feeling]),
    "woe": _same("woe"),
    "woeful": Expression(("woe",), lambda feeling: lex.BAD_FEELINGS[feeling]),
    "coins": _same("coins"),
    "hours": _same("hours", "TIME"),
    "days": _same("days", "TIME"),
    "plates": _same("plates"),
    "count": _same("count"),
}

# Frame: what its sentence says, in every language. "P" and "F" may be told by name or by pronoun.
FRAMES: dict[str, tuple[str, ...]] = {
    "open": ("P", "T", "how", "L"),
    "habit": ("P", "place", "age", "tool"),
    # work: somebody orders something
    "order": ("E", "P", "R", "F", "adj", "X"),
    "craft": ("P", "tool", "make", "X", "work"),
    "promise": ("P", "F", "X", "E2"),
    "finished": ("P", "hours", "adj", "X"),
    "unfinished": ("P", "tool", "adj", "X"),
    "paid": ("P", "F", "X", "coins"),
    "unpaid": ("P", "F", "days", "X"),
    # gift: a birthday
    "birthday": ("E", "P", "R", "F"),
    "wish": ("P", "F", "C", "G"),
    "buy": ("P", "G", "coins"),
    "handmade": ("P", "make", "X", "work", "tool"),
    "played": ("P", "F", "use", "C", "G"),
    "stolen": ("F", "C", "G", "mark"),
    # animal: a stray is taken in
    "find": ("sky", "M", "P", "state", "A", "mark"),
    "feed": ("P", "A", "food", "Q"),
    "shelter": ("P", "Q", "tool", "place"),
    "settled": ("Q", "sound", "P", "food"),
    "ran away": ("P", "E2", "Q", "home"),
    "visit": ("P", "R", "F", "Q"),
    "search": ("P", "R", "F", "A", "mark"),
    # meal: a guest comes
    "invite": ("P", "R", "F", "meal", "E"),
    "shop": ("P", "count", "counted", "weighed"),
    "prepare": ("P", "D", "F", "tool"),
    "enjoyed": ("P", "D", "yum", "F", "plates"),
    "spoiled": ("P", "D", "yuck", "F"),
    "present": ("meal", "P", "F", "adj", "X"),
    "apology": ("P", "F", "adj", "X"),
    # journey: something is carried to a far city to be sold
    "leave": ("E", "M", "P", "Z", "Y"),
    "carry": ("P", "adj", "X"),
    "meet": ("stop", "P", "R", "F"),
    "arrive": ("Y", "country", "sky", "P"),
    "sold": ("P", "Y", "X", "coins"),
    "unsold": ("P", "Y", "adj", "X"),
    # lost: a tool is missing
    "lose": ("E", "P", "tool"),
    "need": ("X", "P", "R", "F"),
    "look": ("P", "place", "H", "H2"),
    "help": ("F", "P", "place"),
    "found": ("P", "F", "tool", "mark"),
    "gone": ("tool", "P", "coins"),
    # contest: who makes the best one
    "announce": ("S", "L", "X"),
    "rival": ("P", "R", "F", "T"),
    "enter": ("P", "make", "adj", "X", "work"),
    "better": ("P", "X", "comp", "F"),
    "worse": ("P", "X", "comp", "F"),
    "won": ("P", "C", "G", "coins"),
    "defeated": ("P", "F", "C", "G"),
    # weather: caught out in it
    "forecast": ("E", "S", "W", "how", "L"),
    "forget": ("P", "place", "item"),
    "suffer": ("P", "place", "effect"),
    "lent": ("P", "R", "F", "item"),
    "ruined": ("P", "W", "adj", "X", "place"),
    "thanks": ("P", "F", "make", "adj", "X"),
    "missed": ("P", "R", "F", "X"),
    # endings
    "friends": ("P", "F", "place"),
    "estranged": ("P", "F", "place"),
    "rejoice": ("P", "joy", "joyful", "place"),
    "mourn": ("P", "woe", "woeful", "place"),
}


class Step(NamedTuple):
    """One step of the plan: the frame if all goes well, the frame if it does not, and how often the step is taken."""

    good: str
    bad: str
    probability: float = 1.0


def _step(frame: str, probability: float = 1.0) -> Step:
    return Step(frame, frame, probability)


OPENING = (_step("open"), _step("habit", 0.15))
TOPICS: dict[str, tuple[Step, ...]] = {
    "work": (
        *(_step("order"), Step("craft", "promise", 0.6), Step("finished", "unfinished")),
        *(Step("paid", "unpaid", 0.5), Step("friends", "estranged", 0.2)),
    ),
    "gift": (*(_step("birthday"), _step("wish"), _step("buy", 0.4), _step("handmade", 0.4), Step("played", "stolen")),),
    "animal": (
        *(_step("find"), _step("feed"), _step("shelter", 0.3), Step("settled", "ran away")),
        Step("visit", "search", 0.3),
    ),
    "meal": (
        *(_step("invite"), _step("shop", 0.4), _step("prepare"), Step("enjoyed", "spoiled")),
        Step("present", "apology", 0.4),
    ),
    "journey": (*(_step("leave"), _step("carry"), _step("meet", 0.3), _step("arrive", 0.4), Step("sold", "unsold")),),
    "lost": (*(_step("lose"), _step("need"), _step("look", 0.25), _step("help", 0.25), Step("found", "gone")),),
    "contest": (
        *(_step("announce"), _step("rival"), _step("enter", 0.4), Step("better", "worse", 0.3)),
        Step("won", "defeated"),
    ),
    "weather": (
        *(_step("forecast"), _step("forget"), _step("suffer", 0.3), Step("lent", "ruined")),
        Step("thanks", "missed", 0.4),
    ),
}
CLOSING = (Step("rejoice", "mourn", 0.35),)


@dataclass(frozen=True, eq=False)
class Story:
    """One story as meaning: its topic, its outcome, its frames in order, and a value for every register they use.

    `Story.text("en")` tells it; so do "zh" and "fr".
    """

    key: str  # "split/seed/index/attempt": the same key is the same story, in every language
    topic: str
    frames: tuple[str, ...]
    values: dict[str, str]
    _told: dict[str, tuple] = field(default_factory=dict, repr=False)

    @property
    def is_good(self) -> bool:
        return self.values["O"] == "good"

    def concept(self, expression: str) -> str:
        """The concept behind an expression such as "tool": here perhaps "hammer"."""
        names, concept, _ = EXPRESSIONS[expression]
        return concept(*(self.values[name] for name in names))

    def told(self, language: str = "en") -> tuple:
        """The story's sentences with their pieces and entity tags."""
        from .telling import tell  # the telling knows the meaning, not the other way round

        if language not in self._told:
            self._told[language] = tell(self, language)
        return self._told[language]

    def sentences(self, language: str = "en") -> list[str]:
        return [sentence.text for sentence in self.told(language)]

    def words(self, language: str = "en") -> list[str]:
        """The words and punctuation marks as the world's tokenizer sees them."""
        return [word for sentence in self.told(language) for word in sentence.words]

    def text(self, language: str = "en") -> str:
        from .telling import SPACE

        return SPACE[language].join(self.sentences(language))


@cache
def _cumulative(split: str, name: str, given: int | None) -> tuple[float, ...]:
    weights = registers(split)[name].weights
    return tuple(accumulate(weights if given is None else weights[given]))


def _draw_values(split: str, rng: random.Random) -> dict[str, str]:
    values: dict[str, str] = {}
    for register in registers(split).values():
        parent = register.parent
        given = None if parent is None else registers(split)[parent].values.index(values[parent])
        at = bisect(_cumulative(split, register.name, given), rng.random())
        values[register.name] = register.values[min(at, len(register.values) - 1)]
    return values


@cache
def frame_registers(frame: str) -> frozenset[str]:
    """The choices that a sentence of this kind speaks of."""
    return frozenset(name for expression in FRAMES[frame] for name in EXPRESSIONS[expression].registers)


def draw_story(split: str, key: str) -> Story:
    """The story of a key: a pure function, so that any part of an endless stream can be had without the rest."""
    rng = random.Random(f"little world/{key}")  # only rng.random() is used: its stream is the same in every Python
    values = _draw_values(split, rng)
    topic = tuple(TOPICS)[int(rng.random() * len(TOPICS))]
    steps = (*OPENING, *TOPICS[topic], *CLOSING)
    taken = [step for step in steps if rng.random() < step.probability]
    frames = tuple(step.good if values["O"] == "good" else step.bad for step in taken)
    used = {"O"}.union(*(frame_registers(frame) for frame in frames))
    return Story(key, topic, frames, {name: value for name, value in values.items() if name in used})
