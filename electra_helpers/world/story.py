"""What happens: a story is a walk through a plan, whose steps are frames; drawn by its key, and told in any language."""

from __future__ import annotations

import random
from bisect import bisect
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from .meaning import concept_of, frame_registers, registers
from .telling import SPACE, tell


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
        return concept_of(expression, self.values)

    def told(self, language: str = "en") -> tuple:
        """The story's sentences with their pieces and entity tags."""
        if language not in self._told:
            self._told[language] = tell(self, language)
        return self._told[language]

    def sentences(self, language: str = "en") -> list[str]:
        return [sentence.text for sentence in self.told(language)]

    def words(self, language: str = "en") -> list[str]:
        """The words and punctuation marks as the world's tokenizer sees them."""
        return [word for sentence in self.told(language) for word in sentence.words]

    def text(self, language: str = "en") -> str:
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
