"""The rules of ELECTRA's corruption, one test a rule; rows differ in length so that B ≠ L ≠ M."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.corruption import (
    Selection,
    corrupt,
    count_selected,
    draw_noise,
    draw_unigrams,
    gather_positions,
    label_replaced,
    mask_positions,
    most_selected,
    sample_tokens,
    scatter_at,
    select_positions,
    unigram_cumulative,
)
from electra_helpers.errors import ElectraError

PAD, CLS, SEP, MASK, V = 0, 2, 3, 4, 50
UNSELECTABLE = (PAD, CLS, SEP, MASK)


def random(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def ids():
    """(4, 30): rows of 30, 20, 7 and 3 real tokens, with a [MASK] already in the first."""
    rows = torch.randint(5, V, (4, 30), generator=random())
    for row, n in enumerate((30, 20, 7, 3)):
        rows[row, 0], rows[row, n - 1] = CLS, SEP
        rows[row, n:] = PAD
    rows[0, 10] = MASK
    return rows


def test_each_row_selects_its_own_number_of_positions(ids):
    picked = select_positions(ids, UNSELECTABLE, generator=random())
    # round(0.15 · 30) is 4 (half to even, as in the reference), of 20: 3, of 7: 1, of 3: max(1, 0)
    assert picked.is_valid.sum(1).tolist() == [4, 3, 1, 1]


def test_positions_are_unique_and_never_special_or_padding(ids):
    for seed in range(50):
        picked = select_positions(ids, UNSELECTABLE, share=0.5, generator=random(seed))
        for row in range(4):
            chosen = picked.positions[row][picked.is_valid[row]].tolist()
            assert len(set(chosen)) == len(chosen)
            assert not set(ids[row, chosen].tolist()) & set(UNSELECTABLE)


def test_never_more_are_selected_than_can_be():
    row = torch.tensor([[CLS, 7, MASK, MASK, MASK, MASK, SEP, PAD]])
    assert select_positions(row, UNSELECTABLE, share=0.9, generator=random()).is_valid.sum() == 1
    only_specials = torch.tensor([[CLS, SEP, PAD]])
    assert not select_positions(only_specials, UNSELECTABLE, generator=random()).is_valid.any()


def test_every_candidate_is_selected_equally_often():
    row = torch.full((2_000, 12), 9)
    row[:, 0], row[:, -1] = CLS, SEP
    counts = select_positions(row, UNSELECTABLE, share=0.25, generator=random()).as_mask(12).float().mean(0)
    assert torch.allclose(counts[1:-1], torch.tensor(3 / 10), atol=0.04)  # four standard errors


def test_the_passed_generator_decides(ids):
    first, second, other = (select_positions(ids, UNSELECTABLE, generator=random(s)).positions for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_flat_row_is_refused():
    with pytest.raises(ElectraError, match=r"shape \(7,\)"):
        select_positions(torch.arange(7), UNSELECTABLE)


def test_85_percent_of_the_selected_are_masked_and_the_rest_stay():
    ids = torch.randint(5, V, (400, 100), generator=random())
    picked = select_positions(ids, UNSELECTABLE, generator=random(1))
    before = ids.clone()
    seen = mask_positions(ids, picked, mask_id=MASK, generator=random(2))
    assert torch.equal(ids, before), "the caller's ids were changed"
    at = ids.gather(1, picked.positions), seen.gather(1, picked.positions)
    masked, kept = at[1] == MASK, at[1] == at[0]
    assert (masked | kept).all(), "0 % become a random token"
    assert masked.float().mean() == pytest.approx(0.85, abs=0.02)
    assert torch.equal(seen[~picked.as_mask(100)], ids[~picked.as_mask(100)])


def test_a_random_share_is_spread_over_the_vocabulary():
    ids = torch.full((500, 40), 7)
    picked = select_positions(ids, UNSELECTABLE, generator=random(1))
    seen = mask_positions(
        ids, picked, mask_id=MASK, keep_share=0.1, random_share=0.5, vocab_size=V, generator=random(2)
    )
    at = seen.gather(1, picked.positions)
    assert (at == MASK).float().mean() == pytest.approx(0.4, abs=0.03)
    assert len(at.unique()) > 0.9 * V


def test_invalid_slots_write_nothing():
    ids = torch.arange(10, 22).view(2, 6)
    selection = Selection(torch.tensor([[0, 3], [2, 0]]), torch.tensor([[True, True], [True, False]]))
    written = scatter_at(ids, selection, torch.tensor([[90, 91], [92, 93]]))
    assert written.tolist() == [[90, 11, 12, 91, 14, 15], [16, 17, 92, 19, 20, 21]]


def test_vectors_are_gathered_from_their_own_row():
    hidden = torch.arange(2 * 5 * 3).view(2, 5, 3)
    found = gather_positions(hidden, torch.tensor([[4, 0], [1, 1]]))
    assert torch.equal(found[0, 0], hidden[0, 4])
    assert torch.equal(found[1, 1], hidden[1, 1])


def test_samples_follow_the_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0]).expand(40_000, 4)
    for temperature in (0.5, 1.0, 2.0):
        shares = (
            torch.bincount(sample_tokens(logits, temperature=temperature, generator=random()), minlength=4) / 40_000
        )
        assert torch.allclose(shares, torch.softmax(logits[0] / temperature, 0), atol=0.01)


def test_inverse_cdf_and_multinomial_agree():
    logits = torch.randn(6, generator=random(4))
    ours = sample_tokens(logits.expand(60_000, 6), generator=random())
    theirs = torch.multinomial(torch.softmax(logits, 0), 60_000, replacement=True, generator=random())
    assert torch.allclose(torch.bincount(ours, minlength=6) / 6e4, torch.bincount(theirs, minlength=6) / 6e4, atol=0.01)


def test_an_impossible_token_is_never_sampled_even_at_the_ends():
    logits = torch.tensor([[float("-inf"), 0.0, float("-inf")]])
    for u in (0.0, 0.5, 1 - 2**-24):
        assert sample_tokens(logits, noise=torch.tensor([u])).item() == 1


def test_half_precision_logits_are_sampled_in_fp32():
    logits = torch.zeros(100, 30_000, dtype=torch.float16)
    u = 0.9 + (torch.arange(100) + 0.5) / 30_000
    # In fp16 the steps near 0.9 are 1/2048: whole groups of 15 tokens could never be drawn.
    assert (sample_tokens(logits, noise=u) - torch.arange(27_000, 27_100)).abs().max() <= 2


def test_no_gradient_flows_through_the_samples():
    logits = torch.randn(3, 9, requires_grad=True)
    assert not sample_tokens(logits, generator=random()).requires_grad


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ElectraError, match="temperature is 0"):
        sample_tokens(torch.zeros(1, 3), temperature=0)


def test_corruption_starts_from_the_original_so_no_mask_leaks(ids):
    picked = select_positions(ids, UNSELECTABLE, share=0.5, generator=random())
    changed = corrupt(ids, picked, torch.full_like(picked.positions, 9))
    assert (changed == MASK).sum() == (ids == MASK).sum()
    assert (changed[picked.as_mask(30)] == 9).all()
    assert torch.equal(changed[~picked.as_mask(30)], ids[~picked.as_mask(30)])


def test_a_correct_guess_counts_as_original(ids):
    picked = select_positions(ids, UNSELECTABLE, generator=random())
    lucky = ids.gather(1, picked.positions)
    assert not label_replaced(ids, corrupt(ids, picked, lucky)).any()


def test_noise_of_a_row_does_not_depend_on_how_the_batch_is_split(ids):
    noise = draw_noise(4, 30, random())
    whole = select_positions(ids, UNSELECTABLE, noise=noise.select)
    part = select_positions(ids[2:], UNSELECTABLE, noise=noise.rows(2, 4).select)
    assert torch.equal(whole.positions[2:], part.positions)
    assert noise.sample.shape == (4, most_selected(30))


def by_the_reference(real, length, share):
    """The number of predictions as the reference writes it down: fp32, half to even, max_predictions_per_seq."""
    product = np.float32(real) * np.float32(share)
    return max(1, min(int((share + 0.005) * length), int(np.round(product))))


@pytest.mark.parametrize("share", [0.15, 0.25])
def test_the_number_of_predictions_is_the_references_at_every_length(share):
    long = torch.zeros(512, 512, dtype=torch.long)
    for row in range(512):
        long[row, : row + 1] = 9
    right = [by_the_reference(real, 512, share) for real in range(1, 513)]
    assert count_selected(long, UNSELECTABLE, share).tolist() == right
    if share == 0.15:
        assert [right[n - 1] for n in (1, 190, 350, 390)] == [1, 29, 53, 59], "one fewer in double precision"


@pytest.mark.parametrize(("length", "n"), [(1, 1), (5, 1), (64, 9), (128, 19), (190, 29), (512, 77)])
def test_a_full_row_has_as_many_slots_as_predictions_and_the_reference_caps_both(length, n):
    # 0.15 · 64 rounds to 10, but int(0.155 · 64) is 9.
    full = torch.full((1, length), 9)
    assert most_selected(length) == n
    assert count_selected(full, UNSELECTABLE).tolist() == [n]
    assert select_positions(full, UNSELECTABLE, generator=random()).is_valid.tolist() == [[True] * n]


def test_slots_and_predictions_agree_whatever_the_length():
    for length in range(1, 1_025):
        product = (0.15 * torch.tensor(length).float()).round()
        assert most_selected(length) == max(1, min(int(product), int(0.155 * length)))


def test_unigrams_are_drawn_by_the_power_of_their_frequency_and_specials_never():
    text = torch.tensor([[CLS] * 50 + [5] * 16 + [6] * 9 + [8] * 1 + [PAD] * 3])
    until = unigram_cumulative(text, V, UNSELECTABLE, power=0.5)
    drawn = draw_unigrams(draw_noise(2_000, 40, random()), until, 1.0, random(1)).drawn
    share = torch.bincount(drawn.flatten(), minlength=V) / drawn.numel()
    # Square roots of 16, 9 and 1 over their sum, 8; the words that the text does not have stay at nothing.
    assert share.nonzero().flatten().tolist() == [5, 6, 8]
    assert torch.allclose(share[[5, 6, 8]], torch.tensor([4, 3, 1]) / 8, atol=0.02)


def test_a_word_that_the_text_does_not_have_is_drawn_at_no_power():
    until = unigram_cumulative(torch.tensor([[7, 7, 9]]), V, UNSELECTABLE, power=0.0)
    drawn = draw_unigrams(draw_noise(500, 40, random()), until, 1.0, random(1)).drawn
    assert drawn.unique().tolist() == [7, 9]


def test_a_share_of_the_fakes_is_drawn_and_the_other_randomness_stays():
    noise = draw_noise(3_000, 40, random())
    mixed = draw_unigrams(noise, unigram_cumulative(torch.tensor([[7, 8]]), V, UNSELECTABLE), 0.3, random(1))
    assert (mixed.drawn >= 0).float().mean() == pytest.approx(0.3, abs=0.02)
    assert (mixed.drawn[mixed.drawn < 0] == -1).all()
    # Which places are drawn says nothing of the numbers that the generator's sample is looked up with.
    assert noise.sample[mixed.drawn >= 0].mean() == pytest.approx(0.5, abs=0.02)
    assert all(getattr(mixed, name) is getattr(noise, name) for name in ("select", "mask", "sample"))
    assert mixed.rows(5, 7).drawn.equal(mixed.drawn[5:7])


ROWS = st.lists(
    st.lists(st.sampled_from([PAD, CLS, SEP, MASK, 1, *range(5, V)]), min_size=9, max_size=9), min_size=1, max_size=5
)


@given(rows=ROWS, share=st.floats(0.01, 0.99), seed=st.integers(0, 99), guess_right=st.booleans())
def test_whatever_the_rows_only_the_selected_change_and_only_what_changed_is_labelled(rows, share, seed, guess_right):
    original = torch.tensor(rows)
    before, may_change = original.clone(), ~torch.isin(original, torch.tensor(UNSELECTABLE))
    picked = select_positions(original, UNSELECTABLE, share=share, generator=random(seed))
    selected = picked.as_mask(9)
    assert not (selected & ~may_change).any()
    # As many as the share of the row's real tokens, [CLS] and [SEP] counted, but at least one and never more than there are.
    real, free = (original != PAD).sum(1).tolist(), may_change.sum(1).tolist()
    wanted = [min(by_the_reference(n, 9, share), most) for n, most in zip(real, free, strict=True)]
    assert selected.sum(1).tolist() == wanted
    assert picked.is_valid.sum(1).tolist() == wanted
    masked = mask_positions(original, picked, mask_id=MASK, generator=random(seed))
    assert masked[~selected].equal(original[~selected])
    sampled = torch.randint(5, V, picked.positions.shape, generator=random(seed))
    if guess_right:
        sampled = original.gather(1, picked.positions)
    corrupted = corrupt(original, picked, sampled)
    replaced = label_replaced(original, corrupted)
    assert corrupted[~selected].equal(original[~selected])
    assert replaced.equal(corrupted != original)
    assert not (replaced & ~selected).any()
    assert not (guess_right and replaced.any())
    assert original.equal(before)
