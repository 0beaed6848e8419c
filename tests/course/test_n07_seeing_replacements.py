"""Notebook 07: what passes, what does not, and what each mistake is told; the laboratory's numbers are those of the bundled model."""

# ruff: noqa: E501
import pytest
import torch

from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.n07_seeing_replacements import (
    AGREEMENT,
    BEATEN,
    CLAIMS,
    NAMES_READ,
    RESTLESS_ANSWER,
    clue_agreement,
    clue_answer,
    lost_without_stop_words,
    name_answer,
    word_scores,
)
from electra_helpers.course.laboratory import (
    clue_cases,
    found_by_phenomenon,
    name_swaps,
    p_of_word,
    put,
    restless,
    told,
    without_stop_words,
    world_model,
)
from electra_helpers.errors import ElectraError
from electra_helpers.tasks.ceilings import ceilings_for
from electra_helpers.tasks.detection import detect
from tests.course.cases import Cases, hold

SCORES = "def word_scores(p, word_ids):\n"
CLUES, NAMES, LOST = clue_answer(), name_answer(), lost_without_stop_words()
STOPPED = LOST | {"claim": CLAIMS[1]}

CASES = {
    "07.1": Cases(
        SCORES + "    raise NotImplementedError",
        [
            SCORES + "    return [max(x for x, w in zip(p, word_ids) if w == word) for word in sorted(set(word_ids) - {None})]",
            SCORES
            + """
    scores, last = [], None
    for x, word in zip(p, word_ids):
        if word is None:
            continue
        if word == last:
            scores[-1] = max(scores[-1], x)
        else:
            scores.append(x)
        last = word
    return scores
""",
            SCORES
            + """
    n = 1 + max((w for w in word_ids if w is not None), default=-1)
    best = torch.zeros(n)
    for x, word in zip(p, word_ids):
        if word is not None and x > best[word]:
            best[word] = x
    return best
""",
        ],
        [
            (SCORES + "    words = sorted({w for w in word_ids if w is not None})\n    at = lambda w: [x for x, i in zip(p, word_ids) if i == w]\n    return [sum(at(w)) / len(at(w)) for w in words]", "mean dilutes"),
            (SCORES + "    return p", "not one a token"),
            (SCORES + "    words = list(dict.fromkeys(word_ids))\n    return [max(x for x, i in zip(p, word_ids) if i == w) for w in words]", "shifts by one"),
            (SCORES + "    first = {}\n    for x, w in zip(p, word_ids):\n        if w is not None: first.setdefault(w, x)\n    return list(first.values())", "one piece of each word"),
            (SCORES + "    words = sorted({w for w in word_ids if w is not None})\n    return [sum(x for x, i in zip(p, word_ids) if i == w) for w in words]", "You add"),
            (SCORES + "    return 0.8", "list of numbers"),
        ],
    ),
    "07.2": Cases(
        dict.fromkeys(RESTLESS_ANSWER),
        [RESTLESS_ANSWER, dict(reversed(RESTLESS_ANSWER.items()))],
        [
            (RESTLESS_ANSWER | {"cause": "the fakes are sampled anew"}, "Nothing is sampled"),
            (RESTLESS_ANSWER | {"cause": "the weights change"}, "No optimizer"),
            (RESTLESS_ANSWER | {"cause": "the processor rounds at random"}, "seventh digit"),
            (RESTLESS_ANSWER | {"repair": "torch.no_grad()"}, "dropout goes on"),
            (RESTLESS_ANSWER | {"repair": "torch.manual_seed(0)"}, "same wrong picture"),
            (RESTLESS_ANSWER | {"repair": "the mean of many runs"}, "switched off"),
            (RESTLESS_ANSWER | {"repair": "sleep"}, "choose one of"),
        ],
    ),
    "07.3": Cases(
        [(None, None, None, None)] * 5,
        [BEATEN, [list(row) for row in reversed(BEATEN)]],
        [
            ([*BEATEN[:4], (0, "fisher", "baker", "world knowledge")], "possible there"),
            ([*BEATEN[:4], (1, "ruler", "was", "other")], "noticed"),
            ([*BEATEN[:4], BEATEN[0]], "are the same"),
            ([(*row[:3], "pronoun") for row in BEATEN], "at least two kinds"),
            ([*BEATEN[:4], (9, "her", "committee", "other")], "vocabulary"),
            ([*BEATEN[:4], (9, "elephant", "her", "other")], "vocabulary"),
            ([*BEATEN[:4], (9, "typewriter", "her", "other")], "not in the text"),
            ([*BEATEN[:4], (9, "her", "his", "bad luck")], "file it under"),
            (BEATEN[:4], "five rows"),
        ],
    ),
    "07.4": Cases(
        dict.fromkeys(CLUES),
        [CLUES, {"reading": CLUES["reading"], "same": float(CLUES["same"])}],
        [
            (CLUES | {"same": CLUES["same"] / len(clue_cases())}, "not a share"),
            (CLUES | {"same": len(clue_cases()) - CLUES["same"]}, "how often they differ"),
            (CLUES | {"same": 11 if CLUES["same"] != 11 else 10}, "is not it"),
            (CLUES | {"reading": next(x for x in AGREEMENT if x != CLUES["reading"])}, "where a layer looks"),
            (CLUES | {"reading": "who knows"}, "choose one of"),
        ],
    ),
    "07.5": Cases(
        dict.fromkeys(NAMES),
        [NAMES, NAMES | {"known": round(NAMES["known"], 3), "unknown": round(NAMES["unknown"], 3), "gap": round(NAMES["gap"], 2)}],
        [
            (NAMES | {"known": NAMES["unknown"], "unknown": NAMES["known"]}, "exchanged"),
            (NAMES | {"gap": -NAMES["gap"]}, "turned round"),
            (NAMES | {"known": NAMES["known"] + 0.1}, "is not"),
            (NAMES | {"reading": next(x for x in NAMES_READ if x != NAMES["reading"])}, "whom a cleaner"),
        ],
    ),
    "07.6": Cases(
        dict.fromkeys(STOPPED),
        [STOPPED, dict(reversed(STOPPED.items()))],
        [
            (STOPPED | {"pronoun": 1 - LOST["pronoun"]}, "still be told apart"),
            (STOPPED | {"order": 95}, "not a number of pairs"),
            (STOPPED | {"order": 0.5}, "is not it"),
            (STOPPED | {"claim": CLAIMS[0]}, "Old pre-processing habits"),
            (STOPPED | {"claim": CLAIMS[2]}, "every kind of mistake"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"torch": torch})


def test_the_readable_scores_are_the_packages():
    found = detect(world_model(), told(0))
    assert word_scores(found.p_replaced, found.word_ids) == found.p_replaced_words


def test_the_courses_fakes_are_impossible_and_pass_unnoticed():
    model = world_model()
    for story, word, wrong, _ in BEATEN:
        fake = put(model, told(story), word, wrong)
        assert fake.p_replaced < 0.5
        assert ceilings_for(model.tokenizer).generator(fake.tokens, (), fake.position)[fake.ids[fake.position]] == 0


def test_a_fake_differs_from_its_story_at_one_place():
    model = world_model()
    fake, right = put(model, told(3), "he", "she"), model.tokenizer.encode(told(3))
    assert [i for i, (a, b) in enumerate(zip(fake.ids, right.ids, strict=True)) if a != b] == [fake.position]
    with pytest.raises(ElectraError, match="not one word"):
        put(model, told(3), "he", "committee")


def test_the_restless_model_is_calm_in_eval():
    model, text = restless(world_model()), told(0)
    assert detect(model, text).p_replaced != detect(model, text).p_replaced
    model.net.eval()
    assert detect(model, text).p_replaced == detect(model, text).p_replaced == detect(world_model(), text).p_replaced


def test_heroes_are_renamed_in_keeping_with_their_pronouns():
    swaps = name_swaps()
    assert len(swaps) == 40
    for swap in swaps:
        assert swap.seen_text.replace(swap.seen, swap.unseen) == swap.unseen_text
        assert swap.seen != swap.unseen
    assert abs(NAMES["unknown"] - NAMES["known"] - NAMES["gap"]) < 1e-9
    assert p_of_word(world_model(), swaps[0].seen_text, swaps[0].seen) < 1


def test_the_count_of_agreements_is_within_the_cases():
    same, _, total = clue_agreement()
    assert 0 <= same <= total == len(clue_cases())


def test_errors_are_counted_by_phenomenon():
    ((hits, misses, alarms, passes),) = found_by_phenomenon(world_model(), ["pronoun"], 10).values()
    assert hits + misses == 10
    assert hits > misses, "wrong pronouns are what this model sees best"
    assert passes > alarms


def test_stop_words_go_and_content_stays():
    assert without_stop_words("The chef baked a cake in his kitchen.") == "chef baked cake kitchen."


def test_all_of_notebook_07_is_here():
    assert [find(number).starred for number in CASES] == [True, True, True, False, False, False]
