"""A file in another encoding is never read on a guess: the likely encodings are named with what they would read."""

import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.reading.encodings import checked_encoding, likely_encodings
from electra_helpers.reading.files import read_documents
from electra_helpers.reading.layout import Layout

SENTENCES = {
    "gb18030": "我们在图书馆里看书。",
    "big5": "我們在圖書館裡看書。",
    "shift_jis": "私たちは図書館で本を読みます。",
    "euc_jp": "私たちは図書館で本を読みます。",
    "euc_kr": "우리는 도서관에서 책을 읽어요.",
    "cp1252": "She’s “late” – très tôt.",
    "cp1250": "Příliš šťastný žlutý kůň.",
    "cp1251": "Мы читаем книги в библиотеке.",
    "koi8_r": "Мы читаем книги в библиотеке.",
    "cp1253": "Διαβάζουμε βιβλία στη βιβλιοθήκη.",
    "cp1256": "نقرأ الكتب في المكتبة",
    "cp874": "เราอ่านหนังสือในห้องสมุด",
    "utf-16": "We read books.\nThey do.",
    "utf-16-le": "We read books.",
    "utf-32": "We read books.",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_the_right_encoding_is_named_first_and_reads_the_file(name, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(SENTENCES[name].encode(name))
    assert likely_encodings(path.read_bytes())[0][0] == name
    with pytest.raises(ElectraError, match=f"--encoding {name} would read") as caught:
        list(read_documents(path))
    assert "latin1" not in str(caught.value)
    assert "".join(read_documents(path, layout=Layout(encoding=name))) == SENTENCES[name]


def test_noise_and_mixtures_are_given_no_encoding(tmp_path):
    assert likely_encodings(bytes(range(1, 256)) * 3) == []
    (tmp_path / "a.txt").write_bytes("déjà vu\n".encode() + "fermé\n".encode("cp1252"))
    with pytest.raises(ElectraError, match="0xe9 on line 2, though lines before it are: it mixes encodings") as caught:
        list(read_documents(tmp_path / "a.txt"))
    assert "--encoding" not in str(caught.value)


def test_the_wrong_encoding_is_told_and_never_half_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("一\n".encode() * 30 + "It’s\n".encode("cp1252"))
    with pytest.raises(ElectraError, match="is not euc_jp"):
        list(read_documents(path, layout=Layout(encoding="euc_jp")))
    path.write_bytes("It’s\n".encode("cp1252"))
    with pytest.raises(ElectraError, match=r"no characters in latin1: --encoding cp1252 would read 'It’s'"):
        list(read_documents(path, layout=Layout(encoding="latin1")))
    path.write_bytes("x".encode("utf-16") + b"\n")
    with pytest.raises(ElectraError, match="is not utf-16"):
        list(read_documents(path, layout=Layout(encoding="utf-16")))


@pytest.mark.parametrize("name", ["nonsense", "hex", "rot13", "idna", "undefined", "\0", ""])
def test_what_is_no_encoding_is_told(name):
    with pytest.raises(ElectraError, match="is no encoding"):
        checked_encoding(name)


def test_a_character_that_is_cut_by_a_block_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("electra_helpers.reading.encodings.SAMPLE", 7)
    (tmp_path / "a.txt").write_bytes((SENTENCES["gb18030"] * 9).encode("gb18030"))
    assert list(read_documents(tmp_path / "a.txt", layout=Layout(encoding="gbk"))) == [SENTENCES["gb18030"] * 9]


def test_the_command_reads_a_corpus_in_the_encoding_named(electra, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("今天天气很好。\n".encode("gbk"))
    code, _, errors = electra("corpus", "stats", path)
    assert (code, errors.count("\n")) == (2, 1)
    assert "--encoding gb18030 would read '今天天气很好。'" in errors
    code, said, _ = electra("corpus", "stats", path, "--encoding", "gb18030", "--json")
    assert (code, '"words": 6' in said) == (0, True)
    assert electra("corpus", "stats", path, "--encoding", "nonsense")[0] == 2
