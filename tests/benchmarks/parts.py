"""What the parts of a step cost that this package computes in its own way on a CPU, beside torch's.

    python -m tests.benchmarks.parts

Linear layers by oneDNN and by torch, dropout here and in torch, steps of ELECTRA-Small with freed memory kept and given back. Times are
CPU time of one thread, the lower quartile of many calls; forms take turns.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.model import linear as layers
from electra_helpers.model.dropout import dropout
from electra_helpers.training import loop
from electra_helpers.training.speed import make_trainer, settings

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


def steps(kept: bool, count: int, size: str) -> dict[str, float]:
    """CPU seconds and page faults of a step, in this process."""
    if not kept:
        loop.keep_freed_memory = lambda: False
    trainer = make_trainer(*settings(size, 16, 128, 0.1, "cpu"))
    for _ in range(2):
        trainer.step()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(count):
        trainer.step()
    now = resource.getrusage(resource.RUSAGE_SELF)
    seconds = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": seconds / count, "faults": (now.ru_minflt - before.ru_minflt) / count}


def memory(count: int, size: str) -> None:
    """Steps in two processes, one that keeps freed memory and one that does not."""
    for kept in (True, False):
        code = f"import json; from tests.benchmarks import parts; print(json.dumps(parts.steps({kept}, {count}, {size!r})))"
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        how = "kept" if kept else "given back"
        print(f"freed memory {how:<10} {found['cpu_seconds']:.2f} CPU s and {found['faults']:,.0f} page faults a step")


def main(calls: int = 40, count: int = 4, size: str = "small") -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    products(calls)
    dropping(calls)
    torch.set_num_threads(threads)
    memory(count, size)


if __name__ == "__main__":
    main()
