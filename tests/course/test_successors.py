"""ELECTRA's successors: each loss against an example worked out by hand, each network against what would make it wrong."""

import math
from dataclasses import replace

import pytest
import torch

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Noise, draw_noise, gather_positions
from electra_helpers.course.labs import successor_losses as formulas
from electra_helpers.course.labs import successor_runs as lab
from electra_helpers.course.labs import successors as nets
from electra_helpers.model.electra import Electra, Steps
from electra_helpers.text.packing import Batch

SHAPE = ModelConfig(
    vocab_size=40,
    embedding_size=12,
    hidden_size=16,
    num_layers=2,
    num_heads=4,
    intermediate_size=20,
    generator_size=0.5,
    max_positions=16,
    dropout=0.0,
    attention_dropout=0.0,
    initializer_range=0.3,
    sharing="disentangled",
    cls_id=2,
    sep_id=3,
    mask_id=4,
)
CONFIG = PretrainConfig(mask_share=0.3, rtd_weight=20.0)
LENGTHS = (11, 8, 5)


@pytest.fixture
def batch():
    ids = torch.randint(5, 40, (3, 11), generator=torch.Generator().manual_seed(1))
    real = torch.arange(11) < torch.tensor(LENGTHS)[:, None]
    ids[:, 0] = SHAPE.cls_id
    ids = torch.where(real, ids, SHAPE.pad_id)
    for row, length in enumerate(LENGTHS):
        ids[row, length - 1] = SHAPE.sep_id
    return Batch(ids, None, real)


@pytest.fixture
def noise():
    return draw_noise(3, 11, torch.Generator().manual_seed(2), CONFIG.mask_share)


def made(network):
    torch.manual_seed(5)
    return network(SHAPE)


NETWORKS = [arm.network for arm in lab.ARMS.values() if arm.network]


def total(losses):
    return sum(part.total for part in losses.values())


def test_electric_asks_whether_a_token_was_drawn_from_q():
    # p = exp(−ln 2) = 1/2, q = 1/4, m = 0.15: 0.15 · 1/4 of 0.15 · 1/4 + 0.85 · 1/2 is 3/37.
    energy, log_q = torch.full((1, 2), math.log(2)), torch.full((1, 2), math.log(1 / 4))
    found = formulas.nce_loss_sum(
        energy, log_q, torch.tensor([[True, False]]), torch.ones(1, 2, dtype=torch.bool), 0.15
    )
    assert float(found.total) == pytest.approx(-math.log(3 / 37) - math.log(34 / 37), rel=1e-5)
    assert int(found.count) == 2
    # Minimal where exp(−E) = p: of n places, 0.85 hold data from p and 0.15 noise from q.
    p, q = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.2, 0.3, 0.5])
    energy = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    for weight, drawn in ((0.85 * p, False), (0.15 * q, True)):
        each = [
            formulas.nce_loss_sum(energy[i], q[i].double().log(), torch.tensor(drawn), torch.tensor(True), 0.15).total
            for i in range(3)
        ]
        (torch.stack(each) * weight).sum().backward(inputs=[energy])
    at_one = energy.grad.clone()
    energy.grad = None
    best = (-p.double().log()).requires_grad_()
    for weight, drawn in ((0.85 * p, False), (0.15 * q, True)):
        each = [
            formulas.nce_loss_sum(best[i], q[i].double().log(), torch.tensor(drawn), torch.tensor(True), 0.15).total
            for i in range(3)
        ]
        (torch.stack(each) * weight).sum().backward(inputs=[best])
    assert best.grad.abs().max() < 1e-7 < at_one.abs().max(), "the energy of least loss is −log p, normalised by itself"


def test_corrective_lm_copies_what_stands_there_or_draws_a_word():
    # copy = 0.8; the word has 1/4 of the softmax: 0.8 + 0.2 / 4 where it stands there, 0.2 / 4 where not.
    logits = torch.zeros(1, 2, 4)
    replaced = torch.full((1, 2), math.log(0.2 / 0.8))
    original, seen = torch.tensor([[1, 1]]), torch.tensor([[1, 3]])
    log_p = formulas.corrective_log_p(logits, replaced, original, seen)
    assert log_p.exp().tolist()[0] == pytest.approx([0.85, 0.05])
    found = formulas.corrective_loss_sum(logits, replaced, original, seen, torch.tensor([[False, True]]))
    assert float(found.total) == pytest.approx(-math.log(0.05))
    assert int(found.count) == 1


def test_the_copy_gate_learns_nothing_from_the_words():
    logits, gate = torch.zeros(1, 1, 4, requires_grad=True), torch.zeros(1, 1, requires_grad=True)
    ids = torch.ones(1, 1, dtype=torch.long)
    loss = formulas.corrective_loss_sum(logits, gate, ids, ids, torch.ones(1, 1, dtype=torch.bool))
    loss.total.backward()
    assert gate.grad is None
    assert logits.grad is not None


def test_contrast_finds_the_second_view_among_all_others():
    one = torch.eye(2, 3) * torch.tensor([[2.0], [5.0]])  # of any length: cosines are compared
    found = formulas.contrast_loss_sum(one, torch.eye(2, 3))
    assert float(found.total / found.count) == pytest.approx(-math.log(math.e / (math.e + 2)))
    assert int(found.count) == 4


# pytorch-metric-learning 2.9.0 on torch.manual_seed(17): NTXentLoss(temperature)(cat([a, b]), [0 1 2 3 4 0 1 2 3 4]).
LIBRARY = {1.0: 2.0964977741241455, 0.1: 4.148404121398926}


@pytest.mark.parametrize("temperature", LIBRARY)
def test_contrast_is_that_of_a_library(temperature):
    random = torch.Generator().manual_seed(17)
    a, b = torch.randn(5, 7, generator=random), torch.randn(5, 7, generator=random)
    found = formulas.contrast_loss_sum(a, b, temperature)
    assert float(found.total / found.count) == pytest.approx(LIBRARY[temperature], rel=1e-5)


def test_the_original_is_chosen_among_candidates():
    scores = torch.tensor([[[math.log(3), 0.0, 0.0, 0.0, 0.0], [9.0, 0, 0, 0, 0]]])
    found = formulas.selection_loss_sum(scores, torch.tensor([[True, False]]))
    assert float(found.total) == pytest.approx(-math.log(3 / 7))
    assert int(found.count) == 1


def test_candidates_are_different_and_follow_the_generator():
    logits = torch.tensor([0.5, 0.3, 0.1, 0.06, 0.04]).log().expand(1, 20_000, 5)
    noise = torch.rand(1, 20_000, 2, generator=torch.Generator().manual_seed(3))
    found = formulas.draw_candidates(logits, torch.zeros(1, 20_000, dtype=torch.long), noise)
    assert found.shape == (1, 20_000, 3)
    assert (found[..., 0] == 0).all(), "the original is the first"
    assert (found.sort(-1).values.diff(dim=-1) > 0).all(), "no word twice"
    first = torch.bincount(found[0, :, 1], minlength=5) / 20_000
    assert first.tolist() == pytest.approx([0, 0.6, 0.2, 0.12, 0.08], abs=0.015)


def test_generators_are_mixed_by_logits_and_only_votes_learn():
    logits = torch.tensor([[[[0.0, 2.0], [4.0, 0.0]]]], requires_grad=True)  # (B, M, K, V) = (1, 1, 2, 2)
    votes = torch.tensor([[[math.log(3), 0.0]]], requires_grad=True)  # 3/4 and 1/4
    mixed = formulas.mixed_logits(logits, votes)
    assert mixed[0, 0].tolist() == pytest.approx([1.0, 1.5])
    mixed[..., 0].sum().backward()
    assert logits.grad is None
    assert votes.grad[0, 0].tolist() == pytest.approx([0.75 * (0 - 1), 0.25 * (4 - 1)])


def test_drawn_words_are_exact_forward_and_reversed_backward():
    table = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]], requires_grad=True)
    mixed = torch.tensor([[[0.0, 1.0, -1.0]]], requires_grad=True)
    vectors = formulas.fooling_vectors(torch.tensor([[1]]), mixed, table)
    assert vectors[0, 0].tolist() == pytest.approx([0.0, 2.0])
    vectors.sum().backward()
    p = mixed.detach().softmax(-1)[0, 0]
    worth = table.detach().sum(-1)  # of each word to the sum
    assert mixed.grad[0, 0].tolist() == pytest.approx((-p * (worth - p @ worth)).tolist())
    assert table.grad.tolist() == [[0, 0], [1, 1], [0, 0]], "the judge's table learns as ever"


def test_the_temperature_falls_from_start_to_end():
    assert [formulas.falling_temperature(share, 2.0, 1.0) for share in (0, 0.5, 1, 1.5)] == [2.0, 1.5, 1.0, 1.0]


def test_further_numbers_are_uniform_and_independent_of_the_first():
    u = torch.rand(50_000, generator=torch.Generator().manual_seed(4))
    more = formulas.further(u, 3)
    assert more.shape == (50_000, 3)
    assert torch.equal(more[:10], formulas.further(u[:10], 3)), "a row keeps its numbers"
    assert (more >= 0).all()
    assert (more < 1).all()
    together = torch.cat([u[:, None], more], 1)
    assert together.mean(0).tolist() == pytest.approx([0.5] * 4, abs=0.01)
    assert (torch.corrcoef(together.T) - torch.eye(4)).abs().max() < 0.02
    for other in range(3):
        cells = torch.bincount((u * 10).long() * 10 + (more[:, other] * 10).long(), minlength=100)
        assert cells.float().std() < 40, "each pair fills the square: 500 in a cell, 22 the deviation of chance"


@pytest.mark.parametrize("network", NETWORKS)
def test_each_loss_counts_what_it_says_before_any_pass(network, batch, noise):
    net = made(network)
    losses, counts = net(batch, noise, CONFIG).losses, net.target_counts(batch, CONFIG)
    assert {name: int(part.count) for name, part in losses.items()} == {k: int(v) for k, v in counts.items()}


@pytest.mark.parametrize("network", NETWORKS)
def test_padding_changes_no_loss(network, batch, noise):
    net, short = made(network), Batch(batch.input_ids[2:, :8], None, batch.attention_mask[2:, :8])
    own = Noise(noise.select[2:, :8], noise.mask[2:, :2], noise.sample[2:, :2])  # two places of 5 tokens are selected
    alone = net(short, own, CONFIG)
    longer = net(batch.rows(2, 3), noise.rows(2, 3), CONFIG)
    for name in alone.losses:
        assert torch.allclose(alone.losses[name].total, longer.losses[name].total, rtol=1e-4), name


@pytest.mark.parametrize("network", NETWORKS)
def test_every_weight_learns(network, batch, noise):
    net = made(network)
    total(net(batch, noise, CONFIG).losses).backward()
    idle = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.abs().sum()]
    assert not [name for name in idle if "token_type" not in name and ".qkv.bias" not in name], idle


def test_no_tower_sees_the_word_that_it_is_asked_for(batch):
    towers = made(nets.Electric).towers
    before = towers(batch.input_ids, batch.attention_mask)
    for row, place in ((0, 4), (1, 6), (2, 3), (2, 4)):
        ids = batch.input_ids.clone()
        ids[row, place] = 7 if ids[row, place] != 7 else 8
        moved = (towers(ids, batch.attention_mask) - before).abs().amax(-1)[row] > 1e-6
        assert not moved[place]
        others = [t for t in range(LENGTHS[row]) if t != place]
        assert moved[others].all(), "every other word of the text is told of it"


def test_electrics_noise_counts_as_noise_even_where_it_is_the_original(batch, noise):
    net, seen = made(nets.Electric), {}

    def watch(energy, log_q, is_noise, judged, share):
        seen.update(is_noise=is_noise, log_q=log_q, share=share)
        return formulas.nce_loss_sum(energy, log_q, is_noise, judged, share)

    net.loss = watch
    out = net(batch, noise, CONFIG)
    assert torch.equal(seen["is_noise"], out.corruption.is_selected)
    lucky = Steps(sample=lambda *given, **options: batch.input_ids.gather(1, out.corruption.selection.positions))
    assert torch.equal(net(batch, noise, CONFIG, lucky).corruption.input_ids, batch.input_ids), "every draw is right"
    assert torch.equal(seen["is_noise"], out.corruption.is_selected)
    net(batch, noise, CONFIG)
    log_q = net.towers(batch.input_ids, batch.attention_mask).log_softmax(-1).detach()
    row, place = 0, int(out.corruption.selection.positions[0, 0])
    expected = log_q[row, place, out.corruption.input_ids[row, place]]
    assert float(seen["log_q"][row, place].detach()) == pytest.approx(float(expected), rel=1e-5)
    out.losses["nce"].total.backward()
    assert all(weight.grad is None for weight in net.towers.from_left.layers.parameters()), "q learns from its own loss"


def test_two_views_of_a_text_are_a_crop_of_it(batch):
    ids, real = nets.cropped(batch, torch.tensor([0.0, 0.99, 0.5]), SHAPE.pad_id)
    assert real.sum(1).tolist() == [10, 7, 4]  # [CLS] and 0.9 of 10, 7 and 4 others, rounded down
    assert ids[0].tolist() == [*batch.input_ids[0, :10].tolist(), SHAPE.pad_id]
    assert ids[1, :7].tolist() == [SHAPE.cls_id, *batch.input_ids[1, 2:8].tolist()]


def test_amos_reads_words_as_the_discriminator_does(batch, noise):
    net = made(nets.MixtureOfGenerators)
    out = net(batch, noise, CONFIG)
    plain = net.discriminator(out.corruption.input_ids, None, batch.attention_mask)
    assert torch.allclose(out.rtd_logits, plain, atol=1e-5)


def test_amos_mixture_climbs_where_the_judge_descends(batch, noise):
    net = made(nets.MixtureOfGenerators)
    before = net(batch, noise, CONFIG)
    before.losses["rtd"].total.backward()
    slope = net.mixture.weight.grad.clone()
    logits, votes = net.all_layers(before.corruption.masked_ids, batch, before.corruption.selection.positions)
    mixed = formulas.mixed_logits(logits, votes)
    p = mixed.softmax(-1)
    words = net.discriminator.encoder.embeddings.tables()[0].detach()
    chosen = torch.nn.functional.one_hot(before.corruption.sampled_ids, 40).float() + p - p.detach()
    with_plain_gradient = formulas.fooling_vectors
    try:
        formulas.fooling_vectors = lambda sampled, mixture, table: chosen @ words
        net.mixture.weight.grad = None
        (downhill,) = torch.autograd.grad(formulas_rtd(net, before.corruption, mixed, batch, noise), net.mixture.weight)
    finally:
        formulas.fooling_vectors = with_plain_gradient
    assert torch.allclose(slope, -downhill, rtol=1e-3, atol=1e-6)


def formulas_rtd(net, corruption, mixed, batch, noise):
    judged = net.judge(corruption, mixed, batch)
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        judged, corruption.is_replaced.float(), reduction="none"
    )
    return each[batch.attention_mask].sum()


def test_the_judges_gradient_reaches_the_shared_table_as_the_sharing_says(batch, noise):
    """Disentangled: E = stopgrad(E_G) + Δ. Tied: one table. Untied: two."""
    found = {}
    for sharing in ("disentangled", "all", "none"):
        torch.manual_seed(5)
        net = Electra(replace(SHAPE, sharing=sharing))
        net(batch, noise, CONFIG).losses["rtd"].total.backward()
        grads = [part.encoder.embeddings.word.weight.grad for part in (net.generator, net.discriminator)]
        found[sharing] = [grad is not None and bool(grad.abs().sum()) for grad in grads]
        if sharing == "disentangled":
            theirs, own = net.generator.encoder.embeddings.word.weight, net.discriminator.encoder.embeddings.word.weight
            assert not own.any(), "Δ starts at zero"
            assert torch.equal(net.discriminator.encoder.embeddings.tables()[0], theirs + own)
    assert found == {"disentangled": [False, True], "all": [True, True], "none": [False, True]}


def test_electric_scores_by_its_energy_and_its_towers(batch):
    net = made(nets.Electric).eval()
    ways = lab.scorers(net)
    assert list(ways) == ["−energy", "two towers"]
    energy = net.discriminator(batch.input_ids, None, batch.attention_mask)
    assert torch.allclose(ways["−energy"](batch)[:, 1:], (-energy * batch.attention_mask)[:, 1:])
    log_q = net.towers(batch.input_ids, batch.attention_mask).log_softmax(-1)
    assert float(ways["two towers"](batch)[1, 3]) == pytest.approx(float(log_q[1, 3, batch.input_ids[1, 3]]), rel=1e-5)
    assert (ways["two towers"](batch)[~batch.attention_mask] == 0).all()


def test_gathered_positions_are_used_before_the_vocabulary(batch, noise):
    """(B, M, V) and not (B, L, V): the correcting head sees the selected places alone."""
    net, seen = made(nets.CorrectiveLM), []
    net.corrector.register_forward_hook(lambda module, given, out: seen.append(out.shape))
    out = net(batch, noise, CONFIG)
    places = out.corruption.selection.positions
    assert seen == [(3, places.shape[1], 40)]
    assert gather_positions(torch.zeros(3, 11, 2), places).shape[1] == places.shape[1] < 11
