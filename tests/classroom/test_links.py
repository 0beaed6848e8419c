"""One line holds the address; until it is there, a set-up cell installs from where its notebook was opened, and from nowhere else."""

import json
import re
import shutil
import subprocess
import tomllib
from types import SimpleNamespace
from urllib.parse import quote

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from electra_helpers.classroom.links import Address, install_block, relink
from electra_helpers.errors import ElectraError
from tests.notebooks import form
from tests.notebooks.form import NOTEBOOKS, ROOT, read
from tests.notebooks.test_form import installs

SESSIONS = [
    {"name": "x.ipynb", "path": "fileId=" + quote("https://github.com/ada/my.course/blob/v2/notebooks/x.ipynb", "")}
]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    shutil.copytree(NOTEBOOKS, tmp_path / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(form, "ROOT", tmp_path)
    monkeypatch.setattr(form, "NOTEBOOKS", tmp_path / "notebooks")
    return tmp_path


def contents(folder) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("times", [("ada/course-2", "autumn-26"), ("school/electra.course", "v0.2/rc1")])
def test_after_relinking_the_tests_of_links_hold_for_the_copy(clone, electra, times):
    repository, tag = times
    books = [*form.notebooks(), *form.translations()]
    for turn in (("first/owner", "v9"), times):  # a second time as well
        code, said, errors = electra("course", "relink", "--repo", turn[0], "--ref", turn[1], "--root", clone)
        assert code == 0, errors
        assert said.startswith(f"{len(books)} notebooks now point to")
    for path in books:
        book = read(path)
        assert book.cells[0].source == form.navigation(path)
        assert f"github/{repository}/blob/{tag}/notebooks" in book.cells[0].source
        assert installs(book) == [install_block(Address(repository, tag))]
        assert f'"electra_helpers @ git+https://github.com/{repository}@{tag}"' in installs(book)[0]
    written = (clone / "pyproject.toml").read_text("utf-8")
    assert tomllib.loads(written)["project"]["urls"] == {"Repository": f"https://github.com/{repository}/tree/{tag}"}
    assert written.count("github.com") == 1
    before = contents(clone)
    relink(clone, repository, tag)
    assert contents(clone) == before


@pytest.mark.parametrize(
    ("repo", "ref"), [("ada", "v1"), ("a/b/c", "v1"), ("a/b", "v 1"), ("a/b", "../x"), ('a/b"', "v1")]
)
def test_a_name_that_is_none_changes_nothing(clone, repo, ref):
    before = contents(clone)
    with pytest.raises(ElectraError, match=r"--repo|--ref"):
        relink(clone, repo, ref)
    assert contents(clone) == before


def test_an_address_that_is_none_says_how_it_is_written():
    with pytest.raises(ElectraError, match="OWNER/NAME/tree/TAG"):
        Address.parse("https://github.com/ada/course")


def installed(block: str, sessions: str) -> list[str]:
    """What a set-up cell's first lines would install on Colab where its server answers with `sessions`."""
    asked = []
    shell = SimpleNamespace(
        getoutput=lambda command: SimpleNamespace(n=sessions),
        run_line_magic=lambda magic, line, **_: asked.append(line),
        system=None,
    )
    space = {"get_ipython": lambda: shell, "sys": SimpleNamespace(modules={"google.colab": None})}
    exec(TransformerManager().transform_cell(block), space)
    expand = {f"{{course[{n}]}}": space["course"][n] for n in (1, 2)}
    return [re.sub(r"\{course\[\d\]\}", lambda found: expand[found[0]], line) for line in asked]


def test_without_an_address_a_cell_installs_from_where_its_notebook_was_opened():
    assert installed(install_block(None), json.dumps(SESSIONS)) == [
        'install -q --no-deps "electra_helpers @ git+https://github.com/ada/my.course@v2"'
    ]


@pytest.mark.parametrize("sessions", ["", "[]", "curl: (7) Failed to connect", '[{"path": "fileId=1x2y3z"}]'])
def test_where_colab_does_not_say_the_learner_is_told_what_to_do(sessions):
    with pytest.raises(AssertionError, match="OWNER/NAME"):
        installed(install_block(None), sessions)


def test_no_file_of_the_course_asks_a_repository_that_a_stranger_could_register():
    """What is installed is this copy's own address, or where the notebook came from."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("no git clone")
    own = form.address()
    allowed = {"OWNER/NAME", own.repository if own else "OWNER/NAME"}
    asked = re.compile(r"(?:git\+https://github\.com/|colab\.research\.google\.com/github/)([\w.-]+/[\w.-]+)")
    archive = re.compile(r"github\.com/([\w.-]+/[\w.-]+)/archive/")
    for name in tracked.stdout.split("\n"):
        if name.endswith((".ipynb", ".md", ".toml", ".yml")) and (ROOT / name).is_file():
            text = (ROOT / name).read_text("utf-8")
            found = {repo.split("@")[0] for each in (asked, archive) for repo in each.findall(text)}
            assert found <= allowed, (name, found)


def test_the_form_survives(clone):
    """Linking changes the text of cells and nothing else: outputs, tags and ids stay."""
    path = form.notebooks()[0]
    before = nbformat.read(path, as_version=4)
    relink(clone, "ada/course", "v1")
    after = nbformat.read(path, as_version=4)
    assert [cell.id for cell in before.cells] == [cell.id for cell in after.cells]
    assert [cell.get("outputs") for cell in before.cells] == [cell.get("outputs") for cell in after.cells]
