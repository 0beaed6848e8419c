"""Packing loses and doubles no token, rows have the right frame, and what is on disk is what was packed."""

import random
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.reading.corpora import Corpus, open_corpus
from electra_helpers.text.packing import Batch, pack_documents, pack_plain, pack_segments
from electra_helpers.text.rows import RECORD_ROWS, PackedRows, build_rows, like_lengths, row_order
from electra_helpers.text.tokenizer import tokenizer_from_words

PAD, CLS, SEP = 0, 2, 3
DOT = 5
TOKENIZER = tokenizer_from_words([".", *"abcdefghij"])
DOCUMENTS = st.lists(st.lists(st.integers(DOT, 40), max_size=40), max_size=8)


def texts(n, seed=0):
    draw = random.Random(seed)
    return [" ".join(draw.choices("abcdefghij.", k=draw.randint(1, 30))) for _ in range(n)]


@given(documents=DOCUMENTS, length=st.integers(3, 16))
def test_plain_rows_are_full_and_hold_every_token_once(documents, length):
    rows = list(pack_plain(documents, length, CLS, SEP, tail=True))
    inside = [token for row in rows for token in row[1:-1] if token != SEP]
    assert inside == [token for document in documents for token in document]
    assert all(len(row) == length for row in rows[:-1])
    assert all(row[0] == CLS and row[-1] == SEP and CLS not in row[1:] and row[1] != SEP for row in rows)
    without = list(pack_plain(documents, length, CLS, SEP))
    assert without == [row for row in rows if len(row) == length]


@given(sizes=st.lists(st.integers(0, 30), max_size=8), length=st.integers(3, 16))
def test_a_sep_stands_between_documents_and_nowhere_inside_one(sizes, length):
    documents = [[DOT + number] * size for number, size in enumerate(sizes)]  # each has a token of its own
    for row in pack_plain(documents, length, CLS, SEP, tail=True):
        neighbours = [(a, b) for a, b in pairwise(row) if CLS != a != SEP != b]
        assert all(a == b for a, b in neighbours)
        around = [(a, b) for a, sep, b in zip(row, row[1:], row[2:], strict=False) if sep == SEP]
        assert all(a != b for a, b in around)


@given(documents=DOCUMENTS, length=st.integers(5, 24), seed=st.integers(0, 99))
def test_segment_rows_hold_every_token_once_and_cross_no_document(documents, length, seed):
    documents = [[DOT if token % 3 else token for token in document] for document in documents]
    rows = list(pack_segments(documents, length, CLS, SEP, random.Random(seed), sentence_end_ids=frozenset({DOT})))
    pieces = [[token for token in row.ids[1:] if token != SEP] for row in rows]
    for document in documents:
        taken = []
        while len(taken) < len(document):
            taken += pieces.pop(0)
        assert taken == document
    assert not pieces
    for row in rows:
        assert 3 <= len(row.ids) <= length
        assert row.ids[0] == CLS
        assert row.ids[row.first - 1] == row.ids[-1] == SEP
        assert row.ids.count(SEP) == (1 if row.first == len(row.ids) else 2)


def test_the_shares_of_the_reference_code_are_kept():
    rows = list(pack_segments([[DOT + 1] * 400_000], 32, CLS, SEP, random.Random(0)))
    single = np.mean([row.first == len(row.ids) for row in rows])
    shorter = np.mean([len(row.ids) < 32 for row in rows])
    assert 0.09 < single < 0.11
    assert 0.04 < shorter < 0.055  # 5 %, of which one in 28 draws the full length
    two = [row for row in rows if row.first < len(row.ids) == 32]
    assert {row.first for row in two} == {2 + 29 // 2}


def test_segments_meet_at_the_sentence_end_nearest_the_middle():
    rng = random.Random(1)  # the first draws give two segments and the full length
    document = [7, 8, 9, DOT, 7, 8, 9, 7, DOT, 7, 8, 9, 7]
    (row,) = pack_segments([document], 16, CLS, SEP, rng, sentence_end_ids=frozenset({DOT}))
    assert row.ids == [CLS, 7, 8, 9, DOT, SEP, 7, 8, 9, 7, DOT, 7, 8, 9, 7, SEP]
    assert row.first == 6
    (row,) = pack_segments(
        [[DOT, *document[1:3] * 6]], 16, CLS, SEP, random.Random(1), sentence_end_ids=frozenset({DOT})
    )
    assert row.first == 2 + 6  # a sentence end far from the middle is none


def test_a_document_is_cut_or_short_but_never_shared():
    assert list(pack_documents([[5, 6, 7, 8], [], [9]], 5, CLS, SEP)) == [[CLS, 5, 6, 7, SEP], [CLS, 9, SEP]]


@pytest.mark.parametrize("form", ["plain", "segments", "documents"])
def test_rows_on_disk_are_the_rows_that_were_packed(form, tmp_path):
    corpus = texts(300)
    rows = build_rows(corpus, TOKENIZER, 12, form=form, seed=3, cache_dir=tmp_path)
    ids = TOKENIZER.encode_batch(corpus)
    if form == "segments":
        ends = frozenset({TOKENIZER.backend.token_to_id(".")})
        packed = list(pack_segments(ids, 12, CLS, SEP, random.Random(3), sentence_end_ids=ends))
        expected, first = [row.ids for row in packed], [row.first for row in packed]
    else:
        expected = list(pack_plain(ids, 12, CLS, SEP) if form == "plain" else pack_documents(ids, 12, CLS, SEP))
        first = [12] * len(expected)
    assert len(rows) == len(expected) > 100
    order = np.random.default_rng(0).permutation(len(rows))
    batch = rows.take(order)
    for k, index in enumerate(order):
        row = expected[index]
        assert batch.input_ids[k].tolist() == row + [PAD] * (12 - len(row))
        if form != "plain":
            assert batch.attention_mask[k].tolist() == [place < len(row) for place in range(12)]
        if form == "segments":
            assert batch.token_type_ids[k].tolist() == [int(first[index] <= p < len(row)) for p in range(12)]
    assert rows.real_tokens == sum(map(len, expected))
    assert batch.input_ids.dtype == torch.int64
    if form == "plain":
        assert batch.attention_mask is None
        assert batch.token_type_ids is None
    inside = sum(token not in (CLS, SEP) for row in expected for token in row)
    assert rows.about["left_out"] == sum(map(len, ids)) - inside
    assert rows.about["documents"] == 300
    assert rows.about["duplicates"] == 300 - len(set(corpus))


def test_a_batch_without_padding_has_no_mask(tmp_path):
    rows = build_rows(["a b c d e f", "a"], TOKENIZER, 8, form="documents", cache_dir=tmp_path)
    assert rows.take([0]).attention_mask is None
    assert rows.take([0, 1]).attention_mask.tolist() == [[True] * 8, [True] * 3 + [False] * 5]


def test_many_records_are_read_as_one(tmp_path):
    corpus = [f"{'abcdefghij'[i % 10]} {'abcdefghij'[i // 10 % 10]}" for i in range(RECORD_ROWS + 50)]
    rows = build_rows(corpus, TOKENIZER, 4, form="documents", cache_dir=tmp_path)
    places = [0, RECORD_ROWS - 1, RECORD_ROWS, RECORD_ROWS + 49]
    ids = TOKENIZER.encode_batch([corpus[place] for place in places])
    assert rows.take(places).input_ids[:, 1:3].tolist() == ids


def test_the_file_is_a_memory_map_that_datasets_opens_too(tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = build_rows(texts(50), TOKENIZER, 12, cache_dir=tmp_path)
    assert not rows._ids[0].flags.owndata
    (file,) = tmp_path.glob("rows-*/rows.arrow")
    theirs = datasets.Dataset.from_file(str(file))
    assert theirs[5]["input_ids"] == rows.take([5]).input_ids[0].tolist()


class Counted(Corpus):
    """A corpus that counts how often it is read."""

    reads = 0

    def __iter__(self):
        type(self).reads += 1
        return super().__iter__()


def test_a_second_call_reads_no_text(tmp_path):
    corpus = Counted(Corpus.from_texts(texts(40)).parts, "counted")
    first = build_rows(corpus, TOKENIZER, 12, cache_dir=tmp_path)
    again = build_rows(corpus, TOKENIZER, 12, seed=5, cache_dir=tmp_path)  # plain rows draw nothing
    assert Counted.reads == 1
    assert first.fingerprint == again.fingerprint
    changes = [{"form": "documents"}, {"form": "segments"}, {"form": "segments", "seed": 1}, {"split": "train"}]
    prints = {build_rows(corpus, TOKENIZER, 12, cache_dir=tmp_path, **change).fingerprint for change in changes}
    prints.add(build_rows(corpus, TOKENIZER, 13, cache_dir=tmp_path).fingerprint)
    prints.add(build_rows(corpus, tokenizer_from_words("abc"), 12, cache_dir=tmp_path).fingerprint)
    prints.add(build_rows(texts(40, seed=1), TOKENIZER, 12, cache_dir=tmp_path).fingerprint)
    assert len(prints - {first.fingerprint}) == 7


def test_a_cache_cut_short_is_built_again(tmp_path):
    before = build_rows(texts(40), TOKENIZER, 12, cache_dir=tmp_path).take([3]).input_ids
    (file,) = tmp_path.glob("rows-*/rows.arrow")
    whole = file.read_bytes()
    file.unlink()
    file.write_bytes(whole[:-10])
    assert torch.equal(build_rows(texts(40), TOKENIZER, 12, cache_dir=tmp_path).take([3]).input_ids, before)


def test_a_failure_leaves_nothing_half_written(tmp_path):
    def broken():
        yield "a b c " * 40
        raise OSError(28, "No space left on device")

    corpus = Corpus.from_texts(["a"])
    corpus.parts = (type(corpus.parts[0])("broken", broken, lambda: "x"),)
    with pytest.raises(ElectraError, match=r"The disk of .* is full"):
        build_rows(corpus, TOKENIZER, 12, cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_training_and_validation_rows_share_no_document(tmp_path):
    corpus = [f"{' '.join(str(i).translate(str.maketrans('0123456789', 'abcdefghij')))} ." for i in range(400)]
    train, validation = (
        build_rows(corpus, TOKENIZER, 8, form="documents", split=split, validation_share=0.2, cache_dir=tmp_path)
        for split in ("train", "validation")
    )
    assert len(train) + len(validation) == 400
    assert 50 < len(validation) < 110
    rows = {tuple(row) for row in train.take(range(len(train))).input_ids.tolist()}
    assert not rows & {tuple(row) for row in validation.take(range(len(validation))).input_ids.tolist()}


def test_large_vocabularies_keep_their_ids(tmp_path):
    words = [f"w{i}" for i in range(70_000)]
    rows = build_rows(["w69999 w1"], tokenizer_from_words(words), 4, form="documents", cache_dir=tmp_path)
    assert rows.take([0]).input_ids.tolist() == [[2, 70_004, 6, 3]]


@settings(max_examples=60)
@given(n_rows=st.integers(1, 50), seed=st.integers(0, 3), start=st.integers(0, 200), count=st.integers(0, 120))
def test_row_order_is_a_pure_function_that_takes_every_row_once_an_epoch(n_rows, seed, start, count):
    whole = row_order(n_rows, seed, 0, start + count)
    assert row_order(n_rows, seed, start, count).tolist() == whole[start:].tolist()
    for epoch in range(len(whole) // n_rows):
        assert sorted(whole[epoch * n_rows : (epoch + 1) * n_rows]) == list(range(n_rows))


def test_every_epoch_and_every_seed_has_an_order_of_its_own():
    order = row_order(50, 0, 0, 100)
    assert order[:50].tolist() != order[50:].tolist()
    assert order[:50].tolist() != row_order(50, 1, 0, 50).tolist()
    assert row_order(10, 0, 0, 10).tolist() == [3, 2, 1, 8, 6, 0, 7, 4, 5, 9]  # the same with every version of numpy


def test_batches_of_like_length_take_every_row_once_an_epoch_and_cut_only_padding(tmp_path):
    texts = [" ".join(["a"] * (1 + n % 29) + ["b"]) for n in range(256)]
    rows = build_rows(texts, TOKENIZER, 40, form="documents", cache_dir=tmp_path)
    assert rows.is_padded
    steps = [like_lengths(rows, 3, step, 8) for step in range(len(rows) // 8)]
    assert sorted(np.concatenate([indices for indices, _ in steps])) == list(range(len(rows)))
    for indices, length in steps:
        longest = rows.real_lengths(indices).max()
        assert longest <= length < longest + 8
        cut, whole = rows.take(indices, length), rows.take(indices)
        assert cut.input_ids.shape == (8, length)
        assert (whole.input_ids[:, length:] == TOKENIZER.pad_id).all()
        assert torch.equal(cut.input_ids, whole.input_ids[:, :length])
    padding = 1 - rows.real_tokens / sum(8 * length for _, length in steps)
    assert padding < 0.25 < 1 - rows.real_tokens / (len(rows) * rows.length)
    lengths = [length for _, length in steps]
    assert lengths != sorted(lengths), "short and long batches come in turn"


@pytest.mark.parametrize("count", [16, 100, 400])
def test_a_batch_of_a_small_set_has_as_many_different_rows_as_the_set_allows(count):
    """Copies of a row have one length: where several epochs are sorted together, a batch is a few rows many times."""
    lengths = np.random.default_rng(0).integers(3, 40, count)
    rows = type(
        "Rows", (), {"__len__": lambda self: count, "length": 40, "real_lengths": lambda self, at: lengths[at]}
    )()
    different = [len(set(like_lengths(rows, 3, step, 32)[0].tolist())) / min(count, 32) for step in range(40)]
    assert np.mean(different) > 0.95
    seen = np.bincount(np.concatenate([like_lengths(rows, 3, step, 32)[0] for step in range(25)]), minlength=count)
    assert seen.max() - seen.min() <= 2


def test_full_rows_need_no_sorting_by_length(tmp_path):
    assert not build_rows(["a b"] * 200, TOKENIZER, 16, cache_dir=tmp_path).is_padded


def test_a_batch_can_be_cut_and_moved():
    batch = Batch(torch.arange(6).reshape(3, 2), None, torch.ones(3, 2, dtype=torch.bool))
    part = batch.rows(1, 3).to("cpu")
    assert part.input_ids.tolist() == [[2, 3], [4, 5]]
    assert part.attention_mask.shape == (2, 2)
    assert part.token_type_ids is None


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda d: build_rows(["a b"], TOKENIZER, 64, cache_dir=d),
            "1 texts gives 2 tokens, too little text for one row of 64",
        ),
        (lambda d: build_rows([" "], TOKENIZER, 64, cache_dir=d), "There is no text in 0 texts"),
        (lambda d: build_rows(["a"], TOKENIZER, 2, cache_dir=d), "Rows of 2 tokens have no room"),
        (lambda d: build_rows(["a"], TOKENIZER, 4, form="segments", cache_dir=d), "at least 5"),
        (lambda d: build_rows(["a"], TOKENIZER, 8, form="packed", cache_dir=d), "not 'packed'"),
        (lambda d: build_rows(["a"], TOKENIZER, 8, split="test", cache_dir=d), "of 'test'"),
        (lambda d: row_order(0, 0, 0, 1), "no rows"),
    ],
)
def test_mistakes_are_told(act, message, tmp_path):
    with pytest.raises(ElectraError, match=message):
        act(tmp_path)
    assert list(tmp_path.glob("rows-*")) == []


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(ElectraError, match=r"cannot be written to \(.*\): set ELECTRA_CACHE"):
        build_rows(["a b c"], TOKENIZER, 4, cache_dir=tmp_path / "file")


def test_real_articles_fill_their_rows(real_data, tmp_path):
    articles = list(islice(open_corpus(real_data / "pretrain" / "en_wiki.jsonl.xz"), 40))
    rows = build_rows(articles, TOKENIZER, 128, cache_dir=tmp_path)
    assert rows.real_tokens == len(rows) * 128
    assert rows.about["left_out"] < 128


def test_packed_rows_open_from_their_folder(tmp_path):
    rows = build_rows(texts(30), TOKENIZER, 12, cache_dir=tmp_path)
    (folder,) = tmp_path.glob("rows-*")
    assert len(PackedRows(folder)) == len(rows)
    assert repr(rows).endswith("rows of 12 tokens, plain)")
