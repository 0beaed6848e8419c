"""Exercise 03.1, select positions: the readable solution, and what judges a learner's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from electra_helpers.corruption import Selection
from electra_helpers.course.engine.grading import Mistake
from electra_helpers.language import wording

PAD, UNK, CLS, SEP, MASK = range(5)
UNSELECTABLE = (PAD, CLS, SEP, MASK)


def select_positions(input_ids, unselectable_ids, share=0.15, generator=None):
    """Selected positions (B, M) and which slots are used: round(share · real tokens) a row, at most M, no repeats."""
    share_fp32 = torch.tensor(
        share
    )  # the reference multiplies in fp32: of 190 tokens 29, where Python's digits give 28
    pad_id = unselectable_ids[0]
    rows, length = input_ids.shape
    most = max(1, min(round(float(share_fp32 * length)), int((share + 0.005) * length)))  # M
    positions = torch.zeros(rows, most, dtype=torch.long)
    is_valid = torch.zeros(rows, most, dtype=torch.bool)
    for row, ids in enumerate(input_ids.tolist()):
        real = sum(token != pad_id for token in ids)
        candidates = [at for at, token in enumerate(ids) if token not in unselectable_ids]
        count = min(max(1, round(float(share_fp32 * real))), most, len(candidates))
        order = torch.randperm(len(candidates), generator=generator)[:count].tolist()
        positions[row, :count] = torch.tensor(sorted(candidates[i] for i in order), dtype=torch.long)
        is_valid[row, :count] = True
    return Selection(positions, is_valid)


def batch() -> Tensor:
    """B=6, L=40 with 40, 26, 24, 8, 3 and 2 real tokens, two [MASK]s already in the text; ids repeat within a row."""
    ids = torch.zeros(6, 40, dtype=torch.long)
    for row, real in enumerate((40, 26, 24, 8, 3, 2)):
        ids[row, :real] = torch.arange(real) % 7 + 10
        ids[row, 0], ids[row, real - 1] = CLS, SEP
    ids[0, 5] = ids[0, 9] = MASK
    return ids


def _selected(
    function: Callable, ids: Tensor, seed: int, share: float = 0.15, unselectable: tuple[int, ...] = UNSELECTABLE
) -> Selection:
    before = ids.clone()
    found = function(ids, unselectable, share=share, generator=torch.Generator().manual_seed(seed))
    if not isinstance(found, Selection):
        raise Mistake("Return Selection(positions, is_valid), not {kind}.", kind=type(found).__name__)
    if not torch.equal(ids, before):
        raise Mistake("Your function changed input_ids.")
    shape = tuple(found.positions.shape)
    if len(shape) != 2 or shape[0] != len(ids) or found.is_valid.shape != found.positions.shape:
        raise Mistake(
            "positions and is_valid should both be (B, M) with B = {rows}, not {positions} and {is_valid}.",
            rows=len(ids),
            positions=shape,
            is_valid=tuple(found.is_valid.shape),
        )
    if found.is_valid.dtype != torch.bool or found.positions.dtype != torch.long:
        raise Mistake(
            "positions are torch.long, is_valid is torch.bool; yours are {positions} and {is_valid}.",
            positions=found.positions.dtype,
            is_valid=found.is_valid.dtype,
        )
    return found


def _rows(found: Selection) -> list[list[int]]:
    return [row[valid].tolist() for row, valid in zip(found.positions, found.is_valid, strict=True)]


def positions_are_allowed(function: Callable) -> None:
    """Check of 03.1: each position once, and only words of the text."""
    ids = batch()
    for seed in range(10):
        for row, chosen in enumerate(_rows(_selected(function, ids, seed))):
            if len(set(chosen)) < len(chosen):
                raise Mistake(
                    "Row {row} selects a position twice: {chosen}. Draw without replacement.", row=row, chosen=chosen
                )
            bad = [at for at in chosen if int(ids[row, at]) in UNSELECTABLE]
            if bad:
                name = {
                    PAD: "[PAD]",
                    CLS: "[CLS]",
                    SEP: "[SEP]",
                    MASK: wording("a [MASK] that is already in the text"),
                }[int(ids[row, bad[0]])]
                raise Mistake(
                    "Row {row} selects position {bad}, which is {name}: only words of the text are candidates.",
                    row=row,
                    bad=bad[0],
                    name=name,
                )


RIGHT_COUNTS = [6, 4, 4, 1, 1, 0]  # of the batch; its last row has no candidate
ROUNDED_DOWN = wording("The count is rounded down. round(share · real tokens) of 26 tokens is round(3.9) = 4.")
OF_CANDIDATES = wording(
    "The share is of too few tokens: of 24 real tokens you select 3, not 4. Real tokens are all but [PAD]; [CLS] and [SEP] count,"
    " though they are never selected."
)
WRONG_COUNTS = {
    (6, 3, 3, 1, 1, 0): ROUNDED_DOWN,
    (6, 3, 3, 1, 0, 0): wording(
        "The count is rounded down. round(share · real tokens) of 26 tokens is round(3.9) = 4. And n is at least 1."
    ),
    (6, 4, 4, 2, 1, 0): wording("The count is rounded up. round(share · real tokens) of 8 tokens is round(1.2) = 1."),
    (5, 4, 3, 1, 1, 0): OF_CANDIDATES,
    (6, 4, 3, 1, 1, 0): OF_CANDIDATES,
}


def counts_are_right(function: Callable) -> None:
    """Check of 03.1: in each row a rounded share of its own real tokens, at least one."""
    ids = batch()
    drawn = [[len(chosen) for chosen in _rows(_selected(function, ids, seed))] for seed in range(20)]
    if len({tuple(counts) for counts in drawn}) > 1:
        raise Mistake(
            "The number of positions changes from draw to draw: a coin is thrown for each token. Draw exactly n ="
            " max(1, round(share · real tokens)) a row."
        )
    counts, right = drawn[0], RIGHT_COUNTS
    if tuple(counts) in WRONG_COUNTS:
        raise Mistake(WRONG_COUNTS[tuple(counts)])
    if len({*counts[:3]}) == 1 or counts[:2] == [6, 6]:
        raise Mistake(
            "The counts are {counts}: one number for the whole batch. Each row has its own, by its real tokens:"
            " {right}.",
            counts=counts,
            right=right,
        )
    if counts[4] != 1:
        raise Mistake(
            "A short row with one word has that word selected: n is at least 1, and at most the number of candidates."
        )
    if counts != right:
        raise Mistake(
            "With 40, 26, 24, 8, 3 and 2 real tokens the counts should be {right}, not {counts}. The last row has no"
            " candidate.",
            right=right,
            counts=counts,
        )


def candidates_are_places(function: Callable) -> None:
    """Every place of a row can be selected, also of a word that stands there several times."""
    row = torch.tensor([[CLS, 10, 11, 10, 10, 12, 11, 10, SEP]])
    seen = {at for seed in range(60) for at in _rows(_selected(function, row, seed, share=0.3))[0]}
    if seen != set(range(1, 8)):
        raise Mistake(
            "Of a word that stands in a row more than once some places are never selected: {range}."
            " Candidates are positions, not ids.",
            range=sorted(set(range(1, 8)) - seen),
        )


def what_is_passed_counts(function: Callable) -> None:
    """Another share, and special tokens with other ids: [PAD] is 9, and 0, 2, 3 and 4 are words."""
    ids = torch.arange(40).repeat(2, 1) % 5 + 10  # (B, L)
    ids[:, 0], ids[:, -1], ids[1, 20:] = 7, 8, 9
    ids[:, 1:6] = torch.tensor([0, 2, 3, 4, 0])
    unselectable, seen = (9, 7, 8), set()
    for share, right in ((0.25, [10, 5]), (0.4, [16, 8])):
        for seed in range(12):
            rows = _rows(_selected(function, ids, seed, share, unselectable))
            if any(int(ids[row, at]) in unselectable for row in range(2) for at in rows[row]):
                raise Mistake(
                    "With other special ids yours are still left out and theirs are not: use the unselectable_ids that are passed."
                )
            seen |= {int(ids[row, at]) for row in range(2) for at in rows[row]}
            counts = [len(row) for row in rows]
            if counts != right and counts == [6, 3]:
                raise Mistake("With another share the counts stay: use the share that is passed, not 0.15.")
            if counts != right:
                raise Mistake(
                    "With share {share} and [PAD] = 9 the counts should be {right}, not {counts}: use the share that is passed, and"
                    " the unselectable_ids that are passed, whose first is [PAD].",
                    share=share,
                    right=right,
                    counts=counts,
                )
    if not {0, 2, 3, 4} <= seen:
        raise Mistake(
            "Where 0, 2, 3 and 4 are words they are never selected: use the unselectable_ids that are passed."
        )


def draws_use_the_generator(function: Callable) -> None:
    """Check of 03.1: draws repeat with the seed, differ between rows, and favour no position."""
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
