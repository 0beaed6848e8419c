"""What the parts of a step cost that this package computes in its own way on a CPU, beside torch's.

    python -m tests.benchmarks.parts

Linear layers by oneDNN and by torch, dropout here and in torch. Times are CPU time of one thread, the lower quartile of many calls; forms
take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.model import fast_cpu as layers
from electra_helpers.model.fast_cpu import dropout

ROWS = 2_048  # 16 rows of 128 tokens
SHAPES = {"queries, keys, values": (256, 768), "up": (256, 1_024), "down": (1_024, 256)}


def once(form: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    began = time.thread_time()
    form()
    return time.thread_time() - began


def compare(forms: dict[str, Callable[[], object]], calls: int) -> dict[str, float]:
    """CPU milliseconds of every form."""
    took: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(calls):
        for name, form in forms.items():
            took[name].append(once(form))
    return {name: 1e3 * float(np.quantile(times[2:], 0.25)) for name, times in took.items()}


def products(calls: int) -> None:
    """The output of a linear layer and the gradient of its input; the gradient of the weights is torch's in both."""
    for name, (inputs, outputs) in SHAPES.items():
        x, weight, bias = torch.randn(ROWS, inputs), torch.randn(outputs, inputs), torch.randn(outputs)
        gradient = torch.randn(ROWS, outputs)
        forms = {
            "output, torch": lambda x=x, w=weight, b=bias: F.linear(x, w, b),
            "output, oneDNN": lambda x=x, w=weight, b=bias: layers.product(x, w, b),
            "gradient, torch": lambda g=gradient, w=weight: g @ w,
            "gradient, oneDNN": lambda g=gradient, w=weight: layers.product(g, w.t(), None),
        }
        told = {form: f"{ms:.2f} ms" for form, ms in compare(forms, calls).items()}
        print(f"{name:<22} {', '.join(f'{form} {ms}' for form, ms in told.items())}")


def dropping(calls: int) -> None:
    """Forward and backward of dropout on 2 million elements."""
    x = torch.randn(4 * ROWS, 256, requires_grad=True)

    def both(form: Callable[[Tensor, float], Tensor]) -> Callable[[], object]:
        return lambda: form(x, 0.1).backward(x.detach())

    told = compare({"here": both(dropout), "torch": both(F.dropout)}, calls)
    print(f"dropout, both passes   here {told['here']:.1f} ms, torch {told['torch']:.1f} ms")


def main(calls: int = 40) -> None:
    torch.set_num_threads(1)
    products(calls)
    dropping(calls)


if __name__ == "__main__":
    main()
