"""How ELECTRA's input is made: select → mask → sample → corrupt → label.

Every step is a small pure function on plain (B, L) tensors: it draws its randomness from the `torch.Generator` or the uniform
numbers that it is given and never changes its arguments. Training, widgets and exercises all use these functions.
Paper, Section 3.1 and Figure 2; the rules are those of the reference code, except that positions are unique (its issue 41).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from electra_helpers.errors import ElectraError

MASK_SHARE = 0.15  # of the real tokens are selected (paper, Table 6; 0.25 for large)
KEEP_SHARE = 0.15  # of the selected are shown to the generator as they are (reference code)
SLACK = 0.005  # M is at most int((share + SLACK) · L): the reference's max_predictions_per_seq
BLOCK = 128  # tokens whose probabilities are added up first when one is drawn


@dataclass(frozen=True, eq=False)
class Selection:
    """Which positions of each row are to be predicted: `positions` (B, M), and `is_valid` (B, M) where a row has fewer than M."""

    positions: Tensor
    is_valid: Tensor

    def as_mask(self, length: int) -> Tensor:
        """The same as a boolean (B, L) tensor."""
        zeros = torch.zeros(self.positions.shape[0], length, dtype=torch.bool, device=self.positions.device)
        return scatter_at(zeros, self, torch.ones_like(self.is_valid))


@dataclass(frozen=True, eq=False)
class Corruption:
    """One corrupted batch, from the selection to the labels; all (B, L) but `sampled_ids` (B, M)."""

    original_ids: Tensor
    masked_ids: Tensor  # what the generator saw
    selection: Selection
    sampled_ids: Tensor
    input_ids: Tensor  # what the discriminator sees
    is_replaced: Tensor  # what it should say

    @property
    def is_selected(self) -> Tensor:
        return self.selection.as_mask(self.original_ids.shape[1])


@dataclass(frozen=True, eq=False)
class Noise:
    """The randomness of one step: uniform numbers `select` (B, L), `mask` (B, M), `sample` (B, M), and where a share of the fakes does
    not come from the generator, `drawn` (B, M): their token ids, -1 where the generator is asked.
    """

    select: Tensor
    mask: Tensor
    sample: Tensor
    drawn: Tensor | None = None

    def rows(self, start: int, stop: int) -> Noise:
        """The numbers of some rows: a row keeps its numbers however the batch is split over processes."""
        return self._each(lambda x: x[start:stop])

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Noise:
        """The same numbers on a device."""
        return self._each(lambda x: x.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Noise:
        """The same numbers where a GPU can fetch them by itself."""
        return self._each(lambda x: x.pin_memory())

    def mixed_into(self, sampled: Tensor) -> Tensor:
        """The generator's tokens (B, M), but those of `drawn` where it has some."""
        if self.drawn is None:
            return sampled
        drawn = self.drawn[:, : sampled.shape[1]]
        return torch.where(drawn >= 0, drawn, sampled)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Noise:
        drawn = None if self.drawn is None else change(self.drawn)
        return Noise(change(self.select), change(self.mask), change(self.sample), drawn)


def most_selected(length: int, share: float = MASK_SHARE) -> int:
    """M: how many positions a full row of `length` tokens has selected, by the rule of `count_selected`."""
    return max(1, min(round(_fp32(_fp32(share) * length)), int((share + SLACK) * length)))


def _fp32(x: float) -> float:
    """A number rounded to fp32's 24 binary digits, by arithmetic that torch.compile folds (Veltkamp's splitting)."""
    scaled = x * (2**29 + 1)
    return scaled - (scaled - x)


def draw_noise(rows: int, length: int, generator: torch.Generator, share: float = MASK_SHARE) -> Noise:
    """All the randomness of one corruption. Drawn outside, so that a compiled step stays free of generators."""
    m = most_selected(length, share)
    return Noise(*(torch.rand(rows, width, generator=generator) for width in (length, m, m)))


def unigram_cumulative(ids: Tensor, vocab_size: int, excluded: Sequence[int], power: float = 1.0) -> Tensor:
    """The rising sum (V,) of count(w) ** power over a text's token ids, nothing for `excluded`: what `draw_unigrams` looks up."""
    counts = torch.bincount(ids.flatten(), minlength=vocab_size).double()
    counts[list(excluded)] = 0
    # 0 ** 0 is 1: a word that the text does not have is drawn at no power.
    return torch.where(counts > 0, counts**power, 0.0).cumsum(0)


def draw_unigrams(noise: Noise, cumulative: Tensor, share: float, generator: torch.Generator) -> Noise:
    """The same noise, a `share` of whose fakes are drawn from the words of the corpus, whatever the place.

    A generator that knows the language never proposes an absurd word, so that absurdity is then no sign of a fake: the best judge's
    odds follow q(w) / p(w), q being the mixture share · unigram + (1 - share) · generator.

    >>> import torch; from electra_helpers.corruption import draw_noise, draw_unigrams, unigram_cumulative
    >>> until = unigram_cumulative(torch.tensor([[2, 7, 3]]), 9, excluded=(2, 3))
    >>> draw_unigrams(draw_noise(1, 10, torch.Generator()), until, 1.0, torch.Generator()).drawn
    tensor([[7]])
    """
    choice, dart = (torch.rand(noise.sample.shape, generator=generator, dtype=torch.float64) for _ in range(2))
    words = torch.searchsorted(cumulative, dart * cumulative[-1], right=True).clamp(max=len(cumulative) - 1)
    return replace(noise, drawn=torch.where(choice < share, words, -1))


def scatter_at(ids: Tensor, selection: Selection, values: Tensor) -> Tensor:
    """A copy of `ids` (B, L) with `values` (B, M) written at the valid positions."""
    length = ids.shape[1]
    # Invalid slots are written to an extra column, which is then cut off: no real position is touched by them.
    target = torch.where(selection.is_valid, selection.positions, length)  # (B, M)
    wide = torch.cat([ids, ids[:, :1]], dim=1)  # (B, L + 1)
    return wide.scatter(1, target, values.to(ids.dtype))[:, :length]


def candidates(input_ids: Tensor, unselectable_ids: Sequence[int]) -> Tensor:
    """True (B, L) where a token may be selected."""
    # A handful of comparisons: torch.isin would sort.
    is_candidate = torch.ones_like(input_ids, dtype=torch.bool)
    for excluded in unselectable_ids:
        is_candidate &= input_ids != excluded
    return is_candidate


def count_selected(input_ids: Tensor, unselectable_ids: Sequence[int], share: float = MASK_SHARE) -> Tensor:
    """How many positions each row has selected (B,): max(1, round(share · real tokens)), at most M and its candidates."""
    real = (input_ids != unselectable_ids[0]).sum(1)
    # In fp32 and half to even, as the reference: 0.15 · 30 is then 4.5 exactly, hence 4; 0.15 · 190 is 28.500002, hence 29, where
    # fp64 has 28.5. An Apple GPU has no fp64 besides.
    wanted = (share * real.float()).round().long().clamp(1, most_selected(input_ids.shape[1], share))
    return torch.minimum(wanted, candidates(input_ids, unselectable_ids).sum(1))


def select_positions(
    input_ids: Tensor,
    unselectable_ids: Sequence[int],
    *,
    share: float = MASK_SHARE,
    noise: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Selection:
    """Choose the positions of each row that are to be predicted, without repeats.

    `input_ids` (B, L); per row n = max(1, round(share · real tokens)), at most int((share + 0.005) · L); real tokens are all but the
    first of `unselectable_ids`, which is [PAD]; [CLS] and [SEP] count, but are never chosen. Returns a `Selection` with positions
    (B, M), ascending.
    Raises `ElectraError` if `input_ids` is not (B, L). Source: paper, Section 3.1; reference `mask`, drawn without replacement.

    >>> import torch; from electra_helpers import select_positions
    >>> select_positions(torch.arange(20)[None], (0, 1, 2, 3), generator=torch.Generator().manual_seed(0)).positions.shape
    torch.Size([1, 3])

    Built in notebook 03.
    """
    if input_ids.dim() != 2:
        raise ElectraError(f"input_ids has shape {tuple(input_ids.shape)}: a batch of rows, (B, L), is needed.")
    rows, length = input_ids.shape
    is_candidate = candidates(input_ids, unselectable_ids)  # (B, L)
    wanted = count_selected(input_ids, unselectable_ids, share)  # (B,)
    keys = torch.rand(rows, length, generator=generator) if noise is None else noise
    keys = keys.to(input_ids.device).masked_fill(~is_candidate, -1.0)
    m = min(most_selected(length, share), length)
    chosen = keys.topk(m, dim=1).indices  # (B, M): the M largest keys are M different positions
    is_valid = torch.arange(m, device=input_ids.device) < wanted[:, None]
    # Into reading order, the unused slots last (they point at 0 and are marked invalid).
    ordered = torch.where(is_valid, chosen, length).sort(dim=1).values
    return Selection(torch.where(is_valid, ordered, 0), is_valid)


def mask_positions(
    input_ids: Tensor,
    selection: Selection,
    *,
    mask_id: int,
    keep_share: float = KEEP_SHARE,
    random_share: float = 0.0,
    vocab_size: int = 0,
    noise: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """What the generator sees: 85 % of the selected tokens become [MASK], 15 % stay as they are.

    `input_ids` (B, L) → (B, L), a new tensor. With `random_share` some become random ids below `vocab_size` (BERT's rule; ELECTRA's
    is 0). All selected positions are predicted, the kept ones too. Source: reference `mask`; BERT has 80/10/10.

    >>> import torch; from electra_helpers import mask_positions, select_positions
    >>> ids = torch.arange(20)[None]; picked = select_positions(ids, (0,), noise=torch.rand(1, 20))
    >>> int((mask_positions(ids, picked, mask_id=99, keep_share=0.0) == 99).sum())
    3

    Built in notebook 03.
    """
    u = torch.rand(selection.positions.shape, generator=generator) if noise is None else noise
    u = u.to(input_ids.device)
    current = input_ids.gather(1, selection.positions)  # (B, M)
    shown = torch.where(u < keep_share, current, mask_id)
    if random_share:
        # u inside [keep, keep + random) is itself uniform there: stretch it over the vocabulary.
        stretched = ((u - keep_share) / random_share * vocab_size).long().clamp(0, vocab_size - 1)
        shown = torch.where((u >= keep_share) & (u < keep_share + random_share), stretched, shown)
    return scatter_at(input_ids, selection, shown)


def gather_positions(hidden: Tensor, positions: Tensor) -> Tensor:
    """The vectors at the selected positions: `hidden` (B, L, H), `positions` (B, M) → (B, M, H).

    Done before the vocabulary product, so that (B, M, V) logits are made instead of (B, L, V): for B = L = 128 and V = 30,522 in fp32
    0.3 GiB instead of 1.9. Source: reference `gather_positions`.

    >>> import torch; from electra_helpers import gather_positions
    >>> gather_positions(torch.zeros(2, 9, 4), torch.tensor([[1, 5], [0, 8]])).shape
    torch.Size([2, 2, 4])

    Built in notebook 03.
    """
    return hidden.gather(1, positions[:, :, None].expand(-1, -1, hidden.shape[-1]))


def at_least_fp32(x: Tensor) -> Tensor:
    """Half precision becomes fp32; fp32 and fp64 stay: losses and sampling need the digits."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def sample_tokens(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    noise: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw one token per position from softmax(logits / temperature): `logits` (…, V) → ids (…).

    Inverse CDF: one uniform number a position is looked up on the cumulative probabilities. The same distribution as
    `torch.multinomial` or Gumbel noise, for 1 random number instead of V. Computed in fp32 at least and without gradient.
    Raises `ElectraError` for a temperature that is not positive. Source: paper, Section 3.1; reference `sample_from_softmax`.

    >>> import torch; from electra_helpers import sample_tokens
    >>> sample_tokens(torch.tensor([[0.0, 50.0, 0.0]]), noise=torch.tensor([0.3]))
    tensor([1])

    Built in notebook 04.
    """
    if temperature <= 0:
        raise ElectraError(f"temperature is {temperature}: it must be above 0 (small = the likeliest token).")
    logits = at_least_fp32(logits.detach())
    u = torch.rand(logits.shape[:-1], generator=generator) if noise is None else noise
    probabilities = torch.softmax(logits if temperature == 1 else logits / temperature, dim=-1)
    # In two steps, since adding up V numbers in order is slow: which block of tokens, then which token of it.
    vocab = probabilities.shape[-1]
    whole = vocab - vocab % BLOCK
    blocks = probabilities[..., :whole].unflatten(-1, (whole // BLOCK, BLOCK))  # (…, V / 128, 128)
    sums = torch.cat([blocks.sum(dim=-1), probabilities[..., whole:].sum(dim=-1, keepdim=True)], dim=-1)
    until = sums.cumsum(dim=-1)  # (…, V / 128 + 1), the last one about 1
    # Scaled by the true total, so that rounding cannot push u beyond the last token.
    dart = u.to(logits.device, until.dtype)[..., None] * until[..., -1:]
    block = first_above(until, dart)  # (…, 1)
    tokens = block * BLOCK + torch.arange(BLOCK, device=logits.device)  # (…, 128), in the last block some beyond V
    inside = probabilities.gather(-1, tokens.clamp(max=vocab - 1)).where(tokens < vocab, 0.0)
    before = until.gather(-1, block) - inside.sum(dim=-1, keepdim=True)
    chosen = block * BLOCK + first_above(inside.cumsum(dim=-1), dart - before)
    return chosen[..., 0].clamp(max=vocab - 1)


def first_above(cumulative: Tensor, dart: Tensor) -> Tensor:
    """The first place where a rising row passes the dart, (…, 1); a dart that rounding set at the end hits the last rise."""
    last = cumulative[..., -1:] * (1 - 2**-23)  # the next number below the sum in fp32
    found = torch.searchsorted(cumulative, torch.minimum(dart, last).clamp(min=0), right=True)
    return found.clamp(max=cumulative.shape[-1] - 1)  # only where probabilities are not numbers


def corrupt(original_ids: Tensor, selection: Selection, sampled_ids: Tensor) -> Tensor:
    """What the discriminator sees: the *original* ids with the sampled tokens at the selected positions.

    `original_ids` (B, L), `sampled_ids` (B, M) → (B, L). Never started from the masked ids: a [MASK] is not copied along.
    Source: paper, Section 3.1; reference `get_fake_data`.

    >>> import torch; from electra_helpers import corrupt, Selection
    >>> picked = Selection(torch.tensor([[2]]), torch.tensor([[True]]))
    >>> corrupt(torch.tensor([[5, 6, 7, 8]]), picked, torch.tensor([[9]]))
    tensor([[5, 6, 9, 8]])

    Built in notebook 04.
    """
    return scatter_at(original_ids, selection, sampled_ids)


def label_replaced(original_ids: Tensor, corrupted_ids: Tensor) -> Tensor:
    """The discriminator's targets (B, L): True where the token is another one than the original.

    A position that was selected and sampled right is *original*. Source: paper, Section 3.1.

    >>> import torch; from electra_helpers import label_replaced
    >>> label_replaced(torch.tensor([[5, 6]]), torch.tensor([[5, 9]]))
    tensor([[False,  True]])

    Built in notebook 04.
    """
    return original_ids != corrupted_ids
