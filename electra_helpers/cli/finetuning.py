"""The commands about a fine-tuned model: `electra finetune`, `electra predict` and `electra evaluate`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from electra_helpers.cli.options import AsJson, Check, Columns, Labels, LogWith, Model, Number, Source, options_from
from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.options import check_evaluate, check_finetune, check_trackers, refuse_idle
from electra_helpers.reading.layout import Layout
from electra_helpers.tasks.holding_out import HoldOut
from electra_helpers.terminal import fail, say, say_checked, say_json

if TYPE_CHECKING:  # it brings torch
    from electra_helpers.cli.trackers import Tracker
    from electra_helpers.reading.labelled import LabelledData
    from electra_helpers.saved.pretrained import Pretrained

TaskName = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help="classification, tagging, question-answering, multiple-choice, translation, summarisation or cleaning.",
    ),
]
Kind = Annotated[str, typer.Option(help="What labels are: classes, scale (scores), or auto.")]


LabelledRows = Annotated[
    str, typer.Option(help="A file, a folder with a file a split, hub:NAME, or world[:WHAT][:LANGUAGE][:ROWS].")
]
Seeds = Annotated[int, typer.Option(min=1, help="Number of seeds to train with; mean and spread are reported.")]


@dataclass(frozen=True)
class Asked:
    """A fine-tuning as it is asked for, and its rows."""

    task: str
    model: Pretrained
    out: Path
    rows: tuple[LabelledData, LabelledData | None, LabelledData | None]  # to train on, to validate on, to test on
    config: FinetuneConfig
    seeds: int
    from_scratch: bool
    resume: bool
    log_with: tuple[str, ...] = ()


@options_from(finetune=FinetuneConfig, holding=HoldOut, layout=Layout, without=("documents",))
def finetune(
    *,
    task: TaskName,
    model: Model,
    train: LabelledRows,
    out: Annotated[Path, typer.Option(help="Folder for the fine-tuned model.")],
    validation: Annotated[Source, typer.Option(help="As --train; default: its split, or --hold-out of it.")] = None,
    test: Annotated[Source, typer.Option(help="As --train: rows to score every seed on at its end.")] = None,
    seeds: Seeds = 1,
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="The same net from random weights.")] = False,
    column: Columns = (),
    labels: Labels = None,
    kind: Kind = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run in --out, given the same options.")] = False,
    log_with: LogWith = (),
    check: Check = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Fine-tune a pre-trained model for a task. Of several seeds, mean and spread are told."""
    from electra_helpers.early import check_labelled, check_pretrained, check_task
    from electra_helpers.paths import check_new_folder
    from electra_helpers.reading.labelled import named_columns

    sources, layout = (train, validation, test), Layout(**overrides["layout"])
    check_task(task)
    check_trackers(log_with)
    if not resume:
        check_new_folder(out, "choose another --out, or resume the run in it by --resume")
    asked_of_rows = {
        "labels": labels,
        "kind": kind if kind != "auto" else None,
        "column": column,
        "validation": validation,
    }
    check_finetune(task, overrides["finetune"] | overrides["holding"] | asked_of_rows, [*filter(None, sources)])
    check_labelled(sources, task, named_columns(column), layout)
    check_pretrained(model)
    start, config = starting_model(model, overrides["finetune"])
    holding = HoldOut(**overrides["holding"]) if overrides["holding"] else None
    how = {"columns": named_columns(column), "kind": kind, "holding": holding, "layout": layout}
    rows = read_rows_of(task, sources, labels, how)
    asked = Asked(task, start, out, rows, config, seeds=seeds, from_scratch=from_scratch, resume=resume)
    if check:
        from electra_helpers.cli.check_training import finetuning

        say_checked(finetuning(asked), f"nothing was trained, and nothing written to {out}")
    else:
        run_asked(replace(asked, log_with=tuple(log_with)))


def starting_model(name: str, wanted: dict[str, Any]) -> tuple[Pretrained, FinetuneConfig]:
    """The model to fine-tune, and how: as is usual for its size, with what is asked for."""
    from electra_helpers.exchange.store import load
    from electra_helpers.tasks.finetuning import check_length, settings_for, with_changes

    start = load(name)
    check_length(wanted.get("length"), start)
    return start, with_changes(settings_for(start), wanted)


def read_rows_of(
    task: str, sources: tuple[str, str | None, str | None], labels: str | None, how: dict[str, Any]
) -> Any:
    """Training, validation and test rows, each told in a line."""
    from electra_helpers.tasks.reading import named_labels, training_data

    rows = training_data(*sources, task, labels=named_labels(labels), **how)
    for part in filter(None, rows):
        say(part.describe(), sys.stderr)
    return rows


def run_asked(asked: Asked) -> None:
    """Fine-tune every seed, with a bar, and say what they scored."""
    from electra_helpers.tasks.score_tables import of_finetuning
    from electra_helpers.tasks.seeds import finetune_seeds
    from electra_helpers.training.callbacks import ProgressBar

    train, validation, test = asked.rows
    try:
        results = finetune_seeds(
            asked.task,
            asked.model,
            asked.out,
            train=train,
            validation=validation,
            test=test,
            config=asked.config,
            seeds=asked.seeds,
            scratch=asked.from_scratch,
            resume=asked.resume,
            callbacks=lambda seed: [ProgressBar(), *trackers_of(asked, seed)],
        )
    except KeyboardInterrupt:
        fail(f"stopped and saved. Resume it: the same command with --resume (folder {asked.out}).", 130)
    say(of_finetuning(results, asked.out))


def trackers_of(asked: Asked, seed: int) -> list[Tracker]:
    """Where a seed is logged besides."""
    from electra_helpers.cli.trackers import Tracker

    about = {"task": asked.task, "model": asked.model.name}
    return [Tracker(name, asked.out, f"{asked.out.name}-seed-{seed}", about) for name in asked.log_with]


@options_from(layout=Layout)
def predict(
    *,
    model: Annotated[Path, typer.Option("--model", help="Folder that `electra finetune` wrote.")],
    input: Annotated[
        Path,
        typer.Option("--input", help="A .jsonl, .json, .csv, .tsv or .parquet file, or a .txt file of a row a line."),
    ],
    output: Annotated[Path, typer.Option("--output", help="A .jsonl, .csv or .tsv file, with a row for each row.")],
    column: Columns = (),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32; bf16 or fp16 where the hardware is faster in it.")] = "fp32",
    check: Check = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Add a fine-tuned model's predictions to the rows of a file. Rows stay in order; memory does not grow with the file."""
    from electra_helpers.early import check_prediction
    from electra_helpers.reading.files import form_of
    from electra_helpers.reading.labelled import named_columns

    layout, columns = Layout(**overrides["layout"]), named_columns(column)
    is_text = form_of(input, layout) == ".txt"
    refuse_idle({"column": column}, [(is_text, ("column",), f"for {input}, which has no columns")])
    check_prediction(model, input, output, columns, layout)
    if check:
        from electra_helpers.cli.check_rows import prediction

        return say_checked(prediction(model, input, columns, layout), f"nothing was written to {output}")
    from electra_helpers.tasks.finetuned import load_finetuned
    from electra_helpers.tasks.predicting import predict_file
    from electra_helpers.training.callbacks import rows_bar

    made = load_finetuned(model).on(device, precision)
    with rows_bar("predicting") as told:
        found = predict_file(made, input, output, columns=columns, layout=layout, progress=told)
    for line in found.said:
        say(line, sys.stderr)
    say(f"{found.rows:,} rows → {output}")


@options_from(layout=Layout, without=("documents",))
def evaluate(
    *,
    task: Annotated[str, typer.Argument(metavar="TASK", help="As of finetune, or acceptability.")],
    model: Annotated[
        Path,
        typer.Option("--model", help="Folder that `electra finetune` wrote, or (cleaning, acceptability) any model."),
    ],
    data: Annotated[str, typer.Option(help="As --train of finetune.")],
    split: Annotated[Source, typer.Option(help="Split of a folder, of the hub or of the little world [test].")] = None,
    column: Columns = (),
    labels: Labels = None,
    threshold: Annotated[Number, typer.Option(help="cleaning: score from which on a word is flagged [0.5].")] = None,
    choose_on: Annotated[Source, typer.Option(help="cleaning: choose the threshold on these marked words.")] = None,
    how: Annotated[Source, typer.Option(help="acceptability: sum or mean of log P(original) [sum].")] = None,
    context: Annotated[Source, typer.Option(help="acceptability: text before every sentence, not scored.")] = None,
    as_json: AsJson = False,
    check: Check = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Score a model on labelled rows, against a trivial baseline. For cleaning and acceptability it need not be fine-tuned."""
    from electra_helpers.early import check_finetuned, check_labelled, check_model, check_task
    from electra_helpers.reading.labelled import named_columns

    given = {"threshold": threshold, "choose_on": choose_on, "how": how, "context": context}
    check_evaluate(task, given | {"labels": labels, "split": split, "data": data, "column": column})
    split, how = split or "test", how or "sum"
    common = {"columns": named_columns(column), "layout": Layout(**overrides["layout"])}
    check_task(task, ("acceptability",))
    judged = "minimal pairs" if task == "acceptability" else task
    check_labelled((data, choose_on), judged, **common)
    if task in ("acceptability", "cleaning"):
        check_model(model)
        wanted = {"threshold": threshold, "choose_on": choose_on, "how": how, "context": context or ""}
        evaluate_as_judge(task, model, data, split=split, common=common, wanted=wanted, as_json=as_json, check=check)
    else:
        check_finetuned(model)
        evaluate_finetuned(task, model, data, split=split, common=common, labels=labels, as_json=as_json, check=check)


def evaluate_as_judge(
    task: str,
    model: Path,
    data: str,
    *,
    split: str,
    common: dict[str, Any],
    wanted: dict[str, Any],
    as_json: bool,
    check: bool,
) -> None:
    """Score a model, fine-tuned or not, as a judge of words or of sentences."""
    from electra_helpers.tasks.cleaning.acceptability import open_pairs
    from electra_helpers.tasks.cleaning.evaluation import evaluate_judge
    from electra_helpers.tasks.reading import open_task_data
    from electra_helpers.tasks.score_tables import of_trivial

    if check:
        from electra_helpers.cli.check_rows import judging

        if task == "acceptability":
            rows = open_pairs(data, split, common["columns"], common["layout"])
        else:
            rows = open_task_data(data, split, task, **common)
        return say_checked(judging(model, rows), "nothing was scored")
    found = evaluate_judge(task, model, data, split, **wanted, **common)
    say_json(found) if as_json else say(of_trivial(found))


def evaluate_finetuned(
    task: str,
    model: Path,
    data: str,
    *,
    split: str,
    common: dict[str, Any],
    labels: str | None,
    as_json: bool,
    check: bool,
) -> None:
    """Score a fine-tuned model for the task that it does."""
    from electra_helpers.tasks.finetuned import load_finetuned
    from electra_helpers.tasks.reading import labels_to_match, named_labels, open_task_data
    from electra_helpers.tasks.score_tables import of_evaluation
    from electra_helpers.tasks.seeds import score_beside_baseline

    made = load_finetuned(model)
    if made.task.name != task:
        raise ElectraError(f"{model} is fine-tuned for {made.task.name}, not for {task}.")
    rows = open_task_data(data, split, task, **common, **labels_to_match(made.task, named_labels(labels)))
    say(rows.describe(), sys.stderr)
    if check:
        from electra_helpers.cli.check_rows import evaluation

        return say_checked(evaluation(made, rows), "nothing was scored")
    found = score_beside_baseline(made, rows)
    say_json(found) if as_json else say(of_evaluation(found))
