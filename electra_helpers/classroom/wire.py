"""Values as lines of JSON, between the grader and a learner's process. Only data travels: nothing is pickled, no name is looked up.

What has no form of its own arrives as a stand-in that bears the name of its type, so that a check can still say what it got.
"""

from __future__ import annotations

import base64
import json
import math
import queue
import threading
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from electra_helpers import corruption

MOST_BYTES = 100_000_000  # of one line
MOST_NUMBERS = 20_000_000  # of a tensor
MOST_ITEMS = 200_000  # of something that is passed through once, such as a generator
DEEPEST = 50
MOST_BITS = 10_000  # of a whole number
KINDS = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")
DTYPES = {name: getattr(torch, name) for name in KINDS}
ARRAYS = {
    name: np.dtype(name) for name in (*(name for name in KINDS if name != "bfloat16"), "uint16", "uint32", "uint64")
}
RECORDS = {"Selection": corruption.Selection}
SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class Broken(Exception):
    """A line from the other side cannot be read, or is too long."""


class Iterated:
    """What a generator, a range or the like gave: can be passed through, and is no list. Its class is renamed to the type's name."""

    def __init__(self, items: list) -> None:
        self.items = items

    def __iter__(self) -> Any:
        return iter(self.items)


def encode(value: Any, callables: Callable[[Any], Any] | None = None, depth: int = 0) -> Any:
    """A value as JSON-like data. `callables` gives a function's form; without it a function is only named."""
    if value is None or isinstance(value, bool) or type(value) in (float, str):
        return value
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return {"is": "other", "type": "int", "callable": False}
    if type(value) is int:
        return value
    inner = lambda each: encode(each, callables, depth + 1)  # noqa: E731
    if depth > DEEPEST:
        return {"is": "other", "type": type(value).__name__}
    if isinstance(value, Tensor):
        return _tensor(value)
    if isinstance(value, np.ndarray | np.generic):
        return _array(value)
    if isinstance(value, bool | int | float | str):  # a subclass: its plain value travels
        return next(kind(value) for kind in (int, float, str) if isinstance(value, kind))
    if isinstance(value, dict):
        return {"is": "dict", "items": [[inner(key), inner(item)] for key, item in value.items()]}
    for name, kind in SEQUENCES.items():
        if isinstance(value, kind):
            return {"is": name, "items": [inner(item) for item in value]}
    if isinstance(value, torch.Generator):
        return {"is": "generator", "state": _text(value.get_state().numpy().tobytes())}
    if value is ...:
        return {"is": "ellipsis"}
    record = next((name for name, kind in RECORDS.items() if type(value) is kind), None)
    if record:
        return {"is": "record", "type": record, "fields": {n: inner(v) for n, v in vars(value).items()}}
    if callables and callable(value):
        return callables(value)
    return _other(value, inner)


def _other(value: Any, inner: Callable[[Any], Any]) -> dict:
    named = {"is": "other", "type": type(value).__name__, "callable": callable(value)}
    if hasattr(type(value), "__iter__") and not isinstance(value, bytes | bytearray):
        items = []
        for item in value:
            items.append(inner(item))
            if len(items) == MOST_ITEMS:
                break
        named["items"] = items
    return named


def _tensor(value: Tensor) -> dict:
    name = str(value.dtype).removeprefix("torch.")
    if name not in DTYPES or value.layout != torch.strided:
        return {"is": "other", "type": "Tensor", "callable": False}
    repeated = [size > 1 and stride == 0 for size, stride in zip(value.shape, value.stride(), strict=True)]
    once = value.detach()[
        tuple(slice(0, 1) if each else slice(None) for each in repeated)
    ]  # what expand() repeats travels once
    plain = once.cpu().contiguous()
    data = (
        _text(plain.reshape(-1, 1).clone(memory_format=torch.contiguous_format).view(torch.uint8).numpy().tobytes())
        if plain.numel()
        else ""
    )
    shape = {"once": list(once.shape), "shape": list(value.shape)}
    return {"is": "tensor", "dtype": name, **shape, "grad": value.requires_grad, "data": data}


def _array(value: Any) -> dict:
    if value.dtype.name not in ARRAYS:
        return {"is": "other", "type": type(value).__name__, "callable": False}
    single = not isinstance(value, np.ndarray)
    plain = np.ascontiguousarray(value)
    return {
        "is": "array",
        "dtype": value.dtype.name,
        "shape": list(value.shape),
        "single": single,
        "data": _text(plain.tobytes()),
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def decode(data: Any, callables: Callable[[Any], Any] | None = None) -> Any:
    """The value of what `encode` made. Raises `Broken` for anything else."""
    try:
        return _decode(data, callables)
    except Broken:
        raise
    except Exception as error:  # whoever wrote this may have meant harm
        raise Broken(f"{type(error).__name__}: {str(error)[:100]}") from error


def _decode(data: Any, callables: Callable[[Any], Any] | None) -> Any:
    if data is None or isinstance(data, bool | int | float | str):
        return data
    kind = data["is"]
    inner = lambda each: _decode(each, callables)  # noqa: E731
    if kind == "dict":
        return {_key(inner(key)): inner(item) for key, item in data["items"]}
    if kind in SEQUENCES:
        return SEQUENCES[kind]([inner(item) for item in data["items"]])
    if kind == "tensor":
        return _tensor_of(data)
    if kind == "array":
        found = np.frombuffer(base64.b64decode(data["data"]), ARRAYS[data["dtype"]]).reshape(data["shape"]).copy()
        return found[()] if data["single"] else found
    if kind == "generator":
        made = torch.Generator()
        made.set_state(torch.frombuffer(bytearray(base64.b64decode(data["state"])), dtype=torch.uint8))
        return made
    if kind == "ellipsis":
        return ...
    if kind == "record":
        return RECORDS[data["type"]](**{str(name): inner(item) for name, item in data["fields"].items()})
    if kind == "callable" and callables:
        return callables(data)
    return _stand_in(data, inner)


def _key(key: Any) -> Any:
    hash(key)
    return key


def _tensor_of(data: dict) -> Tensor:
    shape, once = ([int(size) for size in data[name]] for name in ("shape", "once"))
    raw = bytearray(base64.b64decode(data["data"]))
    kind = DTYPES[data["dtype"]]
    if math.prod(shape) > MOST_NUMBERS:
        raise Broken("a tensor of too many numbers")
    if not raw:
        return torch.empty(shape, dtype=kind) if 0 in shape else torch.empty(0).reshape(shape)
    return torch.frombuffer(raw, dtype=torch.uint8).view(kind).reshape(once).clone().expand(shape)


def _stand_in(data: dict, inner: Callable[[Any], Any]) -> Any:
    name = "".join(c for c in str(data["type"])[:60] if c.isidentifier() or c.isdigit()) or "object"
    if "items" in data:
        return type(name, (Iterated,), {})([inner(item) for item in data["items"]])
    return type(name, (), {"__call__": _not_here} if data.get("callable") else {})()


def _not_here(*_: Any, **__: Any) -> Any:
    raise TypeError("This is called in the learner's process only.")


class Line:
    """One direction in, one out, a line of JSON a message. Reading happens in a thread, so that it can be waited for."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.arrived: queue.Queue = queue.Queue(maxsize=64)
        threading.Thread(target=self._read, daemon=True, name="reads").start()

    def _read(self) -> None:
        try:
            while line := self.incoming.readline(MOST_BYTES + 1):
                if len(line) > MOST_BYTES:
                    break
                self.arrived.put(line)
        except (OSError, ValueError):
            pass
        self.ended()

    def ended(self) -> None:
        self.arrived.put(None)

    def send(self, message: dict) -> None:
        """Raises `OSError` where nobody reads any more."""
        self.outgoing.write(json.dumps(message).encode("ascii") + b"\n")
        self.outgoing.flush()

    def receive(self, seconds: float | None = None) -> dict:
        """The next message. Raises `TimeoutError`, `EOFError` at the end, and `Broken`."""
        try:
            line = self.arrived.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            self.arrived.put(None)  # for whoever asks next
            raise EOFError
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Broken(str(error)[:100]) from error
        if not isinstance(message, dict):
            raise Broken("no message")
        return message
