"""Put each mistake of this folder into a copy of the package and see the tests fail: `make mutants`, or name some.

A patch says in its first two lines which mistake it is and which tests must catch it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def fields(patch: Path) -> dict[str, str]:
    """The `Mistake:` and `Tests:` lines of a patch."""
    lines = patch.read_text("utf-8").splitlines()[:2]
    return dict(line.split(": ", 1) for line in lines)


def copy_of_the_project(folder: Path) -> Path:
    for name in ("electra_helpers", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in ("data", "notebooks"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def run_tests(folder: Path, tests: list[str]) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=600)


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def survives(patch: Path) -> str | None:
    """None if the tests catch the mistake, else what happened."""
    with tempfile.TemporaryDirectory() as room:
        folder = copy_of_the_project(Path(room))
        applied = subprocess.run(["patch", "-p1", "-s", "-i", str(patch)], cwd=folder, capture_output=True, text=True)
        if applied.returncode:
            return f"does not apply: {(applied.stdout + applied.stderr).strip()}"
        done = run_tests(folder, fields(patch)["Tests"].split())
        # 1: tests failed, as they should. 2 and more: pytest could not even collect, which proves nothing.
        return None if done.returncode == 1 else f"pytest ended with {done.returncode}: {done.stdout[-300:]}"


def main(names: list[str]) -> int:
    patches = [HERE / f"{n}.patch" for n in names] if names else sorted(HERE.glob("*.patch"))
    tests = sorted({t for patch in patches for t in fields(patch)["Tests"].split()})
    with tempfile.TemporaryDirectory() as room:
        healthy = run_tests(copy_of_the_project(Path(room)), tests)
    if healthy.returncode:
        print(f"The tests fail without any mistake put in:\n{healthy.stdout[-2000:]}")
        return 1
    missed = 0
    for patch in patches:
        problem = survives(patch)
        missed += problem is not None
        verdict = "caught" if problem is None else f"MISSED ({problem})"
        print(f"{patch.stem}: {fields(patch)['Mistake']}: {verdict}", flush=True)
    print(f"{len(patches) - missed} of {len(patches)} mistakes caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
