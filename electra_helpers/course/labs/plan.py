"""The arithmetic of a large run before it is paid for: what is assumed, each with where it comes from, and what follows.

The command is `python -m tests.benchmarks.plan`; notebook 18 reads the same lines.
"""

from __future__ import annotations

from dataclasses import dataclass

HOUR = 3600.0


@dataclass(frozen=True)
class Plan:
    """What is known or assumed; the defaults are ELECTRA-Base on eight GPUs over 100 GB of text."""

    text_gb: float = 100.0  # the corpus, uncompressed
    bytes_per_token: float = 4.4  # English in a vocabulary of 30,522; `electra corpus stats` measures yours
    tokenise_mb_s: float = 1.4  # text to packed rows on one core, measured here (tests/benchmarks/text_throughput.py)
    cores: int = 64  # of all machines that tokenise together
    steps: int = 766_000  # paper, Table 6
    batch: int = 256  # paper, Table 6
    length: int = 512  # paper, Table 6
    train_flops: float = 6.4e19  # paper, Table 8: the whole run of ELECTRA-Base
    published_tokens: float = 766_000 * 256 * 512  # of the run that these operations are of: paper, Table 6
    parameters: float = 119e6  # discriminator 109 M, generator 9.9 M
    gpus: int = 8
    tflops: float = 312.0  # of one A100 in bf16, NVIDIA's data sheet
    utilisation: float = 0.35  # share of that which training reaches: an assumption to be measured in the first minutes
    price: float = 2.0  # of one GPU hour, in dollars: an assumption
    link_gb_s: float = 200.0  # between the GPUs of one machine (NVLink), bytes
    network_gb_s: float = 3.0  # between machines: 25 Gbit/s Ethernet, bytes

    @property
    def step_seconds(self) -> float:
        """Seconds of one step on all GPUs together."""
        operations = self.batch * self.length * self.train_flops / self.published_tokens
        return operations / (self.gpus * self.tflops * 1e12 * self.utilisation)

    @property
    def hours(self) -> float:
        """Hours of the whole run."""
        return self.steps * self.step_seconds / HOUR


SMALL = {  # ELECTRA-Small: paper, Tables 6 and 8
    "steps": 1_000_000,
    "batch": 128,
    "length": 128,
    "train_flops": 1.4e18,
    "published_tokens": 1_000_000 * 128 * 128,
    "parameters": 14.15e6,
}


def facts(plan: Plan) -> list[tuple[str, str]]:
    """What follows, a line each."""
    tokens = plan.text_gb * 1e9 / plan.bytes_per_token
    seen = plan.steps * plan.batch * plan.length
    step_tokens, step, hours = plan.batch * plan.length, plan.step_seconds, plan.hours
    tokenise = plan.text_gb * 1e3 / (plan.tokenise_mb_s * plan.cores) / HOUR
    weights, network = plan.parameters / 1e9, gradients_gb(plan) / plan.network_gb_s
    inside = f"{gradients_gb(plan):.2f} GB a step, {1e3 * gradients_gb(plan) / plan.link_gb_s:.0f} ms"
    needed = step_tokens / step * plan.bytes_per_token / 1e6
    return [
        ("tokens in the corpus", f"{tokens / 1e9:.1f} billion; the run reads {seen / 1e9:.0f} billion, {seen / tokens:.1f} epochs"),
        ("packed rows on disk", f"{2 * tokens / 1e9:.0f} GB, two bytes a token"),
        ("tokenising", f"{tokenise:.1f} hours on {plan.cores} cores; a machine takes its own files, nothing is merged"),
        ("one step", f"{1e3 * step:.0f} ms for {step_tokens:,} tokens, {step_tokens / step / 1e6:.2f} million tokens/s"),
        ("training", f"{hours:.0f} hours on {plan.gpus} GPUs, {hours * plan.gpus:.0f} GPU hours, ${hours * plan.gpus * plan.price:,.0f}"),
        ("reading packed rows", f"{2 * step_tokens / step / 1e6:.1f} MB/s: any disk"),
        ("tokenising while training", f"{needed:.1f} MB/s of text, {needed / plan.tokenise_mb_s:.0f} cores kept busy"),
        ("gradients within a machine", f"{inside}, hidden behind the backward pass"),
        ("gradients between machines", f"{1e3 * network:.0f} ms a step: {_verdict(network, step)}"),
        ("memory of a GPU", f"{16 * weights:.1f} GB of weights, gradients and moments, and the activations: no sharding needed"),
        ("a checkpoint", f"{12 * weights:.1f} GB, two are kept"),
    ]  # fmt: skip


def gradients_gb(plan: Plan) -> float:
    """What a process of a ring sends in a step: nearly twice the gradients, four bytes each."""
    return 2 * 4 * plan.parameters * (plan.gpus - 1) / plan.gpus / 1e9


def _verdict(network: float, step: float) -> str:
    if network < step / 2:
        return "hidden behind the backward pass"
    return f"{network / step:.1f} times the step itself, so the network bounds the run: a larger batch, or a faster network"
