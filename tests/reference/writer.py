"""Writes TensorFlow checkpoints for tests: any shapes, several shards and blocks, and what a reader has to refuse.

Written from the format's description, not from the reader: the CRC goes byte by byte here.
"""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "float16": 19}
TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc_by_bytes(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register = TABLE[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32


def varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value % 128 + 128)
        value //= 128
    return bytes([*made, value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return varint(number * 8 + 2) + varint(len(value)) + value
    return varint(number * 8) + varint(value) if value else b""


def entry(value: np.ndarray, *, shard: int, offset: int, crc: int, sliced: bool = False) -> bytes:
    shape = b"".join(field(2, field(1, size)) for size in value.shape)
    parts = [field(1, TYPES.get(value.dtype.name, 7)), field(2, shape), field(3, shard), field(4, offset)]
    parts += [field(5, value.nbytes), varint(6 * 8 + 5), struct.pack("<I", masked(crc))]
    return b"".join([*parts, field(7, field(1, b"")) if sliced else b""])


def block(pairs: list[tuple[bytes, bytes]], *, compression: int = 0) -> bytes:
    """Keys share what they can with the one before; every 16th stands whole."""
    made, restarts, before = b"", [], b""
    for number, (key, value) in enumerate(pairs):
        shared = 0
        if number % 16 == 0:
            restarts.append(len(made))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        made += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    made += b"".join(struct.pack("<I", at) for at in (*restarts, len(restarts))) + bytes([compression])
    return made + struct.pack("<I", masked(crc_by_bytes(made)))


def table(pairs: list[tuple[bytes, bytes]], *, pairs_a_block: int = 40, compression: int = 0) -> bytes:
    made, handles = b"", []
    for start in range(0, len(pairs), pairs_a_block):
        part = pairs[start : start + pairs_a_block]
        written = block(part, compression=compression)
        handles.append((part[-1][0], varint(len(made)) + varint(len(written) - 5)))
        made += written
    places = []
    for written in (block([]), block(handles)):
        places.append(varint(len(made)) + varint(len(written) - 5))
        made += written
    return made + b"".join(places).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def write_checkpoint(
    prefix: Path,
    variables: Mapping[str, np.ndarray],
    *,
    shards: int = 1,
    sliced: str | None = None,
    big_endian: bool = False,
    pairs_a_block: int = 40,
    compression: int = 0,
    crc: Callable[[bytes], int] = crc_by_bytes,
) -> Path:
    """PREFIX.index and PREFIX.data-…; `sliced` marks one variable as cut into slices. Returns the prefix."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    ends, pairs = [0] * shards, [(b"", field(1, shards) + field(2, int(big_endian)) + field(3, field(1, 1)))]
    files = [prefix.with_name(f"{prefix.name}.data-{n:05d}-of-{shards:05d}").open("wb") for n in range(shards)]
    for number, name in enumerate(sorted(variables)):
        value, shard = variables[name], number % shards
        data = np.ascontiguousarray(value).tobytes()
        about = entry(value, shard=shard, offset=ends[shard], crc=crc(data), sliced=name == sliced)
        pairs.append((name.encode(), about))
        files[shard].write(data)
        ends[shard] += len(data)
    for file in files:
        file.close()
    prefix.with_name(f"{prefix.name}.index").write_bytes(
        table(pairs, pairs_a_block=pairs_a_block, compression=compression)
    )
    return prefix
