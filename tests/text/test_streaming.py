"""Streamed rows: every row once an epoch, the same at any restart, and no finished part read again."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.prefetch import one_ahead
from electra_helpers.reading.corpora import Corpus, Part, split_documents
from electra_helpers.text.packing import pack_plain, pack_segments, side_by_side, to_batch
from electra_helpers.text.streaming import StreamedRows, StreamedRun, first_rows
from electra_helpers.text.tokenizer import tokenizer_from_words

TOKENIZER = tokenizer_from_words("abcdefghij")


class Parts:
    """A corpus of several parts that counts how often each is read."""

    def __init__(self, sizes=(40, 3, 25, 60), seed=0):
        draw = random.Random(seed)
        self.texts = [[" ".join(draw.choices("abcdefghij", k=draw.randint(1, 9))) for _ in range(n)] for n in sizes]
        self.reads = [0] * len(sizes)
        parts = [Part(f"part {i}", self.reader(i), lambda i=i: f"{seed} {i}") for i in range(len(sizes))]
        self.corpus = Corpus(parts, "parts")

    def reader(self, i):
        def documents():
            self.reads[i] += 1
            return iter(self.texts[i])

        return documents

    def rows(self):
        """The rows of one epoch, in no particular order."""
        return sorted(row for texts in self.texts for row in pack_plain(TOKENIZER.encode_batch(texts), 8, 2, 3))


def test_every_row_comes_once_an_epoch_in_an_order_of_its_own():
    parts = Parts()
    expected = parts.rows()
    stream = StreamedRows(parts.corpus, TOKENIZER, 8, block=4)
    epochs = [stream.rows(epoch * len(expected), len(expected)).input_ids.tolist() for epoch in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [expected] * 3
    assert epochs[0] != epochs[1] != epochs[2]
    assert parts.reads == [3] * 4
    alone = StreamedRows(Parts(sizes=(60,)).corpus, TOKENIZER, 8, block=9)
    n = len(Parts(sizes=(60,)).rows())
    assert alone.rows(0, n).input_ids.tolist() != alone.rows(n, n).input_ids.tolist()
    other = StreamedRows(parts.corpus, TOKENIZER, 8, block=4, seed=1)
    assert other.rows(0, len(expected)).input_ids.tolist() != epochs[0]


@given(step=st.integers(0, 60), batch_size=st.integers(1, 17), block=st.integers(1, 30))
def test_training_goes_on_at_any_step_as_if_it_had_not_stopped(step, batch_size, block):
    parts = Parts()
    steady = StreamedRows(parts.corpus, TOKENIZER, 8, block=block)
    for number in range(step + 1):
        expected = steady.rows(number * batch_size, batch_size)
    resumed = StreamedRows(parts.corpus, TOKENIZER, 8, block=block)
    assert resumed.rows(step * batch_size, batch_size).input_ids.equal(expected.input_ids)
    assert resumed.rows(0, 3).input_ids.equal(
        StreamedRows(parts.corpus, TOKENIZER, 8, block=block).rows(0, 3).input_ids
    )


def test_the_rows_do_not_depend_on_what_the_index_knows(tmp_path, monkeypatch):
    parts = Parts()
    n = len(parts.rows())
    first = StreamedRows(parts.corpus, TOKENIZER, 8).rows(0, 2 * n)
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "other"))
    assert StreamedRows(parts.corpus, TOKENIZER, 8).rows(n + 5, 9).input_ids.equal(first.rows(n + 5, n + 14).input_ids)


def test_a_restart_reads_only_the_part_that_it_stands_in():
    parts = Parts()
    n = len(parts.rows())
    StreamedRows(parts.corpus, TOKENIZER, 8).rows(0, n + 1)  # one epoch: now the sizes of all parts are known
    parts.reads[:] = [0] * 4
    StreamedRows(parts.corpus, TOKENIZER, 8).rows(5 * n + n // 2, 1)
    assert sum(parts.reads) == 1


def test_segments_keep_their_masks():
    parts = Parts()
    stream = StreamedRows(parts.corpus, TOKENIZER, 8, form="segments")
    rows = [r for texts in parts.texts for r in pack_segments(TOKENIZER.encode_batch(texts), 8, 2, 3, random.Random(0))]
    batch = stream.rows(0, len(rows))
    real = batch.attention_mask.sum(1).tolist()
    seconds = batch.token_type_ids.sum(1).tolist()
    assert sorted(zip(real, seconds, strict=True)) == sorted((len(r.ids), len(r.ids) - r.first) for r in rows)


def test_held_out_documents_are_not_streamed():
    parts = Parts()
    split = split_documents(parts.corpus, 0.3)
    held_out = list(split.validation)
    assert held_out
    stream = StreamedRows(split.train, TOKENIZER, 12, form="documents")
    n = sum(map(len, parts.texts)) - len(held_out)
    seen = {TOKENIZER.decode(row) for row in stream.rows(0, n).input_ids.tolist()}
    assert not seen & set(held_out)


def test_too_little_text_is_told():
    stream = StreamedRows(Corpus.from_texts(["a b"]), TOKENIZER, 8)
    with pytest.raises(ElectraError, match="1 texts is too little text for one row of 8"):
        stream.rows(0, 2)


def test_an_error_of_the_reading_thread_arrives():
    def broken():
        yield 1
        raise ElectraError("line 7")

    items = one_ahead(broken())
    assert next(items) == 1
    with pytest.raises(ElectraError, match="line 7"):
        next(items)


def steps_of(run, number, processes):
    """The rows of the steps 0 … number, each put together from the processes' shares."""
    shares = [slice(p * 8 // processes, (p + 1) * 8 // processes) for p in range(processes)]
    steps = ([run.of_step(step, mine, size=8, seed=0) for mine in shares] for step in range(number))
    return [[row for batch in step for row in batch.input_ids.tolist()] for step in steps]


def test_a_step_is_the_same_however_many_processes_share_it():
    made = [StreamedRun(Parts().corpus, TOKENIZER, 8, batch_size=8) for _ in range(3)]
    assert len(made[0].streams) == 4
    steps = steps_of(made[0], 9, processes=1)
    assert steps_of(made[1], 9, processes=2) == steps
    assert steps_of(made[2], 9, processes=8) == steps
    again = StreamedRun(Parts().corpus, TOKENIZER, 8, batch_size=8)
    assert again.of_step(7, slice(0, 8), size=8, seed=0).input_ids.tolist() == steps[7]


def test_each_process_opens_only_its_own_files():
    parts = Parts()
    run = StreamedRun(parts.corpus, TOKENIZER, 8, batch_size=8)
    for step in range(4):
        run.of_step(step, slice(0, 4), size=8, seed=0)
    assert [reads > 0 for reads in parts.reads] == [True, True, False, False]


def test_no_row_of_a_stream_is_lost_or_doubled_in_its_epoch():
    parts = Parts(sizes=(40, 40, 40, 40))
    run = StreamedRun(parts.corpus, TOKENIZER, 8, batch_size=4)
    own = [sorted(pack_plain(TOKENIZER.encode_batch(texts), 8, 2, 3)) for texts in parts.texts]
    shortest = min(map(len, own))
    steps = [run.of_step(step, slice(0, 4), size=4, seed=0).input_ids.tolist() for step in range(max(map(len, own)))]
    for number, rows in enumerate(own):
        assert sorted(step[number] for step in steps[: len(rows)]) == rows
    assert shortest > 10


def test_a_step_of_another_size_or_seed_than_the_streams_were_opened_for_is_refused():
    run = StreamedRun(Parts().corpus, TOKENIZER, 8, batch_size=8, seed=3)
    for other in ({"size": 4, "seed": 3}, {"size": 8, "seed": 0}):
        with pytest.raises(ElectraError, match="steps of 8 rows by seed 3"):
            run.of_step(0, slice(0, 4), **other)


def test_one_part_is_one_stream_and_the_number_of_streams_divides_the_batch():
    one = Parts(sizes=(90,))
    assert len(StreamedRun(one.corpus, TOKENIZER, 8, batch_size=8).streams) == 1
    assert len(StreamedRun(Parts(sizes=(30,) * 5).corpus, TOKENIZER, 8, batch_size=8).streams) == 4
    assert len(StreamedRun(Parts(sizes=(30,) * 5).corpus, TOKENIZER, 8, batch_size=7).streams) == 1


def test_rows_with_and_without_padding_stand_side_by_side():
    full = to_batch(np.array([[2, 5, 6, 3]]), np.array([4]), np.array([4]))
    padded = to_batch(np.array([[2, 5, 3, 0]]), np.array([2]), np.array([3]))
    both = side_by_side([full, padded])
    assert both.attention_mask.tolist() == [[True] * 4, [True, True, True, False]]
    assert both.token_type_ids.tolist() == [[0] * 4, [0, 0, 1, 0]]
    assert side_by_side([full, full]).attention_mask is None


def test_the_first_rows_are_read_from_the_beginning_and_no_further():
    parts = Parts()
    rows = first_rows(parts.corpus, TOKENIZER, 8, 3).input_ids.tolist()
    assert rows == list(pack_plain(TOKENIZER.encode_batch(parts.texts[0]), 8, 2, 3))[:3]
    with pytest.raises(ElectraError, match="too little text for one row of 8"):
        first_rows(["a b"], TOKENIZER, 8, 3)
