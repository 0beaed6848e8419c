"""What the command prints, on any output: a Windows pipe encodes in cp1252, a bare machine in ASCII, and neither knows →."""

import json
import sys
from typing import Any


def never_fail_to_print() -> None:
    """Let the output write ? for a character that it cannot encode, where Python would end in a UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not in a notebook, whose output is no file
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")


def as_json(value: Any) -> str:
    """JSON for standard output: as it is where that is Unicode, else with \\u escapes, which every reader of JSON knows.

    >>> as_json({"a": 1})
    '{"a": 1}'
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("_", "-")
    text = json.dumps(value, ensure_ascii=not encoding.startswith("utf"))
    return text if _is_well_formed(text) else json.dumps(value)


def _is_well_formed(text: str) -> bool:
    """Whether there is no half of a surrogate pair in it, such as an argument that was no Unicode leaves."""
    return text == text.encode("utf-8", "replace").decode("utf-8")
