"""`make model` in a shortened form, and what its benchmark counts."""

import json
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import transformers

from electra_helpers import load, recipe
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.world import stories
from tests.benchmarks import mini

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tiny_model():
    return load("electra-tiny-world-en")


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


@dataclass(frozen=True)
class Made:
    """What `make model` made: its folder, its two corpora, and what was asked of it."""

    out: Path
    corpus: Path
    books: Path
    asked: tuple[str, ...]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    if shutil.which("make") is None:
        pytest.skip("needs make")
    room = tmp_path_factory.mktemp("recipe")
    corpus, books = room / "text.txt", room / "books.txt"
    corpus.write_text("\n\n".join(story.text("en") for story in stories(count=400)), "utf-8")
    books.write_text("\n\n".join(story.text("en") for story in stories(count=100)), "utf-8")
    asked = (f"BOOKS={books}", "STEPS=6 1 2 1 1", "SIZE=tiny")
    done = make_model(corpus, room / "model", *asked)
    assert done.returncode == 0, done.stderr
    return Made(room / "model", corpus, books, asked)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_model_asks_for_text(tmp_path):
    refused = make_model(None, tmp_path)
    assert refused.returncode != 0
    assert "Name the text to learn from" in refused.stdout


@pytest.mark.slow
def test_make_model_trains_five_legs_each_from_the_end_of_the_one_before(made):
    out, corpus, books = made.out, str(made.corpus), str(made.books)
    legs = [json.loads((out / f"leg{n}" / "run.json").read_text()) for n in (1, 2, 3, 4, 5)]
    settings = [
        tuple(leg["pretrain"][name] for name in ("schedule", "length", "form", "temperature", "steps")) for leg in legs
    ]
    tiny = recipe("tiny").pretrain
    assert settings == [
        ("constant", 64, "plain", tiny.temperature, 6),
        ("linear", tiny.length, "segments", 3.0, 1),
        ("constant", 64, "plain", tiny.temperature, 2),
        ("linear", tiny.length, "segments", 3.0, 1),
        ("linear", tiny.length, "segments", 3.0, 1),
    ]
    assert [leg["sources"] for leg in legs] == [[corpus], [corpus], [books], [corpus], [books]]
    assert [leg["model"]["sharing"] for leg in legs] == ["disentangled", "disentangled", "word", "word", "word"]
    for n in (2, 3, 4, 5):
        moved = (inner_weights(load(out / f"leg{n}")) - inner_weights(load(out / f"leg{n - 1}"))).abs().max()
        # A step or two move a weight by no more than twice the rate of 0.003; the weights of another start lie 0.3 apart.
        assert 0 < moved < 0.02, "a leg starts where the last one ended"
    model = load(out / "electra-mini-en")
    assert model.net.config.hidden_size == recipe("tiny").model.hidden_size
    assert (out / "electra-mini-en" / "log-leg1.jsonl").read_text() == (out / "leg1" / "log.jsonl").read_text()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_model_makes_an_electra_of_an_encoder(tmp_path):
    encoder, text, pieces = (
        tmp_path / "encoder",
        tmp_path / "text.txt",
        tokenizer_from_words([*"abcdefgh", "rare", "."]),
    )
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.BertModel(transformers.BertConfig(vocab_size=pieces.vocab_size, **shape)).save_pretrained(encoder)
    pieces.save(encoder)
    letters = random.Random(0)
    text.write_text("\n\n".join(" ".join(letters.choices("abcdefgh", k=9)) + " ." for _ in range(400)), "utf-8")
    done = make_model(text, tmp_path / "model", f"ENCODER={encoder}", "KEEP=14", "STEPS=2 1 3")
    assert done.returncode == 0, done.stderr
    legs = [json.loads((tmp_path / "model" / f"leg{n}" / "run.json").read_text()) for n in (1, 2, 3)]
    assert [leg["pretrain"]["schedule"] for leg in legs] == ["constant", "linear", "linear"]
    assert [leg["pretrain"]["precision"] for leg in legs] == ["auto", "auto", "bf16"]
    assert [leg["begun"]["init_from"] for leg in legs] == [str(encoder), str(tmp_path / "model" / "leg1"), str(encoder)]
    assert {leg["pretrain"]["form"] for leg in legs} == {"sentences"}
    bundle = tmp_path / "model" / "electra-minilm-en"
    model = load(bundle)
    assert (model.tokenizer.vocab_size, model.net.config.generator_layers) == (14, 1)
    assert "rare" not in model.tokenizer.backend.get_vocab()
    assert json.loads((bundle / "config.json").read_text())["electra_helpers"] == 2, "in eight bits"
    two, three = (inner_weights(load(tmp_path / "model" / f"leg{n}")) for n in (2, 3))
    assert torch.allclose(inner_weights(load(tmp_path / "model" / "mean")), (two + 2 * three) / 3, atol=1e-6)
    logs = [(bundle / name).read_text() for name in ("log-leg1.jsonl", "log-leg2.jsonl", "log.jsonl")]
    assert logs == [(tmp_path / "model" / f"leg{n}" / "log.jsonl").read_text() for n in (1, 2, 3)]


@pytest.mark.slow
def test_make_model_goes_on_where_it_is_and_bundles_anew(made):
    before = weights(load(made.out / "electra-mini-en"))
    shutil.rmtree(made.out / "electra-mini-en")
    again = make_model(made.corpus, made.out, *made.asked)  # all legs are done: only bundled anew
    assert again.returncode == 0, again.stderr
    assert torch.equal(before, weights(load(made.out / "electra-mini-en")))


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
