"""Linear layers whose products with the weights a CPU computes by oneDNN, where torch would take MKL's.

torch's wheels for x86 hand fp32 products to MKL. On an AMD EPYC and with the shapes of ELECTRA-Small, oneDNN took 8 to 15 % less time for
the output and 14 to 19 % less for the gradient of the input (tests/benchmarks); for the gradient of the weights it gained nothing.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.utils.flop_counter import register_flop_formula

HAS_ONEDNN = (
    platform.machine() in ("x86_64", "AMD64")
    and torch.backends.mkldnn.is_available()
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
)


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
