"""What notebook 16 asks of nets without fine-tuning them, each held to a slow way to compute the same."""

import math

import pytest
import torch

from electra_helpers.course.labs import three_exams as exams
from electra_helpers.course.labs import three_objectives as lab
from electra_helpers.course.labs.replacements import world_model
from electra_helpers.errors import ElectraError
from electra_helpers.model.variants import EncoderOnly
from electra_helpers.text.packing import Batch


@pytest.fixture(scope="module")
def runs():
    return {name: lab.three_run(name, seed=0, percent=1, story_count=20) for name in lab.OBJECTIVES}


@pytest.fixture(scope="module")
def batch(runs):
    held_out = runs["clm"].task.held_out
    ids = held_out.input_ids[:2, :9].clone()
    ids[1, 6:] = 0  # [PAD]
    return Batch(ids, None, ids != 0)


@torch.no_grad()
def test_from_left_to_right_every_token_is_scored_by_a_pass_over_what_is_before_it(runs, batch):
    net = runs["clm"].task.model.eval().language_model
    found = exams.left_to_right(net, batch)
    for row, length in ((0, 9), (1, 6)):
        ids = batch.input_ids[row]
        by_hand = [float(net(ids[None, :t])[0, -1].log_softmax(-1)[ids[t]]) for t in range(1, length)]
        assert found[row].tolist() == pytest.approx([0, *by_hand] + [0] * (9 - length), abs=1e-4)


@torch.no_grad()
def test_one_hidden_masks_each_token_and_no_other(runs, batch):
    net = runs["mlm"].task.model.eval()
    mask_id = net.config.mask_id
    found = exams.one_hidden(net.generator, batch, mask_id)
    for row, length in ((0, 9), (1, 6)):
        for place in range(1, length):
            ids = batch.input_ids[row, :length].clone()
            ids[place] = mask_id
            by_hand = net.generator(ids[None])[0, place].log_softmax(-1)[batch.input_ids[row, place]]
            assert float(found[row, place]) == pytest.approx(float(by_hand), abs=1e-4)
    assert (found[1, 6:] == 0).all()
    assert (found[:, 0] == 0).all()
    assert not torch.allclose(found, exams.as_it_stands(net.generator, batch), atol=1e-3)


@torch.no_grad()
def test_a_discriminator_scores_by_the_log_of_one_minus_p(runs, batch):
    net = runs["rtd"].task.model.eval().discriminator
    p = torch.sigmoid(net(batch.input_ids, None, batch.attention_mask))
    by_hand = (1 - p).log() * batch.attention_mask
    by_hand[:, 0] = 0
    assert torch.allclose(exams.original(net, batch), by_hand, atol=1e-5)


def test_each_net_has_its_ways_and_a_bare_encoder_has_none(runs):
    ways = [way for name in lab.OBJECTIVES for way in exams.scorers(runs[name].task.model)]
    assert ways == ["left to right", "one hidden", "as it stands", "P(original)"] == list(lab.PASSES)
    with pytest.raises(ElectraError, match="bare encoder"):
        exams.scorers(EncoderOnly(runs["rtd"].task.model.config))


def test_the_surer_net_wins_pairs_and_finds_fakes():
    good = Batch(torch.tensor([[2, 5, 6, 3], [2, 5, 5, 3]]))
    bad = Batch(torch.tensor([[2, 5, 7, 3], [2, 7, 5, 3]]))
    score = lambda batch: -(batch.input_ids == 7).float()  # noqa: E731 - a judge that doubts token 7
    assert exams.pairs_won(score, good, bad) == 1.0
    assert exams.pairs_won(score, bad, good) == 0.0
    assert exams.found_fakes(score, bad, bad.input_ids == 7) == 1.0
    assert exams.found_fakes(lambda batch: -score(batch), bad, bad.input_ids == 7) == 0.0


@torch.no_grad()
def test_a_blank_is_filled_by_the_likeliest_word_that_each_net_can_know_of(runs, batch):
    places = torch.tensor([[4], [3]])
    net = runs["clm"].task.model.eval().language_model
    for row, place in enumerate(places[:, 0].tolist()):
        alone = Batch(batch.input_ids[row : row + 1], None, batch.attention_mask[row : row + 1])
        before = net(alone.input_ids[:, :place])[0, -1]
        assert exams.filled_from_the_left(net, alone, places[row : row + 1]).tolist() == [int(before.argmax())]
        sums = {}
        for word in before.topk(3).indices.tolist():
            tried = alone.input_ids.clone()
            tried[0, place] = word
            sums[word] = float(exams.left_to_right(net, Batch(tried, None, alone.attention_mask)).sum())
        (chosen,) = exams.filled_from_the_left(net, alone, places[row : row + 1], 3).tolist()
        assert chosen == max(sums, key=sums.get)
    both = runs["mlm"].task.model.eval()
    said = exams.filled(both.generator, batch, places, both.config.mask_id)
    hidden = batch.input_ids.scatter(1, places, both.config.mask_id)
    logits = both.generator(hidden, None, batch.attention_mask)
    assert said.tolist() == [int(logits[row, place].argmax()) for row, place in enumerate(places[:, 0].tolist())]


def test_a_text_is_written_word_by_word_until_it_ends(runs):
    run = runs["clm"]
    net = run.task.model.eval().language_model
    texts = exams.write(net, 6, tokenizer=run.tokenizer, length=30, seed=3)
    assert texts == exams.write(net, 6, tokenizer=run.tokenizer, length=30, seed=3)
    assert texts != exams.write(net, 6, tokenizer=run.tokenizer, length=30, seed=4)
    assert not {word for text in texts for word in text} & {"[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"}
    with torch.no_grad():
        net.head.bias[run.tokenizer.sep_id] += 50
    assert exams.write(net, 3, tokenizer=run.tokenizer, length=30) == [[], [], []]
    with torch.no_grad():
        net.head.bias[run.tokenizer.sep_id] -= 50


def test_runs_of_words_are_known_or_not():
    known = frozenset(exams.windows([list("abcdef")]))
    assert exams.share_known([list("abcdex")], known) == pytest.approx(2 / 3)
    assert exams.share_known([["a"]], known) == 0.0


def test_two_orders_of_a_masked_model_disagree_and_share_their_parts():
    text = "martin , a fisher , had a house in a pretty city ."
    found = exams.two_orders(world_model(), text, first=11, second=12)
    assert set(found) == {"left to right", "right to left", "pseudo"}
    assert found["left to right"] > 1.5 * found["right to left"]


def test_no_net_is_below_the_grammar_and_one_that_knows_nothing_pays_ln_v(runs):
    run = runs["clm"]
    net = run.task.model.eval().language_model
    found = exams.beside_the_grammar(net, run.tokenizer, 6)
    assert found["grammar"] < 1 < found["net"]
    table = net.encoder.embeddings.word.weight
    kept = table.detach().clone()
    with torch.no_grad():
        table.zero_()
    assert exams.beside_the_grammar(net, run.tokenizer, 3)["net"] == pytest.approx(math.log(len(table)), rel=1e-5)
    with torch.no_grad():
        table.copy_(kept)
