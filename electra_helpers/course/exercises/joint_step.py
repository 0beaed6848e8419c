"""Exercise 06.1, the joint step: the readable solution, the package's step in the same form, and what judges a learner's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers import corruption
from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Noise, draw_noise
from electra_helpers.course.engine.grading import Mistake
from electra_helpers.language import worded
from electra_helpers.model.electra import Electra, Steps
from electra_helpers.text.packing import Batch

PAD, UNK, CLS, SEP, MASK = range(5)
SMALL = ModelConfig(
    vocab_size=60,
    embedding_size=12,
    hidden_size=16,
    num_layers=1,
    num_heads=2,
    intermediate_size=20,
    generator_size=0.5,
    max_positions=32,
    dropout=0.0,
    attention_dropout=0.0,
    initializer_range=0.2,
    pad_id=PAD,
    cls_id=CLS,
    sep_id=SEP,
    mask_id=MASK,
)


def pretraining_step(net, ids, is_real, noise, parts, rtd_loss, rtd_weight=50.0):
    """One joint step: select, mask, generate, sample, corrupt, label, judge, and the weighted sum."""
    selection = parts.select(ids, net.config.unselectable_ids, noise=noise.select)
    masked = parts.mask(ids, selection, mask_id=net.config.mask_id, noise=noise.mask)
    logits = net.generator(masked, attention_mask=is_real, positions=selection.positions)  # (B, M, V)
    targets = ids.gather(1, selection.positions).where(selection.is_valid, -100)  # cross_entropy passes over -100
    total = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum")
    mlm = total / selection.is_valid.sum()
    sampled = parts.sample(logits, temperature=1.0, noise=noise.sample)  # (B, M)
    corrupted = parts.corrupt(ids, selection, sampled)  # from the original ids
    labels = parts.label(ids, corrupted)
    rtd = rtd_loss(net.discriminator(corrupted, attention_mask=is_real), labels, is_real)
    return {"loss": mlm + rtd_weight * rtd, "mlm": mlm, "rtd": rtd}


def mean_rtd_loss(logits: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean binary cross-entropy over all real tokens, as in exercise 05.1."""
    per_token = F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none")
    is_real = torch.ones_like(per_token) if mask is None else mask
    return (per_token * is_real).sum() / is_real.sum()


def package_step(net, ids, is_real, noise, parts=None, rtd_loss=None, rtd_weight=50.0) -> dict[str, Tensor]:
    """The package's own step in the form of exercise 06.1; its RTD loss is built in."""
    config = PretrainConfig(rtd_weight=rtd_weight)
    out = net(Batch(ids, None, is_real), noise, config, parts)
    mlm, rtd = (out.losses[name].total / out.losses[name].count for name in ("mlm", "rtd"))
    return {"loss": out.loss(config.loss_weights), "mlm": mlm, "rtd": rtd}


def small_net(sharing: str = "all") -> Electra:
    """A net of one layer with fixed random weights, small enough for a check to run in milliseconds."""
    torch.manual_seed(0)
    return Electra(replace(SMALL, sharing=sharing))


def material() -> tuple[Tensor, Tensor, Noise]:
    """B=4, L=20, with 20, 20, 13 and 6 real tokens, so that there is padding and rows have unused slots."""
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(5, SMALL.vocab_size, (4, 20), generator=random)
    for row, real in enumerate((20, 20, 13, 6)):
        ids[row, 0], ids[row, real - 1], ids[row, real:] = CLS, SEP, PAD
    return ids, ids != PAD, draw_noise(4, 20, random)


class WatchedParts:
    """The package's parts, remembering what they were given and what they gave; their generator guesses one word of each row right."""

    def __init__(self) -> None:
        self.given: dict[str, tuple] = {}
        self.noise: dict[str, Any] = {}
        self.gave: dict[str, Any] = {}
        names = ("select_positions", "mask_positions", "sample_tokens", "corrupt", "label_replaced")
        parts = ("select", "mask", "sample", "corrupt", "label")
        self.steps = Steps(**{p: self._watch(p, getattr(corruption, n)) for p, n in zip(parts, names, strict=True)})
        self.rtd_loss = self._watch("rtd_loss", mean_rtd_loss)

    def _watch(self, part: str, function: Callable) -> Callable:
        def watched(*args: Any, **options: Any) -> Any:
            found = function(*args, **options)
            if part == "sample" and "select" in self.given and found.dim() == 2:
                found = self._with_a_right_guess(found)
            self.given[part], self.gave[part], self.noise[part] = args, found, options.get("noise")
            return found

        return watched

    def _with_a_right_guess(self, sampled: Tensor) -> Tensor:
        """Fresh nets hardly ever guess right: without this nobody could tell replaced from selected."""
        ids, selection = self.given["select"][0], self.gave["select"]
        return torch.cat([ids.gather(1, selection.positions[:, :1]), sampled[:, 1:]], dim=1)


def run_watched(function: Callable, weight: float = 50.0) -> tuple[dict, WatchedParts, Electra, list[Tensor]]:
    """A learner's step on the material: what it gave, its parts, the net, and the ids that the discriminator read."""
    ids, is_real, noise = material()
    net, watched, judged = small_net(), WatchedParts(), []
    net.discriminator.register_forward_pre_hook(lambda _, args: judged.append(args[0]))
    found = function(net, ids, is_real, noise, watched.steps, watched.rtd_loss, weight)
    if not isinstance(found, dict) or set(found) != {"loss", "mlm", "rtd"}:
        raise Mistake('Return a dictionary with "loss", "mlm" and "rtd".')
    if any(not isinstance(value, Tensor) or value.dim() for value in found.values()):
        raise Mistake("Each of the three is one number in a tensor, without dimensions: take means.")
    missing = [
        part for part in ("select", "mask", "sample", "corrupt", "label", "rtd_loss") if part not in watched.given
    ]
    if missing:
        raise Mistake(
            "Your step never calls {missing}: use the parts that are handed in, so that they are yours.",
            missing=missing[0],
        )
    return found, watched, net, judged


def the_right_ids_go_in(function: Callable) -> None:
    """Check of 06.1: original, masked and corrupted ids each go where they belong."""
    ids, is_real, _ = material()
    _, watched, _, judged = run_watched(function)
    masked, corrupted = watched.gave["mask"], watched.gave["corrupt"]
    if torch.equal(watched.given["corrupt"][0], masked):
        raise Mistake(
            "You corrupt the masked ids: every [MASK] that is not replaced goes on to the discriminator, which never"
            " meets one later. Start from the original ids."
        )
    if not judged:
        raise Mistake("The discriminator is never asked.")
    if torch.equal(judged[-1], masked):
        raise Mistake("The discriminator reads the masked ids: it should read the corrupted ones.")
    if torch.equal(judged[-1], ids):
        raise Mistake("The discriminator reads the original ids: there is nothing to find in them.")
    if not torch.equal(watched.given["label"][0], ids) or not torch.equal(watched.given["label"][1], corrupted):
        raise Mistake("Labels compare the original ids with the corrupted ones, in this order.")
    used_noise_of_their_own(watched)
    _, labels, mask = (*watched.given["rtd_loss"], None, None, None)[:3]
    selected = watched.gave["select"].as_mask(ids.shape[1])
    if labels is not None and labels.shape == selected.shape and torch.equal(labels.bool(), selected):
        raise Mistake(
            "Selected is not replaced: where the generator guessed right, the token is the original. Take what parts.label says."
        )
    if labels is None or labels.shape != ids.shape or not torch.equal(labels.bool(), watched.gave["label"]):
        raise Mistake("rtd_loss takes the discriminator's logits, then the labels, then the mask.")
    if mask is None or not torch.equal(mask.bool(), is_real):
        raise Mistake(
            "rtd_loss counts the tokens of is_real: without padding, and not only the selected, but all the others."
        )


def used_noise_of_their_own(watched: WatchedParts) -> None:
    """Raise where a part did not get the random numbers that are meant for it."""
    _, _, noise = material()
    for part in ("select", "mask", "sample"):
        right, given = getattr(noise, part), watched.noise[part]
        if given is None:
            raise Mistake(
                "parts.{part} got no noise, so that a step does not repeat itself: pass noise=noise.{part}.", part=part
            )
        if given.shape[0] != right.shape[0] or not torch.equal(given, right[:, : given.shape[1]]):
            raise Mistake("parts.{part} got other random numbers than its own: it wants noise=noise.{part}.", part=part)


def the_losses_are_right(function: Callable) -> None:
    """Check of 06.1: both losses and their weighted sum are the package's, at two values of λ."""
    ids, is_real, noise = material()
    for weight in (50.0, 3.0):
        found, watched, _, _ = run_watched(function, weight)
        with torch.no_grad():
            right = package_step(small_net(), ids, is_real, noise, WatchedParts().steps, rtd_weight=weight)
        mlm, rtd, loss = (found[name].item() for name in ("mlm", "rtd", "loss"))
        selection = watched.gave["select"]
        if not is_close(mlm, right["mlm"]):
            explain_mlm(mlm, ids, is_real, noise, selection, float(right["mlm"]))
        if not is_close(rtd, right["rtd"]):
            explain_rtd(rtd, watched, is_real, weight, float(right["rtd"]))
        if is_close(loss, mlm + rtd):
            raise Mistake("You forgot λ: the loss is mlm + rtd_weight · rtd.")
        if is_close(loss, weight * mlm + rtd) or is_close(loss, weight * (mlm + rtd)):
            raise Mistake("λ belongs to the RTD loss alone: mlm + rtd_weight · rtd.")
        if weight == 3.0 and is_close(loss, mlm + 50 * rtd):
            raise Mistake("λ is always 50 in your step: use rtd_weight.")
        if not is_close(loss, right["loss"]):
            raise Mistake(
                '"loss" is {loss:.4f}, mlm + rtd_weight · rtd is {right:.4f}.', loss=loss, right=float(right["loss"])
            )


def explain_mlm(mlm: float, ids: Tensor, is_real: Tensor, noise: Noise, selection: Any, right: float) -> None:
    """Raise the mistake that gives just this MLM loss."""
    net = small_net()
    masked = corruption.mask_positions(ids, selection, mask_id=MASK, noise=noise.mask)
    targets = ids.gather(1, selection.positions)
    with torch.no_grad():
        from_masked = net.generator(masked, None, is_real, positions=selection.positions)
        from_original = net.generator(ids, None, is_real, positions=selection.positions)
        unmasked = net.generator(masked, None, None, positions=selection.positions)
    valid = selection.is_valid
    if is_close(mlm, F.cross_entropy(from_masked.flatten(0, 1), targets.flatten())):
        raise Mistake("Your MLM loss counts the unused slots, which point at [CLS]: take those with is_valid only.")
    if is_close(mlm, F.cross_entropy(from_original[valid], targets[valid])):
        raise Mistake("The generator reads the original ids: it would only have to copy. Give it the masked ones.")
    if is_close(mlm, F.cross_entropy(unmasked[valid], targets[valid])):
        raise Mistake("The generator pays attention to padding: pass attention_mask=is_real.")
    if is_close(mlm, F.cross_entropy(from_masked[valid], targets[valid], reduction="sum")):
        raise Mistake("Your MLM loss is a sum: divide by the number of selected tokens.")
    raise Mistake(
        '"mlm" is {mlm:.4f}; the mean cross-entropy at the selected positions is {right:.4f}.', mlm=mlm, right=right
    )


def explain_rtd(rtd: float, watched: WatchedParts, is_real: Tensor, weight: float, right: float) -> None:
    """Raise the mistake that gives just this RTD loss."""
    corrupted, labels = watched.gave["corrupt"], watched.gave["label"]
    with torch.no_grad():
        unmasked = mean_rtd_loss(small_net().discriminator(corrupted, None, None), labels, is_real)
    if is_close(rtd, unmasked):
        raise Mistake("The discriminator pays attention to padding: pass attention_mask=is_real to it, too.")
    if is_close(rtd, weight * right):
        raise Mistake('"rtd" is scaled already: λ belongs into "loss" alone. Do not scale it twice.')
    raise Mistake(
        '"rtd" is {rtd:.4f}; rtd_loss gives {right:.4f} for what the discriminator says of the corrupted ids.',
        rtd=rtd,
        right=right,
    )


def is_close(a: Any, b: Any) -> bool:
    """Equal but for the order in which a sum was added up."""
    return abs(float(a) - float(b)) < 1e-4 * max(1.0, abs(float(b)))


def gradient_flows_as_it_should(function: Callable) -> None:
    """Check of 06.1: every parameter gets the package's gradient; only the sampling is cut off."""
    found, _, net, _ = run_watched(function)
    if not found["loss"].requires_grad:
        raise Mistake("Nothing can be learned from this loss: is there a no_grad, a detach or a .item() too many?")
    mine = gradients(net, found["loss"])
    ids, is_real, noise = material()
    reference = small_net()
    right = gradients(reference, package_step(reference, ids, is_real, noise, WatchedParts().steps)["loss"])
    for name in (name for name in right if mine[name] is None):
        whose = worded("generator") if name.startswith("generator") else worded("discriminator")
        raise Mistake(
            "No gradient reaches the {whose} ({name}): is its loss detached, or made under no_grad?",
            whose=whose,
            name=name,
        )
    for name, gradient in right.items():
        if not torch.allclose(mine[name], gradient, atol=1e-4, rtol=1e-3):
            raise Mistake(
                "The loss is right, but the gradient of {name} is not: is a part of the step detached, or made"
                " under no_grad? Only the sampling is cut off.",
                name=name,
            )


def gradients(net: Electra, loss: Tensor) -> dict[str, Tensor | None]:
    """The gradient of a loss for every parameter by name, None where it does not reach."""
    names, parameters = zip(*net.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters, allow_unused=True, retain_graph=True), strict=True))
