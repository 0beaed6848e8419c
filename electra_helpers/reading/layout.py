"""How a file is written down, where it is not to be found out: its form, its encoding, and what a table looks like."""

from __future__ import annotations

from dataclasses import dataclass

from electra_helpers.errors import ElectraError
from electra_helpers.fields import check_options, option
from electra_helpers.reading.encodings import checked_encoding

FORMS = (".txt", ".jsonl", ".json", ".csv", ".tsv", ".parquet")
TAGGED_FORMS = (".conll", ".conllu")  # words with tags and no documents
# Other endings that are as good as one of these.
SAME_AS = {".ndjson": ".jsonl", ".iob": ".conll", ".iob2": ".conll", ".bio": ".conll", ".tab": ".tsv", ".text": ".txt"}
NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}


@dataclass(frozen=True)
class Layout:
    """What the reader is told about files. Raises `ElectraError` for what no file can have.

    >>> Layout(delimiter="tab").delimiter, Layout(encoding="GBK").encoding
    ('\\t', 'gb18030')
    """

    encoding: str = option("utf-8", "encoding of text files, such as cp1252, gb18030 or utf-16")
    format: str = option(
        "auto",
        "what files are, whatever their names end in: txt, jsonl, json, csv, tsv, parquet, conll or conllu",
        choices=("auto", *(form[1:] for form in FORMS + TAGGED_FORMS)),
    )
    delimiter: str = option("auto", "what stands between the cells of a table, such as ';' or tab; auto: found out")
    quoting: str = option(
        "auto",
        "quotes in a table: csv (they hold a cell together), none (they are text), auto (csv in .csv; in .tsv found out)",
        choices=("auto", "csv", "none"),
    )
    header: bool = option(True, "the first line of a table names its columns; without, they are called 1, 2, 3 …")
    documents: str = option(
        "auto",
        "what one document of plain text is: file, line, paragraph (blank lines between them); auto: paragraph where there are "
        "blank lines, else line",
        choices=("auto", "file", "line", "paragraph"),
    )

    def __post_init__(self) -> None:
        check_options(self)
        object.__setattr__(self, "encoding", checked_encoding(self.encoding))
        object.__setattr__(self, "delimiter", NAMED_DELIMITERS.get(self.delimiter, self.delimiter))
        if self.delimiter != "auto" and (len(self.delimiter) != 1 or self.delimiter in '"\r\n\0'):
            raise ElectraError(f"delimiter is {self.delimiter!r}: give one character, such as ';' or tab.")


FOUND_OUT = Layout()
