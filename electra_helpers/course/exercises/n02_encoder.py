"""Exercises of notebook 02: attention, heads, what moves what, and where the parameters are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from electra_helpers.config import ModelConfig
from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.exercises.attending import (
    attends_with_mask,
    attends_without_mask,
    attention,
    gradient_comes_back,
    low_scores_are_kept,
    strong_scores_are_hidden,
)
from electra_helpers.language import ITEMS, joined, worded, wording
from electra_helpers.model.encoder import SelfAttention


def multi_head(x, qkv, out, heads, attend, mask=None):
    """Multi-head self-attention, (B, L, H) → (B, L, H): cut into heads, attend in each, join, and one matrix behind it."""
    batch, length, hidden = x.shape
    parts = qkv(x).view(batch, length, 3, heads, hidden // heads)  # (B, L, 3, A, D)
    q, k, v = parts.permute(2, 0, 3, 1, 4)  # each (B, A, L, D)
    mixed = attend(q, k, v, mask)  # (B, A, L, D)
    joined = mixed.transpose(1, 2).reshape(batch, length, hidden)  # heads side by side again
    return out(joined)


BATCH, LENGTH, HIDDEN, HEADS = 2, 5, 12, 3  # D = 4: all different


class _WatchedLayer:
    """The package's attention layer with its three parts handed out, remembering what they were given."""

    def __init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(4)
            config = ModelConfig(hidden_size=HIDDEN, num_heads=HEADS, attention_dropout=0.0, initializer_range=0.5)
            self.layer = SelfAttention(config).eval()
            self.x = torch.randn(BATCH, LENGTH, HIDDEN)
        self.mask = torch.tensor([[True] * LENGTH, [True] * 3 + [False] * 2])[:, None, None]  # (B, 1, 1, L)
        self.heads: list[tuple[Tensor, ...]] = []  # q, k, v and what came out, call by call: one, or one a head
        self.joined: Tensor | None = None

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        shape = (BATCH, HEADS, LENGTH, HIDDEN // HEADS)
        allowed = (shape, (BATCH, 1, *shape[2:]), (BATCH, *shape[2:]))  # all heads, or one of them
        for name, given in zip("qkv", (q, k, v), strict=True):
            if tuple(given.shape) not in allowed or given.shape != q.shape:
                raise Mistake(
                    "attend wants {name} as (B, A, L, D) = {right}; you hand it {found}.",
                    name=name,
                    right=shape,
                    found=tuple(given.shape),
                )
        if mask is None and self.has_mask:
            raise Mistake("The mask does not reach attend: padding is read like any word. Hand it on.")
        mixed = attention(q, k, v, mask)
        if mixed.shape != q.shape:
            raise Mistake(
                "One head, {queries}, wants a mask (B, 1, L); you hand it {mask}.",
                queries=tuple(q.shape),
                mask=tuple(mask.shape),
            )
        self.heads.append(tuple((x if x.dim() == 4 else x[:, None]).float() for x in (q, k, v, mixed)))
        return mixed

    @property
    def attended(self) -> tuple[Tensor, ...]:
        """q, k, v and what attend gave, each (B, A, L, D)."""
        return tuple(torch.cat(parts, dim=1) for parts in zip(*self.heads, strict=True))

    def out(self, joined: Tensor) -> Tensor:
        self.joined = joined
        return self.layer.out(joined)

    def run(self, function: Callable, mask: Tensor | None = None) -> Any:
        self.heads, self.has_mask = [], mask is not None
        found = function(self.x, self.layer.qkv, self.out, HEADS, self.attend, mask)
        if not self.heads:
            raise Mistake("attend is never called: let every head attend with the function that is handed in.")
        return found


def _heads_are_cut(function: Callable) -> None:
    watched = _WatchedLayer()
    watched.run(function, watched.mask)
    if watched.attended[0].shape[1] != HEADS:
        raise Mistake("{shape} heads attended; there are {heads}.", shape=watched.attended[0].shape[1], heads=HEADS)
    right = [part.view(BATCH, LENGTH, HEADS, -1).transpose(1, 2) for part in watched.layer.qkv(watched.x).chunk(3, -1)]
    for name, given, expected in zip(("queries", "keys", "values"), watched.attended[:3], right, strict=True):
        if not torch.allclose(given, expected, atol=1e-5):
            raise Mistake(_how_it_was_cut(name, given, right, watched.layer.qkv(watched.x).chunk(3, -1)))


def _how_it_was_cut(name: str, given: Tensor, right: list[Tensor], parts: tuple[Tensor, ...]) -> str:
    """What a learner did instead of cutting every token's vector into slices that lie next to each other."""
    if any(torch.allclose(given, part.reshape(given.shape), atol=1e-5) for part in parts):
        return wording(
            "Right shape, wrong contents: view alone cuts the memory in its old order and mixes tokens. First (B, L, A,"
            " D), then transpose(1, 2)."
        )
    if any(torch.allclose(given, part.view(BATCH, LENGTH, -1, HEADS).permute(0, 3, 1, 2), atol=1e-5) for part in parts):
        return wording(
            "Head 0 got every third number. A head takes D numbers that lie next to each other: view(B, L, heads, D)."
        )
    if any(torch.allclose(given, other, atol=1e-5) for other in right):
        return worded(
            "The {name} are not in their place: qkv gives H numbers of queries, then H of keys, then H of values.",
            name=name,
        )
    return worded(
        "The {name} are cut wrongly: head a of token l has the a-th slice of D numbers of that token's H.", name=name
    )


def _heads_are_joined(function: Callable) -> None:
    watched = _WatchedLayer()
    watched.x.requires_grad_()
    found = watched.run(function, watched.mask)
    if not isinstance(found, Tensor) or found.shape != watched.x.shape:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise Mistake(
            "One vector a token should come out, (B, L, H) = {right}, not {found}.",
            right=tuple(watched.x.shape),
            found=shape,
        )
    found, mixed = found.float(), watched.attended[3]
    right, mixed_up = mixed.transpose(1, 2).reshape(found.shape), mixed.reshape(found.shape)
    if any(each is not None and torch.allclose(each, mixed_up, atol=1e-5) for each in (found, watched.joined)):
        raise Mistake(
            "The heads are joined without swapping back: a token gets numbers of its neighbours. First transpose(1, 2),"
            " then reshape(B, L, H)."
        )
    if torch.allclose(found, right, atol=1e-5):
        raise Mistake("The heads lie side by side and never meet: out(…) is missing, the matrix that mixes them.")
    if not torch.allclose(found, watched.layer(watched.x, watched.mask), atol=1e-4):
        raise Mistake("The result is not that of the package: is there more than split, attend, join, out?")
    gradient = torch.autograd.grad(found.sum(), watched.x, allow_unused=True)[0] if found.requires_grad else None
    if gradient is None or not gradient.any():
        raise Mistake(
            "No gradient flows back to x: nothing could be learnt. Do not detach, and do not go through numpy or .tolist()."
        )
    with torch.no_grad():
        if not torch.allclose(watched.run(function).float(), watched.layer(watched.x, None), atol=1e-4):
            raise Mistake("Without a mask (None) every key is read: hand None on to attend.")


MOVES = {
    "the last word moves vector 1": True,
    "padding moves a real vector, with the mask": False,
    "padding moves a real vector, without the mask": True,
}


def _moves_are_measured(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(MOVES):
        raise Mistake("Keep the dictionary as it is: three statements, each True or False.")
    first, masked, unmasked = (bool(answers[key]) for key in MOVES)
    if not first:
        raise Mistake(
            "ELECTRA does not read from left to right: every vector depends on every word. Print the difference for the"
            " first word again."
        )
    if masked:
        raise Mistake("With the mask the weight of padding is exactly 0. Did you pass attention_mask in both calls?")
    if not unmasked:
        raise Mistake(
            "Padding is not harmless: without a mask it is read like a word. Run the last measurement with"
            " attention_mask=None."
        )


TABLE = {"E=128": 30_522 * 128, "E=256": 30_522 * 256, "share of Base": 30_522 * 768 / 109e6}


def _parameters_are_counted(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(TABLE):
        raise Mistake("Keep the dictionary as it is, with {table}.", table=joined(TABLE, ITEMS))
    try:
        given = {key: as_number(value) for key, value in answers.items()}
    except (TypeError, ValueError):
        raise Mistake("Give numbers: two counts, and a share between 0 and 1.") from None
    for key in ("E=128", "E=256"):
        if given[key] == TABLE[key] + 512 * int(key[2:]):
            raise Mistake(
                "{key}: that includes the position table. The word table alone has one row a piece of the vocabulary.",
                key=key,
            )
        if given[key] != TABLE[key]:
            raise Mistake("{key}: one row of E numbers for each of the 30,522 pieces.", key=key)
    share = given["share of Base"]
    if 15 < share < 30:
        raise Mistake("The share is asked as a number between 0 and 1, not in per cent.")
    if share < 0.1:
        raise Mistake(
            "Not all parameters sit in attention: Base has E = 768, and one row for each of 30,522 pieces. Divide that"
            " by 109 million."
        )
    if abs(share - TABLE["share of Base"]) > 0.006:
        raise Mistake("Base has E = 768 and 109 million parameters in its discriminator (paper).")


EXERCISES = (
    Exercise(
        id="02.1",
        title="Attention",
        kind="build",
        minutes=15,
        difficulty=2,
        starred=True,
        specification=(
            "attention(q, k, v, mask=None): q (B, A, Lq, D), k and v (B, A, Lk, D), mask (B, 1, 1, Lk) True where a key"
            " may be read → (B, A, Lq, D)."
        ),
        checks=(
            attends_without_mask,
            attends_with_mask,
            low_scores_are_kept,
            strong_scores_are_hidden,
            gradient_comes_back,
        ),
        hints=(
            (
                "Scores are q @ k.transpose(-1, -2), one for each query and key. Scale them, hide keys, softmax, mix"
                " the values."
            ),
            "scores.masked_fill(~mask, float('-inf')) before scores.softmax(dim=-1).",
        ),
        solution=attention,
        fallback=attention,
        variable="attention",
    ),
    Exercise(
        id="02.2",
        title="Many heads",
        kind="build",
        minutes=12,
        difficulty=2,
        specification=(
            "multi_head(x, qkv, out, heads, attend, mask=None): x (B, L, H); qkv(x) is (B, L, 3H): queries, keys, values;"
            " each is cut into heads (B, A, L, D), where head a gets the a-th slice of D = H / A numbers; attend(q, k, v,"
            " mask); the heads side by side again (B, L, H); out of that."
        ),
        checks=(_heads_are_cut, _heads_are_joined),
        hints=(
            "Cutting is two moves: the last axis in two, then swap two axes. Joining is the same two, backwards.",
            (
                "q, k, v = qkv(x).chunk(3, dim=-1); each .view(B, L, heads, H // heads).transpose(1, 2); at the end"
                " .transpose(1, 2).reshape(B, L, H)."
            ),
        ),
        solution=multi_head,
        fallback=multi_head,
        variable="multi_head",
    ),
    Exercise(
        id="02.3",
        title="What moves what?",
        kind="measure",
        minutes=8,
        difficulty=2,
        starred=True,
        specification="True or False for three statements, measured on an encoder.",
        checks=(_moves_are_measured,),
        hints=(
            "Run the encoder twice and print the largest absolute difference of the vectors in question.",
            "With the mask the difference is exactly 0; without it, it is not.",
        ),
        solution=MOVES,
        variable="my_findings",
        why="Attention reads in both directions, and what it must not read has to be masked.",
    ),
    Exercise(
        id="02.4",
        title="Where the parameters are",
        kind="decide",
        minutes=5,
        difficulty=1,
        specification=(
            "Parameters of the word table for V = 30,522 with E = 128 and E = 256, and its share of Base (E = 768, 109"
            " million)."
        ),
        checks=(_parameters_are_counted,),
        hints=("The table has V rows of E numbers.", "Base: 30,522 · 768 divided by 109 million."),
        solution=TABLE,
        variable="my_counts",
        why=(
            "A fifth of Base is its word table: why ELECTRA-Small projects from E = 128, and why sharing the table"
            " matters."
        ),
    ),
)
