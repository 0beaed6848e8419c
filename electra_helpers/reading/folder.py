"""Which files of a folder are a corpus: those of a known form, those that are clearly prose, and a count of what is left."""

from __future__ import annotations

import codecs
import lzma
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from electra_helpers.errors import ElectraError
from electra_helpers.reading.files import LISTING_DELAY, files_below, files_in, form_of, read_documents, readable_forms
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.lines import LONGEST_LINE, OPENERS, open_bytes

SAMPLE = 1 << 16  # bytes of a file that are looked at
STRANGE = 0.005  # of its characters may be control characters: text has tabs and line ends
# No prose, or not as it stands in the file: read as text, it would teach tags, code and numbers.
NOT_PROSE = {
    *(".pdf", ".doc", ".docx", ".odt", ".rtf", ".epub", ".xls", ".xlsx", ".ppt", ".pptx", ".ps", ".eps"),
    *(".zip", ".tar", ".tgz", ".7z", ".rar", ".bin", ".pt", ".pkl", ".npy", ".npz", ".safetensors", ".arrow", ".db"),
    *(".html", ".htm", ".xhtml", ".xml", ".sgm", ".sgml", ".tei", ".svg", ".css", ".rss", ".svelte", ".vue"),
    *(".py", ".js", ".ts", ".c", ".h", ".cc", ".cpp", ".hpp", ".java", ".rs", ".go", ".rb", ".php", ".pl", ".r", ".sh"),
    *(".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".lock", ".ipynb", ".sql", ".bib", ".bat", ".ps1", ".cmake"),
    *(".patch", ".diff", ".log", ".dtd", ".xsd", ".xsl", ".po", ".srt", ".vtt", ".ann", ".arff", ".dat", ".meta"),
}
NO_ENDING = "no ending"


@dataclass(frozen=True)
class Found:
    """The files to read, in order; those of them that are read as .txt though their names do not say so; what was left, by ending."""

    files: tuple[Path, ...]
    as_text: frozenset[Path] = frozenset()
    skipped: Counter[str] = field(default_factory=Counter)

    def in_words(self) -> list[str]:
        """What was decided, for the line of a run."""
        said = [f"{counted(Counter(map(ending, self.as_text)))} read as text"] if self.as_text else []
        return said + ([f"skipped {counted(self.skipped)}"] if self.skipped else [])

    def as_json(self) -> dict[str, Any]:
        """The same as numbers."""
        as_text = dict(Counter(map(ending, self.as_text)))
        return {"files": len(self.files), "read_as_text": as_text, "skipped": dict(self.skipped)}


def corpus_files(path: Path, layout: Layout = FOUND_OUT, column: str | None = None) -> Found:
    """The files of a corpus: the one that is named, or those below a folder. Raises `ElectraError` where none can be read.

    A .json file that holds no rows with a text (settings beside the prose) is counted with what is skipped, unless there is nothing else.
    """
    if path.is_file() and path.stat().st_size and form_of(path, layout) is None and is_prose(path, layout):
        return Found((path,), frozenset({path}))
    if not path.is_dir():
        return Found(tuple(files_in(path, layout)))
    found = _look_through(path, layout)
    if not found.files:
        skipped = f" Skipped: {counted(found.skipped)}." if found.skipped else ""
        raise ElectraError(f"The folder {path} holds no text: no file that ends in {readable_forms()}.{skipped}")
    return _without_strays(found, layout, column)


def layout_of(file: Path, found: Found, layout: Layout) -> Layout:
    """How one of the files is read: plain text where its name does not say it."""
    return replace(layout, format="txt") if file in found.as_text else layout


def _look_through(path: Path, layout: Layout) -> Found:
    """All files below a folder, by name, that have a form or are text; hidden ones are not looked at, empty ones are skipped."""
    files, as_text, skipped = [], set(), Counter()
    for file in tqdm(
        files_below(path), desc=f"looking at {path.name}", unit=" files", delay=LISTING_DELAY, leave=False
    ):
        if not file.stat().st_size:
            skipped["empty"] += 1
        elif form_of(file, layout):
            files.append(file)
        elif is_prose(file, layout):
            files.append(file)
            as_text.add(file)
        else:
            skipped[ending(file)] += 1
    return Found(tuple(files), frozenset(as_text), skipped)


def _without_strays(found: Found, layout: Layout, column: str | None) -> Found:
    """Without the .json files that hold no text. A damaged one is an error where others are rows: it may be one of them."""
    looked_at = {file: _trouble(file, layout, column) for file in found.files if form_of(file, layout) == ".json"}
    strays = {file for file, trouble in looked_at.items() if trouble}
    damaged = [trouble for trouble in looked_at.values() if trouble and trouble.__cause__]
    if damaged and len(strays) < len(looked_at):
        raise damaged[0]
    files = tuple(file for file in found.files if file not in strays)
    return replace(found, files=files, skipped=found.skipped + Counter(map(ending, strays))) if files else found


def _trouble(file: Path, layout: Layout, column: str | None) -> ElectraError | None:
    """Why no text can be read from the beginning of a .json file; its cause says that it is no JSON. None for one too large to try."""
    try:
        if file.stat().st_size <= LONGEST_LINE:
            next(read_documents(file, column, layout), None)
    except ElectraError as trouble:
        return trouble
    return None


def ending(file: Path) -> str:
    """The last ending of a name in lower case, that of compression left aside."""
    name = file.with_suffix("") if file.suffix.lower() in OPENERS else file
    return name.suffix.lower() or NO_ENDING


def is_prose(file: Path, layout: Layout = FOUND_OUT) -> bool:
    """Whether a file whose name says nothing of its form is clearly text, by its ending and its first bytes."""
    if ending(file) in NOT_PROSE:
        return False
    try:
        with open_bytes(file, layout) as stream:
            start = stream.read(SAMPLE)
        text = codecs.getincrementaldecoder("utf-8")().decode(start)  # the last character may be cut in two
    except (ElectraError, UnicodeDecodeError, OSError, EOFError, lzma.LZMAError, zlib.error):
        return False
    strange = sum(not (c.isprintable() or c.isspace()) for c in text)
    return any(map(str.isalpha, text)) and strange <= STRANGE * len(text)


def counted(endings: Counter[str]) -> str:
    """`3 .png, 2 without an ending`, the commonest first, at most five kinds."""
    counts = endings.most_common()
    said = [f"{n:,} {'without an ending' if name == NO_ENDING else name}" for name, n in counts[:5]]
    more = sum(n for _, n in counts[5:])
    return ", ".join([*said, *([f"{more:,} others"] if more else [])])
