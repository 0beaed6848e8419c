"""A folder is read as its owner means it: files of a known form, what is clearly text, and a count of everything else."""

import bz2
import gzip

import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.reading import files
from electra_helpers.reading.corpora import open_corpus
from electra_helpers.reading.folder import corpus_files, ending, is_prose

TAGGED = "\n\n".join(f"The/at jury/nn said/vbd number/nn {n}/cd ./." for n in range(20))


@pytest.fixture
def brown(tmp_path):
    """As that corpus is shipped: files without an ending, a .txt that lists them, a picture."""
    folder = tmp_path / "brown"
    folder.mkdir()
    for n in range(5):
        (folder / f"ca{n:02}").write_text(TAGGED.replace("jury", f"jury{n}"))
    (folder / "cats.txt").write_text("ca00 news\n")
    (folder / "cover.png").write_bytes(bytes(range(256)) * 9)
    (folder / "corpus.xml").write_text("<text>no prose</text>")
    (folder / "empty").touch()
    return folder


def test_files_without_an_ending_are_read_and_the_rest_is_counted(brown):
    corpus = open_corpus(brown)
    assert sum("jury" in text for text in corpus) == 100
    said = corpus.describe()
    assert "6 files" in said
    assert "5 without an ending read as text" in said
    for skipped in ("1 .png", "1 .xml", "1 empty"):
        assert skipped in said.split("skipped ")[1]
    (about,) = corpus.decided
    assert about["read_as_text"] == {"no ending": 5}
    assert about["skipped"] == {".png": 1, ".xml": 1, "empty": 1}
    assert (about["files"], about["document"], about["encoding"]) == (6, "paragraph or line", "utf-8")


def test_markdown_and_packed_files_are_text(tmp_path):
    (tmp_path / "a.md").write_text("# A title\n")
    (tmp_path / "b.en").write_text("One more line.\n")
    (tmp_path / "c.gz").write_bytes(gzip.compress(b"packed without an ending\n"))
    (tmp_path / "d.txt.bz2").write_bytes(bz2.compress(b"packed with one\n"))
    assert len(list(open_corpus(tmp_path))) == 4
    assert list(open_corpus(tmp_path / "a.md")) == ["# A title\n"]
    assert "1 .md read as text" in open_corpus(tmp_path / "a.md").describe()


REFUSED = {
    "page.html": b"<p>text</p>",
    "page.html.gz": gzip.compress(b"<p>text</p>"),
    "code.py": b"text = 1",
    "scan.pdf": b"%PDF text",
    "numbers": b"1 2 3\n",
    "binary": b"text\0text",
    "strange": b"text \x01\x02\x03" * 9,
    "gbk": "\u4eca\u5929".encode("gbk"),
    "torn.gz": gzip.compress(b"some text here" * 999)[:-20],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_prose_is_left_out_and_said(name, tmp_path):
    (tmp_path / name).write_bytes(REFUSED[name])
    (tmp_path / "text.txt").write_text("words\n")
    found = corpus_files(tmp_path)
    assert [file.name for file in found.files] == ["text.txt"]
    assert sum(found.skipped.values()) == 1
    (tmp_path / "text.txt").unlink()
    with pytest.raises(ElectraError, match=r"holds no text: .* Skipped: 1 "):
        open_corpus(tmp_path)


def test_a_character_that_the_sample_cuts_in_two_does_not_make_a_file_binary(tmp_path):
    (tmp_path / "long").write_text("a" + "\u5929" * 60_000, "utf-8")
    assert is_prose(tmp_path / "long")


def test_the_ending_is_that_below_the_compression(tmp_path):
    assert [ending(tmp_path / name) for name in ("a.md.gz", "b.xz", "c.TXT", "d")] == [
        ".md",
        "no ending",
        ".txt",
        "no ending",
    ]


def test_the_command_says_what_a_folder_was_read_as(brown, electra):
    code, _, errors = electra("corpus", "stats", brown, "--json")
    assert code == 0
    assert "skipped" in errors
    assert "Reading brown (6 files" in errors


STRAYS = {
    "settings": '{"name": "course", "version": 1}',
    "nested": '{"scripts": {"build": "make"}, "files": ["a", "b"]}',
    "numbers": "[1, 2, 3]",
    "a table of numbers": '[{"x": 1, "y": 2}, {"x": 3, "y": 4}]',
    "a text that is none": '{"text": {"en": 1}, "version": 1}',
    "damaged": '{"name": ',
}


@pytest.mark.parametrize("stray", STRAYS)
def test_a_json_file_without_text_does_not_stop_a_folder_of_prose(tmp_path, stray):
    (tmp_path / "a.txt").write_text("A line of prose.\n")
    (tmp_path / "about.json").write_text(STRAYS[stray])
    corpus = open_corpus(tmp_path)
    assert list(corpus) == ["A line of prose.\n"]
    assert "1 files" in corpus.describe()
    assert "skipped 1 .json" in corpus.describe()
    assert corpus.decided[0]["skipped"] == {".json": 1}
    with pytest.raises(ElectraError, match=r"about\.json"):  # named, or alone, it is what was meant
        open_corpus(tmp_path / "about.json")
    (tmp_path / "a.txt").unlink()
    with pytest.raises(ElectraError, match=r"about\.json"):
        open_corpus(tmp_path)


def test_a_json_file_of_rows_is_read_beside_prose(tmp_path):
    (tmp_path / "a.txt").write_text("A line of prose.\n")
    (tmp_path / "rows.json").write_text('[{"text": "A row."}, {"text": "Another."}]')
    assert list(open_corpus(tmp_path)) == ["A line of prose.\n", "A row.", "Another."]


def test_beside_json_files_of_rows_a_damaged_one_is_an_error_and_settings_are_not(tmp_path):
    (tmp_path / "rows.json").write_text('[{"text": "A row."}]')
    (tmp_path / "about.json").write_text(STRAYS["settings"])
    assert list(open_corpus(tmp_path)) == ["A row."]
    (tmp_path / "more.json").write_text('[{"text": "A row that is cut o')
    with pytest.raises(ElectraError, match=r"more\.json"):
        open_corpus(tmp_path)


def test_with_a_column_named_the_json_files_that_have_it_are_read(tmp_path):
    (tmp_path / "about.json").write_text(STRAYS["settings"])
    (tmp_path / "rows.json").write_text('[{"comment": "A row.", "stars": 3}]')
    assert list(open_corpus(tmp_path, column="comment")) == ["A row."]


def test_a_folder_of_many_files_is_listed_with_a_line_that_counts_them(tmp_path, monkeypatch, capsys):
    for number in range(30):
        (tmp_path / f"{number:02}.txt").write_text("The jury said so.")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.txt").write_text("unseen")
    assert len(corpus_files(tmp_path).files) == 30
    assert capsys.readouterr().err == "", "what takes a moment is not worth a line"
    monkeypatch.setattr(files, "LISTING_DELAY", 0)
    assert len(corpus_files(tmp_path).files) == 30
    assert f"listing {tmp_path.name}: " in capsys.readouterr().err
