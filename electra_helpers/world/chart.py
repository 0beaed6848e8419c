"""Exact sums over everything that a register grammar can say.

A *register grammar* is a graph from a start to an end. An arc emits words; a word is fixed or is looked up in a table
by the values of a few registers, which are drawn once for the whole text. The question is always the same: some words
are visible, the others are hidden; how are the hidden ones distributed?

Three ideas keep the sum exact and small. (1) Walk the graph once forward and once backward over (node, position), as
for a hidden Markov model. (2) At a node remember only the registers that are used both before and after it; the others
are summed out at once (variable elimination). (3) Register values that no visible word tells apart are *lumped*: with
60 names and two of them visible, a name has four values: these two, another woman's, another man's. Where tables
would still be large, values that the words so far rule out are dropped.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple

import numpy as np

HIDDEN = -1  # in a text given as word ids
LARGE = 500_000  # entries of a table from which on it pays to drop what is ruled out


class Factor(NamedTuple):
    """A table over the values of some registers: of weights, or of word ids."""

    registers: tuple[str, ...]
    table: np.ndarray


class Arc(NamedTuple):
    """A step from node to node that emits words: `slots` index into the grammar's word tables."""

    source: int
    target: int
    weight: float
    slots: tuple[int, ...]
    condition: Factor | None = None  # a weight that depends on registers


@dataclass(eq=False)
class Grammar:
    """Nodes are numbered so that every arc leads upwards; node 0 is the start, the last one the end.

    `priors` maps a register to its weights: (n,) without a parent, (n_parent, n) with one; a parent has no parent.
    """

    priors: dict[str, np.ndarray]
    parents: dict[str, str]
    words: list[Factor]  # word tables, registers in the order of `priors`; a fixed word has no registers
    arcs: list[Arc]
    n_nodes: int
    n_words: int
    plans: list[_ArcPlan] = field(init=False)

    def __post_init__(self):
        assert all(arc.source < arc.target for arc in self.arcs)
        assert not any(parent in self.parents for parent in self.parents.values())
        self.order = {name: number for number, name in enumerate(self.priors)}
        self.leaving: dict[int, list[int]] = defaultdict(list)
        for number, arc in enumerate(self.arcs):
            self.leaving[arc.source].append(number)
        live = self._live_registers()
        self.plans = [self._plan(arc, live) for arc in self.arcs]
        self.shortest, self.longest = self._lengths_to_end()
        self.columns = {name: self._columns(name) for name in self.priors}
        self._joints: dict[int, _Joint] = {}

    def closure(self, names: Iterable[str]) -> tuple[str, ...]:
        """Registers with their parents, in the grammar's order."""
        both = set(names) | {self.parents[name] for name in names if name in self.parents}
        return tuple(sorted(both, key=self.order.__getitem__))

    def used_by(self, arc: Arc) -> tuple[str, ...]:
        names = {name for slot in arc.slots for name in self.words[slot].registers}
        return self.closure(names | set(arc.condition.registers if arc.condition else ()))

    def _live_registers(self) -> list[tuple[str, ...]]:
        """For every node the registers that are used on some way to it and on some way from it."""
        before: list[set[str]] = [set() for _ in range(self.n_nodes)]
        after: list[set[str]] = [set() for _ in range(self.n_nodes)]
        for arc in sorted(self.arcs, key=lambda arc: arc.source):
            before[arc.target] |= before[arc.source] | set(self.used_by(arc))
        for arc in sorted(self.arcs, key=lambda arc: -arc.source):
            after[arc.source] |= after[arc.target] | set(self.used_by(arc))
        return [tuple(n for n in self.priors if n in b and n in a) for b, a in zip(before, after, strict=True)]

    def _plan(self, arc: Arc, live: list[tuple[str, ...]]) -> _ArcPlan:
        source, target = live[arc.source], live[arc.target]
        present = {*source, *target, *self.used_by(arc)}
        scope = tuple(name for name in self.priors if name in present)
        fixed = [(at, int(self.words[i].table)) for at, i in enumerate(arc.slots) if not self.words[i].registers]
        varied = [(at, i) for at, i in enumerate(arc.slots) if self.words[i].registers]
        born = tuple(name for name in scope if name not in source)
        return _ArcPlan(scope, source, target, born, tuple(fixed), tuple(varied))

    def _lengths_to_end(self) -> tuple[np.ndarray, np.ndarray]:
        shortest, longest = np.full(self.n_nodes, 10**6), np.full(self.n_nodes, -(10**6))
        shortest[-1] = longest[-1] = 0
        for arc in sorted(self.arcs, key=lambda arc: -arc.source):
            shortest[arc.source] = min(shortest[arc.source], shortest[arc.target] + len(arc.slots))
            longest[arc.source] = max(longest[arc.source], longest[arc.target] + len(arc.slots))
        return shortest, longest

    def _columns(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """What a register's values decide: (n, columns) word ids, and (n, columns) weights of conditional arcs."""

        def stacked(factors: Iterable[Factor], dtype) -> np.ndarray:
            rows = [np.moveaxis(f.table, f.registers.index(name), 0) for f in factors if name in f.registers]
            flat = [row.reshape(len(row), -1) for row in rows] or [np.zeros((self.priors[name].shape[-1], 0))]
            return np.unique(np.concatenate(flat, axis=1), axis=1).astype(dtype)

        conditions = (arc.condition for arc in self.arcs if arc.condition)
        return stacked(self.words, np.int64), stacked(conditions, np.float64)

    def joint(self, slot: int) -> _Joint:
        """Every possible value combination of a word table's registers and their parents, with weight and word."""
        if slot not in self._joints:
            self._joints[slot] = self._joint(self.words[slot])
        return self._joints[slot]

    def _joint(self, factor: Factor) -> _Joint:
        scope = self.closure(factor.registers)
        sizes = [self.priors[name].shape[-1] for name in scope]
        weight = reduce(np.multiply, (self._prior_in(name, scope) for name in scope), np.ones(sizes))
        word = np.broadcast_to(_aligned(factor.table, factor.registers, scope), sizes)
        possible = weight > 0
        return _Joint(scope, np.nonzero(possible), weight[possible], word[possible])

    def _prior_in(self, name: str, scope: tuple[str, ...]) -> np.ndarray:
        if name not in self.parents:
            return _aligned(self.priors[name], (name,), scope)
        axes = (self.parents[name], name)
        if self.order[axes[0]] < self.order[name]:
            return _aligned(self.priors[name], axes, scope)
        return _aligned(self.priors[name].T, axes[::-1], scope)


class _ArcPlan(NamedTuple):
    """What an arc does to registers, worked out once: all that it touches, and which of them are live around it."""

    scope: tuple[str, ...]
    source: tuple[str, ...]
    target: tuple[str, ...]
    born: tuple[str, ...]  # registers whose prior enters here
    fixed: tuple[tuple[int, int], ...]  # (offset, word id)
    varied: tuple[tuple[int, int], ...]  # (offset, word table)


class _Joint(NamedTuple):
    scope: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    weight: np.ndarray
    word: np.ndarray


def _aligned(table: np.ndarray, registers: Sequence[str], scope: Sequence[str]) -> np.ndarray:
    """View a table over some registers as one over the whole scope, with axes of size 1; both are in the same order."""
    sizes = dict(zip(registers, table.shape, strict=True))
    return table.reshape([sizes.get(name, 1) for name in scope])


def _sum_to(table: np.ndarray, scope: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    gone = tuple(axis for axis, name in enumerate(scope) if name not in wanted)
    return table.sum(axis=gone) if gone else table


class ImpossibleText(ValueError):
    """The grammar cannot say the visible words at their places."""


class _Message(NamedTuple):
    """A table over registers; of a large one only the values that are still possible are kept, and `values` tells which."""

    values: tuple[np.ndarray, ...] | None  # ascending, one array a register; None: all
    table: np.ndarray

    def at(self, wanted: Iterable[np.ndarray]) -> np.ndarray:
        """The table at some of its values."""
        return self.table[np.ix_(*map(np.searchsorted, self.values, wanted))] if self.values else self.table

    def plus(self, other: _Message) -> _Message:
        if not self.values:
            return _Message(self.values, self.table + other.table)
        values = tuple(map(np.union1d, self.values, other.values))
        table = np.zeros([len(v) for v in values])
        for message in (self, other):
            table[np.ix_(*map(np.searchsorted, values, message.values))] += message.table
        return _Message(values, table)


Values = dict[str, np.ndarray] | None  # for each register of an arc's scope those of its values that are looked at


def _picked(factor: np.ndarray, values: Values) -> np.ndarray:
    """A factor at some values of each register; an axis of size 1 stays."""
    if not values:
        return factor
    sizes = zip(values.values(), factor.shape, strict=True)
    return factor[np.ix_(*(v if size > 1 else np.zeros(1, int) for v, size in sizes))]


def _compact(table: np.ndarray, names: Sequence[str], values: Values) -> _Message:
    """A table over some registers, without the values that have no weight in it."""
    if values is None or not names:
        return _Message(None if values is None else (), table)
    axes = range(table.ndim)
    kept = [np.flatnonzero(table.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
    return _Message(tuple(values[n][k] for n, k in zip(names, kept, strict=True)), table[np.ix_(*kept)])


class Chart:
    """All readings of one text whose hidden words are `HIDDEN`; raises ImpossibleText if there is none."""

    def __init__(self, grammar: Grammar, text: Sequence[int]):
        self.grammar, self.text = grammar, np.asarray(text)
        self.visible = np.zeros(grammar.n_words + 1, dtype=bool)  # the last one stands for "no visible word"
        self.visible[self.text[self.text != HIDDEN]] = True
        self._lump()
        self.drops = self._largest() > LARGE
        self._seen: dict[tuple[int, int], np.ndarray] = {}
        self._factors: dict[tuple[int, bytes], np.ndarray | None] = {}
        self._emissions: dict[int, tuple[tuple[str, ...], np.ndarray]] = {}
        self.edges: list[tuple[int, int, _Message, np.ndarray]] = []  # (arc, position, message, factor)
        self._forward()
        self._backward()

    def _lump(self) -> None:
        """Number the values of every register so that values which nothing visible tells apart share a number."""
        grammar, self.lump, self.first = self.grammar, {}, {}
        for name in sorted(grammar.priors, key=lambda name: name not in grammar.parents):  # children before parents
            words, weights = grammar.columns[name]
            rows = [np.where(self.visible[words], words, HIDDEN), weights]
            for child in (child for child, parent in grammar.parents.items() if parent == name):
                rows.append(np.round(_grouped(grammar.priors[child], self.lump[child]), 12))
            keys = [row.tobytes() for row in np.concatenate(rows, axis=1)]
            numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
            self.lump[name] = np.array([numbers[key] for key in keys])
            self.first[name] = np.array([keys.index(key) for key in numbers])
        self.prior = {name: self._lumped_prior(name) for name in grammar.priors}

    def _lumped_prior(self, name: str) -> Factor:
        grouped = _grouped(np.atleast_2d(self.grammar.priors[name]), self.lump[name])
        if name not in self.grammar.parents:
            return Factor((name,), grouped[0])
        parent = self.grammar.parents[name]
        weight = self.grammar.priors[parent]
        share = _grouped((weight[:, None] * grouped).T, self.lump[parent]).T
        total = _grouped(weight[None], self.lump[parent])[0]
        table = np.divide(share, total[:, None], out=np.zeros_like(share), where=total[:, None] > 0)
        if self.grammar.order[parent] < self.grammar.order[name]:
            return Factor((parent, name), table)
        return Factor((name, parent), table.T)

    def _likelihood(self, slot: int, word: int) -> np.ndarray:
        """Which lumped values of a word table's registers show this visible word: 0 or 1."""
        if (slot, word) not in self._seen:
            registers, table = self.grammar.words[slot]
            self._seen[slot, word] = table[np.ix_(*(self.first[name] for name in registers))] == word
        return self._seen[slot, word]

    def _factor(self, number: int, position: int) -> np.ndarray | None:
        """An arc's weight over its scope if it is read at a position; None if the text contradicts it."""
        end = position + len(self.grammar.arcs[number].slots)
        key = (number, self.text[position:end].tobytes())  # hidden stretches recur
        if key not in self._factors:
            self._factors[key] = self._new_factor(number, position)
        return self._factors[key]

    def _new_factor(self, number: int, position: int) -> np.ndarray | None:
        arc, plan, grammar = self.grammar.arcs[number], self.grammar.plans[number], self.grammar
        for offset, word in plan.fixed:
            if self.text[position + offset] not in (HIDDEN, word):
                return None
        factor = np.full((1,) * len(plan.scope), arc.weight)
        for offset, slot in plan.varied:
            word = self.text[position + offset]
            if word != HIDDEN:
                match = self._likelihood(slot, word)
                if not match.any():
                    return None
                factor = factor * _aligned(match, grammar.words[slot].registers, plan.scope)
        if arc.condition is not None:
            names, table = arc.condition
            factor = factor * _aligned(table[np.ix_(*(self.first[n] for n in names))], names, plan.scope)
        for name in plan.born:
            factor = factor * _aligned(self.prior[name].table, self.prior[name].registers, plan.scope)
        return factor

    def _largest(self) -> int:
        """How large a table may become."""
        sizes = {name: len(first) for name, first in self.first.items()}
        return max(math.prod(sizes[name] for name in plan.scope) for plan in self.grammar.plans)

    def _forward(self) -> None:
        grammar, length = self.grammar, len(self.text)
        self.messages: list[dict[int, _Message]] = [{} for _ in range(grammar.n_nodes)]
        self.messages[0][0] = self.one = _Message(() if self.drops else None, np.ones(()))
        for node in range(grammar.n_nodes):
            for position, message in self.messages[node].items():
                for number in grammar.leaving[node]:
                    self._extend(number, position, message, length)
        if length not in self.messages[-1]:
            raise ImpossibleText("The grammar cannot say this text: look for a word that does not fit the others.")
        self.total = float(self.messages[-1][length].table)

    def _extend(self, number: int, position: int, message: _Message, length: int) -> None:
        arc, plan, grammar = self.grammar.arcs[number], self.grammar.plans[number], self.grammar
        end = position + len(arc.slots)
        if not grammar.shortest[arc.target] <= length - end <= grammar.longest[arc.target]:
            return
        factor = self._factor(number, position)
        if factor is None:
            return
        values = self._values(plan, message)
        wide = _aligned(message.table, plan.source, plan.scope) * _picked(factor, values)
        table = _sum_to(wide, plan.scope, plan.target)
        if not table.any():
            return
        out = _compact(table, plan.target, values)
        self.edges.append((number, position, message, factor))
        there = self.messages[arc.target]
        there[end] = there[end].plus(out) if end in there else out

    def _values(self, plan: _ArcPlan, before: _Message, after: _Message | None = None) -> Values:
        """The values that are possible before an arc, and on request after it; None where none are dropped."""
        if not self.drops:
            return None
        values = {name: np.arange(len(self.first[name])) for name in plan.scope}
        values |= zip(plan.source, before.values, strict=True)
        for name, later in zip(plan.target, after.values, strict=True) if after else ():
            values[name] = np.intersect1d(values[name], later, assume_unique=True)
        return values

    def _backward(self) -> None:
        """Go back over the edges; keep for each its joint weight (over its scope) with the rest of the text."""
        back = {(self.grammar.n_nodes - 1, len(self.text)): self.one}
        self.joint: list[tuple[int, int, Values, np.ndarray]] = []
        for number, position, message, factor in reversed(self.edges):
            arc, plan = self.grammar.arcs[number], self.grammar.plans[number]
            after = back.get((arc.target, position + len(arc.slots)))
            if after is None:
                continue
            values = self._values(plan, message, after)
            there, here = after.table, message.table
            if values:
                there, here = after.at(values[n] for n in plan.target), message.at(values[n] for n in plan.source)
            weight = _picked(factor, values) * _aligned(there, plan.target, plan.scope)
            if values:  # a register that only other arcs from here need has an axis of size 1 in both
                weight = np.broadcast_to(weight, [len(v) for v in values.values()])
            toward = _compact(_sum_to(weight, plan.scope, plan.source), plan.source, values)
            key = (arc.source, position)
            back[key] = back[key].plus(toward) if key in back else toward
            self.joint.append((number, position, values, weight * _aligned(here, plan.source, plan.scope)))

    def _emission(self, slot: int) -> tuple[tuple[str, ...], np.ndarray]:
        """For a word table: the registers it hangs on, and (lumps, words) how the word is distributed within a lump."""
        if slot not in self._emissions:
            scope, values, weight, word = self.grammar.joint(slot)
            sizes = [len(self.first[name]) for name in scope]
            lumps = np.ravel_multi_index([self.lump[n][v] for n, v in zip(scope, values, strict=True)], sizes)
            flat = np.bincount(lumps * self.grammar.n_words + word, weight, int(np.prod(sizes)) * self.grammar.n_words)
            table = flat.reshape(-1, self.grammar.n_words)
            total = table.sum(axis=1, keepdims=True)
            self._emissions[slot] = scope, np.divide(table, total, out=np.zeros_like(table), where=total > 0)
        return self._emissions[slot]

    def distributions(self, positions: Sequence[int]) -> np.ndarray:
        """(len(positions), words): the distribution of the word at each of these hidden positions."""
        row = {position: number for number, position in enumerate(positions)}
        out = np.zeros((len(row), self.grammar.n_words))
        for number, start, values, weight in self.joint:
            plan, arc = self.grammar.plans[number], self.grammar.arcs[number]
            if not any(start + offset in row for offset in range(len(arc.slots))):
                continue
            for offset, word in plan.fixed:
                if start + offset in row:
                    out[row[start + offset], word] += weight.sum()
            for offset, slot in plan.varied:
                if start + offset in row:
                    scope, emission = self._emission(slot)
                    if values:
                        sizes = [len(self.first[name]) for name in scope]
                        emission = emission[np.ravel_multi_index(np.ix_(*(values[n] for n in scope)), sizes).ravel()]
                    else:
                        weight = np.broadcast_to(weight, [len(self.first[name]) for name in plan.scope])
                    out[row[start + offset]] += _sum_to(weight, plan.scope, scope).reshape(-1) @ emission
        return out / out.sum(axis=1, keepdims=True)


def _grouped(rows: np.ndarray, lump: np.ndarray) -> np.ndarray:
    """Add up the columns that share a number: (k, n) → (k, lumps)."""
    out = np.zeros((len(rows), lump.max() + 1))
    np.add.at(out.T, lump, rows.T)
    return out
