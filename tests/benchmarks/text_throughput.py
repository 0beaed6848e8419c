"""Text → packed rows in MB/s, against the `tokenizers` library alone.

    python tests/benchmarks/text_throughput.py FILE [--megabytes 20] [--rounds 5] [--length 128]

FILE is any corpus file. The texts are in memory; every contender has the same vocabulary (8,192 pieces of this text) and
all cores. `encode_batch` is what most people call; `encode_batch_fast` leaves out offsets and is what an expert calls.
Contenders are taken in turn in every round; medians, with the range, and the ratio of medians to `encode_batch_fast`.
CPU seconds, over all cores, stand beside: on a machine that others use too they tell more than the clock.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable

from electra_helpers.reading.corpora import open_corpus
from electra_helpers.text.rows import build_rows
from electra_helpers.text.vocabulary import train_tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--megabytes", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=int, default=128)
    options = parser.parse_args()

    texts, size = [], 0
    for text in open_corpus(options.file):
        texts.append(text)
        size += len(text.encode())
        if size >= options.megabytes * 1e6:
            break
    tokenizer = train_tokenizer(texts, 8_192)
    backend = tokenizer.backend

    def packed(form: str) -> Callable[[], None]:
        def run() -> None:
            with tempfile.TemporaryDirectory() as empty:
                build_rows(texts, tokenizer, options.length, form=form, cache_dir=empty)

        return run

    contenders = {
        "tokenizers, encode_batch": lambda: backend.encode_batch(texts, add_special_tokens=False),
        "tokenizers, encode_batch_fast": lambda: backend.encode_batch_fast(texts, add_special_tokens=False),
        "packed, plain rows": packed("plain"),
        "packed, two segments": packed("segments"),
    }
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, run in contenders.items():
            begin, busy = time.perf_counter(), time.process_time()
            run()
            speeds[name].append(size / 1e6 / (time.perf_counter() - begin))
            cpu[name].append(time.process_time() - busy)
    print(f"{len(texts):,} documents, {size / 1e6:.1f} MB, {options.rounds} rounds")
    bare = statistics.median(speeds["tokenizers, encode_batch_fast"])
    for name, values in speeds.items():
        median, seconds = statistics.median(values), statistics.median(cpu[name])
        spread = f"({min(values):.2f} to {max(values):.2f})"
        print(f"{name:<32}{median:6.2f} MB/s {spread:<17}{median / bare:5.2f} × {seconds:7.2f} CPU s")

    with tempfile.TemporaryDirectory() as folder:
        build_rows(texts, tokenizer, options.length, cache_dir=folder)
        begin = time.perf_counter()
        build_rows(texts, tokenizer, options.length, cache_dir=folder)
        print(f"{'second call, rows found':<32}{1e3 * (time.perf_counter() - begin):6.0f} ms")


if __name__ == "__main__":
    main()
