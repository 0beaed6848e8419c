"""Where the contenders' rows come from: random words, or padded paragraphs of real articles; and how much of them is padding."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from electra_helpers.reading.corpora import open_corpus
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.text.vocabulary import train_tokenizer

Source = Callable[[], Batch]
SPECIALS = 5  # [PAD] [UNK] [CLS] [SEP] [MASK], in this order


@dataclass
class Tally:
    """How many tokens have gone by, and how many places with the padding."""

    real: int = 0
    places: int = 0

    def see(self, batch: Batch) -> Batch:
        mask = batch.attention_mask
        self.places += batch.input_ids.numel()
        self.real += batch.input_ids.numel() if mask is None else int(mask.sum())
        return batch

    def counting(self, source: Source) -> Source:
        return lambda: self.see(source())


class RowsOf:
    """A source in the place of packed rows, for the package's own loop; with `tally` it counts what it gives."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def of_step(self, step: int, mine: slice, *, size: int, seed: int, one_shape: bool = False) -> Batch:
        return self.source()

    def sample(self, number: int) -> Batch:
        return self.source().rows(0, number)


class Counted:
    """Packed rows that count what they give."""

    def __init__(self, rows: object, tally: Tally) -> None:
        self.rows, self.tally = rows, tally

    def __getattr__(self, name: str) -> object:
        return getattr(self.rows, name)

    def of_step(self, *what: object, **options: object) -> Batch:
        return self.tally.see(self.rows.of_step(*what, **options))


def random_rows(batch_size: int, length: int, vocab_size: int) -> Source:
    """Full rows of random words: what a step costs does not depend on what it reads."""
    return lambda: Batch(torch.randint(SPECIALS, vocab_size, (batch_size, length)))


def padded_paragraphs(folder: Path, batch_size: int, length: int) -> Source:
    """The usual way: a DataLoader over shuffled paragraphs whose collator cuts them at `length` and pads to the longest of the batch."""
    from transformers import PreTrainedTokenizerFast

    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer" / "tokenizer.json"), **names)

    def collate(texts: list[str]) -> Batch:
        found = tokenizer(texts, truncation=True, max_length=length, padding="longest", return_tensors="pt")
        return Batch(found["input_ids"], attention_mask=found["attention_mask"].bool())

    texts = paragraphs(folder / "articles.jsonl")
    order = torch.Generator().manual_seed(0)
    loader = torch.utils.data.DataLoader(
        texts, batch_size, shuffle=True, drop_last=True, collate_fn=collate, generator=order
    )

    def epochs() -> Iterator[Batch]:
        while True:
            yield from loader

    return epochs().__next__


def paragraphs(articles: Path) -> list[str]:
    """The lines of all articles that say something."""
    return [line for article in open_corpus(str(articles)) for line in article.split("\n") if line.strip()]


def prepare(folder: Path, corpus: str, megabytes: float, vocab_size: int) -> Tokenizer:
    """The first articles of a corpus and a vocabulary trained on them, in a folder; found again when asked for the same."""
    asked = {"corpus": os.path.basename(corpus), "megabytes": megabytes, "vocab_size": vocab_size}
    about = folder / "about.json"
    if not about.exists() or json.loads(about.read_text("utf-8")) != asked:
        folder.mkdir(parents=True, exist_ok=True)
        size = 0
        with (folder / "articles.jsonl").open("w", encoding="utf-8") as file:
            for text in open_corpus(corpus):
                file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
                size += len(text.encode())
                if size >= megabytes * 1e6:
                    break
        train_tokenizer(open_corpus(str(folder / "articles.jsonl")), vocab_size).save(folder / "tokenizer")
        about.write_text(json.dumps(asked) + "\n", encoding="utf-8")
    return Tokenizer.load(folder / "tokenizer")
