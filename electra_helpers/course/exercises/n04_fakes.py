"""Exercise of notebook 04, continued: what a generator's fakes are like, without drawing one."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.language import wording


def expected_fakes(logits, original_ids, is_possible, temperature=1.0):
    """The expected share of selected words that is replaced, and of these the share that is impossible."""
    q = (logits / temperature).softmax(-1)  # (M, V)
    right = q.gather(1, original_ids[:, None])[:, 0]  # (M,): the chance to draw the original
    replaced = 1 - right
    impossible = (q * ~is_possible).sum(-1)  # (M,): an impossible word is never the original
    return replaced.mean(), impossible.sum() / replaced.sum()


def _case() -> tuple[Tensor, Tensor, Tensor]:
    """M = 3 blanks, V = 5 words, one certain blank among them, so that a mean of ratios differs from a ratio of sums."""
    q = torch.tensor([[0.50, 0.20, 0.15, 0.10, 0.05], [0.10, 0.60, 0.10, 0.15, 0.05], [0.02, 0.01, 0.02, 0.90, 0.05]])
    possible = torch.tensor(
        [[True, True, False, False, True], [False, True, False, True, False], [False, False, False, True, False]]
    )
    return q.log() + 2.0, torch.tensor([0, 3, 3]), possible


def _two_numbers(found: object) -> tuple[float, float]:
    try:
        replaced, impossible = (float(each) for each in found)  # type: ignore[attr-defined]
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(
            "Return two numbers: the share that is replaced, and of these the share that is impossible."
        ) from None
    return replaced, impossible


def _is_near(found: tuple[float, float], right: tuple[float, float]) -> bool:
    return all(math.isclose(one, other, abs_tol=1e-4) for one, other in zip(found, right, strict=True))


def _is_replaced(replaced: float, logits: Tensor, original: Tensor, temperature: float) -> None:
    q = (logits / temperature).softmax(-1)
    right, best = q.gather(1, original[:, None])[:, 0], q.argmax(-1)
    wrong = (
        (right.mean(), wording("That is the share that is guessed *right*: replaced is the rest.")),
        ((best != original).float().mean(), wording("That asks whether the *best* guess is wrong. ELECTRA"
" samples: each counts with its chance.")),
        ((1 - right).sum(), wording("That is the expected number of replaced words. Asked is their share of the M selected.")),
        ((1 - logits.softmax(-1).gather(1, original[:, None])).mean(), wording("The temperature is not used: divide the logits by it.")),
        (
            (1 - (logits * temperature).softmax(-1).gather(1, original[:, None])).mean(),
            wording("The logits are multiplied by the temperature; divide by it."),
        ),
        ((1 - q.max(-1).values).mean(), wording("One minus the largest chance: but the original need not be the likeliest word.")),
    )  # fmt: skip
    if math.isclose(replaced, float((1 - right).mean()), abs_tol=1e-4):
        return
    for value, message in wrong:
        if math.isclose(replaced, float(value), abs_tol=1e-4):
            raise Mistake(message)
    raise Mistake(
        "Replaced: with chance q(original) a word is guessed right; {right:.3f} was expected.",
        right=float((1 - right).mean()),
    )


def _is_impossible(share: float, logits: Tensor, original: Tensor, possible: Tensor, temperature: float) -> None:
    q = (logits / temperature).softmax(-1)
    bad, replaced = (q * ~possible).sum(-1), 1 - q.gather(1, original[:, None])[:, 0]
    if math.isclose(share, float(bad.sum() / replaced.sum()), abs_tol=1e-4):
        return
    wrong = (
        (bad.mean(), wording("That is the impossible share of *all* selected words. Asked is their share of the replaced ones.")),
        ((bad / replaced).mean(), wording("That is a mean of ratios: a blank that is hardly ever replaced"
" counts as much as any. Divide the sums.")),
        (1 - bad.sum() / replaced.sum(), wording("That is the share of fakes that *could* stand there.")),
        ((q * possible).sum() / replaced.sum(), wording("is_possible is True where the word *can* stand: the"
" impossible ones are ~is_possible.")),
        ((~possible).float().mean(), wording("That counts words of the vocabulary. Each counts with its chance q.")),
    )  # fmt: skip
    for value, message in wrong:
        if math.isclose(share, float(value), abs_tol=1e-4):
            raise Mistake(message)
    raise Mistake(
        "Impossible: the chance of every word that is not possible, over all blanks, divided by the chance of a replacement."
    )


def _expectations_are_exact(function: Callable) -> None:
    logits, original, possible = _case()
    for temperature in (0.5, 2.0):
        given = logits.clone(), original.clone(), possible.clone()
        found = _two_numbers(function(*given, temperature))
        if _two_numbers(function(*given, temperature)) != found:
            raise Mistake("Two calls differ: nothing needs to be drawn here. Add up the probabilities.")
        _is_replaced(found[0], logits, original, temperature)
        _is_impossible(found[1], logits, original, possible, temperature)
    if not _is_near(
        _two_numbers(function(logits, original, possible)), _two_numbers(expected_fakes(logits, original, possible))
    ):
        raise Mistake("Without a temperature, T is 1.")


EXERCISES = (
    Exercise(
        id="04.6",
        title="Fakes in expectation",
        kind="build",
        minutes=10,
        difficulty=2,
        specification=(
            "expected_fakes(logits, original_ids, is_possible, temperature=1.0): logits (M, V), original_ids (M), is_possible"
            " (M, V) bool → two numbers: the expected share of the M words that is replaced, and the expected number of"
            " impossible words divided by that of replaced ones."
        ),
        checks=(_expectations_are_exact,),
        hints=(
            "A word is replaced unless the original is drawn. With which chance is it?",
            "q.gather(1, original_ids[:, None]) is the chance to be right; (q * ~is_possible).sum(-1) the chance of nonsense.",
        ),
        solution=expected_fakes,
        fallback=expected_fakes,
        variable="expected_fakes",
    ),
)
