"""`make model` in a shortened form, and what its benchmark counts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from electra_helpers import load
from electra_helpers.model.store import Pretrained
from electra_helpers.world import stories
from tests.benchmarks import mini

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tiny_model():
    return load("electra-tiny-world-en")


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(story.text("en") for story in stories(count=400)), "utf-8")
    return path


def make_model(corpus, out, *changes):
    # The environment is there already: make is told not to look after it. What is held out is not what this is about: a few rows do.
    programs = Path(sys.executable).parent
    command = ["make", "-o", ".venv/installed", "model", f"BIN={programs}", f"MODEL={out}"]
    command.append(f"PRETRAIN={programs}/electra pretrain --eval-rows 8")
    return subprocess.run(
        [*command, *([f"CORPUS={corpus}"] if corpus else []), *changes], cwd=ROOT, capture_output=True, text=True
    )


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.net.parameters()])


def inner_weights(model):
    """All but the discriminator's own embeddings, which the third leg partly gives up."""
    named = model.net.named_parameters()
    return torch.cat([p.detach().flatten() for name, p in named if "discriminator.encoder.embeddings" not in name])


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_model_trains_five_legs_goes_on_and_bundles(corpus, tmp_path):
    out = tmp_path / "model"
    refused = make_model(None, out)
    assert refused.returncode != 0
    assert "Name the text to learn from" in refused.stdout
    books = tmp_path / "books.txt"
    books.write_text("\n\n".join(story.text("en") for story in stories(count=100)), "utf-8")
    asked = (f"BOOKS={books}", "STEPS=6 1 2 1 1")
    done = make_model(corpus, out, *asked)
    assert done.returncode == 0, done.stderr
    legs = [json.loads((out / f"leg{n}" / "run.json").read_text()) for n in (1, 2, 3, 4, 5)]
    settings = [
        tuple(leg["pretrain"][name] for name in ("schedule", "length", "form", "temperature", "steps")) for leg in legs
    ]
    assert settings == [
        ("constant", 64, "plain", 1.5, 6),
        ("linear", 128, "segments", 3.0, 1),
        ("constant", 64, "plain", 1.5, 2),
        ("linear", 128, "segments", 3.0, 1),
        ("linear", 128, "segments", 3.0, 1),
    ]
    assert [leg["sources"] for leg in legs] == [[str(corpus)], [str(corpus)], [str(books)], [str(corpus)], [str(books)]]
    assert [leg["model"]["sharing"] for leg in legs] == ["disentangled", "disentangled", "word", "word", "word"]
    for n in (2, 3, 4, 5):
        moved = (inner_weights(load(out / f"leg{n}")) - inner_weights(load(out / f"leg{n - 1}"))).abs().max()
        assert 0 < moved < 5e-5, "a rate that has just begun to grow: a leg starts where the last one ended"
    made = load(out / "electra-mini-en")
    assert made.net.config.hidden_size == 256
    assert (out / "electra-mini-en" / "log-leg1.jsonl").read_text() == (out / "leg1" / "log.jsonl").read_text()
    shutil.rmtree(out / "electra-mini-en")
    again = make_model(corpus, out, *asked)  # all legs are done: only bundled anew
    assert again.returncode == 0, again.stderr
    assert torch.equal(weights(made), weights(load(out / "electra-mini-en")))


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_legs_are_run_by_the_command_unless_another_is_named():
    def legs(*changes):
        command = ["make", "-n", "-o", ".venv/installed", "model", "CORPUS=a.txt", *changes]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [line.split(" --corpus a.txt --size mini ")[0] for line in said.splitlines() if "--size mini" in line]

    assert legs("BIN=programs") == ["programs/electra pretrain"] * 5
    assert legs("PRETRAIN=launch electra") == ["launch electra"] * 5


def test_a_masked_language_model_is_asked_token_by_token(tiny_model):
    blind = Pretrained(tiny_model.net, tiny_model.tokenizer, "blind")
    texts = ["the chef cooked the meal .", "anna ate ."]
    found = mini.token_log_p(blind, texts, rows=4)
    assert [len(row) for row in found] == [6, 3]
    ids = torch.tensor([blind.tokenizer.encode(texts[1]).ids])
    hidden = ids.clone()
    hidden[0, 2] = blind.tokenizer.mask_id
    with torch.no_grad():
        by_hand = blind.net.generator(hidden).log_softmax(-1)[0, 2, ids[0, 2]]
    assert found[1][1] == pytest.approx(by_hand.item(), abs=1e-4)


def test_the_odd_word_is_the_word_of_the_most_surprising_piece(tiny_model):
    words, text = ["Erik", "baked", "his", "bread", "."], "Erik baked his bread."
    for place in range(5):
        scores = [0.1] * 5
        scores[place] = 0.2
        assert mini.most_surprising(tiny_model, text, words, scores) == place
    pieces = tiny_model.tokenizer.encode("Ever his - bread").tokens[1:-1]
    assert len(pieces) == 4
    assert mini.most_surprising(tiny_model, "Ever his - bread", ["Ever", "his - bread"], [0, 0, 0, 1]) == 1
