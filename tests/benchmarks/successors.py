"""What notebook 17 compares: ELECTRA's successors at equal compute, on the little world and, from the same random weights, on real English.

    python -m tests.benchmarks.successors world --seeds 0 1 2 3 4
    ELECTRA_REAL_DATA=… python -m tests.benchmarks.successors real --seeds 0
    python -m tests.benchmarks.successors table

Adds each run to data/benchmarks/successors.json when it ends; an interrupted recording resumes where it was. Every arm has notebook
16's budget of operations (on real English that of its real runs), and is read by frozen linear probes before and after, and asked for
minimal pairs and fakes without any training. Settings are those of the tiny recipe, weights of losses those of successor_runs.py; no test
row chose any of them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from electra_helpers.course.labs import three_exams as exams
from electra_helpers.course.labs.benchmarks import file_of
from electra_helpers.course.labs.objectives import PROBES, Probe, flops_of_a_step, padded
from electra_helpers.course.labs.successor_runs import ARMS, scorers, stages, world_prepared
from electra_helpers.course.labs.three_objectives import BUDGET, STORIES
from electra_helpers.course.labs.world_run import SHAPES, WorldRun
from electra_helpers.model.heads import main_encoder
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.evaluation import make_exams
from tests.benchmarks.three_objectives import PAIRS, rounded, world_exams

PATH = file_of("successors")
PROBED: dict[str, Probe] = {}


def read() -> dict[str, Any]:
    return json.loads(PATH.read_text("utf-8")) if PATH.exists() else {"world": {}, "real": {}}


def add(ground: str, arm: str, entry: dict[str, Any], **common: Any) -> None:
    """Put a run beside the others of its arm, in the order of seeds."""
    content = read()
    content[ground] = content.get(ground, {}) | common
    found = content[ground].setdefault("arms", {})
    kept = [each for each in found.get(arm, []) if each["seed"] != entry["seed"]]
    found[arm] = sorted([*kept, entry], key=lambda each: each["seed"])
    PATH.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def is_recorded(ground: str, arm: str, seed: int) -> bool:
    return any(each["seed"] == seed for each in read().get(ground, {}).get("arms", {}).get(arm, []))


def probed(run: WorldRun) -> dict[str, float]:
    """What linear probes on the frozen encoder say."""
    for name, make in PROBES.items():
        if name not in PROBED:  # all runs have one vocabulary
            PROBED[name] = make(run.tokenizer)
    return {name: probe.score(main_encoder(run.task.model)) for name, probe in PROBED.items()}


@cache
def sides(tokenizer: Tokenizer) -> Any:
    return exams.world_pairs(tokenizer, PAIRS, SHAPES["stories"]["length"])


def ways(run: WorldRun, pairs: Any, asked: list[Any]) -> dict[str, Any]:
    """Minimal pairs and fakes by every way to score."""
    net, found = run.task.model.eval(), {"scored": {}, "fakes": {}, "pair_count": len(pairs[0].input_ids)}
    for way, score in scorers(net).items():
        found["scored"][way] = exams.pairs_won(score, *pairs)
        found["fakes"][way] = {each.name: exams.found_fakes(score, each.batch, each.is_replaced) for each in asked}
    return found


def trained(arm: str, seed: int, prepare: Callable[..., WorldRun], budget: float, probe: bool) -> tuple[Any, WorldRun]:
    """The entry of a run as far as both grounds have it, and its last stage."""
    began, steps, flops, start = time.process_time(), [], [], {}
    for run, callbacks in stages(arm, prepare, budget):
        start = probed(run) if probe else {}
        flops.append(flops_of_a_step(run))
        ended = run.train(*callbacks)
        if ended.interrupted:
            raise SystemExit(f"{arm}, seed {seed} was interrupted: nothing of it is kept.")
        steps.append(run.config.steps)
    entry = {"seed": seed, "steps": steps, "flops": sum(a * b for a, b in zip(steps, flops, strict=True))}
    entry |= {"seconds": round(time.process_time() - began, 1), "evaluation": ended.evaluation}
    return entry | ({"start": start, "probes": probed(run)} if probe else {}), run


def record_world(arm: str, seed: int) -> None:
    entry, run = trained(arm, seed, world_prepared(seed), BUDGET, probe=True)
    net = run.task.model
    asked = world_exams(run.tokenizer, run.task.held_out, net, run.config.mask_share)
    add("world", arm, rounded(entry | ways(run, sides(run.tokenizer), asked)), budget_flops=BUDGET, stories=STORIES)
    print("world", arm, seed, entry["steps"], entry["seconds"], "s", read()["world"]["arms"][arm][-1], flush=True)


def record_real(arm: str, seed: int) -> None:
    from tests.benchmarks import three_real  # wants the folder of real data

    def prepare(**changes: Any) -> WorldRun:
        return three_real.real_run(changes.pop("objective", "rtd"), seed, 1, **changes)

    entry, run = trained(arm, seed, prepare, three_real.BUDGET, probe=False)
    rows = three_real.blimp(three_real.root(), three_real.EVERY_PAIR)
    pairs = tuple(padded(run.tokenizer, [row[side] for row in rows]) for side in ("sentence_good", "sentence_bad"))
    learned = run.task.rows.sample(2_000).input_ids
    asked = make_exams(run.task.held_out, learned, run.task.model.config, run.config.mask_share)
    entry |= ways(run, pairs, asked)
    entry["sst2"] = three_real.sst2(run, seed, False)
    add("real", arm, rounded(entry), budget_flops=three_real.BUDGET, articles=three_real.ARTICLES)
    print("real", arm, seed, entry["steps"], entry["seconds"], "s", read()["real"]["arms"][arm][-1], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ground", choices=("world", "real", "table"))
    parser.add_argument("--arms", nargs="*", choices=list(ARMS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    chosen = parser.parse_args()
    if chosen.ground == "table":
        from electra_helpers.course.labs.successor_pictures import real_table, world_table

        print(world_table(), real_table(), sep="\n\n")
        return
    record = {"world": record_world, "real": record_real}[chosen.ground]
    for seed in chosen.seeds:  # seed after seed, so that an early stop leaves every arm with the same seeds
        for arm in chosen.arms or ARMS:
            if not is_recorded(chosen.ground, arm, seed):
                record(arm, seed)


if __name__ == "__main__":
    main()
