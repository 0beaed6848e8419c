"""Exercises of notebook 04: sample, corrupt, label; the bug hunt; and how hard the fakes are."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import Tensor

from electra_helpers import corruption
from electra_helpers.corruption import Selection
from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.course.exercises.bugs import bugs_are_found
from electra_helpers.course.exercises.hard_fakes import findings_are_right
from electra_helpers.course.labs.bug_hunt import (
    PIPELINES,
)
from electra_helpers.language import ITEMS, joined, wording

MASK = 4


def sample_tokens(logits, temperature=1.0, generator=None):
    """Logits (B, M, V) → one drawn id each (B, M)."""
    scaled = logits.detach().float() / temperature  # fp32: half precision has too few digits for a sum over V
    probabilities = scaled.softmax(dim=-1)  # (…, V)
    cumulative = probabilities.cumsum(dim=-1)
    u = torch.rand(logits.shape[:-1], generator=generator)  # one dart a position
    dart = u[..., None] * cumulative[..., -1:]
    return (cumulative <= dart).sum(dim=-1).clamp(max=logits.shape[-1] - 1)


def _drawn(function: Callable, logits: Tensor, temperature: float, seed: int) -> Tensor:
    before = logits.clone()
    found = function(logits, temperature=temperature, generator=torch.Generator().manual_seed(seed))
    if not torch.equal(logits, before):
        raise Mistake("Your function changed the logits it was given: the MLM loss still needs them.")
    if not isinstance(found, Tensor):
        raise Mistake("Return a tensor of ids, not {kind}.", kind=type(found).__name__)
    if found.shape == (*logits.shape[:-1], 1):
        raise Mistake("An axis of length 1 is left over: (…, V) → (…). Take it off with [..., 0].")
    if found.shape != logits.shape[:-1]:
        raise Mistake(
            "logits {logits} should give one id a position, {right}, not {found}.",
            logits=tuple(logits.shape),
            right=tuple(logits.shape[:-1]),
            found=tuple(found.shape),
        )
    if found.dtype != torch.long:
        raise Mistake("Ids are torch.long; yours are {dtype}.", dtype=found.dtype)
    if found.numel() and not 0 <= int(found.min()) <= int(found.max()) < logits.shape[-1]:
        raise Mistake(
            "Ids go from 0 to V - 1 = {last}; yours go from {lowest} to {highest}.",
            last=logits.shape[-1] - 1,
            lowest=found.min(),
            highest=found.max(),
        )
    return found


def _one_id_a_position(function: Callable) -> None:
    random = torch.Generator().manual_seed(1)
    for shape in ((3, 4, 17), (2, 5, 21), (6, 19)):
        _drawn(function, torch.randn(shape, generator=random), 1.0, 2)


def _unlikely_ids_come_too(function: Callable) -> None:
    ids = _drawn(function, torch.zeros(20, 40, 40), 1.0, 6)
    different = ids.unique().numel()
    if 1 < different < 30:
        raise Mistake(
            "Of 40 ids, all as likely, 800 draws gave {different}: that is top-k or top-p. Every id can be drawn, as often as"
            " softmax says.",
            different=different,
        )


P = torch.tensor([0.5, 0.3, 0.15, 0.05, *[0.0] * 12]).clamp(min=1e-30)  # twelve ids that never come


def _at(temperature: float) -> Tensor:
    return (P.log() / temperature).softmax(-1)


def _shares_follow_the_temperature(function: Callable) -> None:
    logits = (P.log() + 3.0).repeat(50, 100, 1)  # not normalised: logits are no log-probabilities
    shares = {}
    for temperature in (1.0, 0.5, 3.0):
        ids = _drawn(function, logits, temperature, 3)
        shares[temperature] = ids.flatten().bincount(minlength=len(P)).double() / ids.numel()
    if all(bool((_drawn(function, logits[:1], 3.0, seed) == 0).all()) for seed in range(8)):
        raise Mistake(
            "It always takes the likeliest token: that is argmax. The generator's fakes are *sampled*, so that the second"
            " best comes too, as often as the generator believes in it."
        )
    ids = _drawn(function, logits, 3.0, 3)
    if all(torch.equal(row, ids[0]) for row in ids) or all(torch.equal(column, ids[:, 0]) for column in ids.T):
        raise Mistake("One dart for many positions: draw a number of its own for each of them.")
    if not torch.allclose(shares[1.0], P.double(), atol=0.03):
        raise Mistake(
            "At temperature 1 the shares should be {p}; 5,000 draws gave {shares}. Draw from softmax(logits).",
            p=_shown(P),
            shares=_shown(shares[1.0]),
        )
    if all(torch.allclose(shares[t], shares[1.0], atol=0.03) for t in (0.5, 3.0)):
        raise Mistake(
            "The temperature changes nothing. Do you divide the *probabilities* by it? Normalised again, they are what"
            " they were. Divide the logits, before the softmax."
        )
    if torch.allclose(shares[0.5], _at(2.0).double(), atol=0.03):
        raise Mistake(
            "A low temperature makes it wilder: you multiply by the temperature. softmax(logits / temperature)."
        )
    for temperature in (0.5, 3.0):
        right = _at(temperature)
        if not torch.allclose(shares[temperature], right.double(), atol=0.03):
            raise Mistake(
                "At temperature {temperature:g} the shares should be {right}; 5,000 draws gave"
                " {shares}. Divide the logits by it, before the softmax.",
                temperature=temperature,
                right=_shown(right),
                shares=_shown(shares[temperature]),
            )


def _shown(shares: Tensor) -> str:
    return joined((f"{float(x):.2f}" for x in shares[:4]), ITEMS)


def _draws_use_the_generator(function: Callable) -> None:
    logits = torch.zeros(20, 5, 50)
    first, again, other = (_drawn(function, logits, 1.0, seed) for seed in (1, 1, 2))
    if not torch.equal(first, again):
        raise Mistake("The same seed draws other tokens: your draw ignores the generator that is passed.")
    if torch.equal(first, other):
        raise Mistake("Two generators with different seeds draw the same tokens: where is the chance in it?")


def _half_precision_is_widened(function: Callable) -> None:
    message = wording(
        "It computes in fp16 when the logits are fp16. A sum over thousands of small probabilities needs more digits"
        " (tokens are skipped), and logits / temperature can overflow. Begin with logits.float()."
    )
    size = 8192
    logits = torch.zeros(2, 384, size, dtype=torch.float16)
    different = _drawn(function, logits, 1.0, 4).unique().numel()
    expected = size * (1 - (1 - 1 / size) ** 768)
    if different < 0.93 * expected:
        raise Mistake(message)
    steep = torch.tensor([0.0, 50.0, 49.0, 0.0], dtype=torch.float16).repeat(3, 5, 1)
    try:
        found = _drawn(function, steep, 0.0005, 5)
    except RuntimeError as error:  # probabilities that are NaN
        raise Mistake(message) from error
    if not bool((found == 1).all()):
        raise Mistake(message)


def corrupt(original_ids, selection, sampled_ids):
    """The original ids (B, L) with the sampled ones written at the valid positions."""
    corrupted = original_ids.clone()  # not the masked ids: no [MASK] is copied along
    for row in range(original_ids.shape[0]):
        valid = selection.is_valid[row]
        places = selection.positions[row, valid]
        corrupted[row, places] = sampled_ids[row, valid]
    return corrupted


def _case() -> tuple[Tensor, Selection, Tensor]:
    """B=4, L=7, M=2; unused slots stand behind a used one, in front of it, and alone; one guess is right, one id falls."""
    ids = torch.tensor(
        [[2, 11, 12, 13, 14, 15, 3], [2, 21, 22, 3, 0, 0, 0], [2, 3, 0, 0, 0, 0, 0], [2, 41, 42, 43, 3, 0, 0]]
    )
    positions = torch.tensor([[5, 2], [1, 0], [0, 0], [0, 3]])  # of a row in no order
    valid = torch.tensor([[True, True], [True, False], [False, False], [False, True]])
    return ids, Selection(positions, valid), torch.tensor([[35, 12], [31, 99], [98, 97], [96, 9]])


def _samples_are_written(function: Callable) -> None:
    ids, selection, sampled = _case()
    kept = ids.clone(), selection.is_valid.clone(), sampled.clone()
    found = function(ids, selection, sampled)
    if not torch.equal(ids, kept[0]):
        raise Mistake(
            "Your function changed the caller's original_ids: labels are made from them later. Work on a clone."
        )
    if not torch.equal(selection.is_valid, kept[1]) or not torch.equal(sampled, kept[2]):
        raise Mistake("Your function changed the selection or the sampled ids that it was given.")
    shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
    if shape != tuple(ids.shape):
        raise Mistake(
            "Return ids of the same shape as original_ids, {right}, not {found}.", right=tuple(ids.shape), found=shape
        )
    if (found == MASK).any():
        raise Mistake(
            "A [MASK] is left in the row: you started from the masked ids. Start from the *original* ids; fine-tuning"
            " has no [MASK] either."
        )
    if (found[1:, 0] != 2).any():
        raise Mistake(
            "[CLS] was overwritten. Unused slots point at position 0 and have is_valid False: leave them out."
        )
    if found[0, 2] == 35 or found[3, 3] == 96:
        raise Mistake(
            "A position did not get the sample of its own slot: sampled_ids[b, m] belongs to positions[b, m], also where positions"
            " are in no order and an unused slot stands in front. Choose both by the same mask."
        )
    if found[0, 2] != 12 or found[0, 5] != 35 or found[1, 1] != 31 or found[3, 3] != 9:
        raise Mistake(
            "At a selected position stands its own sample: corrupted[b, positions[b, m]] = sampled_ids[b, m]."
        )
    if not torch.equal(found, corruption.corrupt(ids, selection, sampled)):
        raise Mistake("A token changed that was not selected in its row: each row has its own positions.")


def label_replaced(original_ids, corrupted_ids, selection=None):
    """True (B, L) where the corrupted token differs from the original."""
    return original_ids != corrupted_ids  # a right guess is original; the selection is not needed


def _takes_three(function: Callable) -> bool:
    """Whether a function can be called with the selection too; one of torch's own does not say what it takes."""
    try:
        inspect.signature(function).bind(None, None, None)
    except (TypeError, ValueError):
        return False
    return True


def _labels_are_right(function: Callable) -> None:
    ids, selection, sampled = _case()
    corrupted = corruption.corrupt(ids, selection, sampled)
    kept = ids.clone(), corrupted.clone()
    given = (ids, corrupted, selection) if _takes_three(function) else (ids, corrupted)
    found, right = function(*given), corruption.label_replaced(ids, corrupted)
    if not torch.equal(ids, kept[0]) or not torch.equal(corrupted, kept[1]):
        raise Mistake("Your function changed the ids that it was given.")
    shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
    if shape != tuple(ids.shape):
        raise Mistake(
            "One label for each token, {right}, not {found}: the discriminator judges all of them.",
            right=tuple(ids.shape),
            found=shape,
        )
    if found.dtype != torch.bool:
        raise Mistake("Labels are True (replaced) or False (original): torch.bool, not {dtype}.", dtype=found.dtype)
    if torch.equal(found, ~right):
        raise Mistake("Upside down: True means *replaced*.")
    if torch.equal(found, selection.as_mask(ids.shape[1])) or bool(found[0, 2]):
        raise Mistake(
            "Selected is not replaced. In row 0 the generator guessed token 12 where 12 stood: a lucky guess is"
            " *original*. Nobody could tell it from the original."
        )
    if torch.equal(found, corrupted > ids) or torch.equal(found, corrupted < ids):
        raise Mistake(
            "A fake may have a larger or a smaller id than the original: replaced is whatever is *not equal*."
        )
    if not torch.equal(found, right):
        wrong = (found != right).nonzero()[0].tolist()
        raise Mistake(
            "The label of row {row}, token {token} is wrong. Compare corrupted with original.",
            row=wrong[0],
            token=wrong[1],
        )
    if not torch.equal(function(ids, corrupted), right):
        raise Mistake("The pre-training step calls it with two arguments: the ids alone decide.")


EXERCISES = (
    Exercise(
        id="04.1",
        title="Sample",
        kind="build",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "sample_tokens(logits, temperature=1.0, generator=None): (…, V) → (…), ids drawn from softmax(logits /"
            " temperature), in fp32 at least, one independent draw a position."
        ),
        checks=(
            _one_id_a_position,
            _unlikely_ids_come_too,
            _shares_follow_the_temperature,
            _draws_use_the_generator,
            _half_precision_is_widened,
        ),
        hints=(
            "Divide the logits, softmax, then draw. torch.multinomial wants two axes: flatten the others, and put them back.",
            (
                "Or throw a dart: the cumulative sum of the probabilities, a uniform number for each position, and the"
                " count of cumulative values below it."
            ),
        ),
        solution=sample_tokens,
        fallback=corruption.sample_tokens,
        variable="sample_tokens",
    ),
    Exercise(
        id="04.2",
        title="Corrupt",
        kind="build",
        minutes=8,
        difficulty=2,
        starred=True,
        specification=(
            "corrupt(original_ids, selection, sampled_ids): (B, L) and (B, M) → (B, L), a new tensor: the original ids"
            " with the sampled ones at the valid selected positions."
        ),
        checks=(_samples_are_written,),
        hints=(
            "Clone the original ids, then go row by row: which positions of this row are valid?",
            "corrupted[row, selection.positions[row, valid]] = sampled_ids[row, valid]",
        ),
        solution=corrupt,
        fallback=corruption.corrupt,
        variable="corrupt",
    ),
    Exercise(
        id="04.3",
        title="Label",
        kind="build",
        minutes=4,
        difficulty=1,
        starred=True,
        specification=(
            "label_replaced(original_ids, corrupted_ids, selection=None): (B, L) → (B, L), torch.bool, True = replaced."
            " selection is what it was drawn from, should you need it."
        ),
        checks=(_labels_are_right,),
        hints=("Which tokens could anybody tell from the original?", "One comparison of two tensors."),
        solution=label_replaced,
        fallback=corruption.label_replaced,
        variable="label_replaced",
    ),
    Exercise(
        id="04.4",
        title="The bug hunt",
        kind="find",
        minutes=12,
        difficulty=2,
        starred=True,
        specification="For each of five pipelines the rule that it breaks, or nothing: one of them is sound.",
        checks=(bugs_are_found,),
        hints=(
            "Take one pipeline and five seeds. Compare the two lines word by word; then look at the brackets alone.",
            "Four questions: is there a [MASK]? Does padding change? Is an unchanged word in brackets? Is a changed word not?",
        ),
        solution=PIPELINES,
        variable="my_bugs",
        why="None of the four raises an error, and each of them trains a discriminator of something else.",
    ),
    Exercise(
        id="04.5",
        title="Temperature and size",
        kind="measure",
        minutes=10,
        difficulty=2,
        specification="Six statements about what makes fakes hard, read off your table and the experiment with the blanks.",
        checks=(findings_are_right,),
        hints=(
            "Read the rows of the trained generator in the table: T = 0.5 against T = 1.",
            "Which share is replaced if every guess is right? And who pays for a wide generator's compute?",
        ),
        solution={
            "a colder generator (T = 0.5) makes": "fewer fakes",
            "impossible among the colder generator's fakes": "less often",
            "two blanks of one row are filled": "each on its own",
            "a generator that is always right gives": "no fakes at all",
            "the full-width generator, trained as long as the quarter one, makes": "fewer fakes",
            "the width that the paper finds best": "a quarter to a half of it",
        },
        variable="my_findings",
        why="Colder and wider: fewer fakes, and nearer ones. One that never errs leaves nothing to find, and a wide one costs.",
    ),
)
