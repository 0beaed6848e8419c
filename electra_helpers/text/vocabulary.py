"""WordPiece vocabularies learned from text, the same on every run. Nothing here imports torch or transformers."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from unicodedata import normalize

import numpy as np
import tokenizers
from tokenizers import trainers

from electra_helpers.cache import cache_folder, made_whole
from electra_helpers.errors import ElectraError
from electra_helpers.text.tokenizer import SPECIAL_TOKENS, Tokenizer, bert_backend, split_words

# A vocabulary changes little beyond this much text; twenty times as much is read at most.
TRAINING_CHARACTERS = 20_000_000
VERSION = 3  # raise it when the same text gets another vocabulary, so that no old cache is used
ALPHABET_COVERAGE = 0.9995  # share of the text whose characters are kept, as in SentencePiece; the rest becomes [UNK]


def train_tokenizer(
    texts: Iterable[str],
    vocab_size: int,
    *,
    lowercase: bool = True,
    strip_accents: bool | None = None,
    whole_words: int = 0,
) -> Tokenizer:
    """Learn a WordPiece vocabulary of at most `vocab_size` entries; the same texts always give the same vocabulary.

    `whole_words` of the entries are the most frequent words that the learned pieces do not have: merges spend entries on pieces of
    words (*sou*, *##p*), while a detector of replaced tokens sees a word best as one token.

    `strip_accents=None` strips them where `lowercase` is true, as BERT does; False keeps every mark, and composes the text (NFC) so
    that é is one character however it was typed. Of a long corpus an evenly spread sample
    of 20 million characters is used. A `Corpus` has its vocabulary kept, so that a second call is quick. Raises
    `ElectraError` where there is no text, or no room for its alphabet.

    >>> train_tokenizer(["low lower lowest", "new newer newest"] * 9, vocab_size=40).encode("lowest").tokens
    ['[CLS]', 'lowest', '[SEP]']

    Built in notebook 01.
    """
    fingerprint = getattr(texts, "fingerprint", None)
    if fingerprint is None:
        return _train(spread_sample(texts), vocab_size, lowercase, strip_accents, whole_words)
    asked = [vocab_size, lowercase, strip_accents, *([whole_words] if whole_words else [])]
    recipe = json.dumps([VERSION, fingerprint, *asked, tokenizers.__version__])
    folder = cache_folder() / f"vocabulary-{hashlib.blake2b(recipe.encode(), digest_size=8).hexdigest()}"
    if not (folder / "tokenizer.json").is_file():
        with made_whole(folder, lambda made: (made / "tokenizer.json").is_file()) as draft:
            _train(spread_sample(texts), vocab_size, lowercase, strip_accents, whole_words).save(draft)
    return Tokenizer.load(folder)


def _train(
    texts: list[str], vocab_size: int, lowercase: bool, strip_accents: bool | None, whole_words: int
) -> Tokenizer:
    compose = not (lowercase if strip_accents is None else strip_accents)
    texts = [normalize("NFC", text) for text in texts] if compose else texts
    rules = {"lowercase": lowercase, "strip_accents": strip_accents, "compose": compose}
    backend = bert_backend({token: i for i, token in enumerate(SPECIAL_TOKENS)}, **rules)
    alphabet = _alphabet(texts, backend)
    inner = [f"##{c}" for c in alphabet if _continues_words(c, backend)]
    if not alphabet:
        raise ElectraError("There is no text to learn a vocabulary from.")
    needed = len(SPECIAL_TOKENS) + len(alphabet) + len(inner) + whole_words
    if vocab_size < needed:
        whole, less = (f" and {whole_words:,} whole words", ", or fewer whole words") if whole_words else ("", "")
        raise ElectraError(
            f"A vocabulary of {vocab_size} has no room for the alphabet of this text{whole}: it takes {needed} at least{less}."
        )
    # The trainer numbers ##c in the order of a hash table and breaks ties by these numbers: with all of them named
    # beforehand it is deterministic.
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size - whole_words,
        min_frequency=2,
        special_tokens=[*SPECIAL_TOKENS, *inner],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    vocab = backend.get_vocab()
    if whole_words:
        missing = (word for word in frequent_words(texts, backend) if word not in vocab and set(word) <= set(alphabet))
        vocab |= {word: len(vocab) + i for i, word in enumerate(islice(missing, whole_words))}
    return Tokenizer(bert_backend(vocab, **rules))


def frequent_words(texts: Iterable[str], backend: tokenizers.Tokenizer) -> list[str]:
    """The words that BERT's rules find in the texts at least twice, the commonest first, equals in the order of the alphabet."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split_words(text, backend))
    return sorted((word for word, count in counts.items() if count > 1), key=lambda word: (-counts[word], word))


def spread_sample(texts: Iterable[str], characters: int = TRAINING_CHARACTERS) -> list[str]:
    """At most about `characters` of the texts, evenly spread: every text, or every second, fourth, eighth … of them."""
    kept, size, read, step = [], 0, 0, 1
    for number, text in enumerate(texts):
        read += len(text)
        if number % step == 0:
            kept.append(text)
            size += len(text)
        if size > characters and len(kept) > 1:
            kept, step = kept[::2], step * 2
            size = sum(map(len, kept))
        if read > 20 * characters:  # a corpus larger than this is not read to its end for a vocabulary
            break
    return kept


def _alphabet(texts: list[str], backend: tokenizers.Tokenizer) -> list[str]:
    """The most frequent normalised characters that together cover the text, in the order of their code points."""
    raw = np.zeros(0x110000, dtype=np.int64)
    for start in range(0, len(texts), 256):
        text = "".join(texts[start : start + 256])
        codes = np.frombuffer(text.encode("utf-32-le", errors="ignore"), dtype=np.uint32)
        found = np.bincount(codes)
        raw[: len(found)] += found
    counts: dict[str, int] = {}
    for code in np.flatnonzero(raw):
        for character in "".join(split_words(chr(code), backend)):
            counts[character] = counts.get(character, 0) + int(raw[code])
    ranked = sorted(counts, key=lambda c: (-counts[c], c))
    reached = np.cumsum([counts[c] for c in ranked]) / max(1, sum(counts.values()))
    return sorted(ranked[: int(np.searchsorted(reached, ALPHABET_COVERAGE)) + 1])


def _continues_words(character: str, backend: tokenizers.Tokenizer) -> bool:
    """Whether the character can stand inside a word: letters can, punctuation and Chinese characters cannot."""
    return len(split_words(f"a{character}", backend)) == 1
