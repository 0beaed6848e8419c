"""A folder that a command made and may make anew: it empties no other."""

from __future__ import annotations

import shutil
from pathlib import Path

from electra_helpers.errors import ElectraError


def check_own_folder(out: Path, made_by: str, *, apart_from: Path) -> None:
    """Raise `ElectraError` for a folder that holds anything, unless this command made it.

    Nor may the folder be `apart_from`, lie in it or hold it: what is written there would mix with the originals.
    """
    here, there = out.resolve(), apart_from.resolve()
    if here == there or there in here.parents or here in there.parents:
        raise ElectraError(
            f"--out {out} is {apart_from} itself, lies in it or holds it: name a new folder apart from it."
        )
    if out.exists() and not out.is_dir():
        raise ElectraError(f"--out {out} is a file: name a new folder.")
    if out.is_dir() and any(out.iterdir()) and not _mark(out, made_by).is_file():
        raise ElectraError(f"--out {out} holds files that this command did not make: name a new or an empty folder.")


def begin_own_folder(out: Path, made_by: str, *, apart_from: Path) -> None:
    """Empty a folder that this command made before, or make it. Raises `ElectraError` as `check_own_folder` does."""
    check_own_folder(out, made_by, apart_from=apart_from)
    for path in sorted(out.iterdir()) if out.is_dir() else ():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    out.mkdir(parents=True, exist_ok=True)
    _mark(out, made_by).write_text(
        f"Made by the course: the next {made_by} replaces everything in this folder.\n", "utf-8"
    )


def _mark(out: Path, made_by: str) -> Path:
    return out / f".electra-{made_by}"
