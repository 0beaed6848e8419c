"""Commands that write a model in another form: `electra export` and `electra average`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from electra_helpers.cli.options import Source
from electra_helpers.options import refuse_idle
from electra_helpers.terminal import say


def export(
    folder: Annotated[str, typer.Argument(help="A model: bundled name or folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for the exported nets.")],
    bundle: Annotated[
        bool,
        typer.Option(
            "--bundle", help="Write one small folder for this package instead: weights and log, no checkpoints."
        ),
    ] = False,
    weights: Annotated[
        Source, typer.Option(help="Of a bundle: half (16 bits), or int8, half as large again [half].")
    ] = None,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Write ONNX graphs instead, compared with torch (needs the extra onnx).")
    ] = False,
    int8: Annotated[
        bool,
        typer.Option("--int8", help="With --onnx: eight bits, a quarter as large; what harms too much stays in fp32."),
    ] = False,
) -> None:
    """Write a model for transformers, as ONNX or as a small bundle. Of both nets, or of a fine-tuned one."""
    from electra_helpers.early import check_export
    from electra_helpers.saved.folder import is_finetuned

    check_export(folder, out)
    idle = [(onnx, ("bundle", "weights"), "with --onnx"), (not onnx, ("int8",), "without --onnx")]
    refuse_idle({"bundle": bundle or None, "weights": weights, "int8": int8 or None}, idle)
    from electra_helpers.exchange.store import load, write_bundle
    from electra_helpers.tasks.exporting import export as export_model
    from electra_helpers.tasks.exporting import export_made
    from electra_helpers.tasks.finetuned import load_finetuned, write_finetuned_bundle

    if onnx:
        near = "the same as torch, to 0.0001 of each probability"
        if int8:  # the tokens that are compared are random, and text may lie where a probability is moved more easily
            near = "within 0.03 of torch's probabilities on random tokens; compare texts of your own"
        for written in export_model(folder, out, onnx=True, int8=int8):
            say(f"{written / 'model.onnx'}: {near}")
        return

    tuned = is_finetuned(folder)
    in_half = tuned and weights != "half"
    cases = [
        (not bundle, ("weights",), "without --bundle"),
        (in_half, ("weights",), "for a fine-tuned model, bundled in half"),
    ]
    refuse_idle({"weights": weights}, cases)
    if tuned:
        if bundle:
            say(f'{write_finetuned_bundle(folder, out)}: electra_helpers.load_finetuned("{out}")')
            return
        _, name = export_made(load_finetuned(folder), out)
        say(f"{out}: {name}.from_pretrained({str(out)!r})")
        return
    if bundle:
        say(f'{write_bundle(folder, out, weights or "half")}: electra_helpers.load("{out}")')
        return
    classes = {"discriminator": "ElectraForPreTraining"}
    for written in export_model(load(folder), out):
        say(f"{written}: {classes.get(written.name, 'ElectraForMaskedLM')}.from_pretrained({str(written)!r})")


def average(
    models: Annotated[
        list[str], typer.Argument(help="Runs that started from one another; one named twice counts twice.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the mean.")],
) -> None:
    """Write the mean of the weights of several runs. It is often better than each of them."""
    from electra_helpers.early import check_average

    check_average(models, out)
    from electra_helpers.exchange.averaging import average as mean_of

    say(f'{mean_of(models, out)}: electra_helpers.load("{out}")')
