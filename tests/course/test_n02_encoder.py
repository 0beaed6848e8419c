"""Notebook 02: what passes, what does not, and what each mistake is told; readable solutions equal the package."""

# ruff: noqa: E501
import math

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import ModelConfig
from electra_helpers.course.exercises.n02_encoder import MOVES, TABLE, attention, multi_head
from electra_helpers.model.encoder import Embeddings, SelfAttention
from tests.course.cases import Cases, hold

ATT = "def attention(q, k, v, mask=None):\n"
SCORES = "    s = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5\n"
HIDE = "    if mask is not None:\n        s = s.masked_fill(~mask, float('-inf'))\n"
HEAD = "def multi_head(x, qkv, out, heads, attend, mask=None):\n"
MULTI = """
    q, k, v = (part.view(*x.shape[:2], heads, -1).transpose(1, 2) for part in qkv(x).chunk(3, dim=-1))
    mixed = attend(q, k, v, mask)
    return out(mixed.transpose(1, 2).flatten(2))
"""
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
        HEAD + "    raise NotImplementedError",
        [
            HEAD
            + """
    slices = [torch.stack(part.chunk(heads, dim=-1), dim=1) for part in qkv(x).chunk(3, dim=-1)]
    mixed = attend(*slices, mask)
    return out(torch.cat([mixed[:, a] for a in range(heads)], dim=-1))
""",
            HEAD
            + """
    B, L, H = x.shape
    D, all_of_it = H // heads, qkv(x)
    q, k, v = (torch.empty(B, heads, L, D) for _ in range(3))
    for i, target in enumerate((q, k, v)):
        for a in range(heads):
            target[:, a] = all_of_it[..., i * H + a * D : i * H + (a + 1) * D]
    return out(torch.einsum("bald->blad", attend(q, k, v, mask)).flatten(2))
""",
        ],
        [
            (HEAD + MULTI.replace(".view(*x.shape[:2], heads, -1).transpose(1, 2)", ".reshape(x.shape[0], heads, x.shape[1], -1)"), "view alone"),
            (HEAD + MULTI.replace(".view(*x.shape[:2], heads, -1).transpose(1, 2)", ".view(*x.shape[:2], heads, -1)"), "hand it (2, 5, 3, 4)"),
            (HEAD + MULTI.replace(".view(*x.shape[:2], heads, -1).transpose(1, 2)", ".view(*x.shape[:2], -1, heads).permute(0, 3, 1, 2)"), "every third number"),
            (HEAD + MULTI.replace("transpose(1, 2) for", "transpose(1, 2).flip(1) for"), "a-th slice"),
            (HEAD + MULTI.replace("q, k, v =", "k, q, v ="), "not in their place"),
            (HEAD + MULTI.replace("attend(q, k, v, mask)", "attend(q, k, v)"), "does not reach attend"),
            (HEAD + MULTI.replace(".transpose(1, 2).flatten(2)", ".reshape(x.shape)"), "without swapping back"),
            (HEAD + MULTI.replace("out(mixed.transpose(1, 2).flatten(2))", "mixed.transpose(1, 2).flatten(2)"), "never meet"),
            (HEAD + MULTI.replace("out(mixed.transpose(1, 2).flatten(2))", "mixed"), "One vector a token"),
            (HEAD + MULTI.replace("return out", "return x + out"), "more than split"),
            (HEAD + "    return out(x)", "never called"),
            (HEAD + "    print(x.shape)", "never called"),
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
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"torch": torch, "math": math, "F": F})


def test_the_readable_attention_is_the_packages():
    torch.manual_seed(0)
    config = ModelConfig(hidden_size=12, num_heads=3, vocab_size=50)
    module = SelfAttention(config).eval()
    x, mask = torch.randn(2, 5, 12), torch.tensor([[True] * 5, [True, True, True, False, False]])[:, None, None]
    mine = multi_head(x, module.qkv, module.out, 3, attention, mask)
    assert torch.allclose(mine, module(x, mask), atol=1e-6)


def test_the_word_table_has_as_many_parameters():
    for size in (128, 256):
        table = Embeddings(ModelConfig(embedding_size=size)).word.weight
        assert table.numel() == TABLE[f"E={size}"]
    assert round(TABLE["share of Base"], 2) == 0.22
