"""A corpus in traditional Chinese characters, or in both kinds, put into simplified ones: what electra-mini-zh was pre-trained on.

    pip install opencc-python-reimplemented==0.1.7
    python -m tests.benchmarks.simplified zh_wiki.jsonl.xz zh.jsonl

takes about half a minute on two cores for 17 million characters. OpenCC converts word by word, so 頭髮 becomes 头发 and 發展 发展.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from multiprocessing import Pool
from pathlib import Path

from electra_helpers.reading.files import read_rows


@cache
def converter():
    from opencc import OpenCC

    return OpenCC("t2s")


def simplified(row: dict) -> dict:
    return row | {"text": converter().convert(row["text"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path, help="JSON lines with a column text")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    with Pool() as pool, options.out.open("w", encoding="utf-8") as file:
        for row in pool.imap(simplified, read_rows(options.source), chunksize=20):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
