"""Exercises of notebook 06: the step assembled, who gets gradient, shared embeddings, sheets of curves, a conclusion with its spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.exercises.joint_step import (
    gradient_flows_as_it_should,
    gradients,
    material,
    package_step,
    pretraining_step,
    small_net,
    the_losses_are_right,
    the_right_ids_go_in,
)
from electra_helpers.course.exercises.sheets import SHEETS, sheets_are_matched
from electra_helpers.course.labs.objectives import gains, last_scores
from electra_helpers.language import ITEMS, joined, worded

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
    net = small_net()
    found = package_step(net, *material())
    reached = {name: gradients(net, found[name]) for name in ("mlm", "rtd")}
    return {
        group: {
            loss: any(part in name and g is not None for name, g in by_name.items())
            for loss, by_name in reached.items()
        }
        for group, part in GROUPS.items()
    }


def _grid_is_right(answers: Any) -> None:
    truth = who_gets_gradient()
    if not isinstance(answers, dict) or set(answers) != set(truth):
        raise Mistake("Keep the rows: {truth}.", truth=joined(truth, ITEMS))
    for group, right in truth.items():
        row = answers[group]
        if not isinstance(row, dict) or set(row) != set(right) or not all(isinstance(v, bool) for v in row.values()):
            raise Mistake('{group}: one True or False each for "mlm" and "rtd".', group=group)
        for loss, is_reached in right.items():
            if row[loss] != is_reached:
                raise Mistake(_wrong_cell(group, loss))


def _wrong_cell(group: str, loss: str) -> str:
    if group.startswith("generator") and loss == "rtd":
        return worded(
            "{group}, rtd: the discriminator does not train the generator. Between them a word is *drawn*; no gradient"
            " passes through a draw, and nothing here stands in for one.",
            group=group,
        )
    if group.startswith("discriminator") and loss == "mlm":
        return worded("{group}, mlm: the MLM loss is computed before the discriminator reads anything.", group=group)
    if group in ("word table", "embedding LayerNorm"):
        return worded(
            "{group}, {loss}: it is shared. Both nets read through the same tables and their LayerNorm, so both losses"
            " reach them.",
            group=group,
            loss=loss,
        )
    return worded("{group}, {loss}: each net learns from its own loss, at least.", group=group, loss=loss)


def share_embeddings(net):
    """Let both nets hold the same embeddings; return every parameter once."""
    net.discriminator.encoder.embeddings = net.generator.encoder.embeddings  # the same module, no copy
    parameters = {}
    for part in (net.generator, net.discriminator):
        for parameter in part.parameters():
            parameters[id(parameter)] = parameter  # one entry, however many nets hold it
    return list(parameters.values())


def _tables_are_the_same(function: Callable) -> None:
    net = small_net("none")
    ids, is_real, _ = material()
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
            "Not shared yet: {apart}. The reference code shares all tables *and* the LayerNorm behind them.",
            apart=joined(apart, ITEMS),
        )
    net.generator.encoder.embeddings.word.weight.data.add_(1.0)
    if torch.allclose(net.generator(ids, None, is_real), before):
        raise Mistake("The generator does not read through the shared table any more.")


def _each_parameter_is_there_once(function: Callable) -> None:
    net = small_net("none")
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
            "{count} parameters stand in the list twice: the optimizer would update the shared tables twice a step.",
            count=len(seen) - len(set(seen)),
        )
    if set(seen) - set(needed):
        raise Mistake("The list holds tables that no net uses any more: make it after sharing, not before.")
    missing = [name for key, name in needed.items() if key not in set(seen)]
    if missing:
        raise Mistake(
            "{count} parameters are missing and would never be trained, {missing} for one.",
            count=len(missing),
            missing=missing[0],
        )


COMPARED = ("rtd", "mlm")
CONCLUSIONS = ("clear", "not clear")
TIE = 0.002  # so near to the border either conclusion passes: the last digit decides nothing


def pooled(arm: str, gain: float) -> dict[str, list[float]]:
    """The recorded gains on the minimal pairs, with one more for `arm`."""
    found = {name: gains(name, "pairs") for name in COMPARED}
    found[arm] = [*found[arm], gain]
    return found


def recorded_spread() -> float:
    """The larger standard deviation of the recorded gains: a yardstick that no run of a learner's can stretch."""
    return max(stdev(gains(name, "pairs")) for name in COMPARED)


def summary(scores: dict[str, Sequence[float]]) -> dict[str, Any]:
    """The difference of the mean gains (rtd − mlm), the recorded spread, and whether the one is at least twice the other."""
    difference, spread = mean(scores["rtd"]) - mean(scores["mlm"]), recorded_spread()
    return {"difference": difference, "spread": spread, "conclusion": CONCLUSIONS[abs(difference) < 2 * spread]}


def _conclusion_has_its_spread(answers: Any) -> None:
    keys = {"arm", "my gain", "difference", "spread", "conclusion"}
    if not isinstance(answers, dict) or set(answers) != keys:
        raise Mistake('Keep "arm", "my gain", "difference", "spread" and "conclusion".')
    if answers["arm"] not in COMPARED:
        raise Mistake("arm: choose one of {compared}.", compared=joined(COMPARED, ITEMS))
    try:
        gain, difference, spread = (as_number(answers[name]) for name in ("my gain", "difference", "spread"))
    except (TypeError, ValueError):
        raise Mistake("my gain, difference and spread are numbers.") from None
    if not -1 <= gain <= 1:
        raise Mistake(
            "my gain is a difference of two shares: your run's last reading of the minimal pairs less its first."
        )
    if gain > 0.4:
        raise Mistake(
            "{gain:.3f} looks like a last reading. The gain is that less the reading before the first step.", gain=gain
        )
    scores = pooled(answers["arm"], gain)
    right = summary(scores)
    _explain_difference(difference, scores, answers["arm"], right["difference"])
    _explain_spread(spread, scores, right["spread"])
    if answers["conclusion"] not in CONCLUSIONS:
        raise Mistake("conclusion: choose one of {conclusions}.", conclusions=joined(CONCLUSIONS, ITEMS))
    is_tie = abs(abs(right["difference"]) - 2 * right["spread"]) < TIE
    if answers["conclusion"] != right["conclusion"] and not is_tie:
        raise Mistake(
            "The difference is {difference:+.3f} and twice the spread {spread:.3f}: read one"
            " against the other, whatever you hoped for.",
            difference=right["difference"],
            spread=2 * right["spread"],
        )


def _explain_difference(given: float, scores: dict[str, list[float]], arm: str, right: float) -> None:
    if abs(given - right) < 0.002:
        return
    if abs(given + right) < 0.002:
        raise Mistake("The sign is turned round: the difference is rtd minus mlm.")
    if any(abs(given - (scores["rtd"][i] - scores["mlm"][i])) < 5e-4 for i in (0, -1)):
        raise Mistake("That is the difference of one seed each. One seed is an anecdote: take the means.")
    if abs(given - (max(scores["rtd"]) - max(scores["mlm"]))) < 5e-4:
        raise Mistake("That is best seed against best seed: whoever tries more seeds wins. Take the means.")
    others = scores | {arm: scores[arm][:-1]}
    if abs(given - (mean(others["rtd"]) - mean(others["mlm"]))) < 5e-4:
        raise Mistake("Your own run is left out: it is one more seed of its arm, whether it fits or not.")
    ends = [mean(last_scores(name, "pairs")) for name in COMPARED]
    if abs(given - (ends[0] - ends[1])) < 0.012:
        raise Mistake(
            "You compare last readings. RTD's nets start ahead, before any training: take each run's gain over its own start."
        )
    raise Mistake(
        "difference: mean gain of rtd minus mean gain of mlm, your run included. {given:.3f} is not it.", given=given
    )


def _explain_spread(given: float, scores: dict[str, list[float]], right: float) -> None:
    if abs(given - right) < 6e-4:
        return
    recorded = [gains(name, "pairs") for name in COMPARED]
    every = [*recorded, *scores.values()]
    if any(abs(given - stdev(values) / len(values) ** 0.5) < 5e-4 for values in every):
        raise Mistake("That is the standard error of a mean. Asked for is the spread of single runs: their deviation.")
    if any(abs(given - (max(values) - min(values))) < 5e-4 for values in every):
        raise Mistake("That is the range, which grows with every further seed. Take the standard deviation.")
    if any(abs(given - stdev(values)) < 6e-4 for values in scores.values() if values not in recorded):
        raise Mistake(
            "Your own run is in that deviation: a single odd run would stretch the yardstick by which it is judged. Take the"
            " recorded seeds alone."
        )
    if abs(given - min(map(stdev, recorded))) < 6e-4:
        raise Mistake(
            "That is the smaller of the two standard deviations; the larger one is the more careful yardstick."
        )
    raise Mistake("spread: the larger standard deviation of the recorded gains. {given:.3f} is not it.", given=given)


def _course_conclusion() -> dict[str, Any]:
    gain = round(mean(gains("rtd", "pairs")), 3)
    found = summary(pooled("rtd", gain))
    numbers = {"difference": round(found["difference"], 3), "spread": round(found["spread"], 3)}
    return {"arm": "rtd", "my gain": gain} | numbers | {"conclusion": found["conclusion"]}


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
        checks=(the_right_ids_go_in, the_losses_are_right, gradient_flows_as_it_should),
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
        checks=(sheets_are_matched,),
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
            "Pool your run's gain over its own start with the recorded ones: the difference of the mean gains (rtd − mlm), the"
            " larger standard deviation of the recorded seeds, and clear only where the difference is at least twice that."
        ),
        checks=(_conclusion_has_its_spread,),
        hints=(
            "gains holds the recorded seeds of each arm, pooled your run too. statistics.mean and statistics.stdev do the rest.",
            "difference: the means of pooled; spread: the larger stdev of gains; clear if |difference| ≥ 2 · spread.",
        ),
        solution=_course_conclusion(),
        variable="my_conclusion",
        why="What the seeds do by chance is the yardstick for what the objective does.",
    ),
)
