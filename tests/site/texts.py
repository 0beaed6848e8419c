"""Three hundred texts to compare JavaScript with Python on: what the course ships, and what breaks tokenizers."""

import json
import random

from electra_helpers.resources import data_folder
from electra_helpers.world import stories

ODD = (
    "L'ÉTÉ À ÎLE-DE-RÉ, naïve façade",
    "e\u0301te\u0301 combine\u0301",
    "Straße, ΣΊΣΥΦΟΣ, İstanbul, ǅ, ﬁne",
    "안녕하세요 세계",
    "नमस्ते दुनिया, किताब",
    "👩‍👩‍👧 family 🇫🇷 flag 👍🏽",
    "a\u200bb\u00adc\ufeffd\u2028e",
    "tab\tnew\nline\r\nend\x00\x01\x7f",
    "今天天气很好，阳光明媚。2026年",
    "中文mixed英文 and 日本語ひらがなカタカナ",
    "𠀀𪚥 rare 𝒶𝓫𝒸 maths",
    "مرحبا بالعالم ، كيف الحال؟",
    "שלום עולם",
    "¿Qué? «Non!» — ‘quotes’ … ‰ № §",
    "$31 & <b>bold</b> [MASK] [SEP] ##ing ##",
    "x" * 199 + " " + "x" * 200 + " " + "x" * 201,
    "don't can't o'clock 3.14 1,000,000 C++ a_b",
    "\ud7ff\ue000\ufffd\uffff end",
    "ก็ ไทย ภาษา",
    "ᾳ ΐ Ω K Å ½ ² Ⅷ",
    "   ",
    "",
    "a",
    "?!",
    "\u0301\u0301",
    "゛゜ が か\u3099",
    "ſtop Ŀ ŉ",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "zero\u200djoin\u200cers",
    "߷ ꙰ ᭐ ⹝ 𑁍 punctuation of later versions 𞥞 ⹏ ⸿",
)


def sentences(language: str) -> list[str]:
    """The course's hand-written sentences."""
    rows = []
    for kind in ("odd_word", "unusual", "errors"):
        lines = (data_folder() / "sentences" / f"{kind}.{language}.jsonl").read_text("utf-8").splitlines()
        rows += [json.loads(line)["text"] for line in lines]
    return rows


def texts(count: int = 300) -> list[str]:
    """As many texts: odd ones, sentences in English and Chinese, stories, ones of 512 tokens and more, and random characters."""
    chance = random.Random(7)
    long = [
        " ".join(sentences("en")),
        "".join(sentences("zh")),
        " ".join(sentences("en")[::-1])[:2400],
        "été " * 300,
        "😀" * 600,
    ]
    told = [
        story.text(code) for code in ("en", "zh", "fr") for story in stories(count=8, split="test", languages=(code,))
    ]
    noise = ["".join(chr(_any_character(chance)) for _ in range(40)) for _ in range(40)]
    fixed = [*ODD, *long, *told, *noise]
    rest = sentences("en") + sentences("zh")
    chance.shuffle(rest)
    return [*fixed, *rest][:count]


def _any_character(chance: random.Random) -> int:
    """A code point: half of them from the first 0x3000, none a surrogate."""
    code = chance.randrange(0x3000) if chance.random() < 0.5 else chance.randrange(0x110000)
    return code if not 0xD800 <= code < 0xE000 else 0x20
