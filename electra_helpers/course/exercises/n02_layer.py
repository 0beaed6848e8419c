"""Exercises of notebook 02, continued: LayerNorm, and one whole layer of the encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.config import ModelConfig
from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.course.labs.layer_parts import LayerParts, parts_of
from electra_helpers.language import worded, wording
from electra_helpers.model.encoder import Layer


def layer_norm(x, gain, shift, eps=1e-12):
    """Each vector to mean 0 and variance 1, then a gain and a shift for each of its H numbers: (…, H) → (…, H)."""
    mean = x.mean(dim=-1, keepdim=True)  # (…, 1): one mean a token
    variance = (x - mean).pow(2).mean(dim=-1, keepdim=True)  # (…, 1): divided by H, not by H - 1
    return (x - mean) / (variance + eps).sqrt() * gain + shift


def encoder_layer(x, parts, mask=None):
    """One layer of the encoder, LayerNorm after each sum: (B, L, H) → (B, L, H)."""
    a = parts.norm1(x + parts.drop(parts.attend(x, mask)))  # tokens read each other; the residual keeps x
    y = parts.down(parts.gelu(parts.up(a)))  # (B, L, H) → (B, L, F) → (B, L, H): each token by itself
    return parts.norm2(a + parts.drop(y))


def _tensor(found: Any, like: Tensor) -> Tensor:
    if not isinstance(found, Tensor) or found.shape != like.shape:
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise Mistake("One vector for each that came in, {shape}, not {got}.", shape=tuple(like.shape), got=got)
    return found.float()  # computed in fp64 it is as right


def _spread_over(x: Tensor, dim: Any, *, correction: int = 0) -> tuple[Tensor, Tensor]:
    return x.mean(dim, keepdim=True), x.var(dim, correction=correction, keepdim=True)


def _wrong_norms(x: Tensor, gain: Tensor, shift: Tensor, eps: float) -> list[tuple[Tensor, str]]:
    mean, variance = _spread_over(x, -1)
    plain = (x - mean) / (variance + eps).sqrt()
    sample = _spread_over(x, -1, correction=1)[1]
    over = {wording("the tokens of a row"): 1, wording("the whole batch"): (0, 1, 2), wording("the batch"): 0}
    return [
        (
            (x - mean) / (sample + eps).sqrt() * gain + shift,
            wording(
                "torch.var and torch.std divide by H - 1 unless they are told correction=0; LayerNorm divides by H."
            ),
        ),
        (
            (x - mean) / (variance.sqrt() + eps) * gain + shift,
            wording("eps belongs under the root, added to the variance."),
        ),
        (
            (x - mean) / (sample.sqrt() + eps) * gain + shift,
            wording("eps belongs under the root, added to the variance."),
        ),
        (
            (x - mean) / variance.sqrt() * gain + shift,
            wording("The eps that is handed in is not used: add it to the variance."),
        ),
        (
            (x - mean) / (variance + eps) * gain + shift,
            wording("Divide by the *root* of the variance, the standard deviation."),
        ),
        (plain, wording("gain and shift are not used: they are learnt, one of each for every number of a vector.")),
        (plain * gain, wording("The shift is not added.")),
        (plain + shift, wording("The gain is not used.")),
        ((plain + shift) * gain, wording("First times the gain, then plus the shift.")),
        (plain * shift + gain, wording("gain and shift are swapped.")),
        (x / (variance + eps).sqrt() * gain + shift, wording("The mean is not taken off.")),
        ((x - mean) * gain + shift, wording("The variance is not brought to 1.")),
        *(
            (
                (x - m) / (v + eps).sqrt() * gain + shift,
                worded("Mean and variance run over {name}. Each vector has its own: dim=-1.", name=name),
            )
            for name, dim in over.items()
            for m, v in [_spread_over(x, dim)]
        ),
    ]


def _norms_each_vector(function: Callable) -> None:
    random = torch.Generator().manual_seed(5)
    x = torch.randn(2, 3, 4, generator=random) * 3 + 2  # B=2, L=3, H=4: all different
    gain, shift = torch.tensor([1.0, -2.0, 0.5, 3.0]), torch.tensor([0.1, 0.2, -0.3, 5.0])
    for eps in (0.5, 1e-6):  # a large eps shows where it stands
        kept = x.clone()
        found = _tensor(function(kept, gain, shift, eps), x)
        if not torch.equal(kept, x):
            raise Mistake("Your function changed the vectors that it was given: -= and /= do, - and / do not.")
        if torch.allclose(found, F.layer_norm(x, (4,), gain, shift, eps), atol=1e-4):
            continue
        for wrong, message in _wrong_norms(x, gain, shift, eps):
            if torch.allclose(found, wrong, atol=1e-4):
                raise Mistake(message)
        raise Mistake(
            "For each vector: take off its mean, divide by the root of (variance + eps), times gain, plus shift."
        )


def _equal_numbers_stay_finite(function: Callable) -> None:
    x = torch.full((1, 1, 4), 7.0)
    found = _tensor(function(x, torch.ones(4), torch.zeros(4)), x)
    if not torch.isfinite(found).all():
        raise Mistake("A vector whose numbers are all equal has variance 0: without eps you divide by 0.")


BATCH, LENGTH, HIDDEN = 2, 5, 12


@dataclass(frozen=True)
class _Case:
    """A layer of the package, what it is given, and its parts with a dropout that anyone can repeat."""

    layer: Layer
    parts: LayerParts
    x: Tensor
    mask: Tensor


def _drop(x: Tensor) -> Tensor:
    """Every third number is dropped, always the same ones."""
    keep = torch.arange(x.shape[-1]) % 3 != 0
    return x * keep * 1.5


def _case() -> _Case:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        config = ModelConfig(hidden_size=HIDDEN, num_heads=3, intermediate_size=20, initializer_range=0.5)
        layer = Layer(config).eval()
        for parameter in layer.parameters():  # norms of two kinds, biases that show
            torch.nn.init.normal_(parameter, std=0.7)
        x = torch.randn(BATCH, LENGTH, HIDDEN)
    mask = torch.tensor([[True] * LENGTH, [True] * 3 + [False] * 2])[:, None, None]  # (B, 1, 1, L)
    return _Case(layer, replace(parts_of(layer), drop=_drop), x, mask)


def _wrong_layers(p: LayerParts, x: Tensor, mask: Tensor) -> list[tuple[Tensor, str]]:
    def nothing(value: Tensor) -> Tensor:
        return value

    def feed(value: Tensor) -> Tensor:
        return p.down(p.gelu(p.up(value)))

    def whole(p: LayerParts, mask: Tensor | None = mask) -> Tensor:
        return encoder_layer(x, p, mask)

    heard = p.attend(x, mask)
    a = p.norm1(x + p.drop(heard))
    second = wording("The residual of the second half is a, what the first half made, not x.")
    before = wording(
        "LayerNorm stands before the attention and the feed-forward net, as in GPT-2. ELECTRA norms *after* each sum."
    )
    pre = x + p.drop(p.attend(p.norm1(x), mask))
    places = wording(
        "Dropout stands right behind attend and right behind down, before the sum: never on what the residual carries."
    )
    return [
        (p.norm2(feed(p.norm1(heard)) + p.norm1(heard)), wording("Dropout is missing: it stands behind attend and"
" behind down, before the sum.")),
        (p.norm2(p.drop(feed(p.norm1(p.drop(heard))))), wording("Neither half has its residual: add what came in to"
" what came out, x + …, a + ….")),
        (p.norm2((b := p.norm1(p.drop(heard))) + p.drop(feed(b))), wording("The residual of the first half is"
" missing: x + drop(attend(x)).")),
        (p.norm2(p.drop(feed(a))), wording("The residual of the second half is missing: a + drop(…).")),
        (p.norm2(x + p.drop(feed(a))), second),
        (p.norm2(a + p.drop(feed(x))), wording("The feed-forward net reads x. It reads a, what the tokens have told each other.")),
        (p.norm2(x + p.drop(feed(x + p.drop(heard)))), second),
        (pre + p.drop(feed(p.norm2(pre))), before),
        (x + p.norm1(p.drop(heard)) + p.norm2(p.drop(feed(x + p.norm1(p.drop(heard))))), wording("LayerNorm comes after the *sum*, not"
" before it.")),
        (p.norm2((c := x + p.drop(heard)) + p.drop(feed(c))), wording("norm1 is missing after the first sum.")),
        (a + p.drop(feed(a)), wording("norm2 is missing after the second sum.")),
        (whole(replace(p, norm2=p.norm1)), wording("norm1 is used twice. Each sum has a LayerNorm of its"
" own, with its own gain and shift.")),
        (whole(replace(p, norm1=p.norm2, norm2=p.norm1)), wording("norm1 and norm2 are swapped.")),
        (whole(replace(p, gelu=nothing)), wording("GELU is missing: two linear maps in a row are one linear map.")),
        (whole(replace(p, gelu=nothing, down=lambda t: p.gelu(p.down(t)))), wording("GELU stands between up and down.")),
        (whole(replace(p, gelu=torch.relu)), wording("That is ReLU. Use parts.gelu.")),
        (whole(replace(p, gelu=lambda t: F.gelu(t, approximate="tanh"))), wording("That is the tanh approximation of"
" GELU. Use parts.gelu.")),
        (whole(replace(p, drop=nothing)), wording("Dropout is missing: it stands behind attend and behind down, before the sum.")),
        (p.norm2(p.drop(p.norm1(p.drop(x + heard)) + feed(p.norm1(p.drop(x + heard))))), places),
        (p.drop(p.norm2((d := p.drop(p.norm1(x + heard))) + feed(d))), places),
        (p.norm2(a + p.down(p.drop(p.gelu(p.up(a))))), places),
        (p.norm2(a + p.drop(p.down(p.drop(p.gelu(p.up(a)))))), places),
        (p.norm2((e := p.norm1(x + heard)) + p.drop(feed(e))), wording("Dropout is missing behind attend.")),
        (p.norm2(a + feed(a)), wording("Dropout is missing behind down.")),
        (whole(p, None), wording("The mask does not reach attend: padding is read like any word.")),
        (a, wording("Only the first half is there: after attention comes the feed-forward net, up, gelu, down.")),
        (p.norm2(x + p.drop(feed(x))), wording("attend is never called: tokens cannot read each other.")),
    ]  # fmt: skip


def _is_the_packages(function: Callable) -> None:
    case = _case()
    kept = case.x.clone()
    found = _tensor(function(kept, case.parts, case.mask), case.x)
    if not torch.equal(kept, case.x):
        raise Mistake("Your function changed x in place: x += … does, x = x + … does not.")
    if torch.allclose(found, encoder_layer(case.x, case.parts, case.mask), atol=1e-4):
        return
    for wrong, message in _wrong_layers(case.parts, case.x, case.mask):
        if torch.allclose(found, wrong, atol=1e-4):
            raise Mistake(message)
    raise Mistake("Not the package's layer. Follow the drawing: which box comes next, and what enters the sum?")


def _without_a_mask_or_with_real_dropout(function: Callable) -> None:
    case = _case()
    parts = parts_of(case.layer)  # in evaluation: nothing is dropped
    found = _tensor(function(case.x, parts), case.x)
    if not torch.allclose(found, case.layer(case.x), atol=1e-4):
        raise Mistake("Without a mask nothing is hidden: hand mask=None on to attend as it is.")


def _gradient_reaches_all(function: Callable) -> None:
    case = _case()
    x = case.x.clone().requires_grad_()
    found = _tensor(function(x, case.parts, case.mask), x)
    if not found.requires_grad:
        raise Mistake("No gradient comes back through your layer: leave detach() and torch.no_grad() out.")
    found.square().sum().backward()
    if x.grad is None or any(p.grad is None for p in case.layer.parameters()):
        raise Mistake("Some of the layer's weights get no gradient: is a part detached, or not used?")


EXERCISES = (
    Exercise(
        id="02.5",
        title="LayerNorm",
        kind="build",
        minutes=8,
        difficulty=2,
        starred=True,
        specification=(
            "layer_norm(x, gain, shift, eps=1e-12): x (…, H); gain and shift (H) → (…, H): each vector to mean 0 and"
            " variance 1 (divided by H, eps under the root), times gain, plus shift."
        ),
        checks=(_norms_each_vector, _equal_numbers_stay_finite),
        hints=(
            "One mean and one variance for each vector: dim=-1, keepdim=True.",
            "variance = (x - mean).pow(2).mean(-1, keepdim=True); divide by (variance + eps).sqrt().",
        ),
        solution=layer_norm,
        fallback=layer_norm,
        variable="layer_norm",
    ),
    Exercise(
        id="02.6",
        title="One whole layer",
        kind="build",
        minutes=15,
        difficulty=2,
        starred=True,
        specification=(
            "encoder_layer(x, parts, mask=None): x (B, L, H) → (B, L, H), by the drawing, with parts.attend(x, mask), .drop,"
            " .norm1, .up (H → F), .gelu, .down (F → H), .norm2."
        ),
        checks=(_is_the_packages, _without_a_mask_or_with_real_dropout, _gradient_reaches_all),
        hints=(
            "Two halves of one form: norm(in + drop(something(in))). What is something in each, and what is in?",
            "a = parts.norm1(x + parts.drop(parts.attend(x, mask))); then the same with up, gelu, down around a.",
        ),
        solution=encoder_layer,
        fallback=encoder_layer,
        variable="encoder_layer",
    ),
)
