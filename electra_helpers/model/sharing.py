"""What the discriminator shares with the generator: all embeddings (the paper), the word table alone, nothing, or as in DeBERTaV3.

Paper, Section 3.2: sharing all embeddings gave 84.4 GLUE points, the word table alone 84.3, nothing 83.6.
"""

from __future__ import annotations

from torch import Tensor, nn

from electra_helpers.config import ModelConfig
from electra_helpers.model.encoder import Embeddings


def embeddings_beside(theirs: Embeddings | None, config: ModelConfig) -> Embeddings:
    """The embeddings of a net beside a generator with `theirs` (None where there is no generator), shared as `config` says."""
    if theirs is None or config.sharing == "none":
        return Embeddings(config)
    if config.sharing == "all":
        return theirs  # the same module: tables, LayerNorm and dropout
    if config.sharing == "disentangled":
        return DisentangledEmbeddings(config, theirs)
    own = Embeddings(config)
    own.word = theirs.word
    return own


class DisentangledEmbeddings(Embeddings):
    """The generator's tables, which this net's loss does not reach, plus a difference of its own that starts at zero.

    Source: gradient-disentangled embedding sharing, DeBERTaV3 (He et al., 2021), Section 3.3.
    """

    def __init__(self, config: ModelConfig, base: Embeddings) -> None:
        super().__init__(config)
        # In a tuple, so that the generator's module is not registered here a second time.
        self._base = (base,)
        for table in (self.word, self.position, self.token_type):
            nn.init.zeros_(table.weight)

    def tables(self) -> tuple[Tensor, Tensor, Tensor]:
        own, base = super().tables(), self._base[0].tables()
        word, position, token_type = (theirs.detach() + more for theirs, more in zip(base, own, strict=True))
        return word, position, token_type
