"""The objectives of notebook 06 side by side: at equal compute, read along the way by frozen linear probes, with five seeds.

Compute is counted in floating-point operations of the matrix products, so that an arm with two nets gets fewer steps than an arm with
one. A probe is a linear classifier on the mean of the encoder's last vectors; the encoder is not trained by it.
"""

from __future__ import annotations

from collections.abc import Callable as Function
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.config import PretrainConfig
from electra_helpers.corruption import Noise, at_least_fp32, draw_noise
from electra_helpers.course.labs.assembly import with_network
from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.course.labs.world_run import SHAPES, WorldRun, world_run
from electra_helpers.errors import ElectraError
from electra_helpers.language import worded, wording
from electra_helpers.model.electra import Electra, LossSum, StepOutput, Steps
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.heads import main_encoder
from electra_helpers.model.variants import build_network
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.loop import Callback, Run

STORIES = 4_000  # of the arms
BUDGET = 1.5e12  # floating-point operations of a whole arm
READINGS = 6  # how often an arm is read, its start and its end included
# "arms": for each its runs, seed by seed; "sheets": those of exercise 06.4.
recorded = partial(recorded_by, "objectives")


@dataclass(frozen=True)
class Arm:
    """One way to pre-train the tiny net: its name for people, and what it changes."""

    title: str
    changes: dict[str, Any] = field(default_factory=dict)
    adversarial: bool = False


ARMS = {
    "mlm": Arm(wording("MLM only"), {"objective": "mlm"}),
    "rtd": Arm(wording("RTD, learned fakes")),
    "uniform": Arm(wording("RTD, uniform fakes"), {"fakes": "uniform"}),
    "adversarial": Arm(wording("RTD, adversarial generator"), adversarial=True),
    "paper weights": Arm(wording("RTD, λ = 50 and clipping at 1"), {"rtd_weight": 50.0, "max_grad_norm": 1.0}),
}
CLAIM = ("mlm", "rtd", "uniform")  # the arms of the claim


class AdversarialElectra(Electra):
    """ELECTRA with the generator that it does *not* have: one rewarded for fooling the discriminator (paper, Section 3.4, Appendix F).

    Sampling cannot be differentiated, so the reward reaches the generator by REINFORCE: log p of the sampled token, times by how much
    the discriminator's loss there exceeds its mean.
    """

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        out = super().forward(batch, noise, config, steps)
        made, valid = out.corruption, out.corruption.selection.is_valid
        scores = at_least_fp32(out.rtd_logits.detach())
        wrong = F.binary_cross_entropy_with_logits(
            scores, made.is_replaced.to(scores.dtype), reduction="none"
        )  # (B, L)
        reward = wrong.gather(1, made.selection.positions)  # (B, M)
        advantage = reward - reward[valid].mean()
        log_p = at_least_fp32(out.mlm_logits).log_softmax(-1).gather(-1, made.sampled_ids[..., None])[..., 0]  # (B, M)
        fooling = LossSum(-(advantage * log_p)[valid].sum(), valid.sum())
        return StepOutput({"adversarial": fooling, "rtd": out.losses["rtd"]}, made, out.mlm_logits, out.rtd_logits)

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        counts = super().target_counts(batch, config)
        return {"adversarial": counts["mlm"], "rtd": counts["rtd"]}


def arm_run(name: str, *, seed: int, percent: int = 100, story_count: int = STORIES, **changes: Any) -> WorldRun:
    """Prepare one arm with as many steps as its share of the common compute allows.

    `percent` of the whole budget; `changes` are fields of `PretrainConfig`. Raises `ElectraError` for an arm that does not exist.

    >>> from electra_helpers.course.labs.objectives import arm_run
    >>> arm_run("mlm", seed=0, percent=1, story_count=20).config.objective
    'mlm'
    """
    if name not in ARMS:
        raise ElectraError(worded("There is no arm {name!r}: choose one of {arms}.", name=name, arms=", ".join(ARMS)))
    arm = ARMS[name]
    chosen = {"seed": seed, "story_count": story_count} | arm.changes | changes
    prepare = _adversarial_run if arm.adversarial else world_run
    # How many stories there are changes no step.
    of_a_step = flops_of_a_step(prepare(steps=1, **chosen | {"story_count": 20}))
    steps = max(1, round(BUDGET * percent / 100 / of_a_step))
    return prepare(steps=steps, **chosen)


def _adversarial_run(**chosen: Any) -> WorldRun:
    run = world_run(**chosen)
    torch.manual_seed(run.config.seed)
    run = with_network(run, AdversarialElectra(run.task.model.config))
    run.task.loss_weights = run.config.loss_weights | {"adversarial": 1.0}
    return run


def in_budget(run: WorldRun, budget: float) -> WorldRun:
    """The same run with as many steps as so many operations pay for."""
    steps = max(1, round(budget / flops_of_a_step(run)))
    timing = {"steps": steps, "warmup_steps": max(1, steps // 10), "log_every": max(1, steps // 50)}
    config = replace(run.config, **timing, eval_every=steps)
    run.task.config = config
    return replace(run, config=config)


def reshaped(run: WorldRun, **shape: Any) -> WorldRun:
    """The same run with a network of another shape (fields of `ModelConfig`); all weights drawn anew from the seed."""
    torch.manual_seed(run.config.seed)
    return with_network(run, build_network(replace(run.task.model.config, **shape), run.config))


def flops_of_a_step(run: WorldRun) -> int:
    """Floating-point operations of one training step on full rows: all matrix products, forward and backward."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    net, config = run.task.model, run.config
    ids = torch.full((config.batch_size, config.length), net.config.pad_id + 5)
    noise = draw_noise(*ids.shape, torch.Generator().manual_seed(0), config.mask_share)
    # The fused attention of a CPU is not counted; the plain one is, and multiplies as much.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        losses = net(Batch(ids), noise, config).losses
        sum(part.total for part in losses.values()).backward()
    net.zero_grad()
    return counter.get_total_flops()


@dataclass(frozen=True, eq=False)
class Probe:
    """Texts with two kinds of label: what a linear classifier learns on one half of them, and is asked on the other."""

    learn: Batch
    learn_labels: Tensor
    ask: Batch
    ask_labels: Tensor
    in_pairs: bool  # asked texts come as right, wrong, right, wrong …: only which of two is preferred counts

    def score(self, encoder: Encoder) -> float:
        """The share that a linear probe on the frozen encoder gets right (chance: 0.5)."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
        probe.fit(mean_vectors(encoder, self.learn), self.learn_labels.numpy())
        asked = torch.from_numpy(probe.decision_function(mean_vectors(encoder, self.ask)))
        if self.in_pairs:
            return float((asked[0::2] > asked[1::2]).float().mean())
        return float(((asked > 0) == self.ask_labels.bool()).float().mean())


@torch.no_grad()
def mean_vectors(encoder: Encoder, batch: Batch, rows: int = 128) -> Any:
    """The mean of a text's last vectors over its real tokens, (N, H), as an array."""
    was_training, found = encoder.training, []
    encoder.eval()
    for start in range(0, len(batch.input_ids), rows):
        ids, mask = batch.input_ids[start : start + rows], batch.attention_mask[start : start + rows]
        hidden = encoder(ids, None, mask) * mask[..., None]  # (B, L, H)
        found.append(hidden.sum(1) / mask.sum(1, keepdim=True))
    encoder.train(was_training)
    return torch.cat(found).numpy()


def padded(tokenizer: Tokenizer, texts: list[str]) -> Batch:
    """Texts as one batch, padded to the longest."""
    rows = [tokenizer.encode(text).ids for text in texts]
    length = max(map(len, rows))
    ids = torch.tensor([row + [tokenizer.pad_id] * (length - len(row)) for row in rows])
    return Batch(ids, None, ids != tokenizer.pad_id)


@cache
def story_pairs(per_phenomenon: int) -> list[tuple[str, str, bool]]:
    """(good, bad, whether the probe learns from it): whole stories with and without one mistake; no story is on both sides."""
    from electra_helpers.course.labs.replacements import pair_in_its_story
    from electra_helpers.world.pairs import PHENOMENA, minimal_pairs

    found = [pair for phenomenon in PHENOMENA for pair in minimal_pairs(phenomenon, per_phenomenon)]
    number = {key: i for i, key in enumerate(sorted({pair.story.key for pair in found}))}
    return [(*pair_in_its_story(pair), number[pair.story.key] % 2 == 0) for pair in found]


def pairs_probe(tokenizer: Tokenizer, per_phenomenon: int = 400) -> Probe:
    """Which of two stories has the mistake? Minimal pairs of five phenomena, in stories that fit a row of pre-training."""
    longest, sides = SHAPES["stories"]["length"], []
    for learns in (True, False):
        pairs = [(good, bad) for good, bad, side in story_pairs(per_phenomenon) if side is learns]
        short = [pair for pair in pairs if all(len(tokenizer.encode(text).ids) <= longest for text in pair)]
        sides += [padded(tokenizer, [text for pair in short for text in pair]), torch.tensor([1, 0] * len(short))]
    return Probe(*sides, in_pairs=True)


def outcome_probe(tokenizer: Tokenizer) -> Probe:
    """Does a story end well? (The bundled sentiment set; its words alone tell much.)"""
    from electra_helpers.reading.labelled import load_labelled

    sides = []
    for split in ("train", "validation"):
        data = load_labelled("bundled:world/sentiment/en", split)
        sides += [padded(tokenizer, data.column("text")), torch.tensor(data.column("label"))]
    return Probe(*sides, in_pairs=False)


PROBES: dict[str, Function[[Tokenizer], Probe]] = {"pairs": pairs_probe, "outcome": outcome_probe}


@dataclass
class Readings(Callback):
    """Reads the probes, and the generator, at `READINGS` points of a run; `found` holds a record for each."""

    last: ClassVar[Readings | None] = None  # the newest, which `eh.share` tells a class of

    tokenizer: Tokenizer
    count: int = READINGS
    probes: tuple[str, ...] = tuple(PROBES)
    found: list[dict[str, float]] = field(default_factory=list)

    def on_start(self, run: Run) -> None:
        self.exams = {name: PROBES[name](self.tokenizer) for name in self.probes}
        self.run, Readings.last = run, self
        self.due = {round(run.config.steps * i / (self.count - 1)) for i in range(self.count)}
        self._read(run)

    def on_step(self, run: Run) -> None:
        if run.step in self.due:
            self._read(run)

    def _read(self, run: Run) -> None:
        encoder = main_encoder(run.task.model)
        record = {"step": run.step, "compute": run.step / max(1, run.config.steps)}
        record |= {name: exam.score(encoder) for name, exam in self.exams.items()}
        self.found.append(record | generator_now(run))


@torch.no_grad()
def generator_now(run: Run) -> dict[str, float]:
    """Accuracy of a generator at hidden words of held-out stories, and the entropy of its guesses in nats; empty without one."""
    net, held_out = run.task.model, run.task.held_out
    if net.generator is None:
        return {}
    net.eval()
    noise = draw_noise(*held_out.input_ids.shape, torch.Generator().manual_seed(0), run.config.mask_share)
    made, logits, _ = net.make_fakes(held_out, noise, run.config, Steps())
    net.train()
    hidden = made.selection.is_valid & (made.masked_ids.gather(1, made.selection.positions) == net.config.mask_id)
    log_p = logits.log_softmax(-1)[hidden]  # (words, V)
    truth = made.original_ids.gather(1, made.selection.positions)[hidden]
    entropy = -(log_p.exp() * log_p).sum(-1).mean()
    return {"accuracy": float((log_p.argmax(-1) == truth).float().mean()), "entropy": float(entropy)}


def band(arm: str, name: str) -> list[tuple[list[float], list[float]]]:
    """The recorded curves of an arm, one a seed, over its share of the compute: what `plots.curves` draws as a band."""
    runs = recorded()["arms"][arm]
    return [([100 * r["compute"] for r in run["readings"]], [r[name] for r in run["readings"]]) for run in runs]


def gains(arm: str, name: str) -> list[float]:
    """What every seed of an arm gained: its last reading less the one before its first step. Arms start differently by construction."""
    return [values[-1] - values[0] for _, values in band(arm, name)]


def last_scores(arm: str, name: str) -> list[float]:
    """The last reading of every seed of an arm."""
    return [run["readings"][-1][name] for run in recorded()["arms"][arm]]
