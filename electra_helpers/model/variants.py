"""What the paper compares ELECTRA with (Section 3.4, Table 5): the same loop and corruption, one thing changed.

- rtd-selected: the discriminator judges the selected tokens alone ("ELECTRA 15 %").
- uniform fakes: replacements are drawn from the whole vocabulary; there is no generator.
- mlm: one network of full size with an MLM head, BERT's objective.
- replace-mlm: the main network sees the generator's samples instead of [MASK] and predicts the originals of the selected.
- all-tokens-mlm: the same, predicting every token, with a copy gate.
- clm: one network of full size that sees earlier tokens alone and predicts every next one, GPT's objective (not in the table).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Corruption, Noise, at_least_fp32
from electra_helpers.model.electra import (
    Electra,
    Generator,
    LossSum,
    StepOutput,
    Steps,
    mlm_loss_sum,
    real_tokens,
)
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.fast_cpu import cross_entropy_sum
from electra_helpers.text.packing import Batch


class SelectedRTD(Electra):
    """ELECTRA 15 %: the discriminator learns from the selected tokens only, a seventh of its targets."""

    def judged(self, batch: Batch, fakes: Corruption) -> Tensor:
        return fakes.is_selected

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        return super().target_counts(batch, config) | {"rtd": self.count_selected(batch, config)}


class UniformFakes(Electra):
    """A discriminator whose fakes are drawn uniformly from the vocabulary, without a generator."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, generator=False)

    def make_fakes(
        self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps
    ) -> tuple[Corruption, Tensor | None, dict[str, LossSum]]:
        ids, net = batch.input_ids, self.config
        selection = steps.select(ids, net.unselectable_ids, share=config.mask_share, noise=noise.select)  # (B, M)
        sampled = (noise.sample * net.vocab_size).long().clamp(max=net.vocab_size - 1)  # (B, M)
        corrupted = steps.corrupt(ids, selection, sampled)  # (B, L)
        # Nobody reads a masked text, so there is none: the original ids stand in its place.
        return Corruption(ids, ids, selection, sampled, corrupted, steps.label(ids, corrupted)), None, {}

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        return {"rtd": super().target_counts(batch, config)["rtd"]}


class SelectedUniformFakes(SelectedRTD, UniformFakes):
    """Both changes together."""


class MaskedLanguageModel(Electra):
    """One network of full size, trained to fill in the selected tokens: BERT's objective with ELECTRA's corruption rules."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(
            replace(config, generator_size=1.0, generator_layers=0, generator_shape=()), discriminator=False
        )

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        corrupted, logits, losses = self.make_fakes(batch, noise, config, steps or Steps())
        return StepOutput(losses, corrupted, logits)

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        return {"mlm": self.count_selected(batch, config)}


class CausalLanguageModel(Electra):
    """One network of full size that reads from left to right and predicts every next token: GPT's objective, nothing corrupted.

    The net stands apart from `generator`, which fills blanks and looks to both sides. Source: Radford et al. (2018), Section 3.1.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, generator=False, discriminator=False)
        self.language_model = Generator(config)

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        is_target, net = self.targets(batch), self.language_model
        hidden = net.encoder(batch.input_ids, batch.token_type_ids, batch.attention_mask)  # (B, L, H)
        # The vector at t is asked for the token at t + 1; padding is no target, so its vectors meet no vocabulary.
        logits = net.head(hidden[:, :-1][is_target], net.encoder.embeddings.tables()[0])  # (targets, V)
        total = cross_entropy_sum(at_least_fp32(logits), batch.input_ids[:, 1:][is_target])
        return StepOutput({"clm": LossSum(total, is_target.sum())})

    def targets(self, batch: Batch) -> Tensor:
        """Which tokens are predicted, (B, L − 1): every real one but the first, before which nothing is read."""
        return real_tokens(batch)[:, 1:]

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        return {"clm": self.targets(batch).sum()}


class ReplaceMLM(Electra):
    """A generator, and a full-size predictor that restores the selected tokens from the *corrupted* text."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, discriminator=False)
        self.predictor = Generator(config, self.embeddings_of_main_net())

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        corrupted, mlm_logits, losses = self.make_fakes(batch, noise, config, steps or Steps())
        losses["predictor"] = self.predict(batch, StepOutput(losses, corrupted, mlm_logits))
        return StepOutput(losses, corrupted, mlm_logits)

    def predict(self, batch: Batch, made: StepOutput) -> LossSum:
        """The predictor's loss over the selected positions."""
        selection = made.corruption.selection
        logits = self.predictor(
            made.corruption.input_ids, batch.token_type_ids, batch.attention_mask, positions=selection.positions
        )
        return LossSum(mlm_loss_sum(logits, batch.input_ids, selection), selection.is_valid.sum())

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        selected = self.count_selected(batch, config)
        return {"mlm": selected, "predictor": selected}


class AllTokensMLM(ReplaceMLM):
    """As `ReplaceMLM`, for every token: p(x) = copy · [x is the input token] + (1 − copy) · softmax (paper, Section 3.4)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.copy_gate = nn.Linear(config.hidden_size, 1)

    def predict(self, batch: Batch, made: StepOutput) -> LossSum:
        ids, seen, real = batch.input_ids, made.corruption.input_ids, real_tokens(batch)
        hidden = self.predictor.encoder(seen, batch.token_type_ids, batch.attention_mask)[real]  # (tokens, H)
        gate = at_least_fp32(self.copy_gate(hidden)[:, 0])
        logits = self.predictor.head(hidden, self.predictor.encoder.embeddings.tables()[0])
        log_p = -F.cross_entropy(at_least_fp32(logits), ids[real], reduction="none")
        drawn = F.logsigmoid(-gate) + log_p
        copied = torch.where(seen[real] == ids[real], F.logsigmoid(gate), float("-inf"))
        return LossSum(-torch.logaddexp(drawn, copied).sum(), real.sum())

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        return super().target_counts(batch, config) | {"predictor": real_tokens(batch).sum()}


class EncoderOnly(Electra):
    """An encoder without either head: to be fine-tuned, or to start from."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, generator=False, discriminator=False)
        self.encoder = Encoder(config)


# By objective and fakes; every other pair is ELECTRA itself.
_NETWORKS = {
    ("rtd-selected", "generator"): SelectedRTD,
    ("rtd", "uniform"): UniformFakes,
    ("rtd-selected", "uniform"): SelectedUniformFakes,
    ("mlm", "generator"): MaskedLanguageModel,
    ("clm", "generator"): CausalLanguageModel,
    ("replace-mlm", "generator"): ReplaceMLM,
    ("all-tokens-mlm", "generator"): AllTokensMLM,
}


def build_network(config: ModelConfig, pretrain: PretrainConfig) -> Electra:
    """The network that an objective trains: it reads from left to right with clm, and to both sides with every other."""
    shape = replace(config, causal=pretrain.objective == "clm")
    return _NETWORKS.get((pretrain.objective, pretrain.fakes), Electra)(shape)
