"""The command `electra push`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from electra_helpers.terminal import say


def push(
    folder: Annotated[Path, typer.Argument(help="A model folder: of pretrain, finetune, or export.")],
    to: Annotated[str, typer.Option(help="OWNER/NAME of the repository; it is made if needed.")],
    private: Annotated[bool, typer.Option("--private", help="Make the repository private.")] = False,
    message: Annotated[str, typer.Option(help="What the commit says.")] = "Upload an ELECTRA",
) -> None:
    """Upload a model with its card to the hub. Log in once: `hf auth login`."""
    from electra_helpers.exchange.hub_push import push as push_folder

    say(push_folder(folder, to, private=private, message=message))
