"""Tables and pictures of notebook 17: every successor at equal compute, seed by seed, and beside them GPT and BERT of notebook 16."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from electra_helpers.course.labs import three_objectives as three
from electra_helpers.course.labs.successor_runs import ARMS, own_way, recorded, runs, scores
from electra_helpers.language import joined, padded, worded, wording
from electra_helpers.view.plots.style import Picture, label, picture, theme_of

READ = {
    "pairs": wording("which of two stories has the mistake: a linear probe on the frozen encoder"),
    "outcome": wording("does a story end well: a linear probe on the frozen encoder"),
    "own": wording("which of two stories has the mistake: by the net's own score, in one pass"),
    "fakes": wording("AUC on fakes of a trained generator that none has met"),
}


def reading(arm: str, name: str, ground: str = "world") -> list[float]:
    """One number of `READ` for each seed of an arm."""
    if name == "own":
        return scores(ground, arm, "scored", own_way(arm))
    if name == "fakes":
        return scores(ground, arm, "fakes", own_way(arm), "learned" if ground == "world" else "bigram")
    return scores(ground, arm, "probes", name)


def shown(values: Sequence[float]) -> str:
    """Mean ± standard deviation over the seeds; of one seed no deviation."""
    return f"{mean(values):.3f} ± {stdev(values):.3f}" if len(values) > 1 else f"{mean(values):.3f}"


def verdict(arm: str, name: str, against: str = "rtd") -> str:
    """Whether an arm is "ahead" of another or "behind" it by more than twice the larger standard deviation, else "not clear"."""
    one, other = reading(arm, name), reading(against, name)
    if not three.is_beyond(one, other):
        return "not clear"
    return "ahead" if mean(one) > mean(other) else "behind"


def world_table() -> str:
    """Every arm on the little world: steps, and each reading as mean ± deviation over its seeds."""
    lines = [f"{'':<24}{padded('steps', 8, right=True)}  " + "".join(f"{name:<17}" for name in READ) + worded("seeds")]
    for arm, about in ARMS.items():
        steps = "+".join(map(str, runs("world", arm)[0]["steps"]))
        cells = "".join(f"{shown(reading(arm, name)):<17}" for name in READ)
        lines.append(f"{padded(about.title, 24)}{steps:>8}  {cells}{len(runs('world', arm))}")
    return "\n".join(lines)


def real_table() -> str:
    """The same nets on real English: pairs of BLiMP by the net's own score, bigram fakes, and SST-2 after fine-tuning."""
    head = f"{padded('steps', 8, right=True)}  {'BLiMP':<17}{'fakes':<17}{'SST-2':<17}{worded('seeds')}"
    lines = [f"{'':<24}{head}"]
    for arm, about in ARMS.items():
        if arm in recorded()["real"].get("arms", {}):
            steps = "+".join(map(str, runs("real", arm)[0]["steps"]))
            found = (reading(arm, "own", "real"), reading(arm, "fakes", "real"), scores("real", arm, "sst2"))
            cells = "".join(f"{shown(values):<17}" for values in found)
            lines.append(f"{padded(about.title, 24)}{steps:>8}  {cells}{len(runs('real', arm))}")
    return "\n".join(lines)


def ranking() -> dict[str, tuple[str, list[float]]]:
    """Who ranks two stories how well: name → passes over a text of n tokens, and a score for each seed. All have the same compute."""
    found = {
        wording("GPT, left to right"): ("1", three.scores("clm", "scored", "pairs", "left to right")),
        wording("BERT, one hidden"): ("n", three.scores("mlm", "scored", "pairs", "one hidden")),
        wording("BERT, as it stands"): ("1", three.scores("mlm", "scored", "pairs", "as it stands")),
        wording("ELECTRA, P(original)"): ("1", reading("rtd", "own")),
        wording("Electric, −energy"): ("1", reading("electric", "own")),
        wording("Electric's two towers"): ("1", scores("world", "electric", "scored", "two towers")),
    }
    return found


def ranking_table() -> str:
    """`ranking` as lines."""
    lines = [f"{'':<24}{padded('passes', 8)}{worded('pairs won')}"]
    for name, (passes, found) in ranking().items():
        lines.append(f"{padded(name, 24)}{passes:<8}{shown(found)}")
    return "\n".join(lines)


def successors_picture(
    name: str, arms: Sequence[str] = tuple(ARMS), mine: dict[str, float] | None = None, *, dark: bool | None = None
) -> Picture:
    """A reading of the little world: for each arm a ring a seed and a bar at their mean, your run (arm → number) as a diamond."""
    theme, mine = theme_of(dark), mine or {}
    figure, (axes,) = picture(theme, height=1.2 + 0.42 * len(arms))
    said = []
    for row, arm in enumerate(arms):
        points = reading(arm, name)
        axes.plot(points, [row] * len(points), "o", markerfacecolor="none", color=theme.series[0], markersize=6)
        axes.plot([mean(points)] * 2, [row - 0.3, row + 0.3], color=theme.ink, linewidth=2)
        said.append(f"{worded(ARMS[arm].title)} {shown(points)}")
        if arm in mine:
            axes.plot([mine[arm]], [row], "D", color=theme.series[1], markersize=8)
            said.append(worded("yours {mine:.3f}", mine=mine[arm]))
    axes.axvline(0.5, color=theme.ink, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(arms)), [worded(ARMS[arm].title) for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.5)  # the first on top
    label(axes, theme, title=READ[name], x="share right, or AUC; ring: a seed, bar: the mean; dotted: a coin")
    figure.alt = worded("{read}, at equal compute. {said}.", read=READ[name], said=joined(said))
    return figure
