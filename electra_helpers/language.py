"""What a learner reads, in their language: `worded` gives a message of the course in the language that was chosen.

The English message, with named fields in braces, is its own key; the catalogues beside this file hold the others, one .po file for each
part of the course (locale/zh/LC_MESSAGES/), read when the first message is asked for. How to add a message:

1. Write `worded("{count} of {total} passed", count=n, total=len(rows))`: a constant text, its values as fields, never an f-string. What an
   exercise holds (title, specification, hints, why) and `Mistake("…", share=share)` are found as they are; a text in a table that is shown
   later is marked with `wording("…")`, and shown with `worded(text)` or as a field of another message. `worded` is called when it is
   shown, never while a module is imported.
2. `make messages` writes new messages into the catalogues and strikes out those that are gone.
3. Translate it in its .po file, with the same fields: tests/house/test_messages.py names every message that lacks a translation.
"""

from __future__ import annotations

import gettext
import os
import re
from ast import literal_eval
from collections.abc import Iterable
from functools import cache, reduce
from pathlib import Path
from typing import Any

from wcwidth import wcwidth

from electra_helpers.errors import ElectraError

ENGLISH = "en"
LOCALE = Path(__file__).resolve().parent / "locale"
_STRING = re.compile(r'(?:(msgid|msgstr|msgctxt)\s+)?(".*")\s*$')
_chosen: list[str] = []  # the language, once it was chosen


def languages() -> tuple[str, ...]:
    """The languages that there are: English, and every one with catalogues."""
    return (ENGLISH, *sorted(folder.name for folder in LOCALE.glob("*") if (folder / "LC_MESSAGES").is_dir()))


def choose_language(code: str | None = None) -> str:
    """Choose the language of messages: `code`, else ELECTRA_LANG, else English. Raises `ElectraError` where there is no such language.

    >>> choose_language("en")
    'en'
    """
    asked = code or os.environ.get("ELECTRA_LANG") or ENGLISH
    found = re.split(r"[-_.]", asked.lower())[0]  # zh_CN.UTF-8 and zh-CN are zh
    if found not in languages():
        raise ElectraError(f"There is no language {asked!r}: choose one of {', '.join(languages())}.")
    _chosen[:] = [found]
    return found


def language() -> str:
    """The language of messages."""
    return _chosen[0] if _chosen else choose_language()


class Wording(str):
    """A message that stands in a table; given to `worded`, as the message or as a field, it is shown in the language that was chosen."""


def wording(template: str) -> Wording:
    """Mark a message for translators where it is written, before anybody knows the language.

    >>> worded("It is {kind}.", kind=wording("a word class"))
    'It is a word class.'
    """
    return Wording(template)


def worded(template: str, /, **fields: Any) -> str:
    """A message in the language that was chosen, its fields filled in as `str.format` does; without fields its braces stay.

    >>> worded("{share:.0%} of {count} words", share=0.25, count=8), worded("a {brace}")
    ('25% of 8 words', 'a {brace}')
    """
    if language() == ENGLISH:
        return template.format(**fields) if fields else str(template)
    translate = catalogue(language()).gettext
    given = {name: translate(value) if isinstance(value, Wording) else value for name, value in fields.items()}
    return translate(template).format(**given) if given else translate(template)


# How two parts of a message stand one behind the other. Chinese sets other signs there, and no blank.
PARTS = wording("{before}; {after}")
ITEMS = wording("{before}, {after}")
STATEMENTS = wording("{before}. {after}")  # the last one has no full stop yet
SENTENCES = wording("{before} {after}")
ENTRY = wording("{name}: {said}")


def joined(parts: Iterable[str], form: str = PARTS) -> str:
    """Parts of a message one behind the other, with the signs that the language sets between them.

    >>> joined(["a 1", "b 2"]), joined(["a", "b", "c"], ITEMS), joined([])
    ('a 1; b 2', 'a, b, c', '')
    """
    texts = list(parts)
    return reduce(lambda before, after: worded(form, before=before, after=after), texts) if texts else ""


def columns(text: str) -> int:
    """How many columns a text takes in a terminal, where a Chinese character takes two.

    >>> columns("step"), columns("步")
    (4, 2)
    """
    return sum(max(wcwidth(character), 0) for character in text)


def padded(text: str, width: int, *, right: bool = False) -> str:
    """A message of a table's cell, worded, with blanks up to so many columns, where a Chinese character takes two.

    >>> padded("step", 6) + "|", padded("步", 6) + "|", padded("step", 6, right=True)
    ('step  |', '步    |', '  step')
    """
    shown = worded(text)
    blanks = " " * (width - columns(shown))
    return blanks + shown if right else shown + blanks


class Catalogue(gettext.NullTranslations):
    """The messages of one language, from its .po files: nothing has to be compiled first. A message that is missing stays English."""

    def __init__(self, files: list[Path]) -> None:
        super().__init__()
        self.messages = {original: text for file in files for original, text in read_po(file).items() if text}

    def gettext(self, message: str) -> str:
        return self.messages.get(message, message)


@cache
def catalogue(code: str) -> Catalogue:
    """The catalogue of a language."""
    return Catalogue(sorted((LOCALE / code / "LC_MESSAGES").glob("*.po")))


def read_po(file: Path) -> dict[str, str]:
    """Message → translation of a .po file, as gettext writes it; the header, obsolete and fuzzy entries are left out."""
    found: dict[str, str] = {}
    for entry in re.split(r"\n\s*\n", file.read_text("utf-8")):
        parts, at = {"msgid": "", "msgstr": ""}, ""
        for line in entry.splitlines():
            match = _STRING.match(line)
            if match:
                at = match[1] or at
                parts[at] = parts.get(at, "") + literal_eval(match[2])
        if parts["msgid"] and not re.search(r"^#,.*\bfuzzy\b", entry, re.MULTILINE):
            found[parts["msgid"]] = parts["msgstr"]
    return found
