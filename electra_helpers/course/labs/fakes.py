"""How hard a generator's fakes are: hidden words of the little world with what is possible there, and small generators to compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from electra_helpers.corruption import mask_positions, select_positions
from electra_helpers.course.labs.world_run import WorldRun, world_run
from electra_helpers.language import ENTRY, ITEMS, joined, worded
from electra_helpers.model.electra import Generator, Steps
from electra_helpers.model.variants import MaskedLanguageModel
from electra_helpers.tasks.ceilings import ceilings_for
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.view.plots.style import MARKERS, Picture, label, legend, picture, theme_of
from electra_helpers.world import stories


@dataclass(frozen=True, eq=False)
class HiddenWords:
    """One held-out story with hidden words: what a generator reads, where, and the oracle's P of every word there.

    `masked_ids` (1, L), `positions` (1, M), `original_ids` (M,), `truth` (M, V): given all *other* words of the story.
    """

    masked_ids: Tensor
    positions: Tensor
    original_ids: Tensor
    truth: Tensor

    @property
    def is_possible(self) -> Tensor:
        """(M, V): True where a story of the world has this word here."""
        return self.truth > 0


def hidden_words(tokenizer: Tokenizer, count: int) -> list[HiddenWords]:
    """The first `count` validation stories with 15 % of their words hidden, always the same ones."""
    return [_hidden(tokenizer, number) for number in range(count)]


@cache
def _hidden(tokenizer: Tokenizer, number: int) -> HiddenWords:
    story = next(stories(start=number, count=1, split="validation", languages=("en",)))
    ids = torch.tensor([tokenizer.encode(story.text("en")).ids])
    random = torch.Generator().manual_seed(number)
    unselectable = (tokenizer.pad_id, tokenizer.cls_id, tokenizer.sep_id, tokenizer.mask_id)
    selection = select_positions(ids, unselectable, generator=random)
    masked = mask_positions(ids, selection, mask_id=tokenizer.mask_id, keep_share=0.0)
    places = selection.positions[:, selection.is_valid[0]]
    words, ceilings = tokenizer.tokens(ids[0].tolist()), ceilings_for(tokenizer)
    truth = np.stack([ceilings.generator(words, (), at) for at in places[0].tolist()])
    return HiddenWords(masked, places, ids[0, places[0]], torch.from_numpy(truth))


@dataclass(frozen=True)
class Hardness:
    """Of the hidden words: which share is replaced, and which share of the replaced could not stand there in any story."""

    replaced: float
    impossible: float


@torch.no_grad()
def expected_hardness(generator: Generator, hidden: Sequence[HiddenWords], temperature: float) -> Hardness:
    """What sampling at a temperature gives in expectation: no draw is made, the probabilities are added up."""
    replaced = impossible = total = 0.0
    for one in hidden:
        q = (generator(one.masked_ids, positions=one.positions)[0].float() / temperature).softmax(-1)  # (M, V)
        replaced += float((1 - q.gather(1, one.original_ids[:, None])).sum())
        impossible += float((q * ~one.is_possible).sum())
        total += len(q)
    return Hardness(replaced / total, impossible / replaced)


def generator_run(width: float, *, story_count: int, steps: int, parts: Steps | None = None, seed: int = 0) -> WorldRun:
    """Prepare a run of a generator alone, `width` times as wide as the tiny discriminator, by masked language modelling."""
    run = world_run(
        story_count=story_count, steps=steps, objective="mlm", parts=parts, seed=seed, batch_size=16, log_every=5
    )
    torch.manual_seed(seed)
    run.task.model = MaskedLanguageModel(replace(run.task.model.config, generator_size=width).for_generator())
    return run


def hardness_picture(found: dict[str, dict[float, Hardness]], *, dark: bool | None = None) -> Picture:
    """Share replaced against the share of the replaced that is impossible: a line a generator, a point a temperature."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, height=4.2)
    said = []
    for i, (name, by_temperature) in enumerate(found.items()):
        x, y = zip(*[(one.replaced, one.impossible) for one in by_temperature.values()], strict=True)
        axes.plot(x, y, color=theme.series[i % 5], marker=MARKERS[i % 5], linewidth=1, label=name)
        for temperature, at in zip(by_temperature, zip(x, y, strict=True), strict=True):
            below = {"xytext": ((0, 7), (0, -14), (10, -4))[i % 3], "textcoords": "offset points"}
            below["ha"] = ("center", "center", "left")[i % 3]  # where lines meet, no name covers another
            axes.annotate(f"T {temperature:g}", at, color=theme.series[i % 5], fontsize=8, **below)
        each = [
            worded("T {t:g} {replaced:.2f} and {impossible:.2f}", t=t, replaced=h.replaced, impossible=h.impossible)
            for t, h in by_temperature.items()
        ]
        said.append(worded(ENTRY, name=worded(name), said=joined(each, ITEMS)))
    axes.margins(0.08, 0.12)
    legend(axes, theme, loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=3)
    label(axes, theme, x="share of the selected that is replaced", y="share of these that is impossible")
    figure.alt = worded(
        "Share of the selected that is replaced, and share of these that is impossible. {said}.", said=joined(said)
    )
    return figure


def sampling_dart(
    tokens: Sequence[str], logits: Tensor, u: float, temperatures: Sequence[float], *, dark: bool | None = None
) -> Picture:
    """The cumulative bar of softmax(logits / T), `logits` (n,), for several T, and where the dart `u` hits each."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, height=1.3 + 0.55 * len(temperatures))
    said = []
    for row, temperature in enumerate(temperatures):
        p = (logits.float() / temperature).softmax(-1)
        right = p.cumsum(0)
        hit = int((right <= u).sum().clamp(max=len(tokens) - 1))
        for i, token in enumerate(tokens):
            left, width = float(right[i] - p[i]), float(p[i])
            edge = {"edgecolor": theme.ink if i == hit else theme.page, "linewidth": 2 if i == hit else 1}
            axes.barh(row, width, left=left, height=0.6, color=theme.page, zorder=1 + (i == hit), **edge)
            axes.barh(row, width, left=left, height=0.58, color=theme.series[i % 5], alpha=0.35, zorder=2)
            if width > 0.09:
                axes.text(left + width / 2, row, token, ha="center", va="center", fontsize=9, color=theme.ink, zorder=3)
        said.append(
            worded(
                "at T {temperature:g} it hits {tokens} (P {p:.2f})",
                temperature=temperature,
                tokens=tokens[hit],
                p=float(p[hit]),
            )
        )
    axes.axvline(u, color=theme.ink, linewidth=1.5, linestyle="--", zorder=4)
    axes.set_yticks(range(len(temperatures)), [f"T = {t:g}" for t in temperatures])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    label(axes, theme, title=worded("One dart, u = {u:g}", u=u), x="cumulative probability")
    figure.alt = worded(
        "A dart at u = {u:g} on the cumulative probabilities of {tokens}: {said}.",
        u=u,
        tokens=joined(tokens, ITEMS),
        said=joined(said),
    )
    return figure
