"""A cache of its own for each test, and the folder of real data where there is one."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("text", deadline=None)  # a busy machine is no failure
settings.load_profile("text")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Nothing that a test computes stays in the user's cache."""
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("ELECTRA_REAL_DATA")
    if not folder:
        pytest.skip("needs real data: set ELECTRA_REAL_DATA to its folder")
    return Path(folder)
