"""A small untrained pair to start from, made in a moment."""

from dataclasses import replace

import torch

from electra_helpers.config import ModelConfig
from electra_helpers.model.electra import Electra
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.tokenizer import tokenizer_from_words

WORDS = ["the", "chef", "cook", "meal", ".", *(f"w{i}" for i in range(60))]
SHAPE = ModelConfig(
    embedding_size=16, hidden_size=32, num_layers=2, num_heads=4, intermediate_size=64, max_positions=24
)


def start_with(shape: ModelConfig = SHAPE, **parts: bool) -> Pretrained:
    """The pair, or one net of it, with its vocabulary."""
    pieces = tokenizer_from_words(WORDS)
    ids = {name: getattr(pieces, name) for name in ("pad_id", "cls_id", "sep_id", "mask_id")}
    torch.manual_seed(0)
    net = Electra(replace(shape, vocab_size=pieces.vocab_size, **ids), **parts)
    return Pretrained(net.eval(), pieces, "made")
