"""The command `electra`. Its options are the fields of the configuration dataclasses; bad input costs one line and exit code 2."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from electra_helpers.classroom.commands import course_app, grade
from electra_helpers.config import RECIPES, FinetuneConfig, ModelConfig, PretrainConfig, recipe
from electra_helpers.errors import ElectraError
from electra_helpers.resources import FREE_TEXT

app = typer.Typer(
    help="Pre-train small ELECTRAs, look at what they see, fine-tune them, take them to transformers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
corpus_app = typer.Typer(help="Look at a corpus.", no_args_is_help=True)
app.add_typer(corpus_app, name="corpus")
app.add_typer(course_app, name="course")
app.command()(grade)

DECIDED_BY_THE_TOKENIZER = ("vocab_size", "pad_id", "cls_id", "sep_id", "mask_id")

Model = Annotated[str, typer.Option("--model", help="A bundled model, a folder, or a hub name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TaskName = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help="classification, tagging, question-answering, translation, summarisation or cleaning.",
    ),
]
Columns = Annotated[
    list[str], typer.Option("--column", help="ROLE=NAME where a column is not guessed; may be given again.")
]
Source = Optional[str]  # noqa: UP045 - typer reads it at run time
Share = Optional[float]  # noqa: UP045
Number = Optional[float]  # noqa: UP045
Count = Optional[int]  # noqa: UP045
File = Optional[Path]  # noqa: UP045
Labels = Annotated[Optional[str], typer.Option(help="Names of the labels 0, 1, …, with commas between them.")]  # noqa: UP045


def defaults_in_words(field: dataclasses.Field, group: str) -> str:
    """`0.15`, or `tiny 0.002, small 0.0005` where sizes differ."""
    values = {size: getattr(getattr(r, group), field.name) for size, r in RECIPES.items()}
    shown = {size: f"{v:.4g}" if isinstance(v, float) else str(v) for size, v in values.items()}
    if len(set(shown.values())) == 1:
        return f"default {next(iter(shown.values()))}"
    return ", ".join(f"{size} {value}" for size, value in shown.items())


def options_from(**groups: type) -> Callable[[Callable], Callable]:
    """Give a command one option per field of the dataclasses; what the user sets arrives as `overrides={group: {field: value}}`."""

    def decorate(function: Callable) -> Callable:
        parameters = [
            p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "overrides"
        ]
        homes: dict[str, str] = {}
        for group, kind in groups.items():
            types = typing.get_type_hints(kind)
            for f in dataclasses.fields(kind):
                if group == "model" and f.name in DECIDED_BY_THE_TOKENIZER:
                    continue
                homes[f.name] = group
                shown = typer.Option(help=f"{f.metadata['help']} [{defaults_in_words(f, group)}]", show_default=False)
                annotation = Annotated[Optional[types[f.name]], shown]  # noqa: UP045 - typer reads it at run time
                parameters.append(
                    inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
                )

        def command(**values: Any) -> None:
            overrides: dict[str, dict[str, Any]] = {group: {} for group in groups}
            for name, group in homes.items():
                value = values.pop(name)
                if value is not None:
                    overrides[group][name] = value
            function(**values, overrides=overrides)

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__signature__ = inspect.Signature(parameters)
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


@app.command()
@options_from(pretrain=PretrainConfig, model=ModelConfig)
def pretrain(
    *,
    out: Annotated[Path, typer.Option(help="Folder for everything the model needs.")],
    corpus: Annotated[
        list[str], typer.Option(help="A file, a folder, docs, world, or hub:NAME; may be given again.")
    ] = (),
    size: Annotated[str, typer.Option(help=f"One of {', '.join(RECIPES)}.")] = "tiny",
    tokenizer: Annotated[
        str | None, typer.Option(help="Folder or hub name of a tokenizer; without it one is trained.")
    ] = None,
    init_from: Annotated[
        str | None,
        typer.Option(
            help="A model to start from: bundled, folder or hub name. Dropout and --sharing may differ from its own."
        ),
    ] = None,
    column: Annotated[Optional[str], typer.Option(help="Column that holds the text, where it is not guessed.")] = None,  # noqa: UP045
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out; no other option is needed.")
    ] = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Pre-train a generator and a discriminator together on text."""
    from electra_helpers.training.callbacks import JsonLog, ProgressBar
    from electra_helpers.training.pretraining import pretrain as run_pretraining
    from electra_helpers.training.pretraining import read_run
    from electra_helpers.training.report import Announce, report

    started = read_run(out) if resume else None
    chosen = started.recipe if started else recipe(size)
    config = dataclasses.replace(chosen.pretrain, **overrides["pretrain"])
    # A run that goes on has its shape already; a new one that starts from a model has that model's.
    starts_from_model = init_from and not started
    shape = dataclasses.replace(_shape_of(init_from) if starts_from_model else chosen.model, **overrides["model"])
    if not corpus and not started:
        raise ElectraError("Say what to learn from: --corpus with a file, a folder, docs, world, or hub:NAME.")
    run = run_pretraining(
        corpus or started.sources,
        out,
        config=config,
        model=shape,
        tokenizer=tokenizer,
        init_from=init_from,
        resume=resume,
        column=column or (started.column if started else None),
        say=lambda line: print(line, file=sys.stderr),
        callbacks=[Announce(), ProgressBar(), JsonLog(out / "log.jsonl")],
    )
    if run.is_main:
        print(report(run, out))
    if run.interrupted:
        raise typer.Exit(130)


def _shape_of(model: str) -> ModelConfig:
    from electra_helpers.model.store import load

    return load(model).net.config


@app.command()
def bench(
    *,
    size: Annotated[str, typer.Option(help=f"One of {', '.join(RECIPES)}.")] = "small",
    batch_size: Annotated[int, typer.Option(min=1, help="Rows of a step.")] = 16,
    length: Annotated[int, typer.Option(min=5, help="Tokens of a row.")] = 128,
    dropout: Annotated[Share, typer.Option(min=0, max=0.9, help="Dropout; without it the size's own.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements, of which the median counts.")] = 5,
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps of a round.")] = 4,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto (the device's own), fp32, bf16 or fp16.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """How fast this machine pre-trains, beside what its matrix product reaches."""
    from electra_helpers.training.speed import measure, settings

    speed = measure(*settings(size, batch_size, length, dropout, device, precision), rounds=rounds, steps=steps)
    if as_json:
        print(json.dumps(dataclasses.asdict(speed)))
        return
    print(f"{speed.tokens_per_second:,.0f} tokens/s (± {speed.spread:,.0f}), {speed.mflop_per_token:.0f} MFLOP a token")
    print(
        f"{speed.share_of_ceiling:.0%} of the {speed.ceiling_gflops:,.0f} GFLOP/s that this machine's matrix product reaches"
    )
    print(f"at most {speed.peak_mb:,.0f} MB of memory")


@app.command()
@options_from(finetune=FinetuneConfig)
def finetune(
    *,
    task: TaskName,
    model: Model,
    train: Annotated[
        str, typer.Option(help="A file, a folder with a file a split, hub:NAME, or world[:WHAT][:LANGUAGE][:ROWS].")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the fine-tuned model.")],
    validation: Annotated[Source, typer.Option(help="As --train; default: its split, or a tenth of a file.")] = None,
    test: Annotated[Source, typer.Option(help="As --train: rows to score every seed on at its end.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Train so many seeds and report mean and spread.")] = 1,
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="The same net from random weights.")] = False,
    column: Columns = (),
    labels: Labels = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, given the same options.")
    ] = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Fine-tune a pre-trained model for a task, with one or several seeds."""
    from electra_helpers.model.store import load
    from electra_helpers.tasks.finetuned import finetune_seeds
    from electra_helpers.tasks.finetuning import settings_for
    from electra_helpers.tasks.reading import named_columns, training_data
    from electra_helpers.tasks.report import of_finetuning
    from electra_helpers.training.callbacks import ProgressBar

    start = load(model)
    names = labels.split(",") if labels else None
    rows = training_data(train, validation, test, task, columns=named_columns(column), labels=names)
    for part in filter(None, rows):
        print(part.describe(), file=sys.stderr)
    config = dataclasses.replace(settings_for(start), **overrides["finetune"])
    try:
        results = finetune_seeds(
            task,
            start,
            out,
            train=rows[0],
            validation=rows[1],
            test=rows[2],
            config=config,
            seeds=seeds,
            scratch=from_scratch,
            resume=resume,
            callbacks=lambda seed: [ProgressBar()],
        )
    except KeyboardInterrupt:
        fail(f"stopped and saved. Go on: the same command with --resume (folder {out}).", 130)
    print(of_finetuning(results, out))


@app.command()
def predict(
    model: Annotated[Path, typer.Option("--model", help="Folder that `electra finetune` wrote.")],
    input: Annotated[Path, typer.Option("--input", help="A .jsonl, .csv, .tsv, .parquet or .txt file.")],
    output: Annotated[Path, typer.Option("--output", help="A .jsonl, .csv or .tsv file, with a row for each row.")],
    column: Columns = (),
) -> None:
    """Add a fine-tuned model's predictions to the rows of a file, in order, in constant memory."""
    from tqdm import tqdm

    from electra_helpers.tasks.finetuned import load_finetuned
    from electra_helpers.tasks.reading import named_columns, predictions_file, rows_to_predict
    from electra_helpers.text.files import files_in

    made = load_finetuned(model)
    files_in(input)  # says what is wrong with the path
    rows, said = 0, made.predict_beside(rows_to_predict(input, made.task, named_columns(column)))
    with predictions_file(output) as write:
        for row, prediction in tqdm(said, unit=" rows", desc="predicting", file=sys.stderr):
            write(row, prediction)
            rows += 1
    print(f"{rows:,} rows → {output}")


@app.command()
def evaluate(
    task: Annotated[str, typer.Argument(metavar="TASK", help="As of finetune, or acceptability.")],
    model: Annotated[
        Path,
        typer.Option("--model", help="Folder that `electra finetune` wrote, or (cleaning, acceptability) any model."),
    ],
    data: Annotated[str, typer.Option(help="As --train of finetune.")],
    split: Annotated[str, typer.Option(help="Split of a folder, of the hub or of the little world.")] = "test",
    column: Columns = (),
    labels: Labels = None,
    threshold: Annotated[Number, typer.Option(help="cleaning: score from which on a word is flagged.")] = None,
    choose_on: Annotated[Source, typer.Option(help="cleaning: choose the threshold on these marked words.")] = None,
    how: Annotated[str, typer.Option(help="acceptability: sum or mean of log P(original).")] = "sum",
    as_json: AsJson = False,
) -> None:
    """Score a model on labelled rows, beside what costs nothing; cleaning and acceptability also without fine-tuning."""
    from electra_helpers.tasks.finetuned import load_finetuned, score_beside_baseline
    from electra_helpers.tasks.reading import named_columns, open_task_data
    from electra_helpers.tasks.report import of_evaluation, of_trivial

    if task in ("acceptability", "cleaning"):
        from electra_helpers.tasks.judging import evaluate_judge

        found = evaluate_judge(
            task, model, data, split, columns=named_columns(column), threshold=threshold, choose_on=choose_on, how=how
        )
        print(json.dumps(found, ensure_ascii=False) if as_json else of_trivial(found))
        return
    made = load_finetuned(model)
    if made.task.name != task:
        raise ElectraError(f"{model} is fine-tuned for {made.task.name}, not for {task}.")
    names = labels.split(",") if labels else made.task.label_names() or None
    rows = open_task_data(data, split, task, columns=named_columns(column), labels=names)
    found = score_beside_baseline(made, rows)
    print(json.dumps(found, ensure_ascii=False) if as_json else of_evaluation(found))


@app.command()
def clean(
    file: Annotated[Path, typer.Argument(help="A .txt, .jsonl, .csv, .tsv or .parquet file; it is never changed.")],
    model: Model,
    output: Annotated[Path, typer.Option(help="A .jsonl, .csv or .tsv file for the flags.")],
    columns: Annotated[
        list[str], typer.Option(help="Columns to judge, with commas; default: text, or all that hold text.")
    ] = (),
    template: Annotated[
        Source, typer.Option(help="Judge a row's cells together, told so: '{name} is a {trade}.'; auto: as a list.")
    ] = None,
    threshold: Annotated[Number, typer.Option(help="Score from which on a word is flagged [0.5].")] = None,
    generator: Annotated[Source, typer.Option(help="Whose generator suggests; default: the model's own.")] = None,
    corrected: Annotated[
        File, typer.Option(help="Also write a copy with sure suggestions in it; without it nothing is changed.")
    ] = None,
    sure: Annotated[float, typer.Option(help="P of a suggestion from which on the copy has it.")] = 0.5,
    start_over: Annotated[bool, typer.Option("--start-over", help="Forget a run that was stopped.")] = False,
) -> None:
    """Flag suspicious words of a text or table, each with place, score and suggestion; started again it goes on."""
    from electra_helpers.tasks.cells import Wanted, plain_template
    from electra_helpers.tasks.clean_file import clean_file
    from electra_helpers.tasks.report import of_cleaning
    from electra_helpers.tasks.suspects import load_cleaner
    from electra_helpers.training.callbacks import rows_bar

    named = tuple(name for item in columns for name in item.split(","))
    if template == "auto":
        if not named:
            raise ElectraError("--template auto needs --columns: which cells belong together?")
        template = plain_template(named)
    wanted = Wanted(named, template, threshold, 1, corrected, sure)
    made, other = load_cleaner(model), load_cleaner(generator) if generator else None
    try:
        with rows_bar("cleaning") as told:
            found = clean_file(made, file, output, wanted, generator=other, start_over=start_over, progress=told)
    except KeyboardInterrupt:
        fail(f"stopped and saved. Go on: the same command again (it is beside {output}).", 130)
    print(of_cleaning(found, output, corrected))


@app.command()
def generate(
    model: Model,
    text: Annotated[
        Source, typer.Option(help="A text with [MASK] or ___ to fill; without any, some of it is written anew.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many texts.")] = 3,
    words: Annotated[int, typer.Option(help="Tokens of a text that is written from nothing.")] = 40,
    share: Annotated[float, typer.Option(help="Share of a text without blanks that is written anew.")] = 0.3,
    redo: Annotated[
        str, typer.Option(help="Who chooses what is drawn again: critic, random or confidence.")
    ] = "critic",
    steps: Annotated[Count, typer.Option(help="How many words are drawn again [two a blank].")] = None,
    order: Annotated[str, typer.Option(help="Fill blanks 'one by one' or 'at once'.")] = "one by one",
    temperature: Annotated[float, typer.Option(help="Above 1 wilder, below 1 surer.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed writes the same again.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Fill blanks or write text: the generator proposes, the discriminator picks what is drawn again."""
    from electra_helpers.model.store import load
    from electra_helpers.tasks import generation

    how = {"count": count, "words": words, "share": share, "steps": steps, "by": redo}
    made = generation.generate(load(model), text, order=order, temperature=temperature, seed=seed, **how)
    print(json.dumps(made, ensure_ascii=False) if as_json else "\n".join(made))


@app.command("inspect")
def inspect_text(
    text: Annotated[str, typer.Argument(help="The text to judge.")],
    model: Model = FREE_TEXT,
    as_json: AsJson = False,
    html: Annotated[Optional[Path], typer.Option(help="Also write the heat map to this HTML file.")] = None,  # noqa: UP045
) -> None:
    """Show which words of a text the discriminator believes were replaced."""
    from electra_helpers.model.store import load
    from electra_helpers.tasks.detection import detect
    from electra_helpers.view.tokens import tokens_to_html, tokens_to_terminal

    found = detect(load(model), text)
    if html is not None:
        html.write_text(tokens_to_html(found.tokens, found.p_replaced, word_ids=found.word_ids, title=text), "utf-8")
    if as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False))
    else:
        print(tokens_to_terminal(found.tokens, found.p_replaced, word_ids=found.word_ids))


@app.command()
def corrupt(
    text: Annotated[str, typer.Argument(help="The text to corrupt.")],
    model: Model = FREE_TEXT,
    seed: Annotated[int, typer.Option(help="Decides what is selected and sampled.")] = 0,
    temperature: Annotated[float, typer.Option(help="Above 1 the generator samples more wildly.")] = 1.0,
    share: Annotated[float, typer.Option(help="Share of the tokens that is selected.")] = 0.15,
    as_json: AsJson = False,
) -> None:
    """Corrupt a text as pre-training does, and show every rung: selected, masked, proposed, sampled, replaced, judged."""
    from electra_helpers.model.store import load
    from electra_helpers.tasks.detection import ladder
    from electra_helpers.view.ladder import ladder_to_terminal

    made = ladder(load(model), text, seed=seed, temperature=temperature, share=share)
    print(json.dumps(dataclasses.asdict(made), ensure_ascii=False) if as_json else ladder_to_terminal(made))


@app.command()
def export(
    folder: Annotated[str, typer.Argument(help="A model: bundled name or folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for the exported nets.")],
    bundle: Annotated[
        bool,
        typer.Option(
            "--bundle", help="Write one small folder for this package instead: half precision, no checkpoints."
        ),
    ] = False,
) -> None:
    """Write both nets, or a fine-tuned one, as folders that transformers loads, or (--bundle) one small folder to pass on."""
    from electra_helpers.model.bridge import export as export_model
    from electra_helpers.model.head_bridge import export_finetuned
    from electra_helpers.model.store import is_finetuned, load, write_bundle
    from electra_helpers.tasks.finetuned import load_finetuned

    if is_finetuned(folder):
        made = load_finetuned(folder)
        name = export_finetuned(made.net, made.tokenizer, made.task.label_names(), out)
        print(f"{out}: {name}.from_pretrained({str(out)!r})")
        return
    if bundle:
        print(f'{write_bundle(folder, out)}: electra_helpers.load("{out}")')
        return
    classes = {"discriminator": "ElectraForPreTraining", "generator": "ElectraForMaskedLM"}
    for written in export_model(load(folder), out):
        print(f"{written}: {classes[written.name]}.from_pretrained({str(written)!r})")


@app.command()
def average(
    models: Annotated[
        list[str], typer.Argument(help="Runs that started from one another; one named twice counts twice.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the mean.")],
) -> None:
    """Write the mean of the weights of several runs, often better than each of them."""
    from electra_helpers.model.averaging import average as mean_of

    print(f'{mean_of(models, out)}: electra_helpers.load("{out}")')


@app.command()
def doctor() -> None:
    """Print versions, device and precision with its reason, and which data and models are here."""
    from electra_helpers.doctor import examine

    print(examine())


@corpus_app.command()
def stats(
    source: Annotated[list[str], typer.Argument(help="A file, a folder, docs, world, or hub:NAME.")],
    column: Annotated[Optional[str], typer.Option(help="Column that holds the text.")] = None,  # noqa: UP045
    tokenizer: Annotated[Optional[Path], typer.Option(help="Folder of a tokenizer, to count tokens.")] = None,  # noqa: UP045
    as_json: AsJson = False,
) -> None:
    """Count documents, words, types, tokens and duplicates."""
    from electra_helpers.text.corpora import corpus_stats, open_corpus
    from electra_helpers.text.tokenizer import Tokenizer

    pieces = Tokenizer.load(tokenizer) if tokenizer else None
    found = dataclasses.asdict(corpus_stats(open_corpus(*source, column=column), pieces))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        shown = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
        print(f"{name.replace('_', ' '):>20}  {shown if value is not None else '–'}")


def main() -> None:
    """Entry point: mistakes of the user become one line on standard error and exit code 2."""
    # Set before torch or datasets are loaded: their own bars and notices would bury ours.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    try:
        app()
    except ElectraError as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("stopped.", 130)
    except BrokenPipeError:
        # Whoever read our output, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}")


def fail(message: str, code: int = 2) -> None:
    """Print the message as one line on standard error and leave."""
    print(f"electra: {message}", file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
