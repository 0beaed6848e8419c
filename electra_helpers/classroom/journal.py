"""What is graded so far, on disk as it comes: a table that can be opened at any time, and a journal from which `--resume` goes on."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from electra_helpers.classroom.grade import Answer, GradeRow, Grades
from electra_helpers.classroom.gradebook import append_rows, begin_table
from electra_helpers.classroom.jail import Container
from electra_helpers.classroom.watch import Limits
from electra_helpers.errors import ElectraError


def journal_of(out: Path) -> Path:
    """Where the journal of a table lies."""
    return out.with_name(f"{out.stem}_journal.jsonl")


def signature(notebooks: Path, limits: Limits, container: Container | None) -> str:
    """What must not change between a run and its resumption: the originals, how much they compute, and what they may use."""
    seen = sha256(repr((limits, container)).encode())
    for path in sorted(notebooks.glob("*.ipynb")):
        seen.update(path.name.encode() + path.read_bytes())
    return seen.hexdigest()


class Journal:
    """The files of a run that is under way."""

    def __init__(self, out: Path, made_with: str, *, resume: bool) -> None:
        self.out, self.path = out, journal_of(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        self.known = self._read(made_with) if resume else {}
        begin_table(out)
        with self.path.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"made_with": made_with}) + "\n")
        for key, found in self.known.items():
            self.keep(key, found)
        self.seen = set(self.known)

    def _read(self, made_with: str) -> dict[str, Grades]:
        """What an interrupted run left. Its last line may be cut short, and is then graded again."""
        if not self.path.is_file():
            raise ElectraError(
                f"There is nothing to resume: no {self.path.name} lies beside {self.out}. Leave --resume out."
            )
        lines = self.path.read_text("utf-8", errors="replace").splitlines()
        if not lines or _loaded(lines[0]).get("made_with") != made_with:
            raise ElectraError(
                f"{self.path} is of other notebooks, limits, --profile or --container: grade anew, without --resume."
            )
        found = {}
        for line in map(_loaded, lines[1:]):
            if {"key", "rows", "answers"} <= set(line):
                found[line["key"]] = Grades(
                    [GradeRow(**row) for row in line["rows"]], [Answer(**a) for a in line["answers"]]
                )
        return found

    def keep(self, key: str, found: Grades) -> None:
        """Write one submission's rows, at once."""
        if key in getattr(self, "seen", ()):
            return
        append_rows(found.rows, self.out)
        line = {"key": key, "rows": [asdict(row) for row in found.rows], "answers": [asdict(a) for a in found.answers]}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def done(self) -> None:
        """Everything is graded: the table has it all."""
        self.path.unlink(missing_ok=True)


def _loaded(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
