"""The Transformer encoder that generator and discriminator are both made of: post-LayerNorm, as in BERT.

Shapes: B batch, L length, E embedding size, H hidden size, A heads, D = H / A head size, F feed-forward size, V vocabulary.
Sources: BERT (Devlin et al., 2019), Section 3; the reference code's `modeling.py`. `Linear`, `Dropout` and `attend` are torch's,
made faster for CPUs in fast_cpu.py.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from electra_helpers.config import ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model import init
from electra_helpers.model.fast_cpu import Dropout, Linear, attend, attention_weights, linear

# By the names of transformers' `hidden_act`.
ACTIVATIONS = {"gelu": F.gelu, "gelu_new": partial(F.gelu, approximate="tanh"), "relu": F.relu, "silu": F.silu}


class Embeddings(nn.Module):
    """Word + position + segment vectors, then LayerNorm and dropout: ids (B, L) → (B, L, E)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.embedding_size)  # (V, E)
        self.position = nn.Embedding(config.max_positions, config.embedding_size)  # learned, one vector a place
        self.token_type = nn.Embedding(config.type_vocab_size, config.embedding_size)  # first or second segment
        self.layer_norm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.dropout)
        init.embeddings_(self, config)

    def tables(self) -> tuple[Tensor, Tensor, Tensor]:
        """The word (V, E), position and segment tables as they are read."""
        return self.word.weight, self.position.weight, self.token_type.weight

    def forward(self, input_ids: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        length = input_ids.shape[1]
        word, position, token_type = self.tables()
        if length > position.shape[0]:
            raise ElectraError(f"The text has {length} tokens; this model has positions for {position.shape[0]}.")
        x = F.embedding(input_ids, word) + position[:length]  # (B, L, E) + (L, E)
        # Without segments everything is segment 0: one row is added instead of a lookup.
        x = x + (token_type[0] if token_type_ids is None else F.embedding(token_type_ids, token_type))  # (B, L, E)
        return self.dropout(self.layer_norm(x))


class SelfAttention(nn.Module):
    """Multi-head attention with one matrix product for queries, keys and values: (B, L, H) → (B, L, H)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.dropout = config.attention_dropout
        self.qkv = Linear(config.hidden_size, 3 * config.hidden_size)  # three maps H → H in one product
        self.out = Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, mask: Tensor | None = None, first: int | None = None) -> Tensor:
        q, k, v = self.split_heads(x) if first is None else self.split_first(x, first)  # each (B, A, L, D)
        mixed = attend(q, k, v, mask, self.dropout if self.training else 0.0, x.shape[1])  # (B, A, L, D)
        return self.out(mixed.transpose(1, 2).flatten(2))  # (B, L, A, D) → (B, L, H): the heads side by side again

    def split_heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of every head, each (B, A, L, D)."""
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))  # (B, L, 3H) → (B, L, 3, A, D)
        return qkv.permute(2, 0, 3, 1, 4).unbind()  # (3, B, A, L, D)

    def split_first(self, x: Tensor, first: int) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, A, first, D) of the first places alone; keys and values of every place, each (B, A, L, D)."""
        size = x.shape[-1]
        (of_q, of_kv), (q_bias, kv_bias) = (part.split([size, 2 * size]) for part in (self.qkv.weight, self.qkv.bias))
        q = linear(x[:, :first], of_q, q_bias).unflatten(-1, (self.num_heads, -1))  # (B, first, A, D)
        kv = linear(x, of_kv, kv_bias).unflatten(-1, (2, self.num_heads, -1))  # (B, L, 2, A, D)
        return q.transpose(1, 2), *kv.permute(2, 0, 3, 1, 4).unbind()

    def weights(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The attention weights (B, A, L, L), which fused attention never writes down: for pictures, not for training."""
        q, k, _ = self.split_heads(x)
        return attention_weights(q, k, mask)


class Layer(nn.Module):
    """Attention, then the feed-forward net, each followed by dropout, the residual sum and LayerNorm: (B, L, H) → (B, L, H).

    With `first` only the first places of each row are computed, (B, first, H): they still attend to all.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.up = Linear(config.hidden_size, config.intermediate_size)  # H → F
        self.activation = ACTIVATIONS[config.hidden_act]
        self.down = Linear(config.intermediate_size, config.hidden_size)  # F → H
        self.output_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None, first: int | None = None) -> Tensor:
        length = x.shape[1]
        # LayerNorm comes after the sum, as in BERT (GPT-2 and later models norm before).
        x = self.attention_norm(x[:, :first] + self.dropout(self.attention(x, mask, first), length))
        up = self.activation(self.up(x))  # (B, L, F)
        return self.output_norm(x + self.dropout(self.down(up), length))  # and down again


class Encoder(nn.Module):
    """Embeddings, a projection to the hidden size where that differs, and the layers: ids (B, L) → (B, L, H).

    `embeddings` may be the very module of another encoder: that is how ELECTRA's two nets share them. `attention_mask` (B, L) is True
    on real tokens; None means that there is no padding. With `first` the last layer computes that many places of each row, (B, first, H):
    whoever reads [CLS] alone needs no more, and saves most of a layer. Raises `ElectraError` for a row longer than the position table.
    Source: paper, Section 3.2 (sharing); reference code `modeling.py`.

    >>> import torch; from electra_helpers import Encoder, ModelConfig
    >>> Encoder(ModelConfig(num_layers=1))(torch.ones(2, 7, dtype=torch.long)).shape
    torch.Size([2, 7, 256])

    Built in notebook 02.
    """

    def __init__(self, config: ModelConfig, embeddings: Embeddings | None = None) -> None:
        super().__init__()
        self.config = config
        self.embeddings = embeddings if embeddings is not None else Embeddings(config)
        same = config.embedding_size == config.hidden_size
        self.project = None if same else Linear(config.embedding_size, config.hidden_size)  # E → H
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_layers))
        init.encoder_(self, config)

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        first: int | None = None,
    ) -> Tensor:
        x, mask = self.embed(input_ids, token_type_ids, attention_mask)  # (B, L, H)
        for layer in self.layers[:-1]:
            x = layer(x, mask)
        return self.layers[-1](x, mask, first)

    def embed(
        self, input_ids: Tensor, token_type_ids: Tensor | None = None, attention_mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """What the first layer gets: vectors (B, L, H), and which keys are seen, or None where all are.

        The mask is (B, 1, 1, L) with padding, (L, L) of a causal net, (B, 1, L, L) with both.
        """
        x = self.embeddings(input_ids, token_type_ids)  # (B, L, E)
        x = x if self.project is None else self.project(x)  # (B, L, H)
        # The same padding is hidden from every head and every query: two axes of size 1.
        seen = None if attention_mask is None else attention_mask[:, None, None, :].bool()
        if self.config.causal:
            length = x.shape[1]
            earlier = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()  # query i, key j ≤ i
            seen = earlier if seen is None else seen & earlier
        return x, seen

    def attention_weights(
        self, input_ids: Tensor, token_type_ids: Tensor | None = None, attention_mask: Tensor | None = None
    ) -> list[Tensor]:
        """Attention weights of every layer, each (B, A, L, L); rows sum to 1."""
        x, mask = self.embed(input_ids, token_type_ids, attention_mask)
        found = []
        for layer in self.layers:
            found.append(layer.attention.weights(x, mask))
            x = layer(x, mask)
        return found
