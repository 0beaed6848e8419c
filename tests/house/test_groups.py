"""Where tests run side by side, those that share what is costly to make run in one process, one after the other."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import APART, HERE, LONGEST_FIRST, TOGETHER, group_of

FOUR = """
import os
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(4))
def test_who_runs_it(number):
    with open(Path(__file__).with_suffix(".seen"), "a") as file:
        print(os.getpid(), file=file)
"""


def test_a_file_stays_in_one_process_and_what_stands_apart_does_not_need_to(tmp_path):
    tests = tmp_path / "tests"
    (tests / "site").mkdir(parents=True)
    (tests / "browser").mkdir()
    shutil.copyfile(HERE / "conftest.py", tests / "conftest.py")
    files = [
        tests / "test_a.py",
        tests / "test_b.py",
        tests / "site" / "test_pages.py",
        tests / "browser" / "test_site.py",
    ]
    for file in files:
        file.write_text(FOUR)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "xdist",
        "-n",
        "2",
        "--import-mode=importlib",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests",
    ]
    alone = {
        "PYTHONPATH": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }  # each worker would import every plugin that is installed
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | alone)
    assert "16 passed" in done.stdout, done.stdout + done.stderr
    seen = [set(file.with_suffix(".seen").read_text().split()) for file in files]
    assert [len(each) for each in seen[:2]] == [1, 1]
    assert len(seen[2] | seen[3]) == 1, "both files of the site share what is made once"


def test_the_groups_name_files_that_there_are():
    for file in (*TOGETHER, *APART):
        assert (HERE / file).is_file(), file
    assert all((HERE / room).is_dir() for room in LONGEST_FIRST)
    assert group_of("tests/notebooks/test_run.py::test_it_runs[00]") != group_of(
        "tests/notebooks/test_run.py::test_it_runs[01]"
    )
    assert group_of("tests/site/test_pages.py::test_a") == group_of("tests/browser/test_site.py::test_b") == "site"
    assert Path(group_of("tests/test_cli.py::test_a")).name == "test_cli.py"
