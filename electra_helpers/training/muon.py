"""Muon, an optimizer for small budgets: matrices inside the layers move by their orthogonalised momentum. Not part of ELECTRA.

Measured here: fewer tokens to the same score (tests/benchmarks/README.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from electra_helpers.config import TrainingConfig

INNER = ("attention.qkv.weight", "attention.out.weight", "up.weight", "down.weight")  # a layer's matrices

Named = list[tuple[str, nn.Parameter]]


def muon_groups(named: Named, config: TrainingConfig) -> tuple[list[dict], Named]:
    """The groups that Muon moves, and the parameters that are left to AdamW."""
    inner = [(n, p) for n, p in named if n.endswith(INNER)]
    groups = []
    for parts in (3, 1):  # queries, keys and values lie in one matrix
        chosen = [p for n, p in inner if n.endswith(INNER[0]) == (parts == 3)]
        groups.append({"params": chosen, "weight_decay": config.weight_decay, "muon_parts": parts})
    return groups, [(n, p) for n, p in named if not n.endswith(INNER)]


class Muon(torch.optim.AdamW):
    """AdamW, but the groups with `muon_parts` move by their orthogonalised momentum: every direction of a matrix learns at one pace.

    Momentum 0.95 in Nesterov's form; an update is scaled to the size that AdamW's has, 0.2 √max(rows, columns), so that the two share
    learning rate and weight decay.
    Source: Jordan et al. (2024), "Muon"; the scale: Liu et al. (2025), "Muon is scalable for LLM training", Section 2.2.
    """

    MOMENTUM = 0.95

    def __init__(self, groups: list[dict], *, in_bf16: bool, **options: Any) -> None:
        super().__init__(groups, **options)
        # Fused AdamW passes over a step whose fp16 gradients overflowed; here GradScaler has to leave the whole step out.
        self._step_supports_amp_scaling = False
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
