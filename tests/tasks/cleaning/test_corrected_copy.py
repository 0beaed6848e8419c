"""A corrected copy: the very bytes of its original where nothing is exchanged, otherwise nothing but the words exchanged."""

import bz2
import gzip
import json
import lzma

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.reading.files import read_rows
from electra_helpers.reading.layout import Layout
from electra_helpers.tasks.cleaning.cells import Placed, Source, Wanted
from electra_helpers.tasks.cleaning.corrected_copy import CorrectedCopy
from electra_helpers.tasks.cleaning.suspects import Flag

NOTHING = {"no such word": "x"}
TYPO = {"wnet": "went"}


def flags_of(source, words):
    """Every place of some words in the cells that are judged, as a net would flag it."""
    for number, row in enumerate(source.rows(), start=1):
        for judged in source.judged(number, row):
            for cell in judged.cells:
                text = judged.text[cell.start : cell.end]
                for word, instead in words.items():
                    at = text.find(word)
                    while at >= 0:
                        flag = Flag(word, at, at + len(word), 0.9, ((instead, 1.0),))
                        yield Placed(number, cell.column, at, at + len(word), flag)
                        at = text.find(word, at + len(word))


def copied(path, words, *, to=None, chunk=2, **wanted):
    """The bytes of a corrected copy, written as a run does: some rows at a time, stopped and begun again between them."""
    to = to or path.with_name(f"copy{path.suffix}")
    source = Source(path, Wanted(corrected=to, sure=0.5, **wanted))
    flags, rows = list(flags_of(source, words)), list(enumerate(source.rows(), start=1))
    size, changed = 0, 0
    for start in range(0, len(rows), chunk):
        copy = CorrectedCopy(source, to)
        copy.begin(size, start)
        part = rows[start : start + chunk]
        size, more = copy.add(part, [flag for flag in flags if start < flag.row <= start + chunk])
        changed += more
        if start + chunk < len(rows):
            copy.close()
    copy.end()
    copy.close()
    copy.finish()
    return to.read_bytes(), changed


ODD_TABLES = {
    "plain.csv": "text,n\nhe wnet home,1\n",
    "every cell quoted.csv": '"text","n"\n"he wnet home","1"\n',
    "quotes here and there.csv": 'text,"n"\n"he wnet home",1\nhe wnet,"2"\n',
    "doubled quotes.csv": 'text,n\n"""he"" wnet ""home""",1\n"",2\n',
    "quotes inside.csv": 'text,n\nhe "wnet" home,1\n5\'2" wnet,2\n',
    "carriage return in a cell.csv": 'text,n\n"a\rb wnet",1\n"c\r\nd wnet",2\n',
    "lines in a cell.csv": 'text,n\n"one\n\nwnet\n",1\n',
    "mixed line ends.csv": "text,n\r\nhe wnet,1\nshe wnet,2\r\n",
    "no last line end.csv": "text,n\nhe wnet,1\nshe wnet,2",
    "blank lines.csv": "\n\ntext,n\n\nhe wnet,1\n\r\n\nshe wnet,2\n\n\n",
    "numbers.csv": "text,n,m\nwnet,1e400,007\nwnet,1.50,-0\n",
    "short rows.csv": "text,n,m\nhe wnet\nhe wnet,1\n",
    "blanks around.csv": "text , n\n  he wnet  ,  1\n",
    "semicolons.csv": "text;n\nhe wnet, she too;1\n",
    "one column.csv": 'text\nwnet\n"a, wnet"\n',
    "mark.csv": "\ufefftext,n\r\nhe wnet,1\r\n",
    "quoted.tsv": '"text"\t"n"\n"he ""wnet"""\t"1"\n',
    "unquoted.tsv": 'text\tn\n"he wnet\t1\nshe "wnet"\t2\n',
    "beyond ascii.csv": "text,n\nnaïve 😀 wnet cafe\u0301,天\n",
}
ODD_TEXTS = {
    "plain.jsonl": '{"text": "he wnet"}\n{"text": "x"}\n',
    "spacing.jsonl": '  { "n" :1,\t"text"  :  "he wnet" , "m":[ 1,2 ] }  \r\n\n{"text":"wnet"}',
    "escapes.jsonl": '{"te\\u0078t": "\\u0041 \\/ \\ud83d\\ude00 \\"wnet\\"\\t\\\\", "o": "\\u00e9\\n"}\n',
    "numbers.jsonl": '{"text": "wnet", "a": 1e400, "b": -Infinity, "c": NaN, "d": 1.50, "e": 10000000000000000000001}\n',
    "twice.jsonl": '{"text": "old wNet", "n": {"text": "not this"}, "text": "the wnet"}\n',
    "half a pair.jsonl": '{"text": "\\ud800 wnet \\udc00", "o": "\\ud800"}\n',
    "mark.jsonl": '\ufeff{"text": "wnet"}\n',
    "nothing there.jsonl": '{"text": null}\n{"text": "wnet", "n": {}}\n{"text": ""}\n',
    "list.json": '[\n  {"text": "he wnet",\n   "n": 1e400},\n {"text":"x"} , {"text":"wnet"}\n]\n\n',
    "list in a line.jsonl": '[{"text": "he wnet"}, {"text": "wnet"}]',
    "one row.json": '{\n  "text": "he wnet",\n  "n": 1\n}\n',
    "lines.txt": "he wnet\r\n\r\n  she \t wnet \n\nwnet",
    "mark.txt": "\ufeffhe wnet\n",
    "returns.txt": "he wnet\rshe wnet\r\nwnet\x0c\u2028wnet\n",
}
ODD = ODD_TABLES | ODD_TEXTS


@pytest.mark.parametrize("name", ODD)
def test_nothing_but_the_words_exchanged_is_another_byte(name, tmp_path):
    path, data = tmp_path / name, ODD[name].encode()
    path.write_bytes(data)
    assert copied(path, NOTHING) == (data, 0)
    new, changed = copied(path, TYPO)
    assert new == data.replace(b"wnet", b"went") != data
    assert changed >= 1
    assert path.read_bytes() == data


@pytest.mark.parametrize("name", ["doubled quotes.csv", "escapes.jsonl", "mark.txt", "list.json"])
@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2"])
def test_what_is_compressed_is_the_same_unpacked(name, suffix, tmp_path):
    module = {".gz": gzip, ".xz": lzma, ".bz2": bz2}[suffix]
    path, data = tmp_path / (name + suffix), ODD[name].encode()
    path.write_bytes(module.compress(data))
    packed, _ = copied(path, TYPO, to=tmp_path / f"copy-{name}{suffix}", chunk=1)
    plain, _ = copied(path, TYPO, to=tmp_path / f"copy-{name}")
    assert module.decompress(packed) == plain == data.replace(b"wnet", b"went")


ENCODINGS = ["cp1252", "gb18030", "shift_jis", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "iso2022_jp"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_copy_is_written_in_the_encoding_of_its_original(encoding, tmp_path):
    text = "text,n\r\n“he” wnet,1\n" if encoding == "cp1252" else "text,n\r\n天气 wnet,1\n日 wnet,2\n"
    path = tmp_path / "in.csv"
    path.write_bytes(text.encode(encoding))
    how = {"layout": Layout(encoding=encoding), "chunk": 1}
    assert copied(path, NOTHING, **how) == (text.encode(encoding), 0)
    assert copied(path, TYPO, **how)[0] == text.replace("wnet", "went").encode(encoding)


def test_the_order_of_the_bytes_is_kept(tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes("\ufeffhe wnet\n".encode("utf-16-be"))
    new, _ = copied(path, TYPO, layout=Layout(encoding="utf-16"))
    assert new == "\ufeffhe went\n".encode("utf-16-be")


def test_bytes_that_do_not_come_back_are_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes(b"\xfa\x54 wnet\n")  # one of two ways to write the same sign
    with pytest.raises(ElectraError, match="cannot be written in cp932 with the bytes that it has") as refused:
        copied(path, TYPO, layout=Layout(encoding="cp932"))
    assert "\n" not in str(refused.value)
    assert [each.name for each in tmp_path.iterdir()] == ["in.txt"]


def test_a_word_that_the_encoding_lacks_is_left(tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes("né wnet".encode("cp1252"))
    assert copied(path, {"wnet": "天"}, layout=Layout(encoding="cp1252")) == (path.read_bytes(), 0)


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("word", ["a,b", 'say "x"', '"', "a\tb", "\\", "天", "\u2028"])
def test_whatever_is_put_in_reads_back(form, word, tmp_path):
    path = tmp_path / f"in.{form}"
    quoted = {"csv": 'text,n\n"the ""wnet"" x",1\nwnet,2\n', "tsv": '"text"\t"n"\n"""wnet"""\t1\nwnet\t2\n'}
    path.write_text(quoted.get(form, '{"text": "\\"wnet\\"", "n": 1}\n{"text": "wnet", "n": 2}\n'), "utf-8")
    copied(path, {"wnet": word})
    before, after = list(read_rows(path)), list(read_rows(tmp_path / f"copy.{form}"))
    assert after == [row | {"text": row["text"].replace("wnet", word)} for row in before]


def test_a_table_whose_quotes_are_text_takes_no_tab(tmp_path):
    path = tmp_path / "in.tsv"
    path.write_text('text\tn\n"the wnet\t1\n', "utf-8")
    assert copied(path, {"wnet": "a\tb"}) == (path.read_bytes(), 0)


def test_escapes_inside_the_word_go_with_it(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"text": "\\u0068e w\\u006eet \\u2026", "n": 1.0}\n')
    assert copied(path, {"wnet": "allé"})[0] == b'{"text": "\\u0068e all\\u00e9 \\u2026", "n": 1.0}\n'


def test_a_cell_that_a_template_names_twice_is_exchanged_once(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("who,n\nwnet off,1\n", "utf-8")
    new, _ = copied(path, {"wnet": "went away"}, template="{who} and {who}")
    assert new == b"who,n\nwent away off,1\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.csv", "text,text\na,b\n", "names the column 'text' twice"),
        ("in.json", '{"data": [{"text": "a"}]}', "write it as .jsonl"),
        ("in.json", '{"text": ["a", "b"]}', "write it as .jsonl"),
        ("in.conll", "the\tO\ncat\tO\n", "no corrected copy of a .conll file"),
    ],
)
def test_what_cannot_be_copied_is_refused_in_one_line(name, content, said, tmp_path):
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(ElectraError, match=said) as refused:
        copied(path, TYPO)
    assert "\n" not in str(refused.value)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_two_columns_of_one_name_are_cleaned_by_their_numbers(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("text,text\na wnet,wnet b\n", "utf-8")
    new, _ = copied(path, TYPO, columns=("2",), layout=Layout(header=False))
    assert new == b"text,text\na wnet,went b\n"


def test_a_link_in_the_place_of_the_partial_file_is_not_followed(tmp_path):
    path, other = tmp_path / "in.txt", tmp_path / "other"
    path.write_text("wnet\n", "utf-8")
    other.write_text("mine", "utf-8")
    (tmp_path / ".partial-copy.txt").symlink_to(other)
    with pytest.raises(OSError, match="is a link"):
        copied(path, TYPO)
    assert other.read_text("utf-8") == "mine"


CELLS = st.text(st.sampled_from('ab",\r\n ;\t天') | st.characters(blacklist_categories=("Cs", "Cc")), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS, st.booleans()), min_size=1, max_size=4), st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_comes_back_with_one_word_exchanged(tmp_path, rows, end):
    def cell(text, quoted):
        special = quoted or set(text) & set('",\r\n')
        return '"' + text.replace('"', '""') + '"' if special else text

    lines = [f"{cell(a + 'wnet' + b, quoted)},{cell(b, quoted)}" for a, b, quoted in rows]
    data = end.join(["text,n", *lines, ""]).encode()
    path = tmp_path / "in.csv"
    path.write_bytes(data)
    assert copied(path, NOTHING)[0] == data
    assert copied(path, TYPO)[0] == data.replace(b"wnet", b"went")


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=8) | st.floats() | st.none(), max_size=3), st.booleans())
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_object_comes_back_with_one_word_exchanged(tmp_path, row, ascii_only):
    row = row | {"text": f"{row.get('text', '')}wnet\ud800" if ascii_only else "天\twnet"}
    data = json.dumps(row, ensure_ascii=ascii_only, indent=None).encode("utf-8", "replace")
    path = tmp_path / "in.jsonl"
    path.write_bytes(data)
    assert copied(path, NOTHING, columns=("text",))[0] == data
    assert copied(path, TYPO, columns=("text",))[0] == data.replace(b"wnet", b"went")
