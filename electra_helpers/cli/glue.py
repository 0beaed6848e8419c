"""The commands about a suite of tasks: `electra finetune glue` and `electra evaluate glue`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from electra_helpers.cli.finetuning import Asked
from electra_helpers.cli.options import AsJson, Check, LogWith, Model, Source, options_from
from electra_helpers.config import FinetuneConfig
from electra_helpers.options import check_finetune, check_trackers
from electra_helpers.reading.layout import Layout
from electra_helpers.terminal import fail, say, say_checked, say_json

if TYPE_CHECKING:  # it brings torch
    from electra_helpers.cli.trackers import Tracker
    from electra_helpers.tasks.glue import Suite

# Settings that the suite decides, or has no use for; fields of `Layout` that are about other files.
DECIDED = ("symmetric", "best_by", "patience", "beams", "target_vocab", "stride")
Data = Annotated[
    str, typer.Option("--data", help="A folder with a folder for each task (CoLA/train.tsv …), hub, or hub:OWNER/NAME.")
]
Tasks = Annotated[
    Source, typer.Option("--tasks", help="cola,sst2,mrpc,stsb,qqp,mnli,qnli,rte or some of them [all that --data has].")
]


@options_from(finetune=FinetuneConfig, layout=Layout, without=("documents", "format", "header", *DECIDED))
def finetune_glue(
    *,
    model: Model,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the report and for each task's models.")],
    tasks: Tasks = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds; their median is reported (paper: 10).")] = 1,
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="The same net from random weights.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run in --out, given the same options.")] = False,
    log_with: LogWith = (),
    check: Check = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Fine-tune on GLUE's eight tasks. One report of medians, beside the published numbers."""
    from electra_helpers.early import check_new_folder, check_pretrained
    from electra_helpers.reading.glue import check_glue, glue_tasks, tasks_in

    layout = Layout(**overrides["layout"])
    check_trackers(log_with)
    check_finetune("classification", overrides["finetune"])
    named = glue_tasks(tasks) if tasks is not None else tasks_in(data)
    if not resume:
        check_new_folder(out, "choose another --out, or resume the run in it by --resume")
        check_glue(data, named, layout)
    check_pretrained(model)
    from electra_helpers.exchange.store import load
    from electra_helpers.tasks.finetuning import check_length
    from electra_helpers.tasks.glue import Suite, tasks_to_run

    start = load(model)
    check_length(overrides["finetune"].get("length"), start)
    chosen = tasks_to_run(data, out, tasks, resume)
    suite = Suite(start, data, out, chosen, seeds, from_scratch, layout, overrides["finetune"])
    if check:
        return say_checked(checked(suite, resume), f"nothing was trained, and nothing written to {out}")
    run(suite, resume, tuple(log_with))


def run(suite: Suite, resume: bool, log_with: tuple[str, ...]) -> None:
    """Fine-tune with a bar, and print the table."""
    from electra_helpers.tasks.glue import finetune_glue as finetune
    from electra_helpers.tasks.glue_report import table
    from electra_helpers.training.callbacks import ProgressBar

    try:
        found = finetune(
            suite,
            resume=resume,
            callbacks=lambda task, seed: [ProgressBar(), *trackers(suite, task, seed, log_with)],
            say=lambda line: say(line, sys.stderr),
        )
    except KeyboardInterrupt:
        fail(f"stopped and saved. Resume it: the same command with --resume (folder {suite.out}).", 130)
    say(table(found))
    say(f"All numbers: {suite.out / 'results.json'}; this table: {suite.out / 'results.md'}", sys.stderr)


def trackers(suite: Suite, task: str, seed: int, names: tuple[str, ...]) -> list[Tracker]:
    """Where a task's seed is logged besides."""
    from electra_helpers.cli.trackers import Tracker

    about, folder = {"task": f"glue {task}", "model": suite.model.name}, suite.out / task
    return [Tracker(name, folder, f"{suite.out.name}-{task}-seed-{seed}", about) for name in names]


def checked(suite: Suite, resume: bool) -> Iterator[str]:
    """`--check`: of every task its rows, steps, memory and time."""
    from electra_helpers.cli.check_training import finetuning
    from electra_helpers.reading.glue import GLUE

    for task in suite.tasks:
        train, validation = suite.rows(task)
        yield f"{GLUE[task].title}:"
        yield f"  {train.describe()}"
        yield f"  {validation.describe()}"
        asked = Asked(
            "classification",
            suite.model,
            suite.out / task,
            (train, validation, None),
            suite.config(task),
            seeds=suite.seeds,
            from_scratch=suite.scratch,
            resume=resume,
        )
        yield from (f"  {line}" for line in finetuning(asked))


@options_from(layout=Layout, without=("documents", "format", "header"))
def evaluate_glue(
    *,
    model: Annotated[Path, typer.Option("--model", help="Folder that `electra finetune glue` wrote.")],
    data: Data,
    tasks: Annotated[Source, typer.Option("--tasks", help="Some of the tasks that were trained [all of them].")] = None,
    split: Annotated[
        str, typer.Option(help="validation (of MNLI both halves), or test where it has labels.")
    ] = "validation",
    as_json: AsJson = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Score the models of `electra finetune glue` again. Every seed, their medians, as its report."""
    from electra_helpers.errors import ElectraError
    from electra_helpers.reading.glue import glue_tasks

    if split not in ("validation", "test"):
        raise ElectraError(f"--split is {split!r}: choose validation or test.")
    layout, chosen = Layout(**overrides["layout"]), None if tasks is None else glue_tasks(tasks)
    from electra_helpers.tasks.glue import evaluate_glue as evaluate
    from electra_helpers.tasks.glue_report import table

    found = evaluate(model, data, tasks=chosen, split=split, layout=layout)
    say_json(found) if as_json else say(table(found))
