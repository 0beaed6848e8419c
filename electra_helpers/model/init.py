"""How weights start: the reference's way, and three others that let small nets find sooner which tokens belong together.

Shapes as in `encoder`: E embedding size, H hidden size, D head size, P positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from electra_helpers.config import ModelConfig
    from electra_helpers.model.encoder import Embeddings, Encoder, SelfAttention


def embeddings_(embeddings: Embeddings, config: ModelConfig) -> None:
    """The tables of an encoder as `config` has them start."""
    initialize(embeddings, config.initializer_range)
    if config.position_init == "sinusoidal":
        sinusoids_(embeddings.position.weight, config.initializer_range)
    if config.position_init == "scattered":
        scattered_(embeddings.position.weight, config.initializer_range)


def encoder_(encoder: Encoder, config: ModelConfig) -> None:
    """The layers and the projection of an encoder as `config` has them start; its tables have started already."""
    initialize(encoder.layers, config.initializer_range)
    if config.attention_init != "normal":
        for layer in encoder.layers:
            mimetic_(layer.attention)
    if encoder.project is not None:
        glorot(encoder.project)
    if config.attention_init == "neighbours":
        neighbours_(encoder.layers[0].attention, encoder.embeddings.position.embedding_dim, encoder.project)


def generator_(encoder: Encoder, config: ModelConfig) -> None:
    """The generator's encoder is an encoder whose last layer, with mimetic attention, copies what it attends to."""
    if config.attention_init != "normal":
        mimetic_(encoder.layers[-1].attention, copies=True)


def initialize(module: nn.Module, deviation: float) -> None:
    """Truncated normal weights, zero biases, LayerNorm at identity (reference code, `create_initializer`)."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            # Cut at two standard deviations, as TensorFlow's truncated_normal_initializer.
            nn.init.trunc_normal_(part.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
        if isinstance(part, nn.Linear):
            nn.init.zeros_(part.bias)


@torch.no_grad()
def sinusoids_(table: Tensor, deviation: float) -> None:
    """Fill a position table (P, E) with sines and cosines of that standard deviation; it is trained like any other.

    A step to the left is then one linear map at every position, so attention to neighbours is learned once and not per position.
    Source: Vaswani et al. (2017), Section 3.5, used as a starting point; not part of ELECTRA.
    """
    positions, size = table.shape
    rates = 10_000.0 ** (-torch.arange(0, size, 2) / size)
    angles = torch.arange(positions)[:, None] * rates
    table.copy_(torch.cat([angles.sin(), angles.cos()], dim=1)[:, :size] * deviation * 2**0.5)


def frequencies(size: int) -> Tensor:
    """`size` // 2 numbers between 0 and π, one drawn from each of as many equal stretches: always the same ones for a size."""
    count = size // 2
    jitter = torch.rand(count, generator=torch.Generator().manual_seed(0))
    return torch.pi * (torch.arange(count) + jitter) / count


@torch.no_grad()
def scattered_(table: Tensor, deviation: float) -> None:
    """Fill a position table (P, E) with cosines and sines of scattered frequencies and of that standard deviation.

    A step to the left is one rotation at every position, as with `sinusoids_`; but there neighbours are nearly alike, here any two
    positions are nearly orthogonal. What `neighbours_` builds on; not part of ELECTRA.
    """
    positions, size = table.shape
    angles = torch.arange(positions)[:, None] * frequencies(size)
    table.zero_()[:, : size // 2 * 2] = (
        torch.stack([angles.cos(), angles.sin()], dim=-1).flatten(1) * deviation * 2**0.5
    )


@torch.no_grad()
def neighbours_(attention: SelfAttention, embedding_size: int, project: nn.Linear | None) -> None:
    """Start the heads of a first layer looking at neighbours: the token before, the one after, two before, two after, …

    Over a `scattered_` position table, a head's queries are the positions turned by its offset and its keys the positions as they are,
    so that their product peaks at the neighbour. `project` (E → H) is undone first. What is seen is added in random directions.
    Why: a net that starts at random first learns only how frequent words are; finding the next token is what takes it so long.
    Measured here (tests/benchmarks/README.md); not part of ELECTRA.
    """
    heads, hidden = attention.num_heads, attention.out.in_features
    size, rates = hidden // heads, frequencies(embedding_size)
    back = torch.eye(hidden) if project is None else torch.linalg.pinv(project.weight)  # (E, H)
    q, k, v = attention.qkv.weight.view(3, heads, size, hidden)
    for head in range(heads):
        pairs = torch.randperm(len(rates))[: size // 2]
        offset = (head // 2 + 1) * (1 if head % 2 else -1)
        keys = picked(pairs, embedding_size, size)
        queries = turned(keys, rates[pairs] * offset)
        # A peak of 8 over scores of deviation 2: in rows of 64 to 128 tokens well over half of the attention.
        strength = 4 / size**0.25
        q[head], k[head] = strength * queries @ back, strength * keys @ back
    v.normal_(0, (0.5 / hidden) ** 0.5)
    attention.out.weight.normal_(0, hidden**-0.5)


def picked(pairs: Tensor, embedding_size: int, size: int) -> Tensor:
    """(D, E) that takes the cosine and the sine of each frequency out of a position's vector."""
    table = torch.zeros(size, embedding_size)
    rows = torch.arange(len(pairs))
    table[2 * rows, 2 * pairs] = table[2 * rows + 1, 2 * pairs + 1] = 1
    return table


def turned(rows: Tensor, angles: Tensor) -> Tensor:
    """The pairs of rows of a (D, E) matrix turned by angles: of position p's vector they give that of p + the offset."""
    cos, sin = (f(angles)[:, None] for f in (torch.cos, torch.sin))
    table, n = torch.zeros_like(rows), 2 * len(angles)
    x, y = rows[0:n:2], rows[1:n:2]
    table[0:n:2], table[1:n:2] = cos * x - sin * y, sin * x + cos * y
    return table


@torch.no_grad()
def mimetic_(attention: SelfAttention, *, copies: bool = False) -> None:
    """Start attention where trained attention is found: tokens attend to similar tokens, and what they attend to is subtracted.

    For every head Wqᵀ Wk is the best rank-D form of 0.3 Z + 0.7 I, and Wo Wv = 0.15 Z − 0.95 I, with Z of deviation 1/√H.
    With `copies` it is 0.15 Z + 0.95 I: what is seen is added, which suits the last layer of a net that fills in words.
    Source: mimetic initialization, Trockman & Kolter (2023), Section 3; `copies` and the numbers are measured here
    (tests/benchmarks/README.md). Not part of ELECTRA.
    """
    hidden, heads = attention.out.in_features, attention.num_heads
    one = torch.eye(hidden)

    def halves(product: Tensor) -> tuple[Tensor, Tensor]:
        """Two square roots whose product is `product`: (H, H), its columns by weight, and (H, H), its rows."""
        left, weight, right = torch.linalg.svd(product)
        return left * weight.sqrt(), weight.sqrt()[:, None] * right

    def around(noise: float, identity: float) -> Tensor:
        return noise * torch.randn(hidden, hidden) / hidden**0.5 + identity * one

    size = hidden // heads
    q, k, v = attention.qkv.weight.view(3, heads, size, hidden)
    for head in range(heads):
        left, right = halves(around(0.3, 0.7))
        q[head], k[head] = left[:, :size].T, right[:size]
    left, right = halves(around(0.15, 0.95 if copies else -0.95))
    attention.out.weight.copy_(left)
    v.copy_(right.view(heads, size, hidden))


def glorot(linear: nn.Linear) -> None:
    """Glorot uniform weights: TensorFlow's default, which the reference leaves on its last and projecting layers."""
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
