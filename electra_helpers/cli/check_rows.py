"""`--check` of the commands that use a model: rows as it reads them, what it does not know, and what the whole file takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from electra_helpers.reading.labels import NO_LABEL, listed
from electra_helpers.reading.layout import Layout
from electra_helpers.terminal import printable

if TYPE_CHECKING:  # they bring torch
    from electra_helpers.reading.labelled import LabelledData
    from electra_helpers.tasks.cleaning.cells import Wanted
    from electra_helpers.tasks.finetuned import Finetuned
    from electra_helpers.text.tokenizer import Tokenizer

SHOWN = 3  # rows
LONGEST = 160  # characters of a value
TRIED = 64  # rows that are judged to see how long all take
LOOKED_AT = 512  # rows of which the shares are told


def as_understood(
    rows: Iterable[Mapping[str, Any]], labels: Sequence[str] = (), title: str = "Rows as understood"
) -> list[str]:
    """The first rows, each value under its role, labels by their names."""
    lines = [f"{title}:"]
    for number, row in enumerate(islice(rows, SHOWN), start=1):
        told = "; ".join(f"{role} = {_shown(role, value, labels)}" for role, value in row.items())
        lines.append(f"  {number}  {told}")
    return lines


def _shown(role: str, value: Any, labels: Sequence[str]) -> str:
    if role == "label" and value in (None, NO_LABEL if labels else None):
        value = "none"
    elif role == "label" and labels and isinstance(value, int):
        value = labels[value]
    if role == "tags" and labels and isinstance(value, list):
        value = [labels[tag] for tag in value]
    return cut(value if isinstance(value, str) else repr(value))


def cut(text: str, longest: int = LONGEST) -> str:
    """A text on one line, its end left out where it is long."""
    line = printable(text, one_line=True)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def read_roles(data: LabelledData) -> list[dict[str, Any]]:
    """The rows with the columns that play a role, and no others."""
    return [{role: row[role] for role in data.columns if role in row} for row in data.rows[:SHOWN]]


def in_time(seconds: float) -> str:
    """Seconds for people.

    >>> in_time(0.02), in_time(95), in_time(5_000), in_time(200_000)
    ('less than a second', '2 min', '1 h 23 min', '2 days 8 h')
    """
    if seconds < 1:
        return "less than a second"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} days {hours % 24} h"


def in_bytes(count: float) -> str:
    """Bytes for people.

    >>> in_bytes(3_200_000), in_bytes(12_345_000_000)
    ('3 MB', '12.3 GB')
    """
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def of_texts(texts: Sequence[str], tokenizer: Tokenizer, longest: int) -> str:
    """What a model does not know of texts, and how many are longer than it reads at once."""
    ids = tokenizer.encode_batch(list(texts))
    unknown = sum(each.count(tokenizer.unk_id) for each in ids) / max(1, sum(map(len, ids)))
    long = sum(len(each) > longest - 2 for each in ids)  # [CLS] and [SEP] take two places
    return (
        f"Of the first {len(texts):,} texts: {unknown:.1%} of the tokens [UNK], {long:,} longer than {longest} tokens."
    )


def of_rows(made: Finetuned, rows: Sequence[Mapping[str, Any]]) -> str:
    """What a fine-tuned model does not know of rows, and how many of them it cuts."""
    from electra_helpers.tasks.base import Examples

    found = Examples(made.task.examples(rows, made.tokenizer, made.config), made.tokenizer.pad_id)
    unknown = found.unknown_share(made.tokenizer)
    return f"Of the first {len(rows):,} rows: {unknown:.1%} of the tokens [UNK], {found.cut:,} cut at {made.config.length} tokens."


def time_for(rows: int, tried: Sequence[Any], judge: Callable[[Sequence[Any]], object]) -> str:
    """How long all rows take, by those that are tried here."""
    began = time.perf_counter()
    judge(tried)
    a_row = (time.perf_counter() - began) / max(1, len(tried))
    return f"Time: about {in_time(a_row * rows)} for {rows:,} rows, by a trial of {len(tried)}."


def prediction(model: Path, path: Path, columns: Mapping[str, str], layout: Layout) -> Iterator[str]:
    """`electra predict --check`: every row is read, the first are shown with what the model says to them."""
    from electra_helpers.tasks.finetuned import load_finetuned
    from electra_helpers.tasks.reading import rows_to_predict

    made, told = load_finetuned(model), []
    rows = (read for _, read in rows_to_predict(path, made.task, columns, layout, told.append, trained=made.columns))
    head = list(islice(rows, LOOKED_AT))
    total = len(head) + sum(1 for _ in rows)
    yield from told
    said = list(made.predict_read(head[:SHOWN]))
    yield from as_understood({**row, "→": _brief(answer)} for row, answer in zip(head, said, strict=False))
    yield of_rows(made, head)
    yield time_for(total, head[:TRIED], lambda tried: list(made.predict_read(tried)))


def _brief(answer: Mapping[str, Any]) -> Any:
    """The first thing that a prediction says."""
    return next(iter(answer.values()), None)


def evaluation(made: Finetuned, data: LabelledData) -> Iterator[str]:
    """`electra evaluate --check` of a fine-tuned model."""
    from electra_helpers.tasks.finetuned import known_rows

    yield from as_understood(read_roles(data), data.labels)
    rows = known_rows(made.task, data)
    if len(rows) < len(data):
        yield f"{len(data) - len(rows):,} rows have no answer to compare with."
    if rows:
        yield of_rows(made, rows[:LOOKED_AT])
        yield time_for(len(rows), rows[:TRIED], lambda tried: list(made.predict_read(tried)))


def judging(model: str | Path, data: LabelledData) -> Iterator[str]:
    """`electra evaluate --check` of cleaning and acceptability."""
    from electra_helpers.tasks.cleaning.suspects import load_cleaner, scored_words

    yield data.describe()
    yield from as_understood(read_roles(data), data.labels)
    cleaner = load_cleaner(model)
    texts = [text for row in data.rows for text in _texts(row)]
    yield of_texts(texts[:LOOKED_AT], cleaner.tokenizer, positions_of(cleaner))
    yield time_for(len(texts), texts[:TRIED], lambda tried: scored_words(cleaner, tried))


def _texts(row: Mapping[str, Any]) -> list[str]:
    """The texts that are judged of a row: its words joined, or both sentences of a pair."""
    return [" ".join(row["tokens"])] if "tokens" in row else [row["good"], row["bad"]]


def cleaning(model: str, path: Path, wanted: Wanted) -> Iterator[str]:
    """`electra clean --check`: every row is read, the first texts are shown as they are judged."""
    from electra_helpers.reading.files import how_read
    from electra_helpers.tasks.cleaning.cells import Source
    from electra_helpers.tasks.cleaning.suspects import load_cleaner, scored_words

    cleaner, source = load_cleaner(model), Source(path, wanted)
    judged = (each for number, row in enumerate(source.rows(), start=1) for each in source.judged(number, row))
    head = list(islice(judged, LOOKED_AT))
    rows, texts, words = 0, 0, 0
    for rows, texts, words in counted(chain(head, judged)):  # noqa: B007 - the last counts are those of the whole
        pass
    how = ", ".join(f"{name} {value!r}" for name, value in how_read(path, wanted.layout).items())
    columns = f"; columns {listed([name for name in source.columns if name])}" if any(source.columns) else ""
    yield f"{path}: {how}{columns}; {texts:,} texts with {words:,} words in the rows up to {rows:,}"
    yield from as_understood(({"row": each.row, "text": each.text} for each in head), title="Texts as they are judged")
    told = [each.text for each in head]
    yield of_texts(told, cleaner.tokenizer, positions_of(cleaner))
    yield time_for(texts, told[:TRIED], lambda tried: scored_words(cleaner, tried))


def counted(judged: Iterable[Any]) -> Iterator[tuple[int, int, int]]:
    """The number of the last row, and of texts and of words between blanks, after each text."""
    words = 0
    for texts, each in enumerate(judged, start=1):
        words += len(each.text.split())
        yield each.row, texts, words


def positions_of(model: Any) -> int:
    """How many tokens a model reads at once: its fine-tuning's rows, or its position table."""
    from electra_helpers.model.heads import main_encoder
    from electra_helpers.saved.pretrained import Pretrained

    return main_encoder(model.net).config.max_positions if isinstance(model, Pretrained) else model.config.length
