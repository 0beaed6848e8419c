"""No correction changes a negation: it stays a suggestion."""

import pytest

from electra_helpers.tasks.cleaning.cells import Placed, corrected
from electra_helpers.tasks.cleaning.suspects import Flag

CHANGED = [
    ("several", "no"),
    ("not", "now"),
    ("No", "The"),
    ("possible", "impossible"),
    ("unlikely", "likely"),
    ("never", "not"),
]
CHANGED += [("pas", "bien"), ("toujours", "jamais"), ("很", "不"), ("没", "有"), ("没有", "有")]


@pytest.mark.parametrize(
    ("written", "suggested", "is_kept"), [*((*pair, True) for pair in CHANGED), ("wnet", "went", False)]
)
def test_a_sure_suggestion_is_taken_unless_it_changes_a_negation(written, suggested, is_kept):
    text = f"x {written} y"
    flag = Placed(1, "", 2, 2 + len(written), Flag(written, 2, 2 + len(written), 0.99, ((suggested, 0.9),)))
    assert corrected(text, [flag], 0.5) == (text if is_kept else f"x {suggested} y")


@pytest.mark.parametrize(("score", "p", "is_kept"), [(0.9, 0.6, False), (0.46, 0.9, True), (0.9, 0.46, True)])
def test_a_word_is_changed_where_it_is_likely_wrong_and_the_suggestion_likely_right(score, p, is_kept):
    flag = Placed(1, "", 2, 6, Flag("wnet", 2, 6, score, (("went", p),)))
    assert corrected("x wnet y", [flag], 0.5) == ("x wnet y" if is_kept else "x went y")
