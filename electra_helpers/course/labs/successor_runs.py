"""The arms of notebook 17: ELECTRA and its successors at equal compute on the little world, and what was recorded of them.

All have notebook 16's budget, stories and recipe, so that its GPT and BERT can stand beside them. The record is
data/benchmarks/successors.json, written by tests/benchmarks/successors.py.
"""

from __future__ import annotations

from collections.abc import Callable as Function
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.corruption import corrupt, mask_positions, sample_tokens, select_positions
from electra_helpers.course.labs import successors as nets
from electra_helpers.course.labs import three_exams as exams
from electra_helpers.course.labs.assembly import with_network
from electra_helpers.course.labs.benchmarks import recorded_by
from electra_helpers.course.labs.objectives import in_budget, reshaped
from electra_helpers.course.labs.successor_losses import corrective_log_p, draw_candidates
from electra_helpers.course.labs.three_objectives import BUDGET, STORIES
from electra_helpers.course.labs.world_run import WorldRun, world_run
from electra_helpers.errors import ElectraError
from electra_helpers.language import worded, wording
from electra_helpers.model.electra import Electra, real_tokens
from electra_helpers.model.variants import MaskedLanguageModel
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.text.packing import Batch
from electra_helpers.training.loop import Callback

# "world": for each arm its runs, seed by seed; "real": the same on real English.
recorded = partial(recorded_by, "successors")
READY_SHARE = 0.25  # of the compute: what making Fast-ELECTRA's generator takes
RTD_WEIGHT = 20.0  # of the tiny recipe: what the judge's loss counts


@dataclass(frozen=True)
class Arm:
    """A successor: its name for people, its network, the weights of its losses beside ELECTRA's, and fields of `ModelConfig`."""

    title: str
    network: Function[..., Electra] | None = None
    weights: dict[str, float] = field(default_factory=dict)
    shape: dict[str, Any] = field(default_factory=dict)


ARMS = {
    "rtd": Arm(wording("ELECTRA, disentangled")),
    "tied": Arm(wording("ELECTRA, tied"), shape={"sharing": "all"}),
    "untied": Arm(wording("ELECTRA, untied"), shape={"sharing": "none"}),
    "electric": Arm(wording("Electric"), nets.Electric, {"cloze": 1.0, "nce": RTD_WEIGHT}),
    "coco-lm": Arm(wording("COCO-LM, corrective LM"), nets.CorrectiveLM, {"corrective": 1.0}),
    "coco-lm contrast": Arm(
        wording("COCO-LM, with contrast"), nets.SequenceContrast, {"corrective": 1.0, "contrast": 1.0}
    ),
    # Model Garden's weights are 5 for RTD and 2 for the selection.
    "teams": Arm(wording("TEAMS"), nets.MultiWordSelection, {"selection": RTD_WEIGHT * 2 / 5}),
    "amos": Arm(wording("AMOS"), nets.MixtureOfGenerators),
    "fast": Arm(wording("Fast-ELECTRA")),
}
SHARING = ("rtd", "tied", "untied")
SUCCESSORS = tuple(arm for arm in ARMS if arm not in SHARING)


def shaped(run: WorldRun, name: str, **options: Any) -> WorldRun:
    """A run of ELECTRA as the run of an arm: another network, drawn from the seed, with the weights of its losses.

    `options` go to the network, such as loss=… Raises `ElectraError` for an unknown arm.
    """
    if name not in ARMS:
        raise ElectraError(worded("There is no arm {name!r}: choose one of {arms}.", name=name, arms=", ".join(ARMS)))
    arm = ARMS[name]
    if arm.shape:
        return reshaped(run, **arm.shape)
    if arm.network is None:
        return run
    torch.manual_seed(run.config.seed)
    made = with_network(run, arm.network(run.task.model.config, **options))
    made.task.loss_weights = run.config.loss_weights | arm.weights
    return made


def stages(
    name: str, prepare: Function[..., WorldRun], budget: float, **options: Any
) -> Iterator[tuple[WorldRun, list[Callback]]]:
    """The runs of an arm with its callbacks, one after the other: each is to be trained before the next is asked for.

    `prepare(**fields of PretrainConfig)` makes ELECTRA's run. All have one stage but Fast-ELECTRA, whose ready-made generator is first
    trained here with `READY_SHARE` of the budget, so that its price is counted.
    """
    if name != "fast":
        yield in_budget(shaped(prepare(), name, **options), budget), []
        return
    first = prepare(objective="mlm")
    torch.manual_seed(first.config.seed)
    shape = prepare().task.model.config.for_generator()
    first = in_budget(with_network(first, MaskedLanguageModel(shape)), budget * READY_SHARE)
    yield first, []
    second = with_ready_generator(prepare(mlm_weight=0.0), first.task.model)
    yield in_budget(second, budget * (1 - READY_SHARE)), [nets.Cooling()]


def with_ready_generator(run: WorldRun, ready: Electra) -> WorldRun:
    """The same run with a trained generator that stays as it is, and a discriminator with embeddings of its own."""
    torch.manual_seed(run.config.seed)
    pair = Electra(replace(run.task.model.config, sharing="none"))
    pair.generator.load_state_dict(ready.generator.state_dict())
    pair.generator.requires_grad_(False)
    return with_network(run, pair)


def arm_run(name: str, *, seed: int, percent: float = 100, story_count: int = STORIES, **options: Any) -> WorldRun:
    """One arm on the little world, ready to train, with `percent` of the common budget; of Fast-ELECTRA see `stages`.

    >>> arm_run("teams", seed=0, percent=1, story_count=20).task.model.__class__.__name__
    'MultiWordSelection'
    """
    found, _ = next(stages(name, world_prepared(seed, story_count), BUDGET * percent / 100, **options))
    return found


def world_prepared(seed: int, story_count: int = STORIES) -> Function[..., WorldRun]:
    """What makes ELECTRA's run on the little world."""
    return partial(world_run, story_count=story_count, steps=1, seed=seed)


def with_own_loss(name: str, loss: Function[..., Tensor], **chosen: Any) -> WorldRun:
    """An arm whose loss is a learner's function, which returns a mean (exercises 17.1 and 17.2)."""
    counted = {"electric": 3, "coco-lm": 4}  # which argument says what is counted: (…, judged, share), (…, valid)

    def summed(*given: Any) -> Any:
        count = given[counted[name]].sum()
        return nets.LossSum(loss(*given) * count, count)

    return arm_run(name, loss=summed, **chosen)


@torch.inference_mode()
def energies(net: Electra, batch: Batch) -> Tensor:
    """Electric's −E of every token, (B, L), in one pass: log p of it given the others, up to a constant. [CLS] has none."""
    found = -net.discriminator(batch.input_ids, None, batch.attention_mask) * real_tokens(batch)
    found[:, 0] = 0
    return found


@torch.inference_mode()
def towers_log_p(net: Electra, batch: Batch) -> Tensor:
    """log q of every token by Electric's two towers, (B, L), in one pass: exact, for they never see the token itself."""
    logits = net.towers(batch.input_ids, batch.attention_mask)
    log_q = -F.cross_entropy(logits.transpose(1, 2), batch.input_ids, reduction="none") * real_tokens(batch)
    log_q[:, 0] = 0
    return log_q


def scorers(net: Electra) -> dict[str, Function[[Batch], Tensor]]:
    """The ways in which a net of an arm scores tokens in one pass, by name."""
    if isinstance(net, nets.Electric):
        return {"−energy": lambda batch: energies(net, batch), "two towers": lambda batch: towers_log_p(net, batch)}
    return {"P(original)": lambda batch: exams.original(net.discriminator, batch)}


@torch.inference_mode()
def corrections(model: Pretrained, original: str, seen: str) -> list[tuple[str, str, float, float, float]]:
    """For each token: the original, what stands there, P(replaced), the masked p of the original, and COCO-LM's p of it.

    The word's probability is the generator's, with the place masked, in the place of a trained corrector.
    """
    right, wrong = (torch.tensor([model.tokenizer.encode(text).ids]) for text in (original, seen))
    if right.shape != wrong.shape:
        raise ElectraError(
            worded(
                "The two texts have {right} and {wrong} tokens: swap words for words.",
                right=right.shape[1],
                wrong=wrong.shape[1],
            )
        )
    replaced, found = model.net.discriminator(wrong), []
    for place in range(1, right.shape[1] - 1):
        shown = wrong.clone()
        shown[0, place] = model.net.config.mask_id
        at = torch.tensor([[place]])
        logits, gate = model.net.generator(shown, positions=at), replaced.gather(1, at)
        p = corrective_log_p(logits, gate, right.gather(1, at), wrong.gather(1, at)).exp()
        word = logits[0, 0].softmax(-1)[right[0, place]]
        tokens = [model.tokenizer.tokens([int(ids[0, place])])[0] for ids in (right, wrong)]
        found.append((*tokens, float(gate.sigmoid()), float(word), float(p)))
    return found


@torch.inference_mode()
def offered(model: Pretrained, text: str, places: list[int], seed: int = 0) -> list[list[str]]:
    """TEAMS' candidates at some places of a text (positions, [CLS] counted): the original first, the others drawn by the generator."""
    ids, at = torch.tensor([model.tokenizer.encode(text).ids]), torch.tensor([places])
    logits = model.net.generator(ids.scatter(1, at, model.net.config.mask_id), positions=at)
    noise = torch.rand(1, len(places), nets.CANDIDATES - 1, generator=torch.Generator().manual_seed(seed))
    found = draw_candidates(logits, ids.gather(1, at), noise)[0]
    return [model.tokenizer.tokens(row.tolist()) for row in found]


@torch.inference_mode()
def fakes_at(model: Pretrained, held_out: Batch, temperature: float, seed: int = 5) -> tuple[float, float]:
    """At a temperature of the model's generator: the share of the selected that is replaced, and the AUC with which its judge finds it."""
    ids, random = held_out.input_ids, torch.Generator().manual_seed(seed)
    picked = select_positions(ids, model.net.config.unselectable_ids, generator=random)
    masked = mask_positions(ids, picked, mask_id=model.net.config.mask_id, generator=random)
    logits = model.net.generator(masked, None, held_out.attention_mask, positions=picked.positions)
    fakes = corrupt(ids, picked, sample_tokens(logits, temperature=temperature, generator=random))
    replaced, judged = fakes != ids, Batch(fakes, None, held_out.attention_mask)
    found = exams.found_fakes(lambda part: exams.original(model.net.discriminator, part), judged, replaced)
    return float(replaced.sum() / picked.is_valid.sum()), found


def runs(ground: str, arm: str) -> list[dict[str, Any]]:
    """The recorded runs of an arm, one a seed, on the little "world" or on "real" English."""
    return recorded()[ground]["arms"][arm]


def scores(ground: str, arm: str, *path: str) -> list[float]:
    """One recorded number for each seed, such as ("probes", "pairs") or ("scored", "P(original)")."""
    found = runs(ground, arm)
    for name in path:
        found = [run[name] for run in found]
    return found


def own_way(arm: str) -> str:
    """How the arm's discriminator scores a token."""
    return "−energy" if arm == "electric" else "P(original)"
