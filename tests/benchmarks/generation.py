"""Filling stories of the little world: who picks what is drawn again, and what the grammar says. Notebook 12 draws bands from it.

    python tests/benchmarks/generation.py --seeds 0 1 2 3 4

    python tests/benchmarks/generation.py --real runs/en $ELECTRA_REAL_DATA/tasks/multi30k_en_fr/test.jsonl.xz

writes data/benchmarks/generation.json and prints a table. The second hides one word of every English caption and asks the generator of
a model that was pre-trained on real text. The model of the first is the shipped electra-tiny-world-en; a seed chooses the held-out
stories, their blanks, and every draw. "accepted" is the share of stories that the grammar can tell, every word of them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from electra_helpers.course.labs import generation as lab
from electra_helpers.exchange.store import load
from electra_helpers.reading.files import read_rows
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.generation import ORDERS, REDO, Draft, fill, guesser, redo
from electra_helpers.training.loop import seed_for

OUT = Path(__file__).resolve().parents[2] / "data" / "benchmarks" / "generation.json"
MODEL = "electra-tiny-world-en"
STORIES, STEPS = 60, (0, 4, 8, 16)
SETTINGS = {"blanks": lab.BLANKS, "nothing but blanks": None}
TEMPERATURE = {"blanks": 1.0, "nothing but blanks": 0.5}
FURTHER = 3  # times as many redrawn words where all is blank


def measured(draft: Draft) -> dict[str, float]:
    """Accepted share and distinct-1, -2 of a draft."""
    return {"accepted": lab.accepted(draft), "distinct-1": lab.distinct(draft, 1), "distinct-2": lab.distinct(draft, 2)}


def one_seed(setting: str, seed: int) -> dict:
    """Every way of filling and redoing the same blanks."""
    model, draft = load(MODEL), lab.story_drafts(STORIES, SETTINGS[setting], seed=seed)
    guess, mask_id = guesser(model, draft, TEMPERATURE[setting]), model.net.config.mask_id
    found: dict = {"originals": {f"distinct-{n}": lab.distinct(draft, n) for n in (1, 2)}}

    def random() -> torch.Generator:
        return torch.Generator().manual_seed(seed_for(seed, 2))

    for order in ORDERS:
        filled = fill(draft, guess, mask_id=mask_id, order=order, generator=random())
        found[order] = measured(filled)
    for by in REDO:
        if setting == "nothing but blanks" and by == "confidence":
            continue  # a pass for each of some fifty blanks and step
        now, draws, found[by], began = filled, random(), [], time.process_time()
        scale = 1 if SETTINGS[setting] else FURTHER
        for before, steps in zip((0, *STEPS), STEPS, strict=False):
            now = redo(model, now, scale * (steps - before), by=by, guess=guess, generator=draws)
            found[by].append({"steps": scale * steps} | measured(now))
        found[f"{by}, CPU s"] = time.process_time() - began
    return found


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


def table(runs: list[dict]) -> str:
    """Accepted shares and distinct-2, mean ± standard deviation over the seeds."""
    lines = []
    for order in ORDERS:
        shares = spread([run[order]["accepted"] for run in runs])
        lines.append(f"  {order:<12} {shares}, distinct-2 {spread([run[order]['distinct-2'] for run in runs])}")
    for by in (by for by in REDO if by in runs[0]):
        for at, step in enumerate(runs[0][by]):
            shares = spread([run[by][at]["accepted"] for run in runs])
            more = spread([run[by][at]["distinct-2"] for run in runs])
            lines.append(f"  {by:<12} after {step['steps']:>3}: {shares}, distinct-2 {more}")
    return "\n".join(lines)


def hidden_words(model: Pretrained, captions: list[str], seed: int = 0) -> dict:
    """One random token of every caption hidden: how often the generator says it first, or among five; beside the commonest token."""
    encoded = [model.tokenizer.encode(caption).ids for caption in captions]
    width = max(map(len, encoded))
    ids = torch.tensor([row + [model.tokenizer.pad_id] * (width - len(row)) for row in encoded])
    is_real = ids != model.tokenizer.pad_id
    draw = np.random.default_rng(seed)
    places = torch.tensor([draw.integers(1, len(row) - 1) for row in encoded])[:, None]
    hidden = ids.gather(1, places)
    is_blank = torch.zeros_like(is_real).scatter(1, places, True)
    draft = Draft(ids, is_blank, is_real).emptied(model.net.config.mask_id)
    best = guesser(model, draft)(draft.ids, places)[:, 0].topk(5).indices
    commonest = ids[is_real & ~torch.isin(ids, torch.tensor(model.tokenizer.special_ids))].mode().values
    return {
        "score": float((best[:, :1] == hidden).float().mean()),
        "five": float((best == hidden).any(1).float().mean()),
        "baseline": float((hidden == commonest).float().mean()),
    }


def real_row(folder: Path, file: Path) -> dict:
    """The row that the notebook shows."""
    model, settings = load(str(folder)), json.loads((folder / "run.json").read_text("utf-8"))["pretrain"]
    tokens = settings["steps"] * settings["batch_size"] * settings["length"] / 1e6
    captions = [row["translation"]["en"] for row in read_rows(file)]
    return hidden_words(model, captions) | {
        "set": f"multi30k, one hidden word in each of {len(captions):,} English captions, accuracy",
        "model": f"{settings['steps']:,} steps on {tokens:.0f} M tokens of English articles and books",
        "command": f"python tests/benchmarks/generation.py --real runs/en {file.parent.name}/{file.name}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", choices=SETTINGS, nargs="+", default=list(SETTINGS))
    parser.add_argument("--real", type=Path, nargs=2, metavar=("MODEL", "FILE"))
    asked = parser.parse_args()
    if asked.real:
        found = json.loads(OUT.read_text("utf-8"))
        found["real"] = [real_row(*asked.real)]
        print(found["real"])
        OUT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        return
    about = {"model": MODEL, "stories": STORIES, "blanks": lab.BLANKS, "seeds": asked.seeds}
    found = (json.loads(OUT.read_text("utf-8")) if OUT.is_file() else {"settings": {}}) | about
    for setting in asked.only:
        runs = [one_seed(setting, seed) for seed in asked.seeds]
        found["settings"][setting] = {"temperature": TEMPERATURE[setting], "runs": runs}
        print(f"{setting}, temperature {TEMPERATURE[setting]}\n{table(runs)}", flush=True)
        OUT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
