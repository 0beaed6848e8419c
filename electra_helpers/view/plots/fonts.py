"""Texts of pictures in the fonts that this machine has: one line where a script has none, and a $ that stays a dollar."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from matplotlib import font_manager, get_cachedir
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from electra_helpers.language import worded

LATIN = "DejaVu Sans"  # comes with matplotlib
WANTED_FONTS = (
    LATIN,
    *(
        "Noto Sans CJK SC",
        "Noto Sans CJK JP",
        "Noto Sans SC",
        "Source Han Sans SC",
        "WenQuanYi Micro Hei",
        "WenQuanYi Zen Hei",
    ),
    *(
        "PingFang SC",
        "Hiragino Sans GB",
        "Heiti TC",
        "Arial Unicode MS",
        "Microsoft YaHei",
        "SimHei",
        "Yu Gothic",
        "Malgun Gothic",
    ),
    *("Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai", "Nirmala UI", "Leelawadee UI"),
)
FORMULA = r"\mathdefault"  # in the numbers of a logarithmic axis, which matplotlib writes as formulas
CJK = (0x1100, 0x11FF), (0x2E80, 0xD7FF), (0xF900, 0xFAFF), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF)
_told: set[str] = set()


def installed() -> list[str]:
    """The wanted fonts that are here: matplotlib complains about every other name, at every text."""
    known = font_manager.get_font_names()
    return [name for name in WANTED_FONTS if name in known]


FONTS = installed()


@cache
def characters_of(name: str) -> frozenset[int]:
    """The code points that a font has."""
    return frozenset(FT2Font(font_manager.findfont(name)).get_charmap())


def without_font(texts: Iterable[str]) -> set[str]:
    """The characters that no font here has."""
    found = {character for text in texts for character in text if not character.isascii() and character.isprintable()}
    return {one for one in found if not any(ord(one) in characters_of(name) for name in FONTS)}


def missing_font(texts: Iterable[str]) -> str:
    """Which package to install where characters are shown as boxes, in one line; nothing where all are there."""
    missing = without_font(texts)
    if not missing:
        return ""
    is_cjk = any(first <= ord(one) <= last for one in missing for first, last in CJK)
    package, family = ("fonts-noto-cjk", "Noto Sans CJK") if is_cjk else ("fonts-noto-core", "Noto Sans")
    return worded(
        "{lacks}; all numbers are right. Install the package {package} (Debian, Ubuntu, Colab) or the font {family}, delete the"
        " folder {folder}, and restart.",
        lacks=worded("No font here has Chinese characters, so boxes stand for them")
        if is_cjk
        else worded("No font here has these characters, so boxes stand for them"),
        package=package,
        family=family,
        folder=get_cachedir(),
    )


@contextmanager
def prepare_texts(figure: Figure) -> Iterator[None]:
    """While a figure is drawn: no $ is a formula, other scripts have their fonts, and what has none is said once."""
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    for text in texts:
        if FORMULA not in text.get_text():
            text.set_parse_math(False)
        if not text.get_text().isascii():
            text.set_fontfamily(FONTS)
    line = missing_font(text.get_text() for text in texts)
    if line and line not in _told:
        _told.add(line)
        print(line, file=sys.stderr)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
