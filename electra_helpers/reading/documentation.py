"""The corpus `docs`: English prose from the docstrings of the standard library and of the course's own dependencies.

Real text on every machine, without internet. Files are read with `ast` and never imported. A document is one file's
prose: the paragraphs of its docstrings that are sentences rather than signatures, tables or code. A paragraph that
occurs several times in the corpus is kept once.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import re
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from electra_helpers.cache import cache_folder, made_whole

PACKAGES = (  # as they are installed, which is also how they are imported but for scikit-learn
    *("torch", "transformers", "numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "datasets", "accelerate"),
    *("huggingface_hub", "sympy", "networkx", "IPython", "tornado", "fsspec"),
)
IMPORTED_AS = {"scikit-learn": "sklearn"}
SKIPPED_FOLDERS = {"test", "tests", "testing", "_vendor", "idlelib", "lib2to3", "site-packages", "dist-packages"}
VERSION = 1  # raise it when the rules below change, so that no old cache is used
_COMMON = frozenset(
    re.findall(
        r"\w+", "the a an of to is in and that for be it this as with are by on or from if not at which can will"
    )
)
_PLAIN_WORD = re.compile(r"[(\"'“‘]*[A-Za-z]+(?:['’-][A-Za-z]+)*[)\"'”’.,;:!?]*")
_NO_PROSE_LINE = re.compile(r"\s*([-=~^*#]{3,}|[\w*]+ : |[\w*.]+ ?\(.*\)\s*(:|--|->)|:\w+|>>>|\.\. |[-*|+] |@)")


def documentation() -> tuple[Path, dict]:
    """The .jsonl file of the corpus and what is known of it; extracted at the first call, about a minute, and kept.

    The dictionary holds documents, characters, prose_share (kept of all docstring characters) and content_hash.
    """
    key = hashlib.blake2b(
        json.dumps([VERSION, platform.python_version(), *map(_version, PACKAGES)]).encode(), digest_size=8
    )
    folder = cache_folder() / f"docs-{key.hexdigest()}"
    if not (folder / "about.json").is_file():
        with made_whole(folder, lambda made: (made / "about.json").is_file()) as draft:
            _extract(_source_files(), draft)
    return folder / "documents.jsonl", json.loads((folder / "about.json").read_text(encoding="utf-8"))


def prose_paragraphs(docstring: str) -> list[str]:
    """The paragraphs of a docstring that are English sentences, each on one line."""
    paragraphs = re.split(r"\n\s*\n", docstring)
    return [" ".join(paragraph.split()) for paragraph in paragraphs if _is_prose(paragraph)]


def docstrings(source: str) -> Iterator[str]:
    """The docstrings of a module, its classes and functions, in the order of the file, without their indentation."""
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's strings
        tree = ast.parse(source)
    found = [node for node in ast.walk(tree) if isinstance(node, nodes) and node.body]
    for node in sorted(found, key=lambda node: getattr(node, "lineno", 0)):
        text = ast.get_docstring(node)
        if text:
            yield text


def _is_prose(paragraph: str) -> bool:
    """Ends like a sentence, most words are plain, a fifth are the commonest of all, and no line looks like a table."""
    words = paragraph.split()
    if len(words) < 8 or words[-1][-1] not in ".!?:)\"'" or any(map(_NO_PROSE_LINE.match, paragraph.splitlines())):
        return False
    plain = sum(_PLAIN_WORD.fullmatch(word) is not None for word in words)
    common = sum(word.lower() in _COMMON for word in words)
    return plain >= 0.8 * len(words) and common >= 0.2 * len(words)


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} is not installed"


def _source_files() -> list[tuple[str, Path]]:
    """(name that is the same on every machine, path) of each source file: the standard library, then the packages."""
    roots = [("python", Path(sysconfig.get_paths()["stdlib"]))]
    for package in PACKAGES:
        spec = importlib.util.find_spec(IMPORTED_AS.get(package, package))  # finds a top-level package, imports nothing
        roots += [(package, Path(folder)) for folder in (spec and spec.submodule_search_locations) or ()]
    files = []
    for name, root in roots:
        inside = sorted(file.relative_to(root).as_posix() for file in root.rglob("*.py"))
        files += [(f"{name}/{path}", root / path) for path in inside if not SKIPPED_FOLDERS & set(path.split("/"))]
    return files


def _extract(files: list[tuple[str, Path]], folder: Path) -> None:
    seen: set[str] = set()
    content, documents, characters, all_characters = hashlib.blake2b(digest_size=8), 0, 0, 0
    with (folder / "documents.jsonl").open("w", encoding="utf-8") as out:
        for name, path in tqdm(files, desc="reading docstrings", unit=" files", delay=1, leave=False):
            kept: list[str] = []
            for docstring in _docstrings_of_file(path):
                all_characters += len(docstring)
                new = [paragraph for paragraph in dict.fromkeys(prose_paragraphs(docstring)) if paragraph not in seen]
                seen.update(new)
                kept += new
            if kept:
                text = "\n".join(kept)
                documents, characters = documents + 1, characters + len(text)
                content.update(text.encode())
                out.write(json.dumps({"source": name, "text": text}, ensure_ascii=False) + "\n")
    about = {"documents": documents, "characters": characters, "content_hash": content.hexdigest()}
    about["prose_share"] = round(characters / max(1, all_characters), 3)
    (folder / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _docstrings_of_file(path: Path) -> list[str]:
    try:
        source = path.read_text(encoding="utf-8")
        return list(docstrings(source)) if '"""' in source or "'''" in source else []
    except (
        OSError,
        ValueError,
        SyntaxError,
        RecursionError,
    ):  # templates, Python 2 files, other encodings: no docstrings
        return []
