"""Dropout that costs little on a CPU: 16 random bits an element are drawn, not a float, and one byte an element is kept for the gradient.

Drawing is most of what dropout costs there: for 2 million elements, both passes on one core, torch took 24 ms, this 7 (tests/benchmarks).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = 2**16


def dropout(x: Tensor, p: float, training: bool = True) -> Tensor:
    """Zero each element with probability p (to the nearest 1/65,536) and scale the rest, so that the mean stays."""
    if not training or p == 0:
        return x
    return _Dropped.apply(x, p) if is_cheap(x) else F.dropout(x, p)


def dropped_product(weights: Tensor, v: Tensor, p: float) -> Tensor:
    """`dropout(weights, p) @ v`; the dropped weights are made again for the gradient instead of kept."""
    if p == 0:
        return weights @ v
    return _DroppedProduct.apply(weights, v, p) if is_cheap(weights) else F.dropout(weights, p) @ v


def is_cheap(x: Tensor) -> bool:
    """Whether the functions of this file serve a tensor; for others torch's own do."""
    known = x.dtype in (torch.float32, torch.float64, torch.bfloat16)
    return x.device.type == "cpu" and known and not torch.compiler.is_compiling()


def keep_mask(shape: torch.Size, p: float) -> Tensor:
    """0 with probability p, else 1, as bytes; torch's global generator decides."""
    count = shape.numel()
    # numpy draws 64 bits three times as fast as torch's Mersenne twister does.
    seed = int(torch.empty((), dtype=torch.int64).random_())
    words = np.random.SFC64(seed).random_raw(-(-count // 4))
    lanes = torch.from_numpy(words.view(np.int16)[:count])  # uniform on −32,768 … 32,767
    # Compared into numbers: a comparison into bool is not vectorised and takes eight times as long.
    keep = torch.ge(lanes, dropped_levels(p) - LEVELS // 2, out=torch.empty_like(lanes))
    return keep.to(torch.uint8).view(shape)


def dropped_levels(p: float) -> int:
    """How many of the `LEVELS` numbers drop an element."""
    return round(p * LEVELS)


def masked(x: Tensor, keep: Tensor, p: float) -> Tensor:
    """x · mask / (1 − p)."""
    return keep.to(x.dtype).mul_(LEVELS / (LEVELS - dropped_levels(p))).mul_(x)


class _Dropped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        keep, ctx.p = keep_mask(x.shape, p), p
        ctx.save_for_backward(keep)
        return masked(x, keep, p)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (keep,) = ctx.saved_tensors
        return masked(gradient, keep, ctx.p), None


class _DroppedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, v: Tensor, p: float) -> Tensor:
        keep, ctx.p = keep_mask(weights.shape, p), p
        ctx.save_for_backward(weights, v, keep)
        return masked(weights, keep, p).to(v.dtype) @ v

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, v, keep = ctx.saved_tensors
        to_weights = (gradient @ v.transpose(-1, -2)).to(weights.dtype)
        dropped = masked(weights, keep, ctx.p).to(v.dtype)
        return masked(to_weights, keep, ctx.p), dropped.transpose(-1, -2) @ gradient, None


class Dropout(nn.Module):
    """`dropout` as a module: active in training mode only."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p, self.training)
