"""A trained net as the start of another run: its embeddings shared in another way, another objective, a partner that it lacks."""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import nn

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import Electra, MLMHead
from electra_helpers.model.encoder import Embeddings, Encoder
from electra_helpers.model.heads import main_encoder
from electra_helpers.model.sharing import DisentangledEmbeddings
from electra_helpers.model.variants import build_network

# What a net may change without a weight of another shape.
FREE = {"sharing", "dropout", "attention_dropout"}
MAIN = ("discriminator", "predictor", "language_model")


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
    _check_change(net.config, config, FREE, name)
    if type(net) is not Electra:
        made = type(net)(config)
    else:
        made = Electra(config, generator=net.generator is not None, discriminator=net.discriminator is not None)
    _check_sharing(net, made, name)
    _carry(net, made)
    return made


def begin(net: Electra, config: ModelConfig, pretrain: PretrainConfig, name: str = "the model") -> Electra:
    """The network that a run trains, begun from the weights of another, whatever objective that had.

    Each net takes the weights of the net of its name. A main net (discriminator, predictor, the one net of mlm or clm) that is not there
    takes the encoder of the main net that is, and a new head; a generator that is not there is new, `config.generator_size` times as wide,
    with the main net's embeddings. A net that begins as a causal one, or becomes one, keeps its weights and changes what it sees.
    `config` may change dropout, sharing, and the width of such a generator. Raises `ElectraError` for
    any other change.
    """
    alone = net.generator is None or main_encoder(net) is net.generator.encoder
    _check_change(net.config, config, FREE | ({"generator_size", "generator_layers"} if alone else set()), name)
    made = build_network(config, pretrain)
    _check_sharing(net, made, name)
    _carry(net, made)
    return made


def _check_change(before: ModelConfig, after: ModelConfig, free: set[str], name: str) -> None:
    then, now = asdict(before), asdict(after)
    if fixed := sorted(field for field in now if now[field] != then[field] and field not in free):
        said = ", ".join(f"{field} {then[field]}" for field in fixed)
        raise ElectraError(f"{name} has {said}: a model to start from keeps its shape, so leave that option out.")


def _check_sharing(net: Electra, made: Electra, name: str) -> None:
    is_pair = made.generator is not None and _main_name(made) is not None
    if made.config.sharing != net.config.sharing and not is_pair:
        raise ElectraError(f"{name} would be one net only here, so there is nothing to share: leave sharing out.")


def _main_name(net: Electra) -> str | None:
    return next((name for name in MAIN if getattr(net, name, None) is not None), None)


@torch.no_grad()
def _carry(net: Electra, made: Electra) -> None:
    """Copy into `made` all that `net` has for it."""
    if made.config.sharing == net.config.sharing and _shapes(net) == _shapes(made):
        made.load_state_dict(net.state_dict())
        return
    if made.generator is not None:
        _carry_generator(net, made)
    if main := _main_name(made):
        new, old = getattr(made, main), getattr(net, main, None)
        _carry_encoder(main_encoder(net), new.encoder, made.generator and made.generator.encoder.embeddings)
        if old is not None:
            new.head.load_state_dict(old.head.state_dict())
        elif isinstance(new.head, MLMHead):
            _carry_mlm_head(net, new.head)
    if hasattr(made, "copy_gate") and hasattr(net, "copy_gate"):
        made.copy_gate.load_state_dict(net.copy_gate.state_dict())


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: weight.shape for name, weight in module.state_dict().items()}


def _carry_generator(net: Electra, made: Electra) -> None:
    new, old = made.generator, net.generator
    if main_encoder(made) is new.encoder:  # the one net of mlm
        _carry_encoder(main_encoder(net), new.encoder, None)
        _carry_mlm_head(net, new.head)
    elif old is not None and _shapes(old) == _shapes(new):
        new.load_state_dict(old.state_dict())
    elif made.config.generator_size == 1:  # as wide as the main net: its first layers, as many as there are to be
        _carry_encoder(main_encoder(net), new.encoder, None)
        new.head.start_at_identity()
    else:
        _carry_embeddings(main_encoder(net).embeddings, new.encoder.embeddings, None)


def _carry_mlm_head(net: Electra, head: MLMHead) -> None:
    """From another net with such a head: all of it where the width is the same, else what does not depend on it."""
    source = getattr(net, "predictor", None) or getattr(net, "language_model", None) or net.generator
    if source is None:
        head.start_at_identity()
    else:
        fits = source.head.dense.weight.shape == head.dense.weight.shape
        state = {k: v for k, v in source.head.state_dict().items() if fits or not k.startswith("dense.")}
        head.load_state_dict(state, strict=False)


def _carry_encoder(source: Encoder, target: Encoder, base: Embeddings | None) -> None:
    weights = {k: v for k, v in source.state_dict().items() if not k.startswith("embeddings.")}
    target.load_state_dict(weights, strict=False)
    if target.embeddings is not base:
        _carry_embeddings(source.embeddings, target.embeddings, base)


def _carry_embeddings(source: Embeddings, target: Embeddings, base: Embeddings | None) -> None:
    """Tables as they are read; of disentangled ones the difference to the generator's, `base`. A word table that is base's stays."""
    taken = base.tables() if isinstance(target, DisentangledEmbeddings) else (0, 0, 0)
    for table, read, theirs in zip(
        (target.word, target.position, target.token_type), source.tables(), taken, strict=True
    ):
        if base is None or table is not base.word:
            table.weight.copy_(read - theirs)
    target.layer_norm.load_state_dict(source.layer_norm.state_dict())
