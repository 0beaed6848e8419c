"""Replaced token detection on a text: what the discriminator says of it, and the whole ladder from original to judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from electra_helpers.corruption import (
    corrupt,
    label_replaced,
    mask_positions,
    sample_tokens,
    select_positions,
)
from electra_helpers.errors import ElectraError, warn
from electra_helpers.fields import COLDEST, check_number
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.tokenizer import CLS, SEP, UNK, Encoding

MANY_UNKNOWN = 0.05  # of the tokens: more is worth a word


@dataclass(frozen=True)
class Detection:
    """Tokens with P(replaced), and the same grouped to words. Specials are kept; their `word_ids` are None."""

    text: str
    tokens: list[str]
    word_ids: list[int | None]
    p_replaced: list[float]
    words: list[str]
    p_replaced_words: list[float]

    def as_json(self) -> dict[str, Any]:
        names = ("tokens", "words", "p_replaced", "p_replaced_words")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Ladder:
    """The rungs of one corruption, aligned by token; `top_k` has the generator's likeliest tokens at selected positions, else None."""

    tokens: list[str]
    is_selected: list[bool]
    masked: list[str]
    top_k: list[list[tuple[str, float]] | None]
    sampled: list[str]
    is_replaced: list[bool]
    p_replaced: list[float]


def encode(pretrained: Pretrained, text: str, pair: str | None = None, *, blanks: bool = False) -> Encoding:
    """Token ids of a text that the model can read. Raises `ElectraError` if it is empty or longer than the model."""
    if not text.strip():
        raise ElectraError("The text is empty: give at least one word.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ElectraError("The text is not valid UTF-8 (it holds half a surrogate pair): save it as UTF-8 first.")
    encoding = pretrained.tokenizer.encode(text, pair, blanks=blanks)
    most = pretrained.net.config.max_positions
    if len(encoding.ids) > most:
        raise ElectraError(
            f"The text has {len(encoding.ids)} tokens, the model reads {most}: split it into shorter pieces."
        )
    return encoding


def group_words(text: str, encoding: Encoding, p: list[float]) -> tuple[list[str], list[float]]:
    """Words as they stand in the text, each with the highest P(replaced) of its pieces: a mean would dilute one wrong piece."""
    words: list[str] = []
    scores: list[float] = []
    spans: dict[int, tuple[int, int, float]] = {}
    for word_id, (start, end), score in zip(encoding.word_ids, encoding.offsets, p, strict=True):
        if word_id is not None:
            first, _, best = spans.get(word_id, (start, end, 0.0))
            spans[word_id] = (first, end, max(best, score))
    for start, end, best in spans.values():
        words.append(text[start:end])
        scores.append(best)
    return words, scores


def detect(pretrained: Pretrained, text: str) -> Detection:
    """Ask the discriminator which tokens of a text were replaced.

    Probabilities are those at the share of replacements seen in pre-training (about 6 % of tokens): compare them with each other
    rather than with 0.5. Raises `ElectraError` for an empty or too long text, and for a model without a discriminator.
    Source: paper, Section 3.1.

    >>> import electra_helpers as eh
    >>> eh.detect(eh.load("electra-tiny-world-en"), "the chef cooked the meal .").words[1]  # doctest: +SKIP
    'chef'

    Built in notebook 07.
    """
    encoding = encode(pretrained, text)
    p = judge_ids(pretrained, torch.tensor([encoding.ids]), torch.tensor([encoding.token_type_ids]))
    words, scores = group_words(text, encoding, p)
    return Detection(text, encoding.tokens, encoding.word_ids, p, words, scores)


def most_surprising(pretrained: Pretrained, text: str, words: Sequence[str], scores: Sequence[float]) -> int:
    """The index of the word that the piece with the highest score belongs to.

    `words` stand in `text` in this order; `scores` has one number a token, [CLS] and [SEP] left out.
    """
    spans, at = [], 0
    for word in words:
        at = text.index(word, at)
        spans.append((at, at + len(word)))
        at += len(word)
    start, _ = encode(pretrained, text).offsets[1:-1][max(range(len(scores)), key=scores.__getitem__)]
    return next(i for i, (first, last) in enumerate(spans) if first <= start < last)


@torch.no_grad()
def judge_ids(
    pretrained: Pretrained, input_ids: torch.Tensor, token_type_ids: torch.Tensor | None = None
) -> list[float]:
    """P(replaced) of every token of one row (1, L)."""
    if pretrained.net.discriminator is None:
        raise ElectraError(
            f"{pretrained.name} has no discriminator, so it cannot judge tokens: load the discriminator of the pair."
        )
    return torch.sigmoid(pretrained.net.discriminator(input_ids, token_type_ids)[0].float()).tolist()


@torch.no_grad()
def warn_of_unknown(tokens: Sequence[str], name: str) -> None:
    """Say so where more than a few of a text's tokens are [UNK]: what is said of them means nothing."""
    words = [token for token in tokens if token not in (CLS, SEP)]
    unknown = words.count(UNK)
    if unknown > MANY_UNKNOWN * len(words):
        warn(
            f"{unknown} of {len(words)} tokens are [UNK], words that the vocabulary of {name} does not have: "
            "what it says of this text means little. Choose another --model."
        )


def ladder(
    pretrained: Pretrained, text: str, *, seed: int = 0, temperature: float = 1.0, top_k: int = 5, share: float = 0.15
) -> Ladder:
    """Corrupt one text and judge it, keeping every rung: original, selected, masked, proposals, sampled, replaced, P(replaced).

    Raises `ElectraError` for an empty or too long text, and for a model that lacks one of the nets. Source: paper, Figure 2.

    >>> import electra_helpers as eh
    >>> sum(eh.ladder(eh.load("electra-tiny-world-en"), "the chef cooked the meal .").is_selected)  # doctest: +SKIP
    1

    Built in notebook 04.
    """
    net, tokenizer = pretrained.net, pretrained.tokenizer
    if net.generator is None:
        raise ElectraError(
            f"{pretrained.name} has no generator, so nothing can be sampled: load the generator of the pair."
        )
    check_number("share", share, float, 0, 1)
    check_number("temperature", temperature, float, COLDEST)
    encoding = encode(pretrained, text)
    ids, types = torch.tensor([encoding.ids]), torch.tensor([encoding.token_type_ids])
    random = torch.Generator().manual_seed(seed)
    selection = select_positions(ids, net.config.unselectable_ids, share=share, generator=random)
    masked = mask_positions(ids, selection, mask_id=net.config.mask_id, generator=random)
    logits = net.generator(masked, types, positions=selection.positions)
    sampled = sample_tokens(logits, temperature=temperature, generator=random)
    corrupted = corrupt(ids, selection, sampled)
    likeliest = torch.softmax(logits.float() / temperature, -1).topk(min(top_k, logits.shape[-1]))
    proposals: list[list[tuple[str, float]] | None] = [None] * ids.shape[1]
    for slot, position in enumerate(selection.positions[0].tolist()):
        if selection.is_valid[0, slot]:
            names = tokenizer.tokens(likeliest.indices[0, slot].tolist())
            proposals[position] = list(zip(names, likeliest.values[0, slot].tolist(), strict=True))
    return Ladder(
        tokens=encoding.tokens,
        is_selected=selection.as_mask(ids.shape[1])[0].tolist(),
        masked=tokenizer.tokens(masked[0].tolist()),
        top_k=proposals,
        sampled=tokenizer.tokens(corrupted[0].tolist()),
        is_replaced=label_replaced(ids, corrupted)[0].tolist(),
        p_replaced=judge_ids(pretrained, corrupted, types),
    )
