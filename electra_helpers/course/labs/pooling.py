"""Pooling a class's runs without a server: `share` prints one line, people paste the lines into one place, `pool` draws them.

Lines come back from chats and shared documents: quoted, wrapped, doubled, cut, from another version, with words in between. A check sum
tells what arrived whole; what did not is counted and said, never guessed.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from dataclasses import dataclass
from statistics import mean, stdev

from electra_helpers.course.labs.objectives import ARMS, READINGS, Readings, gains, last_scores, recorded
from electra_helpers.course.labs.objectives_pictures import NAMED, READ
from electra_helpers.errors import ElectraError
from electra_helpers.language import ITEMS, joined, worded, wording
from electra_helpers.training.loop import Run
from electra_helpers.view.plots.style import MARKERS, Picture, label, legend, picture, theme_of

VERSION = 1
POOLED = ("pairs", "outcome")
# Without any blanks, since a line may be wrapped in the middle of a number: every score has three decimals.
LINE = re.compile(r"electra-run(\d+);((?:(?!electra-run).){0,400}?);sum([0-9a-f]{4})")
BEGINNING = re.compile(r"electra-run\d+;")
SCORES = r"(?:[01]\.\d{3})+"
FIELDS = re.compile(rf"arm([a-z]+);seed(\d+);percent(\d+);pairs({SCORES});outcome({SCORES})")
ADDED = re.compile(r"[\s>|*`\u200b\ufeff]+")  # blanks, and what chats and quotes put around and between


@dataclass(frozen=True)
class SharedRun:
    """One run of a class: its arm, seed, share of the compute, and its readings along the way."""

    arm: str
    seed: int
    percent: int
    pairs: tuple[float, ...]
    outcome: tuple[float, ...]

    def line(self) -> str:
        readings = "; ".join(f"{name} {' '.join(f'{x:.3f}' for x in getattr(self, name))}" for name in POOLED)
        body = f"arm {self.arm}; seed {self.seed}; percent {self.percent}; {readings}"
        return f"electra-run {VERSION}; {body}; sum {checksum(body)}"


def checksum(body: str) -> str:
    """Four hexadecimal digits that tell whether a line was copied whole; what mail programs add does not count."""
    return f"{zlib.crc32(ADDED.sub('', body).encode()) & 0xFFFF:04x}"


def share(readings: Readings | None = None) -> None:
    """Print the run of an arm as one line for the class: the last run in this notebook, or the one of `readings`.

    Nothing is sent anywhere: paste the line where your class collects them. Raises `ElectraError` where no arm was run to its end.

    >>> import electra_helpers as eh
    >>> eh.share()  # doctest: +SKIP
    electra-run 1; arm rtd; seed 11; percent 100; pairs 0.615 …; outcome 0.673 …; sum 3fa2

    Built in notebook 06.
    """
    readings = readings or Readings.last
    if readings is None or len(readings.found) < readings.count:
        raise ElectraError(worded("There is no finished run to share yet: run the cell with my_arm and my_seed first."))
    print(shared_run(readings).line())


def shared_run(readings: Readings) -> SharedRun:
    """What a class pools of a run."""
    arm, steps = arm_of(readings.run), readings.run.config.steps
    percent = max(1, round(100 * steps / recorded()["arms"][arm][0]["steps"]))
    found = {name: tuple(round(record[name], 3) for record in readings.found) for name in POOLED}
    return SharedRun(arm, readings.run.config.seed, percent, **found)


def arm_of(run: Run) -> str:
    """Which arm a run is, from its settings and its network. Raises `ElectraError` if it is none of them."""
    from electra_helpers.course.labs.objectives import AdversarialElectra
    from electra_helpers.recipes import recipe

    usual = recipe("tiny").pretrain
    names = {name for arm in ARMS.values() for name in arm.changes}
    for title, arm in ARMS.items():
        wanted = {name: arm.changes.get(name, getattr(usual, name)) for name in names}
        same = all(getattr(run.config, name) == value for name, value in wanted.items())
        if same and arm.adversarial is isinstance(run.task.model, AdversarialElectra):
            return title
    raise ElectraError(worded("This run changed something else: a class pools the arms {arms}.", arms=", ".join(ARMS)))


def read_lines(text: str) -> tuple[list[SharedRun], list[str]]:
    """The runs in a pasted text, each once, and a sentence on everything that was left out."""
    flat = ADDED.sub("", text).lower()
    runs: dict[tuple[str, int, int], SharedRun] = {}
    out: dict[str, int] = defaultdict(int)
    whole = LINE.findall(flat)
    out[wording("was cut off")] = len(BEGINNING.findall(flat)) - len(whole)
    for version, body, total in whole:
        run = _parsed(body, total) if int(version) == VERSION else None
        if int(version) != VERSION:
            out[worded("is of version {found}, not {known}", found=version, known=VERSION)] += 1
        elif run is None:
            out[wording("was changed on its way")] += 1
        elif (run.arm, run.seed, run.percent) in runs:
            out[wording("repeats an arm and seed that is there already")] += 1
        else:
            runs[run.arm, run.seed, run.percent] = run
    return list(runs.values()), [worded("left out: {n} that {why}", n=n, why=why) for why, n in out.items() if n]


def _parsed(body: str, total: str) -> SharedRun | None:
    found = FIELDS.fullmatch(body)
    names = {arm.replace(" ", ""): arm for arm in ARMS}
    if found is None or found[1] not in names or checksum(body) != total:
        return None
    pairs, outcome = (tuple(map(float, re.findall(r"\d\.\d{3}", found[i]))) for i in (4, 5))
    if len(pairs) != READINGS or len(outcome) != READINGS or max(*pairs, *outcome) > 1:
        return None
    return SharedRun(names[found[1]], int(found[2]), int(found[3]), pairs, outcome)


def pool(text: str, reading: str = "pairs", *, dark: bool | None = None) -> Picture:
    """Draw a class's runs beside the recorded ones, from a text that holds the lines of `eh.share`, and print what they say.

    `reading` is "pairs" or "outcome", as shares from 0 to 1 at the end of a run. Lines may be quoted, wrapped, doubled or mixed with
    other words; what is cut, changed, of another version or of a shorter run is left out and counted. Raises `ElectraError` for a
    reading that is not there.

    >>> import electra_helpers as eh
    >>> eh.pool("no lines in here").alt.split(":")[0]
    0 lines of a class
    'Minimal pairs preferred rightly at the end of each run'

    Built in notebook 06.
    """
    if reading not in POOLED:
        raise ElectraError(
            worded("A class pools {pooled}, not {reading!r}.", pooled=" and ".join(POOLED), reading=reading)
        )
    runs, said = read_lines(text)
    whole = [run for run in runs if run.percent >= 90]
    if len(whole) < len(runs):
        said.append(
            worded(
                "left out: {count} with less compute than a whole arm (ELECTRA_PROFILE=smoke?)",
                count=len(runs) - len(whole),
            )
        )
    scores: dict[str, list[float]] = defaultdict(list)
    gained: dict[str, list[float]] = defaultdict(list)
    for run in whole:
        values = getattr(run, reading)
        scores[run.arm].append(values[-1])
        gained[run.arm].append(values[-1] - values[0])
    print(
        "\n".join([worded("{count} lines of a class", count=len(whole)), *said, *_conclusion(scores, gained, reading)])
    )
    return _drawn(scores, reading, dark)


def _conclusion(scores: dict[str, list[float]], gained: dict[str, list[float]], reading: str) -> list[str]:
    """Each arm with the recorded seeds, mean ± deviation, and rtd against mlm by the rule of exercise 06.5."""
    pooled = {arm: [*last_scores(arm, reading), *scores[arm]] for arm in ARMS if scores.get(arm)}
    lines = [
        worded(
            "{title}: {mean:.3f} ± {spread:.3f} ({count} runs)",
            title=ARMS[arm].title,
            mean=mean(x),
            spread=stdev(x),
            count=len(x),
        )
        for arm, x in pooled.items()
    ]
    if {"rtd", "mlm"} <= set(pooled):
        seeds = {arm: gains(arm, reading) for arm in ("rtd", "mlm")}
        difference = mean([*seeds["rtd"], *gained["rtd"]]) - mean([*seeds["mlm"], *gained["mlm"]])
        spread = max(map(stdev, seeds.values()))
        clear = worded("clear") if abs(difference) >= 2 * spread else worded("not clear")
        lines.append(
            worded(
                "gains over their starts, rtd − mlm: {difference:+.3f}; twice the spread {spread:.3f}: {clear}",
                difference=difference,
                spread=2 * spread,
                clear=clear,
            )
        )
    return lines


def _drawn(scores: dict[str, list[float]], reading: str, dark: bool | None) -> Picture:
    theme, said = theme_of(dark), []
    figure, (axes,) = picture(theme)
    arms = [arm for arm in ARMS if scores.get(arm) or arm in ("mlm", "rtd", "uniform")]
    for x, arm in enumerate(arms):
        known, ours = last_scores(arm, reading), scores.get(arm, [])
        axes.scatter(_beside(x - 0.12, known), known, s=30, facecolors="none", edgecolors=theme.ink, marker="o")
        axes.scatter(_beside(x + 0.12, ours), ours, s=34, color=theme.series[0], marker=MARKERS[3])
        middle = mean([*known, *ours])
        axes.hlines(middle, x - 0.3, x + 0.3, color=theme.ink, linewidth=1.5)
        seen = (
            worded(", of the class {ours}", ours=joined((f"{score:.3f}" for score in sorted(ours)), ITEMS))
            if ours
            else ""
        )
        said.append(
            worded(
                "{title}: recorded {lowest:.3f} to {highest:.3f}{seen}, mean {middle:.3f}",
                title=ARMS[arm].title,
                lowest=min(known),
                highest=max(known),
                seen=seen,
                middle=middle,
            )
        )
    axes.scatter([], [], s=30, facecolors="none", edgecolors=theme.ink, marker="o", label=wording("recorded"))
    axes.scatter([], [], s=34, color=theme.series[0], marker=MARKERS[3], label=wording("your class"))
    axes.set_xticks(range(len(arms)), [worded(ARMS[arm].title).replace(", ", ",\n") for arm in arms])
    axes.set_xlim(-0.5, len(arms) - 0.5)
    legend(axes, theme, loc="lower right")
    title = worded("{read} at the end of each run", read=worded(READ[reading]).capitalize())
    label(axes, theme, title=title, y=worded("{reading} (share)", reading=NAMED[reading]))
    figure.alt = worded("{title}: {said}.", title=title, said=joined(said))
    return figure


def _beside(x: float, values: list[float]) -> list[float]:
    """Places around x, so that equal scores do not cover each other."""
    return [x + 0.03 * (i - (len(values) - 1) / 2) for i in range(len(values))]
