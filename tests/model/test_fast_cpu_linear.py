"""Products by oneDNN are the products of torch, with the same gradients; and are taken only where they serve."""

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.model import fast_cpu as ours
from electra_helpers.model.fast_cpu import Linear, linear

needs_onednn = pytest.mark.skipif(not ours.HAS_ONEDNN, reason="torch has no oneDNN on this machine")


def run(function, shape, outputs, *, with_bias=True, transposed=False):
    """The output and all gradients of a product of random numbers."""
    torch.manual_seed(0)
    x = torch.randn(shape)
    x = x.transpose(0, 1) if transposed else x
    weight, bias = torch.randn(outputs, shape[-1]), torch.randn(outputs) if with_bias else None
    given = [t for t in (x, weight, bias) if t is not None]
    for tensor in given:
        tensor.requires_grad_()
    y = function(x, weight, bias)
    (y * torch.randn(y.shape)).sum().backward()
    return [y, *(tensor.grad for tensor in given)]


@needs_onednn
@pytest.mark.parametrize("options", [{}, {"with_bias": False}])
@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7), (2, 1, 96), (1, 1)])
def test_output_and_gradients_are_those_of_torch(shape, options):
    if len(shape) == 3:
        options = options | {"transposed": shape[1] > 1}
    mine, theirs = run(linear, shape, 4, **options), run(F.linear, shape, 4, **options)
    assert len(mine) == (4 if options.get("with_bias", True) else 3)
    for a, b in zip(mine, theirs, strict=True):
        assert a.shape == b.shape
        torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-5)


@needs_onednn
def test_a_gradient_spread_out_by_a_sum_is_taken_too():
    x, layer = torch.randn(3, 5, requires_grad=True), Linear(5, 2)
    layer(x).sum().backward()  # its gradient is one number seen six times
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(3, 5))
    torch.testing.assert_close(layer.bias.grad, torch.full((2,), 3.0))


@needs_onednn
def test_frozen_weights_get_no_gradient_and_their_input_does():
    x, layer = torch.randn(3, 5, requires_grad=True), Linear(5, 2).requires_grad_(False)
    layer(x).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is layer.bias.grad is None


def test_other_numbers_and_autocast_are_left_to_torch():
    x, layer = torch.randn(3, 5), Linear(5, 2)
    assert ours.by_onednn(x, layer.weight) == ours.HAS_ONEDNN
    assert not ours.by_onednn(x.double(), layer.weight.double())
    assert not ours.by_onednn(x[:0], layer.weight)
    assert layer(x[:0]).shape == (0, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert not ours.by_onednn(x, layer.weight)
        assert layer(x).dtype == torch.bfloat16
    layer.double()
    assert torch.equal(layer(x.double()), F.linear(x.double(), layer.weight, layer.bias))
