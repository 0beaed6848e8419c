"""Runs a learner's code so that it cannot take the notebook down: a time limit, capped output, a traceback of their own lines.

The code runs in a thread of its own. When the time is up, an exception is raised inside that thread, which ends any loop written in
Python, on Linux, macOS and Windows alike (signals would not do: Windows has no alarm, and only a main thread gets one).
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from electra_helpers.language import worded

SECONDS = 20.0  # of the processor, for one check; the slowest right answer takes less than one
LONGEST = 10  # times as long by the clock, where other programs keep the processor busy
IDLE = 0.02  # of the clock's time: who uses less of the processor waits for something
MAX_CHARACTERS = 1_500  # of what the code prints
MAX_FRAMES = 3  # lines of a traceback
PACKAGE = Path(__file__).resolve().parents[2]
# Code that is not the learner's: this package, the standard library, installed packages.
_ELSEWHERE = tuple(
    {str(PACKAGE), *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))}
)


class TimeUp(BaseException):
    """Raised inside the learner's thread; a BaseException, so that their `except Exception` does not catch it."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a call ended: its value, or the exception it raised; what it printed; whether it had to be stopped, and could be."""

    value: Any = None
    error: BaseException | None = None
    printed: str = ""
    timed_out: bool = False
    still_running: bool = False


class CappedText(io.TextIOBase):
    """Keeps the first characters written to it and counts the lines of the rest."""

    def __init__(self, limit: int = MAX_CHARACTERS) -> None:
        self.limit, self.kept, self.lines_dropped, self.dropped = limit, "", 0, False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = self.limit - len(self.kept)
        self.kept += text[:room]
        self.lines_dropped += text[room:].count("\n")
        self.dropped |= len(text) > room
        return len(text)

    def text(self) -> str:
        return self.kept + (
            worded("\n… and {lines_dropped:,} more lines", lines_dropped=self.lines_dropped) if self.dropped else ""
        )


def run_limited(function: Callable[[], Any], seconds: float = SECONDS, patience: float = 1.0) -> Outcome:
    """Call `function` in a thread of its own and stop it after `seconds` of the processor: a busy machine costs nobody an answer.

    `patience` is for a function that waits for another process: so many times `seconds` may pass by the clock before that is idling.
    """
    written, found, done = CappedText(), {}, threading.Event()
    clocks: list[int] = []

    def work() -> None:
        clocks.extend(_own_clock())
        with contextlib.suppress(TimeUp):
            try:
                found["value"] = function()
            except TimeUp:  # no answer, whoever raised it
                found["time_up"] = True
            except BaseException as error:  # SystemExit too: nothing in there may end the notebook
                found["error"] = error
            done.set()

    worker = threading.Thread(target=work, name="exercise", daemon=True)
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        try:
            worker.start()
            waited = Waited(0.05)
            while not done.wait(waited.pause) and not is_over(_used(clocks), waited.so_far(), seconds, patience):
                pass  # in short waits: on Windows a long one would not hear an interrupt
            timed_out = not done.is_set() or "time_up" in found
        finally:  # also when the learner interrupts the kernel while waiting
            _stop(worker, done)
    error = None if timed_out else found.get("error")
    return Outcome(found.get("value"), error, written.text(), timed_out, timed_out and _runs(worker))


def _own_clock() -> list[int]:
    """The clock that counts the processor's time for this thread; none where the system has no such clock (Windows, macOS)."""
    known = hasattr(time, "pthread_getcpuclockid")
    return [time.pthread_getcpuclockid(threading.get_ident())] if known else []


def _used(clocks: list[int]) -> float | None:
    try:
        return time.clock_gettime(clocks[0])
    except (IndexError, OSError):  # no such clock, or the thread has just ended
        return None


def is_over(used: float | None, waited: float, seconds: float, patience: float = 1.0) -> bool:
    """Whether somebody's time is up: `seconds` of the processor; by the clock, who only waits, after `patience` times as many.

    `used` and `waited` are seconds of the processor (None where nobody counts them) and by the clock. `LONGEST` times as many by the
    clock are the end in any case.

    >>> is_over(21, 22, 20), is_over(3, 22, 20), is_over(0, 22, 20), is_over(0, 22, 20, patience=10)
    (True, False, True, False)
    """
    if waited < seconds:
        return False
    is_idle = used is None or used < IDLE * waited
    used_up = used is not None and used >= seconds
    return used_up or (is_idle and waited >= patience * seconds) or waited >= LONGEST * seconds


class Waited:
    """Seconds that somebody was waited for, asked in turns of `pause` seconds.

    A turn that took longer counts as two: then the machine held the waiting process too, and nobody in it could have worked.

    >>> waited = Waited(0.01)
    >>> time.sleep(0.1)
    >>> waited.so_far() <= 0.02
    True
    """

    def __init__(self, pause: float) -> None:
        self.pause, self.seconds, self.before = pause, 0.0, time.monotonic()

    def so_far(self) -> float:
        """The seconds up to this turn."""
        now = time.monotonic()
        self.seconds += min(now - self.before, 2 * self.pause)
        self.before = now
        return self.seconds


def _runs(worker: threading.Thread) -> bool:
    """Whether the thread still executes. `is_alive` would say no of a running thread once a join of it was interrupted."""
    return worker.ident in sys._current_frames()


def _stop(worker: threading.Thread, done: threading.Event, tries: int = 25) -> None:
    """Raise TimeUp in the thread until it ends: a bare `except:` inside a loop survives it only so often."""
    for _ in range(tries):
        if done.is_set() or not _runs(worker):
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(TimeUp))
        done.wait(0.1)


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The learner's part of a traceback: no line of this package, of Python or of a library.

    An exception from a learner's process elsewhere brings its lines along, as `learner_frames`.
    """
    elsewhere = getattr(error, "learner_frames", None)
    if elsewhere is not None:
        return elsewhere
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not frame.filename.startswith((*_ELSEWHERE, "<frozen"))]


def short_traceback(error: BaseException) -> str:
    """What was raised, and where in the learner's own lines."""
    name = type(error).__name__
    said = str(error).strip().splitlines()
    lines = [f"{name}: {said[0]}" if said else name]
    for frame in own_frames(error)[-MAX_FRAMES:]:
        code = f":  {frame.line}" if frame.line else ""
        lines.append(worded("  line {lineno} of {name}{code}", lineno=frame.lineno, name=frame.name, code=code))
    return "\n".join(lines)
