"""Rows on disk, read through a memory map, and which of them a step trains on."""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from electra_helpers.cache import cache_folder, made_whole
from electra_helpers.errors import ElectraError
from electra_helpers.prefetch import one_ahead
from electra_helpers.reading.corpora import Corpus, in_batches, split_documents
from electra_helpers.text.packing import FORMS, RANDOM, Batch, pack, padded, to_batch
from electra_helpers.text.tokenizer import Tokenizer

VERSION = 1  # raise it when the rows of the same text change, so that no old cache is used
RECORD_ROWS = 8_192  # rows of one Arrow record batch
WINDOW = 32  # steps whose rows are sorted by length together


class Rows(Protocol):
    """What pre-training reads, wherever it comes from: rows on disk, rows streamed from text, or rows made in memory."""

    length: int  # L

    def of_step(self, step: int, mine: slice, *, size: int, seed: int, one_shape: bool = False) -> Batch:
        """The rows `mine` of the `size` rows of a step: a pure function of its arguments, all L long if `one_shape` is asked for."""
        ...

    def sample(self, number: int) -> Batch:
        """At most `number` rows, the same at every call, in no training order."""
        ...


class CorpusRows(Rows, Protocol):
    """Rows of a corpus, which a run describes in its folder: `PackedRows` on disk or a `StreamedRun`."""

    fingerprint: str  # a hash of what decides the rows: a run is resumed on the same
    about: dict[str, Any]  # how many documents, duplicates, rows, tokens …; empty where nobody has counted

    def describe(self) -> str:
        """A few words for people."""
        ...


class PackedRows:
    """Rows on disk, memory-mapped: any of them in any order, at the cost of reading those.

    `about` says how they came to be: documents, duplicates, rows, tokens, left_out, real_tokens and more.

    >>> from electra_helpers.text.tokenizer import tokenizer_from_words
    >>> rows = build_rows(["a b a", "b b"], tokenizer_from_words(["a", "b"]), 8)
    >>> len(rows), rows.take([0]).input_ids.tolist()
    (1, [[2, 5, 6, 5, 3, 6, 6, 3]])

    Built in notebook 01.
    """

    def __init__(self, folder: Path):
        import pyarrow as pa

        self.about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        self.length: int = self.about["length"]
        self.fingerprint: str = self.about["fingerprint"]
        self.real_tokens: int = self.about["real_tokens"]
        table = pa.ipc.open_stream(pa.memory_map(str(folder / "rows.arrow"))).read_all()
        batches = table.to_batches()
        # Views on the mapped file, RECORD_ROWS rows of ids each, (rows, L), and for all rows where they end.
        self._ids = [batch["input_ids"].flatten().to_numpy().reshape(-1, self.length) for batch in batches]
        self._first, self._real = (table[name].to_numpy() for name in ("first", "real"))

    def __len__(self) -> int:
        return self.about["rows"]

    def __repr__(self) -> str:
        return f"PackedRows({len(self):,} rows of {self.length} tokens, {self.about['form']})"

    def take(self, indices: list[int] | np.ndarray, length: int | None = None) -> Batch:
        """The rows with these numbers, in this order; with `length` only so many columns of them."""
        places = [divmod(int(index), RECORD_ROWS) for index in indices]  # (record, row in it) each
        ids = np.stack([self._ids[record][row][:length] for record, row in places]).astype(np.int64)
        return to_batch(ids, self._first[indices], self._real[indices])

    def describe(self) -> str:
        """A few words for people."""
        return f"{len(self):,} rows of {self.length} ({self.filled:.0%} filled)"

    @property
    def filled(self) -> float:
        """The share of the rows that is not padding."""
        return self.real_tokens / (len(self) * self.length)

    def of_step(self, step: int, mine: slice, *, size: int, seed: int, one_shape: bool = False) -> Batch:
        """The rows `mine` of the `size` rows of a step, of like length where rows are padded and `one_shape` is not asked for."""
        if self.is_padded and not one_shape:
            indices, length = like_lengths(self, seed, step, size)
            return self.take(indices[mine], length)
        return self.take(row_order(len(self), seed, step * size, size)[mine])

    def sample(self, number: int) -> Batch:
        """The first `number` rows."""
        return self.take(np.arange(min(len(self), number)))

    def real_lengths(self, indices: list[int] | np.ndarray) -> np.ndarray:
        """How many tokens of these rows are not padding."""
        return self._real[indices]

    @property
    def is_padded(self) -> bool:
        """Whether so much of the rows is padding that batches of like length pay."""
        return self.real_tokens < 0.9 * len(self) * self.length


def build_rows(
    documents: Corpus | Iterable[str],
    tokenizer: Tokenizer,
    length: int,
    *,
    form: str = "plain",
    seed: int = 0,
    split: str | None = None,
    validation_share: float = 0.01,
    cache_dir: str | Path | None = None,
) -> PackedRows:
    """Tokenise and pack a corpus, or find the rows that were packed from the same content before.

    `form` is plain, segments, sentences or documents (see the module's docstring); `seed` decides the lengths in
    segments and sentences; `split` is train, validation or None for all, the same documents at every seed. Raises
    `ElectraError` where the text does not fill one row.
    """
    if form not in FORMS or split not in (None, "train", "validation"):
        raise ElectraError(f"Rows are {', '.join(FORMS)}, of train or validation; not {form!r} of {split!r}.")
    corpus = documents if isinstance(documents, Corpus) else Corpus.from_texts(documents)
    if split is not None:
        corpus = getattr(split_documents(corpus, validation_share), split)
    recipe = [VERSION, corpus.fingerprint, tokenizer.fingerprint, length, form, seed if form in RANDOM else 0]
    key = hashlib.blake2b(json.dumps(recipe).encode(), digest_size=8).hexdigest()
    folder = Path(cache_dir or cache_folder()) / f"rows-{key}"
    if not _is_whole(folder):
        with made_whole(folder, _is_whole) as draft:
            about = {"form": form, "length": length, "fingerprint": key, "corpus": corpus.describe()}
            _write_rows(draft, about, corpus, tokenizer, seed)
    return PackedRows(folder)


@lru_cache(maxsize=3)  # two epochs, where a window straddles them, and the window itself
def shuffled(n: int, *key: int) -> np.ndarray:
    """A random order of 0 … n - 1 for this key; of PCG64's raw numbers, which numpy promises never to change."""
    return np.argsort(np.random.PCG64(key).random_raw(n), kind="stable")


def row_order(n_rows: int, seed: int, start: int, count: int) -> np.ndarray:
    """The rows of the training examples start … start + count: every epoch a new permutation of all rows.

    A pure function of its arguments, so that a run resumes exactly and each process can take its own part.
    """
    if n_rows < 1:
        raise ElectraError("There are no rows to put into an order.")
    # (count,) each: the epoch in which an example falls, and its place in that epoch.
    epochs, places = np.divmod(np.arange(start, start + count), n_rows)
    order = np.empty(count, dtype=np.int64)
    for epoch in np.unique(epochs):
        order[epochs == epoch] = shuffled(n_rows, seed, int(epoch))[places[epochs == epoch]]
    return order


def like_lengths(rows: PackedRows, seed: int, step: int, size: int) -> tuple[np.ndarray, int]:
    """The rows of a step where batches hold rows of like length, and how many columns they fill.

    WINDOW steps' rows are sorted by length, cut into batches, and these shuffled: still every row once an epoch, and a pure
    function of its arguments.
    """
    # Of a small set no more than an epoch, and epochs apart: copies of a row have one length, a batch would be a few rows many times.
    steps = min(WINDOW, max(1, len(rows) // size))
    window, place = divmod(step, steps)  # the steps are cut into windows; `place` is this step's in its own
    indices = row_order(len(rows), seed, window * steps * size, steps * size)
    epoch = (
        np.arange(window * steps * size, (window + 1) * steps * size) // len(rows) if steps < WINDOW else 0 * indices
    )
    by_length = indices[np.lexsort((rows.real_lengths(indices), epoch))].reshape(steps, size)
    mine = by_length[shuffled(steps, seed, window, steps)[place]]
    # In steps of eight columns: a few shapes instead of many.
    return mine, min(rows.length, -(-int(rows.real_lengths(mine).max()) // 8) * 8)


def _is_whole(folder: Path) -> bool:
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        file = folder / "rows.arrow"
        return file.stat().st_size == about["bytes"] and _sum_of(file) == about["checksum"]
    except (OSError, ValueError, KeyError, TypeError):  # not there, or cut short by a full disk
        return False


def _sum_of(path: Path) -> str:
    """A hash of a file's content: some seconds for ten gigabytes, against rows that a disk has changed."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_rows(folder: Path, about: dict, corpus: Corpus, tokenizer: Tokenizer, seed: int) -> None:
    """Fill rows.arrow, in record batches of RECORD_ROWS rows, and about.json."""
    import pyarrow as pa

    length, dtype = about["length"], np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.int32
    hashes, tokens = array("q"), 0
    n_rows = real_tokens = placed = 0

    def encoded() -> Iterator[list[list[int]]]:
        nonlocal tokens
        for texts in in_batches(tqdm(corpus, desc="packing", unit=" documents", delay=2, leave=False)):
            hashes.extend(map(hash, texts))
            batch = tokenizer.encode_batch(texts)
            tokens += sum(map(len, batch))
            yield batch

    rows = pack(about["form"], chain.from_iterable(one_ahead(encoded())), tokenizer, length, seed)
    types = [("input_ids", pa.list_(pa.from_numpy_dtype(dtype), length)), ("first", pa.int32()), ("real", pa.int32())]
    with (folder / "rows.arrow").open("wb") as file, pa.ipc.new_stream(file, pa.schema(types)) as writer:
        while True:
            ids, first, real = padded(islice(rows, RECORD_ROWS), length, tokenizer.pad_id, dtype)
            if not len(ids):
                break
            columns = [
                pa.FixedSizeListArray.from_arrays(pa.array(ids.ravel()), length),
                pa.array(first),
                pa.array(real),
            ]
            writer.write_batch(pa.record_batch(columns, names=[name for name, _ in types]))
            n_rows, real_tokens = n_rows + len(ids), real_tokens + int(real.sum())
            placed += int((~np.isin(ids, (tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id))).sum())
    if not n_rows:
        raise ElectraError(
            f"{corpus.describe()} gives {tokens} tokens, too little text for one row of {length}: "
            "give more text or choose a smaller length."
        )
    duplicates = len(hashes) - len(np.unique(np.frombuffer(hashes, dtype=np.int64)))
    about |= {"documents": len(hashes), "duplicates": duplicates, "rows": n_rows, "tokens": tokens}
    about |= {"left_out": tokens - placed, "real_tokens": real_tokens, "bytes": (folder / "rows.arrow").stat().st_size}
    about["checksum"] = _sum_of(folder / "rows.arrow")
    (folder / "about.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
