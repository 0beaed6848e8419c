"""Fine-tuning on small sets, this package against transformers' Trainer: the same encoder, rows, steps and batch, several seeds.

    python tests/benchmarks/small_sets.py --seeds 8

prints, for each set and arm, accuracy (mean ± standard error), runs that give every test row one class, CPU and wall seconds a run, and
writes data/benchmarks/small_sets.json. Both pad to the longest row of a batch, have the same dropout and keep the last step; nothing is
chosen on the test rows. The Trainer runs at its default rate and at one that suits small nets (`--rates` takes some of them), in fp32 as
the package does; `--model` is a bundled model or an export's parent.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from electra_helpers.course.exercises.n14_your_own_data import cleaned, split_by_group
from electra_helpers.course.labs.practice import messages
from electra_helpers.exchange.store import load
from electra_helpers.reading.labelled import load_labelled
from electra_helpers.resources import FREE_TEXT
from electra_helpers.tasks.exporting import export
from electra_helpers.tasks.finetuning import finetune

OUT = Path(__file__).resolve().parents[2] / "data" / "benchmarks" / "small_sets.json"
RATES = {"Trainer, 5e-5 (its default)": 5e-5, "Trainer, 2e-4": 2e-4}
BATCH, LENGTH, DROPOUT = 32, 64, 0.1
Rows = list[dict]


def sets() -> dict[str, tuple[Rows, Rows]]:
    """Name → training and test rows, {"text", "label"} with numbers for labels."""
    found = {
        "reviews, 320 rows": tuple(_of(load_labelled("bundled:sentences/reviews.en", s)) for s in ("train", "test"))
    }
    tidy = cleaned(messages())
    names = sorted({row["label"] for row in tidy})
    told = [row | {"text": row["message"], "label": names.index(row["label"])} for row in tidy]
    found["messages, 120 rows"] = split_by_group(told, 0.25, seed=1)
    real = os.environ.get("ELECTRA_REAL_DATA")
    if real:
        folder = f"{real}/tasks/sst2"
        found["SST-2, 400 rows"] = (_of(load_labelled(folder, "train"))[:400], _of(load_labelled(folder, "validation")))
    return {name: ([_plain(r) for r in train], [_plain(r) for r in test]) for name, (train, test) in found.items()}


def _of(data) -> Rows:
    return data.rows


def _plain(row: dict) -> dict:
    return {"text": row["text"], "label": int(row["label"])}


def by_package(model, train: Rows, test: Rows, seed: int) -> tuple[list[int], int]:
    """Predictions for the test rows, and the steps that were taken."""
    made = finetune(
        "classification", model, train, seed=seed, batch_size=BATCH, length=LENGTH, dropout=DROPOUT, device="cpu"
    )
    return [int(said["label"]) for said in made.predict([row["text"] for row in test])], made.config.steps


def by_trainer(folder: Path, train: Rows, test: Rows, *, seed: int, rate: float, steps: int) -> list[int]:
    """The same with transformers' Trainer, padding to the longest row of a batch, its defaults otherwise."""
    import datasets
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained(folder)
    kinds = len({row["label"] for row in train})

    def encoded(rows: Rows) -> datasets.Dataset:
        found = [tokenizer(row["text"], truncation=True, max_length=LENGTH) | {"labels": row["label"]} for row in rows]
        return datasets.Dataset.from_list([dict(each) for each in found])

    with tempfile.TemporaryDirectory() as room:
        how = TrainingArguments(
            room,
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            learning_rate=rate,
            seed=seed,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
        )
        shares = {"hidden_dropout_prob": DROPOUT, "attention_probs_dropout_prob": DROPOUT}
        net = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=kinds, **shares)
        trainer = Trainer(net, how, train_dataset=encoded(train), processing_class=tokenizer)
        trainer.train()
        return trainer.predict(encoded(test)).predictions.argmax(-1).tolist()


def timed(predict: Callable[[], Sequence[int]], test: Rows) -> dict:
    """Accuracy, whether every prediction is one class, and the seconds of a run."""
    cpu, wall = time.process_time(), time.perf_counter()
    said = predict()
    took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    right = float(np.mean([a == row["label"] for a, row in zip(said, test, strict=True)]))
    return {"accuracy": right, "one class": len(set(said)) == 1} | took


def told(name: str, runs: list[dict]) -> str:
    """One line: mean ± standard error, runs of one class, seconds."""
    scores = np.array([run["accuracy"] for run in runs])
    error = scores.std(ddof=1) / len(scores) ** 0.5 if len(scores) > 1 else 0.0
    same = sum(run["one class"] for run in runs)
    cpu, wall = (np.mean([run[key] for run in runs]) for key in ("cpu", "wall"))
    return f"  {name:<30}{scores.mean():.3f} ± {error:.3f}   one class {same} of {len(runs)}   {cpu:.1f} CPU s, {wall:.1f} s"


def ratio(arms: dict[str, list[dict]], arm: str) -> float:
    """The package's wall seconds by an arm's, seed by seed: the median."""
    return float(np.median([a["wall"] / b["wall"] for a, b in zip(arms["this package"], arms[arm], strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--model", default=FREE_TEXT)
    parser.add_argument("--rates", nargs="*", choices=list(RATES), default=list(RATES))
    parser.add_argument("--only", default="", help="sets whose name contains this")
    options = parser.parse_args()
    model, found = load(options.model), {"model": options.model, "batch": BATCH}
    with tempfile.TemporaryDirectory() as room:
        folder = next(path for path in export(model, Path(room) / "out") if path.name == "discriminator")
        for name, (train, test) in sets().items():
            if options.only not in name:
                continue
            common = Counter(row["label"] for row in train).most_common(1)[0][0]
            always = float(np.mean([row["label"] == common for row in test]))
            print(f"{name}, {len(test)} test rows, always the commonest {always:.3f}", flush=True)
            arms: dict[str, list[dict]] = {"this package": [], **{arm: [] for arm in options.rates}}
            for seed in range(options.seeds):  # side by side: what else the machine does meets all arms alike
                steps: list[int] = []

                def ours(seed=seed, train=train, test=test, steps=steps):
                    said, taken = by_package(model, train, test, seed)
                    steps.append(taken)
                    return said

                arms["this package"].append(timed(ours, test))
                for arm in options.rates:

                    def theirs(seed=seed, rate=RATES[arm], train=train, test=test, steps=steps):
                        return by_trainer(folder, train, test, seed=seed, rate=rate, steps=steps[0])

                    arms[arm].append(timed(theirs, test))
            for arm, runs in arms.items():
                print(told(arm, runs), flush=True)
                if arm != "this package":
                    print(
                        f"    this package takes {ratio(arms, arm):.2f} times its wall time (median of the seeds)",
                        flush=True,
                    )
            found[name] = {"always": always, "test rows": len(test), "steps": steps[0], "runs": arms}
    if not options.only:
        OUT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
