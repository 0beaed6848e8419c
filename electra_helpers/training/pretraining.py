"""Pre-training a generator and a discriminator: the task that the loop runs, and `pretrain`, from text to a model folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from electra_helpers import __version__
from electra_helpers.config import ModelConfig, PretrainConfig, Recipe, recipe
from electra_helpers.corruption import Noise, draw_noise
from electra_helpers.errors import ElectraError
from electra_helpers.model.ablations import build_network
from electra_helpers.model.bridge import download
from electra_helpers.model.electra import Electra, LossSum, Steps
from electra_helpers.model.files import write_json_atomically
from electra_helpers.model.reshape import reshape
from electra_helpers.model.store import Pretrained, load, save_config
from electra_helpers.text.corpora import Corpus, open_corpus, split_documents
from electra_helpers.text.packing import Batch, PackedRows, build_rows, row_order
from electra_helpers.text.streaming import StreamedRun, first_rows
from electra_helpers.text.tokenizer import Tokenizer, tokenizer_from_words, train_tokenizer
from electra_helpers.training.checkpoint import Checkpoints, only_run_in
from electra_helpers.training.evaluation import evaluate_step, make_exams
from electra_helpers.training.loop import Callback, Run, seed_for, train
from electra_helpers.training.processes import make_accelerator

NOISE, WEIGHTS = 1, 2  # streams of randomness beside the data order, all from one seed


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
        rows: PackedRows | StreamedRun,
        held_out: Batch,
        config: PretrainConfig,
        steps: Steps | None = None,
    ) -> None:
        self.model, self.rows, self.held_out, self.config, self.steps = net, rows, held_out, config, steps
        self.loss_weights = config.loss_weights
        self.exams = []
        if net.discriminator is not None:
            self.exams = make_exams(held_out, rows.sample(2_000).input_ids, net.config, config.mask_share)

    def work(self, step: int, process: int, processes: int) -> Work:
        """This process's share of the global batch: a pure function of (seed, step), however many processes there are."""
        size, seed = self.config.batch_size, self.config.seed
        if size % processes:
            raise ElectraError(f"batch_size {size} does not split over {processes} processes: make it a multiple.")
        mine = slice(process * size // processes, (process + 1) * size // processes)
        if isinstance(self.rows, StreamedRun):
            batch = self.rows.of_step(step, mine)
        else:
            batch = self.rows.of_step(step, mine, size, seed, one_shape=self.config.compile)
        random = torch.Generator().manual_seed(seed_for(seed, step, NOISE))
        noise = draw_noise(size, batch.input_ids.shape[1], random, self.config.mask_share)
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

    def losses(self, model: torch.nn.Module, work: Work, device: torch.device) -> dict[str, LossSum]:
        batch, noise = (part.to(device, non_blocking=True) for part in (work.batch, work.noise))
        return model(batch, noise, self.config, self.steps).losses

    def evaluate(self, model: torch.nn.Module, device: torch.device) -> dict[str, float]:
        found = evaluate_step(model, self.held_out, self.config, device)
        return found | {f"exam_{exam.name}_auc": exam.auc(model.discriminator, device) for exam in self.exams}


def pretrain(
    sources: Sequence[str],
    out: str | Path,
    *,
    size: str = "tiny",
    config: PretrainConfig | None = None,
    model: ModelConfig | None = None,
    tokenizer: str | Path | None = None,
    init_from: str | Path | None = None,
    resume: bool = False,
    column: str | None = None,
    callbacks: Iterable[Callback] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Run:
    """Pre-train on text and leave everything a model needs in the folder `out`.

    `sources` are files, folders, `docs`, `world` or `hub:NAME`; `tokenizer` a folder (else a vocabulary is trained on the corpus);
    `init_from` a model to start from, of which `model` may then change dropout and `sharing`; with `resume` the run in `out` goes on;
    `say` is told what takes long.
    Raises `ElectraError` for input that cannot be used.
    Source: paper, Section 3 and Appendix A.

    >>> from electra_helpers import pretrain, PretrainConfig
    >>> pretrain(["world"], "runs/first", config=PretrainConfig(steps=100))  # doctest: +SKIP

    Built in notebook 06.
    """
    out = Path(out)
    config = settle_form(config or recipe(size).pretrain, sources)
    accelerator = make_accelerator(config)
    is_main = accelerator.is_main_process
    if is_main:
        prepare_folder(out, resume)
    start = _starting_point(init_from, model) if init_from else None
    # One process of a machine tokenises and packs; the others find what it kept.
    with accelerator.local_main_process_first():
        corpus = open_corpus(*sources, column=column, streaming=config.stream)
        if is_main:
            say(announce_corpus(corpus, config))
        pieces = _tokenizer(sources, corpus, config, tokenizer, start, out if resume else None)
        rows, held_out = build_data(corpus, pieces, config)
    net = _network(config, model or recipe(size).model, pieces, start)
    described = describe_run(sources, column, config, net.config, rows)
    with only_run_in(out) if is_main else contextlib.nullcontext():
        if resume:
            compare_run(out, described)
        elif is_main:
            pieces.save(out)
            save_config(out, net.config, config)
            write_json_atomically(described, out / "run.json")
        task = Pretraining(net, rows, held_out, config)
        kept = Checkpoints(out / "checkpoints", config.keep, publish=out / "model.safetensors")
        return train(task, config, callbacks=callbacks, checkpoints=kept, resume=resume, sharded=config.shard)


def announce_corpus(corpus: Corpus, config: PretrainConfig) -> str:
    """What is read, and when it is tokenised."""
    how = "while training" if config.stream else "once, kept for the next run"
    return f"Reading {corpus.describe()}: tokenised and packed {how}."


def settle_form(config: PretrainConfig, sources: Sequence[str]) -> PretrainConfig:
    """The configuration with `form` decided: stories of the little world stand one a row, other text is packed."""
    if config.form != "auto":
        return config
    return replace(config, form="documents" if only_world(sources) else "plain")


def only_world(sources: Sequence[str]) -> bool:
    """Whether all of the text comes from the little world."""
    return all(source.split(":")[0] == "world" for source in map(str, sources))


def prepare_folder(out: Path, resume: bool) -> None:
    """Make the folder of a new run, or check that there is a run to go on with."""
    is_run = (out / "run.json").is_file()
    if resume:
        read_run(out)
        if (out / "model.safetensors").is_file() and not any((out / "checkpoints").glob("*/state.json")):
            # A mean or a bundle: what went on here would begin at random weights and write over these.
            raise ElectraError(
                f"{out} holds a model and no checkpoint to go on from: start a run by --init-from {out}."
            )
    if not resume and out.exists() and (not out.is_dir() or any(out.iterdir())):
        hint = "go on with it by --resume, or choose" if is_run else "choose"
        raise ElectraError(f"{out} is not empty: {hint} another --out.")
    out.mkdir(parents=True, exist_ok=True)


def build_data(corpus: Corpus, pieces: Tokenizer, config: PretrainConfig) -> tuple[PackedRows | StreamedRun, Batch]:
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


def _tokenizer(
    sources: Sequence[str], corpus: Any, config: PretrainConfig, folder: Any, start: Pretrained | None, run: Path | None
) -> Tokenizer:
    if run is not None:
        return Tokenizer.load(run)
    if start is not None:
        return start.tokenizer
    if folder is not None:
        return Tokenizer.load(folder if Path(folder).exists() or str(folder).count("/") != 1 else download(str(folder)))
    if only_world(sources):
        from electra_helpers.world import vocabulary

        words = [word for s in sources for word in vocabulary(s.partition(":")[2].split(":")[0] or "en")]
        return tokenizer_from_words(dict.fromkeys(words), lowercase=config.lowercase)
    seen = split_documents(corpus, config.validation_share).train
    return train_tokenizer(seen, config.vocab_size, lowercase=config.lowercase, whole_words=config.whole_words)


def _starting_point(init_from: str | Path, shape: ModelConfig | None) -> Pretrained:
    start = load(init_from)
    return replace(start, net=reshape(start.net, shape, start.name)) if shape else start


def _network(config: PretrainConfig, shape: ModelConfig, pieces: Tokenizer, start: Pretrained | None) -> Electra:
    if start is not None:
        if config.length > start.net.config.max_positions:
            raise ElectraError(
                f"length is {config.length}, {start.name} reads {start.net.config.max_positions} tokens."
            )
        return start.net
    ids = {"pad_id": pieces.pad_id, "cls_id": pieces.cls_id, "sep_id": pieces.sep_id, "mask_id": pieces.mask_id}
    positions = max(shape.max_positions, config.length)
    shape = replace(shape, vocab_size=pieces.vocab_size, max_positions=positions, **ids)
    torch.manual_seed(seed_for(config.seed, WEIGHTS))
    return build_network(shape, config)


@dataclass(frozen=True)
class StartedRun:
    """What run.json says of a run: its networks and settings, its data, and a hash of its rows."""

    recipe: Recipe
    sources: list[str]
    column: str | None
    data: str


def read_run(out: Path) -> StartedRun:
    """The run in a folder. Raises `ElectraError` if there is none, or if its run.json cannot be used."""
    path = out / "run.json"
    try:
        found = json.loads(path.read_text("utf-8"))
        started = Recipe(ModelConfig(**found["model"]), PretrainConfig(**found["pretrain"]))
        return StartedRun(started, found["sources"], found["column"], found["data"])
    except FileNotFoundError:
        raise ElectraError(f"There is no run in {out} to resume: leave --resume out to start one.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ElectraError(f"{path} is no run of this package, so it cannot be resumed: {error}") from error


def describe_run(
    sources: Sequence[str],
    column: str | None,
    config: PretrainConfig,
    model: ModelConfig,
    rows: PackedRows | StreamedRun,
) -> dict[str, Any]:
    """What identifies a run: its configuration and its data."""
    return {
        "version": __version__,
        "sources": list(sources),
        "column": column,
        "data": rows.fingerprint,
        "model": asdict(model),
        "pretrain": asdict(config),
    }


# These decide how a run is shown or where it computes, not which steps it takes: they may change when it is resumed.
FREE = ("log_every", "eval_every", "save_every", "keep", "device", "compile", "shard", "accumulation", "eval_rows")


def compare_run(out: Path, now: dict[str, Any]) -> None:
    """Raise `ElectraError`, with the differences, if the run in `out` is another one than the run asked for."""
    then = read_run(out)
    before = asdict(then.recipe.model) | asdict(then.recipe.pretrain) | {"data": then.data}
    asked = now["model"] | now["pretrain"] | {"data": now["data"]}
    changed = [f"{k}: {before.get(k)!r} → {asked[k]!r}" for k in asked if k not in FREE and before.get(k) != asked[k]]
    if changed:
        raise ElectraError(
            f"The run in {out} was started with other settings ({'; '.join(changed)}). Give the same, or another --out."
        )
