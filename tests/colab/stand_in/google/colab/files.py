"""`files.download`, noted instead of offered in a browser."""

import os
from pathlib import Path


def download(filename: str) -> None:
    """Note the file; raise as Colab does where there is none."""
    if not Path(filename).is_file():
        raise FileNotFoundError(f"Cannot find file: {filename}")
    with Path(os.environ["STAND_IN_LOG"]).open("a", encoding="utf-8") as log:
        log.write(f"download {Path(filename).name}\n")
