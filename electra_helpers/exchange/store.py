"""Models by name: bundled with the course, in a folder of ours or of transformers, or on the hub."""

from __future__ import annotations

import shutil
from pathlib import Path

from electra_helpers.errors import ElectraError
from electra_helpers.jsonfile import expect, read_json
from electra_helpers.model.variants import build_network
from electra_helpers.paths import check_new_folder
from electra_helpers.resources import bundled_models
from electra_helpers.saved.card import pretrained_card, write_card
from electra_helpers.saved.files import build_to_fit, read_model, write_json_atomically, write_model, write_tensors
from electra_helpers.saved.folder import (
    INT8_FORMAT,
    check_name,
    check_own_folder,
    holds_checkpoint,
    named,
    read_config,
    refuse_finetuned,
)
from electra_helpers.saved.int8 import quantise
from electra_helpers.saved.pretrained import Pretrained

WEIGHTS = ("half", "int8")


def write_bundle(run: str | Path, out: str | Path, weights: str = "half") -> Path:
    """Write a finished run as bundled models are: weights, tokenizer, configuration and log; returns `out`.

    Loading gives fp32 again: `weights` "half" rounds each to 11 bits, "int8" to 8 bits with a scale a row, in half the space. Raises
    `ElectraError` where `run` is no run or `out` is not empty.
    """
    if weights not in WEIGHTS:
        raise ElectraError(f"weights is {weights!r}: choose one of {', '.join(WEIGHTS)}.")
    run, out = Path(run), named(out)
    if not (run / "run.json").is_file():
        raise ElectraError(f"{run} is no run: give the folder that `electra pretrain` wrote.")
    check_new_folder(out)
    model = load(run)
    out.mkdir(parents=True, exist_ok=True)
    config = read_config(run)
    if weights == "int8":
        write_tensors(quantise(model.net.state_dict()), out / "model.safetensors")
        config["electra_helpers"] = INT8_FORMAT
    else:
        write_model(model.net.half(), out / "model.safetensors")
    model.tokenizer.save(out, max_length=model.net.config.max_positions)
    write_json_atomically(config, out / "config.json")
    if (run / "log.jsonl").is_file():  # a run that was started from Python keeps no log unless it is asked to
        shutil.copyfile(run / "log.jsonl", out / "log.jsonl")
    described = read_json(run / "run.json")
    expect(described, run / "run.json", sources=list)
    # Where a file lay on the machine that trained is nobody else's business.
    sources = [Path(source).name if Path(source).exists() else source for source in map(str, described["sources"])]
    write_json_atomically(described | {"sources": sources}, out / "run.json")
    told = described.get("pretrain")
    told = told if isinstance(told, dict) else {"objective": config["objective"]}
    write_card(out, pretrained_card(out.name, model.net.config, told, sources=sources))
    return out


def load(name: str | Path) -> Pretrained:
    """Load a model: a bundled name, a folder (a run of ours, an export, one saved by transformers, a TensorFlow checkpoint), or a hub name.

    Both nets come in eval mode, in fp32, on the CPU. Raises `ElectraError` where nothing of that name can be read.

    >>> import electra_helpers as eh
    >>> eh.load("electra-tiny-world-en").net.config.num_layers  # doctest: +SKIP
    2

    Built in notebook 07.
    """
    found = bundled_models()
    folder = found.get(str(name), named(name))
    if holds_checkpoint(folder):
        from electra_helpers.exchange.tensorflow_import import load_tensorflow

        return load_tensorflow(folder)
    if not folder.exists():
        return _from_hub(str(name), list(found))
    config = read_config(folder)
    refuse_finetuned(config, folder)
    if "electra_helpers" not in config:
        from electra_helpers.exchange.transformers_bridge import load_transformers

        return load_transformers(folder)
    return _load_own(folder, config)


def _load_own(folder: Path, config: dict, name: str | None = None) -> Pretrained:
    shape, run, tokenizer = check_own_folder(folder, config)
    net = build_to_fit(lambda: build_network(shape, run), folder / "model.safetensors", shape)
    read_model(net, folder / "model.safetensors")
    return Pretrained(net.eval(), tokenizer, name or folder.name)


def _from_hub(name: str, bundled: list[str]) -> Pretrained:
    """A model of the hub, together with its partner of the same name where that can be had."""
    from electra_helpers.exchange.transformers_bridge import download, load_transformers, partner_name

    check_name(name, bundled)
    folder, partner = download(name), partner_name(name)
    config = read_config(folder)
    refuse_finetuned(config, folder)
    if "electra_helpers" in config:  # `electra push` took it there
        return _load_own(folder, config, name)
    try:
        other = download(partner) if partner else None
    except ElectraError:
        other = None  # one net is a model too; whoever needs the other is told that it is missing
    return load_transformers(folder, name, partner=other)
