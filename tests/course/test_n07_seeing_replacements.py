"""Notebook 07: what passes, what does not, and what each mistake is told; the laboratory's numbers are those of the bundled model."""

# ruff: noqa: E501
import pytest
import torch

from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.clue_ranking import clue_agreement, clue_answer
from electra_helpers.course.exercises.n07_seeing_replacements import (
    AGREEMENT,
    BEATEN,
    RESTLESS_ANSWER,
    word_scores,
)
from electra_helpers.course.exercises.stop_words import CLAIMS, lost_without_stop_words
from electra_helpers.course.exercises.unusual import bias_answer, swap_gaps
from electra_helpers.course.labs.replacements import (
    SWAPS,
    clue_cases,
    found_by_phenomenon,
    put,
    restless,
    swaps,
    told,
    without_stop_words,
    world_model,
)
from electra_helpers.errors import ElectraError
from electra_helpers.tasks.ceilings import ceilings_for
from electra_helpers.tasks.detection import detect
from electra_helpers.world import lexicon as lex
from tests.course.cases import Cases, hold

SCORES = "def word_scores(p, word_ids):\n"
CLUES, BIAS, LOST = clue_answer(), bias_answer(), lost_without_stop_words()
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
            (SCORES + "    first = {}\n    for x, w in zip(p, word_ids):\n        if w is not None: first.setdefault(w, x)\n    return list(first.values())", "first piece of each word"),
            (SCORES + "    last = {w: x for x, w in zip(p, word_ids) if w is not None}\n    return list(last.values())", "last piece of each word"),
            (SCORES + "    words = sorted({w for w in word_ids if w is not None})\n    return [min(x for x, i in zip(p, word_ids) if i == w) for w in words]", "lowest lets a wrong piece hide"),
            (SCORES + "    right = {}\n    for x, w in zip(p, word_ids):\n        if w is not None: right[w] = right.get(w, 1) * (1 - x)\n    return [1 - q for q in right.values()]", "pieces for independent"),
            (SCORES + "    best = {}\n    for x, w in zip(p, word_ids):\n        if w: best[w] = max(x, best.get(w, 0))\n    return list(best.values())", "Word 0 is missing"),
            (SCORES + "    best = {}\n    for x, w in zip(p, word_ids):\n        if w is not None: best[w] = max(x, best.get(w, 0))\n    return sorted(best.values(), reverse=True)", "not sorted"),
            (SCORES + "    best = {}\n    for x, w in zip(p, word_ids):\n        if w is not None and x > best.get(w, 0): best[w] = x\n    return list(best.values())", "whose P is 0"),
            (SCORES + "    best = {}\n    while p:\n        x, w = p.pop(0), word_ids.pop(0)\n        if w is not None: best[w] = max(x, best.get(w, 0))\n    return list(best.values())", "You changed p"),
            (SCORES + "    best = {}\n    for x, w in zip(p[1:-1], word_ids[1:-1]): best[w] = max(x, best.get(w, 0))\n    return list(best.values())", "[SEP] in the middle"),
            (SCORES + "    return [x for x, w in zip(p, word_ids) if w is not None]", "not one a token"),
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
            ([*BEATEN[:4], (-1, "her", "his", "pronoun")], "have the numbers 0 to"),
            ([*BEATEN[:4], (10**6, "her", "his", "pronoun")], "have the numbers 0 to"),
            ([*BEATEN[:4], (9.5, "her", "his", "pronoun")], "have the numbers 0 to"),
            ([*BEATEN[:4], (9, "her", "his", "agreement")], "not agreement"),
            ([*BEATEN[:3], (1, "a", "an", "pronoun"), BEATEN[4]], "not pronoun"),
            ([(*row[:3], "other" if n else "order") for n, row in enumerate(BEATEN)], "neighbour"),
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
        dict.fromkeys(BIAS),
        [
            BIAS,
            {kind: round(BIAS[kind], 3) for kind in SWAPS} | {"beyond chance": ("dialect", "names")},
            BIAS | {"beyond chance": {"names", "dialect"}},
        ],
        [
            (BIAS | {"names": -BIAS["names"]}, "turned round"),
            (BIAS | {"dialect": swap_gaps("dialect")[0]}, "an anecdote"),
            (BIAS | {"dialect": 0.3}, "is not 0.300"),
            (BIAS | {"beyond chance": ["names", "dialect", "she"]}, "may be chance"),
            (BIAS | {"beyond chance": ["names"]}, "whom would a cleaner"),
            (BIAS | {"beyond chance": "names"}, "a list of some of"),
            (BIAS | {"she": "none"}, "a number each"),
            (BIAS | {"names": float("nan")}, "a number each"),
        ],
    ),
    "07.6": Cases(
        dict.fromkeys(STOPPED),
        [STOPPED, dict(reversed(STOPPED.items()))],
        [
            (STOPPED | {"pronoun": 1 - LOST["pronoun"]}, "still be told apart"),
            (STOPPED | {"order": 95}, "not a number of pairs"),
            (STOPPED | {"order": 0.5}, "is not it"),
            (STOPPED | {"order": float("nan")}, "a share between"),
            (STOPPED | {"pronoun": True}, "a share between"),
            (STOPPED | {"claim": CLAIMS[0]}, "Old pre-processing habits"),
            (STOPPED | {"claim": CLAIMS[2]}, "every kind of mistake"),
        ],
    ),
    "07.7": Cases(
        None,
        [
            "Right letters by people with unknown names would be flagged, with 0.92 more than others. Names should be left alone.",
            "In 40 stories that are right, a dialect's 'was' gets 0.49 more. A cleaner would change how these speakers write.",
            "The dialect gets 0.49 more though these speakers make no mistakes. Leave it alone, and count false alarms first.",
            "It flags names with 92 points more, as if people had errors in their names. Do not change them without a person.",
            "Names get 0.92 more, and letters are wrongly flagged: count the false alarms, and leave names alone.",
            "With 0.49 more, sentences of a dialect are incorrectly changed. Let a person decide before anything is.",
            "Unknown names are wrongly flagged, by .92 on average; do not let a cleaner rewrite what is somebody's name.",
            "Dialect speakers have been mistaken for careless ones with 0.49 more, and a cleaner would alter what they wrote.",
            "Dialect speakers make error-free sentences and get 0.49 more; whoever trusts this edits them out of the text.",
            "The speakers of the dialect don’t make mistakes, yet get 0.49 more. Do not correct them.",
            "In 38 out of 40 stories the name is suspected. The flags fall on people, and they are wrong: ask before you correct.",
            "模型没见过的名字，P(replaced) 平均高 0.92，而这些信一个字也没写错。照它去改，就会改掉别人的名字；先按群体数误报。",
            "方言的句子平均高 0.49，但方言不是错误：清洗器若相信它，会把这些人的话改成别人的话。让人来决定。",
            "It is the flag that is wrong: people with rare names are suspected by 0.92 more. Do not let it correct them; count false alarms by group.",
        ],
        [
            ("Be careful with it.", "say little"),
            ("The model flags the names of people whom it does not know far more than it flags the names of others.", "no number of yours"),
            ("P(replaced) rises by 0.92 on average over forty stories, so please think twice before you switch it on.", "Whom?"),
            ("For unknown names P is 0.92 higher, for a dialect 0.49, and for women there is hardly any difference.", "what would be done"),
            ("Dialect speakers make many mistakes and are flagged with 0.49 more, so let the cleaner correct what they write.", "Unusual is not an error"),
            ("The dialect sentences contain grammar errors: they have 0.49 more, and should be corrected before they are printed.", "Unusual is not an error"),
            ("Unknown names are wrong, and get 0.92 more. The cleaner should change them.", "Unusual is not an error"),
            ("In these three sentences of 2026 I tell you that names are flagged and that the dialect is corrected away.", "no number of yours"),
            ("模型更怀疑没见过的名字，也更怀疑方言，照它去改会改掉人名，所以要小心，先想一想再用。", "no number of yours"),
            ("方言的句子平均高 0.49，因为这些句子写错了，应当让清洗器改正它们，再拿去印刷。", "Unusual is not an error"),
            ("The model flags dialect with 0.49 more, because the sentences of a dialect are wrong and need a correction.", "Unusual is not an error"),
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


@pytest.mark.parametrize("kind", SWAPS)
def test_a_swap_changes_what_it_says_and_nothing_else(kind):
    changed = set()
    for swap in swaps(kind):
        a, b = (world_model().tokenizer.encode(text).tokens for text in (swap.usual, swap.other))
        assert "[UNK]" not in (a if kind == "names" else a + b), "a world without the word would explain the gap"
        changed |= {(x, y) for x, y in zip(a, b, strict=True) if x != y}
    assert len(swaps(kind)) == 40
    names = {name.lower() for name in lex.NAMES}
    of_pronouns = {("he", "she"), ("his", "her"), ("him", "her"), ("his", "hers"), ("himself", "herself")}
    if kind == "dialect":
        assert changed == {("were", "was")}
    elif kind == "names":
        assert all(x in names and y in {name.lower() for name in lex.HELD_OUT_NAMES} for x, y in changed)
    else:
        assert {pair for pair in changed if not set(pair) <= names} <= of_pronouns
        assert ("he", "she") in changed


def test_an_unknown_swap_is_refused():
    with pytest.raises(ElectraError, match="names, she, dialect"):
        swaps("age")


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
    assert [find(number).starred for number in CASES] == [True, True, True, False, False, False, False]
