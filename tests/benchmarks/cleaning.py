"""Cleaning the little world: detectable wrong words without fine-tuning, thresholds at other base rates, and fine-tuning.

    python tests/benchmarks/cleaning.py --seeds 0 1 2 3 4

writes data/benchmarks/cleaning.json and prints a table; notebook 13 draws from it. The model is the shipped electra-tiny-world-en; a
seed chooses stories, places and wrong words. `--only detectable` (thresholds, finetuned, pairs, alarms) records one part anew. The
parts "real" and "pairs" have no seeds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from electra_helpers.course.labs import cleaning as lab
from electra_helpers.exchange.store import load
from electra_helpers.reading.labelled import LabelledData, labelled
from electra_helpers.tasks.cleaning.acceptability import acceptability, open_pairs
from electra_helpers.tasks.cleaning.suspects import suspects
from electra_helpers.tasks.cleaning.task import choose_threshold, cleaning_metrics, trivial
from electra_helpers.tasks.finetuning import finetune
from electra_helpers.tasks.reading import open_task_data

OUT = Path(__file__).resolve().parents[2] / "data" / "benchmarks" / "cleaning.json"
MODEL = "electra-tiny-world-en"
WRONG, CHOSEN_ON, CHECKED_ON = 200, 300, 700
RATES = (0.05, 0.01, 0.001)
SIZES, EPOCHS, HELD_OUT = (64, 512), {64: 20, 512: 6}, 300


def as_data(rows: list[dict], name: str) -> LabelledData:
    """Rows with one wrong word each as marked words."""
    return labelled([{"tokens": r["tokens"], "labels": r["tags"]} for r in rows], task="cleaning", source=name)


def detectable(seeds: list[int]) -> dict:
    """One wrong word a story that the oracle calls impossible: its AUC among all words, and how often it is the most suspicious one."""
    model, found = load(MODEL), {}
    for split in ("validation", "test"):
        for kind in lab.KINDS:
            runs = []
            for seed in seeds:
                rows = lab.detectable(model, kind, WRONG, split=split, seed=seed)
                data = as_data(rows, f"{kind}, {split}")
                scores, wrong = lab.scored(model, data)
                ends = np.cumsum([len(row["tokens"]) for row in rows])
                parts = np.split(scores, ends[:-1])
                first = [part.argmax() == row["at"] for part, row in zip(parts, rows, strict=True)]
                rarest = trivial(data.rows, 1)["rarest words"]["auc"]
                metrics = cleaning_metrics(wrong, scores)
                runs.append(
                    {"auc": metrics["auc"], "worst of its story": float(np.mean(first)), "rarest words": rarest}
                )
            found[f"{kind}, {split}"] = runs
            print(
                f"{kind:<14} {split:<10} " + ", ".join(f"{k} {spread([r[k] for r in runs])}" for k in runs[0]),
                flush=True,
            )
    return found


def thresholds(seeds: list[int]) -> dict:
    """The threshold of the highest F0.5 at 5 % wrong words, and 0.5: what they are worth on other stories at other base rates."""
    model, runs = load(MODEL), []
    for seed in seeds:
        chosen = choose_threshold(*lab.scored(model, lab.marked_rows(RATES[0], CHOSEN_ON, seed=seed)))
        judged = [lab.scored(model, lab.marked_rows(rate, CHECKED_ON, start=CHOSEN_ON, seed=seed)) for rate in RATES]
        runs.append(
            {"threshold": chosen}
            | {name: [lab.worth(*each, cut) for each in judged] for name, cut in (("chosen", chosen), ("0.5", 0.5))}
        )
    for name in ("chosen", "0.5"):
        for at, rate in enumerate(RATES):
            each = [run[name][at] for run in runs]
            print(
                f"{name}, {rate:.1%} wrong: " + ", ".join(f"{k} {spread([r[k] for r in each])}" for k in each[0]),
                flush=True,
            )
    print("thresholds", spread([run["threshold"] for run in runs]))
    return {"rates": RATES, "runs": runs}


def finetuned(seeds: list[int]) -> dict:
    """Marked words of noisy stories: without fine-tuning, and fine-tuned on a few and on many of them."""
    start = load(MODEL)
    test = {split: open_task_data("world:noisy", split, "cleaning") for split in ("validation", "test")}
    test = {
        split: LabelledData("cleaning", d.rows[:HELD_OUT], d.columns, d.labels, d.source) for split, d in test.items()
    }
    found: dict = {"zero-shot": {}, "trivial": {}}
    for split, data in test.items():
        scores, wrong = lab.scored(start, data)
        found["zero-shot"][split] = cleaning_metrics(wrong, scores)
        found["trivial"][split] = trivial(data.rows, int((scores >= 0.5).sum()))
        print(f"zero-shot {split}: {found['zero-shot'][split]}", flush=True)
    for size in SIZES:
        train, runs = open_task_data(f"world:noisy:en:{size}", "train", "cleaning"), []
        for seed in seeds:
            began = time.process_time()
            made = finetune("cleaning", start, train, epochs=EPOCHS[size], eval_every=0, seed=seed, device="cpu")
            run = {split: cleaning_metrics(*lab.scored(made, data)[::-1]) for split, data in test.items()}
            runs.append(run | {"CPU s": time.process_time() - began})
        found[str(size)] = runs
        for split in test:
            each = [run[split] for run in runs]
            print(
                f"{size} rows, {split}: " + ", ".join(f"{k} {spread([r[k] for r in each])}" for k in each[0]),
                flush=True,
            )
    return found


def pairs(seeds: list[int]) -> dict:
    """Minimal pairs, as whole stories and as sentences alone, by sum and by mean."""
    model = load(MODEL)
    found = {
        f"{source}, {how}": acceptability(model, open_pairs(source), how)
        for source in ("world", "world:sentences")
        for how in ("sum", "mean")
    }
    for name, each in found.items():
        print(name, {k: round(v, 3) for k, v in each["scores"].items()}, flush=True)
    return {name: {"scores": each["scores"], "baselines": each["baselines"]} for name, each in found.items()}


def alarms(seeds: list[int]) -> dict:
    """Fifty right stories, and the same with a name never met: in how many something is flagged at the chosen threshold."""
    model, chosen = load(MODEL), thresholds(seeds[:1])["runs"][0]["threshold"]
    rare = lab.right_but_rare(50)
    found = {
        name: [len(flags) for flags in suspects(model, texts, threshold=chosen, suggest=0)]
        for name, texts in rare.items()
    }
    print({name: float(np.mean([n > 0 for n in counts])) for name, counts in found.items()}, flush=True)
    return {"threshold": chosen, "flags": found}


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


PARTS: dict[str, Callable[[list[int]], dict]] = {
    "detectable": detectable,
    "thresholds": thresholds,
    "finetuned": finetuned,
    "pairs": pairs,
    "alarms": alarms,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    asked = parser.parse_args()
    found = json.loads(OUT.read_text("utf-8")) if OUT.is_file() else {"model": MODEL}
    for part in asked.only:
        began = time.process_time()
        found[part] = PARTS[part](asked.seeds) | {"seeds": asked.seeds}
        print(f"{part}: {time.process_time() - began:.0f} CPU s", flush=True)
        OUT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
