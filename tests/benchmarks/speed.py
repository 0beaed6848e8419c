"""Pre-training steps of this package beside its peers: separate processes that take turns, several rounds, medians and ratios.

    pip install --no-deps -t build/contenders electra-pytorch==0.1.2
    python -m tests.benchmarks.speed --rounds 7 --dropout 0.1
    python -m tests.benchmarks.speed --rounds 7 --dropout 0
    python -m tests.benchmarks.speed --rounds 7 --dropout 0 --precision bf16

Every process has the same number of threads and waits while another one computes, so that a noisy machine disturbs all alike: the
ratios of one run are what counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np

from electra_helpers.speed import flops_per_token, settings
from tests.benchmarks.contenders import CONTENDERS

ROOT = Path(__file__).resolve().parents[2]


class Contender:
    """A process that takes steps when it is asked."""

    def __init__(self, name: str, options: list[str]) -> None:
        self.name = name
        command = [sys.executable, "-m", "tests.benchmarks.contenders", name, *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answers: list[dict] = []
        self.started = self.read()

    def read(self) -> dict:
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"{self.name} ended with {self.process.wait()} before it answered.")

    def take(self, steps: int) -> None:
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        self.answers.append(self.read())

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def run(names: list[str], rounds: int, steps: int, options: list[str]) -> dict[str, Contender]:
    """All contenders side by side, each started when the one before it is ready."""
    found: dict[str, Contender] = {}
    for name in [*names, "ceiling"]:
        found[name] = Contender(name, options)
    for _ in range(rounds):
        for contender in found.values():
            contender.take(steps)
    for contender in found.values():
        contender.end()
    return found


def table(found: dict[str, Contender], flops: float, first: str = "ours") -> list[dict]:
    """Medians over the rounds, of real tokens; ratios are taken round by round, so that what disturbs a round disturbs both sides of it.

    The share of the ceiling counts padding too, which is multiplied like all else.
    """
    ceilings = [answer["gflops"] * 1e9 for answer in found.pop("ceiling").answers]
    speeds, places, fill = {}, {}, {}
    for name, contender in found.items():
        seconds, real, all_places = (
            np.array([a[what] for a in contender.answers]) for what in ("seconds", "tokens", "places")
        )
        speeds[name], places[name], fill[name] = real / seconds, all_places / seconds, real.sum() / all_places.sum()
    return [
        {
            "contender": name,
            "tokens_per_second": float(np.median(speed)),
            "quartiles": [float(q) for q in np.quantile(speed, (0.25, 0.75))],
            "share_of_ceiling": float(np.median(places[name] * flops / np.array(ceilings))),
            "fill": float(fill[name]),
            "peak_mb": max(a["peak_mb"] for a in found[name].answers),
            "ours_is_faster_by": float(np.median(speeds[first] / speed)),
            "ceiling_gflops": statistics.median(ceilings) / 1e9,
        }
        for name, speed in speeds.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=2, help="steps of each in a round")
    parser.add_argument("--size", default="small")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--json", type=Path, help="write the rows there too")
    asked = parser.parse_args()
    shape = ("size", "batch_size", "length", "dropout", "precision")
    options = [f"--{name.replace('_', '-')}={getattr(asked, name)}" for name in shape]
    found = run(asked.contenders, asked.rounds, asked.steps, options)
    model, config = settings(asked.size, asked.batch_size, asked.length, asked.dropout, "cpu")
    flops = flops_per_token(model, asked.length, config.mask_share)
    rows = table(found, flops)
    print("| | tokens/s | quartiles | of the ceiling | peak MB | ours is faster by |\n|---|---|---|---|---|---|")
    for row in rows:
        low, high = row["quartiles"]
        print(
            f"| {row['contender']} | {row['tokens_per_second']:,.0f} | {low:,.0f} … {high:,.0f} | {row['share_of_ceiling']:.0%} "
            f"| {row['peak_mb']:,.0f} | {row['ours_is_faster_by']:.2f} |"
        )
    print(f"\nceiling {rows[0]['ceiling_gflops']:.0f} GFLOP/s, {flops / 1e6:.0f} MFLOP a token")
    if asked.json:
        asked.json.write_text(json.dumps({"settings": vars(asked) | {"json": None}, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
