"""Every reader, given rows of any shape that JSON can hold: it reads them, or says in one line what is wrong.

A few seconds here; ELECTRA_PROPERTY_SECONDS asks for as many seconds of it.
"""

import json
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.reading.files import read_documents
from electra_helpers.reading.labelled import TASKS, labelled, load_labelled
from electra_helpers.tasks.classification import Classification
from electra_helpers.tasks.holding_out import hold_out
from electra_helpers.tasks.multiple_choice import MultipleChoice
from electra_helpers.tasks.predicting import predictions_file
from electra_helpers.tasks.question_answering import QuestionAnswering
from electra_helpers.tasks.reading import rows_to_predict
from electra_helpers.tasks.registry import TASKS as DOWNSTREAM
from electra_helpers.tasks.tagging import Tagging
from electra_helpers.text.tokenizer import tokenizer_from_words

SECONDS = float(os.environ.get("ELECTRA_PROPERTY_SECONDS", 2))
TOKENIZER = tokenizer_from_words(["a", "cat", "sat", "."])
NAMES = sorted({name for roles in TASKS.values() for names in roles.values() for name in names})
NAMES += ["ending0", "ending1", "translation", "errors", "start", "end", "data", "paragraphs", "qas", "answer_start"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [
            "",
            "a cat sat.",
            "1",
            "0.5",
            "-1",
            "nan",
            "[1]",
            "{'text': ['cat']}",
            '{"text": ["cat"], "answer_start": [2]}',
        ]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
answers = st.fixed_dictionaries({"text": values, "answer_start": values}) | values


@st.composite
def rows(draw):
    """Rows of one task's columns, of likely and of any values; some rows lack a column or have another."""
    task = draw(st.sampled_from(sorted(TASKS)))
    right = {role: names[0] for role, names in TASKS[task].items()}
    likely = {
        "tokens": st.lists(st.text(max_size=4), max_size=3),
        "tags": st.lists(st.sampled_from(["O", "B-X", 0, 1, None]), max_size=3),
        "answers": answers,
        "label": scalars,
        "endings": st.lists(st.text(max_size=4), max_size=3),
    }
    row = st.fixed_dictionaries(
        {
            name: values if draw(st.integers(0, 5)) == 0 else likely.get(role, st.text(max_size=20))
            for role, name in right.items()
        }
    )
    made = draw(st.lists(row | st.dictionaries(st.sampled_from(NAMES), values, max_size=3), min_size=1, max_size=14))
    return task, made


def reads_or_says(function, *arguments, **options):
    try:
        return function(*arguments, **options)
    except ElectraError as error:
        if "\n" in str(error):
            raise AssertionError(f"more than one line: {error}") from error
        return None


def use(task, data):
    """What fine-tuning does with data before its first step."""
    if data is None:
        return
    data.describe()
    json.dumps(data.decisions())
    reads_or_says(hold_out, data)
    kind = DOWNSTREAM.get(task)
    config = FinetuneConfig(length=32, target_vocab=400)
    made = reads_or_says(kind.from_data, data, config) if kind else None
    if made:
        reads_or_says(made.examples, made.answered(data.rows), TOKENIZER, config, training=True)


def write(path, found):
    if path.suffix == ".json":
        path.write_text(json.dumps(found), "utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in found), "utf-8")
    else:
        with predictions_file(path) as put:
            for row in found:
                put(row, {})


def for_a_while(check, *strategies):
    """Run a property for SECONDS, with other examples each time."""
    end, most = time.monotonic() + SECONDS / 6, 30 if SECONDS < 60 else 100
    how = settings(max_examples=most, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    while time.monotonic() < end:
        how(given(*strategies)(lambda drawn: check(drawn)))()


def test_rows_in_memory_are_read_or_told():
    def check(drawn):
        task, found = drawn
        use(task, reads_or_says(labelled, found, task=task))
        reads_or_says(labelled, found)

    for_a_while(check, rows())


@pytest.mark.parametrize("form", [".jsonl", ".json", ".csv"])
def test_files_of_rows_are_read_or_told(form, tmp_path):
    path = tmp_path / f"any{form}"
    made = [Classification(("a", "b"), 0), Tagging(("O", "B-X")), QuestionAnswering(unanswerable=True, most_tokens=5)]
    made.append(MultipleChoice(0))

    def check(drawn):
        task, found = drawn
        write(path, found)
        if path.stat().st_size == 0:
            return
        use(task, reads_or_says(load_labelled, path, task=task))
        reads_or_says(lambda: list(read_documents(path)))
        for each in made:
            reads_or_says(lambda each=each: list(rows_to_predict(path, each)))

    for_a_while(check, rows())


@pytest.mark.parametrize("form", [".csv", ".tsv"])
def test_a_table_that_is_written_reads_back_the_same(form, tmp_path):
    from electra_helpers.reading.files import read_rows

    path = tmp_path / f"table{form}"
    cells = st.text(st.sampled_from("ab\"\t\n\r,;' ") | st.characters(blacklist_categories=("Cs", "Cc")), max_size=8)

    def check(found):
        with predictions_file(path) as put:
            for text, label in found:
                put({"text": text, "label": label}, {})
        assert [(row["text"], row["label"]) for row in read_rows(path)] == [tuple(row) for row in found]

    for_a_while(check, st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
