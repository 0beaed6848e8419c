"""Short rows: no token is lost, documents are not crossed, and half of the rows are a single sentence."""

import random

from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.text.rows import build_rows
from electra_helpers.text.sentences import pack_sentences, split_sentences
from electra_helpers.text.tokenizer import tokenizer_from_words

END = frozenset({1, 2})
DOCUMENTS = st.lists(st.lists(st.integers(1, 9), max_size=60), max_size=4)


@given(DOCUMENTS, st.integers(3, 20), st.integers(0, 9))
def test_every_token_stands_in_one_row_and_no_row_crosses_documents(documents, room, seed):
    rows = list(pack_sentences(documents, room, random.Random(seed), END))
    assert all(0 < len(row) <= room for row in rows)
    for document in documents:
        taken = []
        while len(taken) < len(document):
            taken += rows.pop(0)
        assert taken == document
    assert not rows


def test_a_sentence_ends_behind_its_last_mark_and_not_behind_an_abbreviation():
    text = [5, 1, 6, 7, 8, 1, 2, 9, 9, 9, 1, 7]  # "mr . ate it all ! ?" is one sentence
    assert list(split_sentences(text, END)) == [[5, 1, 6, 7, 8, 1, 2], [9, 9, 9, 1], [7]]


def test_half_of_the_rows_are_single_sentences_and_the_others_as_many_as_fit():
    document = [5, 6, 7, 8, 1] * 3_000
    rows = list(pack_sentences([document], 22, random.Random(0), END))
    lengths = [len(row) // 5 for row in rows[:-1]]
    assert set(lengths) == {1, 4}
    assert abs(lengths.count(1) / len(lengths) - 0.5) < 0.04


def test_the_rows_on_disk_are_padded_and_of_their_own_seed(tmp_path):
    pieces = tokenizer_from_words(["a", "b", "c", "d", "."])
    texts = [" ".join(["a b c d ."] * n) for n in range(1, 40)]
    rows = [build_rows(texts, pieces, 16, form="sentences", seed=seed, cache_dir=tmp_path) for seed in (0, 0, 1)]
    assert rows[0].fingerprint == rows[1].fingerprint != rows[2].fingerprint
    assert rows[0].is_padded
    first = rows[0].take([0])
    assert first.input_ids[0, 0] == pieces.cls_id
    assert int(first.attention_mask.sum()) == 7
    assert rows[0].about["left_out"] == 0
