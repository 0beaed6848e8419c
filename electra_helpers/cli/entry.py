"""The command line as a whole: its commands in the order of the help, and mistakes of the user as one line and exit code 2."""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import Annotated, Any

import typer

from electra_helpers.cli.cleaning import clean
from electra_helpers.cli.config_file import with_config
from electra_helpers.cli.finetuning import evaluate, finetune, predict
from electra_helpers.cli.glue import evaluate_glue, finetune_glue
from electra_helpers.cli.help import Command, Commands
from electra_helpers.cli.importing import import_checkpoint
from electra_helpers.cli.looking import corpus_app, corrupt, doctor, generate, inspect_text
from electra_helpers.cli.models import average, export
from electra_helpers.cli.pretraining import bench, pretrain
from electra_helpers.cli.pushing import push
from electra_helpers.cli.teaching import course_app, grade
from electra_helpers.errors import ElectraError, ElectraWarning
from electra_helpers.language import ENGLISH, choose_language
from electra_helpers.output import never_fail_to_print
from electra_helpers.terminal import error_line, fail, say

app = typer.Typer(
    cls=Commands,
    help="Pre-train small ELECTRAs, look at what they see, fine-tune them, take them to transformers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# In the order of the help; a group of commands of its own is a Typer.
COMMANDS = {
    "Pre-train": {"pretrain": pretrain, "average": average, "corpus": corpus_app, "bench": bench},
    "Fine-tune and use": {
        **{"finetune": finetune, "finetune glue": finetune_glue},
        **{"evaluate": evaluate, "evaluate glue": evaluate_glue},
        **{"predict": predict, "clean": clean},
    },
    "Look at a model": {"inspect": inspect_text, "corrupt": corrupt, "generate": generate},
    "Bring models in and out": {"import": import_checkpoint, "export": export, "push": push},
    "Teach": {"grade": grade, "course": course_app},
    "This machine": {"doctor": doctor},
}
for group, commands in COMMANDS.items():
    for name, command in commands.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=group)
        else:
            app.command(name, cls=Command, rich_help_panel=group)(with_config(command))


def say_version(asked: bool) -> None:
    """`electra --version`: the version, and nothing else is done."""
    if asked:
        from electra_helpers import __version__

        say(f"electra_helpers {__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Pre-train small ELECTRAs, look at what they see, fine-tune them, take them to transformers."""


def main() -> None:
    """Entry point: mistakes of the user become one line on standard error and exit code 2."""
    # Set before torch or datasets are loaded: their own bars and notices would bury ours.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    never_fail_to_print()
    choose_language(ENGLISH)  # only the course speaks other languages
    warnings.showwarning = say_warning
    try:
        raise SystemExit(app(prog_name="electra", standalone_mode=False) or 0)
    except UsageError as error:
        explain_usage(error)
    except ElectraError as error:
        fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        fail("stopped.", 130)
    except BrokenPipeError:
        # Whoever read our output, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}")


def say_warning(message: Warning | str, category: type[Warning], *where: Any, **_: Any) -> None:
    """Our own warnings as one line; those of libraries as Python writes them."""
    if issubclass(category, ElectraWarning):
        say(error_line(f"electra: {message}"), sys.stderr)
    else:
        print(warnings.formatwarning(message, category, *where[:2]), file=sys.stderr, end="")


UsageError = typer.BadParameter.__base__  # an option that does not exist, a value of the wrong kind


def explain_usage(error: Exception) -> None:
    """Print typer's lines about a command that is written wrong, and leave with its exit code."""
    lines = io.StringIO()
    error.show(lines)
    for line in lines.getvalue().splitlines():
        say(error_line(line) if line.startswith("Error:") else line, sys.stderr)
    raise SystemExit(error.exit_code)
