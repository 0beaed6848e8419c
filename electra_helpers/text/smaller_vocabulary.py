"""A vocabulary cut down to the pieces that a corpus uses: a released encoder's tables are large, and mostly of words that never come.

What is left out still can be read, in smaller pieces: every single character stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import tokenizers
from tokenizers import models

from electra_helpers.errors import ElectraError
from electra_helpers.reading.corpora import in_batches
from electra_helpers.text.tokenizer import SPECIAL_TOKENS, UNK, Tokenizer, framed
from electra_helpers.text.vocabulary import spread_sample

CONTINUES = "##"


@dataclass(frozen=True, eq=False)
class Cut:
    """A smaller tokenizer, the old ids of its pieces in their new order, and the share of the text's tokens that these are."""

    tokenizer: Tokenizer
    kept: list[int]
    covered: float

    def describe(self, before: int) -> str:
        """One line for people."""
        return f"Vocabulary: {len(self.kept):,} of {before:,} pieces kept; they are {self.covered:.1%} of the tokens of this text."


def cut_vocabulary(tokenizer: Tokenizer, texts: Iterable[str], size: int) -> Cut:
    """The `size` pieces that serve these texts best: specials, all single characters, and of the rest the most frequent.

    Counted on an evenly spread sample of 20 million characters. Pieces keep their order, so that the tables of a model are cut by rows.
    Raises `ElectraError` where `size` has no room for the characters, is more than there are, or the tokenizer is no WordPiece.
    """
    if not isinstance(tokenizer.backend.model, models.WordPiece):
        raise ElectraError("keep_vocabulary cuts a WordPiece vocabulary; this model has another kind: leave it out.")
    vocab = tokenizer.backend.get_vocab()
    if not size <= len(vocab):
        raise ElectraError(f"keep_vocabulary is {size}: this model has {len(vocab):,} pieces. Choose fewer, or 0.")
    counts = Counter()
    for batch in in_batches(spread_sample(texts)):
        for ids in tokenizer.encode_batch(batch):
            counts.update(ids)
    needed = {vocab[token] for token in SPECIAL_TOKENS} | {i for token, i in vocab.items() if is_character(token)}
    if size < len(needed):
        raise ElectraError(
            f"keep_vocabulary is {size}: specials and single characters alone are {len(needed):,}. Choose more, or 0."
        )
    # The commonest first, equals in the order of their ids.
    others = sorted((i for i in vocab.values() if i not in needed), key=lambda i: (-counts[i], i))
    kept = sorted(needed | set(others[: size - len(needed)]))
    covered = sum(counts[i] for i in kept) / max(1, counts.total())
    return Cut(with_pieces(tokenizer, tokenizer.tokens(kept)), kept, covered)


def is_character(token: str) -> bool:
    """Whether a piece is one character, at the start of a word or inside."""
    return len(token.removeprefix(CONTINUES)) == 1 or len(token) == 1


def with_pieces(tokenizer: Tokenizer, pieces: list[str]) -> Tokenizer:
    """The same normalisation and splitting over other pieces."""
    old, vocab = tokenizer.backend, {piece: number for number, piece in enumerate(pieces)}
    most = old.model.max_input_chars_per_word
    backend = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token=UNK, max_input_chars_per_word=most))
    backend.normalizer, backend.pre_tokenizer, backend.decoder = old.normalizer, old.pre_tokenizer, old.decoder
    return Tokenizer(framed(backend, vocab))
