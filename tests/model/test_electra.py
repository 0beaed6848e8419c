"""The joint model: what is shared, what each loss covers, who gets gradient, and how weights start."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import draw_noise
from electra_helpers.model.electra import Electra
from electra_helpers.model.variants import AllTokensMLM, build_network
from electra_helpers.text.packing import Batch

CONFIG = ModelConfig(
    vocab_size=97, num_layers=2, max_positions=40, dropout=0.0, attention_dropout=0.0, cls_id=2, sep_id=3, mask_id=4
)
PRETRAIN = PretrainConfig(mask_share=0.3)


@pytest.fixture
def batch():
    ids = torch.randint(5, 97, (3, 31), generator=torch.Generator().manual_seed(0))
    real = torch.ones_like(ids, dtype=torch.bool)
    for row, n in enumerate((31, 20, 9)):
        ids[row, 0], ids[row, n - 1], ids[row, n:], real[row, n:] = 2, 3, 0, False
    return Batch(ids, None, real)


@pytest.fixture
def noise():
    return draw_noise(3, 31, torch.Generator().manual_seed(1), PRETRAIN.mask_share)


def make(**changes):
    torch.manual_seed(0)
    return Electra(ModelConfig(**{**CONFIG.__dict__, **changes}))


def test_all_embeddings_and_their_layer_norm_are_one_module():
    net = make()
    assert net.generator.encoder.embeddings is net.discriminator.encoder.embeddings
    assert net.generator.encoder.project is not net.discriminator.encoder.project


def test_the_output_matrix_is_the_word_table():
    net, ids = make(), torch.full((1, 6), 9)
    before = net.generator(ids)
    with torch.no_grad():
        net.discriminator.encoder.embeddings.word.weight[50] += 1.0  # id 50 is not in the input
    changed = (net.generator(ids) - before).abs().sum((0, 1)) > 0
    assert changed.nonzero().flatten().tolist() == [50]
    assert "lm_head" not in " ".join(net.state_dict())


def test_drawn_words_take_the_place_of_the_generators_samples(batch, noise):
    net = make().eval()
    drawn = torch.full_like(noise.sample, -1, dtype=torch.long)
    drawn[:, ::2] = 50
    own, mixed = (net(batch, each, PRETRAIN).corruption for each in (noise, replace(noise, drawn=drawn)))
    assert (mixed.sampled_ids[:, ::2] == 50).all()
    assert mixed.sampled_ids[:, 1::2].equal(own.sampled_ids[:, 1::2])
    assert mixed.masked_ids.equal(own.masked_ids)  # what the generator is asked, and learns from, is the same
    assert mixed.is_replaced.equal(batch.input_ids != mixed.input_ids)


def test_a_generator_may_have_fewer_layers_at_full_width():
    net = make(generator_size=1.0, generator_layers=1)
    assert (len(net.generator.encoder.layers), len(net.discriminator.encoder.layers)) == (1, 2)
    assert net.generator.encoder.config.hidden_size == net.config.hidden_size


def test_a_masked_language_model_alone_keeps_all_of_its_layers():
    config = ModelConfig(**{**CONFIG.__dict__, "generator_layers": 1})
    assert len(build_network(config, PretrainConfig(objective="mlm")).generator.encoder.layers) == 2


def test_the_vocabulary_product_is_made_only_at_the_selected_positions(batch, noise):
    net, shapes = make(), []
    net.generator.head.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape)))
    net(batch, noise, PRETRAIN)
    assert shapes == [(3, 9, 97)]  # M = round(0.3 · 31), not L = 31


def test_rtd_loss_is_the_mean_over_all_real_tokens(batch, noise):
    out = make()(batch, noise, PRETRAIN)
    real = batch.attention_mask
    by_hand = F.binary_cross_entropy_with_logits(out.rtd_logits[real], out.corruption.is_replaced[real].float())
    loss = out.losses["rtd"]
    assert int(loss.count) == 31 + 20 + 9, "[CLS] and [SEP] count, padding does not"
    assert torch.allclose(loss.total / loss.count, by_hand)


def test_rtd_on_the_selected_only_is_the_papers_ablation(batch, noise):
    settings = PretrainConfig(mask_share=0.3, objective="rtd-selected")
    out = build_network(CONFIG, settings)(batch, noise, settings)
    picked = out.corruption.is_selected
    by_hand = F.binary_cross_entropy_with_logits(out.rtd_logits[picked], out.corruption.is_replaced[picked].float())
    assert torch.allclose(out.losses["rtd"].total / out.losses["rtd"].count, by_hand)


def test_mlm_loss_is_the_mean_over_all_selected_kept_ones_too(batch, noise):
    out = make()(batch, noise, PRETRAIN)
    picked = out.corruption.selection
    targets = batch.input_ids.gather(1, picked.positions)[picked.is_valid]
    kept = out.corruption.masked_ids.gather(1, picked.positions)[picked.is_valid] == targets
    assert kept.any()
    by_hand = F.cross_entropy(out.mlm_logits[picked.is_valid], targets)
    assert torch.allclose(out.losses["mlm"].total / out.losses["mlm"].count, by_hand)


def test_the_loss_is_mlm_plus_fifty_times_rtd(batch, noise):
    out = make()(batch, noise, PRETRAIN)
    mlm, rtd = (out.losses[n].total / out.losses[n].count for n in ("mlm", "rtd"))
    assert torch.allclose(out.loss(PRETRAIN.loss_weights), mlm + 50 * rtd)


def test_rtd_gradient_reaches_the_shared_tables_but_never_the_generators_layers(batch, noise):
    net = make()
    net(batch, noise, PRETRAIN).losses["rtd"].total.backward()
    assert net.generator.encoder.embeddings.word.weight.grad.abs().sum() > 0
    own = [p for n, p in net.generator.named_parameters() if "embeddings" not in n]
    assert all(p.grad is None for p in own)


def test_disentangled_tables_keep_the_rtd_gradient_from_the_generator(batch, noise):
    net = make(sharing="disentangled")
    out = net(batch, noise, PRETRAIN)
    out.losses["rtd"].total.backward()
    assert all(p.grad is None for p in net.generator.parameters())
    assert net.discriminator.encoder.embeddings.word.weight.grad.abs().sum() > 0
    # At the start the difference is zero: the discriminator reads the generator's tables.
    theirs, ours = net.generator.encoder.embeddings.tables(), net.discriminator.encoder.embeddings.tables()
    assert all(torch.equal(a, b) for a, b in zip(theirs, ours, strict=True))


@pytest.mark.parametrize(
    ("sharing", "word", "position"), [("all", True, True), ("word", True, False), ("none", False, False)]
)
def test_each_way_of_sharing(sharing, word, position):
    net = make(sharing=sharing)
    ours, theirs = net.discriminator.encoder.embeddings, net.generator.encoder.embeddings
    assert (ours.word is theirs.word) == word
    assert (ours.position is theirs.position) == position


def test_the_discriminator_never_sees_a_copied_mask(batch, noise):
    out = make()(batch, noise, PRETRAIN)
    picked = out.corruption.selection
    sampled_masks = (out.corruption.sampled_ids[picked.is_valid] == CONFIG.mask_id).sum()
    assert (out.corruption.input_ids == CONFIG.mask_id).sum() == sampled_masks


def test_padding_changes_no_real_output(batch):
    net = make().eval()
    long = net.discriminator(batch.input_ids, None, batch.attention_mask)
    short = net.discriminator(batch.input_ids[2:, :9])
    assert torch.allclose(long[2, :9], short[0], atol=1e-5)


def test_initial_weights_are_the_references():
    net = make(initializer_range=0.05)
    table, last = net.generator.encoder.embeddings.word.weight, net.discriminator.head.logit.weight
    qkv, project = net.discriminator.encoder.layers[0].attention.qkv, net.discriminator.encoder.project.weight
    assert table.abs().max() <= 0.1, "cut at two standard deviations"
    assert table.detach().std().item() == pytest.approx(
        0.05 * 0.88, rel=0.05
    )  # a normal cut at 2 sigma has 0.88 of its deviation
    assert qkv.weight.abs().max() <= 0.1
    assert (qkv.bias == 0).all()
    for weight in (last, project):  # Glorot uniform: within sqrt(6 / (in + out)), and up to it
        bound = (6 / sum(weight.shape)) ** 0.5
        assert 0.9 * bound < weight.abs().max() <= bound


OBJECTIVES = [("rtd", "uniform"), ("rtd-selected", "uniform")]
OBJECTIVES += [(name, "generator") for name in ("rtd", "rtd-selected", "mlm", "replace-mlm", "all-tokens-mlm", "clm")]


@pytest.mark.parametrize(("objective", "fakes"), OBJECTIVES)
def test_target_counts_foretell_the_counts_of_the_losses(objective, fakes, batch, noise):
    pretrain = PretrainConfig(mask_share=0.3, objective=objective, fakes=fakes)
    net = build_network(CONFIG, pretrain)
    losses = net(batch, noise, pretrain).losses
    assert {n: int(c) for n, c in net.target_counts(batch, pretrain).items()} == {
        n: int(x.count) for n, x in losses.items()
    }
    sum(pretrain.loss_weights[n] * x.total for n, x in losses.items()).backward()
    unused = [n for n, p in net.named_parameters() if p.grad is None]
    assert not unused


def test_all_tokens_mlm_mixes_a_copy_with_the_softmax(batch, noise):
    torch.manual_seed(0)
    net, pretrain = AllTokensMLM(CONFIG).double(), PretrainConfig(mask_share=0.3, objective="all-tokens-mlm")
    out = net(batch, noise, pretrain)
    seen, real = out.corruption.input_ids, batch.attention_mask
    hidden = net.predictor.encoder(seen, None, real)
    copy = torch.sigmoid(net.copy_gate(hidden))  # (B, L, 1)
    p = (1 - copy) * torch.softmax(net.predictor.head(hidden, net.predictor.encoder.embeddings.word.weight), -1)
    p = p + copy * F.one_hot(seen, 97)
    by_hand = -p.gather(2, batch.input_ids[:, :, None])[..., 0].log()[real].sum()
    assert torch.allclose(out.losses["predictor"].total, by_hand)


def test_a_row_longer_than_the_position_table_is_refused():
    with pytest.raises(ValueError, match="41 tokens; this model has positions for 40"):
        make().discriminator(torch.ones(1, 41, dtype=torch.long))
