"""Notebook 08: what passes, what does not, and what each mistake is told; the learner's functions are run by the package."""

# ruff: noqa: E501

import math
from statistics import mean, median, stdev

import pytest
import torch

from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.leak import LEAKS, collected, leak_answer
from electra_helpers.course.exercises.n08_classification import (
    CHECKPOINT_ANSWER,
    LOGITS,
    REPORTED,
    efficiency_answer,
    layer_learning_rates,
    package_rates,
    sizes_beyond_spread,
)
from electra_helpers.course.labs import finetuning as lab
from electra_helpers.exchange.store import load
from electra_helpers.tasks.finetuning import finetune
from electra_helpers.training import optim
from tests.course.cases import Cases, hold

RATES = "def layer_learning_rates(n, lr, decay):\n"
GAINS, LEAK, READY = efficiency_answer(), leak_answer(), CHECKPOINT_ANSWER
TUNED, SCRATCH, FROZEN = (lab.label_scores("reviews", arm)[64] for arm in ("pretrained", "scratch", "frozen"))


def counted_by_halves() -> dict[str, int]:
    """What a learner counts for `seen` who stops halfway, or counts something else."""
    train, test = (part.column("text") for part in collected())
    joined = [" ".join(text.split()) for text in train], [" ".join(text.split()) for text in test]
    as_read = [text.lower() for text in joined[0]], [text.lower() for text in joined[1]]
    return {
        "lower": sum(text.lower() in {each.lower() for each in train} for text in test),
        "spaces": sum(text in set(joined[0]) for text in joined[1]),
        "stories": len(set(as_read[0]) & set(as_read[1])),
        "training": sum(text in set(as_read[1]) for text in as_read[0]),
    }


HALVES = counted_by_halves()

CASES = {
    "08.1": Cases(
        RATES + "    raise NotImplementedError",
        [
            RATES + "    return [lr * decay ** (n + 1 - depth) for depth in range(n + 2)]",
            RATES + "    rates = torch.full((n + 2,), lr, dtype=torch.float64)\n    for depth in range(n, -1, -1):\n        rates[depth] = rates[depth + 1] * decay\n    return rates",
            RATES + "    return [lr] if n < 0 else [layer_learning_rates(n - 1, lr * decay, decay)[0], *layer_learning_rates(n - 1, lr, decay)]",
        ],
        [
            (RATES + "    return [lr * decay ** depth for depth in range(n + 2)]", "Reversed"),
            (RATES + "    return [*(lr * decay ** (n + 2 - depth) for depth in range(n + 1)), lr]", "+ 2"),
            (RATES + "    return [*(lr * decay ** (n - depth) for depth in range(n + 1)), lr]", "head's rate"),
            (RATES + "    return [lr * decay ** (n + 2 - depth) for depth in range(n + 2)]", "The head itself"),
            (RATES + "    return [lr * decay ** (n - depth) for depth in range(n + 1)]", "there are 5 rates"),
            (RATES + "    return [lr] * (n + 2)", "no decay"),
            (RATES + "    return lr", "list of numbers"),
            (RATES + "    return [*(lr * decay ** (n + 1 - max(1, depth)) for depth in range(n + 1)), lr]", "rate of layer 1"),
            (RATES + "    return [lr / decay ** (n + 1 - depth) for depth in range(n + 2)]", "not divides"),
            (RATES + "    return [lr - decay * lr * (n + 1 - depth) for depth in range(n + 2)]", "takes off the same amount"),
            (RATES.replace("decay):", "decay, rates=[]):") + "    rates[:0] = [lr * decay ** (n + 1 - depth) for depth in range(n + 2)]\n    return rates", "kept between calls"),
            (RATES + "    return {depth: lr * decay ** (n + 1 - depth) for depth in range(n + 2)}", "no dictionary"),
            (RATES + "    return [f'{lr * decay ** (n + 1 - depth):.1e}' for depth in range(n + 2)]", "no text"),
            (RATES + "    return [lr * 0.1 ** (n + 1 - depth) for depth in range(n + 2)]", "a number of your own"),
        ],
    ),
    "08.2": Cases(
        dict.fromkeys(READY),
        [READY, READY | {"probability": round(READY["probability"], 2)}],
        [
            (READY | {"fine-tune": "the generator"}, "small helper"),
            (READY | {"fine-tune": "either, they share their weights"}, "layers of its own"),
            (READY | {"new": "the whole encoder"}, "names of the new tensors"),
            (READY | {"new": "nothing"}, "somebody drew them"),
            (READY | {"ready": "the discriminator"}, "trained on labels"),
            (READY | {"label": "[CLS]"}, "no words in them to decode"),
            (READY | {"label": "negative"}, "largest logit"),
            (READY | {"probability": 1 / (1 + math.exp(-LOGITS[2]))}, "sigmoid"),
            (READY | {"probability": 2.0}, "is the logit"),
            (READY | {"probability": 100 * READY["probability"]}, "not in per cent"),
            (READY | {"probability": LOGITS[2] / sum(LOGITS)}, "divided by their sum can lie above 1"),
            (READY | {"probability": 0.522}, "three sigmoids"),
            (READY | {"probability": 4 / sum(2**x for x in LOGITS)}, "not of 2"),
            (READY | {"probability": math.log(READY["probability"])}, "its logarithm"),
            (READY | {"probability": float("nan")}, "a number between 0 and 1"),
            (READY | {"label": 2}, "number of the largest logit"),
        ],
    ),
    "08.3": Cases(
        dict.fromkeys(GAINS),
        [GAINS, {name: value if isinstance(value, str) else round(value, 3) for name, value in reversed(GAINS.items())}],
        [
            (GAINS | {"gain at 64": max(TUNED) - min(SCRATCH)}, "largest gap"),
            (GAINS | {"gain at 64": max(TUNED) - max(SCRATCH)}, "best of five"),
            (GAINS | {"gain at 64": -GAINS["gain at 64"]}, "turned round"),
            (GAINS | {"sentiment gain at 64": -GAINS["sentiment gain at 64"]}, "mind the sign"),
            (GAINS | {"sizes": len(sizes_beyond_spread()) + 1}, "Twice the *larger* is asked for"),
            (GAINS | {"sizes": 7}, "is not it"),
            (GAINS | {"sizes": 64}, "*how many* of them"),
            (GAINS | {"sizes": 0}, "is not it"),
            (GAINS | {"gain at 64": median(TUNED) - median(SCRATCH)}, "of the medians"),
            (GAINS | {"gain at 64": mean(TUNED) - mean(FROZEN)}, "over the frozen arm"),
            (GAINS | {"gain at 64": mean(TUNED)}, "the accuracy itself"),
            (GAINS | {"gain at 64": 100 * GAINS["gain at 64"]}, "points of a hundred"),
            (GAINS | {"gain at 64": float("nan")}, "are numbers"),
            (GAINS | {"sentiment gain at 64": GAINS["gain at 64"]}, "gain for reviews"),
            (GAINS | {"report": REPORTED[0]}, "luck"),
            (GAINS | {"report": REPORTED[1]}, "training on it"),
        ],
    ),
    "08.4": Cases(
        dict.fromkeys(LEAK),
        [LEAK, LEAK | {"seen": float(LEAK["seen"])}],
        [
            (LEAK | {"leak": LEAKS[0]}, "no label stands in them"),
            (LEAK | {"leak": LEAKS[2]}, "both are there"),
            (LEAK | {"leak": LEAKS[3]}, "Nothing was chosen"),
            (LEAK | {"seen": 0}, "strings as they are"),
            (LEAK | {"seen": len(collected()[1]) - LEAK["seen"]}, "how many are new"),
            (LEAK | {"seen": 0.9}, "not a share"),
            (LEAK | {"seen": HALVES["lower"]}, "lower case is one half"),
            (LEAK | {"seen": HALVES["spaces"]}, "the spaces are one half"),
            (LEAK | {"seen": HALVES["stories"]}, "different stories"),
            (LEAK | {"seen": HALVES["training"]}, "rows of the training part"),
            (LEAK | {"split": "by row"}, "on one side"),
            (LEAK | {"split": "more shuffling"}, "scattered"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"torch": torch})


@pytest.mark.parametrize(("n", "decay"), [(2, 0.9), (12, 0.8), (24, 1.0)])
def test_the_readable_rates_are_the_packages(n, decay):
    assert layer_learning_rates(n, 3e-4, decay) == pytest.approx(package_rates(n, 3e-4, decay))


def test_a_learners_rates_drive_the_fine_tuning():
    rows, package = lab.world_rows("topic", "train", 12), optim.layer_scales

    def tuned(rates):
        with lab.own_rates(rates):
            return finetune("classification", load("electra-tiny-world-en"), rows, steps=2).net.state_dict()

    ours, own = tuned(package_rates), tuned(layer_learning_rates)
    head_only = tuned(lambda n, lr, decay: [0.0] * (n + 1) + [lr])
    start = load("electra-tiny-world-en").net.discriminator.encoder.layers[0].state_dict()
    moved = [name for name in start if not torch.equal(head_only[f"encoder.layers.0.{name}"], start[name])]
    assert all(torch.allclose(ours[name], own[name]) for name in ours)
    assert not moved, "a rate of 0 leaves a layer as it is"
    assert any(not torch.equal(ours[f"encoder.layers.0.{name}"], start[name]) for name in start)
    assert optim.layer_scales is package


def test_the_gains_are_those_of_the_recorded_seeds():
    assert len(TUNED) == len(SCRATCH) == 5
    assert GAINS["gain at 64"] == pytest.approx(mean(TUNED) - mean(SCRATCH))
    assert GAINS["gain at 64"] > 0.1, "ten points above the same net from scratch"
    assert (64 in sizes_beyond_spread()) == (GAINS["gain at 64"] > 2 * max(stdev(TUNED), stdev(SCRATCH)))


def test_copies_hide_from_a_comparison_of_strings():
    train, test = collected()
    assert not set(train.column("text")) & set(test.column("text"))
    tokens = load("electra-tiny-world-en").tokenizer
    read = {tuple(tokens.encode(text).ids) for text in train.column("text")}
    assert sum(tuple(tokens.encode(text).ids) in read for text in test.column("text")) == LEAK["seen"] > 0.8 * len(test)


def test_half_of_the_pairs_belong_together():
    pairs = lab.story_pairs(200)
    assert 70 < sum(row["label"] for row in pairs.rows) < 130
    turned = lab.turned_round(pairs)
    assert turned.rows[3]["text"] == pairs.rows[3]["pair"]
    assert turned.rows[3]["label"] == pairs.rows[3]["label"]


def test_a_score_stands_beside_its_baseline():
    rows = lab.world_rows("topic", "train", 16)
    made = finetune("classification", "electra-tiny-world-en", rows, steps=1)
    said = lab.beside_baseline(made, rows).split("\n")
    assert "always" in said[0]
    assert [line.split()[0] for line in said[1:]] == ["accuracy", "f1", "mcc"]


def test_the_bands_are_told_in_words():
    alt = lab.label_curves("sentiment", {16: 0.5, 64: 0.75}, majority=0.5).alt
    for part in ("from scratch: median", "yours: 0.50 at 16, 0.75 at 64", "most common label: 0.50", "at 1,024"):
        assert part in alt


def test_all_of_notebook_08_is_here():
    assert [find(number).starred for number in CASES] == [True, True, True, False]
