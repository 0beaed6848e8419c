"""The speed that is told: counted operations are those that run, and a step is one of the loop's own."""

import json
from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from electra_helpers import speed


@pytest.mark.parametrize(
    ("size", "length", "objective"), [("tiny", 32, "rtd"), ("mini", 64, "rtd"), ("mini", 64, "mlm")]
)
def test_the_operations_counted_on_paper_are_those_that_run(size, length, objective):
    model, config = speed.settings(size, 4, length, 0.0, "cpu")
    config = replace(config, objective=objective)
    trainer = speed.make_trainer(model, config)
    # The counter knows nothing of the CPU's fused attention.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        trainer.step()
    paper = speed.flops_per_token(model, length, config.mask_share, objective) * 4 * length
    # Sharing by difference adds tables up, and the selected share of a row is rounded.
    assert paper == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_a_timed_step_trains():
    model, config = speed.settings("tiny", 4, 32, None, "cpu")
    trainer = speed.make_trainer(model, config)
    before = torch.cat([p.detach().flatten().clone() for p in trainer.net.parameters()])
    trainer.step()
    after = torch.cat([p.detach().flatten() for p in trainer.net.parameters()])
    assert (before != after).float().mean() > 0.5


def test_the_command_says_how_fast_this_machine_is(electra):
    code, said, errors = electra(
        "bench", "--size", "tiny", "--batch-size", 4, "--length", 32, "--rounds", 2, "--steps", 1
    )
    assert code == 0, errors
    assert "tokens/s" in said
    code, said, _ = electra(
        "bench", "--size", "tiny", "--batch-size", 4, "--length", 32, "--rounds", 2, "--steps", 1, "--json"
    )
    found = json.loads(said)
    assert found["tokens_per_second"] > 0
    assert found["share_of_ceiling"] == pytest.approx(
        found["tokens_per_second"] * found["mflop_per_token"] * 1e6 / (found["ceiling_gflops"] * 1e9), rel=0.5
    )
    code, _, errors = electra("bench", "--size", "huge")
    assert code == 2
    assert "choose one of tiny" in errors


def test_the_precision_asked_for_is_the_one_measured(electra, monkeypatch):
    asked = []
    monkeypatch.setattr(speed, "matmul_ceiling", lambda device, precision: asked.append(precision) or 1e12)
    options = ("--size", "tiny", "--batch-size", 4, "--length", 32, "--rounds", 1, "--steps", 1, "--device", "cpu")
    for precision, measured in (("auto", "fp32"), ("bf16", "bf16")):
        assert electra("bench", *options, "--precision", precision)[0] == 0
        assert asked.pop() == measured
    code, _, errors = electra("bench", *options, "--precision", "bf8")
    assert code == 2
    assert "choose one of auto" in errors
