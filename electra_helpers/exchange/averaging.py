"""The mean of the weights of several models of one run, or of runs that continue each other."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.jsonfile import read_json
from electra_helpers.paths import check_new_folder
from electra_helpers.saved.card import pretrained_card, write_card
from electra_helpers.saved.files import write_json_atomically, write_model
from electra_helpers.saved.folder import named


@torch.no_grad()
def average(models: Sequence[str | Path], out: str | Path) -> Path:
    """Write the mean of the weights of `models` as the model folder `out`, which is returned; one named twice counts twice.

    A mean lies lower than its parts where these lie around one minimum: checkpoints of one run, or runs that started from one another.
    Of nets that were trained from different starts it is worth nothing. Tokenizer, run.json and log are those of the last model.
    Raises `ElectraError` where there are fewer than two, their shapes, nets or vocabularies differ, or `out` is not empty.
    Source: Izmailov et al. (2018), stochastic weight averaging; Wortsman et al. (2022), model soups.

    >>> average(["runs/first", "runs/second"], "runs/mean")  # doctest: +SKIP
    """
    out = named(out)
    if len(models) < 2:
        raise ElectraError("A mean is of two models or more: name them all.")
    check_new_folder(out)
    if not (Path(models[-1]) / "run.json").is_file():
        raise ElectraError(f"{models[-1]} is no run: name one last that `electra pretrain` wrote.")
    loaded = [load(model) for model in models]
    last = loaded[-1]
    for one in loaded:
        is_alike = one.net.config == last.net.config and one.net.state_dict().keys() == last.net.state_dict().keys()
        if not is_alike or one.tokenizer.fingerprint != last.tokenizer.fingerprint:
            raise ElectraError(
                f"{one.name} and {last.name} differ in shape, objective or vocabulary: only models of one run, or of runs "
                "that continue each other, can be averaged."
            )
    total = {name: weight.clone() for name, weight in loaded[0].net.state_dict().items()}
    for one in loaded[1:]:
        for name, weight in one.net.state_dict().items():
            total[name] += weight
    last.net.load_state_dict({name: weight / len(loaded) for name, weight in total.items()})
    out.mkdir(parents=True, exist_ok=True)
    last.tokenizer.save(out, max_length=last.net.config.max_positions)
    folder = Path(models[-1])
    for name in ("config.json", "log.jsonl"):
        if (folder / name).is_file():  # a run that was started from Python keeps no log unless it is asked to
            shutil.copyfile(folder / name, out / name)
    described = read_json(folder / "run.json")
    write_json_atomically(described | {"mean_of": [one.name for one in loaded]}, out / "run.json")
    write_model(last.net, out / "model.safetensors")
    card = pretrained_card(
        out.name, last.net.config, described.get("pretrain") or {}, sources=described.get("sources") or []
    )
    write_card(out, replace(card, remarks=[f"the mean of the weights of {', '.join(one.name for one in loaded)}"]))
    return out
