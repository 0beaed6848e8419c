"""Every objective of the paper's Table 5 on five tokens, against its formula written out with plain numbers; and the two-stage start."""

import math

import pytest
import torch

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Noise
from electra_helpers.model.electra import Steps
from electra_helpers.model.variants import build_network
from electra_helpers.text.packing import Batch

CLS, SEP, MASK, V = 2, 3, 4, 11
ROW = [CLS, 5, 6, 7, SEP, 0, 0]  # five tokens, two of padding
IDS = torch.tensor([ROW])
SHARE = 0.4  # two of five
SHAPE = ModelConfig(
    vocab_size=V,
    embedding_size=6,
    hidden_size=8,
    num_layers=1,
    num_heads=2,
    intermediate_size=12,
    generator_size=0.5,
    max_positions=9,
    dropout=0.0,
    attention_dropout=0.0,
    initializer_range=0.7,  # so that no probability is near 1 / V
    cls_id=CLS,
    sep_id=SEP,
    mask_id=MASK,
)
# The highest numbers are selected: positions 1 and 3. Both become [MASK]. Uniform fakes: int(0.5 · 11) = 5, the original, and 9.
NOISE = Noise(
    torch.tensor([[0.9, 0.8, 0.1, 0.7, 0.9, 0.9, 0.9]]), torch.tensor([[0.9, 0.9]]), torch.tensor([[0.5, 0.9]])
)


def right_then_wrong(logits, **options):
    """A generator's draw that gets position 1 right and puts id 8 at position 3."""
    return torch.tensor([[5, 8]])


def step(objective: str, fakes: str = "generator"):
    """The net of an objective, and what it made of the five tokens."""
    torch.manual_seed(0)
    config = PretrainConfig(objective=objective, fakes=fakes, mask_share=SHARE)
    net = build_network(SHAPE, config).double().eval()
    parts = Steps() if fakes == "uniform" else Steps(sample=right_then_wrong)
    out = net(Batch(IDS, None, IDS != 0), NOISE, config, parts)
    assert sorted(out.corruption.selection.positions[0].tolist()) == [1, 3]
    return net, out


def nats(logits: torch.Tensor, token: int) -> float:
    """−ln softmax(logits)(token)."""
    return math.log(math.fsum(math.exp(x) for x in logits.tolist())) - logits[token].item()


def binary_nats(logit: float, is_replaced: bool) -> float:
    """−ln σ(logit) where replaced, −ln (1 − σ(logit)) where original."""
    return -math.log(1 / (1 + math.exp(-logit if is_replaced else logit)))


def mean_loss(out, name: str) -> float:
    return (out.losses[name].total / out.losses[name].count).item()


def test_bert_fills_the_selected_from_the_masked_text():
    net, out = step("mlm")
    logits = net.generator(torch.tensor([[CLS, MASK, 6, MASK, SEP, 0, 0]]), None, IDS != 0)[0]
    assert mean_loss(out, "mlm") == pytest.approx((nats(logits[1], 5) + nats(logits[3], 7)) / 2, rel=1e-6)
    assert set(out.losses) == {"mlm"}


def test_replace_mlm_restores_the_selected_from_the_corrupted_text():
    net, out = step("replace-mlm")
    logits = net.predictor(torch.tensor([[CLS, 5, 6, 8, SEP, 0, 0]]), None, IDS != 0)[0]
    assert mean_loss(out, "predictor") == pytest.approx((nats(logits[1], 5) + nats(logits[3], 7)) / 2, rel=1e-6)


def test_all_tokens_mlm_restores_all_five_and_may_copy():
    net, out = step("all-tokens-mlm")
    seen = [CLS, 5, 6, 8, SEP, 0, 0]
    hidden = net.predictor.encoder(torch.tensor([seen]), None, IDS != 0)
    logits = net.predictor.head(hidden, net.predictor.encoder.embeddings.tables()[0])[0]
    gates = net.copy_gate(hidden)[0, :, 0].tolist()
    total = 0.0
    for at in range(5):
        copy = 1 / (1 + math.exp(-gates[at]))
        p = copy * (seen[at] == ROW[at]) + (1 - copy) * math.exp(-nats(logits[at], ROW[at]))
        total -= math.log(p)
    assert mean_loss(out, "predictor") == pytest.approx(total / 5, rel=1e-6)


def judged(net) -> list[float]:
    return net.discriminator(torch.tensor([[CLS, 5, 6, 8, SEP, 0, 0]]), None, IDS != 0)[0].tolist()


def test_electra_judges_all_five_tokens_and_a_right_guess_is_original():
    net, out = step("rtd")
    by_hand = [binary_nats(logit, at == 3) for at, logit in enumerate(judged(net)[:5])]
    assert mean_loss(out, "rtd") == pytest.approx(math.fsum(by_hand) / 5, rel=1e-6)


def test_electra_15_judges_the_two_selected():
    net, out = step("rtd-selected")
    logits = judged(net)
    by_hand = binary_nats(logits[1], is_replaced=False) + binary_nats(logits[3], is_replaced=True)
    assert mean_loss(out, "rtd") == pytest.approx(by_hand / 2, rel=1e-6)


def test_uniform_fakes_are_any_word_of_the_vocabulary():
    net, out = step("rtd", "uniform")
    assert out.corruption.input_ids.tolist() == [[CLS, 5, 6, 9, SEP, 0, 0]]  # int(0.5 · 11), and int(0.9 · 11)
    logits = net.discriminator(out.corruption.input_ids, None, IDS != 0)[0].tolist()
    by_hand = [binary_nats(logit, at == 3) for at, logit in enumerate(logits[:5])]
    assert mean_loss(out, "rtd") == pytest.approx(math.fsum(by_hand) / 5, rel=1e-6)
    assert set(out.losses) == {"rtd"}
