"""What reaches a terminal: text from files, vocabularies and names is shown, never obeyed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from electra_helpers.output import as_json

LONGEST_LINE = 400  # characters of an error
# Controls (C0 without line feed and tab, DEL, C1), marks that turn the direction of writing or break lines, halves of surrogate pairs.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str, *, one_line: bool = False) -> str:
    r"""The text with control characters as pictures (␛ for escape), with `one_line` also its line feeds and tabs.

    >>> printable("a\x1b[2Jb\u202e")
    'a␛[2Jb�'
    """
    text = _OBEYED.sub(lambda match: _picture(ord(match[0])), text)
    return text.replace("\n", "␊").replace("\t", "␉") if one_line else text


def _picture(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"


def say(text: object, file: TextIO | None = None) -> None:
    """Print lines for people; `file` is standard output unless it is named."""
    print(printable(str(text)), file=file or sys.stdout)


def say_checked(lines: Iterable[str], left: str) -> None:
    """Print what `--check` finds, as it is found, and what was not done."""
    for line in lines:
        say(line)
        sys.stdout.flush()
    say(f"Checked only: {left}.")


def say_json(value: Any) -> None:
    """Print a value as one line of JSON that loses nothing: what a terminal would obey is escaped."""
    print(_OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", as_json(value)))


def error_line(message: str, longest: int = LONGEST_LINE) -> str:
    """A message as one line of at most so many characters; of a longer one the beginning and the end, which says what to do.

    >>> error_line("one\\ntwo   three")
    'one two three'
    """
    line = printable(" ".join(message.split()))
    if len(line) <= longest:
        return line
    end = longest // 3
    return f"{line[: longest - end - 3]} … {line[-end:]}"


def fail(message: str, code: int = 2) -> None:
    """Print the message as one line on standard error and leave."""
    say(error_line(f"electra: {message}"), sys.stderr)
    raise SystemExit(code)
