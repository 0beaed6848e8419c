"""WordPiece with BERT's normalisation: words → pieces → ids.

The splitting itself is done by the `tokenizers` library; this file gives it the shape the course needs, and trains
vocabularies that are the same on every run. Nothing here imports torch or transformers.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from electra_helpers.errors import ElectraError
from electra_helpers.text.cache import cache_folder, made_whole

PAD, UNK, CLS, SEP, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SENTENCE_ENDS = (".", "!", "?", "。", "！", "？")
TRAINING_CHARACTERS = (
    20_000_000  # a vocabulary changes little beyond this much text; twenty times as much is read at most
)
VERSION = 1  # raise it when the same text gets another vocabulary, so that no old cache is used
ALPHABET_COVERAGE = 0.9995  # share of the text whose characters are kept, as in SentencePiece; the rest becomes [UNK]


@dataclass(frozen=True)
class Encoding:
    """One tokenised text or pair: lists of equal length, one entry a token."""

    ids: list[int]
    token_type_ids: list[int]  # 0: [CLS] first [SEP], 1: second [SEP]
    tokens: list[str]
    offsets: list[tuple[int, int]]  # characters of the text that the token comes from; (0, 0) for [CLS] and [SEP]
    word_ids: list[int | None]  # pieces of one word share a number; the pair's words count on; None for [CLS] and [SEP]
    is_special: list[bool]  # added here: [CLS], [SEP]; a [MASK] that stands in the text is not


class Tokenizer:
    """Text ↔ token ids, with what pre-training needs to know of the vocabulary.

    >>> tokenizer = tokenizer_from_words(["the", "cat", "sat", "."])
    >>> tokenizer.encode("The cat sat.").tokens
    ['[CLS]', 'the', 'cat', 'sat', '.', '[SEP]']

    Raises `ElectraError` where one of the five special tokens is missing. Built in notebook 01.
    """

    def __init__(self, backend: tokenizers.Tokenizer):
        missing = [token for token in SPECIAL_TOKENS if backend.token_to_id(token) is None]
        if missing:
            raise ElectraError(
                f"The vocabulary has no {', '.join(missing)}; ELECTRA needs {', '.join(SPECIAL_TOKENS)}."
            )
        backend.no_truncation()
        backend.no_padding()
        self.backend = backend
        self._literal = tokenizers.Tokenizer.from_str(backend.to_str())
        self._literal.encode_special_tokens = True  # in a corpus, "[MASK]" is three words about BERT and not a mask
        self.special_ids = tuple(backend.token_to_id(token) for token in SPECIAL_TOKENS)
        self.pad_id, self.unk_id, self.cls_id, self.sep_id, self.mask_id = self.special_ids

    def __repr__(self) -> str:
        return f"Tokenizer(vocab_size={self.vocab_size})"

    @property
    def vocab_size(self) -> int:
        """V: one more than the largest id."""
        return max(self.backend.get_vocab().values()) + 1

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides the ids."""
        return hashlib.blake2b(self.backend.to_str().encode(), digest_size=8).hexdigest()

    @property
    def sentence_end_ids(self) -> frozenset[int]:
        """Ids of the marks that end a sentence, as far as the vocabulary has them."""
        return frozenset(self.backend.token_to_id(mark) for mark in SENTENCE_ENDS) - {None}

    def encode(self, text: str, pair: str | None = None, max_length: int | None = None) -> Encoding:
        """`[CLS] text [SEP]` or `[CLS] text [SEP] pair [SEP]`, cut to `max_length` tokens, the longer part first."""
        parts = [self.backend.encode(part, add_special_tokens=False) for part in (text, pair) if part is not None]
        lengths = [len(part) for part in parts]
        if max_length is not None:
            lengths = truncated_lengths(lengths, room=max_length - len(parts) - 1)
        columns = ([self.cls_id], [0], [CLS], [(0, 0)], [None], [True])
        n_words = 0
        for segment, (part, length) in enumerate(zip(parts, lengths, strict=True)):
            word_ids = [n_words + word for word in part.word_ids]
            n_words = max(word_ids, default=n_words - 1) + 1
            pieces = (part.ids, [segment] * length, part.tokens, part.offsets, word_ids, [False] * length)
            end = (self.sep_id, segment, SEP, (0, 0), None, True)
            for column, piece, last in zip(columns, pieces, end, strict=True):
                column.extend(piece[:length])
                column.append(last)
        return Encoding(*columns)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text without [CLS] and [SEP], on all cores; "[MASK]" in a text is plain text here."""
        return [encoding.ids for encoding in self._literal.encode_batch_fast(list(texts), add_special_tokens=False)]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The token of each id."""
        ids = [int(i) for i in ids]
        tokens = [self.backend.id_to_token(i) for i in ids]
        if None in tokens:
            raise ElectraError(f"Id {ids[tokens.index(None)]} is outside this vocabulary of {self.vocab_size} tokens.")
        return tokens

    def decode(self, ids: Iterable[int]) -> str:
        """Ids → text, special tokens left out."""
        return self.backend.decode([int(i) for i in ids], skip_special_tokens=True)

    def save(self, folder: str | Path) -> None:
        """Write tokenizer.json, tokenizer_config.json and vocab.txt, as `transformers.AutoTokenizer` reads them."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names = {f"{token.strip('[]').lower()}_token": token for token in SPECIAL_TOKENS}
        config = {"tokenizer_class": "PreTrainedTokenizerFast", **names, "model_max_length": 512}
        config["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
        if self._normalizer().get("type") == "BertNormalizer":  # read by `load` when only vocab.txt is left
            config["do_lower_case"] = self._normalizer()["lowercase"]
            config["strip_accents"] = self._normalizer()["strip_accents"]
            config["tokenize_chinese_chars"] = self._normalizer()["handle_chinese_chars"]
        (folder / "tokenizer.json").write_text(self.backend.to_str(pretty=True) + "\n", encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        by_id = sorted(self.backend.get_vocab().items(), key=lambda item: item[1])
        (folder / "vocab.txt").write_text("".join(f"{token}\n" for token, _ in by_id), encoding="utf-8")

    def _normalizer(self) -> dict:
        return json.loads(self.backend.to_str())["normalizer"] or {}

    @classmethod
    def load(cls, folder: str | Path) -> "Tokenizer":
        """Read a folder with tokenizer.json, or with vocab.txt as the google/electra folders have it."""
        folder = Path(folder)
        for name, read in (("tokenizer.json", _read_tokenizer_json), ("vocab.txt", _read_vocab_txt)):
            if (folder / name).is_file():
                return cls(read(folder / name))
        found = "it does not exist" if not folder.exists() else "neither tokenizer.json nor vocab.txt is in it"
        raise ElectraError(f"{folder} is no tokenizer folder: {found}. Give a folder that `electra pretrain` wrote.")


# Code points that BERT treats as Chinese characters (google-research/bert, `tokenization.py`, `_is_chinese_char`).
CHINESE = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2CEAF), (0x2F800, 0x2FA1F))


def is_chinese(character: str) -> bool:
    """Whether BERT's normalisation makes a word of its own of this character."""
    return any(low <= ord(character) <= high for low, high in CHINESE)


def truncated_lengths(lengths: Sequence[int], room: int) -> list[int]:
    """How many tokens of each of one or two parts are kept in `room`: the longer part loses first."""
    if room < len(lengths):
        raise ElectraError(
            f"max_length leaves room for {room} tokens beside [CLS] and [SEP]; it takes one for each text at least."
        )
    if len(lengths) == 1:
        return [min(lengths[0], room)]
    shorter = min(min(lengths), room // 2)
    longer = min(max(lengths), room - shorter)
    return [shorter, longer] if lengths[0] <= lengths[1] else [longer, shorter]


def train_tokenizer(
    texts: Iterable[str],
    vocab_size: int,
    *,
    lowercase: bool = True,
    strip_accents: bool | None = None,
    whole_words: int = 0,
) -> Tokenizer:
    """Learn a WordPiece vocabulary of at most `vocab_size` entries; the same texts always give the same vocabulary.

    So many of the entries are the most frequent `whole_words` that the learned pieces do not have: merges spend entries on pieces of
    words (*sou*, *##p*), while a detector of replaced tokens sees a word best as one token.

    `strip_accents=None` strips them where `lowercase` is true, as BERT does. Of a long corpus an evenly spread sample
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
        with made_whole(folder) as draft:
            _train(spread_sample(texts), vocab_size, lowercase, strip_accents, whole_words).save(draft)
    return Tokenizer.load(folder)


def _train(
    texts: list[str], vocab_size: int, lowercase: bool, strip_accents: bool | None, whole_words: int
) -> Tokenizer:
    backend = _bert_backend({token: i for i, token in enumerate(SPECIAL_TOKENS)}, lowercase, strip_accents)
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
    return Tokenizer(_bert_backend(vocab, lowercase, strip_accents))


def frequent_words(texts: Iterable[str], backend: tokenizers.Tokenizer) -> list[str]:
    """The words that BERT's rules find in the texts at least twice, the commonest first, equals in the order of the alphabet."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_split(text, backend))
    return sorted((word for word, count in counts.items() if count > 1), key=lambda word: (-counts[word], word))


def tokenizer_from_words(words: Iterable[str], lowercase: bool = True, strip_accents: bool | None = False) -> Tokenizer:
    """A closed vocabulary: each word is one token, what BERT splits (l'eau, 天气) enters as its parts.

    >>> tokenizer_from_words(["cat", "l'eau"]).tokens(range(5, 9))
    ['cat', 'l', "'", 'eau']

    Built in notebook 01.
    """
    vocab = {token: i for i, token in enumerate(SPECIAL_TOKENS)}
    splitter = _bert_backend(vocab, lowercase, strip_accents)
    for word in words:
        for part in _split(word, splitter):
            vocab.setdefault(part, len(vocab))
    return Tokenizer(_bert_backend(vocab, lowercase, strip_accents))


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


def _bert_backend(
    vocab: dict[str, int], lowercase: bool, strip_accents: bool | None, chinese: bool = True
) -> tokenizers.Tokenizer:
    """WordPiece over `vocab` between BERT's normaliser and its [CLS] … [SEP] frame."""
    backend = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token=UNK))
    backend.normalizer = normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents, handle_chinese_chars=chinese
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    present = [token for token in SPECIAL_TOKENS if token in vocab]
    backend.add_special_tokens(present)
    if CLS in vocab and SEP in vocab:
        backend.post_processor = processors.TemplateProcessing(
            single=f"{CLS} $A {SEP}",
            pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
            special_tokens=[(CLS, vocab[CLS]), (SEP, vocab[SEP])],
        )
    return backend


def _split(text: str, backend: tokenizers.Tokenizer) -> list[str]:
    """The words BERT sees before WordPiece: normalised, cut at blanks, punctuation and Chinese characters."""
    return [part for part, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text))]


def _alphabet(texts: list[str], backend: tokenizers.Tokenizer) -> list[str]:
    """The most frequent normalised characters that together cover the text, in the order of their code points."""
    raw = np.zeros(0x110000, dtype=np.int64)
    for start in range(0, len(texts), 256):
        text = "".join(texts[start : start + 256])
        codes = np.frombuffer(text.encode("utf-32-le", errors="ignore"), dtype=np.uint32)
        counts = np.bincount(codes)
        raw[: len(counts)] += counts
    counts: dict[str, int] = {}
    for code in np.flatnonzero(raw):
        for character in "".join(_split(chr(code), backend)):
            counts[character] = counts.get(character, 0) + int(raw[code])
    ranked = sorted(counts, key=lambda c: (-counts[c], c))
    reached = np.cumsum([counts[c] for c in ranked]) / max(1, sum(counts.values()))
    return sorted(ranked[: int(np.searchsorted(reached, ALPHABET_COVERAGE)) + 1])


def _continues_words(character: str, backend: tokenizers.Tokenizer) -> bool:
    """Whether the character can stand inside a word: letters can, punctuation and Chinese characters cannot."""
    return len(_split(f"a{character}", backend)) == 1


def _read_tokenizer_json(path: Path) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception for every kind of damage
        raise ElectraError(f"{path} is no tokenizer file: {error}.") from error


def _read_vocab_txt(path: Path) -> tokenizers.Tokenizer:
    """One token a line, its number is its id; the casing stands in tokenizer_config.json, without one it is uncased."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        config_file = path.with_name("tokenizer_config.json")
        config = json.loads(config_file.read_text(encoding="utf-8")) if config_file.is_file() else {}
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ElectraError(f"The vocabulary in {path.parent} cannot be read: {error}.") from error
    vocab = {token.rstrip("\r"): i for i, token in enumerate(lines[:-1] if lines[-1] == "" else lines)}
    lowercase, chinese = config.get("do_lower_case", True), config.get("tokenize_chinese_chars", True)
    return _bert_backend(vocab, lowercase, config.get("strip_accents"), chinese)
