"""Predictions stay with their tokens, words with their pieces, and every rung of the ladder with the rules of corruption."""

import dataclasses

import pytest
import torch

from electra_helpers.errors import ElectraError
from electra_helpers.tasks.detection import detect, ladder
from electra_helpers.view.ladder import ladder_to_terminal


def test_predictions_are_those_of_their_own_tokens_specials_included(pretrained):
    found = detect(pretrained, "The chef cooked.")
    assert found.tokens == ["[CLS]", "the", "chef", "cook", "##ed", ".", "[SEP]"]
    ids = torch.tensor([[pretrained.tokenizer.backend.token_to_id(t) for t in found.tokens]])
    with torch.no_grad():
        by_hand = torch.sigmoid(pretrained.net.discriminator(ids)[0])
    assert found.p_replaced == pytest.approx(by_hand.tolist(), abs=1e-6)
    assert len(set(found.p_replaced)) == 7, "equal values would hide a shift"


def test_a_word_has_the_highest_probability_of_its_pieces(pretrained):
    found = detect(pretrained, "The unlikely meal.")
    assert found.words == ["The", "unlikely", "meal", "."]
    assert found.p_replaced_words[1] == max(found.p_replaced[2:5])


def test_words_are_cut_from_the_text_as_it_was_written(pretrained):
    found = detect(pretrained, "  Today天气好 , É .")
    assert found.words == ["Today", "天", "气", "好", ",", "É", "."]


@pytest.mark.parametrize(("text", "message"), [("  ", "empty"), ("the " * 23, "25 tokens, the model reads 24")])
def test_a_text_that_cannot_be_judged_is_refused(pretrained, text, message):
    with pytest.raises(ElectraError, match=message):
        detect(pretrained, text)


def test_the_rungs_agree_with_each_other(pretrained):
    text = "the chef cooked the unlikely meal today ."
    for seed in range(30):
        made = ladder(pretrained, text, seed=seed, share=0.4)
        for i, token in enumerate(made.tokens):
            if not made.is_selected[i]:
                assert made.masked[i] == made.sampled[i] == token
                assert made.top_k[i] is None
            assert made.masked[i] in (token, "[MASK]")
            assert made.is_replaced[i] == (made.sampled[i] != token)
        assert not made.is_selected[0]
        assert not made.is_selected[-1]
        assert sum(made.is_selected) == round(0.4 * len(made.tokens))
        proposals = next(x for x in made.top_k if x)
        assert [p for _, p in proposals] == sorted((p for _, p in proposals), reverse=True)
    assert made == ladder(pretrained, text, seed=29, share=0.4)


def test_the_judge_reads_the_corrupted_row(pretrained):
    made = ladder(pretrained, "the chef cooked the meal .", seed=3, share=0.5)
    assert any(made.is_replaced)
    # Judged as text again: the sampled words joined give the same probabilities, piece for piece.
    ids = torch.tensor([[pretrained.tokenizer.backend.token_to_id(t) for t in made.sampled]])
    with torch.no_grad():
        assert made.p_replaced == pytest.approx(torch.sigmoid(pretrained.net.discriminator(ids)[0]).tolist(), abs=1e-6)


def test_a_colder_generator_proposes_more_surely(pretrained):
    hot, cold = (ladder(pretrained, "the chef cooked .", temperature=t).top_k for t in (5.0, 0.2))
    pairs = [(h[0][1], c[0][1]) for h, c in zip(hot, cold, strict=True) if h]
    assert pairs
    assert all(c > h for h, c in pairs)


def test_a_missing_net_is_named(pretrained):
    half = dataclasses.replace(pretrained, net=pretrained.net)
    half.net.generator = None
    with pytest.raises(ElectraError, match="untrained has no generator"):
        ladder(half, "the chef .")
    half.net.discriminator = None
    with pytest.raises(ElectraError, match="untrained has no discriminator"):
        detect(half, "the chef .")


def test_the_terminal_shows_six_aligned_rows_and_wraps(pretrained):
    made = ladder(pretrained, "the chef cooked the unlikely meal today 天气 .", seed=1, share=0.4)
    shown = ladder_to_terminal(made, width=60)
    assert shown.count("P(replaced)") == 2
    assert all(len(line) <= 60 for line in shown.splitlines() if "←" not in line)
    assert shown.count("^") == sum(made.is_selected)
