"""Heads for fine-tuning, on the vectors of a pre-trained encoder: one for a whole text, one for every token, one for a span.

Each comes in two forms. "transformers" is what that library puts on an ELECTRA, so that a fine-tuned model can be taken there;
"paper" is what the reference code trains, with its inputs and losses: tagged text is segment 1, answers lie in the context or at [CLS],
and the losses of a batch are summed before the gradient is clipped (`tests/reference/`). What differs is said where it does.
Shapes: B batch, L length, H hidden size, K kinds of label.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from electra_helpers.config import ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import Electra
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.fast_cpu import Dropout
from electra_helpers.model.init import glorot, initialize
from electra_helpers.text.packing import Batch

STARTS = 20  # likely starts for which the conditioned head looks for an end (reference code, `beam_size`)


class TextHead(nn.Module):
    """The vector of one token → K logits for the whole text: (B, L, H) → (B, K).

    The token is [CLS]; of a causal net the last real one, for [CLS] sees nothing there but itself (Radford et al., 2018, Section 3.2).
    transformers: dropout, dense, GELU, dropout, linear. paper: dropout, linear (reference code, `classification_tasks.py`).
    """

    def __init__(self, config: ModelConfig, kinds: int, form: str = "transformers") -> None:
        super().__init__()
        self.reads_last = config.causal
        self.dense = nn.Linear(config.hidden_size, config.hidden_size) if form == "transformers" else None
        self.dropout = Dropout(config.dropout)
        self.out = nn.Linear(config.hidden_size, kinds)
        initialize(self, config.initializer_range)
        glorot(self.out)

    def forward(self, hidden: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        x = self.dropout(self.text_vector(hidden, attention_mask))
        if self.dense is not None:
            x = self.dropout(F.gelu(self.dense(x)))
        return self.out(x)

    def text_vector(self, hidden: Tensor, attention_mask: Tensor | None) -> Tensor:
        """What stands for the text, (B, H); `attention_mask` (B, L) says where padding begins."""
        if not self.reads_last:
            return hidden[:, 0]
        if attention_mask is None:
            return hidden[:, -1]
        last = attention_mask.sum(1)[:, None, None] - 1  # (B, 1, 1)
        return hidden.gather(1, last.expand(-1, 1, hidden.shape[-1]))[:, 0]


class ChoiceHead(TextHead):
    """A text head with one logit: how well an ending fits its context, (P, L, H) → (P, 1) for the P pairs of a batch.

    transformers: as its multiple choice, which has no dropout before the dense layer.
    """

    def __init__(self, config: ModelConfig, form: str = "transformers") -> None:
        super().__init__(config, 1, form)


class TokenHead(nn.Module):
    """Every vector → K logits: (B, L, H) → (B, L, K).

    transformers: dropout, linear. paper: linear alone (reference code, `tagging_tasks.py`).
    """

    def __init__(self, config: ModelConfig, kinds: int, form: str = "transformers") -> None:
        super().__init__()
        self.form = form
        self.dropout = Dropout(config.dropout if form == "transformers" else 0.0)
        self.out = nn.Linear(config.hidden_size, kinds)
        glorot(self.out)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.out(self.dropout(hidden))


class SpanHead(nn.Module):
    """Every vector → a logit to be the answer's first and one to be its last token: (B, L, H) → (B, L, 2)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.out = nn.Linear(config.hidden_size, 2)
        glorot(self.out)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.out(hidden)

    def edges(self, hidden: Tensor, real: Tensor, context: Tensor, starts: Tensor | None) -> tuple[Tensor, Tensor]:
        """log P of every first and of every last token, each (B, L), among the `real` ones; neither of the others is needed."""
        logits = self(hidden).masked_fill(~real[..., None], float("-inf"))
        first, last = torch.log_softmax(logits, dim=1).unbind(-1)
        return first, last

    def spans(self, hidden: Tensor, real: Tensor, context: Tensor) -> Tensor:
        """log P of every pair of a first and a last token, as if they were independent: (B, L, L)."""
        first, last = self.edges(hidden, real, context, None)
        return first[:, :, None] + last[:, None, :]


class ConditionedSpanHead(nn.Module):
    """As `SpanHead`, but the last token is chosen knowing the first: a dense layer on both vectors, GELU, one logit.

    Its probabilities are over the `context` alone, which has [CLS] in it, for "no answer".
    Source: reference code, `qa_tasks.py` (there also a classifier of its own for "no answer"; here [CLS] … [CLS] says so).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.first = nn.Linear(config.hidden_size, 1)
        self.dense = nn.Linear(2 * config.hidden_size, 512)
        self.last = nn.Linear(512, 1)
        for linear in (self.first, self.dense, self.last):
            glorot(linear)

    def edges(self, hidden: Tensor, real: Tensor, context: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
        """log P of every first token, and of every last one given the right first `starts` (B,): each (B, L)."""
        return self._first(hidden, context), self._last(hidden, context, starts[:, None])[:, 0]

    def spans(self, hidden: Tensor, real: Tensor, context: Tensor) -> Tensor:
        """log P of every pair whose first token is among the likeliest; −∞ for the others: (B, L, L)."""
        first = self._first(hidden, context)
        likeliest = first.topk(min(STARTS, first.shape[1]), dim=1).indices  # (B, S)
        pairs = first.gather(1, likeliest)[..., None] + self._last(hidden, context, likeliest)  # (B, S, L)
        every = torch.full((*first.shape, first.shape[1]), float("-inf"), dtype=first.dtype, device=first.device)
        return every.scatter(1, likeliest[..., None].expand_as(pairs), pairs)

    def _first(self, hidden: Tensor, context: Tensor) -> Tensor:
        return torch.log_softmax(self.first(hidden)[..., 0].masked_fill(~context, float("-inf")), dim=1)

    def _last(self, hidden: Tensor, context: Tensor, starts: Tensor) -> Tensor:
        """log P of every last token (B, S, L) for each of the starts (B, S)."""
        size = hidden.shape[-1]
        begun = hidden.gather(1, starts[..., None].expand(-1, -1, size))  # (B, S, H)
        # The dense layer on [last, first], (2H → 512), in its two halves: no (B, S, L, 2H) tensor is made.
        of_last, of_first = self.dense.weight.split(size, dim=1)
        both = (
            F.linear(hidden, of_last)[:, None] + F.linear(begun, of_first, self.dense.bias)[:, :, None]
        )  # (B, S, L, 512)
        logits = self.last(F.gelu(both))[..., 0]
        return torch.log_softmax(logits.masked_fill(~context[:, None], float("-inf")), dim=-1)


class FinetunedNet(nn.Module):
    """An encoder with a head; with `frozen` the encoder is a feature extractor: no gradient, no dropout.

    >>> import torch
    >>> from electra_helpers import Encoder, ModelConfig
    >>> config = ModelConfig(vocab_size=200, num_layers=1)
    >>> FinetunedNet(Encoder(config), TextHead(config, kinds=2))(Batch(torch.ones(3, 7, dtype=torch.long))).shape
    torch.Size([3, 2])
    """

    def __init__(self, encoder: Encoder, head: nn.Module, frozen: bool = False) -> None:
        super().__init__()
        self.encoder, self.head, self.frozen = encoder, head, frozen
        if frozen:
            encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> FinetunedNet:
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def hidden(self, batch: Batch) -> Tensor:
        """The encoder's last vectors, (B, L, H); (B, 1, H) where the head reads [CLS] alone."""
        first = 1 if isinstance(self.head, TextHead) and not self.head.reads_last else None
        return self.encoder(batch.input_ids, batch.token_type_ids, batch.attention_mask, first)

    def forward(self, batch: Batch, call: str = "__call__", **arguments: Tensor) -> Tensor:
        """The head's logits, or what another of its methods (`call`) makes of the vectors."""
        if isinstance(self.head, TextHead):
            arguments["attention_mask"] = batch.attention_mask
        return getattr(self.head, call)(self.hidden(batch), **arguments)


def main_encoder(net: Electra) -> Encoder:
    """The encoder that is kept after pre-training: the discriminator's; without one the predictor's, that of a causal
    language model, the generator's, or a bare one.
    """
    for name in ("discriminator", "predictor", "language_model", "generator"):
        if getattr(net, name, None) is not None:
            return getattr(net, name).encoder
    alone: Any = getattr(net, "encoder", None)
    if alone is not None:
        return alone
    raise ElectraError("This model has no encoder to fine-tune.")


def encoder_to_finetune(net: Electra, dropout: float, *, scratch: bool = False) -> Encoder:
    """A copy of the main encoder that stands alone, with its own tables; with `scratch` the same shape, its weights new."""
    trained = main_encoder(net)
    encoder = Encoder(replace(trained.config, dropout=dropout, attention_dropout=dropout))
    if scratch:
        return encoder
    state = dict(trained.state_dict())
    for name, table in zip(("word", "position", "token_type"), trained.embeddings.tables(), strict=True):
        state[f"embeddings.{name}.weight"] = table.detach()  # as they are read: a disentangled table is a sum
    encoder.load_state_dict(state)
    return encoder
