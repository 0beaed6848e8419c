"""A file is cleaned as a stream: every flag with its place goes into another file, and a run that was stopped goes on.

Rows are judged `CHUNK` at a time, so memory does not grow with the file. After each chunk what was written is synced, and a small file
beside the output says how far it came. Started again, the run cuts off what was written after that and goes on with the next chunk, so
the output has the bytes of an undisturbed run. The input is never written to.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from electra_helpers import __version__
from electra_helpers.errors import ElectraError
from electra_helpers.model.files import checksum, sync_folder, write_json_atomically
from electra_helpers.model.store import Pretrained
from electra_helpers.tasks.cells import FIELDS, Judged, Placed, Source, Wanted, corrected, placed
from electra_helpers.tasks.finetuning import Finetuned, chunks
from electra_helpers.tasks.suspects import cleaner_of, suspects
from electra_helpers.text.files import form_of, text_lines

CHUNK = 256  # rows; where a run can be taken up again
FORMS = (".jsonl", ".csv", ".tsv")


def clean_file(
    model: Pretrained | Finetuned,
    path: Path,
    output: Path,
    wanted: Wanted | None = None,
    *,
    generator: Pretrained | None = None,
    start_over: bool = False,
    progress: Callable[[int, int], Any] = lambda done, total: None,
) -> dict[str, int]:
    """Write every flag of a file to `output`, a row each in the order of the file; counts of rows, flags and changed cells.

    A run that was stopped goes on, if file, model and settings are the same (else `ElectraError`); `start_over` forgets it.
    `progress` is told rows done and rows in all, at the beginning and after each chunk. Raises `ElectraError` for bad input, before
    anything is written.
    """
    wanted = wanted or Wanted()
    source = Source(path, wanted)
    written = _outputs(source, output, wanted)
    state = _State(output, _about(model, generator, source, wanted), start_over)
    total = sum(1 for _ in source.rows())
    progress(state.rows, total)
    with ExitStack() as stack:
        for each in written:
            each.open(state.bytes.get(str(each.path), 0))
            stack.callback(each.close)
        rows = islice(enumerate(source.rows(), start=1), state.rows, None)
        for chunk in chunks(rows, CHUNK):
            found = list(_flags(model, generator, source, chunk))
            sizes = {str(written[0].path): written[0].add(one.record() for one in found)}
            for copy in written[1:]:
                changed = [_changed(source, row, [one for one in found if one.row == n]) for n, row in chunk]
                sizes[str(copy.path)] = copy.add(row for row, _ in changed)
                state.changed += sum(count for _, count in changed)
            state.advance(len(chunk), len(found), sizes)
            progress(state.rows, total)
    for each in written:
        each.finish()
    state.forget()
    return {"rows": state.rows, "flags": state.flags} | ({"changed": state.changed} if wanted.corrected else {})


def _flags(
    model: Pretrained | Finetuned, generator: Pretrained | None, source: Source, chunk: Sequence[tuple[int, Any]]
) -> Iterator[Placed]:
    """The flags of some rows, in their order."""
    judged: list[Judged] = [each for number, row in chunk for each in source.judged(number, row)]
    how = {"threshold": source.wanted.threshold, "suggest": source.wanted.suggest, "generator": generator}
    found = suspects(model, [each.text for each in judged], **how)
    for each, flags in zip(judged, found, strict=True):
        yield from placed(each, flags)


def _changed(source: Source, row: Any, flags: Sequence[Placed]) -> tuple[Any, int]:
    """A row with the sure suggestions in it, and how many of its cells are others now."""
    sure = source.wanted.sure
    if source.form == ".txt":
        line = corrected(row, flags, sure)
        return line, int(line != row)
    cells = {flag.column for flag in flags}
    new = {
        name: corrected(row[name], [f for f in flags if f.column == name], sure)
        for name in cells
        if _is_text(row[name])
    }
    return row | new, sum(new[name] != row[name] for name in new)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _outputs(source: Source, output: Path, wanted: Wanted) -> list[Written]:
    form = form_of(output)
    if form not in FORMS or output.suffix.lower() != form:
        raise ElectraError(f"{output}: flags are written as .jsonl, .csv or .tsv.")
    made = [Written(output, FIELDS, form)]
    if wanted.corrected is not None:
        made.append(_copy(source, wanted.corrected))
    paths = [source.path.resolve(), *(each.path.resolve() for each in made)]
    if len(set(paths)) < len(paths):
        raise ElectraError("Input, --output and --corrected are different files: nothing is written over another.")
    for each in made:
        if not each.path.parent.is_dir():
            raise ElectraError(f"There is no folder {each.path.parent}.")
    return made


def _copy(source: Source, path: Path) -> Written:
    if source.form == ".parquet":
        raise ElectraError(
            "There is no corrected copy of a .parquet file: leave --corrected out, or give .jsonl or .csv."
        )
    if path.suffix.lower() != source.form:
        raise ElectraError(f"{path}: the corrected copy of {source.path.name} is a {source.form} file.")
    is_table = source.form in (".csv", ".tsv")
    end = "\r\n" if is_table and next(text_lines(source.path)).endswith("\r\n") else "\n"
    return Written(path, list(next(source.rows())) if is_table else (), source.form, end=end, is_copy=True)


def _about(
    model: Pretrained | Finetuned, generator: Pretrained | None, source: Source, wanted: Wanted
) -> dict[str, Any]:
    """All that decides the bytes of the output."""
    settings = asdict(wanted) | {
        "columns": list(source.columns),
        "threshold": cleaner_of(model, wanted.threshold).task.threshold,
    }
    settings["corrected"] = None if wanted.corrected is None else str(wanted.corrected)
    models = [_fingerprint(each) for each in (model, generator) if each is not None]
    return {"version": __version__, "input": checksum(source.path), "model": models, "settings": settings}


def _fingerprint(model: Pretrained | Finetuned) -> str:
    """A hash of weights and vocabulary, wherever they were loaded from."""
    digest = hashlib.sha256(model.tokenizer.fingerprint.encode())
    for name, tensor in sorted(model.net.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class _State:
    """How far a run came, in a file beside its output."""

    def __init__(self, output: Path, about: dict[str, Any], start_over: bool) -> None:
        self.path, self.about = output.with_name(f".partial-{output.name}.json"), about
        self.rows = self.flags = self.changed = 0
        self.bytes: dict[str, int] = {}
        if self.path.is_file() and not start_over:
            self._go_on(output)

    def _go_on(self, output: Path) -> None:
        try:
            before = json.loads(self.path.read_text("utf-8"))
            other = [name for name, value in self.about.items() if before["about"].get(name) != value]
            sizes = {
                path: Path(path).with_name(f".partial-{Path(path).name}").stat().st_size for path in before["bytes"]
            }
            short = [path for path, size in before["bytes"].items() if sizes[path] < size]
        except (ValueError, KeyError, OSError) as error:
            raise ElectraError(
                f"{self.path} cannot be gone on with ({error}): begin anew with --start-over."
            ) from error
        if other or short:
            what = " and ".join(other) if other else "partial output"
            raise ElectraError(
                f"{output} was begun with another {what}: give the same again, or begin anew with --start-over."
            )
        self.rows, self.flags, self.changed, self.bytes = (
            before[name] for name in ("rows", "flags", "changed", "bytes")
        )

    def advance(self, rows: int, flags: int, sizes: dict[str, int]) -> None:
        """Say on the disk that so many more rows are done."""
        self.rows, self.flags, self.bytes = self.rows + rows, self.flags + flags, sizes
        counts = {"rows": self.rows, "flags": self.flags, "changed": self.changed, "bytes": sizes}
        write_json_atomically({"about": self.about} | counts, self.path)

    def forget(self) -> None:
        """The run is over."""
        self.path.unlink(missing_ok=True)


class Written:
    """A file that grows by whole chunks under a name of its own, and gets its real one at the end."""

    def __init__(self, path: Path, fields: Sequence[str], form: str, *, end: str = "\n", is_copy: bool = False) -> None:
        self.path, self.fields, self.form = path, fields, form
        # What was read from a .tsv file has neither tabs nor line ends in its cells, and its quotes are no marks.
        as_it_is = {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None}
        style = as_it_is if is_copy and form == ".tsv" else {"delimiter": "\t" if form == ".tsv" else ","}
        self.style = style | {"lineterminator": end}
        self.partial = path.with_name(f".partial-{path.name}")

    def open(self, size: int) -> Written:
        """Open it at `size` bytes; what was written after them goes."""
        self.file = open(self.partial, "r+b" if size else "wb")  # noqa: SIM115 - open over many chunks; see close
        self.file.truncate(size)
        self.file.seek(size)
        if not size and self.form in (".csv", ".tsv"):
            self._add([dict(zip(self.fields, self.fields, strict=True))])
        return self

    def add(self, records: Iterable[Any]) -> int:
        """Append records, wait until they are on the disk; how many bytes there are."""
        self._add(records)
        self.file.flush()
        os.fsync(self.file.fileno())
        return self.file.tell()

    def _add(self, records: Iterable[Any]) -> None:
        if self.form == ".txt":
            self.file.write("".join(records).encode("utf-8", "replace"))
        elif self.form == ".jsonl":
            self.file.write(
                "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode("utf-8", "replace")
            )
        else:
            text = io.StringIO(newline="")
            writer = csv.writer(text, **self.style)
            writer.writerows([[record.get(name) for name in self.fields] for record in records])
            self.file.write(text.getvalue().encode("utf-8", "replace"))

    def close(self) -> None:
        """Close the file; it stays a partial one."""
        self.file.close()

    def finish(self) -> None:
        """Give it its real name."""
        os.replace(self.partial, self.path)
        sync_folder(self.path.parent)
