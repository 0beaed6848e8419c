"""ELECTRA: a generator that fills in masked tokens, a discriminator that finds the replaced ones, and their joint step.

Reads in the order of the paper's Section 3.1. Shapes: B batch, L length, M selected positions, V vocabulary, H hidden size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from electra_helpers import corruption
from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Corruption, Noise, Selection, at_least_fp32, count_selected, gather_positions
from electra_helpers.model import init
from electra_helpers.model.encoder import ACTIVATIONS, Embeddings, Encoder
from electra_helpers.model.fast_cpu import IGNORED, Linear, cross_entropy_sum, linear
from electra_helpers.model.sharing import embeddings_beside
from electra_helpers.text.packing import Batch


class MLMHead(nn.Module):
    """Vectors (…, H) → vocabulary logits (…, V): dense to E, GELU, LayerNorm, then the word table itself and a bias.

    The word table is passed in at every call, so that it cannot come untied. Source: reference code, `_get_masked_lm_output`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dense = Linear(config.hidden_size, config.embedding_size)  # H → E
        self.layer_norm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))  # (V,)
        init.initialize(self, config.initializer_range)

    @torch.no_grad()
    def start_at_identity(self) -> None:
        """Where E = H, let the encoder's vectors through as they are: they already lie in the space of the word table."""
        if self.dense.in_features == self.dense.out_features:
            nn.init.eye_(self.dense.weight)

    def forward(self, hidden: Tensor, word_table: Tensor) -> Tensor:
        x = self.layer_norm(F.gelu(self.dense(hidden)))  # (…, E)
        return linear(x, word_table, self.bias)  # (…, E) times (V, E) transposed → (…, V)


class RTDHead(nn.Module):
    """Vectors (B, L, H) → one logit a token (B, L), high = replaced. Source: reference code, `_get_discriminator_output`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dense = Linear(config.hidden_size, config.hidden_size)  # H → H
        self.activation = ACTIVATIONS[config.hidden_act]
        self.logit = nn.Linear(config.hidden_size, 1)
        init.initialize(self.dense, config.initializer_range)
        init.glorot(self.logit)  # TensorFlow's default, which the reference leaves on its last layer

    def forward(self, hidden: Tensor) -> Tensor:
        return self.logit(self.activation(self.dense(hidden)))[..., 0]  # (B, L, 1) → (B, L)


class Generator(nn.Module):
    """A masked language model: masked ids (B, L) → logits over the vocabulary at the given positions (B, M, V).

    Without `positions` the logits of every position, (B, L, V). Source: paper, Section 3.1, p_G.

    >>> import torch; from electra_helpers import Generator, ModelConfig
    >>> g = Generator(ModelConfig(vocab_size=200, num_layers=1))
    >>> g(torch.ones(2, 7, dtype=torch.long), positions=torch.tensor([[3], [5]])).shape
    torch.Size([2, 1, 200])

    Built in notebook 03.
    """

    def __init__(self, config: ModelConfig, embeddings: Embeddings | None = None) -> None:
        super().__init__()
        self.encoder = Encoder(config, embeddings)
        init.generator_(self.encoder, config)
        self.head = MLMHead(config)

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        positions: Tensor | None = None,
    ) -> Tensor:
        hidden = self.encoder(input_ids, token_type_ids, attention_mask)  # (B, L, H)
        if positions is not None:
            hidden = gather_positions(hidden, positions)  # (B, M, H), before the product with V
        return self.head(hidden, self.encoder.embeddings.tables()[0])  # tied: the word table is the output matrix


class Discriminator(nn.Module):
    """ids (B, L) → one logit a token (B, L): was it replaced? Source: paper, Section 3.1, D.

    >>> import torch; from electra_helpers import Discriminator, ModelConfig
    >>> Discriminator(ModelConfig(vocab_size=200, num_layers=1))(torch.ones(2, 7, dtype=torch.long)).shape
    torch.Size([2, 7])

    Built in notebook 05.
    """

    def __init__(self, config: ModelConfig, embeddings: Embeddings | None = None) -> None:
        super().__init__()
        self.encoder = Encoder(config, embeddings)
        self.head = RTDHead(config)

    def forward(
        self, input_ids: Tensor, token_type_ids: Tensor | None = None, attention_mask: Tensor | None = None
    ) -> Tensor:
        return self.head(self.encoder(input_ids, token_type_ids, attention_mask))


@dataclass(frozen=True, eq=False)
class LossSum:
    """A loss summed over `count` targets. The loop divides by the global count, so the mean is the same however rows are split."""

    total: Tensor
    count: Tensor


def real_tokens(batch: Batch) -> Tensor:
    """True on all but padding, (B, L)."""
    mask = batch.attention_mask
    return torch.ones_like(batch.input_ids, dtype=torch.bool) if mask is None else mask.bool()


def mlm_loss_sum(logits: Tensor, original_ids: Tensor, selection: Selection) -> Tensor:
    """Cross-entropy in nats at the selected positions, summed: `logits` (B, M, V), `original_ids` (B, L)."""
    targets = original_ids.gather(1, selection.positions)  # (B, M)
    targets = torch.where(selection.is_valid, targets, IGNORED)  # (B, M)
    return cross_entropy_sum(at_least_fp32(logits).flatten(0, 1), targets.flatten())


def rtd_loss_sum(logits: Tensor, is_replaced: Tensor, judged: Tensor) -> LossSum:
    """Binary cross-entropy in nats, summed over the judged positions: `logits`, `is_replaced` and `judged` are (B, L)."""
    scores = at_least_fp32(logits)
    per_token = F.binary_cross_entropy_with_logits(scores, is_replaced.to(scores.dtype), reduction="none")  # (B, L)
    return LossSum((per_token * judged).sum(), judged.sum())


@dataclass(frozen=True)
class Steps:
    """The parts of a pre-training step that a notebook may swap for its own."""

    select: Callable = corruption.select_positions
    mask: Callable = corruption.mask_positions
    sample: Callable = corruption.sample_tokens
    corrupt: Callable = corruption.corrupt
    label: Callable = corruption.label_replaced
    rtd_loss: Callable = rtd_loss_sum


@dataclass(frozen=True, eq=False)
class StepOutput:
    """What one joint step computed: losses by name (mlm, rtd, predictor, clm), the corruption if any, the logits for evaluation."""

    losses: dict[str, LossSum]
    corruption: Corruption | None = None
    mlm_logits: Tensor | None = None  # (B, M, V)
    rtd_logits: Tensor | None = None  # (B, L)

    def loss(self, weights: dict[str, float]) -> Tensor:
        """The weighted sum of the mean losses: MLM + lambda · RTD (paper, end of Section 3.1)."""
        return sum(weights[name] * part.total / part.count.clamp(min=1) for name, part in self.losses.items())


class Electra(nn.Module):
    """Generator and discriminator with shared embeddings, pre-trained together.

    With `sharing="all"` both encoders hold the *same* embeddings module: word, position and segment tables and their LayerNorm
    (paper, Section 3.2; reference code). `net.generator` or `net.discriminator` is None where a stored model has only the other.

    >>> from electra_helpers import Electra, ModelConfig
    >>> net = Electra(ModelConfig(vocab_size=200, num_layers=1))
    >>> net.generator.encoder.embeddings is net.discriminator.encoder.embeddings
    True

    Built in notebook 06.
    """

    def __init__(self, config: ModelConfig, *, generator: bool = True, discriminator: bool = True) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config.for_generator()) if generator else None
        self.discriminator = Discriminator(config, self.embeddings_of_main_net()) if discriminator else None

    def embeddings_of_main_net(self) -> Embeddings:
        """What the net of full size reads its tokens with: the generator's own embeddings, unless `config.sharing` says otherwise."""
        return embeddings_beside(None if self.generator is None else self.generator.encoder.embeddings, self.config)

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        """One joint step on a batch of B rows, given all of its randomness: the generator makes fakes, the discriminator judges."""
        steps = steps or Steps()
        fakes, mlm_logits, losses = self.make_fakes(batch, noise, config, steps)
        rtd_logits = self.discriminator(fakes.input_ids, batch.token_type_ids, batch.attention_mask)  # (B, L)
        losses["rtd"] = steps.rtd_loss(rtd_logits, fakes.is_replaced, self.judged(batch, fakes))
        return StepOutput(losses, fakes, mlm_logits, rtd_logits)

    def make_fakes(
        self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps
    ) -> tuple[Corruption, Tensor | None, dict[str, LossSum]]:
        """The generator's half: the corrupted batch, its logits (B, M, V), and the MLM loss."""
        ids, net = batch.input_ids, self.config
        selection = steps.select(ids, net.unselectable_ids, share=config.mask_share, noise=noise.select)  # (B, M)
        masked = steps.mask(  # (B, L)
            ids,
            selection,
            mask_id=net.mask_id,
            keep_share=config.keep_share,
            random_share=config.random_share,
            vocab_size=net.vocab_size,
            noise=noise.mask,
        )
        # Only the selected positions get logits: (B, M, V) instead of (B, L, V).
        logits = self.generator(masked, batch.token_type_ids, batch.attention_mask, positions=selection.positions)
        mlm = LossSum(mlm_loss_sum(logits, ids, selection), selection.is_valid.sum())
        # Sampling has no gradient: the generator learns from the MLM loss alone, not from fooling the discriminator.
        sampled = steps.sample(logits, temperature=config.temperature, noise=noise.sample)  # (B, M)
        sampled = noise.mixed_into(sampled)  # by default all of them stay the generator's
        corrupted = steps.corrupt(ids, selection, sampled)  # (B, L), from the original ids: no [MASK] is left
        labels = steps.label(ids, corrupted)  # (B, L), False where the generator drew the original
        return Corruption(ids, masked, selection, sampled, corrupted, labels), logits, {"mlm": mlm}

    def judged(self, batch: Batch, fakes: Corruption) -> Tensor:
        """Where the RTD loss is taken, (B, L): at every real token, not only at the selected (the paper's main point)."""
        return real_tokens(batch)

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        """How many targets each loss has in a batch, known from its ids alone, before any forward pass."""
        return {"rtd": real_tokens(batch).sum(), "mlm": self.count_selected(batch, config)}

    def count_selected(self, batch: Batch, config: PretrainConfig) -> Tensor:
        """How many positions of a batch are selected."""
        return count_selected(batch.input_ids, self.config.unselectable_ids, config.mask_share).sum()
