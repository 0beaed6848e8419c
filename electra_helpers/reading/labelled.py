"""Labelled data in the schemas of the hub, from files, from the hub or bundled, brought to one shape for each task.

| task | a row | sets of this schema |
|---|---|---|
| classification | text, pair (in sets of pairs), label (a number; a float in STS-B) | GLUE, ChnSentiCorp |
| tagging | tokens, tags (numbers of `labels`) | WikiANN, CoNLL |
| question-answering | id, context, question, answers {text, answer_start} | SQuAD, CMRC 2018, DRCD |
| multiple-choice | context, stem (a question or a beginning, in some sets), endings (a list), label (a place) | SWAG, HellaSwag, RACE |
| translation | source, target | multi30k, opus |
| summarisation | text, summary | XSum |
| minimal pairs | good, bad, phenomenon | BLiMP |
| correction | text, corrected | the course's own sentences |
| text | text | wikitext |
| cleaning | tokens, tags (1 = wrong); or text with `errors` [{start, end}], or with `start`, `end` of one word | the course's own |
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.reading.answers import NO_START, NOTES, read_answers, value_in_cell
from electra_helpers.reading.choices import CHOICE_COLUMNS, read_endings, settle_choices, with_endings
from electra_helpers.reading.files import pick_column, well_formed
from electra_helpers.reading.labels import KINDS, NO_LABEL, Wanted, listed, settle_labels, settle_tags
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.reading.sources import find_rows
from electra_helpers.words import MARKED_WORD

# Task → role → the columns that may play it, likeliest first; a role in OPTIONAL may be missing. Where no task is named,
# the first one whose roles are all there is taken.
TASKS: dict[str, dict[str, tuple[str, ...]]] = {
    "question-answering": {"id": ("id",), "context": ("context",), "question": ("question",), "answers": ("answers",)},
    "multiple-choice": CHOICE_COLUMNS,
    "tagging": {"tokens": ("tokens", "words"), "tags": ("ner_tags", "tags", "pos_tags")},
    "minimal pairs": {
        "good": ("sentence_good", "good"),
        "bad": ("sentence_bad", "bad"),
        "phenomenon": ("UID", "phenomenon", "linguistics_term"),
    },
    # The two languages of the column `translation`, or two columns.
    "translation": {"source": ("source",), "target": ("target",)},
    "summarisation": {"text": ("document", "article", "dialogue", "text"), "summary": ("summary", "highlights")},
    "correction": {"text": ("text", "wrong", "misspelling"), "corrected": ("corrected", "correction", "word")},
    "classification": {
        "text": ("sentence1", "premise", "question1", "question", "sentence", "text", "review", "content"),
        "pair": ("sentence2", "hypothesis", "question2", "sentence"),
        "label": ("label", "labels", "sentiment", "topic"),
    },
    "text": {"text": ("text", "content", "sentence")},
    "cleaning": {"tokens": ("tokens", "words"), "tags": ("labels", "tags")},
}
MARKS = ("right", "wrong")  # the tags of cleaning, by number
OPTIONAL = {"id", "pair", "phenomenon", "stem"}
TEXTS = {"text", "pair", "context", "stem", "question", "source", "target", "summary", "good", "bad", "corrected"}
__all__ = ["NO_LABEL", "NO_START", "LabelledData", "labelled", "load_labelled"]


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Rows of one task in the shape that its table row above names.

    >>> data = labelled([{"review": "Superb.", "label": "good"}, {"review": "Dull.", "label": "bad"}])
    >>> data.task, data.labels, data.rows[0]
    ('classification', ('bad', 'good'), {'text': 'Superb.', 'label': 1})

    Built in notebook 08.
    """

    task: str
    rows: list[dict[str, Any]]
    columns: dict[str, str]  # role → the column it was read from
    # Name of each label or tag; empty where labels are numbers on a scale, or there are none.
    labels: tuple[str, ...] = ()
    source: str = "rows"
    notes: dict[str, int] = field(default_factory=dict)  # what was found wrong, and how often
    numbered: bool = False  # whether the labels were numbers without names
    how: dict[str, Any] = field(
        default_factory=dict
    )  # form, encoding and delimiter of the file, and how rows were split

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, role: str) -> list:
        """All values of one role."""
        return [row[role] for row in self.rows]

    @property
    def kind(self) -> str:
        """What its labels are: classes, a scale, tags, or nothing of the kind."""
        if self.task == "classification":
            return "classes" if self.labels else "scale"
        return "tags" if self.labels else ""

    def label_counts(self) -> dict[str, int]:
        """How often each label occurs, in the order of their numbers."""
        if not self.labels:
            return {}
        role = "label" if self.task == "classification" else "tags"
        values = [row.get(role) for row in self.rows]
        counts = Counter(v for each in values for v in (each if isinstance(each, list) else [each]))
        return {name: counts[number] for number, name in enumerate(self.labels)}

    def decisions(self) -> dict[str, Any]:
        """All that the reader decided, for run.json."""
        about = {
            "source": self.source,
            "rows": len(self),
            "task": self.task,
            "kind": self.kind,
            "columns": self.columns,
        }
        return about | {"labels": self.label_counts(), "numbered": self.numbered, "notes": self.notes} | self.how

    def describe(self) -> str:
        """One line for people."""
        counts = self.label_counts()
        labels = f", labels {listed([f'{name} ({count:,})' for name, count in counts.items()])}" if counts else ""
        scale = f", labels on a scale{self._range()}" if self.kind == "scale" else ""
        columns = ", ".join(f"{role}={name}" for role, name in self.columns.items())
        notes = "".join(f"; {count:,} {what}" for what, count in self.notes.items())
        how = "".join(f"; {name} {value}" for name, value in self.how.items() if (name, value) not in PLAIN)
        return f"{self.source}: {len(self.rows):,} rows for {self.task}{labels}{scale} ({columns}){notes}{how}"

    def _range(self) -> str:
        known = [row["label"] for row in self.rows if row["label"] is not None]
        return f" from {min(known):g} to {max(known):g}" if known else ""


PLAIN = {("encoding", "utf-8"), ("header", True)}


def load_labelled(
    source: str | Path,
    split: str = "train",
    *,
    task: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Wanted | None = None,
    languages: tuple[str, str] | None = None,
    kind: str = "auto",
    layout: Layout = FOUND_OUT,
) -> LabelledData:
    """Read one split of a labelled data set.

    `source` is a file, a folder (one file a split, one folder a label, or what `datasets` saved), `bundled:NAME` for a file below data/,
    or `hub:NAME` as for `open_corpus`. `columns` maps roles to columns where the guess by name is wrong; `labels` are the labels in the
    order of their numbers, or a mapping from the data's labels to them; `kind` says whether labels are classes or a scale;
    `languages` chooses source and target of a translation; `layout` says how files are written. Raises `ElectraError` for a split,
    task or column that is not there; it lists those that are.

    Built in notebook 08.
    """
    found = find_rows(str(source), split, task, layout)
    made = labelled(
        found.rows,
        task=task,
        columns={**found.columns, **(columns or {})},
        labels=labels,
        languages=languages,
        source=found.source,
        names=found.names,
        kind=kind,
    )
    return replace(made, how=found.how, notes=made.notes | found.notes)


def labelled(
    rows: Iterable[Mapping[str, Any]],
    *,
    task: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Wanted | None = None,
    languages: tuple[str, str] | None = None,
    source: str = "rows",
    names: Mapping[str, Sequence[str]] | None = None,
    kind: str = "auto",
) -> LabelledData:
    """Rows in a schema of the hub → rows of one task; see `load_labelled`. `names` are what the data calls its numbers, by column."""
    rows = [_opened(row, number, source) for number, row in enumerate(rows, start=1)]
    if task == "cleaning":
        rows = [with_marks(row, f"Row {n} of {source}") for n, row in enumerate(rows, start=1)]
    rows = [with_endings(row) for row in rows] if task in (None, "multiple-choice") else rows
    if not rows:
        raise ElectraError(f"{source} holds no rows.")
    if task is not None and task not in TASKS:
        raise ElectraError(f"There is no task {task!r}; there are: {', '.join(TASKS)}.")
    if kind not in KINDS:
        raise ElectraError(f"There is no kind of label {kind!r}; there are: {', '.join(KINDS)}.")
    found = list(dict.fromkeys(name for row in rows for name in row))
    roles = dict(columns or {})
    if languages or isinstance(rows[0].get("translation"), Mapping):
        pair = tuple(languages or tuple(rows[0]["translation"])[:2])
        if len(pair) < 2:
            raise ElectraError(f"Row 1 of {source} has {len(pair)} languages in column 'translation': two are needed.")
        roles = {"source": pair[0], "target": pair[1], **roles}
    task = task or _guess_task(found, roles, source)
    chosen = _choose_columns(task, found, roles, source)
    data = [_with_roles(row, chosen, number, source) for number, row in enumerate(rows, start=1)]
    return _settled(LabelledData(task, data, chosen, source=source), labels, names or {}, kind)


def named_columns(written: Iterable[str]) -> dict[str, str]:
    """`ROLE=NAME` as it is typed → {role: name}."""
    pairs = [item.partition("=") for item in written]
    wrong = [role for role, equals, name in pairs if not (role and equals and name)]
    if wrong:
        raise ElectraError(f"--column {wrong[0]!r}: write ROLE=NAME, such as text=review.")
    return {role: name for role, _, name in pairs}


def _opened(row: Any, number: int, source: str) -> dict[str, Any]:
    """A row as a dictionary, with the languages of a translation as columns."""
    if not isinstance(row, Mapping):
        raise ElectraError(f"Row {number} of {source} is a {type(row).__name__}: each must have columns.")
    made = {str(name): _of_python(value) for name, value in row.items()}
    inside = made.get("translation")
    return {**made, **inside} if isinstance(inside, Mapping) else made


def _of_python(value: Any) -> Any:
    """A cell with arrays and numbers of numpy or torch, also in lists, as Python's own."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [_of_python(each) for each in value] if isinstance(value, list) else value


def _settled(data: LabelledData, wanted: Wanted | None, names: Mapping[str, Sequence[str]], kind: str) -> LabelledData:
    """Labels as numbers, answers at their places, and what was found wrong counted."""
    notes, where = _empty_texts(data), data.source
    if data.task == "question-answering":
        return replace(data, notes=notes | _mend_answers(data.rows, where))
    if data.task == "multiple-choice":
        return replace(data, notes=notes | settle_choices(data.rows, where))
    if data.task == "classification":
        column = data.columns["label"]
        made = settle_labels(
            data.column("label"), wanted=wanted, names=names.get(column), kind=kind, where=f"Column {column} of {where}"
        )
        for row, value in zip(data.rows, made.values, strict=True):
            row["label"] = value
        return replace(data, labels=made.names, notes=notes | made.notes, numbered=made.numbered)
    if data.task in ("tagging", "cleaning"):
        column = data.columns["tags"]
        known = wanted or (MARKS if data.task == "cleaning" else None)
        tagged = _checked_tags(data, f"Column {column} of {where}")
        tags, label_names, numbered = settle_tags(
            [row["tags"] for row in tagged], wanted=known, names=names.get(column), where=f"Column {column} of {where}"
        )
        for row, value in zip(tagged, tags, strict=True):
            row["tags"] = value
        without = len(data) - len(tagged)
        notes |= {"without tags": without} if without else {}
        marks = MARKS if data.task == "cleaning" else label_names
        return replace(data, labels=marks, notes=notes, numbered=numbered)
    return replace(data, notes=notes)


def _checked_tags(data: LabelledData, where: str) -> list[dict[str, Any]]:
    """The rows that have tags, one for each of their words."""
    tagged = []
    for place, row in enumerate(data.rows, start=1):
        tags = row["tags"] = value_in_cell(row["tags"])
        if tags is None:
            continue
        if not isinstance(tags, list):
            raise ElectraError(
                f'{where}: row {place} has {str(tags)[:40]!r}, where a list of tags should be, such as ["O", "B-PER"].'
            )
        if len(tags) != len(row["tokens"]):
            raise ElectraError(f"{where}: row {place} has {len(tags)} tags for {len(row['tokens'])} tokens.")
        tagged.append(row)
    return tagged


def _empty_texts(data: LabelledData) -> dict[str, int]:
    roles = [role for role in data.columns if role in (*TEXTS, "tokens")]
    count = sum(any(not _filled(row[role]) for role in roles) for row in data.rows)
    spoilt = sum(any(isinstance(row[role], str) and _CONTROLS.search(row[role]) for role in roles) for row in data.rows)
    what = {"without words" if "tokens" in data.columns else "with an empty text": count}
    what["with control characters U+0080 to U+009F (read as latin1 where cp1252 was meant?)"] = spoilt
    return {name: number for name, number in what.items() if number}


def _filled(value: Any) -> bool:
    return value is None or bool(value.strip() if isinstance(value, str) else value)  # a pair may be None


_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")


def with_marks(row: dict[str, Any], where: str = "The row") -> dict[str, Any]:
    """A text with the places of its mistakes → its words and whether each is wrong; a row of words as it is.

    >>> with_marks({"text": "He reed it.", "errors": [{"start": 3, "end": 7}]})["labels"]
    [0, 1, 0, 0]
    """
    places = value_in_cell(row.get("errors", [row] if "start" in row and "end" in row else None))
    if places is None or not isinstance(row.get("text"), str):
        return row
    words = list(MARKED_WORD.finditer(row["text"]))
    spans = [_span(place, len(row["text"]), where) for place in (places if isinstance(places, list) else [places])]
    wrong = [any(w.start() < end and w.end() > start for start, end in spans) for w in words]
    return row | {"tokens": [word[0] for word in words], "labels": [int(mark) for mark in wrong]}


def _span(place: Any, length: int, where: str) -> tuple[int, int]:
    try:
        start, end = int(place["start"]), int(place["end"])
    except (TypeError, KeyError, ValueError, OverflowError):
        raise ElectraError(
            f"{where} has {str(place)[:40]!r} as the place of a mistake: start and end, numbers of characters, are needed."
        ) from None
    if not 0 <= start <= end <= length:
        raise ElectraError(
            f"{where} has a mistake at {start} to {end} of a text of {length} characters: mend its place."
        )
    return start, end


def _guess_task(found: list[str], roles: Mapping[str, str], source: str) -> str:
    for task, guesses in TASKS.items():
        needed = set(guesses) - OPTIONAL
        if set(roles) <= set(guesses) and all(role in roles or set(guesses[role]) & set(found) for role in needed):
            return task
    raise ElectraError(
        f"{source} is of no known schema; its columns are: {listed(found)}. Name the task ({', '.join(TASKS)}) and its columns."
    )


def _choose_columns(task: str, found: list[str], roles: Mapping[str, str], source: str) -> dict[str, str]:
    """Role → column: the one named, or the first guess that is there and plays no other role yet."""
    guesses, chosen = TASKS[task], {}
    unknown = set(roles) - set(guesses)
    if unknown:
        raise ElectraError(f"{task} has no role {sorted(unknown)[0]!r}; its roles are: {', '.join(guesses)}.")
    for role, names in guesses.items():
        free = [name for name in names if name in found and name not in chosen.values()]
        if role in roles or (role not in OPTIONAL and not free):
            chosen[role] = _named_column(found, role, names, roles.get(role), source)
        elif free:
            chosen[role] = free[0]
    return chosen


def _named_column(found: list[str], role: str, names: Sequence[str], wanted: str | None, source: str) -> str:
    hint = (
        ""
        if wanted in found
        else f" Name it with --column {role}=NAME; a table without a line of names needs --no-header."
    )
    try:
        return pick_column(found, wanted or f"{role} ({' or '.join(names)})", (), source)
    except ElectraError as error:
        raise ElectraError(f"{error}{hint}") from None


def _with_roles(row: dict, chosen: Mapping[str, str], number: int, source: str) -> dict:
    """The row under the names of its roles; columns that play none stay beside them."""
    missing = [column for role, column in chosen.items() if column not in row and role not in OPTIONAL]
    if missing:
        raise ElectraError(
            f"Row {number} of {source} has no column {missing[0]!r}; it has: {', '.join(map(str, row))}."
        )
    rest = {column: value for column, value in row.items() if column not in chosen.values() and column != "translation"}
    return {
        **rest,
        **{
            role: checked(row.get(column), role, column, f"Row {number} of {source}") for role, column in chosen.items()
        },
    }


def checked(value: Any, role: str, column: str, where: str) -> Any:
    """What a row has for a role, if it is of the right kind: texts are texts, tokens a list of them. Raises `ElectraError` if not."""
    if role == "endings":
        return read_endings(value, where)
    value = value_in_cell(value) if role == "tokens" else value
    if role in TEXTS and isinstance(value, str):
        return well_formed(value)
    if role == "tokens" and isinstance(value, list) and all(isinstance(token, str) for token in value):
        return [well_formed(token) for token in value]
    if role in TEXTS - OPTIONAL or role == "tokens" or (role in TEXTS and value is not None):
        wanted = 'a list of words should be, such as ["Anna", "sang"]' if role == "tokens" else "a text should be"
        raise ElectraError(f"{where} has {str(value)[:40]!r} in column {column!r}, where {wanted}.")
    return value


def _mend_answers(rows: list[dict], source: str) -> dict[str, int]:
    """Read every answer, whatever its form, and see where it stands; what was found again, is doubtful or lost is counted."""
    notes: Counter[str] = Counter()
    for number, row in enumerate(rows, start=1):
        texts, starts, found = read_answers(row["answers"], row["context"], f"Row {number} of {source}")
        notes.update(found)
        row["answers"] = {"text": texts, "answer_start": starts}
    return {what: notes[what] for what in NOTES if notes[what]}
