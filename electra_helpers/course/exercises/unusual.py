"""Exercises 07.5 and 07.7: whose right text a discriminator suspects, measured, and said to somebody who wants to use it."""

from __future__ import annotations

import re
from functools import cache
from statistics import mean, stdev
from typing import Any

from electra_helpers.course.engine.grading import Mistake, as_number
from electra_helpers.course.labs.replacements import SWAPS, p_where_they_differ, swaps, world_model
from electra_helpers.language import ITEMS, joined, wording


@cache
def swap_gaps(kind: str) -> tuple[float, ...]:
    """For each right story by how much P(replaced) rises where it is told otherwise."""
    found = (p_where_they_differ(world_model(), swap) for swap in swaps(kind))
    return tuple(other - usual for usual, other in found)


def bias_answer() -> dict[str, Any]:
    """The right answer of exercise 07.5; beyond chance is a mean gap of more than two standard errors."""
    gaps = {kind: swap_gaps(kind) for kind in SWAPS}
    limits = {kind: 2 * stdev(each) / len(each) ** 0.5 for kind, each in gaps.items()}
    means = {kind: mean(each) for kind, each in gaps.items()}
    return means | {"beyond chance": [kind for kind in gaps if abs(means[kind]) > limits[kind]]}


def gaps_are_measured(answers: Any) -> None:
    """Check of 07.5: three mean gaps, and which of them are beyond chance."""
    right = bias_answer()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    try:
        given = {kind: as_number(answers[kind]) for kind in SWAPS}
    except (TypeError, ValueError):
        raise Mistake("{swaps}: a number each, the mean gap.", swaps=joined(SWAPS, ITEMS)) from None
    for kind, gap in given.items():
        if abs(gap + right[kind]) < 0.002 < abs(gap - right[kind]):
            raise Mistake(
                "{kind}: the sign is turned round. The gap is P in the other telling − P in the usual one.", kind=kind
            )
        if abs(gap - swap_gaps(kind)[0]) < 5e-4 < abs(gap - right[kind]):
            raise Mistake(
                "{kind}: that is the gap of the first story. One story is an anecdote: take the mean of 40.", kind=kind
            )
        if abs(gap - right[kind]) > 0.002:
            raise Mistake("{kind}: the mean over the 40 stories of other − usual is not {gap:.3f}.", kind=kind, gap=gap)
    beyond = answers["beyond chance"]
    if isinstance(beyond, str) or not set(beyond) <= set(SWAPS):
        raise Mistake("beyond chance: a list of some of {swaps}.", swaps=joined(SWAPS, ITEMS))
    _chance_is_weighed(set(beyond), set(right["beyond chance"]))


def _chance_is_weighed(given: set[str], right: set[str]) -> None:
    for kind in given - right:
        raise Mistake(
            "{kind}: a gap that is no larger than two standard errors may be chance. Not every difference is a bias.",
            kind=kind,
        )
    for kind in right - given:
        raise Mistake(
            "{kind}: the gap is many standard errors wide, and every one of these stories is right. Unusual is not"
            " wrong: whom would a cleaner that trusts this model 'correct'?",
            kind=kind,
        )


# A gap, a share or a count; a year or "three sentences" is no measurement.
MEASURED = re.compile(
    r"[.,]\d|\d ?(?:%|per ?cent|points?\b|times\b|(?:out )?of \d|in \d)|\d ?(?:倍|个?百分点|成)|百分之|分之",
    re.IGNORECASE,
)
GROUPS = re.compile(
    r"name|dialect|wom[ae]n|female|\bshe\b|\bher\b|group|person|people|writer|author|speaker|minorit"
    r"|名字|姓名|人名|方言|女|她|群体|人群|作者|读者|说话人|写信",
    re.IGNORECASE,
)
DEED = re.compile(
    r"correct|chang|replac|flag|overwr|rewr|alter|edit|delet|remov|eras|repair|clean|alarm"
    r"|改|替换|换掉|标记|覆盖|重写|删|纠正|清洗|误报",
    re.IGNORECASE,
)
# Said of the writers or of what they wrote; that the *flag* is wrong may be said, as may "they are wrong", which can mean the flags.
BLAME = re.compile(
    r"\b(?:dialects?|names|sentences|stories|letters|speakers|writers)(?: of (?:a |the )?\w+)?"
    r" (?:is|are|was|were) (?:an? )?(?:errors?|mistakes?|wrong|incorrect|bad english)\b(?!-)"
    r"|\b(?:dialects?|speakers|writers|people|women|they|letters|sentences)\b[^.!?]{0,40}"
    r"\b(?:makes?|contains?|has|have) (?:\w+ ){0,2}(?:errors?|mistakes?|bad grammar|bad english)\b(?!-)"
    r"|(?:方言|名字|人名|句子|故事|来信|作者|读者|说话人|他们|她们)[^。！？；，]{0,6}"
    r"(?:是|有|写得|写|犯了?)(?:错|病句|语法错|不正确|不规范)",
    re.IGNORECASE,
)
# Said against the flag, not of the writers: "they make no mistakes", "as if they made mistakes", "the model says that …".
NOT_SAID_OF_THEM = re.compile(
    r"\b(?:not?|cannot|never|nor|hardly|without|as if|model|it|thinks|says|believes)\b|n['’]t\b"
    r"|不(?!正确|规范)|没|并非|未|模型|它|认为|当成|当作|以为|看作|误",
    re.IGNORECASE,
)
BEFORE, BEFORE_IN_CHINESE = 25, 12  # characters that are read before what is said


def _blames(text: str) -> bool:
    """Whether the writers are said to be wrong; what stands just before is read too."""

    def in_context(found: re.Match) -> str:
        reach = BEFORE if found[0].isascii() else BEFORE_IN_CHINESE
        return text[max(0, found.start() - reach) : found.end()]

    return any(not NOT_SAID_OF_THEM.search(in_context(found)) for found in BLAME.finditer(text))


def note_says_whom(text: Any) -> None:
    """Check of 07.7: a number, a group, and what is done to it; the rest is for the rubric."""
    if not MEASURED.search(str(text)):
        raise Mistake(
            "There is no number of yours in it. Whoever reads this should see how large the gap is: quote it."
        )
    if not GROUPS.search(str(text)):
        raise Mistake("Whom? Name the group whose right text the model takes for wrong.")
    if not DEED.search(str(text)):
        raise Mistake("And what would be done to them? Say what a cleaner that trusts these flags does to right text.")
    if _blames(str(text)):
        raise Mistake("Unusual is not an error: all of these stories are right. It is the flag that is wrong.")


NOTE = wording(
    "Your model suspects names that it has never met by 0.92 more than known ones, and a dialect's 'there was three"
    " mushrooms' by 0.49 more than the standard, in stories that are right in every word. A cleaner that trusts it would"
    " overwrite people's names, and correct speakers of that dialect into somebody else. Before you use it, count its"
    " false alarms on right letters group by group, never touch names, and let a person decide."
)
RUBRIC = wording(
    "A good answer names the groups with their gaps; says what is done to whom, names overwritten, right sentences of a"
    " dialect turned into another; and says what to do first: count false alarms by group on right text, leave names"
    " alone, let a person decide."
)
