"""How unexpected each word is to the generator, and that beside the discriminator's judgement.

A discriminator learns from its generator's samples, and P(replaced) follows how often each is proposed: a generator that knows a language
never proposes *soup* behind *flew*, so an absurd word is no sign of a fake. The generator itself knows how unlikely it is. The weight of
one half is what the ideal judge gives the surprisal against fakes that were sampled at temperature 2, (1 - 1/T); it was not fitted.
Shapes: B rows, L length, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from electra_helpers.errors import ElectraError
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.detection import Detection, encode

WEIGHT = 0.5  # of the surprisal, in nats, beside the logit of P(replaced)
AT_ONCE = 128  # tokens of a text that is asked without being told to: a text of L tokens is read L times
SUREST = 1e-9  # the log odds stay below 21 either way


class Surprisal(NamedTuple):
    """Of one token, in nats: -log p of it where it alone is masked, and the entropy, which is what the generator expected that to be."""

    nats: float
    expected: float


def surprisals(model: Pretrained, texts: Sequence[str], rows: int = 256) -> list[list[Surprisal]]:
    """For each token of each text how unexpected it is when it alone is masked, [CLS] and [SEP] left out.

    One pass of the generator for each token, `rows` of them together, texts of like length side by side. Raises `ElectraError` for a
    model without a generator and for a text that it cannot read. Source: Salazar et al. (2020), pseudo-log-likelihood.
    """
    if model.net.generator is None:
        raise ElectraError(f"{model.name} has no generator, so it cannot say what it expects: load the pair.")
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found: list[list[Surprisal]] = [[] for _ in texts]
    waiting: list[tuple[int, list[int], int]] = []
    for index in order:
        ids = encode(model, texts[index]).ids
        waiting += [(index, ids, place) for place in range(1, len(ids) - 1)]
        while len(waiting) >= rows or (waiting and index == order[-1]):
            now, waiting = waiting[:rows], waiting[rows:]
            for (where, _, _), value in zip(now, _masked(model, now), strict=True):
                found[where].append(value)
    return found


@torch.inference_mode()
def _masked(model: Pretrained, asked: list[tuple[int, list[int], int]]) -> list[Surprisal]:
    """Surprisal and entropy at one place of each row, the place masked."""
    longest = max(len(ids) for _, ids, _ in asked)
    pad, mask_id = model.tokenizer.pad_id, model.tokenizer.mask_id
    ids = torch.tensor([row + [pad] * (longest - len(row)) for _, row, _ in asked])  # (B, L)
    places = torch.tensor([[place] for _, _, place in asked])  # (B, 1)
    logits = model.net.generator(ids.scatter(1, places, mask_id), None, ids != pad, positions=places)  # (B, 1, V)
    log_p = logits[:, 0].float().log_softmax(-1)  # (B, V)
    nats = -log_p.gather(1, ids.gather(1, places))[:, 0]
    entropy = -(log_p.exp() * log_p).sum(-1)
    return [Surprisal(*pair) for pair in zip(nats.tolist(), entropy.tolist(), strict=True)]


def log_odds(p: float) -> float:
    """log p / (1 - p), at most about twenty either way."""
    p = min(max(p, SUREST), 1 - SUREST)
    return math.log(p / (1 - p))


def suspicions(p_replaced: Sequence[float], found: Sequence[Surprisal]) -> list[float]:
    """P(replaced) moved by the surprisal, 0 to 1: the log odds, and half of what the surprisal is above the text's mean entropy.

    No probability of anything, but an order of a text's words. Token by token, [CLS] and [SEP] left out.

    >>> [round(s, 2) for s in suspicions([0.2, 0.2], [Surprisal(2.0, 4.0), Surprisal(9.0, 4.0)])]
    [0.08, 0.75]
    """
    expected = sum(each.expected for each in found) / max(1, len(found))
    scores = (log_odds(p) + WEIGHT * (each.nats - expected) for p, each in zip(p_replaced, found, strict=True))
    return [1 / (1 + math.exp(-score)) for score in scores]


def suspect_words(model: Pretrained, judged: Detection) -> list[float] | None:
    """The suspicion of each word of a judged text, the highest of its pieces; None for a long text or a model without a generator."""
    if model.net.generator is None or not 0 < len(judged.tokens) - 2 <= AT_ONCE:
        return None
    best: dict[int | None, float] = {}
    scores = suspicions(judged.p_replaced[1:-1], surprisals(model, [judged.text])[0])
    for word, score in zip(judged.word_ids[1:-1], scores, strict=True):
        best[word] = max(score, best.get(word, 0.0))
    return list(best.values())
