"""AdamW as ELECTRA uses it: which parameters decay, how the learning rate moves, and Adam without bias correction.

Muon, an option for small budgets, stands in muon.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn

from electra_helpers.config import FinetuneConfig, TrainingConfig
from electra_helpers.device import choose_device
from electra_helpers.training.muon import Muon, muon_groups

if TYPE_CHECKING:
    from electra_helpers.model.encoder import Encoder


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Weight decay is for weight matrices only: no bias, no LayerNorm (reference `optimization.py`)."""
    return parameter.dim() > 1


def parameter_groups(model: nn.Module, config: TrainingConfig) -> list[dict]:
    """Every trainable parameter exactly once, in two groups: with weight decay and without.

    A table that two nets share is one parameter here: `named_parameters` names it once.
    """
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    muon: list[dict] = []
    if config.optimizer == "muon":
        muon, named = muon_groups(named, config)
    return [
        *muon,
        {"params": [p for n, p in named if decays(n, p)], "weight_decay": config.weight_decay},
        {"params": [p for n, p in named if not decays(n, p)], "weight_decay": 0.0},
    ]


def layer_scales(num_layers: int, decay: float, exponent: str = "paper") -> list[float]:
    """What multiplies the learning rate at each depth: embeddings (0), layers 1 … `num_layers`, the head.

    decay to the power of `num_layers` + 1 − depth (paper, Section 3.3 and Appendix B), the head at 1; "reference" has + 2 for the
    encoder, so that the top layer is two powers below the head (google-research/electra, `optimization.py`).

    >>> layer_scales(2, 0.5)
    [0.125, 0.25, 0.5, 1.0]

    Built in notebook 08.
    """
    extra = 2 if exponent == "reference" else 1
    return [*(decay ** (num_layers + extra - depth) for depth in range(num_layers + 1)), 1.0]


def layerwise_groups(encoder: Encoder, head: nn.Module, config: FinetuneConfig) -> list[dict]:
    """Every trainable parameter of an encoder and its head once, with the learning rate's `scale` of its depth."""
    scales = layer_scales(len(encoder.layers), config.layer_decay, config.decay_exponent)
    parts: list[list[nn.Module]] = [
        [encoder.embeddings, *filter(None, [encoder.project])],
        *([x] for x in encoder.layers),
    ]
    return [
        group | {"scale": scale}
        for part, scale in zip([*parts, [head]], scales, strict=True)
        for group in parameter_groups(nn.ModuleList(part), config)
        if group["params"]
    ]


def make_optimizer(groups: Iterable[dict], config: TrainingConfig) -> torch.optim.AdamW:
    """Fused AdamW, or Muon, over the groups; a group's own `scale` (layer-wise decay) multiplies its learning rate."""
    kind = torch.optim.AdamW
    if config.optimizer == "muon":
        kind = partial(Muon, in_bf16=choose_device(config.device, config.precision).precision == "bf16")
    return kind(
        list(groups),
        lr=config.learning_rate,
        betas=(config.adam_beta1, config.adam_beta2),
        eps=config.adam_epsilon,
        fused=True,
    )


def learning_rate_at(step: int, config: TrainingConfig) -> float:
    """The learning rate of optimizer step `step` (0-based).

    reference: linear decay from step 0 × min(1, step / warm-up), a product (reference `optimization.py`); linear: up to the peak at
    the end of the warm-up, then down to 0 at the last step; constant: warm-up, then flat.

    >>> from electra_helpers import PretrainConfig, learning_rate_at
    >>> learning_rate_at(10_000, PretrainConfig(steps=1_000_000, learning_rate=5e-4))
    0.000495

    Built in notebook 06.
    """
    warmup = config.warmup  # a tenth of the steps where warmup_steps is longer than the run
    warm = min(1.0, step / warmup) if warmup else 1.0
    if config.schedule == "constant":
        return config.learning_rate * warm
    if config.schedule == "reference":
        return config.learning_rate * (1 - step / config.steps) * warm
    # The first update of a warm-up from zero would change nothing: count from 1.
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    left = (config.steps - step) / max(1, config.steps - warmup)
    return config.learning_rate * max(0.0, left)


def set_step(optimizer: torch.optim.Optimizer, step: int, config: TrainingConfig) -> float:
    """Prepare the optimizer for step `step` (0-based); returns the learning rate.

    Without bias correction, Adam's update is m / (√v + ε). Fused AdamW always corrects, so its learning rate, ε and weight decay are
    set so that the corrections cancel: with c1 = 1 − β1ᵗ and c2 = √(1 − β2ᵗ), lr · c1 / c2, ε / c2 and weight decay · c2 / c1.
    """
    rate = learning_rate_at(step, config)
    t = step + 1
    c1 = 1.0 if config.bias_correction else 1 - config.adam_beta1**t
    c2 = 1.0 if config.bias_correction else (1 - config.adam_beta2**t) ** 0.5
    for group in optimizer.param_groups:
        if group.get("muon_parts"):
            group["lr"] = rate * group.get("scale", 1.0)
            continue
        decay = group.setdefault("base_weight_decay", group["weight_decay"])
        group["lr"] = rate * group.get("scale", 1.0) * c1 / c2
        group["eps"] = config.adam_epsilon / c2
        group["weight_decay"] = decay * c2 / c1
    return rate
