"""Notebook 18: what passes, what does not, and what each mistake is told; its record, its prose, and what it says of runs."""

# ruff: noqa: E501

import re
from statistics import mean

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.n18_building import LOSSES, OPERATIONS, fit_line, sizes_of
from electra_helpers.course.exercises.n18_real_weights_and_scale import (
    COSTS,
    VERDICTS,
    line_of_the_first_day,
    what_a_run_costs,
)
from electra_helpers.course.labs import plan, real_weights, scaling, scaling_pictures
from electra_helpers.exchange.store import load
from electra_helpers.exchange.tensorflow_import import open_checkpoint
from tests.course.cases import Cases, hold
from tests.notebooks.form import NOTEBOOKS, code_cells, read, tags
from tests.reference import HERE

HEAD = "def sizes_of(shapes):\n    V, E = shapes['electra/embeddings/word_embeddings']\n    H = shapes['electra/encoder/layer_0/attention/self/query/kernel'][0]\n    F = shapes['electra/encoder/layer_0/intermediate/dense/kernel'][1]\n    n = len({x.split('/')[2] for x in shapes if x.startswith('electra/encoder/')})\n    A = max(1, H // 64)\n"
BACK = "    return {'vocab_size': V, 'embedding_size': E, 'hidden_size': H, 'intermediate_size': F, 'num_layers': n, 'num_heads': A}"
FIT = "def fit_line(operations, losses):\n    x, y = np.log10(operations), np.log10(losses)\n    n = len(x)\n"
LINE = "    b = ((x - x.mean()) * y).sum() / ((x - x.mean()) ** 2).sum()\n    a = y.mean() - b * x.mean()\n    r, s = y - a - b * x, ((x - x.mean()) ** 2).sum()\n"
DAY, COST = line_of_the_first_day(), what_a_run_costs()

CASES = {
    "18.1": Cases(
        "def sizes_of(shapes):\n    raise NotImplementedError",
        [
            HEAD + BACK,
            HEAD + "    F = shapes['electra/encoder/layer_0/output/dense/kernel'][0]\n    n = 1 + max(int(x.split('layer_')[1].split('/')[0]) for x in shapes if x.startswith('electra/encoder/'))\n" + BACK,
        ],
        [
            (HEAD + "    F = shapes['electra/encoder/layer_0/intermediate/dense/kernel'][0]\n" + BACK, "You read the inputs"),
            (HEAD + "    F = shapes['generator/encoder/layer_0/intermediate/dense/kernel'][1]\n" + BACK, "that is the generator's"),
            (HEAD + "    H = E\n" + BACK, "the embeddings' width"),
            (HEAD + "    H = shapes['generator/encoder/layer_0/attention/self/query/kernel'][0]\n    A = H // 64\n" + BACK, "the generator's width"),
            (HEAD + "    E = H\n" + BACK, "narrower than the layers"),
            (HEAD + "    A = 64\n" + BACK, "the units of one head"),
            (HEAD + "    A = H // 64\n" + BACK, "one head, not none"),
            (HEAD + "    n = len({x.split('layer_')[0] + x.split('layer_')[1].split('/')[0] for x in shapes if 'layer_' in x})\n" + BACK, "counted too"),
            (HEAD + "    n = len({x.split('/')[2] for x in shapes if x.startswith('generator/encoder/')})\n" + BACK, "those are the generator's"),
            (HEAD + "    n = max(int(x.split('layer_')[1].split('/')[0]) for x in shapes if x.startswith('electra/encoder/'))\n" + BACK, "begin at layer_0"),
            (HEAD + "    n = sum(x.startswith('electra/encoder/') for x in shapes)\n" + BACK, "you counted variables"),
            (HEAD + "    n = 1 + int(max(x.split('layer_')[1].split('/')[0] for x in shapes if x.startswith('electra/encoder/')))\n" + BACK, "as text layer_9 comes after"),
            (HEAD + "    V += 1\n" + BACK, "these shapes say"),
            (HEAD + "    return V, E, H, F, n, A", "Return a dictionary"),
        ],
    ),
    "18.2": Cases(
        "def fit_line(operations, losses):\n    raise NotImplementedError",
        [
            FIT + LINE + "    return b, a, ((r @ r) / (n - 2) / s) ** 0.5",
            FIT + "    (b, a), cov = np.polyfit(x, y, 1, cov=True) if n > 4 else (np.polyfit(x, y, 1), np.zeros((2, 2)))\n    return b, a, np.sqrt(cov[0, 0])",
        ],
        [
            (FIT + "    x = np.array(operations)\n" + LINE + "    return b, a, 0.0", "nearly zero"),
            (FIT + "    y = np.array(losses)\n" + LINE + "    return b, a, 0.0", "not in logarithms"),
            (FIT + "    x, y = np.log(operations), np.log(losses)\n" + LINE + "    return b, a, ((r @ r) / (n - 2) / s) ** 0.5", "natural logarithms"),
            (FIT + LINE + "    return -b, a, 0.0", "sign of the slope"),
            (FIT + "    x, y = y, x\n" + LINE + "    return b, a, 0.0", "changed places"),
            (FIT + LINE + "    return b, a, ((r @ r) / n / s) ** 0.5", "You divide by n. "),
            (FIT + LINE + "    return b, a, ((r @ r) / (n - 1) / s) ** 0.5", "You divide by n − 1"),
            (FIT + LINE + "    return b, a, ((r @ r) / (n - 2)) ** 0.5", "how far points lie"),
            (FIT + LINE + "    return b, a, ((r @ r) / (n - 2) / (x @ x)) ** 0.5", "where Σ (x − x̄)² belongs"),
            (FIT + LINE + "    return b, a, (r @ r) / (n - 2) / s", "variance of the slope"),
            (FIT + LINE + "    return b, a + 1, 0.0", "The intercept is log10(50)"),
            (FIT + "    b = np.mean(np.diff(y) / np.maximum(np.diff(x), 1e-9)) if n == 4 else 0\n    return b, y.mean() - b * x.mean(), 0.0", "another one"),
            (FIT + LINE + "    return b, a", "Return three numbers"),
        ],
    ),
    "18.3": Cases(
        dict.fromkeys(DAY),
        [DAY, {"a doubling": np.float64(1.8), "96 hours": 81.3, "too much by": 1.4, "so": VERDICTS[1]}, DAY | {"96 hours": 77.7 + 3.6, "too much by": 1.4}],
        [
            (DAY | {"96 hours": np.polyval(np.polyfit([6, 12, 24], [74.1, 76.0, 77.7], 1), 96)}, "straight in hours"),
            (DAY | {"a doubling": 1.46}, "all five points"),
            (DAY | {"a doubling": 5.98}, "for ten times the hours"),
            (DAY | {"a doubling": 3.6}, "are two doublings"),
            (DAY | {"96 hours": 79.5}, "two doublings, not one"),
            (DAY | {"too much by": -1.43}, "what the line says less"),
            (DAY | {"96 hours": 70.0}, "is not it"),
            (DAY | {"so": VERDICTS[0]}, "the points bend"),
            (DAY | {"so": VERDICTS[2]}, "How far is 96 from 24"),
        ],
    ),
    "18.4": Cases(
        dict.fromkeys(COST),
        [COST, {"operations a second": 4.05e12, "share of the peak": 0.26, "tokens a second": np.float64(47_407), "hours on a T4": 186, "on 8 GPUs": COSTS[1]}],
        [
            (COST | {"operations a second": 1.4e18 / 96}, "for an hour"),
            (COST | {"operations a second": 1.4e12}, "for a step"),
            (COST | {"share of the peak": 25.8}, "not percent"),
            (COST | {"tokens a second": 370.4}, "those are rows"),
            (COST | {"tokens a second": 2.894}, "those are steps"),
            (COST | {"hours on a T4": 48.0}, "nobody reaches the peak"),
            (COST | {"hours on a T4": 23.2}, "of its fp16 units"),
            (COST | {"hours on a T4": 49.53}, "slower of the two"),
            (COST | {"hours on a T4": 500.0}, "is not it"),
            (COST | {"on 8 GPUs": COSTS[0]}, "What do you pay for"),
            (COST | {"on 8 GPUs": COSTS[2]}, "What do you pay for"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"np": np})


def test_the_readable_sizes_are_those_of_the_importer():
    model, checkpoint = load(real_weights.in_little()), open_checkpoint(real_weights.in_little())
    for name, value in sizes_of(real_weights.variables(checkpoint)).items():
        assert getattr(model.net.config, name) == value, name


def test_the_line_is_that_of_least_squares():
    slope, intercept, error = fit_line(OPERATIONS, LOSSES)
    found, covariance = np.polyfit(np.log10(OPERATIONS), np.log10(LOSSES), 1, cov=True)
    assert [slope, intercept] == pytest.approx(found)
    assert error == pytest.approx(covariance[0, 0] ** 0.5)


def test_the_bundled_checkpoint_is_the_one_that_the_authors_code_wrote():
    for name in ("model.ckpt-0.index", "model.ckpt-0.data-00000-of-00001", "vocab.txt"):
        assert (real_weights.in_little() / name).read_bytes() == (HERE / "small" / name).read_bytes(), name
    ours, theirs = load_file(real_weights.in_little() / "logits.safetensors"), np.load(HERE / "small.npz")
    assert {"rtd_logits", "mlm_logits", "corrupted_ids", "masked_ids"} <= set(ours)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_the_logits_are_the_authors_and_a_turned_matrix_is_noticed():
    model = load(real_weights.in_little())
    assert all(difference < 1e-4 < 1 < largest for difference, largest in real_weights.differences(model).values())
    weight = model.net.discriminator.encoder.layers[0].attention.out.weight
    with torch.no_grad():
        weight.copy_(weight.T.clone())
    assert real_weights.differences(model)["discriminator"][0] > 0.01


def test_where_the_hub_is_switched_off_the_course_s_model_takes_its_place(monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert real_weights.released("nobody/has-this-model").name == real_weights.FREE_TEXT
    assert "not to be had here" in capsys.readouterr().out


def test_a_stopped_run_ends_with_the_very_weights():
    found = real_weights.stopped_and_resumed(4, budget=6e9)
    assert found["stopped after"] == found["resumed at"] == 4 < found["ended at"]
    assert found["that differ"] == 0 < found["weights"]


def test_processes_add_up_to_the_step_of_one():
    one, three = real_weights.among(1), real_weights.among(3)
    assert {rows for rows, _ in one.values()} == {24}
    assert {rows for rows, _ in three.values()} == {8}
    for name, (_, loss) in one.items():
        assert three[name][1] == pytest.approx(loss, rel=1e-5)


def test_every_run_is_recorded_with_what_it_cost():
    content = scaling.recorded()
    named = [(run["width"], run["budget"], run["seed"]) for run in content["runs"]]
    assert len(named) == len(set(named))
    for width in scaling.WIDTHS:
        for budget in scaling.BUDGETS:
            assert scaling.values(width, budget, "nats"), (width, budget)
    for run in content["runs"]:
        assert {"steps", "tokens", "flops", "seconds", "parameters", "auc"} <= set(run)
        assert run["flops"] == pytest.approx(run["budget"], rel=0.02)
        assert run["steps"] == round(run["budget"] / scaling.step_flops(run["width"]))
        assert run["nats"] > content["limits"]["nats"], "below what can be known"


def test_the_loss_is_asked_of_the_generator_and_the_floor_of_the_world():
    run = scaling.scaling_run(48, 1e9, seed=0, story_count=20)
    words = scaling.hidden(run.tokenizer, 3)
    assert 6 < scaling.nats(run.task.model, words) < 8  # ln 934 = 6.84: it knows nothing yet
    assert 0 < scaling.floor(words) < 1


def test_the_frontier_is_the_best_width_at_each_budget():
    for budget in scaling.BUDGETS:
        best = mean(scaling.values(scaling.best_width(budget), budget, "nats"))
        assert all(best <= mean(scaling.values(width, budget, "nats")) for width in scaling.WIDTHS)
    operations, losses = scaling.frontier()
    assert len(operations) == len(losses) >= len(scaling.BUDGETS)


def test_a_plan_of_the_published_small_takes_its_four_days():
    """At the share of the V100's fp32 peak that the published run reached."""
    share = COST["share of the peak"]
    small = plan.Plan(**plan.SMALL, gpus=1, tflops=15.7, utilisation=share)
    assert small.hours == pytest.approx(96, rel=0.01)


@pytest.fixture(scope="module")
def cells():
    (path,) = NOTEBOOKS.glob("18_*.ipynb")
    return read(path).cells


def test_the_page_shows_what_is_recorded_now(cells):
    shown = "\n".join(
        o.get("text", "") + str(o.get("data", {}).get("text/plain", "")) for c in cells for o in c.get("outputs", [])
    )
    assert scaling.runs_table() in shown
    assert real_weights.glue_table() in shown
    slope, _, error = fit_line(*scaling.frontier())
    assert f"slope {slope:.3f} ± {error:.3f}" in shown
    assert scaling_pictures.line_picture(fit_line).alt in shown


def at_best(number, *, budget, width, path=("nats",)):
    """A recorded mean, if this width is the best at this budget where `number` says so."""
    if number == "best":
        assert scaling.best_width(scaling.BUDGETS[budget]) == width
    return mean(scaling.values(width, scaling.BUDGETS[budget], *path))


def told_by(budgets, operations):
    slope, intercept, _ = fit_line(*scaling.frontier(scaling.BUDGETS[:budgets]))
    return 10 ** (slope * np.log10(operations) + intercept)


def crossing():
    slope, intercept, _ = fit_line(*scaling.frontier())
    return 10 ** ((np.log10(scaling.recorded()["limits"]["nats"]) - intercept) / slope)


LEARNED = ("auc", "learned")
# What the page says in words, {} standing for a number, and where that number comes from.
PROSE = (
    ("would still lose **{} nats**", lambda: scaling.recorded()["limits"]["nats"]),
    ("narrowest net is best: {} nats", lambda: at_best("best", budget=0, width=48)),
    ("against {} of the widest", lambda: at_best("", budget=0, width=144)),
    ("net of width 64 ({},", lambda: at_best("best", budget=2, width=64)),
    ("the narrowest {}), at", lambda: at_best("", budget=2, width=48)),
    ("that of width 96 ({},", lambda: at_best("best", budget=3, width=96)),
    ("the narrowest {}). A choice", lambda: at_best("", budget=3, width=48)),
    ("the best is at {},", lambda: at_best("best", budget=0, width=48)),
    ("then at {} nats", lambda: at_best("best", budget=1, width=48)),
    ("take the best from {} to", lambda: at_best("best", budget=1, width=48)),
    ("to {}.\n\n**Loss and exam", lambda: at_best("best", budget=2, width=64)),
    ("more fakes (AUC {}", lambda: at_best("", budget=3, width=48, path=LEARNED)),
    (" and {}, against", lambda: at_best("", budget=3, width=64, path=LEARNED)),
    (", against {}): they", lambda: at_best("", budget=3, width=96, path=LEARNED)),
    ("it promises {} nats at the fourth", lambda: told_by(3, scaling.BUDGETS[-1])),
    ("measured were {}.", lambda: at_best("best", budget=3, width=96)),
    ("it promises {:.3f} nats at Small", lambda: told_by(4, 1.4e18)),
    ("no net can be below {};", lambda: scaling.recorded()["limits"]["nats"]),
    ("floor at {:.1f} · 10¹⁵", lambda: crossing() / 1e15),
    ("some {:.0f} times the largest", lambda: crossing() / scaling.BUDGETS[-1]),
    ("of the slope, ± {},", lambda: fit_line(*scaling.frontier())[2]),
    ("on {:,.0f} hidden words", lambda: scaling.recorded()["hidden_words"]),
)


def test_every_number_in_the_prose_is_that_of_the_record(cells):
    text = "\n".join(cell.source for cell in cells if "recorded" in tags(cell))
    for fragment, number in PROSE:
        assert fragment.replace("{}", "{:.2f}").format(number()) in text, (fragment, number())
    spoken = [found for found in re.findall(r"(?<![\d.])\d\.\d+(?! · 10)", text)]
    assert len(spoken) == len([f for f, _ in PROSE if "{:,.0f}" not in f and "{:.0f}" not in f and "10¹⁵" not in f])


def test_what_the_prose_says_of_the_line_is_so():
    floor = scaling.recorded()["limits"]["nats"]
    assert told_by(3, scaling.BUDGETS[-1]) > max(scaling.values(96, scaling.BUDGETS[-1], "nats")), "it says too little"
    assert told_by(4, 1.4e18) < floor, "it says too much"
    best = max(scaling.WIDTHS, key=lambda width: at_best("", budget=3, width=width, path=LEARNED))
    assert best in (48, 64)
    assert scaling.values(144, scaling.BUDGETS[0], "steps")[0] == 44


def test_pictures_say_what_they_show():
    assert all(f"width {width}" in scaling_pictures.runs_picture().alt for width in scaling.WIDTHS)
    assert "reaches 81.3 at 96 h" in scaling_pictures.paper_picture().alt


def test_no_answer_of_an_exercise_stands_on_the_page(cells):
    texts = [cell.source for cell in cells]
    texts += [
        o.get("text", "") + str(o.get("data", {}).get("text/plain", "")) for c in cells for o in c.get("outputs", [])
    ]
    for number in ("81.33", "reaches 81.3", "1.43", "47,4", "0.258", "186.1"):
        assert not [text for text in texts if re.search(rf"(?<![\d.]){re.escape(number)}", text)], number


def test_all_of_notebook_18_is_here():
    assert [find(number).starred for number in CASES] == [True, True, True, True]
    (path,) = NOTEBOOKS.glob("18_*.ipynb")
    assert [t for c in code_cells(read(path)) for t in tags(c) if t.startswith("exercise-")] == [
        f"exercise-{n}" for n in CASES
    ]
