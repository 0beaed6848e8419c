"""Multiple choice: which of several endings belongs to a context (SWAG, HellaSwag, RACE).

Every ending is read with its context as a pair and scored by one head; a softmax over the scores of a question is P(ending). Shapes: B
questions, N endings at most, P pairs (all endings of the B questions), L length.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import LossSum
from electra_helpers.model.fast_cpu import IGNORED
from electra_helpers.model.heads import ChoiceHead, FinetunedNet
from electra_helpers.reading.choices import read_endings
from electra_helpers.reading.labelled import NO_LABEL, LabelledData
from electra_helpers.tasks.base import DownstreamTask, Example, Examples, Row, as_tensor
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer

GAP = re.compile(r"(?<!\w)_+(?!\w)")  # in RACE, where the answer stands in the question; snake_case has none
RIGHT, WRONG = 1, 0  # targets of endings; IGNORED where a question has fewer than the longest of its batch


class Questions(Examples):
    """Pairs of which those of a question stay together: a batch of B questions has P rows and targets (B, N)."""

    def __init__(self, examples: Sequence[Example], pad_id: int) -> None:
        super().__init__(examples, pad_id)
        rows = [example.row for example in self.examples]
        starts = [at for at, row in enumerate(rows) if not at or row != rows[at - 1]]
        self.places = [range(at, end) for at, end in zip(starts, [*starts[1:], len(rows)], strict=True)]
        self._real = np.array(
            [max(len(self.examples[at].ids) for at in place) for place in self.places], dtype=np.int64
        )

    def __len__(self) -> int:
        return len(self.places)

    def take(self, indices: Sequence[int] | np.ndarray) -> tuple[Batch, Tensor]:
        places = [self.places[int(index)] for index in indices]
        pairs = self.batch([at for place in places for at in place])
        return pairs, as_tensor([self.examples[place[0]].target for place in places])


@dataclass(frozen=True)
class MultipleChoice(DownstreamTask):
    """One of several endings. `typical` is the place that is right most often in the training rows."""

    typical: int

    name: ClassVar[str] = "multiple-choice"
    inputs: ClassVar = (("context", "stem", "endings"), ("context", "endings"))
    world: ClassVar[str] = "multiple-choice"
    main_metric: ClassVar[str] = "accuracy"

    @classmethod
    def from_data(cls, data: LabelledData, config: FinetuneConfig) -> MultipleChoice:
        places = Counter(row["label"] for row in data.rows if row["label"] != NO_LABEL)
        if not places:
            raise ElectraError(f"{data.source} has no row with a right ending to learn from.")
        return cls(min(places, key=lambda place: (-places[place], place)))

    def head(self, config: ModelConfig, form: str) -> nn.Module:
        return ChoiceHead(config, form)

    def examples(
        self, rows: Sequence[Row], tokenizer: Tokenizer, config: FinetuneConfig, *, training: bool = False
    ) -> list[Example]:
        made = []
        for number, row in enumerate(rows):
            endings = read_endings(row["endings"], f"Row {number + 1}")
            label = row.get("label", NO_LABEL)
            known = label is not None and label != NO_LABEL
            target = [RIGHT if place == label else WRONG for place in range(len(endings))] if known else None
            for ending in endings:
                second = completed(row.get("stem"), ending)
                read = tokenizer.encode(row["context"], second, max_length=config.length)
                full = len(read.ids) == config.length
                cut = full and len(tokenizer.encode(row["context"], second).ids) > config.length
                made.append(Example(read.ids, read.token_type_ids, target, number, cut=cut))
        return made

    def gathered(self, examples: Sequence[Example], pad_id: int) -> Examples:
        return Questions(examples, pad_id)

    def part(self, work: tuple[Batch, Tensor], start: int, stop: int) -> tuple[Batch, Tensor]:
        batch, targets = work
        pairs = (targets != IGNORED).sum(1)  # (B,) endings of each question
        return batch.rows(int(pairs[:start].sum()), int(pairs[:stop].sum())), targets[start:stop]

    def loss(self, net: nn.Module, batch: Batch, targets: Tensor) -> LossSum:
        scores = net(batch).float()[:, 0]  # (P,)
        table = scores.new_full(targets.shape, float("-inf")).masked_scatter(targets != IGNORED, scores)  # (B, N)
        return LossSum(-torch.log_softmax(table, dim=1)[targets == RIGHT].sum(), self.count(targets))

    def count(self, targets: Tensor) -> Tensor:
        return torch.tensor(len(targets), device=targets.device)

    def outputs(self, net: FinetunedNet, batch: Batch) -> list[np.ndarray]:
        return list(net(batch).float().cpu().numpy())  # each (1,)

    def predictions(self, rows: Sequence[Row], examples: Sequence[Example], outputs: Sequence[np.ndarray]) -> list[Row]:
        scores: list[list[float]] = [[] for _ in rows]
        for example, output in zip(examples, outputs, strict=True):
            scores[example.row].append(float(output[0]))
        return [_prediction(row, torch.tensor(found)) for row, found in zip(rows, scores, strict=True)]

    def answered(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row.get("label") not in (None, NO_LABEL)]

    def score(self, rows: Sequence[Row], predictions: Sequence[Row]) -> dict[str, float]:
        return _accuracy(rows, [said["label"] for said in predictions])

    def baseline(self, rows: Sequence[Row]) -> tuple[str, dict[str, float]]:
        return f"always ending {self.typical}", _accuracy(rows, [self.typical] * len(rows))

    def uniform(self, predictions: Sequence[Row]) -> str:
        said = {prediction["label"] for prediction in predictions}
        return f"every prediction is ending {said.pop()}" if len(said) == 1 else ""


def completed(stem: str | None, ending: str) -> str:
    """What is read behind the context: the ending, behind its question or beginning, or in the question's gap.

    >>> completed("Anna bought ___.", "a boat"), completed("Anna bought", "a boat"), completed(None, "Anna left.")
    ('Anna bought a boat.', 'Anna bought a boat', 'Anna left.')
    >>> completed("What is my_file?", "A name.")
    'What is my_file? A name.'
    """
    if not stem:
        return ending
    return GAP.sub(lambda gap: ending, stem) if GAP.search(stem) else f"{stem} {ending}"


def _prediction(row: Row, scores: Tensor) -> Row:
    """The likeliest ending of a question by the scores of all, (N,)."""
    probabilities = torch.softmax(scores, dim=0).tolist()
    best = int(scores.argmax())
    told: dict[str, Any] = {"label": best, "ending": read_endings(row["endings"], "The row")[best]}
    return told | {"probability": probabilities[best], "probabilities": probabilities}


def _accuracy(rows: Sequence[Row], said: Sequence[int]) -> dict[str, float]:
    return {"accuracy": float(np.mean([row["label"] == label for row, label in zip(rows, said, strict=True)]))}
