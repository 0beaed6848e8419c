"""From meaning to words: the small engine that every language's templates run through.

A template is a line such as `{P} took the {tool} and <began|set to work> .`: words, slots `{expression}` or
`{expression.form}`, and places where the teller is free, `<one way|another|>`, an empty way allowed. A language is a
module with TEMPLATES (frame → templates), `word(concept, form)` and `join(pieces)`; see `english.py`. It may also have
QUESTIONS (frame → (kind, question, answer)) and SUMMARIES ((topic, outcome) → templates), in the same syntax.
"""

from __future__ import annotations

import random
import re
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import accumulate, product
from typing import TYPE_CHECKING, NamedTuple

from .meaning import EXPRESSIONS, concept_of, registers

if TYPE_CHECKING:
    from .story import Story

MODULES = {"en": "english", "zh": "chinese", "fr": "french"}
SPOKEN = tuple(MODULES)
SPACE = {"en": " ", "zh": "", "fr": " "}  # between two sentences


class Slot(NamedTuple):
    """A place in a template that shows one expression in one form; the form "" is the dictionary's.

    `{adj.f~X}` agrees with another expression: the language is asked for the form "f~" followed by that one's concept.
    """

    expression: str
    form: str
    agrees_with: str = ""


Piece = str | Slot
Segment = tuple[tuple[Piece, ...], ...]  # the ways there are to go on, the usual one first; a fixed stretch has one
Template = tuple[Segment, ...]


def parse_template(line: str) -> Template:
    """Read a template line; adjoining pieces with one way only form one segment."""
    segments: list[Segment] = []
    for is_choice, part in enumerate_parts(line):
        ways = part.split("|") if is_choice else [part]
        segments.append(tuple(tuple(_piece(item) for item in way.split()) for way in ways))
    return tuple(segment for segment in segments if segment != ((),))


def enumerate_parts(line: str):
    """Yield (False, plain text) and (True, "one|another") in the order in which they stand."""
    for number, part in enumerate(re.split(r"<([^>]*)>", line)):
        yield number % 2 == 1, part


def _piece(item: str) -> Piece:
    if not item.startswith("{"):
        return item
    item, _, agrees_with = item.strip("{}").partition("~")
    expression, _, form = item.partition(".")
    return Slot(expression, form, agrees_with)


class Question(NamedTuple):
    """What can be asked about a frame: `answer` is the expression that answers, or "sentence" for all that is said."""

    kind: str  # who, what, where, when, why, how many
    template: Template
    answer: str


@dataclass(frozen=True, eq=False)
class Language:
    """A language as the teller uses it."""

    code: str
    templates: dict[str, tuple[Template, ...]]
    word: Callable[[str, str], str]
    join: Callable[[Sequence[str]], str]
    split: Callable[[str], list[str]]
    noun_forms: frozenset[str]  # the forms whose piece is still the noun, and so the entity
    questions: dict[str, tuple[Question, ...]]
    summaries: dict[tuple[str, str], tuple[Template, ...]]

    def pieces(self) -> set[Piece]:
        """Every piece that stands in any template, question or summary."""
        groups = [*self.templates.values(), *self.summaries.values()]
        lines = [template for group in groups for template in group]
        lines += [question.template for group in self.questions.values() for question in group]
        return {piece for line in lines for segment in line for way in segment for piece in way}


@cache
def language(code: str) -> Language:
    """The language of a code; raises ValueError for one that the world does not speak."""
    if code not in MODULES:
        raise ValueError(f"The little world does not speak {code!r}: it speaks {', '.join(MODULES)}.")
    module = import_module(f".{MODULES[code]}", __package__)
    templates = {frame: tuple(map(parse_template, lines)) for frame, lines in module.TEMPLATES.items()}
    questions = {
        frame: tuple(Question(kind, parse_template(line), answer) for kind, line, answer in lines)
        for frame, lines in getattr(module, "QUESTIONS", {}).items()
    }
    summaries = {key: tuple(map(parse_template, lines)) for key, lines in getattr(module, "SUMMARIES", {}).items()}
    word = cache(module.word)
    return Language(code, templates, word, module.join, module.split, module.NOUN_FORMS, questions, summaries)


class Told(NamedTuple):
    """One told sentence: its pieces as written, and for each the slot that it came from (None for a fixed word)."""

    language: str
    frame: str
    pieces: tuple[str, ...]
    slots: tuple[Slot | None, ...]

    @property
    def text(self) -> str:
        return language(self.language).join(self.pieces)

    @property
    def words(self) -> list[str]:
        return [word for piece in self.pieces for word in language(self.language).split(piece)]

    @property
    def entities(self) -> list[str]:
        """For every word its BIO tag: B-PERSON, I-TIME, O and so on."""
        speaker = language(self.language)
        tags, before = [], None
        for piece, slot in zip(self.pieces, self.slots, strict=True):
            is_noun = slot is not None and slot.form in speaker.noun_forms
            entity = EXPRESSIONS[slot.expression].entity if is_noun else None
            for _ in speaker.split(piece):
                tags.append("O" if entity is None else f"{'I' if entity == before else 'B'}-{entity}")
                before = entity
        return tags


def tell(story: Story, code: str) -> tuple[Told, ...]:
    """Tell a story: in each frame one of the language's templates, and in each template one of its ways, at random."""
    rng = random.Random(f"{story.key}/{code}")
    speaker = language(code)
    return tuple(say(story, frame, speaker.templates[frame], speaker, rng) for frame in story.frames)


def say(story: Story, frame: str, templates: Sequence[Template], speaker: Language, rng: random.Random) -> Told:
    """Say something about a story by one of some templates."""
    template = templates[int(rng.random() * len(templates))]
    chosen = [piece for segment in template for piece in _pick(segment, rng)]
    shown = [_show(story.values, piece, speaker) for piece in chosen]
    slots = tuple(piece if isinstance(piece, Slot) else None for piece in chosen)
    return Told(speaker.code, frame, tuple(shown), slots)


@cache
def way_weights(n: int) -> tuple[float, ...]:
    """How often the ways of a free choice are taken: as 1, 1/2, 1/3 …, so that the first is the usual one."""
    total = sum(1 / rank for rank in range(1, n + 1))
    return tuple(1 / rank / total for rank in range(1, n + 1))


def _pick(ways: Segment, rng: random.Random) -> tuple[Piece, ...]:
    if len(ways) == 1:
        return ways[0]
    return ways[min(bisect(tuple(accumulate(way_weights(len(ways)))), rng.random()), len(ways) - 1)]


def _show(values: Mapping[str, str], piece: Piece, speaker: Language) -> str:
    if not isinstance(piece, Slot):
        return piece
    agreement = f"~{concept_of(piece.agrees_with, values)}" if piece.agrees_with else ""
    return speaker.word(concept_of(piece.expression, values), piece.form + agreement)


def slot_registers(slot: Slot) -> tuple[str, ...]:
    """The registers that decide what a slot shows."""
    names = EXPRESSIONS[slot.expression].registers
    others = EXPRESSIONS[slot.agrees_with].registers if slot.agrees_with else ()
    return names + tuple(name for name in others if name not in names)


def slot_words(slot: Slot, speaker: Language) -> Iterator[str]:
    """What a slot shows for every combination of the values of its registers, the last register fastest."""
    names = slot_registers(slot)
    for values in product(*(registers()[name].values for name in names)):
        yield _show(dict(zip(names, values, strict=True)), slot, speaker)


@cache
def vocabulary(code: str = "en") -> list[str]:
    """Every word and punctuation mark that the world can say in a language, in alphabetical order."""
    speaker = language(code)
    pieces = speaker.pieces()
    shown = {piece for piece in pieces if isinstance(piece, str)}
    for slot in pieces - shown:
        shown.update(slot_words(slot, speaker))
    return sorted({word for piece in shown for word in speaker.split(piece)})
