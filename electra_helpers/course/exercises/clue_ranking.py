"""Clues ranked by deletion and by attention: exercise 07.4."""

from __future__ import annotations

from functools import cache
from typing import Any

from electra_helpers.course.engine.grading import Mistake, as_number
from electra_helpers.course.labs.replacements import (
    clue_cases,
    world_model,
)
from electra_helpers.language import joined
from electra_helpers.tasks.interpret import Clues, find_clues

AGREEMENT = ("attention shows the clue", "attention often shows another word")


def top_clues(clues: Clues) -> tuple[int, int]:
    """The word whose deletion moves P most, and the word that gets most attention: positions, special tokens left out."""
    words = [i for i, token in enumerate(clues.tokens) if i != clues.position and not token.startswith("[")]
    return max(words, key=lambda i: abs(clues.change[i])), max(words, key=lambda i: clues.attention[i])


@cache
def clue_agreement() -> tuple[int, int, int]:
    """How often both rankings have the same word on top; the same with special tokens among attention's; and of how many."""
    found = [find_clues(world_model(), text, at) for text, at in clue_cases()]
    same = sum(a == b for a, b in map(top_clues, found))
    with_specials = 0
    for clues in found:
        others = [i for i in range(len(clues.tokens)) if i != clues.position]
        with_specials += top_clues(clues)[0] == max(others, key=lambda i: clues.attention[i])
    return same, with_specials, len(found)


def clue_answer() -> dict[str, Any]:
    """The right answer of exercise 07.4."""
    same, _, total = clue_agreement()
    return {"same": same, "reading": AGREEMENT[same < total / 2]}


def clues_are_ranked(answers: Any) -> None:
    """How often two ways name the same clue, and what follows from that share."""
    if not isinstance(answers, dict) or set(answers) != {"same", "reading"}:
        raise Mistake('Keep "same" and "reading".')
    same, with_specials, total = clue_agreement()
    try:
        given = as_number(answers["same"])
    except (TypeError, ValueError):
        raise Mistake(
            "same: of {total} cases, the number in which both have the same word on top.", total=total
        ) from None
    if 0 < given < 1:
        raise Mistake("A number of cases is asked for, not a share.")
    if given != same and given == with_specials:
        raise Mistake("Much attention goes to [CLS] and [SEP], which are no words: leave special tokens out of both.")
    if given == total - same and given != same:
        raise Mistake("That is how often they differ.")
    if given != same:
        raise Mistake(
            "{given:g} of {total} is not it. By deletion: the largest |change|, up or down; by attention: the largest"
            " weight; the word itself and special tokens left out.",
            given=given,
            total=total,
        )
    if answers["reading"] not in AGREEMENT:
        raise Mistake("reading: choose one of {agreement}.", agreement=joined(AGREEMENT))
    if answers["reading"] != clue_answer()["reading"]:
        raise Mistake(
            "They agree in {same} of {total}. Attention says where a layer looks, not what the answer hangs on: count"
            " before you read it as an explanation.",
            same=same,
            total=total,
        )
