"""Weights and JSON on disk: safetensors only, synced, and never half-written under their final name."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from electra_helpers.errors import ElectraError


def write_model(model: nn.Module, path: Path) -> None:
    """All weights, a table that two nets share once, as safetensors."""
    from safetensors.torch import save_model

    with disk_errors(path):
        save_model(model, str(path))
    sync_file(path)


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
    """Load weights written by `write_model`. Raises `ElectraError` where names or shapes differ."""
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    try:
        load_model(model, str(path))
    except (RuntimeError, SafetensorError, OSError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ElectraError(f"The weights in {path} do not fit this model or are damaged: {reason}") from error


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json_atomically(value: Any, path: Path) -> None:
    """Write JSON beside `path` and rename it there, so that no reader sees half of it."""
    partial = path.with_name(f".partial-{path.name}")
    write_json(value, partial)
    os.replace(partial, path)


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

    with disk_errors(path):
        save_file(tensors, str(path))
    sync_file(path)


def write_json(value: Any, path: Path) -> None:
    """A value as indented UTF-8 JSON, synced to the disk."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sync_file(path)


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
