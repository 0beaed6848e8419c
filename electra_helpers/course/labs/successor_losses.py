"""What ELECTRA's successors add to the step, each as a small function: the formulas of notebook 17.

Shapes: B rows, L length, M selected positions, V vocabulary, E embedding size, K candidates or generators. Losses are sums with a
count, as the loop takes them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.corruption import at_least_fp32, sample_tokens
from electra_helpers.model.electra import LossSum, rtd_loss_sum

LATTICE = 10_368_889  # odd, near 2^24 divided by the golden ratio: multiples of it fill the circle evenly
STEPS_OF_24_BITS = 2**24


def nce_loss_sum(energy: Tensor, log_q: Tensor, is_noise: Tensor, judged: Tensor, share: float) -> LossSum:
    """Electric: was the token at each place drawn from q, or does it stand in the text? All (B, L).

    P(noise) = sigmoid(E + log q + log(m / (1 − m))), m being the `share` of the places that hold noise: k noise tokens in a row of n have
    odds k·q against (n − k)·exp(−E). A drawn token counts as noise even where it is the original. Source: Clark et al. (2020),
    *Pre-training Transformers as energy-based cloze models*, and the authors' code, `run_pretraining.py`.
    """
    logit = at_least_fp32(energy) + log_q.detach() + math.log(share / (1 - share))  # (B, L)
    return rtd_loss_sum(logit, is_noise, judged)


def corrective_log_p(logits: Tensor, replaced: Tensor, original: Tensor, seen: Tensor) -> Tensor:
    """COCO-LM: log p(original) at the selected places, (B, M), of a net that may copy what it sees or draw a word.

    p(x) = copy · [x is what stands there] + (1 − copy) · softmax(x), copy = 1 − P(replaced). `logits` (B, M, V), `replaced` the judge's
    logits (B, M), which learn from their own loss alone: no gradient passes. Source: Meng et al. (2021), the corrective language model.
    """
    gate = at_least_fp32(replaced).detach()
    log_word = at_least_fp32(logits).log_softmax(-1).gather(-1, original[..., None])[..., 0]  # (B, M)
    drawn = F.logsigmoid(gate) + log_word
    copied = torch.where(seen == original, F.logsigmoid(-gate), float("-inf"))
    return torch.logaddexp(drawn, copied)


def corrective_loss_sum(logits: Tensor, replaced: Tensor, original: Tensor, seen: Tensor, valid: Tensor) -> LossSum:
    """The sum of −`corrective_log_p` over the valid places."""
    log_p = corrective_log_p(logits, replaced, original, seen)
    return LossSum(-log_p[valid].sum(), valid.sum())


def contrast_loss_sum(one: Tensor, other: Tensor, temperature: float = 1.0) -> LossSum:
    """COCO-LM's sequence contrast: which of the 2B − 1 other vectors is the second view of the same text? `one`, `other` (B, H).

    Cosines over the temperature (1 in the authors' code), a softmax over all vectors but the own: NT-Xent (Chen et al., 2020).
    """
    views = F.normalize(at_least_fp32(torch.cat([one, other])), dim=-1)  # (2B, H)
    alike = views @ views.T / temperature  # (2B, 2B)
    alike = alike.masked_fill(torch.eye(len(views), dtype=torch.bool, device=views.device), float("-inf"))
    partner = torch.arange(len(views), device=views.device).roll(len(one))  # i ↔ i + B
    return LossSum(F.cross_entropy(alike, partner, reduction="sum"), torch.tensor(len(views), device=views.device))


def draw_candidates(logits: Tensor, original: Tensor, noise: Tensor) -> Tensor:
    """TEAMS: the original and, for each of the `noise` (B, M, K − 1), another token drawn by the generator: ids (B, M, K), all different.

    Source: Shen et al. (2021) and TensorFlow Model Garden, `teams_pretrainer.py` (K = 5, the original first).
    """
    left = at_least_fp32(logits.detach()).clone()  # (B, M, V)
    found = [original]
    for u in noise.unbind(-1):
        left.scatter_(-1, found[-1][..., None], float("-inf"))  # without replacement
        found.append(sample_tokens(left, noise=u))
    return torch.stack(found, -1)


def selection_loss_sum(scores: Tensor, valid: Tensor) -> LossSum:
    """TEAMS: cross-entropy of the first of K candidates, the original, over the valid places: `scores` (B, M, K), `valid` (B, M)."""
    return LossSum(-at_least_fp32(scores).log_softmax(-1)[..., 0][valid].sum(), valid.sum())


def mixed_logits(logits: Tensor, votes: Tensor) -> Tensor:
    """AMOS: the logits of K generators (B, M, K, V), averaged by softmax(`votes`) (B, M, K); gradient reaches the votes alone.

    Source: Meng et al. (2022) and the authors' code, which mixes logits and not probabilities.
    """
    return (at_least_fp32(logits).detach() * votes.softmax(-1)[..., None]).sum(-2)


class _Reverse(torch.autograd.Function):
    """The same forward, the opposite gradient backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return -gradient


def fooling_vectors(sampled: Tensor, mixed: Tensor, table: Tensor) -> Tensor:
    """AMOS: the drawn tokens' rows of the `table` (V, E), (B, M, E), whose gradient reaches the mixture with its sign turned round.

    Forward they are exact rows; backward a drawn token counts as softmax(`mixed`) (straight-through). So the mixture learns to make the
    judge's loss larger, while the judge makes it smaller. The authors add Gumbel noise and a temperature to the soft part.
    """
    p = at_least_fp32(mixed).softmax(-1)  # (B, M, V)
    chosen = F.one_hot(sampled, p.shape[-1]).to(p.dtype) + p - p.detach()
    return _Reverse.apply(chosen) @ table.to(p.dtype)


def falling_temperature(share: float, start: float, end: float) -> float:
    """Fast-ELECTRA: the generator's temperature when `share` of the steps are done, in a straight line from `start` to `end`.

    Of Dong et al. (2023) only the abstract could be read here: "temperature scaling following a descending schedule". The line is ours.
    """
    return start + (end - start) * min(max(share, 0.0), 1.0)


def further(u: Tensor, count: int) -> Tensor:
    """`count` more uniform numbers for each of `u` (…), as (…, count): a pure function of it, so that a row keeps its numbers.

    The 24 binary digits of an fp32 number, times the powers of an odd number, modulo 2^24: each is uniform again (Korobov's lattice).

    >>> further(torch.tensor([0.25]), 2).shape
    torch.Size([1, 2])
    """
    digits = (u * STEPS_OF_24_BITS).long()
    powers = [pow(LATTICE, k + 1, STEPS_OF_24_BITS) for k in range(count)]
    return torch.stack([digits * power % STEPS_OF_24_BITS for power in powers], -1) / STEPS_OF_24_BITS
