"""The laboratory of notebook 16: one encoder, three objectives, at equal compute or at equal tokens, and what five seeds recorded.

GPT's objective is `clm`, BERT's is `mlm`, ELECTRA's is `rtd`: configurations of one loop, with one recipe, on the same stories. The
record is data/benchmarks/three_objectives.json, written by tests/benchmarks/three_objectives.py.
"""

from __future__ import annotations

from collections.abc import Callable as Function
from functools import partial
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Noise
from electra_helpers.course.labs.assembly import with_network
from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.course.labs.objectives import flops_of_a_step
from electra_helpers.course.labs.world_run import WorldRun, world_run
from electra_helpers.errors import ElectraError
from electra_helpers.language import padded, worded, wording
from electra_helpers.model.electra import LossSum, StepOutput, Steps, real_tokens
from electra_helpers.model.variants import CausalLanguageModel
from electra_helpers.text.packing import Batch

STORIES = 4_000
BUDGET = 9e11  # floating-point operations of a whole run
OBJECTIVES = ("clm", "mlm", "rtd")
NAMES = {"clm": "GPT", "mlm": "BERT", "rtd": "ELECTRA"}
EQUAL = (wording("compute"), wording("tokens"))
TASKS = {
    wording("topic"): wording("accuracy"),
    wording("entities"): "f1",
    wording("questions"): "f1",
}  # of the little world, with the score of each
# Objective → the way in which it scores a token, as three_exams has them, and its passes over a text of n tokens.
OWN_WAY = {"clm": wording("left to right"), "mlm": wording("one hidden"), "rtd": "P(original)"}
PASSES = {"left to right": "1", "one hidden": "n", wording("as it stands"): "1", "P(original)": "1"}
recorded = partial(recorded_by, "three_objectives")


def steps_for(objective: str, equal: str = "compute", percent: float = 100) -> int:
    """Optimizer steps of an objective's run: those that the common budget of operations pays for, or as many as its dearest rival has.

    Raises `ElectraError` for what is neither "compute" nor "tokens".
    """
    if equal not in EQUAL:
        raise ElectraError(
            worded("Runs are equal in {known}, not in {given!r}.", known=" or ".join(EQUAL), given=equal)
        )
    asked = [objective] if equal == "compute" else OBJECTIVES
    return min(max(1, round(BUDGET * percent / 100 / step_flops(each))) for each in asked)


def step_flops(objective: str) -> int:
    """Floating-point operations of one training step on full rows."""
    return flops_of_a_step(world_run(steps=1, story_count=20, objective=objective))


def three_run(objective: str, *, seed: int, equal: str = "compute", percent: float = 100, **changes: Any) -> WorldRun:
    """Prepare one objective's run; `percent` of the common budget, `changes` are fields of `PretrainConfig`.

    >>> from electra_helpers.course.labs.three_objectives import three_run
    >>> three_run("clm", seed=0, percent=1, story_count=20).task.model.config.causal
    True
    """
    steps = steps_for(objective, equal, percent)
    return world_run(steps=steps, seed=seed, objective=objective, **{"story_count": STORIES} | changes)


class OwnCausal(CausalLanguageModel):
    """A causal language model that sees by a learner's mask and learns by a learner's loss; the layers are the package's."""

    def __init__(self, config: ModelConfig, mask: Function[[Tensor], Tensor], loss: Function[..., Tensor]) -> None:
        super().__init__(config)
        self.mask, self.loss = mask, loss

    def logits(self, batch: Batch) -> Tensor:
        """(B, L, V), computed with the learner's mask in every layer."""
        net = self.language_model
        x, _ = net.encoder.embed(batch.input_ids, batch.token_type_ids)  # (B, L, H)
        seen = self.mask(real_tokens(batch))  # (B, 1, L, L)
        for layer in net.encoder.layers:
            x = layer(x, seen)
        return net.head(x, net.encoder.embeddings.tables()[0])

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        count = self.targets(batch).sum()
        average = self.loss(self.logits(batch), batch.input_ids, real_tokens(batch))
        return StepOutput({"clm": LossSum(average * count, count)})


def own_run(run: WorldRun, mask: Function[[Tensor], Tensor], loss: Function[..., Tensor]) -> WorldRun:
    """The same run of `clm`, its weights drawn from the same seed, with a learner's mask and loss."""
    torch.manual_seed(run.config.seed)
    return with_network(run, OwnCausal(run.task.model.config, mask, loss))


def leaks(logits: Function[[Batch], Tensor], ids: Tensor, place: int, other: int) -> list[bool]:
    """For each position of one text, whether its logits change when the token at `place` becomes `other`."""
    changed = ids.clone()
    changed[0, place] = other
    with torch.no_grad():
        moved = (logits(Batch(ids)) - logits(Batch(changed))).abs().amax(-1)[0]
    return (moved > 1e-6).tolist()


def scores(objective: str, *path: str, part: str = "compute") -> list[float]:
    """One recorded number for each seed that has it, such as ("rtd", "fine_tuned", "topic", "64").

    >>> len(scores("clm", "evaluation", "clm_loss"))
    5
    """
    # What costs most was asked of the first seeds alone.
    found = [run for run in recorded()[part][objective] if path[0] in run]
    for name in path:
        found = [run[name] for run in found]
    return found


def shown(values: list[float], digits: int = 2) -> str:
    """Mean ± standard deviation over the seeds.

    >>> shown([0.5, 0.7])
    '0.60 ± 0.14'
    """
    return f"{mean(values):.{digits}f} ± {stdev(values):.{digits}f}"


def is_beyond(one: list[float], other: list[float]) -> bool:
    """Whether two means differ by more than twice the larger standard deviation."""
    return abs(mean(one) - mean(other)) > 2 * max(stdev(one), stdev(other))


def ahead(found: dict[str, list[float]]) -> str:
    """Who is best, or "a tie" of all that are within the spread of the best.

    >>> ahead({"one": [0.9, 0.91], "other": [0.5, 0.52]})
    'one'
    >>> ahead({"one": [0.9, 0.7], "other": [0.75, 0.72]})
    'a tie: one, other'
    """
    best = max(found, key=lambda name: mean(found[name]))
    near = [name for name in found if name == best or not is_beyond(found[name], found[best])]
    return best if len(near) == 1 else worded("a tie: {near}", near=", ".join(near))


def by_objective(*path: str, part: str = "compute") -> dict[str, list[float]]:
    """Name of the objective → its recorded numbers at the same place."""
    return {NAMES[objective]: scores(objective, *path, part=part) for objective in OBJECTIVES}


def labelled(task: str) -> list[int]:
    """The numbers of labelled rows that were recorded for a task."""
    return [int(count) for count in recorded()["compute"]["clm"][0]["fine_tuned"][task]]


def fine_tuned_table() -> str:
    """Each task by number of labels: every objective's mean ± deviation, the net without pre-training, and who is ahead."""
    names = "".join(f"{name:<15}" for name in NAMES.values())
    head = padded("task", 10) + padded("labels", 6, right=True)
    lines = [f"{head}  {names}{padded('untrained', 15)}{worded('ahead')}"]
    for task in TASKS:
        for count in map(str, labelled(task)):
            found = by_objective("fine_tuned", task, count)
            untrained = scores("none", "fine_tuned", task, count, part="scratch")
            cells = [shown(values) for values in (*found.values(), untrained)]
            lines.append(f"{padded(task, 10)}{count:>6}  {''.join(f'{cell:<15}' for cell in cells)}{ahead(found)}")
    return "\n".join(lines)


def runs_table() -> str:
    """What each run cost: steps, tokens, operations, seconds; at equal compute and at equal tokens."""
    heads = {
        wording("steps"): 6,
        wording("tokens"): 9,
        wording("operations"): 12,
        wording("CPU s"): 7,
        wording("seeds"): 7,
    }
    right = "".join(padded(head, width, right=True) for head, width in heads.items())
    lines = [padded("equal in", 19) + right]
    for part in EQUAL:
        for objective, runs in recorded().get(part, {}).items():
            seconds, tokens = mean(run["seconds"] for run in runs), mean(run["tokens"] for run in runs)
            cells = f"{runs[0]['steps']:>6,}{tokens:>9,.0f}{runs[0]['flops']:>12.1e}{seconds:>7.0f}{len(runs):>7}"
            lines.append(f"{padded(part, 10)}{NAMES[objective]:<9}{cells}")
    return "\n".join(lines)


def real_stories() -> float:
    """The share of runs of four words of held-out stories that training stories have: what a perfect writer would reach."""
    return scores("clm", "written", "real_stories")[0]


def adversary_table() -> str:
    """Notebook 06's record of ELECTRA with a generator that is rewarded for fooling: what it knows, and what the net beside it does."""
    arms = recorded_by("objectives")["arms"]
    head = padded("the generator is trained to", 30) + padded("hidden words guessed", 23)
    lines = [head + worded("pairs (probe on the discriminator)")]
    for arm, title in (("rtd", wording("be right (ELECTRA)")), ("adversarial", wording("fool (a GAN's game)"))):
        last = [run["readings"][-1] for run in arms[arm]]
        lines.append(
            f"{padded(title, 30)}{shown([r['accuracy'] for r in last]):<23}{shown([r['pairs'] for r in last])}"
        )
    return "\n".join(lines)
