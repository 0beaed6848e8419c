"""Translation and summarisation: ELECTRA reads the source, a decoder writes the target, one piece at a time.

The decoder has a vocabulary of its own, learnt from the target texts: the one ELECTRA was pre-trained with need not know their
language, their case or their accents. Shapes: B batch, L length of the source, T of the target, V target vocabulary.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.transformers_decoder import TextDecoder, encoder_decoder
from electra_helpers.model.electra import LossSum, real_tokens
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.fast_cpu import IGNORED, cross_entropy_sum
from electra_helpers.model.heads import FinetunedNet
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.tasks.base import DownstreamTask, Example, Row
from electra_helpers.tasks.text_metrics import (
    bleu_tokenizer,
    lead,
    learn_dictionary,
    mostly_chinese,
    rouge_unit,
    summary_metrics,
    translation_metrics,
    word_by_word,
)
from electra_helpers.text.packing import Batch
from electra_helpers.text.target_tokenizer import rows_by_spelling, train_target_tokenizer
from electra_helpers.text.tokenizer import Tokenizer

TARGET = "target"  # folder of the vocabulary that texts are written with
DICTIONARY = "dictionary.json"
ROOM_TO_WRITE = 1.25  # times the longest text learned from


def shift_right(labels: Tensor, start_id: int, pad_id: int) -> Tensor:
    """What the decoder reads while it learns to say `labels` (B, T): the start, then every label but the last; no -100 among them.

    Source: transformers, `shift_tokens_right`.

    >>> shift_right(torch.tensor([[7, 8, 3], [9, 3, -100]]), start_id=2, pad_id=0).tolist()
    [[2, 7, 8], [2, 9, 3]]

    Built in notebook 11.
    """
    inputs = torch.full_like(labels, start_id)
    inputs[:, 1:] = labels[:, :-1]
    return inputs.masked_fill(inputs == IGNORED, pad_id)


@dataclass(frozen=True)
class Writing(DownstreamTask):
    """A text for a text. Subclasses say which columns these are, how they are scored, and the trivial baseline."""

    vocabulary: Tokenizer  # of the target
    beams: int
    longest: int  # tokens written at most, [CLS] and [SEP] included

    source: ClassVar[str]  # role of the text that is read
    target: ClassVar[str]  # role of the text that is written

    @classmethod
    def from_data(cls, data: LabelledData, config: FinetuneConfig) -> Self:
        targets = [row[cls.target] for row in data.rows if row[cls.target].strip()]
        if not targets:
            raise ElectraError(f"{data.source} has no row with a {cls.target} to learn from.")
        vocabulary = train_target_tokenizer(cls.texts(data, targets), config.target_vocab)
        longest = 2 + max(map(len, vocabulary.encode_batch(targets)))
        longest = min(int(longest * ROOM_TO_WRITE) + 1, config.length)
        return cls(vocabulary, config.beams, longest, *cls.remembered(data, targets))

    @classmethod
    def texts(cls, data: LabelledData, targets: list[str]) -> Iterable[str]:
        """What the target's vocabulary is learnt from."""
        return targets

    @classmethod
    def remembered(cls, data: LabelledData, targets: list[str]) -> tuple[Any, ...]:
        """The values of a subclass's own fields."""
        return ()

    def head(self, config: ModelConfig, form: str) -> nn.Module:
        return TextDecoder(config, self.vocabulary, beams=self.beams, longest=self.longest)

    def start_head(self, head: nn.Module, encoder: Encoder, source: Tokenizer) -> None:
        # From scratch the encoder knows nothing, and the same is done: the two arms differ by pre-training alone.
        head.start_from(encoder, rows_by_spelling(self.vocabulary, source))

    def read_text(self, row: Row) -> str:
        """The text of a row that is read; rows that were never labelled may call it `text`."""
        return row[self.source] if self.source in row else row["text"]

    def examples(
        self, rows: Sequence[Row], tokenizer: Tokenizer, config: FinetuneConfig, *, training: bool = False
    ) -> list[Example]:
        targets = self.vocabulary.encode_batch([row[self.target] for row in rows]) if training else [None] * len(rows)
        made = []
        for number, (row, target) in enumerate(zip(rows, targets, strict=True)):
            whole = tokenizer.encode(self.read_text(row))
            read = tokenizer.encode(self.read_text(row), max_length=config.length)
            cut = len(whole.ids) > len(read.ids) or len(target or ()) > config.length - 1
            said = None if target is None else [*target[: config.length - 1], self.vocabulary.sep_id]
            made.append(Example(read.ids, read.token_type_ids, said, number, cut=cut))
        return made

    def loss(self, net: nn.Module, batch: Batch, targets: Tensor) -> LossSum:
        inputs = shift_right(targets, self.vocabulary.cls_id, self.vocabulary.pad_id)  # (B, T)
        logits = net(batch, inputs=inputs, real=batch.attention_mask).float()  # (B, T, V)
        total = cross_entropy_sum(logits.flatten(0, 1), targets.flatten())
        return LossSum(total, self.count(targets))

    def count(self, targets: Tensor) -> Tensor:
        return (targets != IGNORED).sum()

    def ready(self, net: FinetunedNet) -> nn.Module:
        return encoder_decoder(net)

    def outputs(self, net: nn.Module, batch: Batch) -> list[np.ndarray]:
        return list(net.generate(batch.input_ids, attention_mask=real_tokens(batch).long()).cpu().numpy())

    def predictions(self, rows: Sequence[Row], examples: Sequence[Example], outputs: Sequence[np.ndarray]) -> list[Row]:
        return [
            {self.target: self.vocabulary.decode(output), "cut": example.cut}
            for example, output in zip(examples, outputs, strict=True)
        ]

    def answered(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if (row.get(self.target) or "").strip()]

    def score(self, rows: Sequence[Row], predictions: Sequence[Row]) -> dict[str, float]:
        return self.metrics(rows, [prediction[self.target] for prediction in predictions])

    @abstractmethod
    def metrics(self, rows: Sequence[Row], written: Sequence[str]) -> dict[str, float]:
        """Scores of these texts for these rows."""

    @abstractmethod
    def free_texts(self, rows: Sequence[Row]) -> dict[str, list[str]]:
        """Texts that cost nothing, by the name of how they are made."""

    def baseline(self, rows: Sequence[Row]) -> tuple[str, dict[str, float]]:
        scored = {name: self.metrics(rows, texts) for name, texts in self.free_texts(rows).items()}
        best = max(scored, key=lambda name: scored[name][self.main_metric])
        return best, scored[best]

    def write(self, folder: Path) -> dict[str, Any]:
        self.vocabulary.save(folder / TARGET)
        return {"name": self.name, "beams": self.beams, "longest": self.longest}

    @classmethod
    def read(cls, about: dict[str, Any], folder: Path) -> Self:
        return cls(Tokenizer.load(folder / TARGET), about["beams"], about["longest"])


@dataclass(frozen=True)
class Translation(Writing):
    """A text in another language; `dictionary` is the trivial baseline, learned from the same pairs."""

    columns_read: tuple[str, ...]  # the training data's name for the source
    chinese: bool  # whether the target is
    dictionary: dict[str, str]

    name: ClassVar[str] = "translation"
    inputs: ClassVar = (("source",), ("text",))
    world: ClassVar[str] = "translation"
    main_metric: ClassVar[str] = "chrf"
    source: ClassVar[str] = "source"
    target: ClassVar[str] = "target"

    @classmethod
    def remembered(cls, data: LabelledData, targets: list[str]) -> tuple[Any, ...]:
        chinese = mostly_chinese(targets[:1000])
        pairs = ((row["source"], row["target"]) for row in data.rows)
        return (data.columns["source"],), chinese, learn_dictionary(pairs, chinese)

    def columns(self) -> dict[str, tuple[str, ...]]:
        return {"source": (*self.columns_read, "source")}

    def metrics(self, rows: Sequence[Row], written: Sequence[str]) -> dict[str, float]:
        return translation_metrics([row["target"] for row in rows], written)

    def how_scored(self, rows: Sequence[Row]) -> str:
        return f"BLEU with sacrebleu's tokenizer {bleu_tokenizer(row['target'] for row in rows)}"

    def free_texts(self, rows: Sequence[Row]) -> dict[str, list[str]]:
        sources = [self.read_text(row) for row in rows]
        return {
            "copy the source": sources,
            "word by word": [word_by_word(text, self.dictionary, self.chinese) for text in sources],
        }

    def write(self, folder: Path) -> dict[str, Any]:
        (folder / DICTIONARY).write_text(json.dumps(self.dictionary, ensure_ascii=False, indent=0) + "\n", "utf-8")
        return super().write(folder) | {"columns_read": list(self.columns_read), "chinese": self.chinese}

    @classmethod
    def read(cls, about: dict[str, Any], folder: Path) -> Self:
        dictionary = json.loads((folder / DICTIONARY).read_text("utf-8"))
        known = (Tokenizer.load(folder / TARGET), about["beams"], about["longest"])
        return cls(*known, tuple(about["columns_read"]), about["chinese"], dictionary)


@dataclass(frozen=True)
class Summarisation(Writing):
    """A short text for a long one, in the same language."""

    name: ClassVar[str] = "summarisation"
    inputs: ClassVar = (("text",),)
    world: ClassVar[str] = "summary"
    main_metric: ClassVar[str] = "rouge_l"
    source: ClassVar[str] = "text"
    target: ClassVar[str] = "summary"

    @classmethod
    def texts(cls, data: LabelledData, targets: list[str]) -> Iterable[str]:
        return [*targets, *(row["text"] for row in data.rows)]  # a summary may take any word from its text

    def metrics(self, rows: Sequence[Row], written: Sequence[str]) -> dict[str, float]:
        return summary_metrics([row["summary"] for row in rows], written)

    def how_scored(self, rows: Sequence[Row]) -> str:
        return f"ROUGE of {rouge_unit([row['summary'] for row in rows])}"

    def free_texts(self, rows: Sequence[Row]) -> dict[str, list[str]]:
        return {"the first sentence": [lead(row["text"]) for row in rows]}
