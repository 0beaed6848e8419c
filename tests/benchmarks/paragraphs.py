"""End to end on real text, counting real tokens only: this package's path from articles beside the usual one from padded paragraphs.

    python -m tests.benchmarks.paragraphs $ELECTRA_REAL_DATA/pretrain/en_wiki.jsonl.xz --rounds 7 --dropout 0.1

`packed` is the path of `electra pretrain`: articles laid end to end in rows of 128, built once, then the loop. The others get what most
people give them: a DataLoader over shuffled paragraphs, tokenised in its collator, cut at 128 and padded to the longest of the batch.
`ours` is the package's step on those very batches: packed against ours says what packing gives, ours against the rest what the step gives.
All have one vocabulary, trained on this text and kept in build/paragraphs. Processes take turns, as in speed.py.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from electra_helpers.speed import flops_per_token, settings
from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.sources import prepare
from tests.benchmarks.speed import ROOT, run, table

FOLDER = ROOT / "build" / "paragraphs"
NAMES = ("packed", "ours", "expert_gathered", "expert", "usual", "electra_pytorch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--contenders", nargs="+", default=list(NAMES), choices=["packed", *CONTENDERS])
    parser.add_argument("--megabytes", type=float, default=20.0)
    parser.add_argument("--vocab-size", type=int, default=30_522)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=2, help="steps of each in a round")
    parser.add_argument("--size", default="small")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--json", type=Path, help="write the rows there too")
    asked = parser.parse_args()
    prepare(FOLDER, asked.corpus, asked.megabytes, asked.vocab_size)
    shape = ("size", "batch_size", "length", "dropout", "precision")
    options = [f"--{name.replace('_', '-')}={getattr(asked, name)}" for name in shape]
    found = run(asked.contenders, asked.rounds, asked.steps, [*options, f"--text={FOLDER}"])
    model, config = settings(asked.size, asked.batch_size, asked.length, asked.dropout, "cpu")
    rows = table(found, flops_per_token(model, asked.length, config.mask_share), first=asked.contenders[0])
    print(in_markdown(rows, asked.contenders[0]))
    began = {name: contender.started["seconds"] for name, contender in found.items()}
    print("\nseconds until the first step could begin: " + ", ".join(f"{n} {s:.0f}" for n, s in began.items()))
    if asked.json:
        named = {k: str(v) if isinstance(v, Path) else v for k, v in vars(asked).items() if k not in ("json", "corpus")}
        asked.json.write_text(json.dumps({"settings": named, "rows": rows, "began": began}, indent=1) + "\n")


def in_markdown(rows: list[dict], first: str) -> str:
    """The table of the README."""
    head = f"| | real tokens/s | quartiles | of the places filled | peak MB | {first} is faster by |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(one(row) for row in rows)])


def one(row: dict) -> str:
    low, high = row["quartiles"]
    return (
        f"| {row['contender']} | {row['tokens_per_second']:,.0f} | {low:,.0f} … {high:,.0f} | {row['fill']:.0%} "
        f"| {row['peak_mb']:,.0f} | {row['ours_is_faster_by']:.2f} |"
    )


if __name__ == "__main__":
    main()
