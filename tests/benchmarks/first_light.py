"""First light: how close the tiny recipe comes to the little world's ceilings, seed by seed.

    python tests/benchmarks/first_light.py --seeds 0 1 2 3 4            # English, against the oracle
    python tests/benchmarks/first_light.py --language zh --seeds 0 1 2   # Chinese and French have no oracle: their own numbers
    python tests/benchmarks/first_light.py --models RUN [RUN …]          # measure finished runs

Each seed is one call of `electra pretrain --corpus world:LANGUAGE --size tiny`. Measured on 200 validation stories:
MLM accuracy on masked words and its ceiling, apart for words whose ceiling halves without the other sentences (`cross`);
RTD AUC on the exam with one examined word a story, fakes from the model's own generator, and its ceiling; AUC on uniform
replacements that can be told for certain.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from electra_helpers.exchange.store import load
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.training.metrics import detection_metrics
from electra_helpers.world import Oracle, stories
from electra_helpers.world.oracle import one_replacement_exam, rtd_ceiling

STORIES = 200


def train(language: str, seed: int, out: Path, options: list[str]) -> float:
    """One run of the command; returns its wall-clock seconds."""
    began = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "electra_helpers.cli",
        "pretrain",
        "--corpus",
        f"world:{language}",
        "--size",
        "tiny",
    ]
    subprocess.run([*command, "--seed", str(seed), "--out", str(out), *options], check=True)
    return time.perf_counter() - began


def ids_of(model: Pretrained, words: list[str]) -> torch.Tensor:
    """[CLS] words [SEP] as ids (1, L): every word is one token of the world's vocabulary."""
    pieces = model.tokenizer
    inner = [pieces.backend.token_to_id(word) for word in words]
    return torch.tensor([[pieces.cls_id, *inner, pieces.sep_id]])


@torch.no_grad()
def generator_distribution(model: Pretrained, words: list[str], positions: list[int], order: np.ndarray) -> np.ndarray:
    """(n, V) over the oracle's words, with [MASK] shown at the positions."""
    ids = ids_of(model, words)
    at = torch.tensor([[p + 1 for p in positions]])
    ids[0, at[0]] = model.tokenizer.mask_id
    return torch.softmax(model.net.generator(ids, positions=at)[0].double(), -1).numpy()[:, order]


@torch.no_grad()
def p_replaced(model: Pretrained, words: list[str]) -> np.ndarray:
    return torch.sigmoid(model.net.discriminator(ids_of(model, words))[0, 1:-1]).numpy()


def mask_some(n: int, rng: np.random.Generator) -> list[int]:
    """Positions that show [MASK] in a story of n words: 85 % of 15 %."""
    return sorted(rng.choice(n, max(1, round(0.15 * 0.85 * (n + 2))), replace=False).tolist())


@dataclass(frozen=True)
class Exam:
    """What is asked, and what the oracle knows of it: the same for every model."""

    oracle: Oracle
    rows: list[tuple[list[str], list[int]]]  # the words of a story, and which of them are hidden
    best: np.ndarray  # for every hidden word the oracle's chance of being right
    cross: np.ndarray  # … and whether that halves at least without the other sentences
    examined: list[int]  # one position a story
    known: np.ndarray  # (stories, V) the oracle's distribution there


@cache
def exam() -> Exam:
    oracle, rng = Oracle(), np.random.default_rng(0)
    told = list(stories(count=STORIES, split="validation"))
    rows = [(story.words("en"), mask_some(len(story.words("en")), rng)) for story in told]
    best, cross = [], []
    for story, (words, hidden) in zip(told, rows, strict=True):
        best += list(oracle.distributions(words, hidden).max(1))
        parts = [list(sentence.words) for sentence in story.told("en")]
        cross += [oracle.needs_other_sentences(parts, at) for at in hidden]
    examined = [int(rng.integers(len(words))) for words, _ in rows]
    known = [oracle.distributions(words, [at])[0] for (words, _), at in zip(rows, examined, strict=True)]
    return Exam(oracle, rows, np.array(best), np.array(cross), examined, np.stack(known))


def measure_english(model: Pretrained) -> dict[str, float]:
    asked = exam()
    order = np.array([model.tokenizer.backend.token_to_id(word) for word in asked.oracle.vocabulary])
    right = []
    for words, hidden in asked.rows:
        q = generator_distribution(model, words, hidden, order)
        right += list(q.argmax(1) == np.array([asked.oracle.ids[words[at]] for at in hidden]))
    right = np.array(right)
    texts = [words for words, _ in asked.rows]
    places = list(zip(texts, asked.examined, strict=True))
    q = np.stack([generator_distribution(model, words, [at], order)[0] for words, at in places])
    exams = [x for s in range(5) for x in one_replacement_exam(texts, asked.examined, q, seed=s)]
    scores = np.array([p_replaced(model, x.words)[x.position] for x in exams])
    auc = detection_metrics(scores, np.array([x.is_replaced for x in exams]))["auc"]
    return {
        "mlm_accuracy": right.mean(),
        "mlm_ceiling": asked.best.mean(),
        "mlm_share_of_ceiling": right.mean() / asked.best.mean(),
        "cross_accuracy": right[asked.cross].mean(),
        "cross_ceiling": asked.best[asked.cross].mean(),
        "rtd_auc": auc,
        "rtd_ceiling": rtd_ceiling(asked.known, q),
        "detectable_uniform_auc": detectable_uniform_auc(model, asked, places),
    }


def detectable_uniform_auc(model: Pretrained, asked: Exam, places: list[tuple[list[str], int]]) -> float:
    """One uniform replacement a story that no story of the world could have there, against the words left alone."""
    scores, truth, rng = [], [], np.random.default_rng(1)
    for (words, at), known in zip(places, asked.known, strict=True):
        impossible = [w for w, probability in zip(asked.oracle.vocabulary, known, strict=True) if probability == 0]
        shown = list(words)
        shown[at] = impossible[rng.integers(len(impossible))]
        scores.append(p_replaced(model, shown))
        truth.append(np.arange(len(words)) == at)
    return detection_metrics(np.concatenate(scores), np.concatenate(truth))["auc"]


def measure(run: Path, language: str) -> dict[str, float]:
    """Against the ceilings in English; elsewhere what the run's own last evaluation says."""
    if language == "en":
        return measure_english(load(run))
    log = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    return [record for record in log if record["kind"] == "evaluation"][-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", default="en", choices=("en", "zh", "fr"))
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--models", type=Path, nargs="*", default=[])
    parser.add_argument("--keep", type=Path, help="folder for the runs; a temporary one otherwise")
    parser.add_argument("--train-only", action="store_true", help="train and time; measure later with --models")
    chosen, options = parser.parse_known_args()
    found = {str(run): measure(run, chosen.language) for run in chosen.models}
    with tempfile.TemporaryDirectory() as room:
        for seed in chosen.seeds:
            out = (chosen.keep or Path(room)) / f"{chosen.language}-{seed}"
            seconds = train(chosen.language, seed, out, options)
            found[f"seed {seed}"] = {"seconds": seconds} | ({} if chosen.train_only else measure(out, chosen.language))
            print(
                json.dumps({f"seed {seed}": {k: round(float(v), 4) for k, v in found[f"seed {seed}"].items()}}),
                flush=True,
            )
    for name in next(iter(found.values())):
        values = [float(record[name]) for record in found.values()]
        print(f"{name:>24}  median {np.median(values):7.3f}  min {min(values):7.3f}  max {max(values):7.3f}")


if __name__ == "__main__":
    main()
