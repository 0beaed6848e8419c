"""What is written appears whole, with the mode of every other file, and under a name that no link can lie in wait at."""

import json
import os
import stat

import pytest
import torch

from electra_helpers.paths import appears_whole, draft_file
from electra_helpers.saved.files import write_json_atomically, write_model, write_tensors

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes and links")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_every_saved_file_has_the_usual_mode(tmp_path):
    (tmp_path / "usual").write_text("x")
    write_model(torch.nn.Linear(2, 2), tmp_path / "model.safetensors")
    write_tensors({"a": torch.zeros(2)}, tmp_path / "optimizer.safetensors")
    write_json_atomically({"a": 1}, tmp_path / "config.json")
    assert {mode(path) for path in tmp_path.iterdir()} == {mode(tmp_path / "usual")}
    assert len(list(tmp_path.iterdir())) == 4


def test_a_link_at_the_name_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "config.json").symlink_to(tmp_path / "elsewhere")
    (tmp_path / ".partial-config.json").symlink_to(tmp_path / "elsewhere")
    write_json_atomically({"a": 1}, tmp_path / "config.json")
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert not (tmp_path / "config.json").is_symlink()
    assert json.loads((tmp_path / "config.json").read_text()) == {"a": 1}


def test_names_of_drafts_are_not_to_be_guessed(tmp_path):
    assert len({draft_file(tmp_path / "x").name for _ in range(50)}) == 50


def test_what_fails_leaves_the_old_file_and_no_draft(tmp_path):
    (tmp_path / "x").write_text("old")

    def break_off():
        with appears_whole(tmp_path / "x") as draft:
            draft.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "old"
