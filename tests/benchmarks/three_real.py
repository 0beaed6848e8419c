"""The three objectives on real English, from the same random weights at equal operations: one row beside the little world.

The tiny net with 4,096 pieces reads the first articles of English Wikipedia; then it is asked for minimal pairs (BLiMP) and for fakes
in held-out rows, and is fine-tuned on the first rows of SST-2 (called by tests/benchmarks/three_objectives.py).
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from electra_helpers.course.labs import three_exams as exams
from electra_helpers.course.labs.objectives import flops_of_a_step, padded
from electra_helpers.course.labs.world_run import RowsInMemory, WorldRun
from electra_helpers.model.variants import build_network
from electra_helpers.reading.files import read_rows
from electra_helpers.recipes import recipe
from electra_helpers.tasks.finetuning import finetune
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.text.vocabulary import train_tokenizer
from electra_helpers.training.evaluation import make_exams
from electra_helpers.training.loop import seed_for
from electra_helpers.training.pretraining import Pretraining
from tests.benchmarks.real_cleaning import blimp

BUDGET = 6e11  # floating-point operations of a run
ARTICLES, VOCABULARY, LENGTH, BATCH = 200, 4_096, 64, 24
HELD_OUT, EVERY_PAIR = 128, 200
LABELS, EPOCHS = 1_000, 3


def root() -> Path:
    """The folder of real data. Ends in one line without it."""
    if "ELECTRA_REAL_DATA" not in os.environ:
        raise SystemExit("Set ELECTRA_REAL_DATA to the folder of real data.")
    return Path(os.environ["ELECTRA_REAL_DATA"])


@cache
def material() -> tuple[Tokenizer, RowsInMemory, RowsInMemory]:
    """The vocabulary, full rows to learn from, and full rows that are held out."""
    found = islice(read_rows(root() / "pretrain" / "en_wiki.jsonl.xz"), ARTICLES)
    texts = [" ".join(row["text"].split("\n")) for row in found]
    pieces = train_tokenizer(texts, VOCABULARY)
    width, rows = LENGTH - 2, []
    for ids in pieces.encode_batch(texts):
        rows += [[pieces.cls_id, *ids[at : at + width], pieces.sep_id] for at in range(0, len(ids) - width + 1, width)]
    made = [RowsInMemory(part, LENGTH, pieces.pad_id) for part in (rows[HELD_OUT:], rows[:HELD_OUT])]
    return pieces, *made


def real_run(objective: str, seed: int, steps: int, **changes: Any) -> WorldRun:
    """A run of the tiny recipe on these rows; the weights are drawn from the seed. `changes` are fields of `PretrainConfig`."""
    pieces, rows, held_out = material()
    about = {"objective": objective, "seed": seed, "steps": steps, "batch_size": BATCH, "length": LENGTH}
    fixed = {"warmup_steps": max(1, steps // 10), "form": "plain", "log_every": 50, "eval_every": steps}
    config = replace(recipe("tiny").pretrain, mask_share=0.15, **about, **fixed, **changes)
    ids = {name: getattr(pieces, name) for name in ("pad_id", "cls_id", "sep_id", "mask_id")}
    shape = replace(recipe("tiny").model, vocab_size=pieces.vocab_size, **ids)
    torch.manual_seed(seed_for(seed, 16))
    task = Pretraining(build_network(shape, config), rows, held_out.sample(HELD_OUT), config)
    return WorldRun(task, config, pieces)


@cache
def reviews(part: str, every: int) -> list[dict[str, str]]:
    """Every so many rows of a part of SST-2."""
    rows = islice(read_rows(root() / "tasks" / "sst2" / f"{part}.jsonl.xz"), 0, None, every)
    return [{"text": row["sentence"], "label": str(row["label"])} for row in rows]


def sst2(run: WorldRun, seed: int, scratch: bool) -> float:
    """Accuracy on SST-2's validation rows after fine-tuning on `LABELS` rows."""
    train, asked = reviews("train", 67)[:LABELS], reviews("validation", 1)
    made = finetune("classification", run.model, train, seed=seed, device="cpu", epochs=EPOCHS, scratch=scratch)
    said = [each["label"] for each in made.predict([{"text": row["text"]} for row in asked])]
    return sum(a == row["label"] for a, row in zip(said, asked, strict=True)) / len(asked)


def one(objective: str, seed: int) -> dict[str, Any]:
    """One run from the start to SST-2, as a record."""
    began = time.process_time()
    of_a_step = flops_of_a_step(real_run(objective, seed, 1))
    run = real_run(objective, seed, max(1, round(BUDGET / of_a_step)))
    ended = run.train()
    if ended.interrupted:
        raise SystemExit(f"{objective}, seed {seed} was interrupted: nothing of it is kept.")
    entry = {"seed": seed, "steps": run.config.steps, "tokens": ended.tokens, "flops": run.config.steps * of_a_step}
    entry |= {"seconds": round(time.process_time() - began, 1), "evaluation": ended.evaluation}
    net, rows = run.task.model.eval(), blimp(root(), EVERY_PAIR)
    sides = [padded(run.tokenizer, [row[side] for row in rows]) for side in ("sentence_good", "sentence_bad")]
    fakes = make_exams(run.task.held_out, run.task.rows.sample(2_000).input_ids, net.config, run.config.mask_share)
    entry |= {"pairs": {}, "fakes": {}, "pair_count": len(rows)}
    for way, score in exams.scorers(net).items():
        entry["pairs"][way] = exams.pairs_won(score, *sides)
        entry["fakes"][way] = {each.name: exams.found_fakes(score, each.batch, each.is_replaced) for each in fakes}
    began = time.process_time()
    entry |= {name: sst2(run, seed, scratch) for name, scratch in (("sst2", False), ("sst2_scratch", True))}
    entry["fine_tuned_seconds"] = round(time.process_time() - began, 1)
    print("real", objective, seed, entry, flush=True)
    return entry
