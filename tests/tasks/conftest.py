"""A small untrained pair with a word vocabulary: enough to hold alignment, grouping and the rungs of the ladder."""

import pytest
import torch

from electra_helpers.config import ModelConfig
from electra_helpers.model.electra import Electra
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.tokenizer import SPECIAL_TOKENS, Tokenizer

WORDS = ["the", "chef", "cook", "##ed", "un", "##like", "##ly", "meal", "today", ".", ",", "天", "气", "好", "e"]


@pytest.fixture
def pretrained(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join([*SPECIAL_TOKENS, *WORDS]), "utf-8")
    tokenizer = Tokenizer.load(tmp_path)
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        embedding_size=16,
        hidden_size=16,
        num_layers=1,
        num_heads=2,
        intermediate_size=32,
        max_positions=24,
        initializer_range=0.5,
        pad_id=tokenizer.pad_id,
        cls_id=tokenizer.cls_id,
        sep_id=tokenizer.sep_id,
        mask_id=tokenizer.mask_id,
    )
    return Pretrained(Electra(config).eval(), tokenizer, "untrained")
