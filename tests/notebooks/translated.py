"""The Chinese edition, notebooks/zh/: each notebook is made of its English one, whose prose was translated and whose code was not.

    python -m tests.notebooks.translated                    code anew from the English notebooks, and execute what changed: `make zh`
    python -m tests.notebooks.translated --list             only list what is stale or missing
    python -m tests.notebooks.translated --load 03.md …     take in a translator's files
    python -m tests.notebooks.translated --accept 03.ID …   the prose of these cells fits its English original again

A markdown cell has the hash of the English cell that it translates in its metadata (`translates`). A code cell is the English one, but
for a table of comments and strings in its metadata (`strings`). In a translator's file a markdown cell is a line `<!-- cell: ID -->` and
its text, a table `<!-- strings: ID -->` and lines `English ⇒ 中文`.
"""

import argparse
import ast
import hashlib
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from electra_helpers.classroom.links import INSTALL, install_block
from tests.notebooks.execute import copied_notebooks, renew, write
from tests.notebooks.form import NOTEBOOKS, address, code_cells, normalise, notebooks, read, set_links

LANGUAGE = "zh"
EDITION = NOTEBOOKS / LANGUAGE
SETUP = re.compile(r"\beh\.setup\(([^()\n]+)\)")
BLOCK = re.compile(r"^<!-- (cell|strings): (\S+) -->[ \t]*$", re.MULTILINE)
ARROW = re.compile(r" ?⇒ ?")
LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))|(?<=src=\")[^\"]+(?=\")|(?<=href=\")[^\"]+(?=\")")
WIDTH = re.compile(r"^(?:.?[<>^])?\d+")  # of a format: as many columns
NAVIGATION = "navigation"


class Untranslatable(Exception):
    """A translator's file does not fit the English notebook; one line for each finding."""


@dataclass(frozen=True)
class Texts:
    """What a translator wrote for one notebook: the prose of its markdown cells, and tables of strings of its code cells."""

    prose: dict[str, str] = field(default_factory=dict)
    strings: dict[str, dict[str, str]] = field(default_factory=dict)


def original_of(path: Path) -> Path:
    """The English notebook of a translated one."""
    return NOTEBOOKS / path.name


def translation_of(path: Path) -> Path:
    """Where the translation of an English notebook is, or will be."""
    return EDITION / path.name


def fingerprint(source: str) -> str:
    """The hash by which a translation knows the English text that it was made of."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:12]


def parse(text: str) -> Texts:
    """A translator's file. Raises `Untranslatable` for a second text of one cell and for a line of a table without ⇒."""
    texts, wrong = Texts(), []
    pieces = BLOCK.split(text)[1:]
    for kind, cell_id, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        if kind == "cell":
            if cell_id in texts.prose:
                wrong.append(f"cell {cell_id} is there twice")
            texts.prose[cell_id] = body.strip("\n")
            continue
        for line in filter(str.strip, body.split("\n")):
            parts = ARROW.split(line)
            if len(parts) != 2 or not all(parts):
                wrong.append(f"strings {cell_id}: not `English ⇒ 中文`: {line!r}")
                continue
            texts.strings.setdefault(cell_id, {})[parts[0]] = parts[1]
    if wrong:
        raise Untranslatable("\n".join(wrong))
    return texts


def code_of(source: str, strings: dict[str, str]) -> str:
    """The code of a translated notebook's cell: the English source with its table applied, long texts first."""
    if strings:
        texts = "|".join(map(re.escape, sorted(strings, key=len, reverse=True)))
        source = "".join(
            part if INSTALL.fullmatch(part) else re.sub(texts, lambda found: strings[found[0]], part)
            for part in _around_install(source)
        )
    source = INSTALL.sub(lambda _: install_block(address(), LANGUAGE), source)
    return SETUP.sub(rf'eh.setup(\1, language="{LANGUAGE}")', source)


def _around_install(source: str) -> list[str]:
    """The parts of a source before, in and behind what it installs on Colab, which no table changes."""
    found = INSTALL.search(source)
    return [source[: found.start()], found[0], source[found.end() :]] if found else [source]


class _Blank(ast.NodeTransformer):
    """Empties every string of a piece of code; of an f-string its fields stay, in any order, without the widths they are printed in."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.FormattedValue:
        form = WIDTH.sub("", ast.unparse(node.format_spec)[2:-1]) if node.format_spec else ""
        return ast.FormattedValue(self.visit(node.value), node.conversion, ast.Constant(form))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        fields = [ast.dump(self.visit(each)) for each in node.values if isinstance(each, ast.FormattedValue)]
        return ast.Constant("".join(sorted(fields)))


def skeleton(source: str) -> str:
    """What of a cell's code no translation may change: everything but comments and the texts of strings."""
    plain = TransformerManager().transform_cell(INSTALL.sub("if True:\n    %pip", source))
    return ast.dump(_Blank().visit(ast.parse(plain)))


def wrong_strings(source: str, strings: dict[str, str]) -> list[str]:
    """What is wrong with the table of one code cell."""
    outside = INSTALL.sub("", source)
    wrong = [f"{english!r} is not in the cell" for english in strings if english not in outside]
    made = code_of(source, strings)
    try:
        if skeleton(made) != skeleton(SETUP.sub(lambda found: code_of(found[0], {}), source)):
            wrong.append("more than comments and texts of strings would change; take a longer English text")
    except SyntaxError as error:
        wrong.append(f"line {error.lineno} would be no Python: {error.text}")
    if made.count("\n") != source.count("\n"):
        wrong.append("the number of lines would change")
    return wrong


def missing_texts(book: NotebookNode, texts: Texts) -> list[str]:
    """How a translator's file does not fit the English notebook."""
    prose = [c.id for c in book.cells if c.cell_type == "markdown" and c.id != NAVIGATION]
    code = {cell.id: cell.source for cell in code_cells(book)}
    wrong = [f"cell {cell_id} is not translated" for cell_id in prose if not texts.prose.get(cell_id)]
    wrong += [f"there is no markdown cell {cell_id}" for cell_id in texts.prose if cell_id not in prose]
    for cell_id, strings in texts.strings.items():
        if cell_id not in code:
            wrong.append(f"there is no code cell {cell_id}")
        else:
            wrong += [f"strings {cell_id}: {each}" for each in wrong_strings(code[cell_id], strings)]
    return wrong


def local_links(text: str) -> str:
    """The prose with its links to files of the English edition one folder further up, unless the Chinese edition has the file."""

    def further_up(found: re.Match) -> str:
        target = found[0].split("#")[0]
        if not target or "://" in target or _is_there(EDITION, target) or not _is_there(NOTEBOOKS, target):
            return found[0]
        own = found[0].removeprefix("../")
        return own if found[0].startswith("../") and _is_there(EDITION, own) else f"../{found[0]}"

    return LINK.sub(further_up, text)


def _is_there(folder: Path, target: str) -> bool:
    """Whether a link from a notebook of `folder` leads to a file; a translated notebook counts before it is written."""
    return (folder / target).is_file() or (folder == EDITION and (NOTEBOOKS / target).suffix == ".ipynb")


def made_of(original: NotebookNode, before: NotebookNode | None, texts: Texts) -> NotebookNode:
    """The translated notebook of an English one, from new texts and, where there are none, from what the translation had before.

    A cell that was never translated holds the English text and translates nothing. Outputs stay where a cell's code does.
    """
    old = {cell.id: cell for cell in before.cells} if before else {}
    book = nbformat.v4.new_notebook()
    for cell in original.cells:
        made, was = nbformat.from_dict(dict(cell)), old.get(cell.id)
        if cell.cell_type == "code":
            strings = texts.strings.get(cell.id, dict(was.metadata.get("strings", {})) if was else {})
            _set_code(made, was, strings)
        elif cell.id in texts.prose:
            made.source = local_links(texts.prose[cell.id])
            made.metadata["translates"] = fingerprint(cell.source)
        elif was is not None and cell.id != NAVIGATION:
            made.source = was.source
            made.metadata["translates"] = was.metadata.get("translates", "")
        elif cell.id != NAVIGATION:
            made.metadata["translates"] = ""
        book.cells.append(made)
    return book


def _set_code(made: NotebookNode, was: NotebookNode | None, strings: dict[str, str]) -> None:
    made.source = code_of(made.source, {a: b for a, b in strings.items() if a in made.source})
    if strings:
        made.metadata["strings"] = strings
    is_same = was is not None and was.source == made.source
    made.outputs = was.outputs if is_same else []
    made.execution_count = was.execution_count if is_same else None


def stale(original: NotebookNode, translation: NotebookNode | None) -> list[str]:
    """What a translation lacks against its original, cell by cell; an empty list where it is up to date."""
    if translation is None:
        return ["there is no translation yet"]
    theirs = {cell.id: cell for cell in translation.cells}
    found = [
        f"{cell.id}: no such cell in the English notebook"
        for cell in translation.cells
        if cell.id not in _ids(original)
    ]
    for cell in original.cells:
        own = theirs.get(cell.id)
        if own is None:
            found.append(f"{cell.id}: the cell is missing, run `make zh`")
        elif cell.cell_type == "code":
            strings = dict(own.metadata.get("strings", {}))
            found += [
                f"{cell.id}: the table says {each!r}, the cell does not" for each in strings if each not in cell.source
            ]
            if own.source != code_of(cell.source, strings):
                found.append(f"{cell.id}: the code is another, run `make zh`")
        elif cell.id != NAVIGATION and own.metadata.get("translates") != fingerprint(cell.source):
            state = "the English text changed" if own.metadata.get("translates") else "it is not translated"
            found.append(f"{cell.id}: {state}: {cell.source.strip().splitlines()[0][:60]!r}")
    if not found and _ids(original) != _ids(translation):
        found.append("the cells are in another order, run `make zh`")
    return found


def _ids(book: NotebookNode) -> list[str]:
    return [cell.id for cell in book.cells]


def read_translation(path: Path) -> NotebookNode | None:
    """The translation of an English notebook, where there is one."""
    return read(translation_of(path)) if translation_of(path).is_file() else None


def save(path: Path, texts: Texts) -> bool:
    """Write the translation of an English notebook anew; whether its code changed, so that it wants to be executed."""
    before = read_translation(path)
    book = made_of(read(path), before, texts)
    EDITION.mkdir(exist_ok=True)
    if before is None:
        write(book, translation_of(path))  # its heading is asked for by the links
    set_links(book, translation_of(path))
    normalise(book)
    write(book, translation_of(path))
    return any(cell.execution_count is None for cell in code_cells(book))


def load(file: Path) -> str:
    """Take in a translator's file, NN.md or NN_name.md; what was done. Raises `Untranslatable` where it does not fit."""
    path = original_named(file.name[:2])
    texts = parse(file.read_text("utf-8"))
    _leave_out_installing(read(path), texts)
    wrong = missing_texts(read(path), texts)
    if wrong:
        raise Untranslatable("\n".join(wrong))
    save(path, texts)
    return f"{translation_of(path).relative_to(NOTEBOOKS)}: {len(texts.prose)} texts, {len(texts.strings)} tables"


def _leave_out_installing(book: NotebookNode, texts: Texts) -> None:
    """Drop what a table says of the lines that install on Colab: `links.WORDS` has them in every language."""
    for cell in code_cells(book):
        inside = "".join(found[0] for found in INSTALL.finditer(cell.source))
        for english in list(texts.strings.get(cell.id, {})):
            if english in inside and english not in INSTALL.sub("", cell.source):
                del texts.strings[cell.id][english]
                print(f"{cell.id}: left out {english[:40]!r}, which the set-up cells have from classroom/links.py")


def original_named(number: str) -> Path:
    """The English notebook of that number. Raises `Untranslatable` where there is none."""
    found = [path for path in notebooks() if path.name.startswith(f"{number}_")]
    if not found:
        raise Untranslatable(f"there is no notebook {number!r}")
    return found[0]


def accept(name: str) -> None:
    """Note that the prose of a cell, `NN.ID`, fits the English cell as it is now."""
    number, _, cell_id = name.partition(".")
    path = original_named(number)
    book = read(translation_of(path))
    english = {cell.id: cell.source for cell in read(path).cells if cell.cell_type == "markdown"}
    if cell_id not in english or cell_id not in _ids(book):
        raise Untranslatable(f"{name}: there is no such markdown cell")
    next(cell for cell in book.cells if cell.id == cell_id).metadata["translates"] = fingerprint(english[cell_id])
    write(book, translation_of(path))


def renew_edition() -> None:
    """Make the code of every translation anew, and execute those whose code changed."""
    changed = [path for path in notebooks() if translation_of(path).is_file() and save(path, Texts())]
    with copied_notebooks() as folder:
        for path in changed:
            renew(translation_of(path), folder)


def report() -> int:
    """Print what is stale or missing, notebook by notebook; how many findings there are."""
    count = 0
    for path in notebooks():
        found = stale(read(path), read_translation(path))
        count += len(found)
        print("\n".join(f"{path.stem[:2]}.{each}" for each in found) or f"{path.stem[:2]}: up to date")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.notebooks.translated", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="files to load, or NN.ID of cells to accept")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--load", action="store_true", help="take in translators' files")
    group.add_argument("--accept", action="store_true", help="these cells fit their original again")
    group.add_argument("--list", action="store_true", help="only list what is stale or missing")
    options = parser.parse_args()
    failed = False
    for name in options.names:
        try:
            print(load(Path(name)) if options.load else accept(name) or f"{name}: accepted")
        except Untranslatable as error:
            failed = True
            print("\n".join(f"{Path(name).name}: {line}" for line in str(error).splitlines()), file=sys.stderr)
    if not options.load and not options.accept:
        if not options.list:
            renew_edition()
        return 1 if report() else 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
