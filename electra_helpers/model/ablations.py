"""The objectives that the paper compares ELECTRA with (Section 3.4, Table 5): the same loop and corruption, another main network.

- mlm: one network of full size with an MLM head, BERT's objective.
- replace-mlm: the main network sees the generator's samples instead of [MASK] and predicts the originals of the selected.
- all-tokens-mlm: the same, predicting every token, with a copy gate.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Noise, at_least_fp32, count_selected
from electra_helpers.model.electra import (
    Electra,
    Generator,
    LossSum,
    StepOutput,
    Steps,
    mlm_loss_sum,
    real_tokens,
)
from electra_helpers.text.packing import Batch


class MaskedLanguageModel(Electra):
    """One network of full size, trained to fill in the selected tokens: BERT's objective with ELECTRA's corruption rules."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(replace(config, generator_size=1.0), discriminator=False)

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        corrupted, logits, losses = self.generate(batch, noise, config, steps or Steps())
        return StepOutput(losses, corrupted, logits)

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        return {"mlm": count_selected(batch.input_ids, self.config.unselectable_ids, config.mask_share).sum()}


class ReplaceMLM(Electra):
    """A generator, and a full-size predictor that restores the selected tokens from the *corrupted* text."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, discriminator=False)
        self.predictor = Generator(config, self._discriminator_embeddings())

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        corrupted, mlm_logits, losses = self.generate(batch, noise, config, steps or Steps())
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
        selected = count_selected(batch.input_ids, self.config.unselectable_ids, config.mask_share).sum()
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


_NETWORKS = {"mlm": MaskedLanguageModel, "replace-mlm": ReplaceMLM, "all-tokens-mlm": AllTokensMLM}


def build_network(config: ModelConfig, pretrain: PretrainConfig) -> Electra:
    """The network that an objective trains; with uniform fakes there is no generator."""
    if pretrain.objective in _NETWORKS:
        return _NETWORKS[pretrain.objective](config)
    return Electra(config, generator=pretrain.fakes == "generator")
