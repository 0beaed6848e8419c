"""The cross-entropy that makes its gradient in one tensor is torch's, to the bit."""

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import draw_noise
from electra_helpers.model import electra
from electra_helpers.model.fast_cpu import IGNORED, cross_entropy_sum
from electra_helpers.text.packing import Batch


def both(logits, targets, weight=3.0):
    """(loss, gradient) by this package and by torch, the loss times `weight` as a step weights it."""
    found = []
    for loss_of in (cross_entropy_sum, lambda x, y: F.cross_entropy(x, y, ignore_index=IGNORED, reduction="sum")):
        given = logits.clone().requires_grad_()
        loss = loss_of(given, targets)
        (weight * loss).backward()
        found.append((loss.detach(), given.grad))
    return found


@pytest.mark.parametrize("ignored", [[], [2, 5], range(7)])
def test_loss_and_gradient_are_those_of_torch(ignored):
    torch.manual_seed(0)
    logits, targets = 4 * torch.randn(7, 50), torch.randint(0, 50, (7,))
    targets[list(ignored)] = IGNORED
    (mine, slope), (theirs, their_slope) = both(logits, targets)
    assert torch.equal(mine, theirs)
    assert torch.equal(slope, their_slope)
    assert slope[list(ignored)].abs().sum() == 0
    assert slope.any() == (len(ignored) < 7)


def test_the_gradient_by_hand():
    logits, targets = torch.log(torch.tensor([[0.5, 0.25, 0.25]])), torch.tensor([1])
    (mine, slope), _ = both(logits, targets, weight=1.0)
    assert mine.item() == pytest.approx(1.386294, abs=1e-6)  # ln 4
    assert slope.tolist() == [pytest.approx([0.5, -0.75, 0.25])]  # p − 1 at the target, p elsewhere


def test_a_second_backward_pass_gives_the_gradient_again():
    logits = torch.randn(3, 5, requires_grad=True)
    loss = cross_entropy_sum(logits, torch.tensor([0, 1, 2]))
    first, second = (torch.autograd.grad(loss, logits, retain_graph=True)[0] for _ in range(2))
    assert first.any()
    assert torch.equal(first, second)


def test_the_logits_are_left_as_they_are():
    """A step hands them on: to sampling, and to whoever looks."""
    torch.manual_seed(0)
    model = ModelConfig(vocab_size=200, hidden_size=8, embedding_size=8, num_layers=1, num_heads=2, intermediate_size=8)
    net, ids = electra.Electra(model), torch.randint(110, 200, (2, 12))
    noise = draw_noise(2, 12, torch.Generator().manual_seed(0))
    out = net(Batch(ids), noise, PretrainConfig(steps=1))
    before = out.mlm_logits.detach().clone()
    out.loss({"mlm": 1.0, "rtd": 50.0}).backward()
    assert torch.equal(out.mlm_logits, before)
