"""Formulas, set when the site is built: KaTeX (npm, pinned in katex/package-lock.json) runs once in node for all of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import escape
from pathlib import Path

from electra_helpers.errors import ElectraError

HERE = Path(__file__).parent / "katex"
Typeset = Callable[[list[dict]], list[str]]  # [{"tex": …, "display": …}] → HTML, in the same order
MARK = "\x02"  # begins the place of a formula in a page
_PLACE = re.compile(f"{MARK}(\\d+)\x03")


class Formulas:
    """Collects the formulas of all pages; their places in the text are filled once all are known."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], int] = {}

    def place(self, tex: str, *, display: bool) -> str:
        """A mark to put where the formula belongs."""
        return f"{MARK}{self._known.setdefault((tex.strip(), display), len(self._known))}\x03"

    def set(self, typeset: Typeset) -> Callable[[str], str]:
        """Set all formulas; returns the function that fills their places in a page."""
        made = typeset([{"tex": tex, "display": display} for tex, display in self._known])
        return lambda html: _PLACE.sub(lambda found: made[int(found[1])], html)


def as_written(formulas: list[dict]) -> list[str]:
    """The formulas as TeX, where there is no npm."""
    return [f'<code class="tex">{escape(formula["tex"])}</code>' for formula in formulas]


def install_katex(folder: Path) -> Path:
    """KaTeX in `folder`, by npm, unless it is there; returns its `dist`. Raises `ElectraError` where npm fails."""
    made = folder / "node_modules" / "katex" / "dist"
    wanted = (HERE / "package-lock.json").read_text("utf-8")
    lock = folder / "package-lock.json"
    if made.is_dir() and lock.is_file() and lock.read_text("utf-8") == wanted:
        return made
    npm = shutil.which("npm") or "npm"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ElectraError(f"npm could not fetch KaTeX: {(done.stderr or done.stdout).strip()[-300:]}")
    return made


def katex(dist: Path) -> Typeset:
    """A typesetter that runs KaTeX in node; a formula that it does not understand raises `ElectraError`."""

    def typeset(formulas: list[dict]) -> list[str]:
        command = ["node", str(HERE / "typeset.cjs"), str(dist / "katex.js")]
        done = subprocess.run(command, input=json.dumps(formulas), capture_output=True, text=True, encoding="utf-8")
        if done.returncode:
            raise ElectraError(f"KaTeX does not understand a formula: {done.stderr.strip()[-300:]}")
        return json.loads(done.stdout)

    return typeset


def copy_style(dist: Path, out: Path) -> None:
    """KaTeX's style sheet with its woff2 fonts, the only form that browsers of today ask for."""
    (out / "fonts").mkdir(parents=True)
    style = (dist / "katex.min.css").read_text("utf-8")
    style = re.sub(r',url\(fonts/[\w-]+\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)', "", style)
    (out / "katex.css").write_text(style, "utf-8")
    for font in (dist / "fonts").glob("*.woff2"):
        shutil.copy(font, out / "fonts")
