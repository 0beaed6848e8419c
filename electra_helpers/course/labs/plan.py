"""The arithmetic of a large run before it is paid for: what is assumed, each with where it comes from, and what follows.

The command is `python -m tests.benchmarks.plan`; notebook 18 reads the same lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from electra_helpers.language import worded

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
    gigabytes = gradients_gb(plan)
    inside = worded("{gb:.2f} GB a step, {ms:.0f} ms", gb=gigabytes, ms=1e3 * gigabytes / plan.link_gb_s)
    needed = step_tokens / step * plan.bytes_per_token / 1e6
    text = {"tokens": tokens / 1e9, "seen": seen / 1e9, "epochs": seen / tokens}
    rate = {"ms": 1e3 * step, "tokens": step_tokens, "speed": step_tokens / step / 1e6}
    cost = {"hours": hours, "gpus": plan.gpus, "gpu_hours": hours * plan.gpus, "price": hours * plan.gpus * plan.price}
    busy = {"speed": needed, "cores": needed / plan.tokenise_mb_s}
    said = [
        worded("{tokens:.1f} billion; the run reads {seen:.0f} billion, {epochs:.1f} epochs", **text),
        worded("{gb:.0f} GB, two bytes a token", gb=2 * tokens / 1e9),
        worded(
            "{hours:.1f} hours on {cores} cores; a machine takes its own files, nothing is merged",
            hours=tokenise,
            cores=plan.cores,
        ),
        worded("{ms:.0f} ms for {tokens:,} tokens, {speed:.2f} million tokens/s", **rate),
        worded("{hours:.0f} hours on {gpus} GPUs, {gpu_hours:.0f} GPU hours, ${price:,.0f}", **cost),
        worded("{speed:.1f} MB/s: any disk", speed=2 * step_tokens / step / 1e6),
        worded("{speed:.1f} MB/s of text, {cores:.0f} cores kept busy", **busy),
        worded("{inside}, hidden behind the backward pass", inside=inside),
        worded("{ms:.0f} ms a step: {verdict}", ms=1e3 * network, verdict=_verdict(network, step)),
        worded(
            "{gb:.1f} GB of weights, gradients and moments, and the activations: no sharding needed", gb=16 * weights
        ),
        worded("{gb:.1f} GB, two are kept", gb=12 * weights),
    ]
    return list(zip(NAMES, said, strict=True))


NAMES = (
    "tokens in the corpus",
    "packed rows on disk",
    "tokenising",
    "one step",
    "training",
    "reading packed rows",
    "tokenising while training",
    "gradients within a machine",
    "gradients between machines",
    "memory of a GPU",
    "a checkpoint",
)


def gradients_gb(plan: Plan) -> float:
    """What a process of a ring sends in a step: nearly twice the gradients, four bytes each."""
    return 2 * 4 * plan.parameters * (plan.gpus - 1) / plan.gpus / 1e9


def _verdict(network: float, step: float) -> str:
    if network < step / 2:
        return worded("hidden behind the backward pass")
    return worded(
        "{network:.1f} times the step itself, so the network bounds the run: a larger batch, or a faster network",
        network=network / step,
    )
