"""Scores of written texts: hand-computed, Chinese by character, and what costs nothing."""

import math
from unicodedata import normalize

import pytest

from electra_helpers.tasks.text_metrics import (
    bleu_tokenizer,
    lead,
    learn_dictionary,
    mostly_chinese,
    rouge_unit,
    sentences,
    summary_metrics,
    translation_metrics,
    word_by_word,
    words,
)


def test_rouge_is_that_of_rouge_score_for_english():
    from rouge_score.rouge_scorer import RougeScorer

    pairs = [
        ("Anna lost her old net.", "Anna lost a net"),
        ("The red guitar was gone", "red the guitar"),
        ("a b c", "x"),
    ]
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for reference, written in pairs:
        found, theirs = summary_metrics([reference], [written]), scorer.score(reference, written)
        assert found == {f"rouge_{k[-1].lower()}": pytest.approx(v.fmeasure) for k, v in theirs.items()}


def test_chinese_rouge_by_hand():
    # 今天天气很好 against 今天天气不好: 6 characters each, 5 in common in this order; pairs 今天 天天 天气 of 5 each.
    found = summary_metrics(["今天天气很好。"], ["今天天气不好！"])
    assert found["rouge_1"] == pytest.approx(5 / 6)
    assert found["rouge_2"] == pytest.approx(3 / 5)
    assert found["rouge_l"] == pytest.approx(5 / 6)


def test_chinese_bleu_by_hand():
    # By character with the full stop 7 tokens; precisions 6/7, 4/6, 2/5, 1/4; lengths equal, so no penalty.
    expected = 100 * math.prod((6 / 7, 4 / 6, 2 / 5, 1 / 4)) ** 0.25
    assert translation_metrics(["今天天气很好。"], ["今天天气不好。"])["bleu"] == pytest.approx(expected)


def test_bleu_and_chrf_of_a_set_are_sacrebleus():
    import sacrebleu

    references, written = ["Le chat dort.", "Il pleut à Paris."], ["Le chat dort.", "Il neige à Paris."]
    found = translation_metrics(references, written)
    assert found["bleu"] == sacrebleu.BLEU(tokenize="13a").corpus_score(written, [references]).score
    assert found["chrf"] == sacrebleu.CHRF().corpus_score(written, [references]).score
    assert translation_metrics(references, references) == {"chrf": pytest.approx(100), "bleu": pytest.approx(100)}


def test_words_keep_accents_and_part_chinese():
    assert words("L'Été à 北京, 2024!") == ["l", "été", "à", "北", "京", "2024"]
    assert mostly_chinese(["OK，今天天气很好"])
    assert not mostly_chinese(["Le chat", "北"])


def test_a_dictionary_is_learnt_from_pairs():
    pairs = [("the cat", "le chat"), ("the dog", "le chien"), ("a cat", "un chat"), ("a dog", "un chien")]
    assert learn_dictionary(pairs, chinese=False) == {"a": "un", "cat": "chat", "dog": "chien", "the": "le"}
    chinese = [("a forest", "一片森林"), ("the forest", "那森林"), ("a cat", "一只猫"), ("the cat", "那猫")]
    found = learn_dictionary(chinese, chinese=True)
    assert (found["forest"], found["cat"]) == ("森林", "猫")
    assert word_by_word("The cat, Olga!", found, chinese=True) == "那猫,olga!"


def test_sentences_end_where_they_end():
    assert sentences("He sang. She wept! Why?") == ["He sang.", "She wept!", "Why?"]
    assert sentences("他唱歌。她哭了！") == ["他唱歌。", "她哭了！"]
    assert lead("他唱歌。她哭了！为什么？", 2) == "他唱歌。她哭了！"
    assert lead("He sang. She wept!") == "He sang."
    assert lead("") == ""
    assert sentences("यह है। वह था।") == ["यह है।", "वह था।"]


def test_different_hindi_words_share_nothing():
    assert summary_metrics(["किताब"], ["कातिब"])["rouge_1"] == 0
    assert summary_metrics(["यह किताब"], ["यह कातिब"])["rouge_1"] == pytest.approx(0.5)
    assert rouge_unit(["यह किताब"]) == "words"


def test_what_was_typed_in_two_ways_is_the_same():
    typed, apart = "Le café est fermé.", normalize("NFD", "Le café est fermé.")
    assert summary_metrics([typed], [apart]) == pytest.approx({"rouge_1": 1, "rouge_2": 1, "rouge_l": 1})
    for one, other in ((typed, apart), (apart, typed)):
        assert translation_metrics([one], [other]) == {"chrf": pytest.approx(100), "bleu": pytest.approx(100)}
    assert word_by_word(apart, learn_dictionary([(typed, "x")], chinese=False), chinese=False).startswith("x x")


THAI = ("เขาไปโรงเรียนทุกวันตอนเช้า", "เขาไปโรงเรียนทุกวันตอนเย็น")


def test_scripts_without_blanks_are_compared_by_character():
    for reference, written in (THAI, ("今日はとても天気がいいですね。", "今日はとても天気がいいですよ。")):
        assert translation_metrics([reference], [written])["bleu"] > 50
    found = summary_metrics([THAI[0]], [THAI[1]])
    assert 0.5 < found["rouge_1"] < 1
    assert rouge_unit([THAI[0]]) == "characters"
    assert summary_metrics(["กิน"], ["กัน"])["rouge_1"] == 0, "a word alone is a word"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Le chat dort.", "13a"),
        ("Он читает книгу.", "13a"),
        ("한국어 학습은 재미있다.", "13a"),
        ("今天天气很好。", "zh"),
        ("यह किताब है।", "intl"),
        ("هذا كتاب، نعم؟", "intl"),
        (THAI[0], "char"),
        ("ខ្ញុំទៅសាលារៀន", "char"),
    ],
)
def test_the_script_chooses_sacrebleus_tokenizer(text, name):
    import sacrebleu

    assert bleu_tokenizer([text]) == name
    expected = sacrebleu.BLEU(tokenize=name, force=True).corpus_score([text], [[text]]).score
    assert translation_metrics([text], [text])["bleu"] == expected


@pytest.mark.parametrize(("installed", "name"), [((), "char"), (("MeCab",), "char"), (("MeCab", "ipadic"), "ja-mecab")])
def test_japanese_is_cut_by_mecab_where_it_is_whole(monkeypatch, installed, name):
    found = "electra_helpers.tasks.text_metrics.find_spec"
    monkeypatch.setattr(found, lambda module: object() if module in installed else None)
    assert bleu_tokenizer(["今日はいい天気です。"]) == name
