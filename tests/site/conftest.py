"""The site that these tests look at."""

import pytest

from tests.site import written


@pytest.fixture(scope="session")
def site():
    return written.site()
