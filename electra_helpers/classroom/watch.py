"""Starts the runner of a submission cut off as far as the system allows, watches its process tree, and ends all of it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil

PACKAGE_HOME = Path(__file__).resolve().parents[2]
MARK = "ELECTRA_GRADED"  # in the environment of every process of a submission, so that none outlives it
MOST_PROCESSES = 200
# All but the submission's own room becomes read-only; what cannot be changed so stays as it is.
READ_ONLY = """
mount --make-rprivate / && mount --bind "$0" "$0" || exit 97
while read -r _ place _; do
  case "$place" in /proc*|/sys*|/dev*|"$0"*) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null || : ;; esac
done < /proc/self/mounts
cd "$1" && shift && exec "$@"
"""
NAMESPACES = ["unshare", "-r", "-m", "-n", "-p", "-f", "--mount-proc", "--kill-child"]
ISOLATION = {
    "files": "no network, and files outside of its own folder are read-only",
    "network": "no network, but it can change files of this account",
    "none": "no namespaces here: Python's own network calls are refused, other programs' are not",
}


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    seconds: float = 600  # of a notebook
    cell_seconds: int = 120
    memory_gb: float = 3.0  # resident, of the whole process tree
    profile: str = "smoke"


@dataclass
class Run:
    """What came out: the runner's events, how it ended, and what was used."""

    events: list[dict[str, Any]] = field(default_factory=list)
    how: str = "crashed"  # finished, crashed, time is up, out of memory
    seconds: float = 0.0
    peak_gb: float = 0.0


@cache
def isolation() -> str:
    """How far this system lets a submission be cut off: files, network or none."""
    for level, command in (
        ("files", [*NAMESPACES, "sh", "-c", READ_ONLY, "/tmp", "/tmp", "true"]),
        ("network", ["unshare", "-rn", "true"]),
    ):
        with suppress(OSError, subprocess.SubprocessError):
            if shutil.which("unshare") and subprocess.run(command, capture_output=True, timeout=20).returncode == 0:
                return level
    return "none"


def command_for(room: Path, folder: Path, job: Path) -> list[str]:
    """The command that runs one submission, as far cut off as this machine can."""
    runner = [sys.executable, "-m", "electra_helpers.classroom.runner", str(job)]
    if isolation() == "files":
        return [*NAMESPACES, "sh", "-c", READ_ONLY, str(room), str(folder), *runner]
    return ["unshare", "-rn", *runner] if isolation() == "network" else runner


def environment(room: Path, profile: str, mark: str) -> dict[str, str]:
    """Nothing of the grader's own but what a program needs to start; HOME and TMPDIR are the submission's."""
    kept = ("PATH", "LANG", "LC_ALL", "OMP_NUM_THREADS", "SYSTEMROOT", "LD_LIBRARY_PATH", "ELECTRA_DATA")
    home, temporary = room / "home", room / "tmp"
    for folder in (home, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    own = {"HOME": home, "USERPROFILE": home, "TMPDIR": temporary, "TMP": temporary, "TEMP": temporary}
    paths = [str(PACKAGE_HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
    return (
        {name: os.environ[name] for name in kept if name in os.environ}
        | {name: str(path) for name, path in own.items()}
        | {"PYTHONPATH": os.pathsep.join(paths), "ELECTRA_PROFILE": profile, "ELECTRA_STRICT": "1"}
        | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", MARK: mark, "PYTHONDONTWRITEBYTECODE": "1"}
    )


def run_watched(cells: list, room: Path, folder: Path, limits: Limits) -> Run:
    """Run the cells in `folder`, which lies in `room`; never raises for what a submission does."""
    mark, report = secrets.token_hex(16), room.parent / f"{room.name}.events"
    job = room / "job.json"
    _take_font_list_along(room / "home")
    content = {"cells": cells, "folder": str(folder), "cell_seconds": limits.cell_seconds}
    job.write_text(json.dumps(content | {"isolated": isolation() != "none"}), "utf-8")
    run, started = Run(), time.monotonic()
    with report.open("w") as out, (room.parent / f"{room.name}.log").open("w") as log:
        process = subprocess.Popen(
            command_for(room, folder, job),
            cwd=folder,
            env=environment(room, limits.profile, mark),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            start_new_session=True,
        )
        ended = _watch(process, limits, run)
    end_all(process, mark)
    run.seconds = time.monotonic() - started
    run.events = _events(report)
    last = run.events[-1] if run.events else {}
    run.how = ended or (last["how"] if last.get("event") == "end" else "crashed")
    return run


def _watch(process: subprocess.Popen, limits: Limits, run: Run) -> str:
    """Wait for the end; why it was cut short, or ''."""
    deadline = time.monotonic() + limits.seconds
    while process.poll() is None:
        memory, count = _usage(process.pid)
        run.peak_gb = max(run.peak_gb, memory)
        if memory > limits.memory_gb:
            return "out of memory"
        if count > MOST_PROCESSES:
            return "too many processes"
        if time.monotonic() > deadline:
            return "time is up"
        time.sleep(0.1)
    return ""


def _usage(pid: int) -> tuple[float, int]:
    """Resident memory of a process tree in GB, and how many processes it has."""
    total, count = 0, 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.Error):
                total += process.memory_info().rss
                count += 1
    return total / 1e9, count


def end_all(process: subprocess.Popen, mark: str) -> None:
    """End the process, its tree, and whatever it left behind that carries its mark."""
    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
    if process.poll() is None:
        process.kill()
    process.wait()
    for other in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if other.environ().get(MARK) == mark:
                other.kill()


def _events(report: Path) -> list[dict[str, Any]]:
    found = []
    for line in report.read_text("utf-8", errors="replace").splitlines():
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                found.append(event)
    return found


def _take_font_list_along(home: Path) -> None:
    """matplotlib's list of fonts takes seconds to make, and every submission has a home of its own."""
    import matplotlib

    target = home / ".cache" / "matplotlib"
    target.mkdir(parents=True, exist_ok=True)
    for path in Path(matplotlib.get_cachedir()).glob("fontlist*.json"):
        shutil.copyfile(path, target / path.name)
