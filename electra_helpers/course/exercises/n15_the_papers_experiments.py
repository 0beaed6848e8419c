"""Exercises of notebook 15 that read the ladder: what each of its steps is worth in the paper, and a conclusion on real text."""

from __future__ import annotations

from statistics import mean, stdev
from typing import Any

from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.labs.ladder import PAPER, gains, scores
from electra_helpers.language import ITEMS, joined

STEPS_OF_THE_LADDER = {
    "no [MASK] in the input": ("mlm", "replace-mlm"),
    "all tokens in place of 15 %, for a predictor": ("replace-mlm", "all-tokens-mlm"),
    "all tokens in place of 15 %, for a judge": ("rtd-selected", "rtd"),
    "a judge in place of a predictor": ("all-tokens-mlm", "rtd"),
}


def worth() -> dict[str, float]:
    """What each change is worth in the paper's Table 5, in points of GLUE."""
    return {name: round(PAPER[after] - PAPER[before], 1) for name, (before, after) in STEPS_OF_THE_LADDER.items()}


def _steps_are_read_off(answers: Any) -> None:
    right = worth()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep the four changes: {right}.", right=joined(right))
    for name, value in right.items():
        after = STEPS_OF_THE_LADDER[name][1]
        try:
            given = as_number(answers[name])
        except (TypeError, ValueError):
            raise Mistake("{name}: points of GLUE, a number such as 0.7.", name=name) from None
        if abs(given - value) < 0.05:
            continue
        if abs(given + value) < 0.05:
            raise Mistake(
                "{name}: the sign is turned round. A change is worth the score after it less the score before.",
                name=name,
            )
        if abs(given - (PAPER[after] - PAPER["mlm"])) < 0.05:
            raise Mistake(
                "{name}: that is the distance from BERT. Take the one rung that differs by this change alone.",
                name=name,
            )
        if given > 50:
            raise Mistake("{name}: that is a score. Asked for is a difference of two scores.", name=name)
        raise Mistake(
            "{name}: which two rows of the table differ by this change alone? {given:g} is not their difference.",
            name=name,
            given=given,
        )


COMPARED = ("rtd", "uniform")
CONCLUSIONS = ("clear", "not clear")


def blimp() -> dict[str, list[float]]:
    """The score of each seed with learned and with uniform fakes."""
    return {arm: scores("real", arm, "blimp") for arm in COMPARED}


def comparison() -> dict[str, Any]:
    """Learned against uniform fakes on real text: how they score on BLiMP, and whether they differ by twice the spread."""
    found = blimp()
    difference, spread = mean(found["rtd"]) - mean(found["uniform"]), max(map(stdev, found.values()))
    conclusion = CONCLUSIONS[abs(difference) < 2 * spread]
    return {"difference": round(difference, 3), "spread": round(spread, 3), "conclusion": conclusion}


def over_a_coin() -> float:
    """The same difference of what was gained over the score of an untrained head."""
    rtd, uniform = (mean(gains("real", arm, "blimp")) for arm in COMPARED)
    return rtd - uniform


def _conclusion_is_held_to_the_spread(answers: Any) -> None:
    right = comparison()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake('Keep "difference", "spread" and "conclusion".')
    try:
        difference, spread = (as_number(answers[name]) for name in ("difference", "spread"))
    except (TypeError, ValueError):
        raise Mistake("difference and spread are numbers.") from None
    found = blimp()
    if not abs(difference - right["difference"]) < 0.002:
        if abs(difference + right["difference"]) < 0.002:
            raise Mistake("The sign is turned round: the difference is learned fakes minus uniform fakes.")
        if any(abs(difference - (a - b)) < 0.002 for a, b in zip(found["rtd"], found["uniform"], strict=True)):
            raise Mistake("That is the difference of one seed each. One seed is an anecdote: take the means.")
        if abs(difference - (max(found["rtd"]) - max(found["uniform"]))) < 0.002:
            raise Mistake("That is best seed against best seed: whoever tries more seeds wins. Take the means.")
        if abs(difference - over_a_coin()) < 0.002:
            raise Mistake(
                "You subtract what each new head said before its first step. That is the luck of a coin, not knowledge, and the encoder"
                " is the same for both: compare the scores."
            )
        raise Mistake(
            "difference: mean score with learned fakes minus mean score with uniform ones. {difference:.3f} is not it.",
            difference=difference,
        )
    if not abs(spread - right["spread"]) < 0.002:
        if abs(spread - min(map(stdev, found.values()))) < 0.002:
            raise Mistake("That is the smaller standard deviation; the larger one is the more careful yardstick.")
        if any(abs(spread - (max(values) - min(values))) < 0.002 for values in found.values()):
            raise Mistake("That is the range, which grows with every further seed. Take the standard deviation.")
        raise Mistake(
            "spread: the larger of the two standard deviations of the scores. {spread:.3f} is not it.", spread=spread
        )
    if answers["conclusion"] not in CONCLUSIONS:
        raise Mistake("conclusion: choose one of {conclusions}.", conclusions=joined(CONCLUSIONS, ITEMS))
    if answers["conclusion"] != right["conclusion"]:
        raise Mistake(
            "The difference is {difference:+.3f} and twice the spread {twice:.3f}: read one against the"
            " other, whatever you hoped for.",
            difference=right["difference"],
            twice=2 * right["spread"],
        )


EXERCISES = (
    Exercise(
        id="15.4",
        title="What each step is worth",
        kind="decide",
        minutes=6,
        difficulty=1,
        starred=True,
        specification="For each of four changes, its worth in points of GLUE by Table 5: the score after it less the score before it.",
        checks=(_steps_are_read_off,),
        hints=(
            "Find the two rows that differ by this change and nothing else.",
            (
                "Replace MLM is BERT without [MASK]; All-Tokens MLM is Replace MLM asked everywhere; ELECTRA 15 % is ELECTRA judged at"
                " the selected."
            ),
        ),
        solution=worth(),
        why="Asking at every token is worth most, 1.9 and 2.6 points; the [MASK] that is never seen in use costs 0.2.",
        variable="my_steps",
    ),
    Exercise(
        id="15.5",
        title="Learned or uniform fakes",
        kind="measure",
        minutes=8,
        difficulty=2,
        starred=True,
        specification=(
            "Of the recorded scores on BLiMP: difference = mean with learned fakes − mean with uniform ones; spread = the larger standard"
            ' deviation; conclusion "clear" if |difference| ≥ 2 · spread, else "not clear".'
        ),
        checks=(_conclusion_is_held_to_the_spread,),
        hints=(
            "scored holds one score a seed for each arm; statistics.mean and statistics.stdev do the rest.",
            "Three seeds give a rough deviation: take the larger of the two.",
        ),
        solution=comparison(),
        why="The difference is read against the spread of the seeds, not against zero.",
        variable="my_conclusion",
    ),
)
