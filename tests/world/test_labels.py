"""Labels come from the meaning: they say what the text says, in the formats of the hub, split as the stories are."""

import json
from itertools import islice, pairwise

import pytest

from electra_helpers.world import SPOKEN, stories
from electra_helpers.world import lexicon as lex
from electra_helpers.world.build import FOLDER, build, files
from electra_helpers.world.labels import LABEL_NAMES, ROWS, labelled, located_words
from electra_helpers.world.oracle import Oracle
from electra_helpers.world.pairs import PHENOMENA, blimp_row, minimal_pairs
from electra_helpers.world.telling import language

BLIMP_COLUMNS = ["sentence_good", "sentence_bad", "field", "linguistics_term", "UID", "simple_LM_method"]
BLIMP_COLUMNS += ["one_prefix_method", "two_prefix_method", "lexically_identical", "pair_id"]


@pytest.mark.parametrize("code", SPOKEN)
def test_located_words_are_the_text(code):
    for story in stories(seed=8, count=100, languages=[code]):
        text, words = story.text(code), located_words(story, code)
        assert all(text[word.start : word.end] == word.text for word in words)
        assert [word.text.lower() for word in words] == story.words(code)
        assert all(one.end <= two.start for one, two in pairwise(words))


@pytest.mark.parametrize("code", SPOKEN)
def test_entities_are_tagged_where_they_stand(code):
    names, speaker = LABEL_NAMES["entities"], language(code)
    people = {speaker.word(name, "").lower() for name in (*lex.NAMES, *lex.PETS)}
    seen = set()
    for row in labelled("entities", code, count=150):
        tags = [names[tag] for tag in row["ner_tags"]]
        assert len(tags) == len(row["tokens"])
        seen |= set(tags)
        for before, tag in zip(["O", *tags], tags, strict=False):
            assert tag[0] != "I" or before[2:] == tag[2:]
        if code != "zh":  # a Chinese name is several tokens
            assert {t.lower() for t, tag in zip(row["tokens"], tags, strict=True) if tag == "B-PERSON"} <= people
            assert all(
                tag.endswith("PERSON") for t, tag in zip(row["tokens"], tags, strict=True) if t.lower() in people
            )
    assert {f"B-{entity}" for entity in ("PERSON", "PLACE", "TRADE", "TIME", "THING")} <= seen


def test_sentiment_and_topic_are_balanced_and_follow_the_story():
    rows = list(labelled("sentiment", count=400))
    assert 0.4 < sum(row["label"] for row in rows) / len(rows) < 0.6
    topics = [row["label"] for row in labelled("topic", count=400)]
    assert set(topics) == set(range(len(LABEL_NAMES["topic"])))
    assert len(LABEL_NAMES["topic"]) >= 6
    assert all(topics.count(topic) > 20 for topic in set(topics))


@pytest.mark.parametrize("code", [code for code in SPOKEN if language(code).questions])
def test_answers_stand_where_squad_says_and_some_questions_have_none(code):
    rows = list(labelled("questions", code, count=600))
    for row in rows:
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            assert text
            assert row["context"][start : start + len(text)] == text
    unanswerable = sum(not row["answers"]["text"] for row in rows) / len(rows)
    assert 0.08 < unanswerable < 0.3
    kinds = {question.kind for group in language(code).questions.values() for question in group}
    assert kinds >= {"who", "what", "where", "when", "why"}


def test_english_questions_are_answered_by_what_was_asked_for():
    for row in labelled("questions", count=400):
        if not row["answers"]["text"]:
            continue
        [answer], question = row["answers"]["text"], row["question"]
        if question.startswith("Who"):
            assert answer in (*lex.NAMES, *lex.PETS), row
        if question.startswith("When"):
            assert answer.lower() in {*(d.lower() for d in lex.WEEKDAYS), *lex.SEASONS, *lex.DAYPARTS}, row
        if question.startswith("How many"):
            assert answer.lower() in lex.NUMBERS, row
        if question.startswith("Why was"):
            assert len(answer.split()) > 3, row


def test_a_question_about_a_stranger_names_somebody_who_is_not_in_the_story():
    for row in labelled("questions", count=400):
        if not row["answers"]["text"]:
            asked = set(row["question"].rstrip("?").split()) & set(lex.NAMES)
            assert asked - set(row["context"].replace(",", " ").replace(".", " ").split())


@pytest.mark.parametrize("code", [code for code in SPOKEN if language(code).summaries])
def test_a_summary_is_one_sentence_with_words_of_its_document(code):
    for row in labelled("summary", code, count=200):
        assert len(row["summary"]) < 0.6 * len(row["document"])
        assert sum(row["summary"].count(mark) for mark in ".。") == 1


@pytest.mark.parametrize("code", [code for code in SPOKEN if code != "en"])
def test_translations_are_sentence_pairs_that_name_the_same_people(code):
    rows = list(labelled("translation", f"en-{code}", count=300))
    assert all(set(row["translation"]) == {"en", code} for row in rows)
    speaker = language(code)
    for row in rows:
        for name in lex.NAMES:
            there = speaker.word(name, "") in row["translation"][code]
            here = name in row["translation"]["en"].replace(".", " ").replace(",", " ").split()
            assert there or not here or code == "zh", (name, row)  # a Chinese name may be part of another word


@pytest.mark.parametrize("code", SPOKEN)
def test_noise_says_what_it_changed(code):
    kinds = set()
    for row in labelled("noisy", code, count=200):
        assert row["sentence"] != row["corrections"][0]
        assert len(row["tokens"]) == len(row["labels"])
        assert 1 <= len(row["changes"]) <= sum(row["labels"])
        for change in row["changes"]:
            kinds.add(change["kind"])
            assert row["labels"][change["position"]] == 1
            assert change["wrong"] != change["right"]
            assert row["tokens"][change["position"]] in language(code).split(change["wrong"])
    assert kinds == {"typo", "wrong word", "wrong form"}


def test_a_wrong_word_can_be_noticed():
    oracle, seen, noticed = Oracle(), 0, 0
    for row in labelled("noisy", count=120):
        if len(row["changes"]) == 1 or not any(change["kind"] != "typo" for change in row["changes"]):
            continue
        right = {change["position"]: change["right"].lower() for change in row["changes"]}
        words = [right.get(at, token) for at, token in enumerate(row["tokens"])]
        for change in row["changes"]:
            if change["kind"] != "typo":
                seen += 1
                noticed += oracle.is_detectable(words, change["position"], change["wrong"].lower())
    assert seen > 50
    assert noticed > 0.95 * seen


@pytest.mark.parametrize("task", ROWS)
def test_no_evaluation_text_is_in_training_and_names_of_the_test_are_new(task):
    code = "en-fr" if task == "translation" else "en"
    texts = {split: list(labelled(task, code, split=split, count=150)) for split in ("train", "validation", "test")}
    shown = {split: {json.dumps(row, ensure_ascii=False) for row in rows} for split, rows in texts.items()}
    assert shown["train"].isdisjoint(shown["validation"] | shown["test"])
    for row in shown["train"] | shown["validation"]:
        assert not any(f" {name} " in row for name in lex.HELD_OUT_NAMES)


def test_an_unknown_task_or_language_is_said_plainly():
    with pytest.raises(ValueError, match="no task 'parsing'"):
        next(labelled("parsing"))
    with pytest.raises(ValueError, match="does not speak 'de'"):
        next(labelled("sentiment", "de"))


# Minimal pairs


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_there_are_50_pairs_or_more_in_blimps_columns(phenomenon):
    pairs = list(minimal_pairs(phenomenon))
    rows = [blimp_row(pair, number) for number, pair in enumerate(pairs)]
    assert len({(row["sentence_good"], row["sentence_bad"]) for row in rows}) >= 50
    for row in rows:
        assert list(row) == BLIMP_COLUMNS
        good, bad = row["sentence_good"].lower().split(), row["sentence_bad"].lower().split()
        assert good != bad
        differing = sum(one != other for one, other in zip(good, bad, strict=True))
        assert differing == (2 if phenomenon == "order" else 1)


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_the_oracle_finds_every_bad_sentence_impossible(phenomenon):
    oracle = Oracle()
    for pair in minimal_pairs(phenomenon, count=25):
        told = pair.story.told("en")
        words = [word for number, sentence in enumerate(told) for word in sentence.words]
        start = sum(len(sentence.words) for sentence in told[: pair.number])
        bad = [*words[:start], *(piece.lower() for piece in pair.pieces), *words[start + len(pair.pieces) :]]
        last = next(at for at in range(len(words) - 1, -1, -1) if not start <= at < start + len(pair.pieces))
        assert oracle.distributions(words, [last]).sum() == pytest.approx(1.0)
        with pytest.raises(ValueError, match="cannot say"):
            oracle.distributions(bad, [last])


# The bundled files


def test_the_committed_files_begin_as_they_are_made_now():
    for name, rows in files():
        path = FOLDER / name
        with path.open(encoding="utf-8", newline="") as lines:
            for made, line in zip(islice(rows, 10), lines, strict=False):
                assert line == json.dumps(made, ensure_ascii=False) + "\n", (
                    f"{name}: run `python -m electra_helpers.world.build`"
                )


@pytest.mark.slow
def test_the_committed_files_are_made_again_byte_for_byte(tmp_path):
    made = {path.relative_to(tmp_path): path.read_bytes() for path in build(tmp_path)}
    there = {path.relative_to(FOLDER): path.read_bytes() for path in FOLDER.rglob("*.jsonl")}
    assert made.keys() == there.keys()
    assert all(made[name] == there[name] for name in made), "run `python -m electra_helpers.world.build`"


def test_every_file_loads_as_it_is_with_datasets(tmp_path):
    datasets = pytest.importorskip("datasets")
    for path in sorted(FOLDER.rglob("*.jsonl")):
        rows = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path))
        assert len(rows) == sum(1 for _ in path.open(encoding="utf-8")), path
