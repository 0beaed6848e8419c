"""Exercises of notebook 07: scores of words, a restless heat map, beating the discriminator, clues, bias, and stop words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.course.exercises.clue_ranking import AGREEMENT, clues_are_ranked
from electra_helpers.course.exercises.filing import is_filed_rightly
from electra_helpers.course.exercises.stop_words import CLAIMS, losses_are_measured
from electra_helpers.course.exercises.unusual import NOTE, RUBRIC, gaps_are_measured, note_says_whom
from electra_helpers.course.labs.replacements import (
    put,
    told,
    world_model,
)
from electra_helpers.errors import ElectraError
from electra_helpers.language import ITEMS, joined, wording
from electra_helpers.tasks.ceilings import ceilings_for
from electra_helpers.view.explorer.duel import NOTICED_FROM
from electra_helpers.world import EVALUATION_STORIES
from electra_helpers.world.pairs import PHENOMENA


def word_scores(p, word_ids):
    """P(replaced) of tokens → of words: the highest of a word's pieces."""
    best = {}
    for score, word in zip(p, word_ids, strict=True):
        if word is not None:  # [CLS], [SEP] and [PAD] belong to no word
            best[word] = max(score, best.get(word, 0.0))
    return [best[word] for word in sorted(best)]


# Scores that a mistake gives for P = 0.1 of word 0, 0.3 0.8 0.05 0.2 of word 1 and 0.2 of word 2, and what is said then.
PIECES = (0.3, 0.8, 0.05, 0.2)
TOLD_SCORES = (
    (
        [0.1, sum(PIECES) / 4, 0.2],
        wording(
            "The mean dilutes: of four pieces one is wrong with 0.8, and the word gets 0.34. One wrong piece makes a wrong"
            " word: take the highest."
        ),
    ),
    (
        [0.1, PIECES[0], 0.2],
        wording("You keep the first piece of each word. The wrong one may be any: take the highest."),
    ),
    (
        [0.1, PIECES[-1], 0.2],
        wording("You keep the last piece of each word. The wrong one may be any: take the highest."),
    ),
    ([0.1, min(PIECES), 0.2], wording("The lowest lets a wrong piece hide behind a right one: take the highest.")),
    (
        [0.1, sum(PIECES), 0.2],
        wording("You add the pieces up: a long word would be suspicious for its length. Take the highest."),
    ),
    (
        [0.1, 1 - 0.7 * 0.2 * 0.95 * 0.8, 0.2],
        wording(
            "1 − Π(1 − p) takes the pieces for independent: a long word would be suspicious for its length. Take the highest."
        ),
    ),
    (
        [0.8, 0.2],
        wording("Word 0 is missing. 0 is the number of a word, and `if word:` is False for it: ask `is not None`."),
    ),
    ([0.8, 0.2, 0.1], wording("The scores come in the order of the sentence, not sorted: word 0 first.")),
    ([0.1, 0.2, 0.8], wording("The scores come in the order of the sentence, not sorted: word 0 first.")),
)


def _words_get_their_scores(function: Callable) -> None:
    word_ids = [None, 0, 1, 1, 1, 1, 2, None]
    found = _listed(function, [0.9, 0.1, *PIECES, 0.2, 0.7], word_ids)
    if len(found) in (6, 8):
        raise Mistake("One number a *word* is wanted, not one a token: pieces with the same word id belong together.")
    if len(found) == 4 or _near(found, [0.9, 0.1, 0.8]):
        raise Mistake(
            "[CLS] and [SEP] are counted as words: everything shifts by one. Tokens whose word id is None are no words."
        )
    for scores, message in TOLD_SCORES:
        if _near(found, scores):
            raise Mistake(message)
    if len(found) != 3:
        raise Mistake(
            "Word ids {word_ids} name 3 words; you return {count} numbers.", word_ids=word_ids, count=len(found)
        )
    if not _near(found, [0.1, 0.8, 0.2]):
        raise Mistake(
            "For these tokens [0.1, 0.8, 0.2] is right, the highest of each word; you return {found}.", found=found
        )


def _order_and_pairs(function: Callable) -> None:
    found = _listed(function, [0.0, 0.3, 0.6, 0.0, 0.2, 0.4, 0.1, 0.0], [None, 0, 0, None, 1, 2, 2, None])
    if not _near(found, [0.6, 0.2, 0.4]):
        raise Mistake(
            "With a [SEP] in the middle (word ids 0 0 None 1 2 2) [0.6, 0.2, 0.4] is right, not {found}.", found=found
        )
    found = _listed(function, [0.0, 0.0, 0.4, 0.0, 0.0], [None, 0, 1, 2, None])
    if not _near(found, [0.0, 0.4, 0.0]):
        raise Mistake("A word whose P is 0 is a word too: [0.0, 0.4, 0.0] is right, not {found}.", found=found)
    if _listed(function, [0.5, 0.5], [None, None]):
        raise Mistake("A row without words has no scores: return an empty list.")


def _listed(function: Callable, p: list[float], word_ids: list[int | None]) -> list[float]:
    given = list(p), list(word_ids)
    found = function(*given)
    if given != (p, word_ids):
        raise Mistake("You changed p or word_ids: the heat map still needs them. Work on new lists.")
    try:
        return [round(float(x), 6) for x in found]
    except (TypeError, ValueError):
        raise Mistake("Return a list of numbers, one for each word.") from None


def _near(a: list[float], b: list[float]) -> bool:
    return len(a) == len(b) and all(abs(x - y) < 1e-4 for x, y in zip(a, b, strict=True))


RESTLESS = {
    "cause": ("the fakes are sampled anew", "dropout is on", "the weights change", "the processor rounds at random"),
    "repair": ("torch.manual_seed(0)", "torch.no_grad()", "net.eval()", "the mean of many runs"),
}
RESTLESS_ANSWER = {"cause": "dropout is on", "repair": "net.eval()"}


def _restlessness_is_explained(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(RESTLESS):
        raise Mistake('Keep "cause" and "repair".')
    for key, value in answers.items():
        if value not in RESTLESS[key]:
            raise Mistake("{key}: choose one of {restless}.", key=key, restless=joined(RESTLESS[key]))
    if answers["cause"] == "the fakes are sampled anew":
        raise Mistake("Nothing is sampled here: the same ids go in twice. Which layers draw at random on their own?")
    if answers["cause"] == "the weights change":
        raise Mistake("No optimizer runs, so no weight moves. What else differs between training and use?")
    if answers["cause"] != RESTLESS_ANSWER["cause"]:
        raise Mistake("Rounding changes the seventh digit, not the first. Which layers behave differently in training?")
    if answers["repair"] == "torch.no_grad()":
        raise Mistake("no_grad saves the gradients' memory; dropout goes on. What switches a net from training to use?")
    if answers["repair"] == "torch.manual_seed(0)":
        raise Mistake(
            "A seed repeats the same wrong picture: words would still be dropped at random. Switch dropout off."
        )
    if answers["repair"] == "the mean of many runs":
        raise Mistake("A mean is calmer and costs many runs, for something that can be switched off.")


FILED = (*PHENOMENA, "other")


def _five_are_beaten(answers: Any) -> None:
    if not isinstance(answers, list | tuple) or len(answers) != 5:
        raise Mistake("Give five rows.")
    rows = [_row(number, each) for number, each in enumerate(answers, 1)]
    if len({row[:3] for row in rows}) < 5:
        raise Mistake("Two rows are the same: five different fakes are wanted.")
    for number, row in enumerate(rows, 1):
        _is_beaten(number, row)
    if len({row[3] for row in rows}) < 2:
        raise Mistake("All five are filed under one phenomenon: where else is it blind? Find at least two kinds.")
    for number, row in enumerate(rows, 1):
        is_filed_rightly(number, row)


def _row(number: int, given: Any) -> tuple[int, str, str, str]:
    try:
        story, word, wrong, phenomenon = given
        row = int(story), str(word).lower(), str(wrong).lower(), str(phenomenon)
    except (TypeError, ValueError):
        raise Mistake("Row {number}: (number of the story, word, wrong word, phenomenon).", number=number) from None
    if row[0] != float(story) or not 0 <= row[0] < EVALUATION_STORIES:
        raise Mistake(
            "Row {number}: validation stories have the numbers 0 to {evaluation_stories:,}, not {story}.",
            number=number,
            evaluation_stories=EVALUATION_STORIES - 1,
            story=story,
        )
    if row[3] not in FILED:
        raise Mistake(
            "Row {number}: file it under one of {filed}, not {row!r}.",
            number=number,
            filed=joined(FILED, ITEMS),
            row=row[3],
        )
    return row


def _is_beaten(number: int, row: tuple[int, str, str, str]) -> None:
    story, word, wrong, _ = row
    model = world_model()
    try:
        fake = put(model, told(story), word, wrong)
    except ElectraError as error:
        raise Mistake("Row {number}: {error}", number=number, error=error) from None
    if word == wrong:
        raise Mistake("Row {number}: nothing is replaced.", number=number)
    chances = ceilings_for(model.tokenizer).generator(fake.tokens, (), fake.position)
    if chances[fake.ids[fake.position]] > 0:
        raise Mistake(
            "Row {number}: {wrong!r} is possible there, says the oracle. To let a right word pass is no error, however"
            " rare it is: unusual is not wrong.",
            number=number,
            wrong=wrong,
        )
    if fake.p_replaced >= NOTICED_FROM:
        raise Mistake(
            "Row {number}: it is noticed, P(replaced) of {wrong!r} is {p_replaced:.2f}. Look for a word whose clue"
            " is further away.",
            number=number,
            wrong=wrong,
            p_replaced=fake.p_replaced,
        )


BEATEN = [
    (2, "his", "her", "pronoun"),
    (3, "he", "she", "pronoun"),
    (0, "in", "on", "other"),
    (1, "a", "an", "agreement"),
    (9, "her", "his", "pronoun"),
]

EXERCISES = (
    Exercise(
        id="07.1",
        title="Scores of words",
        kind="build",
        minutes=8,
        difficulty=1,
        starred=True,
        specification=(
            "word_scores(p, word_ids) → one number a word, in order: the highest P(replaced) of its pieces; tokens whose"
            " word id is None are left out."
        ),
        checks=(_words_get_their_scores, _order_and_pairs),
        hints=(
            "Several tokens may have the same word id. What should one wrong piece among three do to the word?",
            "A dictionary from word id to the highest p so far; skip None; then its values in order.",
        ),
        solution=word_scores,
        fallback=word_scores,
        variable="word_scores",
    ),
    Exercise(
        id="07.2",
        title="The restless heat map",
        kind="find",
        minutes=5,
        difficulty=1,
        starred=True,
        specification="Why the same text is judged differently at every run, and what repairs it.",
        checks=(_restlessness_is_explained,),
        hints=(
            "The same ids, the same weights, other numbers. What draws at random inside the net?",
            "Two modes of a module: one for training, one for use.",
        ),
        solution=RESTLESS_ANSWER,
        variable="my_repair",
        why="Dropout switches units off at random in training mode; net.eval() is the first line of every use.",
    ),
    Exercise(
        id="07.3",
        title="Beat the discriminator",
        kind="measure",
        minutes=15,
        difficulty=2,
        starred=True,
        specification=(
            "Five fakes, (number of the story, word, wrong word, phenomenon): impossible there for the oracle, not noticed"
            " by the discriminator (P below 0.5), of at least two phenomena."
        ),
        checks=(_five_are_beaten,),
        hints=(
            "laboratory.put(model, laboratory.told(3), word, wrong).p_replaced tells you before the check does.",
            "Try small words, and words whose clue stands in another sentence.",
        ),
        solution=BEATEN,
        variable="my_fakes",
        why="The words it misses say what two layers and a few minutes of stories have not taught it.",
    ),
    Exercise(
        id="07.4",
        title="Clues by deletion and by attention",
        kind="measure",
        minutes=12,
        difficulty=3,
        specification=(
            "In how many of the cases is the word whose deletion moves P most also the one that gets most attention"
            " (special tokens and the word itself left out), and how do you read that?"
        ),
        checks=(clues_are_ranked,),
        hints=(
            "find_clues gives .change and .attention, one number a token each. Take the largest |change|.",
            "max(words, key=lambda i: abs(clues.change[i])), and the same with clues.attention; count the cases.",
        ),
        solution={"same": 3, "reading": AGREEMENT[1]},
        variable="my_clues",
        why="A large weight says where a layer looks; only taking the word away says what the answer hangs on.",
    ),
    Exercise(
        id="07.5",
        title="Whom would it correct?",
        kind="measure",
        minutes=12,
        difficulty=2,
        specification=(
            "For unknown names, for women and for a dialect: by how much P(replaced) rises, on average over 40 right"
            " stories, where the story is told otherwise; and which of the three gaps are beyond two standard errors."
        ),
        checks=(gaps_are_measured,),
        hints=(
            "usual, other = laboratory.p_where_they_differ(model, swap) for each swap of laboratory.swaps('names').",
            "The gaps are other − usual: their mean, and statistics.stdev(gaps) / 40 ** 0.5 as standard error.",
        ),
        solution={"names": 0.923, "she": 0.004, "dialect": 0.486, "beyond chance": ["names", "dialect"]},
        variable="my_gaps",
        why="The stories are right. What the model has not met it takes for wrong, and behind names and dialects are people.",
    ),
    Exercise(
        id="07.6",
        title="Without stop words",
        kind="measure",
        minutes=10,
        difficulty=2,
        specification=(
            "For three phenomena the share of 100 minimal pairs whose two sentences are the same once stop words are"
            " removed, and what that says."
        ),
        checks=(losses_are_measured,),
        hints=(
            "blimp_row(pair, 0) has sentence_good and sentence_bad; laboratory.without_stop_words takes the words out.",
            "sum(bare(good) == bare(bad)) / len(pairs), with bare(text) = without_stop_words(text).lower().",
        ),
        solution={"pronoun": 1.0, "order": 0.95, "world knowledge": 0.0, "claim": CLAIMS[1]},
        variable="my_losses",
        why="Grammar lives in the small words. ELECTRA wants raw text; its word pieces are all the preparation it needs.",
    ),
    Exercise(
        id="07.7",
        title="A note to whoever wants to use it",
        kind="write",
        minutes=5,
        difficulty=1,
        specification=(
            "Three sentences to a newspaper that wants to correct readers' letters with this model: whose right text"
            " would be changed, by how much it is suspected (your numbers), and what to do about it."
        ),
        checks=(note_says_whom,),
        hints=(
            "Take the two largest gaps of 07.5. Who writes such texts?",
            "Whom, how much, what is done to them, and what you would measure before.",
        ),
        solution=NOTE,
        variable="my_note",
        why=RUBRIC,
    ),
)
