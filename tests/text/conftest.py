"""A cache of its own for each test."""

import pytest
from hypothesis import settings

settings.register_profile("text", deadline=None)  # a busy machine is no failure
settings.load_profile("text")


@pytest.fixture(autouse=True)
def nothing_stays(own_cache):
    """Nothing that a test computes stays in the user's cache."""
