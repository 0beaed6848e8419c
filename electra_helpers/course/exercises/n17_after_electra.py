"""Exercises of notebook 17: Electric's loss, COCO-LM's corrective loss, three broken ports, and what the record allows to say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.course.labs.broken_ports import FOLLOWS, FOUND, MISTAKES, OUTCOMES
from electra_helpers.course.labs.successor_pictures import reading, verdict
from electra_helpers.course.labs.successor_runs import ARMS, SUCCESSORS
from electra_helpers.language import ITEMS, joined, worded, wording


def electric_loss(energy, log_q, is_noise, is_real, share):
    """Mean NCE loss in nats over the real tokens; all (B, L). P(noise) = σ(E + log q + log(share / (1 − share)))."""
    logit = energy + log_q.detach() + math.log(share / (1 - share))  # (B, L)
    each = F.binary_cross_entropy_with_logits(logit, is_noise.float(), reduction="none")
    return each[is_real].mean()


def corrective_loss(logits, replaced, original, seen, is_valid):
    """Mean −log p(original) over the valid places: logits (B, M, V), the others (B, M); copy = 1 − σ(replaced)."""
    gate = replaced.detach()
    drawn = F.logsigmoid(gate) + logits.log_softmax(-1).gather(-1, original[..., None])[..., 0]
    both = torch.logaddexp(drawn, F.logsigmoid(-gate))
    return -torch.where(seen == original, both, drawn)[is_valid].mean()


SHARE = 0.15


def _number(found: Any) -> Tensor:
    if not isinstance(found, Tensor) or found.dim():
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise Mistake("Return one number, a tensor without axes; yours is {shape}.", shape=shape)
    return found


def _energies() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Two rows, the second with padding; B ≠ L."""
    random = torch.Generator().manual_seed(17)
    energy, log_q = torch.randn(2, 5, generator=random), -3 * torch.rand(2, 5, generator=random) - 0.5
    is_noise = torch.tensor([[False, True, False, False, True], [False, False, True, False, False]])
    return energy, log_q, is_noise, torch.tensor([[True] * 5, [True] * 4 + [False]])


def _wrong_energies(energy: Tensor, log_q: Tensor, is_noise: Tensor, real: Tensor) -> dict[str, Tensor]:
    """What each misconception computes, by the sentence that names it."""
    odds, noise = math.log(SHARE / (1 - SHARE)), is_noise.float()

    def each(logit: Tensor, labels: Tensor = noise) -> Tensor:
        return F.binary_cross_entropy_with_logits(logit, labels, reduction="none")

    right = each(energy + log_q + odds)
    return {
        wording(
            "Without log q that is ELECTRA's own loss: the energy would have to learn what q says, and −E would be no log p."
        ): each(energy + odds)[real].mean(),
        wording(
            "The share is missing: of a row only `share` of the tokens are noise, odds of share / (1 − share)."
        ): each(energy + log_q)[real].mean(),
        wording(
            "The odds of the share are upside down: noise is the smaller part, log(share / (1 − share)) is negative."
        ): each(energy + log_q - odds)[real].mean(),
        wording(
            "The energy has the wrong sign: it is *high* where a token does not fit, which speaks for noise."
        ): each(-energy + log_q + odds)[real].mean(),
        wording("You added q and not log q: P(noise) compares k·q with exp(−E), and logits are logarithms."): each(
            energy + log_q.exp() + odds
        )[real].mean(),
        wording("log q is subtracted: what q likes to draw is *more* likely to be noise."): each(energy - log_q + odds)[
            real
        ].mean(),
        wording("The labels are upside down: 1 is noise."): each(energy + log_q + odds, 1 - noise)[real].mean(),
        wording("Padding is judged: take the real tokens alone."): right.mean(),
        wording("You took the noise alone. The tokens of the text are the other half of the comparison."): right[
            is_noise
        ].mean(),
        wording("Padding is left out of the sum and counted in the mean: divide by the real tokens."): (
            right * real
        ).sum()
        / right.numel(),
        wording("That is a sum; the mean is asked for."): right[real].sum(),
    }


def _named(found: Tensor, right: Tensor, wrong: dict[str, Tensor], said: str) -> None:
    for sentence, value in wrong.items():
        if torch.isclose(found, value, rtol=1e-4) and not torch.isclose(found, right, rtol=1e-4):
            raise Mistake(sentence)
    if not torch.isclose(found, right, rtol=1e-4):
        raise Mistake("{said} the loss is {right:.4f}; yours is {found:.4f}.", said=said, right=right, found=found)


def _noise_is_told_from_text(function: Callable) -> None:
    given = _energies()
    found = _number(function(*(x.clone() for x in given), SHARE)).detach()
    right = electric_loss(*given, SHARE)
    _named(found, right, _wrong_energies(*given), worded("On two rows of 5 and 4 real tokens, three of them noise,"))


def _q_learns_nothing_here(function: Callable) -> None:
    energy, log_q, is_noise, real = _energies()
    energy, log_q = energy.requires_grad_(), log_q.requires_grad_()
    found = _number(function(energy, log_q, is_noise, real, SHARE))
    if not found.requires_grad:
        raise Mistake("The loss is cut off from the energy (detach, item, no_grad): nothing would be learned.")
    found.backward()
    if log_q.grad is not None and log_q.grad.abs().sum() > 0:
        raise Mistake(
            "The gradient reaches q, which would learn to be found out. q learns from its own loss: detach it."
        )
    if energy.grad is None or not energy.grad[real].abs().min() > 0:
        raise Mistake("Some real token gets no gradient: every one of them is either noise or text.")


def _places() -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(71)
    logits, replaced = torch.randn(2, 3, 7, generator=random) * 2, torch.randn(2, 3, generator=random)
    original = torch.tensor([[1, 4, 6], [2, 5, 0]])
    seen = torch.tensor(
        [[1, 3, 6], [2, 2, 0]]
    )  # places 1 of both rows are replaced; the last of the second is no place
    return logits, replaced, original, seen, torch.tensor([[True] * 3, [True, True, False]])


def _wrong_corrections(
    logits: Tensor, replaced: Tensor, original: Tensor, seen: Tensor, valid: Tensor
) -> dict[str, Tensor]:
    copy, same = torch.sigmoid(-replaced), (seen == original).float()
    p = logits.softmax(-1).gather(-1, original[..., None])[..., 0]
    right = copy * same + (1 - copy) * p
    return {
        wording("You copy even what was replaced: only where the original stands is copying right."): -(
            copy + (1 - copy) * p
        )
        .log()[valid]
        .mean(),
        wording("The gate is upside down: `replaced` is high for a fake, and a fake is not to be copied."): -(
            (1 - copy) * same + copy * p
        )
        .log()[valid]
        .mean(),
        wording("Copying is missing: p(original) may come from either way."): -((1 - copy) * p).log()[valid].mean(),
        wording("The gate is missing: the word counts by 1 − copy."): -p.log()[valid].mean(),
        wording("The two ways do not share one probability: the word counts by 1 − copy."): -(copy * same + p)
        .log()[valid]
        .mean(),
        wording("Unused slots are counted: take the valid places alone."): -right.log().mean(),
        wording("You took the replaced places alone: right guesses are asked about as well."): -right.log()[
            valid & (seen != original)
        ].mean(),
        wording("The word that *stands there* is asked for; the original is."): -(
            copy + (1 - copy) * logits.softmax(-1).gather(-1, seen[..., None])[..., 0]
        )
        .log()[valid]
        .mean(),
        wording("That is a sum; the mean is asked for."): -right.log()[valid].sum(),
    }


def _words_are_corrected(function: Callable) -> None:
    given = _places()
    found = _number(function(*(x.clone() for x in given))).detach()
    _named(found, corrective_loss(*given), _wrong_corrections(*given), worded("On five places, two of them replaced,"))


def _the_gate_has_its_own_loss(function: Callable) -> None:
    logits, replaced, original, seen, valid = _places()
    logits, replaced = logits.requires_grad_(), replaced.requires_grad_()
    found = _number(function(logits, replaced, original, seen, valid))
    if not found.requires_grad:
        raise Mistake("The loss is cut off from the logits (detach, item, no_grad): nothing would be learned.")
    found.backward()
    if replaced.grad is not None and replaced.grad.abs().sum() > 0:
        raise Mistake("The gate learns from the words here; COCO-LM lets it learn from its own loss alone: detach it.")
    sure = function(
        *(x.detach() if x.is_floating_point() else x for x in (logits, replaced * 0 - 200)), original, original, valid
    )
    if not torch.isfinite(sure) or sure > 1e-3:
        raise Mistake("A gate that is sure to copy, and right, pays 0; yours does not. Stay in logarithms: logaddexp.")
    fooled = function(logits.detach(), replaced.detach() * 0 - 200, original, (original + 1) % 7, valid)
    if not torch.isfinite(fooled):
        raise Mistake("A gate that is sure and wrong gives inf: log(1 − copy) is F.logsigmoid(replaced), not log(0).")


def _ports_are_understood(answers: Any) -> None:
    right = ports()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    for key, options in [*((name, MISTAKES) for name in FOUND), *((f"{name} leads to", OUTCOMES) for name in FOLLOWS)]:
        if answers[key] not in options:
            raise Mistake("{key}: one of {options}.", key=key, options=joined(options))
    for name, mistake in FOUND.items():
        given = answers[name]
        if given == MISTAKES[0] and given != mistake:
            raise Mistake(
                "{name}: neither a draw nor argmax lets a gradient through, so that cannot be. Read on.", name=name
            )
        if given == MISTAKES[4]:
            raise Mistake(
                "{name}: the rows of this hunt are full, there is no padding. Follow `masked` and `corrupted`.",
                name=name,
            )
        if given != mistake:
            raise Mistake(
                "{name}: not that. Ask of each line what goes in and who uses what comes out: what do the two nets read?",
                name=name,
            )
    for name, outcome in FOLLOWS.items():
        if answers[f"{name} leads to"] != outcome:
            raise Mistake(
                "{name} leads to: not that. What can each net learn from what it reads and is told?", name=name
            )


def ports() -> dict[str, str]:
    """The right answer of 17.4."""
    return FOUND | {f"{name} leads to": outcome for name, outcome in FOLLOWS.items()}


ASKED = "pairs"
COMPARED = tuple(arm for arm in SUCCESSORS if arm in ("electric", "coco-lm", "teams", "amos", "fast"))
VERDICTS = ("ahead", "behind", "not clear")


def verdicts() -> dict[str, str]:
    """The right answer of 17.3: each successor against ELECTRA, by the probe for pairs."""
    return {arm: verdict(arm, ASKED) for arm in COMPARED}


def _leads_are_larger_than_the_spread(answers: Any) -> None:
    right = verdicts()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    for arm, said in right.items():
        given = answers[arm]
        if given not in VERDICTS:
            raise Mistake("{arm}: one of {verdicts}.", arm=arm, verdicts=joined(VERDICTS, ITEMS))
        if given == said:
            continue
        if said == "not clear":
            raise Mistake(
                "{title}: the means differ by less than twice the larger deviation, {numbers}. A mean is not a lead.",
                title=ARMS[arm].title,
                numbers=_numbers(arm),
            )
        if given == "not clear":
            raise Mistake(
                "{title}: that difference is larger than twice the spread, {numbers}.",
                title=ARMS[arm].title,
                numbers=_numbers(arm),
            )
        raise Mistake(
            "{title}: you compared the other way round. Its mean less ELECTRA's, {numbers}.",
            title=ARMS[arm].title,
            numbers=_numbers(arm),
        )


def _numbers(arm: str) -> str:
    from electra_helpers.course.labs.successor_pictures import shown

    return worded("{score} against {electra}", score=shown(reading(arm, ASKED)), electra=shown(reading("rtd", ASKED)))


EXERCISES = (
    Exercise(
        id="17.1",
        title="Electric's loss",
        kind="build",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "electric_loss(energy, log_q, is_noise, is_real, share) → the mean binary cross-entropy in nats over the real tokens, with"
            " P(noise) = sigmoid(E + log q + log(share / (1 − share))). All (B, L) but share. No gradient reaches log_q."
        ),
        checks=(_noise_is_told_from_text, _q_learns_nothing_here),
        hints=(
            "Build the logit first: three terms, all of them logarithms; then F.binary_cross_entropy_with_logits with reduction='none'.",
            "log_q.detach(); math.log(share / (1 - share)); each[is_real].mean().",
        ),
        solution=electric_loss,
        fallback=electric_loss,
        variable="electric_loss",
    ),
    Exercise(
        id="17.2",
        title="The corrective language model",
        kind="build",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "corrective_loss(logits, replaced, original, seen, is_valid) → the mean of −log p(original) over the valid places, with"
            " p(x) = copy · [x = seen] + (1 − copy) · softmax(logits)(x) and copy = 1 − sigmoid(replaced). logits (B, M, V), the others"
            " (B, M). No gradient reaches replaced."
        ),
        checks=(_words_are_corrected, _the_gate_has_its_own_loss),
        hints=(
            "In logarithms: log(1 − copy) is F.logsigmoid(replaced), log copy is F.logsigmoid(−replaced).",
            "drawn = logsigmoid(gate) + log p of the word; where seen == original: torch.logaddexp(drawn, logsigmoid(−gate)).",
        ),
        solution=corrective_loss,
        fallback=corrective_loss,
        variable="corrective_loss",
    ),
    Exercise(
        id="17.3",
        title="What the record allows",
        kind="measure",
        minutes=10,
        difficulty=2,
        specification=(
            "For each successor, against ELECTRA by the probe for pairs: ahead or behind where the means differ by more than twice the"
            " larger standard deviation, else not clear."
        ),
        checks=(_leads_are_larger_than_the_spread,),
        hints=(
            "found[arm] holds one number a seed; statistics.mean and statistics.stdev do the rest.",
            "abs(mean(a) − mean(b)) > 2 · max(stdev(a), stdev(b)); the sign of the difference says ahead or behind.",
        ),
        solution=verdicts(),
        variable="my_verdicts",
        why="Differences are read against the spread of the seeds. What is not clear here may be clear at another size.",
    ),
    Exercise(
        id="17.4",
        title="Find the bugs",
        kind="find",
        minutes=12,
        difficulty=2,
        starred=True,
        specification="Of each of three training steps its mistake, and what it leads to.",
        checks=(_ports_are_understood,),
        hints=(
            "Follow three names through each step: masked, corrupted, is_fake. Who makes it, who reads it?",
            "masked_fill gives a new tensor; argmax is no draw; a step has two nets, and each reads something else.",
        ),
        solution=ports(),
        variable="my_ports",
        why="None of them raises an error, and each trains something else: a finder of [MASK], a judge of right guesses, a copier.",
    ),
)
