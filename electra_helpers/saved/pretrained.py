"""A model as it is loaded, wherever it came from, and the file that says how to build it again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.model.electra import Electra
from electra_helpers.saved.card import pretrained_card, write_card
from electra_helpers.saved.files import write_json_atomically
from electra_helpers.saved.folder import FORMAT
from electra_helpers.text.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A model as it is loaded: the two nets (one may be missing), their tokenizer, and where they came from."""

    net: Electra
    tokenizer: Tokenizer
    name: str


def save_config(folder: Path, model: ModelConfig, pretrain: PretrainConfig) -> None:
    """config.json: all that is needed to build the network again."""
    content = {
        "electra_helpers": FORMAT,
        "objective": pretrain.objective,
        "fakes": pretrain.fakes,
        "model": asdict(model),
    }
    write_json_atomically(content, folder / "config.json")
    write_card(folder, pretrained_card(folder.name, model, {"objective": pretrain.objective}))
