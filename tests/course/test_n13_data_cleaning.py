"""Notebook 13: what passes, what does not, and what each mistake is told; the laboratory's numbers are what they say."""

# ruff: noqa: E501

import math

import numpy as np
import pytest

from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.n13_data_cleaning import (
    MEANS,
    SCORES,
    TRAVEL_ANSWER,
    WRONG,
    alarm_answer,
    choose_threshold,
    sentence_score,
)
from electra_helpers.course.labs import cleaning as lab
from electra_helpers.course.labs.replacements import world_model
from electra_helpers.tasks.cleaning.acceptability import acceptability, open_pairs
from electra_helpers.tasks.cleaning.acceptability import sentence_score as package_score
from electra_helpers.tasks.cleaning.task import choose_threshold as package_threshold
from electra_helpers.tasks.cleaning.task import precision_at
from electra_helpers.world import Oracle
from tests.course.cases import Cases, hold

CHOOSE = "def choose_threshold(scores, wrong, beta=0.5):\n"
EACH = (
    CHOOSE
    + "    best = (-1.0, 0.0)\n    for t in sorted(set(scores)):\n        flags = [s {} t for s in scores]\n"
    + "        hits = sum(f and w for f, w in zip(flags, wrong))\n        n = max(1, sum(flags))\n        total = sum(wrong)\n"
    + "        best = max(best, ({}, t))\n    return best[{}]"
)
F = "(1 + beta**2) * hits / (n + beta**2 * total)"
SCORE = "def sentence_score(p_replaced, how='sum'):\n"
MEAN = "    return sum(x) / len(x) if how == 'mean' else sum(x)"
ALARMS = find("13.2").solution

CASES = {
    "13.1": Cases(
        CHOOSE + "    raise NotImplementedError",
        [
            EACH.format(">=", F, 1),
            CHOOSE + "    s, w = np.asarray(scores), np.asarray(wrong)\n    cuts = np.unique(s)[::-1]\n    flags = s >= cuts[:, None]\n    hits = (flags & w).sum(1)\n    return cuts[((1 + beta**2) * hits / (flags.sum(1) + beta**2 * w.sum())).argmax()]",
            CHOOSE + "    order = sorted(set(map(float, scores)), reverse=True)\n    f = [(1 + beta**2) * sum(w for s, w in zip(scores, wrong) if s >= t) / (sum(s >= t for s in scores) + beta**2 * sum(wrong)) for t in order]\n    return np.float64(order[f.index(max(f))])",
        ],
        [
            (EACH.format(">=", F, 0), "highest F itself"),
            (CHOOSE + "    return 0.5", "no law"),
            (EACH.format(">=", F.replace("beta**2", "1"), 1), "highest F1"),
            (EACH.format(">=", "hits / n", 1), "flagging one word"),
            (EACH.format(">=", "hits / total", 1), "every good word accused"),
            (EACH.format(">", F, 1), "≥, not >"),
            (CHOOSE + "    order = sorted(range(len(scores)), key=lambda i: -scores[i])\n    best, hits = (-1.0, 0.0), 0\n    for n, i in enumerate(order, 1):\n        hits += wrong[i]\n        best = max(best, ((1 + beta**2) * hits / (n + beta**2 * sum(wrong)), scores[i]))\n    return best[1]", "stop between equals"),
            (EACH.format(">=", F.replace("beta", "0.5"), 1), "use beta"),
            (CHOOSE + "    return None", "Return a number"),
            (CHOOSE + "    def f(t):\n        flags = [s >= t for s in scores]\n        hits = sum(x and w for x, w in zip(flags, wrong))\n        return (1 + beta**2) * hits / max(1e-9, sum(flags) + beta**2 * sum(wrong))\n    return max((i / 100 for i in range(100, -1, -1)), key=f)", "not a fixed grid"),
            (CHOOSE + "    def f(t):\n        flags = [s >= t for s in scores]\n        hits = sum(x and w for x, w in zip(flags, wrong))\n        return (1 + beta**2) * hits / (sum(flags) + beta**2 * sum(wrong))\n    return max(sorted(scores), key=f)", "the highest of them"),
            (EACH.format(">=", F, 1).replace("set(scores)", "{round(s, 3) for s in scores}"), "not a fixed grid"),
        ],
    ),
    "13.2": Cases(
        dict.fromkeys(ALARMS),
        [ALARMS, ALARMS | {"capitals": round(ALARMS["capitals"], 2)}],
        [
            (ALARMS | {"a flag means": MEANS[0]}, "Flag = error?"),
            (ALARMS | {"a flag means": MEANS[2]}, "No generator"),
            (ALARMS | {"usual": ALARMS["rare"], "rare": ALARMS["usual"]}, "turned round"),
            (ALARMS | {"rare": 1 - ALARMS["rare"]}, "without a flag"),
            (ALARMS | {"rare": 27}, "not counts"),
            (ALARMS | {"capitals": 0.5}, "begins with a capital"),
        ],
    ),
    "13.3": Cases(
        SCORE + "    raise NotImplementedError",
        [
            SCORE + "    x = [math.log(max(1 - p, 1e-9)) for p in p_replaced]\n" + MEAN,
            SCORE + "    x = np.log(np.maximum(1 - np.array(p_replaced), 1e-9))\n    return x.mean() if how == 'mean' else x.sum()",
            SCORE + "    x = np.log1p(-np.minimum(np.array(p_replaced), 1 - 1e-9))\n    return np.float64(x.mean()) if how == 'mean' else x.sum()",
        ],
        [
            (SCORE + "    x = [-math.log(max(1 - p, 1e-9)) for p in p_replaced]\n" + MEAN, "sign is turned"),
            (SCORE + "    x = [math.log(max(p, 1e-9)) for p in p_replaced]\n" + MEAN, "log P(replaced)"),
            (SCORE + "    return math.prod(1 - p for p in p_replaced)", "That is the product"),
            (SCORE + "    x = [1 - p for p in p_replaced]\n" + MEAN, "added probabilities"),
            (SCORE + "    x = [math.log10(max(1 - p, 1e-9)) for p in p_replaced]\n" + MEAN, "In nats"),
            (SCORE + "    return sum(math.log(max(1 - p, 1e-9)) for p in p_replaced)", "length bias"),
            (SCORE + "    if how == 'mean':\n        return math.log(1 - sum(p_replaced) / len(p_replaced))\n    return sum(math.log(max(1 - p, 1e-9)) for p in p_replaced)", "diluted"),
            (SCORE + "    x = [math.log(1 - p) for p in p_replaced]\n" + MEAN, "log 0"),
            (SCORE + "    product = math.prod(max(1 - p, 1e-9) for p in p_replaced)\n    return math.log(product) / (len(p_replaced) if how == 'mean' else 1)", "too small for a float"),
            (SCORE + "    product = float(np.prod([max(1 - p, 1e-9) for p in p_replaced]))\n    return float(np.log(product)) / (len(p_replaced) if how == 'mean' else 1)", "too small for a float"),
        ],
    ),
    "13.4": Cases(
        dict.fromkeys(TRAVEL_ANSWER),
        [TRAVEL_ANSWER, TRAVEL_ANSWER | {"precision at 0.1 %": 0.043, "flags to read": 209}],
        [
            (TRAVEL_ANSWER | {"precision at 0.1 %": 0.31}, "does not travel"),
            (TRAVEL_ANSWER | {"precision at 0.1 %": 0.9}, "rate over flags"),
            (TRAVEL_ANSWER | {"flags to read": 9}, "false alarms too"),
            (TRAVEL_ANSWER | {"travels": "precision"}, "which columns stay about"),
            (TRAVEL_ANSWER | {"chosen on": "the text to clean"}, "Tuned on test"),
            (TRAVEL_ANSWER | {"chosen on": "the training text"}, "looks easier"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"np": np, "math": math})


def test_the_readable_functions_are_the_packages():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, wrong = rng.choice([0.1, 0.2, 0.5, 0.8], 15), rng.random(15) < 0.3
        wrong[0] = True
        for beta in (0.5, 1.0, 2.0):
            assert choose_threshold(scores, wrong, beta) == package_threshold(scores, wrong, beta)
        for how in ("sum", "mean"):
            assert sentence_score(scores, how) == pytest.approx(package_score(scores, how))


def test_each_way_to_go_wrong_has_a_threshold_of_its_own_on_the_ten_words():
    chosen = [package_threshold(SCORES, WRONG, beta) for beta in (0.5, 1.0, 2.0)]
    assert len({*chosen, max(SCORES), min(SCORES)}) == 5


def test_the_alarms_are_those_of_the_bundled_model():
    right = alarm_answer()
    assert {key: pytest.approx(right[key], abs=0.03) for key in ("usual", "rare", "capitals")} == {
        key: ALARMS[key] for key in ("usual", "rare", "capitals")
    }
    assert right["rare"] > right["usual"] + 0.3, "the notebook says that the rare ones are flagged far more often"


@pytest.mark.parametrize("rate", [0.05, 0.01])
def test_mistakes_come_at_the_rate_that_is_asked_for(rate):
    data = lab.marked_rows(rate, 120)
    words = [tag for row in data.rows for tag in row["tags"]]
    assert sum(words) / len(words) == pytest.approx(rate, rel=0.15)
    assert sum(lab.marked_rows(0.0, 10).rows[3]["tags"]) == 0


@pytest.mark.parametrize("kind", lab.KINDS)
def test_a_detectable_word_is_one_that_no_story_has_there(kind):
    oracle = Oracle("validation")
    for row in lab.detectable(world_model(), kind, 6, seed=3):
        original = [*row["tokens"][: row["at"]], row["right"], *row["tokens"][row["at"] + 1 :]]
        assert np.isfinite(oracle.log_probability(original))
        assert not np.isfinite(oracle.log_probability(row["tokens"]))
        assert row["tags"].index(1) == row["at"]
        assert sum(row["tags"]) == 1


def test_a_wrong_cell_is_of_another_trade():
    rows, wrong = lab.orders_table(60)
    clean, none = lab.orders_table(60, wrong=0.0)
    assert 8 < sum(map(bool, wrong)) < 30
    assert not any(none)
    assert all(set(row) == set(clean[0]) for row in rows)
    assert all("{" + column + "}" in lab.TOLD for column in rows[0])


def test_a_learners_score_decides_between_sentences():
    pairs = lab.some_pairs(open_pairs("world"), 4)
    assert len(pairs) == 20
    ours = acceptability(world_model(), pairs)["scores"]["accuracy"]
    theirs = acceptability(world_model(), pairs, score=lambda p, how: -package_score(p, how))["scores"]["accuracy"]
    assert theirs == pytest.approx(1 - ours)
    assert ours > 0.7


def test_the_recorded_floor_is_met_for_any_word():
    found = lab.recorded()["detectable"]
    assert np.mean([run["auc"] for run in found["any word, validation"]]) >= 0.95
    assert all(run["auc"] > run["rarest words"] for run in found["any word, validation"])


def test_the_picture_and_the_table_say_what_was_recorded():
    alt = lab.travel_picture({0.05: 0.9, 0.01: 0.5}).alt
    assert "threshold 0.5: median" in alt
    assert "yours: 0.90 at 5 %, 0.50 at 1 %" in alt
    assert "512 marked stories" in lab.finetuned_table()


def test_the_share_of_the_prediction_is_what_the_page_reveals():
    assert precision_at(0.01, 0.9, 0.02) == pytest.approx(0.3125)
    assert TRAVEL_ANSWER["precision at 0.1 %"] == pytest.approx(0.0431, abs=1e-4)


def test_all_of_notebook_13_is_here():
    assert [find(number).starred for number in sorted(CASES)] == [True, False, False, True]
