"""`electra evaluate cleaning` and `acceptability`: how well a discriminator judges text, against trivial baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.cleaning.acceptability import acceptability, open_pairs
from electra_helpers.tasks.cleaning.suspects import cleaner_of, load_cleaner
from electra_helpers.tasks.cleaning.task import choose_threshold, scores_of, trivial, truth_of
from electra_helpers.tasks.finetuned import Finetuned
from electra_helpers.tasks.reading import open_task_data


def evaluate_judge(
    task: str,
    model: str | Path,
    data: str,
    split: str,
    *,
    columns: Mapping[str, str] | None = None,
    threshold: float | None = None,
    choose_on: str | None = None,
    how: str = "sum",
    context: str = "",
    layout: Layout = FOUND_OUT,
) -> dict[str, Any]:
    """Scores against trivial baselines. Raises `ElectraError` for data or a model that does not fit."""
    if task == "acceptability":
        return acceptability(load(model), open_pairs(data, split, columns, layout), how, context=context)
    cleaner = load_cleaner(model)
    if choose_on is not None:
        if threshold is not None:
            raise ElectraError("--threshold or --choose-on, not both.")
        threshold = best_threshold(
            cleaner, open_task_data(choose_on, "validation", task, columns=columns, layout=layout)
        )
    return cleaning_beside_trivial(
        cleaner, open_task_data(data, split, task, columns=columns, layout=layout), threshold
    )


def marked(data: LabelledData) -> LabelledData:
    """The rows whose words are marked. Raises `ElectraError` where there is none."""
    rows = [row for row in data.rows if row["tags"]]
    if not rows:
        raise ElectraError(f"{data.source} has no row whose words are marked right or wrong.")
    return replace(data, rows=rows)


def best_threshold(model: Pretrained | Finetuned, data: LabelledData) -> float:
    """The threshold with the highest F0.5 on marked words."""
    data = marked(data)
    said = list(cleaner_of(model).predict({"tokens": row["tokens"]} for row in data.rows))
    return choose_threshold(scores_of(said), truth_of(data.rows))


def cleaning_beside_trivial(
    model: Pretrained | Finetuned, data: LabelledData, threshold: float | None = None
) -> dict[str, Any]:
    """A cleaner's metrics on marked words, against trivial baselines with as many flags."""
    cleaner, data = cleaner_of(model, threshold), marked(data)
    said = list(cleaner.predict({"tokens": row["tokens"]} for row in data.rows))
    flags, wrong, cut = sum(len(each["flags"]) for each in said), truth_of(data.rows), cleaner.task.threshold
    told = (
        f"{data.source}: {len(data):,} rows, {len(wrong):,} words, {wrong.mean():.1%} of them wrong; "
        f"{flags:,} flagged at {cut:.3f}"
    )
    counts = {
        "rows": len(data),
        "words": len(wrong),
        "base_rate": float(wrong.mean()),
        "threshold": cut,
        "flags": flags,
    }
    scores = {"scores": cleaner.task.score(data.rows, said), "baselines": trivial(data.rows, flags)}
    return {"said": told, "data": data.source} | counts | scores
