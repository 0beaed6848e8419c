"""A release sets everything that names the version together; what set-up cells install exists."""

import shutil
import subprocess

import nbformat
import pytest

from electra_helpers.classroom.links import Address, address_of_clone, relink, write_links
from electra_helpers.errors import ElectraError
from tests.house.release import ROOT, VERSIONS, git, release, versions

FILES = [*VERSIONS, "CHANGELOG.md", "notebooks/00_welcome.ipynb", "notebooks/01_text_to_batches.ipynb"]


def commit(root):
    git(root, "add", "-A")
    git(root, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "--allow-empty", "-m", "more")


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A few files of the course in a repository of their own, with something new to release."""
    if not shutil.which("git"):
        pytest.skip("needs git")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    text = (tmp_path / "CHANGELOG.md").read_text("utf-8")
    (tmp_path / "CHANGELOG.md").write_text(
        text.replace("## Unreleased\n", "## Unreleased\n\n- A new word.\n", 1), "utf-8"
    )
    write_links(tmp_path)  # of these two notebooks
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def sources(root) -> str:
    books = [nbformat.read(path, as_version=4) for path in sorted((root / "notebooks").glob("*.ipynb"))]
    return "\n".join(cell.source for book in books for cell in book.cells)


def test_version_changelog_set_up_cells_and_badges_are_set_together_and_tagged(clone):
    relink(clone, "ada/course", "main")
    commit(clone)
    assert release(clone, "7.8.9") == "v7.8.9"
    assert set(versions(clone).values()) == {"7.8.9"}
    changelog = (clone / "CHANGELOG.md").read_text("utf-8")
    assert changelog.index("## Unreleased") < changelog.index("## 7.8.9 (") < changelog.index("- A new word.")
    assert address_of_clone(clone) == Address("ada/course", "v7.8.9")
    assert sources(clone).count('"electra_helpers @ git+https://github.com/ada/course@v7.8.9"') == 2
    assert "blob/v7.8.9/notebooks/00_welcome.ipynb" in sources(clone)
    assert "main" not in sources(clone).split("\n")[0]
    assert git(clone, "tag", "--points-at", "HEAD").split() == ["v7.8.9"]
    assert git(clone, "status", "--porcelain") == ""


def test_a_copy_without_an_address_is_released_without_one(clone):
    before = sources(clone)
    release(clone, "7.8.9")
    assert address_of_clone(clone) is None
    assert sources(clone) == before


@pytest.mark.parametrize(
    ("version", "complaint"), [("", "such as 0.2.0"), ("next", "'next'"), ("0.0.1", "is older than")]
)
def test_a_version_that_is_none_changes_nothing(clone, version, complaint):
    with pytest.raises(ElectraError, match=complaint):
        release(clone, version)
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "tag") == ""


def test_a_release_is_made_once_from_what_is_committed_and_told(clone):
    release(clone, "7.8.9")
    with pytest.raises(ElectraError, match="There is a tag"):
        release(clone, "7.8.9")
    with pytest.raises(ElectraError, match=r"CHANGELOG\.md says nothing"):
        release(clone, "7.9.0")
    (clone / "notes.txt").write_text("not committed")
    with pytest.raises(ElectraError, match="not committed"):
        release(clone, "7.9.0")


def test_every_file_says_the_same_version():
    assert len(set(versions(ROOT).values())) == 1, versions(ROOT)


def test_what_the_set_up_cells_name_exists():
    """A branch while nothing is released, else the tag of this version; where no address is set, nothing is named."""
    address = address_of_clone(ROOT)
    if address is None:
        return
    tag = f"v{versions(ROOT)['pyproject.toml']}"
    assert address.ref == tag or not address.ref.startswith("v"), f"{address.ref} is not the version's tag {tag}"
    known = subprocess.run(["git", "show-ref"], cwd=ROOT, capture_output=True, text=True).stdout
    if "refs/tags/" in known:  # a shallow clone has none
        assert any(line.endswith(f"/{address.ref}") for line in known.splitlines()), f"there is no {address.ref}"
