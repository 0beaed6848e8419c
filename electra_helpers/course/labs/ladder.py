"""The paper's experiments as configurations of the one loop (Sections 3.2 to 3.4, Figure 3, Table 5), and what was recorded of them.

On the little world every arm has the compute of notebook 06's, whose recorded arms (mlm, rtd, uniform fakes, adversarial) are four of
these. On real text all arms start from the same English encoder. Gains are scored against an arm's own start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from torch import Tensor

from electra_helpers.config import ModelConfig
from electra_helpers.course.labs import objectives
from electra_helpers.course.labs.assembly import with_network
from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.course.labs.world_run import WorldRun, world_run
from electra_helpers.errors import ElectraError
from electra_helpers.language import worded, wording
from electra_helpers.model.electra import Electra, LossSum, StepOutput, Steps, real_tokens
from electra_helpers.model.reshape import begin
from electra_helpers.model.variants import AllTokensMLM, ReplaceMLM
from electra_helpers.text.packing import Batch
from electra_helpers.training.pretraining import Pretraining

# "world": for each arm its runs, seed by seed; "real": the same from the English encoder, with what they had in common.
recorded = partial(recorded_by, "ladder")


@dataclass(frozen=True)
class Arm:
    """One of the paper's experiments: its name for people, the fields of `PretrainConfig` and those of `ModelConfig` that it changes."""

    title: str
    changes: dict[str, Any] = field(default_factory=dict)
    shape: dict[str, Any] = field(default_factory=dict)
    stages: int = 1


ARMS = {
    "mlm": Arm(wording("BERT (MLM)"), {"objective": "mlm"}),
    "replace-mlm": Arm(wording("Replace MLM"), {"objective": "replace-mlm"}),
    "rtd-selected": Arm(wording("ELECTRA 15 %"), {"objective": "rtd-selected"}),
    "all-tokens-mlm": Arm(wording("All-Tokens MLM"), {"objective": "all-tokens-mlm"}),
    "rtd": Arm(wording("ELECTRA")),
    "uniform": Arm(wording("uniform fakes"), {"fakes": "uniform"}),
    "unigram": Arm(wording("unigram fakes"), {"unigram_share": 1.0}),
    "generator 1/8": Arm(wording("generator of 1/8"), shape={"generator_size": 0.125}),
    "generator 1/4": Arm(wording("generator of 1/4"), shape={"generator_size": 0.25}),
    "generator 1/2": Arm(wording("generator of 1/2"), shape={"generator_size": 0.5}),
    "generator 1": Arm(wording("generator of full width"), shape={"generator_size": 1.0}),
    "tied": Arm(wording("all embeddings tied"), shape={"sharing": "all"}),
    "untied": Arm(wording("no embeddings tied"), shape={"sharing": "none"}),
    "two-stage": Arm(wording("two stages"), stages=2),
    "adversarial": Arm(wording("adversarial generator")),
}
LADDER = ("mlm", "replace-mlm", "rtd-selected", "all-tokens-mlm", "rtd")  # the order of Table 5, from the lowest score
OF_06 = ("mlm", "rtd", "uniform", "adversarial")  # recorded on the little world for notebook 06
PAPER = {"mlm": 82.2, "replace-mlm": 82.4, "rtd-selected": 82.4, "all-tokens-mlm": 84.3, "rtd": 85.0}  # GLUE, Table 5


def stages(name: str, *, seed: int, percent: int = 100, **chosen: Any) -> Iterator[WorldRun]:
    """The runs of an arm on the little world, one after the other: each is to be trained before the next is asked for.

    All arms have one, but for the two stages: a masked language model for half of the compute, then a discriminator that starts from its
    weights and judges its fakes while it stays as it is. `percent` of notebook 06's budget. Raises `ElectraError` for an unknown arm.
    """
    if name not in ARMS:
        raise ElectraError(worded("There is no arm {name!r}: choose one of {arms}.", name=name, arms=", ".join(ARMS)))
    chosen = {"story_count": objectives.STORIES} | chosen
    if name in OF_06:
        yield objectives.arm_run(name, seed=seed, percent=percent, **chosen)
        return
    arm, budget = ARMS[name], objectives.BUDGET * percent / 100
    if arm.stages == 1:
        run = world_run(steps=1, seed=seed, **chosen | arm.changes)
        yield objectives.in_budget(objectives.reshaped(run, **arm.shape) if arm.shape else run, budget)
        return
    first = objectives.arm_run("mlm", seed=seed, percent=percent // 2, **chosen)
    yield first
    second = world_run(steps=1, seed=seed, mlm_weight=0.0, **chosen)
    yield objectives.in_budget(with_network(second, judge_of(first)), budget / 2)


def judge_of(trained: WorldRun) -> Electra:
    """A discriminator that begins as a trained masked language model, and that model, frozen, as its generator (paper, Section 3.2)."""
    net = trained.task.model
    pair = begin(net, replace(net.config, sharing="none"), replace(trained.config, objective="rtd"))
    pair.generator.requires_grad_(False)
    return pair


class OwnReplaceMLM(ReplaceMLM):
    """Replace MLM with the predictor's loss given as a function (exercise 15.1)."""

    def __init__(self, config: ModelConfig, loss: Callable) -> None:
        super().__init__(config)
        self.own_loss = loss

    def predict(self, batch: Batch, made: StepOutput) -> LossSum:
        fakes = made.corruption
        return as_sum(self.own_loss(self.predictor, fakes, real_tokens(batch)), fakes.selection.is_valid)


class OwnAllTokensMLM(AllTokensMLM):
    """All-Tokens MLM with the predictor's loss given as a function (exercise 15.2)."""

    def __init__(self, config: ModelConfig, loss: Callable) -> None:
        super().__init__(config)
        self.own_loss = loss

    def predict(self, batch: Batch, made: StepOutput) -> LossSum:
        seen, real = made.corruption.input_ids, real_tokens(batch)
        hidden = self.predictor.encoder(seen, batch.token_type_ids, batch.attention_mask)  # (B, L, H)
        logits = self.predictor.head(hidden, self.predictor.encoder.embeddings.tables()[0])  # (B, L, V)
        return as_sum(self.own_loss(logits, self.copy_gate(hidden)[..., 0], batch.input_ids, seen, real), real)


OWN = {"replace-mlm": OwnReplaceMLM, "all-tokens-mlm": OwnAllTokensMLM}


def as_sum(mean_loss: Tensor, counted: Tensor) -> LossSum:
    """A mean over the tokens of a mask as the loop takes it: a sum, and over how many."""
    count = counted.sum()
    return LossSum(mean_loss * count, count)


def with_own_loss(run: WorldRun, loss: Callable) -> WorldRun:
    """A run of Replace MLM, All-Tokens MLM or ELECTRA 15 % whose loss is a learner's function (exercises 15.1 to 15.3)."""
    task, objective = run.task, run.config.objective
    if objective == "rtd-selected":
        parts = Steps(rtd_loss=lambda logits, labels, judged: as_sum(loss(logits, labels, judged), judged))
        return replace(run, task=Pretraining(task.model, task.rows, task.held_out, run.config, parts))
    if objective not in OWN:
        raise ElectraError(
            worded(
                "The loss of {objective!r} is not one of this notebook's: {own}, rtd-selected.",
                objective=objective,
                own=", ".join(OWN),
            )
        )
    net = OWN[objective](task.model.config, loss)
    net.load_state_dict(task.model.state_dict())
    return with_network(run, net)


def runs(ground: str, arm: str) -> list[dict[str, Any]]:
    """The recorded runs of an arm, one a seed, on the little "world" or on "real" text."""
    if ground == "world" and arm in OF_06:
        return objectives.recorded()["arms"][arm]
    return recorded()[ground]["arms"][arm]


def arms_of(ground: str) -> list[str]:
    """The arms that are recorded, in the order of `ARMS`."""
    known = {*recorded()[ground]["arms"], *(OF_06 if ground == "world" else ())}
    return [arm for arm in ARMS if arm in known]


def scores(ground: str, arm: str, reading: str) -> list[float]:
    """The last reading of every seed of an arm."""
    return [run["readings"][-1][reading] for run in runs(ground, arm)]


def gains(ground: str, arm: str, reading: str) -> list[float]:
    """What every seed of an arm gained in a reading: the last less the one before the first step."""
    starts = [run["readings"][0][reading] for run in runs(ground, arm)]
    return [end - start for end, start in zip(scores(ground, arm, reading), starts, strict=True)]


def band(arm: str, reading: str) -> list[tuple[list[float], list[float]]]:
    """The recorded curves of an arm on the little world, one a seed, over its share of the compute."""
    return [
        ([100 * record["compute"] for record in run["readings"]], [record[reading] for record in run["readings"]])
        for run in runs("world", arm)
    ]
