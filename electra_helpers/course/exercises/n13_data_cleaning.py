"""Exercises of notebook 13: a threshold, false alarms on right but rare text, a sentence's score, and what travels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.labs.cleaning import chosen, right_but_rare
from electra_helpers.course.labs.replacements import world_model
from electra_helpers.language import ITEMS, joined, wording
from electra_helpers.tasks.cleaning.acceptability import sentence_score as package_score
from electra_helpers.tasks.cleaning.suspects import suspects
from electra_helpers.tasks.cleaning.task import choose_threshold as package_threshold
from electra_helpers.tasks.cleaning.task import precision_at


def choose_threshold(scores, wrong, beta=0.5):
    """The threshold with the highest F-beta when words that score at least so much are flagged; of equal ones the highest."""
    best, best_f = None, -1.0
    for threshold in sorted({float(score) for score in scores}, reverse=True):
        flagged = [score >= threshold for score in scores]
        hits = sum(1 for flag, is_wrong in zip(flagged, wrong, strict=True) if flag and is_wrong)
        precision, recall = hits / sum(flagged), hits / sum(1 for is_wrong in wrong if is_wrong)
        f = (1 + beta**2) * precision * recall / (beta**2 * precision + recall) if hits else 0.0
        if f > best_f:
            best, best_f = threshold, f
    return best


# Ten words, so that the highest F0.5, F1, F2, precision and recall, and F with beta for beta², each choose another threshold; no two
# thresholds have nearly the same F, which rounding could exchange.
SCORES = (0.97, 0.91, 0.88, 0.82, 0.74, 0.66, 0.45, 0.38, 0.21, 0.12)
WRONG = (True, True, True, False, True, False, False, False, True, False)
TIED = ((0.9, 0.7, 0.7, 0.7, 0.3), (True, True, False, False, False))
CLOSE = ((0.97314, 0.97313, 0.97312, 0.2), (True, True, False, False))
EVEN = ((0.9, 0.8, 0.7, 0.6), (True, False, False, True))  # 0.9 and 0.6 have the same F1, to the last bit
FALLING = ((0.3, 0.95, 0.1, 0.6, 0.95), (False, True, False, True, True))  # in no order; 0.95 twice
LAST_DIGITS = ((0.05, 0.04, 0.03, 0.01), (True, False, True, False))


def f_beta(scores: Sequence[float], wrong: Sequence[bool], threshold: float, beta: float) -> float:
    """F-beta of flagging what scores at least so much."""
    flagged = [score >= threshold for score in scores]
    hits = sum(flag and is_wrong for flag, is_wrong in zip(flagged, wrong, strict=True))
    return (1 + beta**2) * hits / (sum(flagged) + beta**2 * sum(wrong))


def _the_best_f_wins(function: Callable) -> None:
    right, found = package_threshold(SCORES, WRONG), _number(function, SCORES, WRONG)
    if _same(found, right):
        return
    if _same(found, f_beta(SCORES, WRONG, right, 0.5)):
        raise Mistake("That is the highest F itself. Return the threshold that has it.")
    if _same(found, 0.5):
        raise Mistake(
            "0.5 is no law: P is calibrated on the share of fakes in pre-training. Try every score as a threshold."
        )
    if _same(found, package_threshold(SCORES, WRONG, 1.0)):
        raise Mistake("Your choice has the highest F1. With beta = 0.5 precision counts double: beta² in the formula.")
    if _same(found, max(SCORES)):
        raise Mistake("The highest precision is had by flagging one word. F weighs it against what is missed (recall).")
    if found <= package_threshold(SCORES, WRONG, 1e6):
        raise Mistake(
            "The highest recall is had by flagging nearly all: no mistake is missed, and every good word accused."
        )
    lower = [score for score in SCORES if score < right]
    if _same(found, lower[0]):
        raise Mistake("One too low: a word is flagged when its score is at least the threshold (≥, not >).")
    raise Mistake(
        "On the ten words of the check the highest F0.5 is at {right}, yours is {found:g}.", right=right, found=found
    )


def _equal_scores_go_together(function: Callable) -> None:
    found, right = _number(function, *TIED), package_threshold(*TIED)
    if not _same(found, right):
        raise Mistake(
            "Three words score 0.7, one of them wrong: a threshold of 0.7 flags all three. You counted word by word down"
            " the ranking, as if it could stop between equals."
        )
    if not _same(_number(function, *LAST_DIGITS), package_threshold(*LAST_DIGITS)):
        raise Mistake(
            "With scores of 0.05 and less you return another one: try the scores themselves, not a fixed grid."
        )
    if not _same(_number(function, *CLOSE), package_threshold(*CLOSE)):
        raise Mistake(
            "With scores that differ in their fifth digit you return another one: try the scores themselves, not a fixed grid."
        )
    if not _same(_number(function, *FALLING), package_threshold(*FALLING)):
        raise Mistake(
            "Scores may come in no order, and twice: sort them before you go down, and keep each with its own label."
        )


def _beta_is_used(function: Callable) -> None:
    if not _same(_number(function, SCORES, WRONG, 2.0), package_threshold(SCORES, WRONG, 2.0)):
        raise Mistake(
            "With beta = 2 (missing a mistake is worse than a false alarm) another threshold is best: use beta."
        )


def _of_equal_ones_the_highest(function: Callable) -> None:
    if not _same(_number(function, *EVEN, 1.0), package_threshold(*EVEN, 1.0)):
        raise Mistake("Two thresholds have the same F: return the highest of them, which flags fewer words.")
    none_wrong = _number(function, (0.9, 0.4), (False, True))
    if not _same(none_wrong, package_threshold((0.9, 0.4), (False, True))):
        raise Mistake(
            "Where the highest score is a good word, the threshold lies lower: 0.4, not {none_wrong:g}.",
            none_wrong=none_wrong,
        )


def _number(function: Callable, *arguments: Any) -> float:
    found = function(*(list(part) if isinstance(part, tuple) else part for part in arguments))
    try:
        return float(found)
    except (TypeError, ValueError):
        raise Mistake("Return a number, the threshold; yours is {kind}.", kind=type(found).__name__) from None


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


RATE, RECALL, ALARMS = 0.001, 0.9, 0.02
TRAVELS = ("precision", "recall and, roughly, the false-alarm rate", "F0.5", "all of them")
CHOSEN_ON = ("the text to clean", "validation text like it", "the training text")
TRAVEL_ANSWER = {
    "precision at 0.1 %": precision_at(RATE, RECALL, ALARMS),
    "flags to read": 10_000 * (RATE * RECALL + (1 - RATE) * ALARMS),
    "travels": TRAVELS[1],
    "chosen on": CHOSEN_ON[1],
}


def _what_travels_is_known(answers: Any) -> None:
    right = TRAVEL_ANSWER
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    try:
        precision, flags = as_number(answers["precision at 0.1 %"]), as_number(answers["flags to read"])
    except (TypeError, ValueError):
        raise Mistake("precision at 0.1 % and flags to read are numbers.") from None
    if abs(precision - precision_at(0.01, RECALL, ALARMS)) < 0.005:
        raise Mistake(
            "Precision does not travel: 31 % was for 1 % of wrong words. At 0.1 % there are ten times fewer to find."
        )
    if abs(precision - RECALL) < 0.005 or abs(precision - (1 - ALARMS)) < 0.005:
        raise Mistake(
            "That is a rate over wrong or over good words. Precision is a rate over flags: count both kinds of flag."
        )
    if abs(precision - right["precision at 0.1 %"]) > 0.005:
        raise Mistake(
            "precision at 0.1 %: of 10,000 words 10 are wrong. How many of them, and how many good ones, are flagged?"
        )
    if abs(flags - 9) < 1:
        raise Mistake("Those are the right ones. Somebody must read the false alarms too.")
    if abs(flags - right["flags to read"]) > 1.5:
        raise Mistake("flags to read: right flags and false alarms together, of 10,000 words.")
    _choices(answers)


def _choices(answers: dict[str, Any]) -> None:
    if answers["travels"] not in TRAVELS or answers["chosen on"] not in CHOSEN_ON:
        raise Mistake(
            "travels: one of {travels}. chosen on: one of {chosen_on}.",
            travels=joined(TRAVELS),
            chosen_on=joined(CHOSEN_ON),
        )
    if answers["travels"] != TRAVELS[1]:
        raise Mistake("Compare the rows of the table: which columns stay about where they are when mistakes get rare?")
    if answers["chosen on"] == CHOSEN_ON[0]:
        raise Mistake("Tuned on test: its mistakes are not marked, and if they were, the score would flatter itself.")
    if answers["chosen on"] != CHOSEN_ON[1]:
        raise Mistake("Text that the model was trained on looks easier than any other.")


MEANS = ("the word is wrong", "this model did not expect the word here", "the generator wrote the word")


@cache
def alarm_answer() -> dict[str, Any]:
    """The right answer of 13.2."""
    found = {
        kind: [
            [flag.word for flag in flags]
            for flags in suspects(world_model(), texts, threshold=chosen(world_model()), suggest=0)
        ]
        for kind, texts in right_but_rare().items()
    }
    shares = {kind: sum(map(bool, flags)) / len(flags) for kind, flags in found.items()}
    rare = [word for flags in found["rare"] for word in flags]
    return shares | {"capitals": sum(word[0].isupper() for word in rare) / len(rare), "a flag means": MEANS[1]}


def _alarms_are_counted(answers: Any) -> None:
    right = alarm_answer()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    try:
        given = {key: as_number(answers[key]) for key in ("usual", "rare", "capitals")}
    except (TypeError, ValueError):
        raise Mistake("usual, rare and capitals are shares between 0 and 1.") from None
    if max(given.values()) > 1:
        raise Mistake("Shares, not counts: divide by the 50 stories (capitals: by all flags of the rare ones).")
    if _near(given["usual"], right["rare"]) and _near(given["rare"], right["usual"]) and not _near(*given_pair(right)):
        raise Mistake("You have the two kinds turned round: the rare ones have a name that training never had.")
    for kind in ("usual", "rare"):
        if _near(given[kind], 1 - right[kind]):
            raise Mistake(
                "{kind}: that is the share without a flag. A flagged story is one with at least one flag.", kind=kind
            )
        if not _near(given[kind], right[kind]):
            raise Mistake(
                "{kind}: of the 50 stories, the share in which at least one word is flagged, is not {given:g}.",
                kind=kind,
                given=given[kind],
            )
    if not _near(given["capitals"], right["capitals"]):
        raise Mistake("capitals: of all flags in the rare stories, the share whose word begins with a capital.")
    if answers["a flag means"] not in MEANS:
        raise Mistake("a flag means: one of {means}.", means=joined(MEANS))
    if answers["a flag means"] == MEANS[0]:
        raise Mistake("Flag = error? All of these stories are right, every word of them.")
    if answers["a flag means"] != MEANS[1]:
        raise Mistake("No generator wrote here; the net only asks whether one might have.")


def given_pair(right: dict[str, Any]) -> tuple[float, float]:
    """The two shares of 13.2."""
    return right["usual"], right["rare"]


def _near(a: float, b: float) -> bool:
    return abs(a - b) < 0.03


def sentence_score(p_replaced, how="sum"):
    """log P(original) of a sentence's tokens: their sum, or their mean."""
    total = 0.0
    for p in p_replaced:
        total += math.log(max(1 - p, 1e-9))
    return total / len(p_replaced) if how == "mean" else total


TOKENS = (0.02, 0.4, 0.1, 0.75)


def _sum_is_of_logs(function: Callable) -> None:
    found, right = _number(function, TOKENS, "sum"), package_score(TOKENS, "sum")
    if _same(found, right):
        return
    if _same(found, -right):
        raise Mistake(
            "The sign is turned round: log P(original) is at most 0, and the better sentence has the higher one."
        )
    if _same(found, math.prod(1 - p for p in TOKENS)):
        raise Mistake("That is the product. Its log is asked for: of 200 tokens the product would be 0 in fp32.")
    if _same(found, sum(math.log(p) for p in TOKENS)):
        raise Mistake("That is log P(replaced). P(original) = 1 − P(replaced).")
    if _same(found, sum(1 - p for p in TOKENS)) or _same(found, -sum(TOKENS)):
        raise Mistake(
            "You added probabilities. One impossible word must be able to outweigh ten good ones: add logarithms."
        )
    if _same(found, right / math.log(10)) or _same(found, right / math.log(2)):
        raise Mistake("In nats: math.log without a base.")
    if _same(found, package_score(TOKENS, "mean")):
        raise Mistake('how="sum" gives the sum; you divided by the number of tokens.')
    said = {"tokens": TOKENS, "right": right, "found": found}
    raise Mistake("For {tokens} the sum of log(1 − p) is {right:.3f}, yours is {found:.3f}.", **said)


def _mean_is_by_token(function: Callable) -> None:
    found, right = _number(function, TOKENS, "mean"), package_score(TOKENS, "mean")
    if _same(found, package_score(TOKENS, "sum")):
        raise Mistake(
            'how="mean" divides by the number of tokens. Without it, the longer of two good sentences loses: length bias.'
        )
    if _same(found, math.log(1 - sum(TOKENS) / len(TOKENS))):
        raise Mistake("That is the log of the mean: in it one hopeless word is diluted. Take the mean of the logs.")
    if not _same(found, right):
        raise Mistake(
            "For {tokens} the mean of log(1 − p) is {right:.3f}, yours is {found:.3f}.",
            tokens=TOKENS,
            right=right,
            found=found,
        )


def _certainty_is_survived(function: Callable) -> None:
    try:
        found = _number(function, (0.5, 1.0), "sum")
    except ValueError:
        raise Mistake("A net may say P = 1 exactly, and log 0 is no number: take max(1 − p, 1e-9).") from None
    if not _same(found, package_score((0.5, 1.0))):
        raise Mistake("Where P is 1, take 1e-9 for 1 − P: the score is very low, and still a number.")


def _long_sentences_are_survived(function: Callable) -> None:
    """Four hundred tokens, of which a net doubts each: the product of so many probabilities is 0 in a float."""
    long = (0.9, 0.99) * 200
    vanished = wording(
        "The product of 400 probabilities is too small for a float, and its log is −∞: add up logs instead."
    )
    for how in ("sum", "mean"):
        try:
            found = _number(function, long, how)
        except (ValueError, ZeroDivisionError):
            raise Mistake(vanished) from None
        if not math.isfinite(found):
            raise Mistake(vanished)
        right = package_score(long, how)
        if not math.isclose(found, right, rel_tol=1e-4):
            raise Mistake(
                "Of 400 tokens the {how} is {right:.1f}, yours {found:.1f}.", how=how, right=right, found=found
            )


EXERCISES = (
    Exercise(
        id="13.1",
        title="Choose a threshold",
        kind="build",
        minutes=15,
        difficulty=2,
        starred=True,
        specification=(
            "choose_threshold(scores, wrong, beta=0.5) → the threshold with the highest F-beta when all words that score at"
            " least so much are flagged; of equal ones the highest. F-beta = (1 + beta²) · P · R / (beta² · P + R)."
        ),
        checks=(_the_best_f_wins, _equal_scores_go_together, _beta_is_used, _of_equal_ones_the_highest),
        hints=(
            "Only the scores themselves can be thresholds that differ. Try them from the highest down, and keep the best.",
            "hits = flagged and wrong; precision = hits / flagged; recall = hits / wrong; F is 0 without a hit.",
        ),
        solution=choose_threshold,
        fallback=package_threshold,
        variable="choose_threshold",
    ),
    Exercise(
        id="13.2",
        title="Right, and flagged",
        kind="measure",
        minutes=12,
        difficulty=2,
        specification=(
            "Of 50 right stories as training tells them, and of 50 right ones with a name never met: the share with at least"
            " one flag at the chosen threshold; of the latter's flags the share that begins with a capital; what a flag means."
        ),
        checks=(_alarms_are_counted,),
        hints=(
            "eh.suspects(model, texts, threshold=…, suggest=0) gives a list of flags for each text; an empty list is false.",
            "sum(bool(flags) for flags in found) / 50; then the words of all flags, and word[0].isupper().",
        ),
        solution={"usual": 0.0, "rare": 0.54, "capitals": 0.976, "a flag means": MEANS[1]},
        variable="my_alarms",
        why="Every one of these stories is right. What the model has not met it does not expect, and what it does not expect it flags.",
    ),
    Exercise(
        id="13.3",
        title="The score of a sentence",
        kind="build",
        minutes=8,
        difficulty=1,
        specification=(
            "sentence_score(p_replaced, how='sum') → the sum over the tokens of log(1 − P(replaced)) in nats, or with"
            " how='mean' its mean; 1 − P is taken for 1e-9 where it is smaller."
        ),
        checks=(_sum_is_of_logs, _mean_is_by_token, _certainty_is_survived, _long_sentences_are_survived),
        hints=(
            "A token is original with 1 − P(replaced). Tokens judged apart: probabilities multiply, logarithms add.",
            "total += math.log(max(1 - p, 1e-9)); divide by len(p_replaced) for the mean.",
        ),
        solution=sentence_score,
        fallback=package_score,
        variable="sentence_score",
    ),
    Exercise(
        id="13.4",
        title="What travels",
        kind="decide",
        minutes=8,
        difficulty=2,
        starred=True,
        specification="What a threshold is worth where mistakes are rare, what stays the same, and where it is chosen.",
        checks=(_what_travels_is_known,),
        hints=(
            "Count in 10,000 words: 10 are wrong. 90 % of 10, and 2 % of 9,990.",
            "precision = right flags / all flags. In the table above, compare recall and false alarms line by line.",
        ),
        solution=TRAVEL_ANSWER,
        variable="my_travels",
        why="Recall is about wrong words and false alarms about good ones; their ratio in the text enters precision alone.",
    ),
)
