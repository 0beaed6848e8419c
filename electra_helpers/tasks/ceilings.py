"""What could be known at best about a token of the little world: the oracle's probabilities, in a model's own token ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np

from electra_helpers.corruption import MASK_SHARE
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.world import SPOKEN, vocabulary
from electra_helpers.world.chart import ImpossibleText
from electra_helpers.world.oracle import Oracle, best_judge

SPLITS = ("train", "test")  # validation stories are of the same kind as training stories


class Ceilings:
    """The oracle for one tokenizer. Make it with `ceilings_for`, which knows for which languages there is one."""

    def __init__(self, tokenizer: Tokenizer, codes: Sequence[str]) -> None:
        self.vocab_size = tokenizer.vocab_size
        self.ids = {
            code: np.array([tokenizer.backend.token_to_id(word) for word in vocabulary(code)]) for code in codes
        }
        self.words = {code: frozenset(vocabulary(code)) for code in codes}
        self.oracle = lru_cache(len(SPLITS) * len(codes))(Oracle)  # made when a text first asks for it
        self.p = lru_cache(64)(self._p)

    def _p(self, words: tuple[str, ...], hidden: tuple[int, ...], position: int) -> np.ndarray | None:
        """(V,): the distribution at `position` given all words but the hidden ones; None if no story has these words."""
        seen = {word for at, word in enumerate(words) if at not in hidden}
        for code in (code for code in self.ids if seen <= self.words[code]):
            for split in SPLITS:
                try:
                    found = self.oracle(split, code).distributions(words, hidden)
                except ImpossibleText:  # not a story of this split, or no story at all
                    continue
                wide = np.zeros(self.vocab_size)
                wide[self.ids[code]] = found[sorted(hidden).index(position)]
                return wide
        return None

    def generator(self, tokens: Sequence[str], hidden: Collection[int], position: int) -> np.ndarray | None:
        """What a perfect generator would say at `position` of `[CLS] … [SEP]`, the hidden positions unseen."""
        words = tuple(tokens[1:-1])
        unseen = tuple(sorted({i - 1 for i in hidden} | {position - 1}))
        return self.p(words, unseen, position - 1)

    def judge(
        self, tokens: Sequence[str], position: int, token_id: int, q: np.ndarray, share: float = MASK_SHARE
    ) -> float | None:
        """P(replaced) of `token_id` at `position` by a judge that knows every other word and the generator's `q` (V,)."""
        p = self.generator(tokens, (), position)
        return None if p is None else float(best_judge(p, q, share)[token_id])


@lru_cache(4)
def ceilings_for(tokenizer: Tokenizer) -> Ceilings | None:
    """The oracle in this tokenizer's ids for those languages of the little world that are one token a word in it; None without any."""
    known = [
        code for code in SPOKEN if all(tokenizer.backend.token_to_id(word) is not None for word in vocabulary(code))
    ]
    return Ceilings(tokenizer, known) if known else None
