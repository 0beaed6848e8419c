"""Fine-tuned models as folders: several seeds with their spread, written so that a crash loses nothing, and read again.

OUT holds the seed with the best validation score (model.safetensors, config.json, tokenizer, log.jsonl), results.json with
every seed's scores beside the baseline, and seeds/N with what each seed left.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from electra_helpers import __version__
from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.files import read_model, write_json_atomically, write_model
from electra_helpers.model.heads import FinetunedNet
from electra_helpers.model.store import FORMAT, Pretrained, read_config
from electra_helpers.tasks.downstream import DownstreamTask, Row
from electra_helpers.tasks.finetuning import Finetuned, Material, known_rows, learn, read_material, settings_for
from electra_helpers.tasks.registry import task_named
from electra_helpers.text.labelled import LabelledData
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.callbacks import JsonLog
from electra_helpers.training.checkpoint import only_run_in
from electra_helpers.training.loop import Callback


def finetune_seeds(
    task: str,
    model: Pretrained,
    out: str | Path,
    *,
    train: LabelledData,
    validation: LabelledData | None = None,
    test: LabelledData | None = None,
    config: FinetuneConfig | None = None,
    seeds: int = 1,
    scratch: bool = False,
    resume: bool = False,
    callbacks: Callable[[int], Iterable[Callback]] = lambda seed: (),
) -> dict[str, Any]:
    """Fine-tune with `seeds` seeds from `config.seed` on, and write the folder `out`; returns what results.json holds.

    `callbacks` are made anew for each seed. With `resume` finished seeds are kept and an interrupted one goes on. Raises
    `ElectraError` for a folder that is in use, and for data that does not fit.
    """
    out, config = Path(out), config or settings_for(model)
    material = read_material(task, model, train, validation, config)
    _prepare(out, _describe(task, model, config, seeds, scratch, train, validation), resume)
    ends = []
    with only_run_in(out, "seeds"):
        for seed in range(config.seed, config.seed + seeds):
            one = replace(material, config=replace(material.config, seed=seed))
            ends.append(_one_seed(model, one, out / "seeds" / str(seed), test, scratch, callbacks(seed)))
    results = summary(ends, material.task.main_metric)
    results["baseline"] = {
        part: _named_baseline(material.task, rows)
        for part, rows in (("validation", material.held_out), ("test", known_rows(material.task, test)))
        if rows
    }
    if material.examples.cut:
        results["cut"] = {"rows": material.examples.cut, "length": material.config.length}
    kept = out / "seeds" / str(results["kept_seed"])
    shutil.copytree(
        kept, out, ignore=shutil.ignore_patterns("result.json", "checkpoints", "best.safetensors"), dirs_exist_ok=True
    )
    write_json_atomically(results, out / "results.json")
    return results


def _describe(
    task: str, model: Pretrained, config: FinetuneConfig, seeds: int, scratch: bool, *data: Any
) -> dict[str, Any]:
    sources = [None if part is None else {"source": part.source, "rows": len(part)} for part in data]
    run = {"version": __version__, "task": task, "model": model.name, "from_scratch": scratch, "seeds": seeds}
    return run | {"train": sources[0], "validation": sources[1], "finetune": asdict(config)}


# These decide how a run is shown or where it computes, not what comes out: they may change when it is resumed.
FREE = ("log_every", "save_every", "keep", "device", "compile", "accumulation")


def _prepare(out: Path, described: dict[str, Any], resume: bool) -> None:
    path = out / "finetune.json"
    if not resume:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ElectraError(f"{out} is not empty: choose another --out, or go on with the run in it by --resume.")
        out.mkdir(parents=True, exist_ok=True)
        write_json_atomically(described, path)
        return
    try:
        before = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise ElectraError(
            f"There is no fine-tuning run in {out} to resume: leave --resume out to start one."
        ) from None
    flat = [{**d, **d["finetune"], "finetune": None, "version": None, "seeds": None} for d in (before, described)]
    changed = [f"{k}: {flat[0].get(k)!r} → {v!r}" for k, v in flat[1].items() if k not in FREE and flat[0].get(k) != v]
    if changed:
        raise ElectraError(f"The run in {out} was started with other settings ({'; '.join(changed)}).")


def _one_seed(
    model: Pretrained,
    material: Material,
    folder: Path,
    test: LabelledData | None,
    scratch: bool,
    callbacks: Iterable[Callback],
) -> dict[str, Any]:
    """Train a seed, or find that it is done; what it scored."""
    done = folder / "result.json"
    if done.is_file():
        return json.loads(done.read_text("utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    made = learn(
        model,
        material,
        scratch=scratch,
        folder=folder,
        resume=(folder / "checkpoints").is_dir(),
        callbacks=[JsonLog(folder / "log.jsonl"), *callbacks],
    )
    save(made, folder)
    ended = {"seed": material.config.seed, "validation": made.evaluation, "test": made.evaluate(test) if test else {}}
    write_json_atomically(ended, done)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    (folder / "best.safetensors").unlink(missing_ok=True)
    return ended


def summary(ends: Sequence[dict[str, Any]], metric: str) -> dict[str, Any]:
    """Every seed's scores, their mean and standard deviation (over n − 1), and the seed that did best on validation."""
    spread: dict[str, Any] = {}
    for part in ("validation", "test"):
        names = [name for name in ends[0][part] if name != "step"]
        columns = {name: np.array([end[part][name] for end in ends]) for name in names}
        spread[part] = {
            name: {"mean": float(v.mean()), "std": float(v.std(ddof=1)) if len(v) > 1 else 0.0}
            for name, v in columns.items()
        }
    best = max(ends, key=lambda end: end["validation"].get(metric, 0.0))
    return {"metric": metric, "seeds": list(ends), **spread, "kept_seed": best["seed"]}


def score_beside_baseline(made: Finetuned, data: LabelledData) -> dict[str, Any]:
    """The model's metrics on labelled rows, and those of what costs nothing. Raises `ElectraError` if no answer is known."""
    scores, rows = made.evaluate(data), known_rows(made.task, data)
    return {"data": data.source, "rows": len(rows), "scores": scores, "baseline": _named_baseline(made.task, rows)}


def _named_baseline(task: DownstreamTask, rows: Sequence[Row]) -> dict[str, Any]:
    name, scores = task.baseline(rows)
    return {"name": name} | scores


def save(made: Finetuned, folder: Path) -> None:
    """Write weights, tokenizer and what is needed to build the net again."""
    about = {"electra_helpers": FORMAT, "task": made.task.write(folder), "name": made.name}
    about |= {"model": asdict(made.net.encoder.config), "finetune": asdict(made.config)}
    write_model(made.net, folder / "model.safetensors")
    made.tokenizer.save(folder)
    write_json_atomically(about, folder / "config.json")


def load_finetuned(folder: str | Path) -> Finetuned:
    """Load what `electra finetune` wrote. Raises `ElectraError` where the folder holds no fine-tuned model.

    >>> import electra_helpers as eh
    >>> eh.load_finetuned("runs/topic").task.labels  # doctest: +SKIP

    Built in notebook 08.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ElectraError(f"There is no folder {folder}: give the --out of `electra finetune`.")
    about = read_config(folder)
    if not isinstance(about.get("task"), dict):
        raise ElectraError(f"{folder} is not fine-tuned for a task: run `electra finetune` with it as --model first.")
    if about["electra_helpers"] > FORMAT:
        raise ElectraError(
            f"{folder} has model format {about['electra_helpers']}, this package reads up to {FORMAT}: update it."
        )
    try:
        task = task_named(about["task"]["name"]).read(about["task"], folder)
        config, shape = FinetuneConfig(**about["finetune"]), ModelConfig(**about["model"])
    except (TypeError, KeyError) as error:
        raise ElectraError(f"{folder / 'config.json'} is no configuration of this package: {error}") from error
    net = FinetunedNet(Encoder(shape), task.head(shape, config.head), frozen=config.freeze)
    read_model(net, folder / "model.safetensors")
    return Finetuned(net.eval(), Tokenizer.load(folder), task, config, folder.name)
