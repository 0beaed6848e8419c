"""Filling and redrawing: blanks and nothing but blanks change, one place a row, by the one who is asked; the same seed writes the same."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.tasks.generation import (
    NEVER,
    Draft,
    as_text,
    critic_scores,
    distinct_n,
    doubt,
    draft_of,
    fill,
    generate,
    gibbs_step,
    guesser,
    own_probability,
    redo,
)

TEXT = "the chef cooked the unlikely meal today ."


@pytest.fixture
def draft(pretrained):
    """Rows of different length with different numbers of blanks."""
    rows = [pretrained.tokenizer.encode(text).ids for text in (TEXT, "a chef cooked .", "the meal today , 天 气 .")]
    length = max(map(len, rows))
    ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
    is_blank = torch.zeros_like(ids, dtype=torch.bool)
    is_blank[0, [2, 5, 8]] = is_blank[1, [1, 3]] = is_blank[2, [1]] = True
    return Draft(ids, is_blank, ids != 0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("order", ["one by one", "at once"])
def test_all_blanks_are_filled_and_nothing_else_changes(order, pretrained, draft):
    mask_id = pretrained.net.config.mask_id
    seen = set()
    for seed in range(40):
        filled = fill(draft, guesser(pretrained, draft), mask_id=mask_id, order=order, generator=seeded(seed))
        assert torch.equal(filled.ids[~draft.is_blank], draft.ids[~draft.is_blank])
        drawn = filled.ids[draft.is_blank].tolist()
        assert not set(drawn) & set(pretrained.tokenizer.special_ids)
        seen.add(tuple(drawn))
    assert len(seen) > 20, "each seed draws"


def test_one_by_one_each_blank_knows_those_before(pretrained, draft):
    seen = []

    def guess(ids, positions):
        seen.append((ids == pretrained.net.config.mask_id).sum(1).tolist())
        return torch.eye(pretrained.tokenizer.vocab_size)[7].expand(*positions.shape, -1) * 99

    fill(draft, guess, mask_id=pretrained.net.config.mask_id, generator=seeded())
    assert [row[0] for row in seen] == [3, 2, 1]
    seen.clear()
    fill(draft, guess, mask_id=pretrained.net.config.mask_id, order="at once", generator=seeded())
    assert seen == [[3, 2, 1]]


def test_a_step_hides_one_token_of_each_row_and_draws_by_the_given_probabilities(pretrained):
    ids = torch.tensor([[2, 5, 6, 3]]).repeat(3000, 1)
    positions = torch.arange(3000) % 2 + 1
    shown = []

    def guess(rows, where):
        shown.append((rows.clone(), where.clone()))
        logits = torch.full((*where.shape, 9), NEVER)
        logits[..., 7], logits[..., 8] = 0.0, torch.log(torch.tensor(3.0))
        return logits

    new = gibbs_step(ids, positions, guess, mask_id=4, generator=seeded())
    rows, where = shown[0]
    assert torch.equal(where[:, 0], positions)
    assert torch.equal(rows, ids.scatter(1, positions[:, None], 4))
    drawn = new.gather(1, positions[:, None])[:, 0]
    assert 0.7 < float((drawn == 8).float().mean()) < 0.8
    assert torch.equal(new.scatter(1, positions[:, None], 0), ids.scatter(1, positions[:, None], 0))
    assert ids[0].tolist() == [2, 5, 6, 3], "the caller's rows stay"


def test_the_critic_picks_the_blank_with_the_highest_p_replaced(pretrained, draft):
    guess = guesser(pretrained, draft)
    with torch.no_grad():
        p = torch.sigmoid(pretrained.net.discriminator(draft.ids, None, draft.is_real))
    picked = doubt(pretrained, draft, "critic", guess=guess).argmax(1)
    for row in range(len(draft)):
        blanks = draft.is_blank[row].nonzero()[:, 0]
        assert picked[row] == blanks[p[row, blanks].argmax()]
    assert torch.allclose(critic_scores(pretrained, draft), p, atol=1e-6)


def test_confidence_asks_the_generator_for_each_blanks_own_token_hidden_alone(pretrained, draft):
    found = own_probability(draft, guesser(pretrained, draft), pretrained.net.config.mask_id)
    row, position = 0, 5
    ids = draft.ids[:1].clone()  # the longest row, without padding
    own, ids[0, position] = int(ids[0, position]), pretrained.net.config.mask_id
    with torch.no_grad():
        logits = pretrained.net.generator(ids, positions=torch.tensor([[position]]))[0, 0]
    logits[list(pretrained.tokenizer.special_ids)] = NEVER
    assert float(found[row, position]) == pytest.approx(float(torch.softmax(logits, -1)[own]), abs=1e-5)
    assert (found[~draft.is_blank] == 1).all()
    picked = doubt(pretrained, draft, "confidence", guess=guesser(pretrained, draft)).argmax(1)
    assert draft.is_blank.gather(1, picked[:, None]).all()


@pytest.mark.parametrize("by", ["critic", "random", "confidence"])
def test_redrawing_touches_one_blank_of_each_row_at_a_time(by, pretrained, draft):
    rows = [draft.ids]
    places = []
    redo(
        pretrained,
        draft,
        12,
        by=by,
        generator=seeded(),
        watch=lambda _, positions, now: (places.append(positions), rows.append(now.ids)),
    )
    assert len(places) == 12
    for before, after, where in zip(rows, rows[1:], places, strict=False):
        changed = before != after
        assert changed.sum(1).max() <= 1
        assert not changed[~draft.is_blank].any()
        assert draft.is_blank.gather(1, where[:, None]).all()
    assert not torch.equal(rows[0], rows[-1])


def test_a_draft_has_the_blanks_that_are_typed_or_a_share_of_the_words(pretrained):
    typed = draft_of(pretrained, "the ___ cooked the [MASK] .", count=2, words=1, share=0.5, seed=0)
    assert typed.is_blank.tolist() == [[False, False, True, False, False, False, True, False, False]] * 2
    shared = draft_of(pretrained, TEXT, count=1, words=1, share=0.5, seed=0)
    assert int(shared.is_blank.sum()) == round(0.5 * shared.ids.shape[1])
    nothing = draft_of(pretrained, None, count=1, words=7, share=0.5, seed=0)
    assert nothing.is_blank.tolist() == [[False, *[True] * 7, False]]


def test_the_same_seed_writes_the_same_and_another_something_else(pretrained):
    texts = [generate(pretrained, TEXT, count=3, share=0.6, seed=seed) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    cold = generate(pretrained, "the ___ cooked", count=6, steps=0, temperature=0.01)
    assert len(set(cold)) == 1, "near temperature 0 only the likeliest word is drawn"


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=4), st.integers(1, 3))
def test_distinct_n_is_a_share_and_1_without_repeats(texts, n):
    value = distinct_n(texts, n)
    assert 0 <= value <= 1
    grams = [tuple(t[i : i + n]) for t in texts for i in range(len(t) - n + 1)]
    assert (value == 1) == (len(grams) > 0 and len(set(grams)) == len(grams))
    assert distinct_n([*texts, *texts], n) == pytest.approx(value / 2)


def test_tokens_are_written_as_people_write_them():
    assert (
        as_text(["the", "un", "##like", "##ly", "chef", ",", "天", "气", "。", "好"]) == "the unlikely chef, 天气。好"
    )


BAD = {
    "temperature": ({"temperature": 0.0}, "temperature is 0.0"),
    "order": ({"order": "backwards"}, "choose one of one by one, at once"),
    "by": ({"by": "luck"}, "choose one of critic, random, confidence"),
    "count": ({"count": 0}, "at least one text"),
    "words": ({"words": 999}, "writes 1 to 22 tokens"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_said(name, pretrained):
    settings, message = BAD[name]
    with pytest.raises(ElectraError, match=message):
        generate(pretrained, None, **({"words": 5} | settings))


def test_a_missing_net_is_named(pretrained):
    pretrained.net.discriminator = None
    assert generate(pretrained, TEXT, by="random", steps=2)
    with pytest.raises(ElectraError, match="no discriminator"):
        generate(pretrained, TEXT)
    pretrained.net.generator = None
    with pytest.raises(ElectraError, match="no generator"):
        generate(pretrained, TEXT)
