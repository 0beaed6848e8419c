"""Suspicious words: which words of a text the discriminator takes for replaced, and which words were likely meant.

`zero_shot` makes a cleaner of a discriminator as it comes out of pre-training: it was trained to find words that do not belong.
`suspects` takes either kind of cleaner, that one or one that was fine-tuned. Shapes: B batch, L length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.saved.folder import is_finetuned
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.base import Example, Examples
from electra_helpers.tasks.cleaning.flagging import threshold_of
from electra_helpers.tasks.cleaning.likeness import Spellings
from electra_helpers.tasks.cleaning.task import Cleaning
from electra_helpers.tasks.finetuned import Finetuned, chunks, load_finetuned
from electra_helpers.tasks.tagging import Words, words_of
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.words import composed

UNLISTED = (
    1e-6  # P in its place of a word that the vocabulary does not list, such as a name: it is right as it is written
)
LONGEST = 512  # tokens that are read at once, where the position table allows so many


@dataclass(frozen=True)
class Flag:
    """A suspicious word: its characters in the text, its score, and the words that were likely meant, with their P."""

    word: str
    start: int
    end: int
    score: float
    suggestions: tuple[tuple[str, float], ...] = ()

    @property
    def suggestion(self) -> str:
        """The likeliest, or "" without any."""
        return self.suggestions[0][0] if self.suggestions else ""


class AsTagger(nn.Module):
    """A discriminator that answers as a head for two labels does: logits (B, L, 2) whose softmax is its sigmoid."""

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, batch: Batch) -> Tensor:
        logits = self.discriminator(batch.input_ids, batch.token_type_ids, batch.attention_mask)
        return torch.stack([torch.zeros_like(logits), logits], dim=-1)


def zero_shot(pretrained: Pretrained, threshold: float = 0.5) -> Finetuned:
    """The discriminator as a cleaner that nobody fine-tuned. Raises `ElectraError` for a model without one.

    >>> import electra_helpers as eh
    >>> cleaner = zero_shot(eh.load("electra-tiny-world-en"))
    >>> len(next(cleaner.predict(["It was thunder of his own."]))["scores"])  # a word each, the full stop too
    7

    Built in notebook 13.
    """
    if pretrained.net.discriminator is None:
        raise ElectraError(f"{pretrained.name} has no discriminator, so it cannot judge words: load the discriminator.")
    length = min(LONGEST, pretrained.net.config.max_positions)
    task = Cleaning(threshold=threshold, all_pieces=True)
    return Finetuned(
        AsTagger(pretrained.net.discriminator),
        pretrained.tokenizer,
        task,
        FinetuneConfig(length=length),
        pretrained.name,
    )


def load_cleaner(name: str | Path) -> Pretrained | Finetuned:
    """A model to clean with: the folder of a fine-tuned one, or a pre-trained one by bundled name, folder or hub name."""
    return load_finetuned(name) if is_finetuned(name) else load(name)


def cleaner_of(model: Pretrained | Finetuned, threshold: float | None = None) -> Finetuned:
    """A cleaner with this threshold: fine-tuned for it, or zero-shot. Raises `ElectraError` for a model of another task."""
    if isinstance(model, Pretrained):
        return zero_shot(model, 0.5 if threshold is None else threshold)
    if not isinstance(model.task, Cleaning):
        raise ElectraError(f"{model.name} is fine-tuned for {model.task.name}, not for cleaning.")
    return model if threshold is None else replace(model, task=replace(model.task, threshold=threshold))


def suspects(
    model: Pretrained | Finetuned,
    texts: Iterable[str],
    *,
    share: float | None = None,
    threshold: float | None = None,
    suggest: int = 1,
    generator: Pretrained | None = None,
) -> list[list[Flag]]:
    """The flagged words of each text, the most suspicious first, each with `suggest` other words that fit best.

    Flagged are the most suspicious `share` of the words of all texts (2 %, at least 3 words, none whose score is below 0.4), or the
    words that score at least `threshold`. `generator` is whose generator suggests: by default the model's own; a fine-tuned model has
    none. Raises `ElectraError` for a model that cannot judge, and for share and threshold together.

    >>> import electra_helpers as eh; from electra_helpers.world import stories
    >>> text = next(stories(split="validation", count=1)).text("en").replace("hay", "thunder", 1)
    >>> worst = eh.suspects(eh.load("electra-tiny-world-en"), [text])[0][0]
    >>> worst.word, text[worst.start : worst.end]
    ('thunder', 'thunder')

    Built in notebook 13.
    """
    if share is not None and threshold is not None:
        raise ElectraError("share or threshold, not both: each says which words are flagged.")
    texts = list(texts)
    words = scored_words(model, texts)
    if threshold is None:
        scores = [word.score for each in words for word in each]
        threshold = threshold_of(scores, share)
    flags = [[word for word in each if word.score >= threshold] for each in words]
    flags = suggested(model, texts, flags, suggest, generator=generator)
    return [sorted(each, key=lambda flag: (-flag.score, flag.start)) for each in flags]


def scored_words(model: Pretrained | Finetuned, texts: Sequence[str]) -> list[list[Flag]]:
    """Every word of each text with its place and score, in reading order."""
    return [[Flag(**word) for word in said["flags"]] for said in cleaner_of(model, 0.0).predict(list(texts))]


def suggested(
    model: Pretrained | Finetuned,
    texts: Sequence[str],
    flags: Sequence[Sequence[Flag]],
    count: int,
    *,
    generator: Pretrained | None = None,
) -> list[list[Flag]]:
    """The flags with suggestions, where there is a generator to make them."""
    source = generator or (model if isinstance(model, Pretrained) else None)
    if not count or source is None or source.net.generator is None:
        return [list(each) for each in flags]
    return with_suggestions(source, texts, flags, count)


def with_suggestions(
    source: Pretrained, texts: Sequence[str], flags: Sequence[Sequence[Flag]], count: int
) -> list[list[Flag]]:
    """The flags with the words that were most likely meant: whole words, other than the flagged one.

    The generator, which does not see the word, says what fits its place; `likeness` weighs that by how much it looks like what is written.
    """
    blanks = []
    for number, (text, each) in enumerate(zip(texts, flags, strict=True)):
        words = words_of({"text": text}, source.tokenizer) if each else None
        blanks += [_blank(words, flag, source, number) for flag in each]
    written = [flag.word for each in flags for flag in each]
    parts = zip(chunks(blanks, 64), chunks(written, 64), strict=True)
    given = iter([tokens for part in parts for tokens in _likeliest(source, *part, count)])
    return [[replace(flag, suggestions=_in_its_case(flag.word, next(given))) for flag in each] for each in flags]


def _blank(words: Words, flag: Flag, source: Pretrained, number: int) -> Example:
    """A row with one [MASK] in the place of the word; `about` is its position and the token that it must not say."""
    tokenizer, room = source.tokenizer, min(LONGEST, source.net.config.max_positions) - 3
    touched = [at for at, (start, end) in enumerate(words.offsets) if start < flag.end and end > flag.start]
    before = [piece for pieces in words.pieces[: touched[0]] for piece in pieces]
    after = [piece for pieces in words.pieces[touched[-1] + 1 :] for piece in pieces]
    left = min(len(before), max(room // 2, room - len(after)))
    before, after = before[len(before) - left :], after[: room - left]
    ids = [tokenizer.cls_id, *before, tokenizer.mask_id, *after, tokenizer.sep_id]
    own = [piece for at in touched for piece in words.pieces[at]]
    return Example(ids, [0] * len(ids), None, number, about=(len(before) + 1, own[0] if len(own) == 1 else None))


@torch.inference_mode()
def _likeliest(
    source: Pretrained, blanks: Sequence[Example], written: Sequence[str], count: int
) -> list[list[tuple[str, float]]]:
    """The likeliest tokens for each blank, each with the P that the copy of a file goes by."""
    tokenizer = source.tokenizer
    batch = Examples(blanks, tokenizer.pad_id).batch(range(len(blanks)))
    positions = torch.tensor([[blank.about[0]] for blank in blanks])
    logits = source.net.generator(batch.input_ids, None, batch.attention_mask, positions=positions)[:, 0].float()
    p = torch.softmax(logits, dim=-1)  # (B, V)
    p[:, not_words(tokenizer)] = 0.0
    found = []
    for row, blank, word in zip(p.cpu().numpy().astype(np.float64), blanks, written, strict=True):
        own = blank.about[1]
        is_word = own is not None and own != tokenizer.unk_id
        if any(letter.isalnum() for letter in word):
            row[_marks(tokenizer)] = 0.0
        if is_word:
            row[own] = 0.0
        cost = _spellings(tokenizer).cost(_normalized(tokenizer, word), is_word=is_word)
        meant = row * np.exp(-cost)
        best = np.argsort(-meant, kind="stable")[: min(count, len(meant))]
        sure = row[best]  # likeness ranks what fits; it makes surer only what stands in the place of no listed word
        if not is_word:
            sure = np.maximum(sure, meant[best] / (meant.sum() + UNLISTED))
        found.append(list(zip(composed(tokenizer.tokens(best.tolist())), sure.tolist(), strict=True)))
    return found


def _normalized(tokenizer: Tokenizer, word: str) -> str:
    """A word as the vocabulary would spell it."""
    normalizer = tokenizer.backend.normalizer
    return word if normalizer is None else normalizer.normalize_str(word).replace(" ", "")


@lru_cache(8)
def _spellings(tokenizer: Tokenizer) -> Spellings:
    return Spellings(_vocabulary(tokenizer))


@lru_cache(8)
def _marks(tokenizer: Tokenizer) -> list[int]:
    """Ids of the tokens without a letter or a digit."""
    return [i for i, token in enumerate(_vocabulary(tokenizer)) if not any(letter.isalnum() for letter in token)]


def _vocabulary(tokenizer: Tokenizer) -> list[str]:
    """The tokens in the order of their ids; "" where an id has none."""
    names = {number: token for token, number in tokenizer.backend.get_vocab().items()}
    return [names.get(number, "") for number in range(tokenizer.vocab_size)]


@lru_cache(8)
def not_words(tokenizer: Tokenizer) -> list[int]:
    """Ids of the special tokens and of pieces that only continue a word."""
    pieces = (i for token, i in tokenizer.backend.get_vocab().items() if token.startswith("##"))
    return [*tokenizer.special_ids, *sorted(pieces)]


def _in_its_case(word: str, tokens: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Suggestions with a capital where the word has one."""
    return tuple((token.capitalize() if word[:1].isupper() and token.islower() else token, p) for token, p in tokens)
