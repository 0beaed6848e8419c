"""The first page: one sentence, the explorer at once, what is built, three doors, and pictures that the course made."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from electra_helpers.language import worded, wording
from electra_helpers.resources import bundled_models
from electra_helpers.site import models
from electra_helpers.site.engine import explorer_source
from electra_helpers.site.notebooks import cells_of
from electra_helpers.site.pages import Page, Places
from electra_helpers.view.explorer.words import front_words

ABOUT: dict[str, dict[str, str]] = {
    "electra-tiny-world-en": {
        "label": wording("Little world"),
        "about": wording(
            "This net has read short stories of one small world and nothing else. Change a word, or pick another story."
        ),
    },
    "electra-tiny-world-zh": {
        "label": "小世界",
        "about": "这个网络只读过一个小世界里的短篇故事。点一个词看看，或换一个故事。",
    },
}
FREE = {
    "label": wording("Real English"),
    "about": wording(
        "This net has read real English. Type a sentence of your own; a rare word may surprise it, right or wrong."
    ),
}
LOADING = wording("Loading the model: once, then it stays.")
# The story of the README's picture: each bicycle was drawn without knowing of the other.
STORY = "A writer named Eva lived in a small town. But on Wednesday it was the birthday of her neighbour Vera. "
STORY += "Vera had always wanted a white bicycle. But Vera lost her white bicycle somewhere near the church."
REPLACED = {"bicycle": "drum"}  # the first of them is replaced when the page opens

# Number of a notebook, how the description of its picture begins, and what is said below it.
PICTURES = (
    ("03", "The generator", wording("A generator learns; the lowest line is what nobody can beat.")),
    ("07", "P(replaced) of", wording("Which words make one word suspicious.")),
    (
        "06",
        "Minimal pairs preferred",
        wording("Your run over recorded ones: is the difference larger than the spread?"),
    ),
    ("11", "Attention of", wording("A translator's decoder looks at what it translates.")),
)


def choices() -> list[dict[str, Any]]:
    """The models that the page offers: name, label, size on the way to the reader, and what to know of it."""
    found = []
    for name in models.models_for_pages():
        stored = (bundled_models()[name] / "model.safetensors").stat().st_size
        megabytes = stored * 5 / 4 / 1e6  # in base 85
        about = {key: worded(text) for key, text in ({"loading": LOADING} | ABOUT.get(name, FREE)).items()}
        found.append({"name": name, "size": f"{megabytes:.0f} MB"} | about)
    return found


def start() -> dict[str, Any]:
    """What stands in the explorer at first: a story with one word replaced."""
    from electra_helpers.text.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(bundled_models()[models.AT_ONCE])
    tokens = tokenizer.encode(STORY).tokens
    return {"text": STORY, "sampled": {tokens.index(word): other for word, other in REPLACED.items()}}


def fill(page: Page, places: Places) -> None:
    """Write the explorer's place into the page; without scripts, the picture of it stays."""
    picture = places.link("notebooks/images/explorer.png", page)
    attributes = {
        "models": json.dumps(choices(), ensure_ascii=False),
        "start": json.dumps(start()),
        "base": page.to("models"),
        "label": worded("Model"),
        "words": json.dumps(front_words(explorer_source()), ensure_ascii=False),
    }
    written = " ".join(f'data-{name}="{escape(value)}"' for name, value in attributes.items())
    about = worded("The token explorer on a story of the little world, each word with its P(replaced).")
    page.body = f'<div class="live" {written}><img src="{picture}" alt="{about}"></div>'


def pictures(pages: dict[str, Page], root: Path) -> list[dict[str, str]]:
    """Pictures from the notebooks' stored outputs, each with its page; those that a notebook no longer shows are left out."""
    found = []
    for number, begins, caption in PICTURES:
        page = pages.get(number)
        image = _picture(root / str(page.source), root / "notebooks", begins) if page else None
        if page and image:
            found.append({"image": image, "caption": worded(caption), "page": page.name, "link": page.title})
    return found


def _picture(path: Path, english: Path, begins: str) -> str | None:
    """The first picture of a notebook whose description begins so, in the English notebook of the folder `english`."""
    shown = {cell.get("id"): _described(cell) for cell in cells_of(path)}
    for cell in cells_of(english / path.name):
        place = next((i for i, (about, _) in enumerate(_described(cell)) if about.startswith(begins)), None)
        if place is not None and place < len(shown.get(cell.get("id"), [])):
            about, data = shown[cell.get("id")][place]
            return f'<img src="data:image/png;base64,{data}" alt="{escape(about)}" loading="lazy">'
    return None


def _described(cell: Any) -> list[tuple[str, str]]:
    """The pictures that a cell shows: (description, PNG in base64)."""
    outputs = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    return [
        (output.get("metadata", {}).get("image/png", {}).get("alt", ""), "".join(output.data["image/png"].split()))
        for output in outputs
    ]
