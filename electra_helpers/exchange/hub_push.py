"""Upload of a model folder to the hub, with its card, without what only the run needs."""

from __future__ import annotations

import re
from pathlib import Path

from electra_helpers.errors import ElectraError
from electra_helpers.saved.card import MARK, NAME, exported_card
from electra_helpers.saved.folder import named, read_config

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# What goes, beside the card: the model, its vocabularies, its log and its scores. All else stays here: training state, other seeds, what
# trackers keep, and run.json, which says where files lay on this machine.
GOES = (
    *("config.json", "generation_config.json", "log.jsonl", "results.json", "dictionary.json", "LICENSE*"),
    *("model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json", "model.onnx"),
)
VOCABULARY = (
    "tokenizer*.json",
    "vocab.txt",
    "special_tokens_map.json",
)  # also of the language that is written, in target/


def check_push(folder: str | Path, to: str) -> Path:
    """The folder. Raises `ElectraError` where it holds no model, and for a name that no repository can have."""
    folder = named(folder)
    if not REPOSITORY.fullmatch(to):
        raise ElectraError(f"--to {to!r}: write OWNER/NAME, such as ada/my-electra.")
    if not folder.is_dir():
        raise ElectraError(f"There is no folder {folder}: give one that `electra pretrain`, finetune or export wrote.")
    if not read_config(folder):
        raise ElectraError(f"{folder} holds two exported nets: push each of them, such as {folder / 'discriminator'}.")
    if not any((folder / name).is_file() for name in ("model.safetensors", "model.onnx")):
        raise ElectraError(f"{folder} holds no weights yet: neither model.safetensors nor model.onnx.")
    return folder


def what_goes(folder: Path) -> list[str]:
    """The files of a model folder that are uploaded, as paths inside it, README.md left aside."""
    patterns = [*GOES, *VOCABULARY, *(f"target/{name}" for name in VOCABULARY)]
    found = {
        file.relative_to(folder).as_posix() for pattern in patterns for file in folder.glob(pattern) if file.is_file()
    }
    return sorted(found)


def card_for(folder: Path, to: str) -> str:
    """The folder's README, in which the name of the repository stands for that of the folder where we wrote it; else a card."""
    path = folder / NAME
    if not path.is_file():
        return exported_card(to, "AutoModel", "An ELECTRA.").text()
    text = path.read_text("utf-8")
    if MARK not in text:
        return text
    return text.replace(f'"{folder.name}"', f'"{to}"').replace(f"# {folder.name}\n", f"# {to.split('/')[1]}\n", 1)


def push(folder: str | Path, to: str, *, private: bool = False, message: str = "Upload an ELECTRA") -> str:
    """Upload a model folder as the repository `to` (OWNER/NAME) of the hub, which is made if needed; returns its address.

    The token is that of `hf auth login`, or HF_TOKEN. Only the model goes, with its vocabularies, card, log and scores (GOES); a folder
    without README.md gets a card. Raises `ElectraError` where the folder holds no model, and where the hub refuses.

    >>> import electra_helpers as eh
    >>> eh.push("runs/topic", "ada/topic")  # doctest: +SKIP
    """
    folder = check_push(folder, to)
    from huggingface_hub import CommitOperationAdd, HfApi

    content = {name: folder / name for name in what_goes(folder)} | {NAME: card_for(folder, to).encode()}
    api = HfApi()
    try:
        made = api.create_repo(to, private=private or None, exist_ok=True)
        additions = [CommitOperationAdd(name, content[name]) for name in sorted(content)]
        api.create_commit(to, additions, commit_message=message)  # one commit: nobody loads half a model
    except Exception as error:  # the hub's client raises many kinds
        reason = str(error).strip().splitlines()
        raise ElectraError(
            f"The hub did not take {folder} as {to} ({type(error).__name__}: {reason[0] if reason else 'no reason given'}). "
            "Check the network and your token: `hf auth login`, with the right to write."
        ) from error
    return str(made)
