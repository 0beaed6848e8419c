"""Every test in this folder needs a browser, and says so where there is none."""

from pathlib import Path

import pytest

from tests.browser.harness import chromium, find_chromium

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    skip = pytest.mark.skip(reason="no Chromium on this machine (Debian and Ubuntu: apt-get install chromium)")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if find_chromium() is None:
                item.add_marker(skip)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser
