"""What is computed faster on a CPU than by torch, with the same results: dropout, attention with dropout, Linear layers, cross-entropy.

- Dropout draws 16 random bits an element, not a float, and keeps one byte an element for the gradient. Drawing is most of what dropout
  takes on a CPU: for 2 million elements, both passes on one core, torch took 24 ms, this 7 (tests/benchmarks).
- Where only some places of the rows are computed, the noise is drawn for all of them (`places`): what is dropped there does not depend
  on whether the others are computed.
- torch's wheels for x86 hand fp32 products to MKL; oneDNN computes those with the weights here. On an AMD EPYC and with the shapes of
  ELECTRA-Small it took 8 to 15 % less time for the output and 14 to 19 % less for the gradient of the input; on an Intel Xeon 1 to 11 %
  less for the output and the same for the gradient (tests/benchmarks). For the gradient of the weights it gained nothing.
- The gradient of the cross-entropy is made in one tensor of N times V; torch makes two.

Nothing here is needed to understand ELECTRA: read `linear`, `dropout`, `attend` and `cross_entropy_sum` as torch's functions.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.utils.flop_counter import register_flop_formula

LEVELS = 2**16  # of the random numbers that dropout compares
IGNORED = -100  # a target that cross-entropy passes over, as in torch
HAS_ONEDNN = (
    platform.machine() in ("x86_64", "AMD64")
    and torch.backends.mkldnn.is_available()
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, p: float = 0.0, places: int = 0) -> Tensor:
    """Attention with dropout p on its weights: q (…, Lq, D), k and v (…, Lk, D) → (…, Lq, D); `mask` is True on keys to attend to.

    `places`: of how many queries those of q are the first (0: all).

    SDPA, but on a CPU with dropout, for which SDPA has no fused form there, and in bf16, where its backward pass takes four times as
    long as these products (tests/benchmarks).
    """
    if q.device.type == "cpu" and (p or q.dtype == torch.bfloat16):
        return dropped_product(attention_weights(q, k, mask), v, p, places)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q kᵀ / √D) over the keys: (…, Lq, D), (…, Lk, D) → (…, Lq, Lk)."""
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # (…, Lq, Lk)
    return torch.softmax(scores if mask is None else scores.masked_fill(~mask, float("-inf")), dim=-1)


def dropout(x: Tensor, p: float, training: bool = True, places: int = 0) -> Tensor:
    """Zero each element of x (…, L, H) with probability p (to the nearest 1/65,536) and scale the rest, so that the mean stays.

    `places`: of how many places along L those of x are the first (0: all).
    """
    if not training or p == 0:
        return x
    return _Dropped.apply(x, p, places) if is_cheap(x) else F.dropout(x, p)


def dropped_product(weights: Tensor, v: Tensor, p: float, places: int = 0) -> Tensor:
    """`dropout(weights, p) @ v`; the dropped weights are made again for the gradient instead of kept."""
    if p == 0:
        return weights @ v
    return _DroppedProduct.apply(weights, v, p, places) if is_cheap(weights) else F.dropout(weights, p) @ v


def is_cheap(x: Tensor) -> bool:
    """Whether the functions of this file serve a tensor; for others torch's own do."""
    known = x.dtype in (torch.float32, torch.float64, torch.bfloat16)
    return x.device.type == "cpu" and known and not torch.compiler.is_compiling()


def keep_mask(shape: torch.Size, p: float, places: int = 0) -> Tensor:
    """0 with probability p, else 1, as bytes; torch's global generator decides. Drawn for `places` along the second axis from the end."""
    if places and places > shape[-2]:
        return keep_mask(torch.Size((*shape[:-2], places, shape[-1])), p)[..., : shape[-2], :]
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
    def forward(ctx: Any, x: Tensor, p: float, places: int) -> Tensor:
        keep, ctx.p = keep_mask(x.shape, p, places), p
        ctx.save_for_backward(keep)
        return masked(x, keep, p)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (keep,) = ctx.saved_tensors
        return masked(gradient, keep, ctx.p), None, None


class _DroppedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, v: Tensor, p: float, places: int) -> Tensor:
        keep, ctx.p = keep_mask(weights.shape, p, places), p
        ctx.save_for_backward(weights, v, keep)
        return masked(weights, keep, p).to(v.dtype) @ v

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        weights, v, keep = ctx.saved_tensors
        to_weights = (gradient @ v.transpose(-1, -2)).to(weights.dtype)
        dropped = masked(weights, keep, ctx.p).to(v.dtype)
        return masked(to_weights, keep, ctx.p), dropped.transpose(-1, -2) @ gradient, None, None


class Dropout(nn.Module):
    """`dropout` as a module: active in training mode only."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor, places: int = 0) -> Tensor:
        return dropout(x, self.p, self.training, places)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias`: x (…, I), weight (O, I) → (…, O)."""
    return _Product.apply(x, weight, bias) if by_onednn(x, weight) else F.linear(x, weight, bias)


def by_onednn(x: Tensor, weight: Tensor) -> bool:
    """Whether a product is one that oneDNN computes faster: plain fp32 matrices on a CPU, outside of autocast and compiled code."""
    plain = x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32 and x.numel() > 0
    return HAS_ONEDNN and plain and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling()


def product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same as `linear`, by oneDNN and without a gradient."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


if HAS_ONEDNN:

    @register_flop_formula(torch.ops.mkldnn._linear_pointwise)
    def operations(x: Sequence[int], weight: Sequence[int], *_: Any, **__: Any) -> int:
        """What torch's counter adds for a product, which it would pass over otherwise, from the shapes."""
        return 2 * math.prod(x) * weight[0]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad
        flat = gradient.reshape(-1, gradient.shape[-1])  # (N, O)
        return (
            product(gradient, weight.t(), None) if wants_x else None,
            flat.t() @ x.reshape(-1, x.shape[-1]) if wants_weight else None,
            flat.sum(0) if ctx.has_bias and wants_bias else None,
        )


class Linear(nn.Linear):
    """torch's layer, computed by `linear`."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


def cross_entropy_sum(logits: Tensor, targets: Tensor) -> Tensor:
    """`F.cross_entropy(logits, targets, reduction="sum")` in nats: logits (N, V), targets (N,), of which `IGNORED` ones are passed over."""
    if logits.device.type == "cpu" and not torch.compiler.is_compiling():
        return _CrossEntropy.apply(logits, targets)
    return F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")


# torch's own kernel, so that the bits are the same.
_LOG_SOFTMAX_BACKWARD = torch.ops.aten._log_softmax_backward_data.out


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        log_p = torch.log_softmax(logits, dim=-1)  # (N, V)
        ctx.save_for_backward(log_p, targets)
        return F.nll_loss(log_p, targets, ignore_index=IGNORED, reduction="sum")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        log_p, targets = ctx.saved_tensors
        each = torch.where(targets == IGNORED, 0, gradient)[:, None]  # (N, 1)
        of_log_p = torch.zeros_like(log_p).scatter_(1, targets.clamp(min=0)[:, None], -each)  # (N, V)
        return _LOG_SOFTMAX_BACKWARD(of_log_p, log_p, 1, log_p.dtype, out=of_log_p), None
