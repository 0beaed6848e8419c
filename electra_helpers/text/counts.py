"""Size and shape of a corpus, counted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from unicodedata import normalize

from electra_helpers.reading.corpora import in_batches
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.words import COUNTED_WORD


@dataclass(frozen=True)
class CorpusStats:
    """Size and shape of a corpus; a Chinese character counts as a word; tokens only where a tokenizer was given."""

    documents: int
    duplicates: int  # documents that are equal to an earlier one
    words: int
    types: int  # distinct words, upper and lower case taken together
    characters: int
    longest: int  # words of the longest document
    tokens: int | None = None
    tokens_per_word: float | None = None  # pieces that a word is cut into on average, punctuation counted with them


def corpus_stats(corpus: Iterable[str], tokenizer: Tokenizer | None = None) -> CorpusStats:
    """Count documents, words, types, characters, duplicates, and tokens where a tokenizer is given."""
    documents = words = characters = longest = tokens = 0
    types: set[str] = set()
    seen: set[int] = set()
    for batch in in_batches(corpus):
        for text in batch:
            found = COUNTED_WORD.findall(normalize("NFC", text))
            types.update(map(str.lower, found))
            seen.add(hash(text))
            documents, characters = documents + 1, characters + len(text)
            words, longest = words + len(found), max(longest, len(found))
        tokens += sum(map(len, tokenizer.encode_batch(batch))) if tokenizer else 0
    stats = CorpusStats(documents, documents - len(seen), words, len(types), characters, longest)
    return replace(stats, tokens=tokens, tokens_per_word=tokens / max(1, words)) if tokenizer else stats
