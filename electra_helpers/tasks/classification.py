"""Classification of texts and of pairs of texts, and labels on a scale: sentiment, topic, paraphrase, similarity.

Shapes: B batch, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import LossSum
from electra_helpers.model.heads import FinetunedNet, TextHead
from electra_helpers.reading.labelled import NO_LABEL, LabelledData
from electra_helpers.tasks.base import DownstreamTask, Example, Row
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Classification(DownstreamTask):
    """One label for a text or a pair; without `labels` a number on a scale. `typical` is the commonest label, or the mean."""

    labels: tuple[str, ...]
    typical: float
    weights: tuple[float, ...] = ()  # of the classes in the loss; none = all the same
    symmetric: bool = False
    pairs: bool = False
    numbered: bool = True  # whether the training data had numbers for its labels, without names

    name: ClassVar[str] = "classification"
    inputs: ClassVar = (("text",),)
    world: ClassVar[str] = "sentiment"

    @property
    def main_metric(self) -> str:
        return "accuracy" if self.labels else "pearson"

    @classmethod
    def from_data(cls, data: LabelledData, config: FinetuneConfig) -> Classification:
        values = [row["label"] for row in data.rows if _is_known(row["label"], data.labels)]
        if len(set(values)) < 2:
            found = "one label only" if values else "no label"
            raise ElectraError(f"{data.source} has {found}: two are needed to learn from.")
        pairs = "pair" in data.columns
        if not data.labels:
            return cls((), float(np.mean(values)), (), config.symmetric, pairs)
        counts = np.bincount(values, minlength=len(data.labels))
        balanced = (
            len(values) / (len(data.labels) * np.maximum(counts, 1)) if config.class_weights == "balanced" else ()
        )
        return cls(
            data.labels, int(counts.argmax()), tuple(map(float, balanced)), config.symmetric, pairs, data.numbered
        )

    def head(self, config: ModelConfig, form: str) -> nn.Module:
        return TextHead(config, len(self.labels) or 1, form)

    def examples(
        self, rows: Sequence[Row], tokenizer: Tokenizer, config: FinetuneConfig, *, training: bool = False
    ) -> list[Example]:
        made = []
        for number, row in enumerate(rows):
            texts = (row["text"], row.get("pair"))
            orders = [texts, texts[::-1]] if self.symmetric and texts[1] is not None else [texts]
            for first, second in orders:
                read = tokenizer.encode(first, second, max_length=config.length)
                target = row.get("label")
                known = _is_known(target, self.labels)
                cut = len(read.ids) == config.length and len(read.ids) < len(tokenizer.encode(first, second).ids)
                made.append(Example(read.ids, read.token_type_ids, target if known else None, number, cut=cut))
        return made

    def loss(self, net: nn.Module, batch: Batch, targets: Tensor) -> LossSum:
        logits = net(batch).float()  # (B, K)
        if not self.labels:
            return LossSum(F.mse_loss(logits[:, 0], targets.float(), reduction="sum"), self.count(targets))
        weight = torch.tensor(self.weights, device=logits.device) if self.weights else None
        return LossSum(F.cross_entropy(logits, targets, weight, reduction="sum"), self.count(targets))

    def count(self, targets: Tensor) -> Tensor:
        if not self.weights:
            return torch.tensor(len(targets), device=targets.device)
        return torch.tensor(self.weights, device=targets.device)[targets].sum()

    def outputs(self, net: FinetunedNet, batch: Batch) -> list[np.ndarray]:
        logits = net(batch).float()
        return list((torch.softmax(logits, dim=1) if self.labels else logits).cpu().numpy())

    def predictions(self, rows: Sequence[Row], examples: Sequence[Example], outputs: Sequence[np.ndarray]) -> list[Row]:
        gathered: list[list[np.ndarray]] = [[] for _ in rows]
        for example, output in zip(examples, outputs, strict=True):
            gathered[example.row].append(output)
        return [self._prediction(np.mean(each, axis=0)) for each in gathered]  # of both orders of a symmetric pair

    def _prediction(self, output: np.ndarray) -> Row:
        if not self.labels:
            return {"label": float(output[0])}
        best = int(output.argmax())
        probabilities = {name: float(p) for name, p in zip(self.labels, output, strict=True)}
        return {"label": self.labels[best], "probability": float(output[best]), "probabilities": probabilities}

    def answered(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if _is_known(row.get("label"), self.labels)]

    def score(self, rows: Sequence[Row], predictions: Sequence[Row]) -> dict[str, float]:
        return self._score(rows, [prediction["label"] for prediction in predictions])

    def _score(self, rows: Sequence[Row], predicted: Sequence[Any]) -> dict[str, float]:
        truth = [row["label"] for row in rows]
        if not self.labels:
            return scale_metrics(truth, predicted)
        return class_metrics(truth, [self.labels.index(name) for name in predicted], len(self.labels))

    def baseline(self, rows: Sequence[Row]) -> tuple[str, dict[str, float]]:
        if not self.labels:
            return f"always {self.typical:.2f}", self._score(rows, [self.typical] * len(rows))
        always = self.labels[int(self.typical)]
        return f"always {always!r}", self._score(rows, [always] * len(rows))

    def label_names(self) -> Sequence[str]:
        return self.labels

    def uniform(self, predictions: Sequence[Row]) -> str:
        said = {prediction["label"] for prediction in predictions}
        return f"every prediction is {said.pop()!r}" if len(said) == 1 else ""


def _is_known(label: Any, names: Sequence[str]) -> bool:
    """Whether a row has a label: a class's number, or any number on a scale."""
    return label is not None and (label != NO_LABEL or not names)


def class_metrics(truth: Sequence[int], predicted: Sequence[int], kinds: int) -> dict[str, float]:
    """Accuracy, F1 (of label 1 where there are two, else the mean over the labels that occur) and Matthews' correlation."""
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    average = {"average": "binary", "pos_label": 1} if kinds == 2 else {"average": "macro"}
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "f1": float(f1_score(truth, predicted, zero_division=0.0, **average)),
        "mcc": float(matthews_corrcoef(truth, predicted)),
    }


def scale_metrics(truth: Sequence[float], predicted: Sequence[float]) -> dict[str, float]:
    """Pearson's and Spearman's correlation (0 where the prediction never changes) and the mean absolute error."""
    from scipy.stats import pearsonr, spearmanr

    constant = len(set(predicted)) < 2 or len(set(truth)) < 2
    return {
        "pearson": 0.0 if constant else float(pearsonr(truth, predicted)[0]),
        "spearman": 0.0 if constant else float(spearmanr(truth, predicted)[0]),
        "mean_absolute_error": float(np.abs(np.subtract(truth, predicted)).mean()),
    }
