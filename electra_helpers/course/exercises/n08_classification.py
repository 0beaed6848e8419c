"""Exercises of notebook 08: learning rates by depth, checkpoints and heads, label efficiency, and a leak."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from statistics import mean, median, stdev
from typing import Any

from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.exercises.leak import leak_answer, leak_is_found
from electra_helpers.course.labs.finetuning import label_scores
from electra_helpers.language import ITEMS, joined, worded, wording
from electra_helpers.training.optim import layer_scales


def layer_learning_rates(n, lr, decay):
    """The learning rate of the embeddings, of layers 1 … n, and of the head."""
    rates = [lr]  # the head
    for _ in range(n + 1):  # layer n first, the embeddings last
        rates.append(rates[-1] * decay)
    return rates[::-1]


def package_rates(n, lr, decay):
    """The package's, as `finetune` uses them."""
    return [lr * scale for scale in layer_scales(n, decay)]


def _rates_follow_depth(function: Callable) -> None:
    found, right = _numbers(function, 3, 0.5, 0.1), package_rates(3, 0.5, 0.1)
    if len(found) != 5:
        raise Mistake(
            "With 3 layers there are 5 rates: embeddings, layers 1 to 3, the head. You return {count}.",
            count=len(found),
        )
    if _near(found, right[::-1]):
        raise Mistake(
            "Reversed: the head is new and learns fastest, the embeddings lie deepest and learn slowest. Begin with them."
        )
    if _near(found, [lr * 0.1 for lr in right[:-1]] + [0.5]):
        raise Mistake(
            "Off by one: your top layer learns at lr · decay². That is the admitted slip of the authors' code (+ 2); the"
            " paper has lr · decay."
        )
    if _near(found, [*right[1:], 0.5]):
        raise Mistake("Off by one: the top layer has the head's rate. It lies one step below: lr · decay.")
    if _near(found, [lr * 0.1 for lr in right]):
        raise Mistake("The head itself is not decayed: it learns at lr.")
    if _near(found, [right[1], *right[1:]]):
        raise Mistake(
            "The embeddings have the rate of layer 1. They lie one step below it: depth 0, so lr · decay to the n + 1."
        )
    if max(found) > 0.5:
        raise Mistake("A rate is larger than lr: decay is below 1, so each step down multiplies by it, not divides.")
    if len({round(b - a, 6) for a, b in pairwise(found)}) == 1 < len(set(found)):
        raise Mistake("Every step takes off the same amount. Each rate is decay *times* the one above: a factor.")
    if len(set(found)) == 1:
        raise Mistake("One rate for all depths is no decay: the learning rate shrinks with every layer downwards.")
    if not _near(found, right):
        raise Mistake(
            "With n = 3, lr = 0.5 and decay = 0.1 {right} is right, yours is {found}.", right=right, found=found
        )


def _any_depth_and_decay(function: Callable) -> None:
    if not _near(_numbers(function, 3, 0.5, 0.1), package_rates(3, 0.5, 0.1)):
        raise Mistake(
            "Right at the first call, wrong at the second with the same numbers: something is kept between calls, such as"
            " a list as default argument."
        )
    if not _near(_numbers(function, 12, 3e-4, 0.8), package_rates(12, 3e-4, 0.8)):
        raise Mistake("Right for 3 layers, wrong for 12: does a number of your own stand where n, lr or decay should?")
    if not _near(_numbers(function, 2, 1e-3, 1.0), [1e-3] * 4):
        raise Mistake("With decay 1 every depth learns at lr.")


def _numbers(function: Callable, *arguments: Any) -> list[float]:
    found = function(*arguments)
    if isinstance(found, dict) or (isinstance(found, list | tuple) and any(isinstance(x, str) for x in found)):
        raise Mistake("Return a list of numbers: no dictionary, and no text such as '3.0e-04'.")
    try:
        return [float(x) for x in found]
    except (TypeError, ValueError):
        raise Mistake("Return a list of numbers: embeddings, layers 1 … n, head.") from None


def _near(a: list[float], b: list[float]) -> bool:
    return len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-6) for x, y in zip(a, b, strict=True))


LOGITS, NAMES = (-1.2, 0.3, 2.0), ("negative", "neutral", "positive")
CHECKPOINTS = {
    "fine-tune": ("the discriminator", "the generator", "either, they share their weights"),
    "new": ("the classifier's head", "the embeddings", "the whole encoder", "nothing"),
    "ready": ("the discriminator", "the generator", "the fine-tuned folder", "none of them"),
}
CHECKPOINT_ANSWER = {
    "fine-tune": "the discriminator",
    "new": "the classifier's head",
    "ready": "the fine-tuned folder",
    "label": "positive",
    "probability": math.exp(2.0) / sum(map(math.exp, LOGITS)),
}


def _checkpoints_are_told_apart(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(CHECKPOINT_ANSWER):
        raise Mistake("Keep {checkpoint_answer}.", checkpoint_answer=joined(CHECKPOINT_ANSWER, ITEMS))
    for key, choices in CHECKPOINTS.items():
        if answers[key] not in choices:
            raise Mistake("{key}: choose one of {choices}.", key=key, choices=joined(choices))
    if answers["fine-tune"] == "the generator":
        raise Mistake("The generator is the small helper that made the fakes: what is kept is the discriminator.")
    if answers["fine-tune"] != CHECKPOINT_ANSWER["fine-tune"]:
        raise Mistake("They share their embeddings; each has layers of its own. Which one learnt at every token?")
    if answers["new"] == "nothing":
        raise Mistake("The list of new tensors above is not empty: pre-training knew no labels, so somebody drew them.")
    if answers["new"] != CHECKPOINT_ANSWER["new"]:
        raise Mistake("Read the names of the new tensors: do they begin with electra., as the encoder's do?")
    if answers["ready"] != CHECKPOINT_ANSWER["ready"]:
        raise Mistake("Ready means: it has a head that was trained on labels. Only one of the folders does.")
    _label_is_read(answers)


# What a mistake makes of the logits of 08.2, and what is said then.
TOLD_PROBABILITIES = (
    (100 * CHECKPOINT_ANSWER["probability"], wording("a number between 0 and 1, not in per cent.")),
    (
        2.0 / sum(LOGITS),
        wording("the logits themselves divided by their sum can lie above 1. e^logit first, then divide."),
    ),
    (
        1 / (1 + math.exp(-2.0)) / sum(1 / (1 + math.exp(-x)) for x in LOGITS),
        wording("three sigmoids divided by their sum are no softmax: e^logit first, then divide."),
    ),
    (2**2.0 / sum(2**x for x in LOGITS), wording("softmax takes powers of e, not of 2.")),
    (
        math.log(CHECKPOINT_ANSWER["probability"]),
        wording("that is its logarithm, what the loss is made of. e to it is P."),
    ),
)


def _label_is_read(answers: dict[str, Any]) -> None:
    if answers["label"] in (2, "2"):
        raise Mistake(
            "label: 2 is the number of the largest logit. Give the name that has this number: counted from 0."
        )
    if answers["label"] not in NAMES:
        raise Mistake(
            "label: one of negative, neutral, positive. Logits are scores of classes: there are no words in them to decode."
        )
    if answers["label"] != "positive":
        raise Mistake("The largest logit wins: the third of three names.")
    try:
        given = as_number(answers["probability"])
    except (TypeError, ValueError):
        raise Mistake("probability: a number between 0 and 1.") from None
    if abs(given - 1 / (1 + math.exp(-2.0))) < 0.005:
        raise Mistake(
            "That is the sigmoid of 2.0 alone. One label out of three: softmax, so that the three P sum to 1."
        )
    if abs(given - 2.0) < 0.005:
        raise Mistake("2.0 is the logit. Softmax turns the three logits into three P.")
    for value, message in TOLD_PROBABILITIES:
        if abs(given - value) < 0.005 * max(1.0, value):
            raise Mistake("probability: {message}", message=message)
    if abs(given - CHECKPOINT_ANSWER["probability"]) > 0.005:
        raise Mistake("probability: e^2.0 divided by the sum of e^logit over the three classes.")


REPORTED = ("the best seed", "the best of several settings on test", "mean and spread over seeds")


def sizes_beyond_spread() -> list[int]:
    """Numbers of labels at which fine-tuning's mean gain over scratch, on reviews, exceeds twice the larger standard deviation."""
    tuned, scratch = label_scores("reviews", "pretrained"), label_scores("reviews", "scratch")
    return [n for n in tuned if _gain(tuned[n], scratch[n]) > 2 * max(stdev(tuned[n]), stdev(scratch[n]))]


def _gain(tuned: list[float], scratch: list[float]) -> float:
    return mean(tuned) - mean(scratch)


def efficiency_answer() -> dict[str, Any]:
    """The right answer of 08.3."""
    tuned, scratch = label_scores("reviews", "pretrained")[64], label_scores("reviews", "scratch")[64]
    other = _gain(label_scores("sentiment", "pretrained")[64], label_scores("sentiment", "scratch")[64])
    return {
        "gain at 64": _gain(tuned, scratch),
        "sizes": len(sizes_beyond_spread()),
        "sentiment gain at 64": other,
        "report": REPORTED[2],
    }


def _why_no_gain(given: float, task: str) -> str:
    """What was computed in place of the gain of means with 64 labels, in words."""
    tuned, scratch, frozen = (label_scores(task, arm)[64] for arm in ("pretrained", "scratch", "frozen"))
    gain = _gain(tuned, scratch)
    told = (
        (max(tuned) - min(scratch), wording("the best seed against the worst of the other arm is the largest gap there is. Take means.")),
        (max(tuned) - max(scratch), wording("you compared the best seeds. The best of five flatters both arms: compare the means.")),
        (median(tuned) - median(scratch), wording("that is the difference of the medians. The mean counts every seed: take means.")),
        (-gain, wording("the sign is turned round: gain = fine-tuned − from scratch. Pre-training can cost something: mind the sign.")),
        (_gain(tuned, frozen), wording("that is over the frozen arm. From scratch is the net that has no pre-training at all.")),
        (100 * gain, wording("in shares as the accuracies are, not in points of a hundred.")),
        (mean(tuned), wording("that is the accuracy itself. A gain is what it is above the same net from scratch.")),
    )  # fmt: skip
    for value, message in told:
        if abs(given - value) < 0.002 * max(1, abs(value)):
            return message
    other = "sentiment" if task == "reviews" else "reviews"
    if abs(given - _gain(label_scores(other, "pretrained")[64], label_scores(other, "scratch")[64])) < 0.002:
        return worded("that is the gain for {other}.", other=other)
    return wording("the mean of the five fine-tuned accuracies less the mean of the five from scratch.")


def _sizes_are_counted(given: float) -> None:
    if given == len(sizes_beyond_spread()):
        return
    tuned, scratch = label_scores("reviews", "pretrained"), label_scores("reviews", "scratch")
    if given in tuned:
        raise Mistake(
            "sizes: {given:g} is one of the numbers of labels. Asked for is at *how many* of them it holds.",
            given=given,
        )
    if given == sum(_gain(tuned[n], scratch[n]) > max(stdev(tuned[n]), stdev(scratch[n])) for n in tuned):
        raise Mistake(
            "sizes: at {given:g} the gain is larger than one standard deviation, or twice the smaller of the two. Twice"
            " the *larger* is asked for.",
            given=given,
        )
    raise Mistake(
        "sizes: {given:g} is not it. At how many numbers of labels is the gain larger than twice the larger of the two"
        " standard deviations?",
        given=given,
    )


def _efficiency_is_read(answers: Any) -> None:
    right = efficiency_answer()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    try:
        given = {key: as_number(answers[key]) for key in ("gain at 64", "sizes", "sentiment gain at 64")}
    except (TypeError, ValueError):
        raise Mistake("The two gains and the number of sizes are numbers.") from None
    for key, task in (("gain at 64", "reviews"), ("sentiment gain at 64", "sentiment")):
        if abs(given[key] - right[key]) > 0.002:
            raise Mistake("{key}: {why_no_gain}", key=key, why_no_gain=_why_no_gain(given[key], task))
    _sizes_are_counted(given["sizes"])
    if answers["report"] not in REPORTED:
        raise Mistake("report: choose one of {reported}.", reported=joined(REPORTED))
    if answers["report"] == REPORTED[0]:
        raise Mistake("The best seed is luck, and nobody else gets it back.")
    if answers["report"] == REPORTED[1]:
        raise Mistake(
            "Choosing settings on test is training on it, slowly. Choose on validation; look at test once, at the end."
        )


EXERCISES = (
    Exercise(
        id="08.1",
        title="Learning rates by depth",
        kind="build",
        minutes=10,
        difficulty=1,
        starred=True,
        specification=(
            "layer_learning_rates(n, lr, decay) → n + 2 numbers: the learning rate of the embeddings, of layers 1 … n and of"
            " the head. The head learns at lr, everything below at decay times the rate of what lies above it."
        ),
        checks=(_rates_follow_depth, _any_depth_and_decay),
        hints=(
            "Write the rates from the head downwards, each decay times the one before. Which order is asked for?",
            "[lr] for the head, n + 1 times one more, the last one · decay; then turn the list round.",
        ),
        solution=layer_learning_rates,
        fallback=package_rates,
        variable="layer_learning_rates",
    ),
    Exercise(
        id="08.2",
        title="Checkpoints and heads",
        kind="decide",
        minutes=8,
        difficulty=2,
        starred=True,
        specification="Which checkpoint to fine-tune, what is new in it, which is ready, and a label from logits.",
        checks=(_checkpoints_are_told_apart,),
        hints=(
            "The table above says for each checkpoint what was found and what was drawn at random.",
            "Softmax: e^x of each logit, divided by their sum; the name has the number of the largest.",
        ),
        solution=CHECKPOINT_ANSWER,
        variable="my_checkpoints",
        why="The discriminator is kept; its classifier is new; only a fine-tuned folder predicts labels that mean something.",
    ),
    Exercise(
        id="08.3",
        title="What a label is worth",
        kind="measure",
        minutes=15,
        difficulty=2,
        starred=True,
        specification=(
            "From the recorded seeds: the mean gain of fine-tuning over scratch with 64 labels, on reviews and for the sentiment of"
            " stories; at how many sizes the gain on reviews exceeds twice the larger standard deviation; and what to report."
        ),
        checks=(_efficiency_is_read,),
        hints=(
            "lab.label_scores(what, arm)[64] are five accuracies. Means first, then their difference.",
            "statistics.mean and statistics.stdev; loop over the sizes and count.",
        ),
        solution=efficiency_answer(),
        variable="my_gains",
        why="Five seeds, their mean, and their spread; the settings were chosen without the test part.",
    ),
    Exercise(
        id="08.4",
        title="Too good",
        kind="find",
        minutes=12,
        difficulty=2,
        specification="Which leak makes the report so good, how many test rows are touched, and how to split instead.",
        checks=(leak_is_found,),
        hints=(
            "Take one test text and search the training part for its first sentence.",
            'as_read = " ".join(text.lower().split()); a set of the training part\'s; count the test rows in it.',
        ),
        solution=leak_answer(),
        variable="my_leak",
        why="Copies of a story on both sides: the model is asked what it has learnt by heart. Split by story, then count again.",
    ),
)
