"""Every form of file gives the same documents, copies never cross the split, and bad input is told with its place."""

import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.reading import hub
from electra_helpers.reading.corpora import Corpus, _file_hash, in_batches, open_corpus, split_documents
from electra_helpers.reading.files import FORMS
from electra_helpers.reading.layout import Layout
from electra_helpers.text.counts import corpus_stats
from electra_helpers.text.tokenizer import tokenizer_from_words

DOCUMENTS = [
    "The chef cooked the meal.\nThe guests thanked her.",
    "今天天气很好，阳光明媚。",
    'A "quoted", word; l\'élève mange.',
    "The tailor sews with a needle.",
]
WIKITEXT = hub.REVISIONS["Salesforce/wikitext"]
COMPRESSIONS = {"": lambda data: data, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


def as_bytes(form: str, documents: list[str]) -> bytes:
    """The documents as the content of a file of this form."""
    if form == ".txt":
        return "\n\n".join(documents).encode()
    rows = [{"title": f"t{i}", "text": text} for i, text in enumerate(documents)]
    if form == ".jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if form == ".json":
        return json.dumps(rows, ensure_ascii=False, indent=1).encode()
    if form == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), buffer)
        return buffer.getvalue()
    out = io.StringIO()
    if form == ".csv":
        writer = csv.DictWriter(out, ["title", "text"])
        writer.writeheader()
        writer.writerows(rows)
    else:  # .tsv has neither quotes nor line breaks in its fields
        out.write("title\ttext\n" + "".join(f"{row['title']}\t{' '.join(row['text'].split())}\n" for row in rows))
    return out.getvalue().encode()


def words(texts):
    return [text.split() for text in texts]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_documents(form, compression, tmp_path):
    file = tmp_path / f"corpus.en{form}{compression}"
    file.write_bytes(COMPRESSIONS[compression](as_bytes(form, DOCUMENTS)))
    corpus = open_corpus(file)
    assert words(corpus) == words(DOCUMENTS)
    assert words(corpus) == words(DOCUMENTS)  # a second time
    assert corpus.describe().startswith(f"{file.name} (0.0 MB")


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.txt").write_text("second", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"text": "first"}\n\n{"text": "  "}\n{"text": null}\n', encoding="utf-8")
    (tmp_path / "c.txt").write_text("third", encoding="utf-8")
    (tmp_path / ".hidden.txt").write_text("no", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "empty.txt").write_bytes(b"")
    assert list(open_corpus(tmp_path)) == ["first", "second", "third"]
    assert "3 files" in open_corpus(tmp_path).describe()


def test_several_sources_are_one_corpus(tmp_path):
    (tmp_path / "a.txt").write_text("first", encoding="utf-8")
    (tmp_path / "b.txt").write_text("second", encoding="utf-8")
    assert list(open_corpus(tmp_path / "b.txt", tmp_path / "a.txt")) == ["second", "first"]


def test_blank_lines_separate_documents_and_without_them_lines_do(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("one\ntwo\n \n\nthree\n\n", encoding="utf-8")
    assert words(open_corpus(file)) == [["one", "two"], ["three"]]
    file.write_text("one\r\ntwo\r\nthree\r\n\r\n", encoding="utf-8", newline="")
    assert words(open_corpus(file)) == [["one"], ["two"], ["three"]]


@pytest.mark.parametrize(
    ("documents", "found"),
    [
        ("auto", ["one\ntwo\n", "three\n"]),
        ("paragraph", ["one\ntwo\n", "three\n"]),
        ("line", ["one\n", "two\n", "three\n"]),
        ("file", ["one\ntwo\n\nthree\n"]),
    ],
)
def test_a_document_of_plain_text_is_what_is_asked_for(documents, found, tmp_path):
    file, layout = tmp_path / "a.txt", Layout(documents=documents)
    file.write_text("one\ntwo\n\nthree\n", encoding="utf-8")
    corpus = open_corpus(file, layout=layout)
    assert list(corpus) == found
    assert corpus.decided[0]["document"] == (documents if documents != "auto" else "paragraph")


def test_rows_that_were_kept_before_there_was_a_choice_of_documents_are_found(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("one\n\ntwo\n", encoding="utf-8")
    prints = {_file_hash(file, None, Layout(**how)) for how in ({}, {"documents": "line"}, {"encoding": "cp1252"})}
    assert len(prints) == 3
    old = "Layout(encoding='cp1252', format='auto', delimiter='auto', quoting='auto', header=True)"
    digest = hashlib.blake2b(f".txt 9 None {old}one\n\ntwo\n".encode(), digest_size=8).hexdigest()
    assert _file_hash(file, None, Layout(encoding="cp1252")) == digest


def test_the_column_is_named_or_guessed(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"headline": "h", "sentence": "s", "content": "c"}\n', encoding="utf-8")
    assert list(open_corpus(file)) == ["c"]
    assert list(open_corpus(file, column="headline")) == ["h"]
    file.write_text('{"caption": "the only one"}\n', encoding="utf-8")
    assert list(open_corpus(file)) == ["the only one"]


def test_the_fingerprint_follows_the_content_and_the_column(tmp_path):
    file, copy = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    file.write_text('{"text": "one", "title": "t"}\n', encoding="utf-8")
    copy.write_bytes(file.read_bytes())
    before = open_corpus(file).fingerprint
    assert open_corpus(copy).fingerprint == before != open_corpus(file, column="title").fingerprint
    file.write_text('{"text": "two", "title": "t"}\n', encoding="utf-8")
    assert open_corpus(file).fingerprint != before


def test_half_a_surrogate_pair_does_not_stop_the_reading(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "smile \\ud83d é"}\n', encoding="utf-8")
    assert list(open_corpus(tmp_path / "a.jsonl")) == ["smile ? é"]


@given(st.lists(st.text("ab ", min_size=1, max_size=3), min_size=1), st.integers(0, 5), st.floats(0, 0.99))
def test_the_split_loses_no_document_and_copies_stay_together(texts, seed, share):
    corpus = Corpus.from_texts(["x", *texts])
    split = split_documents(corpus, share, seed)
    sides = []
    for side in (split.train, split.validation):
        try:
            sides.append(list(side))
        except ElectraError:
            sides.append([])
    assert sorted(sides[0] + sides[1]) == sorted(corpus)
    assert not set(sides[0]) & set(sides[1])


def test_the_split_has_about_the_share_asked_for_and_follows_the_seed():
    corpus = Corpus.from_texts([f"document {i}" for i in range(4_000)])
    validation = list(split_documents(corpus, 0.1).validation)
    assert 330 < len(validation) < 470
    assert list(split_documents(corpus, 0.1).validation) == validation
    assert list(split_documents(corpus, 0.1, seed=1).validation) != validation


def test_stats_count_what_they_say():
    stats = corpus_stats(
        Corpus.from_texts(["the Cat cat's cat.", "the dog", "今天 well-known 7", "the dog"]),
        tokenizer_from_words(["the", "cat", "'", "s", "dog", "."]),
    )
    assert (stats.documents, stats.duplicates, stats.words, stats.longest) == (4, 1, 12, 4)
    assert stats.types == len({"the", "cat's", "cat", "dog", "今", "天", "well-known", "7"})
    assert stats.characters == len("the Cat cat's cat." + "the dog" * 2 + "今天 well-known 7")
    assert stats.tokens == 7 + 2 + 6 + 2
    assert stats.tokens_per_word == stats.tokens / 12
    assert corpus_stats(Corpus.from_texts(["a"])).tokens is None


def test_batches_lose_no_text():
    texts = ["a" * 10, "b" * 25, "c"]
    assert list(in_batches(texts, characters=20)) == [["a" * 10, "b" * 25], ["c"]]


def test_docs_are_prose_from_docstrings_each_paragraph_once(tmp_path, monkeypatch):
    from electra_helpers.reading import documentation

    prose = "This is the first sentence of a docstring that is long enough to be kept."
    table = "x : int\n    The number of the things that are in it."
    module = f'"""{prose}\n\n{table}\n"""\ndef f():\n    r"""{prose}"""\n'
    (tmp_path / "a.py").write_text(module + "raise SystemExit('imported')\n", encoding="utf-8")
    (tmp_path / "b.py").write_text('print \'Python 2\'  # """', encoding="utf-8")
    (tmp_path / "c.py").write_bytes(b'"""latin \xe9"""')
    files = [(path.name, path) for path in sorted(tmp_path.glob("*.py"))]
    monkeypatch.setattr(documentation, "_source_files", lambda: files)
    corpus = open_corpus("docs")
    assert list(corpus) == [prose]
    assert "1 documents" in corpus.describe()
    monkeypatch.setattr(documentation, "_source_files", lambda: 1 / 0)  # a second call reads what was kept
    assert open_corpus("docs").fingerprint == corpus.fingerprint


def test_prose_is_told_from_signatures_tables_and_code():
    from electra_helpers.reading.documentation import docstrings, prose_paragraphs

    text = "\n\n".join(
        [
            "Return the value of the option that was given on the command line, if there is one.",
            "Parameters\n----------\nThe name of the thing that is to be read from the file is here.",
            ">>> the = 1  # this is the line of an example and it is not a sentence of the text.",
            "Too short.",
            "x_1 = f(a, b) * g[c] and so_on + the_end == of.the(list) in it[0].",
            "A word is followed\nby others on the next line, and they are joined to be a sentence.",
        ]
    )
    kept = prose_paragraphs(text)
    assert [paragraph.split()[0] for paragraph in kept] == ["Return", "A"]
    assert "\n" not in kept[1]
    assert list(docstrings('"""m"""\nclass A:\n    """c"""\n    async def f(self):\n        """f"""\n')) == [
        "m",
        "c",
        "f",
    ]


def test_the_installed_documentation_names_only_files_that_are_there():
    from electra_helpers.reading.documentation import _source_files

    names = [name for name, path in _source_files() if path.is_file()]
    assert "python/argparse.py" in names
    assert "numpy/__init__.py" in names
    assert not [name for name in names if "/tests/" in name]


def test_the_world_holds_out_its_own_stories():
    corpus = open_corpus("world:fr:300")
    split = split_documents(corpus, 0.5)
    train, validation = list(split.train), list(split.validation)
    assert train == list(corpus)
    assert (len(train), len(validation)) == (300, 200)
    assert not set(train) & set(validation)
    assert corpus.describe() == "world (300 stories in French)"
    prints = {open_corpus(name).fingerprint for name in ("world:fr:300", "world:en:300", "world:fr:301", "world")}
    assert len(prints | {corpus.fingerprint}) == 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", r"a\.txt is empty \(0 bytes\)"),
        ("a.txt", b"\n  \n", r"There is no text in a\.txt"),
        ("a.doc", b"text", r"of no form that can be read: the name must end in \.txt, \.jsonl"),
        ("a.txt", "fine\ncaf\u00e9\n".encode("latin-1"), r"not UTF-8: byte 0xe9 on line 2"),
        ("a.txt", "one\n".encode("utf-16"), r"line 1 holds NUL bytes"),
        ("a.txt", b"text\n\x00\x01\x02", r"line 2 holds NUL bytes"),
        ("a.txt.xz", b"not xz at all", r"is damaged, or cut short, or no \.xz file"),
        (
            "a.jsonl.xz",
            lzma.compress(as_bytes(".jsonl", DOCUMENTS * 9))[:-40],
            r"a\.jsonl\.xz is damaged, or cut short",
        ),
        ("a.txt.gz", b"\x1f\x8b\x08\x00broken", r"is damaged, or cut short, or no \.gz file"),
        ("a.jsonl", b'{"text": "fine"}\n' * 6 + b'{"text": "no end}\n', r"Wrong JSON on line 7 of .*a\.jsonl: "),
        ("a.jsonl", b'["text"]\n', r"Line 1 of .* is a list: each line must be an object"),
        ("a.jsonl", b'{"title": "t", "url": "u"}\n', r"none of the columns text, content.*it has: title, url"),
        ("a.jsonl", b'{"text": "t"}\n{"title": "t"}\n', r"Row 2 of .* has no column 'text'; it has: title"),
        ("a.jsonl", b'{"text": ["t"]}\n', r"Column 'text' of .* holds no text: row 1 has list there"),
        ("a.jsonl", b"\n\n", r"a\.jsonl holds no rows"),
        ("a.csv", b"title,text\n1,2,3\n", r"Line 2 of .* has more fields than its header"),
        ("a.csv", b'title,text\n1,"2\n', r"no correct CSV"),
        ("a.csv", b"title,text\n", r"a\.csv holds no rows"),
        ("a.parquet", b"PAR1 and no more", r"is no Parquet file, or damaged"),
    ],
)
def test_bad_files_are_told(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ElectraError, match=message) as caught:
        list(open_corpus(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ((), "No corpus was named"),
        (("nowhere.txt",), r"nowhere\.txt does not exist"),
        ((".",), "holds no text: no file that ends in"),
        (("world:de",), "The little world speaks en, .*, not 'de'"),
        (("world:en:many",), "asks for 'many' stories"),
        (("hub:a/b/c/d",), "is no name on the hub"),
    ],
)
def test_bad_sources_are_told(sources, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ElectraError, match=message):
        open_corpus(*sources)


def test_a_wrong_column_lists_those_found(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"title": "t", "text": "x"}\n', encoding="utf-8")
    with pytest.raises(ElectraError, match="has no column 'body'; it has: title, text"):
        open_corpus(tmp_path / "a.jsonl", column="body")


def test_a_share_that_holds_nothing_out_is_told():
    corpus = Corpus.from_texts(["one document {odd}"], "one {odd} file")
    with pytest.raises(
        ElectraError, match=r"No document of one \{odd\} file fell into the validation share \(0 is for"
    ):
        list(split_documents(corpus, 0).validation)
    with pytest.raises(ElectraError, match="choose a share of at least 0 and below 1"):
        split_documents(corpus, 1.0)


@pytest.mark.parametrize(
    ("written", "meant"),  # a set whose revision is known is pinned to it
    [
        ("owner/name", ("owner/name", None, None)),
        ("owner/name@main", ("owner/name", None, "main")),
        ("Salesforce/wikitext/wikitext-2-raw-v1", ("Salesforce/wikitext", "wikitext-2-raw-v1", WIKITEXT)),
        ("wikitext/wikitext-2-raw-v1", ("Salesforce/wikitext", "wikitext-2-raw-v1", WIKITEXT)),
        ("Skylion007/openwebtext", ("Skylion007/openwebtext", None, None)),
        ("openwebtext", ("Skylion007/openwebtext", None, None)),
    ],
)
def test_names_on_the_hub_may_carry_a_configuration_and_a_revision(written, meant):
    assert hub.hub_name(written) == meant


@pytest.fixture
def fake_hub(tmp_path, monkeypatch):
    """`datasets.load_dataset` for hub names, answered by its own "json" builder from two local shards."""
    datasets = pytest.importorskip("datasets")
    real, asked = datasets.load_dataset, []
    for shard in range(2):
        rows = [{"url": "u", "text": text} for text in ("", *DOCUMENTS[2 * shard : 2 * shard + 2])]
        (tmp_path / f"{shard}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def load(name, configuration, split, revision, streaming):
        asked.append((name, configuration, revision))
        files = [str(tmp_path / f"{shard}.jsonl") for shard in range(2)]
        return real("json", data_files=files, split=split, streaming=streaming, cache_dir=str(tmp_path / "hub"))

    monkeypatch.setattr(datasets, "load_dataset", load)
    return asked


@pytest.mark.parametrize("streaming", [False, True])
def test_a_hub_set_is_read_like_a_file(fake_hub, streaming):
    corpus = open_corpus("hub:owner/name/config", streaming=streaming)
    assert list(corpus) == list(corpus) == DOCUMENTS
    assert fake_hub == [("owner/name", "config", None)]
    assert len(corpus.parts) == (2 if streaming else 1)
    assert corpus.fingerprint == open_corpus("hub:owner/name/config", streaming=streaming).fingerprint


def test_a_wrong_column_of_a_hub_set_lists_those_found(fake_hub):
    with pytest.raises(ElectraError, match=r"hub:owner/name has no column 'body'; it has: url, text"):
        open_corpus("hub:owner/name", column="body")


def test_an_unreachable_hub_is_one_line(monkeypatch):
    datasets = pytest.importorskip("datasets")

    def unreachable(*args, **kwargs):
        raise ConnectionError("Couldn't reach 'a/b' on the Hub (OfflineModeIsEnabled)\nand more")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(ElectraError, match=r"^a/b could not be fetched from the hub \(Couldn't reach .*\)\. Without"):
        open_corpus("hub:a/b")


def test_offline_the_real_library_is_told_in_one_line_too(monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ElectraError, match="could not be fetched from the hub") as caught:
        open_corpus("hub:owner/not-there")
    assert "\n" not in str(caught.value)


def test_real_articles_split_as_asked(real_data):
    split = split_documents(open_corpus(real_data / "pretrain" / "zh_wiki.jsonl.xz"), 0.01)
    validation = list(split.validation)
    assert 100 < len(validation) < 200
    assert validation == list(split.validation)
