"""Which words are flagged: the most suspicious share of them.

What a score means differs from text to text: of text unlike the model's own, P(replaced) is above 0.5 for nearly every word. A share
flags as many words as a person reads, whatever the scale; a threshold is for who has chosen one on marked text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from electra_helpers.errors import ElectraError

SHARE = 0.02  # of all words: mistakes of careful writers are about so many
FEWEST = 3  # words that a share is at least: 2 % of a sentence would be none
LEAST = 0.4  # score below which no share flags: good text has a most suspicious word too
CLEAR = 4  # digits of log-odds: words whose scores differ by less differ by how rows were padded


def share_of_words(share: float | None) -> float:
    """The share to flag: the given one or `SHARE`. Raises `ElectraError` for one outside 0 … 1."""
    if share is None:
        return SHARE
    if not 0 < share <= 1:
        raise ElectraError(f"--share {share} is not above 0 and at most 1: 0.02 flags 2 % of the words.")
    return share


def threshold_of(scores: Sequence[float] | np.ndarray, share: float | None = None) -> float:
    """The score from which on this share of the words is flagged: of words in a tie all or none, never fewer than the highest.

    At least `FEWEST` words may be flagged, and none below `LEAST`. Raises `ElectraError` for a share outside 0 … 1.

    >>> round(threshold_of([0.9, 0.2, 0.3, 0.4, 0.95, 0.92]), 2)  # between the third and the fourth
    0.71
    """
    share = share_of_words(share)
    p = np.clip(np.asarray(scores, float), 1e-9, 1 - 1e-9)
    ranked = np.sort(np.round(np.log(p / (1 - p)), CLEAR))[::-1]  # log-odds, so that scores close to 1 stay apart
    most = max(FEWEST, int(share * len(ranked)))
    if most >= len(ranked):
        return LEAST
    above = ranked[ranked > ranked[most]]
    lowest = above[-1] if len(above) else ranked[0]
    below = next((x for x in ranked if x < lowest), lowest - 1)
    return max(LEAST, float(1 / (1 + np.exp(-(lowest + below) / 2))))
