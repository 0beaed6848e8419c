"""Options that several commands share, and options made of the fields of the configuration dataclasses."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from electra_helpers.cli.help import LOGS, group_of
from electra_helpers.recipes import RECIPES

NOT_ASKED = (
    "vocab_size",
    "pad_id",
    "cls_id",
    "sep_id",
    "mask_id",
    "generator_shape",
    "causal",
)  # what is read decides them

Model = Annotated[str, typer.Option("--model", help="A bundled model, a folder, or a hub name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Check = Annotated[
    bool,
    typer.Option(
        "--check", help="Look only: rows as they are understood, what is unknown or cut, memory and time; then stop."
    ),
]
Columns = Annotated[
    list[str], typer.Option("--column", metavar="ROLE=NAME", help="Where a column is not guessed; may be given again.")
]
Labels = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Names of the labels 0, 1, … with commas between them; or OLD=NEW for each, where names differ."),
]
LogWith = Annotated[
    list[str],
    typer.Option(
        metavar="NAME",
        help="Also log to tensorboard (files in OUT/tensorboard) or wandb; may be given again. log.jsonl is always written.",
        rich_help_panel=LOGS,
    ),
]
Source = Optional[str]  # noqa: UP045 - typer reads it at run time
Share = Optional[float]  # noqa: UP045
Number = Optional[float]  # noqa: UP045
Count = Optional[int]  # noqa: UP045
File = Optional[Path]  # noqa: UP045


def defaults_in_words(field: dataclasses.Field, group: str) -> str:
    """`0.15`, or `tiny 0.002, small 0.0005` where sizes differ."""
    if group not in RECIPES["tiny"].__dict__:
        return f"default {field.default}"
    values = {size: getattr(getattr(r, group), field.name) for size, r in RECIPES.items()}
    shown = {size: f"{v:.4g}" if isinstance(v, float) else str(v) for size, v in values.items()}
    if len(set(shown.values())) == 1:
        return f"default {next(iter(shown.values()))}"
    return ", ".join(f"{size} {value}" for size, value in shown.items())


def options_from(*, without: Sequence[str] = (), **groups: type) -> Callable[[Callable], Callable]:
    """Give a command one option per field of the dataclasses; what the user sets arrives as `overrides={group: {field: value}}`.

    Fields in `without`, which the command would pass over, get none.
    """

    def decorate(function: Callable) -> Callable:
        parameters = [
            p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "overrides"
        ]
        homes: dict[str, str] = {}
        for group, kind in groups.items():
            types = typing.get_type_hints(kind)
            for f in dataclasses.fields(kind):
                if f.name in without or (group == "model" and f.name in NOT_ASKED):
                    continue
                homes[f.name] = group
                shown = typer.Option(
                    help=f"{f.metadata['help']} [{defaults_in_words(f, group)}]",
                    show_default=False,
                    rich_help_panel=group_of(f.name, group),
                )
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
