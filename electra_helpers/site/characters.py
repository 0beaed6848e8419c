"""Which characters BERT's normalisation drops, takes for blanks, accents, punctuation or Chinese: asked of the library that Python uses.

The page's tokenizer reads these tables instead of its browser's own, which know another version of Unicode.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import normalizers, pre_tokenizers

from electra_helpers.words import CHINESE

CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]  # surrogates are no characters
BETWEEN = "q"  # stands between two characters, so that neither changes the other; no accented letter falls into it


def character_tables() -> dict[str, list[int]]:
    """Kind → ranges as [gap, length, gap, length, …] over code points, each gap counted from the end of the range before."""
    settings = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    cleaned = _each(normalizers.BertNormalizer(**settings | {"clean_text": True}))
    stripped = _each(normalizers.BertNormalizer(**settings | {"strip_accents": True}))
    dropped = {code for code, left in zip(CODES, cleaned, strict=True) if not left}
    blank = {code for code, left in zip(CODES, cleaned, strict=True) if left == " "}
    accents = {code for code, left in zip(CODES, stripped, strict=True) if not left}
    chinese = [code for first, last in CHINESE for code in range(first, last + 1)]
    kinds = {"dropped": dropped, "blank": blank, "accent": accents, "punctuation": _punctuation(), "chinese": chinese}
    return {kind: ranges(codes) for kind, codes in kinds.items()}


def _each(normalizer: normalizers.Normalizer) -> list[str]:
    """What becomes of every character by itself, in the order of `CODES`."""
    text = normalizer.normalize_str(BETWEEN.join(map(chr, CODES)))
    where = CODES.index(ord(BETWEEN))
    parts = text.split(BETWEEN)
    # The letter that stands between all others is two empty parts where its own turn comes.
    return [*parts[:where], BETWEEN, *parts[where + 2 :]]


def _punctuation() -> set[int]:
    """Characters that are a word by themselves."""
    text = "".join(BETWEEN + chr(code) for code in CODES)
    pieces = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)
    return {ord(piece) for piece, _ in pieces if len(piece) == 1 and piece != BETWEEN}


def ranges(codes: Iterable[int]) -> list[int]:
    """Code points as gaps and lengths.

    >>> ranges([2, 3, 4, 9])
    [2, 3, 4, 1]
    """
    found: list[int] = []
    end = 0
    for code in sorted(codes):
        if found and code == end:
            found[-1] += 1
        else:
            found += [code - end, 1]
        end = code + 1
    return found
