"""What a notebook of the course looks like as a file: where they are, their first cell, and how they are normalised."""

import re
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from electra_helpers.classroom.transplant import check_metadata, checked_in

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
BRANCH = "main"
HEADING = re.compile(r"^# (\d\d · .+)$", re.MULTILINE)
INSTALL = re.compile(r"git\+https://[^\s\"'@]+@[\w./-]+")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def notebooks() -> list[Path]:
    """Every notebook in reading order."""
    return sorted(path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(book: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def ref() -> str | None:
    """The tag or branch that `electra course relink` chose; None in the course itself."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8")).get("tool", {})
    return tools.get("electra-course", {}).get("ref")


def colab_url(path: Path) -> str:
    on_github = project()["urls"]["Repository"].removeprefix("https://")
    owner_and_name = on_github.removeprefix("github.com/").rstrip("/")
    where = path.resolve().relative_to(ROOT).as_posix()
    return f"https://colab.research.google.com/github/{owner_and_name}/blob/{ref() or BRANCH}/{where}"


def install_source() -> str:
    """What a set-up cell installs on Colab: this project, at the tag of its version."""
    return f"git+{project()['urls']['Repository']}@{ref() or 'v' + project()['version']}"


def title(path: Path) -> str:
    """`04 · Corrupted inputs`, from the notebook's heading."""
    for cell in read(path).cells:
        found = HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        if found:
            return found[1]
    raise ValueError(f"{path.name} has no heading of the form '# 04 · Corrupted inputs'")


def navigation(path: Path) -> str:
    """The first cell. Links, not pictures: opening a notebook asks nothing of another machine."""
    folder = [other for other in notebooks() if other.parent == path.parent]
    place = folder.index(path)
    contents = "../" * len(path.relative_to(ROOT).parent.parts) + "README.md"
    parts = [f"[▶ Open in Colab]({colab_url(path)})", f"[contents]({contents})"]
    if place > 0:
        parts.insert(1, _neighbour("←", folder[place - 1]))
    if place + 1 < len(folder):
        parts.append(_neighbour("→", folder[place + 1]))
    return " | ".join(parts)


def _neighbour(arrow: str, path: Path) -> str:
    return f"{arrow} [{title(path)}]({path.name}) ([Colab]({colab_url(path)}))"


def set_links(book: NotebookNode, path: Path) -> None:
    """Write the navigation cell and the address that the set-up cell installs from, both from pyproject.toml."""
    if not book.cells or book.cells[0].get("id") != "navigation":
        cell = nbformat.v4.new_markdown_cell(id="navigation")
        book.cells.insert(0, cell)
    book.cells[0].source = navigation(path)
    for cell in code_cells(book):
        cell.source = INSTALL.sub(install_source(), cell.source)


def set_points(cell: NotebookNode) -> None:
    """Give a check cell its nbgrader metadata, and no other cell any."""
    cell.metadata.pop("nbgrader", None)
    number = checked_in(cell)
    if number:
        cell.metadata["nbgrader"] = nbformat.from_dict(check_metadata(number))


def normalise(book: NotebookNode) -> None:
    """Bring an executed notebook into the form in which it is committed."""
    book.metadata = nbformat.from_dict(
        {
            "accelerator": "GPU",
            "colab": {"toc_visible": True},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in book.cells:
        cell.source = cell.source.strip("\n")
        cell.metadata = nbformat.from_dict({"tags": tags(cell)} if tags(cell) else {})
        set_points(cell)
        if cell.cell_type == "code":
            cell.outputs = [] if "outcome" in tags(cell) else list(_kept_outputs(cell.outputs))


def _kept_outputs(outputs: list[NotebookNode]) -> Iterator[NotebookNode]:
    """Pieces of one stream joined and left as a terminal leaves them; no widget views (without their state: blank)."""
    for (kind, name), group in groupby(outputs, key=lambda output: (output.output_type, output.get("name"))):
        if kind == "stream":
            text = overwrite_lines("".join(output.text for output in group))
            yield nbformat.v4.new_output("stream", name=name, text=text)
            continue
        for output in group:
            was_widget = output.get("data", {}).pop(WIDGET_VIEW, None) is not None
            if not was_widget or set(output.data) - {"text/plain"}:
                yield output


def overwrite_lines(text: str) -> str:
    """What stays of a text after its carriage returns: a progress bar's last state instead of all of them."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return "\n".join(lines)
