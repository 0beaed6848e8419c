"""Pictures of what goes on inside: attention, word vectors, and which gradient reaches which part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from electra_helpers.errors import ElectraError
from electra_helpers.language import ITEMS, SENTENCES, joined, worded, wording
from electra_helpers.view.plots.places import name_points
from electra_helpers.view.plots.style import (
    FONTS,
    MARKERS,
    Picture,
    Theme,
    label,
    legend,
    picture,
    theme_of,
)

WIDEST = 8.5  # inches: what a page shows without shrinking it
MOST_TOKENS = 40  # a larger heat map cannot be read


def attention(tokens: Sequence[str], weights: np.ndarray, *, title: str = "", dark: bool | None = None) -> Picture:
    """Attention of every head as a heat map: `weights` (A, L, L), each row (who looks) sums to 1; `tokens` (L,).

    Raises `ElectraError` for more than 40 tokens and where the shapes do not fit.

    >>> import numpy as np; from electra_helpers.view.plots import attention
    >>> attention(["[CLS]", "cat"], np.array([[[0.9, 0.1], [0.2, 0.8]]])).alt
    'Attention of 1 head over 2 tokens. Head 0 looks most from [CLS] to [CLS] (0.90).'

    Built in notebook 02.
    """
    heads, length = weights.shape[0], len(tokens)
    if weights.shape != (heads, length, length) or length > MOST_TOKENS:
        raise ElectraError(
            worded(
                "weights {shape} and {tokens} tokens: (A, L, L) with at most {most} is shown.",
                shape=weights.shape,
                tokens=length,
                most=MOST_TOKENS,
            )
        )
    theme, side = theme_of(dark), max(1.7, 0.17 * length)
    columns = min(heads, 4, max(1, int(WIDEST / side)))
    rows = -(-heads // columns)
    figure, axes = picture(
        theme, width=1 + side * columns, height=0.8 + (side + 0.3) * rows, shape=(rows, columns), sharey=True
    )
    for head, one in enumerate(axes):
        if head >= heads:
            one.set_visible(False)
            continue
        image = one.imshow(weights[head], cmap=theme.heat, vmin=0, vmax=1)
        one.set_xticks(range(length), tokens, rotation=90, fontsize=8, fontfamily=FONTS)
        one.set_yticks(range(length), tokens, fontsize=8, fontfamily=FONTS)
        label(one, theme, title=worded("head {head}", head=head))
    bar = figure.colorbar(image, ax=axes, shrink=0.7, label=worded("weight"), aspect=30)
    bar.ax.tick_params(colors=theme.ink, labelsize=8)
    bar.ax.yaxis.label.set_color(theme.ink)
    figure.supylabel(worded("from"), color=theme.ink, fontsize=10)
    figure.supxlabel(worded("to"), color=theme.ink, fontsize=10)
    if title:
        figure.suptitle(worded(title), x=0.01, ha="left", color=theme.ink, fontsize=11, fontweight="bold")
    said = [_strongest(head, weights[head], tokens) for head in range(heads)]
    about = {"length": length, "said": joined(said, SENTENCES)}
    one = worded("Attention of 1 head over {length} tokens. {said}", **about)
    figure.alt = (
        worded("Attention of {heads} heads over {length} tokens. {said}", heads=heads, **about) if heads > 1 else one
    )
    return figure


def _strongest(head: int, weights: np.ndarray, tokens: Sequence[str]) -> str:
    i, j = np.unravel_index(weights.argmax(), weights.shape)
    return worded(
        "Head {head} looks most from {reader} to {read} ({weight:.2f}).",
        head=head,
        reader=tokens[i],
        read=tokens[j],
        weight=weights[i, j],
    )


def between(
    read: Sequence[str], written: Sequence[str], weights: np.ndarray, *, title: str = "", dark: bool | None = None
) -> Picture:
    """Attention from one text to another as a heat map: `weights` (T, L), each row (a written piece) sums to 1.

    Raises `ElectraError` for more than 40 tokens on either side and where the shapes do not fit.

    >>> import numpy as np; from electra_helpers.view.plots import between
    >>> between(["a", "cat"], ["chat"], np.array([[0.1, 0.9]])).alt
    'Attention of 1 written piece over 2 tokens read. Most from: chat to cat (0.90).'

    Built in notebook 11.
    """
    if weights.shape != (len(written), len(read)) or max(weights.shape) > MOST_TOKENS:
        raise ElectraError(
            worded(
                "weights {shape} for {written} written and {read} read tokens: (T, L) with at most {most} is shown.",
                shape=weights.shape,
                written=len(written),
                read=len(read),
                most=MOST_TOKENS,
            )
        )
    theme = theme_of(dark)
    width, height = 1.8 + 0.3 * len(read), 1.2 + 0.24 * len(written)
    figure, (axes,) = picture(theme, width=width, height=height)
    image = axes.imshow(weights, cmap=theme.heat, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(read)), read, rotation=90, fontsize=9, fontfamily=FONTS)
    axes.set_yticks(range(len(written)), written, fontsize=9, fontfamily=FONTS)
    label(axes, theme, title=title, x="read", y="written")
    bar = figure.colorbar(image, ax=axes, label=worded("weight"))
    bar.ax.tick_params(colors=theme.ink, labelsize=8)
    bar.ax.yaxis.label.set_color(theme.ink)
    most = weights.argmax(axis=1)
    said = [
        worded("{piece} to {read} ({weights:.2f})", piece=piece, read=read[j], weights=weights[i, j])
        for i, (piece, j) in enumerate(zip(written, most, strict=True))
    ]
    about = {"count": len(read), "said": joined(said, ITEMS)}
    one = worded("Attention of 1 written piece over {count} tokens read. Most from: {said}.", **about)
    figure.alt = worded(MANY, pieces=len(written), **about) if len(written) > 1 else one
    return figure


MANY = wording("Attention of {pieces} written pieces over {count} tokens read. Most from: {said}.")


def embedding_map(
    words: Sequence[str], vectors: np.ndarray, *, groups: Sequence[str] | None = None, dark: bool | None = None
) -> Picture:
    """Word vectors (n, E) on their first two principal components; `groups` gives each a colour and a marker.

    The alt text says how much of the variance is seen, and whether neighbours on the full vectors share their group.

    >>> import numpy as np; from electra_helpers.view.plots import embedding_map
    >>> embedding_map(["a", "b", "c"], np.array([[0.0, 1], [0, 2], [5, 0]])).alt
    '3 word vectors on two principal components, which hold 100 % of their variance.'

    Built in notebook 03.
    """
    theme = theme_of(dark)
    centred = np.asarray(vectors, dtype=float) - np.mean(vectors, axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    points, share = (left * size)[:, :2], float((size[:2] ** 2).sum() / (size**2).sum())
    groups = list(groups or [""] * len(words))
    kinds = sorted(set(groups))
    if len(kinds) > 5:
        raise ElectraError(
            worded("{count} groups cannot be told apart in one picture: give at most 5.", count=len(kinds))
        )
    figure, (axes,) = picture(theme, height=4.6)
    for i, kind in enumerate(kinds):
        chosen = [n for n, group in enumerate(groups) if group == kind]
        axes.scatter(*points[chosen].T, color=theme.series[i], marker=MARKERS[i], s=28, label=kind or None)
    if len(kinds) > 1:
        legend(axes, theme, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=len(kinds))
    label(
        axes,
        theme,
        title=worded("Two components, {share:.0f} % of the variance", share=100 * share),
        x="component 1",
        y="component 2",
    )
    axes.margins(0.08)
    name_points(axes, theme, points, words)
    figure.alt = worded(
        "{count} word vectors on two principal components, which hold {share:.0f} % of their variance.",
        count=len(words),
        share=share * 100,
    )
    if len(kinds) > 1:
        alike = worded(
            "The nearest neighbour is of the same group for {same_group:.0f} % of the words.",
            same_group=same_group(centred, groups),
        )
        figure.alt = joined([figure.alt, alike], SENTENCES)
    return figure


def same_group(vectors: np.ndarray, groups: Sequence[str]) -> float:
    """Share in per cent of the vectors whose nearest neighbour (by cosine) has their group."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    near = unit @ unit.T - 2 * np.eye(len(unit))
    return 100 * float(np.mean([groups[i] == groups[j] for i, j in enumerate(near.argmax(1))]))


PLACES = {  # the joint step from left to right: x, y of each box
    wording("shared embeddings"): (0.0, 1.0),
    wording("generator encoder"): (1.0, 2.0),
    wording("generator head"): (2.0, 2.0),
    wording("discriminator embeddings"): (1.0, 0.0),  # only of nets that do not share theirs
    wording("discriminator encoder"): (2.0, 0.0),
    wording("discriminator head"): (3.0, 0.0),
    wording("MLM loss"): (3.0, 2.0),
    wording("RTD loss"): (4.0, 0.0),
}
EDGES = (  # where a gradient flows, from a loss back: (from, to, loss)
    ("MLM loss", "generator head", "mlm"),
    ("generator head", "generator encoder", "mlm"),
    ("generator encoder", "shared embeddings", "mlm"),
    ("RTD loss", "discriminator head", "rtd"),
    ("discriminator head", "discriminator encoder", "rtd"),
    ("discriminator encoder", "shared embeddings", "rtd"),
    ("discriminator encoder", "discriminator embeddings", "rtd"),
)


def gradient_map(norms: Mapping[str, Mapping[str, float | None]], *, dark: bool | None = None) -> Picture:
    """The joint step with the gradient norm of each loss on its way back, and the sampling, which nothing passes.

    `norms` is what `tasks.inside.gradient_norms` measured: loss → part → norm, None where autograd leads nowhere.

    >>> from electra_helpers.view.plots import gradient_map
    >>> gradient_map({"mlm": {"generator head": 0.5}, "rtd": {"generator head": None}}).alt
    'Gradient norms. MLM loss: generator head 0.5. RTD loss: none at generator head.'

    Built in notebook 06.
    """
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, width=8.4, height=3.7)
    axes.set_axis_off()
    axes.set_xlim(-0.5, 4.5)
    axes.set_ylim(-0.55, 2.75)
    largest = max((x for parts in norms.values() for x in parts.values() if x), default=1.0)
    own = "discriminator embeddings"
    left_out = set() if any(own in parts for parts in norms.values()) else {own}
    boxes = {name: _box(axes, theme, name, place) for name, place in PLACES.items() if name not in left_out}
    for start, end, loss in EDGES:
        if end in left_out:
            continue
        target = end if end in norms.get(loss, {}) else start
        arrow = _arrow(theme, norms.get(loss, {}).get(target), loss, largest)
        ends = {"patchA": boxes[start], "patchB": boxes[end], "shrinkA": 0, "shrinkB": 2}
        axes.annotate("", PLACES[end], PLACES[start], arrowprops=ends | arrow)
        _number(axes, theme, start, end, norms.get(loss, {}).get(target))
    axes.annotate(
        "", (2.0, 0.34), (2.0, 1.66), arrowprops={"arrowstyle": "->", "color": theme.faint, "linestyle": ":", "lw": 2}
    )
    axes.text(2.06, 1.0, worded("sampled tokens\nno gradient back"), color=theme.ink, fontsize=9, va="center")
    label(axes, theme, title="Gradient norms on the way back: thicker is larger, dotted is none")
    figure.alt = joined([worded("Gradient norms."), *(_said(loss, parts) for loss, parts in norms.items())], SENTENCES)
    return figure


def _box(axes: Axes, theme: Theme, name: str, place: tuple[float, float]) -> FancyBboxPatch:
    (x, y), width = place, 2 if "loss" in name else 1
    shape = {"boxstyle": "round,pad=0.02", "facecolor": theme.page, "edgecolor": theme.ink, "linewidth": width}
    box = axes.add_patch(FancyBboxPatch((x - 0.36, y - 0.26), 0.72, 0.52, **shape))
    axes.text(x, y, worded(name).replace(" ", "\n"), ha="center", va="center", color=theme.ink, fontsize=9)
    return box


def _arrow(theme: Theme, norm: float | None, loss: str, largest: float) -> dict[str, Any]:
    """The look of an edge: as thick as its gradient, dotted where there is none."""
    if not norm:
        return {"arrowstyle": "-|>", "color": theme.faint, "lw": 1.5, "linestyle": ":"}
    return {
        "arrowstyle": "-|>",
        "color": theme.series[0 if loss == "mlm" else 1],
        "lw": 1 + 4 * (norm / largest) ** 0.5,
    }


def _number(axes: Axes, theme: Theme, start: str, end: str, norm: float | None) -> None:
    (x0, y0), (x1, y1) = PLACES[start], PLACES[end]
    lift = 0.3 if y0 > y1 else 0.24 if y0 < y1 else -0.18 if "embeddings" in end else 0.18
    text = f"{norm:.2g}" if norm else worded("none")
    axes.text((x0 + x1) / 2, (y0 + y1) / 2 + lift, text, color=theme.ink, fontsize=9, ha="center", va="center")


def _said(loss: str, parts: Mapping[str, float | None]) -> str:
    reached = joined((f"{worded(part)} {norm:.2g}" for part, norm in parts.items() if norm is not None), ITEMS)
    dark = joined((worded(part) for part, norm in parts.items() if norm is None), ITEMS)
    return worded(
        "{loss} loss: {said}.",
        loss=loss.upper(),
        said=joined(filter(None, [reached, dark and worded("none at {dark}", dark=dark)])),
    )
