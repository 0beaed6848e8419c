"""Notebook 03: what passes, what does not, and what each mistake is told; readable solutions equal the package."""

# ruff: noqa: E501
import math

import pytest
import torch

from electra_helpers import corruption
from electra_helpers.corruption import Selection
from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.n03_generator import (
    PLATEAU,
    READING,
    UNSELECTABLE,
    gather_positions,
    mask_positions,
    select_positions,
    unigram_entropy,
)
from electra_helpers.course.exercises.selecting import batch
from electra_helpers.course.labs.own_steps import own_steps
from tests.course.cases import Cases, hold

SELECT = "def select_positions(input_ids, unselectable_ids, share=0.15, generator=None):\n"
BODY = """
    rows, length = input_ids.shape
    m = max(1, round(share * length))
    positions, valid = torch.zeros(rows, m, dtype=torch.long), torch.zeros(rows, m, dtype=torch.bool)
    for row in range(rows):
        ids = input_ids[row]
        real = int((ids != unselectable_ids[0]).sum())
        candidates = [i for i in range(length) if int(ids[i]) not in unselectable_ids]
        n = min(max(1, round(share * real)), len(candidates))
        picked = torch.randperm(len(candidates), generator=generator)[:n]
        chosen = torch.tensor([candidates[i] for i in picked], dtype=torch.long)
        positions[row, :len(chosen)], valid[row, :len(chosen)] = chosen, True
    return Selection(positions, valid)
"""
PICK = "torch.randperm(len(candidates), generator=generator)[:n]"
MASK = "def mask_positions(input_ids, selection, mask_id, keep_share=0.15, generator=None):\n"
NOISE = "    u = torch.rand(selection.positions.shape, generator=generator)\n"
GATHER = "def gather_positions(hidden, positions):\n"
ENTROPY = {"entropy": unigram_entropy(), "learnt": PLATEAU[1]}
SCATTER = "    return corruption.scatter_at(input_ids, selection, {})"

CASES = {
    "03.1": Cases(
        SELECT + "    raise NotImplementedError",
        [
            SELECT + BODY,  # unsorted
            SELECT
            + """
    bad = torch.zeros_like(input_ids, dtype=torch.bool)
    for each in unselectable_ids:
        bad |= input_ids == each
    real = (input_ids != unselectable_ids[0]).sum(1)
    n = torch.minimum((share * real).round().clamp(min=1), (~bad).sum(1))
    keys = torch.rand(input_ids.shape, generator=generator).masked_fill(bad, 2.0)
    m = max(1, round(share * input_ids.shape[1]))
    order = keys.argsort(dim=1)[:, :m]
    valid = torch.arange(m)[None] < n[:, None]
    return Selection(order.where(valid, 0), valid)
""",
            SELECT  # one position after the other, as many columns as the fullest row needs
            + """
    found = []
    for ids in input_ids.tolist():
        free = [i for i, t in enumerate(ids) if t not in unselectable_ids]
        n = max(1, round(share * sum(t != unselectable_ids[0] for t in ids)))
        row = []
        while free and len(row) < n:
            row.append(free.pop(int(torch.randint(len(free), (1,), generator=generator))))
        found.append(row)
    m = max(map(len, found))
    return Selection(torch.tensor([r + [0] * (m - len(r)) for r in found]),
                     torch.tensor([[True] * len(r) + [False] * (m - len(r)) for r in found]))
""",
            SELECT + "    rows = []\n    for ids in input_ids.tolist():\n        real = sum(t != unselectable_ids[0] for t in ids)\n        candidates = [i for i, t in enumerate(ids) if t not in unselectable_ids]\n        n = max(1, round(share * real))\n        rows.append([candidates[i] for i in torch.randperm(len(candidates), generator=generator)[:n]])\n    m = max(map(len, rows))\n    return Selection(torch.tensor([r + [0] * (m - len(r)) for r in rows]), torch.tensor([[i < len(r) for i in range(m)] for r in rows]))",
        ],
        [
            (SELECT + BODY.replace(PICK, "torch.randint(len(candidates), (n,), generator=generator) if candidates else []"), "twice"),
            (SELECT + BODY.replace("int(ids[i]) not in unselectable_ids", "int(ids[i]) not in (0, 3, 4)"), "[CLS]"),
            (SELECT + BODY.replace("int(ids[i]) not in unselectable_ids", "int(ids[i]) not in (2, 3, 4)"), "[PAD]"),
            (SELECT + BODY.replace("int(ids[i]) not in unselectable_ids", "int(ids[i]) not in (0, 2, 3)"), "already in the text"),
            (SELECT + BODY.replace("round(share * real)", "round(share * length)"), "whole batch"),
            (SELECT + BODY.replace("round(share * real)", "round(share * len(candidates))"), "[CLS] and [SEP] count"),
            (SELECT + BODY.replace("generator=generator", "generator=None"), "ignores the generator"),
            (SELECT + BODY.replace(PICK, "range(n)"), "any chance in it"),
            (SELECT + BODY.replace(PICK, "(torch.rand(len(candidates), generator=generator) < share).nonzero()[:m, 0]"), "a coin is thrown"),
            (SELECT + BODY.replace("    return Selection(positions, valid)", "    return positions"), "Return Selection"),
            (SELECT + BODY.replace("generator=generator", "generator=torch.Generator().manual_seed(generator.initial_seed())"), "same positions"),
            (SELECT + BODY.replace("[i for i in range(length) if int(ids[i]) not in unselectable_ids]", "list({int(t): i for i, t in enumerate(ids) if int(t) not in unselectable_ids}.values())"), "more than once"),
            (SELECT + BODY.replace("share * length", "0.15 * length").replace("share * real", "0.15 * real"), "share that is passed"),
            (SELECT + BODY.replace("int(ids[i]) not in unselectable_ids", "int(ids[i]) not in (0, 2, 3, 4)"), "unselectable_ids that are passed"),
            (SELECT + BODY.replace("unselectable_ids[0]", "0"), "unselectable_ids that are passed"),
            (SELECT + BODY.replace("round(share * real)", "int(share * real)"), "rounded down"),
            (SELECT + BODY.replace("round(share * real)", "int(share * real + 0.99)"), "rounded up"),
            (SELECT + BODY.replace("int(ids[i]) not in unselectable_ids", "int(ids[i]) not in unselectable_ids and int(ids[i]) not in (0, 2, 3, 4)"), "unselectable_ids that are passed"),
            (SELECT + BODY.replace("share * real", "min(share, 0.3) * real"), "share that is passed"),
        ],
    ),
    "03.2": Cases(
        MASK + "    raise NotImplementedError",
        [
            MASK + NOISE + "    original = input_ids.gather(1, selection.positions)\n" + SCATTER.format("torch.where(u < keep_share, original, mask_id)"),
            MASK
            + """
    out = input_ids.tolist()
    for row, (places, valid) in enumerate(zip(selection.positions.tolist(), selection.is_valid.tolist())):
        for place, is_valid in zip(places, valid):
            if is_valid and torch.rand(1, generator=generator).item() < 1 - keep_share:
                out[row][place] = mask_id
    return torch.tensor(out)
""",
        ],
        [
            (MASK + NOISE + "    w = torch.where(u < 0.8, mask_id, torch.where(u < 0.9, (u * 1e4).long() % 400 + 700, input_ids.gather(1, selection.positions)))\n"
             + SCATTER.format("w"), "BERT's rule"),
            (MASK + NOISE + "    w = torch.where(u < 0.8, mask_id, input_ids.gather(1, selection.positions))\n" + SCATTER.format("w"), "80 % is BERT's"),
            (MASK + NOISE + "    w = torch.where(u < keep_share, input_ids.gather(1, selection.positions), mask_id)\n"
             "    input_ids[:] = corruption.scatter_at(input_ids, selection, w)\n    return input_ids", "in place"),
            (MASK + NOISE + "    keep = u < keep_share\n    selection.is_valid[keep] = False\n" + SCATTER.format("torch.full_like(selection.positions, mask_id)"), "unchanged 15 % too"),
            (MASK + SCATTER.format("torch.full_like(selection.positions, mask_id)"), "Every selected"),
            (MASK + NOISE + "    w = torch.where(u < keep_share, mask_id, input_ids.gather(1, selection.positions))\n" + SCATTER.format("w"), "swapped"),
            (MASK + NOISE + "    return input_ids.scatter(1, selection.positions, torch.where(u < keep_share, input_ids.gather(1, selection.positions), mask_id))",
             "[CLS] was masked"),
            (MASK + NOISE.replace("generator=generator", "") + "    w = torch.where(u < keep_share, input_ids.gather(1, selection.positions), mask_id)\n"
             + SCATTER.format("w"), "ignores the generator"),
            (MASK + "    u = torch.rand(input_ids.shape, generator=generator)\n    return torch.where(u < 0.13, mask_id, input_ids)", "not selected"),
            (MASK + NOISE.replace("selection.positions.shape", "(len(input_ids), 1)") + "    w = torch.where(u < keep_share, input_ids.gather(1, selection.positions), mask_id)\n" + SCATTER.format("w"), "One coin for a whole row"),
            (MASK + NOISE.replace("selection.positions.shape", "(1, selection.positions.shape[1])") + "    w = torch.where(u < keep_share, input_ids.gather(1, selection.positions), mask_id)\n" + SCATTER.format("w"), "One coin for a whole column"),
            (MASK + NOISE + "    w = torch.where(u < 0.15, input_ids.gather(1, selection.positions), mask_id)\n" + SCATTER.format("w"), "keep_share that is passed"),
            (MASK + NOISE + "    w = torch.where(u < keep_share, input_ids.gather(1, selection.positions), 4)\n" + SCATTER.format("w"), "mask_id that is passed"),
            (MASK + NOISE.replace("selection.positions.shape", "(len(input_ids), selection.positions.shape[1])") + "    w = torch.where(u < min(keep_share, 0.5), input_ids.gather(1, selection.positions), mask_id)\n" + SCATTER.format("w"), "keep_share that is passed"),
            (MASK + "    out = input_ids.clone()\n    for row in range(len(out)):\n        n = int(selection.is_valid[row].sum())\n        u = torch.rand(n, generator=generator)\n        out[row, selection.positions[row, :n][u >= keep_share]] = mask_id\n    return out", "Unused slots may stand anywhere"),
            (MASK + NOISE + "    out = input_ids.clone()\n    for row in range(len(out)):\n        picked = selection.positions[row, selection.is_valid[row] & (u[row] >= keep_share)]\n        out[row, torch.isin(input_ids[row], input_ids[row, picked])] = mask_id\n    return out", "was not selected"),
        ],
    ),
    "03.3": Cases(
        GATHER + "    raise NotImplementedError",
        [
            GATHER + "    return torch.stack([h[p] for h, p in zip(hidden, positions)])",
            GATHER + "    return torch.take_along_dim(hidden, positions[:, :, None], dim=1)",
            GATHER + "    one_hot = torch.nn.functional.one_hot(positions, hidden.shape[1]).to(hidden)\n    return one_hot @ hidden",
            GATHER + "    return torch.gather(hidden.double(), 1, positions[..., None].expand(*positions.shape, hidden.shape[-1]))",
            GATHER + "    return torch.einsum('bml,blh->bmh', torch.nn.functional.one_hot(positions, hidden.shape[1]).float(), hidden)",
        ],
        [
            (GATHER + "    return hidden[:, positions]", "(B, B, M, H)"),
            (GATHER + "    return hidden.gather(1, positions[:, :, None])", "Expand the index"),
            (GATHER + "    return hidden[0][positions]", "row 0"),
            (GATHER + "    return torch.tensor([[h[i].tolist() for i in p] for h, p in zip(hidden, positions)])", "No gradient"),
            (GATHER + "    return hidden[torch.arange(2)[:, None], positions - 1]", "result[b, m]"),
            (GATHER + "    return positions", "not (2, 3)"),
            (GATHER + "    places = positions.sort(dim=1).values\n    return hidden[torch.arange(len(hidden))[:, None], places]", "order of positions"),
            (GATHER + "    return torch.stack([hidden[b, positions[b].flip(0)] for b in range(len(hidden))])", "order of positions"),
            (GATHER + "    return torch.stack([hidden[b, positions[b]] for b in range(len(hidden))]).detach()", "No gradient"),
        ],
    ),
    "03.4": Cases(
        {"entropy": None, "learnt": None},
        [ENTROPY, ENTROPY | {"entropy": round(unigram_entropy(), 2)}],
        [
            (ENTROPY | {"learnt": "nothing"}, "Flat does not mean broken"),
            (ENTROPY | {"entropy": unigram_entropy() / math.log(2)}, "in bits"),
            (ENTROPY | {"entropy": math.exp(unigram_entropy())}, "perplexity"),
            (ENTROPY | {"entropy": -unigram_entropy()}, "minus sign"),
            (ENTROPY | {"entropy": math.log(900)}, "is not it"),
            (ENTROPY | {"learnt": PLATEAU[2]}, "below this line"),
        ],
    ),
    "03.5": Cases(
        dict.fromkeys(READING),
        [READING, dict(reversed(READING.items()))],
        [
            (READING | {"new weights": "the encoder"}, "names in the warning"),
            (READING | {"because": "training was too short"}, "random numbers"),
            (READING | {"because": "the tokenizer is wrong"}, "either net"),
            (READING | {"because": "who knows"}, "choose one of"),
        ],
    ),
}  # fmt: skip
NAMES = {"torch": torch, "Selection": Selection, "corruption": corruption}


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, NAMES)


def test_the_packages_functions_pass_the_checks():
    for exercise_id in ("03.1", "03.2", "03.3"):
        exercise = find(exercise_id)
        for check in exercise.checks:
            check(exercise.fallback)


@pytest.mark.parametrize("ids", [batch(), torch.full((2, 64), 9), torch.full((1, 190), 9)], ids=["batch", "64", "190"])
def test_the_readable_selection_counts_as_the_package(ids):
    mine = select_positions(ids, UNSELECTABLE, generator=torch.Generator().manual_seed(0))
    package = corruption.select_positions(ids, UNSELECTABLE, generator=torch.Generator().manual_seed(0))
    assert mine.positions.shape == package.positions.shape
    assert torch.equal(mine.is_valid, package.is_valid)


def test_the_readable_mask_is_the_packages_at_the_same_draw():
    ids = batch()
    selection = corruption.select_positions(ids, UNSELECTABLE, generator=torch.Generator().manual_seed(1))
    mine = mask_positions(ids, selection, mask_id=4, generator=torch.Generator().manual_seed(2))
    package = corruption.mask_positions(ids, selection, mask_id=4, generator=torch.Generator().manual_seed(2))
    assert torch.equal(mine, package)


def test_the_readable_gathering_is_the_packages():
    hidden, positions = torch.randn(3, 7, 5), torch.randint(7, (3, 2))
    assert torch.equal(gather_positions(hidden, positions), corruption.gather_positions(hidden, positions))


def test_the_course_says_the_worlds_entropy():
    assert abs(find("03.4").solution["entropy"] - unigram_entropy()) < 0.01


def test_pretraining_runs_a_learners_functions(define):
    """The same run with the learner's parts, with a variant of them, and again with them: the variant shows, and a run repeats."""
    from electra_helpers.course.labs.world_run import world_run

    def losses(select):
        run = world_run(story_count=30, steps=2, objective="mlm", parts=own_steps(select=select, mask=mask_positions))
        return run.train().last["mlm_loss"]

    mine = losses(select_positions)
    assert losses(select_positions) == mine
    assert losses(define(SELECT + BODY.replace("round(share * real)", "1"), **NAMES)) != mine


def test_a_selection_with_fewer_columns_fits_the_step():
    narrow = own_steps(
        select=lambda ids, bad, share, generator: Selection(torch.ones(6, 1).long(), torch.ones(6, 1).bool())
    )
    found = narrow.select(batch(), UNSELECTABLE, share=0.15, noise=torch.rand(6, 40))
    assert found.positions.shape == (6, 6)
    assert found.is_valid.sum(1).tolist() == [1] * 6
