"""Write the bundled sample of the little world: `python -m electra_helpers.world.build [FOLDER]`.

Plain .jsonl in UTF-8, the same bytes on every machine; a test holds the committed files to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from .labels import labelled
from .meaning import SPLITS
from .pairs import PHENOMENA, blimp_row, minimal_pairs
from .splits import stories
from .telling import SPOKEN, language

FOLDER = Path(__file__).resolve().parents[2] / "data" / "world"
ROWS = {"train": 500, "validation": 150, "test": 150}
BUNDLED = ("sentiment", "topic", "entities", "questions", "summary", "noisy")  # in English and Chinese; more on the fly
FEWER = {"noisy": 3}  # the longest rows: a third of them
PAIRS_A_PHENOMENON = 100


def story_rows(split: str, count: int) -> Iterator[dict]:
    """Stories told in every language, with their topic and outcome."""
    for story in stories(0, 0, count, split=split):
        told = {code: story.text(code) for code in SPOKEN}
        yield {"id": story.key, "topic": story.topic, "outcome": story.values["O"], **told}


def tasks() -> Iterator[tuple[str, str]]:
    """Every task with the languages, or the pair of languages, that it is bundled in."""
    for code in (code for code in SPOKEN if code in ("en", "zh")):
        without = {"questions": not language(code).questions, "summary": not language(code).summaries}
        yield from ((task, code) for task in BUNDLED if not without.get(task))
    yield from (("translation", f"en-{code}") for code in SPOKEN if code != "en")


def files() -> Iterator[tuple[str, Iterator[dict]]]:
    """Every file of the sample: its name within the folder, and its rows."""
    for split in SPLITS:
        yield f"stories/{split}.jsonl", story_rows(split, ROWS[split])
        for task, code in tasks():
            yield (
                f"{task}/{code}/{split}.jsonl",
                labelled(task, code, split=split, count=ROWS[split] // FEWER.get(task, 1)),
            )
    for phenomenon in PHENOMENA:
        pairs = islice(minimal_pairs(phenomenon), PAIRS_A_PHENOMENON)
        yield f"pairs/{phenomenon.replace(' ', '_')}.jsonl", (blimp_row(pair, n) for n, pair in enumerate(pairs))


def build(folder: Path = FOLDER) -> list[Path]:
    """Write the whole sample and return the files; files that are already there are replaced."""
    written = []
    for name, rows in files():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
        written.append(path)
    return written


if __name__ == "__main__":
    made = build(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    print(f"{len(made)} files, {sum(path.stat().st_size for path in made) / 1e6:.1f} MB")
