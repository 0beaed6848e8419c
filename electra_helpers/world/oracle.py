"""What no model can beat: the exact distribution of a hidden word of a text of the little world.

The meaning (`story.py`) and its telling in a language (such as `english.py`) are compiled into one register grammar, and `chart.py`
adds up everything that it could have said. From these distributions come three ceilings: of masked language modelling, of
replaced token detection for a judge that is told the other words, and whether a replacement can be noticed at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from .chart import HIDDEN, Arc, Chart, Factor, Grammar, ImpossibleText
from .meaning import registers
from .story import CLOSING, OPENING, TOPICS, Step
from .telling import Language, Piece, Slot, Template, language, slot_registers, slot_words, vocabulary, way_weights


class _Shape(NamedTuple):
    """The words of a piece where it has a certain number of them: `condition` is 1 for the values that give so many."""

    condition: Factor | None  # None: always
    slots: tuple[int, ...]


class _Compiler:
    """Collects nodes, arcs and word tables; nodes are renumbered at the end so that arcs lead upwards."""

    def __init__(self, split: str, code: str):
        self.registers = registers(split)
        self.speaker: Language = language(code)
        self.ids = {word: number for number, word in enumerate(vocabulary(code))}
        self.known: dict[Piece, tuple[_Shape, ...]] = {}
        self.words: list[Factor] = []
        self.arcs: list[Arc] = []
        self.n_nodes = 0

    def node(self) -> int:
        self.n_nodes += 1
        return self.n_nodes - 1

    def table(self, factor: Factor) -> int:
        """The number of a new word table."""
        self.words.append(factor)
        return len(self.words) - 1

    def shapes(self, piece: Piece) -> tuple[_Shape, ...]:
        """A piece's words; more than one shape where the number of its words depends on the story (Chinese characters)."""
        if piece not in self.known:
            self.known[piece] = tuple(self._slot(piece) if isinstance(piece, Slot) else self._fixed(piece))
        return self.known[piece]

    def _fixed(self, piece: str) -> Iterator[_Shape]:
        words = self.speaker.split(piece)
        yield _Shape(None, tuple(self.table(Factor((), np.array(self.ids[word]))) for word in words))

    def _slot(self, slot: Slot) -> Iterator[_Shape]:
        names = slot_registers(slot)
        shown = [[self.ids[word] for word in self.speaker.split(text)] for text in slot_words(slot, self.speaker)]
        counts = sorted(set(map(len, shown)))
        for count in counts:
            fits = [len(ids) == count for ids in shown]
            columns = [[ids[k] if ok else 0 for ids, ok in zip(shown, fits, strict=True)] for k in range(count)]
            slots = tuple(self.table(self._over(names, column)) for column in columns)
            yield _Shape(self._over(names, np.array(fits, float)) if len(counts) > 1 else None, slots)

    def _over(self, names: Sequence[str], values: Sequence[float] | np.ndarray) -> Factor:
        """A table over registers, which it has in the grammar's order."""
        table = np.array(values).reshape([len(self.registers[name].values) for name in names])
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
                self.way(way, source, end, weight * share, condition)
            source, weight, condition = end, 1.0, None

    def way(self, way: Sequence[Piece], source: int, target: int, weight: float, condition: Factor | None) -> None:
        """One arc for all pieces up to one whose number of words the story decides; there, an arc for each number."""
        runs: list[tuple[_Shape, ...]] = [(_Shape(condition, ()),)]
        for piece in way:
            shapes = self.shapes(piece)
            if len(shapes) == 1 and len(runs[-1]) == 1:
                runs[-1] = (_Shape(runs[-1][0].condition, runs[-1][0].slots + shapes[0].slots),)
            else:
                runs.append(shapes)
        for number, shapes in enumerate(runs):
            end = target if number == len(runs) - 1 else self.node()
            self.arcs += [Arc(source, end, weight, shape.slots, shape.condition) for shape in shapes]
            source, weight = end, 1.0

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
def world_grammar(split: str = "train", code: str = "en") -> Grammar:
    """The little world in a language as one register grammar."""
    compiler = _Compiler(split, code)
    start, opened, told, end = (compiler.node() for _ in range(4))
    compiler.steps(OPENING, start, opened)
    for steps in TOPICS.values():
        compiler.steps(steps, opened, told, 1 / len(TOPICS))
    compiler.steps(CLOSING, told, end)
    return compiler.grammar()


class MlmCeiling(NamedTuple):
    """The best that masked language modelling can do: expected accuracy, lowest expected loss (nats), on n words."""

    accuracy: float
    loss: float
    n: int


class Oracle:
    """Knows the little world's language `code` exactly; columns of its arrays follow `vocabulary(code)`.

    `split` names the stories it is asked about: "test" has other names and verb-object pairs than "train" and
    "validation", which are alike. A word is a token: in Chinese a character. Used from notebook 03 on.

    >>> from electra_helpers.world import Oracle, stories
    >>> words = next(stories(split="validation", count=1)).words("en")
    >>> Oracle().distributions(words, hidden=[len(words) - 1]).shape  # one position, every word
    (1, 929)
    """

    def __init__(self, split: str = "train", code: str = "en"):
        self.code = code
        self.grammar = world_grammar("train" if split == "validation" else split, code)
        self.vocabulary = vocabulary(code)
        self.ids = {word: number for number, word in enumerate(self.vocabulary)}

    def encode(self, words: Sequence[str]) -> np.ndarray:
        """Word ids; raises ValueError for a word that is not in the world's vocabulary."""
        unknown = [word for word in words if word not in self.ids]
        if unknown:
            raise ValueError(
                f"The little world has no word {unknown[0]!r}; its words are lower-case, see vocabulary({self.code!r})."
            )
        return np.array([self.ids[word] for word in words])

    def distributions(self, words: Sequence[str], hidden: Collection[int]) -> np.ndarray:
        """(len(hidden), V): the distribution of each hidden word given the visible ones, by position.

        `words` are a whole story's; what stands at hidden positions is not looked at. Raises ValueError if no story of
        the world has the visible words at their places.
        """
        positions = sorted(hidden)
        text = np.full(len(words), HIDDEN)
        visible = [at for at in range(len(words)) if at not in set(positions)]
        text[visible] = self.encode([words[at] for at in visible])
        return Chart(self.grammar, text).distributions(positions)

    def told_the_others(self, words: Sequence[str], positions: Iterable[int] | None = None) -> np.ndarray:
        """(n, V): for each position the distribution of its word given every *other* word of the story."""
        positions = range(len(words)) if positions is None else positions
        return np.concatenate([self.distributions(words, [at]) for at in positions])

    def log_probability(self, words: Sequence[str]) -> float:
        """The natural logarithm of a whole story's probability; minus infinity if the grammar cannot say it."""
        try:
            return float(np.log(Chart(self.grammar, self.encode(words)).total))
        except ImpossibleText:
            return float("-inf")

    def needs_other_sentences(self, sentences: Sequence[Sequence[str]], position: int) -> bool:
        """Whether the ceiling of a word at least halves when all sentences but its own are hidden."""
        words = [word for sentence in sentences for word in sentence]
        owner = [number for number, sentence in enumerate(sentences) for _ in sentence]
        hidden = [at for at in range(len(words)) if at == position or owner[at] != owner[position]]
        alone = self.distributions(words, hidden)[hidden.index(position)].max()
        return bool(alone <= self.distributions(words, [position])[0].max() / 2)

    def mlm_ceiling(self, rows: Iterable[tuple[Sequence[str], Collection[int]]]) -> MlmCeiling:
        """The ceiling on rows of (words, positions that show [MASK]): no model is more often right in expectation."""
        p = np.concatenate([self.distributions(words, hidden) for words, hidden in rows])
        entropy = -(p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum(axis=1)
        return MlmCeiling(float(p.max(axis=1).mean()), float(entropy.mean()), len(p))

    def is_detectable(self, words: Sequence[str], position: int, replacement: str) -> bool:
        """Whether a replacement can be told for certain: no story has this word here among the others."""
        return bool(self.distributions(words, [position])[0, self.ids[replacement]] == 0.0)


def best_judge(p: np.ndarray, q: np.ndarray, share: float) -> np.ndarray:
    """P(replaced | the word shown) for every word, by a judge that knows every other word and the generator.

    `p` the word's distribution given the others, `q` the generator's, both (…, V); `share` of the positions is selected.
    With m for share: m·q·(1−p) / ((1−m)·p + m·q); a sampled word equal to the original counts as original. 0 where
    neither can show the word.
    """
    shown = (1 - share) * p + share * q
    return np.divide(share * q * (1 - p), shown, out=np.zeros_like(shown), where=shown > 0)


def rtd_ceiling(p: np.ndarray, q: np.ndarray, share: float = 0.5) -> float:
    """The judge's expected AUC on an exam with one examined position a story; no discriminator's is higher.

    `p` and `q` (n, V) as for `best_judge`. In the exam all other words are the story's own, so the discriminator sees what
    the judge is told; the judge's score is the likelihood ratio, which no score beats (Neyman and Pearson).
    """
    scores = best_judge(p, q, share).ravel()
    replaced = (share * q * (1 - p)).ravel()
    original = ((1 - share) * p + share * q * p).ravel()
    return weighted_auc(scores, replaced, original)


def weighted_auc(scores: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """AUC of scores that carry weights of both classes; equal scores count half."""
    _, group = np.unique(scores, return_inverse=True)
    up, down = np.bincount(group, positive), np.bincount(group, negative)
    below = np.cumsum(down) - down
    return float((up * (below + down / 2)).sum() / (up.sum() * down.sum()))


class ExamItem(NamedTuple):
    """One story of the one-replacement exam: the words as shown, which position is examined, and the truth."""

    words: list[str]
    position: int
    original: str
    is_replaced: bool


def one_replacement_exam(
    stories: Sequence[Sequence[str]], positions: Sequence[int], q: np.ndarray, *, seed: int = 0, share: float = 0.5
) -> list[ExamItem]:
    """Set the exam: in each story one position is examined, and with probability `share` its word is drawn from q.

    `q` (n, V), a generator's distribution at each position given the other words (a row of 1/V for uniform fakes).
    """
    rng = np.random.default_rng(seed)
    names = vocabulary("en")
    items = []
    for words, position, row in zip(stories, positions, q, strict=True):
        is_selected, drawn = rng.random() < share, names[rng.choice(len(names), p=row / row.sum())]
        shown = list(words)
        shown[position] = drawn if is_selected else words[position]
        items.append(ExamItem(shown, position, words[position], shown[position] != words[position]))
    return items
