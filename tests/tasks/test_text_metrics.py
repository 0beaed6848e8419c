"""Scores of written texts: hand-computed, Chinese by character, and what costs nothing."""

import math

import pytest

from electra_helpers.tasks.text_metrics import (
    lead,
    learn_dictionary,
    mostly_chinese,
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
