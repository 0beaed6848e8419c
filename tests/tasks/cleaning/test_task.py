"""Scores stay with their words, thresholds and metrics are what they say, and suggestions are words that fit and are others."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, fbeta_score, precision_score, recall_score, roc_auc_score

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.reading.labelled import labelled
from electra_helpers.tasks.cleaning.flagging import LEAST
from electra_helpers.tasks.cleaning.suspects import cleaner_of, suspects, zero_shot
from electra_helpers.tasks.cleaning.task import Cleaning, choose_threshold, cleaning_metrics, precision_at, trivial
from electra_helpers.tasks.detection import detect
from electra_helpers.tasks.finetuning import finetune

MARKED = st.lists(
    st.tuples(st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9]), st.booleans()), min_size=2, max_size=30
).filter(lambda pairs: any(wrong for _, wrong in pairs))


def test_zero_shot_scores_are_the_discriminators_of_each_word(pretrained):
    text = "The chef cooked, unlikely meal 天气 today."
    [said] = zero_shot(pretrained).predict([text])
    found = detect(pretrained, text)
    assert [text[start:end] for start, end in said["spans"]] == found.words
    assert said["scores"] == pytest.approx(found.p_replaced_words, abs=1e-6)
    assert len(set(np.round(said["scores"], 6))) > len(said["scores"]) - 2, "equal values would hide a shift"


def test_a_text_longer_than_the_model_is_read_in_windows(pretrained):
    text = "the chef cooked the meal today . " * 12
    [said] = zero_shot(pretrained).predict([text])
    assert len(said["scores"]) == 7 * 12
    middle = zero_shot(pretrained).predict(["the chef cooked the meal today ."])
    assert len(next(middle)["scores"]) == 7


def test_one_wrong_piece_makes_its_word_suspicious(pretrained):
    task = Cleaning(all_pieces=True)
    rows = [{"text": "the unlikely meal"}]
    config = FinetuneConfig(length=24)
    examples = task.examples(rows, pretrained.tokenizer, config)
    output = np.zeros((len(examples[0].ids), 2))
    output[4, 1] = 0.8  # the last of un ##like ##ly
    assert task.predictions(rows, examples, [output])[0]["scores"] == [0, 0.8, 0]
    first_piece = Cleaning().predictions(rows, examples, [output])[0]["scores"]
    assert first_piece == [0, 0, 0], "fine-tuning trains first pieces, so they speak for their words"


def test_flags_are_the_words_at_or_above_the_threshold_the_worst_first(pretrained):
    text = "The chef cooked the unlikely meal today."
    scores = dict(
        zip(
            *[iter(x) for x in (detect(pretrained, text).words, detect(pretrained, text).p_replaced_words)], strict=True
        )
    )
    cut = sorted(scores.values())[-3]
    [flags] = suspects(pretrained, [text], threshold=cut - 1e-7)
    assert [flag.word for flag in flags] == sorted(
        (w for w in scores if scores[w] >= cut - 1e-7), key=lambda w: -scores[w]
    )
    assert all(text[flag.start : flag.end] == flag.word for flag in flags)


def test_suggestions_for_a_word_are_the_generators_where_it_does_not_see_it(pretrained):
    [flags] = suspects(pretrained, ["the chef cooked the unlikely meal ."], threshold=0.0, suggest=4)
    by_word = {flag.word: flag for flag in flags}
    tokenizer = pretrained.tokenizer
    ids = tokenizer.encode("the chef cooked the unlikely meal .").ids
    at = len(ids) - 3  # meal . [SEP]
    ids[at] = tokenizer.mask_id
    with torch.no_grad():
        logits = pretrained.net.generator(torch.tensor([ids]), positions=torch.tensor([[at]]))[0, 0]
    p = torch.softmax(logits, -1)
    names = tokenizer.tokens(range(len(p)))
    allowed = [  # none of them looks like "meal": the place alone decides
        i for i, name in enumerate(names) if i not in tokenizer.special_ids and name.isalnum() and name != "meal"
    ]
    best = sorted(allowed, key=lambda i: -p[i])[:4]
    assert [token for token, _ in by_word["meal"].suggestions] == tokenizer.tokens(best)
    assert by_word["meal"].suggestions[0][1] == pytest.approx(float(p[best[0]]), abs=1e-6)
    for word, flag in by_word.items():
        assert word.lower() not in [token for token, _ in flag.suggestions]


@pytest.mark.parametrize(
    ("written", "meant"), [("chfe", "Chef"), ("tody", "Today"), ("ccok", "Cook"), ("maels", "Meal")]
)
def test_for_what_is_no_word_the_likest_word_is_suggested_first(pretrained, written, meant):
    [flags] = suspects(pretrained, [f"{written.capitalize()} the un."], threshold=0.0, suggest=2)
    flag = next(flag for flag in flags if flag.start == 0)
    assert flag.suggestion == meant


def test_marks_are_not_suggested_for_words(pretrained):
    [flags] = suspects(pretrained, ["the chef xyz, the meal."], threshold=0.0, suggest=20)
    said = {flag.word: [token for token, _ in flag.suggestions[:8]] for flag in flags}
    assert not {".", ","} & {*said["chef"], *said["xyz"]}
    assert "." in said[","]


def test_a_word_that_the_vocabulary_does_not_list_may_be_right():
    """The P that a copy goes by leaves room for a name: nobody's name becomes the word that looks like it."""
    texts = ["Mrs Kovacs read the book on the train.", "Strawberries are berries, and bananas are too."]
    found = suspects(load("electra-mini-en"), texts, threshold=0.0)
    sure = {flag.word: flag.suggestions[0][1] for flags in found for flag in flags}
    assert max(sure["Kovacs"], sure["berries"], sure["bananas"]) < 0.05


def test_a_share_of_the_words_of_all_texts_is_flagged(pretrained):
    texts = ["the chef cooked the unlikely meal today .", "the meal , the chef"]
    everything = [flag for flags in suspects(pretrained, texts, threshold=0.0, suggest=0) for flag in flags]
    worst = sorted((flag.score for flag in everything), reverse=True)
    for share, count in ((None, 3), (0.5, 6), (1.0, 13)):
        found = [flag.score for flags in suspects(pretrained, texts, share=share, suggest=0) for flag in flags]
        assert sorted(found, reverse=True) == [score for score in worst[:count] if score >= LEAST]
    with pytest.raises(ElectraError, match="share or threshold, not both"):
        suspects(pretrained, texts, share=0.1, threshold=0.5)


def test_a_suggestion_keeps_the_capital(pretrained):
    [flags] = suspects(pretrained, ["Chef cooked ."], threshold=0.0)
    first = next(flag for flag in flags if flag.word == "Chef")
    assert first.suggestion == first.suggestion.capitalize()


@given(MARKED, st.sampled_from([0.1, 0.3, 0.5, 0.75]))
@settings(deadline=None)
def test_metrics_are_those_of_scikit_learn(pairs, threshold):
    scores, wrong = np.array([s for s, _ in pairs]), np.array([w for _, w in pairs])
    found = cleaning_metrics(wrong, scores, threshold)
    flagged = scores >= threshold
    assert found["precision"] == pytest.approx(precision_score(wrong, flagged, zero_division=0))
    assert found["recall"] == pytest.approx(recall_score(wrong, flagged))
    assert found["f0.5"] == pytest.approx(fbeta_score(wrong, flagged, beta=0.5, zero_division=0))
    assert found["average_precision"] == pytest.approx(average_precision_score(wrong, scores))
    if not wrong.all():
        assert found["auc"] == pytest.approx(roc_auc_score(wrong, scores))


@given(MARKED, st.sampled_from([0.5, 1.0, 2.0]))
@settings(deadline=None)
def test_no_other_threshold_has_a_higher_f(pairs, beta):
    scores, wrong = np.array([s for s, _ in pairs]), np.array([w for _, w in pairs])

    def f(cut):
        return fbeta_score(wrong, scores >= cut, beta=beta, zero_division=0)

    chosen = choose_threshold(scores, wrong, beta)
    best = max(f(cut) for cut in scores)
    assert f(chosen) == pytest.approx(best)
    assert chosen == max(cut for cut in scores if f(cut) > best - 1e-12), "of equal ones the highest"


def test_a_threshold_needs_a_mistake_to_be_chosen_on():
    with pytest.raises(ElectraError, match="no wrong word"):
        choose_threshold([0.5], [False])


def test_precision_falls_with_the_base_rate():
    assert [round(precision_at(rate, 0.9, 0.02), 2) for rate in (0.05, 0.01, 0.001)] == [0.7, 0.31, 0.04]


def test_what_costs_nothing_scores_as_it_must():
    rows = [{"tokens": ["the", "cat", "sat", "the"], "tags": [0, 0, 1, 0]}]
    found = trivial(rows, 1)
    assert found["flag nothing"]["recall"] == found["flag nothing"]["precision"] == 0
    assert (found["flag all"]["recall"], found["flag all"]["precision"]) == (1, 0.25)
    assert found["rarest words"]["recall"] == 1
    assert found["rarest words"]["precision"] == 0.5
    assert found["flag all"]["auc"] == found["flag nothing"]["auc"] == 0.5


def test_a_cleaner_is_fine_tuned_as_a_tagger_is():
    data = labelled(
        [{"tokens": ["the", "needle", "seew"] * 3, "labels": [0, 0, 1] * 3}] * 8, task="cleaning", source="made up"
    )
    made = finetune(
        "cleaning", "electra-tiny-world-en", data, validation=data, epochs=30, device="cpu", learning_rate=3e-3
    )
    assert made.evaluation["average_precision"] > 0.9
    said = next(made.predict(["The needle seew."]))
    assert len(said["scores"]) == 4
    assert cleaner_of(made, 0.25).task.threshold == 0.25
    name, scores = made.task.baseline(data.rows)
    assert name == "best of nothing, all, rarest"
    assert scores["recall"] == 1


def test_a_model_of_another_task_or_without_a_discriminator_is_no_cleaner(pretrained):
    rows = [{"text": "the chef", "label": "a"}, {"text": "a meal", "label": "b"}]
    with pytest.raises(ElectraError, match="for classification, not for cleaning"):
        cleaner_of(finetune("classification", pretrained, rows, steps=1, device="cpu"))
    pretrained.net.discriminator = None
    with pytest.raises(ElectraError, match="no discriminator"):
        zero_shot(pretrained)


def test_marks_come_from_words_from_places_or_from_one_odd_word():
    rows = [
        {"text": "He reed 天汽!", "errors": [{"start": 3, "end": 7}, {"start": 9, "end": 10}]},
        {"text": "A sofa barked.", "start": 2, "end": 6},
    ]
    data = labelled(rows, task="cleaning")
    assert data.rows[0]["tokens"] == ["He", "reed", "天", "汽", "!"]
    assert data.rows[0]["tags"] == [0, 1, 0, 1, 0]
    assert data.rows[1]["tags"] == [0, 1, 0, 0]
    assert data.labels == ("right", "wrong")
    with pytest.raises(ElectraError, match="marks all words alike"):
        Cleaning.from_data(labelled([{"tokens": ["a"], "labels": [0]}], task="cleaning"), FinetuneConfig())
