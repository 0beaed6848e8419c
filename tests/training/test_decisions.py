"""What was decided about the text is said in one line and kept; padding, lost text and unknown words are said where they cost much."""

import json
import warnings

import pytest

from electra_helpers.config import PretrainConfig
from electra_helpers.errors import ElectraWarning
from electra_helpers.reading.corpora import Corpus
from electra_helpers.tasks.detection import warn_of_unknown
from electra_helpers.text.rows import build_rows
from electra_helpers.text.streaming import StreamedRun
from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.training.decisions import decisions, in_words, warn_of_waste
from tests.training.seeds import WORDS

PIECES = tokenizer_from_words(WORDS)
SENTENCES = [f"the chef cook w{i % 60} meal ." for i in range(90)]  # 6 tokens each, 8 with [CLS] and [SEP]


@pytest.fixture(autouse=True)
def cache(own_cache):
    return own_cache


def decided(form, texts=SENTENCES, length=64, **options):
    corpus, config = Corpus.from_texts(texts), PretrainConfig(form=form, length=length, steps=100)
    if options:
        return decisions(StreamedRun(corpus, PIECES, length, form=form, batch_size=4), PIECES, config, corpus)
    return decisions(build_rows(corpus, PIECES, length, form=form), PIECES, config, corpus)


def test_the_filled_share_is_that_of_the_packed_rows():
    # A sentence a row: one segment of 8, or (a single one is longer than half a row only in shorter rows) two with a [SEP] more.
    assert decided("segments")["filled"] == pytest.approx(8 / 64, abs=0.01)
    assert decided("documents")["filled"] == 8 / 64
    assert decided("plain")["filled"] == 1.0
    assert decided("segments", stream=True)["filled"] == pytest.approx(8 / 64, abs=0.01)


@pytest.mark.parametrize("form", ["segments", "documents"])
def test_padding_is_said_and_plain_is_recommended(form):
    with pytest.warns(ElectraWarning, match=r"Only 1[23]% of the rows is text.*--form plain"):
        warn_of_waste(decided(form))


def test_rows_that_are_full_and_known_words_are_not_worth_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_waste(decided("plain"))


def test_text_that_is_left_out_is_said():
    found = decided("documents", [" ".join(SENTENCES[:30])] * 3)
    assert found["left_out"] == pytest.approx(1 - 62 / 180, abs=0.01)
    with pytest.warns(ElectraWarning, match="66% of the text is left out"):
        warn_of_waste(found)


def test_unknown_words_are_counted_among_the_words_and_said():
    found = decided("plain", ["the chef quark meal ."] * 60)
    assert found["unknown"] == pytest.approx(0.2, abs=0.02)
    with pytest.warns(ElectraWarning, match=r"20% of the tokens are \[UNK\]"):
        warn_of_waste(found)
    assert "20.1% of the tokens [UNK]" in in_words(found)


def test_the_line_says_what_is_held_out_and_what_the_warm_up_is():
    found = decided("plain")
    assert "held out: 2% of the documents, by a hash of their text" in in_words(found)
    assert found["warmup"] == 10
    assert json.loads(json.dumps(found)) == found


def test_inspected_words_that_the_model_does_not_know_are_said():
    with pytest.warns(ElectraWarning, match=r"2 of 4 tokens are \[UNK\].*tiny"):
        warn_of_unknown(["[CLS]", "the", "[UNK]", "[UNK]", ".", "[SEP]"], "tiny")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_unknown(["[CLS]", "the", "[SEP]"], "tiny")
