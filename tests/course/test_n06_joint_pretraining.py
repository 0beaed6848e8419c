"""Notebook 06: what passes, what does not, and what each mistake is told; the assembled step is the package's, bit for bit."""

# ruff: noqa: E501
import copy
from statistics import mean, stdev

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.course.exercises.joint_step import material, mean_rtd_loss, pretraining_step, small_net
from electra_helpers.course.exercises.n03_generator import mask_positions, select_positions
from electra_helpers.course.exercises.n06_joint_pretraining import (
    SHEETS,
    _course_conclusion,
    package_step,
    pooled,
    recorded_spread,
    share_embeddings,
    summary,
    who_gets_gradient,
)
from electra_helpers.course.exercises.sheets import CAUSES
from electra_helpers.course.labs.assembly import with_own_step
from electra_helpers.course.labs.objectives import (
    ARMS,
    CLAIM,
    AdversarialElectra,
    arm_run,
    flops_of_a_step,
    gains,
    last_scores,
    main_encoder,
    pairs_probe,
    recorded,
    story_pairs,
)
from electra_helpers.course.labs.objectives_pictures import sheets_picture
from electra_helpers.course.labs.own_steps import own_steps
from electra_helpers.course.labs.world_run import world_run
from electra_helpers.model.electra import Steps
from electra_helpers.text.packing import Batch
from tests.course.cases import Cases, hold

STEP = "def pretraining_step(net, ids, is_real, noise, parts, rtd_loss, rtd_weight=50.0):\n"
BODY = """
    config = net.config
    picked = parts.select(ids, config.unselectable_ids, share=0.15, noise=noise.select)
    masked = parts.mask(ids, picked, mask_id=config.mask_id, noise=noise.mask)
    logits = net.generator(masked, None, is_real, positions=picked.positions)
    targets = ids.gather(1, picked.positions)
    mlm = F.cross_entropy(logits[picked.is_valid], targets[picked.is_valid])
    drawn = parts.sample(logits, temperature=1.0, noise=noise.sample)
    corrupted = parts.corrupt(ids, picked, drawn)
    labels = parts.label(ids, corrupted)
    rtd = rtd_loss(net.discriminator(corrupted, None, is_real), labels, is_real)
    return {"loss": mlm + rtd_weight * rtd, "mlm": mlm, "rtd": rtd}
"""
LOOP = """
    picked = parts.select(ids, net.config.unselectable_ids, noise=noise.select)
    seen = parts.mask(ids, picked, mask_id=net.config.mask_id, noise=noise.mask)
    scores = net.generator(seen, attention_mask=is_real).log_softmax(-1)
    total, count = 0, 0
    for row in range(ids.shape[0]):
        for at in picked.positions[row][picked.is_valid[row]].tolist():
            total, count = total - scores[row, at, ids[row, at]], count + 1
    fakes = parts.sample(net.generator(seen, attention_mask=is_real, positions=picked.positions).detach(), noise=noise.sample)
    changed = parts.corrupt(ids, picked, fakes)
    judged = net.discriminator(changed, attention_mask=is_real)
    parts_of_it = dict(mlm=total / count, rtd=rtd_loss(judged, parts.label(ids, changed), is_real))
    return parts_of_it | {"loss": parts_of_it["mlm"] + rtd_weight * parts_of_it["rtd"]}
"""
SHARE = "def share_embeddings(net):\n"
TABLES = ("word", "position", "token_type", "layer_norm")
GRID = who_gets_gradient()
CONCLUSION = _course_conclusion()


def but(group, loss, value):
    return GRID | {group: GRID[group] | {loss: value}}


def swapped(a, b):
    return SHEETS | {a: SHEETS[b], b: SHEETS[a]}


def of_one_seed() -> float:
    scores = pooled("rtd", CONCLUSION["my gain"])
    single = [scores["rtd"][i] - scores["mlm"][i] for i in (0, -1)]
    return max(single, key=lambda difference: abs(difference - CONCLUSION["difference"]))


LUCKY = {"arm": "rtd", "my gain": 0.19} | summary(pooled("rtd", 0.19))  # better than any recorded seed


def of_the_best() -> float:
    scores = pooled("rtd", LUCKY["my gain"])
    return max(scores["rtd"]) - max(scores["mlm"])


def standard_error() -> float:
    values = pooled("rtd", CONCLUSION["my gain"])["rtd"]
    return stdev(values) / len(values) ** 0.5


def at_the_border() -> dict:
    """A gain with which the difference is twice the spread, all but a digit: either conclusion is right."""
    means = [mean(gains(arm, "pairs")) for arm in ("rtd", "mlm")]
    gain = 6 * (2 * recorded_spread() + means[1]) - 5 * means[0] - 0.001
    return {"arm": "rtd", "my gain": gain} | summary(pooled("rtd", gain))


CASES = {
    "06.1": Cases(
        STEP + "    raise NotImplementedError",
        [STEP + BODY, STEP + LOOP],
        [
            (STEP + BODY.replace("parts.corrupt(ids,", "parts.corrupt(masked,"), "corrupt the masked ids"),
            (STEP + BODY.replace("net.discriminator(corrupted", "net.discriminator(masked"), "reads the masked ids"),
            (STEP + BODY.replace("net.discriminator(corrupted", "net.discriminator(ids"), "reads the original ids"),
            (STEP + BODY.replace("rtd_weight * rtd", "rtd"), "forgot λ"),
            (STEP + BODY.replace("mlm + rtd_weight * rtd", "rtd_weight * mlm + rtd"), "RTD loss alone"),
            (STEP + BODY.replace("rtd_weight * rtd", "50 * rtd"), "use rtd_weight"),
            (STEP + BODY.replace("logits[picked.is_valid], targets[picked.is_valid]", "logits.flatten(0, 1), targets.flatten()"), "unused slots"),
            (STEP + BODY.replace("net.generator(masked,", "net.generator(ids,"), "only have to copy"),
            (STEP + BODY.replace("None, is_real, positions", "None, None, positions"), "attention to padding"),
            (STEP + BODY.replace("targets[picked.is_valid])", "targets[picked.is_valid], reduction='sum')"), "is a sum"),
            (STEP + BODY.replace("labels, is_real)", "labels, picked.as_mask(ids.shape[1]))"), "not only the selected"),
            (STEP + BODY.replace("parts.label(ids, corrupted)", "picked.as_mask(ids.shape[1])"), "never calls label"),
            (STEP + BODY.replace("rtd_loss(net.discriminator(corrupted, None, is_real),", "rtd_loss(net.discriminator(corrupted, None, is_real).detach(),"), "discriminator"),
            (STEP + BODY.replace('"mlm": mlm, "rtd": rtd}', '"mlm": mlm, "rtd": rtd}["loss"]'), "Return a dictionary"),
            (STEP + BODY.replace("net.discriminator(corrupted, None, is_real)", "net.discriminator(corrupted, None, is_real) + 0 * net.generator(masked, None, is_real).sum(-1).exp().sum() + (lambda x: x - x.detach())(net.generator(masked, None, is_real).logsumexp(-1))"), "Only the sampling is cut off"),
            (STEP + BODY.replace("labels, is_real)", "picked.as_mask(ids.shape[1]), is_real)"), "Selected is not replaced"),
            (STEP + BODY.replace("net.discriminator(corrupted, None, is_real)", "net.discriminator(corrupted)"), "discriminator pays attention to padding"),
            (STEP + BODY.replace("noise=noise.sample", "noise=noise.mask"), "noise.sample"),
            (STEP + BODY.replace("noise=noise.mask", "noise=noise.sample"), "noise.mask"),
            (STEP + BODY.replace("noise=noise.select", "noise=noise.select.flip(0)"), "noise.select"),
            (STEP + BODY.replace("labels, is_real)", "labels, None)"), "without padding"),
            (STEP + BODY.replace("noise=noise.sample", "noise=None"), "noise=noise.sample"),
            (STEP + BODY.replace('"rtd": rtd}', '"rtd": rtd_weight * rtd}'), "scale it twice"),
        ],
    ),
    "06.2": Cases(
        {group: dict.fromkeys(row) for group, row in GRID.items()},
        [GRID, {group: dict(reversed(row.items())) for group, row in reversed(GRID.items())}],
        [
            (but("generator encoder", "rtd", True), "does not train the generator"),
            (but("generator head", "rtd", True), "*drawn*"),
            (but("word table", "rtd", False), "It is shared".lower()),
            (but("embedding LayerNorm", "rtd", False), "both losses"),
            (but("discriminator head", "mlm", True), "before the discriminator"),
            (but("generator head", "mlm", "yes"), "True or False"),
        ],
    ),
    "06.3": Cases(
        SHARE + "    raise NotImplementedError",
        [
            SHARE + "    net.discriminator.encoder.embeddings = net.generator.encoder.embeddings\n    return list(net.parameters())",
            SHARE + "    net.generator.encoder.embeddings = net.discriminator.encoder.embeddings\n    return list(set(net.generator.parameters()) | set(net.discriminator.parameters()))",
            SHARE + f"    for name in {TABLES}:\n        setattr(net.discriminator.encoder.embeddings, name, getattr(net.generator.encoder.embeddings, name))\n    return [p for _, p in net.named_parameters()]",
        ],
        [
            (SHARE + "    net.discriminator.encoder.embeddings = copy.deepcopy(net.generator.encoder.embeddings)\n    return list(net.parameters())", "That is a copy"),
            (SHARE + "    net.discriminator.encoder.embeddings.load_state_dict(net.generator.encoder.embeddings.state_dict())\n    return list(net.parameters())", "That is a copy"),
            (SHARE + "    net.discriminator.encoder.embeddings.word = net.generator.encoder.embeddings.word\n    return list(net.parameters())", "position, segment, LayerNorm"),
            (SHARE + "    net.discriminator.encoder.embeddings = net.generator.encoder.embeddings\n    return [*net.generator.parameters(), *net.discriminator.parameters()]", "twice"),
            (SHARE + "    before = list(net.parameters())\n    net.discriminator.encoder.embeddings = net.generator.encoder.embeddings\n    return before", "after sharing"),
            (SHARE + "    net.discriminator.encoder.embeddings = net.generator.encoder.embeddings\n    return list(net.generator.parameters())", "never be trained"),
            (SHARE + "    return list(net.parameters())", "tables of their own"),
        ],
    ),
    "06.4": Cases(
        dict.fromkeys(SHEETS),
        [SHEETS, dict(reversed(SHEETS.items()))],
        [
            (swapped("A", "B"), "not the healthy one"),
            (swapped("C", "D"), "One clue"),
            (SHEETS | {"A": CAUSES[0], "B": CAUSES[0]}, "used twice"),
            (SHEETS | {"A": "bad luck"}, "not a cause"),
        ],
    ),
    "06.5": Cases(
        dict.fromkeys(CONCLUSION),
        [
            CONCLUSION,
            {"arm": "mlm", "my gain": 0.07} | summary(pooled("mlm", 0.07)),
            {"arm": "rtd", "my gain": -0.1} | summary(pooled("rtd", -0.1)),
            at_the_border() | {"conclusion": "clear"},
            at_the_border() | {"conclusion": "not clear"},
        ],
        [
            (CONCLUSION | {"difference": -CONCLUSION["difference"]}, "turned round"),
            (CONCLUSION | {"difference": of_one_seed()}, "an anecdote"),
            (LUCKY | {"difference": of_the_best()}, "best seed"),
            (CONCLUSION | {"spread": standard_error()}, "standard error"),
            (CONCLUSION | {"conclusion": next(c for c in ("clear", "not clear") if c != CONCLUSION["conclusion"])}, "twice the spread"),
            (CONCLUSION | {"arm": "bert"}, "choose one of"),
            (CONCLUSION | {"my gain": 83}, "difference of two shares"),
            (CONCLUSION | {"my gain": 0.71}, "last reading"),
            (LUCKY | {"difference": mean(gains("rtd", "pairs")) - mean(gains("mlm", "pairs"))}, "left out"),
            (LUCKY | {"difference": mean(last_scores("rtd", "pairs")) - mean(last_scores("mlm", "pairs"))}, "over its own start"),
            (LUCKY | {"spread": stdev(pooled("rtd", LUCKY["my gain"])["rtd"])}, "stretch the yardstick"),
            (LUCKY | {"spread": stdev(gains("mlm", "pairs"))}, "the smaller"),
        ],
    ),
}  # fmt: skip
NAMES = {"torch": torch, "F": F, "copy": copy}


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, NAMES)


def test_the_assembled_step_is_the_packages_bit_for_bit():
    ids, is_real, noise = material()
    mine = pretraining_step(small_net(), ids, is_real, noise, Steps(), mean_rtd_loss)
    package = package_step(small_net(), ids, is_real, noise)
    assert all(torch.equal(mine[name], package[name]) for name in package)


def test_with_a_learners_own_parts_it_is_still_the_packages():
    ids, is_real, noise = material()
    parts = own_steps(select=select_positions, mask=mask_positions)
    mine = pretraining_step(small_net(), ids, is_real, noise, parts, mean_rtd_loss)
    assert torch.equal(mine["loss"], package_step(small_net(), ids, is_real, noise, parts)["loss"])
    assert not torch.equal(mine["loss"], package_step(small_net(), ids, is_real, noise)["loss"]), "other draws"


def test_pretraining_runs_the_assembled_step_and_ends_with_the_same_weights():
    def trained(own: bool):
        run = world_run(story_count=30, steps=3)
        run = with_own_step(run, pretraining_step, Steps(), mean_rtd_loss) if own else run
        end = run.train()
        return run.task.model.state_dict(), end.last

    (mine, my_log), (package, log) = trained(True), trained(False)
    assert all(torch.equal(mine[name], package[name]) for name in package)
    assert my_log["mlm_loss"] == pytest.approx(log["mlm_loss"])
    assert my_log["loss"] == pytest.approx(log["loss"])


def test_a_step_without_lambda_trains_otherwise(define):
    forgotten = define(STEP + BODY.replace("rtd_weight * rtd", "rtd"), **NAMES)

    def weights(step):
        run = with_own_step(world_run(story_count=30, steps=3, max_grad_norm=1.0), step, Steps(), mean_rtd_loss)
        run.train()
        return run.task.model.discriminator.head.logit.weight

    assert not torch.allclose(weights(forgotten), weights(pretraining_step))


def test_shared_embeddings_are_those_of_the_package():
    net = small_net("none")
    count = sum(p.numel() for p in share_embeddings(net))
    assert count == sum(p.numel() for p in small_net("all").parameters())


def test_the_adversarial_generator_learns_to_fool_and_nothing_else():
    ids, is_real, noise = material()
    torch.manual_seed(0)
    net = AdversarialElectra(small_net().config)
    out = net(Batch(ids, None, is_real), noise, world_run(story_count=5, steps=1).config)
    assert set(out.losses) == {"adversarial", "rtd"}
    chosen = out.mlm_logits.log_softmax(-1).gather(-1, out.corruption.sampled_ids[..., None])[..., 0]
    gradient = torch.autograd.grad(out.losses["adversarial"].total, chosen, retain_graph=True, allow_unused=True)[0]
    assert gradient is None, "log p is computed anew, from the same logits"
    valid = out.corruption.selection.is_valid
    wrong = F.binary_cross_entropy_with_logits(out.rtd_logits, out.corruption.is_replaced.float(), reduction="none")
    wrong = wrong.gather(1, out.corruption.selection.positions).detach()
    by_hand = -((wrong - wrong[valid].mean()) * chosen)[valid].sum()
    assert torch.allclose(out.losses["adversarial"].total, by_hand)
    heads = [p for n, p in net.named_parameters() if n.startswith("discriminator.head")]
    reached = torch.autograd.grad(out.losses["adversarial"].total, heads, allow_unused=True)
    assert reached == (None,) * len(heads), "its reward does not train the judge"


def test_arms_get_the_same_compute():
    runs = {name: arm_run(name, seed=0, percent=10, story_count=20) for name in CLAIM}
    spent = {name: flops_of_a_step(run) * run.config.steps for name, run in runs.items()}
    assert max(spent.values()) < 1.03 * min(spent.values())
    assert runs["rtd"].config.steps < runs["mlm"].config.steps, "two nets cost more a step than one"


def test_the_probe_is_asked_about_stories_that_it_did_not_learn_from():
    pairs = story_pairs(50)
    learnt, asked = ({good for good, _, side in pairs if side is learns} for learns in (True, False))
    assert len(learnt) > 50
    assert learnt.isdisjoint(asked)
    for good, bad, _ in pairs:
        assert good != bad
        assert len(good.split()) == len(bad.split()), "one mistake, in a story that is otherwise the same"


def test_the_benchmark_recorded_five_seeds_of_every_arm():
    arms = recorded()["arms"]
    assert set(arms) == set(ARMS)
    for name, runs in arms.items():
        assert [run["seed"] for run in runs] == [0, 1, 2, 3, 4], name
        assert len({run["steps"] for run in runs}) == 1
    spent = {runs[0]["flops_per_step"] * runs[0]["steps"] for name, runs in arms.items() if name in CLAIM}
    assert max(spent) < 1.01 * min(spent)


@pytest.mark.slow
def test_the_arms_of_today_are_those_that_were_recorded():
    for name, runs in recorded()["arms"].items():
        run = arm_run(name, seed=0, percent=1, story_count=20)
        assert flops_of_a_step(run) == runs[0]["flops_per_step"], name
        score = pairs_probe(run.tokenizer).score(main_encoder(run.task.model))
        assert score == pytest.approx(runs[0]["readings"][0]["pairs"], abs=0.004), name


def test_every_sheet_shows_what_its_cause_says():
    sheets = recorded()["sheets"]
    assert set(sheets) == set(SHEETS.values())
    curves = {name: {label: values for label, (_, values) in sheet.items()} for name, sheet in sheets.items()}
    exam = {name: mean(sheet["AUC fixed exam"][-3:]) for name, sheet in curves.items()}
    own = {name: sheet["AUC own fakes"] for name, sheet in curves.items()}
    share = {name: sheet["labelled replaced"] for name, sheet in curves.items()}
    mlm = {name: sheet["MLM loss"] for name, sheet in curves.items()}
    assert exam["healthy"] > max(exam["discriminator sees the originals"], exam["learning rate too high"])
    assert mean(own["discriminator sees the originals"][-3:]) < mean(own["healthy"][-3:]) - 0.1
    assert mean(share["labels = selected"][-3:]) > 0.97 * mean(share["labels = selected"][:3])
    assert mean(share["healthy"][-3:]) < 0.9 * mean(share["healthy"][:3])
    assert max(mlm["generator trained beforehand"]) < mlm["healthy"][0] - 1
    assert mean(mlm["learning rate too high"][-3:]) > mean(mlm["healthy"][-3:]) + 1


def test_no_legend_of_the_sheets_covers_a_curve():
    figure = sheets_picture()
    figure.draw_without_rendering()
    legends = [axes.get_legend().get_window_extent() for axes in figure.axes if axes.get_legend()]
    assert len(legends) == 1
    for axes in figure.axes:
        assert not axes.get_window_extent().overlaps(legends[0])


def test_the_recorded_difference_is_that_of_the_summary():
    scores = {"rtd": [0.8, 0.9], "mlm": [0.5, 0.6]}
    found = summary(scores)
    assert found["difference"] == pytest.approx(mean(scores["rtd"]) - mean(scores["mlm"]))
    assert found["conclusion"] == "clear"
    assert summary(scores | {"mlm": [0.8, 0.9]})["conclusion"] == "not clear"


def test_a_low_run_does_not_stretch_the_yardstick():
    """With its spread in it, the worse a run of rtd, the less clear that rtd is behind."""
    assert {summary(pooled("rtd", gain))["spread"] for gain in (-0.9, 0.1)} == {recorded_spread()}
    assert summary(pooled("rtd", -0.9))["conclusion"] == "clear"


def test_what_lies_within_twice_the_spread_is_a_tie(monkeypatch):
    from electra_helpers.course.labs import objectives_pictures as pictures

    found = {"mlm": [0.05, 0.07], "rtd": [0.09, 0.11], "uniform": [0.10, 0.12]}
    monkeypatch.setattr(pictures, "gains", lambda arm, reading: found[arm])
    assert pictures.ahead() == "a tie (uniform +0.110, rtd +0.100; twice the spread 0.028)"
    assert pictures.ahead(arms=("mlm", "rtd")) == "rtd (rtd +0.100)"
