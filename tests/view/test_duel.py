"""The duel: scores are the discriminator's, the ceiling is the best of all words, and mistakes are told."""

import pytest
import torch

from electra_helpers.errors import ElectraError
from electra_helpers.view.explorer.duel import duel
from tests.view.models import small_pair

TEXT = "The chef cooked the unlikely meal today ."


@pytest.fixture(scope="module")
def pair():
    return small_pair()


@pytest.fixture
def game(pair):
    return duel(pair, TEXT)


def p_at(pair, position, word_id):
    ids = torch.tensor([pair.tokenizer.encode(TEXT).ids])
    ids[0, position] = word_id
    with torch.no_grad():
        return float(torch.sigmoid(pair.net.discriminator(ids)[0, position]))


def test_the_score_is_what_the_discriminator_did_not_notice(game, pair):
    game.choose(9)
    attempt = game.put("needle")
    assert attempt.score == pytest.approx(1 - p_at(pair, 9, pair.tokenizer.backend.token_to_id("needle")), abs=1e-6)
    assert attempt.is_noticed == (attempt.p_replaced >= 0.5)
    assert game.view["chips"][9]["mark"] == "replaced"


@pytest.mark.parametrize("generator", [True, False])
def test_the_ceiling_is_the_best_of_all_other_words(generator):
    pair = small_pair(generator=generator)
    game = duel(pair, TEXT)
    game.choose(9)
    attempt = game.put("needle")
    others = set(range(5, pair.tokenizer.vocab_size)) - {pair.tokenizer.backend.token_to_id("meal")}
    scores = {word: 1 - p_at(pair, 9, word) for word in others}
    best = max(scores, key=scores.__getitem__)
    assert attempt.ceiling == pytest.approx(scores[best], abs=1e-5)
    assert attempt.best_word == pair.tokenizer.tokens([best])[0]
    assert game.put(attempt.best_word).score == pytest.approx(attempt.ceiling, abs=1e-5)


def test_every_attempt_starts_from_the_original_sentence(game):
    game.choose(9)
    game.put("needle")
    game.choose(2)
    game.put("tailor")
    assert game.contest.tokens[9] == "meal"
    assert [a.word for a in game.attempts] == ["needle", "tailor"]
    assert [a["word"] for a in game.view["attempts"]] == ["tailor", "needle"]


@pytest.mark.parametrize(
    ("position", "word", "message"),
    [
        (9, "meal", "is the original"),
        (9, "zebra", "vocabulary"),
        (None, "needle", "Choose the word"),
        (0, "a", "no word"),
    ],
)
def test_what_does_not_count_is_said_in_the_widget(game, position, word, message):
    for name, value in (("choose", position), ("put", word)):
        if value is not None and not game.view["error"]:
            game._receive(game, {"do": name, "with": [value]}, [])
    assert message in game.view["error"]
    assert game.attempts == []


def test_a_generator_alone_is_no_opponent():
    with pytest.raises(ElectraError, match="nobody to beat"):
        duel(small_pair(discriminator=False), TEXT)


def test_where_nothing_runs_the_game_is_left_as_a_picture(game):
    game.choose(9)
    game.put("needle")
    saved = game._saved()
    assert "needle" in saved["text/html"]
    assert "meal → needle: score" in saved["text/plain"]
