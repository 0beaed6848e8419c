"""Weights in eight bits: a quarter of fp32's size, for models that are passed on; they load as fp32 again.

Each row of a matrix is stored as whole numbers from -127 to 127 and one scale: w ≈ q · scale, off by half a scale at most. Rows, because
each is one token's vector, or one output's weights: a single large entry coarsens its own row and no other. Vectors (biases, LayerNorm)
stay fp32: they are few, and added to everything.
"""

from __future__ import annotations

import torch
from torch import Tensor

LARGEST = 127
SCALE = "_scale"  # behind the name of the matrix that it belongs to


def quantise(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every matrix (R, C) as int8 with a scale a row (R,) under its name and `_scale`; a table that stands under two names once."""
    found: dict[str, Tensor] = {}
    for name, value in distinct(state).items():
        if value.dim() != 2:
            found[name] = value.float().clone()
            continue
        largest = value.float().abs().amax(dim=1)  # (R,)
        scale = torch.where(largest > 0, largest / LARGEST, 1.0)
        found[name] = (value.float() / scale[:, None]).round().to(torch.int8)
        found[name + SCALE] = scale
    return found


def dequantise(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights as fp32; what was not stored in eight bits stays as it is."""
    scales = {name for name in state if name.endswith(SCALE) and name.removesuffix(SCALE) in state}
    return {
        name: value.float() * state[name + SCALE][:, None] if name + SCALE in scales else value
        for name, value in state.items()
        if name not in scales
    }


def distinct(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights with each tensor under the first of its names: two nets that share a table share its memory."""
    first: dict[tuple, str] = {}
    for name, value in state.items():
        first.setdefault((value.data_ptr(), value.shape), name)
    return {name: state[name] for name in first.values()}
