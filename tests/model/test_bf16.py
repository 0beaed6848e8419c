"""Half precision on a CPU: the same net within what eight bits of mantissa allow, also where it takes other paths."""

import pytest
import torch

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import draw_noise
from electra_helpers.model.electra import Electra
from electra_helpers.model.encoder import Encoder
from electra_helpers.text.packing import Batch

SHAPE = {"vocab_size": 300, "num_layers": 2, "hidden_size": 64, "intermediate_size": 128, "max_positions": 40}


@pytest.mark.parametrize("padded", [False, True])
def test_hidden_vectors_agree(padded):
    torch.manual_seed(0)
    # Weights large enough that attention chooses: near zero it would be flat, whatever its scale.
    encoder = Encoder(ModelConfig(**SHAPE, initializer_range=0.2)).eval()
    ids = torch.randint(5, 300, (3, 40))
    mask = torch.arange(40)[None] < torch.tensor([[40], [13], [27]]) if padded else None
    with torch.no_grad():
        exact = encoder(ids, None, mask)
        with torch.autocast("cpu", torch.bfloat16):
            half = encoder(ids, None, mask)
    real = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
    assert (half.float() - exact)[real].abs().max() < 0.06
    assert (half.float() - exact)[real].abs().mean() < 0.01


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_losses_and_gradients_of_a_joint_step_agree(dropout):
    config = PretrainConfig()
    found = []
    for half in (False, True):
        torch.manual_seed(0)
        net = Electra(ModelConfig(**SHAPE, dropout=dropout, attention_dropout=dropout)).train()
        ids = torch.randint(105, 300, (4, 40))
        noise = draw_noise(4, 40, torch.Generator().manual_seed(1), config.mask_share)
        torch.manual_seed(2)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = net(Batch(ids), noise, config).loss(config.loss_weights)
        loss.backward()
        found.append((loss.item(), net.discriminator.encoder.layers[0].up.weight.grad))
    (exact, straight), (rounded, other) = found
    assert rounded == pytest.approx(exact, rel=0.02)
    # Rounding changes a few sampled tokens, and with them the gradient a little.
    assert torch.nn.functional.cosine_similarity(straight.flatten(), other.flatten(), dim=0) > 0.9
