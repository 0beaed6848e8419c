"""Bytes that are not UTF-8: which encodings they may be in, and how they are read in the one that is named.

Nothing is read on a guess: what looks likely is named together with what the text would then say, and `--encoding` decides.
"""

import codecs
import io
import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from electra_helpers.errors import ElectraError

SAMPLE = 1 << 16  # bytes that are looked at
SHOWN = 24  # characters of a text in a message
MOST_NAMED = 3
LIKELY = 0.6  # share of the bytes beyond ASCII that an encoding must explain
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
VOWELS = frozenset("аеёиоуыэюяіαεηιουω")
TYPOGRAPHIC = frozenset("€‚„…‘’“”•–—™«»°§£©®´·¿¡½¼¾²³\u00a0")


def _share(found: int, text: str) -> float:
    return found / max(1, len(text))


def _gb18030(odd: str) -> float:
    """Frequent characters: level 1 of GB 2312 (lead bytes B0 to D7), and Chinese punctuation."""
    leads = [c.encode("gb18030")[0] for c in odd]
    common = sum(0xB0 <= lead <= 0xD7 or lead in (0xA1, 0xA3) for lead in leads)
    # Without one lead above C8 the same bytes are as well Korean.
    return _share(common, odd) * (1.0 if any(0xC8 < lead <= 0xD7 for lead in leads) else 0.9)


def _big5(odd: str) -> float:
    leads = [c.encode("big5", "replace")[0] for c in odd]
    return 0.98 * _share(sum(0xA4 <= lead <= 0xC6 or lead == 0xA1 for lead in leads), odd)


def _japanese(odd: str) -> float:
    """Kana and kanji; text without kana is hardly Japanese, and halfwidth kana are what other encodings look like."""
    kana = sum("\u3040" <= c <= "\u30ff" for c in odd)
    other = sum(unicodedata.name(c, "").startswith("CJK UNIFIED") or c in "、。「」！？ー　・（）" for c in odd)
    return _share(kana + other, odd) * (1.02 if kana * 5 >= len(odd) else 0.5)


def _korean(odd: str) -> float:
    leads = [c.encode("cp949")[0] for c in odd]
    return 0.95 * _share(sum(0xB0 <= lead <= 0xC8 for lead in leads), odd)


def _latin(odd: str) -> float:
    """Letters with accents, and the quotation marks of word processors."""
    fitting = sum(c in TYPOGRAPHIC or (c.isalpha() and "LATIN" in unicodedata.name(c, "")) for c in odd)
    return (1.03 if len(odd) < 3 else 0.9) * _share(fitting, odd)


def _script(name: str, marks: float = 0.0) -> Callable[[str], float]:
    """Letters of one script; `marks` is the share of vowel signs that its text has at least."""

    def score(odd: str) -> float:
        kinds = [unicodedata.category(c) for c in odd if name in unicodedata.name(c, "")]
        signs = kinds.count("Mn")
        letters = sum(kind[0] == "L" for kind in kinds) + (signs if marks else 0)
        return _share(letters, odd) * (1.02 if signs >= marks * len(odd) else 0.8)

    return score


def _unlike_words(text: str) -> float:
    """The share of words that no language writes: two scripts in one, a capital behind a small letter, no vowel."""
    words = [word for word in re.findall(r"[\w\u0300-\u036f\u0e30-\u0e4e]+", text) if not word.isascii()]
    odd = 0
    for word in words:
        scripts = {unicodedata.name(c, "").split(" ")[0] for c in word if unicodedata.category(c)[0] in "LM"}
        turned = any(a.islower() and b.isupper() for a, b in pairwise(word))
        mixed = len(scripts - {"HIRAGANA", "KATAKANA", "CJK", "COMBINING"}) > 1
        voiced = VOWELS & set(unicodedata.normalize("NFD", word.lower()))
        mute = scripts & {"CYRILLIC", "GREEK"} and len(word) > 2 and not voiced
        odd += bool(mixed or turned or mute or unicodedata.category(word[0]) == "Mn")
    return odd / max(1, len(words))


# Encoding → how well what stands beyond ASCII fits it, 0 to 1. Latin letters come last: almost every byte is one in cp1252.
CANDIDATES: dict[str, Callable[[str], float]] = {
    "gb18030": _gb18030,
    "big5": _big5,
    "shift_jis": _japanese,
    "euc_jp": _japanese,
    "euc_kr": _korean,
    "cp1251": _script("CYRILLIC"),
    "koi8_r": _script("CYRILLIC"),
    "cp1253": _script("GREEK"),
    "cp1255": _script("HEBREW"),
    "cp1256": _script("ARABIC"),
    "cp874": _script("THAI", marks=0.1),
    "cp1252": _latin,
    "cp1250": lambda odd: 0.97 * _latin(odd),
}
# Wider code pages that hold all that usually goes by the name.
WIDER = {"shift_jis": "cp932", "euc_kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950"}


def likely_encodings(data: bytes) -> list[tuple[str, str]]:
    """Encodings that bytes may be in, the likeliest first, each with the first line that is not ASCII as it would read.

    >>> [name for name, _ in likely_encodings("今天天气很好。".encode("gbk"))][0]
    'gb18030'
    >>> likely_encodings("It’s late.".encode("cp1252"))
    [('cp1252', 'It’s late.')]
    """
    data = data[:SAMPLE]
    for mark, name in BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return [(name, _shown(data[: len(data) // 4 * 4].decode(name, "replace")))]
    if b"\0" in data:
        return _wide(data)
    scored = [(score(data, name), name) for name in CANDIDATES]
    best = max(scored)[0]
    named = [name for value, name in sorted(scored, key=lambda pair: -pair[0]) if value >= max(LIKELY, best - 0.25)]
    if _mostly_odd(data):
        named = [name for name in named if name not in ("cp1252", "cp1250")] or named
    by_text: dict[str, str] = {}  # of two that read the same, the likelier one
    for name in named:
        by_text.setdefault(_decoded(data, name) or "", name)
    return [(name, _shown(text)) for text, name in by_text.items()][:MOST_NAMED]


def score(data: bytes, name: str) -> float:
    """How well bytes fit an encoding; 0 where they cannot be read in it."""
    text = _decoded(data, name)
    odd = "".join(c for c in text or "" if not c.isascii())
    if text is None or not odd or any(unicodedata.category(c) in ("Cc", "Co", "Cn") for c in odd):
        return 0.0
    # Chinese and Japanese put no spaces between words, Korean does.
    solid = name in ("gb18030", "big5", "shift_jis", "euc_jp")
    spaced = solid and len(re.findall(r"[^\x00-\x7f] [^\x00-\x7f]", text)) * 8 > len(odd)
    return CANDIDATES[name](odd) * (1 - _unlike_words(text)) * (0.9 if spaced else 1.0)


def _decoded(data: bytes, name: str) -> str | None:
    """The text, but for a character that the end of the sample cuts in two; None where it cannot be read so."""
    try:
        return codecs.getincrementaldecoder(WIDER.get(name, name))().decode(data)
    except UnicodeDecodeError:
        return None


def _mostly_odd(data: bytes) -> bool:
    """Whether bytes beyond ASCII come in runs, as letters of a script of its own do; accents stand alone."""
    runs = sum(a >= 0x80 and b >= 0x80 for a, b in pairwise(data))
    return 3 * runs > sum(byte >= 0x80 for byte in data)


def _wide(data: bytes) -> list[tuple[str, str]]:
    """UTF-16 without its mark: every second byte of plain Latin text is zero."""
    pairs = data[: len(data) // 2 * 2]
    read = {name: pairs.decode(name, "replace") for name in ("utf-16-le", "utf-16-be")}
    fits = {name: _share(sum(c.isalnum() or c.isspace() or c.isascii() for c in t), t) for name, t in read.items()}
    best = max(fits, key=lambda name: (fits[name], read[name].count(" ")))
    bad = fits[best] < 0.8 or "\ufffd" in read[best] or "\0" in read[best]
    return [] if bad else [(best, _shown(read[best]))]


def _shown(text: str) -> str:
    lines = text.splitlines()
    line = next((line for line in lines if not line.isascii()), lines[0] if lines else "").strip()
    first = next((at for at, c in enumerate(line) if not c.isascii()), 0)
    start = max(0, first - SHOWN // 2)
    return line[start : start + SHOWN]


def advice(data: bytes) -> str:
    """What to do with bytes that are not UTF-8: the encodings that they may be in, by name."""
    found = likely_encodings(data)
    if not found:
        return "No encoding that is common fits it: is it text? If so, name its encoding with --encoding."
    options = ", or ".join(f"--encoding {name} would read {text!r}" for name, text in found)
    return f"{options}. Choose the right one, or save the file as UTF-8."


def checked_encoding(name: str) -> str:
    """An encoding by the name that Python gives it. Raises `ElectraError` where there is none of that name."""
    try:
        found = codecs.lookup(name)
        if found._is_text_encoding and b"a\n".decode(found.name, "replace") is not None:
            return WIDER.get(found.name, found.name)
    except (LookupError, ValueError, UnicodeError):
        pass
    raise ElectraError(
        f"--encoding {name!r} is no encoding that Python knows: utf-8, cp1252, gb18030, utf-16, shift_jis … are."
    )


class AsUtf8(io.RawIOBase):
    """The bytes of a text in another encoding, as UTF-8: what reads lines need not know of it."""

    def __init__(self, stream: BinaryIO, encoding: str, path: Path) -> None:
        self.stream, self.encoding, self.path = stream, encoding, path
        self.decoder = codecs.getincrementaldecoder(encoding)()
        self.ready, self.lines, self.ended = b"", 1, False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.stream.close()
        super().close()

    def readinto(self, buffer: memoryview) -> int:
        while not self.ready and not self.ended:
            data = self.stream.read(SAMPLE)
            self.ended = not data
            self.ready = self._text(data).encode("utf-8", "replace")
        part, self.ready = self.ready[: len(buffer)], self.ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def _text(self, data: bytes) -> str:
        try:
            text = self.decoder.decode(data, self.ended)
        except UnicodeError as error:
            reason = getattr(error, "reason", error)
            raise ElectraError(
                f"{self.path} is not {self.encoding} ({reason}, behind line {self.lines}): {advice(data)}"
            ) from error
        self.lines += text.count("\n")
        if self.encoding in ("iso8859-1", "latin_1") and any("\x80" <= c <= "\x9f" for c in text):
            raise ElectraError(f"{self.path} has bytes (0x80 to 0x9f) that are no characters in latin1: {advice(data)}")
        return text
