"""No two files of the package need each other, not even through a third or inside a function: each can be read after
those it imports. What is imported for types alone does not count."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import electra_helpers

PACKAGE = "electra_helpers"
ROOT = Path(__file__).resolve().parents[2] / PACKAGE


def files_of(root: Path) -> dict[str, Path]:
    """Module name → file."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join([PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return found


def imported_files(module: str, files: dict[str, Path]) -> set[str]:
    """The files of the package that a file imports, wherever in it, but under TYPE_CHECKING."""
    path, found = files[module], set()
    tree = ast.parse(path.read_text("utf-8"))
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            here = module.split(".")[: len(module.split(".")) - node.level + (path.name == "__init__.py")]
            base = ".".join([*(here if node.level else []), *filter(None, [node.module])])
            for alias in node.names:
                # A file of that folder, a lazy name of the package, or else something that the named file holds.
                inside = f"{base}.{alias.name}"
                lazy = electra_helpers._HOME.get(alias.name) if base == PACKAGE else None
                found.add(inside if inside in files else lazy or base)
    return (found & set(files)) - {module, PACKAGE}  # the package itself imports nothing but lazily


def circle(root: Path) -> list[str]:
    """The files of one circle in the order in which they import each other; none, if there is none."""
    files = files_of(root)
    graph = {module: sorted(imported_files(module, files)) for module in files if module != PACKAGE}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1][::-1]
    return []


def test_no_file_is_needed_by_one_that_it_needs():
    assert circle(ROOT) == []


def test_a_circle_is_found_however_it_is_written(tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "__init__.py").write_text("")
    (tmp_path / "text" / "a.py").write_text("def f():\n    from electra_helpers.text import b\n")
    (tmp_path / "text" / "b.py").write_text("from . import c\n")
    (tmp_path / "text" / "c.py").write_text("x = 1\n")
    assert circle(tmp_path) == []
    (tmp_path / "text" / "c.py").write_text("from .a import f\n")
    assert {name.rpartition(".")[2] for name in circle(tmp_path)} == {"a", "b", "c"}
    (tmp_path / "text" / "c.py").write_text("import electra_helpers.text.b\n")
    assert {name.rpartition(".")[2] for name in circle(tmp_path)} == {"b", "c"}
