"""What fine-tuning and evaluation print: every score with its spread and, beside it, what costs nothing."""

from __future__ import annotations

from heapq import nlargest
from pathlib import Path
from typing import Any

from electra_helpers.text.files import read_rows

TOP = 10  # flags that are shown; all are in the file


def of_finetuning(results: dict[str, Any], out: Path) -> str:
    """Mean and spread over the seeds for validation and test, the baseline's scores, and what to type next."""
    count = len(results["seeds"])
    lines = []
    for part in ("validation", "test"):
        if not results[part]:
            continue
        baseline = results["baseline"].get(part, {})
        lines.append(f"{part}, {count} seed{'s' if count > 1 else ''} (baseline: {baseline.get('name', 'none')})")
        for name, spread in results[part].items():
            shown = f"{spread['mean']:.3f}" + (f" ± {spread['std']:.3f}" if count > 1 else "")
            lines.append(f"  {name:<22} {shown:<16} baseline {_number(baseline.get(name))}")
    if "cut" in results:
        lines.append("{rows:,} training rows were longer than {length} tokens and cut.".format(**results["cut"]))
    if count > 1:
        lines.append(
            f"{out} holds seed {results['kept_seed']}, the best on validation: its score flatters, the mean does not."
        )
    return "\n".join([*lines, f"Use it: electra predict --model {out} --input FILE --output FILE"])


def of_evaluation(found: dict[str, Any]) -> str:
    """Scores beside the baseline's."""
    lines = [f"{found['data']}: {found['rows']:,} rows (baseline: {found['baseline']['name']})"]
    for name, value in found["scores"].items():
        lines.append(f"  {name:<22} {value:<10.3f} baseline {_number(found['baseline'].get(name))}")
    return "\n".join(lines)


def of_cleaning(found: dict[str, Any], output: Path, corrected: Path | None) -> str:
    """What was flagged, and the most suspicious words."""
    lines = [f"{found['rows']:,} rows, {found['flags']:,} flags → {output}"]
    if corrected:
        lines.append(f"{found['changed']:,} changed cells → {corrected}")
    ranked = nlargest(TOP, read_rows(output), key=lambda flag: float(flag["score"]))
    for flag in ranked:
        where = f"row {flag['row']}" + (f", {flag['column']}" if flag["column"] else "")
        said = f" → {flag['suggestion']}" if flag["suggestion"] else ""
        lines.append(f"  {float(flag['score']):.3f}  {flag['word']}{said}  ({where}, {flag['start']}–{flag['end']})")
    return "\n".join(lines)


def of_trivial(found: dict[str, Any]) -> str:
    """Each metric beside what every trivial way gets."""
    names = list(found["baselines"])
    lines = [found["said"], f"  {'':<18}{'model':>8}" + "".join(f"{name:>18}" for name in names)]
    for metric, value in found["scores"].items():
        each = "".join(f"{_number(found['baselines'][name].get(metric)):>18}" for name in names)
        lines.append(f"  {metric:<18}{value:>8.3f}{each}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
