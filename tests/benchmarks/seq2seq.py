"""Translation and summarisation on the little world with several seeds: what notebook 11 draws bands from.

    python tests/benchmarks/seq2seq.py --seeds 0 1 2 3 4

writes data/benchmarks/seq2seq.json and prints a table. The encoder is the shipped electra-tiny-world-en; "warm" starts encoder and
decoder from it, "random" both from fresh weights, everything else alike. A target may be told in several ways and the reference is
one of them, drawn at random: beside the usual chrF stand chrF against every way, and what a perfect teller that chooses freely
would score. `--only en-fr` (en-zh, summaries, extractive, parameters) records one part and keeps the others.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from electra_helpers.course.labs import seq2seq as lab
from electra_helpers.course.labs.seq2seq import spread
from electra_helpers.exchange.store import load
from electra_helpers.tasks.finetuning import finetune
from electra_helpers.tasks.text_metrics import translation_metrics

OUT = Path(__file__).resolve().parents[2] / "data" / "benchmarks" / "seq2seq.json"
MODEL = "electra-tiny-world-en"
ARMS = {"warm": False, "random": True}
# Rows, and how they are learned: found with one seed on validation rows.
TASKS = {
    "en-fr": ("translation", 6_000, {"steps": 500, "learning_rate": 4e-3, "eval_every": 125}),
    "en-zh": ("translation", 8_000, {"steps": 450, "learning_rate": 5e-3, "eval_every": 150}),
    "summaries": ("summarisation", 1_000, {"steps": 120, "learning_rate": 4e-3, "eval_every": 30}),
}
HELD_OUT = 150
BEAMS = 1  # with four, chrF is some points higher, and a text takes about three times as long


def rows_of(what: str, split: str, count: int):
    return lab.summaries(split, count) if what == "summaries" else lab.pairs(what, split, count)


def writing(what: str, seeds: list[int]) -> dict:
    """Scores of both arms on new stories (validation) and on stories whose heroes have new names (test)."""
    task, count, settings = TASKS[what]
    start, train = load(MODEL), rows_of(what, "train", count)
    held_out = {split: rows_of(what, split, HELD_OUT) for split in ("validation", "test")}
    found: dict = {"task": task, "rows": count, "settings": settings, "seeds": seeds, "seconds": 0.0}
    for arm, scratch in ARMS.items():
        found[arm] = {"curves": [], "validation": {}, "test": {}}
        for seed in seeds:
            began = time.process_time()
            made = finetune(
                task,
                start,
                train,
                validation=held_out["validation"],
                seed=seed,
                scratch=scratch,
                device="cpu",
                beams=BEAMS,
                **settings,
            )
            found["seconds"] += time.process_time() - began
            curve = [r for r in made.log if r["kind"] == "evaluation"]
            found |= {"steps": [r["step"] for r in curve], "metric": made.task.main_metric}
            found[arm]["curves"].append([r[made.task.main_metric] for r in curve])
            for split, data in held_out.items():
                for name, value in scores(made, what, split, data).items():
                    found[arm][split].setdefault(name, []).append(value)
        for split in held_out:
            told = ", ".join(f"{name} {spread(values)}" for name, values in found[arm][split].items())
            print(f"{what:<10} {arm:<7} {split:<10} {told}", flush=True)
    name, values = made.task.baseline(held_out["validation"].rows)
    found["baseline"] = {"name": name} | values | {"test": made.task.baseline(held_out["test"].rows)[1]}
    if what != "summaries":
        found["copy"] = made.task.metrics(held_out["validation"].rows, held_out["validation"].column("source"))
        found["free choice"] = free_choice(what)
    print(f"{what}: baseline {found['baseline']}, {found['seconds']:.0f} CPU s", flush=True)
    return found


def scores(made, what: str, split: str, data) -> dict[str, float]:
    """The task's metrics; chrF against every way to say it, or the share of summaries with the right hero."""
    texts = list(made.predict(data.rows))
    found = made.task.score(data.rows, texts)
    if what == "summaries":
        return found | {"right name": lab.names_right(made, data)}
    written = [said["target"] for said in texts]
    return found | {"chrf_any_way": lab.chrf_any_way(lab.ways_to_say(what, split, HELD_OUT), written)}


def free_choice(what: str) -> dict[str, float]:
    """What one right telling, drawn at random, scores against the reference: the ceiling of a translator that does not guess."""
    ways = lab.ways_to_say(what, "validation", HELD_OUT)
    return translation_metrics([way[0] for way in ways], lab.one_of_the_ways(what, "validation", HELD_OUT))


def extractive(seeds: list[int]) -> dict:
    """ROUGE-L of one chosen sentence a story; nothing in it is random."""
    began = time.process_time()
    found = lab.extractor_beside(load(MODEL), lab.summaries("train", 400), lab.summaries("validation", HELD_OUT))
    print(f"extractive {found}", flush=True)
    return {"rows": 400, "rouge_l": found, "seconds": time.process_time() - began}


PARTS = {what: (lambda seeds, what=what: writing(what, seeds)) for what in TASKS}
PARTS |= {"extractive": extractive, "parameters": lambda seeds: lab.count_parameters()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    asked = parser.parse_args()
    found = json.loads(OUT.read_text("utf-8")) if OUT.is_file() else {"model": MODEL}
    for part in asked.only:
        found[part] = PARTS[part](asked.seeds)
        OUT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
