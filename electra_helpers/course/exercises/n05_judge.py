"""Exercise of notebook 05, continued: the formula of the best judge."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.language import wording


def best_judge(p, q, share):
    """P(replaced | the word shown) for each word of a vocabulary: p the true distribution, q the generator's, (V) → (V)."""
    left_alone = (1 - share) * p  # not selected: the original is shown
    guessed = share * q * p  # selected, and the draw is the original: a right guess
    replaced = share * q * (1 - p)  # selected, and the original is another word
    return replaced / (left_alone + guessed + replaced)


def _wrong_judges(p: Tensor, q: Tensor, m: float) -> list[tuple[Tensor, str]]:
    shown = (1 - m) * p + m * q
    right = m * q * (1 - p) / shown
    return [
        (
            m * q / shown,
            wording("A right guess counts as original: of the selected, only a draw that is *not* the original is replaced, m·q·(1 - p)."),
        ),
        (1 - right, wording("That is P(original | w). Asked is P(replaced | w).")),
        (m * q * (1 - p), wording("That is the chance to see w *and* that it is replaced. Bayes divides by the chance to see w at all.")),
        (m * q * (1 - p) / (1 - m) / p, wording("Those are odds against the words left alone. Divide by *all* ways of seeing w.")),
        (right / (1 - right), wording("Those are odds. P is odds / (1 + odds), or replaced / (all three ways).")),
        (
            m * q * (1 - p) / ((1 - m) * p + m * q * (1 - p)),
            wording("One way of seeing w is missing below: selected, and guessed right, m·q·p."),
        ),
        (q * (1 - p) / (p + q), wording("The selected share is missing: few positions are selected, so most words are just left alone.")),
        (q * (1 - p) / (p + q * (1 - p)), wording("The selected share is missing: few positions are selected, so"
" most words are just left alone.")),
        ((1 - m) * p / shown, wording("That is the chance that the position was not selected.")),
        (1 - p, wording("1 - p asks how surprising w is. A word can be rare and right: what counts"
" is how likely the *generator* draws it.")),
        (m * (1 - p), wording("m·(1 - p) forgets what the generator draws: q decides which words fakes are.")),
        (q / (p + q), wording("The selected share is missing, and a right guess counts as original.")),
        (m * p * (1 - q) / ((1 - m) * q + m * p), wording("p and q are swapped: p is the world's distribution, q the generator's.")),
        ((1 - m) * q * (1 - p) / (m * p + (1 - m) * q), wording("share is the *selected* part, m, not the rest.")),
        (m * q * (1 - q) / shown, wording("1 - q is not the chance of a wrong guess: w is wrong if the"
" *original*, drawn from p, is another word.")),
    ]  # fmt: skip


def _every_word_is_judged(function: Callable) -> None:
    p, q = torch.tensor([0.6, 0.3, 0.08, 0.02, 0.0]), torch.tensor([0.2, 0.5, 0.1, 0.05, 0.15])
    for m in (0.15, 0.4):
        found = function(p.clone(), q.clone(), m)
        if not isinstance(found, Tensor) or found.shape != p.shape:
            raise Mistake("Return one probability for each word: p, q and the result have the same shape.")
        found, right = found.float(), best_judge(p, q, m)  # computed in fp64 it is as right
        if torch.allclose(found, right, atol=1e-5):
            continue
        for wrong, message in _wrong_judges(p, q, m):
            if torch.allclose(found, wrong, atol=1e-5, equal_nan=True):
                raise Mistake(message)
        raise Mistake(
            "With p = {p:.1f}, q = {q:.1f} and m = {m} the judge should say {right:.3f}, not {found:.3f}.",
            p=p[0],
            q=q[0],
            m=m,
            right=right[0],
            found=found[0],
        )


def _the_ends_are_right(function: Callable) -> None:
    p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.5, 0.0, 0.5])
    found = function(p, q, 0.15)
    if not torch.allclose(found[1:].double(), torch.tensor([0.0, 1.0]).double(), atol=1e-6):
        raise Mistake(
            "What the generator never draws is original for certain; what the world never says, replaced for certain."
        )
    batch = function(p.repeat(2, 1), q.repeat(2, 1), 0.15)
    if batch.shape != (2, 3) or not torch.allclose(batch[1], found, atol=1e-6):
        raise Mistake("It should work word by word, for (V) and for (n, V): is there a sum over the vocabulary?")


EXERCISES = (
    Exercise(
        id="05.7",
        title="The best judge",
        kind="build",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "best_judge(p, q, share): p the true distribution of a word given all others, q the generator's, (V) or (n, V);"
            " share the selected part m → P(replaced | w) for each word that can be shown."
        ),
        checks=(_every_word_is_judged, _the_ends_are_right),
        hints=(
            "How can w come to be shown? Not selected; selected and guessed right; selected and replaced. Write each one's chance.",
            "(1 - m)·p, m·q·p and m·q·(1 - p). Bayes: the third, divided by the sum of all three.",
        ),
        solution=best_judge,
        fallback=best_judge,
        variable="best_judge",
    ),
)
