"""The parts of an encoder layer as functions, for a layer that a learner writes (02.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from electra_helpers.model.encoder import Layer


@dataclass(frozen=True)
class LayerParts:
    """What a layer is made of, each as a function of vectors (B, L, H); `up` makes (B, L, F) of them and `down` takes it back."""

    attend: Callable[[Tensor, Tensor | None], Tensor]
    drop: Callable[[Tensor], Tensor]
    norm1: Callable[[Tensor], Tensor]
    up: Callable[[Tensor], Tensor]
    gelu: Callable[[Tensor], Tensor]
    down: Callable[[Tensor], Tensor]
    norm2: Callable[[Tensor], Tensor]


def parts_of(layer: Layer) -> LayerParts:
    """The package's own parts of one of its layers."""
    return LayerParts(
        layer.attention,
        layer.dropout,
        layer.attention_norm,
        layer.up,
        layer.activation,
        layer.down,
        layer.output_norm,
    )
