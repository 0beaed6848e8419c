"""Execute notebooks in order and bring them into the form in which they are committed: `make notebooks`.

python -m tests.notebooks.execute                       every English notebook (of the Chinese ones: translated.py)
python -m tests.notebooks.execute notebooks/03*.ipynb   some of them
python -m tests.notebooks.execute --links               only links and grading metadata; nothing runs: `make links`
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from tests.notebooks.form import NOTEBOOKS, ROOT, normalise, notebooks, read, set_links, set_points, translations

CELL_TIMEOUT = 600  # seconds; one slow cell of the laptop profile on two cores takes a third of it


def environment(profile: str) -> dict[str, str]:
    """The variables a kernel runs with: this checkout, offline, on the CPU, in the given profile."""
    return os.environ | {
        "ELECTRA_PROFILE": profile,
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(ROOT),
        "ELECTRA_LANG": "",  # a notebook speaks its own language
    }


@contextmanager
def copied_notebooks() -> Iterator[Path]:
    """A copy of notebooks/ to run in, so that what a notebook writes beside itself stays out of the checkout."""
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "notebooks"
        shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        yield folder


def execute(book: NotebookNode, folder: Path, profile: str = "laptop") -> None:
    """Run `book` in place, in a fresh kernel whose working directory is `folder`."""
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(book, timeout=CELL_TIMEOUT, kernel_name="python3", resources=resources, record_timing=False)
    client.execute(env=environment(profile))


def write(book: NotebookNode, path: Path) -> None:
    nbformat.validate(book)
    nbformat.write(book, path)


def renew(path: Path, folder: Path) -> None:
    """Execute one notebook of the checkout and write it back, normalised; `folder` is the copy to run it in."""
    book, start = read(path), time.monotonic()
    set_links(book, path)
    execute(book, folder / path.relative_to(NOTEBOOKS).parent)
    normalise(book)
    write(book, path)
    print(
        f"{path.relative_to(ROOT)}: {time.monotonic() - start:.0f} s, {path.stat().st_size / 1000:.0f} kB", flush=True
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.notebooks.execute", description=__doc__.split("\n")[0])
    parser.add_argument("notebook", nargs="*", type=Path, help="default: every notebook")
    parser.add_argument("--links", action="store_true", help="only write links and grading metadata anew; run nothing")
    options = parser.parse_args()
    known = [*notebooks(), *translations()] if options.links else notebooks()
    paths = [path.resolve() for path in options.notebook] or known
    if options.links:
        for path in paths:
            book = read(path)
            set_links(book, path)
            for cell in book.cells:
                set_points(cell)
            write(book, path)
        return 0
    with copied_notebooks() as folder:
        for path in paths:
            try:
                renew(path, folder)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                print(f"{path.relative_to(ROOT)} was left as it was: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
