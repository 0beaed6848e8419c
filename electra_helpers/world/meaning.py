"""What a story can be about, before any language tells it: registers, what they are shown as, and the frames that speak of them.

A *frame* is one sentence's worth of meaning; it speaks of *registers*: who, which trade, which day. A register is drawn
once a story, so a frame in the last sentence that names the tool is bound to the trade named in the first. Everything
here is a table, so that `oracle.py` can add up over all stories there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
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


def concept_of(expression: str, values: Mapping[str, str]) -> str:
    """The concept behind an expression such as "tool" in a story with these values of its registers: here perhaps "hammer"."""
    names, concept, _ = EXPRESSIONS[expression]
    return concept(*(values[name] for name in names))


@cache
def frame_registers(frame: str) -> frozenset[str]:
    """The choices that a sentence of this kind speaks of."""
    return frozenset(name for expression in FRAMES[frame] for name in EXPRESSIONS[expression].registers)
