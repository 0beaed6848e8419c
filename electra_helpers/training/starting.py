"""What a run starts from, where it is a model: its vocabulary cut to the corpus, its nets made into those that are to be trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.model.electra import MLMHead
from electra_helpers.model.fewer_pieces import BY_VOCABULARY, keep_rows
from electra_helpers.model.reshape import begin
from electra_helpers.reading.corpora import Corpus, split_documents
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.rows import Rows
from electra_helpers.text.smaller_vocabulary import cut_vocabulary
from electra_helpers.training.checkpoint import Checkpoints
from electra_helpers.training.loop import seed_for
from electra_helpers.training.run_folder import read_run

WEIGHTS = 2  # the stream of randomness of new weights
COUNTED_ROWS = 20_000  # rows whose words are counted: for fakes by frequency, and for the bias of a new MLM head


def name_of(init_from: str | Path | Pretrained | None) -> str | None:
    """The name of the model that a run starts from; None where it starts from nothing."""
    return init_from.name if isinstance(init_from, Pretrained) else init_from and str(init_from)


def load_start(
    init_from: str | Path | Pretrained | None, config: PretrainConfig, tokenizer: str | Path | None = None
) -> Pretrained | None:
    """The model to start from, if there is one. Raises `ElectraError` where its position table is too short, or beside a tokenizer."""
    if not init_from:
        return None
    if tokenizer:
        raise ElectraError("--tokenizer does nothing beside --init-from, whose model brings its own: leave it out.")
    start = init_from if isinstance(init_from, Pretrained) else load(init_from)
    if config.length > start.net.config.max_positions:
        raise ElectraError(f"length is {config.length}, {start.name} reads {start.net.config.max_positions} tokens.")
    return start


def start_again(out: Path, config: PretrainConfig) -> Pretrained | None:
    """What the run in `out` started from, where it ended before its first checkpoint; else its weights are there, or were new.

    Raises `ElectraError` where that model cannot be loaded any more: such a run cannot be resumed.
    """
    name = read_run(out).begun.get("init_from")
    if not name or Checkpoints(out / "checkpoints").found():
        return None
    try:
        return load_start(name, config)
    except ElectraError as error:
        raise ElectraError(
            f"The run in {out} ended before its first checkpoint, and {name}, which it started from, cannot be loaded: {error}"
        ) from error


def nets_to_train(
    start: Pretrained, shape: ModelConfig | None, config: PretrainConfig, corpus: Corpus, say: Callable[[str], None]
) -> Pretrained:
    """The model to start from, its vocabulary cut to the corpus, its nets made into those that the objective trains."""
    shape = shape or start.net.config
    if config.keep_vocabulary:
        seen = split_documents(corpus, config.validation_share).train
        cut = cut_vocabulary(start.tokenizer, seen, config.keep_vocabulary)
        say(cut.describe(start.tokenizer.vocab_size))
        start = replace(start, net=keep_rows(start.net, cut), tokenizer=cut.tokenizer)
        shape = replace(shape, **{name: getattr(start.net.config, name) for name in BY_VOCABULARY})
    torch.manual_seed(seed_for(config.seed, WEIGHTS))
    return replace(start, net=begin(start.net, shape, config, start.name))


@torch.no_grad()
def start_at_frequencies(head: MLMHead, rows: Rows) -> None:
    """The bias of a head that has learned nothing yet: how frequent each piece is, the first thing that it would learn."""
    counts = torch.bincount(rows.sample(COUNTED_ROWS).input_ids.flatten(), minlength=len(head.bias)) + 1
    head.bias.copy_((counts / counts.sum()).log())
