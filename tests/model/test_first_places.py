"""A head that reads [CLS] alone lets the last layer compute one place: the same vectors, gradients and noise, for less work."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from electra_helpers.config import ModelConfig
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.heads import FinetunedNet, TextHead, TokenHead
from electra_helpers.text.packing import Batch

SHAPE = ModelConfig(vocab_size=50, embedding_size=16, hidden_size=24, num_layers=3, num_heads=2, intermediate_size=32)
IDS = torch.randint(5, 50, (4, 9), generator=torch.Generator().manual_seed(0))
REAL = torch.arange(9) < torch.tensor([9, 7, 3, 8])[:, None]


def run(whole, *, dropout, mask):
    """The first vectors, and the gradients of a loss on them, of the same encoder with the same noise."""
    torch.manual_seed(1)
    encoder = Encoder(ModelConfig(**vars(SHAPE) | {"dropout": dropout, "attention_dropout": dropout})).train()
    torch.manual_seed(2)
    first = encoder(IDS, None, mask)[:, :1] if whole else encoder(IDS, None, mask, 1)
    assert first.shape == (4, 1, 24)
    (first * torch.linspace(-1, 1, 24)).sum().backward()
    then = torch.rand(3)  # noise that is drawn afterwards is the same as well
    return first, then, {name: p.grad for name, p in encoder.named_parameters()}


@pytest.mark.parametrize("mask", [None, REAL], ids=["no padding", "padding"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_one_place_is_that_of_the_whole_row(dropout, mask):
    (mine, later, gradients), (theirs, after, wanted) = (
        run(whole, dropout=dropout, mask=mask) for whole in (False, True)
    )
    torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)
    assert torch.equal(later, after)
    assert gradients.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(gradients[name], gradient, atol=1e-5, rtol=1e-4, msg=name)


def operations(head):
    net = FinetunedNet(Encoder(SHAPE), head).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(Batch(IDS, attention_mask=REAL))
    return counter.get_total_flops()


def test_a_text_costs_less_than_its_tokens():
    layer = 4 * 9 * 2 * (4 * 24 * 24 + 2 * 24 * 32)  # of the products of a layer, 36 tokens
    assert operations(TokenHead(SHAPE, 3)) - operations(TextHead(SHAPE, 3)) > 0.6 * layer
