"""Exercises of notebook 09: labels on pieces, spans from BIO tags, and names seen and unseen."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean
from typing import Any

from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.labs.finetuning import recorded
from electra_helpers.language import ITEMS, joined, worded, wording
from electra_helpers.tasks import tagging

IGNORED = tagging.IGNORED


def align_labels(word_ids, tags):
    """The tag of each word on its first piece, -100 on all other tokens."""
    aligned, previous = [], None
    for word in word_ids:
        is_first_piece = word is not None and word != previous
        aligned.append(tags[word] if is_first_piece else -100)
        previous = word
    return aligned


def _first_pieces_only(function: Callable) -> None:
    word_ids, tags = [None, 0, 1, 1, 1, 2, None], [5, 3, 7]
    right = tagging.align_labels(word_ids, tags)  # [-100, 5, 3, -100, -100, 7, -100]
    found = _listed(function, word_ids, tags)
    if len(found) != len(word_ids):
        raise Mistake(
            "One label a *token* is wanted: {right} of them, specials included, not {found}.",
            right=len(word_ids),
            found=len(found),
        )
    if found == [IGNORED, 5, 3, 3, 3, 7, IGNORED]:
        raise Mistake(
            "The label stands on every piece: a word of three pieces would count three times in the loss. Only the first"
            " piece carries it."
        )
    if found[0] != IGNORED or found[-1] != IGNORED:
        raise Mistake(
            "[CLS] and [SEP] get {first} and {last}. They are no words: -100, the number that cross-entropy skips.",
            first=found[0],
            last=found[-1],
        )
    if 0 in found and IGNORED not in found[1:-1]:
        raise Mistake("0 is a label, *O*. What is not judged gets -100, which cross-entropy skips.")
    if found[1] != 5 and found[1:6] != [5, 3, IGNORED, IGNORED, 7]:
        raise Mistake(
            "Labels are shifted against tokens. Do not count places: the word id of a token *is* the place of its tag."
        )
    outside = _listed(function, [None, 0, 1, 1, None], [0, 2])
    if outside != [IGNORED, 0, 2, IGNORED, IGNORED]:
        raise Mistake(
            "tag 0 is a tag like others, *O*: its first piece gets 0. (`or` takes 0 for nothing; ask `is None`.)"
        )
    if found != right:
        raise Mistake(
            "For word ids {word_ids} and tags {tags} {right} is right; you return {found}.",
            word_ids=word_ids,
            tags=tags,
            right=right,
            found=found,
        )


def _other_rows(function: Callable) -> None:
    pair = [None, 0, 0, None, 1, 2, None]
    if _listed(function, pair, [4, 0, 6]) != [IGNORED, 4, IGNORED, IGNORED, 0, 6, IGNORED]:
        raise Mistake("With a special token in the middle your labels go wrong: take each token's own word id.")
    window = [None, 3, 3, 4, None]  # a later window of a long text
    if _listed(function, window, [1, 1, 1, 8, 2]) != [IGNORED, 8, IGNORED, 2, IGNORED]:
        raise Mistake("A window may begin at word 3: its tag is tags[3]. You count the words that you meet.")
    gap = [None, 0, 0, 2, None]  # word 1 left no piece
    if _listed(function, gap, [4, 5, 6]) != [IGNORED, 4, IGNORED, 6, IGNORED]:
        raise Mistake("A word that left no piece shifts nothing: the next one still has the tag of its own word id.")
    same = _listed(function, [None, 0, 1, 2, None], [3, 3, 3])
    if same != [IGNORED, 3, 3, 3, IGNORED]:
        raise Mistake("Three words with the same tag are three words: compare word ids, not tags.")


def _listed(function: Callable, word_ids: list[int | None], tags: list[int]) -> list[int]:
    found = function(list(word_ids), list(tags))
    try:
        return [int(x) for x in found]
    except (TypeError, ValueError):
        raise Mistake("Return a list of numbers, one for each token.") from None


def bio_to_spans(tags):
    """(kind, first word, word after the last) of every entity that the tags spell."""
    spans, kind_before = [], None
    for place, tag in enumerate(tags):
        part, _, kind = tag.partition("-")
        if part == "I" and kind == kind_before:  # goes on
            opened, first, _ = spans[-1]
            spans[-1] = (opened, first, place + 1)
        elif part != "O":
            spans.append((kind, place, place + 1))
        kind_before = None if part == "O" else kind
    return spans


TOLD_SPANS = (
    (
        ["B-PER", "B-PER", "O"],
        [("PER", 0, 2)],
        wording("Two B in a row are two entities, also of one kind: a B always opens a new one. You merge them."),
    ),
    (
        ["O", "I-LOC", "I-LOC", "O"],
        [],
        wording(
            "An I after O continues nothing, but the net did see an entity: it opens one (as in seqeval). You drop it."
        ),
    ),
    (
        ["B-PER", "I-LOC", "O"],
        [("PER", 0, 2)],
        wording(
            "The kind changes inside: B-PER I-LOC are two entities. An I goes on only with an entity of its own kind."
        ),
    ),
    (["O", "B-PER"], [], wording("An entity that ends with the row is lost: nothing after it closes it.")),
    (
        ["B-PER", "I-PER"],
        [("PER", 0, 1)],
        wording("The last word is missing: the third number is the word *after* the last, as in a slice."),
    ),
    (
        ["B-PER", "I-PER"],
        [("PER", 0, 1), ("PER", 1, 2)],
        wording("I goes on with the entity before it; you open a new one."),
    ),
)
ROWS = (
    ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"],
    ["I-PER", "O", "I-PER", "B-PER", "I-PER", "I-PER"],
    ["B-PER", "I-LOC", "I-PER", "O", "O", "B-TIME"],
    ["O", "O"],
    [],
)
HYPHENATED = (
    ["B-creative-work", "I-creative-work", "B-creative-person", "O"],
    ["O", "I-creative-work", "I-creative-person", "B-a-b-c", "I-a-b-c"],
)


def _tags_become_spans(function: Callable) -> None:
    for tags, wrong, message in TOLD_SPANS:
        right = [tuple(span) for span in tagging.bio_to_spans(tags)]
        found = _spans(function, tags)
        if found != right and found == wrong:
            raise Mistake(message)
    for tags in ROWS:
        right, found = [tuple(span) for span in tagging.bio_to_spans(tags)], _spans(function, tags)
        if found != right:
            raise Mistake(
                "{tags}: {right} is right; you return {found}.",
                tags=" ".join(tags) or worded("No tags"),
                right=right,
                found=found,
            )
    for tags in HYPHENATED:
        right, found = [tuple(span) for span in tagging.bio_to_spans(tags)], _spans(function, tags)
        if found != right:
            raise Mistake(
                "{tags}: {right} is right; you return {found}. A kind may hold a hyphen: only the first one ends"
                " the B or I.",
                tags=" ".join(tags),
                right=right,
                found=found,
            )


def _spans(function: Callable, tags: list[str]) -> list[tuple[str, int, int]]:
    found = function(list(tags))
    try:
        return [(str(kind), int(first), int(last)) for kind, first, last in found]
    except (TypeError, ValueError):
        raise Mistake("Return a list of (kind, first word, word after the last).") from None


READINGS = ("it recognises persons", "it knows a list of names", "it reads the words around a name as well as the name")
KINDS = ("PERSON", "PLACE", "TRADE", "TIME", "THING")


def names_answer() -> dict[str, Any]:
    """The right answer of 09.3."""
    found = recorded()["tagging"]
    return {
        "seen": mean(found["validation"]["f1"]),
        "unseen": mean(found["test"]["f1"]),
        "kind": "PERSON",
        "reading": READINGS[1],
    }


def _names_are_measured(answers: Any) -> None:
    right = names_answer()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    try:
        given = {key: as_number(answers[key]) for key in ("seen", "unseen")}
    except (TypeError, ValueError):
        raise Mistake("seen and unseen are numbers between 0 and 1.") from None
    if abs(given["seen"] - right["unseen"]) < 0.002 and abs(given["unseen"] - right["seen"]) < 0.002:
        raise Mistake("seen and unseen are exchanged: validation has the names of training, test has new ones.")
    for key, part in (("seen", "validation"), ("unseen", "test")):
        scores = recorded()["tagging"][part]["f1"]
        if abs(given[key] - right[key]) > 0.002 and abs(given[key] - max(scores)) < 0.002:
            raise Mistake("{key}: that is the best seed. The mean of the five is asked for.", key=key)
        if abs(given[key] - right[key]) > 0.002:
            raise Mistake(
                '{key}: the mean of lab.recorded()["tagging"]["{part}"]["f1"] is not {given:.3f}.',
                key=key,
                part=part,
                given=given[key],
            )
    if answers["kind"] not in KINDS:
        raise Mistake("kind: choose one of {kinds}.", kinds=joined(KINDS, ITEMS))
    if answers["kind"] != right["kind"]:
        raise Mistake("Compare the two columns of the table kind by kind: which one falls most?")
    if answers["reading"] not in READINGS:
        raise Mistake("reading: choose one of {readings}.", readings=joined(READINGS))
    if answers["reading"] == READINGS[0]:
        raise Mistake(
            '"It recognises persons": the same sentence with a name that training never had, and the person is often'
            " missed. It knows a list."
        )
    if answers["reading"] != right["reading"]:
        raise Mistake("The words around are the same in both parts. If they were enough, F1 would not fall.")


EXERCISES = (
    Exercise(
        id="09.1",
        title="Labels on pieces",
        kind="build",
        minutes=10,
        difficulty=2,
        starred=True,
        specification=(
            "align_labels(word_ids, tags) → one number a token: tags[word] on the first piece of each word, -100 on its other"
            " pieces and on tokens whose word id is None."
        ),
        checks=(_first_pieces_only, _other_rows),
        hints=(
            "A piece is the first of its word if the token before it has another word id.",
            "Loop over word_ids, remember the previous one; append tags[word] or -100.",
        ),
        solution=align_labels,
        fallback=tagging.align_labels,
        variable="align_labels",
    ),
    Exercise(
        id="09.2",
        title="Spans from tags",
        kind="build",
        minutes=12,
        difficulty=2,
        specification=(
            "bio_to_spans(tags) → a list of (kind, first, last), last being the word after the entity: B- opens one, I- of the"
            " same kind goes on, an I- that continues nothing opens one too."
        ),
        checks=(_tags_become_spans,),
        hints=(
            "At each tag there are three cases: it goes on, it opens, it is outside. What must you remember for the first?",
            'tag.partition("-") gives part and kind; if part is I and kind is that of the word before, lengthen spans[-1].',
        ),
        solution=bio_to_spans,
        fallback=tagging.bio_to_spans,
        variable="bio_to_spans",
    ),
    Exercise(
        id="09.3",
        title="Names seen and unseen",
        kind="measure",
        minutes=10,
        difficulty=2,
        specification="Mean entity F1 of the recorded seeds with names seen and unseen; the kind that falls; what it means.",
        checks=(_names_are_measured,),
        hints=(
            'lab.recorded()["tagging"] has "validation" and "test", each with five F1.',
            "statistics.mean of both lists; then read the table of kinds above.",
        ),
        solution=names_answer(),
        variable="my_names",
        why="The words around a name are the same in both parts, the names are not: what is lost was known by heart.",
    ),
)
