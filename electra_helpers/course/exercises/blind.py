"""How much of the score needs the question: exercise 10.3."""

from __future__ import annotations

from statistics import mean
from typing import Any

from electra_helpers.course.engine.grading import Mistake, as_number
from electra_helpers.course.labs.finetuning import recorded, share_without_answer
from electra_helpers.language import ITEMS, joined
from electra_helpers.tasks.question_answering import answer_words, word_f1

GIVEN, WANTED = "在巴黎", "巴黎"  # an answer and the right one
READINGS = ("next to nothing above the baseline", "a good part of the score", "as much as with it")


def right_reading() -> str:
    """What the recorded seeds say: how much of the way from the baseline to the score the blind model goes."""
    found = recorded()["question answering"]
    floor, score = share_without_answer(), mean(found["asked"]["f1"])
    share = (mean(found["blind"]["f1"]) - floor) / (score - floor)
    return READINGS[0 if share < 0.15 else 1 if share < 0.9 else 2]


def blind_answer() -> dict[str, Any]:
    """The right answer of 10.3."""
    found = recorded()["question answering"]
    return {
        "lost": mean(found["asked"]["f1"]) - mean(found["blind"]["f1"]),
        "by character": word_f1(answer_words(GIVEN), answer_words(WANTED)),
        "by spaces": word_f1(GIVEN.split(), WANTED.split()),
        "reading": right_reading(),
    }


def blindness_is_measured(answers: Any) -> None:
    """The check of 10.3."""
    right = blind_answer()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    try:
        given = {key: as_number(answers[key]) for key in ("lost", "by character", "by spaces")}
    except (TypeError, ValueError):
        raise Mistake("lost, by character and by spaces are numbers.") from None
    if abs(given["lost"] - 100 * right["lost"]) < 0.2 and given["lost"] > 1:
        raise Mistake("lost: F1 here runs from 0 to 1; give the difference on that scale.")
    if abs(given["lost"] + right["lost"]) < 0.002:
        raise Mistake("lost: with the question − without it.")
    if abs(given["lost"] - right["lost"]) > 0.002:
        blind = mean(recorded()["question answering"]["blind"]["f1"])
        if abs(given["lost"] - blind) < 0.002:
            raise Mistake("lost: that is what the blind model *keeps*. Take it off the score with the question.")
        raise Mistake("lost: the mean F1 of the recorded seeds with the question, less the mean without.")
    if abs(given["by character"] - 1.0) < 0.005 or abs(given["by character"] - right["by spaces"]) < 0.005:
        raise Mistake(
            "by character: three characters given, two wanted, two shared. Precision 2/3, recall 1; F1 is their harmonic mean."
        )
    if abs(given["by character"] - right["by character"]) > 0.005:
        raise Mistake("by character: 2 · shared / (given + wanted), counted in characters.")
    if abs(given["by spaces"] - right["by spaces"]) > 0.005:
        raise Mistake(
            "by spaces: English metrics everywhere. Without spaces each answer is *one* word, and the two words differ."
        )
    if answers["reading"] not in READINGS:
        raise Mistake("reading: choose one of {readings}.", readings=joined(READINGS))
    if answers["reading"] != right["reading"]:
        raise Mistake(
            "Saying *no answer* always has F1 {share_without_answer:.2f} on these rows. Compare with the blind"
            " model's mean: what lies above the baseline is what the text alone gives away; the rest needs the question.",
            share_without_answer=share_without_answer(),
        )
