"""Words by Unicode's rules: marks belong to the letter before them, in every script."""

from unicodedata import normalize

import pytest

from electra_helpers.reading.corpora import Corpus
from electra_helpers.reading.labelled import with_marks
from electra_helpers.text.counts import corpus_stats
from electra_helpers.words import clusters, is_unsegmented, script_of, words

ONE_WORD = ["किताब", "বাংলা", "தமிழ்", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "ਪੰਜਾਬੀ", "ภาษาไทย", "ພາສາລາວ", "ខ្មែរ", "မြန်မာ"]
ONE_WORD += [
    "עִבְרִית",
    "العَرَبِيّة",
    "می‌خواهم",
    "한국어",
    normalize("NFD", "한국어"),
    "Việt",
    normalize("NFD", "Việt"),
    "ガ",
    "አማርኛ",
]


@pytest.mark.parametrize("word", ONE_WORD)
def test_a_word_is_one_word_whatever_its_script(word):
    assert words(word) == [normalize("NFC", word).lower()]
    assert with_marks({"text": f"x {word}.", "errors": []})["tokens"] == ["x", word, "."]
    assert corpus_stats(Corpus.from_texts([word])).words == 1


def test_a_mark_belongs_to_the_sign_before_it_and_is_no_word():
    assert words("I ❤️ it") == ["i", "it"]
    assert with_marks({"text": "I ❤️ it", "errors": [{"start": 2, "end": 4}]})["labels"] == [0, 1, 0]


def test_composed_and_decomposed_are_one_type():
    both = Corpus.from_texts(["café", normalize("NFD", "café")])
    assert corpus_stats(both).types == 1


def test_characters_are_counted_with_their_marks():
    assert clusters("हिन्दी!") == ["हि", "न्", "दी"]
    assert clusters("မြန်မာ") == ["မြ", "န်", "မာ"]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("今日はとても天気がいいですね。", "Japanese"),
        ("北京大学の学生", "Japanese"),
        ("今天天气很好。OK", "Han"),
        ("यह किताब है", "Devanagari"),
        ("Он читает книгу", "Cyrillic"),
        ("한국어 학습", "Hangul"),
        ("12 + 3", "Latin"),
    ],
)
def test_the_script_of_most_letters(text, script):
    assert script_of([text]) == script


def test_blanks_between_thai_words_say_that_somebody_cut_them():
    assert is_unsegmented(["เขาไปโรงเรียนทุกวัน"])
    assert is_unsegmented(["今日はとても天気がいいですね。"])
    assert not is_unsegmented(["เขา ไป โรงเรียน ทุกวัน"])
    assert not is_unsegmented(["किताब", "Rechtsschutzversicherungsgesellschaft"])
    assert not is_unsegmented([""])
