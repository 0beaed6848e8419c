"""Long texts in pieces that the model can read: windows that overlap, so that what one cuts another holds whole."""

from __future__ import annotations

from electra_helpers.errors import ElectraError


def windows(count: int, room: int, stride: int = 0) -> list[tuple[int, int]]:
    """(start, stop) of windows of at most `room` tokens, every `stride` tokens (0 = half a window), over `count` tokens.

    The last one ends where the text ends; every token stands in one at least. Raises `ElectraError` where tokens would be
    stepped over. Source: reference code, `qa_tasks.py` (its doc_stride).

    >>> windows(10, room=6, stride=3)
    [(0, 6), (3, 9), (6, 10)]

    Built in notebook 10.
    """
    stride = stride or max(1, room // 2)
    if room < 1:
        raise ElectraError("There is no room for the text beside the question: make the length larger.")
    if stride > room:
        raise ElectraError(
            f"A stride of {stride} steps over tokens: windows hold {room}, choose a stride of at most that."
        )
    starts = [0]
    while starts[-1] + room < count:
        starts.append(starts[-1] + stride)
    return [(start, min(start + room, count)) for start in starts]


def most_central(spans: list[tuple[int, int]], place: int) -> int:
    """The number of the window in which a token has most text on its poorer side (as BERT's reference code chooses)."""
    inside = [n for n, (start, stop) in enumerate(spans) if start <= place < stop]
    return max(inside, key=lambda n: min(place - spans[n][0], spans[n][1] - 1 - place))
