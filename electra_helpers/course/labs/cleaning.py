"""The laboratory of notebook 13: marked words of the little world at any base rate, detectable wrong words, and what was recorded."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.ticker import NullLocator, PercentFormatter

from electra_helpers.course.labs import finetuning as finetune_lab
from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.course.labs.replacements import swaps
from electra_helpers.language import ITEMS, joined, padded, worded, wording
from electra_helpers.reading.labelled import LabelledData, labelled
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.cleaning.acceptability import token_scores
from electra_helpers.tasks.cleaning.suspects import cleaner_of
from electra_helpers.tasks.cleaning.task import choose_threshold, scores_of, truth_of
from electra_helpers.tasks.finetuned import Finetuned
from electra_helpers.tasks.generation import Draft, guesser
from electra_helpers.view.plots.places import label_ends
from electra_helpers.view.plots.style import LINES, MARKERS, Picture, label, picture, theme_of
from electra_helpers.world import EVALUATION_STORIES, Oracle, stories, vocabulary
from electra_helpers.world import lexicon as lex
from electra_helpers.world.labels import LABELLED_SEED
from electra_helpers.world.noise import noisy_row

recorded = partial(recorded_by, "cleaning")


@lru_cache(2_000)
def noisy_and_clean(index: int, split: str, language: str = "en") -> tuple[dict[str, Any], dict[str, Any]]:
    """A story with mistakes and the same without: words, and whether each is wrong."""
    story = next(stories(LABELLED_SEED, index, 1, split=split))
    noisy, clean = noisy_row(story, language), story.words(language)
    return noisy, {"tokens": list(clean), "labels": [0] * len(clean)}


def marked_rows(
    base_rate: float, count: int, *, split: str = "validation", start: int = 0, language: str = "en", seed: int = 0
) -> LabelledData:
    """`count` stories of which just so many hold mistakes that about `base_rate` of all words are wrong.

    >>> data = marked_rows(0.01, 60)
    >>> sum(map(sum, data.column("tags"))) / sum(map(len, data.column("tags"))) < 0.02
    True
    """
    if split != "train" and start + count > EVALUATION_STORIES:
        raise ValueError(f"The {split} split has {EVALUATION_STORIES} stories.")
    pairs = [noisy_and_clean(index, split, language) for index in range(start, start + count)]
    order = random.Random(f"{seed}/{base_rate}").sample(range(count), count)
    wanted = base_rate * sum(len(clean["tokens"]) for _, clean in pairs)
    chosen, wrong = set(), 0
    for at in order:
        more = sum(pairs[at][0]["labels"])
        if abs(wrong + more - wanted) > abs(wrong - wanted):
            break
        chosen.add(at)
        wrong += more
    rows = [noisy if at in chosen else clean for at, (noisy, clean) in enumerate(pairs)]
    return labelled(
        [{"tokens": row["tokens"], "labels": row["labels"]} for row in rows],
        task="cleaning",
        source=f"stories with {base_rate:.1%} wrong words ({split})",
    )


def scored(model: Pretrained | Finetuned, data: LabelledData) -> tuple[np.ndarray, np.ndarray]:
    """The score of every word of all rows, and whether it is wrong."""
    said = list(cleaner_of(model).predict({"tokens": row["tokens"]} for row in data.rows))
    return scores_of(said), truth_of(data.rows)


def worth(scores: np.ndarray, wrong: np.ndarray, threshold: float) -> dict[str, float]:
    """What flagging all that score at least so much is worth: the base rate, precision (1 without a flag), recall, false alarms."""
    flagged = scores >= threshold
    hits = float((flagged & wrong).sum())
    return {
        "rate": float(wrong.mean()),
        "precision": hits / float(flagged.sum()) if flagged.any() else 1.0,
        "recall": hits / max(1.0, float(wrong.sum())),
        "false alarms": float(flagged[~wrong].mean()),
    }


KINDS = ("any word", "a likely word")


def detectable(
    model: Pretrained, kind: str, count: int, *, split: str = "validation", seed: int = 0
) -> list[dict[str, Any]]:
    """Stories with one wrong word each that can be told for certain: by the oracle no story has it there.

    The wrong word is any word of the world, or one that the generator draws for the place.
    """
    oracle, rng = Oracle(split), random.Random(f"{kind}/{split}/{seed}")
    rows = (_with_wrong_word(model, kind, oracle, story, rng) for story in _drawn(split, rng))
    return list(islice((row for row in rows if row), count))


def _drawn(split: str, rng: random.Random) -> Iterator[Any]:
    for index in rng.sample(range(EVALUATION_STORIES), EVALUATION_STORIES):
        yield next(stories(start=index, count=1, split=split))


def _with_wrong_word(
    model: Pretrained, kind: str, oracle: Oracle, story: Any, rng: random.Random
) -> dict[str, Any] | None:
    words = list(story.words("en"))
    at = rng.randrange(len(words))
    wrong = rng.choice(vocabulary("en")) if kind == KINDS[0] else _drawn_word(model, words, at, rng)
    if wrong == words[at] or not oracle.is_detectable(words, at, wrong):
        return None
    shown = [*words[:at], wrong, *words[at + 1 :]]
    return {"tokens": shown, "tags": [int(place == at) for place in range(len(words))], "right": words[at], "at": at}


def _drawn_word(model: Pretrained, words: Sequence[str], at: int, rng: random.Random) -> str:
    """What the generator draws for a place when it does not see the word."""
    tokenizer = model.tokenizer
    ids = [tokenizer.cls_id, *map(tokenizer.backend.token_to_id, words), tokenizer.sep_id]
    ids[at + 1] = tokenizer.mask_id
    row = torch.tensor([ids])
    guess = guesser(model, Draft(row, row == tokenizer.mask_id, torch.ones_like(row, dtype=torch.bool)))
    p = torch.softmax(guess(row, torch.tensor([[at + 1]]))[0, 0].double(), -1).tolist()
    return tokenizer.tokens(rng.choices(range(len(p)), p))[0]


@cache
def right_but_rare(count: int = 50) -> dict[str, tuple[str, ...]]:
    """Right stories as training tells them ("usual"), and told otherwise ("rare"): half with a name never met, half in a dialect.

    >>> len(right_but_rare(4)["rare"])
    4
    """
    pairs = [*swaps("names", count - count // 2), *swaps("dialect", count // 2)]
    return {"usual": tuple(swap.usual for swap in pairs), "rare": tuple(swap.other for swap in pairs)}


TOLD = (
    "In an ancient town there was a {trade} named {name}. {name} always worked at his {place} with his favourite {tool}. "
    "His cousin {customer} wanted a special {product} and came on {day}."
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def orders_table(count: int, wrong: float = 0.3, *, seed: int = 0) -> tuple[list[dict[str, str]], list[str]]:
    """Rows of a table of orders, and for each the column whose cell was taken from another row's trade ("" = none).

    >>> rows, wrong = orders_table(20)
    >>> sorted(rows[0])
    ['customer', 'day', 'name', 'place', 'product', 'tool', 'trade']
    """
    rng, rows, columns = random.Random(f"orders/{seed}"), [], []
    trades = [name for name in lex.TRADES if name[0] not in "aeiou"]
    for _ in range(count):
        trade, other = rng.sample(trades, 2)
        name, customer = rng.sample(lex.MALE_NAMES, 2)
        row = {"name": name, "trade": trade, "customer": customer, "day": rng.choice(DAYS)} | _equipment(trade, rng)
        column = rng.choice(("place", "tool", "product")) if rng.random() < wrong else ""
        rows.append(row | ({column: _equipment(other, rng)[column]} if column else {}))
        columns.append(column)
    return rows, columns


def _equipment(trade: str, rng: random.Random) -> dict[str, str]:
    about = lex.TRADES[trade]
    return {"place": about.place, "tool": rng.choice(about.tools), "product": rng.choice(about.products)}


def write_csv(rows: Sequence[dict[str, str]], path: Path) -> Path:
    """Rows as a .csv file."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def travel_picture(mine: dict[float, float] | None = None, *, dark: bool | None = None) -> Picture:
    """Precision over the share of wrong words: the band of the recorded seeds at two thresholds, and yours."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, width=7.0)
    found, said, ends = recorded()["thresholds"], [], []
    for i, (name, title) in enumerate((("chosen", wording("highest F0.5")), ("0.5", "0.5"))):
        shares = np.array([[rate["precision"] for rate in run[name]] for run in found["runs"]])  # (seeds, rates)
        middle = np.median(shares, axis=0)
        axes.fill_between(found["rates"], shares.min(0), shares.max(0), color=theme.series[i], alpha=0.2, linewidth=0)
        axes.plot(found["rates"], middle, color=theme.series[i], linestyle=LINES[i], marker=MARKERS[i], markersize=4)
        ends.append((max(found["rates"]), float(middle[0]), title, theme.series[i]))
        told = [
            worded("{p:.2f} at {rate:g} %", p=p, rate=100 * rate)
            for rate, p in zip(found["rates"], middle, strict=True)
        ]
        said.append(worded("threshold {title}: median {told}", title=title, told=joined(told, ITEMS)))
    if mine:
        axes.plot(list(mine), list(mine.values()), color=theme.ink, linewidth=2.6, marker="o")
        axes.annotate(
            worded("yours"),
            (min(mine), mine[min(mine)]),
            (0, -14),
            textcoords="offset points",
            color=theme.ink,
            fontsize=9,
        )
        said.append(
            worded(
                "yours: {mine}",
                mine=joined((worded("{p:.2f} at {rate:g} %", p=p, rate=100 * rate) for rate, p in mine.items()), ITEMS),
            )
        )
    axes.set_xscale("log")
    axes.set_xticks(found["rates"])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.set_ylim(0, 1.05)
    label_ends(axes, ends)
    label(
        axes, theme, title="The rarer the mistakes, the fewer flags are right", x="words that are wrong", y="precision"
    )
    figure.alt = worded("Precision over the share of wrong words. {said}.", said=joined(said))
    return figure


SAME, NEW = wording("same names: AP"), wording("new names: AP")


def finetuned_table() -> str:
    """Average precision and F0.5 on new stories, recorded: without fine-tuning, fine-tuned, and the best trivial baseline."""
    found = recorded()["finetuned"]
    same, new = (padded(text, width, right=True) for text, width in ((SAME, 16), (NEW, 18)))
    lines = [f"{'':<22}{same}{'F0.5':>8}{new}{'F0.5':>8}"]

    def line(name: str, parts: Sequence[dict[str, float]]) -> str:
        ap, f = ([f"{part[metric]:.3f}" for part in parts] for metric in ("average_precision", "f0.5"))
        return f"{padded(name, 22)}{ap[0]:>16}{f[0]:>8}{ap[1]:>18}{f[1]:>8}"

    splits = ("validation", "test")
    lines.append(line(worded("not fine-tuned"), [found["zero-shot"][split] for split in splits]))
    for size in (key for key in found if key.isdigit()):
        means = [
            {m: float(np.mean([run[s][m] for run in found[size]])) for m in ("average_precision", "f0.5")}
            for s in splits
        ]
        lines.append(line(worded("{size} marked stories", size=size), means))
    for way in (wording("flag all"), wording("rarest words")):
        lines.append(line(way, [found["trivial"][split][way] for split in splits]))
    return "\n".join(lines)


@cache
def chosen(model: Pretrained) -> float:
    """The course's threshold: the highest F0.5 on 300 stories with 5 % wrong words."""
    return choose_threshold(*scored(model, marked_rows(0.05, 300)))


def cell_scores(flags: Path, rows: Sequence[dict[str, str]], wrong: Sequence[str]) -> dict[str, Any]:
    """From a file of all flags: the AUC of cells (the worst word of each), how many there are, and the worst flags."""
    from sklearn.metrics import roc_auc_score

    found = [json.loads(line) for line in flags.read_text("utf-8").splitlines()]
    best: dict[tuple[int, str], float] = {}
    for flag in found:
        place = (flag["row"], flag["column"])
        best[place] = max(best.get(place, 0.0), flag["score"])
    truth = [wrong[row - 1] == column for row, column in best]
    worst = sorted(found, key=lambda flag: -flag["score"])
    auc = float(roc_auc_score(truth, list(best.values())))
    return {"auc": auc, "cells": len(best), "wrong": sum(truth), "worst": worst}


def some_pairs(data: LabelledData, each: int) -> LabelledData:
    """The first pairs of each phenomenon."""
    seen: dict[str, int] = {}
    kept = []
    for row in data.rows:
        seen[row["phenomenon"]] = seen.get(row["phenomenon"], 0) + 1
        if seen[row["phenomenon"]] <= each:
            kept.append(row)
    return replace(data, rows=kept)


def short_and_long(model: Pretrained, count: int) -> tuple[list[list[float]], list[list[float]]]:
    """P(replaced) of the tokens of right stories, the shorter half and the longer half, in pairs."""
    texts = [story.text("en") for story in stories(start=500, count=2 * count, split="validation")]
    ranked = sorted(token_scores(model, texts), key=len)
    return ranked[:count], ranked[count:]


def real_rows(sets: Sequence[str]) -> str:
    """The recorded results on real text, each beside its baseline; one line where there are none."""
    return finetune_lab.real_rows(sets, recorded()["real"])
