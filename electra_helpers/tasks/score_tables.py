"""What fine-tuning and evaluation print: every score with its spread, against the trivial baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from electra_helpers.reading.files import read_rows
from electra_helpers.tasks.cleaning.flagging import FEWEST, LEAST
from electra_helpers.tasks.cleaning.sampling import SEED

TOP = 10  # words that are shown; all are in the file


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
    lines += [results["how_scored"] + "."] if results.get("how_scored") else []
    lines += results.get("remarks", [])
    if "cut" in results:
        lines.append("{rows:,} training rows were longer than {length} tokens and cut.".format(**results["cut"]))
    if count > 1:
        lines.append(
            f"{out} holds seed {results['kept_seed']}, the best on validation: its score flatters, the mean does not."
        )
    return "\n".join([*lines, f"Use it: electra predict --model {out} --input FILE --output FILE"])


def of_evaluation(found: dict[str, Any]) -> str:
    """Scores beside the baseline's."""
    how = f"; {found['how_scored']}" if found.get("how_scored") else ""
    lines = [f"{found['data']}: {found['rows']:,} rows (baseline: {found['baseline']['name']}{how})"]
    for name, value in found["scores"].items():
        lines.append(f"  {name:<22} {value:<10.3f} baseline {_number(found['baseline'].get(name))}")
    return "\n".join([*lines, *found.get("remarks", [])])


def of_cleaning(found: dict[str, Any], output: Path, corrected: Path | None) -> str:
    """What was flagged, by which rule, and the most suspicious words: one line for each word and suggestion."""
    lines = [f"{found['rows']:,} rows, {found['flags']:,} flags → {output}", _rule(found)]
    if corrected:
        lines.append(f"{found['changed']:,} changed cells → {corrected}")
    worst = _worst(read_rows(output))
    times = Counter(pair for pair in map(_pair, read_rows(output)) if pair in worst)
    for (word, suggestion), flag in sorted(worst.items(), key=lambda each: -float(each[1]["score"])):
        where = f"row {flag['row']}" + (f", {flag['column']}" if flag["column"] else "")
        said = f" → {suggestion}" if suggestion else ""
        often = f"; {times[word, suggestion]:,} times" if times[word, suggestion] > 1 else ""
        place = f"({where}, {flag['start']}–{flag['end']}{often})"
        lines.append(f"  {float(flag['score']):.3f}  {word}{said}  {place}")
    return "\n".join(lines)


def _rule(found: dict[str, Any]) -> str:
    """Which words were flagged, of how many, and where the threshold came from."""
    of, cut = f"flagged of {found['words']:,} words:", f"{found['threshold']:.6g}"
    if found["share"] is None:
        return f"{of} those with a score from {cut} on (--threshold)"
    whole = found["sampled"] == found["rows"]
    on = f"all {found['rows']:,} rows" if whole else f"{found['sampled']:,} of the rows, drawn with seed {SEED}"
    least = f"at least {FEWEST} words, none below a score of {LEAST}"
    return f"{of} the most suspicious {100 * found['share']:g} % ({least}): score from {cut} on, chosen on {on}"


def _worst(flags: Iterable[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """The `TOP` pairs of word and suggestion with the highest scores, each with the first flag that has it; never more are held."""
    worst: dict[tuple[str, str], dict[str, Any]] = {}
    for flag in flags:
        pair, score = _pair(flag), float(flag["score"])
        if pair not in worst or float(worst[pair]["score"]) < score:
            worst[pair] = flag
        if len(worst) > TOP:
            del worst[min(reversed(worst), key=lambda pair: float(worst[pair]["score"]))]
    return worst


def _pair(flag: dict[str, Any]) -> tuple[str, str]:
    return flag["word"], flag["suggestion"]


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
