"""pyproject.toml says what is needed, requirements.lock with which versions, environment.yml the same for conda."""

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CUDA = re.compile(r"^(nvidia|cuda|triton)(-|$)")


def read_lock() -> dict[str, Requirement]:
    lines = [line.strip() for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines()]
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): pin for pin in pins}


def version_of(pin: Requirement) -> Version:
    return Version(next(iter(pin.specifier)).version)


def named_in_pyproject() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(text) for group in (PROJECT["dependencies"], *extras) for text in group]


def needed_here(roots: list[Requirement]) -> set[str]:
    """Everything that `roots` ask for on this machine, what those ask for included."""
    needed, waiting = set(), [(canonicalize_name(r.name), frozenset(r.extras)) for r in roots]
    visited = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in visited or CUDA.match(name):
            continue
        visited.add((name, extras))
        needed.add(name)
        for requirement in map(Requirement, metadata.requires(name) or []):
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in extras or {""}):
                waiting.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return needed


def test_the_lock_pins_every_line_to_one_exact_version():
    for name, pin in read_lock().items():
        operators = [s.operator for s in pin.specifier]
        assert operators == ["=="], f"{name} is not pinned with ==: {pin}"
        assert version_of(pin).local is None, f"{name}: {pin} names a build that is not on PyPI"


def test_the_lock_satisfies_pyproject():
    lock = read_lock()
    for requirement in named_in_pyproject():
        pin = lock.get(canonicalize_name(requirement.name))
        assert pin is not None, (
            f"{requirement.name} stands in pyproject.toml and not in requirements.lock: run `make lock`"
        )
        assert requirement.specifier.contains(version_of(pin)), f"pyproject wants {requirement}, the lock has {pin}"


def test_the_lock_holds_everything_that_pyproject_pulls_in():
    missing = needed_here(named_in_pyproject()) - set(read_lock())
    assert not missing, f"not in requirements.lock: {sorted(missing)}; run `make lock`"


def test_the_lock_serves_machines_with_and_without_a_gpu():
    lock = read_lock()
    assert str(lock["torch"]) == "torch==2.13.0"
    assert not [name for name in lock if CUDA.match(name)], "torch brings the CUDA packages of its own build"


def test_conda_takes_the_same_versions():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert [Requirement(entry).name for entry in conda] == ["python", "pip"], (
        "a package from conda may differ from the lock's"
    )
    assert pip == ["-r requirements.lock", f"-e .[{','.join(sorted(PROJECT['optional-dependencies'], reverse=True))}]"]
    python = Requirement(conda[0]).specifier
    assert set(SpecifierSet(PROJECT["requires-python"])) <= set(python)
    assert all(python.contains(v) for v in ("3.11", "3.12", "3.13"))


def test_what_runs_here_is_what_the_lock_says():
    if not (Path(sys.prefix) / "installed").exists():
        pytest.skip("this environment was not made by `make`, so its versions are its own")
    for name, pin in read_lock().items():
        if pin.marker is None or pin.marker.evaluate():
            here = Version(metadata.version(name))
            assert here.public == version_of(pin).public, f"{name} is {here} here, {pin} in the lock: run `make test`"
