"""Sets of marked sentences and of pairs out of published data, for the commands to be measured on; nothing of them is committed.

    ELECTRA_REAL_DATA=… python tests/benchmarks/real_cleaning.py FOLDER

writes to FOLDER `blimp.jsonl` (every fifth pair of each of the 67 paradigms), `birkbeck.jsonl` (misspellings in the sentences of
carriers.en.txt, every eighteenth one, the right words beside them as sentences without an error) and `birkbeck_pairs.jsonl` (the same
as pairs), and the course's own sentences with one wrong character each as `wrong_characters.jsonl`. Then, for example,

    electra evaluate acceptability --model MODEL --data FOLDER/blimp.jsonl
    electra evaluate cleaning --model MODEL --data FOLDER/birkbeck.jsonl
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path

from electra_helpers.reading.files import read_rows

CARRIERS = Path(__file__).with_name("carriers.en.txt")
SENTENCES = Path(__file__).resolve().parents[2] / "data" / "sentences"
EVERY_PAIR, EVERY_MISSPELLING = 5, 18


def blimp(root: Path, every: int = EVERY_PAIR) -> list[dict]:
    """Every fifth pair; rows stand paradigm after paradigm, 1,000 each."""
    return list(islice(read_rows(root / "tasks" / "blimp" / "blimp.jsonl.xz"), 0, None, every))


def misspelt(root: Path) -> list[tuple[str, str, str]]:
    """(carrier, misspelling, word) of single words in letters."""
    rows = islice(read_rows(root / "tasks" / "birkbeck" / "misspellings.jsonl.xz"), 0, None, EVERY_MISSPELLING)
    carriers = cycle(CARRIERS.read_text("utf-8").splitlines())
    good = (row for row in rows if row["misspelling"].isalpha() and row["word"].isalpha())
    return [(next(carriers), row["misspelling"].lower(), row["word"].lower()) for row in good]


def marked(found: Iterable[tuple[str, str, str]]) -> list[dict]:
    """Each misspelling in its sentence, marked, and the same sentence with the right word."""
    rows = []
    for carrier, wrong, right in found:
        start = carrier.index("{word}")
        error = {"start": start, "end": start + len(wrong), "wrong": wrong, "right": right}
        rows += [
            {"text": carrier.format(word=wrong), "errors": [error]},
            {"text": carrier.format(word=right), "errors": []},
        ]
    return rows


def pairs(found: Iterable[tuple[str, str, str]]) -> list[dict]:
    """The same as pairs of sentences."""
    return [
        {"sentence_good": carrier.format(word=right), "sentence_bad": carrier.format(word=wrong)}
        for carrier, wrong, right in found
    ]


def wrong_characters() -> list[dict]:
    """The course's Chinese sentences whose errors are single characters put for others."""
    return [
        row
        for row in read_rows(SENTENCES / "errors.zh.jsonl")
        if row["errors"] and all(len(e["wrong"]) == len(e["right"]) == 1 for e in row["errors"])
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    if "ELECTRA_REAL_DATA" not in os.environ:
        sys.exit("Set ELECTRA_REAL_DATA to the folder of the published data.")
    root, found = Path(os.environ["ELECTRA_REAL_DATA"]), misspelt(Path(os.environ["ELECTRA_REAL_DATA"]))
    folder.mkdir(parents=True, exist_ok=True)
    sets = {"blimp": blimp(root), "birkbeck": marked(found), "birkbeck_pairs": pairs(found)}
    for name, rows in (sets | {"wrong_characters": wrong_characters()}).items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, "utf-8")
        print(f"{name}: {len(rows):,} rows")


if __name__ == "__main__":
    main()
