"""Exercises of notebook 05: the RTD loss, measuring a detector, two exams, information in labels, and the prior."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.exercises.information import REASON, REASON_RUBRIC, WHY, labels_are_weighed, reason_is_given
from electra_helpers.language import wording


def rtd_loss(logits, labels, mask=None):
    """Mean binary cross-entropy over the tokens that `mask` allows."""
    logits, targets = logits.float(), labels.float()
    is_real = torch.ones_like(labels, dtype=torch.bool) if mask is None else mask.bool()
    # -[y ln σ(x) + (1 - y) ln(1 - σ(x))], written so that nothing overflows
    per_token = logits.clamp(min=0) - logits * targets + torch.log1p(torch.exp(-logits.abs()))
    counted = per_token * is_real  # (B, L): padding counts 0
    return counted.sum() / is_real.sum()


def _loss_case() -> tuple[Tensor, Tensor, Tensor]:
    """B=3, L=6 with 6, 4 and 3 real tokens; logits under padding are large, so that they show."""
    logits = torch.randn(3, 6, generator=torch.Generator().manual_seed(6))
    mask = torch.arange(6) < torch.tensor([6, 4, 3])[:, None]
    labels = torch.zeros(3, 6, dtype=torch.bool)
    labels[0, 2] = labels[0, 4] = labels[1, 1] = True
    return torch.where(mask, logits, 4.0), labels, mask


def _told_losses() -> dict[float, str]:
    """Value → what somebody who gets it did."""
    logits, labels, mask = _loss_case()
    each = F.binary_cross_entropy_with_logits(logits, labels.float(), reduction="none")
    p_twice = F.binary_cross_entropy_with_logits(logits.sigmoid(), labels.float(), reduction="none")
    inverted = F.binary_cross_entropy_with_logits(logits, 1 - labels.float(), reduction="none")
    words = mask.clone()
    words[:, 0] = words[0, 5] = words[1, 3] = words[2, 2] = False
    rows = [each[row, mask[row]].mean() for row in range(3)]
    return {
        float(each.mean()): wording("Padding is judged too: multiply by the mask before adding up."),
        float((each * mask).sum() / each.numel()): wording(
            "The sum is right, but you divide by all B · L positions: padding is in the denominator. Divide by the"
            " number of real tokens."
        ),
        float(torch.stack(rows).mean()): wording(
            "That is the mean of row means: a token of a short row weighs more than one of a long row. Add up everything,"
            " then divide once."
        ),
        float(each[labels].mean()): wording(
            "Only the replaced tokens count in your loss. RTD learns from *all* real tokens: saying *original* rightly"
            " is a task too."
        ),
        float(each[words].mean()): wording(
            "You left [CLS] and [SEP] out. They are never replaced, but they are judged as well."
        ),
        float(each[mask].sum()): wording("That is the sum. Divide by the number of real tokens."),
        float(p_twice[mask].mean()): wording(
            "The sigmoid is applied twice: binary_cross_entropy_with_logits does it inside."
        ),
        float(inverted[mask].mean()): wording("Upside down: True, or 1, means *replaced*, and so does a high logit."),
    }


def _mean_over_real_tokens(function: Callable) -> None:
    logits, labels, mask = _loss_case()
    found = function(logits.clone(), labels.clone(), mask.clone())
    if not isinstance(found, Tensor) or found.dim() != 0:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise Mistake("Return one number as a tensor without axes, not {shape}.", shape=shape)
    right = F.binary_cross_entropy_with_logits(logits[mask], labels[mask].float())
    for value, message in _told_losses().items():
        if abs(float(found) - value) < 1e-4:
            raise Mistake(message)
    if not torch.allclose(found.float(), right, atol=1e-4):
        raise Mistake(
            "The loss should be {right:.4f}, yours is {found:.4f}: the mean over the real tokens of"
            " -ln σ(x) where replaced, -ln(1 - σ(x)) where original.",
            right=float(right),
            found=float(found),
        )
    everything = F.binary_cross_entropy_with_logits(logits, labels.float())
    if not torch.allclose(function(logits, labels, None).float(), everything, atol=1e-4):
        raise Mistake("With mask None there is no padding: every token counts.")


def _sure_logits_stay_finite(function: Callable) -> None:
    logits = torch.tensor([[300.0, -300.0, 0.0]], requires_grad=True)
    found = function(logits, torch.tensor([[False, True, False]]), torch.ones(1, 3, dtype=torch.bool))
    if not bool(torch.isfinite(found)) or abs(float(found.detach()) - (600 + math.log(2)) / 3) > 0.1:
        raise Mistake(
            "A detector that is sure and wrong gives {found:.4g}: ln of a rounded sigmoid. Compute the"
            " loss from the logits (binary_cross_entropy_with_logits).",
            found=float(found.detach()),
        )
    if not found.requires_grad:
        raise Mistake("No gradient flows back to the logits: do not detach, and do not go through .item() or numpy.")


REPLACED, ORIGINAL = (0.9, 0.6, 0.3), (0.7, 0.4, 0.2, 0.1)


def auc_by_hand() -> float:
    """The share of pairs (replaced, original) in which the replaced token has the higher score."""
    return sum(r > o for r in REPLACED for o in ORIGINAL) / (len(REPLACED) * len(ORIGINAL))


def detectors() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Three detectors on the same 1,000 tokens, of which 60 are replaced: name → (P(replaced), is_replaced)."""
    truth, random = np.arange(1_000) < 60, np.random.default_rng(7)
    never = random.uniform(0.01, 0.2, 1_000)
    shy = random.uniform(0.05, 0.45, 1_000)
    shy[:10], shy[60:80] = random.uniform(0.6, 0.9, 10), random.uniform(0.6, 0.9, 20)
    keen = np.where(truth, random.uniform(0.3, 0.5, 1_000), random.uniform(0.0, 0.4, 1_000))
    keen[:50], keen[60:150] = random.uniform(0.55, 0.99, 50), random.uniform(0.51, 0.7, 90)
    return {"A": (never, truth), "B": (shy, truth), "C": (keen, truth)}


def _detectors_are_measured(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != {"auc", "keep", "auc needs a threshold"}:
        raise Mistake('Keep the dictionary as it is, with "auc", "keep" and "auc needs a threshold".')
    try:
        given, right = as_number(answers["auc"]), auc_by_hand()
    except (TypeError, ValueError):
        raise Mistake("The AUC is a number between 0 and 1.") from None
    correct = sum(r >= 0.5 for r in REPLACED) + sum(o < 0.5 for o in ORIGINAL)
    if abs(given - correct / 7) < 0.005:
        raise Mistake(
            "{given:.2f} is the accuracy at threshold 0.5. AUC compares pairs: one replaced, one original.", given=given
        )
    if abs(given - (1 - right)) < 0.005:
        raise Mistake("You counted the pairs in which the *original* has the higher score: it is one minus that.")
    if abs(given - right) > 0.005:
        raise Mistake(
            "{given:.2f} is not it. There are 3 · 4 = 12 pairs; in how many has the replaced token the higher score?",
            given=given,
        )
    if answers["keep"] == "A":
        raise Mistake(
            "A never flags anything: the majority class. It has the highest accuracy because few tokens are replaced,"
            " and it finds none of them."
        )
    if answers["keep"] == "B":
        raise Mistake("B flags few words, and most of these are original. Compare AUC and recall, not accuracy.")
    if answers["keep"] != "C":
        raise Mistake('"keep" is "A", "B" or "C".')
    if answers["auc needs a threshold"] not in (False, "no"):
        raise Mistake("Did you need a threshold to compare the pairs? AUC asks for the order of the scores alone.")


EXAM = {
    "easier even for the best judge": ("uniform fakes", "learned fakes"),
    "a higher AUC on its own fakes shows": ("a better model", "perhaps only an easier exam"),
    "two models are compared on": ("their own fakes", "the same fixed exam"),
}


@cache
def best_judge(stories: int = 5) -> dict[str, float]:
    """The best judge's AUC on uniform fakes and on the bundled generator's."""
    from electra_helpers.course.labs.exams import best_auc
    from electra_helpers.course.labs.fakes import hidden_words
    from electra_helpers.exchange.store import load

    model = load("electra-tiny-world-en")
    hidden = hidden_words(model.tokenizer, stories)
    return {"uniform fakes": best_auc(hidden, None), "learned fakes": best_auc(hidden, model.net.generator)}


def _exams_are_told_apart(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(EXAM):
        raise Mistake("Keep the dictionary as it is: three statements, each with one of its two endings.")
    for key, choices in EXAM.items():
        if answers[key] not in choices:
            raise Mistake("{key}: choose {first!r} or {second!r}.", key=key, first=choices[0], second=choices[1])
    easier, own, compared = EXAM
    limits = best_judge()
    if answers[easier] != max(limits, key=limits.get):
        raise Mistake(
            "The best judge, who knows the world and the generator, has AUC"
            " {uniform:.2f} on uniform fakes and {learned:.2f} on learned ones.",
            uniform=limits["uniform fakes"],
            learned=limits["learned fakes"],
        )
    if answers[own] == EXAM[own][0]:
        raise Mistake(
            "AUC .99 is not the better model: a random word from the whole vocabulary is noticed by its word class."
            " Read down a *column* of the table, not along its diagonal."
        )
    if answers[compared] == EXAM[compared][0]:
        raise Mistake("Their own fakes are two different exams: give both models the same one.")


def shift_prior(logits, trained, used):
    """Logits learned where one share of the tokens was replaced, as they should be where another share is."""
    trained_odds = trained / (1 - trained)
    used_odds = used / (1 - used)
    return logits + math.log(used_odds / trained_odds)


def _odds_are_shifted(function: Callable) -> None:
    logits = torch.tensor([-6.0, -1.0, 0.0, 2.0, 5.0])
    trained, used = 0.06, 0.4
    right = logits + math.log(used / (1 - used)) - math.log(trained / (1 - trained))
    kept = logits.clone()
    found = function(logits, trained, used)
    found = found.float() if isinstance(found, Tensor) else found
    if not torch.equal(logits, kept):
        raise Mistake("Your function changed the logits that it was given.")
    if not isinstance(found, Tensor) or found.shape != logits.shape:
        raise Mistake("Return one logit for each logit.")
    if torch.allclose(found, right.sigmoid(), atol=1e-4):
        raise Mistake("Those are probabilities. Return logits: whoever wants P takes the sigmoid.")
    if torch.allclose(found, 2 * logits - right, atol=1e-4):
        raise Mistake("The wrong way round: errors are *more* frequent now than in training, so every logit rises.")
    if torch.allclose(found, logits + math.log(used / trained), atol=1e-4):
        raise Mistake(
            "You divide the shares. What is multiplied are the *odds*, share / (1 - share): they are not the same when"
            " the share is large."
        )
    if torch.allclose(found, logits.sigmoid() * used / trained, atol=1e-4):
        raise Mistake("P · used / trained can exceed 1. Shift the odds, which is adding to the logit.")
    if torch.allclose(found, logits + used - trained, atol=1e-4):
        raise Mistake("Shares cannot be added to a logit: first turn them into log odds.")
    if torch.allclose(found, logits, atol=1e-4):
        raise Mistake("Nothing is shifted. P(replaced) is no absolute truth: it holds at the share seen in training.")
    if not torch.allclose(found, right, atol=1e-4):
        raise Mistake(
            "A logit of 0 should become {right:.3f} when the share goes from 6 % to 40 %.", right=float(right[2])
        )


def _sure_logits_stay_apart(function: Callable) -> None:
    """Logits of ±20 and ±60: P is 0 or 1 there to a float, and the logit still tells them apart."""
    logits = torch.tensor([[-60.0, -20.0, 20.0], [0.0, 35.0, 60.0]])
    for trained, used in ((0.06, 0.01), (0.15, 0.5), (0.3, 0.3)):
        right = logits + math.log(used / (1 - used)) - math.log(trained / (1 - trained))
        found = torch.as_tensor(function(logits.clone(), trained, used)).float()
        if found.shape != logits.shape:
            raise Mistake(
                "Logits (B, L) = {right} give as many; yours are {found}.",
                right=tuple(logits.shape),
                found=tuple(found.shape),
            )
        if abs(float(found[1, 0] - right[1, 0])) > 1e-2:
            raise Mistake(
                "From {trained:g} to {used:g} a logit of 0 should become {right:.3f}: use trained and used.",
                trained=trained,
                used=used,
                right=float(right[1, 0]),
            )
        if not bool(torch.isfinite(found).all()) or not torch.allclose(found[0], right[0], atol=1e-2):
            raise Mistake(
                "A logit of 20 becomes {at_20:.4g} and one of 60 {at_60:.4g}: a probability rounds to 1 there."
                " Stay with logits, and add.",
                at_20=float(found[0, 2]),
                at_60=float(found[1, 2]),
            )
        if not torch.allclose(found, right, atol=1e-2):
            raise Mistake(
                "From {trained:g} to {used:g} a logit of 0 should become {right:.3f}: use trained and used.",
                trained=trained,
                used=used,
                right=float(right[1, 0]),
            )


EXERCISES = (
    Exercise(
        id="05.1",
        title="The RTD loss",
        kind="build",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "rtd_loss(logits, labels, mask=None): logits (B, L), labels (B, L) bool, mask (B, L) bool, True on real"
            " tokens, or None → the mean binary cross-entropy over all real tokens, in nats."
        ),
        checks=(_mean_over_real_tokens, _sure_logits_stay_finite),
        hints=(
            "First the loss of every token, (B, L), without reduction. Then what padding counts. Then one division.",
            "F.binary_cross_entropy_with_logits(logits, labels.float(), reduction='none'), times the mask; divide by mask.sum().",
        ),
        solution=rtd_loss,
        fallback=rtd_loss,
        variable="rtd_loss",
    ),
    Exercise(
        id="05.2",
        title="Measure a detector",
        kind="decide",
        minutes=10,
        difficulty=2,
        starred=True,
        specification="The AUC of seven scores by hand; the detector to keep; and whether AUC needs a threshold.",
        checks=(_detectors_are_measured,),
        hints=(
            "Write the 12 pairs down; count those in which the replaced token has the higher score.",
            "A detector is there to find replaced tokens: which of the three finds most, and ranks best?",
        ),
        solution={"auc": 0.75, "keep": "C", "auc needs a threshold": False},
        variable="my_measures",
        why="9 of 12 pairs are in order. With few replaced tokens, accuracy rewards whoever never says so.",
    ),
    Exercise(
        id="05.3",
        title="Two trainings, two exams",
        kind="measure",
        minutes=10,
        difficulty=2,
        starred=True,
        specification="Three statements about the table of two trainings and two exams.",
        checks=(_exams_are_told_apart,),
        hints=(
            "The best judge's two numbers say how hard each exam is for anybody.",
            "Read down a column: two models, one exam.",
        ),
        solution={
            "easier even for the best judge": "uniform fakes",
            "a higher AUC on its own fakes shows": "perhaps only an easier exam",
            "two models are compared on": "the same fixed exam",
        },
        variable="my_exams",
        why="The diagonal compares two models on two different exams; a column compares them on one.",
    ),
    Exercise(
        id="05.4",
        title="What a label says",
        kind="measure",
        minutes=8,
        difficulty=3,
        specification=(
            "Bits in the labels of a row of 128 tokens: RTD at 6 % replaced, MLM with 19 selected of V = 30,522 at most;"
            " and what follows."
        ),
        checks=(labels_are_weighed,),
        hints=(
            "A yes-or-no label with share p has -p log2 p - (1 - p) log2(1 - p) bits.",
            "128 times that, with p = 0.06; and 19 times log2(30,522).",
        ),
        solution={"rtd": 41.9, "mlm at most": 283.0, "why": WHY[1]},
        variable="my_bits",
        why="RTD's labels hold less; yet with the loss on 15 % of the tokens most of its advantage is gone (paper, Table 5).",
    ),
    Exercise(
        id="05.5",
        title="Shift the prior",
        kind="build",
        minutes=8,
        difficulty=2,
        specification=(
            "shift_prior(logits, trained, used) → logits that are right where the share of replaced tokens is used"
            " instead of trained."
        ),
        checks=(_odds_are_shifted, _sure_logits_stay_apart),
        hints=(
            "Bayes: odds(replaced | text) = odds(replaced) · evidence. The evidence stays; the first factor changes.",
            "A logit is a log of odds: take the old log odds off and put the new ones on.",
        ),
        solution=shift_prior,
        fallback=shift_prior,
        variable="shift_prior",
    ),
    Exercise(
        id="05.6",
        title="So why does RTD win?",
        kind="write",
        minutes=6,
        difficulty=2,
        specification=(
            "Three sentences to a colleague who says that RTD has 6.7 times the labels and so learns 6.7 times as much:"
            " what is wrong with that, and what is the reason? Lean on a number."
        ),
        checks=(reason_is_given,),
        hints=(
            "How many bits hold the labels of a row, in RTD and in MLM? So it cannot be the labels.",
            "What changes between the paper's 82.4 and its 85.0?",
        ),
        solution=REASON,
        variable="my_reason",
        why=REASON_RUBRIC,
    ),
)
