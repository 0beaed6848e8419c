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
from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.saved.card import write_card
from electra_helpers.saved.files import write_json_atomically
from electra_helpers.saved.folder import named
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.base import DownstreamTask, Examples, Row, goodness
from electra_helpers.tasks.finetuned import AT_ONCE, Finetuned, card_of, known_rows, load_finetuned, save
from electra_helpers.tasks.finetuning import WHAT_HELPS, Material, learn, read_material, restarts_in, settings_for
from electra_helpers.tasks.own_run import begin, compare, rows_hash
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.checkpoint import only_run_in
from electra_helpers.training.loop import Callback

OF_ONE_SEED = (
    "result.json",
    "checkpoints",
    "best.safetensors",
    "README.md",
    "restarts.json",
)  # what is not copied to the top
MOST_UNKNOWN = 0.05  # share of [UNK] from which on it is said


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

    `callbacks` are made anew for each seed. With `resume` finished seeds are kept and an interrupted one resumes. Raises
    `ElectraError` for a folder that is in use, and for data that does not fit.
    """
    out, config = named(out), config or settings_for(model)
    material = read_material(task, model, train, validation, config)
    described = _describe(task, model, config, seeds, scratch, (train, validation, test))
    described["rows_hash"] = rows_hash(material.examples.examples, material.held_out, test.rows if test else [])
    _prepare(out, described, resume)
    ends = []
    with only_run_in(out, "seeds"):
        for seed in range(config.seed, config.seed + seeds):
            one = replace(material, config=replace(material.config, seed=seed))
            ends.append(_one_seed(model, one, out / "seeds" / str(seed), test, scratch, callbacks(seed)))
    results = summary(ends, config.best_by or material.task.main_metric)
    results["baseline"] = {
        part: _named_baseline(material.task, rows)
        for part, rows in (("validation", material.held_out), ("test", known_rows(material.task, test)))
        if rows
    }
    results["how_scored"] = material.task.how_scored(material.held_out)
    results["remarks"] = _remarks(material, model.tokenizer, ends, results["kept_seed"])
    if material.examples.cut:
        results["cut"] = {"rows": material.examples.cut, "length": material.config.length}
    kept = out / "seeds" / str(results["kept_seed"])
    shutil.copytree(kept, out, ignore=shutil.ignore_patterns(*OF_ONE_SEED), dirs_exist_ok=True)
    write_json_atomically(results, out / "results.json")
    write_card(out, card_of(replace(load_finetuned(out), name=model.name), out.name, results))
    return results


def _describe(
    task: str, model: Pretrained, config: FinetuneConfig, seeds: int, scratch: bool, data: Sequence[LabelledData | None]
) -> dict[str, Any]:
    """What run.json says: the settings, and all that the reader decided about each part of the data."""
    decided = [None if part is None else part.decisions() for part in data]
    run = {"version": __version__, "task": task, "model": model.name, "from_scratch": scratch, "seeds": seeds}
    return run | dict(zip(("train", "validation", "test"), decided, strict=True)) | {"finetune": asdict(config)}


def _prepare(out: Path, described: dict[str, Any], resume: bool) -> None:
    if resume:
        compare(out, described, "leave --resume out to start one")
    else:
        begin(out, described, "choose another --out, or resume the run in it by --resume")


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
        callbacks=callbacks,
    )
    save(made, folder)
    ended = {"seed": material.config.seed, "restarts": restarts_in(folder), "validation": made.evaluation}
    ended["test"] = made.evaluate(test) if test else {}
    shown = material.held_out[:AT_ONCE]
    ended["uniform"] = made.task.uniform(list(made.predict_read(shown))) if len(shown) > 1 else ""
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
    best = max(ends, key=lambda end: goodness(metric, end["validation"].get(metric, 0.0)))
    return {"metric": metric, "seeds": list(ends), **spread, "kept_seed": best["seed"]}


def score_beside_baseline(made: Finetuned, data: LabelledData) -> dict[str, Any]:
    """The model's metrics on labelled rows, and those of the trivial baseline. Raises `ElectraError` if no answer is known."""
    rows = known_rows(made.task, data)
    if not rows:
        raise ElectraError(f"{data.source} has no row with an answer to compare with.")
    said = list(made.predict_read(rows))
    uniform = made.task.uniform(said) if len(rows) > 1 else ""
    found = {"data": data.source, "rows": len(rows), "scores": made.task.score(rows, said)}
    found |= {"baseline": _named_baseline(made.task, rows), "how_scored": made.task.how_scored(rows)}
    remarks = [f"{uniform[0].upper()}{uniform[1:]}."] if uniform else []
    return found | {"read": data.decisions(), "remarks": [*remarks, *unknown_words(made, rows)]}


def unknown_words(made: Finetuned, rows: Sequence[Row]) -> list[str]:
    """A remark where the model does not know more than a twentieth of what it reads; the first rows are looked at."""
    read = Examples(made.task.examples(rows[:AT_ONCE], made.tokenizer, made.config), made.tokenizer.pad_id)
    return _unknown(read.unknown_share(made.tokenizer), made.name)


def _unknown(share: float, name: str) -> list[str]:
    said = f"{share:.0%} of the tokens are [UNK], which {name} does not know: its vocabulary is of other text."
    return [said] if share > MOST_UNKNOWN else []


def _remarks(material: Material, tokenizer: Tokenizer, ends: Sequence[dict[str, Any]], kept: int) -> list[str]:
    """What to know before the scores are believed."""
    same = next(end["uniform"] for end in ends if end["seed"] == kept)
    said = [f"Seed {kept}: {same} of the held-out rows. {WHAT_HELPS}"] if same else []
    uniform, again = sum(bool(end["uniform"]) for end in ends), sum(end["restarts"] > 0 for end in ends)
    said += [f"{uniform} of {len(ends)} seeds give every held-out row one class."] if uniform and len(ends) > 1 else []
    said += [f"{again} of {len(ends)} seeds gave every held-out row one class and started over."] if again else []
    return said + _unknown(material.examples.unknown_share(tokenizer), "the model")


def _named_baseline(task: DownstreamTask, rows: Sequence[Row]) -> dict[str, Any]:
    name, scores = task.baseline(rows)
    return {"name": name} | scores
