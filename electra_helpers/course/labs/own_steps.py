"""Brings a learner's functions into the package's pre-training step."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from electra_helpers.corruption import Selection, most_selected
from electra_helpers.course.engine.grading import Fallback
from electra_helpers.errors import ElectraError
from electra_helpers.language import worded
from electra_helpers.model.electra import LossSum, Steps

PARTS = ("select", "mask", "sample", "corrupt", "label", "rtd_loss")


def own_steps(**parts: Callable) -> Steps:
    """The pre-training step with some of its parts replaced by yours: select, mask, sample, corrupt, label, rtd_loss.

    The package hands each part its uniform random numbers; a part that takes a `generator` instead, as in the exercises, gets one
    that is seeded by them, so a run repeats itself. `rtd_loss(logits, is_replaced, judged)` returns a mean, as in exercise 05.1.
    Raises `ElectraError` for a part that does not exist.

    >>> import electra_helpers as eh
    >>> eh.own_steps(label=eh.label_replaced).label.__name__
    'label_replaced'

    Built in notebook 03.
    """
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise ElectraError(
            worded(
                "The step has no part {unknown!r}: its parts are {parts}.",
                unknown=sorted(unknown)[0],
                parts=", ".join(PARTS),
            )
        )
    adapted = {name: _with_noise(part) for name, part in parts.items()}
    if "select" in adapted:
        adapted["select"] = _full_width(adapted["select"])
    if "rtd_loss" in adapted:
        adapted["rtd_loss"] = _as_sum(parts["rtd_loss"])
    return Steps(**adapted)


def _with_noise(part: Callable) -> Callable:
    function = part.function if isinstance(part, Fallback) else part
    takes = inspect.signature(function).parameters
    if "noise" in takes or any(each.kind is each.VAR_KEYWORD for each in takes.values()):
        return part

    @functools.wraps(part)
    def adapted(*args: Any, noise: Tensor | None = None, **options: Any) -> Any:
        known = {name: value for name, value in options.items() if name in takes}
        if noise is not None and "generator" in takes:
            known["generator"] = generator_from(noise)
        return part(*args, **known)

    return adapted


def _as_sum(mean_loss: Callable) -> Callable:
    """A learner's mean loss as the sum and the count that the loop divides by."""

    @functools.wraps(mean_loss)
    def summed(logits: Tensor, is_replaced: Tensor, judged: Tensor) -> LossSum:
        count = judged.sum()
        return LossSum(mean_loss(logits, is_replaced, judged) * count, count)

    return summed


def generator_from(noise: Tensor) -> torch.Generator:
    """A generator whose seed is a function of some uniform numbers."""
    seed = int(noise.cpu().numpy().sum(dtype=np.float64) * 2**32) & (2**63 - 1)
    return torch.Generator().manual_seed(seed)


def _full_width(select: Callable) -> Callable:
    """A learner's selection may have as many columns as its fullest row needs; the step counts on M."""

    @functools.wraps(select)
    def selected(input_ids: Tensor, *args: Any, **options: Any) -> Selection:
        found, share = select(input_ids, *args, **options), options.get("share", 0.15)
        m, width = most_selected(input_ids.shape[1], share), found.positions.shape[1]
        if width >= m:
            return Selection(found.positions[:, :m], found.is_valid[:, :m])
        more = (found.positions.shape[0], m - width)
        positions = torch.cat([found.positions, found.positions.new_zeros(more)], dim=1)
        return Selection(positions, torch.cat([found.is_valid, found.is_valid.new_zeros(more)], dim=1))

    return selected
