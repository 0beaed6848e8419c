"""The laboratory of notebooks 08 to 10: rows of the little world, scores beside their baselines, and what five seeds recorded."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache, partial
from types import ModuleType
from typing import Any

import numpy as np
from matplotlib.ticker import NullLocator, StrMethodFormatter

from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.language import ITEMS, joined, padded, worded, wording
from electra_helpers.reading.labelled import LabelledData, labelled
from electra_helpers.tasks import question_answering, tagging
from electra_helpers.tasks.finetuned import Finetuned
from electra_helpers.tasks.reading import open_task_data
from electra_helpers.tasks.seeds import score_beside_baseline
from electra_helpers.training import optim
from electra_helpers.training.callbacks import ProgressBar
from electra_helpers.training.loop import Run
from electra_helpers.view.plots.places import label_ends
from electra_helpers.view.plots.style import LINES, MARKERS, Picture, label, picture, theme_of
from electra_helpers.world import stories

ARMS = {
    "pretrained": wording("fine-tuned"),
    "frozen": wording("frozen, head alone"),
    "scratch": wording("from scratch"),
}
TASK_OF = {"topic": "classification", "sentiment": "classification", "entities": "tagging"} | {
    "questions": "question-answering"
}
recorded = partial(recorded_by, "downstream")


def world_rows(what: str, split: str, count: int, language: str = "en") -> LabelledData:
    """`count` rows of the little world: topic, sentiment, entities or questions; test stories have heroes with new names.

    >>> world_rows("topic", "train", 4).labels[:3]
    ('work', 'gift', 'animal')
    """
    data = open_task_data(f"world:{what}:{language}:{count}", split, TASK_OF[what])
    return replace(data, rows=data.rows[:count])


def beside_baseline(made: Finetuned, data: LabelledData, names: Sequence[str] = ()) -> str:
    """The scores of a fine-tuned model on these rows, each against the trivial baseline."""
    found = score_beside_baseline(made, data)
    scores, baseline = found["scores"], found["baseline"]
    rows, model = worded("{count:,} rows", count=found["rows"]), padded("model", 8)
    lines = [f"{rows}{'':<14}{model}{worded(baseline['name'])}"]
    for metric in names or scores:
        trivial = f"{baseline[metric]:.3f}" if metric in baseline else "–"
        lines.append(f"  {metric:<18}{scores[metric]:>8.3f}   {trivial}")
    return "\n".join(lines)


@contextmanager
def in_place_of(module: ModuleType, **functions: Callable) -> Iterator[None]:
    """Inside, the package runs these functions in the place of the module's of the same names."""
    package = {name: getattr(module, name) for name in functions}
    try:
        for name, function in functions.items():
            setattr(module, name, function)
        yield
    finally:
        for name, function in package.items():
            setattr(module, name, function)


def own_rates(rates: Callable[[int, float, float], Sequence[float]]) -> AbstractContextManager[None]:
    """Inside, fine-tuning takes the learning rate of every depth from `rates(n, lr, decay)` instead of `layer_scales`."""

    def scales(num_layers: int, decay: float, exponent: str = "paper") -> list[float]:
        return list(rates(num_layers, 1.0, decay))

    return in_place_of(optim, layer_scales=scales)


def own_alignment(
    align: Callable[[Sequence[int | None], Sequence[int]], Sequence[int]],
) -> AbstractContextManager[None]:
    """Inside, tagging gives its targets to the pieces of words by `align(word_ids, tags)` instead of `align_labels`."""
    return in_place_of(tagging, align_labels=lambda word_ids, tags: list(align(word_ids, tags)))


SAME, OTHER = "the same story", "two stories"


def story_pairs(count: int, split: str = "train") -> LabelledData:
    """Pairs of sentences: a story's first one, and a later one of the same story or of the next story told.

    >>> story_pairs(2).rows[0]["text"]
    'Teresa, a carpenter, had a house in a pretty port.'
    """
    told = [s.sentences("en") for s in stories(1000, count=count, split=split, languages=("en",))]
    rng, rows = random.Random(f"{split}/pairs"), []
    for number, sentences in enumerate(told):
        belongs = rng.random() < 0.5
        other = sentences if belongs else told[(number + 1) % len(told)]
        rows.append({"text": sentences[0], "pair": rng.choice(other[1:]), "label": SAME if belongs else OTHER})
    return labelled(rows, task="classification", labels=(OTHER, SAME), source=f"pairs of sentences ({split})")


def turned_round(data: LabelledData) -> LabelledData:
    """The same pairs, second text first."""
    return replace(data, rows=[row | {"text": row["pair"], "pair": row["text"]} for row in data.rows])


class Bar(ProgressBar):
    """A progress bar on the page; evaluations stay silent, since scores come after training, beside their baseline."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def on_evaluation(self, run: Run, record: dict[str, float]) -> None:
        pass


def own_span(best: Callable[..., tuple[int, int]]) -> AbstractContextManager[None]:
    """Inside, answers are chosen by `best(start, end, context_mask, max_length)` instead of `best_spans`."""

    def spans(scores: np.ndarray, allowed: np.ndarray, most: int, n: int = 1) -> list[tuple[int, int, float]]:
        # A first and a last token are scored apart, so one column and one row of their sums hold all there is.
        if not allowed.any():
            return []
        first, last = (int(place) for place in best(scores[:, 0], scores[0], allowed, most))
        return [(first, last, float(scores[first, last]))]

    return in_place_of(question_answering, best_spans=spans)


def own_windows(cut: Callable[..., Sequence[tuple]]) -> AbstractContextManager[None]:
    """Inside, long contexts are cut by `cut(count, room, stride, answer)` instead of `windows`."""

    def spans(count: int, room: int, stride: int = 0) -> list[tuple[int, int]]:
        return [(start, stop) for start, stop, _ in cut(count, room, stride or max(1, room // 2), None)]

    return in_place_of(question_answering, windows=spans)


HIDDEN = "?"  # what a question-blind model reads in the place of every question


def without_questions(data: LabelledData) -> LabelledData:
    """The same rows with one question for all."""
    return replace(data, rows=[row | {"question": HIDDEN} for row in data.rows])


RECORDED_QUESTIONS = 300  # held-out rows that the recorded seeds answered


@cache
def share_without_answer() -> float:
    """The F1 of saying "no answer" always, on the recorded seeds' held-out questions."""
    rows = world_rows("questions", "validation", RECORDED_QUESTIONS).rows
    return sum(not row["answers"]["text"] for row in rows) / len(rows)


def long_rows(count: int, split: str = "validation", stories_each: int = 4) -> LabelledData:
    """Questions that name somebody, whose context is several stories in a row of which one is about that person."""
    rows = world_rows("questions", split, 4 * count + 40).rows
    told = list(dict.fromkeys(row["context"] for row in rows))
    rng, made = random.Random(f"{split}/long"), []
    for row in (row for row in rows if row["answers"]["text"] and _named(row)):
        others = [text for text in told if not any(name in text for name in _named(row))]
        around, before = rng.sample(others, stories_each - 1), rng.randrange(stories_each)
        lead = "".join(f"{text} " for text in around[:before])
        context = lead + " ".join([row["context"], *around[before:]])
        start = [len(lead) + at for at in row["answers"]["answer_start"]]
        made.append(row | {"context": context, "answers": row["answers"] | {"answer_start": start}})
    return labelled(made[:count], task="question-answering", source=f"{stories_each} stories in a row")


def _named(row: dict[str, Any]) -> list[str]:
    """Names in a question that its context has too."""
    words = row["question"].rstrip("?").replace("'s", "").split()[1:]
    return [word for word in words if word[0].isupper() and word in row["context"]]


def with_window(made: Finetuned, length: int, stride: int = 0) -> Finetuned:
    """The same model, reading `length` tokens at once, question included."""
    return replace(made, config=replace(made.config, length=length, stride=stride))


def f1_by_kind(made: Finetuned, data: LabelledData) -> dict[str, float]:
    """Entity F1 of each kind of entity alone."""
    said = [prediction["tags"] for prediction in made.predict([{"tokens": row["tokens"]} for row in data.rows])]
    truth = [[data.labels[tag] for tag in row["tags"]] for row in data.rows]
    kinds = dict.fromkeys(name[2:] for name in data.labels if name != tagging.OUTSIDE)

    def alone(rows: Sequence[Sequence[str]], kind: str) -> list[list[str]]:
        return [[tag if tag[2:] == kind else tagging.OUTSIDE for tag in row] for row in rows]

    return {kind: tagging.entity_metrics(alone(truth, kind), alone(said, kind))["f1"] for kind in kinds}


FACTS = {"who": "PERSON", "trade": "TRADE", "where": "PLACE", "when": "TIME"}


def facts(entities: Sequence[dict[str, Any]], columns: dict[str, str] = FACTS) -> dict[str, str]:
    """A row of a table from a text's entities: for each column the first of its kind; "–" where there is none.

    >>> facts([{"kind": "PERSON", "text": "Anna"}, {"kind": "PERSON", "text": "Hugo"}])
    {'who': 'Anna', 'trade': '–', 'where': '–', 'when': '–'}
    """
    return {
        column: next((entity["text"] for entity in entities if entity["kind"] == kind), "–")
        for column, kind in columns.items()
    }


def true_entities(row: dict[str, Any], labels: Sequence[str]) -> list[dict[str, str]]:
    """The entities that a row's own tags spell."""
    spans = tagging.bio_to_spans([labels[tag] for tag in row["tags"]])
    return [{"kind": span.kind, "text": " ".join(row["tokens"][span.first : span.last])} for span in spans]


def label_scores(what: str, arm: str) -> dict[int, list[float]]:
    """Labels → test accuracies of the seeds, for "topic" or "sentiment" and one of ARMS."""
    found = recorded()["classification"][what]
    return dict(zip(found["labels"], found[arm]["accuracy"], strict=True))


def best_arms(what: str, labels: int, close: float = 0.01) -> str:
    """The arm with the best median there; the others too that are no further away than `close`."""
    medians = {title: float(np.median(label_scores(what, arm)[labels])) for arm, title in ARMS.items()}
    best = max(medians.values())
    return worded(" and ").join(worded(title) for title, median in medians.items() if median >= best - close)


def label_curves(
    what: str, mine: dict[int, float] | None = None, *, majority: float | None = None, dark: bool | None = None
) -> Picture:
    """Test accuracy over the number of labels: each arm's band over its seeds with the median, yours as a thick line."""
    theme = theme_of(dark)
    figure, (axes,) = picture(theme, width=7.0)
    ends, said = [], []
    for i, (arm, title) in enumerate(ARMS.items()):
        scores = label_scores(what, arm)
        middle = [sorted(seeds)[len(seeds) // 2] for seeds in scores.values()]
        low, high = [min(seeds) for seeds in scores.values()], [max(seeds) for seeds in scores.values()]
        axes.fill_between(list(scores), low, high, color=theme.series[i], alpha=0.2, linewidth=0)
        axes.plot(list(scores), middle, color=theme.series[i], linestyle=LINES[i], marker=MARKERS[i], markersize=4)
        ends.append((max(scores), middle[-1], title, theme.series[i]))
        said.append(
            worded(
                "{title}: median {values} labels",
                title=title,
                values=joined(
                    (worded("{y:.2f} at {n:,}", y=y, n=n) for n, y in zip(scores, middle, strict=True)), ITEMS
                ),
            )
        )
    if mine:
        axes.plot(list(mine), list(mine.values()), color=theme.ink, linewidth=2.6, marker="o")
        at = sorted(mine)[len(mine) // 2]
        axes.annotate(
            worded("yours"), (at, mine[at]), (-36, -3), textcoords="offset points", color=theme.ink, fontsize=9
        )
        said.append(
            worded("yours: {mine}", mine=joined((worded("{y:.2f} at {n:,}", y=y, n=n) for n, y in mine.items()), ITEMS))
        )
    if majority is not None:
        axes.axhline(majority, color=theme.faint, linewidth=1)
        said.append(worded("always the most common label: {majority:.2f}", majority=majority))
    axes.set_ylim(0, 1.16)  # room for the names of lines that end together at 1
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(scores))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    label_ends(axes, ends)
    label(
        axes,
        theme,
        title=worded("{what}: what a label is worth", what=what.capitalize()),
        x="labels",
        y="test accuracy",
    )
    figure.alt = worded("{what}, test accuracy over labels. {said}.", what=what.capitalize(), said=joined(said))
    return figure


def real_rows(sets: Sequence[str], rows: Sequence[dict[str, Any]] | None = None) -> str:
    """The recorded results on published sets whose names begin so, each beside its baseline; one line where there are none.

    `rows` are those of another record; by default the one that this laboratory reads.
    """
    known = recorded().get("real", []) if rows is None else rows
    found = [row for row in known if str(row["set"]).startswith(tuple(sets))]
    if not found:
        return worded("No run on a published set is recorded in this release.")
    lines = []
    for row in found:
        baseline = (
            worded("baseline {baseline:.3f}", baseline=row["baseline"])
            if isinstance(row["baseline"], float)
            else row["baseline"]
        )
        score = f"{row['score']:.3f}" if isinstance(row["score"], float) else row["score"]
        if "spread" in row:
            score = worded(
                "{metric} {score} ± {spread:.3f} over {seeds} seeds",
                metric=row["metric"],
                score=score,
                spread=row["spread"],
                seeds=row["seeds"],
            )
        if row.get("from_scratch"):
            baseline = joined([worded("from scratch {score:.3f}", score=row["from_scratch"]), baseline], ITEMS)
        said = worded("{score} ({baseline})", score=score, baseline=baseline)
        lines += [f"{row['set']}, {row['model']}: {said}", f"  {row['command']}"]
    return "\n".join(lines)
