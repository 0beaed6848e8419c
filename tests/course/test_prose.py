"""Real sentences in the notebooks: the sets are whole, a hidden word stays hidden, and deleting a word is what moves its score."""

import pytest
import torch

from electra_helpers.course.labs import prose
from electra_helpers.course.labs.finetuning import facts
from electra_helpers.course.labs.replacements import accuse
from electra_helpers.exchange.store import load
from electra_helpers.tasks.generation import guesser

WORLD = "electra-tiny-world-en"
NATS = 3.583519  # ln 0.9 / 0.1 less ln 0.2 / 0.8


class OneWordMatters:
    """A classifier whose P(positive) is 0.9 where the text holds the word, 0.2 elsewhere."""

    def __init__(self, word: str) -> None:
        self.word = word

    def predict(self, texts):
        for text in texts:
            p = 0.9 if self.word in text else 0.2
            yield {"probabilities": {"negative": 1 - p, "positive": p}}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("kind", "counts"), [("reviews", (320, 160)), ("entities", (200, 100)), ("passages", (160, 80))]
)
def test_a_set_has_its_rows_in_both_parts(kind, language, counts):
    assert tuple(map(len, prose.sets(kind, language))) == counts


def test_reviews_have_names_for_their_labels_and_balanced_beginnings():
    learn, test = prose.sets("reviews")
    assert learn.labels == test.labels == ("negative", "positive")
    assert prose.first(learn, 64).label_counts() == {"negative": 32, "positive": 32}


@pytest.mark.parametrize(
    ("text", "word", "others"),
    [
        ("It's a nice, well-made film.", "nice", ["It's", "a", "well-made", "film"]),
        ("今天天气很好，阳光明媚", "好", list("今天天气很阳光明媚")),
    ],
)
def test_the_word_that_a_label_hangs_on_is_found_and_punctuation_is_no_word(text, word, others):
    found = prose.carriers(OneWordMatters(word), text, "positive")
    assert [(each, round(fall, 6)) for each, fall in found if fall] == [(word, NATS)]
    assert [each for each, fall in found if not fall] == others


def test_what_speaks_against_a_label_has_a_negative_fall():
    assert prose.carriers(OneWordMatters("nice"), "nice", "negative") == [("nice", pytest.approx(-NATS))]


def test_proposals_are_the_generators_probabilities_with_every_blank_hidden():
    model = load(WORLD)
    first, second = prose.proposals(model, "A ___ named Anna lived in a quiet ___ .", 4)
    encoding = model.tokenizer.encode("A [MASK] named Anna lived in a quiet [MASK] .", blanks=True)
    ids = torch.tensor([encoding.ids])
    where = (ids == model.net.config.mask_id).nonzero()[:, 1][None]
    logits = model.net.generator(ids, None, torch.ones_like(ids, dtype=torch.bool), positions=where)[0].detach()
    logits[:, model.tokenizer.special_ids] = -1e9
    for found, row in zip((first, second), torch.softmax(logits, -1), strict=True):
        best = row.topk(4)
        assert [token for token, _ in found] == model.tokenizer.tokens(best.indices.tolist())
        assert [p for _, p in found] == pytest.approx(best.values.tolist(), rel=1e-4)


def test_a_hidden_word_is_whole_and_the_generator_does_not_see_it(monkeypatch):
    shown = []

    def watched(model, draft, temperature=1.0):
        shown.append(draft)
        return guesser(model, draft, temperature)

    monkeypatch.setattr(prose, "guesser", watched)
    model = load(WORLD)
    texts = ["Anna was a baker in a quiet forest .", "…", "On Monday Hugo lost his old hammer by the lake ."]
    found = list(prose.hidden_words(model, texts, seed=3))
    assert len(found) == len(shown) == 2, "a text without a word has none to hide"
    for (word, five), draft, text in zip(found, shown, (texts[0], texts[2]), strict=True):
        original = model.tokenizer.encode(text)
        at = int(draft.is_blank[0].nonzero())
        assert original.tokens[at] == word
        assert original.word_ids.count(original.word_ids[at]) == 1
        assert draft.ids[0, at] == model.net.config.mask_id
        assert draft.ids[0].tolist().count(model.net.config.mask_id) == 1
        assert len(set(five)) == 5


def test_a_word_in_several_pieces_is_never_hidden_in_part():
    model = load("electra-mini-en")
    text = "Zbigniew ran, Kovalevskaya ran."
    assert "##b" in model.tokenizer.encode(text).tokens
    assert {word for seed in range(12) for word, _ in prose.hidden_words(model, [text], seed)} == {"ran"}


def test_hidden_words_are_scored_against_the_commonest_of_them(monkeypatch):
    answers = [("the", ["the", "a"]), ("the", ["a", "the"]), ("a", ["the", "b"]), ("cat", ["cat", "a"])]
    monkeypatch.setattr(prose, "hidden_words", lambda model, texts, seed: iter(answers))
    assert prose.hidden_word_scores(None, []) == {"first choice": 0.5, "among five": 0.75, "always 'the'": 0.5}


def test_corrections_are_pairs_that_differ_and_keep_their_kind():
    rows = prose.corrections().rows
    assert all(row["good"] != row["bad"] for row in rows)
    assert {"confusion", "typo", "agreement"} <= {row["phenomenon"] for row in rows}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_unusual_sentences_come_by_their_reason(language):
    assert sum(map(len, prose.unusual(language).values())) == 50


def test_chinese_sentences_are_corrected_and_accused_in_chinese():
    pairs, accused = prose.corrections("zh").rows, accuse(load("electra-tiny-world-zh"), "zh")
    assert (len(pairs), len(accused)) == (74, 73)
    assert all(not text.isascii() for text in (pairs[0]["good"], accused[0].text, accused[0].accused))


def test_a_table_may_have_columns_of_its_own():
    entities = [{"kind": "ORG", "text": "Lego"}, {"kind": "PER", "text": "Ole Kirk Christiansen"}]
    assert facts(entities, {"who": "PER", "where": "LOC"}) == {"who": "Ole Kirk Christiansen", "where": "–"}
