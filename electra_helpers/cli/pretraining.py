"""The commands `electra pretrain` and `electra bench`."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from electra_helpers.cli.options import AsJson, Check, LogWith, Share, Source, options_from
from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.options import check_pretrain, check_trackers, refuse_idle
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.recipes import RECIPES, recipe
from electra_helpers.terminal import say, say_checked, say_json

if TYPE_CHECKING:  # it brings torch
    from electra_helpers.saved.pretrained import Pretrained


Text = Annotated[
    list[str], typer.Option(metavar="SOURCE", help="A file, a folder, docs, world, or hub:NAME; may be given again.")
]
Vocabulary = Annotated[
    Optional[str],  # noqa: UP045 - typer reads it at run time
    typer.Option(help="Folder or hub name of a tokenizer; without it one is trained."),
]
Start = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="A model to start from: bundled, folder or hub name, also of an encoder of BERT's shape. Dropout and --sharing may "
        "differ from its own; a generator that it lacks is made of its first --generator-layers, or new and --generator-size wide."
    ),
]


@dataclass(frozen=True)
class Asked:
    """A pre-training as it is asked for, settled with what the run in `out` says of itself where it is resumed."""

    sources: list[str]
    out: Path
    size: str
    config: PretrainConfig
    shape: ModelConfig  # of a new run that starts from nothing, or of the run that is resumed
    shape_given: dict[str, Any]
    tokenizer: str | None
    init_from: str | None
    column: str | None
    layout: Layout
    resume: bool
    log_with: tuple[str, ...] = ()


@options_from(pretrain=PretrainConfig, model=ModelConfig, layout=Layout)
def pretrain(
    *,
    out: Annotated[Path, typer.Option(help="Folder for everything the model needs.")],
    corpus: Text = (),
    size: Annotated[Source, typer.Option(help=f"One of {', '.join(RECIPES)} [tiny].")] = None,
    tokenizer: Vocabulary = None,
    init_from: Start = None,
    column: Annotated[Source, typer.Option(help="Column that holds the text, where it is not guessed.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the run in --out; no other option is needed.")
    ] = False,
    log_with: LogWith = (),
    check: Check = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Pre-train a generator and a discriminator together on text."""
    check_trackers(log_with)
    start = {"size": size, "tokenizer": tokenizer, "init_from": init_from}
    asked = settle(out, corpus, start, column=column, resume=resume, overrides=overrides)
    if check:
        from electra_helpers.cli.check_training import pretraining

        say_checked(pretraining(asked, *starting_model(asked)), f"nothing was trained, and nothing written to {out}")
    else:
        run_asked(dataclasses.replace(asked, log_with=tuple(log_with)))


def settle(
    out: Path,
    corpus: list[str],
    start: dict[str, str | None],
    *,
    column: str | None,
    resume: bool,
    overrides: dict[str, dict[str, Any]],
) -> Asked:
    """What was asked for, looked at before torch is loaded. Raises `ElectraError` for all that is wrong with it by then."""
    from electra_helpers.early import check_corpus, check_model
    from electra_helpers.training.run_folder import check_folder, read_run, same_start

    check_pretrain(
        overrides["pretrain"] | overrides["model"] | overrides["layout"] | start | {"column": column}, corpus
    )
    refuse_idle(
        overrides["pretrain"], [(resume, ("minutes",), "beside --resume: extend the run by --steps or --epochs")]
    )
    started = read_run(out) if resume else None
    if started:
        same_start(out, started, start)
    if not corpus and not started:
        raise ElectraError("Say what to learn from: --corpus with a file, a folder, docs, world, or hub:NAME.")
    check_folder(out, resume)
    size = start["size"] or (started and started.begun.get("size")) or "tiny"
    chosen = started.recipe if started else recipe(size)
    config = dataclasses.replace(chosen.pretrain, **how_long(overrides["pretrain"]))
    shape = chosen.model
    if started or not start["init_from"]:
        shape = dataclasses.replace(shape, **overrides["model"])
    column = column or (started.column if started else None)
    layout = dataclasses.replace(started.layout if started else FOUND_OUT, **overrides["layout"])
    check_corpus(corpus, column, layout)
    if start["init_from"] and not started:
        check_model(start["init_from"])
    return Asked(
        sources=list(corpus or started.sources),
        out=out,
        size=size,
        config=config,
        shape=shape,
        shape_given=overrides["model"],
        tokenizer=start["tokenizer"],
        init_from=start["init_from"],
        column=column,
        layout=layout,
        resume=resume,
    )


def how_long(given: dict[str, Any]) -> dict[str, Any]:
    """The settings given; where one of them says how long a run is, what the run said of it before counts no more."""
    says = any(name in given for name in ("steps", "epochs", "minutes"))
    return {"epochs": 0.0, "minutes": 0.0} | given if says else given


def run_asked(asked: Asked) -> None:
    """Pre-train, with a bar and a log, and say what came of it."""
    from electra_helpers.cli.run_summary import Announce, report
    from electra_helpers.cli.trackers import Tracker
    from electra_helpers.training.callbacks import JsonLog, ProgressBar
    from electra_helpers.training.pretraining import pretrain as run_pretraining

    start, shape = starting_model(asked)
    about = {"corpus": ", ".join(asked.sources), "size": asked.size}
    trackers = [Tracker(name, asked.out, asked.out.name, about) for name in asked.log_with]
    run = run_pretraining(
        asked.sources,
        asked.out,
        size=asked.size,
        config=asked.config,
        model=shape,
        tokenizer=asked.tokenizer,
        init_from=start,
        resume=asked.resume,
        column=asked.column,
        layout=asked.layout,
        say=lambda line: say(line, sys.stderr),
        callbacks=[Announce(), ProgressBar(), JsonLog(asked.out / "log.jsonl"), *trackers],
    )
    if run.is_main:
        say(report(run, asked.out))
    if run.interrupted:
        raise typer.Exit(130)


def starting_model(asked: Asked) -> tuple[Pretrained | None, ModelConfig]:
    """The model that a new run starts from, and the shape of the nets: a run that is resumed, or starts from nothing, has it already."""
    if not asked.init_from or asked.resume:
        return None, asked.shape
    from electra_helpers.exchange.store import load

    name, wanted = asked.init_from, asked.shape_given
    start = dataclasses.replace(load(name), name=name)  # as it is written, so that --resume can compare
    if wanted.get("generator_layers"):
        wanted = {"generator_size": 1.0} | wanted  # made of the model's first layers, so as wide
    return start, dataclasses.replace(start.net.config, **wanted)


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
    """Measure how fast this machine pre-trains. Beside it: what its matrix product reaches."""
    from electra_helpers.speed import measure, settings

    speed = measure(*settings(size, batch_size, length, dropout, device, precision), rounds=rounds, steps=steps)
    if as_json:
        say_json(dataclasses.asdict(speed))
        return
    say(f"{speed.tokens_per_second:,.0f} tokens/s (± {speed.spread:,.0f}), {speed.mflop_per_token:.0f} MFLOP a token")
    say(
        f"{speed.share_of_ceiling:.0%} of the {speed.ceiling_gflops:,.0f} GFLOP/s that this machine's matrix product reaches"
    )
    say(f"at most {speed.peak_mb:,.0f} MB of memory")
