"""Exercises of notebook 01: pieces by hand, pairs, packing, and words from pieces."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.language import ITEMS, joined, worded

PAD, UNK, CLS, SEP = 0, 1, 2, 3
NINE_PIECES = ("un", "unit", "##it", "##ed", "##ited", "play", "##ing", "##s", "re")
BY_HAND = {"united": ["unit", "##ed"], "playing": ["play", "##ing"], "replays": ["[UNK]"]}


def _pieces_are_greedy(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(BY_HAND):
        raise Mistake("Keep the dictionary as it is, with {by_hand}.", by_hand=joined(BY_HAND, ITEMS))
    given = {word: pieces.split() if isinstance(pieces, str) else list(pieces) for word, pieces in answers.items()}
    for word, pieces in given.items():
        strange = [piece for piece in pieces if piece not in (*NINE_PIECES, "[UNK]")]
        if strange:
            raise Mistake(
                "{word}: {strange!r} is not one of the nine pieces. (## means: continues a word.)",
                word=word,
                strange=strange[0],
            )
    if given["united"] in (["un", "##ited"], ["un", "##it", "##ed"]):
        raise Mistake(
            "united: you split by meaning. WordPiece knows none: it takes the longest piece that fits, from the left."
        )
    if given["replays"] == ["re", "play", "##s"]:
        raise Mistake("replays: 'play' begins a word; inside one, only '##play' would fit, and there is no such piece.")
    if "[UNK]" in given["replays"] and len(given["replays"]) > 1:
        raise Mistake("replays: what cannot be covered does not cost one piece. The whole word becomes a single [UNK].")
    for word, pieces in BY_HAND.items():
        if given[word] != pieces:
            raise Mistake(
                "{word}: take the longest piece that fits at the start, then the longest ## piece that fits the rest.",
                word=word,
            )


def encode_pair(a, b, max_length, cls_id=2, sep_id=3):
    """Ids and segments of [CLS] a [SEP] b [SEP], cut to `max_length`, the longer text first."""
    a, b = list(a), list(b)  # copies: the caller's lists stay as they are
    while len(a) + len(b) > max_length - 3:  # room for [CLS] and two [SEP]
        longer = a if len(a) > len(b) else b
        longer.pop()
    ids = [cls_id, *a, sep_id, *b, sep_id]
    segments = [0] * (len(a) + 2) + [1] * (len(b) + 1)
    return ids, segments


def _pair(function: Callable, a: list[int], b: list[int], max_length: int) -> tuple[list[int], list[int]]:
    mine_a, mine_b = list(a), list(b)
    found = function(mine_a, mine_b, max_length)
    if not isinstance(found, tuple | list) or len(found) != 2 or not all(isinstance(x, list) for x in found):
        raise Mistake("Return two lists: the ids, and for each id its segment (0 or 1).")
    ids, segments = found
    if len(ids) != len(segments):
        raise Mistake(
            "{ids} ids but {segments} segment numbers: every token has a segment, [CLS] and [SEP] too.",
            **{"ids": len(ids), "segments": len(segments)},
        )
    if (mine_a, mine_b) != (a, b):
        raise Mistake("Your function changed the caller's list: pop from a copy, list(a).")
    if len(ids) > max_length:
        raise Mistake(
            "{count} ids for max_length {max_length}: [CLS] and both [SEP] count too.",
            count=len(ids),
            max_length=max_length,
        )
    return ids, segments


def _pair_is_framed(function: Callable) -> None:
    ids, segments = _pair(function, [11, 12], [21, 22, 23], 20)
    if ids.count(SEP) < 2:
        raise Mistake("Each of the two texts ends with a [SEP]: [CLS] a [SEP] b [SEP].")
    if ids != [CLS, 11, 12, SEP, 21, 22, 23, SEP]:
        raise Mistake(
            "For a = [11, 12], b = [21, 22, 23] the ids should be [2, 11, 12, 3, 21, 22, 23, 3], not {ids}.", ids=ids
        )
    if segments == [0, 0, 0, 1, 1, 1, 1, 1]:
        raise Mistake("The middle [SEP] closes the first text: it belongs to segment 0.")
    if segments != [0, 0, 0, 0, 1, 1, 1, 1]:
        raise Mistake("The segments should be [0, 0, 0, 0, 1, 1, 1, 1], not {segments}.", segments=segments)


def _pair_is_cut_fairly(function: Callable) -> None:
    long, short = list(range(30, 50)), [21, 22, 23]
    for a, b in ((long, short), (short, long), (long, [x + 100 for x in long])):
        ids, segments = _pair(function, a, b, 13)
        if ids[-1] != SEP:
            raise Mistake("The final [SEP] was cut off. Cut the texts first, then put the frame around them.")
        if ids[0] != CLS or ids.count(SEP) != 2:
            raise Mistake("Cut to 13 ids, the frame should be whole: one [CLS], two [SEP]. You return {ids}.", ids=ids)
        middle = ids.index(SEP)
        kept_a, kept_b = ids[1:middle], ids[middle + 1 : -1]
        if len(ids) < 13:
            raise Mistake(
                "Only {count} ids for max_length 13, though there is more text: use the room.", count=len(ids)
            )
        _is_cut_from_the_longer(a, b, kept_a, kept_b)
        if segments != [0] * (len(kept_a) + 2) + [1] * (len(kept_b) + 1):
            raise Mistake("After cutting, the segments no longer fit the ids.")


def _is_cut_from_the_longer(a: list[int], b: list[int], kept_a: list[int], kept_b: list[int]) -> None:
    if len(a) > len(b) and len(kept_b) < len(b):
        raise Mistake("b was cut although a is the longer one: take tokens from whichever is longer, one by one.")
    if len(b) > len(a) and len(kept_a) < len(a):
        raise Mistake("a was cut although b is the longer one: take tokens from whichever is longer, one by one.")
    if abs(len(kept_a) - len(kept_b)) > 1 and min(len(a), len(b)) > 10:
        raise Mistake(
            "Of two long texts {kept_a} and {kept_b} tokens are kept: cut the longer one first, until both are even.",
            kept_a=len(kept_a),
            kept_b=len(kept_b),
        )
    if kept_a != a[: len(kept_a)] or kept_b != b[: len(kept_b)]:
        raise Mistake("Cut at the end of a text and keep its beginning.")


def _pair_has_the_given_frame(function: Callable) -> None:
    ids, segments = function([11], [21, 22], 9, 101, 102)
    if list(ids) != [101, 11, 102, 21, 22, 102]:
        raise Mistake(
            "Another vocabulary has other special ids: use cls_id and sep_id. With 101 and 102 you return {ids}.",
            ids=ids,
        )
    same, segments = _pair(function, [11, 11, 11, 11], [11, 11], 7)
    if same != [CLS, 11, 11, SEP, 11, 11, SEP] or segments != [0, 0, 0, 0, 1, 1, 1]:
        raise Mistake(
            "The same token may come many times, and in both texts. You return {same} and {segments}.",
            same=same,
            segments=segments,
        )
    if _pair(function, [], [21], 9) != ([CLS, SEP, 21, SEP], [0, 0, 1, 1]):
        raise Mistake("An empty text has its frame too: [CLS] [SEP] b [SEP].")


def pack(documents, length, cls_id=2, sep_id=3):
    """Full rows [CLS] … [SEP] of documents laid end to end, a [SEP] between them."""
    rows, row = [], []
    for document in documents:
        border = [sep_id] if row and document else []
        for token in [*border, *document]:
            row.append(token)
            if len(row) == length - 2:  # room for [CLS] and the last [SEP]
                rows.append([cls_id, *row, sep_id])
                row = []
    return rows  # the last, incomplete row is left out


def _packed(function: Callable, documents: list[list[int]], length: int) -> list[list[int]]:
    before = [list(document) for document in documents]
    rows = function(documents, length)
    if rows is None or isinstance(rows, str):
        raise Mistake("Return the rows: a list of lists of ids.")
    rows = [[int(token) for token in row] for row in rows]
    if documents != before:
        raise Mistake("Your function changed the caller's documents.")
    if any(PAD in row for row in rows):
        raise Mistake(
            "There is padding in your rows. Padding is not free: the model computes it like any token. Fill with the"
            " next document."
        )
    for row in rows:
        if len(row) != length:
            raise Mistake(
                "A row has {count} tokens instead of {length}: every row is full, a last incomplete one is left out.",
                count=len(row),
                length=length,
            )
        if row[0] != CLS or row[-1] != SEP:
            raise Mistake("Every row begins with [CLS] and ends with [SEP], inside its length.")
        if row.count(CLS) > 1:
            raise Mistake("A row has one [CLS], at its start; between documents stands a [SEP].")
    return rows


def _nothing_is_lost(function: Callable) -> None:
    documents = [
        list(range(10, 14)),
        list(range(20, 43)),
        list(range(50, 59)),
        list(range(60, 67)),
        list(range(70, 91)),
    ]
    rows = _packed(function, documents, 10)
    everything = [token for document in documents for token in document]
    kept = [token for row in rows for token in row if token not in (CLS, SEP)]
    if len(set(kept)) < len(kept):
        raise Mistake("Some tokens appear twice: after a row is full, go on with the first token that did not fit.")
    if kept != everything[: len(kept)]:
        lost = next(token for token in everything if token not in kept)
        raise Mistake(
            "Token {lost} is lost, though later ones are there: what does not fit into a row begins the next one.",
            lost=lost,
        )
    if len(kept) < len(everything) - 8:
        raise Mistake(
            "{count} tokens are missing at the end: only what does not fill a row is left out.",
            count=len(everything) - len(kept),
        )
    _documents_are_apart(rows, documents)


def _documents_are_apart(rows: list[list[int]], documents: list[list[int]]) -> None:
    borders = {(a[-1], b[0]) for a, b in itertools.pairwise(documents)}
    for row in rows:
        for pair in itertools.pairwise(row):
            if pair in borders:
                raise Mistake(
                    "Two documents are glued together: put a [SEP] between them, or the model learns that one follows"
                    " from the other."
                )


def _rows_have_the_given_frame(function: Callable) -> None:
    rows = [list(map(int, row)) for row in function([[10, 11, 12], [20, 21, 22, 23], [30, 31]], 6, 101, 102)]
    if rows != [[101, 10, 11, 12, 102, 102], [101, 20, 21, 22, 23, 102]]:
        raise Mistake(
            "Another vocabulary has other special ids: use cls_id and sep_id. With 101 and 102 you return {rows}.",
            rows=rows,
        )
    repeated = _packed(function, [[7, 7, 7], [7, 7, 7, 7, 7]], 6)
    if repeated != [[CLS, 7, 7, 7, SEP, SEP], [CLS, 7, 7, 7, 7, SEP]]:
        raise Mistake(
            "The same token may come many times, in two documents as well. You return {repeated}.", repeated=repeated
        )
    if _packed(function, [[10, 11]], 12):
        raise Mistake("A text too short for one row gives no row.")


def _short_documents_share_a_row(function: Callable) -> None:
    rows = _packed(function, [[10 + i, 40 + i] for i in range(20)], 12)
    if len(rows) < 5:
        raise Mistake(
            "20 documents of 2 tokens fill 5 rows of 12; you return {count}. Put several documents into a row.",
            count=len(rows),
        )


def word_ids(tokens):
    """The number of the word that each token belongs to; None for special tokens."""
    found, word = [], -1
    for token in tokens:
        if token in ("[CLS]", "[SEP]", "[PAD]"):
            found.append(None)
            continue
        if not token.startswith("##"):
            word += 1
        found.append(word)
    return found


WORD_CASES: tuple[tuple[list[str], list[int | None]], ...] = (
    (["[CLS]", "the", "un", "##believ", "##able", "end", "[SEP]"], [None, 0, 1, 1, 1, 2, None]),
    (["[CLS]", "今", "天", "好", "[SEP]"], [None, 0, 1, 2, None]),
    (["[CLS]", "a", "[UNK]", "##s", "[SEP]", "b", "##c", "[SEP]", "[PAD]"], [None, 0, 1, 1, None, 2, 2, None, None]),
    (["[CLS]", "a", "[MASK]", "a", "a", "[SEP]"], [None, 0, 1, 2, 3, None]),
    (["[CLS]", "c", "[UNK]", "[UNK]", "[SEP]"], [None, 0, 1, 2, None]),
    (["[CLS]", "c##", "#", "a##b", "[SEP]"], [None, 0, 1, 2, None]),
)


def _words_are_numbered(function: Callable) -> None:
    for tokens, right in WORD_CASES:
        found = function(list(tokens))
        if not isinstance(found, list):
            raise Mistake("Return a list, one entry a token, not {kind}.", kind=type(found).__name__)
        if len(found) != len(tokens):
            raise Mistake(
                "{tokens} tokens but {entries} entries: [CLS] and [SEP] get an entry too, None. Without it"
                " every prediction is shifted.",
                tokens=len(tokens),
                entries=len(found),
            )
        if found[0] is not None:
            raise Mistake(
                "[CLS] is no word: its entry is None. You give it {found!r}, and shift every word behind it.",
                found=found[0],
            )
        if found != right:
            raise Mistake(_what_is_wrong_with(tokens, found, right))


def _what_is_wrong_with(tokens: list[str], found: list, right: list) -> str:
    at = next(i for i, pair in enumerate(zip(found, right, strict=True)) if pair[0] != pair[1])
    where = worded(
        "In {tokens} the entry of {token!r} should be {right}, not {found}.",
        tokens=" ".join(tokens),
        token=tokens[at],
        right=right[at],
        found=found[at],
    )
    if tokens[at] == "[MASK]":
        return worded("{where} [MASK] stands for a hidden word, so it has a number.", where=where)
    if "##" in tokens[at] and not tokens[at].startswith("##"):
        return worded(
            "{where} A piece that continues a word *begins* with ##; inside or at its end the signs mean nothing.",
            where=where,
        )
    if tokens[at - 1 : at + 1] == ["[UNK]", "[UNK]"]:
        return worded("{where} Each [UNK] is a word of its own, also beside another.", where=where)
    if tokens[at] in tokens[:at] and found[at] == found[tokens.index(tokens[at])]:
        return worded("{where} The same word twice is two words: count tokens, do not look them up.", where=where)
    if tokens[at].startswith("##"):
        return worded("{where} A piece that begins with ## belongs to the word before it.", where=where)
    if "今" in tokens:
        return worded(
            "{where} Chinese characters are tokens of their own, and each counts as a word here.", where=where
        )
    if tokens[at] == "[UNK]":
        return worded("{where} [UNK] stands for a word of the text.", where=where)
    if right[at] is None:
        return worded("{where} [SEP] and [PAD] are no words.", where=where)
    return worded("{where} Words are counted from 0, and on through the second text.", where=where)


EXERCISES = (
    Exercise(
        id="01.1",
        title="Three words by hand",
        kind="decide",
        minutes=5,
        difficulty=1,
        specification="The pieces of united, playing and replays with a vocabulary of nine pieces.",
        checks=(_pieces_are_greedy,),
        hints=(
            "From the left, the longest piece that fits; then go on behind it, with ## pieces only.",
            "united starts with unit, which is longer than un. For replays: is there any ## piece that begins with p?",
        ),
        solution=BY_HAND,
        variable="my_pieces",
        why="Greedy, longest first, no way back. If the rest cannot be covered, the whole word becomes [UNK].",
    ),
    Exercise(
        id="01.2",
        title="Encode a pair",
        kind="build",
        minutes=10,
        difficulty=2,
        starred=True,
        specification=(
            "encode_pair(a, b, max_length, cls_id=2, sep_id=3) → (ids, segments): [CLS] a [SEP] b [SEP] in at most "
            "max_length ids, cut from whichever text is longer; segment 0 up to the middle [SEP]."
        ),
        checks=(_pair_is_framed, _pair_is_cut_fairly, _pair_has_the_given_frame),
        hints=(
            "First make a and b short enough, then build the frame. How much room do three special tokens leave?",
            "While len(a) + len(b) > max_length - 3, drop the last token of the longer one.",
        ),
        solution=encode_pair,
        fallback=encode_pair,
        variable="encode_pair",
    ),
    Exercise(
        id="01.3",
        title="Pack documents without padding",
        kind="build",
        minutes=12,
        difficulty=2,
        specification=(
            "pack(documents, length, cls_id=2, sep_id=3) → full rows [CLS] … [SEP] of exactly length ids, documents"
            " laid end to end with a [SEP] between them; a last incomplete row is left out."
        ),
        checks=(_nothing_is_lost, _short_documents_share_a_row, _rows_have_the_given_frame),
        hints=(
            "Keep one row open and go through the tokens one by one. When is it full?",
            (
                "A row has room for length - 2 tokens of text and borders. When it is full, append it and start an"
                " empty one."
            ),
        ),
        solution=pack,
        fallback=pack,
        variable="pack",
    ),
    Exercise(
        id="01.4",
        title="Words from pieces",
        kind="build",
        minutes=8,
        difficulty=1,
        starred=True,
        specification="word_ids(tokens) → for each token the number of its word, from 0; None for [CLS], [SEP], [PAD].",
        checks=(_words_are_numbered,),
        hints=(
            "Keep a counter. Which tokens start a new word, which continue one, which are none?",
            "token.startswith('##') continues the word before it.",
        ),
        solution=word_ids,
        fallback=word_ids,
        variable="word_ids",
    ),
)
