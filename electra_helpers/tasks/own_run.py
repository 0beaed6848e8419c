"""run.json of a fine-tuning: what the run in a folder learns, from which rows, and whether it may be resumed there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.jsonfile import read_json
from electra_helpers.paths import check_new_folder
from electra_helpers.saved.files import write_json_atomically
from electra_helpers.tasks.base import Example, Row

RUN = "run.json"
# These decide how a run is shown or where it computes, not what comes out: they may change when it is resumed.
FREE = ("log_every", "save_every", "keep", "device", "compile", "accumulation")
UNCOMPARED = ("finetune", "version", "seeds")  # of `finetune` each setting is compared


def rows_hash(examples: Iterable[Example], *parts: Sequence[Row]) -> str:
    """A hash of what is learned from, as the net reads it, and of the rows that it is scored on."""
    digest = hashlib.blake2b(digest_size=8)
    for each in examples:
        digest.update(json.dumps([each.ids, each.token_type_ids, each.target], default=str).encode())
    for rows in parts:
        digest.update(json.dumps(rows, default=str).encode())
    return digest.hexdigest()


def begin(out: Path, described: Mapping[str, Any], advice: str) -> None:
    """Make the folder of a new run. Raises `ElectraError`, with the advice, where something is in it."""
    check_new_folder(out, advice)
    out.mkdir(parents=True, exist_ok=True)
    write_json_atomically(dict(described), out / RUN)


def compare(out: Path, described: Mapping[str, Any], advice: str) -> None:
    """Raise `ElectraError` where the folder holds no run or a damaged one, or one with other settings, labels or rows."""
    try:
        before = read_json(out / RUN)
    except (FileNotFoundError, NotADirectoryError):
        raise ElectraError(f"There is no fine-tuning run in {out} to resume: {advice}.") from None
    then, now = (_flat(each) for each in (before, json.loads(json.dumps(described))))
    changed = [f"{k}: {then.get(k)!r} → {v!r}" for k, v in now.items() if k not in FREE and then.get(k) != v]
    if changed:
        raise ElectraError(f"The run in {out} was started with other settings ({'; '.join(changed)}).")


def _flat(described: Mapping[str, Any]) -> dict[str, Any]:
    settings = described.get("finetune")
    own = settings if isinstance(settings, dict) else {}
    return {name: value for name, value in described.items() if name not in UNCOMPARED} | own
