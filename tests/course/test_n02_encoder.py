"""Notebook 02: what passes, what does not, and what each mistake is told; readable solutions equal the package."""

# ruff: noqa: E501
import math

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import ModelConfig
from electra_helpers.course.exercises.n02_encoder import MOVES, TABLE, attention, multi_head
from electra_helpers.course.exercises.n02_layer import _case, encoder_layer, layer_norm
from electra_helpers.course.labs.own_layers import parts_of, with_own_layers
from electra_helpers.model.encoder import Embeddings, Encoder, Layer, SelfAttention
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
NORM = "def layer_norm(x, gain, shift, eps=1e-12):\n"
PLAIN = "    m, v = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)\n"
LAYER = "def encoder_layer(x, parts, mask=None):\n"
HALF = "    a = parts.norm1(x + parts.drop(parts.attend(x, mask)))\n"
REST = "    return parts.norm2(a + parts.drop(parts.down(parts.gelu(parts.up(a)))))"
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
            ATT + "    return F.scaled_dot_product_attention(q.double(), k.double(), v.double(), attn_mask=mask)",
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
            (ATT + SCORES + HIDE + "    return (s.softmax(-1) @ v).detach()", "No gradient"),
            (ATT + SCORES + HIDE.replace("float('-inf')", "-10.0") + "    return s.softmax(-1) @ v", "still gets a little weight"),
            (ATT + SCORES.replace("q.shape[-1]", "k.shape[-2]") + HIDE + "    return s.softmax(-1) @ v", "number of keys"),
            (ATT + SCORES + HIDE + "    s = s.masked_fill(torch.ones(s.shape[-2:]).triu(1).bool(), float('-inf'))\n    return s.softmax(-1) @ v", "left to right"),
            (ATT + SCORES + HIDE.replace("~mask", "~mask[:1]") + "    return s.softmax(-1) @ v", "row of its own"),
            (ATT + SCORES + HIDE + "    return (s.softmax(-1).detach() @ v)", "No gradient flows back to q"),
            (ATT + SCORES + HIDE + "    return (s.softmax(-1) @ v.detach())", "No gradient flows back to v"),
            (ATT + SCORES + HIDE.replace("float('-inf')", "-20.0") + "    return s.softmax(-1) @ v", "below any"),
            (ATT + SCORES + "    if mask is not None:\n        s = s + (~mask) * -5.0\n    return s.softmax(-1) @ v", "a little weight"),
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
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2).double() for part in qkv(x).chunk(3, dim=-1))
    return out(attend(q, k, v, mask).float().transpose(1, 2).flatten(2)).double()
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
            HEAD + "    q, k, v = (part.chunk(heads, dim=-1) for part in qkv(x).chunk(3, dim=-1))\n    mixed = [attend(*(part[a][:, None] for part in (q, k, v)), mask) for a in range(heads)]\n    return out(torch.cat([each[:, 0] for each in mixed], dim=-1))",
            HEAD + "    q, k, v = (part.chunk(heads, dim=-1) for part in qkv(x).chunk(3, dim=-1))\n    mixed = [attend(q[a], k[a], v[a], None if mask is None else mask[:, 0]) for a in range(heads)]\n    return out(torch.cat(mixed, dim=-1))",
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
            (HEAD + MULTI.replace("return out(", "return out(x * 0 + ").replace(".flatten(2))", ".flatten(2).detach())"), "No gradient flows back"),
            (HEAD + "    mask = mask.bool()\n" + MULTI, "NoneType"),
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
    "02.5": Cases(
        NORM + "    raise NotImplementedError",
        [
            NORM + PLAIN + "    return gain * (x - m) / torch.sqrt(v + eps) + shift",
            NORM + "    return F.layer_norm(x, x.shape[-1:], gain, shift, eps)",
            NORM + "    x = x.double()\n" + PLAIN + "    return (x - m) / (v + eps).sqrt() * gain + shift",
            NORM + "    m = x.sum(-1, keepdim=True) / x.shape[-1]\n    v = (x ** 2).mean(-1, keepdim=True) - m ** 2\n    return (x - m) * (v + eps) ** -0.5 * gain + shift",
            NORM + "    rows = [[(t - t.mean()) / (t.var(correction=0) + eps) ** 0.5 * gain + shift for t in row] for row in x]\n    return torch.stack([torch.stack(row) for row in rows])",
        ],
        [
            (NORM + "    m, v = x.mean(-1, keepdim=True), x.var(-1, keepdim=True)\n    return (x - m) / (v + eps).sqrt() * gain + shift", "divide by H - 1"),
            (NORM + PLAIN + "    return (x - m) / (v.sqrt() + eps) * gain + shift", "under the root"),
            (NORM + "    m, s = x.mean(-1, keepdim=True), x.std(-1, keepdim=True)\n    return (x - m) / (s + eps) * gain + shift", "under the root"),
            (NORM + PLAIN + "    return (x - m) / v.sqrt() * gain + shift", "not used"),
            (NORM + PLAIN + "    return (x - m) / (v + 1e-12).sqrt() * gain + shift", "not used"),
            (NORM + PLAIN + "    return (x - m) / (v + 1e-5).sqrt() * gain + shift", "not used"),
            (NORM + PLAIN + "    return (x - m) / (v + eps) * gain + shift", "*root* of the variance"),
            (NORM + PLAIN + "    return (x - m) / (v + eps).sqrt()", "gain and shift are not used"),
            (NORM + PLAIN + "    return (x - m) / (v + eps).sqrt() * gain", "shift is not added"),
            (NORM + PLAIN + "    return (x - m) / (v + eps).sqrt() + shift", "gain is not used"),
            (NORM + PLAIN + "    return ((x - m) / (v + eps).sqrt() + shift) * gain", "First times the gain"),
            (NORM + PLAIN + "    return (x - m) / (v + eps).sqrt() * shift + gain", "swapped"),
            (NORM + PLAIN + "    return x / (v + eps).sqrt() * gain + shift", "mean is not taken off"),
            (NORM + PLAIN + "    return (x - m) * gain + shift", "variance is not brought"),
            (NORM + PLAIN.replace("-1", "1") + "    return (x - m) / (v + eps).sqrt() * gain + shift", "the tokens of a row"),
            (NORM + PLAIN.replace("-1", "0") + "    return (x - m) / (v + eps).sqrt() * gain + shift", "the batch"),
            (NORM + "    return (x - x.mean()) / (x.var(correction=0) + eps).sqrt() * gain + shift", "the whole batch"),
            (NORM + "    x -= x.mean(-1, keepdim=True)\n    return x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() * gain + shift", "changed the vectors"),
            (NORM + PLAIN + "    return v", "not (2, 3, 1)"),
            (NORM + "    print(x.shape)", "not NoneType"),
        ],
    ),
    "02.6": Cases(
        LAYER + "    raise NotImplementedError",
        [
            LAYER + HALF + REST,
            LAYER + HALF + REST + ".double()",
            LAYER + "    mixed = parts.attend(x, mask=mask) if False else parts.attend(x, mask)\n    x = parts.norm1(parts.drop(mixed) + x)\n    wide = parts.gelu(parts.up(x))\n    return parts.norm2(parts.drop(parts.down(wide)) + x)",
            LAYER + "    def half(value, part, norm):\n        return norm(value + parts.drop(part(value)))\n    a = half(x, lambda t: parts.attend(t, mask), parts.norm1)\n    return half(a, lambda t: parts.down(parts.gelu(parts.up(t))), parts.norm2)",
            LAYER + HALF + "    y = torch.stack([parts.down(F.gelu(parts.up(row))) for row in a])\n    return parts.norm2(a + parts.drop(y))",
        ],
        [
            (LAYER + HALF.replace("x + ", "") + REST, "residual of the first half"),
            (LAYER + HALF + REST.replace("a + ", ""), "residual of the second half is missing"),
            (LAYER + HALF.replace("x + ", "") + REST.replace("a + ", ""), "Neither half"),
            (LAYER + HALF + REST.replace("a + ", "x + "), "is a, what the first half made"),
            (LAYER + HALF + REST.replace("up(a)", "up(x)"), "reads x"),
            (LAYER + "    a = x + parts.drop(parts.attend(parts.norm1(x), mask))\n    return a + parts.drop(parts.down(parts.gelu(parts.up(parts.norm2(a)))))", "as in GPT-2"),
            (LAYER + "    a = x + parts.norm1(parts.drop(parts.attend(x, mask)))\n    return a + parts.norm2(parts.drop(parts.down(parts.gelu(parts.up(a)))))", "after the *sum*"),
            (LAYER + HALF.replace("parts.norm1", "") + REST, "norm1 is missing"),
            (LAYER + HALF + REST.replace("parts.norm2", ""), "norm2 is missing"),
            (LAYER + HALF + REST.replace("norm2", "norm1"), "used twice"),
            (LAYER + HALF.replace("norm1", "norm2") + REST.replace("norm2", "norm1"), "are swapped"),
            (LAYER + HALF + REST.replace("parts.gelu", ""), "GELU is missing"),
            (LAYER + HALF + REST.replace("parts.down(parts.gelu(parts.up(a)))", "parts.gelu(parts.down(parts.up(a)))"), "between up and down"),
            (LAYER + HALF + REST.replace("parts.gelu", "F.relu"), "ReLU"),
            (LAYER + HALF.replace("parts.drop", "") + REST.replace("parts.drop", ""), "Dropout is missing: it stands"),
            (LAYER + HALF.replace("parts.drop", "") + REST, "missing behind attend"),
            (LAYER + HALF + REST.replace("parts.drop", ""), "missing behind down"),
            (LAYER + HALF.replace("x + parts.drop(parts.attend(x, mask))", "parts.drop(x + parts.attend(x, mask))") + REST.replace("a + parts.drop(", "parts.drop(a + "), "before the sum"),
            (LAYER + HALF + REST.replace("parts.down(", "parts.down(parts.drop(", 1) + ")", "before the sum"),
            (LAYER + HALF.replace("(x, mask)", "(x, None)") + REST, "mask does not reach attend"),
            (LAYER + HALF + "    return a", "Only the first half"),
            (LAYER + "    a = x\n" + REST, "attend is never called"),
            (LAYER + HALF.replace("parts.attend(x, mask)", "parts.attend(x, mask).detach()") + REST, "no gradient"),
            (LAYER + "    with torch.no_grad():\n    " + HALF + "    " + REST, "No gradient comes back"),
            (LAYER + "    x += parts.drop(parts.attend(x, mask))\n    a = parts.norm1(x)\n" + REST, "in place"),
            (LAYER + HALF + "    return parts.up(a)", "not (2, 5, 20)"),
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


@pytest.mark.parametrize("masked", [False, True])
def test_the_readable_layer_is_the_packages_to_the_last_bit(masked):
    case = _case()
    mask = case.mask if masked else None
    assert torch.equal(encoder_layer(case.x, parts_of(case.layer), mask), case.layer(case.x, mask))


def test_its_dropout_stands_where_the_packages_does():
    case = _case()
    case.layer.train().dropout.p = 0.5
    torch.manual_seed(1)
    ours = encoder_layer(case.x, parts_of(case.layer), case.mask)
    torch.manual_seed(1)
    assert torch.equal(ours, case.layer(case.x, case.mask))


def test_the_readable_layer_norm_is_torchs():
    x, gain, shift = torch.randn(2, 3, 8) * 5, torch.randn(8), torch.randn(8)
    assert torch.allclose(layer_norm(x, gain, shift, 1e-12), F.layer_norm(x, (8,), gain, shift, 1e-12), atol=1e-5)


def test_an_encoder_of_own_layers_computes_the_same_and_really_uses_them():
    torch.manual_seed(0)
    encoder = Encoder(
        ModelConfig(hidden_size=12, num_heads=3, num_layers=2, vocab_size=50, initializer_range=0.5)
    ).eval()
    for layer in encoder.layers:  # two norms that differ, or one could stand in the place of the other
        torch.nn.init.normal_(layer.attention_norm.weight)
        torch.nn.init.normal_(layer.output_norm.bias)
    ids, mask = torch.randint(50, (2, 6)), torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    right, weights = encoder(ids, attention_mask=mask), encoder.attention_weights(ids)
    own = {"multi_head": multi_head, "attention": attention, "layer_norm": layer_norm}
    for parts in ({}, {"multi_head": multi_head, "attention": attention}, own):
        assert torch.allclose(
            with_own_layers(encoder, encoder_layer, **parts)(ids, attention_mask=mask), right, atol=1e-5
        )
    assert torch.allclose(encoder(ids, attention_mask=mask, first=1), right[:, :1], atol=1e-5)
    assert torch.allclose(encoder.attention_weights(ids)[1], weights[1], atol=1e-5)
    assert all(type(layer.layer) is Layer for layer in encoder.layers), "given twice, wrapped once"
    with_own_layers(encoder, multi_head=lambda x, *_: 0 * x, attention=attention)
    assert not torch.allclose(encoder(ids), right, atol=1e-2)
