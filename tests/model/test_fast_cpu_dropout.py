"""Our dropout has torch's distribution and gradient."""

import pytest
import torch

from electra_helpers.config import ModelConfig
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.fast_cpu import dropout, dropped_product, keep_mask


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_and_the_mean_are_right(p):
    torch.manual_seed(0)
    y = dropout(torch.ones(1_000_003), p)
    assert (y == 0).float().mean().item() == pytest.approx(p, abs=0.002)
    assert y.mean().item() == pytest.approx(1, abs=0.01)
    assert len(y.unique()) == 2


def test_neighbours_are_independent():
    torch.manual_seed(0)
    dropped = (keep_mask(torch.Size([400_000]), 0.3) == 0).float()
    for distance in (1, 2, 3, 4):
        both = (dropped[:-distance] * dropped[distance:]).mean().item()
        assert both == pytest.approx(0.09, abs=0.003)


def test_the_gradient_is_the_mask():
    torch.manual_seed(0)
    x = torch.randn(50, 7, requires_grad=True)
    y = dropout(x, 0.4)
    y.sum().backward()
    assert torch.equal(x.grad, torch.where(y == 0, 0.0, x.grad))
    assert torch.allclose(y, x * x.grad)


@pytest.mark.parametrize("dtypes", [(torch.float32, torch.float32), (torch.float32, torch.bfloat16)])
def test_a_dropped_product_has_the_gradients_of_its_two_steps(dtypes):
    kept = []
    for steps in (lambda w, v: dropped_product(w, v, 0.3), lambda w, v: dropout(w, 0.3).to(v.dtype) @ v):
        torch.manual_seed(0)
        weights, v = torch.rand(2, 3, 5, 5).to(dtypes[0]), torch.randn(2, 3, 5, 4).to(dtypes[1])
        weights.requires_grad_(), v.requires_grad_()
        mixed = steps(weights, v)
        mixed.float().square().sum().backward()
        kept.append((mixed, weights.grad, v.grad))
    for mine, theirs in zip(*kept, strict=True):
        assert mine.dtype == theirs.dtype
        torch.testing.assert_close(mine, theirs)


def test_a_byte_an_element_is_kept_and_nothing_else():
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        dropout(torch.randn(64, 32, requires_grad=True), 0.1)
        assert sum(t.nbytes for t in saved) == 64 * 32
        saved.clear()
        weights, v = torch.rand(2, 8, 8, requires_grad=True), torch.rand(2, 8, 4, requires_grad=True)
        dropped_product(weights, v, 0.1)
    assert sum(t.nbytes for t in saved) == 2 * 64 + 4 * 2 * 64 + 4 * 2 * 32  # the mask, and what went in


def test_the_global_seed_decides_and_eval_mode_is_silent():
    x = torch.ones(100)
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(dropout(x, 0.5))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert dropout(x, 0.5, training=False) is x


def test_attention_with_dropout_has_the_mean_of_attention_without():
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=50, hidden_size=32, num_heads=4, num_layers=1, attention_dropout=0.2, initializer_range=0.3
    )
    attention = Encoder(config).double().layers[0].attention
    x, mask = torch.randn(2, 9, 32, dtype=torch.float64), torch.ones(2, 1, 1, 9, dtype=torch.bool)
    mask[1, ..., 6:] = False
    with torch.no_grad():
        mean = torch.stack([attention.train()(x, mask) for _ in range(4_000)]).mean(0)
        assert torch.allclose(mean, attention.eval()(x, mask), atol=0.1)
