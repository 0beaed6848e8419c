"""The laboratory of notebook 18: four sizes of one net at four budgets, and the line through what they reach.

The record is data/benchmarks/scaling.json, written by tests/benchmarks/scaling.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from statistics import mean
from typing import Any

import torch

from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.course.labs.exams import learned_exam
from electra_helpers.course.labs.fakes import HiddenWords, hidden_words
from electra_helpers.course.labs.objectives import flops_of_a_step, reshaped
from electra_helpers.course.labs.replacements import world_model
from electra_helpers.course.labs.world_run import SHAPES, WorldRun, world_run, world_texts
from electra_helpers.language import padded, worded, wording
from electra_helpers.model.electra import Electra
from electra_helpers.text.packing import Batch
from electra_helpers.text.rows import Rows, build_rows
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.evaluation import Exam, make_exams

WIDTHS = (48, 64, 96, 144)  # of embeddings, hidden vectors and feed-forward layers; two layers each
BUDGETS = (2e11, 6e11, 1.8e12, 5.4e12)  # floating-point operations of a whole run
STORIES = 40_000
LENGTH = SHAPES["stories"]["length"]
recorded = partial(recorded_by, "scaling")
EXAMINED, HIDDEN = 300, 150  # held-out stories: of the exams, and of the loss on hidden words


def shape_of(width: int) -> dict[str, int]:
    """The fields of `ModelConfig` that a width sets; depth, heads and the generator's share stay those of the tiny recipe."""
    return {"embedding_size": width, "hidden_size": width, "intermediate_size": width}


@cache
def step_flops(width: int) -> int:
    """Floating-point operations of one training step of a net of this width."""
    return flops_of_a_step(reshaped(world_run(steps=1, story_count=20), **shape_of(width)))


def scaling_run(
    width: int, budget: float, *, seed: int, story_count: int = STORIES, rows: Rows | None = None
) -> WorldRun:
    """Prepare ELECTRA of one width with as many steps as `budget` operations pay for.

    >>> from electra_helpers.course.labs.scaling import scaling_run
    >>> scaling_run(48, 2e9, seed=0, story_count=20).config.steps
    3
    """
    steps = max(1, round(budget / step_flops(width)))
    return reshaped(world_run(steps=steps, seed=seed, story_count=story_count, rows=rows), **shape_of(width))


@torch.no_grad()
def nats(net: Electra, hidden: list[HiddenWords]) -> float:
    """What the generator loses on each hidden word on average, in nats: the same words for every net."""
    net.eval()
    found = [
        -net.generator(one.masked_ids, positions=one.positions)[0].float().log_softmax(-1)  # (M, V)
        .gather(1, one.original_ids[:, None])
        for one in hidden
    ]  # fmt: skip
    return float(torch.cat(found).mean())


def floor(hidden: list[HiddenWords]) -> float:
    """What a net that knows the whole world loses on the same words; it is told all other words, so no generator gets below it."""
    found = [one.truth.gather(1, one.original_ids[:, None]).log() for one in hidden]
    return -float(torch.cat(found).mean())


@cache
def hidden(tokenizer: Tokenizer, count: int = HIDDEN) -> list[HiddenWords]:
    """The hidden words that every net is asked for."""
    return hidden_words(tokenizer, count)


def fixed_exams(tokenizer: Tokenizer, net: Electra, count: int = EXAMINED) -> list[Exam]:
    """Fakes that none of the nets made: uniform, of a bigram model, and of the course's trained generator."""

    def of(split: str, number: int) -> Batch:
        rows = build_rows(world_texts("stories", number, split=split), tokenizer, LENGTH, form="documents")
        return rows.sample(number)

    held_out = of("validation", count)
    exams = make_exams(held_out, of("train", 2_000).input_ids, net.config, 0.15)
    return [*exams, learned_exam(world_model(), held_out)]


def runs(seed: int | None = None) -> list[dict[str, Any]]:
    """The recorded runs, of one seed or of all."""
    return [run for run in recorded()["runs"] if seed in (None, run["seed"])]


def values(width: int, budget: float, *path: str) -> list[float]:
    """One recorded number of every seed, such as values(48, 2e11, "nats") or values(48, 2e11, "auc", "learned")."""
    found: list[Any] = [run for run in runs() if (run["width"], run["budget"]) == (width, budget)]
    for name in path:
        found = [run[name] for run in found]
    return found


def best_width(budget: float) -> int:
    """The width whose mean loss is least at a budget."""
    return min(WIDTHS, key=lambda width: mean(values(width, budget, "nats")))


def frontier(budgets: Sequence[float] = BUDGETS) -> tuple[list[float], list[float]]:
    """Operations and losses (nats) of every seed of the best width at each budget: what a line is fitted to."""
    points = [(budget, loss) for budget in budgets for loss in values(best_width(budget), budget, "nats")]
    return [budget for budget, _ in points], [loss for _, loss in points]


def runs_table() -> str:
    """What each run cost, and what it reached, as the mean over its seeds."""
    heads = {
        wording("width"): 6,
        wording("steps"): 8,
        wording("tokens"): 12,
        wording("CPU s"): 7,
        wording("nats"): 7,
    }
    right = "".join(padded(head, width, right=True) for head, width in heads.items())
    lines = [f"{padded('operations', 12)}{right}   {worded('AUC: uniform  bigram  learned')}"]
    for budget in BUDGETS:
        for width in WIDTHS:
            of = lambda *path, w=width, b=budget: mean(values(w, b, *path))  # noqa: E731 - a word for a mean
            cost = f"{of('steps'):>8,.0f}{of('tokens'):>12,.0f}{of('seconds'):>7.0f}{of('nats'):>7.2f}"
            exams = f"{of('auc', 'uniform'):>15.3f}{of('auc', 'bigram'):>8.3f}{of('auc', 'learned'):>9.3f}"
            star = " *" if width == best_width(budget) else ""
            lines.append(f"{budget:<12.1e}{width:>6}{cost}{exams}{star}")
    return "\n".join(lines)
