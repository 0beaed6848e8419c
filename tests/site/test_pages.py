"""The pages as they are written: complete, linked, and whole without another machine."""

import re
import shutil
from itertools import pairwise

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from electra_helpers.errors import ElectraError
from electra_helpers.site.build import SIZE_LIMIT, build, size_of
from electra_helpers.site.pages import Anchors
from tests.site.pages import Written, faults, read
from tests.site.written import ROOT

BOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site.out.resolve()).as_posix(): page for path, page in read(site.out).items()}


def test_every_link_anchor_and_file_is_there_and_nothing_comes_from_another_machine(site, pages):
    assert len(pages) > len(BOOKS)
    assert faults(site.out) == []


@pytest.mark.parametrize("book", BOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_page_with_its_headings_its_outputs_and_its_file(site, pages, book):
    page = pages[f"en/{book.stem}.html"]
    cells = nbformat.read(book, as_version=4).cells
    for cell in cells:
        for heading in re.findall(r"^#{2,3} (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else []:
            assert re.sub(r"[`*]", "", heading) in page.text
    assert page.source.count('<div class="cell">') == sum(cell.cell_type == "code" for cell in cells)
    pictures = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))
    assert page.source.count('<img src="data:image/png;base64,') >= pictures
    to_download = nbformat.read(site.out / "files" / "notebooks" / book.name, as_version=4).cells
    assert [cell.source for cell in to_download] == [cell.source for cell in cells]
    assert not any(cell.get("outputs") for cell in to_download), "they stand on the page"


def test_the_pages_lead_through_the_course_in_order(pages):
    names = [book.stem for book in BOOKS]
    for before, after in pairwise(names):
        assert f'rel="next" href="{after}.html"' in pages[f"en/{before}.html"].source
        assert f'rel="prev" href="{before}.html"' in pages[f"en/{after}.html"].source


def test_an_exercise_shows_its_stub_and_keeps_hints_and_solution_folded(pages):
    page = pages["en/03_generator.html"].source
    frame = page[page.index('<section class="exercise">') : page.index("</section>")]
    assert "NotImplementedError" in frame
    assert frame.count("<details><summary>Hint") == 2
    solution = frame[frame.index('<details class="solution">') :]
    assert "select_positions" in solution
    assert "eh.solution" not in solution
    assert not re.search(r"<details[^>]* open", page[page.index("<article") :])


def test_no_markdown_and_no_place_of_a_formula_is_left_over(pages):
    for name, page in pages.items():
        assert "\x02" not in page.source, name
        prose = re.sub(r"<(pre|code)\b.*?</\1>", "", page.source, flags=re.DOTALL)
        assert not re.search(r"\]\([^)\s]+\)|^#{1,6} |\$\$", prose, re.MULTILINE), name


def test_every_public_name_is_described_and_linked_with_its_notebook(pages):
    import electra_helpers

    page = pages["en/api.html"]
    assert set(electra_helpers.__all__) <= set(page.ids)
    assert "api.html#select_positions" in pages["en/03_generator.html"].links
    section = page.source[page.source.index('id="select_positions"') :].split("</section>")[0]
    assert "03_generator.html" in section
    assert "&gt;&gt;&gt;" in section


def test_the_commands_help_stands_there_as_it_is_printed(pages, electra):
    code, printed, _ = electra("pretrain", "--help")
    assert code == 0
    words = re.findall(r"^  (--[\w-]+)", printed, re.MULTILINE)
    assert len(words) > 30
    assert all(word in pages["en/cli.html"].text for word in words)


def test_the_site_is_small_enough_and_the_first_page_needs_little(site):
    assert size_of(site.out) < SIZE_LIMIT
    first = [
        site.out / "index.html",
        *(site.out / "assets").glob("*"),
        *(site.out / "models/electra-tiny-world-en").glob("*"),
    ]
    assert sum(path.stat().st_size for path in first if path.is_file()) < 8_000_000


def test_anchors_are_githubs():
    anchors = Anchors()
    assert [anchors.of(text) for text in ("00 · Welcome", "Don't stop!", "Set up", "Set up", "中文 标题")] == [
        "00--welcome",
        "dont-stop",
        "set-up",
        "set-up-1",
        "中文-标题",
    ]


def small_clone(root):
    """A course of two notebooks, the first in two languages."""
    outputs = [
        new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m <b>"),
        new_output("error", ename="E", evalue="x"),
    ]
    cells = [
        new_markdown_cell("← nav", id="navigation"),
        new_markdown_cell("# 00 · Begin\n\n[cards](../data/README.md) and $x^2$"),
    ]
    cells += [
        new_code_cell("print('red')", outputs=outputs[:1]),
        new_code_cell("reveal()", metadata={"tags": ["outcome"]}),
    ]
    (root / "notebooks/zh").mkdir(parents=True)
    nbformat.write(new_notebook(cells=cells), root / "notebooks/00_begin.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 01 · More")]), root / "notebooks/01_more.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 00 · 开始")]), root / "notebooks/zh/00_begin.ipynb")
    (root / "data").mkdir()
    (root / "data/README.md").write_text("# Cards\n\n[gone](nowhere.txt), [the licence](../LICENSE)\n", "utf-8")
    shutil.copytree(ROOT / "notebooks/images", root / "notebooks/images")
    (root / "LICENSE").write_text("free\n", "utf-8")
    (root / "README.md").write_text("# Course\n", "utf-8")
    for name in ("TEACHING.md", "RECIPES.md"):
        (root / "notebooks" / name).write_text(f"# {name}\n", "utf-8")
    table = '\n[project.urls]\nRepository = "https://github.com/me/course/tree/v1"\n'
    (root / "pyproject.toml").write_text(f'[project]\nname = "course"\n{table}', "utf-8")
    return root


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = small_clone(tmp_path_factory.mktemp("clone"))
    return build(root, root / "build" / "site", katex=None).out


def test_the_language_switch_stays_on_the_page_or_leads_to_the_first_one(small):
    assert faults(small) == []
    begin, more, chinese = (
        Written(small / name) for name in ("en/00_begin.html", "en/01_more.html", "zh/00_begin.html")
    )
    assert "../zh/00_begin.html" in begin.links
    assert "../en/00_begin.html" in chinese.links
    assert "../zh/index.html" in more.links  # there is no 01 in Chinese yet
    assert 'lang="zh-Hans"' in chinese.source
    assert "目录" in chinese.text


def test_what_a_notebook_holds_is_shown_as_text(small):
    page = Written(small / "en/00_begin.html")
    assert '<span class="ansi-red-fg">red</span> &lt;b&gt;' in page.source
    assert "← nav" not in page.text
    assert "stays off the page" in page.text
    assert '<code class="tex">x^2</code>' in page.source


def test_a_link_without_a_place_in_the_site_leads_to_the_repository(small):
    links = Written(small / "en/data.html").links
    assert "https://github.com/me/course/tree/v1/data/nowhere.txt" in links
    assert "../files/LICENSE" in links
    assert any(
        "colab.research.google.com/github/me/course/blob/v1/notebooks/00" in link
        for link in Written(small / "en/00_begin.html").links
    )


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(ElectraError, match="did not make"):
        build(ROOT, tmp_path, katex=None)
    assert (tmp_path / "mine.txt").is_file()
