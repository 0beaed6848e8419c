"""An option that another leaves without effect is refused in one line: nobody may believe that it was heeded."""

import json

import pytest

from electra_helpers.config import PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.options import check_evaluate, check_finetune, check_generate, check_pretrain
from electra_helpers.reading.hub import NoSplit
from electra_helpers.saved.files import write_model
from electra_helpers.saved.pretrained import save_config
from electra_helpers.tasks.classification import Classification
from electra_helpers.tasks.holding_out import HoldOut
from electra_helpers.tasks.reading import labels_to_match, open_task_data, training_data
from tests.training.seeds import start_with

PRETRAIN = {
    "--tokenizer does nothing beside --init-from": {"tokenizer": "t", "init_from": "m"},
    "--vocab-size does nothing where the vocabulary comes with --tokenizer": {"tokenizer": "t", "vocab_size": 90},
    "--whole-words does nothing": {"init_from": "m", "whole_words": 9},
    "--lowercase does nothing": {"init_from": "m", "lowercase": False},
    "--rtd-weight does nothing with --objective mlm": {"objective": "mlm", "rtd_weight": 9.0},
    "--generator-size does nothing with --objective mlm": {"objective": "mlm", "generator_size": 0.5},
    "--temperature does nothing with --fakes uniform": {"fakes": "uniform", "temperature": 2.0},
    "--max-positions 64 is too few for --length 128": {"max_positions": 64, "length": 128},
}


@pytest.mark.parametrize("said", PRETRAIN)
def test_what_a_pretraining_would_pass_over_is_refused(said):
    with pytest.raises(ElectraError, match=said):
        check_pretrain(PRETRAIN[said], ["text.txt"])


def test_what_has_an_effect_is_let_through():
    check_pretrain({"tokenizer": "t", "objective": "rtd", "rtd_weight": 9.0, "length": 64}, ["text.txt"])
    check_pretrain({"init_from": "m", "sharing": "none", "column": "body"}, ["world", "text.jsonl"])
    check_finetune("classification", {"class_weights": "balanced", "labels": "a,b", "epochs": 2.0})
    check_generate("a [MASK]", {"steps": 3, "redo": "random"})


def test_sources_without_columns_or_with_words_of_their_own_are_told():
    with pytest.raises(ElectraError, match="--column does nothing for docs and world:zh"):
        check_pretrain({"column": "text"}, ["docs", "world:zh"])
    with pytest.raises(ElectraError, match="--vocab-size does nothing for the little world"):
        check_pretrain({"vocab_size": 90}, ["world"])


FINETUNE = {
    ("tagging", "class_weights"): "--class-weights does nothing for tagging",
    ("question-answering", "labels"): "--labels does nothing for question-answering",
    ("classification", "beams"): "--beams does nothing for classification",
    ("translation", "stride"): "--stride does nothing for translation",
    ("summarisation", "head"): "--head does nothing for summarisation",
    ("tagging", "kind"): "--kind does nothing for tagging",
}


@pytest.mark.parametrize(("task", "name"), FINETUNE)
def test_what_a_fine_tuning_would_pass_over_is_refused(task, name):
    with pytest.raises(ElectraError, match=FINETUNE[task, name]):
        check_finetune(task, {name: "balanced"})


@pytest.mark.parametrize(
    ("first", "second"), [("steps", "epochs"), ("warmup_steps", "warmup_share"), ("freeze", "layer_decay")]
)
def test_two_options_for_one_thing_are_refused(first, second):
    with pytest.raises(
        ElectraError, match=f"--{second.replace('_', '-')} does nothing beside --{first.replace('_', '-')}"
    ):
        check_finetune("classification", {first: 5, second: 0.5})


def test_what_an_evaluation_or_a_text_would_pass_over_is_refused(tmp_path):
    for task, given in {
        "classification": {"threshold": 0.5},
        "cleaning": {"how": "mean"},
        "acceptability": {"labels": "a,b"},
    }.items():
        with pytest.raises(ElectraError, match=f"--{next(iter(given))} does nothing for {task}"):
            check_evaluate(task, given | {"data": "world"})
    (tmp_path / "rows.csv").write_text("text,label\n")
    with pytest.raises(ElectraError, match="--split does nothing for a file"):
        check_evaluate("classification", {"split": "test", "data": str(tmp_path / "rows.csv")})
    for text, given in (
        (None, {"share": 0.5}),
        ("a", {"words": 9}),
        ("a ___", {"share": 0.5}),
        ("a", {"steps": 0, "redo": "random"}),
    ):
        with pytest.raises(ElectraError, match="does nothing"):
            check_generate(text, given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"validation": "v.csv", "hold_out": 0.2}, "--hold-out does nothing beside --validation"),
        ({"validation": "v.csv", "split_seed": 1}, "--split-seed does nothing beside --validation"),
        ({"kind": "scale", "labels": "a,b"}, "--labels does nothing with --kind scale"),
        ({"column": ["text=a"]}, "--column does nothing for world:topic"),
    ],
)
def test_what_training_rows_would_pass_over_is_refused(given, said):
    with pytest.raises(ElectraError, match=said):
        check_finetune("classification", given, ["world:topic"])
    check_finetune("classification", {"kind": "scale", "hold_out": 0.2, "column": ["text=a"]}, ["rows.csv"])


def test_what_the_little_world_and_a_scale_would_pass_over_is_refused():
    for given, said in (
        ({"split": "x"}, "--split does nothing for the"),
        ({"column": ["good=a"]}, "--column does nothing for world"),
    ):
        with pytest.raises(ElectraError, match=said):
            check_evaluate("acceptability", {"data": "world"} | given)
    with pytest.raises(ElectraError, match="--labels does nothing for this model, whose labels are numbers on a scale"):
        labels_to_match(Classification((), 3.0), ["a", "b"])


def test_holding_out_of_a_set_that_has_validation_rows_is_refused(tmp_path):
    for name in ("train", "dev"):
        (tmp_path / f"{name}.csv").write_text("text,label\na,x\nb,y\n")
    train, held_out, _ = training_data(str(tmp_path), None, None, "classification")
    assert (len(train), len(held_out)) == (2, 2)
    with pytest.raises(ElectraError, match="has validation rows of its own: leave --hold-out"):
        training_data(str(tmp_path), None, None, "classification", holding=HoldOut(0.2))


@pytest.fixture
def run(tmp_path):
    """The folder of a run, as far as resuming looks at it before it reads text."""
    made, config = start_with(), PretrainConfig(steps=0)
    made.tokenizer.save(tmp_path / "run")
    save_config(tmp_path / "run", made.net.config, config)
    write_model(made.net, tmp_path / "run/model.safetensors")
    return tmp_path / "run"


COMMANDS = {
    "--tokenizer does nothing beside --init-from": (
        "pretrain",
        "--corpus",
        "world",
        "--tokenizer",
        "t",
        "--init-from",
        "m",
    ),
    "--sure does nothing without --corrected": ("clean", "f.txt", "--model", "m", "--output", "o.csv", "--sure", "0.4"),
    "--redo does nothing with --steps 0": ("generate", "--model", "m", "--steps", "0", "--redo", "random"),
    "--threshold does nothing for tagging": (
        "evaluate",
        "tagging",
        "--model",
        "m",
        "--data",
        "d",
        "--threshold",
        "0.5",
    ),
    "--beams does nothing for tagging": (
        "finetune",
        "tagging",
        "--model",
        "m",
        "--train",
        "d",
        "--out",
        "o",
        "--beams",
        "2",
    ),
}


@pytest.mark.parametrize("said", COMMANDS)
def test_the_command_refuses_them_before_it_reads_anything(said, electra, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = [*COMMANDS[said], *(["--out", "out"] if COMMANDS[said][0] == "pretrain" else [])]
    code, _, errors = electra(*command)
    assert (code, errors.count("\n")) == (2, 1)
    assert said in errors
    assert list(tmp_path.glob("*")) == [tmp_path / "cache"] or not list(tmp_path.glob("out"))


def test_rows_longer_than_the_model_reads_are_refused_where_they_are_asked_for(run, electra, tmp_path):
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"text": "the", "label": x}) + "\n" for x in "ab" * 9))
    command = (
        "finetune",
        "classification",
        "--model",
        run,
        "--train",
        tmp_path / "rows.jsonl",
        "--out",
        tmp_path / "o",
    )
    code, _, errors = electra(*command, "--length", 99)
    assert code == 2
    assert "--length 99 is more than the 24 positions of run" in errors


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--seed", 10**20, "seed is 100000000000000000000: it must be at most"),
        ("--share", 5, "share is 5.0: it must be at most 1"),
        ("--temperature", "nan", "temperature is nan: give a finite number"),
    ],
)
def test_what_corrupt_cannot_do_is_one_line(option, value, said, electra):
    code, _, errors = electra("corrupt", "The chef cooked.", "--model", "electra-tiny-world-en", option, value)
    assert (code, errors.count("\n")) == (2, 1)
    assert said in errors


def test_the_little_world_says_which_splits_it_has():
    assert len(open_task_data("world:20", "dev", "classification")) == len(
        open_task_data("world:20", "val", "classification")
    )
    with pytest.raises(NoSplit, match="world has no split 'trial'; it has: train, validation, test"):
        open_task_data("world", "trial", "classification")
