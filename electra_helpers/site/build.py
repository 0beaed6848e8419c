"""The site as a whole: which pages there are, in which order, and writing them.

Everything is read from a clone: notebooks/, the documents, data/ and the package itself.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from electra_helpers import __version__
from electra_helpers.classroom.links import Address, address_of_clone, colab_url
from electra_helpers.classroom.own_folder import begin_own_folder
from electra_helpers.errors import ElectraError
from electra_helpers.language import ENGLISH, choose_language
from electra_helpers.site import command_help, formulas, home, markdown, models, notebooks, reference, search
from electra_helpers.site.engine import write_engine
from electra_helpers.site.pages import FILES, Anchors, Page, Places
from electra_helpers.site.words import DEFAULT, LANGUAGES, WORDS

HERE = Path(__file__).parent
SIZE_LIMIT = 40_000_000  # bytes, of two languages
# Part of the navigation → the numbers of its notebooks.
PARTS = {"start": (0, 1), "nets": (2, 3, 4, 5), "whole": (6, 7), "uses": tuple(range(8, 100))}
# Document of the repository → the name of its page, its part, and its title in the navigation.
DOCUMENTS = {
    "README.md": ("readme", "guides", "README"),
    "notebooks/RECIPES.md": ("recipes", "guides", "Recipes"),
    "notebooks/TEACHING.md": ("teaching", "guides", "Teaching"),
    "notebooks/API.md": ("using", "guides", "From Python"),
    "CONTRIBUTING.md": ("contributing", "guides", "Contributing"),
    "CHANGELOG.md": ("changelog", "guides", "Changes"),
    "data/README.md": ("data", "reference", "Data card"),
    "data/world/README.md": ("data-world", "reference", "The little world"),
    "tests/benchmarks/README.md": ("benchmarks", "reference", "Benchmarks"),
    "tests/reference/README.md": ("reference-numbers", "reference", "Reference numbers"),
}


@dataclass
class Site:
    """All pages of the site of a clone, and where they are written."""

    root: Path
    out: Path
    typeset: formulas.Typeset
    pages: list[Page] = field(default_factory=list)
    formulas: formulas.Formulas = field(default_factory=formulas.Formulas)

    def __post_init__(self) -> None:
        self.address: Address | None = address_of_clone(self.root)
        self.places = Places(self.root, address=self.address)

    def of_language(self, language: str) -> list[Page]:
        return [page for page in self.pages if page.language == language]

    def plan(self) -> None:
        """Every page with its name and title, so that any page can link to any other."""
        for language in LANGUAGES:
            self._plan_notebooks(language)
        languages = {page.language for page in self.pages}
        self._plan_documents()
        for name, part in (("api", "reference"), ("cli", "reference")):
            self.add(Page(f"{DEFAULT}/{name}.html", DEFAULT, part, WORDS[DEFAULT][name]))
        for language in languages:
            name = "index.html" if language == DEFAULT else f"{language}/index.html"
            home = Page(name, language, "home", WORDS[language]["home"], template=f"home.{language}.html")
            self.pages.insert(0, home)

    def _plan_notebooks(self, language: str) -> None:
        folder = self.root / "notebooks" / ("" if language == DEFAULT else language)
        for path in sorted(folder.glob("*.ipynb")):
            part = next(part for part, numbers in PARTS.items() if int(path.name[:2]) in numbers)
            source = path.relative_to(self.root).as_posix()
            page = Page(f"{language}/{path.stem}.html", language, part, notebooks.read_title(path), source=source)
            page.notebook, page.template = f"{FILES}/{source}", "notebook.html"
            self.places.copied.add(source)
            self.add(page)

    def _plan_documents(self) -> None:
        found = dict(DOCUMENTS)
        for path in sorted((self.root / "data" / "models").glob("*/README.md")):
            source = path.relative_to(self.root).as_posix()
            found[source] = (f"model-{path.parent.name}", "reference", path.parent.name)
        for source, (name, part, title) in found.items():
            if (self.root / source).is_file():
                self.add(Page(f"{DEFAULT}/{name}.html", DEFAULT, part, title, source=source))
        for language in set(LANGUAGES) - {DEFAULT}:
            for source, name in (("README.md", "readme"), ("TEACHING.md", "teaching")):
                if (self.root / "notebooks" / language / source).is_file():
                    title, path = WORDS[language][name], f"notebooks/{language}/{source}"
                    self.add(Page(f"{language}/{name}.html", language, "guides", title, source=path))

    def add(self, page: Page) -> None:
        self.pages.append(page)
        if page.source:
            self.places.pages[page.source] = page.name

    def fill(self) -> None:
        """The body of every page."""
        numbered = self._numbered(DEFAULT)
        for page in self.pages:
            choose_language(page.language)
            if page.notebook and page.source:
                notebooks.fill(page, self.root / page.source, self.places, self.formulas)
            elif page.source:
                text = (self.root / page.source).read_text("utf-8")
                page.body = markdown.render(text, page, self.places, self.formulas, Anchors())
            elif page.name.endswith("/api.html"):
                reference.fill(page, numbered)
            elif page.name.endswith("/cli.html"):
                command_help.fill(page)
            elif page.part == "home":
                home.fill(page, self.places)
            page.body = markdown.with_cells(page.body)

    def _numbered(self, language: str) -> dict[str, Page]:
        """The pages of the notebooks by their numbers."""
        return {page.title[:2]: page for page in self.of_language(language) if page.notebook}

    def write(self) -> None:
        """All pages and what they need, in `out`."""
        for source in sorted(self.places.copied):
            target = self.out / FILES / source
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.suffix == ".ipynb":
                target.write_text(without_outputs(self.root / source), "utf-8")
            else:
                shutil.copy(self.root / source, target)
        shutil.copytree(HERE / "assets", self.out / "assets", dirs_exist_ok=True)
        write_engine(self.out / "assets")
        for name in models.models_for_pages():
            models.write_model(name, self.out / "models" / name)
        for language in {page.language for page in self.pages}:
            search.write_index(self.of_language(language), self.out / "assets" / f"sections.{language}.js")
        set_formulas = self.formulas.set(self.typeset)
        templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape())
        for page in self.pages:
            choose_language(page.language)
            html = templates.get_template(page.template).render(self._context(page))
            path = self.out / page.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(set_formulas(html), "utf-8")

    def _home_context(self, page: Page) -> dict:
        """What the first page names: notebooks of the table, the first one, their number, and pictures."""
        numbered = self._numbered(page.language)
        links = {
            number: Markup(f'<a href="{page.to(other.name)}">{other.title}</a>') for number, other in numbered.items()
        }
        first = next(iter(numbered.values()))
        return {
            "links": links,
            "first": first,
            "count": len(numbered),
            "there": {page.name for page in self.pages},
            "pictures": home.pictures(numbered, self.root),
        }

    def _context(self, page: Page) -> dict:
        order = [other for other in self.of_language(page.language) if other.part in PARTS]
        place = order.index(page) if page in order else None
        colab = None
        if self.address and page.notebook and page.source:
            colab = colab_url(self.root / page.source, self.root, self.address)
        return {
            "page": page,
            "words": WORDS[page.language],
            "version": __version__,
            "formulas": formulas.MARK in page.body and (self.out / "assets" / "katex").is_dir(),
            "navigation": self._navigation(page.language),
            "home": next(other for other in self.of_language(page.language) if other.part == "home"),
            "previous": order[place - 1] if place else None,
            "next": order[place + 1] if place is not None and place + 1 < len(order) else None,
            "colab": colab,
            "languages": {code: (LANGUAGES[code], target) for code, target in self._translations(page).items()},
        } | (self._home_context(page) if page.part == "home" else {})

    def _navigation(self, language: str) -> list[tuple[str, list[Page]]]:
        """The parts of the course with their pages, then guides and reference."""
        pages = self.of_language(language)
        named = [(WORDS[language][part], [page for page in pages if page.part == part]) for part in PARTS]
        rest = [
            (WORDS[language][part], [page for page in pages if page.part == part]) for part in ("guides", "reference")
        ]
        return [(name, members) for name, members in named + rest if members]

    def _translations(self, page: Page) -> dict[str, str]:
        """The same page in every language that the site has, or that language's first page."""
        names = {other.name for other in self.pages}
        homes = {other.language: other.name for other in self.pages if other.part == "home"}
        here = page.name.removeprefix(f"{page.language}/")
        return {
            code: f"{code}/{here}" if f"{code}/{here}" in names else homes[code] for code in LANGUAGES if code in homes
        }


def without_outputs(path: Path) -> str:
    """A notebook to download: its outputs stand on the page, and running it makes them anew."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nbformat.writes(notebook)


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def build(root: Path, out: Path, *, katex: Path | None) -> Site:
    """Write the site of the clone `root` into `out`, made anew; formulas by KaTeX in the folder `katex`, None leaves them as TeX.

    Raises `ElectraError` for a folder that holds anything else, where npm or KaTeX fails, and for a site of more than 40 MB.
    """
    for folder in ("notebooks", "data", "electra_helpers", "tests"):
        begin_own_folder(out, "site", apart_from=root / folder)
    typeset = formulas.as_written
    if katex is not None:
        dist = formulas.install_katex(katex)
        formulas.copy_style(dist, out / "assets" / "katex")
        typeset = formulas.katex(dist)
    site = Site(root, out, typeset)
    site.plan()
    site.fill()
    site.write()
    choose_language(ENGLISH)
    if size_of(out) > SIZE_LIMIT:
        raise ElectraError(f"The site has {size_of(out) / 1e6:.0f} MB: at most {SIZE_LIMIT / 1e6:.0f} MB are wanted.")
    return site
