"""A model whose word tables keep only some of their rows: what a smaller vocabulary leaves of it."""

from __future__ import annotations

from dataclasses import replace

import torch

from electra_helpers.model.electra import Electra
from electra_helpers.text.smaller_vocabulary import Cut

BY_VOCABULARY = ("vocab_size", "pad_id", "cls_id", "sep_id", "mask_id")  # what a vocabulary decides of a model's shape


def keep_rows(net: Electra, cut: Cut) -> Electra:
    """The same net over the pieces of `cut`: every word table (V, E) and every MLM bias (V,) keeps the rows of these."""
    pieces = cut.tokenizer
    ids = (len(cut.kept), pieces.pad_id, pieces.cls_id, pieces.sep_id, pieces.mask_id)
    config = replace(net.config, **dict(zip(BY_VOCABULARY, ids, strict=True)))
    has = (
        {}
        if type(net) is not Electra
        else {role: getattr(net, role) is not None for role in ("generator", "discriminator")}
    )
    made = type(net)(config, **has)
    kept, by_piece = torch.tensor(cut.kept), ("embeddings.word.weight", "generator.head.bias", "predictor.head.bias")
    state = {name: value[kept] if name.endswith(by_piece) else value for name, value in net.state_dict().items()}
    made.load_state_dict(state)
    return made
