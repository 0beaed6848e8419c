"""Checkpoints that survive a crash: written aside and renamed, checksummed, safetensors and JSON only.

A checkpoint is a folder `step-00000300/` with model.safetensors, optimizer.safetensors, state.json and checksums.json. Whatever moment
a run is killed at, the folder either has its final name and is whole, or is called `.partial-…` and is ignored.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from electra_helpers.errors import ElectraError
from electra_helpers.jsonfile import expect, read_json, shown
from electra_helpers.paths import PARTIAL, draft_folder
from electra_helpers.saved.files import checksum, read_model, sync_folder, write_json, write_model, write_tensors
from electra_helpers.training.distributed import cut_like, whole

FORMAT = 1
FILES = ("model.safetensors", "optimizer.safetensors", "state.json")


@contextlib.contextmanager
def only_run_in(folder: Path, inside: str = "checkpoints") -> Iterator[None]:
    """Hold the folder of a run for this process, by a lock `inside` it that dies with the process.

    Raises `ElectraError` where another run is at work in it.
    """
    from filelock import FileLock, Timeout

    (folder / inside).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / inside / ".lock", timeout=0):
            yield
    except Timeout:
        raise ElectraError(
            f"Another run is at work in {folder}: wait until it ends or stop it, or choose another --out."
        ) from None


class Checkpoints:
    """The checkpoints of one run, in `folder`, of which the newest `keep` stay."""

    def __init__(self, folder: str | Path, keep: int = 2, publish: Path | None = None) -> None:
        self.folder, self.keep = Path(folder), keep
        self.publish = publish  # where the newest weights are offered to whoever loads the run
        self.refused: list[str] = []  # damaged checkpoints that were passed over, and why
        self.restored: Path | None = None  # the checkpoint that the run resumed from

    def save(self, model: nn.Module, moments: dict[str, torch.Tensor], state: dict[str, Any]) -> Path:
        """Write the checkpoint of `state["step"]`, then drop the oldest beyond `keep`; `moments` are `optimizer_tensors`.

        Raises `ElectraError` on a full disk.
        """
        final = self.folder / f"step-{state['step']:08d}"
        partial = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = draft_folder(final)
            write_model(model, partial / FILES[0])
            write_tensors(moments, partial / FILES[1])
            write_json({"format": FORMAT} | state, partial / FILES[2])
            write_json({name: checksum(partial / name) for name in FILES}, partial / "checksums.json")
            if final.exists():
                shutil.rmtree(final)
            os.replace(partial, final)
            sync_folder(self.folder)
            if self.publish:
                link(final / FILES[0], self.publish)
        except OSError as error:
            if partial is not None:
                shutil.rmtree(partial, ignore_errors=True)
            why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
            raise ElectraError(
                f"Could not write the checkpoint {final}: {why}. Older checkpoints are untouched."
            ) from error
        leftovers = self.folder.glob(".partial-*")  # of a session that was killed while it wrote
        for old in (*self.found()[: -self.keep], *leftovers):
            shutil.rmtree(old, ignore_errors=True)
        return final

    def found(self) -> list[Path]:
        """All checkpoints that bear a final name, oldest first."""
        return sorted(p for p in self.folder.glob("step-*") if p.is_dir())

    def newest(self) -> Path | None:
        """The newest checkpoint that is whole; damaged ones are listed in `refused`. None if there is none."""
        self.refused = []
        for folder in reversed(self.found()):
            problem = damage(folder)
            if problem is None:
                return folder
            self.refused.append(f"{folder.name}: {problem}")
        return None

    def restore(self, model: nn.Module) -> dict[str, Any] | None:
        """Load the weights of the newest whole checkpoint; returns its state, or None if there is none.

        `restored` is its folder then, for `restore_optimizer`. Raises `ElectraError` for checkpoints of a later format, and where
        every checkpoint is damaged.
        """
        self.restored = self.newest()
        if self.restored is None:
            if self.refused:
                raise ElectraError(f"No checkpoint in {self.folder} can be read: {'; '.join(self.refused)}.")
            return None
        state = read_state(self.restored)
        read_model(model, self.restored / FILES[0])
        return state


def damage(folder: Path) -> str | None:
    """What is wrong with a checkpoint, in a few words; None if it is whole."""
    try:
        sums = read_json(folder / "checksums.json")
        for name in FILES:
            if checksum(folder / name) != sums[name]:
                return f"{name} does not match its checksum"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (ValueError, KeyError, TypeError):
        return "checksums.json cannot be read"
    return None


def read_state(folder: Path) -> dict[str, Any]:
    """state.json of a whole checkpoint. Raises `ElectraError` if a later version of the package wrote it."""
    state = read_json(folder / "state.json")
    expect(state, folder / "state.json", format=int, step=int)
    if state["step"] < 0:
        raise ElectraError(f"{folder / 'state.json'}: step is {shown(state['step'])}, and steps begin at 0.")
    if state["format"] > FORMAT:
        raise ElectraError(
            f"{folder} has checkpoint format {state['format']}, this package reads up to {FORMAT}: update electra_helpers."
        )
    return state


def link(source: Path, target: Path) -> None:
    """Offer a file under a second name, in one move: a hard link where the disk has them, else a copy."""
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=target.parent) as folder:
        partial = Path(folder) / target.name
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)
        os.replace(partial, target)


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Adam's moments under the names of their parameters: "NAME|exp_avg" and so on; of a sharded net every process calls it."""
    return {
        f"{name}|{key}": whole(value.detach()).cpu().contiguous()
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, folder: Path) -> None:
    """Put the moments that lie in a checkpoint's folder back. Raises `ElectraError` where the file is damaged or of another net."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path, parameters = folder / FILES[1], dict(model.named_parameters())
    try:
        moments = load_file(str(path))
    except (SafetensorError, OSError) as error:
        raise ElectraError(f"{path} cannot be read: {error}.") from error
    for key, value in moments.items():
        name, _, part = key.rpartition("|")
        if name not in parameters or value.shape not in ((), parameters[name].shape):
            raise ElectraError(
                f"{path} is of another net: it has no parameter for {shown(key)} of shape {[*value.shape]}."
            )
        # Fused AdamW wants its step counter on the parameter's device, in fp32.
        optimizer.state[parameters[name]][part] = cut_like(value, parameters[name])
