"""Windows: every token in one at least, none stepped over, and the most central one found."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.tasks.windows import most_central, windows


@given(st.integers(0, 400), st.integers(1, 90), st.data())
def test_every_token_is_in_a_window_and_windows_fit(count, room, data):
    stride = data.draw(st.integers(0, room))
    found = windows(count, room, stride)
    assert {t for start, stop in found for t in range(start, stop)} == set(range(count))
    assert all(stop - start <= room for start, stop in found)
    assert found[-1][1] == count
    assert all(other[0] - one[0] == (stride or max(1, room // 2)) for one, other in pairwise(found))


def test_a_span_shorter_than_the_overlap_is_whole_in_some_window():
    found = windows(100, room=20, stride=12)
    for start in range(92):
        assert any(a <= start and start + 8 <= b for a, b in found)


def test_the_most_central_window_has_most_text_on_the_poorer_side():
    assert most_central([(0, 10), (5, 15)], 8) == 1
    assert most_central([(0, 10), (5, 15)], 6) == 0
    assert most_central([(0, 10), (5, 15)], 14) == 1


@pytest.mark.parametrize(("room", "stride", "word"), [(0, 0, "room"), (-3, 0, "room"), (8, 9, "stride of 9")])
def test_windows_that_cannot_be_made_are_said_so(room, stride, word):
    with pytest.raises(ElectraError, match=word):
        windows(30, room, stride)
