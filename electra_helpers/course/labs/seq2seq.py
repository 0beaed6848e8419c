"""The laboratory of notebook 11: pairs of the little world, what in a translator comes from ELECTRA, and what five seeds recorded."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from electra_helpers.course.labs import finetuning as finetune_lab
from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.course.labs.finetuning import Bar, beside_baseline, in_place_of
from electra_helpers.exchange.store import load
from electra_helpers.exchange.transformers_decoder import cross_attention
from electra_helpers.language import worded, wording
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks import seq2seq
from electra_helpers.tasks.finetuned import Finetuned
from electra_helpers.tasks.finetuning import build_net, read_material, settings_for
from electra_helpers.tasks.reading import open_task_data
from electra_helpers.text.packing import Batch
from electra_helpers.view import plots
from electra_helpers.view.plots.interpretation import MOST_TOKENS
from electra_helpers.view.plots.style import Picture
from electra_helpers.world import stories
from electra_helpers.world.labels import LABELLED_SEED, translation_rows
from electra_helpers.world.splits import EVALUATION_STORIES
from electra_helpers.world.telling import language, say

__all__ = ["Bar", "beside_baseline"]  # for the notebook, from the laboratory of 08 to 10
ARMS = {"warm": wording("warm start"), "random": wording("random start")}
recorded = partial(recorded_by, "seq2seq")
TELLINGS = 16  # how often a sentence is told anew to find out in which ways it may be said


def pairs(code: str, split: str, count: int) -> LabelledData:
    """So many sentence pairs of the little world, such as "en-fr"; test stories have heroes with new names.

    >>> pairs("en-fr", "train", 2).rows[0]["source"]
    'A baker named Anna lived in a remote forest.'
    """
    data = open_task_data(f"world:{code}:{count}", split, "translation")
    return replace(data, rows=data.rows[:count])


def summaries(split: str, count: int, code: str = "en") -> LabelledData:
    """So many stories of the little world with a summary of one sentence."""
    data = open_task_data(f"world:{code}:{count}", split, "summarisation")
    return replace(data, rows=data.rows[:count])


@cache
def ways_to_say(code: str, split: str, count: int) -> tuple[tuple[str, ...], ...]:
    """For each of the first pairs every way in which its target is told in TELLINGS attempts, the reference first."""
    _, target = code.split("-")
    found: list[tuple[str, ...]] = []
    for at in range(EVALUATION_STORIES):
        for story in stories(LABELLED_SEED, at, 1, split=split):
            again = [_told_again(story, target, attempt) for attempt in range(TELLINGS)]
            for row in translation_rows(story, code):
                number = int(row["id"].rsplit("/", 1)[1])
                ways = [row["translation"][target], *(telling[number] for telling in again)]
                found.append(tuple(dict.fromkeys(ways)))
        if len(found) >= count:
            break
    return tuple(found[:count])


def _told_again(story: Any, code: str, attempt: int) -> list[str]:
    rng, speaker = random.Random(f"{story.key}/{code}/{attempt}"), language(code)
    return [say(story, frame, speaker.templates[frame], speaker, rng).text for frame in story.frames]


def one_of_the_ways(code: str, split: str, count: int) -> list[str]:
    """Each of the first pairs' targets told once more: right, in words of its own choice."""
    _, target = code.split("-")
    found: list[str] = []
    for at in range(EVALUATION_STORIES):
        for story in stories(LABELLED_SEED, at, 1, split=split):
            again = _told_again(story, target, TELLINGS)
            found += [again[int(row["id"].rsplit("/", 1)[1])] for row in translation_rows(story, code)]
        if len(found) >= count:
            break
    return found[:count]


def chrf_any_way(ways: Sequence[Sequence[str]], written: Sequence[str]) -> float:
    """chrF against every way to say it: of each sentence's references the one nearest to it counts (sacreBLEU's rule)."""
    import sacrebleu  # not on top: Colab lacks it, and every check of an exercise loads this file

    most = max(map(len, ways))
    columns = [[way[at] if at < len(way) else way[0] for way in ways] for at in range(most)]
    return sacrebleu.corpus_chrf(list(written), columns).score


def own_shift(shift: Callable[[Tensor, int, int], Tensor]) -> AbstractContextManager[None]:
    """Inside, the decoder reads what `shift(labels, start_id, pad_id)` makes of its targets."""

    def shifted(labels: Tensor, start_id: int, pad_id: int) -> Tensor:
        return shift(labels, start_id, pad_id)

    return in_place_of(seq2seq, shift_right=shifted)


# Part → how the names of its weights begin or what they contain, in the order in which they are looked for.
PARTS = {
    "encoder": ("encoder.",),
    "decoder: cross-attention": ("crossattention",),
    "decoder: self-attention": (".attention.",),
    "decoder: feed-forward": (".intermediate.", ".output."),
    "decoder: word table": ("word_embeddings",),
    "decoder: positions": ("electra.embeddings",),
    "decoder: language model's head": ("generator_",),
}


def part_of(name: str) -> str:
    """The part that a weight belongs to."""
    if name.startswith("encoder."):
        return "encoder"
    return next(part for part, marks in list(PARTS.items())[1:] if any(mark in name for mark in marks))


@cache
def before_training(code: str = "en-fr", count: int = 500) -> tuple[dict[str, Tensor], ...]:
    """The translator's weights before its first step: drawn with two seeds, and once more from random weights."""
    start = load("electra-tiny-world-en")
    material = read_material("translation", start, pairs(code, "train", count), None, settings_for(start))
    drawn = ((0, False), (1, False), (0, True))
    nets = [build_net(start, material.task, replace(material.config, seed=seed), scratch) for seed, scratch in drawn]
    return tuple(dict(net.named_parameters()) for net in nets)


def parameters() -> dict[str, tuple[int, int]]:
    """Part → how many numbers it has, and how many come from ELECTRA, as `count_parameters` counted them."""
    return {part: (total, kept) for part, (total, kept) in recorded()["parameters"].items()}


def count_parameters() -> dict[str, tuple[int, int]]:
    """The same, counted: what is equal whatever the seed, and not so from scratch. Takes seconds: transformers is loaded for it."""
    one, other, scratch = before_training()
    found = dict.fromkeys(PARTS, (0, 0))
    for name, values in one.items():
        total, kept = found[part_of(name)]
        own = (values == other[name]) & (values != scratch[name])
        found[part_of(name)] = (total + values.numel(), kept + int(own.sum()))
    return found


def share_from_electra() -> float:
    """The share of the translator's parameters that pre-training set."""
    found = parameters().values()
    return sum(kept for _, kept in found) / sum(total for total, _ in found)


def looks(made: Finetuned, text: str, layer: int = -1, head: int | None = None) -> Picture:
    """Where the translator looks while it writes: one row for each piece it writes, one column for each token it reads.

    `head` None shows the mean over the heads of the layer.
    """
    said = next(made.predict([text]))["target"]
    read, written = made.tokenizer.encode(text), made.task.vocabulary.encode(said)
    inputs = torch.tensor([written.ids[:-1][:MOST_TOKENS]])
    weights = cross_attention(made.net, Batch(torch.tensor([read.ids])), inputs)[layer][0]
    shown = weights.mean(0) if head is None else weights[head]  # (T, L)
    names = [piece.removeprefix("▁") or "␣" for piece in written.tokens[1:][:MOST_TOKENS]]
    return plots.between(read.tokens, names, shown.numpy(), title=worded("Where it looks while it writes"))


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation over seeds.

    >>> spread([0.5, 0.7])
    '0.600 ± 0.141'
    """
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


def real_rows() -> str:
    """What was measured on published sets, beside baselines."""
    return finetune_lab.real_rows(("multi30k",), recorded().get("real", []))


def seed_scores(what: str, arm: str = "warm", split: str = "validation", metric: str = "") -> list[float]:
    """The seeds' scores at the end of training: `what` is "en-fr", "en-zh" or "summaries"."""
    found = recorded()[what]
    return found[arm][split][metric or found["metric"]]


def baseline_of(what: str) -> float:
    """The scores of the trivial baseline on the same validation rows: word by word, or the first sentence."""
    found = recorded()[what]
    return found["baseline"][found["metric"]]


def curves_of(
    what: str, mine: tuple[Sequence[int], Sequence[float]] | None = None, *, dark: bool | None = None
) -> Picture:
    """Held-out score over steps: each arm's band over its seeds, the baseline as a level, yours as a line."""
    found = recorded()[what]
    bands = {
        title: [(found["steps"], values) for values in found[arm]["curves"]]
        for arm, title in ARMS.items()
        if arm in found
    }
    name, level = found["baseline"]["name"], found["baseline"][found["metric"]]
    runs = {worded("yours"): mine} if mine else {}
    y = {"chrf": "chrF", "rouge_l": "ROUGE-L"}[found["metric"]]
    return plots.curves(
        runs,
        bands=bands,
        ceilings={name: level},
        title=worded("{what}: warm against random", what=what),
        y=y,
        dark=dark,
    )


def extractor_beside(model: Pretrained, train: LabelledData, test: LabelledData) -> dict[str, float]:
    """ROUGE-L of the chosen sentences, of the best that could be chosen, and of the first ones."""
    from electra_helpers.tasks.extractive import best_sentence, learn_to_extract
    from electra_helpers.tasks.text_metrics import lead, sentences, summary_metrics

    references = test.column("summary")
    cut = [sentences(text) for text in test.column("text")]
    best = [parts[best_sentence(parts, summary)] for parts, summary in zip(cut, references, strict=True)]
    chosen = learn_to_extract(model, train).summarise(test.column("text"))
    texts = {"first sentence": [lead(text) for text in test.column("text")], "chosen": chosen, "best possible": best}
    return {name: summary_metrics(references, written)["rouge_l"] for name, written in texts.items()}


def names_right(made: Finetuned, data: LabelledData) -> float:
    """The share of summaries that begin with the name that the true one begins with."""
    said = [prediction["summary"] for prediction in made.predict(data.rows)]
    pairs_of_names = [(row["summary"].split()[0], text.split()[:1]) for row, text in zip(data.rows, said, strict=True)]
    return sum([name] == first for name, first in pairs_of_names) / len(pairs_of_names)
