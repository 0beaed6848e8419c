"""`make lab` finds Python and calls it, wherever it and the course lie."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE = """#!/bin/sh
# As Python answers to the Makefile's question, and to `-m venv .venv`.
echo "$*" >> "{place}/asked"
case "$2" in *torch*) exit "{needs_no_cuda}"; esac
[ "$1" = -c ] && echo "{place}/python3" && exit
[ "$1" = -m ] && echo "$0 made $3" >> "{place}/calls" && mkdir -p .venv/bin && cp "$0" .venv/bin/python
exit 0
"""
PLACES = ["plain", "Application Support", "我的 课程 – Universität", "two  blanks (x86)"]


pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")


def install(place: Path, clone: Path, *named: str, path: str = "/usr/bin:/bin", needs_no_cuda: int = 0):
    """`make .venv/installed` in a copy of what it reads, with a Python that only answers."""
    clone.mkdir(parents=True)
    for file in ("Makefile", "requirements.lock", "requirements.cuda.lock", "requirements.cpu.lock", "pyproject.toml"):
        shutil.copy(ROOT / file, clone)
    (place / "python3").write_text(FAKE.format(place=place, needs_no_cuda=needs_no_cuda), "utf-8")
    (place / "python3").chmod(0o755)
    return subprocess.run(
        ["make", ".venv/installed", *named], cwd=clone, env={"PATH": path}, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("is_named", [False, True])
def test_pythons_path_and_the_clones_may_hold_blanks_and_any_letter(tmp_path, name, is_named):
    place, clone = tmp_path / name, tmp_path / name / "clone"
    path = os.pathsep.join([*([] if is_named else [str(place)]), "/usr/bin", "/bin"])
    named = [f"PYTHON={place / 'python3'}"] if is_named else []
    done = install(place, clone, *named, path=path)
    assert done.returncode == 0, done.stderr
    assert (clone / ".venv" / "installed").is_file()
    assert (place / "calls").read_text("utf-8").splitlines()[0] == f"{place / 'python3'} made .venv"


@pytest.mark.parametrize("needs_no_cuda", [0, 1])
def test_pip_installs_only_what_the_locks_name_and_cuda_only_for_a_torch_that_needs_it(tmp_path, needs_no_cuda):
    named = f"PYTHON={tmp_path / 'python3'}"
    assert install(tmp_path, tmp_path / "clone", named, needs_no_cuda=needs_no_cuda).returncode == 0
    pip = "-m pip install --disable-pip-version-check --no-deps --no-compile"
    asked = [line for line in (tmp_path / "asked").read_text("utf-8").splitlines() if "pip" in line]
    cuda = [f"{pip} --require-hashes -r requirements.cuda.lock"]
    assert asked == [
        f"{pip} -q --require-hashes -r requirements.cpu.lock",
        f"{pip} --require-hashes -r requirements.lock",
        *([] if needs_no_cuda else cuda),
        f"{pip} --no-build-isolation -e .",
    ]


def test_what_make_check_leaves_out_is_there():
    lines = (ROOT / "tests/check.txt").read_text("utf-8").split()
    assert all((ROOT / line).exists() for line in lines if not line.startswith("--"))
    for line in (line for line in lines if line.startswith("--")):
        file, _, function = line.split("=", 1)[1].partition("::")
        assert f"def {function}(" in (ROOT / file).read_text("utf-8") if function else (ROOT / file).is_file(), line
