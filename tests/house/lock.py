"""The locks: `make lock` resolves with uv, and this writes what uv found.

requirements.lock serves every machine; requirements.cuda.lock is what PyPI's torch for Linux asks for besides, gigabytes that torch's CPU
build (requirements.cpu.lock) does without. Every distribution that the index has of a version is listed by its hash, so that pip refuses
any other file.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCK, CUDA_LOCK, CPU_LOCK = (ROOT / f"requirements{name}.lock" for name in ("", ".cuda", ".cpu"))
CUDA = re.compile(r"^(nvidia|cuda|triton)(-|$)")
# Builds of torch without CUDA for Linux lie on PyTorch's own index, not on PyPI: version → the hashes of its manylinux_2_28 wheels.
CPU_BUILDS = {
    "2.13.0": (
        "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",  # Python 3.11 x86_64
        "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2",  # Python 3.12 x86_64
        "3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6",  # Python 3.13 x86_64
        "84453b69508ec79902f899c5ed9495acb9e2bbe9fda5f1d5d6f19e3c3842e1a7",  # Python 3.11 aarch64
        "6f307c2c32d764ffc6ff6893b801fad6d4752f3e67966cb8abf1843427c02604",  # Python 3.12 aarch64
        "0b8f7d0423027ae8b90c7977c627f3379f325363a08224dffad9b4b2d684a83d",  # Python 3.13 aarch64
    )
}
HEADS = {
    LOCK: """\
# Exact versions and hashes of everything that the course runs with, for Linux, macOS, Windows and Python 3.11 to 3.13.
# `make lock` writes it. What torch needs for CUDA stands in requirements.cuda.lock: the CPU build, macOS and Windows do without.
""",
    CUDA_LOCK: """\
# What PyPI's torch for Linux needs for CUDA, beside requirements.lock; `make lock` writes it. Elsewhere it installs nothing.
""",
    CPU_LOCK: """\
# torch's CPU build, which is not on PyPI; make takes it where an index or a folder that pip is told of has it. `make lock` writes it.
""",
}


@dataclass(frozen=True)
class Pin:
    """One package of a lock: its requirement, and the sha256 of each file that may be installed."""

    requirement: Requirement
    hashes: frozenset[str]

    @property
    def version(self) -> Version:
        return Version(next(iter(self.requirement.specifier)).version)


def parse(text: str) -> dict[str, Pin]:
    """Canonical name → pin, of a lock's text."""
    pins = {}
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line.split(" --hash=")[0].strip())
            hashes = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})(?=\s|$)", line))
            pins[canonicalize_name(requirement.name)] = Pin(requirement, hashes)
    return pins


def read(path: Path = LOCK) -> dict[str, Pin]:
    return parse(path.read_text("utf-8"))


def cpu_build(torch: Pin) -> str:
    """The line of torch's CPU build; empty, with a word on stderr, for a version whose hashes nobody wrote down."""
    hashes = frozenset(CPU_BUILDS.get(str(torch.version), ()))
    if not hashes:
        print(
            f"torch {torch.version}: no hash of a CPU build is known; see CPU_BUILDS in tests/house/lock.py",
            file=sys.stderr,
        )
    return as_text(Pin(Requirement(f"torch=={torch.version}+cpu"), hashes)) if hashes else ""


def as_text(pin: Pin) -> str:
    head = str(pin.requirement).replace("; ", " ; ", 1).replace('"', "'")
    return " \\\n    ".join([head, *(f"--hash=sha256:{digest}" for digest in sorted(pin.hashes))]) + "\n"


def write(resolved: str) -> None:
    """Write both locks from what uv resolved; what only a browser's Python needs is left out."""
    pins = {
        n: p for n, p in sorted(parse(resolved).items()) if 'sys_platform == "emscripten"' not in str(p.requirement)
    }
    for path, is_wanted in ((LOCK, lambda name: not CUDA.match(name)), (CUDA_LOCK, CUDA.match)):
        texts = [as_text(pin) for name, pin in pins.items() if is_wanted(name)]
        path.write_text(HEADS[path] + "".join(texts), "utf-8")
    CPU_LOCK.write_text(HEADS[CPU_LOCK] + cpu_build(pins["torch"]), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]).read_text("utf-8"))
