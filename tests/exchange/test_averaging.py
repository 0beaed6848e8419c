"""The mean of the weights of models that were trained from one another."""

import json
from dataclasses import replace

import pytest
import torch

from electra_helpers import ModelConfig, PretrainConfig, load, pretrain
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.averaging import average
from electra_helpers.training.callbacks import JsonLog
from electra_helpers.world import stories

SHAPE = ModelConfig(
    embedding_size=16, hidden_size=16, num_layers=1, num_heads=1, intermediate_size=16, generator_size=1.0
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run, one that went on from it, one with another objective, and one with another shape."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELECTRA_CACHE", str(folder / "cache"))
        text = folder / "text.txt"
        text.write_text("\n\n".join(story.text("en") for story in stories(count=60)), "utf-8")
        config = PretrainConfig(
            steps=2, batch_size=4, length=16, form="plain", eval_rows=4, vocab_size=300, learning_rate=0.1
        )
        pretrain([str(text)], folder / "first", config=config, model=SHAPE)
        log = JsonLog(folder / "second" / "log.jsonl")
        pretrain([str(text)], folder / "second", config=config, init_from=folder / "first", callbacks=[log])
        masked = replace(config, objective="mlm")
        pretrain([str(text)], folder / "masked", config=masked, model=SHAPE, tokenizer=folder / "first")
        pretrain([str(text)], folder / "words", config=replace(config, vocab_size=200), model=SHAPE)
    return folder


def test_every_weight_is_the_mean_and_one_named_twice_counts_twice(electra, runs, tmp_path):
    first, second = runs / "first", runs / "second"
    code, said, error = electra("average", first, first, second, "--out", tmp_path / "mean")
    assert code == 0, error
    assert "electra_helpers.load(" in said
    a, b, mean = (load(folder).net.state_dict() for folder in (first, second, tmp_path / "mean"))
    for name, weight in mean.items():
        assert not torch.equal(a[name], b[name]), name
        assert torch.allclose(weight, (2 * a[name] + b[name]) / 3, atol=1e-6), name
    made = json.loads((tmp_path / "mean" / "run.json").read_text())
    assert made["mean_of"] == ["first", "first", "second"]
    assert (tmp_path / "mean" / "log.jsonl").read_text() == (second / "log.jsonl").read_text()
    assert electra("export", tmp_path / "mean", tmp_path / "bundle", "--bundle")[0] == 0


def test_no_run_goes_on_over_a_mean(electra, runs, tmp_path):
    mean = average([runs / "first", runs / "second"], tmp_path / "mean")
    before = (mean / "model.safetensors").read_bytes()
    code, _, error = electra("pretrain", "--resume", "--out", mean)
    assert code == 2
    assert f"no checkpoint to resume from: start a run by --init-from {mean}" in error
    assert (mean / "model.safetensors").read_bytes() == before


def test_what_has_no_mean_is_refused_and_nothing_is_written(electra, runs, tmp_path):
    first, out = runs / "first", tmp_path / "mean"
    code, _, error = electra("average", first, "--out", out)
    assert code == 2
    assert "two models or more" in error
    with pytest.raises(ElectraError, match="words and first differ in shape, objective or vocabulary"):
        average([runs / "words", first], out)
    with pytest.raises(ElectraError, match="masked and first differ in shape, objective or vocabulary"):
        average([runs / "masked", first], out)
    with pytest.raises(ElectraError, match="first and masked differ"):
        average([first, runs / "masked"], out)
    with pytest.raises(ElectraError, match="electra-tiny-world-en is no run: name one last"):
        average([first, "electra-tiny-world-en"], out)
    assert not out.exists()
    with pytest.raises(ElectraError, match="is not empty"):
        average([first, first], runs)
