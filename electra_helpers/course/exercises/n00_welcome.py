"""Exercises of notebook 00: the game, flagging words, claims about ELECTRA, and the door quiz."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.course.exercises.game import GAME
from electra_helpers.language import worded, wording

NONE = "none"
ENOUGH = 6  # right answers of ten that pass; nobody who reads well gets more than CEILING but by luck
CEILING = sum(item.kind != "equal" for item in GAME)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return re.findall(r"[a-z]+", text.lower())


def score(answers: dict[int, str]) -> dict[int, bool]:
    """Number of the passage → whether the answer is right."""
    given = {n: str(answers[n]).strip().strip(".,!?\"'").lower() for n in range(1, len(GAME) + 1)}
    return {n: given[n] == (GAME[n - 1].replaced or NONE) for n in given}


def _game_is_answered(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(range(1, len(GAME) + 1)):
        raise Mistake('Keep the dictionary as it is, 1 to 10, and put a word or "none" behind each number.')
    for n, item in enumerate(GAME, 1):
        given = str(answers[n]).strip().strip(".,!?\"'").lower()
        if given != NONE and given not in words_of(item.text):
            raise Mistake(
                '{n}: {answers!r} is not a word of passage {n}. Give one word of it, or "none".',
                n=n,
                answers=answers[n],
            )


def _game_is_understood(answers: dict[int, str]) -> None:
    right = score(answers)
    by_kind = {
        kind: [right[n] for n, item in enumerate(GAME, 1) if item.kind == kind] for kind in ("story", "original")
    }
    count = sum(right.values())
    if not any(by_kind["story"]):
        raise Mistake(
            "{count} of 10. You looked for words that break their own sentence. Replaced does not mean ungrammatical: three of the "
            "words fit their sentence and clash with an earlier one. Read who does what, with what, in which weather.",
            count=count,
        )
    if not any(by_kind["original"]):
        raise Mistake(
            "{count} of 10. In every passage you found something. Unusual does not mean replaced: some passages are untouched.",
            count=count,
        )
    if count < ENOUGH:
        raise Mistake(
            "{count} of 10. Every word of a passage can be the one; ask of each: does the rest of the story allow it?",
            count=count,
        )


def flag_words(words, p, threshold):
    """The words whose P(replaced) is at least `threshold`; `p` also has a number for [CLS] and one for [SEP]."""
    of_words = p[1:-1]  # without [CLS] and [SEP]
    return [word for word, x in zip(words, of_words, strict=True) if x >= threshold]


def _called(flag: Callable, words: list[str], p: list[float], threshold: float) -> list[str]:
    found = flag(list(words), list(p), threshold)
    if found is None:
        raise Mistake("Your function returns nothing: is there a `return` at its end?")
    if not isinstance(found, list | tuple):
        raise Mistake("Return a list of words, not a {kind}.", kind=type(found).__name__)
    if any(not isinstance(word, str) for word in found):
        raise Mistake("Return the words themselves, not their numbers or probabilities.")
    return list(found)


def _flags_the_right_word(flag: Callable) -> None:
    words, p = ["the", "chef", "ate", "the", "meal"], [0.03, 0.01, 0.02, 0.91, 0.04, 0.05, 0.02]
    found = _called(flag, words, p, 0.5)
    if found == ["the"]:
        raise Mistake(
            "It flags 'the' where p says 'ate': words and p are shifted by one. p starts with a number for [CLS], which is no word."
        )
    if found == ["chef"]:
        raise Mistake(
            "It flags 'chef' where p says 'ate': words and p are shifted the other way. p has one number before the words."
        )
    if found != ["ate"]:
        raise Mistake(
            "For {words} with 0.91 on 'ate' and threshold 0.5 it returns {found} instead of ['ate'].",
            words=words,
            found=found,
        )


def _flags_every_word(flag: Callable) -> None:
    words, p = ["a", "cat", "a", "dog", "a"], [0.9, 0.7, 0.2, 0.6, 0.8, 0.1, 0.9]
    found = _called(flag, words, p, 0.6)
    if found == ["a", "dog"]:
        raise Mistake(
            "A probability equal to the threshold counts: use >=. (Or is a word that occurs twice listed once?)"
        )
    if sorted(found) == ["a", "a", "dog"] and found != ["a", "a", "dog"]:
        raise Mistake("Keep the words in the order of the sentence.")
    if len(found) == 1:
        raise Mistake(
            "Only {found} is returned: flag every word at or above the threshold, not the highest alone.", found=found
        )
    if found != ["a", "a", "dog"]:
        raise Mistake(
            "Of {words}, 'a', 'a' and 'dog' are at 0.6 or above; it returns {found}.", words=words, found=found
        )
    if _called(flag, ["a", "b"], [0.9, 0.1, 0.2, 0.9], 0.5) != []:
        raise Mistake("[CLS] and [SEP] have a probability too, but they are no words: they are never returned.")


def _flags_at_any_threshold(flag: Callable) -> None:
    words, p = ["a", "cat", "sat"], [0.5, 0.2, 0.55, 0.97, 0.5]
    for threshold, right in ((0.1, words), (0.55, ["cat", "sat"]), (0.9, ["sat"]), (0.99, [])):
        found = _called(flag, words, p, threshold)
        if found != right:
            raise Mistake(
                "With p = {p} and threshold {threshold} it returns {found}, not {right}: is there a number of your own"
                " where threshold should stand?",
                p=p[1:-1],
                threshold=threshold,
                found=found,
                right=right,
            )


CLAIMS: dict[str, tuple[str, str]] = {
    "a": (
        "false",
        wording(
            "Stanford and Google Brain (Clark et al., ICLR 2020); it is an encoder and translates nothing by itself."
        ),
    ),
    "b": (
        "false",
        wording(
            "The generator is trained by maximum likelihood to be right, not to fool; no gradient passes through its samples."
        ),
    ),
    "c": (
        "true",
        wording("Paper, Section 3.1: after pre-training the discriminator is fine-tuned, the generator thrown away."),
    ),
    "d": (
        "false",
        wording("[MASK] is in the generator's input; the discriminator sees whole text, some words replaced."),
    ),
    "e": ("true", wording("Its loss is averaged over all tokens of the input, not over the 15 % that are selected.")),
    "f": (
        "half",
        wording(
            "As the encoder of a larger system with a decoder, yes; alone it gives vectors, and there are better tools."
        ),
    ),
    "g": (
        "half",
        wording("It was unexpected. Rare but right words are flagged too, and a wrong word may look plausible."),
    ),
    "h": ("true", wording("The label compares tokens: a guess that hits the original is original.")),
}
LONGER = {
    "t": "true",
    "f": "false",
    "h": "half",
    "half true": "half",
    "half-true": "half",
    "true": "true",
    "false": "false",
}
MISCONCEPTIONS = {
    "a": wording("ELECTRA is not by OpenAI: look at the authors in the first lines of this notebook."),
    "b": wording("It looks like a GAN and is none: ask whether the generator is ever rewarded for fooling anybody."),
    "c": wording("The generator is a tool for training. Which of the two nets has read whole, natural-looking text?"),
    "d": wording("Who sees [MASK]? Follow the picture of the game from the left to the right."),
    "e": wording("The loss covers more tokens than the selected ones: that is the paper's main argument."),
    "f": wording("An encoder turns text into vectors. Can a translator be built around one? Is it one by itself?"),
    "g": wording("A flag says unexpected, not wrong. Think of the helmet in passage 5, and of passage 1."),
    "h": wording("The label is about the token, not about having been selected."),
}


def _claims_are_judged(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(CLAIMS):
        raise Mistake("Keep the dictionary as it is, a to h.")
    given = {key: LONGER.get(str(value).strip().lower(), str(value).strip().lower()) for key, value in answers.items()}
    for key, value in given.items():
        if value not in ("true", "false", "half"):
            raise Mistake('{key}: {answers!r} is none of "true", "false", "half".', key=key, answers=answers[key])
    wrong = [key for key, value in given.items() if value != CLAIMS[key][0]]
    if wrong:
        said = {"claim": wrong[0], "clue": MISCONCEPTIONS[wrong[0]]}
        if len(wrong) > 1:
            raise Mistake("{claim}: {clue} (and {count} more to think over)", **said, count=len(wrong) - 1)
        raise Mistake("{claim}: {clue}", **said)


@dataclass(frozen=True)
class DoorQuestion:
    """A question on what the course builds on, its answer, and a refresher of a line or two."""

    answer: Any
    refresher: str


DOOR: dict[int, DoorQuestion] = {
    1: DoorQuestion(
        (3,), wording("An integer index removes its axis: x[:, 1] of a (3, 5) tensor is one column of 3 numbers.")
    ),
    2: DoorQuestion(
        (4, 3), wording("Shapes are aligned at the right; an axis of 1 is stretched: (4, 1) and (3,) give (4, 3).")
    ),
    3: DoorQuestion(9.01, wording("Cross-entropy in nats is -ln p(right token); with p = 1/8192 it is ln 8192.")),
    4: DoorQuestion(
        0.69, wording("sigmoid(0) = 0.5, and binary cross-entropy is -ln of the probability given to the true label.")
    ),
    5: DoorQuestion(
        "w", wording("detach() cuts the graph: nothing before it gets a gradient from what comes after it.")
    ),
    6: DoorQuestion("train", wording("Dropout acts after model.train() only; model.eval() switches it off.")),
    7: DoorQuestion(0.6, wording("Precision: of what was flagged, the share that is right.")),
    8: DoorQuestion(0.5, wording("Recall: of what should be found, the share that was flagged.")),
}


def _door_is_open(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(DOOR):
        raise Mistake("Keep the dictionary as it is, 1 to 8.")
    wrong = [n for n, question in DOOR.items() if not _same(answers[n], question.answer)]
    if wrong:
        lines = [
            worded("{right} of {total}. A refresher for the others:", right=len(DOOR) - len(wrong), total=len(DOOR))
        ]
        raise Mistake("\n".join(lines + [f"  {n}: {worded(DOOR[n].refresher)}" for n in wrong]))


def _same(given: Any, right: Any) -> bool:
    if isinstance(right, float):
        return isinstance(given, int | float) and abs(given - right) <= 0.01
    if isinstance(right, tuple):
        return isinstance(given, list | tuple) and tuple(given) == right
    return str(given).strip().lower().removesuffix("()").removeprefix("model.") == right


EXERCISES = (
    Exercise(
        id="00.1",
        title="The game: find the replaced word",
        kind="decide",
        minutes=8,
        difficulty=1,
        starred=True,
        specification="For each of ten passages the word that was replaced, or 'none'.",
        checks=(_game_is_answered, _game_is_understood),
        hints=(
            "Read each passage twice: once sentence by sentence, once for the story. Who works with what?",
            "Two passages are untouched. In two others nobody could find the word: guess, and go on.",
        ),
        solution={n: item.replaced or NONE for n, item in enumerate(GAME, 1)},
        variable="my_answers",
        why="Passages 1 and 7 cannot be known: the word that stands there is as good as the one that stood there.",
    ),
    Exercise(
        id="00.2",
        title="Flag words by a threshold",
        kind="build",
        minutes=5,
        difficulty=1,
        starred=True,
        specification="flag_words(words, p, threshold): the words whose P(replaced) is at least threshold; p has a number for "
        "[CLS] before and for [SEP] after those of the words.",
        checks=(_flags_the_right_word, _flags_every_word, _flags_at_any_threshold),
        hints=(
            "Print the words and p side by side. Which word has the first number?",
            "p[1:-1] leaves [CLS] and [SEP] out. zip then walks through both lists together.",
        ),
        solution=flag_words,
        fallback=flag_words,
        variable="flag_words",
    ),
    Exercise(
        id="00.3",
        title="Eight claims from articles",
        kind="decide",
        minutes=6,
        difficulty=1,
        specification="true, false or half for each claim.",
        checks=(_claims_are_judged,),
        hints=(
            "Every one can be decided with what you saw above.",
            "Three are true, three are false, two are half true.",
        ),
        solution={key: verdict for key, (verdict, _) in CLAIMS.items()},
        variable="my_verdicts",
        why={key: why for key, (_, why) in CLAIMS.items()},
    ),
    Exercise(
        id="00.4",
        title="The door quiz",
        kind="decide",
        minutes=8,
        difficulty=1,
        starred=True,
        specification="Eight questions on tensors, losses and metrics that the course builds on.",
        checks=(_door_is_open,),
        hints=("Six of the eight can be tried in a cell in ten seconds.", "The answer to 3 is math.log(8192)."),
        solution={n: question.answer for n, question in DOOR.items()},
        variable="my_door",
        why={n: question.refresher for n, question in DOOR.items()},
    ),
)
