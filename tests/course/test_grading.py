"""The engine: what a submission is told, what later cells get, what is kept, and strict mode."""

# ruff: noqa: E501
import json

import numpy as np
import pytest

import electra_helpers as eh
from electra_helpers.course.engine import grading
from electra_helpers.course.engine.grading import (
    FAILED,
    FALLBACK,
    NOT_ATTEMPTED,
    PASSED,
    Exercise,
    ExerciseFailed,
    Fallback,
    Mistake,
    judge,
)
from electra_helpers.course.engine.kept_code import source_of
from electra_helpers.course.exercises import every, find
from electra_helpers.errors import ElectraError, ElectraWarning


def double(x):
    return 2 * x


def _doubles(function):
    if function(3) == 9:
        raise Mistake("That is the square: double means twice.")
    if function(3) != 6:
        raise Mistake(f"Twice 3 is 6, not {function(3)}.")


def exercise(kind="build", **changes) -> Exercise:
    values = {
        "id": "99.1", "title": "Double", "kind": kind, "minutes": 1, "difficulty": 1, "specification": "double(x) → 2x",
        "checks": (_doubles,), "hints": ("Add x to itself.", "x + x"), "solution": double, "variable": "double", "fallback": double,
    }  # fmt: skip
    return Exercise(**values | changes)


@pytest.fixture
def known(monkeypatch):
    """The course has one exercise more."""
    extra = exercise()
    monkeypatch.setattr("electra_helpers.course.exercises.every", lambda: (extra,))
    return extra


RIGHT = "def double(x):\n    return x + x"
STUB = "def double(x):\n    raise NotImplementedError"


@pytest.mark.parametrize(
    ("source", "status", "part"),
    [
        (RIGHT, PASSED, ""),
        (STUB, NOT_ATTEMPTED, "Write double"),
        ("def double(x):\n    return x * x", FAILED, "That is the square"),
        ("def double(x):\n    return x / 0", FAILED, "ZeroDivisionError"),
        ("def double(x):\n    while True: pass", FAILED, "never ends"),
        ("def double(x):\n    for i in range(10**4): print(i)\n    return 1", FAILED, "more lines"),
        ("def double():\n    return 2", FAILED, "TypeError"),
        ("def double(x):\n    raise NotImplementedError('of my own')", FAILED, "of my own"),
        ("def double(x):\n    import sys; sys.exit()", FAILED, "SystemExit"),
    ],
)
def test_a_function_is_judged(define, source, status, part):
    verdict = judge(exercise(), define(source), seconds=1)
    assert verdict.status == status, verdict
    assert part in verdict.message
    assert len(verdict.message) < 2_500


@pytest.mark.parametrize("kind", ["decide", "find", "measure"])
def test_answers_are_judged(kind):
    def _is_six(answer):
        if answer["a"] != 6:
            raise Mistake("Not six.")

    question = exercise(kind, checks=(_is_six,), solution={"a": 6, "b": 1}, fallback=None)
    assert judge(question, {"a": None, "b": None}).status == NOT_ATTEMPTED
    assert judge(question, {"a": 6, "b": None}) == grading.Verdict(FAILED, "1 of 2 answers are still None.")
    assert judge(question, {"a": 5, "b": 1}).message == "Not six."
    assert judge(question, {"a": 6, "b": 1}).status == PASSED


def test_a_written_answer_needs_words():
    essay = exercise("write", checks=(), solution="A rubric.", fallback=None)
    assert judge(essay, "").status == NOT_ATTEMPTED
    assert judge(essay, "Because it is so.").status == FAILED
    assert "rubric" in judge(essay, "word " * 20).message


def test_what_is_not_passed_is_replaced_by_a_marked_fallback(known, define, capsys):
    stand_in = eh.check("99.1", define(STUB))
    assert isinstance(stand_in, Fallback)
    assert stand_in(4) == 8
    assert eh.whose(stand_in) == "the course's code"
    assert "not attempted yet" in capsys.readouterr().out
    again = eh.check("99.1", stand_in)
    said = capsys.readouterr().out
    assert "run your definition cell first" in said
    assert "passed" not in said
    assert isinstance(again, Fallback)
    assert eh.progress().passed == 0


def test_the_package_itself_does_not_count_as_the_learners(known):
    assert judge(known, eh.select_positions).status == FALLBACK


def test_what_passed_is_the_learners_own(known, define):
    mine = define(RIGHT)
    assert eh.check("99.1", mine) is mine
    assert eh.whose(mine) == "your code"


def test_strict_mode_raises_for_all_but_passed(known, define, monkeypatch):
    monkeypatch.setenv("ELECTRA_STRICT", "1")
    eh.check("99.1", define(RIGHT))
    for source in (STUB, "def double(x):\n    return 0"):
        with pytest.raises(ExerciseFailed, match=r"99\.1 is"):
            eh.check("99.1", define(source))
    with pytest.raises(ExerciseFailed):
        eh.check("99.1", Fallback(double, "99.1"))
    eh.check("99.1", define(STUB), record=False)  # a demonstration is no attempt


def cell_of(path, source):
    """A module whose source can be read, as that of a notebook's cell can."""
    import importlib.util
    import linecache

    path.write_text(source)
    spec = importlib.util.spec_from_file_location("cell", path)
    cell = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cell)
    linecache.checkcache()
    return cell


KEPT = {
    "with a helper and a constant": "import math\nFACTOR = 2\ndef helper(x):\n    return math.floor(FACTOR * x)\ndef double(x):\n    return helper(x)\n",
    "with a tuple": "FACTORS = (2, 1)\ndef double(x):\n    return FACTORS[0] * x\n",
    "with a default": "FACTOR = 2\ndef double(x, by=FACTOR):\n    return by * x\n",
    "under another name": "def twice(x):\n    return 2 * x\ndouble = twice\n",
    "lambda": "import operator as op\nFACTOR = 2\ndouble = lambda x: op.mul(FACTOR, x)\n",
    "one of two lambdas": "double, half = lambda x: x * 2, lambda x: x / 2\n",
    "lambda in a call": "def same(f):\n    return f\nFACTOR = 2\ndouble = same(lambda x: x * FACTOR)\n",
    "through a lambda": "helper = lambda x: x + x\ndef double(x):\n    return helper(x)\n",
    "enclosed": "def maker(factor):\n    def double(x):\n        return factor * x\n    return double\ndouble = maker(2)\n",
    "partial": "import functools\nimport operator\ndouble = functools.partial(operator.mul, 2)\n",
    "partial of one's own": "from functools import partial\ndef times(x, factor):\n    return factor * x\ndouble = partial(times, factor=2)\n",
    "with a decorator of a library": "import torch\n@torch.no_grad()\ndef double(x):\n    return x + x\n",
    "with a decorator of one's own": "import functools\nTWO = 2\ndef times_two(f):\n    @functools.wraps(f)\n    def scaled(x):\n        return TWO * f(x)\n    return scaled\n@times_two\ndef double(x):\n    return x\n",
    "with a decorator that leaves no trace": "def times_two(f):\n    def scaled(x):\n        return 2 * f(x)\n    return scaled\n@times_two\ndef double(x):\n    return x\n",
    "with a decorator that notes it": "known = []\ndef noted(f):\n    known.append(f)\n    return f\n@noted\ndef double(x):\n    return x + x\n",
    "with a decorator that takes a name": "FACTOR = 2\ndef times(factor):\n    def of(f):\n        return lambda x: factor * f(x)\n    return of\n@times(FACTOR)\ndef double(x):\n    return x\n",
    "cached": "from functools import cache\n@cache\ndef double(x):\n    return x + x\n",
    "with a cached helper": "import functools\n@functools.lru_cache(maxsize=4)\ndef half(x):\n    return x\ndef double(x):\n    return half(x) * 2\n",
    "lambda with a default": "import operator\nby = operator.mul\ndouble = lambda x, how=by: how(x, 2)\n",
    "with infinity": "LOW = float('-inf')\ndef double(x):\n    return max(LOW, 2 * x)\n",
    "with the course's function": "import electra_helpers as eh\nfrom electra_helpers.course.engine.grading import Fallback\npick = Fallback(eh.select_positions, '03.1')\ndef double(x):\n    assert pick.__name__ == 'select_positions'\n    return 2 * x\n",
    "with an attribute called as what cannot be kept": "real = object()\ndef double(x):\n    return 2 * x.real\n",
    "with a class": "class Doubler:\n    def of(self, x):\n        return 2 * x\ndef double(x):\n    return Doubler().of(x)\n",
}  # fmt: skip


@pytest.mark.parametrize("source", KEPT.values(), ids=KEPT)
def test_the_portfolio_keeps_what_passed(source, known, define, own_portfolio, tmp_path, monkeypatch):
    cell = cell_of(tmp_path / "cell.py", source)
    eh.check("99.1", cell.double)
    eh.check("99.1", define("def double(x):\n    return 0"))
    entry = json.loads(own_portfolio.read_text())["exercises"]["99.1"]
    assert (entry["status"], entry["attempts"]) == ("passed", 2)
    vars(cell).clear()  # the portfolio does not need the notebook any more
    again = eh.mine("99.1")
    assert not isinstance(again, Fallback)
    assert again(21) == 42


@pytest.mark.parametrize("default", ["", ", start=ZERO"], ids=["read", "a default"])
def test_what_has_no_source_is_not_kept_and_the_courses_function_is_used(default, known, own_portfolio, tmp_path):
    """A net, a tensor, an object: code that reads it would end in a NameError in the next notebook."""
    source = f"import torch\nZERO = torch.zeros(())\ndef double(x{default}):\n    return 2 * x + int(ZERO)\n"
    cell = cell_of(tmp_path / "cell.py", source)
    assert eh.check("99.1", cell.double) is cell.double
    assert "code" not in json.loads(own_portfolio.read_text())["exercises"]["99.1"]
    assert isinstance(eh.mine("99.1"), Fallback)


@pytest.mark.parametrize(
    "code", ["@missing\ndef double(x):\n    return 2 * x", "double = = 2", "def other(x):\n    return 2 * x"]
)
def test_saved_code_that_does_not_run_is_told_and_the_courses_function_is_used(
    code, known, define, own_portfolio, capsys
):
    eh.check("99.1", define(RIGHT))
    kept = json.loads(own_portfolio.read_text())
    kept["exercises"]["99.1"] |= {"name": "double", "code": code}
    own_portfolio.write_text(json.dumps(kept))
    assert isinstance(eh.mine("99.1"), Fallback)
    said = capsys.readouterr().out
    assert "Your saved 99.1 does not run by itself (" in said
    assert "The course's double is used." in said


def test_a_function_of_a_library_is_kept_by_its_name(own_portfolio):
    from torch.nn import functional as F

    assert eh.check("02.1", F.scaled_dot_product_attention) is F.scaled_dot_product_attention
    assert eh.mine("02.1") is F.scaled_dot_product_attention


def test_a_function_of_a_library_that_wraps_its_own_is_kept_by_its_name():
    assert source_of(np.mean, "mean") == "from numpy import mean\n\nmean = mean"


def test_after_a_restart_a_passed_exercise_says_so(known, define, capsys):
    eh.check("99.1", define(STUB))
    assert "passed it before" not in capsys.readouterr().out
    eh.check("99.1", define(RIGHT))
    for untouched in (define(STUB), Fallback(double, "99.1")):
        capsys.readouterr()
        eh.check("99.1", untouched)
        assert 'You passed it before: double = eh.mine("99.1") gives you your own back.' in capsys.readouterr().out


def test_numpys_and_torchs_scalars_are_answers(capsys):
    import torch

    def _is_six(answer):
        if not isinstance(answer["a"], int) or answer["a"] != 6 or answer["b"][0] is not True:
            raise Mistake("Not six.")

    question = exercise("decide", checks=(_is_six,), solution={"a": 6, "b": [True]}, fallback=None)
    assert judge(question, {"a": np.int64(6), "b": [np.bool_(True)]}).status == PASSED
    assert judge(question, {"a": torch.tensor(6), "b": (torch.tensor(True),)}).status == PASSED
    assert judge(question, {"a": np.int64(5), "b": [True]}).status == FAILED


def test_without_a_passed_function_mine_is_the_courses(known):
    assert isinstance(eh.mine("99.1"), Fallback)


def test_a_portfolio_can_be_carried_to_another_machine(known, define, own_portfolio, tmp_path, monkeypatch, capsys):
    eh.check("99.1", define(RIGHT))
    monkeypatch.setenv("ELECTRA_PORTFOLIO", str(tmp_path / "other.json"))
    eh.guess("99.guess", 0.5)
    eh.portfolio(own_portfolio)
    assert "1 passed: 99.1" in capsys.readouterr().out
    with pytest.raises(ElectraError, match="There is no file"):
        eh.portfolio(tmp_path / "nothing.json")


def test_a_broken_portfolio_is_told_and_not_overwritten(known, define, own_portfolio):
    own_portfolio.write_text("{broken")
    with pytest.raises(ElectraError, match="Move it away"):
        eh.check("99.1", define(RIGHT))
    assert own_portfolio.read_text() == "{broken"


def test_guesses_wait_for_their_results(capsys):
    eh.guess("04.share", None)
    eh.reveal("04.share", 0.0604)
    eh.guess("04.share", 0.15)
    eh.reveal("04.share", 0.0604)
    lines = capsys.readouterr().out.splitlines()
    assert "no guess yet" in lines[0]
    assert lines[1] == "04.share: 0.0604 (no guess was made)"
    assert lines[3] == "04.share: 0.0604 (your guess: 0.15)"


def test_hints_come_one_by_one_and_the_solution_can_be_read(known, capsys, monkeypatch):
    monkeypatch.setattr(grading, "_hints_given", {})
    for expected in ("Hint 1 of 2: Add x to itself.", "Hint 2 of 2: x + x", "Hint 1 of 2: Add x to itself."):
        eh.hint("99.1")
        assert capsys.readouterr().out.strip() == expected
    eh.solution("99.1")
    assert capsys.readouterr().out == "def double(x):\n    return 2 * x\n"


def test_progress_is_a_table_in_text_and_html(known, define):
    eh.check("99.1", define("def double(x):\n    return 0"))
    assert "99.1 [B] Double" in repr(eh.progress())
    assert "failed (1 attempt)" in repr(eh.progress())
    eh.check("99.1", define(RIGHT))
    assert "<b>passed (2 attempts)</b>" in eh.progress()._repr_html_()
    assert eh.progress().passed == 1


def test_an_unknown_exercise_is_told():
    with pytest.raises(ElectraError, match=r"no exercise '12\.34'.*00\.1"):
        eh.hint("12.34")


def test_the_numbers_of_the_exercises_are_in_order_and_unique():
    ids = [each.id for each in every()]
    assert ids == sorted(set(ids))
    assert all(find(each.id) is each for each in every())


def test_every_exercise_is_complete():
    for each in every():
        assert each.kind in grading.KINDS
        assert len(each.hints) == 2
        assert each.specification
        assert each.checks or each.kind == "write"
        assert each.minutes >= 1
        assert each.difficulty in (1, 2, 3)
        assert callable(each.solution) == (each.kind == "build"), each.id
        assert each.fallback is not None or each.kind != "build"


def test_the_old_name_of_guess_still_works_and_says_so(capsys):
    with pytest.warns(ElectraWarning, match=r"eh\.predict is now eh\.guess"):
        assert eh.predict("04.share", 0.15) == 0.15
    eh.reveal("04.share", 0.0604)
    assert "your guess: 0.15" in capsys.readouterr().out
