"""What notebook 06 compares, recorded with several seeds: python tests/benchmarks/objectives.py --seeds 0 1 2 3 4

Writes data/benchmarks/objectives.json after every run; an interrupted recording goes on where it was. Arms: MLM only, RTD on learned
fakes, RTD on uniform fakes at equal floating-point operations; an adversarial generator; the paper's weight and clipping at this
size. Read by frozen linear probes along the way. `--sheets` records the curves of exercise 06.4: one healthy run, four others.
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from electra_helpers import corruption
from electra_helpers.course.labs.benchmarks import file_of
from electra_helpers.course.labs.objectives import (
    ARMS,
    BUDGET,
    STORIES,
    Readings,
    arm_run,
    flops_of_a_step,
    reshaped,
)
from electra_helpers.course.labs.world_run import world_run
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import Steps
from electra_helpers.training.loop import Callback, Run

PATH = file_of("objectives")
PAD = 0  # of the world's tokenizer
SHEET_STEPS = 300
SHEET_EVALUATIONS = 10
SHEET_GENERATOR = 0.5  # wider than the recipe's: its fakes get harder within a sheet


def read() -> dict:
    return json.loads(PATH.read_text("utf-8")) if PATH.exists() else {"arms": {}, "sheets": {}}


def write(content: dict) -> None:
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def rounded(record: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in record.items()}


def record_arm(arm: str, seed: int) -> None:
    began = time.process_time()
    run = arm_run(arm, seed=seed)
    readings = Readings(run.tokenizer)
    end = run.train(readings)
    entry = {
        "seed": seed,
        "steps": run.config.steps,
        "flops_per_step": flops_of_a_step(run),
        "cpu_seconds": round(time.process_time() - began, 1),
        "readings": [rounded(record) for record in readings.found],
        "evaluation": rounded(end.evaluation),
    }
    content = read()
    content |= {"budget_flops": BUDGET, "stories": STORIES}
    kept = [each for each in content["arms"].get(arm, []) if each["seed"] != seed]
    content["arms"][arm] = sorted([*kept, entry], key=lambda each: each["seed"])
    write(content)
    print(arm, seed, entry["steps"], "steps", entry["cpu_seconds"], "s", entry["readings"][-1], flush=True)


class Seen:
    """Parts of the step that remember the last selection and replacement, so that a bug can be put in; and what was labelled."""

    def __init__(self) -> None:
        self.labelled = self.judged = 0  # tokens labelled as replaced, and real ones, since the last line of the log

    def select(self, ids, *args, **options):
        self.judged += int((ids != PAD).sum())
        self.selection = corruption.select_positions(ids, *args, **options)
        return self.selection

    def corrupt(self, ids, selection, sampled):
        self.corrupted = corruption.corrupt(ids, selection, sampled)
        return self.corrupted

    def label(self, ids, corrupted):
        return self.note(corruption.label_replaced(ids, corrupted))

    def label_selected(self, ids, corrupted):
        return self.note(self.selection.as_mask(ids.shape[1]))

    def corrupt_nothing(self, ids, selection, sampled):
        self.corrupt(ids, selection, sampled)
        return ids

    def label_hidden(self, ids, corrupted):
        return self.note(corruption.label_replaced(ids, self.corrupted))

    def note(self, labels: torch.Tensor) -> torch.Tensor:
        self.labelled += int(labels.sum())
        return labels


class Sheet(Callback):
    """Two losses and the share labelled as replaced, from training; AUC on the run's own fakes and on the fixed exam."""

    def __init__(self, seen: Seen) -> None:
        self.seen, self.curves = seen, {}

    def on_log(self, run: Run, record: dict[str, float]) -> None:
        share = self.seen.labelled / self.seen.judged
        self.add(run.step, MLM_loss=record["mlm_loss"], RTD_loss=record["rtd_loss"], labelled_replaced=share)
        self.seen.labelled = self.seen.judged = 0

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        self.add(run.step, AUC_own_fakes=record["rtd_auc"], AUC_fixed_exam=record["exam_uniform_auc"])

    def add(self, step: int, **values: float) -> None:
        for name, value in values.items():
            steps, found = self.curves.setdefault(name.replace("_", " "), ([], []))
            steps.append(step)
            found.append(round(float(value), 4))


def strong_generator(run) -> None:
    """Give a run the generator of a finished masked language model, of full width, and keep it from learning more."""
    trained = world_run(story_count=STORIES, steps=2 * SHEET_STEPS, objective="mlm", seed=7)
    trained.train()
    run.task.model.generator.load_state_dict(trained.task.model.generator.state_dict())
    run.task.model.generator.requires_grad_(False)


def record_sheets() -> None:
    """One healthy run, three with a fault and one with a generator that was trained beforehand, all short."""
    faults = {
        "healthy": ({}, {}),
        "learning rate too high": ({}, {"learning_rate": 0.1}),
        "labels = selected": ({"label": "label_selected"}, {}),
        "generator trained beforehand": ({}, {}),
        "discriminator sees the originals": ({"corrupt": "corrupt_nothing", "label": "label_hidden"}, {}),
    }
    for name, (swaps, changes) in faults.items():
        seen = Seen()
        parts = {"select": "select", "corrupt": "corrupt", "label": "label"} | swaps
        steps = Steps(**{part: getattr(seen, method) for part, method in parts.items()})
        every = SHEET_STEPS // SHEET_EVALUATIONS
        run = world_run(
            story_count=STORIES, steps=SHEET_STEPS, parts=steps, eval_every=every, log_every=10, seed=3, **changes
        )
        is_strong = name == "generator trained beforehand"
        run = reshaped(run, generator_size=1.0 if is_strong else SHEET_GENERATOR)
        if is_strong:
            strong_generator(run)
        sheet = Sheet(seen)
        try:
            run.train(sheet)
        except ElectraError as error:
            print(name, "ended:", error)
        content = read()
        content["sheets"][name] = sheet.curves
        write(content)
        print(name, {label: values[-1] for label, (_, values) in sheet.curves.items()}, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--sheets", action="store_true", help="record the sheets of exercise 06.4")
    chosen = parser.parse_args()
    if chosen.sheets:
        record_sheets()
    for seed in chosen.seeds:  # seed after seed, so that an early stop leaves every arm with the same seeds
        for arm in chosen.arms:
            if not any(each["seed"] == seed for each in read()["arms"].get(arm, [])):
                record_arm(arm, seed)


if __name__ == "__main__":
    main()
