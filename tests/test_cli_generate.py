"""`electra generate`: blanks are filled and nothing else changes, the same seed writes the same, and bad input is one line."""

import json

import pytest

from tests.test_cli_tasks import MODEL

TEXT = "a ___ named anna lived in a quiet [MASK] ."


def test_blanks_are_filled_and_the_rest_stays(electra):
    code, said, errors = electra("generate", "--model", MODEL, "--text", TEXT, "--count", "4", "--json")
    assert code == 0, errors
    made = json.loads(said)
    assert len(made) == 4
    for text in made:
        words = text.rstrip(".").split()
        assert [w for at, w in enumerate(words) if at not in (1, 8)] == [
            "a",
            "named",
            "anna",
            "lived",
            "in",
            "a",
            "quiet",
        ]
        assert "[MASK]" not in text
        assert "_" not in text


@pytest.mark.parametrize("redo", ["critic", "random", "confidence"])
def test_the_same_seed_writes_the_same_and_another_something_else(redo, electra):
    def wrote(seed):
        return electra("generate", "--model", MODEL, "--words", "12", "--steps", "4", "--redo", redo, "--seed", seed)[1]

    assert wrote(1) == wrote(1) != wrote(2)
    assert wrote(1).count("\n") == 3


def test_chinese_is_written_without_blanks_between_characters(electra):
    code, said, _ = electra(
        "generate", "--model", "electra-tiny-world-zh", "--words", "10", "--count", "1", "--steps", "2"
    )
    assert code == 0
    assert " " not in said.strip()


BAD = {
    "redo": (["--redo", "luck"], "choose one of critic, random, confidence"),
    "order": (["--order", "backwards"], "choose one of one by one, at once"),
    "temperature": (["--temperature", "0"], "temperature is 0.0"),
    "no temperature": (["--temperature", "nan"], "temperature is nan: give a finite number"),
    "steps": (["--steps", "-5"], "steps is -5: it must be at least 0"),
    "seed": (["--seed", "-1"], "seed is -1: it must be at least 0"),
    "count": (["--count", "0"], "at least one text"),
    "words": (["--words", "100000"], "this model writes 1 to"),
    "empty text": (["--text", "  "], "The text is empty"),
    "model": (["--model", "nope"], "no model 'nope'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_code_2(name, electra):
    arguments, word = BAD[name]
    filled = arguments if "--model" in arguments else [*arguments, "--model", MODEL]
    code, said, complaint = electra("generate", *filled)
    assert (code, said) == (2, "")
    assert word in complaint.strip().splitlines()[-1]
    assert "Traceback" not in complaint
