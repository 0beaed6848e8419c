"""Put each known mistake into a copy of the project and see a test catch it: `make mutants`, or name some.

The mistakes stand in the TOML files of this folder, one file a room of the package. Each names the mistake, the tests that must catch it,
the file it goes into, and the text that it replaces. That text occurs exactly once in the file.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SECONDS = 600  # for the tests of one mutant
PATIENCE = 60  # seconds that a browser waits for what a mistake may have killed; the tests of the browser wait 300
TESTS_FAILED = 1  # pytest's exit code; 2 and more: it could not even collect, which proves nothing
NONE_SELECTED = 5


@dataclass(frozen=True)
class Mutant:
    """One mistake: `new` in place of `old` in `file`, and the `tests` that must fail then."""

    name: str
    mistake: str
    tests: list[str]
    file: str
    old: str
    new: str

    def put_in(self, source: str) -> str:
        """The source with the mistake in it. ValueError unless `old` occurs exactly once."""
        if (times := source.count(self.old)) != 1:
            raise ValueError(f"{self.name}: the text to replace occurs {times} times in {self.file}:\n{self.old}")
        return source.replace(self.old, self.new)


def all_mutants() -> list[Mutant]:
    files = sorted(HERE.glob("*.toml"))
    return [Mutant(**entry) for file in files for entry in tomllib.loads(file.read_text("utf-8"))["mutant"]]


def copy_of_the_project(folder: Path) -> Path:
    """Code and tests are copied, about 3 MB; data and notebooks are linked to."""
    for name in ("electra_helpers", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in ("data", "notebooks"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def room_for_copies() -> tempfile.TemporaryDirectory:
    """In the project's own build folder: a learner's process under test has a /tmp of its own, and would not find a copy there."""
    (ROOT / "build").mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir=ROOT / "build")


def run_tests(folder: Path, tests: list[str]) -> subprocess.CompletedProcess:
    """The tests that are not slow; where all of them are, all."""
    for which in ("not slow", "slow"):
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", which, *tests]
        environment = os.environ | {"PYTHONPATH": str(folder), "BROWSER_PATIENCE": str(PATIENCE)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode != NONE_SELECTED:
            break
    return done


_moments = count(1)


def write(path: Path, source: str) -> None:
    """Write with a time stamp that no earlier version had, so that Python compiles this one anew: it compares whole seconds."""
    path.write_text(source, "utf-8")
    moment = path.stat().st_mtime + 10 * next(_moments)
    os.utime(path, (moment, moment))


@contextmanager
def mistaken(folder: Path, mutant: Mutant) -> Iterator[None]:
    """The copy in `folder` with the mistake in it, and sound again afterwards."""
    path = folder / mutant.file
    sound = path.read_text("utf-8")
    write(path, mutant.put_in(sound))
    try:
        yield
    finally:
        write(path, sound)


def survives(mutant: Mutant, folder: Path) -> str | None:
    """None if the tests catch the mistake, else what happened."""
    try:
        with mistaken(folder, mutant):
            done = run_tests(folder, mutant.tests)
    except (ValueError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    return None if done.returncode == TESTS_FAILED else f"pytest ended with {done.returncode}: {done.stdout[-300:]}"


def survey(mutants: list[Mutant], jobs: int) -> Iterator[tuple[Mutant, str | None]]:
    """Each mutant and what became of it; `jobs` of them side by side, each job in its own copy."""
    with room_for_copies() as room, ThreadPoolExecutor(jobs) as pool:
        Path(room).chmod(0o755)  # root's submissions are graded as nobody, who has to read this
        free: SimpleQueue[Path] = SimpleQueue()
        for job in range(jobs):
            free.put(copy_of_the_project(Path(room, str(job))))

        def in_a_copy(mutant: Mutant) -> str | None:
            folder = free.get()
            try:
                return survives(mutant, folder)
            finally:
                free.put(folder)

        yield from zip(mutants, pool.map(in_a_copy, mutants), strict=True)


def failing_when_sound(mutants: list[Mutant], jobs: int) -> list[str]:
    """The test files that fail without any mistake put in: they would catch everything."""
    files = sorted({test for mutant in mutants for test in mutant.tests})
    with room_for_copies() as room, ThreadPoolExecutor(jobs) as pool:
        folder = copy_of_the_project(Path(room))
        done = pool.map(lambda file: run_tests(folder, [file]), files)
        return [
            f"{file}:\n{result.stdout[-1000:]}" for file, result in zip(files, done, strict=True) if result.returncode
        ]


def chosen(names: list[str]) -> list[Mutant]:
    mutants = all_mutants()
    if unknown := set(names) - {mutant.name for mutant in mutants}:
        sys.exit(f"No such mutant: {', '.join(sorted(unknown))}. Their names stand in tests/mutants/*.toml.")
    return [mutant for mutant in mutants if not names or mutant.name in names]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Put known mistakes in, one by one, and see a test catch each.")
    parser.add_argument("names", nargs="*", help="mutants to try (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants tried at the same time")
    parser.add_argument(
        "--sound", action="store_true", help="the tests have just passed: do not run them without a mistake"
    )
    options = parser.parse_args(arguments)
    mutants = chosen(options.names)
    if not options.sound and (failures := failing_when_sound(mutants, options.jobs)):
        print("These tests fail without any mistake put in:", *failures, sep="\n")
        return 1
    missed = 0
    for mutant, problem in survey(mutants, options.jobs):
        missed += problem is not None
        verdict = "caught" if problem is None else f"MISSED ({problem})"
        print(f"{mutant.name}: {mutant.mistake}: {verdict}", flush=True)
    print(f"{len(mutants) - missed} of {len(mutants)} mistakes caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
