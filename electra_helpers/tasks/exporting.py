"""`export`: a model of either kind, as folders that transformers loads, or as ONNX graphs."""

from __future__ import annotations

import shutil
from pathlib import Path

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.onnx_graph import FILE, INPUTS, write_onnx
from electra_helpers.exchange.onnx_int8 import precision_of
from electra_helpers.exchange.store import load
from electra_helpers.exchange.transformers_bridge import CAUSAL
from electra_helpers.exchange.transformers_bridge import export as export_pretrained
from electra_helpers.exchange.transformers_config import transformers_config
from electra_helpers.exchange.transformers_heads import export_finetuned
from electra_helpers.model.heads import FinetunedNet
from electra_helpers.paths import check_new_folder
from electra_helpers.saved.card import Card, exported_card, write_card
from electra_helpers.saved.files import write_json_atomically
from electra_helpers.saved.folder import is_finetuned
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.finetuned import PIPELINES, Finetuned, card_of, load_finetuned
from electra_helpers.text.tokenizer import Tokenizer


def export(
    model: str | Path | Pretrained | Finetuned, out: str | Path, *, onnx: bool = False, int8: bool = False
) -> list[Path]:
    """Write a model as folders that transformers loads, tokenizer and README included; returns the folders.

    A pre-trained model, by name or as it was loaded, becomes OUT/discriminator and OUT/generator (`ElectraForPreTraining`,
    `ElectraForMaskedLM`), OUT/predictor and OUT/language_model where its objective has one. A fine-tuned one, by its folder or as
    `finetune` returned it, becomes OUT. With `onnx` each folder holds model.onnx instead, compared with torch when it is written, in
    eight bits with `int8`. Raises `ElectraError` if `out` holds something already, and for a head that transformers or ONNX does not have.

    >>> import electra_helpers as eh
    >>> eh.export(eh.load("electra-tiny-world-en"), "exported")  # doctest: +SKIP

    Built in notebooks 07 and 14.
    """
    out = Path(out)
    if int8 and not onnx:
        raise ElectraError("int8 is for ONNX: set onnx as well.")
    check_new_folder(out, "choose another folder to export to")
    model = opened(model)
    if onnx:
        try:
            return export_onnx(model, out, int8=int8)
        except BaseException:
            shutil.rmtree(out, ignore_errors=True)  # it was new: of two nets neither is left where one is refused
            raise
    return [export_made(model, out)[0]] if isinstance(model, Finetuned) else export_pretrained(model, out)


def opened(model: str | Path | Pretrained | Finetuned) -> Pretrained | Finetuned:
    """A model as it is loaded, of either kind. Raises `ElectraError` where nothing of that name can be read."""
    if not isinstance(model, str | Path):
        return model
    return load_finetuned(model) if is_finetuned(model) else load(model)


def export_made(made: Finetuned, out: Path) -> tuple[Path, str]:
    """Write a fine-tuned model for transformers; returns its folder and the name of the class that loads it."""
    kind = export_finetuned(made.net, made.tokenizer, made.task.label_names(), out)
    front = {"pipeline_tag": PIPELINES[made.task.name]}
    write_card(out, exported_card(out.name, kind, card_of(made, out.name).summary, front=front))
    return out, kind


def export_onnx(model: Pretrained | Finetuned, out: Path, *, int8: bool = False) -> list[Path]:
    """Write OUT/model.onnx of a fine-tuned model, or a folder for each net of a pre-trained one; returns the folders."""
    if isinstance(model, Finetuned):
        labels = model.task.label_names()
        _write(model.net, model.tokenizer, out, int8=int8, what=card_of(model, out.name).summary, labels=labels)
        return [out]
    nets = {role: getattr(model.net, role, None) for role in ("discriminator", "generator", "predictor", CAUSAL)}
    there = {role: net for role, net in nets.items() if net is not None}
    if not there:
        raise ElectraError(f"{model.name} has neither a generator nor a discriminator to export.")
    for role, net in there.items():
        _write(
            net,
            model.tokenizer,
            out / role,
            int8=int8,
            what=f"The {role.replace('_', ' ')} of {model.name}, an ELECTRA.",
        )
    return [out / role for role in there]


def _write(net, tokenizer: Tokenizer, folder: Path, *, int8: bool, what: str, labels=()) -> None:
    """A graph with its tokenizer, the configuration by which others know it, and a card."""
    folder.mkdir(parents=True, exist_ok=True)
    written = write_onnx(net, folder, int8=int8)
    shape = net.encoder.config
    tokenizer.save(folder, max_length=shape.max_positions)
    about = transformers_config(shape).to_dict()
    if isinstance(net, FinetunedNet) and labels:
        about["id2label"] = {str(number): name for number, name in enumerate(labels)}
        about["label2id"] = {name: number for number, name in enumerate(labels)}
    write_json_atomically(about, folder / "config.json")
    write_card(folder, _onnx_card(folder.name, what, precision_of(written) if int8 else "fp32"))


def _onnx_card(name: str, what: str, precision: str) -> Card:
    code = f'''import numpy as np
import onnxruntime
from transformers import AutoTokenizer

tokens = AutoTokenizer.from_pretrained("{name}")(["A sentence."], return_tensors="np")
session = onnxruntime.InferenceSession("{name}/{FILE}")
print(session.run(None, {{name: tokens[name].astype(np.int64) for name in {INPUTS}}}))'''
    return Card(name, f"{what} As an ONNX graph, {precision}.", code, front={"library_name": "onnx"})
