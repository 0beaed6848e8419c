"""What a word is, and how a text is written: rules by Unicode's properties, the same for scores, counts and marked words.

A vowel sign or an accent is a mark (category M), no letter, and belongs to the letter before it: किताब is one word, with `\\w` it
would fall into three consonants. Chinese characters stand alone, as in BERT.
"""

from collections.abc import Iterable
from itertools import islice
from unicodedata import normalize

import regex

# Code points that BERT treats as Chinese characters (google-research/bert, `tokenization.py`, `_is_chinese_char`).
CHINESE = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2CEAF), (0x2F800, 0x2FA1F))
HAN = "".join(f"{chr(first)}-{chr(last)}" for first, last in CHINESE)
_JOINERS = r"\u200c\u200d"  # inside words of Persian and of Indic scripts
_LETTER = rf"[\p{{L}}\p{{N}}--[{HAN}]]"
_INSIDE = rf"[\p{{L}}\p{{N}}\p{{M}}{_JOINERS}--[{HAN}]]"
WORD = rf"[{HAN}]\p{{M}}*|{_LETTER}{_INSIDE}*"
SIGN = r"[^\s\p{L}\p{N}\p{M}_]\p{M}*"
# Scripts whose words are not set apart by blanks.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
LONGEST_WORD = 8  # letters with their marks; pieces of an unspaced text that are longer on the mean are phrases
SAMPLE = 1_000  # texts that are looked at to tell how a set is written

FIND_WORD = regex.compile(WORD, regex.V1)
FIND_TOKEN = regex.compile(rf"{WORD}|{SIGN}", regex.V1)
# For marking mistakes: an underscore counts as a letter, and every other sign as a word.
MARKED_WORD = regex.compile(
    rf"[{HAN}]\p{{M}}*|[\p{{L}}\p{{N}}_--[{HAN}]][\p{{L}}\p{{N}}\p{{M}}_{_JOINERS}--[{HAN}]]*|[^\s\p{{L}}\p{{N}}_]\p{{M}}*",
    regex.V1,
)
# For counting: don't and twenty-one are one word each.
COUNTED_WORD = regex.compile(rf"[{HAN}]\p{{M}}*|{_LETTER}{_INSIDE}*(?:['’-]{_LETTER}{_INSIDE}*)*", regex.V1)
CLUSTER = regex.compile(rf"[\p{{L}}\p{{N}}][\p{{M}}{_JOINERS}]*")
_PIECE = regex.compile(rf"[{UNSPACED}\p{{M}}]+")


def is_chinese(character: str) -> bool:
    """Whether BERT's normalisation makes a word of its own of this character."""
    return any(low <= ord(character) <= high for low, high in CHINESE)


def composed(texts: Iterable[str]) -> list[str]:
    """The texts in NFC: é is one character, however it was typed."""
    return [normalize("NFC", text) for text in texts]


def words(text: str) -> list[str]:
    """Lower-case words in composed form (NFC); every Chinese character is one.

    >>> words("L'été à 北京!"), words("यह किताब")
    (['l', 'été', 'à', '北', '京'], ['यह', 'किताब'])
    """
    return FIND_WORD.findall(normalize("NFC", text).lower())


def clusters(text: str) -> list[str]:
    """Lower-case letters and digits, each with its marks, as a reader counts characters.

    >>> clusters("กิน!")
    ['กิ', 'น']
    """
    return CLUSTER.findall(normalize("NFC", text).lower())


def script_of(texts: Iterable[str]) -> str:
    """The script of most letters: Han, Japanese (Han with kana), or Unicode's name of it; Latin where there is no letter.

    >>> script_of(["今日はいい天気"]), script_of(["今天天气很好"]), script_of(["यह किताब है"])
    ('Japanese', 'Han', 'Devanagari')
    """
    text = "".join(islice(texts, SAMPLE))
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS.items()}
    kana = counts["Hiragana"] + counts["Katakana"]
    east = {"Han": counts.pop("Han"), "kana": kana}
    del counts["Hiragana"], counts["Katakana"]
    counts |= {"Japanese" if kana > sum(east.values()) / 20 else "Han": sum(east.values())}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else "Latin"


_NAMES = (
    *(
        "Latin",
        "Han",
        "Hiragana",
        "Katakana",
        "Hangul",
        "Cyrillic",
        "Greek",
        "Arabic",
        "Hebrew",
        "Devanagari",
        "Bengali",
    ),
    *("Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Thai", "Lao", "Khmer"),
    *("Myanmar", "Tibetan", "Georgian", "Armenian", "Ethiopic", "Mongolian"),
)
_SCRIPTS = {name: regex.compile(rf"(?=\p{{L}})\p{{{name}}}") for name in _NAMES}


def marked_share(texts: Iterable[str]) -> float:
    """The share of letters that lose something where accents are stripped: an accent, a vowel sign, the parts of a Korean syllable.

    >>> marked_share(["the chef"]), marked_share(["한국어"])
    (0.0, 1.0)
    """
    found = [cluster for text in islice(texts, SAMPLE) for cluster in clusters(text)]
    return sum(len(normalize("NFD", cluster)) > 1 for cluster in found) / max(1, len(found))


def is_unsegmented(texts: Iterable[str]) -> bool:
    """Whether most letters are of scripts without blanks between words, and nobody put blanks there.

    >>> is_unsegmented(["ภาษาไทยเขียนโดยไม่เว้นวรรค"]), is_unsegmented(["ภาษา ไทย เขียน"]), is_unsegmented(["Le chat"])
    (True, False, False)
    """
    sample = list(islice(texts, SAMPLE))
    pieces = [len(clusters(piece)) for text in sample for piece in _PIECE.findall(text)]
    letters = sum(len(clusters(text)) for text in sample)
    return sum(pieces) > letters / 2 and sum(pieces) / len(pieces) > LONGEST_WORD
