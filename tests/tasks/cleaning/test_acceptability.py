"""Scores of sentences are those of their own tokens, pairs are told apart by them, and ties help nobody."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.reading.labelled import labelled
from electra_helpers.tasks.cleaning.acceptability import (
    acceptability,
    open_pairs,
    preferred,
    sentence_score,
    token_scores,
)
from electra_helpers.tasks.detection import detect

TEXTS = ["The chef cooked.", "a meal", "the unlikely chef cooked the meal today .", "天 气 好"]


def test_each_text_has_the_scores_of_its_own_tokens_in_order(pretrained):
    for text, found in zip(TEXTS, token_scores(pretrained, TEXTS), strict=True):
        assert found == pytest.approx(detect(pretrained, text).p_replaced[1:-1], abs=1e-5)


@given(st.lists(st.floats(0, 0.999), min_size=1, max_size=20))
def test_the_sum_is_the_log_of_the_product_and_the_mean_its_share(p):
    total = sentence_score(p)
    assert total == pytest.approx(math.log(math.prod(1 - x for x in p)) if math.prod(1 - x for x in p) > 0 else total)
    assert sentence_score(p, "mean") == pytest.approx(total / len(p))
    assert sentence_score([*p, 0.5]) < total, "every further token takes something away"


def test_a_certain_replacement_is_a_very_low_score_and_no_error():
    assert -25 < sentence_score([1.0]) < -20


@pytest.mark.parametrize(("p", "how"), [([0.5], "max"), ([], "sum")])
def test_what_has_no_score_is_said(p, how):
    with pytest.raises(ElectraError, match=r"choose one of sum, mean|without tokens"):
        sentence_score(p, how)


def test_equal_scores_count_half():
    assert preferred([1.0, 2.0, 3.0], [0.0, 2.0, 4.0]).tolist() == [1.0, 0.5, 0.0]


def test_the_share_of_pairs_is_counted_by_phenomenon(pretrained):
    good, bad = detect(pretrained, TEXTS[0]), detect(pretrained, TEXTS[1])
    better = sentence_score(good.p_replaced[1:-1]) > sentence_score(bad.p_replaced[1:-1])
    rows = [
        {"sentence_good": TEXTS[0], "sentence_bad": TEXTS[1], "UID": "one"},
        {"sentence_good": TEXTS[1], "sentence_bad": TEXTS[0], "UID": "two"},
        {"sentence_good": TEXTS[2], "sentence_bad": TEXTS[2], "UID": "two"},
    ]
    found = acceptability(pretrained, labelled(rows, task="minimal pairs"))
    assert found["scores"]["one"] == float(better)
    assert found["scores"]["two"] == (float(not better) + 0.5) / 2
    assert found["scores"]["accuracy"] == pytest.approx((float(better) + float(not better) + 0.5) / 3)
    assert found["baselines"]["shorter sentence"] == {"accuracy": 0.5, "one": 0.0, "two": 0.75}


def test_a_context_is_read_before_every_sentence_and_not_scored(pretrained, electra, tmp_path):
    context = "the chef cooked ."
    for text, found in zip(TEXTS, token_scores(pretrained, TEXTS, context), strict=True):
        own = len(pretrained.tokenizer.encode(text).ids) - 2
        assert found == pytest.approx(detect(pretrained, f"{context} {text}").p_replaced[-1 - own : -1], abs=1e-5)
        assert found != pytest.approx(detect(pretrained, text).p_replaced[1:-1], abs=1e-5)
    rows = [{"sentence_good": TEXTS[0], "sentence_bad": TEXTS[1], "UID": "one"}]
    told = acceptability(pretrained, labelled(rows, task="minimal pairs"), context=context)
    assert told["said"].endswith(f"each behind {context!r}")
    with pytest.raises(ElectraError, match="text is empty"):
        token_scores(pretrained, [" "], context)


def test_the_command_passes_the_context_on(electra):
    options = ("acceptability", "--model", "electra-tiny-world-en", "--data", "world:sentences", "--json")
    plain, behind = (json.loads(electra("evaluate", *options, *more)[1]) for more in ((), ("--context", "It was so .")))
    assert (plain["context"], behind["context"]) == ("", "It was so .")
    assert plain["scores"] != behind["scores"]


def test_the_worlds_pairs_are_whole_stories_that_differ_by_one_sentence():
    stories, sentences = open_pairs("world"), open_pairs("world:sentences")
    assert len(stories) == len(sentences) == 500
    for whole, alone in zip(stories.rows[::50], sentences.rows[::50], strict=True):
        assert alone["good"] in whole["good"]
        assert whole["good"].replace(alone["good"], alone["bad"], 1) == whole["bad"] != whole["good"]
