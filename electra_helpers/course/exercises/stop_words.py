"""Exercise 07.6: what is lost when stop words are removed, as old pre-processing did."""

from __future__ import annotations

from functools import cache
from typing import Any

from electra_helpers.course.engine.grading import Mistake, as_number
from electra_helpers.course.labs.replacements import without_stop_words
from electra_helpers.language import ITEMS, joined
from electra_helpers.world.pairs import blimp_row, minimal_pairs

STOPPED = ("pronoun", "order", "world knowledge")
CLAIMS = ("small words carry nothing", "grammar is lost, content stays", "everything is lost")


@cache
def lost_without_stop_words(count: int = 100) -> dict[str, float]:
    """For each phenomenon the share of minimal pairs whose two sentences are the same once stop words are removed."""
    found = {}
    for phenomenon in STOPPED:
        rows = [blimp_row(pair, 0) for pair in minimal_pairs(phenomenon, count)]
        same = [_bare(row["sentence_good"]) == _bare(row["sentence_bad"]) for row in rows]
        found[phenomenon] = sum(same) / len(same)
    return found


def _bare(text: str) -> str:
    return without_stop_words(text).lower()


def losses_are_measured(answers: Any) -> None:
    """Check of 07.6: for each phenomenon the share of pairs that became one, and what follows."""
    right = lost_without_stop_words()
    if not isinstance(answers, dict) or set(answers) != {*right, "claim"}:
        raise Mistake("Keep {right} and claim.", right=joined(right, ITEMS))
    for name, share in right.items():
        try:
            given = as_number(answers[name])
        except (TypeError, ValueError):
            raise Mistake("{name}: a share between 0 and 1.", name=name) from None
        if given > 1:
            raise Mistake("{name}: a share between 0 and 1, not a number of pairs.", name=name)
        if abs(given - (1 - share)) < 0.005 < abs(given - share):
            raise Mistake(
                "{name}: that is the share of pairs that can still be told apart. Asked for is what is lost.", name=name
            )
        if abs(given - share) > 0.02:
            raise Mistake(
                "{name}: {given:.2f} is not it. Compare the two sentences after without_stop_words(…).lower().",
                name=name,
                given=given,
            )
    if answers["claim"] not in CLAIMS:
        raise Mistake("claim: choose one of {claims}.", claims=joined(CLAIMS))
    if answers["claim"] == CLAIMS[0]:
        raise Mistake("Old pre-processing habits: where the two sentences became one, no model can tell them apart.")
    if answers["claim"] != CLAIMS[1]:
        raise Mistake("Look at the three shares again: is every kind of mistake lost?")
