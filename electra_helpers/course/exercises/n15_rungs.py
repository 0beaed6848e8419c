"""Exercises 15.1 to 15.3, the losses of three rungs of the paper's ladder: the readable solutions, and what judges a learner's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.corruption import Corruption, Selection
from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.language import wording

VOCABULARY, LENGTH = 13, 7


def replace_mlm_loss(predictor, fakes, is_real):
    """Replace MLM: the predictor reads the generator's words in place of [MASK], and restores the selected tokens."""
    picked = fakes.selection
    logits = predictor(fakes.input_ids, attention_mask=is_real, positions=picked.positions)  # (B, M, V)
    targets = fakes.original_ids.gather(1, picked.positions)  # (B, M)
    return F.cross_entropy(logits[picked.is_valid], targets[picked.is_valid])


def all_tokens_loss(logits, gate, original, seen, is_real):
    """All-Tokens MLM: p = copy · [x is the token that stands there] + (1 − copy) · softmax, at every real token."""
    drawn = F.logsigmoid(-gate) + logits.log_softmax(-1).gather(-1, original[..., None])[..., 0]  # (B, L)
    copied = F.logsigmoid(gate).masked_fill(seen != original, float("-inf"))  # nothing to copy where it was replaced
    return -torch.logaddexp(drawn, copied)[is_real].mean()


def selected_rtd_loss(logits, labels, is_selected):
    """ELECTRA 15 %: the mean binary cross-entropy over the selected tokens alone."""
    per_token = F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none")  # (B, L)
    return (per_token * is_selected).sum() / is_selected.sum()


class _Recorder:
    """A predictor for checks: its logits follow from the ids that it reads, and it remembers what it was given."""

    def __init__(self) -> None:
        self.weights = torch.randn(LENGTH, VOCABULARY, VOCABULARY, generator=torch.Generator().manual_seed(3))
        self.weights.requires_grad_(True)
        self.mask: Tensor | None = None
        self.read: Tensor | None = None

    def __call__(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        positions: Tensor | None = None,
    ) -> Tensor:
        self.read, self.mask = input_ids, attention_mask
        logits = self.weights[torch.arange(input_ids.shape[1]), input_ids]  # (B, L, V)
        return logits if positions is None else logits[torch.arange(len(positions))[:, None], positions]


def _fakes() -> tuple[Corruption, Tensor]:
    """B=3, L=7 with 7, 5 and 4 real tokens; 2, 2 and 1 selected, the first of the first row guessed right."""
    original = torch.tensor([[2, 5, 6, 7, 8, 9, 3], [2, 10, 11, 5, 3, 0, 0], [2, 6, 12, 3, 0, 0, 0]])
    selection = Selection(
        torch.tensor([[1, 4], [2, 3], [1, 0]]), torch.tensor([[True, True], [True, True], [True, False]])
    )
    sampled = torch.tensor([[5, 11], [7, 9], [8, 12]])
    masked, seen = original.clone(), original.clone()
    for row, slot in selection.is_valid.nonzero().tolist():
        at = selection.positions[row, slot]
        masked[row, at], seen[row, at] = 4, sampled[row, slot]
    return Corruption(original, masked, selection, sampled, seen, original != seen), original != 0


def _one_number(found: Any) -> Tensor:
    if not isinstance(found, Tensor) or found.dim() != 0:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise Mistake("Return one number as a tensor without axes, not {shape}: the mean.", shape=shape)
    if not found.requires_grad:
        raise Mistake("No gradient flows back from your loss: do not detach, and do not go through .item() or numpy.")
    return found.detach()


def _told(found: Tensor, right: Tensor, wrong: dict[str, Tensor], otherwise: str) -> None:
    """Raise the message whose value was found; `otherwise` where it is none of these and not right."""
    if torch.allclose(found, right, atol=1e-5):
        return
    for message, value in wrong.items():
        if torch.allclose(found, value, atol=1e-4):
            raise Mistake(message)
    raise Mistake(otherwise, found=float(found), right=float(right))


def predictor_reads_the_fakes(function: Callable) -> None:
    """Check of 15.1: the predictor reads the corrupted text, and is asked for the originals at the selected positions."""
    fakes, is_real = _fakes()
    predictor = _Recorder()
    found = _one_number(function(predictor, fakes, is_real))
    if predictor.read is None:
        raise Mistake("The predictor is never asked: call predictor(…).")
    if torch.equal(predictor.read, fakes.masked_ids):
        raise Mistake(
            "Your predictor reads [MASK]: that is BERT. Here it reads fakes.input_ids, with words in the blanks."
        )
    if torch.equal(predictor.read, fakes.original_ids):
        raise Mistake("Your predictor reads the original ids: it would only have to copy.")
    if not torch.equal(predictor.read, fakes.input_ids):
        raise Mistake("The predictor reads fakes.input_ids, as they are.")
    if predictor.mask is None or not torch.equal(predictor.mask.bool(), is_real):
        raise Mistake("The predictor attends to padding: pass attention_mask=is_real.")
    with torch.no_grad():
        each = -predictor(fakes.input_ids).log_softmax(-1)  # (B, L, V)
    selected, at = fakes.is_selected, fakes.selection.positions
    truth, drawn = (each.gather(-1, ids[..., None])[..., 0] for ids in (fakes.original_ids, fakes.input_ids))
    wrong = {
        wording(
            "Your targets are the drawn words, so the predictor learns to repeat the fakes. Ask for the original ids."
        ): drawn[selected].mean(),
        wording(
            "You predict every real token. Replace MLM asks at the selected ones alone; all tokens come in 15.2."
        ): truth[is_real].mean(),
        wording("You leave out the selected tokens that came back right: all selected are asked, as in BERT."): truth[
            fakes.is_replaced
        ].mean(),
        wording("Unused slots are counted, which point at [CLS]: take those with is_valid only."): truth.gather(
            1, at
        ).mean(),
        wording("That is the sum: divide by the number of selected tokens."): truth[selected].sum(),
    }
    _told(found, truth[selected].mean(), wrong, wording("The loss should be {right:.4f}, yours is {found:.4f}."))


def _all_tokens_case() -> tuple[Tensor, Tensor, Corruption, Tensor]:
    """Logits (B, L, V) and a gate (B, L) beside the fakes; a sure gate under padding, so that padding shows."""
    fakes, is_real = _fakes()
    random = torch.Generator().manual_seed(5)
    logits, gate = torch.randn(3, LENGTH, VOCABULARY, generator=random), torch.randn(3, LENGTH, generator=random)
    return logits, torch.where(is_real, gate, -3.0), fakes, is_real


def mixture_is_right(function: Callable) -> None:
    """Check of 15.2: the two probabilities are mixed, at every real token."""
    logits, gate, fakes, is_real = _all_tokens_case()
    original, seen = fakes.original_ids, fakes.input_ids
    found = _one_number(
        function(logits.clone().requires_grad_(), gate.clone().requires_grad_(), original, seen, is_real)
    )
    copy, p = gate.sigmoid(), logits.softmax(-1).gather(-1, original[..., None])[..., 0]
    same = (seen == original).float()
    nats = -(copy * same + (1 - copy) * p).log()  # (B, L)
    wrong = {
        wording("You copy the *original* token, so the answer is in the question. One can only copy what stands there: the copy counts"
        " where seen == original."): -(copy + (1 - copy) * p).log()[is_real].mean(),
        wording("Your gate is upside down: sigmoid(gate) is the probability to copy, the rest is left to the softmax."): -(
            (1 - copy) * same + copy * p
        ).log()[is_real].mean(),
        wording("Padding is judged too: take the real tokens alone."): nats.mean(),
        wording("You ask at the selected tokens alone. The point of this"
" rung is that every token is asked."): nats[fakes.is_selected].mean(),
        wording("You ask at the replaced tokens alone: those that stayed are asked too."): nats[fakes.is_replaced].mean(),
        wording("Your copy and your softmax do not share one probability: the softmax gets only 1 − copy of it."): -(
            copy * same + p
        ).log()[is_real].mean(),
        wording("You mix losses: −ln of a mixture is not the mixture of two −ln. Mix the probabilities, then take the logarithm."): (
            copy * -(same + 1e-9).log() + (1 - copy) * -p.log()
        )[is_real].mean(),
        wording("The copy is missing: that is the softmax alone."): -p.log()[is_real].mean(),
        wording("That is the sum: divide by the number of real tokens."): nats[is_real].sum(),
    }  # fmt: skip
    _told(found, nats[is_real].mean(), wrong, wording("The loss should be {right:.4f}, yours is {found:.4f}."))


def a_sure_gate_stays_finite(function: Callable) -> None:
    """Check of 15.2: no probability is rounded to 0 before its logarithm."""
    logits = torch.zeros(1, 2, VOCABULARY).index_fill_(2, torch.tensor([6]), 200.0).requires_grad_()
    gate = torch.tensor([[120.0, -120.0]], requires_grad=True)
    original, seen = torch.tensor([[5, 5]]), torch.tensor([[7, 5]])
    found = function(logits, gate, original, seen, torch.ones(1, 2, dtype=torch.bool))
    right = (320 + 120) / 2  # −ln(e⁻¹²⁰ · e⁻²⁰⁰), and −ln(e⁻¹²⁰ + e⁻²⁰⁰)
    if not bool(torch.isfinite(found)) or abs(float(found.detach()) - right) > 0.5:
        raise Mistake(
            "Where the net is sure and wrong your loss is {found:.4g}, and should be {right:.0f}: a probability"
            " was rounded to 0 or 1 before its logarithm. Stay with logarithms: F.logsigmoid, log_softmax, torch.logaddexp.",
            found=float(found.detach()),
            right=right,
        )


def only_the_selected_are_judged(function: Callable) -> None:
    """Check of 15.3: the mean over the selected, right guesses included."""
    _, gate, fakes, is_real = _all_tokens_case()
    logits, labels, selected = gate.requires_grad_(), fakes.is_replaced, fakes.is_selected
    found = _one_number(function(logits, labels, selected))
    each = F.binary_cross_entropy_with_logits(logits.detach(), labels.float(), reduction="none")
    counts = selected.sum(1)
    wrong = {
        wording("You judge every token: that is ELECTRA. Here only the selected count."): each.mean(),
        wording("You judge the replaced alone: then *replaced* is always right."
" Those that came back right count too."): each[labels].mean(),
        wording("Only the selected are added up, but you divide by all tokens."): (each * selected).mean(),
        wording("You divide by the real tokens; divide by the number of selected ones."): each[selected].sum() / is_real.sum(),
        wording("That is the mean of row means: add up everything, then divide once."): ((each * selected).sum(1) / counts).mean(),
        wording("That is the sum: divide by the number of selected tokens."): each[selected].sum(),
        wording("The label is whether a token was *replaced*; being selected is the same for all that are judged here."): (
            F.binary_cross_entropy_with_logits(logits.detach(), selected.float(), reduction="none")[selected].mean()
        ),
    }  # fmt: skip
    _told(found, each[selected].mean(), wrong, wording("The loss should be {right:.4f}, yours is {found:.4f}."))


EXERCISES = (
    Exercise(
        id="15.1",
        title="Replace MLM",
        kind="build",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "replace_mlm_loss(predictor, fakes, is_real) → one number: predictor(ids, attention_mask=…, positions=…) reads the corrupted"
            " text and restores the selected tokens; the mean cross-entropy in nats over the valid ones."
        ),
        checks=(predictor_reads_the_fakes,),
        hints=(
            "It is BERT's loss with another input. Which of fakes' four tensors does BERT read, and which one is read here?",
            "fakes.selection has .positions and .is_valid (B, M); the targets are gathered from fakes.original_ids.",
        ),
        solution=replace_mlm_loss,
        fallback=replace_mlm_loss,
        variable="replace_mlm_loss",
    ),
    Exercise(
        id="15.2",
        title="All-Tokens MLM and its copy",
        kind="build",
        minutes=20,
        difficulty=3,
        starred=True,
        specification=(
            "all_tokens_loss(logits (B, L, V), gate (B, L), original, seen, is_real) → one number: the mean over real tokens of"
            " −ln p(original), with p(x) = σ(gate) · [x is the token seen] + (1 − σ(gate)) · softmax(logits)(x)."
        ),
        checks=(mixture_is_right, a_sure_gate_stays_finite),
        hints=(
            (
                "Two ways lead to the original: to copy the token that stands there, if it is the right one, or to draw it. Add the"
                " two probabilities."
            ),
            (
                "In logarithms: F.logsigmoid(gate), F.logsigmoid(-gate) + log_softmax at the original, and torch.logaddexp; −inf"
                " where nothing can be copied."
            ),
        ),
        solution=all_tokens_loss,
        fallback=all_tokens_loss,
        variable="all_tokens_loss",
    ),
    Exercise(
        id="15.3",
        title="ELECTRA 15 %",
        kind="build",
        minutes=5,
        difficulty=1,
        specification=(
            "selected_rtd_loss(logits, labels, is_selected), all (B, L) → one number: the mean binary cross-entropy over the"
            " selected tokens, those that came back right included."
        ),
        checks=(only_the_selected_are_judged,),
        hints=(
            "Your rtd_loss of 05.1 with another mask.",
            "F.binary_cross_entropy_with_logits(…, reduction='none'), times the mask, summed, divided by the mask's sum.",
        ),
        solution=selected_rtd_loss,
        fallback=selected_rtd_loss,
        variable="selected_rtd_loss",
    ),
)
