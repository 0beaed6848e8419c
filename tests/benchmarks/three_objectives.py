"""GPT's, BERT's and ELECTRA's objective on one encoder: what notebook 16 compares, recorded with several seeds.

    export ELECTRA_REAL_DATA=…
    python -m tests.benchmarks.three_objectives --seeds 0 1 2 3 4
    python -m tests.benchmarks.three_objectives --table

Each run is added to data/benchmarks/three_objectives.json when it ends; an interrupted recording goes on where it was. "compute" are
runs at equal floating-point operations, which are asked everything; "tokens" are those at equal tokens, where they are others, which
are only scored. What costs most is recorded with the first seeds alone: fine-tuning, real English, equal tokens. Settings are those of
the tiny recipe for all three, and no test row chose any of them.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from functools import cache
from typing import Any

import torch

from electra_helpers.course.labs import three_exams as exams
from electra_helpers.course.labs.benchmarks import file_of
from electra_helpers.course.labs.exams import learned_exam
from electra_helpers.course.labs.finetuning import world_rows
from electra_helpers.course.labs.generation import oracle, story_drafts, words_of_rows
from electra_helpers.course.labs.replacements import world_model
from electra_helpers.course.labs.three_objectives import (
    BUDGET,
    EQUAL,
    OBJECTIVES,
    STORIES,
    TASKS,
    shown,
    step_flops,
    steps_for,
    three_run,
)
from electra_helpers.course.labs.world_run import SHAPES, WorldRun, world_texts
from electra_helpers.model.electra import Electra
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.finetuning import finetune
from electra_helpers.tasks.generation import fill, guesser
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.evaluation import Exam, make_exams

PATH = file_of("three_objectives")
LENGTH = SHAPES["stories"]["length"]
PAIRS = 30  # of each phenomenon
WRITTEN, KNOWN_STORIES = 50, 10_000
FEWER_SEEDS, FEWEST_SEEDS = (
    3,
    2,
)  # of fine-tuning and of real English; of the net without pre-training and of the runs at equal tokens
HELD_OUT = 150  # rows that a fine-tuned net is scored on
# Task → labelled rows → epochs; the recipe of the size decides the rest, and the last step is kept.
LABELS = {
    "topic": {32: 40, 64: 30, 256: 10},
    "entities": {16: 40, 64: 20, 256: 8},
    "questions": {250: 6, 1_000: 5},
}
KIND = {"topic": "classification", "entities": "tagging", "questions": "question-answering"}


def read() -> dict[str, Any]:
    return json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}


def write(content: dict[str, Any]) -> None:
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def keep(part: str, objective: str, entry: dict[str, Any], **about: Any) -> None:
    """Add one run to the file, in the place of one with the same seed."""
    content = read() | about
    runs = content.setdefault(part, {}).setdefault(objective, [])
    runs[:] = sorted([*(run for run in runs if run["seed"] != entry["seed"]), entry], key=lambda run: run["seed"])
    write(content)


def is_kept(part: str, objective: str, seed: int) -> bool:
    return any(run["seed"] == seed for run in read().get(part, {}).get(objective, []))


def rounded(found: Any) -> Any:
    """The same with four decimals; what is not defined (the precision of a judge that says no to all) is left out."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items() if value == value}
    return round(float(found), 4) if isinstance(found, float) else found


class Clock:
    """CPU seconds since it was made or last asked."""

    def __init__(self) -> None:
        self.began = time.process_time()

    def lap(self) -> float:
        before, self.began = self.began, time.process_time()
        return round(self.began - before, 1)


def world_exams(tokenizer: Tokenizer, held_out: Batch, net: Electra, share: float) -> list[Exam]:
    """Fakes that no arm made: uniform, of a bigram model, and of the course's trained generator."""
    judge = world_model()
    if tokenizer.backend.get_vocab() != judge.tokenizer.backend.get_vocab():
        raise SystemExit("The trained generator has another vocabulary than the runs: its fakes would be other words.")
    rows = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(tokenizer.encode(text).ids[:LENGTH]) for text in world_texts("stories", 2_000)], batch_first=True
    )
    return [*make_exams(held_out, rows, net.config, share), learned_exam(judge, held_out)]


def scored(run: WorldRun, *, hidden_too: bool) -> dict[str, Any]:
    """Minimal pairs and fakes by every way to score; without `hidden_too` only those of one pass."""
    net, found = run.task.model.eval(), {"pairs": {}, "fakes": {}}
    sides = exams.world_pairs(run.tokenizer, PAIRS, LENGTH)
    asked = world_exams(run.tokenizer, run.task.held_out, net, run.config.mask_share)
    for way, score in exams.scorers(net).items():
        if way != "one hidden" or hidden_too:
            found["pairs"][way] = exams.pairs_won(score, *sides)
            found["fakes"][way] = {each.name: exams.found_fakes(score, each.batch, each.is_replaced) for each in asked}
    return found | {"pair_count": len(sides[0].input_ids)}


@cache
def blanks() -> tuple[Any, torch.Tensor, float]:
    """Held-out stories with one blank each, where it is, and how often a judge that knows the world would be right."""
    draft = story_drafts(200, 1, seed=16)
    places = draft.is_blank.int().argmax(1, keepdim=True)
    told, right = words_of_rows(draft, world_model().tokenizer), []
    for words, place in zip(told, (places[:, 0] - 1).tolist(), strict=True):
        right.append(float(oracle().told_the_others(words, [place]).max()))
    return draft, places, sum(right) / len(right)


def filled(run: WorldRun) -> dict[str, float]:
    """How often one hidden word is guessed, by every way that the net has."""
    net, (draft, places, ceiling) = run.task.model.eval(), blanks()
    batch, truth = Batch(draft.ids, None, draft.is_real), draft.ids.gather(1, places)[:, 0]
    if net.generator is not None:
        said = {"both sides": exams.filled(net.generator, batch, places, net.config.mask_id)}
    else:
        lm = net.language_model
        said = {"left side": exams.filled_from_the_left(lm, batch, places)}
        said["reranked"] = exams.filled_from_the_left(lm, batch, places, exams.RERANKED)
    return {way: float((guess == truth).float().mean()) for way, guess in said.items()} | {"ceiling": ceiling}


known_runs = cache(exams.known_runs)


def written(run: WorldRun, seed: int) -> dict[str, float]:
    """How much of what the net writes could stand in a story: by its own order, from nothing."""
    net, pieces = run.task.model.eval(), run.tokenizer
    if net.generator is None:
        texts = exams.write(net.language_model, WRITTEN, tokenizer=pieces, length=LENGTH, seed=seed)
    else:  # all blank, filled one by one in a random order; how long a story is, is given
        draft = story_drafts(WRITTEN, None, seed=seed)
        random = torch.Generator().manual_seed(seed)
        made = fill(draft, guesser(run.model, draft), mask_id=net.config.mask_id, generator=random)
        texts = words_of_rows(made, pieces)
    words = sum(map(len, texts)) / len(texts)
    known = known_runs(pieces, KNOWN_STORIES)
    real = exams.share_known(exams.told(pieces, "validation", 200), known)
    return {"known_runs": exams.share_known(texts, known), "words": words, "real_stories": real}


def fine_tuned(start: Pretrained, seed: int, **more: Any) -> dict[str, Any]:
    """Task → number of labels → score on test rows of the same names (validation stories)."""
    found: dict[str, Any] = {}
    for what, sizes in LABELS.items():
        train, test = world_rows(what, "train", max(sizes)), world_rows(what, "validation", HELD_OUT)
        for size, epochs in sizes.items():
            rows = replace(train, rows=train.rows[:size])
            made = finetune(KIND[what], start, rows, seed=seed, device="cpu", epochs=epochs, **more)
            found.setdefault(what, {})[str(size)] = made.evaluate(test)[TASKS[what]]
    return found


def record(objective: str, seed: int, equal: str, *, tuned: bool = False) -> None:
    """One run, asked, with `tuned` fine-tuned too, and kept."""
    clock, run = Clock(), three_run(objective, seed=seed, equal=equal)
    ended = run.train()
    if ended.interrupted:
        raise SystemExit(f"{objective}, seed {seed} was interrupted: nothing of it is kept.")
    rows = run.config.steps * run.config.batch_size
    entry = {"seed": seed, "steps": run.config.steps, "rows": rows, "tokens": ended.tokens, "seconds": clock.lap()}
    entry |= {"flops": run.config.steps * step_flops(objective), "evaluation": ended.evaluation}
    entry["scored"] = scored(run, hidden_too=equal == "compute")
    entry["filled"] = filled(run)
    if equal == "compute":
        entry["written"] = written(run, seed)
        entry["asked_seconds"] = clock.lap()
    if tuned:
        entry["fine_tuned"] = fine_tuned(run.model, seed)
        entry["fine_tuned_seconds"] = clock.lap()
    keep(equal, objective, rounded(entry), budget_flops=BUDGET, stories=STORIES)
    print(equal, objective, seed, rounded(entry), flush=True)


def record_scratch(seed: int) -> None:
    """The same encoder without pre-training, fine-tuned."""
    clock, run = Clock(), three_run("mlm", seed=seed, percent=1, story_count=20)
    entry = {"seed": seed, "fine_tuned": fine_tuned(run.model, seed, scratch=True), "seconds": clock.lap()}
    keep("scratch", "none", rounded(entry))
    print("scratch", seed, rounded(entry), flush=True)


def is_other(objective: str) -> bool:
    """Whether the run at equal tokens is another one than that at equal compute."""
    return steps_for(objective, "tokens") != steps_for(objective, "compute")


def show() -> None:
    """The file as a table: each number as mean ± standard deviation."""
    content = read()
    for part in (*EQUAL, "scratch", "real"):
        for objective, runs in content.get(part, {}).items():
            flat: dict[str, list[float]] = {}
            for run in runs:
                for name, value in _flat(run):
                    flat.setdefault(name, []).append(value)
            print(f"\n{part}, {objective}, {len(runs)} seeds")
            for name, values in flat.items():
                print(f"  {name:<44}{shown(values, 3) if len(values) > 1 else values[0]}")


def _flat(found: dict[str, Any], before: str = "") -> list[tuple[str, float]]:
    rows = []
    for name, value in found.items():
        rows += _flat(value, f"{before}{name} ") if isinstance(value, dict) else [(f"{before}{name}", value)]
    return rows


def record_all(seeds: list[int]) -> None:
    """Seed after seed, so that an early stop leaves every arm with the same seeds; what needs fewer seeds comes last."""
    for seed in seeds:
        for objective in OBJECTIVES:
            if not is_kept("compute", objective, seed):
                record(objective, seed, "compute", tuned=seed in seeds[:FEWER_SEEDS])
    fewest = seeds[:FEWEST_SEEDS]
    for seed in fewest:
        if not is_kept("scratch", "none", seed):
            record_scratch(seed)
    record_real(fewest)
    for seed in fewest:
        for objective in filter(is_other, OBJECTIVES):
            if not is_kept("tokens", objective, seed):
                record(objective, seed, "tokens")
    record_real(seeds[:FEWER_SEEDS])


def record_real(seeds: list[int]) -> None:
    """The three objectives on real English."""
    from tests.benchmarks import three_real  # wants the folder of real data

    for seed in seeds:
        for objective in OBJECTIVES:
            if not is_kept("real", objective, seed):
                keep("real", objective, rounded(three_real.one(objective, seed)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--table", action="store_true", help="print what is recorded")
    chosen = parser.parse_args()
    record_all(chosen.seeds)
    if chosen.table:
        show()


if __name__ == "__main__":
    main()
