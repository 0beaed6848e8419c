"""Every notebook runs from top to bottom in the smoke profile, and the tagged cells show what the page shows."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.notebooks.execute import copied_notebooks, environment
from tests.notebooks.form import NOTEBOOKS, code_cells, notebooks, read, translations

# No other plugin is imported: each run here would wait for all that are installed.
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def nbval(path: Path, cell_timeout: int = 600) -> subprocess.CompletedProcess:
    """nbval in a pytest of its own, started in the notebook's folder; the settings of this run do not reach it."""
    plugins = ["-p", "nbval.plugin", "-p", "no:cacheprovider"]
    flags = [*plugins, "--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={cell_timeout}", "-q"]
    command = [sys.executable, "-m", "pytest", *flags, "--rootdir", str(path.parent), path.name]
    return subprocess.run(
        command, cwd=path.parent, env=environment("smoke") | ALONE, capture_output=True, text=True, timeout=3600
    )


def passed(run: subprocess.CompletedProcess) -> int:
    found = re.search(r"(\d+) passed", run.stdout)
    return int(found[1]) if found else 0


CHINESE = [pytest.param(path, id=f"zh-{path.stem}", marks=pytest.mark.slow) for path in translations()]


@pytest.mark.parametrize("path", [*(pytest.param(path, id=path.stem) for path in notebooks()), *CHINESE])
def test_it_runs(path):
    with copied_notebooks() as folder:
        run = nbval(folder / path.relative_to(NOTEBOOKS))
    assert run.returncode == 0, run.stdout + run.stderr
    assert passed(run) == len(code_cells(read(path)))


def write(folder: Path, *, shown: str, source: str) -> Path:
    """A notebook whose one tagged cell has the source `source` and shows `shown` on the page."""
    output = new_output("execute_result", {"text/plain": shown}, execution_count=1)
    cell = new_code_cell(source, metadata={"tags": ["nbval-check-output"]}, outputs=[output], execution_count=1)
    path = folder / "try.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=[cell, new_code_cell("1 + 1")], metadata=kernel), path)
    return path


def test_a_sound_notebook_passes(tmp_path):
    run = nbval(write(tmp_path, shown="42", source="6 * 7"))
    assert (run.returncode, passed(run)) == (0, 2), run.stdout


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("6 * 6", "Cell outputs differ"),
        ("while True: pass", "Timeout of 2 seconds"),
    ],
    ids=["raises", "shows something else", "never ends"],
)
def test_a_broken_cell_is_caught(tmp_path, source, complaint):
    run = nbval(write(tmp_path, shown="42", source=source), cell_timeout=2)
    assert run.returncode == 1, run.stdout
    assert complaint in run.stdout
