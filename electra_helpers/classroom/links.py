"""Where this copy of the course lives: the links in its notebooks, and what their set-up cells install on Colab.

One line of pyproject.toml holds the address: `Repository` in [project.urls], a repository on GitHub at a tag or branch. Where there is
none, a set-up cell installs from the repository that its notebook was opened from, and no name that a stranger could register is asked.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from electra_helpers.errors import ElectraError

HEADING = re.compile(r"^# (\d\d · .+)$", re.MULTILINE)
ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/tree/([\w./-]+)")
URLS_TABLE = re.compile(r"\n\[project\.urls\]\nRepository = .*\n")
BEFORE_TABLE = "\n[tool.hatch.build"  # the table is put in front of this one
ON_COLAB = 'if "google.colab" in sys.modules:'
INSTALL = re.compile(
    rf'^{re.escape(ON_COLAB)}.*?^    %pip install -q --no-deps "electra_helpers @ [^"\n]+"', re.MULTILINE | re.DOTALL
)
# Colab's own server knows where a notebook was opened from.
OPENED_FROM = r'''  # {comment}
    import re, urllib.parse
    here = !curl -s http://$COLAB_JUPYTER_IP:9000/api/sessions
    course = re.search(r"github\.com/([\w.-]+/[\w.-]+)/blob/([\w.-]+)/", urllib.parse.unquote(here.n))
    put = "%pip install -q --no-deps git+https://github.com/OWNER/NAME"
    assert course, f"{unknown}{put}"
    %pip install -q --no-deps "electra_helpers @ git+https://github.com/{course[1]}@{course[2]}"'''


@dataclass(frozen=True)
class Words:
    """What the first cell of a notebook says in one language: the language's own name, and the names of its links."""

    name: str
    contents: str
    open: str
    comment: str
    unknown: str


ENGLISH, README = "en", "README.md"
WORDS = {
    ENGLISH: Words(
        "English",
        "contents",
        "Open in Colab",
        "install the course from the repository that this notebook was opened from",
        "Colab does not say where this notebook is from. Put in place of these lines, with your course's name: ",
    ),
    "zh": Words(
        "中文",
        "目录",
        "在 Colab 中打开",
        "从打开本笔记本的仓库安装课程",
        "Colab 没有说明本笔记本来自哪里。请把这几行换成下面这一行，填上你的课程名：",
    ),
}


@dataclass(frozen=True)
class Address:
    """A repository on GitHub, OWNER/NAME, and one of its tags or branches."""

    repository: str
    ref: str

    @classmethod
    def parse(cls, url: str) -> Address:
        found = ADDRESS.fullmatch(url)
        if found is None:
            raise ElectraError(f"Repository in pyproject.toml is https://github.com/OWNER/NAME/tree/TAG, not {url!r}.")
        return cls(found[1], found[2])

    def __str__(self) -> str:
        return f"https://github.com/{self.repository}/tree/{self.ref}"

    @property
    def source(self) -> str:
        """What pip installs."""
        return f"git+https://github.com/{self.repository}@{self.ref}"


def address_of_clone(root: Path) -> Address | None:
    """The address in a clone's pyproject.toml; None where there is none yet."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    url = project.get("urls", {}).get("Repository")
    return Address.parse(url) if url else None


def address_of_package() -> Address | None:
    """The address that the installed package was built with."""
    urls = dict(line.split(", ", 1) for line in metadata.metadata("electra_helpers").get_all("Project-URL") or [])
    found = ADDRESS.fullmatch(urls.get("Repository", ""))
    return Address(found[1], found[2]) if found else None


def set_address(root: Path, address: Address) -> None:
    """Write the one line that holds the address."""
    path = root / "pyproject.toml"
    text = URLS_TABLE.sub("", path.read_text("utf-8"))
    table = f'\n[project.urls]\nRepository = "{address}"\n'
    path.write_text(text.replace(BEFORE_TABLE, table + BEFORE_TABLE, 1), "utf-8")


def install_block(address: Address | None, language: str = ENGLISH) -> str:
    """The first lines of a set-up cell: what is installed on Colab."""
    if address is None:
        words = WORDS[language]
        return ON_COLAB + OPENED_FROM.replace("{comment}", words.comment).replace("{unknown}", words.unknown)
    return f'{ON_COLAB}\n    %pip install -q --no-deps "electra_helpers @ {address.source}"'


def title(path: Path) -> str:
    """`04 · Corrupted inputs`, from the notebook's heading."""
    for cell in nbformat.read(path, as_version=4).cells:
        found = HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        if found:
            return found[1]
    raise ValueError(f"{path.name} has no heading of the form '# 04 · Corrupted inputs'")


def colab_url(path: Path, root: Path, address: Address) -> str:
    """Where Colab opens a notebook of the clone `root` in the copy at `address`."""
    where = path.resolve().relative_to(root.resolve()).as_posix()
    return f"https://colab.research.google.com/github/{address.repository}/blob/{address.ref}/{where}"


def navigation(path: Path, root: Path, address: Address | None) -> str:
    """The first cell. Links, not pictures: opening a notebook asks nothing of another machine."""
    folder = sorted(path.parent.glob("*.ipynb"))
    place, words = folder.index(path), WORDS[language_of(path)]
    contents = "../" * len(path.relative_to(root).parent.parts) + "README.md"
    parts = [f"[{words.contents}]({README if (path.parent / README).is_file() else contents})"]
    if place > 0:
        parts.insert(0, _neighbour("←", folder[place - 1], root, address))
    if place + 1 < len(folder):
        parts.append(_neighbour("→", folder[place + 1], root, address))
    if address:
        parts.insert(0, f"[▶ {words.open}]({colab_url(path, root, address)})")
    parts += [f"[{WORDS[language].name}]({target})" for language, target in _other_languages(path)]
    return " | ".join(parts)


def language_of(path: Path) -> str:
    """The language of a notebook, by its folder: notebooks/zh/ holds the Chinese ones."""
    return path.parent.name if path.parent.name in WORDS else ENGLISH


def _other_languages(path: Path) -> list[tuple[str, str]]:
    """The same notebook in other languages: (language, link), for each that there is."""
    own = language_of(path)
    here = {} if own == ENGLISH else {ENGLISH: f"../{path.name}"}
    there = {
        other: f"{'' if own == ENGLISH else '../'}{other}/{path.name}" for other in WORDS if other not in (own, ENGLISH)
    }
    return [(language, link) for language, link in (here | there).items() if (path.parent / link).is_file()]


def _neighbour(arrow: str, path: Path, root: Path, address: Address | None) -> str:
    on_colab = f" ([Colab]({colab_url(path, root, address)}))" if address else ""
    return f"{arrow} [{title(path)}]({path.name}){on_colab}"


def set_links(book: NotebookNode, path: Path, root: Path, address: Address | None) -> None:
    """Write the navigation cell, and what the set-up cell installs, anew."""
    if not book.cells or book.cells[0].get("id") != "navigation":
        book.cells.insert(0, nbformat.v4.new_markdown_cell(id="navigation"))
    book.cells[0].source = navigation(path, root, address)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.source = INSTALL.sub(lambda _: install_block(address, language_of(path)), cell.source)


def relink(root: Path, repository: str, ref: str) -> int:
    """Point badges, links and set-up cells of a clone to another copy at a tag, and pyproject.toml too; how many notebooks changed.

    Raises `ElectraError` for a name that is not OWNER/NAME, for a ref that is none, and where there is no clone.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ElectraError(f"--repo is OWNER/NAME, as on GitHub, not {repository!r}.")
    if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", ref) or ".." in ref:
        raise ElectraError(f"--ref is a tag or a branch, not {ref!r}.")
    if not (root / "pyproject.toml").is_file() or not (root / "notebooks").is_dir():
        raise ElectraError(f"{root} is no copy of the course: there is no pyproject.toml with notebooks beside it.")
    set_address(root, Address(repository, ref))
    return write_links(root)


def write_links(root: Path) -> int:
    """Write the links of every notebook of a clone anew; how many changed."""
    address, changed = address_of_clone(root), 0
    for path in sorted((root / "notebooks").rglob("*.ipynb")):
        before = path.read_text("utf-8")
        book = nbformat.reads(before, as_version=4)
        set_links(book, path, root, address)
        nbformat.write(book, path)
        changed += path.read_text("utf-8") != before
    return changed
