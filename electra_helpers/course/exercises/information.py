"""Exercises 05.4 and 05.6: how much the labels of RTD and of MLM say, and why RTD wins all the same."""

from __future__ import annotations

import math
import re
from typing import Any

from electra_helpers.course.engine.grading import Mistake, as_number
from electra_helpers.course.labs.exams import bits
from electra_helpers.language import wording

LENGTH, SELECTED, VOCABULARY, SHARE = 128, 19, 30_522, 0.06
WHY = (
    "6.7 times the labels are 6.7 times the information",
    "a label says little, but every token of the input is learnt from",
    "the discriminator sees [MASK] more often",
)


def label_bits() -> dict[str, Any]:
    """The right answers of 05.4."""
    return {"rtd": LENGTH * bits(SHARE), "mlm at most": SELECTED * math.log2(VOCABULARY), "why": WHY[1]}


def labels_are_weighed(answers: Any) -> None:
    """Check of 05.4: two numbers of bits, and what follows from them."""
    if not isinstance(answers, dict) or set(answers) != {"rtd", "mlm at most", "why"}:
        raise Mistake('Keep the dictionary as it is, with "rtd", "mlm at most" and "why".')
    try:
        rtd, mlm = as_number(answers["rtd"]), as_number(answers["mlm at most"])
    except (TypeError, ValueError):
        raise Mistake("Give the bits as numbers.") from None
    right = label_bits()
    if abs(rtd - LENGTH) < 1:
        raise Mistake("One bit a token would be right if half of the tokens were replaced. With 6 % it is far less.")
    if abs(rtd - right["rtd"] * math.log(2)) < 0.5 or abs(mlm - right["mlm at most"] * math.log(2)) < 1.5:
        raise Mistake("That is in nats. Bits take the logarithm to base 2.")
    if abs(rtd - right["rtd"]) > 0.5:
        raise Mistake(
            "RTD: {length} labels, each with the entropy of a coin that falls on one side in 6 % of throws.",
            length=LENGTH,
        )
    if abs(mlm - LENGTH * math.log2(VOCABULARY)) < 2:
        raise Mistake(
            "MLM has no label at every token: {selected} of the {length} are selected.",
            selected=SELECTED,
            length=LENGTH,
        )
    if abs(mlm - right["mlm at most"]) > 1.5:
        raise Mistake(
            "MLM: {selected} labels, each one of {vocabulary:,} words, so at most log2 of that number of bits.",
            selected=SELECTED,
            vocabulary=VOCABULARY,
        )
    if answers["why"] == WHY[0]:
        raise Mistake(
            "6.7 × the tokens is not 6.7 × the information: your own numbers say {rtd:.0f} bits against at most"
            " {mlm:.0f}.",
            rtd=rtd,
            mlm=mlm,
        )
    if answers["why"] == WHY[2]:
        raise Mistake("The discriminator never sees [MASK] copied into its input: that was 04.")
    if answers["why"] != WHY[1]:
        raise Mistake("why: choose one of {why}.", why=WHY)


# What a sentence must not claim, unless it denies it.
MORE_INFORMATION = re.compile(r"6[.,]7\s*(?:times|x|×|-fold)[^.]*\binformation|6[.,]7\s*倍[^。]*信息", re.IGNORECASE)
# The discriminator itself meets [MASK]: between the two stands no other net, nor the end of the clause.
GOES_ON = r"(?:(?!\b(?:while|where|whereas|MLM|BERT|masked|generator|than)\b)[^,;:])*"
MASK_SEEN = re.compile(
    rf"\bdiscriminator\b{GOES_ON}\b(?:sees?|reads?|meets?|gets?|learns?|trained){GOES_ON}(?:\[MASK|\bmasks\b|\bmask tokens?\b)"
    r"|判别器[^，。；：]*(?:看到|看见|读到|见到|遇到|学|训练)[^，。；：]*(?:\[MASK|掩码)",
    re.IGNORECASE,
)
DENIED = re.compile(
    r"\b(?:not|cannot|no|never|less|fewer|nor|neither|hardly|without|instead|rather|but|wrong|false|myth)\b|n['’]t\b"
    r"|\b(?:say|said|claim|think|believe)"
    r"|不|没|从未|并非|无|少|错|误|说|认为|以为",
    re.IGNORECASE,
)
WHERE = re.compile(
    r"\b(?:all|any|each|every\w*|entire|whole|fifteen|selected|chosen|masked (?:tokens?|positions?|words?))\b|\b15\s?(?:%|per ?cent)"
    r"|每一?个|所有|全部|任何|整[个行句]|选中|掩去|百分之十五",
    re.IGNORECASE,
)


def reason_is_given(text: Any) -> None:
    """Check of 05.6: a number, where the loss is taken, and neither of two false reasons; the rest is for the rubric."""
    for sentence in re.split(r"(?<=[.!?])\s|(?<=[。！？])", str(text)):
        if MORE_INFORMATION.search(sentence) and not DENIED.search(sentence):
            raise Mistake(
                "6.7 × the tokens is not 6.7 × the information: your own bits of 05.4 say that a row's RTD labels hold less."
            )
        if MASK_SEEN.search(sentence) and not DENIED.search(sentence):
            raise Mistake("The discriminator never meets a [MASK] (04): that cannot be what it learns from.")
    if not re.search(r"\d", str(text)):
        raise Mistake("There is no number in it. A reason leans on a measurement: bits, pulls, or the paper's table.")
    if not WHERE.search(str(text)):
        raise Mistake("You do not say *where* the loss is taken: at the selected tokens, or at every token?")


REASON = wording(
    "A row's RTD labels hold about 42 bits, its MLM labels up to 283, so it is not the labels that make the difference."
    " But RTD judges every token, and each judgement trains the vector of a real word in its real sentence; MLM trains"
    " only at the selected 15 %. The paper's table says the same: with the loss on 15 % of the tokens ELECTRA falls from"
    " 85.0 to 82.4, next to BERT's 82.2."
)
REASON_RUBRIC = wording(
    "A good answer says that a single RTD label tells less than an MLM label (your bits); that the loss is taken at every"
    " token, so that no vector of a row goes untrained; and leans on the comparison that changes only this: 82.4 against"
    " 85.0 in the paper, or the row '15 %' of your own table, as far as one seed says anything."
)
