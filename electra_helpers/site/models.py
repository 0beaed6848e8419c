"""Models as scripts, which a page from a folder can load: what a tokenizer and a network need to know, and the weights in base 85.

Weights are passed on as they are stored (16 bits, or 8 with a scale a row), so the page computes with the numbers that Python has.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from pathlib import Path

from electra_helpers.resources import FREE_TEXT, bundled_models
from electra_helpers.saved.folder import check_own_folder, read_config
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.view.explorer.examples import examples_for

AT_ONCE = "electra-tiny-world-en"  # small enough to come with the first page
PART = 1_200_000  # bytes of weights in one script: a step of the progress bar
_SHAPE = (
    "embedding_size",
    "hidden_size",
    "num_layers",
    "num_heads",
    "intermediate_size",
    "hidden_act",
    "layer_norm_eps",
)


def models_for_pages() -> list[str]:
    """The models that a page offers, the first at once."""
    wanted = (AT_ONCE, FREE_TEXT, "electra-tiny-world-zh")
    return [name for name in wanted if name in bundled_models()]


def write_model(name: str, out: Path) -> int:
    """Write a bundled model as scripts into `out`; returns the bytes of its weights."""
    folder = bundled_models()[name]
    weights = (folder / "model.safetensors").read_bytes()
    parts = [weights[start : start + PART] for start in range(0, len(weights), PART)]
    out.mkdir(parents=True)
    about = describe(folder) | {"parts": len(parts)}
    (out / "model.js").write_text(
        f"electraModel({json.dumps(name)}, {json.dumps(about, ensure_ascii=False)});\n", "utf-8"
    )
    for number, part in enumerate(parts):
        text = base64.b85encode(part).decode("ascii")  # five characters for four bytes; no quote, no backslash
        (out / f"{number}.js").write_text(f'electraPart({json.dumps(name)}, {number}, "{text}");\n', "utf-8")
    return len(weights)


def describe(folder: Path) -> dict:
    """The shapes of both networks, the vocabulary with its rules, and sentences to begin with."""
    shape, _, tokenizer = check_own_folder(folder, read_config(folder))
    nets = {"discriminator": shape, "generator": shape.for_generator()}
    config = {net: {field: asdict(of)[field] for field in _SHAPE} for net, of in nets.items()}
    config |= {"vocab_size": shape.vocab_size, "max_positions": shape.max_positions, "sharing": shape.sharing}
    return {
        "config": config,
        "rules": rules_of(tokenizer),
        "vocabulary": vocabulary(tokenizer),
        "examples": examples_for(tokenizer),
    }


def vocabulary(tokenizer: Tokenizer) -> str:
    """The tokens in the order of their ids, a line each."""
    return "\n".join(tokenizer.tokens(range(tokenizer.vocab_size)))


def rules_of(tokenizer: Tokenizer) -> dict:
    """How a text becomes words and pieces."""
    found = tokenizer.normalization
    model = json.loads(tokenizer.backend.to_str())["model"]
    return {
        "lowercase": found["lowercase"],
        "strip_accents": tokenizer.strips_accents,
        "chinese": found["handle_chinese_chars"],
        "compose": found["compose"],
        "longest_word": model["max_input_chars_per_word"],
    }
