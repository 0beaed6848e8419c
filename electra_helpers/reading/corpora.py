"""Sources of documents: files, folders, installed documentation, the little world, the hub; and their split.

A corpus can be read again and again, part after part, without ever being held in memory. Its fingerprint follows its
content, so that what was computed from it can be kept.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.reading.documentation import documentation
from electra_helpers.reading.files import (
    TEXT_COLUMNS,
    how_read,
    pick_column,
    read_documents,
    text_column,
    what_is_a_document,
)
from electra_helpers.reading.folder import corpus_files, layout_of
from electra_helpers.reading.hub import hub_name, load_from_hub, told_in_one_line
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.tables import OWN_DELIMITER

LANGUAGES = {"en": "English", "zh": "Chinese", "fr": "French"}
WORLD_STORIES = 20_000
LOOKED_AT = 50  # files of a folder of which it is said what separates their documents
HASH_WHOLE = 16 << 20  # files up to this many bytes are hashed whole, of larger ones 64 blocks spread over the file


@dataclass(frozen=True)
class Part:
    """A piece of a corpus that is read from its start: a file, a shard on the hub, the stories of one language."""

    name: str
    documents: Callable[[], Iterable[str]]
    fingerprint: Callable[[], str]
    held_out: "Part | None" = None  # its own validation documents; without them a hash of the text decides


class Corpus:
    """Documents that can be iterated over any number of times.

    >>> corpus = Corpus.from_texts(["The chef cooked.", "The guests ate."])
    >>> len(list(corpus)), corpus.describe()
    (2, '2 texts')

    Raises `ElectraError` on reading where there is no text at all. Built in notebook 01.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        description: str,
        *,
        if_empty: str = "There is no text in {}.",
        decided: Sequence[dict[str, Any]] = (),
    ):
        self.parts = tuple(parts)
        self.decided = tuple(decided)  # on reading, one entry a source of files
        self._description = description
        self._if_empty = if_empty

    @classmethod
    def from_texts(cls, texts: Iterable[str], description: str | None = None) -> "Corpus":
        """A corpus of texts in memory."""
        texts = [text for text in texts if text and not text.isspace()]

        def fingerprint() -> str:
            return content_hash(texts)

        return cls([Part("texts", lambda: texts, fingerprint)], description or f"{len(texts):,} texts")

    def __iter__(self) -> Iterator[str]:
        empty = True
        for part in self.parts:
            for document in part.documents():
                empty = False
                yield document
        if empty:
            raise ElectraError(self._if_empty.format(self.describe()))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content: other text, another fingerprint."""
        return _hash("\n".join(part.fingerprint() for part in self.parts).encode())

    def describe(self) -> str:
        """One line for people: what this corpus is read from."""
        return self._description


@dataclass(frozen=True)
class Split:
    """A corpus in two parts that share no document."""

    train: Corpus
    validation: Corpus


def open_corpus(
    *sources: str | Path, column: str | None = None, streaming: bool = False, layout: Layout = FOUND_OUT
) -> Corpus:
    """Open one or several sources as one corpus.

    A source is a file (.txt .jsonl .json .csv .tsv .parquet, also .gz, .xz or .bz2, or what is clearly text), a folder of such files,
    `docs` (installed documentation), `world`, `world:zh`, `world:fr` or `world:en:5000` (that many stories of the little world), or
    `hub:owner/name` or `hub:owner/name/configuration`; `streaming` reads the hub as it arrives. `column` names the
    column that holds the text; without it the usual names are tried; `layout` says how files are written, such as
    their encoding. A file called docs is given as `./docs`.
    Raises `ElectraError` where a source is missing, empty, damaged or has no such column.

    >>> open_corpus("no/such/file.txt")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    electra_helpers.errors.ElectraError: no/such/file.txt does not exist. Check the path; the current folder is ...

    Built in notebook 01.
    """
    if not sources:
        raise ElectraError("No corpus was named: give a file, a folder, docs, world or hub:NAME.")
    parts, descriptions, decided = [], [], []
    for source in map(str, sources):
        new, description, about = _open_source(source, column, streaming, layout)
        # What is wrong at its beginning is told now and not after training has begun.
        if next(chain.from_iterable(part.documents() for part in new), None) is None:
            raise ElectraError(f"There is no text in {description.split(' (')[0]}.")
        parts += new
        descriptions.append(description)
        decided.append({"source": description.split(" (")[0]} | about)
    return Corpus(parts, " + ".join(descriptions), decided=decided)


def split_documents(corpus: Corpus, validation_share: float = 0.01, seed: int = 0) -> Split:
    """Divide a corpus by a hash of each document's text: the same on every run, and copies stay on one side.

    A source that holds out documents of its own, as the little world does by meaning, keeps to them.
    """
    if not 0 <= validation_share < 1:
        raise ElectraError(f"The validation share is {validation_share}: choose a share of at least 0 and below 1.")
    own = [part for part in corpus.parts if part.held_out]
    other = [part for part in corpus.parts if not part.held_out]
    train = [*own, *(_hashed_share(part, validation_share, seed, held_out=False) for part in other)]
    validation = [*(p.held_out for p in own), *(_hashed_share(p, validation_share, seed, held_out=True) for p in other)]
    missed = f"No document of {{}} fell into the {{}} share ({validation_share:g} is for validation): "
    advice = "change the share or give more documents; documents are chosen by a hash of their text."
    name = corpus.describe().replace("{", "{{").replace("}", "}}")
    return Split(
        Corpus(train, corpus.describe(), if_empty=missed.format(name, "training") + advice),
        Corpus(validation, f"{corpus.describe()}, held out", if_empty=missed.format(name, "validation") + advice),
    )


def in_batches(texts: Iterable[str], characters: int = 2_000_000) -> Iterator[list[str]]:
    """Texts in lists of about so many characters, enough to keep every core of the tokenizer busy."""
    batch, size = [], 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _open_source(
    source: str, column: str | None, streaming: bool, layout: Layout
) -> tuple[list[Part], str, dict[str, Any]]:
    kind, _, rest = source.partition(":")
    if source == "docs":
        return *_documentation_part(), {"document": "docstring"}
    if kind == "world":
        return *_world_part(rest), {"document": "story"}
    if kind == "hub" and rest:
        return *_hub_parts(rest, column, streaming), {"document": "row"}
    return _file_parts(Path(source).expanduser(), column, layout)


def _file_parts(path: Path, column: str | None, layout: Layout) -> tuple[list[Part], str, dict[str, Any]]:
    found = corpus_files(path, layout, column)
    files, layouts = found.files, [layout_of(file, found, layout) for file in found.files]
    size = sum(file.stat().st_size for file in files) / 1e6
    asked = zip(files, layouts, strict=True) if column else [(files[0], layouts[0])]
    chosen = next(filter(None, (text_column(file, column, how) for file, how in asked)), None)
    if column and chosen is None:
        raise ElectraError(f"{files[0]} is plain text and has no column {column!r}: leave --column out.")
    details = [f"{len(files)} files"] if path.is_dir() else []
    details += [f"{size:.1f} MB", *([f"column {chosen}"] if chosen else []), *_layout_in_words(files[0], layouts[0])]
    parts = [
        Part(str(file), _reader(file, column, how), lambda file=file, how=how: _file_hash(file, column, how))
        for file, how in zip(files, layouts, strict=True)
    ]
    kinds = dict.fromkeys(map(what_is_a_document, files[:LOOKED_AT], layouts))
    decided = found.as_json() | {"document": " or ".join(kinds), "column": chosen} | how_read(files[0], layouts[0])
    return parts, f"{path.name} ({', '.join([*details, *found.in_words()])})", decided


def _reader(file: Path, column: str | None, layout: Layout = FOUND_OUT) -> Callable[[], Iterable[str]]:
    return lambda: read_documents(file, column, layout)


def _layout_in_words(file: Path, layout: Layout) -> list[str]:
    """What was decided about a file that does not stand in its name."""
    found = how_read(file, layout)
    encoding = found.get("encoding", "utf-8")
    said = [f"encoding {encoding}"] if encoding != "utf-8" else []
    own = OWN_DELIMITER.get(f".{found['form']}")
    return said + ([f"{found['delimiter']!r} between cells"] if found.get("delimiter", own) != own else [])


def _documentation_part() -> tuple[list[Part], str]:
    path, about = documentation()
    size = f"{about['documents']:,} documents, {about['characters'] / 1e6:.1f} M characters"
    share = f"{about['prose_share']:.0%} of the docstrings' text is prose and was kept"
    part = Part("docs", _reader(path, "text"), lambda: about["content_hash"])
    return [part], f"docs ({size}; {share}; content {about['content_hash']})"


def _world_part(which: str) -> tuple[list[Part], str]:
    """`world`, `world:zh` or `world:fr:5000`: stories in one language, with validation stories of other meanings."""
    from electra_helpers import world

    language, _, number = which.partition(":")
    language = language or "en"
    if language not in world.SPOKEN:
        raise ElectraError(f"The little world speaks {', '.join(world.SPOKEN)}, not {language!r}: write world:fr, say.")
    if number and not (number.isdecimal() and int(number) > 0):
        raise ElectraError(f"world:{which} asks for {number!r} stories: give a number of at least 1.")
    count = int(number or WORLD_STORIES)
    sources = sorted(Path(world.__file__).parent.rglob("*.py"))
    code = _hash(b"".join(file.read_bytes() for file in sources))

    def part(split: str, count: int, held_out: Part | None) -> Part:
        def documents() -> Iterator[str]:
            return (story.text(language) for story in world.stories(0, 0, count, split=split, languages=(language,)))

        return Part(f"world:{language}", documents, lambda: f"world {code} {language} {split} {count}", held_out)

    held_out = part("validation", min(max(200, count // 20), world.EVALUATION_STORIES), None)
    return [part("train", count, held_out)], f"world ({count:,} stories in {LANGUAGES.get(language, language)})"


def _hub_parts(name: str, column: str | None, streaming: bool) -> tuple[list[Part], str]:
    full = hub_name(name)
    dataset = load_from_hub(full, "train", streaming=streaming)
    columns = dataset.column_names or list(next(iter(dataset), {}))
    chosen = pick_column(columns, column, TEXT_COLUMNS, f"hub:{name}")
    shards = (
        [dataset.shard(dataset.num_shards, index) for index in range(dataset.num_shards)] if streaming else [dataset]
    )

    def documents(shard) -> Iterator[str]:
        with told_in_one_line(full.name):
            for rows in shard.select_columns([chosen]).iter(batch_size=1_000):
                yield from (text for text in rows[chosen] if is_document(text, chosen, f"hub:{name}"))

    print_ = f"{full} {chosen} {dataset.info.version} {getattr(dataset, '_fingerprint', 'streamed')}"
    parts = [
        Part(f"hub:{name}#{i}", lambda shard=shard: documents(shard), lambda i=i: f"{print_} {i}/{len(shards)}")
        for i, shard in enumerate(shards)
    ]
    return parts, f"hub:{name} (train, column {chosen}{', streamed' if streaming else ''})"


def _hashed_share(part: Part, share: float, seed: int, *, held_out: bool) -> Part:
    """The documents of a part whose hash falls below the share, or the others."""
    limit = share * 2.0**64

    def documents() -> Iterator[str]:
        hashes = ((text, int.from_bytes(_digest(text, seed), "big")) for text in part.documents())
        return (text for text, number in hashes if (number < limit) == held_out)

    def fingerprint() -> str:
        return f"{part.fingerprint()} {'validation' if held_out else 'train'} {share} {seed}"

    return replace(part, documents=documents, fingerprint=fingerprint)


def _digest(text: str, seed: int = 0) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8, key=seed.to_bytes(8, "big")).digest()


def content_hash(texts: Iterable[str]) -> str:
    """Hash of texts in their order, of any number of them."""
    digest = hashlib.blake2b(digest_size=8)
    for text in texts:
        digest.update(_digest(text))
    return digest.hexdigest()


def is_document(value: Any, column: str, where: object) -> bool:
    """Whether a cell holds a text that is not blank. Raises `ElectraError` where it holds something else than text or nothing."""
    if isinstance(value, str):
        return bool(value) and not value.isspace()
    if (
        value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value))
    ):  # pandas' None
        return False
    raise ElectraError(
        f"Column {column!r} of {where} holds no text: it has {str(value)[:40]!r}, a {type(value).__name__}. Name another column."
    )


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _file_hash(path: Path, column: str | None, layout: Layout) -> str:
    size = path.stat().st_size
    # As it was before there was a choice of documents, so that rows which were kept are found.
    how = "" if layout == FOUND_OUT else f" {layout}".replace(", documents='auto'", "")
    digest = hashlib.blake2b(f"{''.join(path.suffixes)} {size} {column}{how}".encode(), digest_size=8)
    with path.open("rb") as stream:
        if size <= HASH_WHOLE:
            digest.update(stream.read())
        else:
            digest.update(str(path.stat().st_mtime_ns).encode())  # an edit between the blocks changes the time
            for block in range(64):
                stream.seek(block * (size - 65536) // 63)
                digest.update(stream.read(65536))
    return digest.hexdigest()
