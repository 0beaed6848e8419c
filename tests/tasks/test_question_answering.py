"""Question answering: exact characters through windows, SQuAD's scores, spans that can be answers."""

import re
import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.reading.labelled import labelled
from electra_helpers.tasks.base import Examples
from electra_helpers.tasks.question_answering import (
    QuestionAnswering,
    answer_metrics,
    answer_words,
    best_spans,
    word_f1,
)
from electra_helpers.text.tokenizer import tokenizer_from_words

CONFIG = FinetuneConfig(length=20)
TASK = QuestionAnswering(unanswerable=True, most_tokens=8)
WORDS = ["the", "chef", "who", "a", "b", "c", "new", "york", ".", "?", "好", "天"]
TEXT = st.lists(
    st.sampled_from([*"abé .,!'好天气É\u0301🙂👩\u200d🔬\n日كيف", "the ", "chef ", "New York "]),
    min_size=1,
    max_size=80,
).map("".join)


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_from_words(WORDS)


def row_of(context, start, end):
    found = {"text": [context[start:end]], "answer_start": [start]}
    return {"context": context, "question": "who ?", "answers": found}


def said_by_oracle(rows, tokenizer, config=CONFIG, task=TASK):
    """Predictions of a net that knows the targets: sure of them, and of [CLS] where a window does not hold the answer."""
    examples = task.examples(rows, tokenizer, config)
    outputs = []
    for example in examples:
        scores = np.full((len(example.ids),) * 2, -9.0)
        scores[example.target] = -0.1
        outputs.append(scores)
    return examples, task.predictions(rows, examples, outputs)


@given(TEXT, st.data())
@settings(deadline=None, max_examples=200)
def test_an_answer_is_found_at_its_exact_characters(context, data):
    tokenizer = tokenizer_from_words(WORDS)
    offsets = [o for o in tokenizer.encode(context).offsets[1:-1] if o[0] < o[1]]
    assume(offsets)
    first = data.draw(st.integers(0, len(offsets) - 1))
    last = data.draw(st.integers(first, min(len(offsets) - 1, first + 3)))
    row = row_of(context, offsets[first][0], offsets[last][1])
    examples, [said] = said_by_oracle([row], tokenizer)
    assert all(len(example.ids) <= CONFIG.length for example in examples)
    assert context[said["start"] : said["end"]] == said["answer"] == row["answers"]["text"][0]
    assert all(context[best["start"] : best["end"]] == best["text"] for best in said["n_best"])


def test_a_long_context_is_read_in_windows_and_its_answer_found_in_each_place(tokenizer):
    context = " ".join(f"chef {w}" for w in ["a", "b", "c", "new"] * 12)
    for start in range(0, len(context) - 10, 7):
        end = context.find(" ", start + 4)
        begin = context.rfind(" ", 0, start) + 1
        examples, [said] = said_by_oracle([row_of(context, begin, end)], tokenizer)
        assert len(examples) > 5
        assert said["answer"] == context[begin:end]


def test_a_window_without_the_whole_answer_says_cls(tokenizer):
    context = " ".join(["a"] * 40)
    examples, _ = said_by_oracle([row_of(context, 0, 3)], tokenizer)
    assert examples[0].target != (0, 0)
    assert {example.target for example in examples[1:]} == {(0, 0)}


def test_no_answer_is_the_empty_string_and_the_margin_says_how_sure(tokenizer):
    none = {"context": "the chef", "question": "who ?", "answers": {"text": [], "answer_start": []}}
    some = row_of("the chef", 4, 8)
    _, predictions = said_by_oracle([none, some], tokenizer)
    assert [p["answer"] for p in predictions] == ["", "chef"]
    scores = TASK.score([none, some], predictions)
    assert scores == {"exact_match": 1, "f1": 1, "answerable_f1": 1, "unanswerable_auc": 1}


def test_without_unanswerable_questions_the_best_span_is_always_given(tokenizer):
    task = QuestionAnswering(unanswerable=False, most_tokens=8)
    none = {"context": "the chef", "question": "who ?", "answers": {"text": [], "answer_start": []}}
    _, [said] = said_by_oracle([none], tokenizer, task=task)
    assert said["answer"] != ""


def brute_force(scores, allowed, most):
    pairs = [
        (a, b) for a in range(len(scores)) for b in range(a, min(len(scores), a + most)) if allowed[a] and allowed[b]
    ]
    return max(pairs, key=lambda p: scores[p], default=None)


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_the_best_span_is_that_of_trying_all(size, most, seed):
    random = np.random.default_rng(seed)
    scores, allowed = random.normal(size=(size, size)), random.random(size) < 0.7
    found = best_spans(scores, allowed, most)
    assert (found[0][:2] if found else None) == brute_force(scores, allowed, most)


def test_the_n_best_are_in_order_and_all_different():
    found = best_spans(np.random.default_rng(0).normal(size=(8, 8)), np.ones(8, dtype=bool), 4, n=5)
    assert len({f[:2] for f in found}) == 5
    assert [f[2] for f in found] == sorted((f[2] for f in found), reverse=True)


ANSWER = st.lists(st.sampled_from([*"ab ,.!-", "the ", "an ", "Red ", "hats "]), max_size=30).map("".join)


def squad_words(text):
    """The steps of SQuAD's published evaluation, in its order: lower case, punctuation, articles, blanks."""
    bare = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


@given(ANSWER, ANSWER)
@settings(deadline=None)
def test_latin_scores_are_those_of_squads_script(one, other):
    given_words, wanted = squad_words(one), squad_words(other)
    shared = sum((Counter(given_words) & Counter(wanted)).values())
    both = given_words and wanted
    f1 = (2 * shared / (len(given_words) + len(wanted))) if both else float(given_words == wanted)
    found = answer_metrics([{"answers": {"text": [other]}}], [one])
    assert found == {"exact_match": float(given_words == wanted), "f1": pytest.approx(f1)}


def test_chinese_is_compared_by_the_character():
    assert answer_words("《战国无双3》。") == ["战", "国", "无", "双", "3"]
    assert word_f1(answer_words("星期五"), answer_words("星期四")) == pytest.approx(2 / 3)


def test_training_without_any_answer_is_refused():
    data = labelled([{"id": 1, "context": "a b", "question": "who ?", "answers": {"text": [], "answer_start": []}}])
    with pytest.raises(ElectraError, match="no question with an answer"):
        QuestionAnswering.from_data(data, CONFIG)


def test_a_question_that_leaves_no_room_is_said_so(tokenizer):
    row = row_of("the chef", 4, 8) | {"question": "who ? " * 30}
    with pytest.raises(ElectraError, match="no room"):
        TASK.examples([row], tokenizer, CONFIG)


def test_answers_of_every_script_lose_their_punctuation_and_are_composed():
    assert answer_words("यह किताब।") == ["यह", "किताब"]
    assert answer_words("« Café »") == answer_words("cafe\u0301") == ["café"]


def test_a_question_that_is_cut_is_counted_once(tokenizer):
    rows = [{"context": "the chef " * 90, "question": f"who {'a ' * words}?"} for words in (9, 90)]
    examples = Examples(TASK.examples(rows, tokenizer, FinetuneConfig(length=100)), 0)
    assert (examples.cut, examples.rows) == (1, 2)
