"""The grader's side of a learner's process: asks it to run cells and to call functions, and stands in for those functions in a check."""

from __future__ import annotations

import builtins
import inspect
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from traceback import FrameSummary
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from electra_helpers.classroom import wire
from electra_helpers.classroom.processes import family
from electra_helpers.classroom.wire import Broken, Line
from electra_helpers.course.engine.grading import Fallback
from electra_helpers.course.engine.sandbox import TimeUp, is_over

START_SECONDS = 120
GRACE = 10.0  # between the interrupt and the end
POLL = 0.1


class Dead(Exception):
    """The learner's process ended, or speaks nonsense."""


class Hung(Exception):
    """It was interrupted and does not answer."""


class Learner:
    """A learner's process."""

    def __init__(self, command: list[str], environment: dict[str, str], *, cwd: str, options: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **options,
        )
        self.line = Line(self.process.stdout, self.process.stdin)
        self.waits_for_answer = False
        self.hosts: set[str] = set()
        self.calls = self.asked = 0
        self.gone: Dead | Hung | None = None  # why nothing more is to be had from it

    def begin(self) -> None:
        """Wait until it is ready. Raises `Dead`."""
        with self._noting_its_end():
            self.line.receive(START_SECONDS)

    def request(self, seconds: float, functions: dict[int, Callable] | None = None, /, **message: Any) -> dict:
        """Its answer to a message; it interrupts itself after `seconds` of the processor. Raises `Dead` and `Hung`."""
        with self._noting_its_end():
            self.asked += 1
            self.line.send(message | {"seconds": seconds, "number": self.asked})
            self.waits_for_answer = True
            return self._answer(seconds + GRACE, functions or {})

    def _answer(self, seconds: float, functions: dict[int, Callable]) -> dict:
        raised: Exception | None = None
        begun, before = time.monotonic(), None
        while True:
            try:
                answer = self.line.receive(POLL)  # in short waits, so that a check's own time limit is heard
            except TimeoutError:
                # Most answers come before the first wait is over: what was used is not asked for them.
                if before is None:
                    before = self._processor()
                waited = time.monotonic() - begun
                if waited >= seconds and is_over(self._processor() - before, waited, seconds):
                    raise Hung from None
                continue
            if "ask" not in answer:
                break
            raised = self._reply(answer, functions) or raised
        if answer.get("number") != self.asked:
            raise Broken("an answer that was not asked for")
        self.waits_for_answer = False
        self.hosts |= {str(host)[:80] for host in answer.get("hosts", [])[:20] if isinstance(host, str)}
        if raised is not None:  # what a check raised inside counts, whatever the learner's code made of it
            raise raised
        return answer

    def _reply(self, asked: dict, functions: dict[int, Callable]) -> Exception | None:
        """Call one of the check's own functions for the learner's."""
        try:
            args = [wire.decode(each) for each in asked["args"]]
            named = {str(key): wire.decode(each) for key, each in asked["named"].items()}
            answer = {"value": wire.encode(functions[asked["ask"]](*args, **named))}
            self.line.send(answer)
            return None
        except Exception as error:
            self.line.send({"error": f"{type(error).__name__}: {error}"[:500]})
            return error

    @contextmanager
    def _noting_its_end(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError, Broken, TimeoutError) as error:
            self.gone = Dead(str(error))
            raise self.gone from error
        except Hung as error:
            self.gone = error
            raise

    def settle(self, seconds: float) -> None:
        """After a check that was cut short: wait until the process is free again. Raises `Dead` and `Hung`."""
        if self.waits_for_answer:
            with self._noting_its_end():
                self._answer(seconds + GRACE, {})

    def _processor(self) -> float:
        """Seconds of the processor that its processes had; in a container, where they are not seen, next to none."""
        used = 0.0
        for each in family(self.process.pid):
            with suppress(psutil.Error):
                times = each.cpu_times()
                used += times.user + times.system
        return used

    def end(self) -> None:
        """Kill it."""
        with suppress(OSError):
            self.process.kill()
        self.process.wait()


class Remote:
    """A learner's function, in a check: called here, run there."""

    def __init__(self, learner: Learner, name: str, *, parameters: Any, seconds: float) -> None:
        self.learner, self.name, self.left = learner, name, seconds  # of the processor, for all its calls
        self.__name__, self.__module__ = name, "__main__"  # it is no function of the package
        signature = _signature(parameters)
        if signature is not None:
            self.__signature__ = signature

    def __call__(self, *args: Any, **named: Any) -> Any:
        functions: dict[int, Callable] = {}
        encode = lambda value: wire.encode(value, lambda f: _numbered(f, functions))  # noqa: E731
        message = {"args": [encode(each) for each in args], "named": {key: encode(each) for key, each in named.items()}}
        self.learner.calls += 1
        call, seconds = self.learner.calls, max(0.2, self.left)
        answer = self.learner.request(seconds, functions, do="call", name=self.name, call=call, **message)
        self.left -= _seconds(answer.get("used"))
        sys.stdout.write(str(answer.get("printed", ""))[:3_000])
        if "stopped" in answer:
            raise TimeUp
        if "error" in answer:
            raise error_of(answer["error"])
        try:
            for value, after in zip([*args, *named.values()], answer["after"], strict=True):
                if after is not None:
                    _write_back(value, after)
            return self._with_gradient(answer["value"], [*args], call)
        except (KeyError, ValueError, TypeError, RuntimeError, Broken) as error:
            raise Dead(f"an odd answer: {error}") from error

    def _with_gradient(self, data: Any, args: list, call: int) -> Any:
        value = wire.decode(data)
        leaves = [each for each in args if isinstance(each, Tensor) and each.requires_grad]
        if not (isinstance(value, Tensor) and data["grad"] is True and value.is_floating_point()):
            return value
        if not leaves:
            return value.requires_grad_()

        def backward(gradient: Tensor) -> list[Tensor | None]:
            seconds = max(GRACE, self.left)
            answer = self.learner.request(seconds, do="backward", call=call, gradient=wire.encode(gradient))
            if "stopped" in answer:
                raise TimeUp
            if "gradients" not in answer:
                raise error_of(answer.get("error", {}))
            found = [wire.decode(each) for each in answer["gradients"]]
            return [
                x if isinstance(x, Tensor) and x.shape == y.shape else None for x, y in zip(found, leaves, strict=True)
            ]

        return _Bridge.apply(backward, value, *leaves)


class _Bridge(torch.autograd.Function):
    """A result whose gradient is computed where the result was."""

    @staticmethod
    def forward(ctx: Any, ask: Callable, value: Tensor, *_: Tensor) -> Tensor:
        ctx.ask = ask
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple:
        return None, None, *ctx.ask(gradient)


def _numbered(function: Callable, functions: dict[int, Callable]) -> dict:
    number = next((n for n, known in functions.items() if known == function), len(functions))
    functions[number] = function
    return {"is": "callable", "number": number}


def _write_back(value: Any, after: Any) -> None:
    """What the learner's function did to an argument happens to ours too, so that a check sees it."""
    if not isinstance(value, Tensor | np.ndarray | list | dict | torch.Generator | wire.RECORDS["Selection"]):
        return
    new = wire.decode(after)
    if type(new) is not type(value) and not (isinstance(value, Tensor) and isinstance(new, Tensor)):
        return
    if isinstance(value, Tensor):
        if not (value.shape == new.shape and torch.equal(value, new)):
            with torch.no_grad():
                value.copy_(new) if value.shape == new.shape else value.set_(new)
    elif isinstance(value, np.ndarray):
        value[...] = new
    elif isinstance(value, torch.Generator):
        value.set_state(new.get_state())
    elif isinstance(value, list):
        value[:] = new
    elif isinstance(value, dict):
        value.clear()
        value.update(new)
    else:
        for name, field in vars(value).items():
            _write_back(field, after["fields"][name])


def _seconds(told: Any) -> float:
    """What a learner's process says that it used; nonsense is nothing."""
    return float(told) if isinstance(told, int | float) and told > 0 else 0.0


def _signature(parameters: Any) -> inspect.Signature | None:
    try:
        made = [
            inspect.Parameter(
                str(name), inspect._ParameterKind(kind), default=None if optional else inspect.Parameter.empty
            )
            for name, kind, optional in parameters
        ]
        return inspect.Signature(made)
    except (TypeError, ValueError):
        return None


def error_of(told: Any) -> Exception:
    """The exception that a learner's code raised, made again here: its type's name, its text, and the learner's lines."""
    told = told if isinstance(told, dict) else {}
    names = [str(name) for name in told.get("types", [])] or ["Exception"]
    known = (getattr(builtins, name, None) for name in names)
    base = next((kind for kind in known if isinstance(kind, type) and issubclass(kind, Exception)), Exception)
    name = names[0][:60] if names[0].isidentifier() else "Exception"
    text = str(told.get("text", ""))[:2_000]
    made = type(name, (base,), {"__init__": lambda self: None, "__str__": lambda self: text})()
    made.learner_frames = _frames(told.get("frames"))
    return made


def _frames(told: Any) -> list[FrameSummary]:
    with suppress(TypeError, ValueError):
        return [FrameSummary(str(f), int(n), str(where)[:80], line=str(line)[:200]) for f, n, where, line in told[:3]]
    return []


def submission(learner: Learner, name: str, exercise: str, seconds: float) -> Any:
    """What a learner's process has under a name, as a check can judge it here. Raises `Dead` and `Hung`."""
    answer = learner.request(seconds, do="describe", name=name)
    if answer.get("ours") is True:
        return Fallback(_nothing, exercise)
    if answer.get("callable") is True:
        return Remote(learner, name, parameters=answer.get("parameters"), seconds=seconds)
    try:
        return wire.decode(answer.get("value"))
    except Broken as error:
        raise Dead(str(error)) from error


def _nothing() -> None:
    """Stands under a name that the course's function has in the learner's process."""
