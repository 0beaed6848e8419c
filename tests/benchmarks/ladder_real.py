"""The ladder on real text: every arm starts from the same English encoder and has the same compute (used by tests/benchmarks/ladder.py).

Rows are sentences and short passages of English Wikipedia. An arm's budget is the compute of `STEPS` steps of ELECTRA. Before the first
step and after the last it is read by

- `blimp`: its own way to score a sentence, without labels, on every `EVERY`-th pair of BLiMP. Discriminators: the sum of log P(original).
  Nets that predict from the corrupted text: the sum of log p of each token, which stands in its place. BERT: the same with the token
  masked (Salazar et al., 2020);
- `grammar`: a linear probe on the frozen encoder that learns from half of these pairs which sentence is the good one, and is asked
  about the others: one exam for all arms, and the same score for all before the first step;
- `reviews`: a linear probe for good and bad reviews, from 64 of them, the mean of `DRAWS` draws.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from electra_helpers import load
from electra_helpers.course.labs.ladder import ARMS, LADDER
from electra_helpers.course.labs.objectives import flops_of_a_step, mean_vectors, padded
from electra_helpers.course.labs.world_run import WorldRun
from electra_helpers.model.fewer_pieces import keep_rows
from electra_helpers.model.heads import main_encoder
from electra_helpers.model.variants import AllTokensMLM, ReplaceMLM
from electra_helpers.reading.corpora import Corpus
from electra_helpers.reading.files import read_rows
from electra_helpers.recipes import recipe
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.cleaning.acceptability import preferred, sentence_score, token_scores
from electra_helpers.text.smaller_vocabulary import cut_vocabulary
from electra_helpers.training.pretraining import Pretraining, build_data
from electra_helpers.training.starting import nets_to_train, start_at_frequencies
from tests.benchmarks.mini import token_log_p
from tests.benchmarks.real_cleaning import blimp

REAL_ARMS = (*LADDER, "uniform", "unigram")
STEPS = 60  # of ELECTRA: the compute that every arm has
DOCUMENTS = 500  # of the corpus: more than a run reads
EVERY = 80  # of BLiMP's 67,000 pairs
SHOTS, DRAWS = 64, 5  # labelled reviews that a probe learns from, and how often they are drawn
REVIEWS = Path(__file__).resolve().parents[2] / "data" / "sentences" / "reviews.en"
SETTINGS = {
    "batch_size": 16,
    "length": 64,
    "form": "sentences",
    "learning_rate": 3e-4,
    "warmup_steps": 10,
    "mask_share": 0.15,
    "temperature": 1.0,
    "eval_rows": 32,
}
PIECES = 16_384  # of the encoder's vocabulary, those that the corpus uses most


def root() -> Path:
    return Path(os.environ["ELECTRA_REAL_DATA"])


@cache
def corpus() -> Corpus:
    rows = islice(read_rows(root() / "pretrain" / "en_wiki.jsonl.xz"), DOCUMENTS)
    return Corpus.from_texts([row["text"] for row in rows])


@cache
def cut(encoder: Path) -> Pretrained:
    """The encoder with the pieces that the corpus uses."""
    start = load(encoder)
    kept = cut_vocabulary(start.tokenizer, corpus(), PIECES)
    return replace(start, net=keep_rows(start.net, kept), tokenizer=kept.tokenizer)


def real_run(arm: str, seed: int, encoder: Path, steps: int = 1) -> WorldRun:
    """An arm that starts from the encoder."""
    timing = {"steps": steps, "eval_every": steps, "log_every": max(1, steps // 10)}
    config = replace(recipe("mini").pretrain, **SETTINGS | timing | ARMS[arm].changes, seed=seed)
    start = cut(encoder)
    shape = replace(start.net.config, dropout=0.0, attention_dropout=0.0, **ARMS[arm].shape)
    start = nets_to_train(start, shape, config, corpus(), lambda line: None)
    rows, held_out = build_data(corpus(), start.tokenizer, config)
    for name in ("generator", "predictor"):  # what every new head would learn first
        if (net := getattr(start.net, name, None)) is not None:
            start_at_frequencies(net.head, rows)
    return WorldRun(Pretraining(start.net, rows, held_out, config), config, start.tokenizer)


@cache
def flops_of(arm: str, encoder: Path) -> int:
    return flops_of_a_step(real_run(arm, 0, encoder))


def record_real(arm: str, seed: int, encoder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train an arm and read it before and after: the entry of its run, and what all arms have in common."""
    flops = flops_of(arm, encoder)
    run = real_run(arm, seed, encoder, round(STEPS * flops_of("rtd", encoder) / flops))
    own = start_of_bert(encoder) if arm == "mlm" else blimp_score(run.model)
    read = [{"blimp": own} | start_readings(encoder)]
    print(arm, seed, run.config.steps, "steps, start", read[0], flush=True)
    run.task.model.train()
    began = time.process_time()
    end = run.train()
    seconds = time.process_time() - began
    read.append({"blimp": blimp_score(run.model)} | probe_readings(run.model))
    entry = {
        "seed": seed,
        "steps": run.config.steps,
        "tokens": run.config.steps * run.config.batch_size * run.config.length,
        "flops_per_step": flops,
        "cpu_seconds": round(seconds, 1),
        "readings": [{name: round(value, 4) for name, value in each.items()} for each in read],
        "evaluation": {name: round(float(value), 4) for name, value in end.evaluation.items()},
    }
    print(arm, seed, entry["cpu_seconds"], "s, end", entry["readings"][-1], flush=True)
    return entry, {"settings": SETTINGS, "pieces": PIECES, "blimp_pairs": len(pairs()), "electra_steps": STEPS}


@cache
def pairs() -> list[dict]:
    return blimp(root(), EVERY)


def blimp_score(model: Pretrained) -> float:
    """The share of pairs whose good sentence the arm scores higher, by its own way."""
    good, bad = sides()
    return float(preferred(sentence_scores(model, good), sentence_scores(model, bad)).mean())


@cache
def start_of_bert(encoder: Path) -> float:
    """BERT's `blimp_score` before the first step: its new head starts at the identity, with every seed."""
    return blimp_score(real_run("mlm", 0, encoder).model)


def sides() -> tuple[list[str], list[str]]:
    good, bad = ([row[side] for row in pairs()] for side in ("sentence_good", "sentence_bad"))
    return good, bad


def probe_readings(model: Pretrained) -> dict[str, float]:
    return {"grammar": grammar(model, *sides()), "reviews": reviews(model)}


@cache
def start_readings(encoder: Path) -> dict[str, float]:
    """What the probes say of the encoder that all arms begin with."""
    return probe_readings(real_run("uniform", 0, encoder).model)


def sentence_scores(model: Pretrained, texts: list[str]) -> list[float]:
    """How acceptable each sentence is, by what the arm has learned to say of a token."""
    if model.net.discriminator is not None:
        return [sentence_score(p) for p in token_scores(model, texts)]
    if isinstance(model.net, ReplaceMLM):
        order = by_length(texts)
        found = [score for part in in_order(texts, order) for score in in_place(model, part)]
        return [found[place] for place in np.argsort(order)]
    return [sum(row) for row in token_log_p(model, texts)]


@torch.inference_mode()
def in_place(model: Pretrained, texts: list[str]) -> list[float]:
    """The sum of log p of the tokens that stand there, for a net that predicts from a text without [MASK]; with its copy gate, if any."""
    batch, net = padded(model.tokenizer, texts), model.net
    hidden = net.predictor.encoder(batch.input_ids, None, batch.attention_mask)  # (B, L, H)
    logits = net.predictor.head(hidden, net.predictor.encoder.embeddings.tables()[0])  # (B, L, V)
    log_p = -F.cross_entropy(logits.transpose(1, 2), batch.input_ids, reduction="none")  # (B, L)
    if isinstance(net, AllTokensMLM):
        gate = net.copy_gate(hidden)[..., 0]
        log_p = torch.logaddexp(F.logsigmoid(gate), F.logsigmoid(-gate) + log_p)
    scored = batch.attention_mask.clone()  # as for the others: without [CLS] and [SEP]
    scored &= (batch.input_ids != model.tokenizer.cls_id) & (batch.input_ids != model.tokenizer.sep_id)
    return (log_p * scored).sum(1).tolist()


def grammar(model: Pretrained, good: list[str], bad: list[str]) -> float:
    """The share of unseen pairs whose good sentence a linear probe prefers."""
    right, wrong = vectors(model, good), vectors(model, bad)
    learned = np.concatenate([right[0::2], wrong[0::2]])
    labels = np.repeat([1, 0], [len(right[0::2]), len(wrong[0::2])])
    probe = fitted(learned, labels)
    return float((probe.decision_function(right[1::2]) > probe.decision_function(wrong[1::2])).mean())


def reviews(model: Pretrained, shots: int = SHOTS) -> float:
    """The share of reviews that a linear probe gets right which learned from `shots` of them, the mean over `DRAWS` draws."""
    learn, ask = (list(read_rows(REVIEWS / f"{split}.jsonl")) for split in ("train", "test"))
    x, asked = (vectors(model, [row["sentence"] for row in rows]) for rows in (learn, ask))
    y, truth = (np.array([row["label"] for row in rows]) for rows in (learn, ask))
    draws = [np.random.default_rng(draw).permutation(len(y))[:shots] for draw in range(DRAWS)]
    return mean(float((fitted(x[few], y[few]).predict(asked) == truth).mean()) for few in draws)


def fitted(x: np.ndarray, y: np.ndarray) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300)).fit(x, y)


def vectors(model: Pretrained, texts: list[str]) -> np.ndarray:
    """The mean of each text's last vectors (N, H), in the order of the texts; read by length, so that little is padded."""
    order = by_length(texts)
    found = [mean_vectors(main_encoder(model.net), padded(model.tokenizer, part)) for part in in_order(texts, order)]
    return np.concatenate(found)[np.argsort(order)]


def by_length(texts: list[str]) -> list[int]:
    return sorted(range(len(texts)), key=lambda i: len(texts[i]))


def in_order(texts: list[str], order: list[int], rows: int = 64) -> list[list[str]]:
    """Chunks of the texts in this order."""
    return [[texts[i] for i in order[start : start + rows]] for start in range(0, len(order), rows)]
