"""Read TensorFlow's checkpoints with numpy alone: names, shapes and numbers, every byte that is used checked by its CRC-32C.

A checkpoint `model.ckpt-100` is two kinds of file. `model.ckpt-100.index` is a LevelDB table: sorted (key, value) pairs in blocks, a block
of block positions, and a footer of 48 bytes that points to it. Its keys are the variables' names, its values say where a variable's
numbers lie in `model.ckpt-100.data-00000-of-00001` (and further shards), which hold nothing but numbers, one variable after the other.
Sources: TensorFlow's `tensor_bundle.proto` and `tensor_bundle.cc`; LevelDB's `table_format.md`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.crc import crc32c, masked
from electra_helpers.saved.folder import named

MAGIC = 0xDB4775248B80FB57  # the last 8 bytes of every LevelDB table
FOOTER, TRAILER = 48, 5  # bytes: at the end of the file; behind each block, one of compression and four of CRC
NUMBERS = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 6: "i1", 9: "<i8", 10: "?", 17: "<u2", 19: "<f2"}  # `types.proto`
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # kinds of field in a protocol buffer


@dataclass(frozen=True)
class Entry:
    """Where one variable lies: `size` bytes at `offset` of a shard; `crc` is masked, as it stands in the file."""

    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc: int
    is_sliced: bool


class Checkpoint(Mapping[str, np.ndarray]):
    """The variables of a checkpoint by name; each is mapped into memory, and checked, when it is asked for.

    `prefix` is the path without `.index`. Raises `ElectraError`, in one line, for a file that is missing, cut, damaged or foreign, and
    for variables that are cut into slices or hold no numbers.
    """

    def __init__(self, prefix: Path) -> None:
        self.checked: set[str] = set()  # the variables whose bytes were found whole
        self.prefix, self.index = prefix, prefix.with_name(f"{prefix.name}.index")
        try:
            pairs = dict(read_table(self.index.read_bytes()))
            header = dict(fields(pairs.pop(b"")))  # its name is the empty string
            # The pieces of a variable in slices have names that are no text.
            self.entries = {name.decode("utf-8", "backslashreplace"): read_entry(v) for name, v in pairs.items()}
        # A foreign file lets the reader run past its end, or into a kind of field that there is not.
        except (ValueError, IndexError, KeyError, TypeError) as error:
            why = error if isinstance(error, ValueError) else "what it holds makes no sense"
            raise ElectraError(f"{self.index} is no index of a TensorFlow checkpoint, or damaged: {why}.") from error
        if header.get(2, 0):
            raise ElectraError(f"{self.index} was written on a big-endian machine: that is not read here.")
        count = header.get(1, 1)
        self.shards = [prefix.with_name(f"{prefix.name}.data-{n:05d}-of-{count:05d}") for n in range(count)]
        for shard in self.shards:
            if not shard.is_file():
                raise ElectraError(f"{shard} is missing: all {count} data files of the checkpoint are needed.")
        sizes = [shard.stat().st_size for shard in self.shards]
        for name, entry in self.entries.items():
            if entry.shard >= count or entry.offset + entry.size > sizes[entry.shard]:
                raise ElectraError(f"The data of {prefix} is cut: {name} lies beyond its end. Copy the files again.")

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, name: str) -> np.ndarray:
        entry = self.entries[name]
        if entry.is_sliced:
            raise ElectraError(f"{name} in {self.prefix} is cut into slices: save the checkpoint without partitions.")
        if entry.kind not in NUMBERS:
            raise ElectraError(f"{name} in {self.prefix} has TensorFlow's data type {entry.kind}, which is not read.")
        number = np.dtype(NUMBERS[entry.kind])
        if entry.size != number.itemsize * math.prod(entry.shape):
            raise ElectraError(f"{self.index} contradicts itself about {name}: the checkpoint is damaged.")
        path, empty = self.shards[entry.shard], np.empty(0, np.uint8)
        data = np.memmap(path, np.uint8, "r", entry.offset, (entry.size,)) if entry.size else empty
        if entry.crc != masked(crc32c(data)):
            raise ElectraError(f"{name} in {path} is damaged: its checksum is another. Copy the file again.")
        self.checked.add(name)
        return data.view(number).reshape(entry.shape)

    def check(self) -> None:
        """Check the bytes of every variable that can be read and was not yet."""
        for name, entry in self.entries.items():
            if entry.kind in NUMBERS and not entry.is_sliced and name not in self.checked:
                _ = self[name]


def checkpoint_in(folder: Path) -> Path:
    """The prefix of the checkpoint in a folder, or the folder itself where it is one. Raises `ElectraError` where there is none."""
    prefix = find_checkpoint(folder)
    if prefix is None:
        missing = "there is no such folder" if not folder.exists() else "no file of it ends in .index"
        raise ElectraError(f"{folder} holds no TensorFlow checkpoint: {missing}.")
    return prefix


def find_checkpoint(folder: Path) -> Path | None:
    """The prefix of the checkpoint in a folder: the one that its file `checkpoint` names, else that of most steps; None without any."""
    folder = named(folder)
    if folder.with_name(f"{folder.name}.index").is_file():
        return folder  # it was a prefix
    found = {
        path.name.removesuffix(".index"): path.with_suffix("") for path in folder.glob("*.index") if path.is_file()
    }
    note = folder / "checkpoint"
    if note.is_file():
        # A path of the machine that trained; the file was moved since.
        noted = re.search(rb'^model_checkpoint_path: *"(?:.*[/\\])?([^"/\\]+)"', note.read_bytes(), re.MULTILINE)
        name = noted[1].decode("utf-8", "replace") if noted else ""
        if name in found:
            return found[name]
    return max(found.values(), key=lambda path: (steps_of(path.name), path.name), default=None)


def steps_of(name: str) -> int:
    """The number at the end of a checkpoint's name, -1 without one."""
    number = re.search(r"-(\d+)$", name)
    return int(number[1]) if number else -1


def read_table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The (key, value) pairs of a LevelDB table in order. Raises ValueError or IndexError for a file that is none."""
    if len(data) < FOOTER or int.from_bytes(data[-8:], "little") != MAGIC:
        raise ValueError("it does not end as one")
    # Two handles, each an offset and a size: of a block that is empty here, and of the block of block positions.
    *empty, offset, size, _ = varints(data[-FOOTER:], 0, 4)
    if any(read_block(data, *empty)):
        raise ValueError("it has a filter")
    for _, handle in read_block(data, offset, size):
        yield from read_block(data, *varints(handle, 0, 2)[:2])


def read_block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The pairs of one block. A key is stored as how many bytes it shares with the key before, and the rest."""
    end = offset + size
    block, trailer = data[offset:end], data[end : end + TRAILER]
    if len(trailer) < TRAILER or end > len(data) - FOOTER:
        raise ValueError("it is cut")
    if masked(crc32c(np.frombuffer(block + trailer[:1], np.uint8))) != int.from_bytes(trailer[1:], "little"):
        raise ValueError("a checksum is another")
    if trailer[0]:
        raise ValueError("it is compressed")
    restarts = int.from_bytes(block[-4:], "little")  # where whole keys stand, for binary search: not needed here
    at, stop, key = 0, len(block) - 4 * (restarts + 1), b""
    while at < stop:
        shared, rest, length, at = varints(block, at, 3)
        key = key[:shared] + block[at : at + rest]
        yield key, block[at + rest : at + rest + length]
        at += rest + length


def varints(data: bytes, at: int, count: int) -> tuple[int, ...]:
    """`count` numbers of seven bits a byte, the lowest first, each ended by a byte below 128; then the place behind them."""
    found = []
    for _ in range(count):
        value = shift = 0
        while data[at] > 127:
            value |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
        found.append(value | data[at] << shift)
        at += 1
    return (*found, at)


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The (number, value) pairs of a protocol buffer; values are numbers, or the bytes of a string or of a message within."""
    at = 0
    while at < len(message):
        value: Any
        tag, at = varints(message, at, 1)
        number, kind = divmod(tag, 8)
        if kind == VARINT:
            value, at = varints(message, at, 1)
        else:
            size, at = varints(message, at, 1) if kind == LENGTH else ({EIGHT_BYTES: 8, FOUR_BYTES: 4}[kind], at)
            value, at = message[at : at + size], at + size
        yield number, value if kind in (VARINT, LENGTH) else int.from_bytes(value, "little")


def read_entry(message: bytes) -> Entry:
    """A BundleEntryProto: 1 dtype, 2 shape, 3 shard, 4 offset, 5 size, 6 crc32c, 7 slices; what is 0 is not written."""
    found = dict(fields(message))
    sizes = (dict(fields(size)).get(1, 0) for number, size in fields(found.get(2, b"")) if number == 2)
    shard, offset, size, crc = (found.get(number, 0) for number in (3, 4, 5, 6))
    return Entry(found.get(1, 0), tuple(sizes), shard, offset, size, crc, 7 in found)
