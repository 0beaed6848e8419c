"""What notebook 15 compares: the paper's experiments on the little world and, from one English encoder, on real text.

    python -m tests.benchmarks.ladder world --seeds 0 1 2 3 4
    ELECTRA_REAL_DATA=… python -m tests.benchmarks.ladder real --encoder minilm/ --seeds 0 1 2
    python -m tests.benchmarks.ladder table

Writes data/benchmarks/ladder.json after every run; an interrupted recording goes on where it was. On the little world the arms have the
compute of notebook 06's and are read by its frozen probes: the ladder six times, the others before and after. On real text see
tests/benchmarks/ladder_real.py.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from electra_helpers.course.labs.benchmarks import file_of
from electra_helpers.course.labs.ladder import ARMS, LADDER, OF_06, arms_of, stages
from electra_helpers.course.labs.ladder_pictures import READ, gains_table
from electra_helpers.course.labs.objectives import BUDGET, READINGS, STORIES, Readings, flops_of_a_step

PATH = file_of("ladder")


def read() -> dict[str, Any]:
    return json.loads(PATH.read_text("utf-8")) if PATH.exists() else {"world": {}, "real": {}}


def add(ground: str, arm: str, entry: dict[str, Any], **common: Any) -> None:
    """Put a run beside the others of its arm, in the order of seeds, and what all arms of its ground have in common above them."""
    content = read()
    content[ground] = content.get(ground, {}) | common
    runs = content[ground].setdefault("arms", {})
    kept = [each for each in runs.get(arm, []) if each["seed"] != entry["seed"]]
    runs[arm] = sorted([*kept, entry], key=lambda each: each["seed"])
    PATH.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def is_recorded(ground: str, arm: str, seed: int) -> bool:
    return any(each["seed"] == seed for each in read().get(ground, {}).get("arms", {}).get(arm, []))


def rounded(record: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in record.items()}


def record_world(arm: str, seed: int) -> None:
    began, readings, steps, flops, share = time.process_time(), [], [], [], 0.0
    for run in stages(arm, seed=seed):
        reader = Readings(run.tokenizer, count=READINGS if arm in LADDER else 2)  # curves are drawn of the ladder alone
        flops.append(flops_of_a_step(run))
        end = run.train(reader)
        steps.append(run.config.steps)
        part = steps[-1] * flops[-1] / BUDGET  # of the compute
        readings += [record | {"compute": share + part * record["compute"]} for record in reader.found]
        share += part
    entry = {
        "seed": seed,
        "steps": steps,
        "tokens": sum(steps) * run.config.batch_size * run.config.length,
        "flops_per_step": flops,
        "cpu_seconds": round(time.process_time() - began, 1),
        "readings": [rounded(record) for record in readings],
        "evaluation": rounded(end.evaluation),
    }
    add("world", arm, entry, budget_flops=BUDGET, stories=STORIES)
    print(arm, seed, steps, "steps", entry["cpu_seconds"], "s", entry["readings"][-1], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ground", choices=("world", "real", "table"))
    parser.add_argument("--arms", nargs="*", choices=list(ARMS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--encoder", type=Path, help="folder of an encoder of BERT's shape that all arms start from")
    chosen = parser.parse_args()
    if chosen.ground == "table":
        for ground, reading in READ:
            print(gains_table(ground, reading, arms_of(ground)), end="\n\n")
        return
    if chosen.ground == "real":
        from tests.benchmarks.ladder_real import REAL_ARMS, record_real

        arms = REAL_ARMS

        def record(arm: str, seed: int) -> None:
            entry, common = record_real(arm, seed, chosen.encoder)
            add("real", arm, entry, **common)
    else:
        arms, record = [arm for arm in ARMS if arm not in OF_06], record_world
    for seed in chosen.seeds:  # seed after seed, so that an early stop leaves every arm with the same seeds
        for arm in chosen.arms or arms:
            if not is_recorded(chosen.ground, arm, seed):
                record(arm, seed)


if __name__ == "__main__":
    main()
