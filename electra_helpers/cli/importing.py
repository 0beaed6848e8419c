"""The command `electra import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def import_checkpoint(
    folder: Annotated[
        Path, typer.Argument(help="Folder with model.ckpt*.index and .data-*, or one checkpoint's path without .index.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the model.")],
    vocab: Annotated[Optional[Path], typer.Option(help="Its vocab.txt, where that is not in the folder.")] = None,  # noqa: UP045
    task: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Fine-tuned checkpoints: which task, where there are several, such as sst or squad."),
    ] = None,
    kind: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Fine-tuned for a task that the authors' code does not know: classification or tagging."),
    ] = None,
    labels: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Fine-tuned: names of its labels, with commas between them."),
    ] = None,
) -> None:
    """Read a TensorFlow checkpoint of the authors' ELECTRA. Pre-trained or fine-tuned; TensorFlow is not needed."""
    from electra_helpers.exchange.tensorflow_checkpoint import checkpoint_in
    from electra_helpers.options import refuse_idle
    from electra_helpers.paths import check_new_folder

    check_new_folder(out, "choose another --out")
    checkpoint_in(folder)  # said before torch is loaded
    from electra_helpers.exchange.tensorflow_import import (
        left_out,
        load_tensorflow,
        open_checkpoint,
        task_names,
        write_imported,
    )
    from electra_helpers.tasks.finetuned import save
    from electra_helpers.tasks.tensorflow_tasks import Wanted, load_finetuned_tensorflow

    checkpoint = open_checkpoint(folder)
    if task or task_names(checkpoint):
        names = tuple(name.strip() for name in labels.split(",")) if labels else ()
        wanted = Wanted(task, kind, names, vocab)
        made = load_finetuned_tensorflow(checkpoint, wanted)
        checkpoint.check()  # damage is refused where it would not be read, too
        out.mkdir(parents=True, exist_ok=True)
        save(made, out)
        print(f"{out}: fine-tuned for {made.task.name}. electra predict --model {out} --input FILE --output FILE")
        return
    refuse_idle(
        {"kind": kind, "labels": labels}, [(True, ("kind", "labels"), "for a checkpoint that is not fine-tuned")]
    )
    model = load_tensorflow(checkpoint, vocab)
    checkpoint.check()
    write_imported(model, out)
    nets = [role for role in ("discriminator", "generator") if getattr(model.net, role) is not None]
    print(f'{out}: {" and ".join(nets)}. electra_helpers.load("{out}"), electra export {out} exported')
    if others := left_out(checkpoint):
        print(f"left out: {len(others)} variables that neither net has, such as {others[0]}")
