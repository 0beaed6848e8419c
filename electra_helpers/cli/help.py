"""`--help` in groups: the options of a command by what they decide, the commands by what one does with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import typer.core

LEFT = "Options"  # what is in no group
LOGS = "Log, evaluations, checkpoints"
# Group → the fields of the configuration dataclasses that stand in it; what is in none stands under the name of its dataclass.
FIELDS = {
    "Steps and learning rate": (
        *("steps", "epochs", "minutes", "batch_size", "accumulation", "learning_rate", "warmup_steps", "warmup_share"),
        *("schedule", "layer_decay", "decay_exponent", "seed", "patience"),
    ),
    "Optimizer": (
        *("optimizer", "weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "bias_correction", "max_grad_norm"),
    ),
    LOGS: ("log_every", "eval_every", "eval_rows", "save_every", "keep"),
    "Device": ("device", "precision", "compile", "shard"),
    "Text, vocabulary, rows": (
        *("length", "form", "validation_share", "vocab_size", "whole_words", "lowercase", "strip_accents"),
        *("keep_vocabulary", "stream"),
    ),
}
GROUPS = {  # what the other fields of a dataclass are about, by its name in `options_from`
    "pretrain": "Objective and corruption",
    "model": "The two networks",
    "finetune": "The task",
    "holding": "Held-out rows",
    "layout": "How files are written",
}


def group_of(field: str, dataclass: str) -> str:
    """The group in which the option of a dataclass's field stands."""
    return next((group for group, fields in FIELDS.items() if field in fields), GROUPS[dataclass])


def write_groups(formatter: Any, rows: Iterable[tuple[str | None, tuple[str, str]]], left: str) -> None:
    """(group, (name, help)) of each entry → a section for each group, in the order of their first entries; `left` comes first."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list, {left: []})
    for group, row in rows:
        groups[group or left].append(row)
    for group, entries in groups.items():
        if entries:
            with formatter.section(group):
                formatter.write_dl(entries)


class Command(typer.core.TyperCommand):
    """A command whose options stand in groups in its help."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        rows = [(each, each.get_help_record(ctx)) for each in self.get_params(ctx)]
        told = [(each, row) for each, row in rows if row]
        arguments = [row for each, row in told if each.param_type_name == "argument"]
        write_groups(formatter, ((None, row) for row in arguments), "Arguments")
        options = [(each, row) for each, row in told if each.param_type_name == "option"]
        write_groups(formatter, ((getattr(each, "rich_help_panel", None), row) for each, row in options), LEFT)


class Commands(typer.core.TyperGroup):
    """A group of commands that are listed by what one does with them; a name may have two words."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name = " ".join(args[:2])
        if len(args) > 1 and name in self.commands:  # `finetune glue` has other options than `finetune TASK`
            return name, self.commands[name], args[2:]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        panels = {name: getattr(each, "rich_help_panel", None) for name, each in commands.items()}
        longest = {panel: max(len(name) for name in panels if panels[name] == panel) for panel in panels.values()}
        rooms = {panel: formatter.width - 6 - length for panel, length in longest.items()}
        rows = [(panels[name], (name, each.get_short_help_str(rooms[panels[name]]))) for name, each in commands.items()]
        write_groups(formatter, rows, "Commands")
