"""What every downstream task has in common: rows become examples, examples batches, and outputs predictions with a score.

A task (classification, tagging, question-answering …) is one class in a file of its own; this is the part that they share, and what
`finetuning` and the command rely on. Shapes: B batch, L length.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.model.electra import LossSum
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.fast_cpu import IGNORED
from electra_helpers.model.heads import FinetunedNet
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.text.packing import Batch, to_batch
from electra_helpers.text.tokenizer import Tokenizer

LOWER_IS_BETTER = {"mean_absolute_error"}  # of all other metrics the highest value is the best
Row = dict[str, Any]


def goodness(metric: str, value: float) -> float:
    """A metric's value with the sign with which more is better.

    >>> goodness("accuracy", 0.9), goodness("mean_absolute_error", 0.2)
    (0.9, -0.2)
    """
    return -value if metric in LOWER_IS_BETTER else value


@dataclass(frozen=True, eq=False)
class Example:
    """What the model reads at once, what it should say to it, and where it comes from."""

    ids: list[int]
    token_type_ids: list[int]
    target: Any  # a number, a list with one a token, or a pair; None where the row has none
    row: int  # number of the row among those encoded together
    about: Any = None  # what the task needs to read the output: offsets, windows
    cut: bool = False  # whether some of the row had to be left out for want of room


class Examples:
    """Encoded rows, padded when a batch is taken; has what `row_order` and `like_lengths` ask for."""

    def __init__(self, examples: Sequence[Example], pad_id: int) -> None:
        self.examples, self.pad_id = list(examples), pad_id
        self._real = np.array([len(e.ids) for e in self.examples], dtype=np.int64)
        self.length = int(self._real.max(initial=0))

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def rows(self) -> int:
        """How many rows they come from; one may be read in several windows."""
        return len({e.row for e in self.examples})

    @property
    def cut(self) -> int:
        """How many rows are not read whole."""
        return len({e.row for e in self.examples if e.cut})

    def unknown_share(self, tokenizer: Tokenizer) -> float:
        """The share of [UNK] among the tokens, [CLS] and [SEP] left out."""
        counts = Counter(i for e in self.examples for i in e.ids)
        framing = counts[tokenizer.cls_id] + counts[tokenizer.sep_id]
        return counts[tokenizer.unk_id] / max(1, counts.total() - framing)

    def real_lengths(self, indices: np.ndarray) -> np.ndarray:
        """How many tokens these have."""
        return self._real[indices]

    def batch(self, indices: Sequence[int] | np.ndarray) -> Batch:
        """These examples, padded to the longest of them."""
        chosen = [self.examples[int(i)] for i in indices]
        ids = np.full((len(chosen), max(len(e.ids) for e in chosen)), self.pad_id, dtype=np.int64)
        for row, example in zip(ids, chosen, strict=True):
            row[: len(example.ids)] = example.ids
        first = np.array([e.token_type_ids.index(1) if 1 in e.token_type_ids else len(e.ids) for e in chosen])
        return to_batch(ids, first, np.array([len(e.ids) for e in chosen]))

    def take(self, indices: Sequence[int] | np.ndarray) -> tuple[Batch, Tensor]:
        """The same with their targets: (B,), (B, 2), or (B, T) with T that of the longest."""
        return self.batch(indices), as_tensor([self.examples[int(i)].target for i in indices])


def as_tensor(targets: Sequence[Any]) -> Tensor:
    """Targets of a batch: (B,), (B, 2), or (B, T) with IGNORED behind those that are shorter than the longest."""
    if isinstance(targets[0], list):
        length = max(map(len, targets))
        targets = [target + [IGNORED] * (length - len(target)) for target in targets]
    return torch.tensor(targets)


class DownstreamTask(ABC):
    """One use of an encoder. Subclasses are frozen dataclasses of what the task must remember, such as its labels."""

    name: ClassVar[str]  # as the command and `labelled` spell it
    inputs: ClassVar[tuple[tuple[str, ...], ...]]  # the roles of a row that the net reads; any one of several sets
    world: ClassVar[str]  # the set of the little world that is meant where none is named
    main_metric: ClassVar[str]  # higher is better

    @classmethod
    @abstractmethod
    def from_data(cls, data: LabelledData, config: FinetuneConfig) -> Self:
        """The task as the training data states it. Raises `ElectraError` where it cannot be learned from this."""

    @abstractmethod
    def head(self, config: ModelConfig, form: str) -> nn.Module:
        """A fresh head for it."""

    @abstractmethod
    def examples(
        self, rows: Sequence[Row], tokenizer: Tokenizer, config: FinetuneConfig, *, training: bool = False
    ) -> list[Example]:
        """Rows → examples; one row may give several. Targets are None where a row has no answer."""

    def gathered(self, examples: Sequence[Example], pad_id: int) -> Examples:
        """Training examples from which batches are taken."""
        return Examples(examples, pad_id)

    def part(self, work: tuple[Batch, Tensor], start: int, stop: int) -> tuple[Batch, Tensor]:
        """The targets start … stop of a batch, with the rows that are read for them."""
        return work[0].rows(start, stop), work[1][start:stop]

    @abstractmethod
    def loss(self, net: nn.Module, batch: Batch, targets: Tensor) -> LossSum:
        """The summed loss of a batch and the number of its targets."""

    @abstractmethod
    def count(self, targets: Tensor) -> Tensor:
        """How many targets there are, as `loss` counts them."""

    def ready(self, net: FinetunedNet) -> nn.Module:
        """What `outputs` asks, made once for many batches: the net itself, or what writes with its weights."""
        return net

    @abstractmethod
    def outputs(self, net: FinetunedNet, batch: Batch) -> list[np.ndarray]:
        """What the net says to each example."""

    @abstractmethod
    def predictions(self, rows: Sequence[Row], examples: Sequence[Example], outputs: Sequence[np.ndarray]) -> list[Row]:
        """One prediction for each row: columns for people and for files."""

    @abstractmethod
    def score(self, rows: Sequence[Row], predictions: Sequence[Row]) -> dict[str, float]:
        """Metrics over rows whose answers are known."""

    @abstractmethod
    def baseline(self, rows: Sequence[Row]) -> tuple[str, dict[str, float]]:
        """The trivial baseline: its name and its score on the same rows."""

    def how_scored(self, rows: Sequence[Row]) -> str:
        """What the rows decide about their scores, for people: which words are compared."""
        return ""

    def start_head(self, head: nn.Module, encoder: Encoder, source: Tokenizer) -> None:  # noqa: B027 - most begin from nothing
        """Let a fresh head take over what it can of the encoder, whose vocabulary is `source`."""

    def columns(self) -> dict[str, tuple[str, ...]]:
        """Columns of a file to predict that may play a role, beside those of `labelled`, likeliest first."""
        return {}

    def answered(self, rows: Iterable[Row]) -> list[Row]:
        """The rows whose answer is known, in its right form."""
        return list(rows)

    def uniform(self, predictions: Sequence[Row]) -> str:
        """What every prediction says, if all say the same: a net that has learnt nothing often does. "" otherwise."""
        return ""

    def label_names(self) -> Sequence[str]:
        """The labels that the net's outputs stand for, where they stand for labels."""
        return ()

    def write(self, folder: Path) -> dict[str, Any]:
        """What `read` needs to make the same task; what is no JSON is written to files in the folder."""
        return {"name": self.name} | asdict(self)

    @classmethod
    def read(cls, about: dict[str, Any], folder: Path) -> Self:
        """The task that `write` wrote."""
        known = {f.name for f in fields(cls)}
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in about.items() if k in known})
