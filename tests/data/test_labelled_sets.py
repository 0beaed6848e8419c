"""The hand-written sets for training and testing: their sizes and balance, their marks, and that no text comes twice."""

import json
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise

import pytest

from electra_helpers.reading.labelled import load_labelled
from tests.data.test_sentences import (
    DATA,
    LANGUAGES,
    SENTENCES,
    assert_bio,
    assert_covers,
    assert_tidy,
    assert_written_as_its_language,
    bare,
    text_of,
)
from tests.data.test_sentences import read as read_flat

COUNTS = {
    "reviews": {"train": 320, "test": 160},
    "entities": {"train": 200, "test": 100},
    "passages": {"train": 160, "test": 80},  # questions, four a passage
}
SPLITS = ("train", "test")
SETS = [(kind, lang) for lang in LANGUAGES for kind in COUNTS if (SENTENCES / f"{kind}.{lang}").is_dir()]
READ = [language for kind, language in SETS if kind == "reviews"]
TAGGED = [language for kind, language in SETS if kind == "entities"]
ASKED = [language for kind, language in SETS if kind == "passages"]
FIELDS = {
    "reviews.en": {"sentence", "label", "domain", "phenomenon"},
    "reviews.zh": {"text", "label", "domain", "phenomenon"},
    "entities": {"text", "tokens", "ner_tags"},
    "passages": {"id", "title", "context", "question", "answers"},
}
DOMAINS = {"films", "hotels", "food", "books", "phones", "trains", "shops", "concerts"}
PHENOMENA = {"plain", "negation", "mixed", "comparison", "understatement", "irony"}


@cache
def rows_of(kind: str, language: str, split: str) -> list[dict]:
    lines = (SENTENCES / f"{kind}.{language}" / f"{split}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def both_splits(kind: str, language: str) -> list[dict]:
    return [row for split in SPLITS for row in rows_of(kind, language, split)]


def texts_of(rows: list[dict]) -> list[str]:
    """What a reader would call the text of a row; a passage counts once, not once a question."""
    return list(dict.fromkeys(row["context"] if "context" in row else text_of(row) for row in rows))


def fourgrams(text: str) -> set[str]:
    letters = bare(text)
    return {letters[i : i + 4] for i in range(max(1, len(letters) - 3))}


def near_duplicates(texts: list[str], at_least: float = 0.5) -> list[tuple[str, str]]:
    """Pairs whose character 4-grams overlap by `at_least` (Jaccard)."""
    grams = [fourgrams(text) for text in texts]
    holders = defaultdict(list)
    found = []
    for later, mine in enumerate(grams):
        shared = Counter(earlier for gram in mine for earlier in holders[gram])
        for earlier, common in shared.items():
            if common / len(mine | grams[earlier]) >= at_least:
                found.append((texts[earlier], texts[later]))
        for gram in mine:
            holders[gram].append(later)
    return found


def tagged(language: str) -> list[dict]:
    return read_flat("entities", language) + both_splits("entities", language)


def names_of(row: dict) -> list[tuple[str, str]]:
    """Each name of a tagged sentence with its type."""
    names = []
    for token, tag in zip(row["tokens"], row["ner_tags"], strict=True):
        if tag[0] == "B":
            names.append(([token], tag[2:]))
        elif tag[0] == "I":
            names[-1][0].append(token)
    return [(" ".join(words), kind) for words, kind in names]


def test_english_is_complete_and_no_other_folder_lies_here():
    folders = {path.name for path in SENTENCES.iterdir() if path.is_dir()}
    english = {f"{kind}.en" for kind in COUNTS}
    assert english <= folders <= english | {f"{kind}.zh" for kind in COUNTS}
    for kind, language in SETS:
        assert {path.name for path in (SENTENCES / f"{kind}.{language}").iterdir()} == {"train.jsonl", "test.jsonl"}


@pytest.mark.parametrize(("kind", "language"), SETS)
@pytest.mark.parametrize("split", SPLITS)
def test_every_split_has_its_number_of_rows_with_every_field(kind, language, split):
    rows = rows_of(kind, language, split)
    assert len(rows) == COUNTS[kind][split]
    fields = FIELDS.get(f"{kind}.{language}") or FIELDS[kind]
    assert all(set(row) == fields for row in rows)


@pytest.mark.parametrize(("kind", "language"), SETS)
def test_no_text_resembles_another_in_either_split_or_in_the_older_file(kind, language):
    older = read_flat(kind, language) if kind in ("reviews", "entities") else []
    texts = texts_of(both_splits(kind, language))
    assert near_duplicates(texts + texts_of(older)) == []


def test_a_small_change_does_not_hide_a_duplicate():
    first, second = "The soup was cold, and so was the waiter.", "The soup was cold and so was our waiter!"
    assert near_duplicates([first, "Something else altogether.", second]) == [(first, second)]


@pytest.mark.parametrize(("kind", "language"), SETS)
def test_texts_are_tidy_and_written_as_their_language(kind, language):
    for text in texts_of(both_splits(kind, language)):
        assert_tidy(text)
        assert text.rstrip('”"')[-1] in ".!?。！？", text
        assert_written_as_its_language(text, language, latin=kind == "passages")  # years and units


@pytest.mark.parametrize(("kind", "language"), SETS)
@pytest.mark.parametrize("split", SPLITS)
def test_the_loader_reads_a_split_with_its_task_and_labels(kind, language, split):
    data = load_labelled(f"bundled:sentences/{kind}.{language}", split)
    tags = {f"{begin}-{name}" for begin in "BI" for name in ("PER", "ORG", "LOC")} | {"O"}
    expected = {
        "reviews": ("classification", {"0", "1"}),
        "entities": ("tagging", tags),
        "passages": ("question-answering", set()),
    }[kind]
    assert (data.task, set(data.labels)) == expected
    assert len(data) == COUNTS[kind][split]
    assert data.notes == {}, "the loader had to mend or drop something"


@pytest.mark.parametrize("language", READ)
@pytest.mark.parametrize("split", SPLITS)
def test_labels_are_balanced_in_each_domain_and_in_what_makes_a_review_hard(language, split):
    rows = rows_of("reviews", language, split)
    domains = Counter((row["domain"], row["label"]) for row in rows)
    assert set(domains) == {(domain, label) for domain in DOMAINS for label in (0, 1)}
    assert set(domains.values()) == {len(rows) // 16}
    for phenomenon in ("plain", "negation", "mixed"):
        labels = Counter(row["label"] for row in rows if row["phenomenon"] == phenomenon)
        assert 0.4 <= labels[1] / labels.total() <= 0.6, (phenomenon, labels)


@pytest.mark.parametrize("language", READ)
def test_both_splits_are_the_same_mixture_and_mostly_plain(language):
    shares = []
    for split in SPLITS:
        rows = rows_of("reviews", language, split)
        counts = Counter(row["phenomenon"] for row in rows)
        assert set(counts) == PHENOMENA
        assert 0.5 <= counts["plain"] / len(rows) <= 0.6, counts
        shares.append({phenomenon: counts[phenomenon] / len(rows) for phenomenon in PHENOMENA})
    assert all(abs(shares[0][p] - shares[1][p]) <= 0.05 for p in PHENOMENA), shares


@pytest.mark.parametrize("language", READ)
def test_any_beginning_of_the_training_reviews_is_nearly_balanced(language):
    labels = [row["label"] for row in rows_of("reviews", language, "train")]
    for number in (16, 32, 64, 128):
        assert 0.4 <= sum(labels[:number]) / number <= 0.6


@pytest.mark.parametrize("language", READ)
def test_the_length_of_a_review_does_not_give_its_label_away(language):
    lengths = {1: [], 0: []}
    for row in both_splits("reviews", language):
        lengths[row["label"]].append(len(text_of(row)))
    above = sum((good > bad) + (good == bad) / 2 for good in lengths[1] for bad in lengths[0])
    assert 0.4 <= above / (len(lengths[1]) * len(lengths[0])) <= 0.6


def test_english_reviews_are_of_varied_length_and_begin_differently():
    rows = both_splits("reviews", "en")
    words = [len(text_of(row).split()) for row in rows]
    assert min(words) >= 4
    assert max(words) <= 45
    assert min(sum(n <= 8 for n in words), sum(n >= 25 for n in words)) >= 0.07 * len(rows)
    openings = Counter(tuple(text_of(row).lower().split()[:3]) for row in rows)
    assert max(openings.values()) <= 5, openings.most_common(5)


@pytest.mark.parametrize("language", TAGGED)
@pytest.mark.parametrize("split", SPLITS)
def test_tokens_cover_the_sentence_and_tags_are_valid_bio(language, split):
    for row in rows_of("entities", language, split):
        assert_covers(row["tokens"], row["text"])
        assert len(row["tokens"]) == len(row["ner_tags"])
        assert language == "en" or all(len(token) == 1 for token in row["tokens"])
        assert_bio(row)


@pytest.mark.parametrize("language", TAGGED)
@pytest.mark.parametrize("split", SPLITS)
def test_entities_include_each_type_none_at_all_two_that_touch_and_names_of_two_things(language, split):
    rows = rows_of("entities", language, split)
    names = [name for row in rows for name in names_of(row)]
    types = Counter(kind for _, kind in names)
    assert min(types[kind] for kind in ("PER", "ORG", "LOC")) >= 0.3 * len(rows), types
    without = sum(set(row["ner_tags"]) == {"O"} for row in rows)
    assert 0.05 <= without / len(rows) <= 0.2
    assert any(a != "O" and b[0] == "B" for row in rows for a, b in pairwise(row["ner_tags"]))
    kinds = defaultdict(set)
    for name, kind in names:
        kinds[name].add(kind)
    assert any(len(kind) > 1 for kind in kinds.values())


@pytest.mark.parametrize("language", TAGGED)
def test_few_names_of_the_test_sentences_occur_in_training(language):
    train, test = (
        {name for row in rows_of("entities", language, split) for name, _ in names_of(row)} for split in SPLITS
    )
    assert len(train & test) < 0.15 * len(test), train & test


def test_chinese_titles_stay_outside_the_name():
    titles = ("师傅", "老师", "先生", "大夫", "教授", "阿婆", "大爷", "大妈", "阿姨")
    people = {name.replace(" ", "") for row in tagged("zh") for name, kind in names_of(row) if kind == "PER"}
    assert [name for name in sorted(people) if name.endswith(titles)] == []


def test_a_chinese_place_or_organisation_is_tagged_wherever_it_stands():
    rows = tagged("zh")
    names = {name.replace(" ", "") for row in rows for name, kind in names_of(row) if kind != "PER"}
    names -= {"豆瓣"}  # a website, and what a Sichuan kitchen cooks with
    for row in rows:
        untagged = "".join(
            token if tag == "O" else " " for token, tag in zip(row["tokens"], row["ner_tags"], strict=True)
        )
        assert [name for name in names if name in untagged] == [], row["text"]


@pytest.mark.parametrize("language", ASKED)
@pytest.mark.parametrize("split", SPLITS)
def test_answers_stand_where_they_say_and_a_quarter_of_the_questions_have_none(language, split):
    rows = rows_of("passages", language, split)
    for row in rows:
        texts, starts = row["answers"]["text"], row["answers"]["answer_start"]
        assert len(texts) == len(starts), row["id"]
        for text, start in zip(texts, starts, strict=True):
            assert text == text.strip() != "", row["id"]
            assert row["context"][start : start + len(text)] == text, row["id"]
            assert row["context"].count(text) == 1, f"{row['id']}: {text!r} stands in the passage more than once"
            assert len(text) <= 0.25 * len(row["context"]), row["id"]
    assert 4 * sum(not row["answers"]["text"] for row in rows) == len(rows)
    places = Counter(i % 4 for i, row in enumerate(rows) if not row["answers"]["text"])
    assert max(places.values()) <= 0.5 * places.total(), "where a question stands gives away that it has no answer"


@pytest.mark.parametrize("language", ASKED)
def test_a_passage_has_four_questions_and_stands_on_one_side(language):
    rows = both_splits("passages", language)
    assert len({row["id"] for row in rows}) == len(rows)
    for split in SPLITS:
        assert set(Counter(row["context"] for row in rows_of("passages", language, split)).values()) == {4}
    for part in ("context", "title", "question"):
        train, test = ({row[part] for row in rows_of("passages", language, split)} for split in SPLITS)
        assert not train & test
    assert len({row["title"] for row in rows}) == len({row["context"] for row in rows}) == len(rows) // 4
    assert len({bare(row["question"]) for row in rows}) == len(rows)


@pytest.mark.parametrize("language", ASKED)
def test_questions_end_as_questions_and_do_not_quote_the_passage(language):
    mark, longest = {"en": ("?", 24), "zh": ("？", 10)}[language]
    for row in both_splits("passages", language):
        question, context = row["question"], bare(row["context"])
        assert_tidy(question)
        assert question.endswith(mark), question
        letters = bare(question)
        pieces = {letters[i : i + longest] for i in range(len(letters) - longest + 1)}
        assert not any(piece in context for piece in pieces), f"{question!r} is worded like its passage"


def test_english_passages_are_short_and_ask_in_many_ways():
    rows = both_splits("passages", "en")
    assert all(60 <= len(text.split()) <= 110 for text in texts_of(rows))
    asked, unanswered = Counter(), Counter()
    for row in rows:
        word = row["question"].split()[0].lower()
        asked[word] += 1
        unanswered[word] += not row["answers"]["text"]
    assert {"who", "when", "where", "why", "how", "which", "what"} <= set(asked)
    assert all(unanswered[word] <= 0.5 * asked[word] for word in asked if asked[word] >= 8), unanswered


def test_the_data_card_gives_the_counts_and_names_each_field():
    card = (DATA / "README.md").read_text("utf-8")
    for kind, language in SETS:
        counts = [len(rows_of(kind, language, split)) for split in SPLITS]
        assert re.search(rf"^\| `{kind}\.{language}` \|.*\| {counts[0]} \| {counts[1]} \|", card, re.M), (kind, counts)
    section = re.search(r"^\*\*`passages`\*\*\n(.*?)(?=^\*\*|^#)", card, re.M | re.S)[1]
    assert all(f"`{field}`" in section for field in FIELDS["passages"])
