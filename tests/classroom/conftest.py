"""A short original to grade against, and a room for submissions."""

import pytest

from tests.classroom.handed_in import short_original


@pytest.fixture
def original(tmp_path):
    return short_original(tmp_path / "originals")


@pytest.fixture
def room(tmp_path):
    folder = tmp_path / "handed in"
    folder.mkdir()
    return folder
