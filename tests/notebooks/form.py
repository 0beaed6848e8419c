"""What a notebook of the course looks like as a file: where they are, their first cell, and how they are normalised."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from electra_helpers.classroom import links
from electra_helpers.classroom.links import Address
from electra_helpers.classroom.transplant import check_metadata, checked_in

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
# Of a cell's metadata; the last two are those of a translation (translated.py).
KEPT = ("tags", "translates", "strings")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def notebooks() -> list[Path]:
    """Every English notebook in reading order."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def translations() -> list[Path]:
    """Every notebook of the Chinese edition in reading order."""
    return sorted((NOTEBOOKS / "zh").glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(book: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def address() -> Address | None:
    """Where this copy of the course lives; None until `electra course relink` was told."""
    return links.address_of_clone(ROOT)


def navigation(path: Path) -> str:
    return links.navigation(path, ROOT, address())


def set_links(book: NotebookNode, path: Path) -> None:
    """Write the navigation cell and what the set-up cell installs, both from pyproject.toml."""
    links.set_links(book, path, ROOT, address())


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
        cell.metadata = nbformat.from_dict({name: cell.metadata[name] for name in KEPT if cell.metadata.get(name)})
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
