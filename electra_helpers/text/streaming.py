"""Rows from a corpus that is larger than the disk: read, tokenised and packed while the training runs.

The order of the parts (files, or shards on the hub) is drawn anew in every epoch, and a part's rows are shuffled block
by block, as they come. Both are pure functions of the seed, so that training can go on at any step: parts that were read
before are passed over by their number of rows, and at most one part is read again from its beginning.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import count, islice

import numpy as np

from electra_helpers.errors import ElectraError
from electra_helpers.text.cache import cache_folder
from electra_helpers.text.corpora import Corpus, Part, in_batches
from electra_helpers.text.packing import Batch, one_ahead, pack, padded, shuffled, to_batch
from electra_helpers.text.tokenizer import Tokenizer

BLOCK_ROWS = 16_384  # rows shuffled together: 128 tokens each are 4 MiB

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # (n, L) ids, (n,) ends of the first segments, (n,) ends of the rows


class StreamedRows:
    """The training examples of a corpus in their order, without rows on disk.

    >>> from electra_helpers.text.tokenizer import tokenizer_from_words
    >>> corpus = Corpus.from_texts(["a b a b", "b b"])
    >>> StreamedRows(corpus, tokenizer_from_words(["a", "b"]), 5).batch(step=1, batch_size=1).input_ids.tolist()
    [[2, 5, 6, 5, 3]]

    Every process of a run reads the whole stream and takes its own rows of it. Raises `ElectraError` where the corpus
    does not fill one row.
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
    ):
        self.corpus, self.tokenizer, self.length, self.form = corpus, tokenizer, length, form
        self.seed, self.block = seed, block
        recipe = json.dumps([corpus.fingerprint, tokenizer.fingerprint, length, form, seed])
        self.fingerprint = hashlib.blake2b(recipe.encode(), digest_size=8).hexdigest()
        self._index = cache_folder() / f"stream-{self.fingerprint}.json"
        self._known: dict[str, int] = json.loads(self._index.read_text()) if self._index.is_file() else {}
        self._next_row = -1  # the row of the stream that `_pieces` gives next
        self._pieces: Iterator[Rows] = iter(())
        self._rest: Rows | None = None

    def batch(self, step: int, batch_size: int) -> Batch:
        """The examples step · batch_size … (step + 1) · batch_size."""
        return self.rows(step * batch_size, batch_size)

    def rows(self, start: int, number: int) -> Batch:
        """The examples start … start + number; quick where the last call ended at `start`."""
        if start != self._next_row:
            self._pieces, self._rest = self._stream(start), None
        taken: list[Rows] = []
        missing = number
        while missing:
            piece = self._rest or next(self._pieces)
            taken.append(tuple(array[:missing] for array in piece))
            self._rest = tuple(array[missing:] for array in piece) if len(piece[0]) > missing else None
            missing -= len(taken[-1][0])
        self._next_row = start + number
        ids, first, real = (np.concatenate(arrays) for arrays in zip(*taken, strict=True))
        return to_batch(ids.astype(np.int64), first, real)

    def _stream(self, skip: int) -> Iterator[Rows]:
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
                        yield tuple(array[order] for array in rows)
                self._remember(str(number), total)
            if not sum(self._known.values()):
                raise ElectraError(f"{self.corpus.describe()} is too little text for one row of {self.length}.")

    def _blocks(self, part: Part) -> Iterator[Rows]:
        dtype = np.uint16 if self.tokenizer.vocab_size <= 1 << 16 else np.int32
        rows = pack(self.form, self._tokenised(part.documents()), self.tokenizer, self.length, self.seed)
        while len((block := padded(islice(rows, self.block), self.length, self.tokenizer.pad_id, dtype))[0]):
            yield block

    def _tokenised(self, documents: Iterable[str]) -> Iterator[list[int]]:
        for texts in in_batches(documents):
            yield from self.tokenizer.encode_batch(texts)

    def _remember(self, part: str, rows: int) -> None:
        if self._known.get(part) != rows:
            self._known[part] = rows
            self._index.parent.mkdir(parents=True, exist_ok=True)
            draft = self._index.with_suffix(".part")
            draft.write_text(json.dumps(self._known), encoding="utf-8")
            draft.replace(self._index)
