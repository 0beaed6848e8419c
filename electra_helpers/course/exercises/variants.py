"""Changed specifications for marked work: the functions of 03 and 04 with rules that a seed decides, so that no printed solution fits.

`electra course variants --seed S` writes a notebook with them; the checks know the seed from the number of the exercise, "v7.1".
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from electra_helpers.corruption import Selection
from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.errors import ElectraError
from electra_helpers.language import wording

PAD, CLS, SEP, MASK = 0, 2, 3, 4
UNSELECTABLE = (PAD, CLS, SEP, MASK)
NUMBER = re.compile(r"v(\d{1,9})\.([123])")


@dataclass(frozen=True)
class Rules:
    """What a seed decides."""

    seed: int
    share: float
    rounding: str  # up or down
    of: str  # real tokens or candidates
    least: int
    goes_on: bool  # a word that does not fit is passed over, instead of ending the draw
    untouched: int  # label of a token that was not selected
    lucky: int  # selected, and the right token came back
    replaced: int


def rules(seed: int) -> Rules:
    """The rules of a seed, the same on every machine."""
    chance = random.Random(f"electra variants {seed}")
    untouched, lucky, replaced = chance.sample(range(3), 3)
    return Rules(
        seed=seed,
        share=chance.choice((0.1, 0.2, 0.25, 0.3)),
        rounding=chance.choice((wording("up"), wording("down"))),
        of=chance.choice(("real tokens", "candidates")),
        least=chance.choice((1, 2, 3)),
        goes_on=chance.choice((True, False)),
        untouched=untouched,
        lucky=lucky,
        replaced=replaced,
    )


def wanted_count(rule: Rules, ids: list[int]) -> int:
    """How many positions of a row are selected."""
    candidates = sum(token not in UNSELECTABLE for token in ids)
    base = candidates if rule.of == "candidates" else sum(token != PAD for token in ids)
    exact = round(rule.share * base, 9)  # 0.3 · 10 is 3, not 2.9999999999999996
    count = math.ceil(exact) if rule.rounding == "up" else math.floor(exact)
    return min(max(rule.least, count), candidates)


def solve_selection(rule: Rules) -> Callable:
    """A right select_positions for these rules."""

    def select_positions(
        input_ids: Tensor, unselectable_ids: tuple, generator: torch.Generator | None = None
    ) -> Selection:
        rows = []
        for ids in input_ids.tolist():
            candidates = [at for at, token in enumerate(ids) if token not in unselectable_ids]
            order = torch.randperm(len(candidates), generator=generator)[: wanted_count(rule, ids)].tolist()
            rows.append([candidates[i] for i in order])
        most = max(1, *map(len, rows))
        positions = torch.tensor([row + [0] * (most - len(row)) for row in rows])
        return Selection(positions, torch.tensor([[i < len(row) for i in range(most)] for row in rows]))

    return select_positions


def solve_words(rule: Rules) -> Callable:
    """A right select_words for these rules."""

    def select_words(word_ids: list, budget: int, generator: torch.Generator | None = None) -> list[int]:
        places: dict[int, list[int]] = {}
        for at, word in enumerate(word_ids):
            if word is not None:
                places.setdefault(word, []).append(at)
        words, chosen = list(places.values()), []
        for i in torch.randperm(len(words), generator=generator).tolist():
            if len(chosen) + len(words[i]) <= budget:
                chosen += words[i]
            elif not rule.goes_on:
                break
        return sorted(chosen)

    return select_words


def solve_labels(rule: Rules) -> Callable:
    """A right label_three for these rules."""

    def label_three(original: Tensor, corrupted: Tensor, selection: Selection, pad_id: int) -> Tensor:
        selected = selection.as_mask(original.shape[1])
        labels = torch.full_like(original, rule.untouched)
        labels[selected] = rule.lucky
        labels[original != corrupted] = rule.replaced
        labels[original == pad_id] = -100
        return labels

    return label_three


def _batch() -> Tensor:
    """Rows of so many lengths that no two rules count alike on all of them; two [MASK]s are already in the text."""
    lengths = (40, 33, 27, 22, 17, 13, 11, 9, 7, 4, 2)
    ids = torch.zeros(len(lengths), 40, dtype=torch.long)  # (B, L)
    for row, real in enumerate(lengths):
        ids[row, :real] = torch.arange(real) % 7 + 10
        ids[row, 0], ids[row, real - 1] = CLS, SEP
    ids[0, 5] = ids[1, 4] = MASK
    return ids


def _selection_checks(rule: Rules) -> tuple[Callable, ...]:
    def counts_and_places(function: Callable) -> None:
        ids = _batch()
        for seed in range(8):
            found = function(ids.clone(), UNSELECTABLE, generator=torch.Generator().manual_seed(seed))
            if not isinstance(found, Selection):
                raise Mistake("Return Selection(positions, is_valid), not {kind}.", kind=type(found).__name__)
            for row, tokens in enumerate(ids.tolist()):
                chosen = found.positions[row][found.is_valid[row]].tolist()
                _row_is_right(rule, row, tokens, chosen)

    def by_the_generator(function: Callable) -> None:
        ids = torch.arange(60).repeat(4, 1) + 10
        draws = [function(ids, UNSELECTABLE, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
        first, again, other = (draw.positions[draw.is_valid].tolist() for draw in draws)
        if first != again or first == other:
            raise Mistake("The generator that is passed decides: the same seed, the same draw; another seed, another.")

    return counts_and_places, by_the_generator


def _row_is_right(rule: Rules, row: int, tokens: list[int], chosen: list[int]) -> None:
    if len(set(chosen)) < len(chosen):
        raise Mistake("Row {row} selects a position twice: draw without replacement.", row=row)
    if any(tokens[at] in UNSELECTABLE for at in chosen):
        raise Mistake("Row {row} selects a special token or padding: {chosen}.", row=row, chosen=chosen)
    if len(chosen) != wanted_count(rule, tokens):
        raise Mistake(
            "Row {row} should have {wanted_count} selected positions, not {count}: read again what"
            " the share is of ({of}), how it is rounded ({rounding}), and the least ({least}).",
            row=row,
            wanted_count=wanted_count(rule, tokens),
            count=len(chosen),
            of=rule.of,
            rounding=rule.rounding,
            least=rule.least,
        )


WORDS = [None, 0, 0, 0, 1, 2, 2, 3, 4, 4, 4, 4, 5, 6, 6, None, None]


def _word_checks(rule: Rules) -> tuple[Callable, ...]:
    def whole_words(function: Callable) -> None:
        leaves_room = 0
        for seed in range(60):
            chosen = function(list(WORDS), 5, generator=torch.Generator().manual_seed(seed))
            if not isinstance(chosen, list) or chosen != sorted(set(chosen)):
                raise Mistake("Return a sorted list of different positions.")
            leaves_room += _words_are_whole(chosen, budget=5)
        if rule.goes_on and leaves_room:
            raise Mistake(
                "Words that still fit are left out: one that does not fit is passed over, and the draw goes on."
            )
        if not rule.goes_on and not leaves_room:
            raise Mistake("The draw never leaves room: the first word that does not fit ends it.")

    def by_the_generator(function: Callable) -> None:
        draws = [
            tuple(function(list(WORDS), 5, generator=torch.Generator().manual_seed(s))) for s in (0, 0, *range(30))
        ]
        if draws[0] != draws[1] or len(set(draws)) < 8:
            raise Mistake("The generator that is passed decides: the same seed, the same words; others, other words.")
        if len({at for draw in draws for at in draw}) < sum(word is not None for word in WORDS):
            raise Mistake("Some words are never selected: every order of the words is equally likely.")

    return whole_words, by_the_generator


def _words_are_whole(chosen: list[int], budget: int) -> bool:
    """Raise for a cut word or too many tokens; True where a word that was not taken would still have fitted."""
    if any(WORDS[at] is None for at in chosen):
        raise Mistake("A position without a word (None) is selected: special tokens have none.")
    taken = {WORDS[at] for at in chosen}
    whole = [at for at, word in enumerate(WORDS) if word in taken and word is not None]
    if whole != chosen:
        raise Mistake("A word is selected in part: {chosen}. All of its pieces, or none.", chosen=chosen)
    if len(chosen) > budget:
        raise Mistake("{count} tokens are selected with a budget of {budget}.", count=len(chosen), budget=budget)
    left = [WORDS.count(word) for word in set(WORDS) - taken - {None}]
    return any(length <= budget - len(chosen) for length in left)


def _label_checks(rule: Rules) -> tuple[Callable, ...]:
    def labels_are_right(function: Callable) -> None:
        original = torch.tensor([[CLS, 11, 12, 13, 14, SEP, PAD], [CLS, 15, 16, SEP, PAD, PAD, PAD]])
        selection = Selection(
            torch.tensor([[1, 2, 4], [2, 0, 0]]), torch.tensor([[True, True, True], [True, False, False]])
        )
        corrupted = original.clone()
        corrupted[0, 1], corrupted[0, 4] = 99, 98  # position 2 and row 1 came back as they were
        before = original.clone(), corrupted.clone()
        found = function(original, corrupted, selection, PAD)
        if not (torch.equal(original, before[0]) and torch.equal(corrupted, before[1])):
            raise Mistake("Your function changed a tensor that it was given.")
        if not isinstance(found, Tensor) or found.shape != original.shape or found.dtype != torch.long:
            raise Mistake("Return a tensor (B, L) of integers.")
        right = solve_labels(rule)(original, corrupted, selection, PAD)
        places = (
            (wording("padding"), original == PAD),
            (wording("a token that was never selected"), ~selection.as_mask(7) & (original != PAD)),
            (wording("a selected token that came back right"), selection.as_mask(7) & (original == corrupted)),
            (wording("a replaced token"), original != corrupted),
        )
        for what, mask in places:
            if not torch.equal(found[mask], right[mask]):
                raise Mistake(
                    "{what} has the label {right}, not {found}.",
                    what=what,
                    right=right[mask][0],
                    found=found[mask].tolist(),
                )

    return (labels_are_right,)


def variants(seed: int) -> tuple[Exercise, ...]:
    """The three exercises of a seed."""
    rule = rules(seed)
    base = wording("all tokens but [PAD]") if rule.of == "real tokens" else wording("the candidates alone")
    fits = wording("is passed over, and the draw goes on with the next") if rule.goes_on else wording("ends the draw")
    common: dict[str, Any] = {"kind": "build", "minutes": 20, "difficulty": 2, "marked": True}
    return (
        Exercise(
            id=f"v{seed}.1",
            title="Another share",
            specification=(
                f"select_positions(input_ids, unselectable_ids, generator=None) → Selection(positions (B, M), is_valid (B, M)):"
                f" per row {rule.share:.0%} of {base}, rounded {rule.rounding}, at least {rule.least}, never more than there are"
                " candidates; all different; candidates are the tokens that are not in unselectable_ids, whose first is [PAD]."
            ),
            checks=_selection_checks(rule),
            hints=(
                "Write down the count of a row first, and try it on rows of 2, 4 and 11 tokens.",
                "Then notebook 03.",
            ),
            solution=solve_selection(rule),
            variable="select_positions",
            **common,
        ),
        Exercise(
            id=f"v{seed}.2",
            title="Whole words",
            specification=(
                "select_words(word_ids, budget, generator=None) → sorted list of positions: words are drawn in random order,"
                f" each with all of its tokens, at most `budget` tokens in all; a word that does not fit {fits}. word_ids"
                " holds the number of each token's word, None for special tokens and padding."
            ),
            checks=_word_checks(rule),
            hints=("First gather the positions of each word.", "torch.randperm(n, generator=generator) is an order."),
            solution=solve_words(rule),
            variable="select_words",
            **common,
        ),
        Exercise(
            id=f"v{seed}.3",
            title="Three labels",
            specification=(
                "label_three(original, corrupted, selection, pad_id) → (B, L) integers:"
                f" {rule.untouched} for a token that was not selected, {rule.lucky} for one that was selected and came back"
                f" right, {rule.replaced} for one that was replaced, -100 for padding. selection.as_mask(L) is (B, L)."
            ),
            checks=_label_checks(rule),
            hints=("Begin with one label for all, then write over it.", "In which order do you write?"),
            solution=solve_labels(rule),
            variable="label_three",
            **common,
        ),
    )


def find_variant(number: str) -> Exercise:
    """The exercise "v7.1". Raises `ElectraError` for a number of another form."""
    found = NUMBER.fullmatch(number)
    if not found:
        raise ElectraError(f"There is no exercise {number!r}: variants are numbered v<seed>.1 to v<seed>.3.")
    return variants(int(found[1]))[int(found[2]) - 1]
