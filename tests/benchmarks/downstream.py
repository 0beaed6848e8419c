"""Fine-tuning with several seeds, on the little world and on the course's real sentences: what notebooks 08 to 10 draw bands from.

    python tests/benchmarks/downstream.py --seeds 0 1 2 3 4

writes data/benchmarks/downstream.json and prints a table. The model is the shipped electra-tiny-world-en; scores are of test
rows, whose heroes and verb-object pairs no training row has, except where "validation" is said (new stories of the same names).
The step that is kept was chosen on validation rows. `--only topic` (sentiment, entities, questions) records one part and keeps
the others.

`--only reviews names passages` records the real sentences, with the bundled model that has read real English: no validation rows,
the last step is kept, and the settings are the notebooks'.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from electra_helpers.course.labs import prose
from electra_helpers.course.labs.finetuning import without_questions, world_rows
from electra_helpers.exchange.store import load
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.resources import FREE_TEXT
from electra_helpers.tasks.finetuned import Finetuned
from electra_helpers.tasks.finetuning import finetune

OUT = Path(__file__).resolve().parents[2] / "data" / "benchmarks" / "downstream.json"
MODEL = "electra-tiny-world-en"
SIZES = (16, 64, 256, 1024)
EPOCHS = {16: 80, 64: 40, 256: 20, 1024: 10}
ARMS = {"pretrained": {}, "frozen": {"freeze": True, "learning_rate": 1e-2}, "scratch": {"scratch": True}}
ENTITY_ROWS, QUESTIONS, QUESTION_EPOCHS = 1_000, 4_000, 6
HELD_OUT = 300
REVIEW_EPOCHS = {16: 30, 64: 15, 320: 8}  # by number of labels, chosen on training rows alone
REVIEW_ARMS = {"pretrained": {"learning_rate": 3e-4}, "frozen": {"freeze": True, "learning_rate": 1e-2}} | {
    "scratch": {"scratch": True, "learning_rate": 3e-4}
}
NAME_SETTINGS = {"batch_size": 16, "epochs": 10, "learning_rate": 3e-4}
PASSAGE_SETTINGS = {"batch_size": 8, "epochs": 6, "learning_rate": 3e-4, "length": 192}


def first(data: LabelledData, count: int) -> LabelledData:
    """Its first rows, with all label names."""
    return replace(data, rows=data.rows[:count])


def classification(what: str, seeds: list[int]) -> dict:
    """Accuracy by number of labels, arm and seed."""
    start, train = load(MODEL), world_rows(what, "train", max(SIZES))
    validation, test = world_rows(what, "validation", HELD_OUT), world_rows(what, "test", HELD_OUT)
    found: dict = {"labels": list(SIZES), "baseline": baseline(train, test), "seconds": 0.0}
    for arm, changes in ARMS.items():
        scores = []
        for size in SIZES:
            settings = {"epochs": EPOCHS[size], "eval_every": 0, **changes}
            runs = [
                timed(found, "classification", start, first(train, size), validation, seed, settings) for seed in seeds
            ]
            scores.append([run.evaluate(test)["accuracy"] for run in runs])
            print(f"{what:<10} {arm:<10} {size:>5} labels: {spread(scores[-1])}", flush=True)
        found[arm] = {"accuracy": scores}
    return found


def timed(found: dict, task: str, start, train, validation, seed: int, settings: dict) -> Finetuned:
    began = time.process_time()
    made = finetune(task, start, train, validation=validation, seed=seed, device="cpu", **settings)
    found["seconds"] += time.process_time() - began
    return made


def entities(seeds: list[int]) -> dict:
    """Entity F1 on the names of the training rows, and on names that it never saw."""
    start, train = load(MODEL), world_rows("entities", "train", ENTITY_ROWS)
    held_out = {split: world_rows("entities", split, HELD_OUT) for split in ("validation", "test")}
    found: dict = {"rows": ENTITY_ROWS, "seconds": 0.0} | {split: {} for split in held_out}
    for seed in seeds:
        made = timed(found, "tagging", start, train, held_out["validation"], seed, {})
        for split, data in held_out.items():
            for name, value in made.evaluate(data).items():
                found[split].setdefault(name, []).append(value)
    for split in held_out:
        print(f"entities   {split:<10} F1: {spread(found[split]['f1'])}", flush=True)
    return found


def questions(seeds: list[int]) -> dict:
    """Scores with the question, and with the question hidden at training and at test."""
    start, train = load(MODEL), world_rows("questions", "train", QUESTIONS)
    held_out = {split: world_rows("questions", split, HELD_OUT) for split in ("validation", "test")}
    found: dict = {"rows": QUESTIONS, "seconds": 0.0}
    for arm, change in (("asked", lambda d: d), ("blind", without_questions)):
        found[arm] = {split: {} for split in held_out}
        for seed in seeds:
            settings = {"epochs": QUESTION_EPOCHS, "eval_every": 375}
            made = timed(
                found, "question-answering", start, change(train), change(held_out["validation"]), seed, settings
            )
            for split, data in held_out.items():
                for name, value in made.evaluate(change(data)).items():
                    found[arm][split].setdefault(name, []).append(value)
        for split in held_out:
            print(f"questions  {arm:<6} {split:<10} F1: {spread(found[arm][split]['f1'])}", flush=True)
        found[arm] = found[arm]["validation"] | {"test": found[arm]["test"]}
    return found


def reviews(seeds: list[int]) -> dict:
    """Accuracy on the test reviews by number of labels, arm and seed."""
    start, (train, test) = load(FREE_TEXT), prose.sets("reviews")
    found: dict = {"model": FREE_TEXT, "labels": list(REVIEW_EPOCHS), "baseline": baseline(train, test), "seconds": 0.0}
    for arm, changes in REVIEW_ARMS.items():
        scores = []
        for size, epochs in REVIEW_EPOCHS.items():
            settings = {"batch_size": 16, "epochs": epochs, **changes}
            runs = [timed(found, "classification", start, first(train, size), None, seed, settings) for seed in seeds]
            scores.append([run.evaluate(test)["accuracy"] for run in runs])
            print(f"reviews    {arm:<10} {size:>5} labels: {spread(scores[-1])}", flush=True)
        found[arm] = {"accuracy": scores}
    return found


def names(seeds: list[int]) -> dict:
    """Entity F1 on the test sentences, fine-tuned and from scratch."""
    start, (train, test) = load(FREE_TEXT), prose.sets("entities")
    found: dict = {"model": FREE_TEXT, "rows": len(train), "seconds": 0.0}
    for arm, changes in (("pretrained", {}), ("scratch", {"scratch": True})):
        runs = [timed(found, "tagging", start, train, None, seed, NAME_SETTINGS | changes) for seed in seeds]
        found[arm] = gathered([run.evaluate(test) for run in runs])
        print(f"names      {arm:<10} F1: {spread(found[arm]['f1'])}", flush=True)
    return found


def passages(seeds: list[int]) -> dict:
    """Scores on the test passages with the question, with the question hidden at training and at test, and from scratch."""
    start, (train, test) = load(FREE_TEXT), prose.sets("passages")
    found: dict = {"model": FREE_TEXT, "rows": len(train), "seconds": 0.0}
    for arm, change, more in (
        ("asked", lambda d: d, {}),
        ("blind", without_questions, {}),
        ("scratch", lambda d: d, {"scratch": True}),
    ):
        runs = [
            timed(found, "question-answering", start, change(train), None, seed, PASSAGE_SETTINGS | more)
            for seed in seeds
        ]
        found[arm] = gathered([run.evaluate(change(test)) for run in runs])
        found["baseline"] = runs[0].task.baseline(test.rows)[1]["f1"]
        print(f"passages   {arm:<10} F1: {spread(found[arm]['f1'])}", flush=True)
    return found


def gathered(scores: list[dict[str, float]]) -> dict[str, list[float]]:
    """One list a metric, an entry a seed."""
    return {name: [each[name] for each in scores] for name in scores[0]}


def baseline(train: LabelledData, test: LabelledData) -> float:
    """Accuracy of the commonest training label."""
    common = int(np.bincount([row["label"] for row in train.rows]).argmax())
    return float(np.mean([row["label"] == common for row in test.rows]))


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


PLACES = {  # where a part stands in the file
    "topic": ("classification", "topic"),
    "sentiment": ("classification", "sentiment"),
    "entities": ("tagging",),
    "questions": ("question answering",),
    "reviews": ("classification", "reviews"),
    "names": ("names",),
    "passages": ("passages",),
}
PARTS = {
    "topic": lambda seeds: classification("topic", seeds),
    "sentiment": lambda seeds: classification("sentiment", seeds),
    "entities": entities,
    "questions": questions,
    "reviews": reviews,
    "names": names,
    "passages": passages,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    asked = parser.parse_args()
    found = json.loads(OUT.read_text("utf-8")) if OUT.is_file() else {"model": MODEL}
    for part in asked.only:
        *above, name = PLACES[part]
        room = found
        for step in above:
            room = room.setdefault(step, {})
        room[name] = PARTS[part](asked.seeds) | {"seeds": asked.seeds}
        OUT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
