"""Exercises of notebook 03: select, mask, gather; the plateau; and which net a checkpoint is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from electra_helpers import corruption
from electra_helpers.corruption import Selection
from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.exercises.selecting import (
    MASK,
    UNSELECTABLE,
    batch,
    candidates_are_places,
    counts_are_right,
    draws_use_the_generator,
    positions_are_allowed,
    select_positions,
    what_is_passed_counts,
)
from electra_helpers.language import ITEMS, joined, wording


def mask_positions(input_ids, selection, mask_id, keep_share=0.15, generator=None):
    """(B, L) → (B, L): selected tokens become [MASK], a share of them stays."""
    masked = input_ids.clone()
    u = torch.rand(selection.positions.shape, generator=generator)
    is_masked = selection.is_valid & (u >= keep_share)  # (B, M): 85 % of the selected
    for row in range(input_ids.shape[0]):
        masked[row, selection.positions[row, is_masked[row]]] = mask_id
    return masked


def _masked(
    function: Callable, ids: Tensor, selection: Selection, seed: int, mask_id: int = MASK, keep_share: float = 0.15
) -> Tensor:
    before, valid = ids.clone(), selection.is_valid.clone()
    random = torch.Generator().manual_seed(seed)
    found = function(ids, selection, mask_id=mask_id, keep_share=keep_share, generator=random)
    if not torch.equal(ids, before):
        raise Mistake(
            "Your function masks in place: the original ids are needed later, as targets. Work on input_ids.clone()."
        )
    if not torch.equal(selection.is_valid, valid):
        raise Mistake(
            "Your function drops tokens from the selection. All selected are predicted, the unchanged 15 % too."
        )
    if not isinstance(found, Tensor) or found.shape != ids.shape:
        raise Mistake("Return a tensor of the same shape as input_ids, {shape}.", shape=tuple(ids.shape))
    return found


def _only_selected_change(function: Callable) -> None:
    ids = batch()
    selection = corruption.select_positions(ids, UNSELECTABLE, generator=torch.Generator().manual_seed(3))
    chosen = selection.as_mask(ids.shape[1])
    for seed in range(10):
        found = _masked(function, ids, selection, seed)
        stray = (found != ids) & ~chosen
        if stray[:, 1:].any():
            raise Mistake("A token changed that was not selected.")
        if stray.any():
            raise Mistake("[CLS] was masked. Unused slots point at position 0 and have is_valid False: leave them out.")


def _shares_are_right(function: Callable) -> None:
    ids = (torch.arange(64 * 128).view(64, 128) % 500) + 10
    selection = corruption.select_positions(ids, UNSELECTABLE, share=0.5, generator=torch.Generator().manual_seed(4))
    found, again, other = (_masked(function, ids, selection, seed).gather(1, selection.positions) for seed in (5, 5, 6))
    original = ids.gather(1, selection.positions)
    is_masked, is_kept = found == MASK, found == original
    if (~is_masked & ~is_kept).any():
        raise Mistake(
            "Some selected tokens became other words: that is BERT's rule (80/10/10). ELECTRA masks 85 % and leaves 15"
            " % as they are; 0 % random."
        )
    if is_masked.all():
        raise Mistake(
            "Every selected token became [MASK]: 15 % stay as they are, so that the generator also sees what it sees"
            " later."
        )
    share = float(is_masked.float().mean())
    if 0.78 < share < 0.82:
        raise Mistake(
            "{share:.0%} of the selected are masked: 80 % is BERT's share. Here it is 85 %, 1 - keep_share.",
            share=share,
        )
    if share < 0.3:
        raise Mistake(
            "Only {share:.0%} of the selected are masked: the shares are swapped. keep_share says how many stay.",
            share=share,
        )
    if not 0.83 < share < 0.87:
        raise Mistake("{share:.0%} of the selected are masked instead of 85 %.", share=share)
    if not torch.equal(found, again):
        raise Mistake("The same seed masks different positions: your draw ignores the generator that is passed.")
    if torch.equal(found, other):
        raise Mistake("Two different seeds mask the same positions: draw by chance which tokens are kept.")
    for axis, name in ((1, wording("row")), (0, wording("column"))):
        shares = is_masked.float().mean(axis)
        if ((shares == 0) | (shares == 1)).float().mean() > 0.5:
            raise Mistake(
                "One coin for a whole {name} of slots: each selected token has a coin of its own, (B, M) of them.",
                name=name,
            )
    counts = is_masked.sum(1)
    if counts.max() == counts.min():
        raise Mistake("Every row has as many masked tokens: toss a coin for each, do not count off a share.")


def _passed_shares_and_ids_count(function: Callable) -> None:
    """Another [MASK], other shares, and slots that are not in reading order, the unused ones in front."""
    ids = (torch.arange(32 * 60).view(32, 60) % 500) + 10
    positions = torch.arange(1, 41).flip(0).repeat(32, 1)  # (B, M), falling
    is_valid = torch.ones_like(positions, dtype=torch.bool)
    is_valid[:, :4] = False
    selection = Selection(positions, is_valid)
    for keep_share in (0.0, 0.6, 1.0):
        found = _masked(function, ids, selection, 7, mask_id=777, keep_share=keep_share).gather(1, positions)
        if (found == MASK).any():
            raise Mistake(
                "Another vocabulary has another [MASK]: use the mask_id that is passed, not {mask}.", mask=MASK
            )
        if not torch.equal(found[~is_valid], ids.gather(1, positions)[~is_valid]):
            raise Mistake(
                "Unused slots may stand anywhere in a row, also in front: is_valid says which, not their number."
            )
        share = float((found == 777)[is_valid].float().mean())
        if abs(share - (1 - keep_share)) > 0.06:
            raise Mistake(
                "With keep_share {keep_share:g} your function masks {share:.0%} of the selected: use the keep_share that is passed.",
                keep_share=keep_share,
                share=share,
            )


def _a_kept_token_may_be_any(function: Callable) -> None:
    """The same word at many selected positions of a row: each has its own coin."""
    ids = torch.full((4, 60), 11)
    positions = torch.arange(2, 42).repeat(4, 1)
    found = _masked(
        function, ids, Selection(positions, torch.ones_like(positions, dtype=torch.bool)), 8, keep_share=0.5
    )
    share = float((found.gather(1, positions) == MASK).float().mean())
    if not 0.3 < share < 0.7:
        raise Mistake("The same word is masked everywhere or nowhere: mask positions, not ids.")
    if (found[:, :2] == MASK).any() or (found[:, 42:] == MASK).any():
        raise Mistake("A word that is selected at one position is masked at another too: mask positions, not ids.")


def gather_positions(hidden, positions):
    """(B, L, H) at (B, M) → (B, M, H)."""
    rows = torch.arange(hidden.shape[0])[:, None]  # (B, 1), broadcast against (B, M)
    return hidden[rows, positions]  # (B, M, H)


def _in_reading_order(hidden: Tensor, positions: Tensor) -> Tensor:
    return corruption.gather_positions(hidden, positions.sort(dim=1).values)


def _vectors_are_gathered(function: Callable) -> None:
    random = torch.Generator().manual_seed(5)
    hidden = torch.randn(2, 9, 4, generator=random)  # B ≠ L ≠ H
    positions = torch.tensor([[5, 1, 8], [7, 0, 0]])  # in no order, one of them twice
    found = function(hidden, positions)
    found = found.float() if isinstance(found, Tensor) else found
    right = torch.stack([hidden[row, positions[row]] for row in range(2)])
    shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
    if shape == (2, 2, 3, 4):
        raise Mistake(
            "The result is (B, B, M, H): hidden[:, positions] takes the positions of *all* rows from each row. Row b"
            " wants its own."
        )
    if shape == (2, 3, 1):
        raise Mistake("The result is (B, M, 1): gather takes one number for each index. Expand the index to (B, M, H).")
    if shape != (2, 3, 4):
        raise Mistake(
            "hidden (2, 9, 4) and positions (2, 3) should give (B, M, H) = (2, 3, 4), not {shape}.", shape=shape
        )
    if torch.allclose(found, hidden[0][positions]):
        raise Mistake("All vectors come from row 0: take those of row b from hidden[b].")
    if torch.allclose(found, right.flip(1)) or torch.allclose(found, _in_reading_order(hidden, positions)):
        raise Mistake(
            "The vectors are not in the order of positions: result[b, m] belongs to slot m, wherever it points."
        )
    if not torch.allclose(found, right):
        raise Mistake("result[b, m] should be hidden[b, positions[b, m]].")
    leaf = hidden.clone().requires_grad_()
    gathered = function(leaf, positions)
    if not gathered.requires_grad or torch.autograd.grad(gathered.sum(), leaf, allow_unused=True)[0] is None:
        raise Mistake("No gradient flows back to hidden: do not copy through .tolist(), numpy or torch.tensor(…).")


@cache
def unigram_entropy(story_count: int = 1_000) -> float:
    """Entropy in nats of the word frequencies of the first training stories."""
    from electra_helpers.text.tokenizer import tokenizer_from_words
    from electra_helpers.world import stories, vocabulary

    tokenizer = tokenizer_from_words(vocabulary("en"))
    texts = [story.text("en") for story in stories(count=story_count, languages=("en",))]
    counts = Counter(token for ids in tokenizer.encode_batch(texts) for token in ids)
    total = sum(counts.values())
    return -sum(n / total * math.log(n / total) for n in counts.values())


PLATEAU = ("nothing", "how often each word occurs", "which word follows which")


def _plateau_is_named(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != {"entropy", "learnt"}:
        raise Mistake('Keep the dictionary as it is, with "entropy" and "learnt".')
    try:
        given, right = as_number(answers["entropy"]), unigram_entropy()
    except (TypeError, ValueError):
        raise Mistake("The entropy is a number, in nats.") from None
    if abs(given - right / math.log(2)) < 0.02:
        raise Mistake(
            "{given:.2f} is the entropy in bits: cross-entropy is in nats here, so use the natural logarithm.",
            given=given,
        )
    if abs(given + right) < 0.02:
        raise Mistake("The entropy is -Σ p ln p: you lost the minus sign.")
    if abs(given - math.exp(right)) < 5:
        raise Mistake("{given:.0f} is the perplexity, e to the entropy. The curve shows the entropy.", given=given)
    if abs(given - right) > 0.02:
        raise Mistake(
            "{given:.2f} is not it. p is the share of each word among all words of the stories; then -Σ p ln p.",
            given=given,
        )
    if str(answers["learnt"]) == PLATEAU[0]:
        raise Mistake(
            "Flat does not mean broken: the loss fell from ln V to the unigram entropy. Which model has exactly that"
            " loss?"
        )
    if str(answers["learnt"]) != PLATEAU[1]:
        raise Mistake(
            "Choose one of {plateau}. A model that knows which word follows which would be below this line.",
            plateau=PLATEAU,
        )


READING = {"new weights": "the head", "because": "this checkpoint is a discriminator"}
READING_CHOICES = {
    "new weights": ("the embeddings", "the encoder", "the head"),
    "because": ("training was too short", "this checkpoint is a discriminator", "the tokenizer is wrong"),
}


def _warning_is_read(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(READING):
        raise Mistake('Keep the dictionary as it is, with "new weights" and "because".')
    for key, value in answers.items():
        if value not in READING_CHOICES[key]:
            raise Mistake(
                "{key}: choose one of {reading_choices}.", key=key, reading_choices=joined(READING_CHOICES[key], ITEMS)
            )
    if answers["new weights"] != "the head":
        raise Mistake("Read the names in the warning: which of them begin with electra., and which with generator_?")
    if answers["because"] == "training was too short":
        raise Mistake("No training helps: these weights are random numbers, drawn just now. Load it twice and compare.")
    if answers["because"] != READING["because"]:
        raise Mistake(
            "An ELECTRA checkpoint is either net, not both: this one has a head for replaced or original, and none for"
            " words."
        )


EXERCISES = (
    Exercise(
        id="03.1",
        title="Select positions",
        kind="build",
        minutes=15,
        difficulty=3,
        starred=True,
        specification=(
            "select_positions(input_ids, unselectable_ids, share=0.15, generator=None) → Selection(positions (B, M),"
            " is_valid (B, M)): per row n = max(1, round(share · real tokens)) different positions (all where there are"
            " fewer candidates), never one of unselectable_ids; real tokens are all but unselectable_ids[0], which is [PAD]. M ="
            " max(1, round(share · L)); unused slots are 0 and not valid."
        ),
        checks=(
            positions_are_allowed,
            counts_are_right,
            draws_use_the_generator,
            candidates_are_places,
            what_is_passed_counts,
        ),
        hints=(
            (
                "Write it for one row first: its candidates, its number, a random choice without repeats. Then loop"
                " over the rows."
            ),
            "torch.randperm(len(candidates), generator=generator)[:n] draws without repeats, and fewer where there are fewer.",
        ),
        solution=select_positions,
        fallback=corruption.select_positions,
        variable="select_positions",
    ),
    Exercise(
        id="03.2",
        title="Mask 85 %, keep 15 %",
        kind="build",
        minutes=10,
        difficulty=2,
        specification=(
            "mask_positions(input_ids, selection, mask_id, keep_share=0.15, generator=None) → (B, L), a new tensor:"
            " each valid selected token becomes mask_id with probability 1 - keep_share, and stays as it is otherwise."
        ),
        checks=(_only_selected_change, _shares_are_right, _passed_shares_and_ids_count, _a_kept_token_may_be_any),
        hints=(
            "One uniform number for each slot (B, M) decides; is_valid says which slots count.",
            (
                "torch.rand(selection.positions.shape, generator=generator) >= keep_share, and is_valid: there goes"
                " mask_id."
            ),
        ),
        solution=mask_positions,
        fallback=corruption.mask_positions,
        variable="mask_positions",
    ),
    Exercise(
        id="03.3",
        title="Gather the selected vectors",
        kind="build",
        minutes=8,
        difficulty=2,
        starred=True,
        specification="gather_positions(hidden, positions): (B, L, H) and (B, M) → (B, M, H).",
        checks=(_vectors_are_gathered,),
        hints=(
            "Row b wants hidden[b, positions[b]]. A loop is a fine start.",
            "Either hidden[rows, positions] with rows of shape (B, 1), or gather with the index expanded to (B, M, H).",
        ),
        solution=gather_positions,
        fallback=corruption.gather_positions,
        variable="gather_positions",
    ),
    Exercise(
        id="03.4",
        title="Name the plateau",
        kind="decide",
        minutes=8,
        difficulty=2,
        starred=True,
        specification=(
            "The entropy of the words' frequencies, in nats, and what a model has learnt whose loss stays there."
        ),
        checks=(_plateau_is_named,),
        hints=(
            "p is the share of each word; the entropy is -Σ p ln p.",
            "p = counts / counts.sum(); then -(p * p.log()).sum().",
        ),
        solution={"entropy": 5.38, "learnt": PLATEAU[1]},
        variable="my_plateau",
        why="A model that ignores all context and gives each word its share has exactly this loss.",
    ),
    Exercise(
        id="03.5",
        title="Read the warning",
        kind="decide",
        minutes=5,
        difficulty=1,
        specification="Which weights are new, and why the filled-in words are nonsense.",
        checks=(_warning_is_read,),
        hints=(
            "The warning lists names. Which part of a network are they?",
            "A head for words, or a head for replaced or original: a checkpoint has one.",
        ),
        solution=READING,
        variable="my_reading",
        why="The encoder is a discriminator's; a masked language model needs the generator's checkpoint.",
    ),
)
