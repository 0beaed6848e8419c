"""How long 110 million parameters take from a TensorFlow checkpoint to a net, and how much memory.

python -m tests.benchmarks.tensorflow_import
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from electra_helpers.exchange.crc import crc32c
from electra_helpers.exchange.store import load
from electra_helpers.exchange.tensorflow_import import write_imported
from electra_helpers.text.tokenizer import SPECIAL_TOKENS
from tests.reference.writer import write_checkpoint

VOCABULARY, WIDTH, LAYERS = 30_522, 768, 12


def variables() -> dict[str, np.ndarray]:
    """A discriminator of the size of Base, 110 million numbers."""
    shapes = {
        "electra/embeddings/word_embeddings": (VOCABULARY, WIDTH),
        "electra/embeddings/position_embeddings": (512, WIDTH),
        "electra/embeddings/token_type_embeddings": (2, WIDTH),
        "discriminator_predictions/dense_1/kernel": (WIDTH, 1),
        "discriminator_predictions/dense_1/bias": (1,),
    }
    norms, dense = ["electra/embeddings/LayerNorm"], {"discriminator_predictions/dense": (WIDTH, WIDTH)}
    for layer in (f"electra/encoder/layer_{number}" for number in range(LAYERS)):
        inside = ("attention/self/query", "attention/self/key", "attention/self/value", "attention/output/dense")
        dense |= {f"{layer}/{name}": (WIDTH, WIDTH) for name in inside}
        dense |= {f"{layer}/intermediate/dense": (WIDTH, 4 * WIDTH), f"{layer}/output/dense": (4 * WIDTH, WIDTH)}
        norms += [f"{layer}/attention/output/LayerNorm", f"{layer}/output/LayerNorm"]
    shapes |= {f"{name}/{part}": (WIDTH,) for name in norms for part in ("gamma", "beta")}
    shapes |= {f"{name}/kernel": shape for name, shape in dense.items()}
    shapes |= {f"{name}/bias": shape[1:] for name, shape in dense.items()}
    numbers = np.random.default_rng(0)
    return {name: numbers.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def most_memory() -> float:
    """The most that this process has held, in MB (Linux): what getrusage says of a child begins with its parent's."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def main() -> None:
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        before = most_memory()
        started = time.perf_counter()
        model = load(folder)
        loaded = time.perf_counter() - started
        peak = most_memory()
        write_imported(model, folder / "out")
        written, most = time.perf_counter() - started, most_memory()
        size = sum(p.nbytes for p in model.net.parameters()) / 2**20
        print(f"{size:,.0f} MB of weights: loaded in {loaded:.1f} s with {peak - before:,.0f} MB more memory, ")
        print(f"written after {written:.1f} s, {most - before:,.0f} MB at most")
        return
    with tempfile.TemporaryDirectory() as room:
        write_checkpoint(
            Path(room) / "model.ckpt-1", variables(), crc=lambda data: crc32c(np.frombuffer(data, np.uint8))
        )
        words = [*SPECIAL_TOKENS, *(f"w{n}" for n in range(VOCABULARY - len(SPECIAL_TOKENS)))]
        (Path(room) / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
        subprocess.run([sys.executable, "-m", "tests.benchmarks.tensorflow_import", room], check=True)


if __name__ == "__main__":
    main()
