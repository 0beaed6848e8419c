"""How the tables and the attention of the tiny recipe start."""

from dataclasses import replace

import pytest
import torch

from electra_helpers import Electra, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.encoder import Encoder, Layer
from electra_helpers.model.init import mimetic_

SHAPE = ModelConfig(
    vocab_size=50,
    embedding_size=64,
    hidden_size=64,
    num_heads=1,
    num_layers=2,
    intermediate_size=64,
    generator_size=1.0,
)


def products(attention):
    """Wqᵀ Wk and Wo Wv of a layer with one head, both (H, H)."""
    q, k, v = attention.qkv.weight.detach().chunk(3)
    return q.T @ k, attention.out.weight.detach() @ v


@pytest.mark.parametrize(("copies", "sign"), [(False, -1), (True, 1)])
def test_mimetic_attention_looks_at_its_like_and_adds_or_takes_off_what_it_sees(copies, sign):
    torch.manual_seed(0)
    attention = Layer(SHAPE).attention
    mimetic_(attention, copies=copies)
    looks, moves = products(attention)
    one = torch.eye(SHAPE.hidden_size)
    torch.testing.assert_close(looks.diag().mean(), torch.tensor(0.7), atol=0.05, rtol=0)
    torch.testing.assert_close(moves.diag().mean(), torch.tensor(0.95 * sign), atol=0.05, rtol=0)
    assert (looks - 0.7 * one).std() == pytest.approx(0.3 / 8, rel=0.15)
    assert (moves - 0.95 * sign * one).std() == pytest.approx(0.15 / 8, rel=0.15)


def test_only_the_last_layer_of_the_generator_copies():
    torch.manual_seed(0)
    net = Electra(replace(SHAPE, attention_init="mimetic"))
    signs = {
        name: [float(products(layer.attention)[1].diag().mean().sign()) for layer in part.encoder.layers]
        for name, part in (("generator", net.generator), ("discriminator", net.discriminator))
    }
    assert signs == {"generator": [-1, 1], "discriminator": [-1, -1]}


def test_the_paper_s_start_is_left_alone():
    looks, moves = products(Electra(SHAPE).generator.encoder.layers[-1].attention)
    assert looks.diag().mean().abs() < 0.05
    assert moves.diag().mean().abs() < 0.05


def test_sinusoids_make_a_step_to_the_left_the_same_map_everywhere():
    table = Electra(replace(SHAPE, position_init="sinusoidal")).generator.encoder.embeddings.position.weight.detach()
    assert table.square().mean().sqrt() == pytest.approx(SHAPE.initializer_range, rel=0.01)
    near = table @ table.T
    torch.testing.assert_close(near.diagonal(1), near[0, 1].expand(len(near) - 1), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("embedding_size", [128, 256])
def test_heads_that_start_at_neighbours_look_at_them(embedding_size):
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=500,
        embedding_size=embedding_size,
        num_layers=1,
        initializer_range=0.05,
        position_init="scattered",
        attention_init="neighbours",
    )
    weights = Encoder(config).attention_weights(torch.randint(5, 500, (8, 64)))[0].mean(dim=0)  # (A, L, L)
    for head, offset in zip(weights, (-1, 1, -2, 2), strict=True):
        means = {d: head.diagonal(d).mean().item() for d in range(-5, 6)}
        assert max(means, key=means.get) == offset
        assert means[offset] > 0.5


def test_scattered_positions_are_nearly_orthogonal_also_next_to_each_other():
    config = ModelConfig(vocab_size=50, num_layers=1, initializer_range=0.05, position_init="scattered")
    table = Encoder(config).embeddings.position.weight.detach()
    assert table.std() == pytest.approx(0.05, rel=0.02)
    alike = torch.nn.functional.cosine_similarity(table[:200, None], table[None, :200], dim=-1).fill_diagonal_(0)
    assert alike.abs().max() < 0.4


def test_neighbours_need_scattered_positions():
    with pytest.raises(ElectraError, match="attention_init neighbours needs position_init scattered"):
        ModelConfig(attention_init="neighbours")
