"""Summaries by choosing: ELECTRA turns every sentence into a vector, and a linear scorer says which one to keep.

No decoder is needed, nothing is invented, and the encoder stays as pre-training left it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from electra_helpers.errors import ElectraError
from electra_helpers.model.heads import main_encoder
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.text_metrics import sentences, summary_metrics

PENALTY = 0.1  # of the linear scorer's weights, inverse strength: documents are few beside their vectors' width


@torch.no_grad()
def sentence_vectors(model: Pretrained, text: str) -> tuple[list[str], np.ndarray]:
    """The sentences of a text and, for each, the mean of the encoder's last vectors over its tokens: (S, H).

    The encoder reads the whole text at once. Sentences behind its last position have no vector and are left out.
    """
    encoder = main_encoder(model.net)
    read = model.tokenizer.encode(text, max_length=encoder.config.max_positions)
    hidden = encoder(torch.tensor([read.ids]))[0].numpy()  # (L, H)
    starts = np.array(
        [-1 if special else start for (start, _), special in zip(read.offsets, read.is_special, strict=True)]
    )
    found, vectors, at = [], [], 0
    for sentence in sentences(text):
        first = text.index(sentence, at)
        at = first + len(sentence)
        inside = (starts >= first) & (starts < at)
        if inside.any():
            found.append(sentence)
            vectors.append(hidden[inside].mean(axis=0))
    return found, np.array(vectors).reshape(len(found), encoder.config.hidden_size)


def best_sentence(parts: Sequence[str], summary: str) -> int:
    """The number of the sentence nearest to a summary by ROUGE-L: what the scorer learns to find, and the most it can reach."""
    return int(np.argmax([summary_metrics([summary], [part])["rouge_l"] for part in parts]))


@dataclass(frozen=True, eq=False)
class Extractor:
    """An encoder that nobody fine-tuned, and a linear scorer over sentence vectors."""

    model: Pretrained
    scorer: Any  # a scikit-learn pipeline

    def summarise(self, texts: Sequence[str]) -> list[str]:
        """The best sentence of each text; an empty one has none."""
        return [self._best(text) for text in texts]

    def _best(self, text: str) -> str:
        parts, vectors = sentence_vectors(self.model, text)
        return parts[int(self.scorer.decision_function(vectors).argmax())] if parts else ""


def learn_to_extract(model: Pretrained, data: LabelledData) -> Extractor:
    """Fit the scorer on texts with summaries. Raises `ElectraError` where every text has one sentence only."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    vectors, wanted = [], []
    for row in data.rows:
        parts, found = sentence_vectors(model, row["text"])
        if len(parts) > 1:
            best = best_sentence(parts, row["summary"])
            vectors.append(found)
            wanted += [number == best for number in range(len(parts))]
    if not vectors:
        raise ElectraError(f"{data.source} has no text of several sentences to choose from.")
    scorer = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=1_000, class_weight="balanced"))
    return Extractor(model, scorer.fit(np.concatenate(vectors), wanted))
