"""What fine-tuning and evaluation print: every score with its spread and, beside it, what costs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any


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


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
