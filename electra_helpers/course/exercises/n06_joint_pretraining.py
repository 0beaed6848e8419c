"""Exercises of notebook 06: the step assembled, who gets gradient, shared embeddings, sheets of curves, a conclusion with its spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers import corruption
from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Noise, draw_noise
from electra_helpers.course.grading import Exercise, Mistake
from electra_helpers.course.objectives import last_scores
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


def mean_rtd_loss(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """The mean binary cross-entropy over all real tokens, as in exercise 05.1."""
    per_token = F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none")
    return (per_token * mask).sum() / mask.sum()


def package_step(net, ids, is_real, noise, parts=None, rtd_loss=None, rtd_weight=50.0) -> dict[str, Tensor]:
    """The package's own step in the form of exercise 06.1; its RTD loss is built in."""
    config = PretrainConfig(rtd_weight=rtd_weight)
    out = net(Batch(ids, None, is_real), noise, config, parts)
    mlm, rtd = (out.losses[name].total / out.losses[name].count for name in ("mlm", "rtd"))
    return {"loss": out.loss(config.loss_weights), "mlm": mlm, "rtd": rtd}


def _small(sharing: str = "all") -> Electra:
    torch.manual_seed(0)
    return Electra(replace(SMALL, sharing=sharing))


def _material() -> tuple[Tensor, Tensor, Noise]:
    """B=4, L=20, with 20, 20, 13 and 6 real tokens, so that there is padding and rows have unused slots."""
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(5, SMALL.vocab_size, (4, 20), generator=random)
    for row, real in enumerate((20, 20, 13, 6)):
        ids[row, 0], ids[row, real - 1], ids[row, real:] = CLS, SEP, PAD
    return ids, ids != PAD, draw_noise(4, 20, random)


class _Watched:
    """The package's parts, remembering what they were given and what they gave."""

    def __init__(self) -> None:
        self.given: dict[str, tuple] = {}
        self.gave: dict[str, Any] = {}
        names = ("select_positions", "mask_positions", "sample_tokens", "corrupt", "label_replaced")
        parts = ("select", "mask", "sample", "corrupt", "label")
        self.steps = Steps(**{p: self._watch(p, getattr(corruption, n)) for p, n in zip(parts, names, strict=True)})
        self.rtd_loss = self._watch("rtd_loss", mean_rtd_loss)

    def _watch(self, part: str, function: Callable) -> Callable:
        def watched(*args: Any, **options: Any) -> Any:
            self.given[part], self.gave[part] = args, function(*args, **options)
            return self.gave[part]

        return watched


def _run(function: Callable, weight: float = 50.0) -> tuple[dict, _Watched, Electra, list[Tensor]]:
    ids, is_real, noise = _material()
    net, watched, judged = _small(), _Watched(), []
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
        raise Mistake(f"Your step never calls {missing[0]}: use the parts that are handed in, so that they are yours.")
    return found, watched, net, judged


def _the_right_ids_go_in(function: Callable) -> None:
    ids, is_real, _ = _material()
    _, watched, _, judged = _run(function)
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
    _, labels, mask = (*watched.given["rtd_loss"], None, None, None)[:3]
    if labels is None or not torch.equal(labels.bool(), watched.gave["label"]):
        raise Mistake("rtd_loss takes the discriminator's logits, then the labels, then the mask.")
    if mask is None or not torch.equal(mask.bool(), is_real):
        raise Mistake(
            "rtd_loss counts the tokens of is_real: without padding, and not only the selected, but all the others."
        )


def _the_losses_are_right(function: Callable) -> None:
    ids, is_real, noise = _material()
    for weight in (50.0, 3.0):
        found, watched, _, _ = _run(function, weight)
        with torch.no_grad():
            right = package_step(_small(), ids, is_real, noise, rtd_weight=weight)
        mlm, rtd, loss = (found[name].item() for name in ("mlm", "rtd", "loss"))
        selection = watched.gave["select"]
        if not _close(mlm, right["mlm"]):
            _explain_mlm(mlm, ids, is_real, noise, selection, float(right["mlm"]))
        if not _close(rtd, right["rtd"]):
            raise Mistake(f'"rtd" is {rtd:.4f}; rtd_loss gives {float(right["rtd"]):.4f} here. Do not scale it twice.')
        if _close(loss, mlm + rtd):
            raise Mistake("You forgot λ: the loss is mlm + rtd_weight · rtd.")
        if _close(loss, weight * mlm + rtd) or _close(loss, weight * (mlm + rtd)):
            raise Mistake("λ belongs to the RTD loss alone: mlm + rtd_weight · rtd.")
        if weight == 3.0 and _close(loss, mlm + 50 * rtd):
            raise Mistake("λ is always 50 in your step: use rtd_weight.")
        if not _close(loss, right["loss"]):
            raise Mistake(f'"loss" is {loss:.4f}, mlm + rtd_weight · rtd is {float(right["loss"]):.4f}.')


def _explain_mlm(mlm: float, ids: Tensor, is_real: Tensor, noise: Noise, selection: Any, right: float) -> None:
    net = _small()
    masked = corruption.mask_positions(ids, selection, mask_id=MASK, noise=noise.mask)
    targets = ids.gather(1, selection.positions)
    with torch.no_grad():
        from_masked = net.generator(masked, None, is_real, positions=selection.positions)
        from_original = net.generator(ids, None, is_real, positions=selection.positions)
        unmasked = net.generator(masked, None, None, positions=selection.positions)
    valid = selection.is_valid
    if _close(mlm, F.cross_entropy(from_masked.flatten(0, 1), targets.flatten())):
        raise Mistake("Your MLM loss counts the unused slots, which point at [CLS]: take those with is_valid only.")
    if _close(mlm, F.cross_entropy(from_original[valid], targets[valid])):
        raise Mistake("The generator reads the original ids: it would only have to copy. Give it the masked ones.")
    if _close(mlm, F.cross_entropy(unmasked[valid], targets[valid])):
        raise Mistake("The generator pays attention to padding: pass attention_mask=is_real.")
    if _close(mlm, F.cross_entropy(from_masked[valid], targets[valid], reduction="sum")):
        raise Mistake("Your MLM loss is a sum: divide by the number of selected tokens.")
    raise Mistake(f'"mlm" is {mlm:.4f}; the mean cross-entropy at the selected positions is {right:.4f}.')


def _close(a: Any, b: Any) -> bool:
    return abs(float(a) - float(b)) < 1e-4 * max(1.0, abs(float(b)))


def _gradient_flows_as_it_should(function: Callable) -> None:
    found, _, net, _ = _run(function)
    if not found["loss"].requires_grad:
        raise Mistake("Nothing can be learned from this loss: is there a no_grad, a detach or a .item() too many?")
    mine = _gradients(net, found["loss"])
    ids, is_real, noise = _material()
    reference = _small()
    right = _gradients(reference, package_step(reference, ids, is_real, noise)["loss"])
    for name in (name for name in right if mine[name] is None):
        whose = "generator" if name.startswith("generator") else "discriminator"
        raise Mistake(f"No gradient reaches the {whose} ({name}): is its loss detached, or made under no_grad?")
    for name, gradient in right.items():
        if not torch.allclose(mine[name], gradient, atol=1e-4, rtol=1e-3):
            raise Mistake(
                f"The loss is right, but the gradient of {name} is not: is a part of the step detached, or made"
                " under no_grad? Only the sampling is cut off."
            )


def _gradients(net: Electra, loss: Tensor) -> dict[str, Tensor | None]:
    names, parameters = zip(*net.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters, allow_unused=True, retain_graph=True), strict=True))


GROUPS = {
    "word table": "encoder.embeddings.word",
    "embedding LayerNorm": "encoder.embeddings.layer_norm",
    "generator encoder": "generator.encoder.layers",
    "generator head": "generator.head",
    "discriminator encoder": "discriminator.encoder.layers",
    "discriminator head": "discriminator.head",
}


def who_gets_gradient() -> dict[str, dict[str, bool]]:
    """For each group of parameters whether autograd leads to it from each loss, embeddings shared as in the paper."""
    net = _small()
    found = package_step(net, *_material())
    reached = {name: _gradients(net, found[name]) for name in ("mlm", "rtd")}
    return {
        group: {
            loss: any(part in name and g is not None for name, g in gradients.items())
            for loss, gradients in reached.items()
        }
        for group, part in GROUPS.items()
    }


def _grid_is_right(answers: Any) -> None:
    truth = who_gets_gradient()
    if not isinstance(answers, dict) or set(answers) != set(truth):
        raise Mistake(f"Keep the rows: {', '.join(truth)}.")
    for group, right in truth.items():
        row = answers[group]
        if not isinstance(row, dict) or set(row) != set(right) or not all(isinstance(v, bool) for v in row.values()):
            raise Mistake(f'{group}: one True or False each for "mlm" and "rtd".')
        for loss, is_reached in right.items():
            if row[loss] != is_reached:
                raise Mistake(_wrong_cell(group, loss))


def _wrong_cell(group: str, loss: str) -> str:
    if group.startswith("generator") and loss == "rtd":
        return (
            f"{group}, rtd: the discriminator does not train the generator. Between them a word is *drawn*; no gradient"
            " passes through a draw, and nothing here stands in for one."
        )
    if group.startswith("discriminator") and loss == "mlm":
        return f"{group}, mlm: the MLM loss is computed before the discriminator reads anything."
    if group in ("word table", "embedding LayerNorm"):
        return (
            f"{group}, {loss}: it is shared. Both nets read through the same tables and their LayerNorm, so both losses"
            " reach them."
        )
    return f"{group}, {loss}: each net learns from its own loss, at least."


def share_embeddings(net):
    """Let both nets hold the same embeddings; return every parameter once."""
    net.discriminator.encoder.embeddings = net.generator.encoder.embeddings  # the same module, no copy
    parameters = {}
    for part in (net.generator, net.discriminator):
        for parameter in part.parameters():
            parameters[id(parameter)] = parameter  # one entry, however many nets hold it
    return list(parameters.values())


def _tables_are_the_same(function: Callable) -> None:
    net = _small("none")
    ids, is_real, _ = _material()
    before = net.generator(ids, None, is_real)
    function(net)
    ours, theirs = net.generator.encoder.embeddings, net.discriminator.encoder.embeddings
    pairs = {
        "word": (ours.word.weight, theirs.word.weight),
        "position": (ours.position.weight, theirs.position.weight),
        "segment": (ours.token_type.weight, theirs.token_type.weight),
        "LayerNorm": (ours.layer_norm.weight, theirs.layer_norm.weight),
    }
    apart = [name for name, (a, b) in pairs.items() if a is not b]
    copied = [name for name in apart if torch.equal(*pairs[name])]
    if "word" in copied:
        raise Mistake(
            "That is a copy: the tables are equal now, and drift apart at the first update. Both nets must hold the"
            " *same* tensor."
        )
    if len(apart) == len(pairs):
        raise Mistake("The two nets still have tables of their own.")
    if apart:
        raise Mistake(
            f"Not shared yet: {', '.join(apart)}. The reference code shares all tables *and* the LayerNorm behind them."
        )
    net.generator.encoder.embeddings.word.weight.data.add_(1.0)
    if torch.allclose(net.generator(ids, None, is_real), before):
        raise Mistake("The generator does not read through the shared table any more.")


def _each_parameter_is_there_once(function: Callable) -> None:
    net = _small("none")
    given = function(net)
    try:
        found = list(given)
    except TypeError:
        raise Mistake("Return the list of parameters for the optimizer.") from None
    if not all(isinstance(each, Tensor) for each in found):
        raise Mistake("Return the parameters themselves, such as net.parameters() gives them.")
    seen, needed = [id(each) for each in found], {id(each): name for name, each in net.named_parameters()}
    if len(set(seen)) < len(seen):
        raise Mistake(
            f"{len(seen) - len(set(seen))} parameters stand in the list twice: the optimizer would update the shared"
            " tables twice a step."
        )
    if set(seen) - set(needed):
        raise Mistake("The list holds tables that no net uses any more: make it after sharing, not before.")
    missing = [name for key, name in needed.items() if key not in set(seen)]
    if missing:
        raise Mistake(f"{len(missing)} parameters are missing and would never be trained, {missing[0]} for one.")


# Letter → the recorded sheet that it shows; the causes to choose from stand in alphabetical order.
SHEETS = {
    "A": "labels = selected",
    "B": "healthy",
    "C": "learning rate too high",
    "D": "discriminator sees the originals",
    "E": "generator trained beforehand",
}
CAUSES = tuple(sorted(SHEETS.values()))
CLUES = {
    "labels = selected": (
        "in one sheet the share labelled as replaced never falls, though the generator gets words right"
    ),
    "healthy": "own fakes get harder, so their AUC may stand still or fall in a healthy run: look at the fixed exam too",
    "learning rate too high": "with steps that are too large neither net gets below the word frequencies",
    "discriminator sees the originals": (
        "who is shown only original words can learn which words are often replaced, and nothing more: an AUC on own"
        " fakes not far above 0.5"
    ),
    "generator trained beforehand": (
        "a generator that was trained beforehand has a low MLM loss from the first step, and keeps it"
    ),
}


def _sheets_are_matched(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(SHEETS):
        raise Mistake(f"Keep the letters {', '.join(SHEETS)}.")
    unknown = [value for value in answers.values() if value not in CAUSES]
    if unknown:
        raise Mistake(f"{unknown[0]!r} is not a cause. Choose from: {'; '.join(CAUSES)}.")
    if len(set(answers.values())) < len(SHEETS):
        raise Mistake("A cause is used twice: each fits one sheet.")
    wrong = [letter for letter, cause in SHEETS.items() if answers[letter] != cause]
    if wrong:
        called_healthy = next((letter for letter in wrong if answers[letter] == "healthy"), None)
        if called_healthy:
            raise Mistake(
                f"Sheet {called_healthy} is not the healthy one. A falling loss alone does not mean that it works:"
                f" {CLUES[SHEETS[called_healthy]]}."
            )
        raise Mistake(f"{len(wrong)} do not fit. One clue: {CLUES[SHEETS[wrong[0]]]}.")


COMPARED = ("rtd", "mlm")
CONCLUSIONS = ("clear", "not clear")


def pooled(arm: str, score: float) -> dict[str, list[float]]:
    """The recorded last readings of the minimal pairs, with one more for `arm`."""
    found = {name: last_scores(name, "pairs") for name in COMPARED}
    found[arm] = [*found[arm], score]
    return found


def summary(scores: dict[str, Sequence[float]]) -> dict[str, Any]:
    """The difference of the means (rtd − mlm), the larger standard deviation, and whether it is at least twice that."""
    difference = mean(scores["rtd"]) - mean(scores["mlm"])
    spread = max(stdev(scores[name]) for name in COMPARED)
    return {"difference": difference, "spread": spread, "conclusion": CONCLUSIONS[abs(difference) < 2 * spread]}


def _conclusion_has_its_spread(answers: Any) -> None:
    keys = {"arm", "my score", "difference", "spread", "conclusion"}
    if not isinstance(answers, dict) or set(answers) != keys:
        raise Mistake('Keep "arm", "my score", "difference", "spread" and "conclusion".')
    if answers["arm"] not in COMPARED:
        raise Mistake(f"arm: choose one of {', '.join(COMPARED)}.")
    try:
        score, difference, spread = (float(answers[name]) for name in ("my score", "difference", "spread"))
    except (TypeError, ValueError):
        raise Mistake("my score, difference and spread are numbers.") from None
    if not 0 <= score <= 1:
        raise Mistake("my score is a share between 0 and 1: the last reading of the minimal pairs of your run.")
    scores = pooled(answers["arm"], score)
    right = summary(scores)
    _explain_difference(difference, scores, right["difference"])
    _explain_spread(spread, scores, right["spread"])
    if answers["conclusion"] not in CONCLUSIONS:
        raise Mistake(f"conclusion: choose one of {', '.join(CONCLUSIONS)}.")
    if answers["conclusion"] != right["conclusion"]:
        raise Mistake(
            f"The difference is {right['difference']:+.3f} and twice the spread {2 * right['spread']:.3f}: read one"
            " against the other, whatever you hoped for."
        )


def _explain_difference(given: float, scores: dict[str, list[float]], right: float) -> None:
    if abs(given - right) < 0.002:
        return
    if abs(given + right) < 0.002:
        raise Mistake("The sign is turned round: the difference is rtd minus mlm.")
    if any(abs(given - (scores["rtd"][i] - scores["mlm"][i])) < 5e-4 for i in (0, -1)):
        raise Mistake("That is the difference of one seed each. One seed is an anecdote: take the means.")
    if abs(given - (max(scores["rtd"]) - max(scores["mlm"]))) < 5e-4:
        raise Mistake("That is best seed against best seed: whoever tries more seeds wins. Take the means.")
    raise Mistake(f"difference: mean of rtd minus mean of mlm, your run included. {given:.3f} is not it.")


def _explain_spread(given: float, scores: dict[str, list[float]], right: float) -> None:
    if abs(given - right) < 0.1 * right + 5e-4:
        return
    errors = [stdev(values) / len(values) ** 0.5 for values in scores.values()]
    if any(abs(given - error) < 5e-4 for error in errors):
        raise Mistake("That is the standard error of a mean. Asked for is the spread of single runs: their deviation.")
    if any(abs(given - (max(values) - min(values))) < 5e-4 for values in scores.values()):
        raise Mistake("That is the range, which grows with every further seed. Take the standard deviation.")
    raise Mistake(f"spread: the larger of the two standard deviations. {given:.3f} is not it.")


def _course_conclusion() -> dict[str, Any]:
    score = round(mean(last_scores("rtd", "pairs")), 3)
    found = summary(pooled("rtd", score))
    numbers = {"difference": round(found["difference"], 3), "spread": round(found["spread"], 3)}
    return {"arm": "rtd", "my score": score} | numbers | {"conclusion": found["conclusion"]}


EXERCISES = (
    Exercise(
        id="06.1",
        title="Assemble the step",
        kind="build",
        minutes=20,
        difficulty=3,
        starred=True,
        specification=(
            "pretraining_step(net, ids, is_real, noise, parts, rtd_loss, rtd_weight=50.0) → {loss, mlm, rtd}: select,"
            " mask, generate, sample, corrupt, label, judge, and the weighted sum; every part is one of those handed in."
        ),
        checks=(_the_right_ids_go_in, _the_losses_are_right, _gradient_flows_as_it_should),
        hints=(
            "Write the ladder down as six lines, each with what comes in and what goes out; then turn each into a call.",
            (
                "parts.corrupt(ids, selection, sampled) starts from the original ids; targets of unused slots become"
                " -100; the loss is mlm + rtd_weight · rtd."
            ),
        ),
        solution=pretraining_step,
        fallback=package_step,
        variable="pretraining_step",
    ),
    Exercise(
        id="06.2",
        title="Who gets gradient?",
        kind="decide",
        minutes=8,
        difficulty=2,
        starred=True,
        specification="Six groups of parameters, two losses: True where the loss reaches the group.",
        checks=(_grid_is_right,),
        hints=(
            "Follow each loss backwards. Where does it meet a drawn word?",
            "Sampling cuts; sharing joins. Four of the six groups belong to one net alone.",
        ),
        solution={
            "word table": {"mlm": True, "rtd": True},
            "embedding LayerNorm": {"mlm": True, "rtd": True},
            "generator encoder": {"mlm": True, "rtd": False},
            "generator head": {"mlm": True, "rtd": False},
            "discriminator encoder": {"mlm": False, "rtd": True},
            "discriminator head": {"mlm": False, "rtd": True},
        },
        variable="my_grid",
        why="The tables are shared, the layers are not, and no gradient passes through a drawn word.",
    ),
    Exercise(
        id="06.3",
        title="Share the embeddings",
        kind="build",
        minutes=10,
        difficulty=2,
        specification=(
            "share_embeddings(net) → list of parameters: both encoders hold the same word, position and segment tables"
            " and the same LayerNorm; every parameter that is trained stands in the list once."
        ),
        checks=(_tables_are_the_same, _each_parameter_is_there_once),
        hints=(
            "net.generator.encoder.embeddings is a module. What happens when two nets hold the same one?",
            "Assign the module, do not copy it; then collect the parameters, each under its id(…).",
        ),
        solution=share_embeddings,
        fallback=share_embeddings,
        variable="share_embeddings",
    ),
    Exercise(
        id="06.4",
        title="Read five sheets of curves",
        kind="find",
        minutes=12,
        difficulty=3,
        starred=True,
        specification="Five recorded runs, five causes: which sheet belongs to which?",
        checks=(_sheets_are_matched,),
        hints=(
            "Look at the share labelled as replaced first: what should it do while the generator learns?",
            "Then at the two AUCs beside each other, and at where the MLM loss starts and where it stays.",
        ),
        solution=SHEETS,
        variable="my_causes",
        why="Read a curve against what it should be: the prior, the word frequencies, the fixed exam.",
    ),
    Exercise(
        id="06.5",
        title="One arm, your seed, one conclusion",
        kind="measure",
        minutes=15,
        difficulty=2,
        starred=True,
        specification=(
            "Pool the last reading of your own run with the recorded ones: the difference of the means (rtd − mlm), the"
            " larger standard deviation, and clear only where the difference is at least twice that."
        ),
        checks=(_conclusion_has_its_spread,),
        hints=(
            "scores holds a list for each arm, your run among them. statistics.mean and statistics.stdev do the rest.",
            "difference = mean(rtd) − mean(mlm); spread = max of the two stdev; clear if |difference| ≥ 2 · spread.",
        ),
        solution=_course_conclusion(),
        variable="my_conclusion",
        why="What the seeds do by chance is the yardstick for what the objective does.",
    ),
)
