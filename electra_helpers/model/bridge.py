"""To and from transformers: the same weights under the names of its Electra classes, both nets, both directions.

The pairing rule: the two nets of one pre-training run belong together, and the generator is `generator_size` times as wide. The released
google/electra-*-discriminator pairs with google/electra-*-generator; for small that generator is of *full* size (hidden 256), not 1/4.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from electra_helpers.config import ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import Discriminator, Electra, Generator
from electra_helpers.model.store import Pretrained
from electra_helpers.text.tokenizer import Tokenizer

ROLES = ("discriminator", "generator")

# Our name → transformers' name, inside an encoder and inside one layer; the fused QKV matrix is cut into three.
ENCODER = {
    "embeddings.word": "electra.embeddings.word_embeddings",
    "embeddings.position": "electra.embeddings.position_embeddings",
    "embeddings.token_type": "electra.embeddings.token_type_embeddings",
    "embeddings.layer_norm": "electra.embeddings.LayerNorm",
    "project": "electra.embeddings_project",
}
LAYER = {
    "attention.out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "output_norm": "output.LayerNorm",
}
HEADS = {
    "discriminator": {
        "head.dense": "discriminator_predictions.dense",
        "head.logit": "discriminator_predictions.dense_prediction",
    },
    "generator": {
        "head.dense": "generator_predictions.dense",
        "head.layer_norm": "generator_predictions.LayerNorm",
        "head": "generator_lm_head",
    },
}
QKV = ("query", "key", "value")


def encoder_to_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of an `Encoder` under transformers' names."""
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        module, kind = name.rsplit(".", 1)
        if not module.startswith("layers."):
            found[f"{ENCODER[module]}.{kind}"] = value
            continue
        _, number, part = module.split(".", 2)
        prefix = f"electra.encoder.layer.{number}"
        if part == "attention.qkv":
            for each, piece in zip(QKV, value.chunk(3), strict=True):
                found[f"{prefix}.attention.self.{each}.{kind}"] = piece.clone()
        else:
            found[f"{prefix}.{LAYER[part]}.{kind}"] = value
    return found


def encoder_from_transformers(state: dict[str, Tensor], num_layers: int) -> dict[str, Tensor]:
    """The weights of an `Encoder` out of those of any transformers Electra model."""
    found: dict[str, Tensor] = {}
    for ours, theirs in ENCODER.items():
        for kind in ("weight", "bias"):
            if f"{theirs}.{kind}" in state:
                found[f"{ours}.{kind}"] = state[f"{theirs}.{kind}"]
    for number in range(num_layers):
        prefix = f"electra.encoder.layer.{number}"
        for kind in ("weight", "bias"):
            pieces = [state[f"{prefix}.attention.self.{each}.{kind}"] for each in QKV]
            found[f"layers.{number}.attention.qkv.{kind}"] = torch.cat(pieces)
            for ours, theirs in LAYER.items():
                found[f"layers.{number}.{ours}.{kind}"] = state[f"{prefix}.{theirs}.{kind}"]
    return found


def net_to_transformers(net: Generator | Discriminator, role: str) -> dict[str, Tensor]:
    """The state dict that `ElectraForPreTraining` or `ElectraForMaskedLM` loads."""
    encoder = {n: v.detach() for n, v in net.encoder.state_dict().items()}
    for name, table in zip(("word", "position", "token_type"), net.encoder.embeddings.tables(), strict=True):
        encoder[f"embeddings.{name}.weight"] = table.detach()  # as they are read: a disentangled table is a sum
    found = encoder_to_transformers(encoder)
    for ours, theirs in HEADS[role].items():
        for kind in ("weight", "bias"):
            value = net.state_dict().get(f"{ours}.{kind}")
            if value is not None:
                found[f"{theirs}.{kind}"] = value.detach()
    if role == "generator":
        found["generator_lm_head.weight"] = net.encoder.embeddings.tables()[0].detach()
    return found


def net_from_transformers(state: dict[str, Tensor], role: str, num_layers: int) -> dict[str, Tensor]:
    """The state dict of our `Generator` or `Discriminator`."""
    encoder = encoder_from_transformers(state, num_layers)
    found = {f"encoder.{name}": value for name, value in encoder.items()}
    for ours, theirs in HEADS[role].items():
        for kind in ("weight", "bias"):
            if f"{theirs}.{kind}" in state and not (ours == "head" and kind == "weight"):
                found[f"{ours}.{kind}"] = state[f"{theirs}.{kind}"]
    return found


def transformers_config(config: ModelConfig) -> Any:
    """Our shape as an `ElectraConfig`."""
    from transformers import ElectraConfig

    return ElectraConfig(
        vocab_size=config.vocab_size,
        embedding_size=config.embedding_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        intermediate_size=config.intermediate_size,
        max_position_embeddings=config.max_positions,
        type_vocab_size=config.type_vocab_size,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.attention_dropout,
        layer_norm_eps=config.layer_norm_eps,
        initializer_range=config.initializer_range,
        pad_token_id=config.pad_id,
    )


def to_transformers(net: Electra, role: str) -> Any:
    """One of the nets as `ElectraForPreTraining` or `ElectraForMaskedLM`, in eval mode, with equal logits."""
    from transformers import ElectraForMaskedLM, ElectraForPreTraining

    ours = getattr(net, role)
    if ours is None:
        raise ElectraError(f"This model has no {role}.")
    kind = ElectraForPreTraining if role == "discriminator" else ElectraForMaskedLM
    model = kind(transformers_config(ours.encoder.config))
    dtype = next(ours.parameters()).dtype
    model.to(dtype).load_state_dict(net_to_transformers(ours, role))
    return model.eval()


def export(pretrained: Pretrained, out: str | Path) -> list[Path]:
    """Write the nets as transformers folders OUT/discriminator and OUT/generator, tokenizer included; returns the folders.

    They load with `ElectraForPreTraining` / `ElectraForMaskedLM.from_pretrained` and `AutoTokenizer`. Raises `ElectraError` if `out`
    holds something already.

    >>> import electra_helpers as eh
    >>> eh.export(eh.load("electra-tiny-world-en"), "exported")  # doctest: +SKIP

    Built in notebook 07.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ElectraError(f"{out} is not empty: choose another folder to export to.")
    folders = []
    for role in ROLES:
        if getattr(pretrained.net, role) is not None:
            folders.append(out / role)
            with quiet_transformers():
                to_transformers(pretrained.net, role).save_pretrained(out / role)
            pretrained.tokenizer.save(out / role)
    if not folders:
        raise ElectraError(f"{pretrained.name} has neither a generator nor a discriminator to export.")
    return folders


def load_transformers(folder: Path, name: str | None = None, partner: Path | None = None) -> Pretrained:
    """A model that transformers saved, or an export with two nets, as one of ours. A missing partner stays None."""
    parts = {role: folder / role for role in ROLES if (folder / role / "config.json").is_file()}
    parts = parts or {_role_of(path): path for path in (folder, partner) if path is not None}
    states = {role: _read_transformers(path, role) for role, path in parts.items()}
    config = _joint_config({role: shape for role, (shape, _) in states.items()})
    weights = {role: state for role, (_, state) in states.items()}
    tokenizer = Tokenizer.load(next(iter(parts.values())))
    config = replace(
        config,
        sharing=_sharing(weights),
        pad_id=tokenizer.pad_id,
        cls_id=tokenizer.cls_id,
        sep_id=tokenizer.sep_id,
        mask_id=tokenizer.mask_id,
    )
    net = Electra(config, generator="generator" in weights, discriminator="discriminator" in weights)
    for role, state in weights.items():
        getattr(net, role).load_state_dict(net_from_transformers(state, role, config.num_layers))
    return Pretrained(net.eval(), tokenizer, name or folder.name)


def _role_of(folder: Path) -> str:
    """discriminator or generator, by the class that config.json names. Raises `ElectraError` for another kind of model."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    if config.get("model_type") != "electra":
        raise ElectraError(f"{folder} is a {config.get('model_type', 'folder of unknown kind')} model, not an ELECTRA.")
    named = " ".join(config.get("architectures") or [])
    if "MaskedLM" in named or ("PreTraining" not in named and "generator" in folder.name):
        return "generator"
    return "discriminator"


def _read_transformers(folder: Path, role: str) -> tuple[ModelConfig, dict[str, Tensor]]:
    from transformers import ElectraForMaskedLM, ElectraForPreTraining

    kind = ElectraForPreTraining if role == "discriminator" else ElectraForMaskedLM
    try:
        with quiet_transformers():
            model, info = kind.from_pretrained(folder, output_loading_info=True)
    except (
        OSError,
        ValueError,
        RuntimeError,
        EOFError,
        UnpicklingError,
    ) as error:  # a .bin that holds more than tensors
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ElectraError(f"transformers cannot load {folder}: {reason}") from error
    if info["missing_keys"]:
        # transformers would fill them with random numbers and only warn.
        raise ElectraError(
            f"{folder} has no head of a {role}: {', '.join(sorted(info['missing_keys'])[:2])} … are missing."
        )
    c = model.config
    shape = ModelConfig(
        vocab_size=c.vocab_size,
        embedding_size=c.embedding_size,
        hidden_size=c.hidden_size,
        num_layers=c.num_hidden_layers,
        num_heads=c.num_attention_heads,
        intermediate_size=c.intermediate_size,
        generator_size=1.0,
        max_positions=c.max_position_embeddings,
        type_vocab_size=c.type_vocab_size,
        dropout=c.hidden_dropout_prob,
        attention_dropout=c.attention_probs_dropout_prob,
        layer_norm_eps=c.layer_norm_eps,
        initializer_range=c.initializer_range,
    )
    return shape, model.state_dict()


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without transformers' bars and load reports: what matters of them is raised as an error here."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        logging.enable_progress_bar()


def _joint_config(shapes: dict[str, ModelConfig]) -> ModelConfig:
    """One configuration for both nets: the discriminator's, with the generator's width as a share of it."""
    if len(shapes) == 1:
        return next(iter(shapes.values()))
    judge, maker = shapes["discriminator"], shapes["generator"]
    joint = replace(judge, generator_size=maker.hidden_size / judge.hidden_size)
    made = joint.for_generator()
    for name in ("embedding_size", "hidden_size", "num_layers", "num_heads", "intermediate_size", "vocab_size"):
        if getattr(made, name) != getattr(maker, name):
            raise ElectraError(
                f"These two nets are no pair: the generator's {name} is {getattr(maker, name)}, "
                f"{getattr(made, name)} would fit this discriminator."
            )
    return joint


def _sharing(weights: dict[str, dict[str, Tensor]]) -> str:
    """Which embeddings the two nets have in common, seen from the weights."""
    if len(weights) < 2:
        return "all"

    def same(theirs: str) -> bool:
        names = [n for n in weights["generator"] if n.startswith(theirs)]
        return all(torch.equal(weights["generator"][n], weights["discriminator"][n]) for n in names)

    if all(same(f"{theirs}.") for ours, theirs in ENCODER.items() if ours != "project"):
        return "all"
    return "word" if same(ENCODER["embeddings.word"]) else "none"


def complete_pair(net: Electra, generator_size: float) -> Electra:
    """The same net with a fresh partner where one is missing; a fresh generator is `generator_size` times as wide.

    The partner shares the embeddings that are there, so pre-training can go on from either net alone.
    """
    if net.generator is not None and net.discriminator is not None:
        return net
    size = net.config.generator_size if net.discriminator is None else generator_size
    whole = Electra(replace(net.config, generator_size=size, sharing="all"))
    for role in ROLES:
        if getattr(net, role) is not None:
            getattr(whole, role).load_state_dict(getattr(net, role).state_dict())
    return whole


def partner_name(name: str) -> str | None:
    """The hub name of the other net of a pair: google/electra-small-discriminator ↔ google/electra-small-generator."""
    for role, other in zip(ROLES, reversed(ROLES), strict=True):
        if name.endswith(f"-{role}"):
            return name.removesuffix(role) + other
    return None


def download(name: str) -> Path:
    """Fetch a model from the hub into its cache. Raises `ElectraError` with one clear line where that cannot be done."""
    from huggingface_hub import snapshot_download

    wanted = [
        "config.json",
        "model.safetensors",
        "pytorch_model.bin",
        "tokenizer*.json",
        "vocab.txt",
        "special_tokens_map.json",
    ]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # the hub's client raises many kinds; all of them mean the same to a learner
        raise ElectraError(
            f"The model {name!r} is neither a folder here nor to be had from the hub ({type(error).__name__}). "
            "Check the name and the network; bundled models need none."
        ) from error
