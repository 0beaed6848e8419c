"""Corpora that are wrong: each ends in one clear line and leaves nothing, or is read with what cannot be used counted or cut."""

import gzip
import json
import lzma
import os
import random

import pytest

from electra_helpers.reading.corpora import open_corpus
from electra_helpers.reading.files import pieces
from electra_helpers.reading.lines import text_lines
from tests.test_cli import SENTENCES, SHAPE, TEXT, TINY, clear

pytestmark = pytest.mark.usefixtures("own_cache")
NOISE = bytes(random.Random(0).randrange(256) for _ in range(5_000))
FINE = b'{"text": "fine"}\n'


def rows(texts, column="text"):
    return "".join(json.dumps({column: text}) + "\n" for text in texts).encode()


REFUSED = {
    "missing.txt": (None, "missing.txt does not exist"),
    "empty.txt": (b"", "empty"),
    "blank.txt": (b"\n  \n\n", "no text"),
    "spaces of every kind.txt": (" \t\u3000\u2003\n\u00a0\n".encode(), "no text"),
    "latin1.txt": ("Le caf\u00e9 est ferm\u00e9.".encode("latin-1"), "not UTF-8: byte 0xe9 on line 1"),
    "utf16.txt": (("The chef cooked.\n" * 50).encode("utf-16"), "UTF-8|NUL bytes"),
    "two encodings.txt": (TEXT.encode() + "\n\nferm\u00e9\n".encode("latin-1"), "not UTF-8: byte 0xe9 on line 481"),
    "nul.txt": (TEXT.encode() + b"\n\nends\0here\n", "line 481 holds NUL bytes"),
    "bytes.txt": (NOISE, "UTF-8|NUL"),
    "cut.txt.xz": (lzma.compress(TEXT.encode())[:-40], "cut short"),
    "not.txt.xz": (b"this is no xz", "xz"),
    "cut.txt.gz": (gzip.compress(TEXT.encode())[:-40], "cut short"),
    "two and a half.txt.gz": (gzip.compress(TEXT.encode()) + gzip.compress(TEXT.encode())[:30], "cut short"),
    "line7.jsonl": (FINE * 6 + b'{"text": \n', "line 7"),
    "two on a line.jsonl": (FINE + FINE.strip() + FINE, "line 2 .*Extra data"),
    "numbers.jsonl": (b'{"text": 5}\n', "text"),
    "later a list.jsonl": (FINE * 9 + b'{"text": ["a"]}\n', "row 10 has list"),
    "later no text.jsonl": (FINE * 9 + b'{"title": "a"}\n', "Row 10 .* has no column 'text'; it has: title"),
    "list.jsonl": (b"[1, 2]\n", "line 1"),
    "all null.jsonl": (b'{"text": null}\n' * 30, "no text"),
    "columns.jsonl": (b'{"title": "a", "author": "b"}\n', "title.*author"),
    "deep.jsonl": (b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", "line 1"),
    "columns.csv": (b"title,author\na,b\n", "title.*author"),
    "header.csv": (b"title,text\n", "no rows"),
    "fields.csv": (b"title,text\n1,2,3\n", "Line 2 .* more fields"),
    "quote.csv": (b'title,text\n1,"and so on\n' + b"2,two\n" * 9, "no correct CSV"),
    "broken.parquet": (b"PAR1 this is none", "parquet"),
    "short.txt": (b"Two words.\n", "row|too little|fell into"),
    "one document.txt": (b"The chef cooked the meal. " * 400, "fell into"),
    "the same again.txt": (b"The chef cooked the meal.\n" * 4_000, "fell into"),
    "strange.pdf": (b"%PDF-1.4", r"\.txt"),
    "nothing": ("folder", "nothing"),
    "nothing inside": ({"a.txt": b"", ".hidden.txt": b"hidden", "b.pdf": b"x"}, "holds no text"),
    "one bad among good": ({"a.txt": TEXT.encode(), "b.jsonl": b"{"}, "line 1 of .*b.jsonl"),
}
ELSEWHERE = {"hub:nobody/nothing-at-all": "hub|reach", "world:de": "world", "world:en:-3": "stories"}


def lay(folder, name, content):
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
        for inner, data in content.items() if isinstance(content, dict) else ():
            (path / inner).write_bytes(data)
    return path


@pytest.mark.parametrize("name", [*REFUSED, *ELSEWHERE])
def test_a_corpus_that_cannot_be_used_is_one_clear_line_and_nothing_half_written(name, electra, tmp_path):
    content, pattern = REFUSED.get(name, (None, ELSEWHERE.get(name)))
    source = name if name in ELSEWHERE else lay(tmp_path, name, content)
    code, _, errors = electra("pretrain", "--corpus", source, "--out", tmp_path / "out", *TINY, *SHAPE)
    clear(code, errors, pattern)
    assert not list((tmp_path / "out").glob("*")), "nothing stands in the way of a second try"


@pytest.mark.parametrize("stream", [False, True])
def test_a_good_corpus_trains_where_a_bad_one_was_refused(stream, electra, tmp_path):
    bad, good = lay(tmp_path, "bad.jsonl", b"{"), lay(tmp_path, "good.txt", TEXT.encode())
    settings = [
        "--out",
        tmp_path / "out",
        "--validation-share",
        "0.2",
        *TINY,
        *SHAPE,
        *(["--stream"] if stream else []),
    ]
    assert electra("pretrain", "--corpus", bad, *settings)[0] == 2
    code, said, errors = electra("pretrain", "--corpus", good, *settings)
    assert code == 0, errors
    assert "6 of 6 steps" in said


LONG = "The chef cooked the meal and ate. "
READ = {  # name: (content, what the documents are)
    "windows.txt": (TEXT.replace("\n", "\r\n").encode(), lambda d: len(d) == 240),
    "with a mark.txt": (b"\xef\xbb\xbf" + TEXT.encode(), lambda d: d[0].startswith("The")),
    "halves of pairs.jsonl": (FINE * 3 + b'{"text": "a \\ud800 b"}\n', lambda d: d[3] == "a ? b"),
    "some null.jsonl": (FINE + b'{"text": null}\n{"text": ""}\n\n' + FINE, lambda d: d == ["fine", "fine"]),
    "a huge field.csv": (b"title,text\n1," + b"word " * 300_000 + b"\n", lambda d: len(d) == 2 and max(map(len, d)) <= 1_000_000),
    "an endless line.txt": (LONG.encode() * 200_000, lambda d: 6 < len(d) < 12 and "".join(d) == LONG * 200_000),
    "an endless word.txt": ("\u00e9".encode() * 4_500_000, lambda d: "".join(d) == "\u00e9" * 4_500_000),
    "an endless paragraph.txt": (
        b"a\n\nb\n\n" + b"one line of many\n" * 200_000,
        lambda d: d[:2] == ["a\n", "b\n"] and max(map(len, d)) <= 1_000_000 and "".join(d[2:]) == "one line of many\n" * 200_000,
    ),
    "control.txt": (("a\x07b\x1b[31mc\u200d\u202e d\n" * 3).encode(), lambda d: len(d) == 3),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_looks_bad_and_is_not_is_read_whole(name, tmp_path):
    content, right = READ[name]
    assert right(list(open_corpus(lay(tmp_path, name, content))))


def test_a_row_without_an_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("electra_helpers.reading.lines.LONGEST_LINE", 1 << 20)
    path = lay(tmp_path, "endless.jsonl", b'{"text": "' + b"a" * (3 << 20))
    with pytest.raises(ValueError, match="row of more than 1 MB"):
        list(text_lines(path))


def test_pieces_lose_nothing_where_there_is_no_space():
    assert list(pieces("abcdefgh", 3)) == ["abc", "def", "gh"]
    assert list(pieces("", 3)) == [""]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_told(electra, tmp_path):
    path = lay(tmp_path, "secret.txt", TEXT.encode())
    path.chmod(0)
    clear(*electra("pretrain", "--corpus", path, "--out", tmp_path / "out", *TINY)[::2], "cannot be opened")


def test_noise_of_characters_trains(electra, tmp_path):
    """Emoji, combining marks and rare letters, one of everything: more alphabet than the vocabulary has room for is told."""
    odd = "".join(map(chr, range(0x1F300, 0x1F5FF))) + " " + "e\u0301\u0323" * 40
    path = lay(tmp_path, "odd.jsonl", rows([f"{odd[i : i + 30]} {i} {SENTENCES[i % 3]}" for i in range(300)]))
    code, _, errors = electra("pretrain", "--corpus", path, "--out", tmp_path / "out", *TINY, *SHAPE)
    clear(code, errors, "no room for the alphabet")
    code, _, errors = electra(
        "pretrain", "--corpus", path, "--out", tmp_path / "out", *TINY, *SHAPE, "--vocab-size", 2_000
    )
    assert code == 0, errors
