"""The site of this clone, written once a process for all tests: in tests/site and, with a browser, in tests/browser."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from electra_helpers.site.build import Site, build

ROOT = Path(__file__).resolve().parents[2]
KATEX = (
    ROOT / "build" / "katex"
)  # as `make site` leaves it; without it formulas stay as TeX, and no test asks the network


@cache
def folder() -> Path:
    """A temporary folder of this process, gone when it ends: the tests of two folders share what is written there."""
    made = Path(tempfile.mkdtemp(prefix="electra-site-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def site() -> Site:
    return build(ROOT, folder() / "site", katex=KATEX if KATEX.is_dir() else None)
