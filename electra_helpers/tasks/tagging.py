"""Tagging: one tag a word, and the entities that BIO tags spell; in word lists (as WikiANN) and in plain text.

The first piece of a word carries its tag, the others are not judged (reference code, `tagging_tasks.py`). Words are BERT's: punctuation
and Chinese characters are words of their own, so a listed word may be cut into several; then lists and plain text look the same to
the net. Shapes: B batch, L length, K tags.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import LossSum
from electra_helpers.model.fast_cpu import IGNORED, cross_entropy_sum
from electra_helpers.model.heads import FinetunedNet, TokenHead
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.tasks.base import DownstreamTask, Example, Row
from electra_helpers.tasks.windows import most_central
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.words import is_chinese

OUTSIDE = "O"


class Span(NamedTuple):
    """Words `first` … `last` - 1 of a row name something of this kind."""

    kind: str
    first: int
    last: int


def bio_to_spans(tags: Sequence[str]) -> list[Span]:
    """The entities that tags spell: B- opens one, I- of the same kind continues it; an I- that continues nothing opens one too.

    >>> bio_to_spans(["B-PER", "I-PER", "O", "B-LOC", "B-LOC"])
    [Span(kind='PER', first=0, last=2), Span(kind='LOC', first=3, last=4), Span(kind='LOC', first=4, last=5)]

    Built in notebook 09.
    """
    spans: list[Span] = []
    open_kind = ""  # the kind of the entity that the previous word belongs to
    for place, tag in enumerate(tags):
        part, _, kind = tag.partition("-")
        if part == "I" and kind == open_kind:
            spans[-1] = spans[-1]._replace(last=place + 1)
        elif part in ("B", "I"):
            spans.append(Span(kind, place, place + 1))
        open_kind = kind if part in ("B", "I") else ""
    return spans


def align_labels(word_ids: Sequence[int | None], tags: Sequence[int]) -> list[int]:
    """The tag of each word on its first piece, -100 on all other tokens.

    >>> align_labels([None, 0, 0, 1, None], [3, 7])
    [-100, 3, -100, 7, -100]

    Built in notebook 09.
    """
    aligned, previous = [], None
    for word in word_ids:
        aligned.append(IGNORED if word is None or word == previous else tags[word])
        previous = word
    return aligned


class Words(NamedTuple):
    """The words of a row in the model's sense, and which word of the row each belongs to (itself, in a plain text)."""

    pieces: list[list[int]]  # ids of each
    owners: list[int]  # number of the row's word
    offsets: list[tuple[int, int]]  # characters in the row's text; empty for word lists
    count: int  # words of the row


@dataclass(frozen=True)
class Tagging(DownstreamTask):
    """A tag for every word. Where tags are BIO, entities are read from them and scored; otherwise words are."""

    labels: tuple[str, ...]
    numbered: bool = True  # whether the training data had numbers for them

    name: ClassVar[str] = "tagging"
    inputs: ClassVar = (("tokens",), ("text",))
    world: ClassVar[str] = "entities"

    @property
    def has_entities(self) -> bool:
        """Whether the tags spell spans."""
        return OUTSIDE in self.labels and all(label[:2] in (OUTSIDE, "B-", "I-") for label in self.labels)

    @property
    def main_metric(self) -> str:
        return "f1" if self.has_entities else "accuracy"

    @classmethod
    def from_data(cls, data: LabelledData, config: FinetuneConfig) -> Tagging:
        if len(data.labels) < 2:
            raise ElectraError(f"{data.source} has one tag only: two are needed to learn from.")
        if not any(row["tags"] for row in data.rows):
            raise ElectraError(f"{data.source} has no word with a tag.")
        return cls(data.labels, data.numbered)

    def head(self, config: ModelConfig, form: str) -> nn.Module:
        return TokenHead(config, len(self.labels), form)

    def examples(
        self, rows: Sequence[Row], tokenizer: Tokenizer, config: FinetuneConfig, *, training: bool = False
    ) -> list[Example]:
        made = []
        for number, row in enumerate(rows):
            words = words_of(row, tokenizer)
            tags = self._tags_of(words, row.get("tags"))
            segment = int(config.head == "paper")  # the reference calls all of a tagged text its second segment
            sizes = list(map(len, words.pieces))
            spans = _windows_of(words, config)
            cut = sizes != list(map(len, words.pieces))
            made += [self._example(words, tags, span, number, tokenizer, segment, cut) for span in spans]
        return made

    def _tags_of(self, words: Words, tags: Sequence[int] | None) -> list[int] | None:
        """The tag of each model's word: a cut word's first part keeps its tag, the others continue it."""
        if tags is None:
            return None
        own = [tags[owner] for owner in words.owners]
        inner = [self._inside(tags[owner]) for owner in words.owners]
        continues = [at > 0 and words.owners[at - 1] == owner for at, owner in enumerate(words.owners)]
        return [i if more else tag for tag, i, more in zip(own, inner, continues, strict=True)]

    def _inside(self, tag: int) -> int:
        name = self.labels[tag]
        inside = f"I-{name[2:]}"
        return self.labels.index(inside) if name.startswith("B-") and inside in self.labels else tag

    def _example(
        self,
        words: Words,
        tags: list[int] | None,
        span: tuple[int, int],
        number: int,
        tokenizer: Tokenizer,
        segment: int,
        cut: bool,
    ) -> Example:
        inside = range(*span)
        word_ids = [None, *(word for word in inside for _ in words.pieces[word]), None]
        ids = [tokenizer.cls_id, *(piece for word in inside for piece in words.pieces[word]), tokenizer.sep_id]
        target = None if tags is None else align_labels(word_ids, tags)
        sizes = [len(words.pieces[word]) for word in inside]
        places = 1 + np.cumsum([0, *sizes])[:-1]  # of each word's first piece among the tokens
        return Example(ids, [segment] * len(ids), target, number, (words, span, places), cut)

    def loss(self, net: nn.Module, batch: Batch, targets: Tensor) -> LossSum:
        logits = net(batch).float()  # (B, L, K)
        total = cross_entropy_sum(logits.flatten(0, 1), targets.flatten())
        return LossSum(total, self.count(targets))

    def count(self, targets: Tensor) -> Tensor:
        return (targets != IGNORED).sum()

    def outputs(self, net: FinetunedNet, batch: Batch) -> list[np.ndarray]:
        return list(torch.softmax(net(batch).float(), dim=-1).cpu().numpy())

    def predictions(self, rows: Sequence[Row], examples: Sequence[Example], outputs: Sequence[np.ndarray]) -> list[Row]:
        seen: list[list[tuple[Example, np.ndarray]]] = [[] for _ in rows]
        for example, output in zip(examples, outputs, strict=True):
            seen[example.row].append((example, output))
        return [self._prediction(row, parts) for row, parts in zip(rows, seen, strict=True)]

    def _prediction(self, row: Row, parts: list[tuple[Example, np.ndarray]]) -> Row:
        words: Words = parts[0][0].about[0]
        spans = [example.about[1] for example, _ in parts]
        found = np.zeros((len(words.pieces), len(self.labels)))  # P of each tag for each of the model's words
        for place in range(len(words.pieces)):
            chosen = most_central(spans, place)
            example, output = parts[chosen]
            found[place] = output[example.about[2][place - spans[chosen][0]]]
        first = np.searchsorted(words.owners, range(words.count))  # a row's word is judged by its first part
        tags = [self.labels[best] for best in found[first].argmax(axis=1)]
        said = {"tags": tags, "probabilities": [float(p) for p in found[first].max(axis=1)]}
        return said | (
            {"entities": list(_entities(row, words, tags, said["probabilities"]))} if self.has_entities else {}
        )

    def score(self, rows: Sequence[Row], predictions: Sequence[Row]) -> dict[str, float]:
        return self._score(rows, [prediction["tags"] for prediction in predictions])

    def _score(self, rows: Sequence[Row], predicted: Sequence[Sequence[str]]) -> dict[str, float]:
        truth = [[self.labels[tag] for tag in row["tags"]] for row in rows]
        right = [a == b for one, other in zip(truth, predicted, strict=True) for a, b in zip(one, other, strict=True)]
        accuracy = {"accuracy": float(np.mean(right))}
        return (entity_metrics(truth, predicted) | accuracy) if self.has_entities else accuracy

    def baseline(self, rows: Sequence[Row]) -> tuple[str, dict[str, float]]:
        if not self.has_entities:
            counts = np.bincount([tag for row in rows for tag in row["tags"]], minlength=len(self.labels))
            always = self.labels[int(counts.argmax())]
        else:
            always = OUTSIDE
        return f"always {always}", self._score(rows, [[always] * len(row["tags"]) for row in rows])

    def answered(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row.get("tags")]  # a row without words teaches nothing

    def label_names(self) -> Sequence[str]:
        return self.labels

    def uniform(self, predictions: Sequence[Row]) -> str:
        said = {tag for prediction in predictions for tag in prediction.get("tags", ())}
        return f"every word is tagged {said.pop()!r}" if len(said) == 1 else ""


def words_of(row: Row, tokenizer: Tokenizer) -> Words:
    """The model's words of a row: of its `tokens`, or of its `text` with their characters."""
    if row.get("tokens") is not None:
        return _words_of_list(row["tokens"], tokenizer)
    words = Words([], [], [], 0)
    read = tokenizer.encode(row["text"])
    for token, word, (start, end) in zip(read.ids, read.word_ids, read.offsets, strict=True):
        if word is None:
            continue
        if word == len(words.pieces):
            words.pieces.append([])
            words.owners.append(word)
            words.offsets.append((start, end))
        words.pieces[word].append(token)
        words.offsets[word] = (words.offsets[word][0], end)
    limits = [*(start for start, _ in words.offsets[1:]), len(row["text"])][: len(words.offsets)]
    whole = [
        (at, _with_accents(row["text"], end, limit)) for (at, end), limit in zip(words.offsets, limits, strict=True)
    ]
    return words._replace(count=len(words.pieces), offsets=whole)


def _with_accents(text: str, end: int, limit: int) -> int:
    """A word's end behind the accents that follow its last letter as characters of their own, which normalising takes off."""
    while end < limit and unicodedata.category(text[end]) == "Mn":
        end += 1
    return end


def _words_of_list(tokens: Sequence[str], tokenizer: Tokenizer) -> Words:
    words = Words([], [], [], len(tokens))
    read = tokenizer.encode_words(tokens)
    for token, piece, owner in zip(read.ids, read.tokens, read.word_ids, strict=True):
        _unreadable(words, owner, tokenizer)
        if words.owners and words.owners[-1] == owner and piece.startswith("##"):
            words.pieces[-1].append(token)
        else:
            words.pieces.append([token])
            words.owners.append(owner)
    _unreadable(words, len(tokens), tokenizer)
    return words


def _unreadable(words: Words, owner: int, tokenizer: Tokenizer) -> None:
    """Listed words before `owner` of which nothing is left, such as a lone control character, are unknown words."""
    for missing in range(words.owners[-1] + 1 if words.owners else 0, owner):
        words.pieces.append([tokenizer.unk_id])
        words.owners.append(missing)


def _windows_of(words: Words, config: FinetuneConfig) -> list[tuple[int, int]]:
    """Windows over words whose pieces fit beside [CLS] and [SEP]; a word longer than a window is cut to it.

    Every word stands in one. Raises `ElectraError` for a stride that steps over words.
    """
    room = config.length - 2
    if config.stride > room:
        raise ElectraError(
            f"A stride of {config.stride} steps over words: windows hold {room} pieces, choose a stride of at most that."
        )
    for ids in words.pieces:
        del ids[room:]
    sizes = np.array([len(ids) for ids in words.pieces] or [0])
    if sizes.sum() <= room:
        return [(0, len(words.pieces))]
    ends = np.concatenate([[0], sizes.cumsum()])  # pieces before each word
    found, start = [], 0
    while True:
        stop = int(np.searchsorted(ends, ends[start] + room, side="right")) - 1
        found.append((start, stop))
        if stop == len(words.pieces):
            return found
        start = max(start + 1, min(stop, int(np.searchsorted(ends, ends[start] + (config.stride or room // 2)))))


def _entities(row: Row, words: Words, tags: Sequence[str], p: Sequence[float]) -> Iterator[Row]:
    """Each entity with its kind, words, place (characters of a text, numbers of listed words) and least sure tag's P."""
    for kind, first, last in bio_to_spans(tags):
        if words.offsets:
            start, end = words.offsets[first][0], words.offsets[last - 1][1]
            text = row["text"][start:end]
        else:
            start, end = first, last
            listed = row["tokens"][first:last]
            text = ("" if all(map(is_chinese, "".join(listed))) else " ").join(listed)
        yield {"kind": kind, "text": text, "start": start, "end": end, "probability": min(p[first:last])}


def entity_metrics(truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, float]:
    """F1, precision and recall of entities over all rows: right are those with the same words and the same kind.

    The same as seqeval's default (tests/tasks/test_tagging.py); 0 where there is nothing to be right about.
    """
    pairs = [(set(bio_to_spans(one)), set(bio_to_spans(other))) for one, other in zip(truth, predicted, strict=True)]
    right = sum(len(one & other) for one, other in pairs)
    wanted, given = sum(len(one) for one, _ in pairs), sum(len(other) for _, other in pairs)
    precision, recall = right / max(1, given), right / max(1, wanted)
    return {"f1": 2 * right / max(1, wanted + given), "precision": precision, "recall": recall}
