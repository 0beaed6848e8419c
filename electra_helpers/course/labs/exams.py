"""Fixed exams for the notebooks: held-out rows, corrupted once by a frozen generator; and what the best judge would score."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from electra_helpers.corruption import (
    corrupt,
    label_replaced,
    mask_positions,
    sample_tokens,
    select_positions,
)
from electra_helpers.course.labs.fakes import HiddenWords
from electra_helpers.model.electra import Generator, real_tokens
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.packing import Batch
from electra_helpers.training.evaluation import Exam, chunks, replaced_probabilities
from electra_helpers.world.oracle import rtd_ceiling

CPU = torch.device("cpu")


@torch.no_grad()
def learned_exam(model: Pretrained, held_out: Batch, *, share: float = 0.15, seed: int = 5) -> Exam:
    """The held-out rows with `share` of their tokens selected, and filled in by the model's generator: the same at every call."""
    ids, net, random = held_out.input_ids, model.net, torch.Generator().manual_seed(seed)
    selection = select_positions(ids, net.config.unselectable_ids, share=share, generator=random)
    masked = mask_positions(ids, selection, mask_id=net.config.mask_id, generator=random)
    logits = net.generator(masked, None, held_out.attention_mask, positions=selection.positions)
    changed = corrupt(ids, selection, sample_tokens(logits, generator=random))
    return Exam("learned", Batch(changed, None, held_out.attention_mask), label_replaced(ids, changed))


@torch.no_grad()
def judged_logits(discriminator: torch.nn.Module, exam: Exam) -> tuple[Tensor, Tensor]:
    """Logits and labels of all real tokens of an exam, (n,) each."""
    p = torch.cat([replaced_probabilities(discriminator, part, CPU) for part in chunks(exam.batch, 64)])
    real = real_tokens(exam.batch)
    return torch.logit(p[real].double(), eps=1e-9), exam.is_replaced[real]


@torch.no_grad()
def best_auc(hidden: Sequence[HiddenWords], generator: Generator | None, share: float = 0.15) -> float:
    """AUC of the judge that knows the world, every other word and the generator; `generator` None stands for uniform fakes."""
    p = np.concatenate([one.truth.numpy() for one in hidden])
    if generator is None:
        return rtd_ceiling(p, np.full_like(p, 1 / p.shape[1]), share)
    logits = [generator(one.masked_ids, positions=one.positions)[0].double() for one in hidden]
    return rtd_ceiling(p, torch.cat(logits).softmax(-1).numpy(), share)


def bits(share: float) -> float:
    """The entropy of a yes-or-no label in bits, where `share` of the labels is yes."""
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)
