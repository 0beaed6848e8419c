"""Every mistake can still be put in: one that no longer fits the code would prove nothing, and nobody would hear of it."""

import ast
from collections import Counter

import pytest

from tests.mutants.run import HERE, ROOT, Mutant, all_mutants, mistaken, survives

MUTANTS = all_mutants()
KINDS = {".py", ".js", ".css"}


def where(text: str) -> list[str]:
    """Files of the project that hold `text`: where it went, if it was moved."""
    files = [p for folder in ("electra_helpers", "tests") for p in (ROOT / folder).rglob("*.*") if p.suffix in KINDS]
    return [str(path.relative_to(ROOT)) for path in files if text in path.read_text("utf-8")]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_fits_the_code_and_names_its_tests(mutant):
    source = (ROOT / mutant.file).read_text("utf-8")
    assert source.count(mutant.old) == 1, f"{mutant.old!r} is now in {where(mutant.old) or 'no file'}"
    changed = mutant.put_in(source)
    assert changed != source
    if mutant.file.endswith(".py"):
        ast.parse(changed)  # a syntax error would be noticed by any test
    assert mutant.mistake
    assert mutant.tests
    for test in mutant.tests:
        file, *names = test.split("::")
        written = (ROOT / file).read_text("utf-8")
        assert all(f"def {name.split('[')[0]}(" in written or f"class {name}" in written for name in names), test


def test_no_two_mutants_have_one_name():
    assert [name for name, times in Counter(mutant.name for mutant in MUTANTS).items() if times > 1] == []


def test_nothing_in_this_folder_is_left_unread():
    kinds = Counter(path.suffix for path in HERE.iterdir() if path.is_file())
    assert set(kinds) == {".py", ".toml"}, (
        "a mistake is written as an entry of a TOML file: name, mistake, tests, file, old, new"
    )


def small_mutant(test: str) -> Mutant:
    return Mutant("small", "one is two", [test], "electra_helpers/one.py", "ONE = 1", "ONE = 2")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "electra_helpers").mkdir()
    (tmp_path / "electra_helpers" / "__init__.py").touch()
    (tmp_path / "electra_helpers" / "one.py").write_text("ONE = 1\n")
    (tmp_path / "test_good.py").write_text("from electra_helpers.one import ONE\ndef test_one(): assert ONE == 1\n")
    (tmp_path / "test_blind.py").write_text("def test_nothing(): pass\n")
    (tmp_path / "test_broken.py").write_text("import no_such_module\n")
    return tmp_path


def test_a_mistake_is_caught_missed_or_not_tested_at_all(project):
    assert survives(small_mutant("test_good.py"), project) is None
    assert "pytest ended with 0" in survives(small_mutant("test_blind.py"), project)
    assert "pytest ended with 2" in survives(small_mutant("test_broken.py"), project)


def test_the_copy_is_sound_again_afterwards(project):
    path = project / "electra_helpers" / "one.py"
    with mistaken(project, small_mutant("test_good.py")):
        assert path.read_text() == "ONE = 2\n"
    assert path.read_text() == "ONE = 1\n"


def test_a_text_that_occurs_twice_is_no_mutant():
    with pytest.raises(ValueError, match="occurs 2 times"):
        small_mutant("test_good.py").put_in("ONE = 1\nONE = 1\n")
