"""WordPiece with BERT's normalisation: words → pieces → ids.

The splitting itself is done by the `tokenizers` library; this file gives it the shape the course needs; vocabulary.py
trains vocabularies. Nothing here imports torch or transformers.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any
from unicodedata import normalize

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from electra_helpers.errors import ElectraError
from electra_helpers.jsonfile import expect, is_kind, read_bytes, read_json, shown

PAD, UNK, CLS, SEP, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SENTENCE_ENDS = (".", "!", "?", "。", "！", "？")
LARGEST_VOCABULARY = 1_000_000  # entries, and ids: four times that of any multilingual model
LONGEST_WORD = 200  # characters of a word that is cut into pieces, as in the reference; a longer one is one [UNK]


@dataclass(frozen=True)
class Encoding:
    """One tokenised text or pair: lists of equal length, one entry a token."""

    ids: list[int]
    token_type_ids: list[int]  # 0: [CLS] first [SEP], 1: second [SEP]
    tokens: list[str]
    offsets: list[tuple[int, int]]  # characters of the text that the token comes from; (0, 0) for [CLS] and [SEP]
    word_ids: list[int | None]  # pieces of one word share a number; the pair's words count on; None for [CLS] and [SEP]
    is_special: list[bool]  # added here: [CLS], [SEP]; a blank that stands in the text is not


class Tokenizer:
    """Text ↔ token ids, with what pre-training needs to know of the vocabulary.

    >>> tokenizer = tokenizer_from_words(["the", "cat", "sat", "."])
    >>> tokenizer.encode("The cat sat.").tokens
    ['[CLS]', 'the', 'cat', 'sat', '.', '[SEP]']

    Raises `ElectraError` where one of the five special tokens is missing. Built in notebook 01.
    """

    def __init__(self, backend: tokenizers.Tokenizer):
        special = {token: backend.token_to_id(token) for token in SPECIAL_TOKENS}
        missing = [token for token, number in special.items() if number is None]
        if missing:
            raise ElectraError(
                f"The vocabulary has no {', '.join(missing)}; ELECTRA needs {', '.join(SPECIAL_TOKENS)}."
            )
        backend.no_truncation()
        backend.no_padding()
        self.backend = backend
        self._literal = tokenizers.Tokenizer.from_str(backend.to_str())
        self._literal.encode_special_tokens = True  # in a corpus, "[MASK]" is three words about BERT and not a mask
        self.special_ids = tuple(number for number in special.values() if number is not None)
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
        found = (self.backend.token_to_id(mark) for mark in SENTENCE_ENDS)
        return frozenset(number for number in found if number is not None)

    def encode(
        self, text: str, pair: str | None = None, max_length: int | None = None, *, blanks: bool = False
    ) -> Encoding:
        """`[CLS] text [SEP]` or `[CLS] text [SEP] pair [SEP]`, cut to `max_length` tokens, the longer part first.

        "[MASK]" or "[SEP]" typed in a text is plain text, as in a corpus; with `blanks` it is the special token.
        """
        backend = self.backend if blanks else self._literal
        parts = [backend.encode(part, add_special_tokens=False) for part in (text, pair) if part is not None]
        lengths = [len(part) for part in parts]
        if max_length is not None:
            lengths = truncated_lengths(lengths, room=max_length - len(parts) - 1)
        columns: tuple[list[Any], ...] = ([self.cls_id], [0], [CLS], [(0, 0)], [None], [True])
        n_words = 0
        for segment, (part, length) in enumerate(zip(parts, lengths, strict=True)):
            numbers: list[Any] = part.word_ids  # never None here: nothing special was added
            word_ids = [n_words + number for number in numbers]
            n_words = max(word_ids, default=n_words - 1) + 1
            pieces = (part.ids, [segment] * length, part.tokens, part.offsets, word_ids, [False] * length)
            end = (self.sep_id, segment, SEP, (0, 0), None, True)
            for column, piece, last in zip(columns, pieces, end, strict=True):
                column.extend(piece[:length])
                column.append(last)
        return Encoding(*columns)

    def encode_words(self, words: Sequence[str]) -> tokenizers.Encoding:
        """Pieces of listed words without [CLS] and [SEP]; `word_ids` are their numbers."""
        return self._literal.encode(list(words), is_pretokenized=True, add_special_tokens=False)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text without [CLS] and [SEP], on all cores; "[MASK]" in a text is plain text here."""
        return [encoding.ids for encoding in self._literal.encode_batch_fast(list(texts), add_special_tokens=False)]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The token of each id."""
        ids = [int(i) for i in ids]
        tokens: list[Any] = [self.backend.id_to_token(i) for i in ids]
        if None in tokens:
            raise ElectraError(f"Id {ids[tokens.index(None)]} is outside this vocabulary of {self.vocab_size} tokens.")
        return tokens

    def decode(self, ids: Iterable[int]) -> str:
        """Ids → text in composed form (NFC), special tokens left out: pieces of Korean may be loose jamo."""
        return normalize("NFC", self.backend.decode([int(i) for i in ids], skip_special_tokens=True))

    def save(self, folder: str | Path, *, max_length: int | None = None) -> None:
        """Write tokenizer.json, tokenizer_config.json and vocab.txt, as `transformers.AutoTokenizer` reads them.

        `max_length` is how many tokens the model beside it has positions for: `truncation=True` cuts there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names = {f"{token.strip('[]').lower()}_token": token for token in SPECIAL_TOKENS}
        config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", **names}
        if max_length is not None:
            config["model_max_length"] = max_length
        config["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
        if rules := self.normalization:  # read by `load` when only vocab.txt is left
            config["do_lower_case"] = rules["lowercase"]
            config["strip_accents"] = rules["strip_accents"]
            config["tokenize_chinese_chars"] = rules["handle_chinese_chars"]
            config |= {"compose": True} if rules["compose"] else {}
        (folder / "tokenizer.json").write_text(self.backend.to_str(pretty=True) + "\n", encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        by_id = sorted(self.backend.get_vocab().items(), key=lambda item: item[1])
        (folder / "vocab.txt").write_text("".join(f"{token}\n" for token, _ in by_id), encoding="utf-8")

    @property
    def normalization(self) -> dict:
        """BERT's settings, and whether text is composed (NFC) before; empty for a tokenizer that normalises in another way."""
        found = json.loads(self.backend.to_str())["normalizer"] or {}
        parts = found.get("normalizers", [found])
        is_bert = [part.get("type") for part in parts] in (["BertNormalizer"], ["NFC", "BertNormalizer"])
        return parts[-1] | {"compose": len(parts) == 2} if is_bert else {}

    @property
    def strips_accents(self) -> bool:
        """Whether accents and vowel signs are taken off; BERT does where it lower-cases, unless it is told otherwise."""
        rules = self.normalization
        chosen = rules.get("strip_accents")
        return bool(rules.get("lowercase") if chosen is None else chosen)

    @classmethod
    def load(cls, folder: str | Path) -> "Tokenizer":
        """Read a folder with tokenizer.json, or with vocab.txt as the google/electra folders have it."""
        folder = Path(folder)
        for name, read in (("tokenizer.json", _read_tokenizer_json), ("vocab.txt", _read_vocab_txt)):
            if (folder / name).is_file():
                return cls(read(folder / name))
        found = "it does not exist" if not folder.exists() else "neither tokenizer.json nor vocab.txt is in it"
        raise ElectraError(f"{folder} is no tokenizer folder: {found}. Give a folder that `electra pretrain` wrote.")

    @classmethod
    def from_vocab(cls, path: str | Path) -> "Tokenizer":
        """Read a vocab.txt of any name; a tokenizer_config.json beside it says whether it is cased, without one it is not."""
        return cls(_read_vocab_txt(Path(path)))


def truncated_lengths(lengths: Sequence[int], room: int) -> list[int]:
    """How many tokens of each of one or two parts are kept in `room`: the longer part loses first."""
    if room < len(lengths):
        raise ElectraError(
            f"max_length leaves room for {room} tokens beside [CLS] and [SEP]; it takes one for each text at least."
        )
    if len(lengths) == 1:
        return [min(lengths[0], room)]
    if min(lengths) > room // 2:  # both are cut: of an odd room the first part has one token more, as in the reference
        return [room - room // 2, room // 2]
    shorter = min(lengths)
    longer = min(max(lengths), room - shorter)
    return [shorter, longer] if lengths[0] <= lengths[1] else [longer, shorter]


def tokenizer_from_words(words: Iterable[str], lowercase: bool = True, strip_accents: bool | None = False) -> Tokenizer:
    """A closed vocabulary: each word is one token, what BERT splits (l'eau, 天气) enters as its parts.

    >>> tokenizer_from_words(["cat", "l'eau"]).tokens(range(5, 9))
    ['cat', 'l', "'", 'eau']

    Built in notebook 01.
    """
    vocab = {token: i for i, token in enumerate(SPECIAL_TOKENS)}
    splitter = bert_backend(vocab, lowercase, strip_accents)
    for word in words:
        for part in split_words(word, splitter):
            vocab.setdefault(part, len(vocab))
    return Tokenizer(bert_backend(vocab, lowercase, strip_accents))


def bert_backend(
    vocab: dict[str, int], lowercase: bool, strip_accents: bool | None, chinese: bool = True, compose: bool = False
) -> tokenizers.Tokenizer:
    """WordPiece over `vocab` between BERT's normaliser, behind NFC with `compose`, and its [CLS] … [SEP] frame."""
    backend = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token=UNK, max_input_chars_per_word=LONGEST_WORD))
    backend.normalizer = normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents, handle_chinese_chars=chinese
    )
    if compose:
        backend.normalizer = normalizers.Sequence([normalizers.NFC(), backend.normalizer])
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    return framed(backend, vocab)


def framed(backend: tokenizers.Tokenizer, vocab: dict[str, int]) -> tokenizers.Tokenizer:
    """The same with the special tokens of `vocab` as such, and [CLS] … [SEP] around a text."""
    present = [token for token in SPECIAL_TOKENS if token in vocab]
    backend.add_special_tokens(present)
    if CLS in vocab and SEP in vocab:
        backend.post_processor = processors.TemplateProcessing(
            single=f"{CLS} $A {SEP}",
            pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
            special_tokens=[(CLS, vocab[CLS]), (SEP, vocab[SEP])],
        )
    return backend


def split_words(text: str, backend: tokenizers.Tokenizer) -> list[str]:
    """The words BERT sees before WordPiece: normalised, cut at blanks, punctuation and Chinese characters."""
    return [part for part, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text))]


def _read_tokenizer_json(path: Path) -> tokenizers.Tokenizer:
    raw = read_bytes(path)
    if raw.count(b'":') > 2 * LARGEST_VOCABULARY:  # before it is read: millions of entries take seconds
        raise ElectraError(f"{path} has more than {LARGEST_VOCABULARY:,} tokens: that is no vocabulary of an ELECTRA.")
    found = read_json(path)
    expect(found, path, model=(dict, NoneType), added_tokens=(list, NoneType))
    vocab, added = (found.get("model") or {}).get("vocab"), found.get("added_tokens") or []
    entries = [*vocab.items()] if isinstance(vocab, dict) else []
    entries += [(str(token.get("content")), token.get("id")) for token in added if isinstance(token, dict)]
    _check_ids(entries, path)
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception for every kind of damage
        raise ElectraError(f"{path} is no tokenizer file: {error}.") from error


def _check_ids(entries: Sequence[tuple[str, Any]], path: Path) -> None:
    """Raise `ElectraError` for an id that no embedding table has a row for: the library would count up to it."""
    for token, number in entries:
        if not is_kind(number, int) or not 0 <= number < LARGEST_VOCABULARY:
            raise ElectraError(
                f"{path} gives the token {shown(token)} the id {shown(number)}: ids are numbers below {LARGEST_VOCABULARY:,}."
            )


def _read_vocab_txt(path: Path) -> tokenizers.Tokenizer:
    """One token a line, its number is its id; the casing stands in tokenizer_config.json, without one it is uncased."""
    raw, config_file = read_bytes(path), path.with_name("tokenizer_config.json")
    if raw.count(b"\n") > LARGEST_VOCABULARY:
        raise ElectraError(f"{path} has more than {LARGEST_VOCABULARY:,} lines: that is no vocabulary of an ELECTRA.")
    try:
        lines = raw.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ElectraError(f"The vocabulary in {path} cannot be read: {error}.") from error
    config = read_json(config_file) if config_file.is_file() else {}
    casing = {"do_lower_case": (bool, NoneType), "tokenize_chinese_chars": (bool, NoneType)}
    expect(config, config_file, strip_accents=(bool, NoneType), compose=(bool, NoneType), **casing)
    vocab = {token.rstrip("\r"): i for i, token in enumerate(lines[:-1] if lines[-1] == "" else lines)}
    lowercase, chinese = (config.get(name, True) is not False for name in casing)
    return bert_backend(vocab, lowercase, config.get("strip_accents"), chinese, config.get("compose") is True)
