"""Exercises of notebook 10: the best span, windows with a stride, and how much of the score needs the question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.course.exercises.blind import blind_answer, blindness_is_measured
from electra_helpers.errors import ElectraError
from electra_helpers.language import worded, wording
from electra_helpers.tasks import windows as package_windows
from electra_helpers.tasks.question_answering import best_spans


def best_span(start, end, context_mask, max_length):
    """(first, last) with the largest start[first] + end[last], both in the context, not backwards, not too long."""
    best, place = -np.inf, None
    for first in np.flatnonzero(context_mask):
        for last in range(first, min(first + max_length, len(end))):
            if context_mask[last] and start[first] + end[last] > best:
                best, place = start[first] + end[last], (int(first), last)
    return place


def package_span(start, end, context_mask, max_length):
    """The package's choice among all pairs."""
    first, last, _ = best_spans(np.add.outer(start, end), np.asarray(context_mask), max_length)[0]
    return first, last


# [CLS] who ? [SEP] and six tokens of context [SEP]
MASK = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0], dtype=bool)


def _scores(**at: float) -> np.ndarray:
    """Scores of -5 but for some places, `p4=2.0`."""
    found = np.full(len(MASK), -5.0)
    for name, value in at.items():
        found[int(name[1:])] = value
    return found


SPAN_CASES: tuple[tuple[np.ndarray, np.ndarray, int, str], ...] = (
    (
        _scores(p8=3.0, p5=2.5),
        _scores(p6=3.0, p9=1.0),
        4,
        wording(
            "Two argmaxes that know nothing of each other end before they begin. Choose the best *pair* with first ≤ last."
        ),
    ),
    (
        _scores(p1=6.0, p5=2.0),
        _scores(p2=6.0, p6=2.0),
        4,
        wording(
            "Your answer stands in the question, or on a special token: only tokens that context_mask allows can be answers."
        ),
    ),
    (
        _scores(p1=4.0, p7=2.0),
        _scores(p8=3.0),
        8,
        wording("Your answer begins outside of the context: the mask holds for the first *and* the last token."),
    ),
    (
        _scores(p4=3.0, p8=1.0),
        _scores(p9=3.0),
        3,
        wording("Your answer is longer than max_length tokens (last − first + 1)."),
    ),
    (
        _scores(p4=3.0, p5=2.0),
        _scores(p6=3.0),
        3,
        wording("A span of exactly max_length tokens is allowed: last − first + 1 ≤ max_length."),
    ),
    (
        _scores(p7=3.0),
        _scores(p7=3.0, p9=2.0),
        4,
        wording("An answer of one token is an answer: first may equal last."),
    ),
    (
        _scores(p4=3.0, p6=2.0),
        _scores(p7=3.0),
        3,
        wording("Your answer is longer than max_length tokens (last − first + 1)."),
    ),
    (
        _scores(p6=-1.0) - 10.0,
        _scores(p7=-1.0) - 10.0,
        3,
        wording(
            "All scores may lie below 0, and a token of the context is still the answer: begin with −∞, and hide with −∞, not with 0."
        ),
    ),
)


def _pairs_are_chosen(function: Callable) -> None:
    for start, end, most, message in SPAN_CASES:
        right, found = package_span(start, end, MASK, most), _pair(function, start, end, most)
        is_first = start is SPAN_CASES[0][0]
        if is_first and found == (right[0], right[1] + 1):
            raise Mistake(
                "last is the place of the answer's last token, not the place behind it: {right}, not {found}.",
                right=right,
                found=found,
            )
        if is_first and found == tuple(place - int(MASK.argmax()) for place in right):
            raise Mistake(
                "Places are counted from the start of the row, [CLS] being 0, not from the context: {right}, not {found}.",
                right=right,
                found=found,
            )
        if found != right:
            raise Mistake("{message} Right is {right}, you return {found}.", message=message, right=right, found=found)


def _random_scores(function: Callable) -> None:
    random = np.random.default_rng(10)
    for _ in range(40):
        start, end = random.normal(size=len(MASK)), random.normal(size=len(MASK))
        right, found = package_span(start, end, MASK, 3), _pair(function, start, end, 3)
        if found != right:
            raise Mistake(
                "With random scores {right} is the best allowed pair, you return {found}: is each pair compared?",
                right=right,
                found=found,
            )


def _any_context(function: Callable) -> None:
    """A context that begins at token 0, one with a gap, one of a single token, an answer at the row's very end."""
    random = np.random.default_rng(11)
    masks = ("11110000", "00110110", "00001000", "00000111")
    for text in masks:
        mask = np.array(list(text)) == "1"
        for most in (1, 3, 20):
            start, end = random.normal(size=8) - 30.0, random.normal(size=8) - 30.0
            right, found = package_span(start, end, mask, most), _pair(function, start, end, most, mask)
            if found != right:
                raise Mistake(
                    "With context_mask {text}, max_length {most} and all scores near −30, {right} is right, you return {found}: an"
                    " answer may begin at token 0 or end at the last, and the mask may have gaps.",
                    text=text,
                    most=most,
                    right=right,
                    found=found,
                )


def _pair(
    function: Callable, start: np.ndarray, end: np.ndarray, most: int, mask: np.ndarray = MASK
) -> tuple[int, int]:
    kept = start.copy(), end.copy(), mask.copy()
    found = function(*kept, most)
    if not all(np.array_equal(a, b) for a, b in zip(kept, (start, end, mask), strict=True)):
        raise Mistake("Your function changed the scores or the mask that it was given: work on copies.")
    try:
        first, last = (int(place) for place in found)
    except (TypeError, ValueError):
        raise Mistake("Return (first, last), the places of the answer's first and last token.") from None
    return first, last


def answer_windows(count, room, stride, answer=None):
    """(start, stop, target) of each window; the target is the answer inside the window, None where it is not all there."""
    found, start = [], 0
    while True:
        stop = min(start + room, count)
        inside = answer is not None and start <= answer[0] and answer[1] < stop
        found.append((start, stop, (answer[0] - start, answer[1] - start) if inside else None))
        if stop == count:
            return found
        start += stride


def package_answer_windows(count, room, stride, answer=None):
    """The package's windows, each with its target."""

    def target(start: int, stop: int) -> tuple[int, int] | None:
        whole = answer is not None and start <= answer[0] and answer[1] < stop
        return (answer[0] - start, answer[1] - start) if whole else None

    return [(start, stop, target(start, stop)) for start, stop in package_windows.windows(count, room, stride)]


def _windows_cover(function: Callable) -> None:
    found, right = _cut(function, 10, 6, 3), [(0, 6), (3, 9), (6, 10)]
    places = [(start, stop) for start, stop, _ in found]
    if not places or places[-1][1] < 10:
        raise Mistake("The tail is lost: the last tokens stand in no window. Go on until one ends where the text ends.")
    if places == [(0, 6), (6, 10)]:
        raise Mistake(
            "Your windows do not overlap, so an answer at a border is cut in two. Each begins `stride` after the one before."
        )
    if any(stop > 10 for _, stop in places):
        raise Mistake("A window ends behind the text: stop is at most count.")
    if places[: len(right)] == right and len(places) > len(right):
        raise Mistake("Windows go on although one has reached the end: the last ones hold nothing new.")
    if places != right:
        raise Mistake("10 tokens, room 6, stride 3: {right} is right, you return {places}.", right=right, places=places)
    if [(a, b) for a, b, _ in _cut(function, 4, 6, 3)] != [(0, 4)]:
        raise Mistake("A text that fits needs one window, as long as the text.")
    for count, room, stride in ((10, 6, 2), (17, 8, 3), (9, 4, 4), (13, 5, 1)):
        right = [(a, b) for a, b, _ in package_answer_windows(count, room, stride)]
        places = [(a, b) for a, b, _ in _cut(function, count, room, stride)]
        if len(places) > 1 and places[1][0] == room - stride != stride:
            raise Mistake(
                "{count} tokens, room {room}, stride {stride}: your second window begins at {start}. stride is how far each"
                " window begins after the one before, not the overlap.",
                count=count,
                room=room,
                stride=stride,
                start=room - stride,
            )
        if places != right:
            raise Mistake(
                "{count} tokens, room {room}, stride {stride}: {right} is right, you return {places}.",
                count=count,
                room=room,
                stride=stride,
                right=right,
                places=places,
            )
    if [(a, b) for a, b, _ in _cut(function, 6, 6, 2)] != [(0, 6)]:
        raise Mistake("6 tokens fit exactly into a room of 6: one window.")


def _targets_are_whole(function: Callable) -> None:
    found = [target for *_, target in _cut(function, 10, 6, 3, (5, 7))]
    right = [None, (2, 4), None]  # windows 0–6, 3–9, 6–10
    if found == [(5, 7), (5, 7), (5, 7)] or found[1] == (5, 7):
        raise Mistake("Targets are places in the *window*: take its start off.")
    if found[0] is not None or found[2] is not None:
        raise Mistake(
            "The answer is tokens 5 to 7. A window that holds only a part of it has no answer: None. Your targets: {found}.",
            found=found,
        )
    if found != right:
        raise Mistake(
            "The answer is tokens 5 to 7: the targets are {right}, yours are {found}.", right=right, found=found
        )
    twice = [target for *_, target in _cut(function, 10, 6, 3, (3, 5))]
    if twice != [(3, 5), (0, 2), None]:
        raise Mistake("An answer that two windows hold is a target in both.")
    if any(target is not None for *_, target in _cut(function, 10, 6, 3, None)):
        raise Mistake("Without an answer every target is None: a window without the answer must not be labelled.")


def _any_answer(function: Callable) -> None:
    """Every answer of one to four tokens in ten, at token 0 and at the last one too."""
    for first in range(10):
        for last in range(first, min(first + 4, 10)):
            found, right = _cut(function, 10, 6, 3, (first, last)), package_answer_windows(10, 6, 3, (first, last))
            for (start, stop, target), (_, _, wanted) in zip(found, right, strict=True):
                if target == wanted:
                    continue
                where = worded(
                    "The answer is tokens {first} to {last}, the window {start} to {end}:",
                    first=first,
                    last=last,
                    start=start,
                    end=stop - 1,
                )
                if wanted is None:
                    raise Mistake(
                        "{where} a window that holds only a part of it has no answer: None, not {target}.",
                        where=where,
                        target=target,
                    )
                if 0 in (first, last):
                    raise Mistake(
                        "{where} token 0 is a token like others, and 0 is not None. The target is {wanted}, not {target}.",
                        where=where,
                        wanted=wanted,
                        target=target,
                    )
                raise Mistake(
                    "{where} the target is {wanted}, not {target}; both ends of the answer may touch a window's border.",
                    where=where,
                    wanted=wanted,
                    target=target,
                )


def _cut(function: Callable, *arguments: Any) -> list[tuple[int, int, Any]]:
    try:
        return [
            (int(start), int(stop), None if target is None else tuple(map(int, target)))
            for start, stop, target in function(*arguments)
        ]
    except (TypeError, ValueError) as error:
        if isinstance(error, ElectraError):
            raise
        raise Mistake("Return a list of (start, stop, target), target being (first, last) or None.") from None


EXERCISES = (
    Exercise(
        id="10.1",
        title="The best span",
        kind="build",
        minutes=15,
        difficulty=2,
        starred=True,
        specification=(
            "best_span(start, end, context_mask, max_length): scores (L,) of every token as first and as last, mask (L,) True"
            " on the context → (first, last) with the largest sum, both in the context, first ≤ last, at most max_length"
            " tokens."
        ),
        checks=(_pairs_are_chosen, _random_scores, _any_context),
        hints=(
            "Two loops: every allowed first, every allowed last that is not before it and not too far. Keep the best sum.",
            "for first in np.flatnonzero(context_mask): for last in range(first, min(first + max_length, len(end))): …",
        ),
        solution=best_span,
        fallback=package_span,
        variable="best_span",
    ),
    Exercise(
        id="10.2",
        title="Windows with a stride",
        kind="build",
        minutes=15,
        difficulty=3,
        specification=(
            "answer_windows(count, room, stride, answer=None) → (start, stop, target) of windows of at most `room` tokens, each"
            " `stride` after the one before, until one ends at `count`. answer = (first, last) token of the context; target ="
            " the same two counted from the window's start, or None where the window does not hold all of it."
        ),
        checks=(_windows_cover, _targets_are_whole, _any_answer),
        hints=(
            "start = 0, stride, 2 · stride …; stop = min(start + room, count). When is the last one reached?",
            "start <= answer[0] and answer[1] < stop: the window holds all of it.",
        ),
        solution=answer_windows,
        fallback=package_answer_windows,
        variable="answer_windows",
    ),
    Exercise(
        id="10.3",
        title="How much is reading?",
        kind="measure",
        minutes=12,
        difficulty=2,
        specification=(
            "Mean F1 with and without the question over the recorded seeds; F1 of two Chinese answers by character and by"
            " spaces; what the first says."
        ),
        checks=(blindness_is_measured,),
        hints=(
            'lab.recorded()["question answering"] has "asked" and "blind", each with five F1.',
            "Characters of the one: 在, 巴, 黎; of the other: 巴, 黎. Split on spaces, each answer is one word.",
        ),
        solution=blind_answer(),
        variable="my_blindness",
        why="What a blind model has above the baseline is no reading. It hangs on the rows: measure it anew on every set.",
    ),
)
