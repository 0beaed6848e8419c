"""What no model can beat: the exact distribution of a hidden word of the little world's English.

The meaning (`story.py`) and its telling (`english.py`) are compiled into one register grammar, and `chart.py` adds up
everything that it could have said. From these distributions come three ceilings: of masked language modelling, of
replaced token detection for a judge that is told the other words, and whether a replacement can be noticed at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from .chart import HIDDEN, Arc, Chart, Factor, Grammar
from .story import CLOSING, OPENING, TOPICS, Step, registers
from .telling import Language, Piece, Slot, Template, language, slot_registers, slot_words, vocabulary, way_weights


class _Compiler:
    """Collects nodes, arcs and word tables; nodes are renumbered at the end so that arcs lead upwards."""

    def __init__(self, split: str):
        self.registers = registers(split)
        self.speaker: Language = language("en")
        self.ids = {word: number for number, word in enumerate(vocabulary("en"))}
        self.tables: dict[Piece, int] = {}
        self.words: list[Factor] = []
        self.arcs: list[Arc] = []
        self.n_nodes = 0

    def node(self) -> int:
        self.n_nodes += 1
        return self.n_nodes - 1

    def table(self, piece: Piece) -> int:
        """The number of a piece's word table."""
        if piece not in self.tables:
            self.tables[piece] = len(self.words)
            self.words.append(self._slot_table(piece) if isinstance(piece, Slot) else self._fixed(piece))
        return self.tables[piece]

    def _fixed(self, piece: str) -> Factor:
        return Factor((), np.array(self.ids[piece.lower()]))

    def _slot_table(self, slot: Slot) -> Factor:
        names = slot_registers(slot)
        ids = [self.ids[word.lower()] for word in slot_words(slot, self.speaker)]
        table = np.array(ids).reshape([len(self.registers[name].values) for name in names])
        axes = sorted(range(len(names)), key=lambda axis: list(self.registers).index(names[axis]))
        return Factor(tuple(names[axis] for axis in axes), table.transpose(axes))

    def steps(self, steps: Sequence[Step], source: int, target: int, weight: float = 1.0) -> None:
        """Lead from node to node through steps, some of which may be left out."""
        for number, step in enumerate(steps):
            end = target if number == len(steps) - 1 else self.node()
            self.step(step, source, end, weight)
            source, weight = end, 1.0

    def step(self, step: Step, source: int, target: int, weight: float) -> None:
        if step.probability < 1:
            self.arcs.append(Arc(source, target, weight * (1 - step.probability), ()))
        weight *= step.probability
        if step.good == step.bad:
            self.frame(step.good, source, target, weight, None)
            return
        self.frame(step.good, source, target, weight, Factor(("O",), np.array([1.0, 0.0])))
        self.frame(step.bad, source, target, weight, Factor(("O",), np.array([0.0, 1.0])))

    def frame(self, frame: str, source: int, target: int, weight: float, condition: Factor | None) -> None:
        templates = self.speaker.templates[frame]
        for template in templates:
            self.template(template, source, target, weight / len(templates), condition)

    def template(self, template: Template, source: int, target: int, weight: float, condition: Factor | None) -> None:
        for number, segment in enumerate(template):
            end = target if number == len(template) - 1 else self.node()
            for way, share in zip(segment, way_weights(len(segment)), strict=True):
                slots = tuple(self.table(piece) for piece in way)
                self.arcs.append(Arc(source, end, weight * share, slots, condition))
            source, weight, condition = end, 1.0, None

    def grammar(self) -> Grammar:
        return Grammar(
            priors={name: register.weights for name, register in self.registers.items()},
            parents={name: register.parent for name, register in self.registers.items() if register.parent},
            words=self.words,
            arcs=_renumbered(self.arcs, self.n_nodes),
            n_nodes=self.n_nodes,
            n_words=len(self.ids),
        )


def _renumbered(arcs: list[Arc], n_nodes: int) -> list[Arc]:
    """Number the nodes by the longest way from the start, so that every arc leads upwards."""
    depth = [0] * n_nodes
    changed = True
    while changed:
        changed = False
        for arc in arcs:
            if depth[arc.target] <= depth[arc.source]:
                depth[arc.target], changed = depth[arc.source] + 1, True
    number = {node: rank for rank, node in enumerate(sorted(range(n_nodes), key=depth.__getitem__))}
    return [arc._replace(source=number[arc.source], target=number[arc.target]) for arc in arcs]


@cache
def world_grammar(split: str = "train") -> Grammar:
    """The little world's English as one register grammar."""
    compiler = _Compiler(split)
    start, opened, told, end = (compiler.node() for _ in range(4))
    compiler.steps(OPENING, start, opened)
    for steps in TOPICS.values():
        compiler.steps(steps, opened, told, 1 / len(TOPICS))
    compiler.steps(CLOSING, told, end)
    return compiler.grammar()
