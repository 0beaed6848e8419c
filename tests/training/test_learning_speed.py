"""Tokens until an exam is passed: found between two evaluations, told for each seed, and every arm is one that can be trained."""

import math
from dataclasses import replace

import pytest

from electra_helpers.recipes import recipe
from tests.benchmarks import learning_speed as speed


def curve(*scores):
    return [{"tokens": 1_000 * (i + 1), "exam": score} for i, score in enumerate(scores)]


def test_the_crossing_lies_on_the_line_between_two_evaluations():
    assert speed.tokens_until(curve(0.5, 0.6, 0.8), "exam", 0.7) == pytest.approx(2_500)
    assert speed.tokens_until(curve(0.5, 0.8, 0.6, 0.9), "exam", 0.7) == pytest.approx(1_666.7, abs=0.1)  # the first
    assert speed.tokens_until(curve(0.9, 0.8), "exam", 0.7) == 1_000
    assert math.isinf(speed.tokens_until(curve(0.5, 0.6), "exam", 0.7))


def test_the_table_tells_every_seed_and_who_never_got_there():
    def run(*scores):
        points = [{"tokens": 1_000_000 * (i + 1), "mlm_accuracy": 0.25} for i in range(len(scores))]
        exams = [dict.fromkeys(speed.EXAMS, score) for score in scores]
        return {"curve": [p | e for p, e in zip(points, exams, strict=True)], "cpu_seconds": 40.0}

    told = speed.table({"the recipe, seed 0": run(0.5, 0.95), "the recipe, seed 1": run(0.5, 0.6)})
    line = told.splitlines()[-1]
    assert line.startswith("| the recipe |")
    assert line.count("never") == 2
    assert "0.950/0.950, 0.600/0.600" in line


def test_arms_differ_from_the_recipe_in_what_their_name_says():
    tiny = recipe("tiny")
    for name, arm in speed.ARMS.items():
        changed = arm.pretrain | arm.model
        assert all(key in name and str(value).removesuffix(".0") in name for key, value in changed.items())
        assert replace(tiny.pretrain, **arm.pretrain) != tiny.pretrain or arm.model or name == "the recipe"
        replace(tiny.model, **arm.model)


@pytest.mark.slow
def test_a_run_tells_tokens_and_scores_of_every_evaluation(own_cache):
    found = speed.learn(speed.ARMS["the recipe"], 0, steps=4, every=2, stories=120)
    assert [point["step"] for point in found["curve"]] == [2, 4]
    first, last = (point["tokens"] for point in found["curve"])
    assert 0 < first < last <= 4 * 16 * 176
    assert set(speed.EXAMS) <= set(found["curve"][0])
