"""Numbers that the authors' own code gave, and checkpoints that it wrote; how they were made stands in README.md."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from electra_helpers.text.packing import Batch

HERE = Path(__file__).parent


class Numbers:
    """One file of numbers: `numbers["rtd_logits"]` as a tensor, integers as int64."""

    def __init__(self, name: str) -> None:
        self.arrays = np.load(HERE / f"{name}.npz")

    def __getitem__(self, name: str) -> Tensor:
        found = torch.from_numpy(self.arrays[name])
        return found if found.is_floating_point() else found.long()

    def batch(self, ids: str = "input_ids", prefix: str = "", step: int | None = None) -> Batch:
        """A batch with some of the file's ids; with `step` that of one optimizer step."""
        parts = (self[f"{prefix}{name}"] for name in (ids, "segment_ids", "input_mask"))
        ids, types, mask = (part if step is None else part[step] for part in parts)
        return Batch(ids, types, mask.bool())


def weights_of(name: str) -> dict[str, np.ndarray]:
    """The variables of a file that holds them in 64ths."""
    arrays = np.load(HERE / f"{name}.npz")
    return {key.removeprefix("weight:"): arrays[key].astype(np.float32) / 64 for key in arrays if key[:7] == "weight:"}
