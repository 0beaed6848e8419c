"""Exercise 08.4: a report that is too good, because copies of its stories stand on both sides of the split."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from electra_helpers.course.engine.grading import Mistake, as_number
from electra_helpers.course.labs.finetuning import world_rows
from electra_helpers.language import ITEMS, joined, wording
from electra_helpers.reading.labelled import LabelledData, labelled

COPIES = (str, str.lower, str.upper, lambda text: text.replace(" ", "  "))
LEAKS = (
    "the label stands in the text",
    "stories stand in both parts",
    "one class only in the test part",
    "settings were chosen on the test part",
)


@cache
def collected(originals: int = 60) -> tuple[LabelledData, LabelledData]:
    """Stories with their outcome as somebody collected them from several sites, shuffled and split: training and test part."""
    source = world_rows("sentiment", "train", originals)
    rows = [{"text": copy(row["text"]), "label": source.labels[row["label"]]} for row in source.rows for copy in COPIES]
    random.Random(8).shuffle(rows)
    at = len(rows) * 3 // 4
    parts = {"training part": rows[:at], "test part": rows[at:]}
    return tuple(labelled(part, task="classification", labels=source.labels, source=n) for n, part in parts.items())


def as_read(text: str) -> str:
    """A text as an uncased model with its own idea of spaces reads it."""
    return " ".join(text.lower().split())


HALF_READ = (
    (str.lower, wording("lower case is one half of it. To the model two spaces are one: join the words again.")),
    (lambda text: " ".join(text.split()), wording("the spaces are one half of it. The model reads lower case too.")),
)


def test_rows_seen() -> list[bool]:
    """For each row of the test part, whether training has it too."""
    train, test = collected()
    known = {as_read(text) for text in train.column("text")}
    return [as_read(text) in known for text in test.column("text")]


def leak_answer() -> dict[str, Any]:
    """The right answer of 08.4."""
    return {"leak": LEAKS[1], "seen": sum(test_rows_seen()), "split": "by story"}


def leak_is_found(answers: Any) -> None:
    """Check of 08.4: the leak, how many rows it touches, and how to split instead."""
    right = leak_answer()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    if answers["leak"] not in LEAKS:
        raise Mistake("leak: choose one of {leaks}.", leaks=joined(LEAKS))
    if answers["leak"] == LEAKS[2]:
        raise Mistake("Count the labels of the test part: both are there.")
    if answers["leak"] == LEAKS[3]:
        raise Mistake("Nothing was chosen: one setting, one run. Look at the rows themselves.")
    if answers["leak"] != right["leak"]:
        raise Mistake("Print a few texts: no label stands in them. Then look for the same story elsewhere.")
    try:
        given = as_number(answers["seen"])
    except (TypeError, ValueError):
        raise Mistake("seen: the number of test rows that the training part has too.") from None
    train, test = collected()
    exact = sum(text in set(train.column("text")) for text in test.column("text"))
    if given == exact != right["seen"]:
        raise Mistake(
            "You compared the strings as they are. The model reads lower case and does not see double spaces: compare the"
            " texts as it reads them."
        )
    if given == len(test) - right["seen"]:
        raise Mistake("That is how many are new.")
    for change, message in HALF_READ:
        known = {change(text) for text in train.column("text")}
        if given == sum(change(text) in known for text in test.column("text")) != right["seen"]:
            raise Mistake("seen: {message}", message=message)
    if given == sum(as_read(text) in set(map(as_read, test.column("text"))) for text in train.column("text")):
        raise Mistake("seen: that is how many rows of the training part the test part has too. Count the test rows.")
    if given == len({as_read(text) for text in test.column("text")} & {as_read(text) for text in train.column("text")}):
        raise Mistake(
            "seen: that is how many different stories. Count rows: a story that stands there twice counts twice."
        )
    if 0 < given < 1:
        raise Mistake("A number of rows is asked for, not a share.")
    if given != right["seen"]:
        raise Mistake(
            "seen: {given:g} of {count} is not it. Lower case, single spaces, then `in`.", given=given, count=len(test)
        )
    if answers["split"] == "more shuffling":
        raise Mistake("Shuffling is what scattered the copies over both parts.")
    if answers["split"] != right["split"]:
        raise Mistake('split: "by row", "by story" or "more shuffling"; all copies of a story belong on one side.')
