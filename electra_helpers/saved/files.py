"""Weights and JSON on disk: safetensors only, synced, and never half-written under their final name."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from electra_helpers.config import ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.jsonfile import shown
from electra_helpers.paths import appears_whole
from electra_helpers.saved.header import check_layers, misfit, read_header
from electra_helpers.saved.int8 import SCALE, dequantise, distinct

Net = TypeVar("Net", bound=nn.Module)


def write_model(model: nn.Module, path: Path) -> None:
    """All weights, a table that two nets share once, as safetensors."""
    from safetensors.torch import save_model

    with appears_whole(path) as draft:
        with disk_errors(path):
            save_model(model, str(draft))
        sync_file(draft)


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """safetensors' own error for a disk that is full, or must not be written to, as the OSError that it is."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        code = int(number[1])
        raise OSError(code, os.strerror(code), str(path)) from error


def read_model(model: nn.Module, path: Path) -> None:
    """Load weights written by `write_model`, or in eight bits. Raises `ElectraError` where names or shapes differ."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file, load_model

    try:
        with safe_open(str(path), "pt") as file:
            is_int8 = any(name.endswith(SCALE) for name in file.keys())  # noqa: SIM118 - no dict
        if is_int8:
            _load_distinct(model, dequantise(load_file(str(path))))
        else:
            load_model(model, str(path))
    except (RuntimeError, SafetensorError, OSError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ElectraError(f"The weights in {path} do not fit this model or are damaged: {reason}") from error


def _load_distinct(model: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Load weights of which a shared table stands there under one name only. Raises RuntimeError where one is missing or unknown."""
    unfilled, unknown = model.load_state_dict(state, strict=False)
    missing = set(unfilled) & set(distinct(model.state_dict()))
    if missing or unknown:
        raise RuntimeError(f"missing {sorted(missing)}, unknown {sorted(unknown)}")


def build_to_fit(build: Callable[[], Net], path: Path, shape: ModelConfig) -> Net:
    """The net that `build` makes, once it is known that the file holds each of its weights in the right shape.

    Raises `ElectraError` for a file that does not fit, before memory is taken for the net.
    """
    header = read_header(path)
    check_layers(header, path, shape)
    with torch.device("meta"):  # names and shapes alone
        wanted = build().state_dict(keep_vars=True)
    header = {name: found for name, found in header.items() if not name.endswith(SCALE)}
    for name, found in header.items():
        if name not in wanted:
            raise ElectraError(misfit(path, f"it has no place for {shown(name)}"))
        if found != tuple(wanted[name].shape):
            asked = tuple(wanted[name].shape)
            raise ElectraError(misfit(path, f"{name} has the shape {found}, it asks for {asked}"))
    held = {id(wanted[name]) for name in header}  # of a table that two nets share the file holds one
    missing = [name for name, value in wanted.items() if id(value) not in held]
    if missing:
        raise ElectraError(misfit(path, f"{missing[0]} is missing"))
    return build()


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json_atomically(value: Any, path: Path) -> None:
    """Write JSON beside `path` and rename it there, so that no reader sees half of it."""
    with appears_whole(path) as draft:
        write_json(value, draft)


def sync_folder(folder: Path) -> None:
    """Make a rename durable (a no-op where folders cannot be opened, as on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Named tensors as safetensors, synced to the disk."""
    from safetensors.torch import save_file

    with appears_whole(path) as draft:
        with disk_errors(path):
            save_file(tensors, str(draft))
        sync_file(draft)


def write_json(value: Any, path: Path) -> None:
    """A value as indented UTF-8 JSON, synced to the disk."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sync_file(path)


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
