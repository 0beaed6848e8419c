"""Starts the grader's processes, gives each one notebook at a time, and ends what exceeds its time, memory, disk or processes."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from electra_helpers.classroom import jail
from electra_helpers.classroom.jail import Container
from electra_helpers.classroom.processes import family
from electra_helpers.classroom.wire import Broken, Line

MARK = "ELECTRA_GRADED"  # in the environment of every learner's process, so that none outlives its notebook
READING_SECONDS = 30  # to read a notebook and to look whose code it is
START_SECONDS = 180


@dataclass(frozen=True)
class Limits:
    """What one notebook may use."""

    seconds: float = 600
    cell_seconds: int = 120
    memory_gb: float = 3.0  # resident, of the whole process tree
    profile: str = "smoke"
    disk_bytes: int = 500_000_000
    processes: int = 200


@dataclass
class Run:
    """What came out: the runner's events, how it ended, and what was used."""

    events: list[dict[str, Any]] = field(default_factory=list)
    how: str = "crashed"  # finished, crashed, time is up, out of memory, …
    seconds: float = 0.0
    peak_gb: float = 0.0

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event.get("event") == kind]


class Runner:
    """One grader's process, started when it is needed and again after it was ended."""

    def __init__(self, limits: Limits, container: Container | None = None) -> None:
        self.limits, self.container = limits, container
        self.process: subprocess.Popen | None = None
        self.line: Line | None = None
        self.own_gb = 0.0
        self.closed = threading.Event()

    def _start(self) -> None:
        environment = jail.paths() | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {"ELECTRA_PROFILE": self.limits.profile, "MPLBACKEND": "agg"}
        environment |= {
            name: os.environ[name] for name in ("HOME", "USERPROFILE", "TMPDIR", "TEMP") if name in os.environ
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "electra_helpers.classroom.runner"],
            env=environment,
            cwd="/" if os.sep == "/" else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.line = Line(self.process.stdout, self.process.stdin)
        self.line.receive(START_SECONDS)
        self.own_gb, _ = _usage(self.process.pid)

    def run(self, book: Path, name: str, originals: Path, room: Path) -> Run:
        """Grade one notebook of `room`; never raises for what is in it."""
        run, mark = Run(), secrets.token_hex(16)
        started = time.monotonic()
        try:
            if self.closed.is_set():
                raise EOFError
            if self.process is None:
                self._start()
            self.line.send(self._job(book, name, originals, room, mark))
            run.how = self._watch(run, room)
        except (EOFError, OSError, Broken, TimeoutError):
            run.how = "crashed"
            self.end()
        except Exception:
            self.end()  # whatever it was: the next notebook must not read the events of this one
            self._end_marked(mark)
            raise
        if run.how in ("time is up", "out of memory", "out of disk", "too many processes"):
            self.end()
        self._end_marked(mark)
        run.seconds = time.monotonic() - started
        return run

    def _job(self, book: Path, name: str, originals: Path, room: Path, mark: str) -> dict[str, Any]:
        job = {"book": str(book), "name": name, "originals": str(originals), "cell_seconds": self.limits.cell_seconds}
        settings, folder = environment(room, self.limits.profile, mark), book.parent
        if self.container:
            given = {key: value for key, value in settings.items() if key not in jail.paths()}
            command = jail.container_command(
                self.container, room, folder, given, name=f"electra-{mark}", limits=self.limits
            )
            return job | {"command": command, "environment": dict(os.environ), "cwd": str(room), "options": {}}
        level = jail.isolation()
        command = jail.command_for(room, folder, disk_bytes=self.limits.disk_bytes, level=level)
        options = jail.as_nobody() if level == jail.NONE else {}
        return job | {"command": command, "environment": settings, "cwd": str(folder), "options": options}

    def _watch(self, run: Run, room: Path) -> str:
        """Take the events in until the notebook's end; why it was cut short, or how it ended."""
        until, looked = time.monotonic() + READING_SECONDS, 0.0
        while True:
            with suppress(TimeoutError):
                event = self.line.receive(0.1)
                run.events.append(event)
                if event.get("event") == "end":
                    return str(event["how"])
                if event.get("event") == "about":
                    until = time.monotonic() + self.limits.seconds
            if time.monotonic() > until:
                return "time is up"
            if time.monotonic() - looked > 0.1:
                exceeded, looked = self._exceeded(run, room), time.monotonic()
                if exceeded:
                    return exceeded

    def _exceeded(self, run: Run, room: Path) -> str:
        memory, count = _usage(self.process.pid)
        run.peak_gb = max(run.peak_gb, memory - self.own_gb)
        if memory - self.own_gb > self.limits.memory_gb:
            return "out of memory"
        if count > self.limits.processes:
            return "too many processes"
        return "out of disk" if _bytes_in(room) > self.limits.disk_bytes else ""

    def _end_marked(self, mark: str) -> None:
        """End what a notebook left behind, though it may have left its process's tree."""
        if self.container:
            with suppress(OSError, subprocess.SubprocessError):
                subprocess.run([self.container.program, "kill", f"electra-{mark}"], capture_output=True, timeout=20)
        for other in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if other.environ().get(MARK) == mark:
                    other.kill()

    def close(self) -> None:
        """End it for good, from another thread too: whoever waits for it hears that it crashed."""
        self.closed.set()
        self.end()

    def end(self) -> None:
        """Kill the process and all that it started; `run` starts another."""
        process, self.process = self.process, None
        if process is None:
            return
        for each in family(process.pid):
            with suppress(psutil.Error):
                each.kill()
        process.kill()
        process.wait()


def environment(room: Path, profile: str, mark: str) -> dict[str, str]:
    """Nothing of the grader's own but what a program needs to start; HOME and TMPDIR are the submission's."""
    home, temporary = room / "home", room / "tmp"
    own = {"HOME": home, "USERPROFILE": home, "TMPDIR": temporary, "TMP": temporary, "TEMP": temporary}
    return (
        jail.paths()
        | {name: str(path) for name, path in own.items()}
        | {"ELECTRA_PROFILE": profile, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", MARK: mark, "PYTHONDONTWRITEBYTECODE": "1"}
    )


def prepare(room: Path) -> None:
    """A home for a notebook. matplotlib's list of fonts comes along: making it takes seconds."""
    import matplotlib

    (room / "tmp").mkdir(parents=True, exist_ok=True)
    target = room / "home" / ".cache" / "matplotlib"
    target.mkdir(parents=True, exist_ok=True)
    for path in Path(matplotlib.get_cachedir()).glob("fontlist*.json"):
        shutil.copyfile(path, target / path.name)


def _usage(pid: int) -> tuple[float, int]:
    """Resident memory of a process tree in GB, and how many processes it has."""
    total, count = 0, 0
    for process in family(pid):
        with suppress(psutil.Error):
            total += process.memory_info().rss
            count += 1
    return total / 1e9, count


def _bytes_in(room: Path, most_files: int = 20_000) -> float:
    """What lies in a folder; endless where there are too many files and folders to count."""
    total = count = 0
    for folder, _, names in os.walk(room):
        count += 1 + len(names)
        if count > most_files:
            return float("inf")
        for name in names:
            with suppress(OSError):
                found = os.lstat(os.path.join(folder, name))
                blocks = getattr(found, "st_blocks", None)  # Windows has none
                total += found.st_size if blocks is None else 512 * blocks
    return total
