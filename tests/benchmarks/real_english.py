"""What electra-minilm-en is worth, beside the encoder it began from, masked language modelling alone, no pre-training, and electra-mini-en.

    export ELECTRA_REAL_DATA=…
    python -m tests.benchmarks.real_english judge electra-minilm-en=… electra-mini-en=…           # nothing is trained
    python -m tests.benchmarks.real_english learn electra-minilm-en=… encoder=minilm/ mlm=runs/mlm --scratch   # SST-2 and WikiANN
    python -m tests.benchmarks.real_english learn … --rows 3000                                   # the same with fewer rows
    python -m tests.benchmarks.real_english probe electra-minilm-en=… encoder=minilm/             # what a linear probe finds of reviews
    python -m tests.benchmarks.real_english table

Each adds to data/benchmarks/real_english.json what it found; `table` prints the file. A discriminator judges a sentence by the sum of
log(1 - P(replaced)) and a word by the highest P(replaced) of its pieces; the arm of masked language modelling alone judges both by log p of
each token when that one is masked. `surprise` is -log p of the generator that stands beside a discriminator, and `both` adds half of it to
the discriminator's logit: no probability of anything, only an order of words.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from statistics import mean
from typing import Any

from sklearn.metrics import roc_auc_score

from electra_helpers import load
from electra_helpers.reading.files import read_rows
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.cleaning.acceptability import preferred, sentence_score, token_scores
from electra_helpers.tasks.detection import encode
from electra_helpers.tasks.surprisal import WEIGHT, log_odds
from tests.benchmarks import mini
from tests.benchmarks.ladder_real import reviews
from tests.benchmarks.mini import ROOT, spread, token_log_p
from tests.benchmarks.real_cleaning import blimp, misspelt, pairs

FILE = ROOT / "data" / "benchmarks" / "real_english.json"
SENTENCES = ROOT / "data" / "sentences"
SOUP = "The chef ate the meal and then he flew the soup to Paris."
CONTEXT = "It was a long day."  # before BLiMP's sentences in a second reading; chosen without them
Scores = list[list[float]]


def suspicions(model: Pretrained, texts: list[str]) -> dict[str, Scores]:
    """For each token how wrong it looks, by every way that this model has."""
    found: dict[str, Scores] = {}
    if model.net.generator is not None:
        found["surprise"] = [[-value for value in row] for row in token_log_p(model, texts)]
    if model.net.discriminator is not None:
        found["replaced"] = [[log_odds(p) for p in row] for row in token_scores(model, texts)]
    if len(found) == 2:
        found["both"] = [
            [a + WEIGHT * b for a, b in zip(*rows, strict=True)]
            for rows in zip(found["replaced"], found["surprise"], strict=True)
        ]
    return found


def by_word(model: Pretrained, row: dict[str, Any], scores: Sequence[float]) -> tuple[list[float], list[bool]]:
    """The highest score of each word's pieces, and whether the word is marked as wrong."""
    encoding, found = encode(model, row["text"]), {}
    spans = row.get("errors") or ([row] if "start" in row else [])
    for word, (start, end), score in zip(encoding.word_ids[1:-1], encoding.offsets[1:-1], scores, strict=True):
        wrong = any(start < span["end"] and end > span["start"] for span in spans)
        best, before = found.get(word, (-math.inf, False))
        found[word] = max(best, score), before or wrong
    return [best for best, _ in found.values()], [wrong for _, wrong in found.values()]


def words_found(model: Pretrained, rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Over all words the AUC, and in how many rows the most suspicious word is a wrong one, by each way to judge."""
    found = {}
    for way, scores in suspicions(model, [row["text"] for row in rows]).items():
        judged = [by_word(model, row, each) for row, each in zip(rows, scores, strict=True)]
        values, wrong = (list(chain.from_iterable(column)) for column in zip(*judged, strict=True))
        first = [marks[each.index(max(each))] for each, marks in judged if any(marks)]
        found[way] = {"auc": float(roc_auc_score(wrong, values)), "first": mean(first)}
    return found


def soup(model: Pretrained) -> dict[str, list[tuple[str, float]]]:
    """The four most suspicious tokens of the sentence of the first page."""
    tokens = encode(model, SOUP).tokens[1:-1]
    return {
        way: sorted(
            ((token, round(value, 3)) for token, value in zip(tokens, rows[0], strict=True)), key=lambda x: -x[1]
        )[:4]
        for way, rows in suspicions(model, [SOUP]).items()
    }


def pairs_won(model: Pretrained, rows: list[dict[str, Any]], context: str = "") -> Any:
    """1 where the good sentence of a pair is preferred."""
    sides = [[row[side] for row in rows] for side in ("sentence_good", "sentence_bad")]
    if model.net.discriminator is None:
        return preferred(*([sum(each) for each in token_log_p(model, side)] for side in sides))
    return preferred(*([sentence_score(p) for p in token_scores(model, side, context)] for side in sides))


def judge(model: Pretrained, root: Path, every: int) -> dict[str, Any]:
    """Everything that needs no labels to learn from."""
    rows = blimp(root, every)
    won = pairs_won(model, rows)
    fields = {
        name: float(won[[row["field"] == name for row in rows]].mean()) for name in sorted({r["field"] for r in rows})
    }
    found = {
        "blimp": float(won.mean()),
        "blimp_pairs": len(rows),
        "blimp_fields": fields,
        "birkbeck": float(pairs_won(model, pairs(misspelt(root))).mean()),
        "odd_words": words_found(model, list(read_rows(SENTENCES / "odd_word.en.jsonl"))),
        "wrong_words": words_found(model, list(read_rows(SENTENCES / "errors.en.jsonl"))),
        "soup": soup(model),
    }
    if model.net.discriminator is not None:
        found["blimp_in_context"] = float(pairs_won(model, rows, CONTEXT).mean())
    return found


def probe(model: Pretrained) -> dict[str, float]:
    """The share of the 160 test reviews that a linear probe on the frozen encoder gets right, by how many it learned from."""
    return {f"reviews {shots}": reviews(model, shots) for shots in (64, 320)}


def remember(part: str, found: dict[str, Any]) -> None:
    """Put what was found beside what is known."""
    known = json.loads(FILE.read_text()) if FILE.is_file() else {}
    old = known.setdefault(part, {})
    for name, scores in found.items():
        old[name] = old.get(name, {}) | scores
    FILE.write_text(json.dumps(known, indent=1) + "\n")


def table(known: dict[str, Any]) -> str:
    """The arms side by side."""
    judged, tuned = known.get("judge", {}), known.get("learn", {})
    columns = sorted({key for scores in tuned.values() for key in scores})
    heads = [*columns, "blimp", "birkbeck", "odd first", "odd AUC", "wrong AUC"]
    lines = [f"| arm | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for name in {**judged, **tuned}:
        cells = [spread(tuned.get(name, {}).get(key, [])) for key in columns]
        if name in judged:
            each = judged[name]
            way = "replaced" if "replaced" in each["odd_words"] else "surprise"
            odd, wrong = each["odd_words"][way], each["wrong_words"][way]
            cells += [f"{x:.3f}" for x in (each["blimp"], each["birkbeck"], odd["first"], odd["auc"], wrong["auc"])]
        else:
            cells += ["–"] * 5
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("judge", "learn", "probe", "table"))
    parser.add_argument("arms", nargs="*", metavar="NAME=FOLDER")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="every how many pairs of BLiMP")
    parser.add_argument("--rows", type=int, default=0, help="rows to fine-tune on; 0 = all")
    parser.add_argument("--scratch", action="store_true", help="fine-tune the first arm's shape from scratch, too")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "real_english")
    asked = parser.parse_args()
    if asked.part == "table":
        print(table(json.loads(FILE.read_text())))
        return
    root = Path(os.environ["ELECTRA_REAL_DATA"])
    arms = {name: Path(folder) for name, _, folder in (arm.partition("=") for arm in asked.arms)}
    if asked.part == "learn":
        for number, (name, path) in enumerate(arms.items()):  # each is kept when it is done: all take hours
            scratch = asked.scratch and number == 0
            remember("learn", mini.fine_tune({name: path}, asked.out, root, asked.seeds, asked.rows, scratch))
        return
    for name, path in arms.items():
        model = load(path)
        found = {name: probe(model) if asked.part == "probe" else judge(model, root, asked.every)}
        print(json.dumps(found, indent=1), flush=True)
        remember(asked.part, found)


if __name__ == "__main__":
    main()
