"""The laboratory of notebook 14: a messy file, a trivial baseline, errors by slice, calibration, and a fresh process."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import Pretrained
from electra_helpers.exchange.transformers_bridge import quiet_transformers
from electra_helpers.language import padded, worded, wording
from electra_helpers.model.heads import FinetunedNet, TextHead, encoder_to_finetune
from electra_helpers.resources import data_folder
from electra_helpers.tasks.classification import class_metrics
from electra_helpers.tasks.exporting import export
from electra_helpers.tasks.finetuned import Finetuned
from electra_helpers.text.packing import Batch, to_batch
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.optim import layerwise_groups

FILE = "messages/messages.csv"
LABELS = ("complaint", "praise", "question")
LENGTH = 48  # tokens of a row: no message is longer
SLICES = {
    wording("has a ?"): lambda text: "?" in text,
    wording("has none"): lambda text: "?" not in text,
    wording("up to 12 words"): lambda text: len(text.split()) <= 12,
    wording("longer"): lambda text: len(text.split()) > 12,
}


def messages() -> list[dict[str, str]]:
    """The rows of the bundled file as they are: customers of a bicycle shop wrote, three desks sorted.

    >>> messages()[0]["label"]
    'question'
    """
    with open(data_folder() / FILE, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def counts(rows: Sequence[dict[str, str]], column: str) -> dict[str, int]:
    """How often each value of a column occurs, the commonest first."""
    return dict(Counter(row[column] for row in rows).most_common())


def scores(rows: Sequence[dict[str, str]], predicted: Sequence[str]) -> dict[str, float]:
    """Accuracy, macro F1 and Matthews' correlation, rounded."""
    truth = [LABELS.index(row["label"]) for row in rows]
    found = class_metrics(truth, [LABELS.index(label) for label in predicted], len(LABELS))
    return {name: round(value, 3) for name, value in found.items()}


def word_counts(train: Sequence[dict[str, str]], rows: Sequence[dict[str, str]]) -> list[str]:
    """Labels by the baseline that takes a second: tf-idf of words and pairs of words, logistic regression, balanced classes."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[?!]")
    judge = make_pipeline(words, LogisticRegression(class_weight="balanced", max_iter=1_000))
    judge.fit([row["message"] for row in train], [row["label"] for row in train])
    return list(judge.predict([row["message"] for row in rows]))


def net_and_optimizer(model: Pretrained, rate: float, seed: int = 0) -> tuple[FinetunedNet, torch.optim.Optimizer]:
    """An encoder with a fresh head of three classes, and AdamW with a smaller rate for each lower layer."""
    from electra_helpers.config import FinetuneConfig

    torch.manual_seed(seed)
    encoder = encoder_to_finetune(model.net, dropout=0.1)
    net = FinetunedNet(encoder, TextHead(encoder.config, len(LABELS)))
    groups = layerwise_groups(encoder, net.head, FinetuneConfig(learning_rate=rate))
    return net, torch.optim.AdamW([g | {"lr": rate * g.pop("scale")} for g in groups])


def batches(
    tokenizer: Tokenizer, rows: Sequence[dict[str, str]], size: int = 16, seed: int = 0
) -> Iterator[tuple[Batch, Tensor]]:
    """One epoch in a random order: batches of ids (B, L), padded to the longest row, and their labels (B,)."""
    order = np.random.default_rng(seed).permutation(len(rows))
    for start in range(0, len(rows), size):
        chosen = [rows[int(at)] for at in order[start : start + size]]
        yield (
            encode(tokenizer, [row["message"] for row in chosen]),
            torch.tensor([LABELS.index(r["label"]) for r in chosen]),
        )


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> Batch:
    """Texts → a batch, padded to the longest."""
    found = [tokenizer.encode(text, max_length=LENGTH).ids for text in texts]
    lengths = np.array([len(ids) for ids in found])
    ids = np.full((len(found), lengths.max()), tokenizer.pad_id, dtype=np.int64)
    for row, each in zip(ids, found, strict=True):
        row[: len(each)] = each
    return to_batch(ids, lengths, lengths)


@torch.no_grad()
def labels_by(net: FinetunedNet, tokenizer: Tokenizer, rows: Sequence[dict[str, str]]) -> list[str]:
    """The likeliest label of each row, without dropout."""
    net.eval()
    return [LABELS[int(k)] for k in net(encode(tokenizer, [row["message"] for row in rows])).argmax(-1)]


def by_slice(rows: Sequence[dict[str, str]], predicted: Sequence[str]) -> str:
    """Rows and accuracy of each slice, one a line; every message is in one of each pair."""
    lines = []
    for name, belongs in SLICES.items():
        inside = [row["label"] == said for row, said in zip(rows, predicted, strict=True) if belongs(row["message"])]
        share = f"{np.mean(inside):.2f}" if inside else "–"
        lines.append(padded(name, 16) + worded("{count:>4} rows   accuracy {share}", count=len(inside), share=share))
    return "\n".join(lines)


def certainty(rows: Sequence[dict[str, str]], said: Sequence[dict[str, Any]], edges: Sequence[float]) -> list[dict]:
    """Calibration: for each band of the highest probability its rows, their mean probability and how many were right."""
    highest = np.array([each["probability"] for each in said])
    right = np.array([each["label"] == row["label"] for row, each in zip(rows, said, strict=True)])
    found = []
    for low, high in pairwise(edges):
        inside = (highest >= low) & ((highest < high) | (high >= 1))
        if inside.any():
            mean, share = float(highest[inside].mean()), float(right[inside].mean())
            found.append({"from": low, "to": high, "rows": int(inside.sum()), "says": mean, "is right": share})
    return found


def sorted_alone(
    rows: Sequence[dict[str, str]], said: Sequence[dict[str, Any]], threshold: float
) -> tuple[float, float]:
    """The share of rows that are sure enough to be sorted without a person, and how many of these are right (1 where there are none)."""
    sure = [
        each["label"] == row["label"] for row, each in zip(rows, said, strict=True) if each["probability"] >= threshold
    ]
    return len(sure) / len(rows), float(np.mean(sure)) if sure else 1.0


RELOAD = """
import json, sys
import electra_helpers as eh
made = eh.load_finetuned(sys.argv[1])
print(json.dumps([said["probabilities"] for said in made.predict(json.loads(sys.argv[2]))]))
"""


def in_a_fresh_process(folder: Path, texts: Sequence[str]) -> np.ndarray:
    """Probabilities (rows, labels) of a saved model, loaded by a Python that knows nothing of this one."""
    command = [sys.executable, "-c", RELOAD, str(folder), json.dumps(list(texts))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ, check=False)
    if done.returncode:
        raise ElectraError(worded("The fresh process failed: {stderr}", stderr=done.stderr.strip().splitlines()[-1]))
    return np.array([list(each.values()) for each in json.loads(done.stdout.splitlines()[-1])])


def by_transformers(made: Finetuned, folder: Path, texts: Sequence[str]) -> np.ndarray:
    """Probabilities (rows, labels) of the same model exported to `folder` and loaded by transformers."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    (out,) = export(made, folder)
    tokens = AutoTokenizer.from_pretrained(out)(list(texts), padding=True, return_tensors="pt")
    with quiet_transformers():
        net = AutoModelForSequenceClassification.from_pretrained(out).eval()
    with torch.no_grad():
        return net(**tokens).logits.softmax(-1).numpy()


def by_onnx(made: Finetuned, folder: Path, texts: Sequence[str], *, int8: bool = False) -> np.ndarray | str:
    """The same by onnxruntime, or one line on which package is missing."""
    try:
        (out,) = export(made, folder, onnx=True, int8=int8)
    except ElectraError as error:
        return str(error)
    import onnxruntime
    from transformers import AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(out)(list(texts), padding=True, return_tensors="np")
    session = onnxruntime.InferenceSession(str(out / "model.onnx"), providers=["CPUExecutionProvider"])
    asked = {each.name: tokens[each.name].astype(np.int64) for each in session.get_inputs()}
    powers = np.exp(session.run(None, asked)[0])
    return powers / powers.sum(-1, keepdims=True)
