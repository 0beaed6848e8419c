"""Write the site of this clone: `python -m electra_helpers.site build/site`."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from electra_helpers.errors import ElectraError

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Build the site and say what it is; a mistake is one line."""
    from electra_helpers.site.build import build, size_of

    out, begun = Path(sys.argv[1] if len(sys.argv) > 1 else "build/site"), time.monotonic()
    katex = ROOT / "build" / "katex" if shutil.which("npm") else None
    if katex is None:
        print(
            "There is no npm on this machine, so formulas stay as TeX: install Node.js, which brings it.",
            file=sys.stderr,
        )
    try:
        site = build(ROOT, out, katex=katex)
    except ElectraError as error:
        sys.exit(f"error: {error}")
    seconds = time.monotonic() - begun
    print(f"{out}/index.html: {len(site.pages)} pages, {size_of(out) / 1e6:.1f} MB, made in {seconds:.0f} s")


if __name__ == "__main__":
    main()
