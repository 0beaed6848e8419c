"""A 5-gram cloze model: what can be guessed from two words to either side, to show that the world is not that easy."""

from collections import Counter, defaultdict

EDGE = "|"
# Which neighbours are looked at, the best first; a neighbour that is masked cannot be looked at.
WINDOWS = (
    *((-2, -1, 1, 2), (-4, -3, -2, -1), (-2, -1, 1), (-1, 1, 2), (-1, 1), (-3, -2, -1), (1, 2, 3)),
    *((-2, -1), (1, 2), (-1,), (1,), ()),
)


class Cloze:
    """Counts of the middle word given its neighbours, interpolated from the widest known window to the narrowest."""

    def __init__(self, texts, discount: float = 0.75):
        self.counts = [defaultdict(Counter) for _ in WINDOWS]
        self.discount = discount
        for words in texts:
            for at, word in enumerate(words):
                for table, window in zip(self.counts, WINDOWS, strict=True):
                    table[self._context(words, at, window)][word] += 1

    @staticmethod
    def _context(words, at, window):
        return tuple(words[at + d] if 0 <= at + d < len(words) else EDGE for d in window)

    def scores(self, words, at) -> Counter:
        """Absolute discounting: every window adds its share, wider ones first; None in `words` is a masked word."""
        scores, rest = Counter(), 1.0
        for table, window in zip(self.counts, WINDOWS, strict=True):
            seen = table.get(self._context(words, at, window))
            if not seen:
                continue
            total = seen.total()
            for word, n in seen.items():
                scores[word] += rest * max(0.0, n - self.discount) / total
            rest *= min(1.0, self.discount * len(seen) / total)
            if rest < 1e-4:
                break
        return scores

    def guess(self, words, at) -> str:
        return self.scores(words, at).most_common(1)[0][0]
