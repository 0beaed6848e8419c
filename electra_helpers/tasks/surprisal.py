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
    check_generator(model)
    asked = []
    for text in texts:
        ids = encode(model, text).ids
        asked.append([(ids, [place]) for place in range(1, len(ids) - 1)])
    return [[alone for [alone] in row] for row in _in_batches(model, asked, rows)]


def word_surprisals(
    model: Pretrained, texts: Sequence[str], words: Sequence[Sequence[str]], rows: int = 256
) -> list[list[float]]:
    """For each word of each text how unexpected it is when all of its tokens are masked together: the sum of their -log p, in nats.

    A token is easily told from the rest of its word: the two characters of 冰箱 each propose the other, wherever the word stands. Masked
    together they have the sentence alone to go by. `words` are the words of each text in their order; what stands between them is
    passed over. Raises `ElectraError` for a word that the text does not have there, and as `surprisals` does. The idea of masking
    whole words: BERT's release of May 2019, for Chinese Cui et al. (2019).
    """
    check_generator(model)
    asked = []
    for text, split in zip(texts, words, strict=True):
        encoding, at, row = encode(model, text), 0, []
        for word in split:
            start = text.find(word, at)
            if not word or start < 0:
                raise ElectraError(f"The word {word!r} does not stand in {text!r} behind the words before it.")
            at = start + len(word)
            inside = [i for i, (a, b) in enumerate(encoding.offsets) if a < at and b > start and a < b]
            if not inside:
                raise ElectraError(f"The word {word!r} has no token in {text!r}: leave it out.")
            row.append((encoding.ids, inside))
        asked.append(row)
    return [[sum(each.nats for each in word) for word in row] for row in _in_batches(model, asked, rows)]


def check_generator(model: Pretrained) -> None:
    """Raise `ElectraError` for a model without a generator."""
    if model.net.generator is None:
        raise ElectraError(f"{model.name} has no generator, so it cannot say what it expects: load the pair.")


def _in_batches(
    model: Pretrained, asked: Sequence[Sequence[tuple[list[int], list[int]]]], rows: int
) -> list[list[list[Surprisal]]]:
    """For every text, and each (ids, places) asked of it, the surprisals at these places, all of them masked at once."""
    flat = [(text, number) for text, row in enumerate(asked) for number in range(len(row))]
    flat.sort(key=lambda at: len(asked[at[0]][at[1]][0]))
    found: list[list[list[Surprisal]]] = [[[] for _ in row] for row in asked]
    for first in range(0, len(flat), rows):
        now = flat[first : first + rows]
        for (text, number), values in zip(now, _masked(model, [asked[t][n] for t, n in now]), strict=True):
            found[text][number] = values
    return found


@torch.inference_mode()
def _masked(model: Pretrained, asked: list[tuple[list[int], list[int]]]) -> list[list[Surprisal]]:
    """Surprisal and entropy at the given places of each row, these places masked."""
    longest, most = max(len(ids) for ids, _ in asked), max(len(places) for _, places in asked)
    pad, mask_id = model.tokenizer.pad_id, model.tokenizer.mask_id
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row, _ in asked])  # (B, L)
    # Rows with fewer places name their last one several times.
    places = torch.tensor([own + own[-1:] * (most - len(own)) for _, own in asked])  # (B, M)
    logits = model.net.generator(ids.scatter(1, places, mask_id), None, ids != pad, positions=places)  # (B, M, V)
    log_p = logits.float().log_softmax(-1)
    nats = -log_p.gather(2, ids.gather(1, places)[..., None])[..., 0]  # (B, M)
    entropy = -(log_p.exp() * log_p).sum(-1)  # (B, M)
    pairs = zip(nats.tolist(), entropy.tolist(), asked, strict=True)
    return [[Surprisal(*pair) for pair in zip(a[: len(own)], b[: len(own)], strict=True)] for a, b, (_, own) in pairs]


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
