"""Predictions for many short rows: this package beside transformers' pipeline and onnxruntime, the same fine-tuned net and rows.

    ELECTRA_REAL_DATA=… python -m tests.benchmarks.inference --rows 2000 --rounds 5

Rows are sentences of SST-2, as many as asked for, over and over. The arms take turns in one process; ratios are taken round by round.
The pipeline runs as people write it, `pipe(texts, batch_size=32)`, and once more with its texts sorted by length first. onnxruntime gets
batches of 32 that are sorted and padded as the package's are, tokenised beforehand in one call. The net's head is fresh: speed alone is
compared, and that all arms say the same. Writes data/benchmarks/inference.json with `--write`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.reading.labelled import load_labelled
from electra_helpers.resources import FREE_TEXT
from electra_helpers.speed import peak_memory
from electra_helpers.tasks.exporting import export
from electra_helpers.tasks.finetuned import Finetuned
from electra_helpers.tasks.finetuning import finetune

OUT = Path(__file__).resolve().parents[2] / "data" / "benchmarks" / "inference.json"
BATCH = 32
Arm = Callable[[Sequence[str]], np.ndarray]  # texts → P of the second label, (rows,)


def texts(count: int) -> list[str]:
    """So many sentences."""
    known = load_labelled(f"{os.environ['ELECTRA_REAL_DATA']}/tasks/sst2", "train").rows
    return list(islice(cycle(row["text"] for row in known), count))


def ours(made: Finetuned) -> Arm:
    last = made.task.label_names()[-1]

    def predict(asked: Sequence[str]) -> np.ndarray:
        return np.array([said["probabilities"][last] for said in made.predict(asked)])

    return predict


def pipeline_of(folder: Path, last: str, *, by_length: bool) -> Arm:
    from transformers import pipeline

    pipe = pipeline("text-classification", str(folder), device="cpu", top_k=None)

    def predict(asked: Sequence[str]) -> np.ndarray:
        order = sorted(range(len(asked)), key=lambda i: len(asked[i])) if by_length else range(len(asked))
        found = np.zeros(len(asked))
        said = pipe([asked[i] for i in order], batch_size=BATCH, truncation=True, max_length=128)
        for i, each in zip(order, said, strict=True):
            found[i] = next(one["score"] for one in each if one["label"] == last)
        return found

    return predict


def onnx(folder: Path, made: Finetuned) -> Arm:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(next(folder.rglob("*.onnx"))), options)

    def predict(asked: Sequence[str]) -> np.ndarray:
        ids = [each[:128] for each in made.tokenizer.encode_batch(asked)]
        order, found = np.argsort([len(each) for each in ids], kind="stable"), np.zeros(len(asked))
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            length = max(len(ids[i]) for i in rows) + 2
            padded = np.full((len(rows), length), made.tokenizer.pad_id, dtype=np.int64)
            for row, i in zip(padded, rows, strict=True):
                whole = [made.tokenizer.cls_id, *ids[i], made.tokenizer.sep_id]
                row[: len(whole)] = whole
            given = {"input_ids": padded, "attention_mask": (padded != made.tokenizer.pad_id).astype(np.int64)}
            given["token_type_ids"] = np.zeros_like(padded)
            logits = session.run(None, {each.name: given[each.name] for each in session.get_inputs()})[0]
            odds = np.exp(logits - logits.max(1, keepdims=True))
            found[rows] = odds[:, -1] / odds.sum(1)
        return found

    return predict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default=FREE_TEXT)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    rows = [{"text": "good", "label": "positive"}, {"text": "bad", "label": "negative"}]
    made = finetune("classification", load(asked.model), rows, length=128, epochs=1, min_steps=1, device="cpu")
    last = made.task.label_names()[-1]
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        made.save(folder / "model")
        export(made, folder / "hf")
        arms: dict[str, Arm] = {
            "this package": ours(made),
            "pipeline, batch 32": pipeline_of(folder / "hf", last, by_length=False),
            "pipeline, sorted": pipeline_of(folder / "hf", last, by_length=True),
        }
        for name, int8 in (("onnxruntime", False), ("onnxruntime, int8", True)):
            try:
                export(made, folder / name, onnx=True, int8=int8)
            except ElectraError as refused:  # eight bits are not exact enough for this net
                print(f"{name}: {refused}")
            else:
                arms[name] = onnx(folder / name, made)
        given = texts(asked.rows)
        tokens = sum(len(each) + 2 for each in made.tokenizer.encode_batch(given))
        said = {name: arm(given[:256]) for name, arm in arms.items()}
        seconds: dict[str, list[float]] = {name: [] for name in arms}
        for _ in range(asked.rounds):
            for name, arm in arms.items():
                began = time.perf_counter()
                arm(given)
                seconds[name].append(time.perf_counter() - began)
    first, found = np.array(seconds["this package"]), {}
    print(f"{asked.rows:,} rows, {tokens:,} tokens, {torch.get_num_threads()} threads")
    for name, took in seconds.items():
        apart = float(np.abs(said[name] - said["this package"]).max())
        found[name] = {
            "tokens_per_second": tokens / float(np.median(took)),
            "ours_is_faster_by": float(np.median(np.array(took) / first)),
            "difference": apart,
            "seconds": [round(each, 2) for each in took],
        }
        print(
            f"  {name:<22}{found[name]['tokens_per_second']:>10,.0f} tokens/s   "
            f"ours is faster by {found[name]['ours_is_faster_by']:.2f}   P differs by {apart:.1e}"
        )
    print(f"  peak memory of the process {peak_memory('cpu') / 1e6:,.0f} MB")
    if asked.write:
        settings = {"rows": asked.rows, "tokens": tokens, "threads": torch.get_num_threads(), "model": asked.model}
        OUT.write_text(json.dumps(settings | {"arms": found}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
