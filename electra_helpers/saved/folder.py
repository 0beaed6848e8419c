"""The folder of a model, judged by its small files and the header of its weights: nothing here loads torch or takes memory."""

from __future__ import annotations

from pathlib import Path

from electra_helpers.config import FinetuneConfig, ModelConfig, PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.fields import from_json
from electra_helpers.jsonfile import expect, read_json, shown
from electra_helpers.resources import bundled_models
from electra_helpers.saved.header import check_export, check_own
from electra_helpers.text.tokenizer import Tokenizer

FORMAT = 1  # what runs are written in
INT8_FORMAT = 2  # with weights in eight bits, which older versions of this package cannot read


def named(folder: str | Path) -> Path:
    """The folder; `.` and `..` under the name that they have, which stands in cards and names the model."""
    folder = Path(folder)
    return folder.resolve() if folder.name in ("", "..") else folder


def holds_checkpoint(folder: Path) -> bool:
    """Whether a folder, or what this is the prefix of, is a TensorFlow checkpoint and no model of ours or of transformers."""
    if any((folder / name).is_file() for name in ("model.safetensors", "pytorch_model.bin")):
        return False
    return folder.with_name(f"{folder.name}.index").is_file() or any(path.is_file() for path in folder.glob("*.index"))


def is_finetuned(folder: str | Path) -> bool:
    """Whether this is the folder of a model with the head of a task."""
    folder = Path(folder)
    return (folder / "config.json").is_file() and "task" in read_config(folder)


def read_config(folder: Path) -> dict:
    """config.json of a model folder ({} for an export, with a folder for each net). Raises `ElectraError` if this is no model."""
    if any((folder / role / "config.json").is_file() for role in ("discriminator", "generator", "language_model")):
        return {}
    try:
        return read_json(folder / "config.json")
    except FileNotFoundError as error:
        raise ElectraError(
            f"{folder} is no model: it has no config.json. Give the folder that `electra pretrain` wrote."
        ) from error


def check_format(config: dict, folder: Path) -> None:
    """Raise `ElectraError` where config.json is of no format of this package, or of a later one."""
    expect(config, folder / "config.json", electra_helpers=int)
    if config["electra_helpers"] > INT8_FORMAT:
        raise ElectraError(
            f"{folder} has model format {shown(config['electra_helpers'])}, this package reads up to {INT8_FORMAT}: update it."
        )


def check_vocabulary(tokenizer: Tokenizer, rows: int, folder: str | Path) -> None:
    """Raise `ElectraError` if a tokenizer has pieces for which the embedding table has no row."""
    if tokenizer.vocab_size > rows:
        raise ElectraError(
            f"{folder} has a tokenizer of {tokenizer.vocab_size:,} pieces and an embedding table of {rows:,} rows: "
            "they are not of one model. Put the model's own tokenizer there, or resize the table in transformers."
        )


def check_ids(tokenizer: Tokenizer, shape: ModelConfig, folder: Path) -> None:
    """Raise `ElectraError` where a vocabulary does not fit the table, or has other special tokens than the net knows."""
    check_vocabulary(tokenizer, shape.vocab_size, folder)
    for name in ("pad_id", "cls_id", "sep_id", "mask_id"):
        if getattr(shape, name) != getattr(tokenizer, name):
            raise ElectraError(
                f"{folder / 'config.json'} says {name} {getattr(shape, name)}, "
                f"the vocabulary beside it {getattr(tokenizer, name)}: they are not of one model."
            )


def check_own_folder(folder: Path, config: dict) -> tuple[ModelConfig, PretrainConfig, Tokenizer]:
    """Shape, objective and vocabulary of a pre-trained model of this package. Raises `ElectraError` where its files do not fit."""
    path = folder / "config.json"
    check_format(config, folder)
    expect(config, path, objective=str, fakes=str, model=dict)
    shape = from_json(ModelConfig, config["model"], path)
    run = from_json(PretrainConfig, {name: config[name] for name in ("objective", "fakes")}, path)
    if not (folder / "model.safetensors").is_file():
        raise ElectraError(f"{folder} holds no weights yet: the run has not written a checkpoint.")
    tokenizer = Tokenizer.load(folder)
    check_ids(tokenizer, shape, folder)
    check_own(folder / "model.safetensors", shape, run.objective)
    return shape, run, tokenizer


def check_finetuned(folder: str | Path) -> dict:
    """config.json of a fine-tuned model. Raises `ElectraError` where the folder holds none, or its files do not fit."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ElectraError(f"There is no folder {folder}: give the --out of `electra finetune`.")
    about, path = read_config(folder), folder / "config.json"
    if not isinstance(about.get("task"), dict):
        raise ElectraError(f"{folder} is not fine-tuned for a task: run `electra finetune` with it as --model first.")
    check_format(about, folder)
    expect(about, path, finetune=dict, model=dict)
    expect(about["task"], path, name=str)
    from_json(FinetuneConfig, about["finetune"], path)
    shape = from_json(ModelConfig, about["model"], path)
    check_ids(Tokenizer.load(folder), shape, folder)
    check_own(folder / "model.safetensors", shape)
    return about


def refuse_finetuned(config: dict, folder: Path) -> None:
    """Raise `ElectraError` where a configuration is of a model with the head of a task."""
    if "task" in config:
        task = str(config["task"].get("name"))[:40] if isinstance(config["task"], dict) else "a task"
        raise ElectraError(f"{folder} is fine-tuned for {task}: use `electra predict`, or load_finetuned.")


def check_pretrained(name: str | Path) -> None:
    """Raise `ElectraError` where no pre-trained model can be loaded by this name; what lies on the hub is not asked for."""
    found = bundled_models()
    folder = found.get(str(name), named(name))
    if holds_checkpoint(folder):
        return None
    if not folder.exists():
        return check_name(str(name), list(found))
    config = read_config(folder)
    refuse_finetuned(config, folder)
    if "electra_helpers" in config:
        check_own_folder(folder, config)
        return None
    for part in [folder / role for role in ("discriminator", "generator") if not config] or [folder]:
        if (part / "config.json").is_file():
            check_export(part)
    return None


def check_name(name: str, bundled: list[str]) -> None:
    """Raise `ElectraError` where a name is none that a model on the hub can have."""
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        known = f" Bundled models: {', '.join(bundled)}." if bundled else ""
        raise ElectraError(f"There is no model {name!r}: no folder of that name.{known}")
