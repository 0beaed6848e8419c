"""The stories themselves: pure functions of seed and index, told completely, evaluation kept apart from training."""

from itertools import islice

import pytest

from electra_helpers.world import EVALUATION_STORIES, SPOKEN, stories, vocabulary
from electra_helpers.world import lexicon as lex
from electra_helpers.world.meaning import EXPRESSIONS, FRAMES, frame_registers, registers
from electra_helpers.world.splits import evaluation_sentences
from electra_helpers.world.story import TOPICS
from electra_helpers.world.telling import Slot, language, slot_words

SOME = list(stories(seed=5, count=400))


@pytest.mark.parametrize("code", SPOKEN)
def test_a_story_is_a_pure_function_of_seed_and_index(code):
    later = list(stories(seed=5, start=390, count=10))
    assert [story.text(code) for story in later] == [story.text(code) for story in SOME[390:]]
    assert [story.text(code) for story in stories(seed=6, start=390, count=10)] != [s.text(code) for s in later]


def test_stories_have_three_to_eight_sentences_and_fit_a_short_row():
    lengths = sorted(len(story.words("en")) + 2 for story in SOME)  # with [CLS] and [SEP]
    sentences = [len(story.frames) for story in SOME]
    assert min(sentences) == 3
    assert max(sentences) == 8
    assert sum(length <= 64 for length in lengths) > 0.55 * len(SOME)
    assert sum(length <= 96 for length in lengths) > 0.99 * len(SOME)


def test_english_has_800_to_1500_words_and_every_story_uses_only_these():
    known = set(vocabulary("en"))
    assert 800 <= len(known) <= 1500
    assert all(word == word.lower() and " " not in word for word in known)
    for story in [*SOME, *stories(count=300, split="test")]:
        assert known.issuperset(story.words("en"))


@pytest.mark.parametrize("code", SPOKEN)
def test_every_template_says_what_its_frame_says_and_nothing_else(code):
    templates = language(code).templates
    assert set(templates) == set(FRAMES)
    for frame, ways in templates.items():
        for template in ways:
            said = {p.expression for seg in template for way in seg for p in way if isinstance(p, Slot)}
            missing = {e for e in FRAMES[frame] if e not in said and e not in ("P", "F")}
            allowed = {e for e in EXPRESSIONS if set(EXPRESSIONS[e].registers) <= frame_registers(frame)}
            assert not missing, (frame, missing)
            assert said <= allowed, (frame, said - allowed)


@pytest.mark.parametrize("code", SPOKEN)
def test_every_slot_has_a_word_for_every_concept(code):
    speaker = language(code)
    slots = {
        piece
        for templates in speaker.templates.values()
        for template in templates
        for segment in template
        for way in segment
        for piece in way
        if isinstance(piece, Slot)
    }
    for slot in slots:
        assert all(slot_words(slot, speaker)), slot


@pytest.mark.parametrize("code", SPOKEN)
def test_no_evaluation_sentence_occurs_in_training(code):
    evaluation = evaluation_sentences(code)
    assert len(evaluation) > 5 * EVALUATION_STORIES
    for story in stories(seed=11, count=1500):
        assert evaluation.isdisjoint(story.sentences(code))


def test_names_and_pairs_of_the_test_split_are_new():
    pairs = {"train": set(), "test": set()}
    for split in pairs:
        for story in stories(seed=0, count=1000, split=split):
            assert (story.values["P"] in lex.HELD_OUT_NAMES) == (split == "test")
            assert story.values.get("F") not in lex.HELD_OUT_NAMES
            if "V" in story.values:
                pairs[split].add((story.concept("work"), story.concept("X")))
    assert len(pairs["test"]) >= 20
    assert pairs["train"].isdisjoint(pairs["test"])


def test_gender_is_independent_of_trade():
    women = {trade: [0, 0] for trade in lex.TRADES}
    for story in stories(seed=2, count=4000, languages=["en"]):
        women[story.values["T"]][story.values["P"] in lex.WOMEN] += 1
    for trade, (men, ladies) in women.items():
        n = men + ladies
        assert abs(ladies / n - 0.5) < 4 * 0.5 / n**0.5, trade
    assert all(registers()[name].parent is None for name in "PT")


def test_outcome_is_independent_of_topic_and_every_topic_is_told():
    good = {topic: [] for topic in TOPICS}
    for story in SOME:
        good[story.topic].append(story.is_good)
    assert len(good) >= 6
    assert all(0.2 < sum(flags) / len(flags) < 0.8 for flags in good.values())


def test_an_unknown_split_and_the_end_of_a_fixed_set_are_said_plainly():
    with pytest.raises(ValueError, match="no split 'dev'"):
        list(stories(split="dev"))
    with pytest.raises(ValueError, match="1000 stories; 1001"):
        list(stories(count=EVALUATION_STORIES + 1, split="test"))


def test_the_stream_has_no_end():
    assert len(list(islice(stories(start=10**9, count=10**9, languages=["en"]), 3))) == 3
