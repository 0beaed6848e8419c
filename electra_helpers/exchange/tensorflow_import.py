"""ELECTRA's TensorFlow checkpoints as models of ours: the released ones, and all that google-research/electra trains.

The nets are built as the tensors say: sizes are read from shapes, and the embeddings are shared where the generator has none of its own.
Only the number of heads is stored nowhere: it is the reference's one head for 64 units, unless a config.json beside says another.
Sources: reference code, `modeling.py`, `run_pretraining.py`, `training_utils.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.tensorflow_checkpoint import Checkpoint, checkpoint_in
from electra_helpers.exchange.transformers_bridge import (
    HEAD_SIZE,
    encoder_from_transformers,
    net_from_transformers,
    with_generator,
)
from electra_helpers.exchange.transformers_config import ACTIVATIONS
from electra_helpers.model.electra import Electra
from electra_helpers.model.encoder import Encoder
from electra_helpers.saved.files import write_model
from electra_helpers.saved.pretrained import Pretrained, save_config
from electra_helpers.text.tokenizer import Tokenizer

LEFT_OUT = re.compile(r".*/adam_[mv]$|.*Adam(_1)?$|global_step$|generator_predictions/temperature$|beta[12]_power$")
TASKS = "task_specific/"

# The checkpoint's name of a variable → transformers', which `bridge` knows: first the layers, then what a layer holds.
PLACES = (
    (r"^(electra|generator)/embeddings_project/", "electra.embeddings_project/"),
    (r"^(electra|generator)/embeddings/(\w+_embeddings)$", r"electra.embeddings.\2/kernel"),
    (r"^(electra|generator)/embeddings/", "electra.embeddings/"),
    (r"^(electra|generator)/encoder/layer_(\d+)/", r"electra.encoder.layer.\2/"),
    (r"^discriminator_predictions/dense_1/", "discriminator_predictions.dense_prediction/"),
    (r"^generator_predictions/output_bias$", "generator_lm_head/bias"),
)
KINDS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
HEADS = {"discriminator": "discriminator_predictions/", "generator": "generator_predictions/"}


class WithoutStart(TorchFunctionMode):
    """No initial weights, for nets on the meta device: there they change nothing, but load the whole of torch's compiler."""

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        fills = not func.__name__.startswith("__") and func.__name__.endswith("_")  # normal_, uniform_, zero_ …
        tensor = args[0] if args else (kwargs or {}).get("tensor")
        return tensor if fills and getattr(tensor, "is_meta", False) else func(*args, **(kwargs or {}))


def open_checkpoint(folder: str | Path | Checkpoint) -> Checkpoint:
    """The checkpoint in a folder, or of that prefix; one that is open stays. Raises `ElectraError` where there is none."""
    if isinstance(folder, Checkpoint):
        return folder
    return Checkpoint(checkpoint_in(Path(folder)))


def load_tensorflow(folder: str | Path | Checkpoint, vocab: str | Path | None = None) -> Pretrained:
    """A pre-trained checkpoint as a model; either net may be missing. `vocab`: vocab.txt, where it is not in the folder.

    Raises `ElectraError` for a checkpoint that is damaged, that holds no ELECTRA, or whose vocabulary is of another size.
    """
    checkpoint = open_checkpoint(folder)
    scopes = {role: scope for role in HEADS if (scope := scope_of(checkpoint, role))}
    if not scopes:
        tasks = ", ".join(task_names(checkpoint))
        raise ElectraError(
            f"{checkpoint.prefix} is fine-tuned for {tasks}: `electra import` it, then use `electra predict`."
            if tasks
            else f"{checkpoint.index} holds neither generator nor discriminator of an ELECTRA."
        )
    tokenizer = read_vocabulary(checkpoint, vocab)
    shapes = {role: encoder_shape(checkpoint, scope, tokenizer) for role, scope in scopes.items()}
    has_own = {role: f"{scope}/embeddings/word_embeddings" in checkpoint for role, scope in scopes.items()}
    config = joint_shape(shapes, "none" if has_own.get("generator") and len(shapes) > 1 else "all")
    with torch.device("meta"), WithoutStart():  # no memory and no random numbers for what is replaced at once
        net = Electra(config, generator="generator" in shapes, discriminator="discriminator" in shapes)
    for role, scope in scopes.items():
        weights = read_weights(checkpoint, scope, HEADS[role])
        convert = partial(net_from_transformers, weights, role, shapes[role].num_layers)
        fill(getattr(net, role), convert, checkpoint)
    return Pretrained(net.eval(), tokenizer, checkpoint.prefix.parent.name)


def scope_of(checkpoint: Checkpoint, role: str) -> str | None:
    """Where the encoder of a net lies; the generator's under `electra` if both are one; None if there is no such net."""
    head = {
        "discriminator": "discriminator_predictions/dense_1/kernel",
        "generator": "generator_predictions/dense/kernel",
    }
    if head[role] not in checkpoint:
        return None
    own = role == "generator" and any(name.startswith("generator/encoder/") for name in checkpoint)
    return "generator" if own else "electra"


def task_names(checkpoint: Checkpoint) -> list[str]:
    """The tasks that a checkpoint is fine-tuned for."""
    return sorted({name.split("/")[1] for name in checkpoint if name.startswith(TASKS)})


def left_out(checkpoint: Checkpoint) -> list[str]:
    """The variables that belong neither to the two nets nor to the optimizer, such as those of Electric's two towers."""
    known = ("electra/", "generator/", *HEADS.values(), TASKS)
    return [name for name in checkpoint if not name.startswith(known) and not LEFT_OUT.match(name)]


def read_vocabulary(checkpoint: Checkpoint, vocab: str | Path | None) -> Tokenizer:
    """The tokenizer beside a checkpoint, or `vocab`. Raises `ElectraError` where there is none, or it has another size."""
    folder = checkpoint.prefix.parent
    path = Path(vocab) if vocab else folder / "vocab.txt"
    path = path / "vocab.txt" if path.is_dir() else path
    if not path.is_file():
        raise ElectraError(f"There is no vocabulary {path}: name the checkpoint's vocab.txt with --vocab.")
    tokenizer = Tokenizer.from_vocab(path)
    rows = shape_of(checkpoint, "electra/embeddings/word_embeddings", 2)[0]
    if tokenizer.vocab_size != rows:
        raise ElectraError(
            f"{path} has {tokenizer.vocab_size:,} tokens, the word table of {checkpoint.prefix} {rows:,}: "
            "they do not belong together, name the right vocab.txt with --vocab."
        )
    return tokenizer


def shape_of(checkpoint: Checkpoint, name: str, rank: int) -> tuple[int, ...]:
    """The shape of a variable that has to be there."""
    entry = checkpoint.entries.get(name)
    if entry is None or len(entry.shape) != rank:
        found = "has no variable" if entry is None else f"has {len(entry.shape)} dimensions, not {rank}, in"
        raise ElectraError(f"{checkpoint.index} {found} {name}: it is no ELECTRA of the reference code.")
    return entry.shape


def encoder_shape(checkpoint: Checkpoint, scope: str, tokenizer: Tokenizer) -> ModelConfig:
    """The shape of one encoder, from the shapes of its tensors; a config.json beside them may give the number of heads."""
    tables = scope if f"{scope}/embeddings/word_embeddings" in checkpoint else "electra"
    words, embedding_size = shape_of(checkpoint, f"{tables}/embeddings/word_embeddings", 2)
    hidden, _ = shape_of(checkpoint, f"{scope}/encoder/layer_0/attention/self/query/kernel", 2)
    found = re.compile(rf"{scope}/encoder/layer_(\d+)/")
    layers = {int(match[1]) for match in map(found.match, checkpoint) if match}
    config = beside(checkpoint.prefix.parent)
    heads = config.get("num_attention_heads") if scope == "electra" else None
    dropouts = {
        ours: config[theirs]
        for ours, theirs in (("dropout", "hidden_dropout_prob"), ("attention_dropout", "attention_probs_dropout_prob"))
        if isinstance(config.get(theirs), float)
    }
    activation = config.get("hidden_act", "gelu")
    sizes: dict[str, Any] = dict(
        vocab_size=words,
        embedding_size=embedding_size,
        hidden_size=hidden,
        num_layers=len(layers),
        num_heads=heads if isinstance(heads, int) else max(1, hidden // HEAD_SIZE),
        intermediate_size=shape_of(checkpoint, f"{scope}/encoder/layer_0/intermediate/dense/kernel", 2)[1],
        generator_size=1.0,
        max_positions=shape_of(checkpoint, f"{tables}/embeddings/position_embeddings", 2)[0],
        type_vocab_size=shape_of(checkpoint, f"{tables}/embeddings/token_type_embeddings", 2)[0],
        hidden_act=ACTIVATIONS.get(activation, activation),
        **{name: getattr(tokenizer, name) for name in ("pad_id", "cls_id", "sep_id", "mask_id")},
        **dropouts,
    )
    try:
        return ModelConfig(**sizes)
    except ElectraError as error:
        raise ElectraError(f"{checkpoint.index} (with config.json, where there is one): {error}") from error


def beside(folder: Path) -> dict[str, Any]:
    """What config.json in the folder says, {} without one."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ElectraError(f"{folder / 'config.json'} cannot be read: {error}") from error
    return config if isinstance(config, dict) else {}


def joint_shape(shapes: dict[str, ModelConfig], sharing: str) -> ModelConfig:
    """One configuration for the nets that there are; the generator's shape is spelled out where it is not in proportion."""
    if len(shapes) == 1:
        return next(iter(shapes.values()))
    return with_generator(shapes["discriminator"], shapes["generator"], sharing)


def read_weights(checkpoint: Checkpoint, scope: str, head: str = "\0") -> dict[str, Tensor]:
    """The tensors of one net, in fp32, under transformers' names: of its encoder, its embeddings, and its head."""
    tables = f"{scope}/embeddings/" if f"{scope}/embeddings/word_embeddings" in checkpoint else "electra/embeddings/"
    wanted = (tables, f"{scope}/embeddings_project/", f"{scope}/encoder/", head)
    names = [name for name in checkpoint if name.startswith(wanted) and not LEFT_OUT.match(name)]
    return dict(renamed(checkpoint, names))


def renamed(checkpoint: Checkpoint, names: list[str]) -> Iterator[tuple[str, Tensor]]:
    """Variables under transformers' names; a kernel is transposed, since TensorFlow multiplies from the other side."""
    for name in names:
        place = name
        for theirs, ours in PLACES:
            place = re.sub(theirs, ours, place)
        module, _, kind = place.rpartition("/")
        if kind in KINDS:
            yield f"{module.replace('/', '.')}.{KINDS[kind]}", numbers(checkpoint, name)


def numbers(checkpoint: Checkpoint, name: str) -> Tensor:
    """A variable in fp32, copied out of the file."""
    value = checkpoint[name]
    return torch.from_numpy(np.array(value.T if name.endswith("/kernel") else value, np.float32, order="C"))


def fill(module: torch.nn.Module, convert: Callable[[], dict[str, Tensor]], checkpoint: Checkpoint) -> None:
    """Make the tensors that `convert` gives the weights of a module. Raises `ElectraError` where one is missing or of another shape."""
    try:
        weights = convert()
    except KeyError as error:
        raise ElectraError(f"{checkpoint.index} is no whole ELECTRA: {error.args[0]} is missing.") from error
    except RuntimeError as error:  # queries, keys and values that do not fit into one matrix
        raise ElectraError(f"{checkpoint.index} is no whole ELECTRA: {str(error).splitlines()[0]}") from error
    for name, parameter in module.state_dict().items():
        if name not in weights or weights[name].shape != parameter.shape:
            found = "is missing" if name not in weights else f"has the shape {tuple(weights[name].shape)}"
            wanted = f"{tuple(parameter.shape)} was expected"
            raise ElectraError(f"{checkpoint.index} is no whole ELECTRA: {name} {found}, {wanted}.")
    module.load_state_dict(weights, strict=False, assign=True)


def read_encoder(checkpoint: Checkpoint, encoder: Encoder) -> None:
    """Fill the encoder of a fine-tuned checkpoint."""
    weights = read_weights(checkpoint, "electra")
    fill(encoder, partial(encoder_from_transformers, weights, len(encoder.layers)), checkpoint)


def write_imported(model: Pretrained, out: Path) -> None:
    """Write an imported model as a folder that `load` reads."""
    out.mkdir(parents=True, exist_ok=True)
    only_generator = model.net.discriminator is None
    objective, fakes = "mlm" if only_generator else "rtd", "uniform" if model.net.generator is None else "generator"
    model.tokenizer.save(out, max_length=model.net.config.max_positions)
    write_model(model.net, out / "model.safetensors")
    save_config(out, model.net.config, PretrainConfig(objective=objective, fakes=fakes))
