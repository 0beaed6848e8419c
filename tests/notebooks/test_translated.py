"""The Chinese edition fits the English one: each cell translates what stands there now, and its code is the same code."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from electra_helpers.course.exercises import find
from electra_helpers.language import catalogue
from tests.course.solved import exercise_of
from tests.notebooks import translated
from tests.notebooks.form import ROOT, code_cells, notebooks, read, translations
from tests.notebooks.translated import (
    EDITION,
    LINK,
    Untranslatable,
    code_of,
    fingerprint,
    local_links,
    made_of,
    missing_texts,
    parse,
    read_translation,
    skeleton,
    stale,
    wrong_strings,
)

PAGES = {"README.md": "README.md", "TEACHING.md": "notebooks/TEACHING.md"}
each_original = pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in notebooks()])
each_translation = pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in translations()])


@each_original
def test_every_cell_translates_what_stands_there_now(path):
    assert stale(read(path), read_translation(path)) == [], (
        "translate, then `python -m tests.notebooks.translated --accept NN.ID`"
    )


@each_translation
def test_the_code_is_the_english_code_but_for_its_table(path):
    english = {cell.id: cell.source for cell in code_cells(read(translated.original_of(path)))}
    for cell in code_cells(read(path)):
        strings = dict(cell.metadata.get("strings", {}))
        assert cell.source == code_of(english[cell.id], strings), cell.id
        assert wrong_strings(english[cell.id], strings) == [], cell.id


@each_translation
def test_tags_and_exercises_are_those_of_the_english_notebook(path):
    book, english = read(path), read(translated.original_of(path))
    assert [cell.metadata.get("tags") for cell in book.cells] == [cell.metadata.get("tags") for cell in english.cells]
    text = "".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    for number in filter(None, map(exercise_of, code_cells(book))):
        exercise = find(number)
        kind = {"build": "B", "find": "F", "decide": "D", "measure": "M", "write": "W"}[exercise.kind]
        title = catalogue("zh").gettext(exercise.title)  # as in the table of progress
        heading = f"### {'★ ' if exercise.starred else ''}练习 {number} [{kind}] · {title}（{exercise.minutes} 分钟）"
        assert heading in text, heading
        assert f'eh.solution("{number}")' in text


@each_translation
def test_it_says_that_it_is_chinese(path):
    assert code_cells(read(path))[0].source.count('language="zh"') == 1


def dead_links(path: Path, text: str) -> list[str]:
    """Links to files that are not there."""
    targets = [target.split("#")[0] for target in LINK.findall(text) if not target.startswith(("http", "data:"))]
    return [target for target in targets if target and not (path.parent / target).exists()]


@each_translation
def test_its_links_lead_somewhere(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert dead_links(path, prose) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_translates_what_stands_there_now_and_its_links_lead_somewhere(name):
    path, original = EDITION / name, ROOT / PAGES[name]
    text = path.read_text("utf-8")
    note = f"<!-- translates {PAGES[name]} {fingerprint(original.read_text('utf-8'))} -->"
    assert text.rstrip().endswith(note), f"{PAGES[name]} changed: translate, then end {name} with {note}"
    assert dead_links(path, text) == []


BOOK = {
    "head": "# 00 · Words\n\nOne promise, in [the next](01_more.ipynb).",
    "set": "import electra_helpers as eh\n\nenv = eh.setup(seed=0)",
    "end": "Done.",
    "show": 'n = 3  # how many\nprint(f"{n:>6} words of {env.seed}")',
}


@pytest.fixture
def book():
    cells = [new_markdown_cell("[contents](../README.md)", id="navigation")]
    for name, source in BOOK.items():
        made = new_code_cell if name in ("set", "show") else new_markdown_cell
        cells.append(made(source, id=name))
    return new_notebook(cells=cells)


FILE = """
<!-- cell: head -->
# 00 · 词

一个承诺。

<!-- strings: show -->
how many ⇒ 多少
{n:>6} words of {env.seed} ⇒ 种子 {env.seed} 的 {n:>4} 个词

<!-- cell: end -->
完。
"""


def test_a_translators_file_becomes_a_notebook_with_the_same_code(book):
    texts = parse(FILE)
    assert missing_texts(book, texts) == []
    made = {cell.id: cell for cell in made_of(book, None, texts).cells}
    assert made["head"].source == "# 00 · 词\n\n一个承诺。"
    assert made["head"].metadata["translates"] == fingerprint(BOOK["head"])
    assert made["set"].source.endswith('eh.setup(seed=0, language="zh")')
    assert made["show"].source == 'n = 3  # 多少\nprint(f"种子 {env.seed} 的 {n:>4} 个词")'
    nbformat.validate(made_of(book, None, texts))


@pytest.mark.parametrize(
    ("part", "other", "told"),
    [
        ("how many ⇒ 多少", "n ⇒ 数", "more than comments"),
        ("how many ⇒ 多少", "so many ⇒ 多少", "is not in the cell"),
        ("how many ⇒ 多少", "how many = 多少", "not `English ⇒ 中文`"),
        (
            "{n:>6} words of {env.seed} ⇒ 种子 {env.seed} 的 {n:>4} 个词",
            "{n:>6} words of {env.seed} ⇒ {n} 个词",
            "more than",
        ),
        ("{n:>6} words of {env.seed} ⇒ 种子 {env.seed} 的 {n:>4} 个词", 'words of ⇒ " 词', "no Python"),
        ("<!-- cell: end -->\n完。", "", "end is not translated"),
        ("<!-- cell: end -->", "<!-- cell: fin -->", "no markdown cell fin"),
        ("<!-- cell: end -->", "<!-- cell: head -->", "there twice"),
        ("<!-- strings: show -->", "<!-- strings: shown -->", "no code cell shown"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_reason(book, part, other, told):
    assert part in FILE
    try:
        wrong = missing_texts(book, parse(FILE.replace(part, other)))
    except Untranslatable as error:
        wrong = [str(error)]
    assert any(told in each for each in wrong), wrong


def test_only_texts_and_the_width_of_a_field_may_differ():
    same = skeleton('print(f"{n:>6} of {m!r}", "a")  # b')
    assert same == skeleton('print(f"共 {m!r}，其中 {n:>4}", "甲")')
    for other in (
        'print(f"{n:.2f} of {m!r}", "a")',
        'print(f"{n} of {m}", "a")',
        'print(f"{n}{k!r}", "a")',
        'print(f"{n}{m!r}", 1)',
    ):
        assert same != skeleton(other), other


def test_a_changed_sentence_is_named_and_the_prose_left_alone(book):
    made = made_of(book, None, parse(FILE))
    assert stale(book, made) == []
    book.cells[3].source = "Done, at last."
    assert stale(book, made) == ["end: the English text changed: 'Done, at last.'"]
    again = made_of(book, made, parse(""))
    assert again.cells[3].source == "完。"
    assert stale(book, again) == ["end: the English text changed: 'Done, at last.'"]


def test_changed_code_is_made_anew_and_wants_to_run(book):
    made = made_of(book, None, parse(FILE))
    for cell in code_cells(made):
        cell.execution_count = 1
    book.cells[4].source = BOOK["show"].replace("n = 3", "n = 4")
    assert stale(book, made) == ["show: the code is another, run `make zh`"]
    again = made_of(book, made, parse(""))
    assert stale(book, again) == []
    assert [cell.execution_count for cell in code_cells(again)] == [1, None]
    assert again.cells[4].source.startswith("n = 4  # 多少")


def test_a_new_cell_a_gone_one_and_another_order_are_named(book):
    made = made_of(book, None, parse(FILE))
    book.cells.insert(2, new_markdown_cell("One more thought.", id="new"))
    del book.cells[-1]
    found = stale(book, made)
    assert any(each.startswith("new: the cell is missing") for each in found)
    assert any(each.startswith("show: no such cell") for each in found)
    again = made_of(book, made, parse(""))
    assert stale(book, again) == ["new: it is not translated: 'One more thought.'"]
    turned = made_of(book, made, parse(FILE.replace("<!-- strings", "<!-- cell: new -->\n又一个想法。\n<!-- strings")))
    assert stale(book, turned) == []
    turned.cells[1:3] = turned.cells[2:0:-1]
    assert stale(book, turned) == ["the cells are in another order, run `make zh`"]


def test_links_to_files_of_the_english_edition_go_one_folder_up():
    text = "[a](../README.md) [b](RECIPES.md#x) [c](02_encoder.ipynb) [d](https://example.org/RECIPES.md) ![e](images/explorer.png)"
    assert local_links(text) == (
        "[a](README.md) [b](../RECIPES.md#x) [c](02_encoder.ipynb) [d](https://example.org/RECIPES.md) ![e](../images/explorer.png)"
    )
    assert local_links(local_links(text)) == local_links(text), "twice is once"


TERMS = EDITION / "术语.md"


def terms(text: str = TERMS.read_text("utf-8")) -> list[tuple[str, str, list[str]]]:
    """English, Chinese, and what is not written for it, of every row of the tables."""
    rows = [line.strip()[1:-1].split("|") for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row] for row in rows if row[0].strip() != "English"]
    return [(english, chinese, [word for word in re.split("、", other) if word]) for english, chinese, other in cells]


def prose() -> dict[str, str]:
    """Notebook → its Chinese text, without code."""
    return {
        path.stem: "\n".join(
            re.sub(r"`[^`]*`|<code>.*?</code>", "", cell.source)
            for cell in read(path).cells
            if cell.cell_type == "markdown"
        )
        for path in translations()
    }


def test_each_english_term_has_one_chinese_term():
    english, chinese = [row[0] for row in terms()], [row[1] for row in terms()]
    assert len(english) == len(set(english)) >= 80
    assert all(re.search(r"[\u4e00-\u9fff]", text) or text == name for name, text in zip(english, chinese, strict=True))


def test_every_term_is_used_and_nothing_else_is_written_for_it():
    written = prose()
    for english, chinese, others in terms():
        assert any(chinese in text for text in written.values()), f"{english}: {chinese} is nowhere"
        for other in others:
            found = [name for name, text in written.items() if other in text.replace(chinese, "")]
            assert not found, f"{english} is {chinese}, not {other}: {found}"


def test_a_term_is_introduced_with_its_english_name():
    introduced, _ = TERMS.read_text("utf-8").split("## 其他术语")
    written = "\n".join(prose().values())
    assert len(terms(introduced)) >= 60
    for english, chinese, _ in terms(introduced):
        told = rf"{re.escape(chinese)}[（(][^）)]*{re.escape(english)}"
        assert re.search(told, written, re.IGNORECASE), f"introduce {chinese}（{english}）"
