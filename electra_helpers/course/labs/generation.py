"""The laboratory of notebook 12: stories with blanks, whether the grammar accepts what was written, and what was recorded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache, partial

import numpy as np
import torch

from electra_helpers.course.labs import finetuning as finetune_lab
from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.course.labs.replacements import world_model
from electra_helpers.language import ITEMS, joined, worded
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.generation import (
    ORDERS,
    REDO,
    Draft,
    Step,
    critic_scores,
    distinct_n,
    gibbs_step,
    guesser,
    redo,
)
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.loop import seed_for
from electra_helpers.view.plots.places import label_ends
from electra_helpers.view.plots.style import LINES, MARKERS, Picture, label, picture, theme_of
from electra_helpers.world import EVALUATION_STORIES, Oracle, stories

BLANKS = 8
recorded = partial(recorded_by, "generation")


def real_rows() -> str:
    """What was recorded on published text, beside its baseline."""
    return finetune_lab.real_rows(("multi30k",), recorded().get("real", []))


@cache
def oracle() -> Oracle:
    """Who knows which stories there are."""
    return Oracle("validation", "en")


def story_drafts(count: int, blanks: int | None = BLANKS, *, seed: int = 0, model: Pretrained | None = None) -> Draft:
    """Held-out stories with so many random blanks each (None: nothing but blanks), as rows of ids.

    >>> draft = story_drafts(3)
    >>> draft.is_blank.sum(1).tolist()
    [8, 8, 8]
    """
    tokenizer, rng = (model or world_model()).tokenizer, random.Random(f"{seed}/{blanks}")
    chosen = rng.sample(range(EVALUATION_STORIES), count)
    told = [next(stories(start=index, count=1, split="validation")).words("en") for index in chosen]
    length = max(map(len, told)) + 2
    ids, is_blank = torch.full((count, length), tokenizer.pad_id), torch.zeros(count, length, dtype=torch.bool)
    for row, blank, words in zip(ids, is_blank, told, strict=True):
        row[: len(words) + 2] = torch.tensor(
            [tokenizer.cls_id, *map(tokenizer.backend.token_to_id, words), tokenizer.sep_id]
        )
        blank[[1 + at for at in rng.sample(range(len(words)), min(blanks or len(words), len(words)))]] = True
    return Draft(ids, is_blank, ids != tokenizer.pad_id)


def words_of_rows(draft: Draft, tokenizer: Tokenizer) -> list[list[str]]:
    """The words of each row."""
    return [tokenizer.tokens(ids[real].tolist())[1:-1] for ids, real in zip(draft.ids, draft.is_real, strict=True)]


def is_story(words: Sequence[str]) -> bool:
    """Whether the little world's grammar can tell exactly this story."""
    return all(word in oracle().ids for word in words) and bool(np.isfinite(oracle().log_probability(words)))


def accepted(draft: Draft, model: Pretrained | None = None) -> float:
    """The share of rows that are stories of the little world, every word of them."""
    return float(np.mean([is_story(words) for words in words_of_rows(draft, (model or world_model()).tokenizer)]))


def distinct(draft: Draft, n: int, model: Pretrained | None = None) -> float:
    """distinct-n over the rows of a draft."""
    return distinct_n(words_of_rows(draft, (model or world_model()).tokenizer), n)


def shown(draft: Draft, row: int = 0, model: Pretrained | None = None) -> str:
    """A row to read, with its blanks in brackets."""
    tokens = (model or world_model()).tokenizer.tokens(draft.ids[row].tolist())
    blank, real = draft.is_blank[row].tolist(), draft.is_real[row].tolist()
    words = [
        f"[{token}]" if is_blank else token for token, is_blank, keep in zip(tokens, blank, real, strict=True) if keep
    ]
    return " ".join(words[1:-1]).replace("[[MASK]]", "____")


def marks(steps: int) -> tuple[int, ...]:
    """After how many redrawn words a story is shown to the grammar.

    >>> marks(16)
    (0, 4, 8, 16)
    """
    return (0, *(mark for mark in (4, 8, 16) if mark < steps), steps)


def race(
    draft: Draft, by: str, steps: int, *, temperature: float = 1.0, seed: int = 0, step: Step = gibbs_step
) -> tuple[dict[int, float], Draft]:
    """Redo a filled draft with the bundled model: redrawn words → the share that the grammar accepts; and the last draft."""
    model, found, done = world_model(), {}, 0
    guess, random = guesser(model, draft, temperature), torch.Generator().manual_seed(seed_for(seed, 2))
    for mark in marks(steps):
        draft = redo(model, draft, mark - done, by=by, guess=guess, generator=random, step=step)
        found[mark], done = accepted(draft), mark
    return found, draft


def recorded_shares(by: str, setting: str = "blanks") -> dict[int, list[float]]:
    """Redrawn words → the share of stories accepted, one for each recorded seed; `by` may be an order of filling too (0 words)."""
    runs = recorded()["settings"][setting]["runs"]
    if by in ORDERS:
        return {0: [run[by]["accepted"] for run in runs]}
    return {mark["steps"]: [run[by][at]["accepted"] for run in runs] for at, mark in enumerate(runs[0][by])}


def critic_and_grammar(draft: Draft, threshold: float = 0.5) -> dict[tuple[bool, bool], int]:
    """(the critic doubts no blank, the grammar accepts) → how many stories."""
    model = world_model()
    worst = critic_scores(model, draft).masked_fill(~draft.is_blank, 0.0).amax(1)
    content = [bool(p < threshold) for p in worst]
    told = [is_story(words) for words in words_of_rows(draft, model.tokenizer)]
    table = dict.fromkeys(((a, b) for a in (True, False) for b in (True, False)), 0)
    for pair in zip(content, told, strict=True):
        table[pair] += 1
    return table


def race_picture(mine: dict[str, dict[int, float]] | None = None, *, dark: bool | None = None) -> Picture:
    """The share of stories accepted over the words drawn again: a band of the recorded seeds for each way to choose, and yours."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, width=7.0)
    ends, said = [], []
    for i, by in enumerate(REDO):
        found = recorded_shares(by)
        middle = [sorted(shares)[len(shares) // 2] for shares in found.values()]
        low, high = [min(shares) for shares in found.values()], [max(shares) for shares in found.values()]
        axes.fill_between(list(found), low, high, color=theme.series[i], alpha=0.2, linewidth=0)
        axes.plot(list(found), middle, color=theme.series[i], linestyle=LINES[i], marker=MARKERS[i], markersize=4)
        ends.append((max(found), middle[-1], by, theme.series[i]))
        said.append(
            worded(
                "{by}: median {values}",
                by=by,
                values=joined(
                    (worded("{y:.2f} after {x}", y=y, x=x) for x, y in zip(found, middle, strict=True)), ITEMS
                ),
            )
        )
    for by, shares in (mine or {}).items():
        colour = theme.series[REDO.index(by)]
        axes.plot(list(shares), list(shares.values()), color=colour, linewidth=2.6, marker="o")
        said.append(
            worded(
                "yours, {by}: {shares}",
                by=by,
                shares=joined((worded("{y:.2f} after {x}", y=y, x=x) for x, y in shares.items()), ITEMS),
            )
        )
    axes.set_ylim(bottom=0)
    label_ends(axes, ends)
    label(
        axes,
        theme,
        title="Who picks what is drawn again",
        x="words drawn again in each story",
        y="share accepted by the grammar",
    )
    figure.alt = worded(
        "Share of stories that the grammar accepts over the words drawn again. {said}.", said=joined(said)
    )
    return figure
