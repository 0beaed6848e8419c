"""Variants with checks that tell right from wrong for every seed, handouts without answers."""

import shutil
from dataclasses import replace

import nbformat
import pytest

from electra_helpers.classroom.material import variants_notebook, without_help
from electra_helpers.classroom.transplant import check_metadata, checked_in, exercise_of, originals
from electra_helpers.corruption import label_replaced, select_positions
from electra_helpers.course.engine.grading import FAILED, NOT_ATTEMPTED, PASSED, judge
from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.variants import rules, solve_labels, solve_selection, solve_words, variants
from electra_helpers.errors import ElectraError
from tests.notebooks.form import NOTEBOOKS, ROOT, read

SEEDS = range(60)


def handed_in(function):
    """As a learner's: a function of the package itself is never counted."""
    return lambda *given, **named: function(*given, **named)


def test_a_seed_decides_the_same_on_every_machine():
    assert rules(7) == rules(7)
    assert len({replace(rules(seed), seed=0) for seed in SEEDS}) >= 20
    assert nbformat.writes(variants_notebook(7)) == nbformat.writes(variants_notebook(7))
    assert find("v7.2").specification == variants(7)[1].specification


@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_function_passes_and_other_rules_do_not(seed):
    rule = rules(seed)
    share, words, labels = variants(seed)
    for each in (share, words, labels):
        assert judge(each, handed_in(each.solution)).status == PASSED, judge(each, handed_in(each.solution))
    other = "up" if rule.rounding == "down" else "down"
    base = "candidates" if rule.of == "real tokens" else "real tokens"
    wrong_rules = [
        (share, solve_selection(replace(rule, rounding=other))),
        (share, solve_selection(replace(rule, of=base))),
        (share, solve_selection(replace(rule, least=4))),
        (share, lambda ids, special, generator=None: select_positions(ids, special, generator=generator)),
        (words, solve_words(replace(rule, goes_on=not rule.goes_on))),
        (words, lambda word_ids, budget, generator=None: [1, 4]),
        (labels, solve_labels(replace(rule, lucky=rule.untouched, untouched=rule.lucky))),
        (labels, solve_labels(replace(rule, replaced=rule.lucky, lucky=rule.replaced))),
        (labels, lambda original, corrupted, selection, pad_id: label_replaced(original, corrupted).long()),
    ]
    for exercise, function in wrong_rules:
        verdict = judge(exercise, handed_in(function))
        assert verdict.status == FAILED, (exercise.id, verdict)


def test_a_stub_is_not_attempted_and_no_solution_is_printed():
    import electra_helpers as eh

    def stub(*_, **__):
        raise NotImplementedError

    assert judge(find("v3.1"), stub).status == NOT_ATTEMPTED
    with pytest.raises(ElectraError, match="marked work"):
        eh.solution("v3.1")
    with pytest.raises(ElectraError, match=r"v<seed>\.1"):
        find("v3.4")


def test_the_notebook_of_variants_can_be_graded(tmp_path, electra):
    code, said, _ = electra("course", "variants", "--seed", 12, "--out", tmp_path)
    assert code == 0
    assert str(tmp_path / "variants_12.ipynb") in said
    (original,) = originals(tmp_path)
    names = ("select_positions", "select_words", "label_three")
    assert original.variables == {f"v12.{i + 1}": name for i, name in enumerate(names)}
    for cell in original.book.cells:
        number = checked_in(cell)
        assert cell.metadata.get("nbgrader") == (check_metadata(number) if number else None)
        if exercise_of(cell):
            compile(cell.source, "stub", "exec")
    assert electra("course", "variants", "--seed", -1, "--out", tmp_path)[0] == 2


def test_a_handout_has_the_questions_and_none_of_the_help(tmp_path, electra):
    out = tmp_path / "handout"
    code, said, _ = electra("course", "handout", "--out", out, "--notebooks", NOTEBOOKS)
    assert code == 0, said
    assert sorted(p.name for p in out.glob("*.ipynb")) == sorted(p.name for p in NOTEBOOKS.glob("*.ipynb"))
    for path in sorted(out.rglob("*.ipynb")):
        before, after = read(NOTEBOOKS / path.relative_to(out)), read(path)
        text = "\n".join(cell.source for cell in after.cells if cell.cell_type == "markdown")
        for word in ("<details", "Hint 1", "提示 1", "eh.solution("):
            assert word not in text, path.name
        assert [c.source for c in after.cells if c.cell_type == "code"] == [
            c.source for c in before.cells if c.cell_type == "code"
        ]
        assert ("自测" if path.parent.name == "zh" else "Quiz yourself") in text
    assert not (out / "TEACHING.md").exists()
    assert electra("course", "handout", "--out", NOTEBOOKS / "x", "--notebooks", NOTEBOOKS)[0] == 2


def test_a_handout_never_touches_the_originals_or_a_strangers_folder(tmp_path, electra, monkeypatch):
    clone = tmp_path / "clone"
    shutil.copytree(NOTEBOOKS, clone / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "pyproject.toml", clone)
    monkeypatch.chdir(clone)
    before = {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()}
    (clone / "mine").mkdir()
    shutil.copy(NOTEBOOKS / "00_welcome.ipynb", clone / "mine" / "research.ipynb")
    (clone / "there").symlink_to(clone / "notebooks")
    for out in (".", "..", "notebooks", "notebooks/x", "mine", "there", clone, clone.parent, "pyproject.toml"):
        code, _, errors = electra("course", "handout", "--out", out)
        assert (code, errors.count("\n")) == (2, 1), out
        assert "--out" in errors
    assert {path: path.read_bytes() for path in before} == before
    assert (clone / "mine" / "research.ipynb").read_bytes() == (NOTEBOOKS / "00_welcome.ipynb").read_bytes()
    for _ in range(2):  # its own folder may be written again
        assert electra("course", "handout", "--out", clone / "new")[0] == 0
    assert {path: path.read_bytes() for path in before} == before


def test_the_questions_of_a_quiz_stay():
    text = "**Quiz**\n\n<details><summary>1. Why?</summary>Because <b>so</b>.</details>\n<details><summary>Hint 2</summary>x</details>\n"
    assert without_help(text) == "**Quiz**\n\n1. Why?\n"
