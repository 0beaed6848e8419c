"""AdamW as ELECTRA uses it: which parameters decay, how the learning rate moves, and Adam without bias correction.

And, as an option for small budgets, Muon: it is not part of ELECTRA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from electra_helpers.config import FinetuneConfig, TrainingConfig
from electra_helpers.device import choose_device

INNER = ("attention.qkv.weight", "attention.out.weight", "up.weight", "down.weight")  # a layer's matrices


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Weight decay is for weight matrices only: no bias, no LayerNorm (reference `optimization.py`)."""
    return parameter.dim() > 1


def parameter_groups(model: nn.Module, config: TrainingConfig) -> list[dict]:
    """Every trainable parameter exactly once, in two groups: with weight decay and without.

    A table that two nets share is one parameter here: `named_parameters` names it once.
    """
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    muon = []
    if config.optimizer == "muon":
        inner = [(n, p) for n, p in named if n.endswith(INNER)]
        named = [(n, p) for n, p in named if not n.endswith(INNER)]
        for parts in (3, 1):  # queries, keys and values lie in one matrix
            chosen = [p for n, p in inner if n.endswith(INNER[0]) == (parts == 3)]
            muon.append({"params": chosen, "weight_decay": config.weight_decay, "muon_parts": parts})
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


def layerwise_groups(encoder: nn.Module, head: nn.Module, config: FinetuneConfig) -> list[dict]:
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


class Muon(torch.optim.AdamW):
    """AdamW, but the groups with `muon_parts` move by their orthogonalised momentum: every direction of a matrix learns at one pace.

    Momentum 0.95 in Nesterov's form; an update is scaled to the size that AdamW's has, 0.2 √max(rows, columns), so that the two share
    learning rate and weight decay.
    Source: Jordan et al. (2024), "Muon"; the scale: Liu et al. (2025), "Muon is scalable for LLM training", Section 2.2.
    """

    MOMENTUM = 0.95

    def __init__(self, groups: list[dict], *, in_bf16: bool, **options: Any) -> None:
        super().__init__(groups, **options)
        self.number = torch.bfloat16 if in_bf16 else torch.float32

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        moved = [
            (group, p)
            for group in self.param_groups
            if group.get("muon_parts")
            for p in group["params"]
            if p.grad is not None
        ]
        alike: dict[tuple[int, int], list[tuple[Tensor, Tensor, float]]] = {}
        for group, p in moved:
            if not self.state[p]:
                # AdamW looks for a step counter wherever there is a state.
                self.state[p] = {"step": torch.zeros(()), "momentum": torch.zeros_like(p)}
            momentum = self.state[p]["momentum"]
            momentum.lerp_(p.grad, 1 - self.MOMENTUM)
            update = p.grad.lerp_(momentum, self.MOMENTUM)
            p.mul_(1 - group["lr"] * group["weight_decay"])
            parts = group["muon_parts"]
            for piece, change in zip(p.chunk(parts), update.chunk(parts), strict=True):
                alike.setdefault(tuple(piece.shape), []).append((piece, change, group["lr"]))
            p.grad = None  # AdamW passes over what has no gradient
        for shape, found in alike.items():
            straight = orthogonalize(torch.stack([change for _, change, _ in found]).to(self.number))
            for (piece, _, rate), change in zip(found, straight, strict=True):
                piece.add_(change.to(piece.dtype), alpha=-rate * 0.2 * max(shape) ** 0.5)
        return super().step(closure)


def orthogonalize(matrices: Tensor) -> Tensor:
    """Matrices (N, R, C) with nearly the same singular vectors and all singular values near 1, by five Newton-Schulz steps.

    The values end between about 0.7 and 1.2, which is near enough for an update. Source: Jordan et al. (2024), "Muon".
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    wide = matrices.mT if is_tall else matrices
    wide = wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        square = wide @ wide.mT
        wide = a * wide + (b * square + c * square @ square) @ wide
    return wide.mT if is_tall else wide


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
    warm = min(1.0, step / config.warmup_steps) if config.warmup_steps else 1.0
    if config.schedule == "constant":
        return config.learning_rate * warm
    if config.schedule == "reference":
        return config.learning_rate * (1 - step / config.steps) * warm
    # The first update of a warm-up from zero would change nothing: count from 1.
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    left = (config.steps - step) / max(1, config.steps - config.warmup_steps)
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
