"""The hand-written sentences load as they are, and their marks say what the text says."""

import json
import re
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path

import datasets
import pytest

DATA = Path(__file__).resolve().parents[2] / "data"
SENTENCES = DATA / "sentences"
LANGUAGES = ("en", "zh")
FILES = sorted(path.name for path in SENTENCES.glob("*.jsonl"))
MARKED = {"text", "corrected", "errors"}
FIELDS = {
    "reviews.en": {"sentence", "label", "domain", "phenomenon"},
    "reviews.zh": {"text", "label", "domain", "phenomenon"},
    "entities": {"text", "tokens", "ner_tags"},
    "errors": MARKED | {"kind"},
    "odd_word": {
        *("text", "words", "odd_word", "odd_index", "start", "end", "expected"),
        *("part_of_speech", "clash"),
    },
    "unusual": {"text", "reason"},
    "articles": MARKED | {"label", "note"},
}
FEWEST = {"reviews": 60, "entities": 50, "errors": 70, "odd_word": 60, "unusual": 50, "articles": 12}
KINDS = {
    "en": {"confusion", "typo", "preposition", "agreement", "form", "several", "none"},
    "zh": {"homophone", "shape", "particle", "measure", "word", "several", "none"},
}


def read(kind: str, language: str) -> list[dict]:
    lines = (SENTENCES / f"{kind}.{language}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def text_of(row: dict) -> str:
    return row["sentence"] if "sentence" in row else row["text"]


def rows_of(language: str) -> list[tuple[str, dict]]:
    return [(kind, row) for kind in FEWEST for row in read(kind, language)]


def fields_of(name: str) -> set[str]:
    stem = name.removesuffix(".jsonl")
    return FIELDS.get(stem) or FIELDS[stem.split(".")[0]]


def assert_covers(parts: list[str], text: str) -> None:
    """`parts` stand in `text` in this order, with nothing but spaces between them."""
    position = 0
    for part in parts:
        found = text.find(part, position)
        assert found >= 0, f"{part!r} is not in {text!r} after character {position}"
        assert not text[position:found].strip(), f"{text[position:found]!r} is in none of the parts of {text!r}"
        position = found + len(part)
    assert not text[position:].strip(), f"the parts end before {text[position:]!r}"


def assert_bio(row: dict) -> None:
    for before, tag in pairwise(["O", *row["ner_tags"]]):
        assert re.fullmatch(r"O|[BI]-(PER|ORG|LOC)", tag), tag
        assert tag[0] != "I" or before in (f"B{tag[1:]}", tag), f"{before} {tag} in {row['text']!r}"


def assert_tidy(text: str) -> None:
    assert text == text.strip() == unicodedata.normalize("NFC", text), text
    assert "  " not in text, text


def assert_written_as_its_language(text: str, language: str, *, latin: bool = False) -> None:
    """English with straight quotes; Chinese in simplified characters and, unless `latin`, full-width punctuation."""
    if language == "en":
        odd = {character for character in text if not (character.isascii() or character.isalpha())}
        assert not odd, f"{odd} in {text!r}"
        return
    # GB 2312 has the simplified characters and no others; 藠 is too rare for it, and Python maps its dot elsewhere.
    text.translate(str.maketrans("", "", "藠·")).encode("gb2312")
    assert latin or not re.search(r"[ -~]", text), text


def put_right(text: str, errors: list[dict]) -> str:
    for error in sorted(errors, key=lambda e: e["start"], reverse=True):
        text = text[: error["start"]] + error["right"] + text[error["end"] :]
    return text


def bare(text: str) -> str:
    return "".join(c for c in text.casefold() if unicodedata.category(c)[0] not in "PZ")


def test_each_kind_is_there_in_both_languages_and_nothing_else():
    """The folders of `test_labelled_sets.py` lie beside the files."""
    assert {path.name for path in SENTENCES.iterdir() if path.is_file()} == {
        f"{kind}.{lang}.jsonl" for kind in FEWEST for lang in LANGUAGES
    }


@pytest.mark.parametrize("name", FILES)
def test_a_file_loads_as_it_is(name, tmp_path):
    loaded = datasets.load_dataset(
        "json", data_files=str(SENTENCES / name), split="train", cache_dir=str(tmp_path), keep_in_memory=True
    )
    kind, language, _ = name.split(".")
    assert set(loaded.column_names) == fields_of(name)
    assert loaded.to_list() == read(kind, language), "datasets filled in, dropped or converted something"


@pytest.mark.parametrize("name", FILES)
def test_every_line_has_every_field(name):
    kind, language, _ = name.split(".")
    for row in read(kind, language):
        assert set(row) == fields_of(name), text_of(row)


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_enough_sentences(language):
    counts = Counter(kind for kind, _ in rows_of(language))
    assert all(counts[kind] >= fewest for kind, fewest in FEWEST.items()), counts
    assert counts.total() >= 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_occurs_twice(language):
    counts = Counter(bare(text_of(row)) for _, row in rows_of(language))
    assert [text for text, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_tidy_and_written_as_their_language(language):
    for kind, row in rows_of(language):
        text = text_of(row)
        assert_tidy(text)
        assert kind == "articles" or text.rstrip('”"')[-1] in ".!?。！？", text
        assert_written_as_its_language(text, language, latin=kind == "articles")


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentiment_is_balanced_in_each_domain(language):
    labels = Counter((row["domain"], row["label"]) for row in read("reviews", language))
    domains = {domain for domain, _ in labels}
    assert len(domains) >= 6
    assert all(labels[domain, 0] == labels[domain, 1] >= 4 for domain in domains), labels


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phenomenon", ["plain", "negation", "mixed"])
def test_what_makes_a_review_hard_does_not_give_the_label_away(language, phenomenon):
    labels = Counter(row["label"] for row in read("reviews", language) if row["phenomenon"] == phenomenon)
    assert set(labels) == {0, 1}
    assert 0.4 <= labels[1] / labels.total() <= 0.6, labels


@pytest.mark.parametrize("language", LANGUAGES)
def test_tokens_cover_the_sentence_and_tags_are_valid_bio(language):
    for row in read("entities", language):
        assert_covers(row["tokens"], row["text"])
        assert len(row["tokens"]) == len(row["ner_tags"])
        assert language == "en" or all(len(token) == 1 for token in row["tokens"])
        assert_bio(row)


@pytest.mark.parametrize("language", LANGUAGES)
def test_entities_include_each_type_none_at_all_and_two_that_touch(language):
    tags = [row["ner_tags"] for row in read("entities", language)]
    begun = Counter(tag for row in tags for tag in row if tag.startswith("B"))
    assert min(begun[f"B-{kind}"] for kind in ("PER", "ORG", "LOC")) >= 15, begun
    assert any(set(row) == {"O"} for row in tags)
    touching = [pair for row in tags for pair in pairwise(row) if pair[0] != "O" and pair[1][0] == "B"]
    assert any(a[1:] == b[1:] for a, b in touching), "two of one type: a reader that drops the B joins them"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["errors", "articles"])
def test_errors_stand_where_they_say_and_putting_them_right_gives_the_correction(kind, language):
    for row in read(kind, language):
        last_end = 0
        for error in row["errors"]:
            assert row["text"][error["start"] : error["end"]] == error["wrong"] != error["right"], row
            assert error["start"] >= last_end, f"errors overlap or are out of order: {row}"
            assert min(len(error["wrong"]), len(error["right"])) > 0, row
            last_end = error["end"]
        assert put_right(row["text"], row["errors"]) == row["corrected"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_kinds_of_error_agree_with_their_number(language):
    kinds = Counter()
    for row in read("errors", language):
        expected = {"none": range(1), "several": range(2, 4)}.get(row["kind"], range(1, 2))
        assert len(row["errors"]) in expected, row
        kinds[row["kind"]] += 1
    assert set(kinds) == KINDS[language]
    assert min(kinds.values()) >= 4, kinds


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_odd_word_stands_where_it_says(language):
    for row in read("odd_word", language):
        assert row["text"][row["start"] : row["end"]] == row["odd_word"] == row["words"][row["odd_index"]]
        assert_covers(row["words"], row["text"])
        assert_covers(row["words"][: row["odd_index"]], row["text"][: row["start"]])
        assert row["words"].count(row["odd_word"]) == 1, row["text"]
        assert 0 < len(row["expected"]) == len({*row["expected"]} - {row["odd_word"]}), row["text"]
        assert all(word == word.strip() and " " not in word for word in row["expected"])


def test_an_expected_word_keeps_the_article_and_the_capital():
    for row in read("odd_word", "en"):
        before = row["words"][row["odd_index"] - 1].lower() if row["odd_index"] else ""
        for word in (row["odd_word"], *row["expected"]):
            assert word[0].isupper() == (row["odd_index"] == 0), row["text"]
            assert before not in ("a", "an") or (before == "an") == (word[0] in "aeiou"), (
                f"{before} {word}: {row['text']}"
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_odd_words_are_spread_over_positions_and_parts_of_speech(language):
    rows = read("odd_word", language)
    thirds = Counter(3 * row["odd_index"] // len(row["words"]) for row in rows)
    parts = Counter(row["part_of_speech"] for row in rows)
    assert min(thirds[third] for third in range(3)) >= 0.15 * len(rows), thirds
    assert max(thirds.values()) <= 0.5 * len(rows), thirds
    assert len(parts) >= 5, parts
    assert max(parts.values()) <= 0.5 * len(rows), parts
    assert {row["clash"] for row in rows} == {"category", "contradiction", "knowledge"}
    assert len({row["odd_word"] for row in rows}) >= 0.9 * len(rows), (
        "a word that is odd everywhere can be learnt by heart"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_articles_have_the_famous_sentence_and_a_note_each(language):
    rows = {row["text"]: row for row in read("articles", language)}
    famous, label = {"en": ("the chef cooked the meal", None), "zh": ("今天天气很好，阳光明媚", 1)}[language]
    assert (rows[famous]["label"], rows[famous]["errors"]) == (label, [])
    assert all(row["note"] and row["label"] in (0, 1, None) for row in rows.values())


def test_the_data_card_gives_the_counts_and_names_each_field():
    card = (DATA / "README.md").read_text("utf-8")
    for kind in FEWEST:
        counts = [len(read(kind, language)) for language in LANGUAGES]
        assert re.search(rf"^\| `{kind}` \|.*\| {counts[0]} \| {counts[1]} \|", card, re.M), f"{kind}: {counts}"
        section = re.search(rf"^\*\*`{kind}`\*\*\n(.*?)(?=^\*\*|^#)", card, re.M | re.S)[1]
        missing = {field for field in fields_of(f"{kind}.en.jsonl") if f"`{field}`" not in section}
        assert not missing, f"{kind}: {missing}"
        for field in {"phenomenon", "reason", "kind", "clash", "part_of_speech", "domain"} & fields_of(
            f"{kind}.en.jsonl"
        ):
            values = {row[field] for language in LANGUAGES for row in read(kind, language)}
            assert all(f"`{value}`" in section for value in values), f"{kind}.{field}: {values}"
