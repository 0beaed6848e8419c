"""pyproject.toml says what is needed, the locks with which versions and hashes, environment.yml the same for conda."""

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

from tests.house import lock as locks

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK, CUDA_LOCK = locks.read(), locks.read(locks.CUDA_LOCK)


def named_in_pyproject() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(text) for group in (PROJECT["dependencies"], *extras) for text in group]


def needed_here(roots: list[Requirement]) -> set[str]:
    """Everything that `roots` ask for on this machine, what those ask for included."""
    needed, waiting = set(), [(canonicalize_name(r.name), frozenset(r.extras)) for r in roots]
    visited = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in visited or locks.CUDA.match(name):
            continue
        visited.add((name, extras))
        needed.add(name)
        for requirement in map(Requirement, metadata.requires(name) or []):
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in extras or {""}):
                waiting.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return needed


def test_the_lock_pins_every_line_to_one_exact_version():
    for name, pin in (LOCK | CUDA_LOCK).items():
        operators = [s.operator for s in pin.requirement.specifier]
        assert operators == ["=="], f"{name} is not pinned with ==: {pin.requirement}"
        assert pin.version.local is None, f"{name}: {pin.requirement} names a build that is not on PyPI"


def test_every_pin_has_hashes():
    for path in (locks.LOCK, locks.CUDA_LOCK, locks.CPU_LOCK):
        pins = locks.read(path)
        for name, pin in pins.items():
            assert pin.hashes, f"{name} has no hash in {path.name}: run `make lock`"
        assert path.read_text("utf-8").count("--hash=") == sum(len(pin.hashes) for pin in pins.values())


def test_the_lock_knows_wheels_for_every_system_that_it_is_for():
    """One wheel for each Python and system: a lock of the files for one machine refuses all others."""
    assert len(LOCK["numpy"].hashes) > 3 * 4
    assert len(LOCK["torch"].hashes) > 3 * 4


def test_make_lock_writes_what_uv_found_in_three_files(tmp_path, monkeypatch):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    for name, path in {"LOCK": first, "CUDA_LOCK": second, "CPU_LOCK": third}.items():
        monkeypatch.setattr(locks, name, path)
    monkeypatch.setattr(locks, "HEADS", {path: f"# {path.name}\n" for path in (first, second, third)})
    a, b, c, d = (digit * 64 for digit in "abcd")
    locks.write(
        f"# by uv\ntorch==2.13.0 \\\n    --hash=sha256:{b} \\\n    --hash=sha256:{a}\n"
        f"nvidia-nccl-cu13==2.29.7 ; sys_platform == 'linux' \\\n    --hash=sha256:{c}\n"
        f"jsfetch==1.0 ; sys_platform == 'emscripten' \\\n    --hash=sha256:{d}\n"
    )
    assert first.read_text("utf-8") == f"# first\ntorch==2.13.0 \\\n    --hash=sha256:{a} \\\n    --hash=sha256:{b}\n"
    assert second.read_text("utf-8") == (
        f"# second\nnvidia-nccl-cu13==2.29.7 ; sys_platform == 'linux' \\\n    --hash=sha256:{c}\n"
    )
    cpu = " \\\n    ".join(f"--hash=sha256:{digest}" for digest in sorted(locks.CPU_BUILDS["2.13.0"]))
    assert third.read_text("utf-8") == f"# third\ntorch==2.13.0+cpu \\\n    {cpu}\n"


def test_the_lock_satisfies_pyproject():
    for requirement in named_in_pyproject():
        pin = LOCK.get(canonicalize_name(requirement.name))
        assert pin is not None, (
            f"{requirement.name} stands in pyproject.toml and not in requirements.lock: run `make lock`"
        )
        assert requirement.specifier.contains(pin.version), f"pyproject wants {requirement}, the lock has {pin.version}"


def test_the_lock_holds_everything_that_pyproject_pulls_in():
    missing = needed_here(named_in_pyproject()) - set(LOCK)
    assert not missing, f"not in requirements.lock: {sorted(missing)}; run `make lock`"


def test_the_lock_serves_machines_with_and_without_a_gpu():
    assert str(LOCK["torch"].requirement) == "torch==2.13.0"
    assert not [name for name in LOCK if locks.CUDA.match(name)], "the CPU build, macOS and Windows need no CUDA"
    assert "nvidia-cublas" in CUDA_LOCK
    cpu = locks.read(locks.CPU_LOCK)["torch"]
    assert (cpu.version.public, cpu.version.local) == (LOCK["torch"].version.public, "cpu")
    for name, pin in CUDA_LOCK.items():
        assert locks.CUDA.match(name)
        for system in ("darwin", "win32"):
            assert not pin.requirement.marker.evaluate({"sys_platform": system}), (
                f"{name} would be installed on {system}"
            )


def test_conda_takes_the_same_versions():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert [Requirement(entry).name for entry in conda] == ["python", "pip"], (
        "a package from conda may differ from the lock's"
    )
    assert pip == ["-r requirements.lock", "-r requirements.cuda.lock"]  # without -e .: pip knows no hash of a folder
    python = Requirement(conda[0]).specifier
    assert set(SpecifierSet(PROJECT["requires-python"])) <= set(python)
    assert all(python.contains(v) for v in ("3.11", "3.12", "3.13"))


def test_what_runs_here_is_what_the_lock_says():
    if not (Path(sys.prefix) / "installed").exists():
        pytest.skip("this environment was not made by `make`, so its versions are its own")
    for name, pin in LOCK.items():
        if pin.requirement.marker is None or pin.requirement.marker.evaluate():
            here = Version(metadata.version(name))
            assert here.public == pin.version.public, (
                f"{name} is {here} here, {pin.version} in the lock: run `make test`"
            )
