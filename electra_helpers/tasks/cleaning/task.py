"""Cleaning as a task: every word gets a P of being wrong; how good such scores are, and where to set the threshold.

The discriminator gives such scores as it comes out of pre-training (`suspects.zero_shot`); fine-tuned on marked words
(`electra finetune cleaning`) the encoder gives them with a head of its own. Words are BERT's: punctuation and Chinese characters are
words of their own. The scale of P depends on how rare mistakes were in training: choose the threshold on text like yours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.reading.labelled import MARKS, LabelledData
from electra_helpers.tasks.base import Example, Row
from electra_helpers.tasks.tagging import Tagging, Words
from electra_helpers.tasks.windows import most_central

BETA = 0.5  # a false alarm costs a person's time and trust: precision counts double


@dataclass(frozen=True)
class Cleaning(Tagging):
    """Every word is right or wrong. With `all_pieces` a word is as suspicious as its worst piece; else its first one speaks for it."""

    labels: tuple[str, ...] = MARKS
    threshold: float = 0.5
    all_pieces: bool = False

    name: ClassVar[str] = "cleaning"
    world: ClassVar[str] = "noisy"

    @property
    def main_metric(self) -> str:
        return "average_precision"

    @classmethod
    def from_data(cls, data: LabelledData, config: FinetuneConfig) -> Cleaning:
        if len({tag for row in data.rows for tag in row["tags"] or ()}) < 2:
            raise ElectraError(f"{data.source} marks all words alike: right and wrong ones are needed to learn from.")
        return cls()

    def _prediction(self, row: Row, parts: list[tuple[Example, np.ndarray]]) -> Row:
        words: Words = parts[0][0].about[0]
        p = self._p_wrong(words, parts)
        scores = np.zeros(words.count)  # a row's word that BERT cuts is as suspicious as its worst part
        np.maximum.at(scores, words.owners, p)
        said: Row = {"scores": [float(x) for x in scores]}
        if words.offsets:
            said["spans"] = words.offsets
        return said | {"flags": [self._flag(row, said, at) for at in np.flatnonzero(scores >= self.threshold)]}

    def _p_wrong(self, words: Words, parts: list[tuple[Example, np.ndarray]]) -> np.ndarray:
        """P(wrong) of each of the model's words, read in the window where it has most text around it."""
        spans, found = [example.about[1] for example, _ in parts], np.zeros(len(words.pieces))
        for place, pieces in enumerate(words.pieces):
            chosen = most_central(spans, place)
            example, output = parts[chosen]
            first = example.about[2][place - spans[chosen][0]]
            found[place] = output[first : first + (len(pieces) if self.all_pieces else 1), 1].max()
        return found

    def _flag(self, row: Row, said: Row, at: int) -> Row:
        """Place and score: characters of a text, numbers of listed words."""
        start, end = said["spans"][at] if "spans" in said else (int(at), int(at) + 1)
        word = row["text"][start:end] if "spans" in said else row["tokens"][at]
        return {"word": word, "start": start, "end": end, "score": said["scores"][at]}

    def score(self, rows: Sequence[Row], predictions: Sequence[Row]) -> dict[str, float]:
        return cleaning_metrics(truth_of(rows), scores_of(predictions), self.threshold)

    def baseline(self, rows: Sequence[Row]) -> tuple[str, dict[str, float]]:
        """For each metric the best of three trivial baselines."""
        each = trivial(rows, 0).values()
        return "best of nothing, all, rarest", {name: max(found[name] for found in each) for name in next(iter(each))}


def truth_of(rows: Sequence[Row]) -> np.ndarray:
    """Whether each word of all rows is wrong."""
    return np.array([bool(tag) for row in rows for tag in row["tags"]])


def scores_of(predictions: Sequence[Row]) -> np.ndarray:
    """The scores of the same words."""
    return np.array([score for said in predictions for score in said["scores"]])


def cleaning_metrics(wrong: np.ndarray, scores: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    """How well scores find the wrong words: AUC and average precision over all thresholds, the rest at this one.

    AUC is 0.5 where all words are right or all wrong; precision is 0 where nothing is flagged.
    """
    from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

    wrong, flagged = np.asarray(wrong, bool), np.asarray(scores) >= threshold
    precision, recall, f, _ = precision_recall_fscore_support(
        wrong, flagged, beta=BETA, average="binary", zero_division=0.0
    )
    both = 0 < wrong.sum() < wrong.size
    return {
        "auc": float(roc_auc_score(wrong, scores)) if both else 0.5,
        "average_precision": float(average_precision_score(wrong, scores)) if wrong.any() else 0.0,
        "precision": float(precision),
        "recall": float(recall),
        "f0.5": float(f),
    }


def trivial(rows: Sequence[Row], flags: int) -> dict[str, dict[str, float]]:
    """Trivial baselines: flag nothing, flag all, or the words that occur least in these rows (as many as `flags`, at least one)."""
    wrong, names = truth_of(rows), [word.lower() for row in rows for word in row["tokens"]]
    counts = Counter(names)
    rarity = np.array([1.0 / counts[name] for name in names])
    cut = np.sort(rarity)[::-1][max(flags, 1) - 1]
    return {
        "flag nothing": cleaning_metrics(wrong, np.zeros(len(wrong))),
        "flag all": cleaning_metrics(wrong, np.ones(len(wrong))),
        "rarest words": cleaning_metrics(wrong, rarity, float(cut)),
    }


def choose_threshold(scores: Sequence[float], wrong: Sequence[bool], beta: float = BETA) -> float:
    """The threshold with the highest F-beta when words that score at least so much are flagged; of equal ones the highest.

    Choose it on validation text: on the text that is then judged it would flatter. Raises `ElectraError` without a wrong word.

    >>> choose_threshold([0.9, 0.8, 0.3, 0.1], [True, False, True, False])
    0.9

    Built in notebook 13.
    """
    scores, wrong = np.asarray(scores, float), np.asarray(wrong, bool)
    if not wrong.any():
        raise ElectraError("There is no wrong word here: a threshold is chosen on text with mistakes that are marked.")
    order = np.argsort(-scores, kind="stable")
    hits, flagged = np.cumsum(wrong[order]), np.arange(1, len(scores) + 1)
    f = (1 + beta**2) * hits / (flagged + beta**2 * wrong.sum())
    last_of_its_score = np.append(np.diff(scores[order]) != 0, True)
    return float(scores[order][np.where(last_of_its_score, f, -1.0).argmax()])


def precision_at(base_rate: float, recall: float, false_alarms: float) -> float:
    """The share of flags that is right, where `base_rate` of the words are wrong and `false_alarms` of the right ones are flagged.

    >>> round(precision_at(0.01, recall=0.9, false_alarms=0.02), 2)
    0.31
    """
    right = base_rate * recall
    return right / (right + (1 - base_rate) * false_alarms)
