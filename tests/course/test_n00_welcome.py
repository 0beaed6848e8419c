"""Notebook 00: what passes, what does not, and what each mistake is told."""

# ruff: noqa: E501

import re

import pytest

from electra_helpers.course.exercises.n00_welcome import CEILING, CLAIMS, DOOR, GAME, NONE, words_of
from electra_helpers.world import stories, vocabulary
from electra_helpers.world.oracle import Oracle
from tests.course.cases import Cases, hold

RIGHT_GAME = {n: item.replaced or NONE for n, item in enumerate(GAME, 1)}
STORY = {3: "none", 6: "none", 8: "none"}
VERDICTS = {key: verdict for key, (verdict, _) in CLAIMS.items()}
ANSWERS = {n: question.answer for n, question in DOOR.items()}

CASES = {
    "00.1": Cases(
        dict.fromkeys(range(1, 11)),
        [
            RIGHT_GAME | {1: "none", 7: "none"},  # as well as anybody can
            {n: f" {word.capitalize()}." for n, word in RIGHT_GAME.items()},
            RIGHT_GAME | {1: "Karl", 7: "kite", 3: "none", 10: "none"},
        ],
        [
            (RIGHT_GAME | STORY, "does not mean ungrammatical"),
            (RIGHT_GAME | {5: "helmet", 9: "vase"}, "Unusual does not mean replaced"),
            (dict.fromkeys(range(1, 11), "none"), "does not mean ungrammatical"),
            (RIGHT_GAME | {n: "none" for n in (1, 7, 2, 3, 4)}, "5 of 10"),
            (RIGHT_GAME | {4: "cheese"}, "not a word of passage 4"),
            ({1: "quiet"}, "Keep the dictionary"),
        ],
    ),
    "00.2": Cases(
        "def flag_words(words, p, threshold):\n    raise NotImplementedError",
        [
            "def flag_words(words, p, threshold):\n    return [w for i, w in enumerate(words) if p[i + 1] >= threshold]",
            """
            def flag_words(words, p, threshold):
                flagged = []
                for position in range(len(words)):
                    if not p[position + 1] < threshold:
                        flagged.append(words[position])
                return flagged
            """,
            "def flag_words(words, p, threshold):\n"
            "    return [word for word, x in zip(['[CLS]', *words, '[SEP]'], p) if x >= threshold and word[0] != '[']",
            "import functools\nflag_words = functools.partial(lambda keep, words, p, t: [w for w, x in zip(words, p[1:-1]) if keep(x, t)], float.__ge__)",
            "flag_words = lambda words, p, threshold: [words[i] for i in range(len(words)) if p[i + 1] >= threshold]",
        ],
        [
            ("def f(words, p, t):\n    return [w for w, x in zip(words, p) if x >= t]", "shifted by one"),
            ("def f(words, p, t):\n    return [w for w, x in zip(words, p[2:]) if x >= t]", "shifted the other way"),
            ("def f(words, p, t):\n    return [w for w, x in zip(words, p[1:]) if x > t]", "use >="),
            ("def f(words, p, t):\n    return [i for i, x in enumerate(p[1:-1]) if x >= t]", "words themselves"),
            (
                "def f(words, p, t):\n    return [words[max(range(len(words)), key=lambda i: p[i + 1])]]",
                "the highest alone",
            ),
            ("def f(words, p, t):\n    return {w for w, x in zip(words, p[1:]) if x >= t}", "not a set"),
            ("def f(words, p, t):\n    [w for w, x in zip(words, p[1:]) if x >= t]", "`return`"),
            ("def f(words, p, t):\n    return [w for i, w in enumerate(words) if p[i + 9] >= t]", "IndexError"),
            ("def f(words, p, t):\n    return [w for w, x in zip(words, p[1:]) if x >= 0.5]", "a number of your own"),
            (
                "def f(words, p, t):\n    return [w for w, x in zip(words, p[1:]) if x >= max(t, 0.3)]",
                "a number of your own",
            ),
            (
                "def f(words, p, t):\n    return [w for w, x in zip(words, p[1:]) if round(x) >= t]",
                "a number of your own",
            ),
        ],
    ),
    "00.3": Cases(
        dict.fromkeys(CLAIMS),
        [VERDICTS, {key: verdict[0].upper() for key, verdict in VERDICTS.items()}],
        [
            (VERDICTS | {"a": "true"}, "not by OpenAI"),
            (VERDICTS | {"b": "true"}, "GAN"),
            (VERDICTS | {"c": "false"}, "tool for training"),
            (VERDICTS | {"d": "true"}, "Who sees [MASK]"),
            (VERDICTS | {"f": "true", "g": "false"}, "1 more to think over"),
            (VERDICTS | {"g": "true"}, "unexpected, not wrong"),
            (VERDICTS | {"g": "maybe"}, "none of"),
            ({}, "Keep the dictionary"),
        ],
    ),
    "00.4": Cases(
        dict.fromkeys(DOOR),
        [ANSWERS, ANSWERS | {1: [3], 3: 9.0109, 4: 0.693, 6: "model.train()", 5: "W"}],
        [
            (ANSWERS | {1: (3, 1)}, "removes its axis"),
            (ANSWERS | {3: 13}, "ln 8192"),
            (ANSWERS | {7: 0.5, 8: 0.6}, "6 of 8"),
            (ANSWERS | {6: "eval"}, "Dropout acts"),
        ],
    ),
}


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {})


def test_the_game_is_about_words_of_the_world():
    known = set(vocabulary("en"))
    for item in GAME:
        assert set(words_of(item.text)) <= known, set(words_of(item.text)) - known
        assert (item.replaced is None) == (item.kind == "original")
        assert item.replaced is None or words_of(item.text).count(item.replaced) == 1, "one place, no doubt"


def test_the_oracle_agrees_on_what_gives_a_word_away():
    oracle = Oracle()
    for item in (item for item in GAME if item.replaced):
        words = re.findall(r"[a-z]+|[^\sa-z]", item.text.lower())
        at = words.index(item.replaced)
        words[at] = item.original
        assert oracle.is_detectable(words, at, item.replaced) == (item.kind != "equal"), item.text


def test_untouched_passages_are_stories_of_the_world():
    told = {story.text("en") for story in stories(count=200, split="validation")}
    assert {item.text for item in GAME if item.kind == "original"} <= told


def test_nobody_can_do_better_than_the_ceiling_but_by_luck():
    assert CEILING == 8
    assert sum(item.kind == "original" for item in GAME) == 2
