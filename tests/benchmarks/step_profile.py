"""Where the time of a pre-training step goes, by kind of operation, beside the machine's matrix product.

    OMP_NUM_THREADS=2 python -m tests.benchmarks.step_profile small --dropout 0
    OMP_NUM_THREADS=2 python -m tests.benchmarks.step_profile electra-minilm-en --dropout 0 --batch-size 64 --length 64

takes steps on random rows with torch's profiler and prints for each kind milliseconds a step, its share, how many calls, and the bytes
that it allocates; a size's name, or a bundled model's for its shape. The share is the most that could be gained if that kind cost nothing.
Before the profile steps and products take turns without it: what share of the ceiling the step reaches.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace

from torch.profiler import ProfilerActivity, profile

from electra_helpers import load
from electra_helpers.recipes import RECIPES
from electra_helpers.speed import make_trainer, measure, settings

# The first kind whose words occur in an operation's name is its own.
KINDS = {
    "matrix products": ("linear_pointwise", "aten::mm", "aten::addmm", "_product"),
    "attention": ("scaled_dot_product", "aten::bmm", "aten::baddbmm"),
    "GELU": ("gelu",),
    "softmax and cross-entropy": ("softmax", "nll_loss", "logsumexp", "aten::exp_", "crossentropy"),
    "LayerNorm": ("layer_norm",),
    "dropout": ("dropped", "dropout", "aten::ge", "random_"),
    "optimizer and clipping": ("adamw", "optimizer", "linalg_vector_norm", "foreach", "clip"),
    "sums of biases and blocks": ("aten::sum", "cumsum"),
    "adding and scaling": ("aten::add", "aten::mul", "aten::div", "aten::where"),
    "copies and filling": ("copy_", "aten::cat", "fill_", "zero_", "aten::clone"),
}
OTHER = "all else"


def kind_of(name: str) -> str:
    """The kind of an operation by its name in the profile."""
    return next((kind for kind, words in KINDS.items() if any(word in name.lower() for word in words)), OTHER)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=10)
    asked = parser.parse_args()
    known = asked.size if asked.size in RECIPES else "mini"
    model, config = settings(known, asked.batch_size, asked.length, asked.dropout, "cpu")
    if known != asked.size:
        model = replace(load(asked.size).net.config, dropout=asked.dropout, attention_dropout=asked.dropout)
    found = measure(model, config, rounds=asked.steps, steps=1)
    seconds = asked.batch_size * asked.length / found.tokens_per_second
    print(
        f"{asked.size}, dropout {asked.dropout}: {1e3 * seconds:.0f} ms a step, {found.share_of_ceiling:.0%} of the ceiling, which was "
        f"{found.ceiling_gflops:.0f} GFLOP/s"
    )
    trainer = make_trainer(model, config)
    for _ in range(2):
        trainer.step()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        for _ in range(asked.steps):
            trainer.step()
    times, calls, made = defaultdict(float), defaultdict(int), defaultdict(int)
    for row in profiled.key_averages():
        kind = kind_of(row.key)
        times[kind] += row.self_cpu_time_total / 1e3 / asked.steps  # ms
        calls[kind] += row.count
        made[kind] += max(0, row.self_cpu_memory_usage)
    whole = sum(times.values())
    print("| operation | ms a step | share | calls | MB allocated |\n|---|---|---|---|---|")
    for kind, took in sorted(times.items(), key=lambda item: -item[1]):
        print(
            f"| {kind} | {took:.1f} | {took / whole:.1%} | {calls[kind] // asked.steps:,} | {made[kind] / asked.steps / 1e6:,.0f} |"
        )


if __name__ == "__main__":
    main()
