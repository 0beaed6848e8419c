"""The generator's surprisal: what one pass a token gives by hand, and what it adds to P(replaced) on real sentences."""

import math

import pytest
import torch

import electra_helpers as eh
from electra_helpers.errors import ElectraError
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks import surprisal
from electra_helpers.tasks.surprisal import Surprisal, surprisals, suspect_words, suspicions, word_surprisals

SOUP = "The chef ate the meal and then he flew the soup to Paris."


@pytest.fixture(scope="module")
def real():
    return eh.load("electra-minilm-en")


def test_each_token_is_asked_for_alone_and_masked():
    model = eh.load("electra-tiny-world-en")
    texts = ["the chef cooked the meal .", "anna ate ."]
    found = surprisals(model, texts, rows=4)
    assert [len(row) for row in found] == [6, 3]
    for text, row in zip(texts, found, strict=True):
        ids = torch.tensor([model.tokenizer.encode(text).ids])
        for place, each in enumerate(row, 1):
            hidden = ids.clone()
            hidden[0, place] = model.tokenizer.mask_id
            with torch.no_grad():
                p = model.net.generator(hidden)[0, place].softmax(-1)
            assert each.nats == pytest.approx(-math.log(p[ids[0, place]]), abs=1e-4)
            assert each.expected == pytest.approx(-(p * p.log()).sum().item(), abs=1e-4)


def test_the_tokens_of_a_word_are_masked_together():
    model = eh.load("electra-mini-zh")
    text, words = "他骑着冰箱去上学。", ["他", "骑着", "冰箱", "上学", "。"]  # 去 is passed over
    [found], [each] = word_surprisals(model, [text], [words], rows=2), surprisals(model, [text])
    ids = torch.tensor([model.tokenizer.encode(text).ids])
    for word, nats in zip(words, found, strict=True):
        places = [1 + text.index(word) + i for i in range(len(word))]
        hidden = ids.clone()
        hidden[0, places] = model.tokenizer.mask_id
        with torch.no_grad():
            log_p = model.net.generator(hidden)[0].log_softmax(-1)
        assert nats == pytest.approx(-sum(log_p[i, ids[0, i]].item() for i in places), abs=1e-4)
    assert found[0] == pytest.approx(each[0].nats, abs=1e-4)  # a word of one token is asked for as ever
    assert found[2] > sum(alone.nats for alone in each[3:5]) + 1  # 冰 and 箱 no longer tell each other


def test_a_word_that_is_not_there_is_one_line():
    model = eh.load("electra-mini-zh")
    with pytest.raises(ElectraError, match="The word '冰柜' does not stand in '他骑着冰箱' behind"):
        word_surprisals(model, ["他骑着冰箱"], [["他", "冰柜"]])
    with pytest.raises(ElectraError, match="The word '他' does not stand"):
        word_surprisals(model, ["他骑着冰箱"], [["骑着", "他"]])
    with pytest.raises(ElectraError, match="The word ' ' has no token"):
        word_surprisals(model, ["他 骑着冰箱"], [["他", " ", "骑着"]])


def test_a_suspicion_moves_the_log_odds_by_half_of_what_is_unexpected():
    found = suspicions([0.2, 0.2, 0.2], [Surprisal(1.0, 2.0), Surprisal(3.0, 4.0), Surprisal(7.0, 3.0)])
    odds = [math.log(s / (1 - s)) - math.log(0.2 / 0.8) for s in found]
    assert odds == pytest.approx([-1.0, 0.0, 2.0])


def test_soup_and_flew_are_first_and_second(real):
    judged = eh.detect(real, SOUP)
    ranked = sorted(zip(suspect_words(real, judged), judged.words, strict=True), reverse=True)
    assert {word for _, word in ranked[:2]} == {"soup", "flew"}
    assert ranked[1][0] - ranked[2][0] >= 0.1
    assert judged.words.index("soup") not in sorted(range(13), key=lambda i: -judged.p_replaced_words[i])[:2]


def test_a_word_has_the_highest_suspicion_of_its_pieces(real):
    judged = eh.detect(real, "The thief was caught by the butter.")
    assert len(suspect_words(real, judged)) == len(judged.words)
    pieces = suspicions(judged.p_replaced[1:-1], surprisals(real, [judged.text])[0])
    for word, score in enumerate(suspect_words(real, judged)):
        own = [s for s, number in zip(pieces, judged.word_ids[1:-1], strict=True) if number == word]
        assert score == max(own)


def test_who_has_no_generator_or_a_long_text_is_not_asked(real):
    alone = Pretrained(torch.nn.Module(), real.tokenizer, "alone")
    alone.net.generator = None
    assert suspect_words(alone, eh.detect(real, SOUP)) is None
    with pytest.raises(ElectraError, match="no generator"):
        surprisals(alone, [SOUP])
    long = "word " * (surprisal.AT_ONCE + 1)
    assert suspect_words(real, eh.detect(real, long)) is None
