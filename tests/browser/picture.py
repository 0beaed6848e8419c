"""Take the README's picture of the explorer anew, with the bundled model: `python -m tests.browser.picture`."""

import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.harness import ROOT, Server, chromium, jupyterlab
from tests.browser.widgets import Desk, write_notebook

PICTURE = ROOT / "notebooks" / "images" / "explorer.png"
STORY = "A writer named Eva lived in a small town. But on Wednesday it was the birthday of her neighbour Vera. "
STORY += "Vera had always wanted a white bicycle. But Vera lost her white bicycle somewhere near the church."
CELL = f"""
import electra_helpers as eh
explorer = eh.explore("electra-tiny-world-en", {STORY!r}, top_k=6, seed=2)
explorer.corrupt()
explorer.press(explorer.exploration.current_tokens.index("drum"))
explorer
"""


def take(server: Server) -> bytes:
    with chromium() as browser:
        desk = Desk(server, browser, scale=2)
        desk.open("picture.ipynb")
        desk.run_all(timeout=600)
        desk.widget().wait_for()
        desk.page.set_viewport_size({"width": 1280, "height": 1600})
        desk.page.mouse.move(0, 0)
        return desk.widget().screenshot()


def main() -> None:
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "books"
        folder.mkdir()
        write_notebook(folder / "picture.ipynb", CELL)
        with jupyterlab(folder, Path(room) / "room") as server:
            taken = take(server)
    image = Image.open(io.BytesIO(taken)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    image.save(PICTURE, optimize=True)
    print(f"{PICTURE.relative_to(ROOT)}: {image.width} × {image.height}, {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
