"""Pre-training a generator and a discriminator: the task that the loop runs, and `pretrain`, from text to a model folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from electra_helpers import __version__
from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Noise, draw_noise, draw_unigrams, unigram_cumulative
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.transformers_bridge import download
from electra_helpers.model.electra import Electra, LossSum, Steps
from electra_helpers.model.variants import build_network
from electra_helpers.reading.corpora import Corpus, open_corpus, split_documents
from electra_helpers.reading.in_memory import corpus_or_names
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.recipes import recipe
from electra_helpers.saved.card import pretrained_card, write_card
from electra_helpers.saved.files import write_json_atomically
from electra_helpers.saved.folder import named
from electra_helpers.saved.pretrained import Pretrained, save_config
from electra_helpers.text.packing import Batch
from electra_helpers.text.rows import CorpusRows, Rows, build_rows, row_order
from electra_helpers.text.streaming import StreamedRun, first_rows
from electra_helpers.text.tokenizer import Tokenizer, tokenizer_from_words
from electra_helpers.text.vocabulary import train_tokenizer
from electra_helpers.training.budget import settle_steps
from electra_helpers.training.checkpoint import Checkpoints, only_run_in
from electra_helpers.training.decisions import decisions, in_words, warn_of_waste
from electra_helpers.training.distributed import make_accelerator
from electra_helpers.training.evaluation import evaluate_step, make_exams
from electra_helpers.training.loop import Callback, Run, seed_for, train
from electra_helpers.training.run_folder import as_started, compare_run, extend, read_run, try_folder
from electra_helpers.training.starting import (
    COUNTED_ROWS,
    WEIGHTS,
    load_start,
    name_of,
    nets_to_train,
    start_again,
    start_at_frequencies,
)
from electra_helpers.words import marked_share

NOISE = 1  # a stream of randomness beside the data order and the weights, all from one seed


@dataclass(frozen=True, eq=False)
class Work:
    """Some rows of a global batch with the random numbers that belong to them."""

    batch: Batch
    noise: Noise

    def pin_memory(self) -> Work:
        """The same where a GPU can fetch it by itself."""
        return Work(self.batch.pin_memory(), self.noise.pin_memory())


class Pretraining:
    """The pre-training task: rows, noise, the joint step and its evaluation. `steps` swaps parts of the step for a notebook's."""

    def __init__(
        self,
        net: Electra,
        rows: Rows,
        held_out: Batch,
        config: PretrainConfig,
        steps: Steps | None = None,
    ) -> None:
        self.model, self.rows, self.held_out, self.config, self.steps = net, rows, held_out, config, steps
        self.loss_weights = config.loss_weights
        self.unigrams = None
        if config.unigram_share:
            shape = (net.config.vocab_size, net.config.unselectable_ids)
            self.unigrams = unigram_cumulative(rows.sample(COUNTED_ROWS).input_ids, *shape, config.unigram_power)
        self.exams = []
        if net.discriminator is not None:
            self.exams = make_exams(held_out, rows.sample(2_000).input_ids, net.config, config.mask_share)

    def work(self, step: int, process: int, processes: int) -> Work:
        """This process's share of the global batch: a pure function of (seed, step), however many processes there are."""
        size, seed = self.config.batch_size, self.config.seed
        if size % processes:
            raise ElectraError(f"batch_size {size} does not split over {processes} processes: make it a multiple.")
        mine = slice(process * size // processes, (process + 1) * size // processes)
        batch = self.rows.of_step(step, mine, size=size, seed=seed, one_shape=self.config.compile)
        random = torch.Generator().manual_seed(seed_for(seed, step, NOISE))
        noise = draw_noise(size, batch.input_ids.shape[1], random, self.config.mask_share)
        if self.unigrams is not None:
            noise = draw_unigrams(noise, self.unigrams, self.config.unigram_share, random)
        return Work(batch, noise.rows(mine.start, mine.stop))

    def split(self, work: Work, parts: int) -> Iterable[Work]:
        size = work.batch.input_ids.shape[0] // parts
        for start in range(0, size * parts, size):
            yield Work(work.batch.rows(start, start + size), work.noise.rows(start, start + size))

    def target_counts(self, work: Work) -> dict[str, Tensor]:
        return self.model.target_counts(work.batch, self.config)

    def tokens(self, work: Work) -> int:
        mask = work.batch.attention_mask
        return work.batch.input_ids.numel() if mask is None else int(mask.sum())

    def losses(self, model: Any, work: Work, device: torch.device) -> dict[str, LossSum]:
        batch, noise = (part.to(device, non_blocking=True) for part in (work.batch, work.noise))
        return model(batch, noise, self.config, self.steps).losses

    def evaluate(self, model: Any, device: torch.device) -> dict[str, float]:
        found = evaluate_step(model, self.held_out, self.config, device)
        return found | {f"exam_{exam.name}_auc": exam.auc(model.discriminator, device) for exam in self.exams}


def pretrain(
    sources: Any,
    out: str | Path,
    *,
    size: str | None = None,
    config: PretrainConfig | None = None,
    model: ModelConfig | None = None,
    tokenizer: str | Path | None = None,
    init_from: str | Path | Pretrained | None = None,
    resume: bool = False,
    column: str | None = None,
    layout: Layout = FOUND_OUT,
    callbacks: Iterable[Callback] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Run:
    """Pre-train on text and leave everything a model needs in the folder `out`.

    `sources` are files, folders, `docs`, `world` or `hub:NAME`, one or a list; or the text itself: a list of texts, a DataFrame, a
    `datasets.Dataset` (its column `column`), a `Corpus`. `size` names a recipe [tiny]; `tokenizer` is a folder (else a vocabulary is
    trained on the corpus); `init_from` a model to start from (its name, or as it was loaded), of which `model` may then change dropout
    and `sharing`; with `resume` the run in `out` is resumed; `say` is told what takes long; `layout` says how files are written, such as
    their encoding. Raises `ElectraError` for input that cannot be used. Source: paper, Section 3 and Appendix A.

    >>> from electra_helpers import pretrain, PretrainConfig
    >>> pretrain(["world"], "runs/first", config=PretrainConfig(steps=100))  # doctest: +SKIP

    Built in notebook 06.
    """
    out = named(out)
    in_memory, sources = corpus_or_names(sources, column)
    given = {"size": size, "tokenizer": tokenizer and str(tokenizer), "init_from": name_of(init_from)}
    begun = given | {"size": size or "tiny"}
    config = settled(config or recipe(begun["size"]).pretrain, sources, has_start=bool(init_from or resume))
    accelerator = make_accelerator(config)
    if accelerator.is_main_process:
        try_folder(out, resume)
    if resume:
        config, model = as_started(out, given, config, model)
    start = start_again(out, config) if resume else load_start(init_from, config, tokenizer)
    generator_is_new = start is not None and start.net.generator is None
    tell = say if accelerator.is_main_process else lambda line: None
    # One process of a machine tokenises and packs; the others find what it kept.
    with accelerator.local_main_process_first():
        corpus = in_memory or open_corpus(*sources, column=column, streaming=config.stream, layout=layout)
        start = nets_to_train(start, model, config, corpus, tell) if start else None
        tell(announce_corpus(corpus, config))
        pieces = tokenizer_for(sources, corpus, config, tokenizer, start, out if resume else None)
        tell_lost_marks(corpus, pieces, tell)
        rows, held_out = build_data(corpus, pieces, config)
    net = start.net if start else new_network(config, model, begun["size"], pieces=pieces, run=out if resume else None)
    if generator_is_new and net.generator is not None:
        start_at_frequencies(net.generator.head, rows)
    check_segments(config, net.config)
    task = with_steps(Pretraining(net, rows, held_out, config), resume=resume, processes=accelerator.num_processes)
    decided = {"decisions": decisions(rows, pieces, task.config, corpus), "begun": begun}
    described = describe_run(sources, column, task.config, net.config, rows, layout) | decided
    with _opened(out, pieces, described, task=task, resume=resume, accelerator=accelerator, say=say):
        kept = Checkpoints(out / "checkpoints", config.keep, publish=out / "model.safetensors")
        return train(task, task.config, callbacks=callbacks, checkpoints=kept, resume=resume, sharded=config.shard)


def with_steps(task: Pretraining, *, resume: bool, processes: int) -> Pretraining:
    """The same task; where its length is given in epochs or minutes, it is now a number of steps."""

    def tried(config: PretrainConfig) -> Pretraining:
        return Pretraining(deepcopy(task.model), task.rows, task.held_out, config)

    task.config = settle_steps(task.config, task.rows, tried, resume=resume, processes=processes)
    return task


@contextlib.contextmanager
def _opened(
    out: Path,
    pieces: Tokenizer,
    described: dict[str, Any],
    *,
    task: Pretraining,
    resume: bool,
    accelerator: Any,
    say: Callable[[str], None],
) -> Iterator[None]:
    """The folder of a run, made where it is new, held for this run alone."""
    is_main = accelerator.is_main_process
    with only_run_in(out) if is_main else contextlib.nullcontext():
        if resume:
            compare_run(out, described)
            if is_main and (before := extend(out, described)):
                _write_card(out, task.model.config, described)
                say(extended_in_words(before, task.config))
        elif is_main:
            say(in_words(described["decisions"]))
            warn_of_waste(described["decisions"])
            _begin(out, pieces, task.model.config, task.config, described)
        yield


def extended_in_words(before: int, config: PretrainConfig) -> str:
    """What becomes of the learning rate where a finished run gets more steps."""
    rate = "stays" if config.schedule == "constant" else "is that of the longer run's schedule from here"
    return f"Extended from {before:,} to {config.steps:,} steps; the learning rate {rate}."


def _begin(out: Path, pieces: Tokenizer, shape: ModelConfig, config: PretrainConfig, described: dict[str, Any]) -> None:
    """The folder of a new run, with all that a model needs but its weights."""
    out.mkdir(parents=True, exist_ok=True)
    pieces.save(out, max_length=shape.max_positions)
    save_config(out, shape, config)
    _write_card(out, shape, described)
    write_json_atomically(described, out / "run.json")


def _write_card(out: Path, shape: ModelConfig, described: dict[str, Any]) -> None:
    """The README of the folder."""
    write_card(out, pretrained_card(out.name, shape, described["pretrain"], sources=described["sources"]))


def check_segments(config: PretrainConfig, shape: ModelConfig) -> None:
    """Raise `ElectraError` where rows have two segments and the model knows one."""
    if config.form == "segments" and shape.type_vocab_size < 2:
        raise ElectraError("form segments needs two segments, this model has type_vocab_size 1: choose --form plain.")


def announce_corpus(corpus: Corpus, config: PretrainConfig) -> str:
    """What is read, and when it is tokenised."""
    how = "while training" if config.stream else "once, kept for the next run"
    return f"Reading {corpus.describe()}: tokenised and packed {how}."


MANY_MARKS = 0.1  # share of the letters; French has 0.04, Vietnamese 0.3


def tell_lost_marks(corpus: Iterable[str], pieces: Tokenizer, tell: Callable[[str], None]) -> None:
    """What stripping accents does to this text, where it does much."""
    share = marked_share(corpus) if pieces.strips_accents else 0.0
    if share >= MANY_MARKS:
        tell(
            f"{share:.0%} of the letters carry accents or vowel signs, which this vocabulary takes off (Korean syllables come apart): "
            "--no-strip-accents trains one that keeps them."
        )


def settled(config: PretrainConfig, sources: Sequence[str], *, has_start: bool) -> PretrainConfig:
    """The configuration with `form` decided: stories of the little world stand one a row, other text is packed.

    Raises `ElectraError` where pieces of a vocabulary are to be kept and there is no model to start from.
    """
    if config.keep_vocabulary and not has_start:
        raise ElectraError(
            f"keep_vocabulary {config.keep_vocabulary} cuts the vocabulary of a model: name it by --init-from."
        )
    if config.form != "auto":
        return config
    return replace(config, form="documents" if only_world(sources) else "plain")


def only_world(sources: Sequence[str]) -> bool:
    """Whether all of the text comes from the little world."""
    return all(source.split(":")[0] == "world" for source in map(str, sources))


def build_data(corpus: Corpus, pieces: Tokenizer, config: PretrainConfig) -> tuple[CorpusRows, Batch]:
    """Training rows, memory-mapped or streamed, and the held-out batch of the evaluations."""
    if config.stream:
        split, form = split_documents(corpus, config.validation_share), config.form
        options = {"form": form, "seed": config.seed, "batch_size": config.batch_size}
        held_out = first_rows(split.validation, pieces, config.length, config.eval_rows, form)
        return StreamedRun(split.train, pieces, config.length, **options), held_out
    share = {"seed": config.seed, "validation_share": config.validation_share}
    rows = build_rows(corpus, pieces, config.length, form=config.form, split="train", **share)
    held_out = build_rows(corpus, pieces, config.length, form=config.form, split="validation", **share)
    chosen = row_order(len(held_out), 0, 0, min(config.eval_rows, len(held_out)))
    return rows, held_out.take(chosen)


def tokenizer_for(
    sources: Sequence[str], corpus: Any, config: PretrainConfig, folder: Any, start: Pretrained | None, run: Path | None
) -> Tokenizer:
    """That of a run that is resumed, of the model to start from, or of `folder`; else the words of the little world, or a trained one."""
    if run is not None:
        return Tokenizer.load(run)
    if start is not None:
        return _as_asked(start.tokenizer, config, start.name)
    if folder is not None:
        path = folder if Path(folder).exists() or str(folder).count("/") != 1 else download(str(folder))
        return _as_asked(Tokenizer.load(path), config, folder)
    if only_world(sources):
        from electra_helpers.world import vocabulary

        words = [word for s in sources for word in vocabulary(s.partition(":")[2].split(":")[0] or "en")]
        return tokenizer_from_words(
            dict.fromkeys(words), lowercase=config.lowercase, strip_accents=bool(config.strip_accents)
        )
    seen = split_documents(corpus, config.validation_share).train
    how = {"lowercase": config.lowercase, "strip_accents": config.strip_accents, "whole_words": config.whole_words}
    return train_tokenizer(seen, config.vocab_size, **how)


def _as_asked(pieces: Tokenizer, config: PretrainConfig, name: object) -> Tokenizer:
    """A tokenizer that is given, if it treats accents as asked."""
    if config.strip_accents in (None, pieces.strips_accents):
        return pieces
    asked, does = ("--strip-accents", "keeps") if config.strip_accents else ("--no-strip-accents", "strips")
    raise ElectraError(f"{asked} is for a vocabulary that is trained here; the one of {name} {does} accents.")


def new_network(
    config: PretrainConfig, shape: ModelConfig | None, size: str, *, pieces: Tokenizer, run: Path | None
) -> Electra:
    """A new net; where `run` is resumed, of that run's shape: a model that it started from may have had more rows than pieces."""
    known = read_run(run).recipe.model if run else None
    shape = shape or known or recipe(size).model
    torch.manual_seed(seed_for(config.seed, WEIGHTS))
    ids = {"pad_id": pieces.pad_id, "cls_id": pieces.cls_id, "sep_id": pieces.sep_id, "mask_id": pieces.mask_id}
    positions = max(shape.max_positions, config.length)
    rows = known.vocab_size if known else pieces.vocab_size
    shape = replace(shape, vocab_size=rows, max_positions=positions, **ids)
    return build_network(shape, config)


def describe_run(
    sources: Sequence[str],
    column: str | None,
    config: PretrainConfig,
    model: ModelConfig,
    rows: CorpusRows,
    layout: Layout = FOUND_OUT,
) -> dict[str, Any]:
    """What identifies a run: its configuration and its data."""
    return {
        "version": __version__,
        "sources": list(sources),
        "column": column,
        "layout": asdict(layout),
        "data": rows.fingerprint,
        "model": asdict(model),
        "pretrain": asdict(config),
    }
