"""What is wrong with a path, an option or a column costs a second, not the five that torch takes to load."""

import pytest

from electra_helpers import early
from electra_helpers.tasks.registry import TASKS
from tests.pace import within
from tests.test_hostile_files import MODEL, assert_one_line, measured

PRETRAIN = ("pretrain", "--out", "new")
FINETUNE = ("finetune", "classification", "--model", MODEL, "--out", "new")
CLEAN = ("clean", "rows.csv", "--model", MODEL)
MISTAKES = {
    "pretrain: no file": ((*PRETRAIN, "--corpus", "none.txt"), "none.txt does not exist"),
    "pretrain: no column": ((*PRETRAIN, "--corpus", "rows.csv", "--column", "body"), "no column 'body'"),
    "pretrain: no corpus": (PRETRAIN, "--corpus with a file"),
    "pretrain: no model": ((*PRETRAIN, "--corpus", "rows.csv", "--init-from", "none"), "no model 'none'"),
    "pretrain: no run": ((*PRETRAIN, "--resume"), "new"),
    "finetune: no file": ((*FINETUNE, "--train", "none.csv"), "none.csv"),
    "finetune: no column": ((*FINETUNE, "--train", "rows.csv", "--column", "label=stars"), "no column 'stars'"),
    "finetune: no test": ((*FINETUNE, "--train", "rows.csv", "--test", "none.csv"), "none.csv"),
    "finetune: no model": ((*FINETUNE, "--train", "rows.csv", "--model", "none"), "no model 'none'"),
    "finetune: no new folder": ((*FINETUNE, "--train", "rows.csv", "--out", "."), "is not empty"),
    "finetune: no task": (
        ("finetune", "ranking", "--model", MODEL, "--out", "new", "--train", "rows.csv"),
        "'ranking'",
    ),
    "predict: no model": (("predict", "--model", "none", "--input", "rows.csv", "--output", "out.csv"), "none"),
    "predict: not fine-tuned": (("predict", "--model", ".", "--input", "rows.csv", "--output", "out.csv"), "no model"),
    "evaluate: no model": (("evaluate", "classification", "--model", "none", "--data", "rows.csv"), "no folder none"),
    "evaluate: no data": (("evaluate", "acceptability", "--model", MODEL, "--data", "none.csv"), "none.csv"),
    "evaluate: no task": (("evaluate", "ranking", "--model", MODEL, "--data", "rows.csv"), "'ranking'"),
    "clean: no file": (("clean", "none.csv", "--model", MODEL, "--output", "out.csv"), "none.csv does not exist"),
    "clean: no column": ((*CLEAN, "--output", "out.csv", "--columns", "body"), "no column 'body'"),
    "clean: no form": ((*CLEAN, "--output", "out.xlsx"), "written as .jsonl, .csv or .tsv"),
    "clean: no folder": ((*CLEAN, "--output", "none/out.csv"), "no folder none"),
    "clean: no model": (("clean", "rows.csv", "--model", "none", "--output", "out.csv"), "no model 'none'"),
    "pretrain: no new folder": (("pretrain", "--out", ".", "--corpus", "rows.csv"), "is not empty"),
    "pretrain: no size": ((*PRETRAIN, "--corpus", "rows.csv", "--size", "huge"), "no size 'huge'"),
    "pretrain: no steps": ((*PRETRAIN, "--corpus", "rows.csv", "--steps", "-5"), "steps is -5"),
    "export: no model": (("export", "none", "new"), "no folder of that name"),
    "export: no new folder": (("export", MODEL, "."), "is not empty"),
    "average: no model": (("average", "none", "none", "--out", "new"), "no folder of that name"),
    "average: no new folder": (("average", MODEL, MODEL, "--out", "."), "is not empty"),
    "import: no folder": (("import", "none", "--out", "new"), "there is no such folder"),
    "import: no new folder": (("import", "none", "--out", "."), "is not empty"),
    "handout: no folder of its own": (("course", "handout", "--out", "."), "did not make"),
    "corpus stats: no file": (("corpus", "stats", "none.txt"), "none.txt does not exist"),
    "corpus stats: no column": (("corpus", "stats", "rows.csv", "--column", "body"), "no column 'body'"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("early")
    (folder / "rows.csv").write_text("text,label\nHe went home.,1\nShe stayed.,0\n", "utf-8")
    return folder


@pytest.mark.parametrize("mistake", MISTAKES)
def test_it_is_said_in_a_second_without_torch(mistake, folder):
    arguments, said = MISTAKES[mistake]
    code, errors, seconds, _, loaded_torch = measured(*arguments, cwd=folder)
    assert code == 2
    assert_one_line(errors)
    assert said in errors
    assert not loaded_torch
    assert within(seconds, 1.0)  # about 0.7 s of the processor
    assert sorted(each.name for each in folder.iterdir()) == ["rows.csv"]


def test_the_tasks_are_those_there_are():
    assert set(early.TASK_NAMES) == set(TASKS)
