"""What a file of weights says of itself: read and compared with the net before anything is allocated for either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from electra_helpers.config import ONE_NET, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.jsonfile import expect, read_json, shown

BERT = (
    "bert"  # model_type of BERT and of all that is stored as it, such as MiniLM: the same layers under the same names
)
LONGEST_HEADER = 16 << 20  # bytes: about a hundred for each tensor
HARMLESS = 100_000_000  # weights that fit into any machine
LAYER = re.compile(r"(.*\bencoder\.(?:layers|layer))\.(\d+)\.")

# transformers' name → ours, of all that decides how large a net is.
SIZES = {
    "vocab_size": "vocab_size",
    "embedding_size": "embedding_size",
    "hidden_size": "hidden_size",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "intermediate_size": "intermediate_size",
    "max_position_embeddings": "max_positions",
    "type_vocab_size": "type_vocab_size",
}


def read_header(path: Path) -> dict[str, tuple[int, ...]]:
    """Name → shape of every tensor in a safetensors file, of which only the header is read. Raises `ElectraError` if it is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
        if length > LONGEST_HEADER:
            raise ElectraError(f"The weights in {path} are damaged: their header claims {length:,} bytes.")
        with safe_open(str(path), framework="np") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118 - no dictionary
    except (SafetensorError, OSError) as error:
        raise ElectraError(f"The weights in {path} are damaged or no weights: {error}.") from error


def check_layers(header: Mapping[str, tuple[int, ...]], path: Path, shape: ModelConfig) -> None:
    """Raise `ElectraError` where an encoder in the file has another number of layers than its configuration says."""
    found: dict[str, set[str]] = {}
    for name in header:
        if match := LAYER.match(name):
            found.setdefault(match[1], set()).add(match[2])
    for name, numbers in (found or {"": set()}).items():
        asked = shape.for_generator().num_layers if name.startswith("generator.") else shape.num_layers
        if len(numbers) != asked:
            raise ElectraError(misfit(path, f"they are of {len(numbers)} layers, it asks for {asked:,}"))


def check_own(path: Path, shape: ModelConfig, objective: str = "rtd") -> None:
    """Raise `ElectraError` where a file of this package holds tables or layers of other sizes than its configuration says."""
    header = read_header(path)
    check_layers(header, path, shape)
    wide = replace(shape, generator_size=1.0) if objective in ONE_NET else shape
    for name, found in header.items():
        net = wide.for_generator() if name.startswith("generator.") else shape
        asked = _sizes(net).get(name.rpartition("encoder.")[2] if "encoder." in name else "")
        if asked is not None and found != asked:
            raise ElectraError(misfit(path, f"{name} has the shape {found}, it asks for {asked}"))


def misfit(path: Path, what: str) -> str:
    """The error about weights that are not of the net that config.json describes."""
    return f"The weights in {path} do not fit config.json: {what}."


def _sizes(shape: ModelConfig) -> dict[str, tuple[int, int]]:
    return {
        "embeddings.word.weight": (shape.vocab_size, shape.embedding_size),
        "embeddings.position.weight": (shape.max_positions, shape.embedding_size),
        "embeddings.token_type.weight": (shape.type_vocab_size, shape.embedding_size),
        "layers.0.attention.qkv.weight": (3 * shape.hidden_size, shape.hidden_size),
        "layers.0.up.weight": (shape.intermediate_size, shape.hidden_size),
    }


def check_kind(config: Mapping[str, object], folder: Path) -> None:
    """Raise `ElectraError` where a configuration of transformers is of another kind of model."""
    if config.get("model_type") not in ("electra", BERT):
        kind = shown(config.get("model_type", "folder of unknown kind")).strip("'")
        raise ElectraError(f"{folder} is a {kind} model: neither an ELECTRA nor an encoder of BERT's shape.")


def check_export(folder: Path) -> None:
    """Raise `ElectraError` where config.json of a transformers folder is no shape of an ELECTRA, or not that of its weights."""
    path = folder / "config.json"
    config = read_json(path)
    check_kind(config, folder)
    expect(config, path, **dict.fromkeys(SIZES, (int, type(None))))
    found = {ours: config[name] for name, ours in SIZES.items() if config.get(name) is not None}
    if config["model_type"] == BERT and "hidden_size" in found:
        found["embedding_size"] = found["hidden_size"]  # one width for both
    try:
        shape = ModelConfig(**found)
    except ElectraError as error:
        raise ElectraError(f"{path} describes no ELECTRA: {error}") from error
    if (folder / "model.safetensors").is_file():
        _check_shapes(read_header(folder / "model.safetensors"), folder / "model.safetensors", shape)
    elif (folder / "pytorch_model.bin").is_file():
        least, size = least_weights(shape), (folder / "pytorch_model.bin").stat().st_size
        # A pickle has no header; half precision is the smallest that transformers writes.
        if least > HARMLESS and 2 * least > size:
            raise ElectraError(f"{path} asks for {least:,} weights, pytorch_model.bin has {size:,} bytes.")


def _check_shapes(header: Mapping[str, tuple[int, ...]], path: Path, shape: ModelConfig) -> None:
    check_layers(header, path, shape)
    hidden, up = (shape.hidden_size, shape.hidden_size), (shape.intermediate_size, shape.hidden_size)
    wanted = {
        "embeddings.word_embeddings.weight": (shape.vocab_size, shape.embedding_size),
        "embeddings.position_embeddings.weight": (shape.max_positions, shape.embedding_size),
        "embeddings.token_type_embeddings.weight": (shape.type_vocab_size, shape.embedding_size),
        "layer.0.attention.self.query.weight": hidden,
        "layer.0.intermediate.dense.weight": up,
    }
    for end, asked in wanted.items():
        for name, found in header.items():
            if name.endswith(end) and found != asked:
                raise ElectraError(misfit(path, f"{name} has the shape {found}, it asks for {asked}"))
        if not any(name.endswith(end) for name in header):
            raise ElectraError(f"The weights in {path} are not those of an ELECTRA: {end} is missing.")


def least_weights(shape: ModelConfig) -> int:
    """How many weights an encoder of this shape has at least: its tables and the matrices of its layers."""
    tables = (shape.vocab_size + shape.max_positions + shape.type_vocab_size) * shape.embedding_size
    return tables + shape.num_layers * shape.hidden_size * (4 * shape.hidden_size + 2 * shape.intermediate_size)
