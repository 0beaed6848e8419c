"""Exercise 02.1, attention: the readable solution, and what judges a learner's."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.course.engine.grading import Mistake
from electra_helpers.language import worded, wording

NO = float("-inf")


def attention(q, k, v, mask=None):
    """Scaled dot-product attention: the values (B, A, Lk, D) mixed for every query → (B, A, Lq, D)."""
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5  # (B, A, Lq, Lk)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))  # before the softmax
    weights = scores.softmax(dim=-1)  # over the keys: every query's weights sum to 1
    return weights @ v  # (B, A, Lq, D)


def _sample() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """B=2, A=3, Lq=4, Lk=5, D=8: all different, so that a swapped axis shows; one key of row 0 and two of row 1 are padding."""
    random = torch.Generator().manual_seed(2)
    q, k, v = (torch.randn(2, 3, length, 8, generator=random) for length in (4, 5, 5))
    mask = torch.ones(2, 1, 1, 5, dtype=torch.bool)
    mask[0, ..., 4:], mask[1, ..., 3:] = False, False
    return q * 2, k, v, mask


def _attend(function: Callable, *inputs: Tensor | None) -> Tensor:
    given = [None if x is None else x.clone() for x in inputs]
    found = function(*given)
    if not isinstance(found, Tensor):
        raise Mistake("Return a tensor, not {kind}.", kind=type(found).__name__)
    if any(x is not None and not torch.equal(x, y) for x, y in zip(inputs, given, strict=True)):
        raise Mistake("Your function changed its inputs in place: masked_fill_ and /= do, masked_fill and / do not.")
    q, _, v, *_ = inputs
    if found.shape != (*q.shape[:-1], v.shape[-1]):
        raise Mistake(
            "With Lq = 4 queries and Lk = 5 keys the result should be (2, 3, 4, 8), not {found}: one vector a query.",
            found=tuple(found.shape),
        )
    return found


# Typical wrong ways to attend: what each computes, and what to say.
def _mixed_by(scores: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """What attention gives for these scores (B, A, Lq, Lk)."""
    hidden = scores if mask is None else scores.masked_fill(~mask, NO)
    return hidden.softmax(-1).nan_to_num() @ v


def _wrong_ways(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> list[tuple[Tensor, str]]:
    raw, root = q @ k.transpose(-1, -2), q.shape[-1] ** 0.5
    hidden = raw / root if mask is None else (raw / root).masked_fill(~mask, NO)
    ways = [
        (
            (raw if mask is None else raw.masked_fill(~mask, NO)).softmax(-1) @ v,
            wording("The scores are not divided by √D: with D = 8 the softmax gets too sharp."),
        ),
        ((hidden / root).softmax(-1) @ v, wording("The scores are divided by D instead of √D.")),
        (
            hidden.softmax(-2).nan_to_num() @ v,
            wording(
                "The softmax runs over the queries (dim=-2). It belongs over the keys: the weights of one query sum to 1."
            ),
        ),
    ]
    of_keys, causal = raw / k.shape[-2] ** 0.5, torch.ones(raw.shape[-2:], dtype=torch.bool).tril()
    ways += [
        (
            _mixed_by(of_keys, v, mask),
            wording("The scores are divided by the root of the number of keys. √D is the head size's, q.shape[-1]."),
        ),
        (
            _mixed_by((raw / root).masked_fill(~causal, NO), v, mask),
            wording(
                "A query reads no key behind its own place: that is a decoder, which writes from left to right. ELECTRA reads both ways."
            ),
        ),
    ]
    if mask is None:
        return ways
    first = torch.ones_like(mask) & mask[:1]
    ways.append(
        (
            _mixed_by(raw / root, v, first),
            wording("The mask of row 0 hides keys in every row: each row of the batch has a mask row of its own."),
        )
    )
    plain = (raw / root).softmax(-1)
    return [
        *ways,
        (plain @ v, wording("The mask has no effect: padding is read like any word.")),
        (
            (plain * mask) @ v,
            wording(
                "The mask comes after the softmax, so the weights no longer sum to 1. Put -inf into the scores before it."
            ),
        ),
        (
            (raw / root).masked_fill(mask, NO).softmax(-1) @ v,
            wording("The mask is upside down: True means *may be read*. Hide where it is False."),
        ),
        (
            (raw / root * mask).softmax(-1) @ v,
            wording("A score of 0 is not hidden: exp(0) = 1 still gets weight. Use -inf."),
        ),
    ]


def _compare(found: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> None:
    found = found.float()  # computed in fp64 it is as right
    right = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    if torch.allclose(found, right, atol=1e-4):
        return
    for wrong, message in _wrong_ways(q, k, v, mask):
        if torch.allclose(found, wrong, atol=1e-4):
            raise Mistake(message)
    if mask is not None and _leaks(found, q, k, v, mask):
        raise Mistake(
            "A hidden key still gets a little weight: the number that you put into its score is not low enough. float('-inf') gives"
            " exactly 0."
        )
    if found.isnan().any():
        raise Mistake(
            "There are NaN in the result: is a row of scores all -inf? Mask the keys (last axis), not the queries."
        )
    raise Mistake(
        "The values are off by up to {found:.2g}. Follow one query: its scores with every key, divided"
        " by √D; their softmax; the values, weighted by it.",
        found=float((found - right).abs().max()),
    )


def _leaks(found: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> bool:
    """Whether a finite score stands where -inf should: then the result lies between the right one and the one without a mask."""
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    return any(
        torch.allclose(found, scores.masked_fill(~mask, low).softmax(-1) @ v, atol=1e-4)
        or torch.allclose(found, (scores + (~mask) * low).softmax(-1) @ v, atol=1e-4)
        for low in (-1.0, -2.0, -5.0, -10.0, -20.0, -100.0)
    )


def attends_without_mask(function: Callable) -> None:
    """Check of 02.1: every query reads every key."""
    q, k, v, _ = _sample()
    _compare(_attend(function, q, k, v, None), q, k, v, None)


def attends_with_mask(function: Callable) -> None:
    """Check of 02.1: what the mask hides gets no weight, and the rest of a row still sums to 1."""
    q, k, v, mask = _sample()
    _compare(_attend(function, q, k, v, mask), q, k, v, mask)


def strong_scores_are_hidden(function: Callable) -> None:
    """Scores of a hundred, of which the highest are hidden: a mask that is not -inf lets them through."""
    q, k, v, mask = _sample()
    q, k = 6 * q, torch.where(mask.transpose(-1, -2), k, 6 * k)
    found = _attend(function, q, k, v, mask).float()
    if not torch.allclose(found, F.scaled_dot_product_attention(q, k, v, attn_mask=mask), atol=1e-3):
        if not torch.isfinite(found).all():
            raise Mistake(
                "With scores of a hundred your result is not finite: torch's softmax keeps e to the score within range."
            )
        raise Mistake(
            "With scores of a hundred a hidden key still gets a little weight: only float('-inf') hides it for certain."
        )


def low_scores_are_kept(function: Callable) -> None:
    """All scores lie far below 0: what was put into the hidden ones is then the highest, if it is a number."""
    q, k, v, mask = _sample()
    q, k = q * 0.1 + 5.0, k - 3.5  # scores near -50
    found = _attend(function, q, k, v, mask).float()
    if not torch.allclose(found, F.scaled_dot_product_attention(q, k, v, attn_mask=mask), atol=1e-3):
        raise Mistake(
            "Where all scores are low, near −50, a hidden key gets more than a little weight: your number is higher than they are."
            " float('-inf') is below any."
        )


def gradient_comes_back(function: Callable) -> None:
    """Check of 02.1: queries, keys and values can be learned through the result."""
    q, k, v, mask = _sample()
    leaves = [x.clone().requires_grad_() for x in (q, k, v)]
    found = function(*leaves, mask)
    message = wording(
        "No gradient flows back to {names}: nothing could be learnt. Do not detach, and do not go through numpy, .tolist() or .item()."
    )
    if not found.requires_grad:
        raise Mistake(message, names=worded("q, k and v"))
    given = torch.autograd.grad(found.sum() + (found**2).sum(), leaves, allow_unused=True)
    for name, gradient in zip("qkv", given, strict=True):
        if gradient is None or not gradient.any():
            raise Mistake(message, names=name)
