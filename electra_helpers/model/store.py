"""Models by name: bundled with the course, in a folder of ours or of transformers, or on the hub."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.ablations import build_network
from electra_helpers.model.electra import Electra
from electra_helpers.model.files import read_model, write_json_atomically, write_model
from electra_helpers.resources import bundled_models
from electra_helpers.text.tokenizer import Tokenizer

FORMAT = 1


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


def write_bundle(run: str | Path, out: str | Path) -> Path:
    """Write a finished run as bundled models are: weights in half precision, tokenizer, configuration and log; returns `out`.

    Loading gives fp32 again, rounded to 11 bits. Raises `ElectraError` where `run` is no run or `out` is not empty.
    """
    run, out = Path(run), Path(out)
    if not (run / "run.json").is_file():
        raise ElectraError(f"{run} is no run: give the folder that `electra pretrain` wrote.")
    if out.exists() and any(out.iterdir()):
        raise ElectraError(f"{out} is not empty: choose another folder.")
    model = load(run)
    out.mkdir(parents=True, exist_ok=True)
    write_model(model.net.half(), out / "model.safetensors")
    model.tokenizer.save(out)
    for name in ("config.json", "log.jsonl"):
        shutil.copyfile(run / name, out / name)
    described = json.loads((run / "run.json").read_text("utf-8"))
    # Where a file lay on the machine that trained is nobody else's business.
    sources = [Path(source).name if Path(source).exists() else source for source in described["sources"]]
    write_json_atomically(described | {"sources": sources}, out / "run.json")
    return out


def load(name: str | Path) -> Pretrained:
    """Load a model: a bundled name, a folder (a run of ours, an export, or one saved by transformers), or a hub name.

    Both nets come in eval mode, in fp32, on the CPU. Raises `ElectraError` where nothing of that name can be read.

    >>> import electra_helpers as eh
    >>> eh.load("electra-tiny-world-en").net.config.num_layers  # doctest: +SKIP
    2

    Built in notebook 07.
    """
    found = bundled_models()
    folder = found.get(str(name), Path(name))
    if not folder.exists():
        return _from_hub(str(name), list(found))
    config = read_config(folder)
    if "task" in config:
        raise ElectraError(
            f"{folder} is fine-tuned for {config['task']['name']}: use `electra predict`, or load_finetuned."
        )
    if "electra_helpers" not in config:
        from electra_helpers.model.bridge import load_transformers

        return load_transformers(folder)
    return _load_own(folder, config)


def is_finetuned(folder: str | Path) -> bool:
    """Whether this is the folder of a model with the head of a task."""
    folder = Path(folder)
    return (folder / "config.json").is_file() and "task" in read_config(folder)


def read_config(folder: Path) -> dict:
    """config.json of a model folder ({} for an export with two nets). Raises `ElectraError` if this is no model."""
    if (folder / "discriminator" / "config.json").is_file() or (folder / "generator" / "config.json").is_file():
        return {}
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise ElectraError(
            f"{folder} is no model: it has no config.json. Give the folder that `electra pretrain` wrote."
        ) from error
    except (ValueError, OSError) as error:
        raise ElectraError(f"{folder / 'config.json'} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise ElectraError(f"{folder / 'config.json'} is no model configuration.")
    return config


def _load_own(folder: Path, config: dict) -> Pretrained:
    if config["electra_helpers"] > FORMAT:
        raise ElectraError(
            f"{folder} has model format {config['electra_helpers']}, this package reads up to {FORMAT}: update it."
        )
    try:
        shape = ModelConfig(**config["model"])
        run = PretrainConfig(objective=config["objective"], fakes=config["fakes"])
    except (TypeError, KeyError) as error:
        raise ElectraError(f"{folder / 'config.json'} is no model configuration of this package: {error}") from error
    if not (folder / "model.safetensors").is_file():
        raise ElectraError(f"{folder} holds no weights yet: the run has not written a checkpoint.")
    net = build_network(shape, run)
    read_model(net, folder / "model.safetensors")
    return Pretrained(net.eval(), Tokenizer.load(folder), folder.name)


def _from_hub(name: str, bundled: list[str]) -> Pretrained:
    """A model of the hub, together with its partner of the same name where that can be had."""
    from electra_helpers.model.bridge import download, load_transformers, partner_name

    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        known = f" Bundled models: {', '.join(bundled)}." if bundled else ""
        raise ElectraError(f"There is no model {name!r}: no folder of that name.{known}")
    folder, partner = download(name), partner_name(name)
    try:
        other = download(partner) if partner else None
    except ElectraError:
        other = None  # one net is a model too; whoever needs the other is told that it is missing
    return load_transformers(folder, name, partner=other)
