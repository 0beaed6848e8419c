"""`--check` of the commands that train: what is read, how it becomes rows, and what the run takes; then nothing is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from electra_helpers.cli.check_rows import SHOWN, as_understood, cut, in_bytes, in_time, read_roles

if TYPE_CHECKING:  # they bring torch
    from electra_helpers.cli.finetuning import Asked as Finetuning
    from electra_helpers.cli.pretraining import Asked as Pretraining
    from electra_helpers.config import FinetuneConfig, ModelConfig, PretrainConfig, TrainingConfig
    from electra_helpers.reading.corpora import Corpus
    from electra_helpers.saved.pretrained import Pretrained
    from electra_helpers.text.tokenizer import Tokenizer
    from electra_helpers.training.budget import StepCost

LOOKED_AT = 4_000_000  # characters of a corpus; a larger one is not read to its end
BATCHES = 200  # of which the padding is told


@dataclass(frozen=True)
class Seen:
    """The beginning of a corpus, and of how many bytes it is; `whole` where it is all of it."""

    corpus: Corpus
    bytes: int
    whole: bool

    def rows_in_all(self, rows: int, corpus: Corpus) -> int | None:
        """How many rows the whole corpus gives, by the size of its files; None where that does not say it."""
        if self.whole:
            return rows
        files = [Path(part.name) for part in corpus.parts]
        if not all(file.suffix == ".txt" and file.is_file() for file in files):
            return None
        return round(rows * sum(file.stat().st_size for file in files) / self.bytes)


def pretraining(asked: Pretraining, start: Pretrained | None, shape: ModelConfig) -> Iterator[str]:
    """The lines of `electra pretrain --check` of a run from the model `start`, or of a new net of that shape."""
    from electra_helpers.reading.corpora import open_corpus
    from electra_helpers.training import pretraining as training
    from electra_helpers.training.decisions import decisions, in_words, warn_of_waste
    from electra_helpers.training.starting import nets_to_train

    has_start = bool(asked.init_from or asked.resume)
    config = replace(training.settled(asked.config, asked.sources, has_start=has_start), stream=False)
    corpus = open_corpus(*asked.sources, column=asked.column, streaming=asked.config.stream, layout=asked.layout)
    yield f"Reading {corpus.describe()}."
    seen = beginning(corpus)
    start = nets_to_train(start, shape, config, seen.corpus, lambda line: None) if start else None
    run = asked.out if asked.resume else None
    pieces = training.tokenizer_for(asked.sources, seen.corpus, config, asked.tokenizer, start, run)
    rows, held_out = training.build_data(seen.corpus, pieces, config)
    about = decisions(rows, pieces, config, seen.corpus)
    which = "all of it" if seen.whole else f"its first {in_bytes(seen.bytes)}"
    yield f"Looked at {which}: {about['documents']:,} documents to train on, {about['duplicates']:,} of them copies."
    yield from rows_as_read(rows, pieces)
    yield in_words(about)
    warn_of_waste(about)
    net = start.net if start else training.new_network(config, shape, asked.size, pieces=pieces, run=run)
    training.check_segments(config, net.config)
    made = lambda tried: training.Pretraining(deepcopy(net), rows, held_out, tried)  # noqa: E731 - the trial trains its own net
    yield f"Networks: {sum(p.numel() for p in net.parameters()):,} parameters, vocabulary {net.config.vocab_size:,}."
    yield from pretraining_cost(config, rows, made, in_all=seen.rows_in_all(len(rows), corpus))


def pretraining_cost(
    config: PretrainConfig, rows: Any, made: Callable[[Any], Any], *, in_all: int | None
) -> Iterator[str]:
    """Steps, memory and time of a pre-training on rows like these."""
    from electra_helpers.training.budget import step_cost, steps_within, tokens_of_a_row

    cost = step_cost(made, config, tokens_of_a_row(rows), evaluate=bool(config.minutes))
    steps = config.steps
    if config.minutes:
        steps = steps_within(60 * config.minutes, cost, config.eval_every)
    elif config.epochs and in_all:
        steps = max(1, math.ceil(config.epochs * in_all / config.batch_size))
    passes = told_passes(steps, config, in_all) if in_all else "of more rows than were looked at"
    yield f"Steps: {steps:,} of {config.batch_size} rows, {passes}."
    yield from what_it_takes(config, cost, steps)


def told_passes(steps: int, config: TrainingConfig, rows: int) -> str:
    """The number of passes over the rows that these steps make, in words."""
    passes = steps * config.batch_size / rows
    return f"{passes:,.{0 if passes >= 10 else 1}f} passes over {rows:,} rows"


def rows_as_read(rows: Any, pieces: Tokenizer) -> Iterator[str]:
    """The first rows as the nets read them, in tokens."""
    yield "Rows as the nets read them:"
    batch = rows.sample(SHOWN)
    for number, ids in enumerate(batch.input_ids.tolist(), start=1):
        tokens = [pieces.backend.id_to_token(token) for token in ids if token != pieces.pad_id]
        yield f"  {number}  {cut(' '.join(tokens))} ({len(tokens)} tokens)"


def beginning(corpus: Corpus) -> Seen:
    """A corpus as far as it is looked at: all of it, where it is not larger."""
    from electra_helpers.reading.corpora import Corpus

    texts: list[str] = []
    size = 0
    for text in corpus:
        if size > LOOKED_AT:
            return Seen(Corpus.from_texts(texts, f"the beginning of {corpus.describe()}"), size, whole=False)
        texts.append(text)
        size += len(text.encode("utf-8", "replace"))
    return Seen(corpus, size, whole=True)


def finetuning(asked: Finetuning) -> Iterator[str]:
    """The lines of `electra finetune --check`."""
    from electra_helpers.tasks.finetuning import Finetuning, build_net, read_material
    from electra_helpers.training.budget import step_cost
    from electra_helpers.training.optim import layerwise_groups

    train, validation, _ = asked.rows
    yield from as_understood(read_roles(train), train.labels, "Training rows as understood")
    material = read_material(asked.task, asked.model, train, validation, asked.config)
    examples, config = material.examples, material.config
    yield (
        f"{examples.unknown_share(asked.model.tokenizer):.1%} of the tokens [UNK]; {examples.cut:,} of {examples.rows:,} "
        f"rows cut at {config.length} tokens; {padding_share(examples, config):.0%} of a batch padding."
    )

    def made(tried: FinetuneConfig) -> Finetuning:
        net = build_net(asked.model, material.task, tried, asked.from_scratch)
        return Finetuning(net, material.task, examples, tried, asked.model.tokenizer)

    tokens = float(examples.real_lengths(np.arange(len(examples))).mean())
    cost = step_cost(made, config, tokens, groups=lambda net: layerwise_groups(net.encoder, net.head, config))
    seeds = f", for each of {asked.seeds} seeds" if asked.seeds > 1 else ""
    yield f"Steps: {config.steps:,} of {config.batch_size} rows, {told_passes(config.steps, config, len(examples))}{seeds}."
    yield from what_it_takes(config, cost, config.steps * asked.seeds)


def padding_share(examples: Any, config: FinetuneConfig) -> float:
    """How much of the batches is padding, over the first BATCHES of them."""
    from electra_helpers.text.rows import like_lengths

    real = full = 0
    for step in range(min(config.steps, BATCHES)):
        indices, _ = like_lengths(examples, config.seed, step, config.batch_size)
        lengths = examples.real_lengths(indices)
        real, full = real + int(lengths.sum()), full + len(lengths) * int(lengths.max())
    return 1 - real / max(1, full)


def what_it_takes(config: TrainingConfig, cost: StepCost, steps: int) -> Iterator[str]:
    """Memory and time."""
    from electra_helpers.device import choose_device

    choice, rows = choose_device(config.device, config.precision), config.batch_size // config.accumulation
    yield (
        f"Memory: about {in_bytes(cost.memory)} beside the program's own: {in_bytes(cost.state)} of weights, gradients and "
        f"moments, {in_bytes(cost.activations)} of activations of {rows} rows."
    )
    yield (
        f"Time: about {in_time(cost.seconds * steps)} on {choice.device} in {choice.precision}, {cost.seconds:.3g} s a step by a "
        "trial; evaluations come on top."
    )
