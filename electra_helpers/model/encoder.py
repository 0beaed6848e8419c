"""The Transformer encoder that generator and discriminator are both made of: post-LayerNorm, as in BERT.

Shapes: B batch, L length, E embedding size, H hidden size, A heads, D = H / A head size.
Sources: BERT (Devlin et al., 2019), Section 3; the reference code's `modeling.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from electra_helpers.config import ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.dropout import Dropout, dropped_product
from electra_helpers.model.linear import Linear
from electra_helpers.model.starts import glorot, initialize, mimetic_, neighbours_, scattered_, sinusoids_


class Embeddings(nn.Module):
    """Word + position + segment vectors, then LayerNorm and dropout: ids (B, L) → (B, L, E)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.embedding_size)
        self.position = nn.Embedding(config.max_positions, config.embedding_size)
        self.token_type = nn.Embedding(config.type_vocab_size, config.embedding_size)
        self.layer_norm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.dropout)
        initialize(self, config.initializer_range)
        if config.position_init == "sinusoidal":
            sinusoids_(self.position.weight, config.initializer_range)
        if config.position_init == "scattered":
            scattered_(self.position.weight, config.initializer_range)

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
        x = x + (token_type[0] if token_type_ids is None else F.embedding(token_type_ids, token_type))
        return self.dropout(self.layer_norm(x))


class DisentangledEmbeddings(Embeddings):
    """The generator's tables, which this net's loss does not reach, plus a difference of its own that starts at zero.

    Source: gradient-disentangled embedding sharing, DeBERTaV3 (He et al., 2021), Section 3.3.
    """

    def __init__(self, config: ModelConfig, base: Embeddings) -> None:
        super().__init__(config)
        # In a tuple, so that the generator's module is not registered here a second time.
        self._base = (base,)
        for table in (self.word, self.position, self.token_type):
            nn.init.zeros_(table.weight)

    def tables(self) -> tuple[Tensor, Tensor, Tensor]:
        own, base = super().tables(), self._base[0].tables()
        return tuple(theirs.detach() + difference for theirs, difference in zip(base, own, strict=True))


class SelfAttention(nn.Module):
    """Multi-head attention with one matrix product for queries, keys and values: (B, L, H) → (B, L, H)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.dropout = config.attention_dropout
        self.qkv = Linear(config.hidden_size, 3 * config.hidden_size)
        self.out = Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        batch, length, hidden = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.num_heads, hidden // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, A, L, D)
        p = self.dropout if self.training else 0.0
        if x.device.type == "cpu" and (p or q.dtype == torch.bfloat16):
            # On a CPU SDPA has no fused form with dropout, and its random numbers are dear; in bf16 its backward pass takes four times
            # as long as these products (tests/benchmarks).
            mixed = dropped_product(self._softmax(q, k, mask), v, p)  # (B, A, L, D)
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)  # (B, A, L, D)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, hidden))

    def weights(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The attention weights (B, A, L, L) as the textbook computes them: for pictures, not for training."""
        batch, length, hidden = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.num_heads, hidden // self.num_heads)
        q, k, _ = qkv.permute(2, 0, 3, 1, 4)
        return self._softmax(q, k, mask)

    @staticmethod
    def _softmax(q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # (B, A, L, L)
        return torch.softmax(scores if mask is None else scores.masked_fill(~mask, float("-inf")), dim=-1)


class Layer(nn.Module):
    """Attention, then the feed-forward net, each followed by dropout, the residual sum and LayerNorm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.up = Linear(config.hidden_size, config.intermediate_size)
        self.down = Linear(config.intermediate_size, config.hidden_size)
        self.output_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.attention_norm(x + self.dropout(self.attention(x, mask)))
        return self.output_norm(x + self.dropout(self.down(F.gelu(self.up(x)))))


class Encoder(nn.Module):
    """Embeddings, a projection to the hidden size where that differs, and the layers: ids (B, L) → (B, L, H).

    `embeddings` may be the very module of another encoder: that is how ELECTRA's two nets share them. `attention_mask` (B, L) is True
    on real tokens; None means that there is no padding. Raises `ElectraError` for a row longer than the position table.
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
        self.project = None if same else Linear(config.embedding_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_layers))
        initialize(self.layers, config.initializer_range)
        if config.attention_init != "normal":
            for layer in self.layers:
                mimetic_(layer.attention)
        if self.project is not None:
            glorot(self.project)
        if config.attention_init == "neighbours":
            neighbours_(self.layers[0].attention, self.embeddings.position.embedding_dim, self.project)

    def forward(
        self, input_ids: Tensor, token_type_ids: Tensor | None = None, attention_mask: Tensor | None = None
    ) -> Tensor:
        x, mask = self.embed(input_ids, token_type_ids, attention_mask)
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def embed(
        self, input_ids: Tensor, token_type_ids: Tensor | None = None, attention_mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """What the first layer gets: vectors (B, L, H) and the mask over keys (B, 1, 1, L) or None."""
        x = self.embeddings(input_ids, token_type_ids)
        x = x if self.project is None else self.project(x)
        return x, None if attention_mask is None else attention_mask[:, None, None, :].bool()

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
