"""Runs one submission's cells in a kernel: a process of its own, started by `watch`, which says what came out in lines of JSON.

    python -m electra_helpers.classroom.runner JOB.json

Each exercise is judged by the original's check cell, in strict mode. Before it, a seal over the checks is taken by text that this
process sends: a submission that exchanged a check finds its exercise unjudged. That stops a trick, not an attack.
"""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

BEGIN = "from electra_helpers.classroom import inside as _inside; _inside.begin(); del _inside"
SEAL = """
import hashlib, os, sys
found = []
for name in sorted(sys.modules):
    if name.startswith(("electra_helpers.course.exercises", "electra_helpers.course.grading", "electra_helpers.course.sandbox")):
        for key, value in sorted(vars(sys.modules[name]).items()):
            if not key.startswith("__"):
                code = getattr(value, "__code__", None)
                found.append((name, key, id(value), id(code), repr(getattr(value, "__defaults__", None))[:80]))
os.environ["ELECTRA_STRICT"] = "1"
print("seal", hashlib.sha256(repr(found).encode()).hexdigest())
"""
TAKE_SEAL = f"exec(compile({SEAL!r}, '<the seal>', 'exec'), {{'__name__': 'seal'}})"
VERDICT = re.compile(r"^[\w.]+ is (not attempted|failed|not yours): (.*)", re.DOTALL)
OUR_SECONDS = 120  # for the imports before the first cell, and for a check, which has a limit of its own inside
MOST_CHARACTERS = 600  # of a message


class Hung(Exception):
    """The kernel was interrupted and does not answer."""


class Grading:
    """One run: the kernel, what is written about it, and the seal."""

    def __init__(self, job: dict[str, Any], out: TextIO) -> None:
        self.job, self.out, self.seal, self.timeouts = job, out, "", 0
        self.notes: set[str] = set()
        self.client = NotebookClient(
            nbformat.v4.new_notebook(),
            timeout=job["cell_seconds"],
            startup_timeout=120,
            kernel_name="python3",
            allow_errors=True,
            interrupt_on_timeout=True,
            error_on_timeout={"ename": "TimeoutError", "evalue": "", "traceback": []},
            resources={"metadata": {"path": job["folder"]}},
        )

    def say(self, **event: Any) -> None:
        self.out.write(json.dumps(event, ensure_ascii=False) + "\n")
        self.out.flush()

    def run(self, source: str, seconds: int | None = None) -> tuple[str, str]:
        """Execute one cell: (what it printed, the error in one line or ''). Raises `DeadKernelError`, and `Hung`."""
        self.client.timeout = seconds = seconds or self.job["cell_seconds"]
        cell = nbformat.v4.new_code_cell(source)
        self.client.nb.cells.append(cell)
        started = time.monotonic()
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        outputs = cell.get("outputs", [])
        printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
        for name in re.findall(r"^\[no network\] (.*)$", printed, re.MULTILINE):
            self.note(f"tried the network ({name[:80]})")
        if time.monotonic() - started >= seconds:
            self.timeouts += 1
            if self.timeouts == 2:  # it was interrupted and does not answer
                raise Hung
            self.note(f"a cell was stopped after {seconds} s")
            return printed, f"the cell ran longer than {seconds} s"
        self.timeouts = 0
        errors = [output for output in outputs if output.output_type == "error"]
        return printed, f"{errors[0].ename}: {errors[0].evalue}" if errors else ""

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.add(text)
            self.say(event="note", text=text)

    def take_seal(self) -> str:
        """A hash over every check, or '' where the kernel does not give one. Raises `Hung` where it is too busy."""
        printed, error = self.run(TAKE_SEAL, OUR_SECONDS)
        if "ran longer" in error:
            raise Hung
        found = re.search(r"^seal [0-9a-f]{64}$", printed, re.MULTILINE)
        return found[0] if found else ""

    def cells(self) -> None:
        """Run everything."""
        self.run(BEGIN, OUR_SECONDS)
        self.seal = self.take_seal()
        trouble: dict[str, str] = {}
        for source, checks, answers in self.job["cells"]:
            if checks:
                self.check(source, checks, trouble.get(checks, ""))
                continue
            _, error = self.run(source)
            if answers and error:
                trouble[answers] = error

    def check(self, source: str, number: str, trouble: str) -> None:
        """Judge one exercise; where it is not passed, later cells get the course's function, as in the notebook."""
        seal = self.take_seal()
        variable = source.split("=")[0].strip()
        check = (
            f"from electra_helpers.course.grading import check as _check\n{variable} = _check({number!r}, {variable}"
        )
        if seal != self.seal:
            self.say(
                event="result", exercise=number, status="checks changed", message="The submission exchanged a check."
            )
            return
        printed, error = self.run(f"{check})", OUR_SECONDS)
        # The first line is the check's; what the learner's function prints comes behind it.
        passed = not error and printed.startswith(f"{number} · passed")
        status, message = ("passed", "") if passed else self._verdict(error, trouble)
        self.say(event="result", exercise=number, status=status, message=message[:MOST_CHARACTERS])
        if not passed:
            self.run(f"{variable} = globals().get({variable!r})\n{check}, record=False)", OUR_SECONDS)

    @staticmethod
    def _verdict(error: str, trouble: str) -> tuple[str, str]:
        found = VERDICT.match(error.removeprefix("ExerciseFailed: "))
        if found and not (trouble and found[1] == "not attempted"):
            return found[1], found[2]
        return "failed", trouble or error or "The check said nothing."


def raise_loopback() -> None:
    """In a network namespace of its own even localhost is down, and a kernel is spoken to through it."""
    import fcntl

    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        up = struct.pack("16sh", b"lo", 1 | 64)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(link, 0x8914, up)  # SIOCSIFFLAGS


def limit_files(most_bytes: int = 2**30) -> None:
    """No file larger than that, and no core dumps. (Windows has no such limits.)"""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Run the notebook that the job in the first argument names, and say what happened on standard output."""
    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")  # the kernel inherits 1 and 2, and not this one
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    if job["isolated"]:
        raise_loopback()
    limit_files()
    grading = Grading(job, out)
    try:
        with grading.client.setup_kernel(cwd=job["folder"]):
            grading.cells()
            how = "finished"
    except DeadKernelError:
        how = "crashed"
    except Hung:
        how = "time is up"
    grading.say(event="end", how=how)


if __name__ == "__main__":
    main()
