"""A file is cleaned as a stream: every flag with its place goes into another file, and a run that was stopped is resumed.

What score the share to flag comes to is found first, on a sample of the rows. Then rows are judged `CHUNK` at a time, so memory does not
grow with the file. After each chunk what was written is synced, and a small file beside the output says how far it came. Started again,
the run cuts off what was written after that and resumes with the next chunk, so the output has the bytes of an undisturbed run. The input
is never written to.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from electra_helpers import __version__
from electra_helpers.errors import ElectraError
from electra_helpers.reading.files import form_of
from electra_helpers.saved.files import checksum, write_json_atomically
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.cleaning.cells import FIELDS, Judged, Placed, Source, Wanted, check_outputs, placed
from electra_helpers.tasks.cleaning.corrected_copy import CorrectedCopy
from electra_helpers.tasks.cleaning.flagging import share_of_words
from electra_helpers.tasks.cleaning.partial import Partial, only_run_to
from electra_helpers.tasks.cleaning.sampling import Sample
from electra_helpers.tasks.cleaning.suspects import Flag, cleaner_of, suggested
from electra_helpers.tasks.finetuned import Finetuned, chunks

CHUNK = 256  # rows; where a run can be resumed
COUNTS = ("rows", "words", "flags", "changed")


def clean_file(
    model: Pretrained | Finetuned,
    path: Path,
    output: Path,
    wanted: Wanted | None = None,
    *,
    generator: Pretrained | None = None,
    start_over: bool = False,
    progress: Callable[[int, int], Any] = lambda done, total: None,
) -> dict[str, Any]:
    """Write every flag of a file to `output`, a row each in the order of the file; counts of rows, words, flags and changed cells.

    With them come the `threshold` that was applied, the `share` that it was chosen for (None if it was given) and the number of rows
    it was chosen on (`sampled`).

    A run that was stopped is resumed, if file, model and settings are the same (else `ElectraError`); `start_over` forgets it.
    `progress` is told rows done and rows in all, at the beginning and after each chunk. Raises `ElectraError` for bad input, before
    anything is written, and where another run writes to the same file.
    """
    wanted = wanted or Wanted()
    source = Source(path, wanted)
    check_outputs(source.path, output, wanted.corrected)
    cleaner_of(model)  # says what is wrong with it before anything is written
    with ExitStack() as stack:
        for each in filter(None, (output, wanted.corrected)):
            stack.enter_context(only_run_to(each))
        return _judge_all(model, source, output, generator=generator, start_over=start_over, progress=progress)


def _judge_all(
    model: Pretrained | Finetuned,
    source: Source,
    output: Path,
    *,
    generator: Pretrained | None,
    start_over: bool,
    progress: Callable[[int, int], Any],
) -> dict[str, Any]:
    """What `clean_file` does for this process alone."""
    wanted = source.wanted
    written = Written(output, str(form_of(output)))
    total = sum(1 for _ in source.rows())
    copy = CorrectedCopy(source, wanted.corrected) if wanted.corrected else None
    state = _State(output, _about(model, generator, source, wanted), start_over)
    progress(state.rows, total)
    sample = Sample(source, total)
    if state.threshold is None:
        state.threshold = sample.threshold(model)
    with ExitStack() as stack:
        written.begin(state.bytes.get(str(written.path), 0))
        stack.callback(written.close)
        if copy:
            copy.begin(state.bytes.get(str(copy.path), 0), state.rows)
            stack.callback(copy.close)
        rows = islice(enumerate(source.rows(), start=1), state.rows, None)
        for chunk in chunks(rows, CHUNK):
            judged = list(sample.judge(model, chunk))
            found = _flags(judged, model, generator, state.threshold, wanted.suggest)
            state.words += sum(len(words) for _, words in judged)
            sizes = {str(written.path): written.add(one.record() for one in found)}
            if copy:
                sizes[str(copy.path)], changed = copy.add(chunk, found)
                state.changed += changed
            state.advance(len(chunk), len(found), sizes)
            progress(state.rows, total)
        if copy:
            copy.end()
    for each in filter(None, (written, copy)):
        each.finish()
    state.forget()
    how = {"threshold": state.threshold, "share": _share(wanted), "sampled": len(sample.numbers)}
    counts = {"rows": state.rows, "words": state.words, "flags": state.flags}
    return counts | how | ({"changed": state.changed} if wanted.corrected else {})


def _share(wanted: Wanted) -> float | None:
    """The share to flag; None where a threshold is given."""
    if wanted.threshold is None:
        return share_of_words(wanted.share)
    if wanted.share is not None:
        raise ElectraError("--share or --threshold, not both: each says which words are flagged.")
    return None


def _flags(
    judged: Sequence[tuple[Judged, list[Flag]]],
    model: Pretrained | Finetuned,
    generator: Pretrained | None,
    threshold: float,
    suggest: int,
) -> list[Placed]:
    """The flags of some texts, in their order."""
    flags = [[word for word in words if word.score >= threshold] for _, words in judged]
    flags = suggested(model, [each.text for each, _ in judged], flags, suggest, generator=generator)
    return [one for (each, _), own in zip(judged, flags, strict=True) for one in placed(each, own)]


def _about(
    model: Pretrained | Finetuned, generator: Pretrained | None, source: Source, wanted: Wanted
) -> dict[str, Any]:
    """All that decides the bytes of the output."""
    settings = asdict(wanted) | {
        "columns": list(source.columns),
        "share": _share(wanted),
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
        self.rows = self.words = self.flags = self.changed = 0
        self.threshold: float | None = None
        self.bytes: dict[str, int] = {}
        if self.path.is_file() and not start_over:
            self._resume(output)

    def _resume(self, output: Path) -> None:
        try:
            before = json.loads(self.path.read_text("utf-8"))
            reached = {name: before[name] for name in (*COUNTS, "threshold", "bytes")}
            other = [name for name, value in self.about.items() if before["about"].get(name) != value]
            sizes = {
                path: Path(path).with_name(f".partial-{Path(path).name}").stat().st_size for path in before["bytes"]
            }
            short = [path for path, size in before["bytes"].items() if sizes[path] < size]
        except (ValueError, KeyError, OSError) as error:
            raise ElectraError(f"{self.path} cannot be resumed ({error}): start over with --start-over.") from error
        if other or short:
            what = " and ".join(other) if other else "partial output"
            raise ElectraError(
                f"{output} was started with another {what}: give the same again, or start over with --start-over."
            )
        vars(self).update(reached)

    def advance(self, rows: int, flags: int, sizes: dict[str, int]) -> None:
        """Say on the disk how many rows, flags and bytes are done."""
        self.rows, self.flags, self.bytes = self.rows + rows, self.flags + flags, sizes
        counts = {name: getattr(self, name) for name in (*COUNTS, "threshold", "bytes")}
        write_json_atomically({"about": self.about} | counts, self.path)

    def forget(self) -> None:
        """The run is over."""
        self.path.unlink(missing_ok=True)


class Written(Partial):
    """A file of flags."""

    def __init__(self, path: Path, form: str) -> None:
        super().__init__(path)
        self.form = form

    def begin(self, size: int) -> None:
        """Open it at `size` bytes; a new table begins with the names of its columns."""
        self.open(size)
        if not size and self.form in (".csv", ".tsv"):
            self.add([dict(zip(FIELDS, FIELDS, strict=True))])

    def add(self, records: Iterable[dict[str, Any]]) -> int:
        """Append records; how many bytes there are."""
        if self.form == ".jsonl":
            text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        else:
            table = io.StringIO(newline="")
            writer = csv.writer(table, delimiter="\t" if self.form == ".tsv" else ",", lineterminator="\n")
            writer.writerows([[record.get(name) for name in FIELDS] for record in records])
            text = table.getvalue()
        return self.write(text.encode("utf-8", "replace"))
