"""How fast a machine pre-trains: steps of the loop on random rows, beside what its matrix product reaches in the same precision."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

import numpy as np
import torch

from electra_helpers.config import ONE_NET, ModelConfig, PretrainConfig
from electra_helpers.device import DTYPES, choose_device
from electra_helpers.model.variants import build_network
from electra_helpers.recipes import recipe
from electra_helpers.text.packing import Batch
from electra_helpers.text.rows import Rows
from electra_helpers.training.budget import peak_memory, timed
from electra_helpers.training.loop import Trainer
from electra_helpers.training.pretraining import Pretraining

SQUARES = (512, 1024, 2048)  # sizes of the matrices whose product sets the ceiling


@dataclass(frozen=True)
class Speed:
    """What was measured: `tokens_per_second` is the median of the rounds, `spread` half of the distance of their quartiles."""

    tokens_per_second: float
    spread: float
    ceiling_gflops: float
    share_of_ceiling: float
    peak_mb: float
    mflop_per_token: float


class RandomRows:
    """Full rows of random words, drawn anew for every step: what a step costs does not depend on what it reads."""

    def __init__(self, config: PretrainConfig, vocab_size: int, unselectable: int) -> None:
        self.length, self.size = config.length, config.batch_size
        self.words = (unselectable, vocab_size)

    def of_step(self, step: int, mine: slice, *, size: int, seed: int, one_shape: bool = False) -> Batch:
        return Batch(torch.from_numpy(np.random.default_rng(step).integers(*self.words, (size, self.length))[mine]))

    def sample(self, number: int) -> Batch:
        return self.of_step(0, slice(0, number), size=number, seed=0)


def flops_per_token(config: ModelConfig, length: int, mask_share: float, objective: str = "rtd") -> float:
    """Operations of the matrix products of a step, forward and backward, for each token of a full row.

    Of the joint step, or of the one net of `mlm` or `clm`; the latter meets the vocabulary at every token.
    """
    nets = [config] if objective in ONE_NET else [config.for_generator(), config]
    total = 0.0
    for net in nets:
        width = net.hidden_size
        layer = 4 * width * width + 2 * width * net.intermediate_size + 2 * length * width
        total += net.num_layers * layer + (net.embedding_size * width if net.embedding_size != width else 0)
    head = (1 if objective == "clm" else mask_share) * (
        nets[0].hidden_size * config.embedding_size + config.embedding_size * config.vocab_size
    )
    judge = 0 if objective in ONE_NET else config.hidden_size * config.hidden_size + config.hidden_size
    return 3 * 2 * (total + head + judge)  # a multiply-add is two; the backward pass costs two forward passes


def matmul_ceiling(device: torch.device | str = "cpu", precision: str = "fp32") -> float:
    """Operations a second of the machine's own matrix product, the best of a few sizes."""
    dtype, best = getattr(torch, DTYPES[precision]), 0.0
    for n in SQUARES if str(device) == "cpu" else (4096, 8192):
        a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
        for _ in range(3):
            best = max(best, 2 * n**3 / timed(lambda a=a, b=b: a @ b, device))
    return best


def make_trainer(model: ModelConfig, config: PretrainConfig, rows: Rows | None = None) -> Trainer:
    """The package's own loop on random rows, or on others, its `step` to be called and timed."""
    torch.manual_seed(0)
    net = build_network(model, config)
    rows = rows or RandomRows(config, model.vocab_size, max(model.unselectable_ids) + 1)
    return Trainer(Pretraining(net, rows, rows.sample(8), config), config)


def settings(
    size: str, batch_size: int, length: int, dropout: float | None, device: str, precision: str = "fp32"
) -> tuple[ModelConfig, PretrainConfig]:
    """A named size with the shape of the steps to be timed; without `dropout` its own."""
    chosen = recipe(size)
    rate = {} if dropout is None else {"dropout": dropout, "attention_dropout": dropout}
    model = replace(chosen.model, vocab_size=chosen.pretrain.vocab_size, **rate)
    model = replace(model, max_positions=max(model.max_positions, length))
    shape = {"batch_size": batch_size, "length": length, "form": "plain"}
    return model, replace(chosen.pretrain, **shape, device=device, precision=precision)


def measure(model: ModelConfig, config: PretrainConfig, *, rounds: int = 5, steps: int = 4) -> Speed:
    """Time `rounds` of `steps` optimizer steps on this machine, each beside a matrix product.

    >>> from electra_helpers.speed import measure, settings
    >>> measure(*settings("tiny", 4, 32, None, "cpu"), rounds=1, steps=1).tokens_per_second > 0
    True
    """
    trainer = make_trainer(model, config)
    device, precision = trainer.run.device, choose_device(config.device, config.precision).precision
    for _ in range(2):
        trainer.step()
    ceilings, speeds = [], []
    for _ in range(rounds):
        ceilings.append(matmul_ceiling(device, precision))
        seconds = timed(lambda: [trainer.step() for _ in range(steps)], device)
        speeds.append(steps * config.batch_size * config.length / seconds)
    flops, speed = flops_per_token(model, config.length, config.mask_share), statistics.median(speeds)
    low, high = np.quantile(speeds, (0.25, 0.75))
    ceiling = statistics.median(ceilings)
    return Speed(
        speed, float(high - low) / 2, ceiling / 1e9, speed * flops / ceiling, peak_memory(device) / 1e6, flops / 1e6
    )
