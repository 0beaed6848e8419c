"""A share of the words is flagged whatever the scale of the scores, and a written word is compared with a vocabulary by its edits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.tasks.cleaning.flagging import FEWEST, LEAST, threshold_of
from electra_helpers.tasks.cleaning.likeness import EDIT, EDIT_OF_WORD, FAR, FIRST, OTHER, Spellings

SCORES = st.lists(st.integers(1, 999).map(lambda n: n / 1000), min_size=1, max_size=300, unique=True)


@given(SCORES, st.sampled_from([0.005, 0.02, 0.1, 0.5, 1.0]))
def test_a_share_is_flagged_and_at_least_the_stated_words_and_none_below_the_stated_score(scores, share):
    cut = threshold_of(scores, share)
    most = max(FEWEST, int(share * len(scores)))
    assert sum(score >= cut for score in scores) == min(most, sum(score >= LEAST for score in scores))


@pytest.mark.parametrize("scale", [(0.3, 0.7), (0.999, 0.999999)])
def test_the_scale_of_the_scores_does_not_matter(scale):
    scores = np.random.default_rng(0).permutation(np.linspace(*scale, 5000))
    assert (scores >= threshold_of(scores, 0.02)).sum() == 100


def test_of_words_in_a_tie_all_are_flagged_or_none():
    scores = [0.9] * 2 + [0.8] * 5 + [0.2] * 93
    assert 0.8 < threshold_of(scores, 0.04) < 0.9, "seven would be too many"
    assert 0.2 < threshold_of(scores, 0.07) < 0.8
    assert threshold_of([0.7 + 1e-7 * n for n in range(9)], 0.1) < 0.7, "rows padded otherwise: the same score"


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ElectraError, match=r"--share .* is not above 0 and at most 1"):
        threshold_of([0.5], share)


def plain_edits(a: str, b: str) -> int:
    """The textbook's recursion."""
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            steps = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1])]
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                steps.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(steps)
    return table[len(a), len(b)]


WORD = st.text("abc天", max_size=7)


@given(WORD, st.lists(WORD, min_size=1, max_size=6))
def test_edits_are_those_of_the_textbook(written, words):
    assert Spellings(words).edits(written).tolist() == [plain_edits(written, word) for word in words]


def test_an_edit_costs_much_where_no_word_stands_and_little_where_one_does():
    words = ["went", "sent", "want", "thunderous"]
    cost = Spellings(words).cost("Wnet", is_word=False).tolist()
    assert cost == pytest.approx([EDIT, 2 * EDIT + FIRST, 2 * EDIT, OTHER], abs=1e-4)
    assert Spellings(words).cost("went", is_word=True).tolist() == [0, EDIT_OF_WORD, EDIT_OF_WORD, EDIT_OF_WORD * FAR]
