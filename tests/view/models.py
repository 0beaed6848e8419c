"""A small untrained pair for the views: it knows a few words of four languages, and its weights are wide enough to differ by token."""

import tempfile
from pathlib import Path

import torch

from electra_helpers.config import ModelConfig
from electra_helpers.model.electra import Electra
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.tokenizer import SPECIAL_TOKENS, Tokenizer, tokenizer_from_words
from electra_helpers.world import vocabulary

WORDS = """
the chef cook ##ed ate un ##like ##ly meal today needle tailor letter . , < > / ( ) script alert 1
今 天 气 很 好 阳 光 le chat a mange la souris שלום עולם é e 😀
"""


def small_pair(*, generator: bool = True, discriminator: bool = True, seed: int = 0, layers: int = 1) -> Pretrained:
    """Both nets, or one of them, untrained."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vocab.txt").write_text("\n".join([*SPECIAL_TOKENS, *WORDS.split()]), "utf-8")
        tokenizer = Tokenizer.load(folder)
    return _pair(tokenizer, seed, layers, generator=generator, discriminator=discriminator)


def world_pair(code: str = "en") -> Pretrained:
    """The same with the little world's words in a language."""
    return _pair(tokenizer_from_words(vocabulary(code)), seed=0, layers=1)


def _pair(tokenizer: Tokenizer, seed: int, layers: int, **nets: bool) -> Pretrained:
    torch.manual_seed(seed)
    special = {name: getattr(tokenizer, name) for name in ("pad_id", "cls_id", "sep_id", "mask_id")}
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        embedding_size=16,
        hidden_size=16,
        num_layers=layers,
        num_heads=2,
        intermediate_size=32,
        max_positions=512,
        initializer_range=0.5,
        **special,
    )
    return Pretrained(Electra(config, **nets).eval(), tokenizer, "small")
