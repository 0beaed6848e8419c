"""The explorer's script: the widget's own JavaScript, the tokenizer and the networks in one file that needs no module loader."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

from electra_helpers.site.characters import character_tables
from electra_helpers.view import explorer

HERE = Path(__file__).parent / "engine"
WIDGET = Path(explorer.__file__).parent
NETWORKS = ("kernel.js", "network.js")  # what runs in the worker
PAGE = ("tokenizer.js", "exploration.js")
EXPORT = "export default { render };"  # the widget is a module; here it is a part of a script


def networks_source() -> str:
    """A function that makes the networks, whole in itself, so that a worker can be made from its text."""
    parts = "\n".join((HERE / name).read_text("utf-8") for name in NETWORKS)
    return f"function createEngine() {{\n{parts}\nreturn createModels();\n}}"


@cache
def tables_source() -> str:
    """The tables of characters as a constant."""
    return f"const CHARACTERS = {json.dumps(character_tables(), separators=(',', ':'))};"


def widget_source() -> str:
    """The widget's JavaScript with `render` as a plain function."""
    source = "".join((WIDGET / name).read_text("utf-8") for name in ("chips.js", "explorer.js"))
    if source.count(EXPORT) != 1:
        raise ValueError(f"explorer.js no longer ends in {EXPORT!r}: mend how the site takes it in.")
    return source.replace(EXPORT, "")


def explorer_source() -> str:
    """Everything, in one closed scope."""
    page = [(HERE / name).read_text("utf-8") for name in (*PAGE, "live.js")]
    return "\n".join(
        ["(() => {", '"use strict";', networks_source(), tables_source(), widget_source(), *page, "})();", ""]
    )


def write_engine(out: Path) -> None:
    """The script and the widget's style sheet, in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "explorer.js").write_text(explorer_source(), "utf-8")
    shutil.copy(WIDGET / "explorer.css", out)
