"""The offline kit installs and runs in a network namespace with nothing in it, or, where there is none, with an unreachable index."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from electra_helpers.errors import ElectraError
from tests.kits import offline_kit
from tests.kits.offline_kit import build
from tests.notebooks.form import ROOT

# Without a route even localhost is down; a kernel is spoken to through it.
CUT_OFF = (
    "import os, sys; from tests.kits.loopback import raise_loopback as up; up(); os.execvp(sys.argv[1], sys.argv[1:])"
)


def test_a_folder_that_it_did_not_make_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "thesis.tex").write_text("years of work")
    monkeypatch.setattr(offline_kit.subprocess, "run", lambda *_, **__: pytest.fail("it began to build"))
    for folder in (tmp_path, ROOT, ROOT / "notebooks", ROOT.parent):
        with pytest.raises(ElectraError, match="--out"):
            build(folder)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    assert (ROOT / "notebooks" / "00_welcome.ipynb").exists()


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return build(Path(os.path.relpath(tmp_path_factory.mktemp("room") / "kit")))  # as make names it


def without_network() -> list[str]:
    usable = shutil.which("unshare") and subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0
    return ["unshare", "-rn", sys.executable, "-c", CUT_OFF] if usable else []


def run(*command, cwd):
    """Run with an environment in which no index, cache or checkout of this machine is known."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "OMP_NUM_THREADS") if name in os.environ}
    env = kept | {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull, "HOME": str(cwd)}
    env |= {"ELECTRA_PROFILE": "smoke", "PYTHONPATH": str(ROOT) if not cwd.name.startswith("kit") else ""}
    helper = env | {"PYTHONPATH": str(ROOT)}
    cut = without_network()
    words = [*cut, "env", f"PYTHONPATH={env['PYTHONPATH']}", *map(str, command)] if cut else [*map(str, command)]
    return subprocess.run(words, cwd=cwd, env=helper if cut else env, capture_output=True, text=True, timeout=1500)


@pytest.mark.slow
def test_it_installs_and_runs_without_network(kit):
    done = run(sys.executable, "install.py", cwd=kit)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (kit / "site" / "index.html").is_file(), "the pages to look at before anything is installed"
    bin_ = kit / ".venv" / "bin"
    said = run(bin_ / "electra", "inspect", "the chef cooked a needle .", "--model", "electra-tiny-world-en", cwd=kit)
    assert said.returncode == 0, said.stderr
    assert "needle" in said.stdout
    where = run(bin_ / "python", "-c", "import electra_helpers; print(electra_helpers.__file__)", cwd=kit)
    assert where.stdout.startswith(str(kit / ".venv")), "the kit's own package, not the checkout"
    command = [
        "-m",
        "jupyter",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "--output",
        "done.ipynb",
        "notebooks/00_welcome.ipynb",
    ]
    notebook = run(bin_ / "python", *command, cwd=kit)
    assert notebook.returncode == 0, notebook.stderr[-3000:]
    cells = json.loads((kit / "notebooks" / "done.ipynb").read_text("utf-8"))["cells"]
    assert not [o for cell in cells for o in cell.get("outputs", []) if o["output_type"] == "error"]
    if without_network():
        probe = "import socket; socket.create_connection(('1.1.1.1', 53), 3)"
        assert run(bin_ / "python", "-c", probe, cwd=kit).returncode != 0, "there was a network after all"


@pytest.mark.slow
def test_another_python_is_told_which_kit_it_needs(kit):
    told = json.loads((kit / "kit.json").read_text())
    (kit / "kit.json").write_text(json.dumps(told | {"python": "3.99"}))
    try:
        done = run(sys.executable, "install.py", cwd=kit)
    finally:
        (kit / "kit.json").write_text(json.dumps(told))
    assert done.returncode == 1
    assert "This kit is for Python 3.99" in done.stderr
    assert "make offline-kit" in done.stderr
