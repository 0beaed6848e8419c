"""Notebook 10: what passes, what does not, and what each mistake is told; the learner's functions are run by the package."""

# ruff: noqa: E501

import numpy as np
import pytest

from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.blind import READINGS
from electra_helpers.course.exercises.n10_question_answering import (
    answer_windows,
    best_span,
    blind_answer,
    package_answer_windows,
    package_span,
)
from electra_helpers.course.labs import finetuning as lab
from electra_helpers.tasks import question_answering
from electra_helpers.tasks.finetuning import finetune
from tests.course.cases import Cases, hold

BEST = "def best_span(start, end, context_mask, max_length):\n"
CUT = "def answer_windows(count, room, stride, answer=None):\n"
BLIND = blind_answer()
LOOPS = """
    best = None
    for i in range(len(start)):
        for j in range({first}, len(end)):
            if {allowed} and (best is None or start[i] + end[j] > start[best[0]] + end[best[1]]):
                best = (i, j)
    return best
"""


def loops(first="i", allowed="context_mask[i] and context_mask[j] and j - i < max_length") -> str:
    return BEST + LOOPS.format(first=first, allowed=allowed)


def cuts(
    step="stride",
    more="starts[-1] + room < count",
    stop="min(s + room, count)",
    target="(a - s, b - s)",
    whole="s <= a and b < stop",
):
    return CUT + f"""
    a, b = answer if answer else (-1, -1)
    starts, found = [0], []
    while {more}:
        starts.append(starts[-1] + {step})
    for s in starts:
        stop = {stop}
        found.append((s, stop, {target} if answer is not None and {whole} else None))
    return found
"""  # fmt: skip


CASES = {
    "10.1": Cases(
        BEST + "    raise NotImplementedError",
        [
            loops(),
            BEST
            + """
    inside = np.where(context_mask, 0.0, -np.inf)
    scores = np.add.outer(start + inside, end + inside)
    scores = np.where(np.triu(np.ones_like(scores)) - np.triu(np.ones_like(scores), max_length) > 0, scores, -np.inf)
    return np.unravel_index(scores.argmax(), scores.shape)
""",
            BEST
            + """
    places = np.flatnonzero(context_mask)
    pairs = [(i, j) for i in places for j in places if i <= j < i + max_length]
    return max(pairs, key=lambda pair: start[pair[0]] + end[pair[1]])
""",
            BEST + "    pairs = [(start[i] + end[j], -i, -j) for i in range(len(start)) for j in range(i, min(i + max_length, len(end))) if context_mask[i] and context_mask[j]]\n    _, i, j = max(pairs)\n    return np.int64(-i), np.int64(-j)",
        ],
        [
            (BEST + "    at = np.where(context_mask, 0, -np.inf)\n    return (start + at).argmax(), (end + at).argmax()", "end before they begin"),
            (loops(first="0", allowed="context_mask[i] and context_mask[j] and abs(j - i) < max_length"), "end before they begin"),
            (loops(allowed="j - i < max_length"), "stands in the question"),
            (loops(allowed="context_mask[j] and j - i < max_length"), "begins outside"),
            (loops(allowed="context_mask[i] and context_mask[j]"), "longer than max_length"),
            (loops(allowed="context_mask[i] and context_mask[j] and j - i < max_length - 1"), "exactly max_length"),
            (loops(first="i + 1"), "one token"),
            (BEST + "    return start.argmax()", "Return (first, last)"),
            (BEST + "    best, place = 0, (0, 0)\n    for i in range(len(start)):\n        for j in range(i, min(i + max_length, len(end))):\n            if context_mask[i] and context_mask[j] and start[i] + end[j] > best:\n                best, place = start[i] + end[j], (i, j)\n    return place", "below 0"),
            (BEST + "    at = start * context_mask, end * context_mask\n    pairs = [(i, j) for i in range(len(start)) for j in range(i, min(i + max_length, len(end)))]\n    return max(pairs, key=lambda p: at[0][p[0]] + at[1][p[1]])", "below 0"),
            (loops(allowed="context_mask[i] and context_mask[j] and j - i <= max_length"), "longer than max_length"),
            (loops().replace("return best", "return best[0], best[1] + 1"), "not the place behind"),
            (loops().replace("return best", "return best[0] - 4, best[1] - 4"), "counted from the start of the row"),
            (loops(allowed="i and context_mask[i] and context_mask[j] and j - i < max_length"), "token 0"),
            (loops(allowed="j < len(end) - 1 and context_mask[i] and context_mask[j] and j - i < max_length"), "end at the last"),
            (BEST + "    start[~context_mask] = end[~context_mask] = -np.inf\n    pairs = [(i, j) for i in range(len(start)) for j in range(i, min(i + max_length, len(end)))]\n    return max(pairs, key=lambda p: start[p[0]] + end[p[1]])", "work on copies"),
            (BEST + "    s, e = np.where(context_mask, start, -20), np.where(context_mask, end, -20)\n    pairs = [(i, j) for i in range(len(start)) for j in range(i, min(i + max_length, len(end)))]\n    return max(pairs, key=lambda p: s[p[0]] + e[p[1]])", "near −30"),
        ],
    ),
    "10.2": Cases(
        CUT + "    raise NotImplementedError",
        [
            cuts(),
            CUT
            + """
    stop = min(room, count)
    inside = answer is not None and 0 <= answer[0] and answer[1] < stop
    first = [(0, stop, tuple(answer) if inside else None)]
    if stop == count:
        return first
    moved = None if answer is None else (answer[0] - stride, answer[1] - stride)
    return first + [(a + stride, b + stride, t) for a, b, t in answer_windows(count - stride, room, stride, moved)]
""",
        ],
        [
            (cuts(step="room"), "do not overlap"),
            (cuts(more="starts[-1] + room + stride <= count"), "tail is lost"),
            (cuts(stop="s + room"), "behind the text"),
            (cuts(more="starts[-1] + stride < count"), "hold nothing new"),
            (cuts(target="(a, b)"), "take its start off"),
            (cuts(whole="s <= b and a < stop", target="(max(a, s) - s, min(b, stop - 1) - s)"), "holds only a part"),
            (CUT + "    return [(0, count)]", "(start, stop, target)"),
            (cuts(step="(room - stride)"), "not the overlap"),
            (cuts(whole="s <= a < stop", target="(a - s, min(b, stop - 1) - s)"), "holds only a part"),
            (cuts(whole="s <= b < stop", target="(max(a, s) - s, b - s)"), "holds only a part"),
            (cuts(whole="s <= a and b <= stop"), "holds only a part"),
            (cuts().replace("if answer is not None and", "if answer and answer[0] and"), "token 0"),
            (cuts(whole="s < a and b < stop"), "a target in both"),
            (cuts(whole="s <= a and b < stop - 1"), "a target in both"),
            (cuts(whole="s <= a and b < stop and a < b"), "target is"),
            (cuts(step="max(1, room // 2)"), "stride"),
        ],
    ),
    "10.3": Cases(
        dict.fromkeys(BLIND),
        [BLIND, {name: value if isinstance(value, str) else round(value, 3) for name, value in BLIND.items()}],
        [
            (BLIND | {"lost": -BLIND["lost"]}, "with the question − without"),
            (BLIND | {"lost": 100 * BLIND["lost"]}, "from 0 to 1"),
            (BLIND | {"lost": float(np.mean(lab.recorded()["question answering"]["blind"]["f1"]))}, "*keeps*"),
            (BLIND | {"by character": 0.0}, "three characters given"),
            (BLIND | {"by spaces": 0.8}, "English metrics"),
            *((BLIND | {"reading": each}, "needs the question") for each in READINGS if each != BLIND["reading"]),
            (BLIND | {"reading": "who knows"}, "choose one of"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"np": np})


def test_the_readable_functions_are_the_packages():
    random = np.random.default_rng(3)
    for _ in range(30):
        start, end, mask = random.normal(size=12), random.normal(size=12), random.random(12) < 0.8
        if mask.any():
            assert best_span(start, end, mask, 4) == package_span(start, end, mask, 4)
        count, room = (int(x) for x in random.integers(1, 60, 2))
        stride = int(random.integers(1, room + 1))
        answer = tuple(sorted(int(x) for x in random.integers(0, count, 2)))
        assert answer_windows(count, room, stride, answer) == package_answer_windows(count, room, stride, answer)


@pytest.fixture(scope="module")
def made():
    return finetune("question-answering", "electra-tiny-world-en", lab.world_rows("questions", "train", 40), steps=12)


def test_a_learners_span_is_the_answer(made):
    rows = lab.world_rows("questions", "validation", 12).rows
    package = [prediction["n_best"][0]["text"] for prediction in made.predict(rows)]
    with lab.own_span(best_span):
        assert [prediction["n_best"][0]["text"] for prediction in made.predict(rows)] == package
    with lab.own_span(lambda start, end, mask, most: [np.flatnonzero(mask)[0]] * 2):
        first = [prediction["n_best"][0]["text"] for prediction in made.predict(rows)]
    assert all(row["context"].startswith(text) for row, text in zip(rows, first, strict=True))


def test_a_learners_windows_cut_long_contexts(made):
    rows, asked_for = lab.long_rows(4).rows, []

    def noting(count, room, stride, answer):
        asked_for.append(len(answer_windows(count, room, stride, answer)))
        return answer_windows(count, room, stride, answer)

    package = list(made.predict(rows))
    with lab.own_windows(noting):
        assert list(made.predict(rows)) == package
    assert len(asked_for) == 4
    assert min(asked_for) > 1
    assert question_answering.windows.__module__ == "electra_helpers.tasks.windows", "put back"


def test_long_contexts_still_hold_their_answers():
    for row in lab.long_rows(30).rows:
        (text, *_), (start, *_) = row["answers"]["text"], row["answers"]["answer_start"]
        assert row["context"][start : start + len(text)] == text


def test_without_questions_nothing_else_changes():
    rows = lab.world_rows("questions", "train", 5)
    hidden = lab.without_questions(rows)
    assert set(hidden.column("question")) == {lab.HIDDEN}
    assert hidden.column("answers") == rows.column("answers")


def test_the_recorded_seeds_need_the_question():
    found = lab.recorded()["question answering"]
    assert np.mean(found["asked"]["unanswerable_auc"]) > np.mean(found["blind"]["unanswerable_auc"]) + 0.2
    assert BLIND["lost"] > 0.2


def test_all_of_notebook_10_is_here():
    assert [find(number).starred for number in CASES] == [True, False, False]
