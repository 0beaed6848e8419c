"""The command `electra`, a file for each group of commands. Options are the fields of the configuration dataclasses."""

from electra_helpers.cli.entry import app, main

__all__ = ["app", "main"]
