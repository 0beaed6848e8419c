"""Tagging: pieces and words aligned, spans read from tags as seqeval reads them, entities at exact characters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.fast_cpu import IGNORED
from electra_helpers.reading.labelled import labelled
from electra_helpers.tasks.base import Examples
from electra_helpers.tasks.tagging import (
    Tagging,
    Words,
    _windows_of,
    align_labels,
    bio_to_spans,
    entity_metrics,
    words_of,
)
from electra_helpers.text.tokenizer import SPECIAL_TOKENS, Tokenizer, bert_backend, tokenizer_from_words

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
TAGS = st.lists(st.sampled_from(LABELS), max_size=12)
TEXT = st.lists(
    st.sampled_from([*"abcé ñ.,!'-好天气ÀÉ\u0301\u200b🙂👩\u200d🔬 \n\t日本كيف", "the ", "chef ", "New York "]),
    max_size=60,
).map("".join)
CONFIG = FinetuneConfig(length=16)


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_from_words(["the", "chef", "a", "b", "c", "new", "york", ".", "好", "天", "##e", "##b", "r", "h"])


@given(TAGS)
def test_spans_are_those_of_seqeval(tags):
    theirs = [(kind, first, last + 1) for kind, first, last in get_entities(tags)]
    assert [tuple(span) for span in bio_to_spans(tags)] == theirs


@given(st.lists(st.tuples(TAGS, st.randoms()), min_size=1, max_size=5))
@settings(deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_entity_scores_are_those_of_seqeval(rows):
    truth = [tags for tags, _ in rows]
    guess = [[random.choice(LABELS) if random.random() < 0.4 else tag for tag in tags] for tags, random in rows]
    ours = entity_metrics(truth, guess)
    assert ours["f1"] == pytest.approx(f1_score(truth, guess, zero_division=0))
    assert ours["precision"] == pytest.approx(precision_score(truth, guess, zero_division=0))
    assert ours["recall"] == pytest.approx(recall_score(truth, guess, zero_division=0))


def test_two_entities_side_by_side_stay_two():
    assert [s.kind for s in bio_to_spans(["B-PER", "B-PER", "I-LOC"])] == ["PER", "PER", "LOC"]


def test_the_label_stands_on_the_first_piece_alone():
    assert align_labels([None, 0, 0, 1, 2, 2, 2, None], [5, 6, 7]) == [
        IGNORED,
        5,
        IGNORED,
        6,
        7,
        IGNORED,
        IGNORED,
        IGNORED,
    ]


def test_a_listed_word_that_bert_cuts_goes_on_with_its_tag(tokenizer):
    row = {"tokens": ["R.H.", "the", "好天"], "tags": [1, 0, 3]}
    [example] = Tagging(LABELS).examples([row], tokenizer, CONFIG)
    assert tokenizer.tokens(example.ids) == ["[CLS]", "r", ".", "h", ".", "the", "好", "天", "[SEP]"]
    assert example.target == [IGNORED, 1, 2, 2, 2, 0, 3, 4, IGNORED]


def test_a_listed_word_of_which_nothing_is_left_is_unknown(tokenizer):
    words = words_of({"tokens": ["\u200b", "the", "\u200d", "\x00"]}, tokenizer)
    assert words.owners == [0, 1, 2, 3]
    assert words.pieces[0] == [tokenizer.unk_id]


def said_by_oracle(task, rows, tokenizer, config, tag_of):
    """Predictions of a net that tags each of the model's words as `tag_of(row number, word number)` says, surely."""
    examples = task.examples(rows, tokenizer, config)
    outputs = []
    for example in examples:
        _, (first, _), places = example.about
        output = np.zeros((len(example.ids), len(LABELS)))
        for number, place in enumerate(places):
            output[place, tag_of(example.row, first + number)] = 1.0
        outputs.append(output)
    return examples, task.predictions(rows, examples, outputs)


@given(st.lists(TEXT, min_size=1, max_size=3), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=150)
def test_entities_of_plain_text_stand_at_their_exact_characters(texts, random):
    tokenizer = tokenizer_from_words(["the", "chef", "a", "b", "c", "new", "york", ".", "好", "天"])
    task, rows = Tagging(LABELS), [{"text": text} for text in texts]
    wanted = [[random.choice(range(5)) for _ in range(80)] for _ in texts]
    examples, predictions = said_by_oracle(task, rows, tokenizer, CONFIG, lambda row, word: wanted[row][word])
    assert all(len(example.ids) <= CONFIG.length for example in examples)
    for row, tags, prediction in zip(rows, wanted, predictions, strict=True):
        assert prediction["tags"] == [LABELS[tag] for tag in tags[: len(prediction["tags"])]]
        end = 0
        for entity in prediction["entities"]:
            assert row["text"][entity["start"] : entity["end"]] == entity["text"]
            assert entity["text"].strip() == entity["text"] != ""
            assert entity["start"] >= end
            end = entity["end"]


def test_long_rows_are_read_in_windows_and_every_word_is_tagged_once(tokenizer):
    task = Tagging(LABELS)
    row = {"tokens": ["the", "chef", "r.h."] * 20, "tags": [0, 1, 3] * 20}
    examples, [prediction] = said_by_oracle(
        task, [row], tokenizer, CONFIG, lambda _, word: [0, 1, 3, 4, 4, 4][word % 6]
    )
    assert len(examples) > 4
    assert prediction["tags"] == ["O", "B-PER", "B-LOC"] * 20
    assert task.score([row], [prediction]) == {"f1": 1, "precision": 1, "recall": 1, "accuracy": 1}


def test_an_empty_text_has_no_entities(tokenizer):
    _, [prediction] = said_by_oracle(Tagging(LABELS), [{"text": "  "}], tokenizer, CONFIG, lambda *_: 1)
    assert prediction["entities"] == []


def test_saying_o_everywhere_scores_tokens_but_no_entities():
    rows = [{"tokens": ["a"] * 5, "tags": [0, 0, 0, 1, 0]}]
    name, scores = Tagging(LABELS).baseline(rows)
    assert (name, scores["f1"], scores["accuracy"]) == ("always O", 0, 0.8)


def test_one_tag_alone_cannot_be_learned():
    data = labelled([{"tokens": ["a"], "tags": ["O"]}])
    with pytest.raises(ElectraError, match="one tag only"):
        Tagging.from_data(data, CONFIG)


@given(st.lists(st.integers(1, 20), max_size=30), st.integers(0, 14))
def test_every_word_stands_in_a_window_whatever_their_sizes(sizes, stride):
    words = Words([[7] * size for size in sizes], list(range(len(sizes))), [], len(sizes))
    spans = _windows_of(words, FinetuneConfig(length=16, stride=stride))
    assert {place for start, stop in spans for place in range(start, stop)} == set(range(len(sizes)))
    assert all(sum(map(len, words.pieces[start:stop])) <= 14 for start, stop in spans)


@pytest.fixture(scope="module")
def long_words():
    """A tokenizer that cuts "heee" into as many pieces as it has letters."""
    vocab = {token: number for number, token in enumerate([*SPECIAL_TOKENS, "h", "##e", "the"])}
    return Tokenizer(bert_backend(vocab, lowercase=True, strip_accents=False))


def test_words_as_long_as_a_window_are_tagged_and_a_stride_beyond_it_is_refused(long_words):
    row = {"tokens": ["h" + "e" * 5, "h" + "e" * 11, "the"], "tags": [0, 1, 0]}
    task = Tagging(LABELS)
    examples = task.examples([row], long_words, CONFIG)
    [said] = task.predictions([row], examples, [np.eye(5)[np.maximum(e.target, 0)] for e in examples])
    assert said["tags"] == ["O", "B-PER", "O"]
    with pytest.raises(ElectraError, match="A stride of 15 steps over words: windows hold 14 pieces"):
        task.examples([row], long_words, FinetuneConfig(length=16, stride=15))


def test_a_word_longer_than_a_window_is_told_as_cut(long_words):
    rows = [{"tokens": ["h" + "e" * 30]}, {"tokens": ["the"] * 40}]
    examples = Examples(Tagging(LABELS).examples(rows, long_words, CONFIG), 0)
    assert (examples.cut, examples.rows) == (1, 2)
    assert len(examples) > 2
