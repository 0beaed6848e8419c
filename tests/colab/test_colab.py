"""Every notebook on a machine like Colab's: `make test-colab`.

packages.txt holds Colab's versions of what the course and its kernel need, and what those need; Colab has hundreds more, and lacks
what is not there (sacrebleu, for one). Python is the one at hand, torch the lock's.
"""

import re

import pytest

from tests.colab.machine import PACKAGES, ROOT, make, run
from tests.notebooks.form import code_cells, notebooks, read

pytestmark = pytest.mark.slow
OURS = "electra-helpers"


def pinned() -> dict[str, str]:
    lines = re.findall(r"^([\w.-]+)==(\S+)", PACKAGES.read_text("utf-8"), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in lines}


@pytest.fixture(scope="module")
def colab():
    return make(ROOT / "build" / "colab")


def test_the_machine_has_colabs_versions_and_not_what_colab_lacks(colab):
    here = colab.packages()
    wanted = pinned()
    assert {name: here[name].split("+")[0] for name in wanted} == wanted
    named = {
        "ipywidgets": "7.7.1",
        "ipython": "7.34.0",
        "transformers": "5.15.0",
        "datasets": "4.0.0",
        "numpy": "2.1.3",
    }
    assert named.items() <= wanted.items()
    assert not {"sacrebleu", "seqeval", "rouge-score", OURS} & set(here)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in notebooks()])
def test_it_runs_from_the_wheel_and_changes_nothing_that_colab_ships(colab, tmp_path, path):
    before, book = colab.packages(), read(path)
    try:
        asked = run(colab, book, tmp_path)
        after = colab.packages()
    finally:
        colab.forget(set(colab.packages()) - set(before))
    assert OURS in after, "the set-up cell installed the course"
    assert {name: after[name] for name in before} == before, "what Colab ships is never re-installed"
    said = "".join(output.get("text", "") for cell in code_cells(book) for output in cell.outputs)
    assert "transformers 5.15.0" in said
    assert "profile smoke" in said
    assert not [line for line in asked if line.startswith("widget manager") and "electra_helpers" in line]
