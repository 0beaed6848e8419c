"""Acceptability: which of two sentences that differ by one mistake a discriminator takes for the better one, as in BLiMP.

A sentence's score is log P(no token was replaced), if tokens were judged apart: the sum of log(1 − P(replaced)) over its tokens. The sum
grows more negative with every token, so between sentences of different length it prefers the shorter one; the mean does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from electra_helpers.errors import ElectraError
from electra_helpers.reading.labelled import LabelledData, labelled, load_labelled
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.base import Example, Examples
from electra_helpers.tasks.detection import encode
from electra_helpers.tasks.finetuned import AT_ONCE, chunks

WAYS = ("sum", "mean")
SUREST = 1e-9  # log(0) is no score: a P is never taken for 1
WORLD_PAIRS = 100  # of each phenomenon


def sentence_score(p_replaced: Sequence[float], how: str = "sum") -> float:
    """log P(original) of a sentence's tokens, [CLS] and [SEP] left out by the caller: their sum, or their mean (nats).

    Raises `ElectraError` for another `how`, and without a token.

    >>> round(sentence_score([0.1, 0.5]), 2), round(sentence_score([0.1, 0.5], how="mean"), 2)
    (-0.8, -0.4)

    Built in notebook 13.
    """
    if how not in WAYS:
        raise ElectraError(f"There is no way {how!r} to score a sentence: choose one of {', '.join(WAYS)}.")
    if not len(p_replaced):
        raise ElectraError("A sentence without tokens has no score.")
    total = math.fsum(math.log(max(1.0 - p, SUREST)) for p in p_replaced)
    return total / len(p_replaced) if how == "mean" else total


def token_scores(model: Pretrained, texts: Iterable[str], context: str = "") -> list[list[float]]:
    """P(replaced) of each text's tokens, [CLS] and [SEP] left out, where `context` stands before every text, unscored.

    A model whose rows were long in pre-training knows no sentence that stands alone; one before it is company. Choose it without the
    pairs that it is to help with. Raises `ElectraError` for a text that the model cannot read.
    """
    before = len(model.tokenizer.encode(context).ids) - 2 if context else 0
    whole = (f"{context} {text}" if text.strip() else text for text in texts) if context else texts
    return [p[before:] for chunk in chunks(whole, AT_ONCE) for p in _chunk_scores(model, chunk)]


@torch.inference_mode()
def _chunk_scores(model: Pretrained, texts: Sequence[str]) -> list[list[float]]:
    if model.net.discriminator is None:
        raise ElectraError(f"{model.name} has no discriminator, so it cannot judge: load the discriminator.")
    read = [encode(model, text) for text in texts]
    made = Examples([Example(e.ids, e.token_type_ids, None, n) for n, e in enumerate(read)], model.tokenizer.pad_id)
    order = np.argsort(made.real_lengths(np.arange(len(made))), kind="stable")
    found: list[list[float]] = [[] for _ in texts]
    for indices in chunks(order, 64):
        batch = made.batch(indices)
        p = torch.sigmoid(model.net.discriminator(batch.input_ids, None, batch.attention_mask).float())
        for index, row in zip(indices, p.tolist(), strict=True):
            found[index] = row[1 : len(read[index].ids) - 1]
    return found


def open_pairs(
    source: str, split: str = "test", columns: Mapping[str, str] | None = None, layout: Layout = FOUND_OUT
) -> LabelledData:
    """Minimal pairs: `world` for stories of the little world with and without one mistake, `world:sentences` for the sentence alone
    (what a tiny model cannot judge: it has read whole stories), or a file, folder or hub name in BLiMP's columns.
    """
    if source not in ("world", "world:sentences"):
        return load_labelled(source, split, task="minimal pairs", columns=columns, layout=layout)
    from electra_helpers.world import PHENOMENA, blimp_row, minimal_pairs

    pairs = [(kind, pair) for kind in PHENOMENA for pair in minimal_pairs(kind, WORLD_PAIRS)]
    rows = [blimp_row(pair, number) | {"UID": kind} for number, (kind, pair) in enumerate(pairs)]
    if source == "world":
        for row, (_, pair) in zip(rows, pairs, strict=True):
            story = pair.story.text("en")
            row["sentence_bad"] = story.replace(row["sentence_good"], row["sentence_bad"], 1)
            row["sentence_good"] = story
    return labelled(rows, task="minimal pairs", source=f"{source}: pairs of the little world")


def preferred(good: Sequence[float], bad: Sequence[float]) -> np.ndarray:
    """1 where the good sentence scores higher, 0.5 where both score the same."""
    return (np.sign(np.subtract(good, bad)) + 1) / 2


def acceptability(
    model: Pretrained,
    data: LabelledData,
    how: str = "sum",
    *,
    context: str = "",
    score: Callable[..., float] = sentence_score,
) -> dict[str, Any]:
    """The share of pairs whose good sentence scores higher, in all and by phenomenon, beside a coin and "the shorter one".

    `context` stands before every sentence and is not scored.
    """
    sides = {side: data.column(side) for side in ("good", "bad")}
    p = {side: token_scores(model, texts, context) for side, texts in sides.items()}
    right = preferred(*([score(each, how) for each in p[side]] for side in ("good", "bad")))
    shorter = preferred(*([-len(each) for each in p[side]] for side in ("good", "bad")))
    kinds = [str(row.get("phenomenon", "")) for row in data.rows]

    def by_kind(won: np.ndarray) -> dict[str, float]:
        each = {kind: float(won[np.array(kinds) == kind].mean()) for kind in dict.fromkeys(kinds) if kind}
        return {"accuracy": float(won.mean())} | (each if len(each) > 1 else {})

    behind = f", each behind {context!r}" if context else ""
    said = f"{data.source}: {len(data):,} pairs, the better sentence by the {how} of log P(original){behind}"
    baselines = {"coin": by_kind(np.full(len(data), 0.5)), "shorter sentence": by_kind(shorter)}
    return {
        "said": said,
        "rows": len(data),
        "how": how,
        "context": context,
        "scores": by_kind(right),
        "baselines": baselines,
    }
