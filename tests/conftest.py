"""Settings for every test: one thread, because small nets gain nothing from two, and no network; and the command to call."""

import os
import sys

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache that dies with the test, and a terminal of known width."""
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")


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
