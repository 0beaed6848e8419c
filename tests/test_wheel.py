"""An installed wheel carries data/ and models: the first notebook runs with it, far from any clone."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.notebooks.form import NOTEBOOKS, ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    room = tmp_path_factory.mktemp("wheel")
    subprocess.run([*PIP, "wheel", "--no-deps", "-w", str(room), str(ROOT)], check=True, timeout=600)
    return next(room.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_all_of_data(wheel):
    tracked = subprocess.run(["git", "ls-files", "data"], cwd=ROOT, check=True, capture_output=True, text=True)
    wanted = {f"electra_helpers/bundled/{name.removeprefix('data/')}" for name in tracked.stdout.split()}
    assert wanted
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_the_wheel_speaks_chinese(wheel, tmp_path):
    site = tmp_path / "site"
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(site), str(wheel)], check=True, timeout=600)
    ask = "from electra_helpers.language import choose_language, worded; choose_language('zh'); print(worded('your code'))"
    env = os.environ | {"PYTHONPATH": str(site), "PYTHONIOENCODING": "utf-8"}
    said = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, env=env, check=True, capture_output=True)
    assert said.stdout.decode("utf-8").strip() == "你的代码"


@pytest.mark.slow
def test_the_first_notebook_runs_from_the_wheel(wheel, tmp_path):
    site, room = tmp_path / "site", tmp_path / "room"
    room.mkdir()
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(site), str(wheel)], check=True, timeout=600)
    shutil.copy(NOTEBOOKS / "00_welcome.ipynb", room)
    env = {name: value for name, value in os.environ.items() if not name.startswith("ELECTRA")}
    env |= {"PYTHONPATH": str(site), "ELECTRA_PROFILE": "smoke", "HF_HUB_OFFLINE": "1"}
    ask = "import electra_helpers as eh; print(eh.__file__); print(eh.resources.data_folder())"
    where = subprocess.run(
        [sys.executable, "-c", "import electra_helpers.resources;" + ask],
        cwd=room, env=env, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert all(line.startswith(str(site)) for line in where.stdout.split("\n") if line), where.stdout
    command = ["nbconvert", "--to", "notebook", "--execute", "--output", "done.ipynb", "00_welcome.ipynb"]
    run = subprocess.run(
        [sys.executable, "-m", "jupyter", *command], cwd=room, env=env, capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr[-3000:]
    cells = json.loads((room / "done.ipynb").read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell["outputs"] if output["output_type"] == "error"]
