"""Which rule each pipeline breaks: exercise 04.4."""

from __future__ import annotations

from typing import Any

from electra_helpers.course.engine.grading import Mistake
from electra_helpers.course.labs.bug_hunt import (
    BUGS,
    LABEL_IS_SELECTED,
    LABELS_ARE_SHIFTED,
    MASK_LEAKS,
    NOTHING,
    PADDING_IS_HIT,
    PIPELINES,
)
from electra_helpers.language import ITEMS, joined, worded, wording

LOOK = {
    MASK_LEAKS: wording("Read what the discriminator sees word by word: does something stand there that no text has?"),
    LABEL_IS_SELECTED: wording("Look at words in brackets that are the same in both lines."),
    PADDING_IS_HIT: wording("Look behind [SEP], at several seeds."),
    LABELS_ARE_SHIFTED: wording("Look at the word just before each word in brackets."),
    NOTHING: wording(
        "A word can change, be in brackets and all is well; and a selected word that was guessed right looks untouched."
    ),
}


def bugs_are_found(answers: Any) -> None:
    """Every pipeline has its mistake; a wrong one is told where to look, not what it is."""
    if not isinstance(answers, dict) or set(answers) != set(PIPELINES):
        raise Mistake("Keep the dictionary as it is, with {pipelines}.", pipelines=joined(PIPELINES, ITEMS))
    for name, given in answers.items():
        if given not in BUGS:
            raise Mistake("{name}: choose one of {bugs}.", name=name, bugs=joined(map(repr, BUGS), ITEMS))
    for name, right in PIPELINES.items():
        given = answers[name]
        if given == right:
            continue
        if right == NOTHING:
            raise Mistake(
                "{name} breaks no rule ({given!r} is not it). {look}", name=name, given=given, look=LOOK[NOTHING]
            )
        start = (
            worded("{name} breaks a rule, and you say nothing is broken.", name=name)
            if given == NOTHING
            else worded("{name}: not {given!r}.", name=name, given=given)
        )
        raise Mistake("{start} {look}", start=start, look=LOOK[right])
