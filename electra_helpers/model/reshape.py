"""A trained pair of nets with its embeddings shared in another way."""

from __future__ import annotations

from dataclasses import asdict

import torch

from electra_helpers.config import ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import Electra
from electra_helpers.model.encoder import DisentangledEmbeddings

# What a net may change without a weight of another shape.
FREE = {"sharing", "dropout", "attention_dropout"}


@torch.no_grad()
def reshape(net: Electra, config: ModelConfig, name: str = "the model") -> Electra:
    """The same weights under another configuration, which may differ in dropout and in `sharing`.

    The generator stays what it was to the bit. So does the discriminator, except in what it now takes from the generator: its word
    table with `sharing="word"`, all its embeddings with `sharing="all"`. What it loses there it learns again in a few hundred steps.
    Raises `ElectraError` if `config` asks for weights of another shape, or for other sharing of a net that stands alone.

    >>> from dataclasses import replace
    >>> from electra_helpers import Electra, ModelConfig
    >>> net = Electra(ModelConfig(vocab_size=200, num_layers=1, sharing="disentangled"))
    >>> joined = reshape(net, replace(net.config, sharing="word"))
    >>> joined.discriminator.encoder.embeddings.word is joined.generator.encoder.embeddings.word
    True
    """
    before, after = asdict(net.config), asdict(config)
    changed = {field for field in after if after[field] != before[field]}
    if fixed := sorted(changed - FREE):
        said = ", ".join(f"{field} {before[field]}" for field in fixed)
        raise ElectraError(f"{name} has {said}: a model to start from keeps its shape, so leave that option out.")
    if "sharing" in changed and not (net.generator and net.discriminator):
        raise ElectraError(f"{name} holds one net only, so there is nothing to share: leave sharing out.")
    made = Electra(config, generator=net.generator is not None, discriminator=net.discriminator is not None)
    if "sharing" not in changed:
        made.load_state_dict(net.state_dict())
        return made
    made.generator.load_state_dict(net.generator.state_dict())
    _carry_discriminator(net, made)
    return made


def _carry_discriminator(net: Electra, made: Electra) -> None:
    ours, theirs = made.discriminator.encoder.embeddings, net.discriminator.encoder.embeddings
    weights = {k: v for k, v in net.discriminator.state_dict().items() if not k.startswith("encoder.embeddings.")}
    made.discriminator.load_state_dict(weights, strict=False)
    if ours is made.generator.encoder.embeddings:
        return
    base = made.generator.encoder.embeddings.tables() if isinstance(ours, DisentangledEmbeddings) else (0, 0, 0)
    for table, read, taken in zip((ours.word, ours.position, ours.token_type), theirs.tables(), base, strict=True):
        if table is not made.generator.encoder.embeddings.word:
            table.weight.copy_(read - taken)
    ours.layer_norm.load_state_dict(theirs.layer_norm.state_dict())
