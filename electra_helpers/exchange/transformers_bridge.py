"""To and from transformers: the same weights under the names of its Electra classes, both nets, both directions.

The pairing rule: the two nets of one pre-training run belong together, and the generator is `generator_size` times as wide. The released
google/electra-*-discriminator pairs with google/electra-*-generator; for small that generator is of *full* size (hidden 256), not 1/4.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from electra_helpers.config import GENERATOR_SHAPE, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.transformers_config import shape_of, transformers_config
from electra_helpers.model.electra import Discriminator, Electra, Generator
from electra_helpers.model.heads import main_encoder
from electra_helpers.model.variants import CausalLanguageModel, EncoderOnly
from electra_helpers.paths import check_new_folder
from electra_helpers.recipes import nearest_recipe
from electra_helpers.saved.card import exported_card, write_card
from electra_helpers.saved.folder import check_vocabulary, read_config
from electra_helpers.saved.header import BERT, check_export, check_kind
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.tokenizer import Tokenizer

ROLES = ("discriminator", "generator")
ENCODER_ONLY = "encoder"  # a model without the head of either
CAUSAL = "language_model"  # the one net of clm
CLASSES = {
    "discriminator": "ElectraForPreTraining",
    "generator": "ElectraForMaskedLM",
    ENCODER_ONLY: "ElectraModel",
    CAUSAL: "ElectraForCausalLM",
}
HEAD_SIZE = 64  # units of an attention head, in every size that the authors trained
GENERATOR_DEPTH = 1 / 3  # of a generator that is made of a BERT's first layers, at full width

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
SIZES = ("embedding_size", "hidden_size", "num_layers", "num_heads", "intermediate_size")


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
    """The state dict that `ElectraForPreTraining`, `ElectraForMaskedLM` or `ElectraForCausalLM` loads."""
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
            if f"{theirs}.{kind}" in state:  # the generator's output matrix too, "head.weight": to be compared
                found[f"{ours}.{kind}"] = state[f"{theirs}.{kind}"]
    return found


def to_transformers(net: Electra, role: str) -> Any:
    """One of the nets as transformers' class of its role, in eval mode, with equal logits."""
    import transformers

    ours = getattr(net, role, None)
    if ours is None:
        raise ElectraError(f"This model has no {role}.")
    config = transformers_config(ours.encoder.config)
    # A predictor is a masked language model as well, and the head of a causal one has the same parts.
    model = getattr(transformers, class_of(role))(config)
    dtype = next(ours.parameters()).dtype
    head = "discriminator" if role == "discriminator" else "generator"
    model.to(dtype).load_state_dict(net_to_transformers(ours, head))
    return model.eval()


def class_of(role: str) -> str:
    """transformers' class of a net."""
    return CLASSES.get(role, CLASSES["generator"])


def export(pretrained: Pretrained, out: str | Path) -> list[Path]:
    """Write the nets as transformers folders OUT/discriminator and OUT/generator, tokenizer included; returns the folders.

    The predictor of the objectives that have one goes to OUT/predictor (without the copy gate of all-tokens-mlm), the net of clm to
    OUT/language_model (`ElectraForCausalLM`). The others load with `ElectraForPreTraining` / `ElectraForMaskedLM.from_pretrained` and
    `AutoTokenizer`. Raises `ElectraError` if `out` holds something already, or for a net with no form there (`no_export`).

    >>> import electra_helpers as eh
    >>> eh.export(eh.load("electra-tiny-world-en"), "exported")  # doctest: +SKIP

    Built in notebook 07.
    """
    if why := getattr(pretrained.net, "no_export", None):
        raise ElectraError(f"{pretrained.name} {why}")
    check_new_folder(out := Path(out), "choose another folder to export to")
    folders, front = [], {"discriminator": {}, CAUSAL: {"pipeline_tag": "text-generation"}}
    for role in (*ROLES, "predictor", CAUSAL):
        if getattr(pretrained.net, role, None) is not None:
            folders.append(out / role)
            with quiet_transformers():
                to_transformers(pretrained.net, role).save_pretrained(out / role)
            pretrained.tokenizer.save(out / role, max_length=pretrained.net.config.max_positions)
            tags, net = front.get(role, {"pipeline_tag": "fill-mask"}), role.replace("_", " ")
            said = f"The {net} of {pretrained.name}, an ELECTRA."
            write_card(out / role, exported_card(role, class_of(role), said, front=tags))
    if not folders:
        raise ElectraError(f"{pretrained.name} has neither a generator nor a discriminator to export.")
    return folders


def load_transformers(folder: Path, name: str | None = None, partner: Path | None = None) -> Pretrained:
    """A model that transformers saved, or an export with two nets, as one of ours with the same logits. A missing partner stays None.

    Of a task's model (classification and the like), and of an `ElectraModel`, the encoder is taken: it can be fine-tuned and started
    from. Raises `ElectraError` for a model whose configuration or logits are not those of this package.
    """
    parts = {role: folder / role for role in (*ROLES, CAUSAL) if (folder / role / "config.json").is_file()}
    if not parts:
        parts = {_role_of(folder): folder}
        if partner is not None and ENCODER_ONLY not in parts:
            parts.setdefault(_role_of(partner), partner)
            parts.pop(ENCODER_ONLY, None)
    read = {role: _read_transformers(path, role) for role, path in parts.items()}
    weights = {role: model.state_dict() for role, (_, model) in read.items()}
    config = _joint_config({role: shape for role, (shape, _) in read.items()})
    tokenizer = Tokenizer.load(next(iter(parts.values())))
    check_vocabulary(tokenizer, config.vocab_size, folder)
    special = {f"{name}_id": getattr(tokenizer, f"{name}_id") for name in ("pad", "cls", "sep", "mask")}
    config = replace(config, sharing=_sharing(weights), **special)
    net = _filled(config, weights).eval()
    for role, (_, model) in read.items():
        _check_logits(net, model, role, parts[role])
    return Pretrained(net, tokenizer, name or folder.name)


def _filled(config: ModelConfig, weights: dict[str, dict[str, Tensor]]) -> Electra:
    """Our nets with transformers' weights, by role."""
    if ENCODER_ONLY in weights:
        net = EncoderOnly(config)
        state = {f"electra.{name}": value for name, value in weights[ENCODER_ONLY].items()}
        net.encoder.load_state_dict(encoder_from_transformers(state, config.num_layers))
        return net
    if CAUSAL in weights:
        net = CausalLanguageModel(config)
    else:
        net = Electra(config, generator="generator" in weights, discriminator="discriminator" in weights)
    for role, state in weights.items():
        ours, head = getattr(net, role), "discriminator" if role == "discriminator" else "generator"
        state = net_from_transformers(state, head, ours.encoder.config.num_layers)
        table = state.pop("head.weight", None)
        if table is not None and not torch.equal(table, state["encoder.embeddings.word.weight"]):
            raise ElectraError(
                "The generator's output matrix is not its word table (tie_word_embeddings): it has to be."
            )
        ours.load_state_dict(state)
    return net


@torch.no_grad()
def _check_logits(net: Electra, theirs: Any, role: str, folder: Path) -> None:
    """Raise `ElectraError` where our net says something else than transformers' on a few random tokens."""
    config = main_encoder(net).config
    random = torch.Generator().manual_seed(0)
    ids = torch.randint(config.vocab_size, (2, min(9, config.max_positions)), generator=random)
    segments = torch.randint(config.type_vocab_size, ids.shape, generator=random)
    said = theirs.eval()(input_ids=ids, token_type_ids=segments)
    wanted = said.last_hidden_state if role == ENCODER_ONLY else said.logits
    found = (net.encoder if role == ENCODER_ONLY else getattr(net, role))(ids, segments)
    off = float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-6))
    if not off < 1e-3:
        raise ElectraError(
            f"{folder} computes something else than this package does: its {role}'s outputs differ by {off:.1%}. "
            "Is there an unusual field in its config.json?"
        )


def _role_of(folder: Path) -> str:
    """The role of a net, by the class that config.json names. Raises `ElectraError` for another kind of model."""
    config = read_config(folder)
    check_kind(config, folder)
    if config["model_type"] == BERT:
        return ENCODER_ONLY
    named = str(config.get("architectures") or "")
    if not named:
        return ENCODER_ONLY if _is_headless(folder) else "generator" if "generator" in folder.name else "discriminator"
    if "CausalLM" in named and config.get("is_decoder"):
        return CAUSAL
    if "MaskedLM" in named or "CausalLM" in named:
        return "generator"
    return "discriminator" if "PreTraining" in named else ENCODER_ONLY


def _is_headless(folder: Path) -> bool:
    """Whether the weights, as far as their names can be read, hold neither net's head."""
    try:
        with safe_open(folder / "model.safetensors", "pt") as file:
            return not any("_predictions." in name or "_lm_head." in name for name in file.keys())  # noqa: SIM118 - no dict
    except (OSError, SafetensorError):  # transformers will say what is wrong
        return False


def _read_transformers(folder: Path, role: str) -> tuple[ModelConfig, Any]:
    """The shape of a net and transformers' model of it, in fp32. Raises `ElectraError` where it cannot be read whole."""
    import transformers

    check_export(folder)
    try:
        with quiet_transformers():
            is_bert = read_config(folder).get("model_type") == BERT
            config = (transformers.BertConfig if is_bert else transformers.ElectraConfig).from_pretrained(folder)
            shape = shape_of(config, folder, causal=role == CAUSAL)
            if is_bert:
                depth = max(1, round(GENERATOR_DEPTH * shape.num_layers))
                shape = replace(shape, generator_layers=depth)
            config.chunk_size_feed_forward = 0  # the same numbers in pieces, which must divide the length
            kind = transformers.BertModel if is_bert else getattr(transformers, CLASSES[role])
            more = {"add_pooling_layer": False} if is_bert else {}
            model, info = kind.from_pretrained(folder, config=config, output_loading_info=True, **more)
    except ElectraError:
        raise
    except Exception as error:  # transformers raises many kinds; a .bin may hold more than tensors
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ElectraError(f"transformers cannot load {folder}: {reason}") from error
    if info["missing_keys"]:
        # transformers would fill them with random numbers and only warn.
        raise ElectraError(
            f"{folder} is not whole: of a{'n' if role == ENCODER_ONLY else ''} {role} "
            f"{', '.join(sorted(info['missing_keys'])[:2])} … are missing."
        )
    return shape, model.float()


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
        role, shape = next(iter(shapes.items()))
        # For a generator that is yet to be made: the usual share of this width, or the first layers at full width.
        if role == "generator" or shape.generator_layers:
            return shape
        return replace(shape, generator_size=nearest_recipe(shape).model.generator_size)
    judge, maker = shapes["discriminator"], shapes["generator"]
    own_tables = maker.embedding_size == maker.hidden_size != judge.embedding_size  # untied, in the reference's way
    joint = with_generator(judge, maker, "none" if own_tables else "all")
    made = replace(joint, generator_shape=()).for_generator()
    free = {"embedding_size"} if own_tables else set()
    if maker.num_heads == max(1, maker.hidden_size // HEAD_SIZE) and maker.intermediate_size == 4 * maker.hidden_size:
        free |= {"hidden_size", "num_heads", "intermediate_size"}  # the reference's rule, whatever the other net has
    for name in (*SIZES, "hidden_act", "layer_norm_eps", "max_positions", "type_vocab_size", "vocab_size"):
        if getattr(made, name) != getattr(maker, name) and name not in free:
            raise ElectraError(
                f"These two nets are no pair: the generator's {name} is {getattr(maker, name)}, "
                f"{getattr(made, name)} would fit this discriminator."
            )
    return joint


def with_generator(judge: ModelConfig, maker: ModelConfig, sharing: str) -> ModelConfig:
    """The configuration of two nets of these shapes; the generator's is spelled out where it is not in proportion."""
    depth = 0 if maker.num_layers == judge.num_layers else maker.num_layers
    size = min(1.0, maker.hidden_size / judge.hidden_size)
    joint = replace(judge, generator_size=size, generator_layers=depth)
    wanted, found = (tuple(getattr(c, name) for name in GENERATOR_SHAPE) for c in (maker, joint.for_generator()))
    return replace(joint, sharing=sharing, generator_shape=() if wanted == found else wanted)


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
        "dictionary.json",  # of a model that translates, with the vocabulary that it writes
        "target/*",
    ]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # the hub's client raises many kinds; all of them mean the same to a learner
        raise ElectraError(
            f"The model {name!r} is neither a folder here nor to be had from the hub ({type(error).__name__}). "
            "Check the name and the network; bundled models need none."
        ) from error
