"""Weights in eight bits: each off by half a step of its own row at most, shared tables once, and what is broken is said."""

import json

import pytest
import torch
from safetensors.torch import load_file

from electra_helpers.config import ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import Electra
from electra_helpers.saved.files import read_model, write_tensors
from electra_helpers.saved.int8 import dequantise, quantise

SHAPE = ModelConfig(vocab_size=97, num_layers=1, hidden_size=32, intermediate_size=48, embedding_size=16)


def made(**changes):
    torch.manual_seed(0)
    return Electra(ModelConfig(**{**SHAPE.__dict__, **changes})).eval()


@pytest.fixture
def stored(tmp_path):
    net, path = made(), tmp_path / "model.safetensors"
    write_tensors(quantise(net.state_dict()), path)
    return net, path


def test_each_entry_is_off_by_half_a_step_of_its_row_at_most():
    random = torch.Generator().manual_seed(0)
    rows = torch.randn(50, 8, generator=random) * torch.logspace(-4, 2, 50)[:, None]
    back = dequantise(quantise({"w": rows}))["w"]
    assert back.dtype == torch.float32
    off = (back - rows).abs().amax(1) / rows.abs().amax(1)
    assert (off <= 0.5 / 127 + 1e-6).all()
    assert off.max() > 0.001  # it is eight bits and not more


def test_the_largest_of_a_row_stays_and_a_row_of_zeros_too():
    rows = torch.tensor([[0.0, 0.0], [3.0, -1.0]])
    back = dequantise(quantise({"w": rows}))["w"]
    assert back[0].tolist() == [0.0, 0.0]
    assert back[1, 0].item() == pytest.approx(3.0, rel=1e-6)


def test_vectors_are_kept_as_they_are_and_every_matrix_is_bytes(stored):
    net, path = stored
    kept = load_file(path)
    assert kept["generator.head.bias"].equal(net.generator.head.bias)
    assert kept["generator.encoder.embeddings.word.weight"].dtype == torch.int8
    assert kept["generator.encoder.embeddings.word.weight_scale"].shape == (97,)
    assert all(value.dtype == torch.int8 for value in kept.values() if value.dim() == 2)


@pytest.mark.parametrize("sharing", ["all", "word", "none", "disentangled"])
def test_a_net_that_is_read_back_says_nearly_the_same(sharing, tmp_path):
    net, path, ids = made(sharing=sharing), tmp_path / "model.safetensors", torch.arange(5, 20)[None]
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.3)
    write_tensors(quantise(net.state_dict()), path)
    names = [name for name in load_file(path) if name.endswith("embeddings.word.weight")]
    assert len(names) == (1 if sharing in ("all", "word") else 2)
    back = made(sharing=sharing)
    read_model(back, path)
    for role in ("generator", "discriminator"):
        wanted, found = getattr(net, role)(ids), getattr(back, role)(ids)
        assert 0 < (found - wanted).abs().max() < 0.05 * wanted.abs().max()


@pytest.mark.parametrize("change", ["a matrix is missing", "a name is unknown", "another shape"])
def test_weights_that_do_not_fit_are_refused(stored, change):
    _, path = stored
    kept = load_file(path)
    if change == "a matrix is missing":
        del kept["discriminator.head.dense.weight"], kept["discriminator.head.dense.weight_scale"]
    if change == "a name is unknown":
        kept["discriminator.second_head.weight"] = torch.zeros(2)
    write_tensors(kept, path)
    with pytest.raises(ElectraError, match="do not fit this model"):
        read_model(made(num_layers=2) if change == "another shape" else made(), path)


def test_a_newer_format_is_refused_by_its_number(tmp_path, electra):
    (tmp_path / "config.json").write_text(json.dumps({"electra_helpers": 3}))
    code, _, error = electra("inspect", "The chef.", "--model", tmp_path)
    assert code == 2
    assert "model format 3, this package reads up to 2" in error
