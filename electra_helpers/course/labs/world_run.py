"""Short pre-training runs on the little world, in memory: what the notebooks train in front of the reader."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from electra_helpers.config import PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.language import worded
from electra_helpers.model.electra import Steps
from electra_helpers.model.variants import build_network
from electra_helpers.recipes import recipe
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.packing import Batch
from electra_helpers.text.rows import Rows, build_rows, row_order
from electra_helpers.text.tokenizer import Tokenizer, tokenizer_from_words
from electra_helpers.training.loop import Callback, Run, train
from electra_helpers.training.pretraining import Pretraining
from electra_helpers.world import stories, vocabulary

# One story or one sentence a row, padded to `length` tokens; `batch_size` rows a step.
SHAPES = {"stories": {"length": 80, "batch_size": 24}, "sentences": {"length": 24, "batch_size": 64}}
HELD_OUT = 96  # validation stories of an evaluation


class RowsInMemory:
    """Rows of token ids, padded to `length`, as the training loop reads them."""

    def __init__(self, rows: Sequence[Sequence[int]], length: int, pad_id: int) -> None:
        self.length = length
        padded = [[*row, *[pad_id] * (length - len(row))] for row in rows]
        self.ids = torch.tensor(padded).view(-1, length)
        self.is_real = self.ids != pad_id

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: Iterable[int], length: int | None = None) -> Batch:
        """The rows with these numbers; with `length` only so many columns of them."""
        chosen = torch.as_tensor(np.asarray(indices))
        real = self.is_real[chosen, :length]
        return Batch(self.ids[chosen, :length], None, None if bool(real.all()) else real)

    def of_step(self, step: int, mine: slice, *, size: int, seed: int, one_shape: bool = False) -> Batch:
        """The rows `mine` of the `size` rows of a step; all have one shape."""
        return self.take(row_order(len(self), seed, step * size, size)[mine])

    def sample(self, number: int) -> Batch:
        """The first `number` rows."""
        return self.take(np.arange(min(len(self), number)))


@dataclass(frozen=True, eq=False)
class WorldRun:
    """A run that is ready to train: the task with its network, its settings, and the tokenizer."""

    task: Pretraining
    config: PretrainConfig
    tokenizer: Tokenizer

    @property
    def model(self) -> Pretrained:
        """The network as it is now, with its tokenizer."""
        return Pretrained(self.task.model.eval(), self.tokenizer, worded("this run"))

    def train(self, *callbacks: Callback) -> Run:
        """Train to the end; returns where the run stands, its evaluation included."""
        with warnings.catch_warnings():
            # accelerate speaks of settings that a short run does not use.
            warnings.filterwarnings("ignore", module="accelerate")
            return train(self.task, self.config, callbacks=callbacks)


def world_texts(unit: str, count: int, *, seed: int = 0, split: str = "train") -> list[str]:
    """English stories of the little world, whole or cut into sentences."""
    told = stories(seed, count=count, split=split, languages=("en",))
    if unit == "stories":
        return [story.text("en") for story in told]
    return [sentence for story in told for sentence in story.sentences("en")]


def world_run(
    *,
    story_count: int,
    steps: int,
    unit: str = "stories",
    seed: int = 0,
    parts: Steps | None = None,
    rows: Rows | None = None,
    **changes: Any,
) -> WorldRun:
    """Prepare a short pre-training run of the tiny recipe on English stories of the little world.

    `unit` says what a row holds: one of "stories" or one of their "sentences", which are learnt sooner. `parts` swaps steps of the
    corruption (see `own_steps`); `rows` replaces the rows; `changes` are fields of `PretrainConfig`, such as objective="mlm".
    Raises `ElectraError` for an unknown unit and for a field with a value that is not allowed.

    >>> import electra_helpers as eh
    >>> eh.world_run(story_count=20, steps=1).tokenizer.encode("the chef cooked .").tokens
    ['[CLS]', 'the', 'chef', 'cooked', '.', '[SEP]']

    Built in notebook 00.
    """
    if unit not in SHAPES:
        raise ElectraError(worded("A row holds stories or sentences, not {unit!r}.", unit=unit))
    pieces = tokenizer_from_words(vocabulary("en"))
    length = rows.length if rows is not None else SHAPES[unit]["length"]
    if rows is None:
        rows = build_rows(world_texts(unit, story_count, seed=seed), pieces, length, form="documents")
    exam = build_rows(world_texts(unit, HELD_OUT, split="validation"), pieces, length, form="documents")
    fixed = {
        "steps": steps,
        "warmup_steps": max(1, steps // 10),
        "form": "documents",
        "log_every": max(1, steps // 50),
        "mask_share": 0.15,  # the paper's, which the notebooks speak of; the tiny recipe has more
    }
    sized = SHAPES[unit] | {"length": length, "eval_every": max(1, steps), "eval_rows": HELD_OUT, "seed": seed}
    config = replace(recipe("tiny").pretrain, **fixed | sized | changes)
    special = {"pad_id": pieces.pad_id, "cls_id": pieces.cls_id, "sep_id": pieces.sep_id, "mask_id": pieces.mask_id}
    shape = replace(recipe("tiny").model, vocab_size=pieces.vocab_size, **special)
    torch.manual_seed(seed)
    held_out = exam.take(row_order(len(exam), 0, 0, min(HELD_OUT, len(exam))))
    return WorldRun(Pretraining(build_network(shape, config), rows, held_out, config, parts), config, pieces)
