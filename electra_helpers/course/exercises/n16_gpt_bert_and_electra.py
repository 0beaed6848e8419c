"""Exercises of notebook 16: the causal mask, the shifted targets, operations a prediction, and what is no perplexity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.language import ITEMS, joined, wording


def causal_mask(is_real):
    """is_real (B, L), True on all but padding → (B, 1, L, L), True where the query (row) may look at the key (column)."""
    length = is_real.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool).tril()  # key j ≤ query i
    return is_real[:, None, None, :] & earlier  # (B, 1, 1, L) & (L, L) → (B, 1, L, L)


def next_token_loss(logits, ids, is_real):
    """Mean cross-entropy in nats: logits (B, L, V) at t are asked for the token at t + 1; ids and is_real (B, L)."""
    asked = is_real[:, 1:]  # (B, L − 1): the first token has nothing before it
    return F.cross_entropy(logits[:, :-1][asked], ids[:, 1:][asked])


# Two rows of different length, in one of which padding stands behind four tokens; B ≠ L.
REAL = torch.tensor([[True] * 5, [True] * 4 + [False]])


def _mask_of(function: Callable, is_real: Tensor) -> Tensor:
    found = function(is_real.clone())
    rows, length = is_real.shape
    if not isinstance(found, Tensor) or found.shape != (rows, 1, length, length):
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise Mistake(
            "Return one mask a row, (B, 1, L, L) = {right}; yours is {found}.",
            right=(rows, 1, length, length),
            found=shape,
        )
    if found.dtype != torch.bool:
        raise Mistake("The mask is of bool: True where a query may look. (0 and −∞ would be added to scores instead.)")
    return found[:, 0]


def _it_looks_back(function: Callable) -> None:
    seen = _mask_of(function, torch.ones(2, 5, dtype=torch.bool))
    right = torch.ones(5, 5, dtype=torch.bool).tril()
    if torch.equal(seen[0], ~right):
        raise Mistake("The mask is upside down: True means *may look*, and yours is True on what comes later.")
    if torch.equal(seen[0], right.T):
        raise Mistake(
            "Your queries see what comes later: keys and queries changed places. Row i may look at columns 0 … i."
        )
    if not seen[0].diagonal().any():
        raise Mistake(
            "No token sees itself, and the first sees nothing at all: softmax over nothing is nan. The diagonal belongs to it."
        )
    if seen[0].all():
        raise Mistake("Every token sees every other: that is BERT. The last column may be seen by the last row alone.")
    if not torch.equal(seen, right.expand(2, 5, 5)):
        raise Mistake("Row i may look at columns 0 … i: the lower triangle with its diagonal (torch.tril).")


def _padding_is_not_seen(function: Callable) -> None:
    seen = _mask_of(function, REAL)
    if not seen.any(-1).all():
        raise Mistake(
            "A query at padding sees nothing, and its softmax is nan. Hide padding as a *key* (a column), not as a query (a row)."
        )
    if seen[1, :, 4].any():
        raise Mistake("Padding is still seen: a key that is not real is hidden from every query.")
    if not torch.equal(seen[0], torch.ones(5, 5, dtype=torch.bool).tril()):
        raise Mistake("The padding of one row hides tokens of another: is_real is (B, L), one line for each row.")
    if not torch.equal(seen[1, :4, :4], torch.ones(4, 4, dtype=torch.bool).tril()):
        raise Mistake("Among the real tokens the mask is the lower triangle, padding or not.")


def _material() -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(16)
    ids = torch.randint(5, 9, (2, 5), generator=random)
    ids[1] = torch.tensor([5, 6, 7, 8, 0])
    return torch.randn(2, 5, 9, generator=random) * 3, ids, REAL


def _wrong_losses(logits: Tensor, ids: Tensor, real: Tensor) -> dict[str, Tensor]:
    """What each misconception computes, by the sentence that names it."""
    each = F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")  # (B, L − 1)
    own = F.cross_entropy(logits.transpose(1, 2), ids, reduction="none")  # (B, L)
    around = F.cross_entropy(logits.transpose(1, 2), ids.roll(-1, 1), reduction="none")
    before = F.cross_entropy(logits[:, 1:].transpose(1, 2), ids[:, :-1], reduction="none")
    asked, rows = real[:, 1:], real[:, 1:].sum(1)
    return {
        wording(
            "The targets are not shifted: a token that is seen need not be predicted. The logits at t are asked for the token at t + 1."
        ): own[real].mean(),
        wording("You shifted the wrong way: that is the token *before*, which the net has read already."): before[
            real[:, 1:]
        ].mean(),
        wording("Padding is counted as a target: leave out the places where the next token is not real."): each.mean(),
        wording("The last token is asked for the first one: roll goes round in a circle. Cut instead."): around[
            real
        ].mean(),
        wording("Padding is left out of the sum and counted in the mean: divide by the real targets."): (
            each * asked
        ).sum()
        / each.numel(),
        wording(
            "You took the mean of the rows' means: a token of a short row then counts for more. One mean over all targets."
        ): ((each * asked).sum(1) / rows).mean(),
        wording("That is a sum over the targets; the mean is asked for."): (each * asked).sum(),
        wording("That is in bits (log2); cross-entropy is in nats here."): each[asked].mean()
        / torch.log(torch.tensor(2.0)),
    }


def _it_is_asked_for_the_next(function: Callable) -> None:
    logits, ids, real = _material()
    found = function(logits.clone(), ids.clone(), real.clone())
    if not isinstance(found, Tensor) or found.dim():
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise Mistake("Return one number, a tensor without axes; yours is {shape}.", shape=shape)
    right = next_token_loss(logits, ids, real)
    for sentence, value in _wrong_losses(logits, ids, real).items():
        if torch.isclose(found, value, rtol=1e-4) and not torch.isclose(found, right, rtol=1e-4):
            raise Mistake(sentence)
    if not torch.isclose(found, right, rtol=1e-4):
        raise Mistake(
            "On two rows of 5 and 4 real tokens the loss is {right:.4f}, over 4 + 3 targets; yours is {found:.4f}.",
            right=right,
            found=found,
        )


def _a_sure_net_pays_nothing(function: Callable) -> None:
    _, ids, real = _material()
    sure = F.one_hot(ids.roll(-1, 1), 9).float() * 50  # at t, the token at t + 1
    leaf = sure.clone().requires_grad_()
    found = function(leaf, ids, real)
    if found > 1e-3:
        raise Mistake(
            "A net that is sure of every next token, and right, pays 0; with you it pays {found:.3f}.", found=found
        )
    if not found.requires_grad:
        raise Mistake("The loss is cut off from the logits (detach, item, no_grad): nothing would be learned.")


# Millions of operations, forward, of nets of BERT-Base's size: what 16.3 counts with.
BODY, JUDGE, MAKER, WORD = 170.0, 1.2, 19.0, 46.9
LENGTH, SELECTED = 128, 19
WORTH = (
    "an operation teaches ELECTRA about six times as much as BERT",
    "a word among V says up to log2 V bits, a yes or no at most one: the counts alone decide nothing",
    "GPT predicts most, so it always learns most",
)


def operations() -> dict[str, Any]:
    """The right answer of 16.3: millions of operations for each prediction."""
    bert = (LENGTH * BODY + SELECTED * WORD) / SELECTED
    electra = (LENGTH * (BODY + JUDGE + MAKER) + SELECTED * WORD) / LENGTH
    return {"GPT": BODY + WORD, "BERT": bert, "ELECTRA": electra, "worth": WORTH[1]}


def _predictions_are_counted(answers: Any) -> None:
    right = operations()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    try:
        given = {key: as_number(answers[key]) for key in ("GPT", "BERT", "ELECTRA")}
    except (TypeError, ValueError):
        raise Mistake("GPT, BERT and ELECTRA are numbers: millions of operations for each prediction.") from None
    near = lambda key, value: abs(given[key] - value) < 0.01 * value  # noqa: E731 - a word for a comparison
    if near("GPT", BODY):
        raise Mistake("GPT: the product with the vocabulary is missing. It is made for every prediction.")
    if near("BERT", BODY + WORD):
        raise Mistake(
            "BERT: you counted the selected tokens alone. All 128 go through the body so that 19 can be predicted: divide the row by 19."
        )
    if near("BERT", (LENGTH * BODY + SELECTED * WORD) / LENGTH):
        raise Mistake("BERT: divide by the 19 predictions, not by the 128 tokens.")
    if near("ELECTRA", (LENGTH * (BODY + JUDGE) + 0.0) / LENGTH):
        raise Mistake(
            "ELECTRA: somebody has to make the fakes. Add the generator: its body, and the words that it predicts."
        )
    if near("ELECTRA", right["ELECTRA"] * LENGTH / SELECTED):
        raise Mistake("ELECTRA: the discriminator says something of every token, not of the selected: divide by 128.")
    for key, value in given.items():
        if not near(key, right[key]):
            raise Mistake(
                "{key}: all operations of a row, divided by its predictions. {value:.0f} million is not it.",
                key=key,
                value=value,
            )
    if answers["worth"] not in WORTH:
        raise Mistake("worth: one of {worth}.", worth=joined(WORTH))
    if answers["worth"] != WORTH[1]:
        raise Mistake(
            "worth: more predictions are not more knowledge. How many bits can a yes or no tell, and how many one word of 30,522?"
        )


# What a masked language model might say of two neighbouring words; no joint distribution gives all four.
FIRST, SECOND_GIVEN_FIRST, SECOND, FIRST_GIVEN_SECOND = 0.10, 0.50, 0.02, 0.90
WHICH = ("left to right", "right to left", "pseudo", "none of the three")
LOWER = (
    "BERT is the better language model",
    "GPT is the better language model",
    "nothing: one is the perplexity of a distribution, the other of none",
)


def no_perplexity() -> dict[str, Any]:
    """The right answer of 16.4."""
    return {
        "left to right": FIRST * SECOND_GIVEN_FIRST,
        "right to left": SECOND * FIRST_GIVEN_SECOND,
        "pseudo": FIRST_GIVEN_SECOND * SECOND_GIVEN_FIRST,
        "P(new york)": WHICH[3],
        "4 is below 15": LOWER[2],
    }


def _three_numbers_for_one_text(answers: Any) -> None:
    right = no_perplexity()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    try:
        given = {key: as_number(answers[key]) for key in WHICH[:3]}
    except (TypeError, ValueError):
        raise Mistake("left to right, right to left and pseudo are numbers.") from None
    if abs(given["pseudo"] - FIRST * SECOND) < 1e-4:
        raise Mistake("pseudo: that is both words hidden at once. Hide one at a time, the other being there.")
    if abs(given["left to right"] - right["pseudo"]) < 1e-4:
        raise Mistake("left to right: the first word is asked for while the second is hidden too.")
    if abs(given["right to left"] - right["left to right"]) < 1e-4:
        raise Mistake(
            "right to left: york first, with both hidden; then new, york being there. That is another number."
        )
    for key, value in given.items():
        if abs(value - right[key]) > 0.0006:
            raise Mistake("{key}: {value:g} is not the product of the two that belong to it.", key=key, value=value)
    if answers["P(new york)"] not in WHICH:
        raise Mistake("P(new york): one of {which}.", which=joined(WHICH))
    if answers["P(new york)"] != WHICH[3]:
        raise Mistake(
            "P(new york): of a true distribution both orders give the same. These do not, so the four numbers belong to none."
        )
    if answers["4 is below 15"] not in LOWER:
        raise Mistake("4 is below 15: one of {lower}.", lower=joined(LOWER))
    if answers["4 is below 15"] == LOWER[0]:
        raise Mistake(
            "A word that is asked for between its neighbours is easier than one after its past: lower says nothing of the nets. "
            "And 12.3: these products are no probabilities."
        )
    if answers["4 is below 15"] != LOWER[2]:
        raise Mistake("4 is below 15: is each of them exp of a mean −log P of one distribution over texts?")


EXERCISES = (
    Exercise(
        id="16.1",
        title="The causal mask",
        kind="build",
        minutes=8,
        difficulty=1,
        starred=True,
        specification=(
            "causal_mask(is_real) → (B, 1, L, L) of bool, for is_real (B, L): True where the query (row) may look at the key (column),"
            " which is real, and the query itself or before it."
        ),
        checks=(_it_looks_back, _padding_is_not_seen),
        hints=(
            "torch.ones(L, L, dtype=torch.bool).tril() is the lower triangle with its diagonal.",
            "is_real[:, None, None, :] is (B, 1, 1, L), a line of keys for each row; & broadcasts it against (L, L).",
        ),
        solution=causal_mask,
        fallback=causal_mask,
        variable="causal_mask",
    ),
    Exercise(
        id="16.2",
        title="The shifted targets",
        kind="build",
        minutes=8,
        difficulty=1,
        starred=True,
        specification=(
            "next_token_loss(logits, ids, is_real) → the mean cross-entropy in nats over all real tokens but the first of each row:"
            " logits (B, L, V) at t are asked for ids (B, L) at t + 1."
        ),
        checks=(_it_is_asked_for_the_next, _a_sure_net_pays_nothing),
        hints=(
            "logits[:, :-1] have a next token, ids[:, 1:] are those; is_real[:, 1:] says which of them count.",
            "Index both with the same mask (B, L − 1): (targets, V) and (targets,), then F.cross_entropy.",
        ),
        solution=next_token_loss,
        fallback=next_token_loss,
        variable="next_token_loss",
    ),
    Exercise(
        id="16.3",
        title="Operations a prediction",
        kind="decide",
        minutes=10,
        difficulty=2,
        specification=(
            "Millions of forward operations for each prediction of GPT, BERT and ELECTRA on a row of 128 tokens, from the table; and"
            " what these counts say of what is learned."
        ),
        checks=(_predictions_are_counted,),
        hints=(
            "All operations of one row, divided by how many predictions are made in it: 128, 19, 128.",
            "BERT: (128 · 170 + 19 · 46.9) / 19. ELECTRA: 128 tokens through body, judge's head and generator, 19 words of the generator.",
        ),
        solution=operations(),
        variable="my_operations",
        why="ELECTRA and GPT learn from every token and BERT from a seventh; but what a prediction can teach is not the same.",
    ),
    Exercise(
        id="16.4",
        title="Three numbers for one text",
        kind="decide",
        minutes=10,
        difficulty=2,
        starred=True,
        specification=(
            "From four conditionals of a masked language model: the product in each order, and the pseudo-likelihood; which of them is"
            " P(new york); and what a pseudo-perplexity of 4 beside a perplexity of 15 says."
        ),
        checks=(_three_numbers_for_one_text,),
        hints=(
            "An order hides both words and shows them one by one; pseudo hides one at a time, the other being there.",
            "0.10 · 0.50; 0.02 · 0.90; 0.90 · 0.50. Would a true distribution give different numbers for two orders?",
        ),
        solution=no_perplexity(),
        variable="my_numbers",
        why="The chain rule gives P(text) in any order, if the factors belong to one distribution. Those of a masked model need not.",
    ),
)
