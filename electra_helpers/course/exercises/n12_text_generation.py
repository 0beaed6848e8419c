"""Exercises of notebook 12: one Gibbs step, who picks what is drawn again, and why an MLM has no perplexity."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

from electra_helpers.corruption import sample_tokens
from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.labs.generation import recorded_shares
from electra_helpers.language import ITEMS, joined
from electra_helpers.tasks.generation import gibbs_step as package_step


def gibbs_step(ids, positions, guess, mask_id, generator=None):
    """Hide one token of each row and draw it anew, given all the others: ids (B, L), positions (B,) → new ids (B, L)."""
    where = positions[:, None]  # (B, 1)
    hidden = ids.scatter(1, where, mask_id)
    logits = guess(hidden, where)  # (B, 1, V)
    drawn = sample_tokens(logits, generator=generator)  # (B, 1)
    return ids.scatter(1, where, drawn)


MASK_ID, SURE, COIN = 4, 9, (7, 8)
ROWS = torch.tensor([[2, 11, 12, 4, 13, 3], [2, 14, 4, 15, 16, 3]])  # each with another blank that is not this step's
PLACES = torch.tensor([4, 1])


class _Guess:
    """A generator that always says the same, and remembers what it was shown."""

    def __init__(self, *likely: int, weights: tuple[float, ...] = ()) -> None:
        self.likely, self.rows, self.positions = likely, [], []
        self.logs = torch.tensor(weights or [1.0] * len(likely)).log()

    def __call__(self, ids: Tensor, positions: Tensor) -> Tensor:
        if not isinstance(positions, torch.Tensor) or positions.dim() != 2 or len(positions) != len(ids):
            shape = tuple(positions.shape) if isinstance(positions, torch.Tensor) else type(positions).__name__
            raise Mistake(
                "guess wants positions (B, M), one column for one position a row: positions[:, None]. Given: {shape}.",
                shape=shape,
            )
        self.rows.append(ids.clone())
        self.positions.append(positions.clone())
        logits = torch.full((*positions.shape, 20), -1e9)
        logits[..., list(self.likely)] = self.logs
        return logits


def _run(function: Callable, guess: _Guess, ids: Tensor, places: Tensor, seed: int = 0) -> Tensor:
    found = function(ids, places, guess, mask_id=MASK_ID, generator=torch.Generator().manual_seed(seed))
    if not isinstance(found, torch.Tensor) or found.shape != ids.shape:
        shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise Mistake(
            "Return new ids of the same shape {right}; yours is {found}.", right=tuple(ids.shape), found=shape
        )
    return found


def _one_place_a_row(function: Callable) -> None:
    guess, ids = _Guess(SURE), ROWS.clone()
    found = _run(function, guess, ids, PLACES)
    if not torch.equal(ids, ROWS):
        raise Mistake("The caller's rows were changed: work on a copy (scatter without underscore makes one).")
    seen = guess.rows[-1]
    for row, place in enumerate(PLACES.tolist()):
        if seen[row, place] == ROWS[row, place]:
            raise Mistake("The old word was left visible: the generator would mostly copy it. Put [MASK] there first.")
    if not torch.equal(seen, ROWS.scatter(1, PLACES[:, None], MASK_ID)):
        raise Mistake(
            "The generator should see all other tokens as they are: hide the one position of each row and no other."
        )
    untouched = torch.ones_like(ROWS, dtype=torch.bool).scatter(1, PLACES[:, None], False)
    if (found == SURE)[ROWS == MASK_ID].any():
        raise Mistake("All blanks at once: the other [MASK] of the row was filled too. None would know of the other.")
    if not torch.equal(found[untouched], ROWS[untouched]):
        raise Mistake("Tokens beside the chosen position changed. A row comes back as it was, but for one token.")
    if (found.gather(1, PLACES[:, None]) == MASK_ID).any():
        raise Mistake("The [MASK] is still there: what was drawn must be put in its place.")
    if not (found.gather(1, PLACES[:, None]) == SURE).all():
        raise Mistake(
            "What was drawn does not stand at the chosen position of its own row: positions differ from row to row."
        )


def _it_is_drawn(function: Callable) -> None:
    ids = torch.tensor([[2, 5, 6, 3]]).repeat(400, 1)
    places = torch.full((400,), 2)
    found = _run(function, _Guess(*COIN), ids, places)[:, 2]
    share = float((found == COIN[0]).float().mean())
    if share in (0.0, 1.0):
        raise Mistake(
            "Two words are equally likely, and you always take the same: argmax. Gibbs draws, so that texts differ."
        )
    if not 0.4 < share < 0.6:
        raise Mistake(
            "Two equally likely words are drawn with shares {first:.2f} and {second:.2f}: draw from softmax(logits).",
            first=share,
            second=1 - share,
        )
    if len({tuple(row) for row in found.view(20, 20).tolist()}) == 1:
        raise Mistake("All rows get the same draw: each row has a dart of its own.")
    again = _run(function, _Guess(*COIN), ids, places)[:, 2]
    if not torch.equal(found, again):
        raise Mistake("The same generator seed draws something else: pass `generator` on to the sampling.")


def _as_often_as_the_generator_says(function: Callable) -> None:
    old, new = 6, 7
    ids = torch.tensor([[2, 5, old, 3]]).repeat(1600, 1)
    found = _run(function, _Guess(old, new, weights=(0.25, 0.75)), ids, torch.full((1600,), 2))[:, 2]
    share = float((found == old).float().mean())
    if share == 0:
        raise Mistake(
            "The old word never comes back. Gibbs draws from all words: the old one too, as often as it is likely."
        )
    if abs(share - 0.25) > 0.04:
        raise Mistake(
            "A word with P = 0.25 is drawn in {share:.0%} of rows: draw as often as the generator says, from softmax(logits), without"
            " a temperature or a top-k.",
            share=share,
        )
    wide = _run(function, _Guess(*range(5, 20)), ids[:400], torch.full((400,), 2))[:, 2].unique().numel()
    if wide < 13:
        raise Mistake(
            "Of 15 words, all as likely, only {wide} are ever drawn: draw as often as the generator says, without a top-k.",
            wide=wide,
        )


KNOWS = (
    "yes: what it passes is a story",
    "no: it judges word by word, and passes stories that the grammar does not know",
    "no: it is no better than a coin",
)
LAST = 16


def redo_answer() -> dict[str, Any]:
    """The right answer of 12.2, from the recorded seeds."""
    found = {by: recorded_shares(by)[LAST] for by in ("critic", "random", "confidence")}
    gap = mean(found["critic"]) - mean(found["confidence"])
    beyond = abs(gap) > 2 * max(stdev(found["critic"]), stdev(found["confidence"]))
    return {by: mean(shares) for by, shares in found.items()} | {
        "beyond the spread": beyond,
        "the critic knows": KNOWS[1],
    }


def _ways_are_compared(answers: Any) -> None:
    right = redo_answer()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    for by in ("critic", "random", "confidence"):
        shares = recorded_shares(by)
        try:
            given = as_number(answers[by])
        except (TypeError, ValueError):
            raise Mistake("{by}: a number, the mean share after {last} redrawn words.", by=by, last=LAST) from None
        if abs(given - right[by]) < 0.002:
            continue
        if abs(given - max(shares[LAST])) < 0.002:
            raise Mistake("{by}: that is the best seed. The best of five flatters: take the mean.", by=by)
        if abs(given - mean(shares[0])) < 0.002:
            raise Mistake(
                "{by}: that is before anything is drawn again. Look at the last entry, after {last}.", by=by, last=LAST
            )
        raise Mistake(
            "{by}: the mean of lab.recorded_shares({by!r})[{last}] is not {given:.3f}.", by=by, last=LAST, given=given
        )
    if not isinstance(answers["beyond the spread"], bool):
        raise Mistake("beyond the spread: True or False.")
    if answers["beyond the spread"] != right["beyond the spread"]:
        raise Mistake(
            "beyond the spread: is |mean critic − mean confidence| more than twice the larger standard deviation?"
        )
    if answers["the critic knows"] not in KNOWS:
        raise Mistake("the critic knows: one of {knows}.", knows=joined(KNOWS))
    if answers["the critic knows"] == KNOWS[0]:
        raise Mistake(
            "The critic knows truth? Count in the table the stories that it passes and the grammar does not accept."
        )
    if answers["the critic knows"] != KNOWS[1]:
        raise Mistake("Compare with random redrawing: a coin would have gained nothing.")


# A world of three sentences, with their probabilities.
WORLD = {("sun", "shines"): 0.5, ("rain", "falls"): 0.25, ("rain", "shines"): 0.25}
PERPLEXITY = (
    "yes, as it is",
    "yes, after dividing by the length",
    "no: these products are no probabilities of sentences",
)


def _given(place: int, word: str, other: str) -> float:
    """P of a word at a place, the other place being known."""
    pairs = {pair: p for pair, p in WORLD.items() if pair[1 - place] == other}
    total = sum(pairs.values())
    return sum(p for pair, p in pairs.items() if pair[place] == word) / total if total else 0.0


def three_sentences() -> dict[str, Any]:
    """The right answer of 12.3."""
    products = sum(_given(0, first, second) * _given(1, second, first) for first, second in WORLD)
    alone = [
        {w: sum(p for pair, p in WORLD.items() if pair[at] == w) for w in {pair[at] for pair in WORLD}} for at in (0, 1)
    ]
    possible = sum(alone[0][first] * alone[1][second] for first, second in WORLD)
    chain = sum(alone[0][first] * _given(1, second, first) for first, second in WORLD)
    return {"products": products, "chain": chain, "at once": 1 - possible, "perplexity": PERPLEXITY[2]}


def _products_are_no_probabilities(answers: Any) -> None:
    right = three_sentences()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    try:
        given = {key: as_number(answers[key]) for key in ("products", "chain", "at once")}
    except (TypeError, ValueError):
        raise Mistake("products, chain and at once are numbers.") from None
    if abs(given["products"] - 1) < 0.01:
        raise Mistake(
            "You took the products of masked conditionals for probabilities. Work them out: 2/3 · 1 for sun shines …"
        )
    if abs(given["products"] - 2 / 3) < 0.01:
        raise Mistake("That is one sentence, sun shines. Add up all three.")
    if abs(given["products"] - right["products"]) > 0.01:
        raise Mistake("products: P(first | second) · P(second | first) for each sentence, then the sum of the three.")
    if abs(given["chain"] - 1) > 0.01:
        raise Mistake(
            "chain: P(first) · P(second | first) is the sentence's own probability; the three are all there are."
        )
    if abs(given["at once"] - (1 - right["at once"])) < 0.01:
        raise Mistake("at once: that is the share of possible sentences. The impossible one is asked for: sun falls.")
    if abs(given["at once"]) < 0.01:
        raise Mistake("Blanks filled at once do not know of each other: P(sun) · P(falls) is not 0.")
    if abs(given["at once"] - right["at once"]) > 0.01:
        raise Mistake("at once: both blanks drawn by what each is without the other. How often is that sun falls?")
    if answers["perplexity"] not in PERPLEXITY:
        raise Mistake("perplexity: one of {perplexity}.", perplexity=joined(PERPLEXITY))
    if answers["perplexity"] != PERPLEXITY[2]:
        raise Mistake(
            "Perplexity from an MLM? It is defined by probabilities that sum to 1 over all sentences; your products do not."
        )


EXERCISES = (
    Exercise(
        id="12.1",
        title="One Gibbs step",
        kind="build",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "gibbs_step(ids, positions, guess, mask_id, generator=None) → new ids (B, L): in each row the token at its position"
            " is hidden and drawn anew from softmax(guess(hidden rows, positions (B, 1))), all others stay."
        ),
        checks=(_one_place_a_row, _it_is_drawn, _as_often_as_the_generator_says),
        hints=(
            "positions[:, None] is (B, 1). ids.scatter(1, where, value) gives a copy with the value at one place a row.",
            "hidden = ids.scatter(1, where, mask_id); sample_tokens(guess(hidden, where), generator=generator); scatter again.",
        ),
        solution=gibbs_step,
        fallback=package_step,
        variable="gibbs_step",
    ),
    Exercise(
        id="12.2",
        title="Who picks",
        kind="measure",
        minutes=12,
        difficulty=2,
        specification=(
            "From the recorded seeds the mean share of accepted stories after 16 redrawn words, chosen by critic, at random and"
            " by confidence; whether critic and confidence differ by more than the spread; whether the critic knows what is right."
        ),
        checks=(_ways_are_compared,),
        hints=(
            'lab.recorded_shares("critic")[16] are five shares; statistics.mean and stdev.',
            "The table above: how many stories does the critic pass that the grammar does not accept?",
        ),
        solution=redo_answer(),
        variable="my_redo",
        why="The critic asks each word whether it fits; a story needs all of them to fit together.",
    ),
    Exercise(
        id="12.3",
        title="A world of three sentences",
        kind="decide",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "The sum of the products of masked conditionals over three sentences; the sum by the chain rule; how often blanks"
            " filled at once give an impossible sentence; and whether a masked language model has a perplexity."
        ),
        checks=(_products_are_no_probabilities,),
        hints=(
            "P(sun | shines): of all that shines (0.75), the sun has 0.5. P(shines | sun): the sun does nothing else.",
            "2/3 · 1 + 1 · 1/2 + 1/3 · 1/2. For at once: P(sun) · P(falls), each without the other.",
        ),
        solution=three_sentences(),
        variable="my_sums",
        why="Each conditional sums to 1 over its own word; nothing makes their product sum to 1 over sentences. The chain rule does.",
    ),
)
