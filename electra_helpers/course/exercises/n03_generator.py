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
from electra_helpers.course.grading import Exercise, Mistake

PAD, UNK, CLS, SEP, MASK = range(5)
UNSELECTABLE = (PAD, CLS, SEP, MASK)


def select_positions(input_ids, unselectable_ids, share=0.15, generator=None):
    """Selected positions (B, M) and which slots are used: round(share · real tokens) a row, no repeats."""
    pad_id = unselectable_ids[0]
    rows, length = input_ids.shape
    most = max(1, round(share * length))  # M
    positions = torch.zeros(rows, most, dtype=torch.long)
    is_valid = torch.zeros(rows, most, dtype=torch.bool)
    for row, ids in enumerate(input_ids.tolist()):
        real = sum(token != pad_id for token in ids)
        candidates = [at for at, token in enumerate(ids) if token not in unselectable_ids]
        count = min(max(1, round(share * real)), len(candidates))
        order = torch.randperm(len(candidates), generator=generator)[:count].tolist()
        positions[row, :count] = torch.tensor(sorted(candidates[i] for i in order), dtype=torch.long)
        is_valid[row, :count] = True
    return Selection(positions, is_valid)


def _batch() -> Tensor:
    """B=5, L=40 with 40, 24, 8, 3 and 2 real tokens, a [MASK] already in the text; ids repeat within a row."""
    ids = torch.zeros(5, 40, dtype=torch.long)
    for row, real in enumerate((40, 24, 8, 3, 2)):
        ids[row, :real] = torch.arange(real) % 7 + 10
        ids[row, 0], ids[row, real - 1] = CLS, SEP
    ids[0, 5] = ids[1, 4] = MASK
    return ids


def _selected(function: Callable, ids: Tensor, seed: int) -> Selection:
    before = ids.clone()
    found = function(ids, UNSELECTABLE, share=0.15, generator=torch.Generator().manual_seed(seed))
    if not isinstance(found, Selection):
        raise Mistake(f"Return Selection(positions, is_valid), not {type(found).__name__}.")
    if not torch.equal(ids, before):
        raise Mistake("Your function changed input_ids.")
    shape = tuple(found.positions.shape)
    if len(shape) != 2 or shape[0] != len(ids) or found.is_valid.shape != found.positions.shape:
        raise Mistake(
            f"positions and is_valid should both be (B, M) with B = {len(ids)}, not {shape} and"
            f" {tuple(found.is_valid.shape)}."
        )
    if found.is_valid.dtype != torch.bool or found.positions.dtype != torch.long:
        raise Mistake(
            f"positions are torch.long, is_valid is torch.bool; yours are {found.positions.dtype} and"
            f" {found.is_valid.dtype}."
        )
    return found


def _rows(found: Selection) -> list[list[int]]:
    return [row[valid].tolist() for row, valid in zip(found.positions, found.is_valid, strict=True)]


def _positions_are_allowed(function: Callable) -> None:
    ids = _batch()
    for seed in range(10):
        for row, chosen in enumerate(_rows(_selected(function, ids, seed))):
            if len(set(chosen)) < len(chosen):
                raise Mistake(f"Row {row} selects a position twice: {chosen}. Draw without replacement.")
            bad = [at for at in chosen if int(ids[row, at]) in UNSELECTABLE]
            if bad:
                name = {PAD: "[PAD]", CLS: "[CLS]", SEP: "[SEP]", MASK: "a [MASK] that is already in the text"}[
                    int(ids[row, bad[0]])
                ]
                raise Mistake(
                    f"Row {row} selects position {bad[0]}, which is {name}: only words of the text are candidates."
                )


def _counts_are_right(function: Callable) -> None:
    ids = _batch()
    drawn = [[len(chosen) for chosen in _rows(_selected(function, ids, seed))] for seed in range(20)]
    if len({tuple(counts) for counts in drawn}) > 1:
        raise Mistake(
            "The number of positions changes from draw to draw: a coin is thrown for each token. Draw exactly n ="
            " max(1, round(share · real tokens)) a row."
        )
    counts, right = drawn[0], [6, 4, 1, 1, 0]
    if counts == [6, 3, 1, 1, 0]:
        raise Mistake(
            f"The counts are {counts}, not {right}: real tokens are all but [PAD]; [CLS] and [SEP] count, though they"
            " are never selected."
        )
    if len({*counts[:3]}) == 1 or counts[:2] == [6, 6]:
        raise Mistake(
            f"The counts are {counts}: one number for the whole batch. Each row has its own, by its real tokens:"
            f" {right}."
        )
    if counts[3] != 1:
        raise Mistake(
            "A short row with one word has that word selected: n is at least 1, and at most the number of candidates."
        )
    if counts != right:
        raise Mistake(
            f"With 40, 24, 8, 3 and 2 real tokens the counts should be {right}, not {counts}. The last row has no"
            " candidate."
        )


def _draws_use_the_generator(function: Callable) -> None:
    ids = torch.arange(64).repeat(64, 1) + 10
    first, again, other = (_rows(_selected(function, ids, seed)) for seed in (1, 1, 2))
    if first == other:
        raise Mistake(
            "Two generators with different seeds give the same positions: is there any chance in it, or are they always"
            " the first?"
        )
    if first != again:
        raise Mistake(
            "The same seed gives different positions: your draw ignores the generator that is passed. torch.rand(…,"
            " generator=generator)"
        )
    if len({tuple(row) for row in first}) < 32:
        raise Mistake("All rows of a batch get the same positions: draw anew for each row.")
    seen = Counter(at for seed in range(10, 18) for row in _rows(_selected(function, ids, seed)) for at in row)
    expected = 8 * 64 * 10 / 64  # 10 of 64 positions are selected, 512 rows
    if len(seen) < 64 or max(seen.values()) > 2 * expected or min(seen.values()) < expected / 2:
        raise Mistake(
            "Some positions are selected far more often than others: every candidate should have the same chance."
        )


def mask_positions(input_ids, selection, mask_id, keep_share=0.15, generator=None):
    """(B, L) → (B, L): selected tokens become [MASK], a share of them stays."""
    masked = input_ids.clone()
    u = torch.rand(selection.positions.shape, generator=generator)
    is_masked = selection.is_valid & (u >= keep_share)  # (B, M): 85 % of the selected
    for row in range(input_ids.shape[0]):
        masked[row, selection.positions[row, is_masked[row]]] = mask_id
    return masked


def _masked(function: Callable, ids: Tensor, selection: Selection, seed: int) -> Tensor:
    before, valid = ids.clone(), selection.is_valid.clone()
    found = function(ids, selection, mask_id=MASK, keep_share=0.15, generator=torch.Generator().manual_seed(seed))
    if not torch.equal(ids, before):
        raise Mistake(
            "Your function masks in place: the original ids are needed later, as targets. Work on input_ids.clone()."
        )
    if not torch.equal(selection.is_valid, valid):
        raise Mistake(
            "Your function drops tokens from the selection. All selected are predicted, the unchanged 15 % too."
        )
    if not isinstance(found, Tensor) or found.shape != ids.shape:
        raise Mistake(f"Return a tensor of the same shape as input_ids, {tuple(ids.shape)}.")
    return found


def _only_selected_change(function: Callable) -> None:
    ids = _batch()
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
        raise Mistake(f"{share:.0%} of the selected are masked: 80 % is BERT's share. Here it is 85 %, 1 - keep_share.")
    if share < 0.3:
        raise Mistake(
            f"Only {share:.0%} of the selected are masked: the shares are swapped. keep_share says how many stay."
        )
    if not 0.83 < share < 0.87:
        raise Mistake(f"{share:.0%} of the selected are masked instead of 85 %.")
    if not torch.equal(found, again):
        raise Mistake("The same seed masks different positions: your draw ignores the generator that is passed.")
    if torch.equal(found, other):
        raise Mistake("Two different seeds mask the same positions: draw by chance which tokens are kept.")


def gather_positions(hidden, positions):
    """(B, L, H) at (B, M) → (B, M, H)."""
    rows = torch.arange(hidden.shape[0])[:, None]  # (B, 1), broadcast against (B, M)
    return hidden[rows, positions]  # (B, M, H)


def _vectors_are_gathered(function: Callable) -> None:
    random = torch.Generator().manual_seed(5)
    hidden = torch.randn(2, 9, 4, generator=random)  # B ≠ L ≠ H
    positions = torch.tensor([[1, 5, 8], [0, 0, 7]])
    found = function(hidden, positions)
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
        raise Mistake(f"hidden (2, 9, 4) and positions (2, 3) should give (B, M, H) = (2, 3, 4), not {shape}.")
    if torch.allclose(found, hidden[0][positions]):
        raise Mistake("All vectors come from row 0: take those of row b from hidden[b].")
    if not torch.allclose(found, right):
        raise Mistake("result[b, m] should be hidden[b, positions[b, m]].")
    leaf = hidden.clone().requires_grad_()
    gathered = function(leaf, positions)
    if not gathered.requires_grad:
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
        given, right = float(answers["entropy"]), unigram_entropy()
    except (TypeError, ValueError):
        raise Mistake("The entropy is a number, in nats.") from None
    if abs(given - right / math.log(2)) < 0.02:
        raise Mistake(
            f"{given:.2f} is the entropy in bits: cross-entropy is in nats here, so use the natural logarithm."
        )
    if abs(given + right) < 0.02:
        raise Mistake("The entropy is -Σ p ln p: you lost the minus sign.")
    if abs(given - math.exp(right)) < 5:
        raise Mistake(f"{given:.0f} is the perplexity, e to the entropy. The curve shows the entropy.")
    if abs(given - right) > 0.02:
        raise Mistake(
            f"{given:.2f} is not it. p is the share of each word among all words of the stories; then -Σ p ln p."
        )
    if str(answers["learnt"]) == PLATEAU[0]:
        raise Mistake(
            "Flat does not mean broken: the loss fell from ln V to the unigram entropy. Which model has exactly that"
            " loss?"
        )
    if str(answers["learnt"]) != PLATEAU[1]:
        raise Mistake(f"Choose one of {PLATEAU}. A model that knows which word follows which would be below this line.")


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
            raise Mistake(f"{key}: choose one of {', '.join(READING_CHOICES[key])}.")
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
            " is_valid (B, M)): per row n = max(1, round(share · real tokens)) different positions, never one of"
            " unselectable_ids; real tokens are all but unselectable_ids[0], which is [PAD]. M = max(1, round(share ·"
            " L)); unused slots are 0 and not valid."
        ),
        checks=(_positions_are_allowed, _counts_are_right, _draws_use_the_generator),
        hints=(
            (
                "Write it for one row first: its candidates, its number, a random choice without repeats. Then loop"
                " over the rows."
            ),
            "torch.randperm(len(candidates), generator=generator)[:n] draws without repeats.",
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
        checks=(_only_selected_change, _shares_are_right),
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
