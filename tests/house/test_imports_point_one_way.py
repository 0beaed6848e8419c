"""Imports inside the package point one way: a room knows the rooms before it and none that come after."""

import ast
from pathlib import Path

import electra_helpers

PACKAGE = "electra_helpers"
ROOT = Path(__file__).resolve().parents[2] / PACKAGE
# Rooms of one level may import each other; a room may import every level before its own.
LEVELS = [
    {
        "errors",
        "fields",
        "jsonfile",
        "paths",
        "resources",
        "prefetch",
        "terminal",
        "output",
        "cache",
        "words",
        "language",
    },
    {"config", "recipes", "device"},
    {"world"},
    {"reading"},
    {"text"},
    {"corruption"},
    {"model"},
    {"saved"},
    {"exchange"},
    {"training"},
    {"speed"},
    {"tasks"},
    {"view"},
    {"course"},
    {"classroom"},
    {"cli", "early", "options", "doctor", "__main__"},
    {"site"},
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def room_of(module: str) -> str | None:
    """The room of `electra_helpers.room.file`; None for the package itself and for other packages."""
    parts = module.split(".")
    return parts[1] if parts[0] == PACKAGE and len(parts) > 1 else None


def imported_modules(source: str, module: str, *, is_package: bool) -> set[str]:
    """Absolute names of all that `source` imports, wherever in the file: inside functions and for types too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                here = parts[: len(parts) - node.level + is_package]
                base = ".".join([*here, *filter(None, [node.module])])
            names.add(base)
            if base == PACKAGE:  # `from electra_helpers import text`, or one of the lazy names, which lives in a room
                names |= {electra_helpers._HOME.get(alias.name, f"{PACKAGE}.{alias.name}") for alias in node.names}
    return names


def against_the_direction(root: Path) -> list[str]:
    findings = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join([PACKAGE, *(parts[:-1] if is_package else parts)])
        room = room_of(module)
        if room is None:
            continue
        if room not in LEVEL:
            findings.append(f"{module}: the room {room!r} has no place in the order of imports")
            continue
        for name in sorted(imported_modules(path.read_text("utf-8"), module, is_package=is_package)):
            other = room_of(name)
            if other is not None and other != "__version__" and LEVEL.get(other, len(LEVELS)) > LEVEL[room]:
                findings.append(f"{module} imports {name}, which comes after it")
    return findings


def test_no_import_points_backwards():
    assert against_the_direction(ROOT) == []


def test_every_way_of_writing_a_backward_import_is_found(tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "__init__.py").write_text("from ..model import electra\n")
    (tmp_path / "text" / "a.py").write_text("def f():\n    import electra_helpers.training.loop\n")
    (tmp_path / "text" / "b.py").write_text("from electra_helpers import view\nfrom electra_helpers.config import x\n")
    (tmp_path / "text" / "c.py").write_text(
        "from .packing import x\nfrom ..world import y\nfrom ..tasks.detection import z\n"
    )
    (tmp_path / "helpers.py").write_text("")
    found = against_the_direction(tmp_path)
    assert [line.split()[0] for line in found] == [
        f"{PACKAGE}.helpers:",
        f"{PACKAGE}.text",
        f"{PACKAGE}.text.a",
        f"{PACKAGE}.text.b",
        f"{PACKAGE}.text.c",
    ]
    assert "electra_helpers.tasks.detection" in found[-1]
