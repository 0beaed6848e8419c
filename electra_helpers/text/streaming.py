"""Rows from a corpus that is larger than the disk: read, tokenised and packed while the training runs.

The order of the parts (files, or shards on the hub) is drawn anew in every epoch, and a part's rows are shuffled block
by block, as they come. Both are pure functions of the seed, so that training can be resumed at any step: parts that were read
before are passed over by their number of rows, and at most one part is read again from its beginning.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Any

import numpy as np

from electra_helpers.cache import cache_folder
from electra_helpers.errors import ElectraError
from electra_helpers.paths import appears_whole
from electra_helpers.prefetch import one_ahead
from electra_helpers.reading.corpora import Corpus, Part, in_batches
from electra_helpers.text.packing import Batch, Row, pack, padded, side_by_side, to_batch
from electra_helpers.text.rows import shuffled
from electra_helpers.text.tokenizer import Tokenizer

BLOCK_ROWS = 16_384  # rows shuffled together, over all streams: 128 tokens each are 4 MiB
# Tokenised together, over all streams: a tokenizer's answer is a hundred times as large as the ids.
CHARACTERS = 2_000_000
MOST_STREAMS = 16

Block = tuple[np.ndarray, np.ndarray, np.ndarray]  # (n, L) ids, (n,) ends of the first segments, (n,) ends of the rows


class StreamedRows:
    """The training examples of a corpus in their order, without rows on disk.

    >>> from electra_helpers.text.tokenizer import tokenizer_from_words
    >>> corpus = Corpus.from_texts(["a b a b", "b b"])
    >>> StreamedRows(corpus, tokenizer_from_words(["a", "b"]), 5).rows(1, 1).input_ids.tolist()
    [[2, 5, 6, 5, 3]]

    Raises `ElectraError` where the corpus does not fill one row.
    """

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Tokenizer,
        length: int,
        *,
        form: str = "plain",
        seed: int = 0,
        block: int = BLOCK_ROWS,
        characters: int = CHARACTERS,
    ):
        self.corpus, self.tokenizer, self.length, self.form = corpus, tokenizer, length, form
        self.seed, self.block, self.characters = seed, block, characters
        recipe = json.dumps([corpus.fingerprint, tokenizer.fingerprint, length, form, seed])
        self.fingerprint = hashlib.blake2b(recipe.encode(), digest_size=8).hexdigest()
        self._index = cache_folder() / f"stream-{self.fingerprint}.json"
        self._known: dict[str, int] = json.loads(self._index.read_text()) if self._index.is_file() else {}
        self._next_row = -1  # the row of the stream that `_pieces` gives next
        self._pieces: Iterator[Block] = iter(())
        self._rest: Block | None = None

    def rows(self, start: int, number: int) -> Batch:
        """The examples start … start + number; quick where the last call ended at `start`."""
        if start != self._next_row:
            self._pieces, self._rest = self._stream(start), None
        taken: list[Block] = []
        missing = number
        while missing:
            piece = self._rest or next(self._pieces)
            taken.append(rows_of(piece, slice(missing)))
            self._rest = rows_of(piece, slice(missing, None)) if len(piece[0]) > missing else None
            missing -= len(taken[-1][0])
        self._next_row = start + number
        ids, first, real = (np.concatenate(arrays) for arrays in zip(*taken, strict=True))
        return to_batch(ids.astype(np.int64), first, real)

    def _stream(self, skip: int) -> Iterator[Block]:
        """Shuffled blocks of rows, epoch after epoch, from the row `skip` on."""
        parts = self.corpus.parts
        for epoch in count():
            for number in shuffled(len(parts), self.seed, epoch):
                known = self._known.get(str(number))
                if known is not None and skip >= known:
                    skip -= known
                    continue
                total = 0
                for place, rows in enumerate(one_ahead(self._blocks(parts[number]))):
                    size = len(rows[0])
                    total += size
                    order = shuffled(size, self.seed, epoch, int(number), place)[skip:]
                    skip = max(0, skip - size)
                    if len(order):
                        yield rows_of(rows, order)
                self._remember(str(number), total)
            if not sum(self._known.values()):
                raise ElectraError(f"{self.corpus.describe()} is too little text for one row of {self.length}.")

    def _blocks(self, part: Part) -> Iterator[Block]:
        dtype = np.uint16 if self.tokenizer.vocab_size <= 1 << 16 else np.int32
        rows = packed(part.documents(), self.tokenizer, self.length, self.form, self.seed, self.characters)
        while len((block := padded(islice(rows, self.block), self.length, self.tokenizer.pad_id, dtype))[0]):
            yield block

    def _remember(self, part: str, rows: int) -> None:
        if self._known.get(part) != rows:
            self._known[part] = rows
            self._index.parent.mkdir(parents=True, exist_ok=True)
            with appears_whole(self._index) as draft:
                draft.write_text(json.dumps(self._known), encoding="utf-8")


def rows_of(block: Block, chosen: slice | np.ndarray) -> Block:
    """Some rows of a block."""
    ids, first, real = block
    return ids[chosen], first[chosen], real[chosen]


class StreamedRun:
    """The rows of a run's steps, from as many streams as the corpus has parts for.

    Each stream reads parts of its own and gives the same rows of every step, so a process opens only the files whose rows
    it trains on, and what a step consists of does not depend on how many processes there are. The number of streams divides
    `batch_size`; no more than 16, and no more than there are parts.
    """

    def __init__(
        self, corpus: Corpus, tokenizer: Tokenizer, length: int, *, form: str = "plain", seed: int = 0, batch_size: int
    ):
        most = min(batch_size, len(corpus.parts), MOST_STREAMS)
        number = max(n for n in range(1, most + 1) if batch_size % n == 0)
        options = {"form": form, "seed": seed, "block": BLOCK_ROWS // number, "characters": CHARACTERS // number}
        dealt = [Corpus(corpus.parts[first::number], corpus.describe()) for first in range(number)]
        self.streams = [StreamedRows(parts, tokenizer, length, **options) for parts in dealt]
        self.length, self.batch_size, self.seed = length, batch_size, seed
        self.about: dict[str, Any] = {}  # nobody has counted the rows
        self.fingerprint = hashlib.blake2b(
            "".join(s.fingerprint for s in self.streams).encode(), digest_size=8
        ).hexdigest()
        self._corpus, self._tokenizer, self._options = corpus, tokenizer, (form, seed)

    def describe(self) -> str:
        """A few words for people."""
        return f"rows of {self.length} from {len(self.streams)} stream{'s' * (len(self.streams) > 1)}"

    def of_step(self, step: int, mine: slice, *, size: int, seed: int, one_shape: bool = False) -> Batch:
        """The rows `mine` of the `size` rows of a step, all of one shape. Raises `ElectraError` for another size or seed than at first."""
        if (size, seed) != (self.batch_size, self.seed):
            raise ElectraError(
                f"These streams give steps of {self.batch_size} rows by seed {self.seed}, not of {size} by seed {seed}: open others."
            )
        each = self.batch_size // len(self.streams)
        pieces = []
        for number in range(mine.start // each, -(-mine.stop // each)):
            piece = self.streams[number].rows(step * each, each)
            first = number * each
            pieces.append(piece.rows(max(0, mine.start - first), min(each, mine.stop - first)))
        return side_by_side(pieces)

    def sample(self, number: int) -> Batch:
        """The first `number` rows of the corpus, in no training order."""
        return first_rows(self._corpus, self._tokenizer, self.length, number, *self._options)


def packed(
    documents: Iterable[str], tokenizer: Tokenizer, length: int, form: str, seed: int, characters: int = CHARACTERS
) -> Iterator[Row]:
    """Documents → rows, as they are read, about so many characters at a time."""
    tokenised = (ids for texts in in_batches(documents, characters) for ids in tokenizer.encode_batch(texts))
    return pack(form, tokenised, tokenizer, length, seed)


def first_rows(
    documents: Iterable[str], tokenizer: Tokenizer, length: int, number: int, form: str = "plain", seed: int = 0
) -> Batch:
    """At most `number` rows from the beginning of a corpus, of which no more is read. Raises `ElectraError` if there is none."""
    rows = islice(packed(documents, tokenizer, length, form, seed), number)
    ids, first, real = padded(rows, length, tokenizer.pad_id, np.int64)
    if not len(ids):
        raise ElectraError(f"There is too little text for one row of {length}: give more, or choose a smaller length.")
    return to_batch(ids, first, real)
