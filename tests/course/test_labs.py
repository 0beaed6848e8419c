"""What the pages' own code does, held to small cases that were worked out by hand; each laboratory's larger cases are with its notebook."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from electra_helpers.corruption import Selection
from electra_helpers.course.engine.session import AMOUNTS
from electra_helpers.course.exercises.n03_generator import unigram_entropy
from electra_helpers.course.labs import cleaning, fakes, generation, plateau, prose, replacements, seq2seq
from electra_helpers.course.labs.own_steps import own_steps
from electra_helpers.reading.labelled import labelled
from electra_helpers.recipes import recipe
from electra_helpers.tasks.detection import detect


def test_flags_are_worth_what_is_counted_by_hand():
    scores, wrong = np.array([0.9, 0.8, 0.6, 0.4, 0.2]), np.array([True, False, True, True, False])
    found = cleaning.worth(scores, wrong, 0.4)  # four flags, three of them right; one of two good words is flagged
    assert found == pytest.approx({"rate": 3 / 5, "precision": 3 / 4, "recall": 1, "false alarms": 1 / 2})
    assert cleaning.worth(scores, wrong, 0.95)["precision"] == 1.0


def test_a_cell_is_as_suspicious_as_its_worst_word(tmp_path):
    rows = [{"tool": "old saw", "place": "mill"}, {"tool": "net", "place": "yard"}]
    flags = [(1, "tool", 0.8), (1, "tool", 0.1), (1, "place", 0.3), (2, "tool", 0.2), (2, "place", 0.4)]
    lines = [json.dumps({"row": row, "column": column, "score": score}) for row, column, score in flags]
    (tmp_path / "flags.jsonl").write_text("\n".join(lines), "utf-8")
    found = cleaning.cell_scores(tmp_path / "flags.jsonl", rows, ["tool", ""])
    assert found["cells"] == 4
    assert found["wrong"] == 1
    assert found["auc"] == 1.0, "0.8 is above the other cells; the cell's last word, 0.1, is below all of them"
    assert found["worst"][0]["score"] == 0.8


def test_no_short_story_is_longer_than_a_long_one():
    short, long = cleaning.short_and_long(replacements.world_model(), 3)
    assert len(short) == len(long) == 3
    assert max(map(len, short)) <= min(map(len, long))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["reviews", "entities", "passages"])
def test_what_is_asked_was_not_learnt_from(kind, language):
    learnt, asked = ({str(row) for row in part.rows} for part in prose.sets(kind, language))
    assert learnt
    assert asked
    assert not learnt & asked


def test_a_summary_names_the_hero_only_by_the_first_word():
    data = labelled(
        [{"text": "x", "summary": "Anna sold a vase."}, {"text": "y", "summary": "Hugo made a pie."}],
        task="summarisation",
    )
    said = [{"summary": "Anna made a pie."}, {"summary": "Paul made a pie for Hugo."}]
    assert seq2seq.names_right(SimpleNamespace(predict=lambda rows: said), data) == 0.5


def test_the_critic_and_the_grammar_are_asked_apart(monkeypatch):
    draft = generation.story_drafts(2, seed=5)
    broken = draft.ids.clone()
    broken[1, 1] = broken[1, 2]
    doubts = torch.zeros(draft.ids.shape)
    doubts[0][draft.is_blank[0]] = 0.9
    monkeypatch.setattr(generation, "critic_scores", lambda model, draft: doubts)
    found = generation.critic_and_grammar(SimpleNamespace(ids=broken, is_blank=draft.is_blank, is_real=draft.is_real))
    assert {pair for pair, count in found.items() if count} == {(False, True), (True, False)}


def test_the_recorded_run_rests_on_the_word_frequencies():
    level, (steps, losses) = unigram_entropy(), plateau.curve()
    first, last = plateau.rest(level)
    resting = [loss for step, loss in zip(steps, losses, strict=True) if first <= step <= last]
    assert last - first >= 600
    assert max(abs(loss - level) for loss in resting) <= plateau.NEAR
    assert np.mean(resting) == pytest.approx(level, abs=0.1)
    assert min(losses[: losses.index(resting[0])]) < level - 0.4, "the page says that it begins to learn and loses it"
    alt = plateau.picture_of(([5, 10], [6.9, 4.0]), level).alt
    assert "yours: 6.9 at step 5, 4 at step 10" in alt
    assert f"word frequencies: {level:.3g} at step 0" in alt


def test_the_recorded_run_is_the_notebooks_but_for_its_rate():
    found = plateau.recorded()["settings"]
    assert (found["story_count"], found["steps"]) == (AMOUNTS["03.stories"][1], AMOUNTS["03.steps"][1])
    assert found["learning_rate"] > 5 * recipe("tiny").pretrain.learning_rate


def test_every_hidden_word_is_masked_and_its_original_possible():
    tokenizer = replacements.world_model().tokenizer
    (one,) = fakes.hidden_words(tokenizer, 1)
    assert (one.masked_ids.gather(1, one.positions) == tokenizer.mask_id).all()
    assert one.is_possible.gather(1, one.original_ids[:, None]).all()
    assert not one.is_possible.all(1).any(), "at no place is every word possible"


def test_a_gap_is_measured_where_the_two_tellings_differ():
    model, swap = replacements.world_model(), replacements.swaps("dialect", 1)[0]
    places = [i for i, word in enumerate(detect(model, swap.usual).words) if word == "were"]
    expected = [np.mean([detect(model, text).p_replaced_words[i] for i in places]) for text in (swap.usual, swap.other)]
    assert replacements.p_where_they_differ(model, swap) == pytest.approx(tuple(expected))


def test_a_learners_draw_follows_the_noise_of_its_step():
    def draw(ids, bad, share, generator):
        return Selection(torch.randint(40, (len(ids), 6), generator=generator), torch.ones(len(ids), 6).bool())

    select, ids, noise = own_steps(select=draw).select, torch.full((2, 40), 9), torch.rand(3, 2, 40)
    first, again, other = (select(ids, (0,), share=0.15, noise=noise[i]).positions for i in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
