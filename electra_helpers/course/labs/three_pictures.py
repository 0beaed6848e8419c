"""Pictures and tables of notebook 16: who sees whom, what each objective can do, and when to take which."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean, stdev
from typing import Any

import torch
from matplotlib.ticker import MaxNLocator, NullLocator, StrMethodFormatter

from electra_helpers.course.labs.three_objectives import (
    NAMES,
    OBJECTIVES,
    OWN_WAY,
    PASSES,
    TASKS,
    ahead,
    by_objective,
    labelled,
    recorded,
    scores,
    shown,
)
from electra_helpers.language import ENTRY, ITEMS, STATEMENTS, joined, padded, worded, wording
from electra_helpers.view.plots.places import label_ends
from electra_helpers.view.plots.style import LINES, MARKERS, Picture, label, picture, theme_of

UNTRAINED = wording("no pre-training")
WRITE, FILL = wording("write: runs of 4 words known"), wording("fill: hidden words guessed")
DETECT, SCORE = wording("detect: AUC on foreign fakes"), wording("score: pairs won")
SEEN = {  # tokens as each net gets them, which of them it is asked about, and what
    "GPT": (("[CLS]", "the", "chef", "cooked"), "the chef cooked [SEP]"),
    "BERT": (("[CLS]", "the", "[MASK]", "cooked"), "chef"),
    "ELECTRA": (("[CLS]", "the", "judge", "cooked"), "yes no yes yes"),
}


def sight(*, dark: bool | None = None) -> Picture:
    """Which token (row) looks at which (column), for each objective, with the tokens that it gets."""
    theme = theme_of(dark)
    figure, panels = picture(theme, width=9.5, height=3.5, shape=(1, 3))
    said = []
    for axes, (name, (tokens, asked)) in zip(panels, SEEN.items(), strict=True):
        seen = torch.ones(4, 4) if name != "GPT" else torch.ones(4, 4).tril()
        for row in range(4):
            for column in range(4):
                looks = bool(seen[row, column])
                axes.text(
                    column, row, worded("sees") if looks else "·", ha="center", va="center", color=theme.ink, fontsize=8
                )
        axes.imshow(seen, cmap="Blues", vmin=0, vmax=3, alpha=0.6)
        axes.set_xticks(range(4), tokens, rotation=35)
        axes.set_yticks(range(4), tokens)
        label(axes, theme, title=name, x=worded("is asked: {asked}", asked=asked))
        said.append(
            worded(
                "{name} reads {tokens} and is asked for {asked}; {seen} of 16 pairs are seen",
                name=name,
                tokens=" ".join(tokens),
                asked=asked,
                seen=int(seen.sum()),
            )
        )
    figure.alt = worded("Who sees whom. {said}.", said=joined(said, STATEMENTS))
    return figure


def abilities() -> dict[str, dict[str, list[float]]]:
    """What the nets can do without a label: panel → name → the recorded seeds. None of them was trained on these exams."""
    written = by_objective("written", "known_runs")
    filled = {
        wording("GPT, left side"): scores("clm", "filled", "left side"),
        wording("GPT, 20 tried"): scores("clm", "filled", "reranked"),
        "BERT": scores("mlm", "filled", "both sides"),
        wording("ELECTRA's generator"): scores("rtd", "filled", "both sides"),
    }
    found = {WRITE: written, FILL: filled}
    for title, path in ((DETECT, "fakes"), (SCORE, "pairs")):
        found[title] = {}
        for objective in OBJECTIVES:
            for way in recorded()["compute"][objective][0]["scored"]["pairs"]:
                where = ("scored", path, way, "learned") if path == "fakes" else ("scored", path, way)
                name = NAMES[objective]
                name = worded("{name}, {way}", name=name, way=worded(way)) if objective == "mlm" else name
                found[title][name] = scores(objective, *where)
    return found


def ability_picture(mine: Mapping[str, float] | None = None, *, dark: bool | None = None) -> Picture:
    """A panel for each ability, a row for each net, a dot for each seed; `mine` is your net's number, by panel."""
    theme = theme_of(dark)
    figure, panels = picture(theme, width=10.0, height=5.4, shape=(2, 2))
    said = []
    for axes, (title, rows) in zip(panels, abilities().items(), strict=True):
        for at, (name, values) in enumerate(rows.items()):
            colour = theme.series[next(i for i, net in enumerate(NAMES.values()) if name.startswith(net))]
            axes.plot(values, [at] * len(values), linestyle="", marker="o", markersize=6, alpha=0.6, color=colour)
            axes.plot([mean(values)] * 2, [at - 0.3, at + 0.3], color=colour, linewidth=2)
        if mine and title in mine:
            axes.axvline(mine[title], color=theme.ink, linestyle="--", linewidth=1.4)
            axes.annotate(worded("yours"), (mine[title], -0.75), color=theme.ink, fontsize=9, ha="center")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_yticks(range(len(rows)), [worded(name) for name in rows])
        axes.set_ylim(len(rows) - 0.4, -1)
        label(axes, theme, title=title)
        each = joined((f"{worded(name)} {shown(values)}" for name, values in rows.items()), ITEMS)
        said.append(worded(ENTRY, name=worded(title), said=each))
    figure.alt = worded(
        "What each net can do without a label, each seed and the mean. {said}.", said=joined(said, STATEMENTS)
    )
    return figure


def label_picture(*, dark: bool | None = None) -> Picture:
    """Score over the number of labels, a panel for each task: each objective's band over its seeds, with the mean."""
    theme = theme_of(dark)
    figure, panels = picture(theme, width=11.0, height=3.6, shape=(1, 3))
    said = []
    for axes, (task, metric) in zip(panels, TASKS.items(), strict=True):
        counts, ends = labelled(task), []
        arms = [(NAMES[each], each, "compute") for each in OBJECTIVES] + [(UNTRAINED, "none", "scratch")]
        for i, (name, objective, part) in enumerate(arms):
            seeds = [scores(objective, "fine_tuned", task, str(count), part=part) for count in counts]
            middle, colour = [mean(each) for each in seeds], [*theme.series[:3], theme.ink][i]
            axes.fill_between(
                counts, list(map(min, seeds)), list(map(max, seeds)), color=colour, alpha=0.2, linewidth=0
            )
            axes.plot(counts, middle, color=colour, linestyle=LINES[i], marker=MARKERS[i], markersize=4)
            ends.append((counts[-1], middle[-1], name, colour))
            each = (worded("{y:.2f} at {n:,}", y=y, n=n) for n, y in zip(counts, middle, strict=True))
            whose = worded("{name}, {way}", name=worded(task), way=worded(name))
            said.append(worded(ENTRY, name=whose, said=joined(each, ITEMS)))
        axes.set_xscale("log", base=2)
        axes.set_xticks(counts)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axes.set_ylim(0, 1.2)  # room for the names of lines that end together at 1
        axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        label_ends(axes, ends)
        label(axes, theme, title=task, x="labelled rows", y=metric)
    figure.alt = worded("Score by number of labels. {said}.", said=joined(said))
    return figure


def scoring_table() -> str:
    """Every way to score a text: its cost in passes over n tokens, and what it finds."""
    heads = "".join(padded(head, 13) for head in (wording("pairs"), wording("uniform"), wording("bigram")))
    way = padded("a token is scored by", 24) + padded("passes", 7, right=True)
    lines = [f"{'':<9}{way}   {heads}{worded('learned fakes')}"]
    for objective in OBJECTIVES:
        for way in recorded()["compute"][objective][0]["scored"]["pairs"]:
            fakes = [
                shown(scores(objective, "scored", "fakes", way, exam)) for exam in ("uniform", "bigram", "learned")
            ]
            cells = [shown(scores(objective, "scored", "pairs", way)), *fakes]
            lines.append(
                f"{NAMES[objective]:<9}{WAYS[way]:<24}{PASSES[way]:>7}   {''.join(f'{c:<13}' for c in cells)}".rstrip()
            )
    return "\n".join(lines)


WAYS = {
    "left to right": "log p(token | before)",
    "one hidden": "log p(token | all others)",
    "as it stands": "log p(token | all)",
    "P(original)": "log P(original | all)",
}


def real_table() -> str:
    """The same three on real English: cost, minimal pairs, fakes, and SST-2 fine-tuned and from scratch."""
    cost = padded("steps", 6, right=True) + padded("tokens", 9, right=True)
    exams = f"{padded('scored by', 15)}{'BLiMP':<13}{padded('uniform fakes', 14)}{'SST-2':<13}"
    lines = [f"{'':<9}{cost}  {exams}{worded('from scratch')}"]
    for objective in OBJECTIVES:
        runs = recorded()["real"][objective]
        for way in runs[0]["pairs"]:
            cells = [
                shown(scores(objective, "pairs", way, part="real")),
                shown(scores(objective, "fakes", way, "uniform", part="real")),
            ]
            tuned = [shown(scores(objective, name, part="real")) for name in ("sst2", "sst2_scratch")]
            if way not in (OWN_WAY[objective],):
                tuned = ["", ""]
            cost = f"{runs[0]['steps']:>6,}{mean(run['tokens'] for run in runs):>9,.0f}"
            lines.append(
                f"{NAMES[objective]:<9}{cost}  {padded(way, 15)}{cells[0]:<13}{cells[1]:<14}{tuned[0]:<13}{tuned[1]}".rstrip()
            )
    return "\n".join(lines)


def real_picture(*, dark: bool | None = None) -> Picture:
    """On real English: AUC on uniform fakes, and minimal pairs: every seed of every objective by its own way to score."""
    theme = theme_of(dark)
    figure, panels = picture(theme, width=9.5, height=2.8, shape=(1, 2))
    said = []
    for axes, (title, find) in zip(
        panels,
        {
            wording("uniform fakes: AUC"): lambda o: scores(o, "fakes", OWN_WAY[o], "uniform", part="real"),
            wording("BLiMP: better sentence preferred"): lambda o: scores(o, "pairs", OWN_WAY[o], part="real"),
        }.items(),
        strict=True,
    ):
        found = {NAMES[objective]: find(objective) for objective in OBJECTIVES}
        for at, (name, values) in enumerate(found.items()):
            axes.plot(values, [at] * len(values), linestyle="", marker="o", alpha=0.7, color=theme.series[at])
            axes.errorbar(mean(values), at, xerr=2 * stdev(values), color=theme.series[at], capsize=4)
            said.append(worded("{name}, {way}", name=worded(title), way=f"{name} {shown(values)}"))
        axes.axvline(0.5, color=theme.faint, linewidth=1)
        axes.set_yticks(range(3), list(found))
        axes.set_ylim(2.5, -0.5)
        label(axes, theme, title=title, x="bars: twice the standard deviation")
    figure.alt = worded("Real English, each seed, with bars of twice the deviation. {said}.", said=joined(said))
    return figure


def needs() -> list[tuple[str, str, str, dict[str, list[float]]]]:
    """For each need: its name, what is measured, passes over n tokens of the three, and the recorded seeds of each."""
    rows = []
    for task, name in (
        ("topic", wording("classify a text")),
        ("entities", wording("tag words")),
        ("questions", wording("answer questions")),
    ):
        for count in (labelled(task)[0], labelled(task)[-1]):
            found = by_objective("fine_tuned", task, str(count))
            rows.append(
                (
                    worded("{name}, {count:,} labelled rows", name=name, count=count),
                    worded(TASKS[task]),
                    "1, 1, 1",
                    found,
                )
            )
    rows.append(
        (worded("write a text"), worded("runs of 4 words known"), "n, n, n", by_objective("written", "known_runs"))
    )
    filled = [scores("clm", "filled", "reranked"), *(scores(o, "filled", "both sides") for o in ("mlm", "rtd"))]
    rows.append(
        (worded("fill a blank"), worded("words guessed"), "21, 1, 1", dict(zip(NAMES.values(), filled, strict=True)))
    )
    for name, measure, path in (
        (worded("find a wrong word"), worded("AUC on foreign fakes"), ("fakes", "learned")),
        (worded("choose the better text"), worded("pairs won"), ("pairs",)),
    ):
        found = {NAMES[o]: scores(o, "scored", path[0], OWN_WAY[o], *path[1:]) for o in OBJECTIVES}
        rows.append((name, measure, "1, n, 1", found))
    return rows


def when_to_take_which() -> str:
    """The last table of the notebook as Markdown: a row for each need, every cell with its recorded number, and who is ahead."""
    lines = [
        worded("| you want to | measured by | passes | GPT | BERT | ELECTRA | ahead |"),
        "|---|---|---|---|---|---|---|",
    ]
    for need, measure, passes, found in needs():
        cells = " | ".join(shown(values) for values in found.values())
        lines.append(f"| {need} | {measure} | {passes} | {cells} | {ahead(found)} |")
    return "\n".join(lines)


class Table:
    """A text of Markdown that a notebook shows as a table."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/markdown": self.text, "text/plain": self.text}


def tokens_table() -> str:
    """At equal tokens, beside equal compute: hidden words guessed, and AUC on foreign fakes in one pass."""
    lines = [
        f"{'':<23}{padded('equal tokens', 30)}{worded('equal compute')}",
        f"{'':<23}{padded('guessed', 15)}{'AUC':<15}{padded('guessed', 15)}AUC",
    ]
    ways = {
        "clm": (wording("left side"), "left to right"),
        "mlm": (wording("both sides"), "as it stands"),
        "rtd": (wording("both sides"), "P(original)"),
    }
    for objective, (side, way) in ways.items():
        # Where GPT's budget ends, so do the tokens: both runs are one.
        parts = ("tokens" if objective in recorded()["tokens"] else "compute", "compute")
        cells = [
            shown(scores(objective, *path, part=part))
            for part in parts
            for path in (("filled", side), ("scored", "fakes", way, "learned"))
        ]
        lines.append(f"{NAMES[objective]:<9}{padded(side, 14)}{''.join(f'{cell:<15}' for cell in cells)}".rstrip())
    return "\n".join(lines)
