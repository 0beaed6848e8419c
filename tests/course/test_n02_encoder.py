"""Notebook 02: what passes, what does not, and what each mistake is told; readable solutions equal the package."""

import math

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import ModelConfig
from electra_helpers.course.exercises.n02_encoder import MOVES, TABLE, attention, split_heads
from electra_helpers.model.encoder import Embeddings, SelfAttention
from tests.course.cases import Cases, hold

ATT = "def attention(q, k, v, mask=None):\n"
SCORES = "    s = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5\n"
HIDE = "    if mask is not None:\n        s = s.masked_fill(~mask, float('-inf'))\n"
COUNTS = {"E=128": 3_906_816, "E=256": 7_813_632, "share of Base": 0.215}

CASES = {
    "02.1": Cases(
        ATT + "    raise NotImplementedError",
        [
            ATT
            + """
    weights = torch.einsum("baqd,bakd->baqk", q, k) / math.sqrt(q.size(-1))
    if mask is not None:
        weights = torch.where(mask, weights, torch.tensor(-1e30))
    weights = weights.exp() / weights.exp().sum(-1, keepdim=True)
    return torch.einsum("baqk,bakd->baqd", weights, v)
""",
            ATT
            + """
    out = torch.zeros(*q.shape[:-1], v.shape[-1])
    for b in range(q.shape[0]):
        for a in range(q.shape[1]):
            keys = torch.ones(k.shape[2], dtype=torch.bool) if mask is None else mask[b, 0, 0]
            s = q[b, a] @ k[b, a][keys].T / q.shape[-1] ** 0.5
            out[b, a] = torch.softmax(s, 1) @ v[b, a][keys]
    return out
""",
            ATT + "    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)",
        ],
        [
            (ATT + SCORES + HIDE + "    return s.softmax(-2).nan_to_num() @ v", "over the queries"),
            (ATT + "    s = q @ k.transpose(-1, -2)\n" + HIDE + "    return s.softmax(-1) @ v", "not divided by √D"),
            (
                ATT + "    s = q @ k.transpose(-1, -2) / q.shape[-1]\n" + HIDE + "    return s.softmax(-1) @ v",
                "divided by D instead",
            ),
            (
                ATT + SCORES + "    w = s.softmax(-1)\n    return (w if mask is None else w * mask) @ v",
                "after the softmax",
            ),
            (ATT + SCORES + HIDE.replace("~mask", "mask") + "    return s.softmax(-1) @ v", "upside down"),
            (ATT + SCORES + "    return s.softmax(-1) @ v", "no effect"),
            (ATT + SCORES + "    return (s if mask is None else s * mask).softmax(-1) @ v", "exp(0) = 1"),
            (ATT + SCORES + "    return s.softmax(-1).transpose(-1, -2) @ q", "(2, 3, 4, 8), not"),
            (
                ATT
                + "    q /= q.shape[-1] ** 0.5\n    s = q @ k.transpose(-1, -2)\n"
                + HIDE
                + "    return s.softmax(-1) @ v",
                "in place",
            ),
        ],
    ),
    "02.2": Cases(
        "def split_heads(x, heads):\n    raise NotImplementedError",
        [
            "def split_heads(x, heads):\n    return torch.stack(x.chunk(heads, dim=-1), dim=1)",
            "def split_heads(x, heads):\n    d = x.shape[2] // heads\n"
            "    return torch.cat([x[:, None, :, i * d:(i + 1) * d] for i in range(heads)], dim=1)",
        ],
        [
            ("def f(x, n):\n    return x.view(x.shape[0], n, x.shape[1], -1)", "view alone"),
            ("def f(x, n):\n    return x.view(x.shape[0], x.shape[1], n, -1)", "(2, 3, 5, 4), not (2, 5, 3, 4)"),
            ("def f(x, n):\n    return x.view(*x.shape[:2], -1, n).permute(0, 3, 1, 2)", "every third number"),
            ("def f(x, n):\n    return x.view(*x.shape[:2], n, -1).transpose(1, 2).flip(1)", "a-th slice"),
            ("def f(x, n):\n    print(x.shape)", "NoneType"),
        ],
    ),
    "02.3": Cases(
        dict.fromkeys(MOVES),
        [MOVES, {key: int(value) for key, value in MOVES.items()}],
        [
            (dict(zip(MOVES, (False, False, True), strict=True)), "left to right"),
            (dict(zip(MOVES, (True, True, True), strict=True)), "exactly 0"),
            (dict(zip(MOVES, (True, False, False), strict=True)), "not harmless"),
        ],
    ),
    "02.4": Cases(
        dict.fromkeys(TABLE),
        [COUNTS, {"E=128": 30522 * 128, "E=256": 30522.0 * 256, "share of Base": 23_440_896 / 109e6}],
        [
            (COUNTS | {"share of Base": 0.02}, "Not all parameters sit in attention"),
            (COUNTS | {"share of Base": 21.5}, "not in per cent"),
            (COUNTS | {"E=128": 30522 * 128 + 512 * 128}, "position table"),
            (COUNTS | {"E=256": 3_906_816}, "one row of E numbers"),
            (COUNTS | {"E=256": "many"}, "Give numbers"),
        ],
    ),
}


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"torch": torch, "math": math, "F": F})


def test_the_readable_attention_is_the_packages():
    torch.manual_seed(0)
    config = ModelConfig(hidden_size=12, num_heads=3, vocab_size=50)
    module = SelfAttention(config).eval()
    x, mask = torch.randn(2, 5, 12), torch.tensor([[True] * 5, [True, True, True, False, False]])[:, None, None]
    q, k, v = (split_heads(part, 3) for part in module.qkv(x).chunk(3, dim=-1))
    mine = module.out(attention(q, k, v, mask).transpose(1, 2).flatten(2))
    assert torch.allclose(mine, module(x, mask), atol=1e-6)


def test_the_word_table_has_as_many_parameters():
    for size in (128, 256):
        table = Embeddings(ModelConfig(embedding_size=size)).word.weight
        assert table.numel() == TABLE[f"E={size}"]
    assert round(TABLE["share of Base"], 2) == 0.22
