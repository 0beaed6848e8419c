"""A tiny pre-training task on made-up rows: fast, padded, and learnable."""

import numpy as np
import pytest
import torch

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.model.variants import build_network
from electra_helpers.text.packing import Batch
from electra_helpers.text.rows import PackedRows
from electra_helpers.training.pretraining import Pretraining

CONFIG = ModelConfig(
    vocab_size=40,
    embedding_size=16,
    hidden_size=16,
    num_layers=1,
    num_heads=2,
    intermediate_size=32,
    generator_size=0.5,
    max_positions=16,
    initializer_range=0.2,
    cls_id=2,
    sep_id=3,
    mask_id=4,
)


class MadeUpRows(PackedRows):
    """200 padded rows in memory."""

    length, fingerprint, is_padded = 12, "made-up", True

    def __init__(self):
        random = np.random.default_rng(0)
        self.ids = random.integers(5, 40, (200, self.length))
        self.ids[:, 1::2] = self.ids[:, ::2] % 30 + 6  # every second token follows from the one before
        ends = random.integers(5, self.length, 200)
        self.ids[:, 0] = 2
        for row, end in enumerate(ends):
            self.ids[row, end], self.ids[row, end + 1 :] = 3, 0

    def __len__(self):
        return len(self.ids)

    def real_lengths(self, indices):
        return (self.ids[indices] != 0).sum(1)

    def take(self, indices, length=None):
        ids = torch.from_numpy(self.ids[indices][:, :length])
        return Batch(ids, None, ids != 0)


@pytest.fixture
def make_task():
    def make(dropout=0.0, **changes):
        config = PretrainConfig(
            **{"steps": 20, "batch_size": 8, "length": 12, "learning_rate": 3e-3, "warmup_steps": 2, "device": "cpu"}
            | changes
        )
        torch.manual_seed(0)
        net = build_network(ModelConfig(**CONFIG.__dict__ | {"dropout": dropout, "attention_dropout": dropout}), config)
        rows = MadeUpRows()
        return Pretraining(net, rows, rows.take(np.arange(32)), config), config

    return make


def weights(task):
    return torch.cat([p.detach().flatten() for p in task.model.parameters()])
