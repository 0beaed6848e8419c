"""The optimizer against the reference's rules, computed by hand."""

import copy
import math
import warnings
from dataclasses import replace

import pytest
import torch

from electra_helpers.config import FinetuneConfig, ModelConfig, PretrainConfig, TrainingConfig
from electra_helpers.errors import ElectraError, ElectraWarning
from electra_helpers.model.electra import Electra
from electra_helpers.recipes import recipe
from electra_helpers.training.checkpoint import Checkpoints
from electra_helpers.training.loop import Callback, check_warmup, train
from electra_helpers.training.muon import orthogonalize
from electra_helpers.training.optim import learning_rate_at, make_optimizer, parameter_groups, set_step

from .conftest import weights


@pytest.fixture
def net():
    return Electra(ModelConfig(vocab_size=60, num_layers=2, max_positions=20))


def test_every_parameter_is_in_the_optimizer_exactly_once(net):
    groups = parameter_groups(net, TrainingConfig())
    listed = [id(p) for group in groups for p in group["params"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == {id(p) for p in net.parameters()}


def test_biases_and_layer_norms_do_not_decay(net):
    decaying, plain = parameter_groups(net, TrainingConfig(weight_decay=0.01))
    names = {id(p): n for n, p in net.named_parameters()}
    assert (decaying["weight_decay"], plain["weight_decay"]) == (0.01, 0.0)
    for p in plain["params"]:
        assert names[id(p)].endswith("bias") or "norm" in names[id(p)]
    for p in decaying["params"]:
        assert not names[id(p)].endswith("bias")
        assert "norm" not in names[id(p)]


def test_without_bias_correction_the_update_is_the_reference_codes():
    config = TrainingConfig(steps=10, warmup_steps=0, schedule="constant", learning_rate=0.1, bias_correction=False)
    weight = torch.nn.Parameter(torch.tensor([[1.0, -2.0]]))
    by_hand, m, v = weight.detach().clone(), torch.zeros(1, 2), torch.zeros(1, 2)
    optimizer = make_optimizer([{"params": [weight], "weight_decay": 0.01}], config)
    for step in range(5):
        gradient = torch.tensor([[0.3, -0.01]]) * (step + 1)
        # AdamWeightDecayOptimizer of the reference: no correction of m and v, decay added to the update.
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        by_hand = by_hand - 0.1 * (m / (v.sqrt() + 1e-6) + 0.01 * by_hand)
        weight.grad = gradient.clone()
        set_step(optimizer, step, config)
        optimizer.step()
    assert torch.allclose(weight, by_hand, rtol=1e-5)


def test_with_bias_correction_the_update_is_plain_adamw():
    config = TrainingConfig(steps=10, warmup_steps=0, schedule="constant", learning_rate=0.1, bias_correction=True)
    ours, theirs = (torch.nn.Parameter(torch.tensor([[1.0, -2.0]])) for _ in range(2))
    optimizer = make_optimizer([{"params": [ours], "weight_decay": 0.01}], config)
    plain = torch.optim.AdamW([theirs], lr=0.1, eps=1e-6, weight_decay=0.01)
    for step in range(4):
        ours.grad, theirs.grad = torch.tensor([[0.3, -0.1]]), torch.tensor([[0.3, -0.1]])
        set_step(optimizer, step, config)
        optimizer.step()
        plain.step()
    assert torch.allclose(ours, theirs)


def test_the_reference_schedule_is_a_product():
    small = recipe("small").pretrain
    assert learning_rate_at(0, small) == 0
    assert learning_rate_at(5_000, small) == pytest.approx(5e-4 * 0.995 * 0.5)
    assert learning_rate_at(10_000, small) == pytest.approx(5e-4 * 0.99)
    assert learning_rate_at(999_999, small) == pytest.approx(5e-4 * 1e-6)


def test_the_linear_schedule_peaks_after_the_warm_up_and_never_starts_at_zero():
    config = TrainingConfig(steps=100, warmup_steps=10, schedule="linear", learning_rate=1.0)
    rates = [learning_rate_at(step, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == 1.0
    assert rates[-1] == pytest.approx(1 / 90)


@pytest.mark.parametrize("schedule", ["reference", "linear", "constant"])
@pytest.mark.parametrize("config", [PretrainConfig(steps=100), FinetuneConfig(steps=100, warmup_steps=101)])
def test_a_warm_up_longer_than_the_run_is_a_tenth_of_it(config, schedule):
    config = replace(config, schedule=schedule, learning_rate=1.0)
    rates = [learning_rate_at(step, config) for step in range(100)]
    assert config.warmup == 10
    assert max(rates) == pytest.approx(0.9 if schedule == "reference" else 1.0), "the rate asked for is reached"
    as_long = replace(config, warmup_steps=100)
    assert as_long.warmup == 100, "one that fits stays as it was asked for"


def test_a_cut_or_very_long_warm_up_is_said():
    with pytest.warns(
        ElectraWarning, match="warmup_steps 10,000 is longer than the run of 100 steps: .* over 10 of them"
    ):
        check_warmup(PretrainConfig(steps=100))
    with pytest.warns(ElectraWarning, match="over 60 of the 100 steps"):
        check_warmup(PretrainConfig(steps=100, warmup_steps=60))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_warmup(PretrainConfig(steps=100, warmup_steps=10))


def test_the_papers_numbers_stand_in_the_recipes():
    rows = {
        "small": (12, 256, 1024, 4, 128, 64, 256, 1, 0.15, 128, 128, 5e-4, 1_000_000),
        "base": (12, 768, 3072, 12, 768, 256, 1024, 4, 0.15, 512, 256, 2e-4, 766_000),
        "large": (24, 1024, 4096, 16, 1024, 256, 1024, 4, 0.25, 512, 2048, 2e-4, 400_000),
    }
    for size, row in rows.items():
        m, p = recipe(size).model, recipe(size).pretrain
        g = m.for_generator()
        assert row == (
            *(m.num_layers, m.hidden_size, m.intermediate_size, m.num_heads, m.embedding_size),
            *(g.hidden_size, g.intermediate_size, g.num_heads),
            *(p.mask_share, p.length, p.batch_size, p.learning_rate, p.steps),
        )
        assert g.num_layers == m.num_layers, "the generator is narrower, never shallower"
        assert (p.rtd_weight, p.max_grad_norm, p.warmup_steps, p.weight_decay) == (50, 1, 10_000, 0.01)
        assert (p.adam_beta1, p.adam_beta2, p.adam_epsilon, p.keep_share, p.random_share) == (0.9, 0.999, 1e-6, 0.15, 0)
        assert (m.dropout, m.layer_norm_eps, m.initializer_range, m.vocab_size) == (0.1, 1e-12, 0.02, 30_522)
        assert not p.bias_correction


@pytest.mark.parametrize(
    ("size", "total", "generator"), [("small", 13.5e6, 0.65e6), ("base", 109e6, 9.9e6), ("large", 334e6, 19.5e6)]
)
def test_parameter_counts_are_the_papers(size, total, generator):
    with torch.device("meta"):
        net = Electra(recipe(size).model)
    count = sum(p.numel() for p in net.discriminator.parameters())
    own = sum(p.numel() for p in net.parameters()) - count
    assert count == pytest.approx(total, rel=0.01)
    assert own == pytest.approx(generator, rel=0.06)


def test_orthogonalize_keeps_directions_and_evens_their_lengths():
    matrices = (
        torch.randn(3, 12, 40, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.01, 1, 50])[:, None, None]
    )
    straight = orthogonalize(matrices)
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    values = torch.diagonal(left.mT @ straight @ right.mT, dim1=-2, dim2=-1)
    assert values.min() > 0.5
    assert values.max() < 1.3
    assert torch.allclose(orthogonalize(matrices.mT), straight.mT, atol=1e-5)


def test_muon_moves_the_layers_matrices_and_leaves_the_rest_to_adamw(net):
    config = TrainingConfig(optimizer="muon", steps=10, warmup_steps=0, schedule="constant", learning_rate=0.01)
    groups = parameter_groups(net, config)
    assert {id(p) for g in groups for p in g["params"]} == {id(p) for p in net.parameters()}
    inner = {n for n, p in net.named_parameters() if any(p is q for g in groups[:2] for q in g["params"])}
    assert len(inner) == 2 * 2 * 4  # nets, layers, matrices
    assert [(g["muon_parts"], len(g["params"])) for g in groups[:2]] == [(3, 4), (1, 12)]
    twin = copy.deepcopy(net)
    plain = make_optimizer(parameter_groups(twin, TrainingConfig()), replace(config, optimizer="adamw"))
    optimizer = make_optimizer(groups, config)
    gradients = {n: torch.randn(p.shape, generator=torch.Generator().manual_seed(1)) for n, p in net.named_parameters()}
    for model, stepper in ((net, optimizer), (twin, plain)):
        for n, p in model.named_parameters():
            p.grad = gradients[n].clone()
        set_step(stepper, 0, config)
        stepper.step()
    theirs = dict(twin.named_parameters())
    for n, p in net.named_parameters():
        assert (n in inner) != torch.equal(p, theirs[n])


def test_muons_update_is_the_one_computed_by_hand():
    config = TrainingConfig(optimizer="muon", steps=9, warmup_steps=0, schedule="constant", learning_rate=0.02)
    weight = torch.nn.Parameter(torch.randn(24, 8, generator=torch.Generator().manual_seed(0)))
    by_hand, momentum = weight.detach().clone(), torch.zeros(24, 8)
    optimizer = make_optimizer([{"params": [weight], "weight_decay": 0.1, "muon_parts": 3}], config)
    for step in range(3):
        gradient = torch.randn(24, 8, generator=torch.Generator().manual_seed(step + 1))
        momentum = 0.95 * momentum + 0.05 * gradient
        ahead = 0.95 * momentum + 0.05 * gradient
        # Queries, keys and values: three matrices of 8 x 8.
        change = torch.cat([orthogonalize(part[None])[0] for part in ahead.chunk(3)])
        by_hand = by_hand * (1 - 0.02 * 0.1) - 0.02 * 0.2 * 8**0.5 * change
        weight.grad = gradient.clone()
        set_step(optimizer, step, config)
        optimizer.step()
        optimizer.zero_grad()
    assert torch.allclose(weight, by_hand, atol=1e-6)


@pytest.mark.parametrize("unscaled_before", [True, False], ids=["clipped", "not clipped"])
def test_muon_leaves_out_a_step_whose_fp16_gradients_overflowed(unscaled_before):
    """GradScaler keeps fp16's gradients in range: by 4 here, and by 2 behind the overflow, which a step takes out again."""
    config = TrainingConfig(optimizer="muon", steps=9, warmup_steps=0, schedule="constant", learning_rate=0.02)
    starts = [torch.randn(8, 6, generator=torch.Generator().manual_seed(n)) for n in (0, 1)]
    fine = [torch.randn(8, 6, generator=torch.Generator().manual_seed(n)) for n in (2, 3)]
    ends = []
    for scale, gradients in ((1.0, [fine]), (4.0, [[g * math.inf for g in fine], fine])):
        moved, plain = (torch.nn.Parameter(w.clone()) for w in starts)
        optimizer = make_optimizer(
            [{"params": [moved], "weight_decay": 0.1, "muon_parts": 1}, {"params": [plain]}], config
        )
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        for pair in gradients:
            scaler.scale(torch.zeros(()))  # makes the scale
            moved.grad, plain.grad = (g * scaler.get_scale() for g in pair)
            set_step(optimizer, 0, config)
            if unscaled_before:
                scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
        ends.append((moved.detach(), plain.detach()))
    for one, other in zip(*ends, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("name", ["adam_beta1", "adam_beta2"])
def test_a_beta_of_one_is_refused(name):
    with pytest.raises(ElectraError, match=f"{name} is 1: choose a share below 1"):
        TrainingConfig(**{name: 1})


def test_a_run_with_muon_learns_and_goes_on_as_if_it_had_not_stopped(make_task, tmp_path):
    options = {"optimizer": "muon", "learning_rate": 0.01, "steps": 60, "log_every": 10}
    task, config = make_task(**options)
    whole = train(task, config, callbacks=[seen := Losses()])
    assert seen.losses[-1] < seen.losses[0] - 0.2
    kept = Checkpoints(tmp_path)
    first, config = make_task(**options)
    train(first, config, callbacks=[StopAt(25)], checkpoints=kept)
    again, config = make_task(**options)
    resumed = train(again, config, checkpoints=kept, resume=True)
    assert (resumed.start, resumed.step, whole.step) == (25, 60, 60)
    assert torch.equal(weights(task), weights(again))


class Losses(Callback):
    def __init__(self):
        self.losses = []

    def on_log(self, run, record):
        self.losses.append(record["mlm_loss"])


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, run):
        run.stop = run.step == self.step
