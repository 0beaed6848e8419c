"""Notebook 01: what passes, what does not, and what each mistake is told; readable solutions equal the package."""

# ruff: noqa: E501
import pytest
from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.course.exercises.n01_text_to_batches import BY_HAND, NINE_PIECES, encode_pair, pack, word_ids
from electra_helpers.text.packing import pack_plain
from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.text.vocabulary import train_tokenizer
from tests.course.cases import Cases, hold

PAIR = "def encode_pair(a, b, max_length, cls_id=2, sep_id=3):\n"
PACK = "def pack(documents, length, cls_id=2, sep_id=3):\n"
FRAME = "    return [cls_id, *a, sep_id, *b, sep_id], [0] * (len(a) + 2) + [1] * (len(b) + 1)"
STREAM = """
    room, stream = length - 2, []
    for number, document in enumerate(documents):
        stream += ([sep_id] if number else []) + list(document)
"""

CASES = {
    "01.1": Cases(
        dict.fromkeys(BY_HAND),
        [BY_HAND, {"united": "unit ##ed", "playing": ("play", "##ing"), "replays": "[UNK]"}],
        [
            (BY_HAND | {"united": ["un", "##ited"]}, "by meaning"),
            (BY_HAND | {"united": "un ##it ##ed"}, "by meaning"),
            (BY_HAND | {"replays": ["re", "[UNK]", "##s"]}, "does not cost one piece"),
            (BY_HAND | {"replays": ["re", "play", "##s"]}, "begins a word"),
            (BY_HAND | {"playing": ["play", "ing"]}, "not one of the nine"),
            (BY_HAND | {"united": ["[UNK]"]}, "longest piece"),
        ],
    ),
    "01.2": Cases(
        PAIR + "    raise NotImplementedError",
        [
            PAIR
            + """
    room, a, b = max_length - 3, a[:], b[:]
    keep_a = min(len(a), max(room - len(b), room // 2))
    a, b = a[:keep_a], b[:room - keep_a]
    ids = [cls_id] + a + [sep_id] + b + [sep_id]
    return ids, [0 if i <= len(a) + 1 else 1 for i in range(len(ids))]
""",
            PAIR
            + """
    a, b = list(a), list(b)
    for _ in range(max(0, len(a) + len(b) + 3 - max_length)):
        if len(b) >= len(a):
            del b[-1]
        else:
            del a[-1]
"""
            + FRAME,
        ],
        [
            (PAIR + "    ids = [cls_id, *a, sep_id, *b, sep_id]\n    s = [0]*(len(a)+2)+[1]*(len(b)+1)\n"
             "    return ids[:max_length], s[:max_length]", "final [SEP] was cut off"),
            (PAIR + "    b = b[:max(0, max_length - 3 - len(a))]\n    a = a[:max_length - 3 - len(b)]\n" + FRAME, "b was cut although"),
            (PAIR + "    a, b = list(a), list(b)\n    while len(a) + len(b) > max_length - 3: (a if len(a) > len(b) else b).pop()\n"
             "    return [cls_id, *a, sep_id, *b, sep_id], [0] * (len(a) + 1) + [1] * (len(b) + 2)", "middle [SEP]"),
            (PAIR + FRAME, "[CLS] and both [SEP] count"),
            (PAIR + "    while len(a) + len(b) > max_length - 3: (a if len(a) > len(b) else b).pop()\n" + FRAME, "caller's list"),
            (PAIR + "    h = (max_length - 3) // 2\n    a, b = a[:h], b[:h]\n" + FRAME, "use the room"),
            (PAIR + "    a, b = list(a), list(b)\n    while len(a) + len(b) > max_length - 3: (a if len(a) > len(b) else b).pop(0)\n" + FRAME, "keep its beginning"),
            (PAIR + "    return [cls_id, *a, sep_id, *b]", "two lists"),
            (PAIR + "    a, b = list(a), list(b)\n    while len(a) + len(b) > max_length - 3: (a if len(a) > len(b) else b).pop()\n" + FRAME.replace("cls_id", "2").replace("sep_id", "3"), "cls_id and sep_id"),
            (PAIR + "    a, b = list(a), list(b)\n    while len(a) + len(b) > max_length - 3: (a if len(a) > len(b) else b).pop()\n" + FRAME.replace("[cls_id", "[2"), "cls_id and sep_id"),
            ("def encode_pair(a, b, max_length, cls_id=2, sep_id=3):\n    a, b = list(dict.fromkeys(a)), list(dict.fromkeys(b))\n    while len(a) + len(b) > max_length - 3: (a if len(a) > len(b) else b).pop()\n" + FRAME, "many times"),
        ],
    ),
    "01.3": Cases(
        PACK + "    raise NotImplementedError",
        [
            PACK + STREAM + "    return [[cls_id, *stream[i:i + room], sep_id] for i in range(0, len(stream) - room + 1, room)]",
            PACK
            + """
    rows, open_row = [], []
    for document in documents:
        rest = list(document)
        if open_row:
            open_row.append(sep_id)
        while rest:
            space = length - 2 - len(open_row)
            open_row, rest = open_row + rest[:space], rest[space:]
            if len(open_row) == length - 2:
                rows.append([cls_id] + open_row + [sep_id])
                open_row = []
    return rows
""",
            PACK + STREAM + """
    def rows():
        for i in range(0, len(stream) - room + 1, room):
            yield [cls_id] + stream[i:i + room] + [sep_id]
    return list(rows())
""",
        ],
        [
            (PACK + STREAM + "    return [[cls_id, *stream[i:i + room], sep_id] for i in range(0, len(stream), room)]", "left out"),
            (PACK + "    return [([cls_id, *d[:length - 2], sep_id] + [0] * length)[:length] for d in documents]", "Padding is not free"),
            (PACK + "    s = [t for d in documents for t in d]\n    r = length - 2\n"
             "    return [[cls_id, *s[i:i + r], sep_id] for i in range(0, len(s) - r + 1, r)]", "glued together"),
            (PACK + STREAM + "    return [[cls_id, *stream[i:i + room], sep_id] for i in range(0, len(stream) - room + 1, room + 1)]", "is lost"),
            (PACK + STREAM + "    return [[cls_id, *stream[i:i + room], sep_id] for i in range(0, len(stream) - room + 1, room - 1)]", "appear twice"),
            (PACK + "    return [[cls_id, *d[i:i + length - 2], sep_id] for d in documents for i in range(0, len(d) - length + 3, length - 2)]", "is lost"),
            (PACK + STREAM + "    return [[cls_id, *stream[i:i + length], sep_id] for i in range(0, len(stream) - length + 1, length)]", "instead of 10"),
            (PACK + STREAM + "    return [[2, *stream[i:i + room], 3] for i in range(0, len(stream) - room + 1, room)]", "cls_id and sep_id"),
            (PACK + STREAM.replace("[sep_id]", "[3]") + "    return [[cls_id, *stream[i:i + room], sep_id] for i in range(0, len(stream) - room + 1, room)]", "cls_id and sep_id"),
            (PACK + STREAM + "    return [[cls_id, *stream[i:i + room], 3] for i in range(0, len(stream) - room + 1, room)]", "cls_id and sep_id"),
        ],
    ),
    "01.4": Cases(
        "def word_ids(tokens):\n    raise NotImplementedError",
        [
            "def word_ids(tokens):\n    starts = [t not in ('[CLS]', '[SEP]', '[PAD]') and t[:2] != '##' for t in tokens]\n"
            "    return [None if t in ('[CLS]', '[SEP]', '[PAD]') else sum(starts[:i + 1]) - 1 for i, t in enumerate(tokens)]",
            """
            def word_ids(tokens):
                out = []
                for t in tokens:
                    known = [x for x in out if x is not None]
                    last = known[-1] if known else -1
                    out.append(None if t in {"[CLS]", "[SEP]", "[PAD]"} else last if t.startswith("##") else last + 1)
                return out
            """,
        ],
        [
            ("def w(tokens):\n    n = -1\n    out = []\n    for t in tokens:\n        n += t[:2] != '##'\n        out.append(n)\n    return out", "[CLS] is no word"),
            ("def w(tokens):\n    return [i for i, t in enumerate(t for t in tokens if t[0] != '[')]", "is shifted"),
            ("def w(tokens):\n    n, out = -1, []\n    for t in tokens:\n        s = t in ('[CLS]', '[SEP]', '[PAD]')\n        n += not s\n"
             "        out.append(None if s else n)\n    return out", "begins with ##"),
            ("def w(tokens):\n    n, out = -1, []\n    for t in tokens:\n        if t[0] == '[':\n            out.append(None)\n            continue\n"
             "        n += t[:2] != '##'\n        out.append(n)\n    return out", "[UNK] stands for a word"),
            ("def w(tokens):\n    n, out, zh = -1, [], False\n    for t in tokens:\n        if t in ('[CLS]', '[SEP]', '[PAD]'):\n            out.append(None)\n"
             "            continue\n        n += t[:2] != '##' and not (zh and not t.isascii())\n        zh = not t.isascii()\n        out.append(n)\n    return out",
             "Chinese characters"),
            ("def w(tokens):\n    n, out = -1, []\n    for t in tokens:\n        if t in ('[CLS]', '[SEP]', '[PAD]', '[MASK]'):\n            out.append(None)\n            continue\n        n += t[:2] != '##'\n        out.append(n)\n    return out", "[MASK] stands for a hidden word"),
            ("def w(tokens):\n    n, out = -1, []\n    for t in tokens:\n        if t in ('[CLS]', '[SEP]', '[PAD]'):\n            out.append(None)\n            continue\n        n += '##' not in t\n        out.append(n)\n    return out", "*begins* with ##"),
            ("def w(tokens):\n    n, out, last = -1, [], ''\n    for t in tokens:\n        s = t in ('[CLS]', '[SEP]', '[PAD]')\n        n += not s and t[:2] != '##' and not (t == last == '[UNK]')\n        out.append(None if s else n)\n        last = t\n    return out", "Each [UNK] is a word"),
            ("def w(tokens):\n    seen, out = {}, []\n    n = -1\n    for t in tokens:\n        if t in ('[CLS]', '[SEP]', '[PAD]'):\n            out.append(None)\n            continue\n        if t[:2] != '##' and t not in seen:\n            n += 1\n            seen[t] = n\n        out.append(seen.get(t, n))\n    return out", "twice is two words"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {})


def test_the_pieces_by_hand_are_those_of_the_library():
    from tokenizers import Tokenizer, models

    vocab = {piece: i for i, piece in enumerate(["[UNK]", *NINE_PIECES])}
    library = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    assert {word: library.encode(word).tokens for word in BY_HAND} == BY_HAND


ids = st.lists(st.integers(5, 99), max_size=30)


@given(ids, ids, st.integers(5, 40))
def test_the_readable_pair_is_the_packages_but_for_ties(a, b, max_length):
    words = tokenizer_from_words([f"w{i}" for i in range(95)])
    a, b = a or [5], b or [5]
    text = [" ".join(words.tokens(x)) for x in (a, b)]
    package, (mine, segments) = words.encode(*text, max_length=max_length), encode_pair(a, b, max_length)
    assert len(mine) == len(package.ids)
    assert (
        abs(sum(segments) - sum(package.token_type_ids)) <= 1
    )  # where both are cut evenly, one token may go to either
    if len(a) + len(b) + 3 <= max_length or sum(segments) == sum(package.token_type_ids):
        assert (mine, segments) == (package.ids, package.token_type_ids)


@given(st.lists(ids, max_size=8), st.integers(4, 20))
def test_the_readable_packing_is_the_packages(documents, length):
    assert pack(documents, length) == list(pack_plain(documents, length, 2, 3))


def test_the_readable_word_numbers_are_the_packages():
    words = train_tokenizer(["unbelievable things are believable", "things believe"] * 5, vocab_size=60)
    for text, pair in (("Unbelievable things!", None), ("believable", "things are believable"), ("今天 things", "天")):
        encoding = words.encode(text, pair)
        assert word_ids(encoding.tokens) == encoding.word_ids
