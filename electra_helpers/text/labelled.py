"""Labelled data in the schemas of the hub, from files, from the hub or bundled, brought to one shape for each task.

| task | a row | sets of this schema |
|---|---|---|
| classification | text, pair (in sets of pairs), label (a number; a float in STS-B) | GLUE, ChnSentiCorp |
| tagging | tokens, tags (numbers of `labels`) | WikiANN, CoNLL |
| question-answering | id, context, question, answers {text, answer_start} | SQuAD, CMRC 2018, DRCD |
| translation | source, target | multi30k, opus |
| summarisation | text, summary | XSum |
| minimal pairs | good, bad, phenomenon | BLiMP |
| correction | text, corrected | the course's own sentences |
| text | text | wikitext |
| cleaning | tokens, tags (1 = wrong); or text with `errors` [{start, end}], or with `start`, `end` of one word | the course's own |
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.resources import data_folder
from electra_helpers.text.files import files_in, form_of, pick_column, read_documents, read_rows, well_formed
from electra_helpers.text.hub import hub_name, load_from_hub

# Task → role → the columns that may play it, likeliest first; a role in OPTIONAL may be missing. Where no task is named,
# the first one whose roles are all there is taken.
TASKS: dict[str, dict[str, tuple[str, ...]]] = {
    "question-answering": {"id": ("id",), "context": ("context",), "question": ("question",), "answers": ("answers",)},
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
# A word for marking mistakes: a Chinese character, a run of letters and digits, or another sign.
MARKED_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|[^\w\s]")
OPTIONAL = {"id", "pair", "phenomenon"}
TEXTS = {"text", "pair", "context", "question", "source", "target", "summary", "good", "bad", "corrected"}
NO_LABEL = -1  # what GLUE's test sets hold in the place of their labels
NO_START = -1  # answer_start of an answer that is not in its context


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
    labels: tuple[
        str, ...
    ] = ()  # name of each label or tag; empty where labels are numbers on a scale, or there are none
    source: str = "rows"
    notes: dict[str, int] = field(default_factory=dict)  # what was found wrong, and how often

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, role: str) -> list:
        """All values of one role."""
        return [row[role] for row in self.rows]

    def describe(self) -> str:
        """One line for people."""
        notes = "".join(f"; {count} {what}" for what, count in self.notes.items())
        labels = f", labels {', '.join(self.labels)}" if self.labels else ""
        return f"{self.source}: {len(self.rows):,} rows for {self.task}{labels}{notes}"


def load_labelled(
    source: str | Path,
    split: str = "train",
    *,
    task: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[str] | None = None,
    languages: tuple[str, str] | None = None,
) -> LabelledData:
    """Read one split of a labelled data set.

    `source` is a file, a folder that holds one file a split, `bundled:NAME` for a file below data/, or `hub:NAME` as for
    `open_corpus`. `columns` maps roles to columns where the guess by name is wrong, `labels` names the numbers,
    `languages` chooses source and target of a translation. Raises `ElectraError` for a split, task or column that is not
    there; it lists those that are.

    Built in notebook 08.
    """
    source, names = str(source), {}
    if source.startswith("hub:"):
        rows, names = _hub_rows(source.removeprefix("hub:"), split)
    else:
        bundled = source.startswith("bundled:")
        path = data_folder() / source.removeprefix("bundled:") if bundled else Path(source).expanduser()
        rows = [row for file in _files_of_split(path, split) for row in _rows_of(file)]
    where = source if Path(source).is_file() else f"{source} ({split})"
    return labelled(rows, task=task, columns=columns, labels=labels, languages=languages, source=where, names=names)


def labelled(
    rows: Iterable[Mapping[str, Any]],
    *,
    task: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[str] | None = None,
    languages: tuple[str, str] | None = None,
    source: str = "rows",
    names: Mapping[str, Sequence[str]] | None = None,
) -> LabelledData:
    """Rows in a schema of the hub → rows of one task; see `load_labelled`. `names` are label names by column."""
    rows = [{**row, **row["translation"]} if isinstance(row.get("translation"), Mapping) else dict(row) for row in rows]
    rows = [with_marks(row) for row in rows] if task == "cleaning" else rows
    if not rows:
        raise ElectraError(f"{source} holds no rows.")
    if task is not None and task not in TASKS:
        raise ElectraError(f"There is no task {task!r}; there are: {', '.join(TASKS)}.")
    found = list(rows[0])
    roles = dict(columns or {})
    if languages or "translation" in rows[0]:
        pair = languages or tuple(rows[0]["translation"])[:2]
        roles = {"source": pair[0], "target": pair[1], **roles}
    task = task or _guess_task(found, roles, source)
    chosen = _choose_columns(task, found, roles, source)
    data = [_with_roles(row, chosen, number, source) for number, row in enumerate(rows, start=1)]
    notes: dict[str, int] = {}
    label_names: tuple[str, ...] = ()
    if task == "question-answering":
        notes = _mend_answers(data)
    elif task in ("classification", "tagging", "cleaning"):
        role = "label" if task == "classification" else "tags"
        known = labels or (MARKS if task == "cleaning" else (names or {}).get(chosen[role]))
        label_names = _number_labels(data, role, known, f"Column {chosen[role]} of {source}")
        label_names = MARKS if task == "cleaning" else label_names
        missing = sum(row["label"] == NO_LABEL for row in data) if role == "label" else 0
        notes = {"without a label": missing} if missing else {}
    return LabelledData(task, data, chosen, label_names, source, notes)


def with_marks(row: dict[str, Any]) -> dict[str, Any]:
    """A text with the places of its mistakes → its words and whether each is wrong; a row of words as it is.

    >>> with_marks({"text": "He reed it.", "errors": [{"start": 3, "end": 7}]})["labels"]
    [0, 1, 0, 0]
    """
    places = row.get("errors", [row] if "start" in row and "end" in row else None)
    if places is None or not isinstance(row.get("text"), str):
        return row
    words = list(MARKED_WORD.finditer(row["text"]))
    wrong = [any(w.start() < place["end"] and w.end() > place["start"] for place in places) for w in words]
    return row | {"tokens": [word[0] for word in words], "labels": [int(mark) for mark in wrong]}


def _files_of_split(path: Path, split: str) -> list[Path]:
    files = files_in(path)
    if not path.is_dir():
        return files
    names = {file: file.name.split(".")[0] for file in files}
    chosen = [
        file for file, name in names.items() if name == split or name.startswith(f"{split}-0")
    ]  # train-00000-of-…
    if not chosen:
        raise ElectraError(f"{path} has no split {split!r}; it has: {', '.join(sorted(set(names.values())))}.")
    return chosen


def _rows_of(file: Path) -> Iterable[dict]:
    return ({"text": text} for text in read_documents(file)) if form_of(file) == ".txt" else read_rows(file)


def _hub_rows(name: str, split: str) -> tuple[list[dict], dict[str, list[str]]]:
    """The rows of a data set on the hub, and the label names that its columns carry."""
    dataset = load_from_hub(hub_name(name), split)
    names = {}
    for column, feature in dataset.features.items():
        inner = getattr(feature, "feature", feature)  # tags are a list of class labels
        if getattr(inner, "names", None):
            names[column] = inner.names
    return dataset.to_list(), names


def _guess_task(found: list[str], roles: Mapping[str, str], source: str) -> str:
    for task, guesses in TASKS.items():
        needed = set(guesses) - OPTIONAL
        if set(roles) <= set(guesses) and all(role in roles or set(guesses[role]) & set(found) for role in needed):
            return task
    raise ElectraError(
        f"{source} is of no known schema; its columns are: {', '.join(found)}. Name the task ({', '.join(TASKS)}) and its columns."
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
            chosen[role] = pick_column(found, roles.get(role, f"{role} ({' or '.join(names)})"), (), source)
        elif free:
            chosen[role] = free[0]
    return chosen


def _with_roles(row: dict, chosen: Mapping[str, str], number: int, source: str) -> dict:
    """The row under the names of its roles; columns that play none stay beside them."""
    missing = [column for column in chosen.values() if column not in row]
    if missing:
        raise ElectraError(f"Row {number} of {source} has no column {missing[0]!r}; it has: {', '.join(row)}.")
    rest = {column: value for column, value in row.items() if column not in chosen.values() and column != "translation"}
    return {
        **rest,
        **{role: checked(row[column], role, column, f"Row {number} of {source}") for role, column in chosen.items()},
    }


def checked(value: Any, role: str, column: str, where: str) -> Any:
    """What a row has for a role, if it is of the right kind: texts are texts, tokens a list of them. Raises `ElectraError` if not."""
    if role in TEXTS and isinstance(value, str):
        return well_formed(value)
    if role == "tokens" and isinstance(value, list) and all(isinstance(token, str) for token in value):
        return [well_formed(token) for token in value]
    if role in TEXTS - OPTIONAL or role == "tokens" or (role in TEXTS and value is not None):
        wanted = "a list of words" if role == "tokens" else "a text"
        raise ElectraError(f"{where} has {str(value)[:40]!r} in column {column!r}, where {wanted} should be.")
    return value


def _number_labels(rows: list[dict], role: str, names: Sequence[str] | None, where: str) -> tuple[str, ...]:
    """Turn label names into numbers in place, check numbers, and return the names; no names for labels on a scale."""
    each = [row[role] if role == "tags" else [row[role]] for row in rows]
    values = {value for labels in each for value in labels} - {None, NO_LABEL}
    if any(isinstance(value, float) for value in values) and role == "label":
        return ()
    if any(isinstance(value, str) for value in values):
        names = tuple(names or sorted(values, key=lambda name: (name[2:], name) if role == "tags" else name))
    else:
        names = tuple(names or map(str, range(max(values, default=-1) + 1)))
    number = {name: place for place, name in enumerate(names)} | {place: place for place in range(len(names))}
    number |= {None: NO_LABEL, NO_LABEL: NO_LABEL}
    unknown = values - set(number)
    if unknown:
        raise ElectraError(
            f"{where} holds {sorted(map(str, unknown))[0]!r}, which is none of the labels {', '.join(names)}."
        )
    for place, (row, labels) in enumerate(zip(rows, each, strict=True), start=1):
        if role == "tags" and len(labels) != len(row["tokens"]):
            raise ElectraError(f"{where}: row {place} has {len(labels)} tags for {len(row['tokens'])} tokens.")
        row[role] = [number[label] for label in labels] if role == "tags" else number[labels[0]]
    return names


def _mend_answers(rows: list[dict]) -> dict[str, int]:
    """Check that each answer stands where its offset says; find it again where it stands once, and count the others."""
    moved = lost = 0
    for row in rows:
        texts, starts = row["answers"]["text"], list(row["answers"]["answer_start"])
        for place, (text, start) in enumerate(zip(texts, starts, strict=True)):
            if start != NO_START and row["context"][start : start + len(text)] == text:
                continue
            once = row["context"].count(text) == 1
            starts[place] = row["context"].index(text) if once else NO_START
            moved, lost = moved + once, lost + (not once)
        row["answers"] = {"text": list(texts), "answer_start": starts}
    found = {"answers found again beside their offset": moved, "answers not to be found in their context": lost}
    return {what: count for what, count in found.items() if count}
