"""What goes on inside the nets, measured for pictures: attention, gradients by part, and the words that a judgement hangs on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from electra_helpers.config import PretrainConfig
from electra_helpers.corruption import Noise
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import Electra
from electra_helpers.model.encoder import Encoder
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.detection import encode, judge_ids
from electra_helpers.text.packing import Batch

PARTS = {
    "generator.encoder.embeddings": "shared embeddings",
    "generator.encoder": "generator encoder",
    "generator.head": "generator head",
    "discriminator.encoder.embeddings": "discriminator embeddings",
    "discriminator.encoder": "discriminator encoder",
    "discriminator.head": "discriminator head",
}


def encoder_of(pretrained: Pretrained, net: str) -> Encoder:
    """The encoder of "discriminator" or "generator". Raises `ElectraError` if the model has no such net."""
    found = getattr(pretrained.net, net, None)
    if found is None:
        raise ElectraError(f"{pretrained.name} has no {net!r}: choose a net that it has, discriminator or generator.")
    return found.encoder


@torch.no_grad()
def attention_of(
    pretrained: Pretrained, text: str, *, layer: int = -1, net: str = "discriminator"
) -> tuple[list[str], np.ndarray]:
    """Tokens of a text and the attention weights of one layer, (A, L, L): row = who looks, column = what is looked at."""
    encoding = encode(pretrained, text)
    found = encoder_of(pretrained, net).attention_weights(torch.tensor([encoding.ids]))
    if not -len(found) <= layer < len(found):
        raise ElectraError(f"There is no layer {layer}: the {net} has {len(found)}, numbered from 0.")
    return encoding.tokens, found[layer][0].numpy()


def gradient_norms(
    net: Electra, batch: Batch, noise: Noise, config: PretrainConfig
) -> dict[str, dict[str, float | None]]:
    """For each loss the gradient norm that reaches each part of the nets; None where autograd leads nowhere.

    The weights of the losses (1 and λ) are counted in. Source: paper, Section 3.1 (no gradient through the sampling).
    """
    out = net(batch, noise, config)
    weights = config.loss_weights
    return {name: _norms(net, weights[name] * part.total / part.count) for name, part in out.losses.items()}


def _norms(net: Electra, loss: torch.Tensor) -> dict[str, float | None]:
    names, parameters = zip(*net.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    squares: dict[str, float | None] = {}
    for name, gradient in zip(names, gradients, strict=True):
        part = next(said for prefix, said in PARTS.items() if name.startswith(f"{prefix}."))
        before = squares.setdefault(part, None)
        if gradient is not None:
            squares[part] = (before or 0.0) + float(gradient.square().sum())
    return {part: None if total is None else total**0.5 for part, total in squares.items()}


@dataclass(frozen=True)
class Clues:
    """Which other tokens a judgement hangs on: how P(replaced) at `position` moves when each is deleted, and attention to it."""

    tokens: list[str]
    position: int
    p_replaced: float
    change: list[float]  # P without the token − P with it; 0 at the position itself and at [CLS], [SEP]
    attention: list[float]  # from the position, mean over heads of the last layer


def find_clues(pretrained: Pretrained, text: str, position: int) -> Clues:
    """Delete each other word in turn and judge again: the discriminator's clues for one token, (L,) each.

    Raises `ElectraError` for a position outside of the text and for a model without a discriminator.
    """
    encoding = encode(pretrained, text)
    config, ids = pretrained.net.config, encoding.ids
    if not 0 <= position < len(ids) or ids[position] in config.unselectable_ids:
        raise ElectraError(f"There is no word at position {position} of {len(ids)} tokens.")
    p = judge_ids(pretrained, torch.tensor([ids]))[position]
    change = [0.0] * len(ids)
    for i, token_id in enumerate(ids):
        if i != position and token_id not in config.unselectable_ids:
            shorter = torch.tensor([ids[:i] + ids[i + 1 :]])
            change[i] = judge_ids(pretrained, shorter)[position - (i < position)] - p
    weights = attention_of(pretrained, text)[1][:, position].mean(0)
    return Clues(encoding.tokens, position, p, change, weights.tolist())
