"""What a run of GLUE reports: medians over its seeds, beside the trivial baseline and the published numbers, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from electra_helpers import __version__
from electra_helpers.reading.glue import GLUE

# The metric that the paper reports (Section 3.1); accuracy for the others.
METRICS = {"cola": "mcc", "stsb": "spearman"}
BESIDE = {"mrpc": ("f1",), "qqp": ("f1",)}  # what GLUE reports besides
WORDS = {"mcc": "Matthews", "spearman": "Spearman", "accuracy": "accuracy", "f1": "F1"}
SOURCE = (
    "google-research/electra, README, Expected Results: dev sets, median over a large number of seeds. "
    "Small and Base are the released models (the paper's ++), Small-OWT was trained on OpenWebText alone."
)
PUBLISHED = {
    "ELECTRA-Small": {
        **{
            "cola": 57.0,
            "sst2": 91.2,
            "mrpc": 88.0,
            "stsb": 87.5,
            "qqp": 89.0,
            "mnli": 81.3,
            "qnli": 88.4,
            "rte": 66.7,
        },
    },
    "ELECTRA-Small-OWT": {
        **{
            "cola": 56.8,
            "sst2": 88.3,
            "mrpc": 87.4,
            "stsb": 86.8,
            "qqp": 88.3,
            "mnli": 78.9,
            "qnli": 87.9,
            "rte": 68.5,
        },
    },
    "ELECTRA-Base": {
        **{
            "cola": 67.7,
            "sst2": 95.1,
            "mrpc": 89.5,
            "stsb": 91.2,
            "qqp": 91.5,
            "mnli": 88.8,
            "qnli": 93.2,
            "rte": 82.7,
        },
    },
}
RUNS = 10  # of which the paper gives the median (Section 3.1)
Scores = Sequence[Mapping[str, float]]  # one for each seed


def main_metric(task: str) -> str:
    """The metric by which the paper scores a task: Matthews' correlation, Spearman's, or accuracy."""
    return METRICS.get(task, "accuracy")


def task_entry(
    task: str, seeds: Sequence[int], parts: Mapping[str, Scores], baselines: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What the report says of one task: each metric's median, smallest and largest value over the seeds, part by part.

    `parts` are the scores by the name of what was scored, the one that counts first: validation, and mismatched of MNLI.
    """
    spreads = {part: {name: spread(scores, name) for name in names_of(scores)} for part, scores in parts.items()}
    first = next(iter(parts))
    metric = main_metric(task)
    about = {
        "title": GLUE[task].title,
        "metric": metric,
        "score": spreads[first][metric]["median"],
        "seeds": list(seeds),
    }
    return about | {"parts": spreads, "baselines": {part: dict(found) for part, found in baselines.items()}}


def names_of(scores: Scores) -> list[str]:
    """The metrics, without the step at which they were taken."""
    return [name for name in scores[0] if name != "step"]


def spread(scores: Scores, metric: str) -> dict[str, Any]:
    """Median, smallest and largest value of a metric, and every run's.

    >>> spread([{"f1": 0.5}, {"f1": 0.9}, {"f1": 0.6}], "f1")["median"]
    0.6
    """
    runs = [float(each[metric]) for each in scores]
    return {"median": float(np.median(runs)), "min": min(runs), "max": max(runs), "runs": runs}


def report(
    about: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]], missing: Mapping[str, str]
) -> dict[str, Any]:
    """The whole: `about` is what was run, `tasks` has an entry for each task, `missing` says why each other one has none.

    An average over fewer than the eight tasks is none of GLUE: it stands beside the published averages over the same ones.
    """
    ordered = {name: dict(tasks[name]) for name in GLUE if name in tasks}
    found: dict[str, Any] = {"version": __version__, "suite": "glue", **about, "tasks": ordered}
    found["missing"] = {name: missing[name] for name in GLUE if name in missing}
    if ordered:
        found["average"] = {
            "score": float(np.mean([entry["score"] for entry in ordered.values()])),
            "tasks": list(ordered),
            "published": {
                model: round(float(np.mean([numbers[name] for name in ordered])), 1)
                for model, numbers in PUBLISHED.items()
            },
        }
    return found | {"published": {"source": SOURCE, "scores": PUBLISHED}}


def table(found: Mapping[str, Any]) -> str:
    """The report as a Markdown table, its columns aligned so that a terminal shows it as well; scores × 100."""
    models = list(PUBLISHED) if found["split"] == "validation" else []
    head = ["task", "metric", "median", "runs", "baseline", *models]
    rows = [row for name, entry in found["tasks"].items() for row in rows_of(name, entry, models)]
    if "average" in found:
        average = found["average"]
        count = f"average of {len(average['tasks'])}" + (
            "" if len(average["tasks"]) == len(GLUE) else f" of {len(GLUE)}"
        )
        published = [f"{average['published'][model]:.1f}" for model in models]
        rows.append([count, "", points(average["score"]), "", "", *published])
    lines = [f"GLUE, {found['split']}: {found['model']}, {found['how']}.", "", *aligned([head, *rows]), ""]
    lines += [f"{GLUE[name].title} is missing: {why}." for name, why in found["missing"].items()]
    lines += [remark for entry in found["tasks"].values() for remark in entry.get("remarks", [])]
    return "\n".join([*lines, *([f"Published: {SOURCE}"] if models else [])])


def rows_of(name: str, entry: Mapping[str, Any], models: Sequence[str]) -> list[list[str]]:
    """The rows of a task: what the paper reports first, then what GLUE reports besides, and MNLI's other half."""
    rows = []
    for number, (part, metrics) in enumerate(entry["parts"].items()):
        for metric in (entry["metric"], *BESIDE.get(name, ())):
            main = not number and metric == entry["metric"]
            title = entry["title"] if not number else f"{entry['title']}, {part}"
            baseline = entry["baselines"].get(part, {}).get(metric)
            cells = [title, WORDS[metric], points(metrics[metric]["median"]), runs_in_words(metrics[metric])]
            cells.append("–" if baseline is None else points(baseline))
            rows.append([*cells, *(f"{PUBLISHED[model][name]:.1f}" if main else "–" for model in models)])
    return rows


def runs_in_words(metric: Mapping[str, Any]) -> str:
    """`3: 51.2–58.0`, or `1` for a single run."""
    count = len(metric["runs"])
    return f"{count}: {points(metric['min'])}–{points(metric['max'])}" if count > 1 else "1"


def points(value: float) -> str:
    """A share as GLUE writes it, in hundredths."""
    return f"{100 * value:.1f}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table whose first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
