"""Scaling in the small: four sizes of ELECTRA at four budgets on the little world, what notebook 18 fits its line to.

    python -m tests.benchmarks.scaling --seeds 0 1
    python -m tests.benchmarks.scaling --table

Each run is added to data/benchmarks/scaling.json when it ends, and an interrupted recording resumes where it was. A run is named by its
width, its budget in operations and its seed. Asked of each: the generator's loss on the same hidden words (nats), and the
discriminator's AUC on three fixed exams. The recipe is that of `tiny` for every width, the learning rate too; nothing was tuned.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import cache
from typing import Any

import torch

from electra_helpers.course.labs.benchmarks import file_of
from electra_helpers.course.labs.exams import best_auc
from electra_helpers.course.labs.replacements import world_model
from electra_helpers.course.labs.scaling import (
    BUDGETS,
    LENGTH,
    STORIES,
    WIDTHS,
    fixed_exams,
    floor,
    hidden,
    nats,
    scaling_run,
    step_flops,
)
from electra_helpers.course.labs.world_run import world_texts
from electra_helpers.text.rows import Rows, build_rows
from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.training.evaluation import Exam
from electra_helpers.world import vocabulary

PATH = file_of("scaling")
CPU = torch.device("cpu")


def read() -> dict[str, Any]:
    return json.loads(PATH.read_text("utf-8")) if PATH.exists() else {"runs": []}


def keep(run: dict[str, Any] | None = None, **about: Any) -> None:
    """Add one run to the file, and what holds for all of them."""
    content = read() | about
    content["runs"] += [run] if run else []
    content["runs"].sort(key=lambda each: (each["seed"], each["budget"], each["width"]))
    PATH.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def is_kept(width: int, budget: float, seed: int) -> bool:
    return any((each["width"], each["budget"], each["seed"]) == (width, budget, seed) for each in read()["runs"])


@cache
def rows_of(seed: int) -> Rows:
    """The stories of a seed, packed once for all of its runs."""
    texts = world_texts("stories", STORIES, seed=seed)
    return build_rows(texts, tokenizer_from_words(vocabulary("en")), LENGTH, form="documents")


@cache
def exams_once() -> list[Exam]:
    """The exams, made once: they depend on the vocabulary alone."""
    return fixed_exams(world_model().tokenizer, world_model().net)


def record(width: int, budget: float, seed: int) -> None:
    """One run, asked and kept."""
    run = scaling_run(width, budget, seed=seed, rows=rows_of(seed))
    began = time.process_time()
    ended = run.train()
    seconds = time.process_time() - began
    if ended.interrupted:
        raise SystemExit(f"Width {width}, {budget:.1e} operations, seed {seed} was interrupted: nothing of it is kept.")
    net = run.task.model.eval()
    found = {"width": width, "budget": budget, "seed": seed, "steps": run.config.steps, "tokens": ended.tokens}
    found |= {"flops": run.config.steps * step_flops(width), "seconds": round(seconds, 1)}
    found |= {
        "parameters": sum(each.numel() for each in net.parameters()),
        "nats": round(nats(net, hidden(run.tokenizer)), 4),
    }
    with torch.no_grad():
        found["auc"] = {each.name: round(each.auc(net.discriminator, CPU), 4) for each in exams_once()}
    keep(found)
    print(found, flush=True)


def record_limits() -> None:
    """What no net can beat: on the same hidden words, and for a judge of one fake a story (uniform, and of the course's generator)."""
    model = world_model()
    words = hidden(model.tokenizer)
    best = {"uniform": best_auc(words, None), "learned": best_auc(words, model.net.generator)}
    limits = {"nats": round(floor(words), 4), "auc": {name: round(value, 4) for name, value in best.items()}}
    keep(stories=STORIES, hidden_words=sum(each.positions.shape[1] for each in words), limits=limits)


def show() -> None:
    for run in read()["runs"]:
        auc = " ".join(f"{name} {value:.3f}" for name, value in run["auc"].items())
        print(
            f"{run['seed']} {run['width']:>4} {run['budget']:.1e} {run['steps']:>6} {run['seconds']:>7} {run['nats']:.3f} {auc}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--table", action="store_true", help="print what is recorded")
    chosen = parser.parse_args()
    if chosen.seeds and "limits" not in read():
        record_limits()
    for seed in chosen.seeds:
        for budget in BUDGETS:  # the cheap ones first, so that an early stop leaves whole columns
            for width in WIDTHS:
                if not is_kept(width, budget, seed):
                    record(width, budget, seed)
    if chosen.table:
        show()


if __name__ == "__main__":
    main()
