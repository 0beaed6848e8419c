"""Notebook 15: what passes, what does not, and what each mistake is told; and the arms, each a setting of the one loop."""

# ruff: noqa: E501
from statistics import stdev

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.course.exercises.n15_rungs import all_tokens_loss, replace_mlm_loss, selected_rtd_loss
from electra_helpers.course.exercises.n15_the_papers_experiments import blimp, comparison, over_a_coin, worth
from electra_helpers.course.labs import objectives
from electra_helpers.course.labs.ladder import (
    LADDER,
    stages,
    with_own_loss,
)
from electra_helpers.course.labs.objectives import flops_of_a_step
from electra_helpers.errors import ElectraError
from tests.course.cases import Cases, hold

REPLACE = "def replace_mlm_loss(predictor, fakes, is_real):\n"
REPLACE_BODY = """
    at, valid = fakes.selection.positions, fakes.selection.is_valid
    said = predictor(fakes.input_ids, attention_mask=is_real, positions=at)
    truth = fakes.original_ids.gather(1, at)
    return F.cross_entropy(said[valid], truth[valid])
"""
REPLACE_LOOP = """
    scores = predictor(fakes.input_ids, None, is_real).log_softmax(-1)
    found = [-scores[row, at, fakes.original_ids[row, at]] for row, at in fakes.is_selected.nonzero().tolist()]
    return torch.stack(found).mean()
"""
ALL = "def all_tokens_loss(logits, gate, original, seen, is_real):\n"
ALL_BODY = """
    log_p = -F.cross_entropy(logits.transpose(1, 2), original, reduction="none")
    drawn = F.logsigmoid(-gate) + log_p
    both = torch.logaddexp(drawn, F.logsigmoid(gate))
    return -torch.where(seen == original, both, drawn)[is_real].mean()
"""
ALL_PLAIN = """
    copy, p = gate.sigmoid(), logits.softmax(-1).gather(-1, original[..., None])[..., 0]
    same = (seen == original).float()
    return -(copy * same + (1 - copy) * p).log()[is_real].mean()
"""
ALL_LOOP = """
    total = 0
    for row, at in is_real.nonzero().tolist():
        ways = [F.logsigmoid(-gate[row, at]) + logits[row, at].log_softmax(-1)[original[row, at]]]
        if seen[row, at] == original[row, at]:
            ways.append(F.logsigmoid(gate[row, at]))
        total = total - torch.logsumexp(torch.stack(ways), 0)
    return total / is_real.sum()
"""
SELECTED = "def selected_rtd_loss(logits, labels, is_selected):\n"
SELECTED_BODY = "    return F.binary_cross_entropy_with_logits(logits[is_selected], labels[is_selected].float())\n"
EACH = "    each = F.binary_cross_entropy_with_logits(logits, labels.float(), reduction='none')\n"
WORTH, CONCLUSION = worth(), comparison()
FIRST, SECOND = list(WORTH)[:2]


def other(conclusion: str) -> str:
    return next(each for each in ("clear", "not clear") if each != conclusion)


CASES = {
    "15.1": Cases(
        REPLACE + "    raise NotImplementedError",
        [REPLACE + REPLACE_BODY, REPLACE + REPLACE_LOOP],
        [
            (REPLACE + REPLACE_BODY.replace("predictor(fakes.input_ids", "predictor(fakes.masked_ids"), "that is BERT"),
            (REPLACE + REPLACE_BODY.replace("predictor(fakes.input_ids", "predictor(fakes.original_ids"), "only have to copy"),
            (REPLACE + REPLACE_BODY.replace("attention_mask=is_real, ", ""), "attends to padding"),
            (REPLACE + REPLACE_BODY.replace("fakes.original_ids.gather", "fakes.input_ids.gather"), "drawn words"),
            (REPLACE + "    said = predictor(fakes.input_ids, attention_mask=is_real)\n    return F.cross_entropy(said[is_real], fakes.original_ids[is_real])", "15.2"),
            (REPLACE + "    said = predictor(fakes.input_ids, attention_mask=is_real)\n    return F.cross_entropy(said[fakes.is_replaced], fakes.original_ids[fakes.is_replaced])", "came back right"),
            (REPLACE + REPLACE_BODY.replace("said[valid], truth[valid]", "said.flatten(0, 1), truth.flatten()"), "Unused slots"),
            (REPLACE + REPLACE_BODY.replace("truth[valid])", "truth[valid], reduction='sum')"), "is the sum"),
            (REPLACE + REPLACE_BODY.replace("truth[valid])", "truth[valid]).detach()"), "No gradient"),
            (REPLACE + REPLACE_BODY.replace("truth[valid])", "truth[valid], reduction='none')"), "without axes"),
        ],
    ),
    "15.2": Cases(
        ALL + "    raise NotImplementedError",
        [ALL + ALL_BODY, ALL + ALL_LOOP],
        [
            (ALL + ALL_PLAIN.replace("(seen == original).float()", "torch.ones_like(p)"), "the answer is in the question"),
            (ALL + ALL_PLAIN.replace("copy * same + (1 - copy) * p", "(1 - copy) * same + copy * p"), "upside down"),
            (ALL + ALL_PLAIN.replace("[is_real].mean()", ".mean()"), "Padding is judged"),
            (ALL + ALL_PLAIN.replace("[is_real].mean()", "[seen != original].mean()"), "replaced tokens alone"),
            (ALL + ALL_PLAIN.replace("(1 - copy) * p", "p"), "do not share one probability"),
            (ALL + ALL_PLAIN.replace("-(copy * same + (1 - copy) * p).log()", "(copy * -(same + 1e-9).log() + (1 - copy) * -p.log())"), "mix losses"),
            (ALL + ALL_PLAIN.replace("copy * same + (1 - copy) * p", "p"), "copy is missing"),
            (ALL + ALL_PLAIN.replace(".mean()", ".sum()"), "is the sum"),
            (ALL + ALL_PLAIN, "sure and wrong"),
        ],
    ),
    "15.3": Cases(
        SELECTED + "    raise NotImplementedError",
        [SELECTED + SELECTED_BODY, SELECTED + EACH + "    return (each * is_selected).sum() / is_selected.sum()"],
        [
            (SELECTED + EACH + "    return each.mean()", "that is ELECTRA"),
            (SELECTED + EACH + "    return each[labels.bool()].mean()", "replaced alone"),
            (SELECTED + EACH + "    return (each * is_selected).mean()", "divide by all tokens"),
            (SELECTED + EACH + "    return ((each * is_selected).sum(1) / is_selected.sum(1)).mean()", "mean of row means"),
            (SELECTED + EACH + "    return each[is_selected].sum()", "is the sum"),
            (SELECTED + SELECTED_BODY.replace("labels[is_selected]", "is_selected[is_selected]"), "whether a token was *replaced*"),
        ],
    ),
    "15.4": Cases(
        dict.fromkeys(WORTH),
        [WORTH, dict(reversed(WORTH.items()))],
        [
            (WORTH | {SECOND: -WORTH[SECOND]}, "turned round"),
            (WORTH | {SECOND: 2.1}, "distance from BERT"),
            (WORTH | {FIRST: 82.4}, "that is a score"),
            (WORTH | {FIRST: 1.2}, "differ by this change alone"),
            (WORTH | {FIRST: "much"}, "a number"),
        ],
    ),
    "15.5": Cases(
        dict.fromkeys(CONCLUSION),
        [CONCLUSION, dict(reversed(CONCLUSION.items()))],
        [
            (CONCLUSION | {"difference": -CONCLUSION["difference"]}, "turned round"),
            (CONCLUSION | {"difference": over_a_coin()}, "luck of a coin"),
            (CONCLUSION | {"difference": 0.5}, "is not it"),
            (CONCLUSION | {"spread": min(map(stdev, blimp().values()))}, "the smaller"),
            (CONCLUSION | {"spread": 0.3}, "the larger of the two"),
            (CONCLUSION | {"conclusion": other(CONCLUSION["conclusion"])}, "twice the spread"),
            (CONCLUSION | {"conclusion": "sure"}, "choose one of"),
        ],
    ),
}  # fmt: skip
NAMES = {"torch": torch, "F": F}


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, NAMES)


OWN = {"replace-mlm": replace_mlm_loss, "all-tokens-mlm": all_tokens_loss, "rtd-selected": selected_rtd_loss}


def trained(arm: str, loss=None):
    (run,) = stages(arm, seed=0, percent=1, story_count=30)
    run = with_own_loss(run, loss) if loss else run
    run.train()
    return run.task.model.state_dict()


@pytest.mark.parametrize("arm", OWN)
def test_a_readable_loss_trains_the_same_weights_as_the_packages(arm):
    mine, package = trained(arm, OWN[arm]), trained(arm)
    assert all(torch.allclose(mine[name], package[name], atol=1e-4) for name in package)


def test_another_loss_trains_other_weights():
    mine, package = trained("rtd-selected", lambda *args: 3 * selected_rtd_loss(*args)), trained("rtd-selected")
    assert not all(torch.allclose(mine[name], package[name], atol=1e-4) for name in package)


def test_a_loss_goes_to_the_arms_that_have_one():
    (run,) = stages("unigram", seed=0, percent=1, story_count=20)
    with pytest.raises(ElectraError, match="replace-mlm"):
        with_own_loss(run, replace_mlm_loss)
    with pytest.raises(ElectraError, match="no arm 'bert'"):
        next(stages("bert", seed=0))


@pytest.mark.parametrize("arm", [*LADDER, "uniform", "unigram", "generator 1/8", "generator 1", "untied"])
def test_every_arm_has_the_same_compute(arm):
    (run,) = stages(arm, seed=0, percent=10, story_count=20)
    spent = run.config.steps * flops_of_a_step(run)
    assert spent == pytest.approx(objectives.BUDGET / 10, rel=0.02)


def test_the_second_stage_begins_where_the_first_one_ended_and_leaves_its_generator_alone():
    first, second = stages_trained("two-stage", percent=4)
    made = first.task.model.generator
    judge, generator = second.task.model.discriminator, second.task.model.generator
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), generator.parameters(), strict=True))
    moved = [not torch.equal(a, b) for a, b in zip(made.encoder.parameters(), judge.encoder.parameters(), strict=True)]
    assert all(moved), "the discriminator learns"
    begun = begun_judge(percent=4)
    assert all(torch.equal(a, b) for a, b in zip(made.encoder.parameters(), begun.parameters(), strict=True))


def stages_trained(arm: str, percent: int) -> list:
    found = []
    for run in stages(arm, seed=0, percent=percent, story_count=30):
        run.train()
        found.append(run)
    return found


def begun_judge(percent: int):
    found = stages("two-stage", seed=0, percent=percent, story_count=30)
    next(found).train()
    return next(found).task.model.discriminator.encoder
