"""The help of the command `electra` and of each of its commands, as the command itself prints it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from electra_helpers.site.pages import Heading, Page

WIDTH = 100  # columns, whatever terminal the site is built in


def fill(page: Page) -> None:
    """Write the help of every command into its page."""
    parts = [f"<h1>{escape(page.title)}</h1>"]
    for name, text in helps():
        anchor = name.replace(" ", "-")
        page.headings.append(Heading(2, name, anchor))
        parts.append(f'<h2 id="{anchor}"><code>{name}</code></h2>\n<pre class="output">{escape(text)}</pre>')
    page.body = "\n".join(parts)


def helps() -> Iterator[tuple[str, str]]:
    """`electra`, `electra pretrain`, … with the help of each, in the order of the help itself."""
    import typer.main

    from electra_helpers.cli import app

    yield from _of("electra", typer.main.get_command(app), None)


def _of(name: str, command: Any, parent: Any) -> Iterator[tuple[str, str]]:
    context = command.make_context(
        name.split()[-1], [], parent=parent, resilient_parsing=True, max_content_width=WIDTH, terminal_width=WIDTH
    )
    yield name, command.get_help(context).strip()
    for sub in getattr(command, "commands", {}):
        yield from _of(f"{name} {sub}", command.commands[sub], context)
