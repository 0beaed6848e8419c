"""Settings for every test: one thread, because small nets gain nothing from two, and no network; and the command to call.

Where tests run side by side, those of one file stay together, since they share what is costly to make. What takes long begins first.
"""

import os
import re
import signal
import sys
from itertools import groupby
from pathlib import Path

import pytest

# Whoever starts pytest in the background may have told it to ignore Ctrl-C, and a run leaves alone what was ignored when it began.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

HERE = Path(__file__).parent
LONGEST_FIRST = ("browser", "notebooks", "course", "training", "classroom")
# Files whose tests share what is costly to make, and files of which each test is long and stands alone.
TOGETHER = {
    "browser/test_site.py": "site",
    "site/test_pages.py": "site",
    "site/test_parity.py": "site",
    "site/test_search.py": "site",
    "browser/test_duel.py": "widgets",
    "browser/test_explorer.py": "widgets",
    # They look at every process of a class that is left on the machine.
    **{f"classroom/test_{name}.py": "class" for name in ("attacks", "fooled", "fuzz", "grade", "nbgrader", "resume")},
}
APART = ("notebooks/test_run.py", "course/test_notebooks_solved.py")
_left_out: set[str] = set()  # tests that `-m` left out


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache that dies with the test, and a terminal of known width."""
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, where there is one."""
    folder = os.environ.get("ELECTRA_REAL_DATA")
    if not folder:
        pytest.skip("needs real data: set ELECTRA_REAL_DATA to its folder")
    return Path(folder)


@pytest.fixture
def electra(own_cache, monkeypatch, capsys):
    """Run the command in this process: electra("inspect", …) → (exit code, standard output, standard error)."""
    from electra_helpers import cli

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["electra", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        return code, *capsys.readouterr()

    return run


def pytest_collection_modifyitems(items):
    items.sort(key=_turn)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One process for the tests of a group. xdist's own groups need a private field that pytest no longer has (3.8 beside 9.2)."""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    config.option.loadscopereorder = False  # in the order of `_turn`

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)


def group_of(nodeid: str) -> str:
    """The name that all tests of a group share: that of their file, unless the tables above say otherwise."""
    file = nodeid.split("::")[0].removeprefix("tests/")
    return nodeid if file in APART else TOGETHER.get(file, file)


def _turn(item) -> int:
    room = item.path.relative_to(HERE).parts[0] if HERE in item.path.parents else ""
    return LONGEST_FIRST.index(room) if room in LONGEST_FIRST else len(LONGEST_FIRST)


def pytest_deselected(items):
    _left_out.update(item.nodeid for item in items if item.get_closest_marker("slow"))


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # of pytest-xdist: each worker tells what the whole run left out
        session.config.workeroutput["left_out"] = sorted(_left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    _left_out.update(getattr(node, "workeroutput", {}).get("left_out", ()))


def pytest_unconfigure(config):
    """Behind pytest's line of totals: what this run left out."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and _left_out and not hasattr(config, "workerinput"):
        files = groupby(sorted(_left_out), key=lambda name: name.split("::")[0])
        told = ", ".join(summary(file, list(names)) for file, names in files)
        reporter.write_line(f"Left to make test-all: {len(_left_out)} slow tests ({told}), and all of make mutants.")


def summary(file: str, names: list[str]) -> str:
    """`colab/test_colab.py 15`; where notebooks are left out, their numbers too."""
    books = sorted({found[1] for name in names if (found := re.search(r"\[(\d\d)_", name))})
    which = f": {' '.join(books)}" if books else ""
    return f"{file.removeprefix('tests/')} {len(names)}{which}"
