"""Token ids → rows of one length, and rows → batches. rows.py keeps rows on disk.

Four forms of rows, and what each costs. The numbers are of rows of 128 tokens from 300 Wikipedia articles of 10,000
tokens on average, and in brackets from their 19,038 paragraphs of 160 tokens:

- plain: full rows, documents joined by [SEP] (RoBERTa's FULL-SENTENCES). Nothing is padded; a row may hold the end of
  one document and the beginning of the next.
- segments: the reference code's rows, one or two segments of one document. 3 % of the tokens are padding (30 %).
- sentences: half of the rows a single sentence, the others as many as fit. Padded, in batches of like length.
- documents: one document a row, cut or padded: 99 % of the text is left out (33 %, and 14 % is padding). For documents
  that fit, such as the stories of the little world, and for evaluation.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch

from electra_helpers.errors import ElectraError
from electra_helpers.text.sentences import pack_sentences
from electra_helpers.text.tokenizer import Tokenizer

FORMS = ("plain", "segments", "sentences", "documents")
RANDOM = ("segments", "sentences")  # a seed decides their lengths
SINGLE_SEGMENT_SHARE = 0.1  # reference code: rows of one segment …
SHORTER_SHARE = 0.05  # … and rows with a random shorter length


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
        types, mask = self.token_type_ids, self.attention_mask
        return Batch(
            change(self.input_ids),
            None if types is None else change(types),
            None if mask is None else change(mask),
        )


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
    room = _room(length, specials=2)  # tokens between [CLS] and the last [SEP]
    row: list[int] = []
    for document in documents:
        if row and len(document):
            row = [*row, sep_id]  # where a document ends within a row
        start = 0
        while start < len(document):
            piece = document[start : start + room - len(row)]
            start += len(piece)
            row = [*row, *piece]
            if len(row) == room:  # full: the rest of the document opens the next
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
    target = length  # of the row that comes next
    for document in documents:
        start = 0
        while start < len(document):
            single = rng.random() < SINGLE_SEGMENT_SHARE
            room = target - (2 if single else 3)  # [CLS] … [SEP], and a second [SEP] behind a second segment
            piece = document[start : start + room]
            start += len(piece)
            middle = room // 2
            if single or len(piece) <= middle:  # too little is left for two
                yield Row([cls_id, *piece, sep_id], first=len(piece) + 2)
            else:
                cut = _sentence_end_near(middle, piece, sentence_end_ids)
                yield Row([cls_id, *piece[:cut], sep_id, *piece[cut:], sep_id], first=cut + 2)
            # Decided for the next row, as in the reference: a shorter row takes less of its document, and nothing is thrown away.
            target = rng.randint(5, length) if rng.random() < SHORTER_SHARE else length


def pack_documents(documents: Iterable[Sequence[int]], length: int, cls_id: int, sep_id: int) -> Iterator[list[int]]:
    """One document a row, cut at `length`; a document without tokens gives no row."""
    room = _room(length, specials=2)
    return ([cls_id, *document[:room], sep_id] for document in documents if len(document))


def pack(form: str, documents: Iterable[list[int]], tokenizer: Tokenizer, length: int, seed: int) -> Iterator[Row]:
    """Rows of the form asked for."""
    frame = (length, tokenizer.cls_id, tokenizer.sep_id)
    if form == "segments":
        ends = tokenizer.sentence_end_ids
        return pack_segments(documents, *frame, random.Random(seed), sentence_end_ids=ends)
    if form == "sentences":
        pieces = pack_sentences(documents, _room(length, specials=2), random.Random(seed), tokenizer.sentence_end_ids)
        return (Row([tokenizer.cls_id, *piece, tokenizer.sep_id], len(piece) + 2) for piece in pieces)
    rows = pack_plain(documents, *frame) if form == "plain" else pack_documents(documents, *frame)
    return (Row(ids, len(ids)) for ids in rows)


def _room(length: int, specials: int) -> int:
    if length <= specials:
        raise ElectraError(
            f"Rows of {length} tokens have no room for text: choose a length of at least {specials + 1}."
        )
    return length - specials


def _sentence_end_near(middle: int, piece: Sequence[int], end_ids: frozenset[int]) -> int:
    """The cut behind a sentence end that lies nearest the middle, at most half way to either side; else the middle."""
    # Not behind the last token: the second segment would be empty.
    cuts = (place + 1 for place, token in enumerate(piece[:-1]) if token in end_ids)
    return min(
        (cut for cut in cuts if abs(cut - middle) <= middle / 2), key=lambda cut: abs(cut - middle), default=middle
    )


def to_batch(ids: np.ndarray, first: np.ndarray, real: np.ndarray) -> Batch:
    """(B, L) int64 ids, and for each row where its first segment and its real tokens end → a Batch."""
    place = np.arange(ids.shape[1])[None]  # (1, L)
    is_real = place < real[:, None]  # (B, L)
    is_second = is_real & (place >= first[:, None])  # (B, L)
    return Batch(
        torch.from_numpy(ids),
        # None saves the model a lookup, and lets it attend without a mask, which is faster.
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


def padded(rows: Iterable[Row], length: int, pad_id: int, dtype: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows → (n, L) ids, (n,) ends of the first segments, (n,) ends of the rows."""
    ends: list[tuple[int, int]] = []

    # No list of rows: a million lists make Python's collector the slowest part.
    def ids_of_rows() -> Iterator[list[int]]:
        for row in rows:
            ends.append((row.first, len(row.ids)))
            yield row.ids

    # (real tokens of all rows,) → (n, L): written where the mask is True, row by row.
    flat = np.fromiter(chain.from_iterable(ids_of_rows()), dtype)
    first, real = np.array(ends, dtype=np.int32).reshape(-1, 2).T
    ids = np.full((len(ends), length), pad_id, dtype=dtype)
    ids[np.arange(length) < real[:, None]] = flat
    return ids, first, real
