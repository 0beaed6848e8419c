"""Notebook 12: what passes, what does not, and what each mistake is told; a learner's step fills the stories."""

# ruff: noqa: E501

from statistics import mean

import numpy as np
import pytest
import torch

from electra_helpers.corruption import sample_tokens
from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.n12_text_generation import (
    KNOWS,
    LAST,
    PERPLEXITY,
    WORLD,
    gibbs_step,
    redo_answer,
    three_sentences,
)
from electra_helpers.course.labs import generation as lab
from electra_helpers.course.labs.replacements import world_model
from electra_helpers.tasks.generation import fill, guesser
from electra_helpers.tasks.generation import gibbs_step as package_step
from tests.course.cases import Cases, hold

STEP = "def gibbs_step(ids, positions, guess, mask_id, generator=None):\n"
HIDE = STEP + "    where = positions[:, None]\n    hidden = ids.scatter(1, where, mask_id)\n"
DRAWN = "sample_tokens(guess(hidden, where), generator=generator)"
REDO, SUMS = redo_answer(), three_sentences()

CASES = {
    "12.1": Cases(
        STEP + "    raise NotImplementedError",
        [
            STEP + "    new = ids.clone()\n    rows = torch.arange(len(ids))\n    new[rows, positions] = mask_id\n    p = torch.softmax(guess(new, positions[:, None])[:, 0], -1)\n    new[rows, positions] = torch.multinomial(p, 1, generator=generator)[:, 0]\n    return new",
            HIDE + f"    return torch.where(torch.arange(ids.shape[1]) == where, {DRAWN}, ids)",
        ],
        [
            (STEP + "    where = positions[:, None]\n    hidden = ids\n    return ids.scatter(1, where, " + DRAWN + ")", "left visible"),
            (HIDE + "    blanks = (hidden == mask_id)\n    every = torch.arange(ids.shape[1]).expand_as(ids)\n    return torch.where(blanks, sample_tokens(guess(hidden, every), generator=generator), ids)", "All blanks at once"),
            (HIDE + "    return ids.scatter(1, where, guess(hidden, where).argmax(-1))", "argmax"),
            (HIDE + "    return ids.scatter(1, where, sample_tokens(guess(hidden, where)))", "pass `generator`"),
            (HIDE + "    return ids.scatter_(1, where, " + DRAWN + ")", "caller's rows"),
            (HIDE + f"    {DRAWN}\n    return hidden", "still there"),
            (STEP + "    return ids.scatter(1, positions[:, None], sample_tokens(guess(ids.scatter(1, positions[:, None], mask_id), positions), generator=generator))", "positions[:, None]"),
            (STEP + "    where = positions[:1, None].expand(len(ids), 1)\n    hidden = ids.scatter(1, where, mask_id)\n    return ids.scatter(1, where, " + DRAWN + ")", "left visible"),
            (HIDE + f"    return {DRAWN}", "same shape"),
            (HIDE + "    logits = guess(hidden, where).scatter(-1, ids.gather(1, where)[..., None], -1e9)\n    return ids.scatter(1, where, sample_tokens(logits, generator=generator))", "old word"),
            (HIDE + "    return ids.scatter(1, where, sample_tokens(guess(hidden, where) / 0.7, generator=generator))", "as often as the generator"),
            (HIDE + "    logits = guess(hidden, where)\n    keep = logits >= logits.topk(3).values[..., -1:]\n    keep &= torch.arange(20) < 10\n    return ids.scatter(1, where, sample_tokens(logits.where(keep, -1e9), generator=generator))", "top-k"),
            (HIDE + "    drawn = sample_tokens(guess(hidden, where)[:1], generator=generator)\n    return ids.scatter(1, where, drawn.expand(len(ids), 1).contiguous())", "always take the same"),
            (HIDE + "    return ids.scatter(1, where, sample_tokens(guess(hidden, where) * 0.5, generator=generator))", "as often as the generator"),
        ],
    ),
    "12.2": Cases(
        dict.fromkeys(REDO),
        [REDO, {k: round(v, 3) if isinstance(v, float) else v for k, v in reversed(REDO.items())}, REDO | {"beyond the spread": np.bool_(REDO["beyond the spread"]), "critic": np.float64(REDO["critic"])}],
        [
            (REDO | {"critic": max(lab.recorded_shares("critic")[LAST])}, "best seed"),
            (REDO | {"critic": mean(lab.recorded_shares("critic")[0])}, "before anything"),
            (REDO | {"random": 0.99}, "is not 0.990"),
            (REDO | {"beyond the spread": not REDO["beyond the spread"]}, "twice the larger"),
            (REDO | {"the critic knows": KNOWS[0]}, "The critic knows truth?"),
            (REDO | {"the critic knows": KNOWS[2]}, "a coin would have gained nothing"),
        ],
    ),
    "12.3": Cases(
        dict.fromkeys(SUMS),
        [SUMS, SUMS | {"products": 1.333, "at once": 1 / 8}],
        [
            (SUMS | {"products": 1.0}, "took the products"),
            (SUMS | {"products": 2 / 3}, "one sentence"),
            (SUMS | {"chain": 4 / 3}, "the three are all there are"),
            (SUMS | {"at once": 0.875}, "impossible one is asked for"),
            (SUMS | {"at once": 0.0}, "do not know of each other"),
            (SUMS | {"perplexity": PERPLEXITY[0]}, "Perplexity from an MLM?"),
            (SUMS | {"perplexity": PERPLEXITY[1]}, "Perplexity from an MLM?"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"torch": torch, "sample_tokens": sample_tokens})


def test_the_readable_step_draws_what_the_package_draws():
    ids = torch.randint(5, 20, (50, 9), generator=torch.Generator().manual_seed(0))
    places = torch.randint(0, 9, (50,), generator=torch.Generator().manual_seed(1))

    def guess(rows, positions):
        return rows.gather(1, positions)[..., None] * torch.linspace(0, 1, 20)

    made = [
        step(ids, places, guess, mask_id=4, generator=torch.Generator().manual_seed(2))
        for step in (gibbs_step, package_step)
    ]
    assert torch.equal(*made)
    assert not torch.equal(made[0], ids)


def test_a_learners_step_fills_the_stories():
    draft, model = lab.story_drafts(3, seed=4), world_model()
    calls = []

    def mine(ids, positions, guess, mask_id, generator=None):
        calls.append(positions)
        return gibbs_step(ids, positions, guess, mask_id, generator)

    how = {"mask_id": model.net.config.mask_id}
    guess = guesser(model, draft)
    own = fill(draft, guess, generator=torch.Generator().manual_seed(0), step=mine, **how)
    ours = fill(draft, guess, generator=torch.Generator().manual_seed(0), **how)
    assert torch.equal(own.ids, ours.ids)
    assert len(calls) == lab.BLANKS


def test_the_grammar_accepts_its_own_stories_and_no_other():
    draft = lab.story_drafts(4, seed=5)
    assert lab.accepted(draft) == 1.0
    words = lab.words_of_rows(draft, world_model().tokenizer)[0]
    assert lab.is_story(words)
    assert not lab.is_story([*words[:-2], words[-1], words[-2]])
    assert not lab.is_story(words[:-1])


def test_three_sentences_are_worked_out():
    assert SUMS["products"] == pytest.approx(4 / 3)
    assert SUMS["chain"] == pytest.approx(1) == pytest.approx(sum(WORLD.values()))
    assert SUMS["at once"] == pytest.approx(1 / 8)


def test_with_the_critic_more_stories_were_accepted_in_every_recorded_seed():
    critic, random = (lab.recorded_shares(by)[LAST] for by in ("critic", "random"))
    before = lab.recorded_shares("critic")[0]
    assert len(critic) == len(random) == 5
    assert before == lab.recorded_shares("at once")[0]
    assert all(ours > other for ours, other in zip(critic, random, strict=True))
    assert all(ours > other for ours, other in zip(critic, before, strict=True))
    assert mean(critic) > 2 * mean(random)


def test_the_race_begins_where_it_was_filled_and_its_picture_says_so():
    model, draft = world_model(), lab.story_drafts(4, seed=6)
    filled = fill(
        draft, guesser(model, draft), mask_id=model.net.config.mask_id, generator=torch.Generator().manual_seed(0)
    )
    found, last = lab.race(filled, "critic", 4)
    assert list(found) == [0, 4]
    assert found[0] == lab.accepted(filled)
    assert found[4] == lab.accepted(last)
    assert torch.equal(last.ids[~draft.is_blank], draft.ids[~draft.is_blank])
    alt = lab.race_picture({"critic": {0: 0.25, 4: 0.5}}).alt
    assert "yours, critic: 0.25 after 0, 0.50 after 4" in alt
    assert "random: median" in alt
    assert sum(lab.critic_and_grammar(last).values()) == 4


def test_all_of_notebook_12_is_here():
    assert [find(number).starred for number in CASES] == [True, False, True]
