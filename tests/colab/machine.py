"""A machine like Colab's: its package versions and nothing else, a stand-in for its module, and a kernel that has loaded it.

python -m tests.colab.machine build/colab           makes the environment anew from packages.txt
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGES = HERE / "packages.txt"
REQUIREMENT = re.compile(r'"electra_helpers @ git\+[^"]+"')
CELL_SECONDS = 300


@dataclass(frozen=True)
class Machine:
    """The environment's Python and the wheel that a set-up cell gets where it asks for the repository."""

    python: Path
    wheel: Path

    def packages(self) -> dict[str, str]:
        """Name → version of what is installed."""
        command = [str(self.python), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
        listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return {each["name"].lower().replace("_", "-"): each["version"] for each in listed}

    def forget(self, names: set[str]) -> None:
        """Take away what a notebook installed: on Colab the next one starts on a fresh machine."""
        if names:
            subprocess.run([str(self.python), "-m", "pip", "uninstall", "-q", "-y", *sorted(names)], check=True)


def make(folder: Path) -> Machine:
    """The environment, made once for a packages.txt and a Python, and a wheel of the course as it is now."""
    python = folder / "env" / "bin" / "python"
    wanted = hashlib.sha256(PACKAGES.read_bytes() + sys.version.encode()).hexdigest()
    stamp = folder / "env" / "made_of"
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder / "env", ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True)
        install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "-r", str(PACKAGES)]
        subprocess.run([str(python), *install], check=True)
        stamp.write_text(wanted)
    wheels = folder / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "-w",
        str(wheels),
        str(ROOT),
    ]
    subprocess.run(build, check=True)
    return Machine(python, next(wheels.glob("*.whl")))


def run(machine: Machine, book: NotebookNode, room: Path) -> list[str]:
    """Execute a notebook as Colab would, in an empty folder; its set-up cell installs the wheel. What was asked of Colab's module."""
    content, log = room / "content", room / "log.txt"
    content.mkdir(parents=True)
    log.touch()
    profile = room / "ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "00-colab.py").write_text("import google.colab\n")
    _answer_for_colabs_server(room / "bin")
    kernel = room / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [str(machine.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    for cell in book.cells:
        cell.source = REQUIREMENT.sub(f'"{machine.wheel}"', cell.source)
    specs = KernelSpecManager(kernel_dirs=[str(room / "jupyter" / "kernels")], ensure_native_kernel=False)
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)
    resources = {"metadata": {"path": str(content)}}
    client = NotebookClient(book, km=manager, timeout=CELL_SECONDS, resources=resources)
    client.execute(env=_environment(room, log))
    return log.read_text("utf-8").splitlines()


def _answer_for_colabs_server(folder: Path) -> None:
    """A `curl` that says where the notebook was opened from: a set-up cell asks, where the course has no address yet."""
    folder.mkdir()
    sessions = [{"path": "fileId=https%3A%2F%2Fgithub.com%2Fsomebody%2Fcourse%2Fblob%2Fmain%2Fnotebooks%2Fone.ipynb"}]
    (folder / "curl").write_text(f"#!/bin/sh\necho '{json.dumps(sessions)}'\n")
    (folder / "curl").chmod(0o755)


def _environment(room: Path, log: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "OMP_NUM_THREADS", "TMPDIR")}
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    own = {"HOME": str(room), "IPYTHONDIR": str(room / "ipython"), "STAND_IN_LOG": str(log)}
    own |= {"PATH": f"{room / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return kept | pip | own | {"PYTHONPATH": str(HERE / "stand_in"), "ELECTRA_PROFILE": "smoke", "HF_HUB_OFFLINE": "1"}


if __name__ == "__main__":
    made = make(Path(sys.argv[1]))
    print(f"{made.python}: {len(made.packages())} packages")
