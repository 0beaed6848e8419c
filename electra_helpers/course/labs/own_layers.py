"""Brings a learner's attention, LayerNorm and layer into the package's encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from torch import Tensor, nn

from electra_helpers.course.exercises.n02_layer import encoder_layer
from electra_helpers.course.labs.layer_parts import LayerParts, parts_of
from electra_helpers.model.encoder import Encoder, Layer, SelfAttention


class OwnLayer(nn.Module):
    """A layer of the package, its weights included, computed by a learner's functions."""

    def __init__(self, layer: Layer, whole: Callable, **own: Callable) -> None:
        super().__init__()
        self.layer, self.whole, self.own = layer, whole, own

    @property
    def attention(self) -> SelfAttention:
        """Whose weights a picture shows."""
        return self.layer.attention

    def forward(self, x: Tensor, mask: Tensor | None = None, first: int | None = None) -> Tensor:
        return self.whole(x, own_parts(self.layer, **self.own), mask)[:, :first]


def own_parts(
    layer: Layer,
    *,
    multi_head: Callable | None = None,
    attention: Callable | None = None,
    layer_norm: Callable | None = None,
) -> LayerParts:
    """The parts of a layer, some of them computed by functions as in exercises 02.1, 02.2 and 02.5 with the layer's weights.

    `multi_head` and `attention` go together.
    """
    parts = parts_of(layer)
    if multi_head is not None:
        own = layer.attention
        parts = replace(parts, attend=lambda x, mask: multi_head(x, own.qkv, own.out, own.num_heads, attention, mask))
    if layer_norm is not None:
        norms = (partial(_norm_by, layer_norm, norm) for norm in (layer.attention_norm, layer.output_norm))
        parts = replace(parts, norm1=next(norms), norm2=next(norms))
    return parts


def _norm_by(layer_norm: Callable, norm: nn.LayerNorm, x: Tensor) -> Tensor:
    return layer_norm(x, norm.weight, norm.bias, norm.eps)


def with_own_layers(encoder: Encoder, whole: Callable = encoder_layer, **own: Callable) -> Encoder:
    """The same encoder, each layer computed by your functions with the weights it has: `whole` as in 02.6, and those of `own_parts`.

    Layers that were given before are replaced, so a cell can be run again.
    """
    plain = (layer.layer if isinstance(layer, OwnLayer) else layer for layer in encoder.layers)
    encoder.layers = nn.ModuleList(OwnLayer(layer, whole, **own) for layer in plain)
    return encoder
