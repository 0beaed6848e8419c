"""Our nets against transformers' Electra classes with the same weights: logits, and one whole step with its gradients."""

import copy

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import corrupt, draw_noise, label_replaced, mask_positions, select_positions
from electra_helpers.exchange.transformers_bridge import net_to_transformers, to_transformers
from electra_helpers.model.electra import Electra, Steps
from electra_helpers.text.packing import Batch

IDS = {"cls_id": 2, "sep_id": 3, "mask_id": 4}
SHAPES = {
    # Small's and base's proportions: with and without a projection of the embeddings; a generator of 1 and of 4 heads.
    "small": ModelConfig(vocab_size=601, num_layers=3, max_positions=64, **IDS),
    "base": ModelConfig(
        vocab_size=601,
        embedding_size=768,
        hidden_size=768,
        num_layers=2,
        num_heads=12,
        intermediate_size=3072,
        generator_size=1 / 3,
        max_positions=64,
        **IDS,
    ),
}
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}


def redrawn(config, dtype):
    """Every parameter drawn anew, so that an unused bias or LayerNorm would show."""
    torch.manual_seed(0)
    net = Electra(config).to(dtype).eval()
    for name, parameter in net.named_parameters():
        # 0.1 or more everywhere; LayerNorm gains around 1 and a wide last layer, so that logits reach 1 and beyond
        torch.nn.init.normal_(
            parameter, mean=1.0 if name.endswith("norm.weight") else 0.0, std=0.3 if "head" in name else 0.1
        )
    return net


def padded_batch(config):
    ids = torch.randint(5, config.vocab_size, (3, 23), generator=torch.Generator().manual_seed(1))
    real = torch.ones_like(ids, dtype=torch.bool)
    for row, n in enumerate((23, 15, 8)):
        ids[row, 0], ids[row, n // 2], ids[row, n - 1] = 2, 3, 3
        ids[row, n:], real[row, n:] = 0, False
    types = (torch.arange(23) > 10).long().expand(3, 23).contiguous()
    return Batch(ids, types, real)


def relative(ours, theirs):
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1e-30))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("role", ["discriminator", "generator"])
@pytest.mark.parametrize("shape", SHAPES)
def test_logits_equal_those_of_transformers(shape, role, dtype):
    net, batch = redrawn(SHAPES[shape], dtype), padded_batch(SHAPES[shape])
    with torch.no_grad():
        ours = getattr(net, role)(batch.input_ids, batch.token_type_ids, batch.attention_mask)
        theirs = to_transformers(net, role)(
            batch.input_ids, token_type_ids=batch.token_type_ids, attention_mask=batch.attention_mask.long()
        ).logits
    real = batch.attention_mask
    assert theirs[real].abs().max() >= 1
    assert relative(ours[real], theirs[real]) <= TOLERANCE[dtype]


def transformers_step(net, batch, picked, masked, sampled):
    """The same step composed from transformers' two models, with shared embeddings: (loss, gradients by name)."""
    generator, discriminator = to_transformers(net, "generator"), to_transformers(net, "discriminator")
    discriminator.electra.embeddings = generator.electra.embeddings
    inputs = {"token_type_ids": batch.token_type_ids, "attention_mask": batch.attention_mask.long()}
    logits = generator(masked, **inputs).logits.gather(
        1, picked.positions[:, :, None].expand(-1, -1, net.config.vocab_size)
    )
    mlm = F.cross_entropy(logits[picked.is_valid], batch.input_ids.gather(1, picked.positions)[picked.is_valid])
    changed = corrupt(batch.input_ids, picked, sampled)
    labels = label_replaced(batch.input_ids, changed)
    judged = discriminator(changed, **inputs).logits[batch.attention_mask]
    loss = mlm + 50 * F.binary_cross_entropy_with_logits(judged, labels[batch.attention_mask].to(judged.dtype))
    loss.backward()
    return loss.detach(), generator, discriminator


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_whole_step_has_the_loss_and_gradients_of_transformers(shape, dtype):
    config, net = SHAPES[shape], redrawn(SHAPES[shape], dtype)
    batch = padded_batch(config)
    noise = draw_noise(*batch.input_ids.shape, torch.Generator().manual_seed(2))
    picked = select_positions(batch.input_ids, config.unselectable_ids, noise=noise.select)
    masked = mask_positions(batch.input_ids, picked, mask_id=config.mask_id, noise=noise.mask)
    sampled = torch.randint(5, 601, picked.positions.shape, generator=torch.Generator().manual_seed(3))
    loss, generator, discriminator = transformers_step(net, batch, picked, masked, sampled)

    steps = Steps(sample=lambda logits, **_: sampled)
    pretrain = PretrainConfig()
    ours = net(batch, noise, pretrain, steps).loss(pretrain.loss_weights)
    ours.backward()
    assert relative(ours.detach(), loss) <= TOLERANCE[dtype]
    for role, model in (("generator", generator), ("discriminator", discriminator)):
        theirs = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        gradients = gradients_by_their_names(getattr(net, role), role)
        assert gradients.keys() == theirs.keys()
        # A key's bias has no gradient but rounding (softmax ignores it), so rounding is measured by the largest gradient too.
        largest = max(float(g.abs().max()) for g in theirs.values())
        for name, gradient in gradients.items():
            skip = 1 if "word_embeddings" in name else 0  # transformers gives [PAD]'s row no gradient
            scale = max(float(theirs[name].abs().max()), 1e-2 * largest)
            assert float((gradient[skip:] - theirs[name][skip:]).abs().max()) <= TOLERANCE[dtype] * scale, name


def gradients_by_their_names(net, role):
    """Our gradients, renamed by the bridge as if they were the weights."""
    twin = copy.deepcopy(net)
    with torch.no_grad():
        for ours, parameter in zip(twin.parameters(), net.parameters(), strict=True):
            ours.copy_(parameter.grad)
    renamed = net_to_transformers(twin, role)
    return {name: value for name, value in renamed.items() if name != "generator_lm_head.weight"}


def test_fused_attention_equals_the_textbook_form():
    encoder = redrawn(SHAPES["small"], torch.float64).discriminator.encoder
    batch = padded_batch(SHAPES["small"])
    x, mask = encoder.embed(batch.input_ids, batch.token_type_ids, batch.attention_mask)
    attention = encoder.layers[0].attention
    weights = attention.weights(x, mask)  # (B, A, L, L)
    values = attention.qkv(x).chunk(3, -1)[2].view(3, 23, 4, 64).transpose(1, 2)
    by_hand = attention.out((weights @ values).transpose(1, 2).reshape(3, 23, 256))
    assert torch.allclose(by_hand, attention(x, mask), atol=1e-12)
    assert torch.allclose(weights.sum(-1), torch.ones(3, 4, 23, dtype=torch.float64))
