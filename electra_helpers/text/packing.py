"""Token ids → rows of one length, kept on disk and read through a memory map.

Three forms of rows, and what each costs. The numbers are of rows of 128 tokens from 300 Wikipedia articles of 10,000
tokens on average, and in brackets from their 19,038 paragraphs of 160 tokens:

- plain: full rows, documents joined by [SEP] (RoBERTa's FULL-SENTENCES). Nothing is padded; a row may hold the end of
  one document and the beginning of the next.
- segments: the reference code's rows, one or two segments of one document. 3 % of the tokens are padding (30 %).
- documents: one document a row, cut or padded: 99 % of the text is left out (33 %, and 14 % is padding). For documents
  that fit, such as the stories of the little world, and for evaluation.
"""

import hashlib
import json
import random
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from electra_helpers.ahead import one_ahead
from electra_helpers.errors import ElectraError
from electra_helpers.text.cache import cache_folder, made_whole
from electra_helpers.text.corpora import Corpus, in_batches, split_documents
from electra_helpers.text.tokenizer import Tokenizer

FORMS = ("plain", "segments", "documents")
VERSION = 1  # raise it when the rows of the same text change, so that no old cache is used
SINGLE_SEGMENT_SHARE = 0.1  # reference code: rows of one segment …
SHORTER_SHARE = 0.05  # … and rows with a random shorter length
RECORD_ROWS = 8_192  # rows of one Arrow record batch
WINDOW = 32  # steps whose rows are sorted by length together


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows for the model; B rows of L tokens.

    >>> batch = Batch(torch.tensor([[2, 7, 3], [2, 8, 3]]))
    >>> batch.rows(1, 2).input_ids.tolist(), batch.attention_mask
    ([[2, 8, 3]], None)

    Built in notebook 01.
    """

    input_ids: torch.Tensor  # (B, L) int64
    token_type_ids: torch.Tensor | None = None  # (B, L) int64; None where all are 0
    attention_mask: torch.Tensor | None = None  # (B, L) bool, True on real tokens; None where nothing is padded

    def rows(self, start: int, stop: int) -> "Batch":
        """The rows start … stop."""
        return self._each(lambda tensor: tensor[start:stop])

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """The same rows on a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Batch":
        """The same rows where a GPU can fetch them by itself."""
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        tensors = (self.input_ids, self.token_type_ids, self.attention_mask)
        return Batch(*(None if tensor is None else change(tensor) for tensor in tensors))


@dataclass(frozen=True)
class Row:
    """One packed example before it is padded: [CLS] … [SEP], and where its first segment ends."""

    ids: list[int]
    first: int  # tokens of the first segment with [CLS] and its [SEP]; all of them where there is only one


def pack_plain(
    documents: Iterable[Sequence[int]], length: int, cls_id: int, sep_id: int, *, tail: bool = False
) -> Iterator[list[int]]:
    """Full rows `[CLS] … [SEP]` from documents laid end to end with a [SEP] between them; no token is lost or doubled.

    The last row would be short: it is yielded only with `tail`, otherwise at most `length` - 3 tokens are left out.

    >>> list(pack_plain([[5, 6, 7], [8, 9]], 5, 2, 3, tail=True))
    [[2, 5, 6, 7, 3], [2, 8, 9, 3]]
    """
    room = _room(length, specials=2)
    row: list[int] = []
    for document in documents:
        if row and len(document):
            row = [*row, sep_id]
        start = 0
        while start < len(document):
            piece = document[start : start + room - len(row)]
            start += len(piece)
            row = [*row, *piece]
            if len(row) == room:
                yield [cls_id, *row, sep_id]
                row = []
    if row and tail:
        yield [cls_id, *row, sep_id]


def pack_segments(
    documents: Iterable[Sequence[int]],
    length: int,
    cls_id: int,
    sep_id: int,
    rng: random.Random,
    *,
    sentence_end_ids: frozenset[int] = frozenset(),
) -> Iterator[Row]:
    """The reference code's rows: `[CLS] first [SEP] second [SEP]` from one document, or one segment in 10 % of them.

    5 % of the rows have a random shorter length. The segments meet at the sentence end nearest the middle. What does
    not fit opens the next row, where the reference throws it away; a document's last row is short.
    """
    _room(length, specials=4)
    target = length
    for document in documents:
        start = 0
        while start < len(document):
            single = rng.random() < SINGLE_SEGMENT_SHARE
            room = target - (2 if single else 3)
            piece = document[start : start + room]
            start += len(piece)
            middle = room // 2
            if single or len(piece) <= middle:
                yield Row([cls_id, *piece, sep_id], first=len(piece) + 2)
            else:
                cut = _sentence_end_near(middle, piece, sentence_end_ids)
                yield Row([cls_id, *piece[:cut], sep_id, *piece[cut:], sep_id], first=cut + 2)
            target = rng.randint(5, length) if rng.random() < SHORTER_SHARE else length


def pack_documents(documents: Iterable[Sequence[int]], length: int, cls_id: int, sep_id: int) -> Iterator[list[int]]:
    """One document a row, cut at `length`; a document without tokens gives no row."""
    room = _room(length, specials=2)
    return ([cls_id, *document[:room], sep_id] for document in documents if len(document))


def _room(length: int, specials: int) -> int:
    if length <= specials:
        raise ElectraError(
            f"Rows of {length} tokens have no room for text: choose a length of at least {specials + 1}."
        )
    return length - specials


def _sentence_end_near(middle: int, piece: Sequence[int], end_ids: frozenset[int]) -> int:
    """The cut behind a sentence end that lies nearest the middle, at most half way to either side; else the middle."""
    cuts = (place + 1 for place, token in enumerate(piece[:-1]) if token in end_ids)
    return min(
        (cut for cut in cuts if abs(cut - middle) <= middle / 2), key=lambda cut: abs(cut - middle), default=middle
    )


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
        places = [divmod(int(index), RECORD_ROWS) for index in indices]
        ids = np.stack([self._ids[record][row][:length] for record, row in places]).astype(np.int64)
        return to_batch(ids, self._first[indices], self._real[indices])

    def describe(self) -> str:
        """A few words for people."""
        return f"{len(self):,} rows of {self.length}"

    def of_step(self, step: int, mine: slice, size: int, seed: int, *, one_shape: bool = False) -> Batch:
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


def to_batch(ids: np.ndarray, first: np.ndarray, real: np.ndarray) -> Batch:
    """(B, L) int64 ids, and for each row where its first segment and its real tokens end → a Batch."""
    place = np.arange(ids.shape[1])[None]  # (1, L)
    is_real = place < real[:, None]  # (B, L)
    is_second = is_real & (place >= first[:, None])  # (B, L)
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(is_second.astype(np.int64)) if is_second.any() else None,
        None if is_real.all() else torch.from_numpy(is_real),
    )


def side_by_side(batches: Sequence[Batch]) -> Batch:
    """Several batches of one length as one; a mask or types that one of them has, all have."""
    ids = torch.cat([batch.input_ids for batch in batches])

    def together(name: str, fill: int) -> torch.Tensor | None:
        if all(getattr(batch, name) is None for batch in batches):
            return None
        kind = torch.bool if fill else torch.int64
        missing = (torch.full_like(batch.input_ids, fill, dtype=kind) for batch in batches)
        found = zip((getattr(batch, name) for batch in batches), missing, strict=True)
        return torch.cat([other if own is None else own for own, other in found])

    return Batch(ids, together("token_type_ids", 0), together("attention_mask", 1))


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

    `form` is plain, segments or documents (see the module's docstring); `seed` decides the lengths in segments; `split`
    is train, validation or None for all, the same documents at every seed. Raises `ElectraError` where the text does
    not fill one row.
    """
    if form not in FORMS or split not in (None, "train", "validation"):
        raise ElectraError(f"Rows are {', '.join(FORMS)}, of train or validation; not {form!r} of {split!r}.")
    corpus = documents if isinstance(documents, Corpus) else Corpus.from_texts(documents)
    if split is not None:
        corpus = getattr(split_documents(corpus, validation_share), split)
    recipe = [VERSION, corpus.fingerprint, tokenizer.fingerprint, length, form, seed if form == "segments" else 0]
    key = hashlib.blake2b(json.dumps(recipe).encode(), digest_size=8).hexdigest()
    folder = Path(cache_dir or cache_folder()) / f"rows-{key}"
    if not _is_whole(folder):
        with made_whole(folder) as draft:
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
    window, place = divmod(step, WINDOW)
    indices = row_order(len(rows), seed, window * WINDOW * size, WINDOW * size)
    by_length = indices[np.argsort(rows.real_lengths(indices), kind="stable")].reshape(WINDOW, size)
    mine = by_length[shuffled(WINDOW, seed, window, WINDOW)[place]]
    # In steps of eight columns: a few shapes instead of many.
    return mine, min(rows.length, -(-int(rows.real_lengths(mine).max()) // 8) * 8)


def pack(form: str, documents: Iterable[list[int]], tokenizer: Tokenizer, length: int, seed: int) -> Iterator[Row]:
    """Rows of the form asked for."""
    frame = (length, tokenizer.cls_id, tokenizer.sep_id)
    if form == "segments":
        ends = tokenizer.sentence_end_ids
        return pack_segments(documents, *frame, random.Random(seed), sentence_end_ids=ends)
    rows = pack_plain(documents, *frame) if form == "plain" else pack_documents(documents, *frame)
    return (Row(ids, len(ids)) for ids in rows)


def _is_whole(folder: Path) -> bool:
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        return (folder / "rows.arrow").stat().st_size == about["bytes"]
    except (OSError, ValueError, KeyError):  # not there, or cut short by a full disk
        return False


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
    (folder / "about.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def padded(rows: Iterable[Row], length: int, pad_id: int, dtype: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows → (n, L) ids, (n,) ends of the first segments, (n,) ends of the rows."""
    ends: list[tuple[int, int]] = []

    def ids_of_rows() -> Iterator[
        list[int]
    ]:  # no list of rows: a million lists make Python's collector the slowest part
        for row in rows:
            ends.append((row.first, len(row.ids)))
            yield row.ids

    flat = np.fromiter(chain.from_iterable(ids_of_rows()), dtype)
    first, real = np.array(ends, dtype=np.int32).reshape(-1, 2).T
    ids = np.full((len(ends), length), pad_id, dtype=dtype)
    ids[np.arange(length) < real[:, None]] = flat
    return ids, first, real
