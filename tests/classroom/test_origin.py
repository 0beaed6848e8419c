"""Own, calls the package, same as another: told from the code alone, and nothing said about what is too short."""

import inspect
import re

import pytest

from electra_helpers.classroom.grade import GradeRow, Grades, _mark_alike
from electra_helpers.classroom.origin import CALLS, fingerprint, from_the_package
from electra_helpers.course.exercises import every, find
from tests.classroom.forms import FORMS, NO_FORMS
from tests.classroom.handed_in import CALLS as CALLING
from tests.classroom.handed_in import PACK, RENAMED

PACK_EXERCISE, SELECT = find("01.3"), find("03.1")


def test_a_copy_with_other_names_types_and_comments_is_the_same():
    assert fingerprint(PACK_EXERCISE, PACK) == fingerprint(PACK_EXERCISE, RENAMED) is not None
    other = PACK.replace("len(stream) - size + 1", "1 + len(stream) - size")
    assert fingerprint(PACK_EXERCISE, other) != fingerprint(PACK_EXERCISE, PACK)


def test_short_code_is_not_compared():
    short = "def gather_positions(h, p):\n    return h[torch.arange(len(h))[:, None], p]"
    assert fingerprint(find("03.3"), short) is None


@pytest.mark.parametrize(
    "source",
    [
        "def select_positions(ids, *a, **k):\n    return eh.select_positions(ids, *a, **k)",
        "from electra_helpers.corruption import select_positions as s\n\ndef select_positions(ids, *a, **k):\n    return s(ids)",
        "import electra_helpers.corruption as c\ndef deep(x):\n    return c.select_positions(x)\n\n\n"
        "def select_positions(x):\n    return deep(x)",
        "select_positions = eh.select_positions",
    ],
    ids=["by eh", "by another name", "through a helper", "by assignment"],
)
def test_a_call_of_the_package_is_seen(source):
    assert from_the_package(SELECT, source) == "calls select_positions"


def test_what_the_exercise_asks_for_is_no_call_of_the_package():
    own = inspect.getsource(SELECT.solution).replace("torch.randperm", "torch.argsort(torch.rand")
    assert "Selection(" in own
    assert from_the_package(SELECT, own) == ""
    assert from_the_package(PACK_EXERCISE, PACK) == ""
    assert from_the_package(PACK_EXERCISE, CALLING) == "calls pack"


@pytest.mark.parametrize("source", FORMS.values(), ids=FORMS)
def test_the_package_is_seen_behind_every_detour(source):
    assert from_the_package(PACK_EXERCISE, source).startswith("calls ")


@pytest.mark.parametrize("source", NO_FORMS.values(), ids=NO_FORMS)
def test_looking_at_the_package_is_no_call_of_it(source):
    assert from_the_package(PACK_EXERCISE, source) == ""


def test_a_module_of_ones_own_is_looked_into():
    source = "from helpers import pack"
    assert from_the_package(PACK_EXERCISE, source, files={"helpers": "def pack(d, n):\n    return []"}) == ""
    theirs = "from electra_helpers import mine\npack = mine('01.3')"
    assert from_the_package(PACK_EXERCISE, source, files={"helpers": theirs}) == "calls helpers.py"
    assert from_the_package(PACK_EXERCISE, "from helpers import *", files={"helpers": theirs}) == "calls helpers.py"
    assert from_the_package(PACK_EXERCISE, "%run helpers.py", files={"helpers": theirs}) == "calls helpers.py"


def test_the_solutions_use_nothing_but_what_they_are_handed():
    for exercise in (e for e in every() if e.kind == "build"):
        own = re.sub(
            r"\n    return ", "\n    some = 1\n    return ", exercise.solved_source()
        )  # so that it is not pasted
        found = from_the_package(exercise, own)
        assert not found or "pasted" in found, (exercise.id, found)


def test_pasted_functions_are_the_packages():
    assert from_the_package(SELECT, inspect.getsource(SELECT.solution)) == "the course's solution, pasted"
    assert from_the_package(SELECT, inspect.getsource(SELECT.fallback)) == "the package's function, pasted"
    long = [e for e in every() if e.kind == "build" and fingerprint(e, e.solved_source())]
    assert len(long) >= 12
    for exercise in long:
        assert from_the_package(exercise, exercise.solved_source()), exercise.id


def test_two_who_paste_the_same_solution_did_not_copy_from_one_another():
    rows = [GradeRow(name, "01", "01.3", "", "passed", "own", fingerprint="x") for name in ("Ada", "Bo", "Ada")]
    rows += [
        GradeRow(name, "01", "01.4", "", "passed", CALLS, "the course's solution, pasted", fingerprint="y")
        for name in ("Ada", "Bo")
    ]
    rows.append(GradeRow("Cy", "01", "01.3", "", "passed", "own", fingerprint="z"))
    _mark_alike(Grades(rows))
    assert [(row.code, row.detail) for row in rows] == [
        ("same code as another", "Bo"),
        ("same code as another", "Ada"),
        ("same code as another", "Bo"),
        ("calls the package", "the course's solution, pasted"),
        ("calls the package", "the course's solution, pasted"),
        ("own", ""),
    ]


def test_the_same_written_answer_is_the_same():
    exercise = find("07.7")
    text = "Unusual is not wrong, so never delete by itself; look at every flag, and say who was flagged."
    assert fingerprint(exercise, text) == fingerprint(exercise, text.upper().replace(",", " ")) is not None
    assert fingerprint(exercise, "Too short.") is None


@pytest.mark.parametrize(
    "source", ["def pack(a):\n    return '\0'", "(" * 5_000, "def pack(:", "%%bash\nrm -rf /", "+" * 50_000 + "1"]
)
def test_code_that_python_cannot_even_read_is_nobodys(source):
    assert fingerprint(PACK_EXERCISE, source) is None
    assert from_the_package(PACK_EXERCISE, source) == ""
