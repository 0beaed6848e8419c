"""Exercises of notebook 14: rows that may be learned from, a split by group, class weights, one step of the loop, and what is reported."""

from __future__ import annotations

import copy
import math
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.language import ITEMS, joined


def cleaned(rows):
    """Rows with a label, spelled one way; without the desk's note; of messages that are alike the first."""
    seen, kept = set(), []
    for row in rows:
        label = row["label"].strip().lower()
        message = re.sub(r"\s*\[fwd: [^\]]*\]", "", row["message"]).strip()
        key = " ".join(message.lower().split())
        if label and key not in seen:
            seen.add(key)
            kept.append(row | {"message": message, "label": label})
    return kept


def split_by_group(rows, share, seed=0):
    """Customers in a random order; the first are held out until their rows reach the share."""
    customers = sorted({row["customer"] for row in rows})
    random.Random(seed).shuffle(customers)
    held_out, taken = set(), 0
    for customer in customers:
        if taken >= share * len(rows):
            break
        held_out.add(customer)
        taken += sum(row["customer"] == customer for row in rows)
    return [r for r in rows if r["customer"] not in held_out], [r for r in rows if r["customer"] in held_out]


def class_weights(labels, kinds):
    """n / (K · count) for each kind; a kind that is not there counts as one row."""
    return [len(labels) / (len(kinds) * max(1, list(labels).count(kind))) for kind in kinds]


def training_step(net, batch, targets, weights, optimizer):
    """One step: gradients cleared, dropout on, weighted cross-entropy, clipped at 1, update; returns the loss as a number."""
    net.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(net(batch), targets, weight=weights)  # logits, not probabilities
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def _row(customer: str, message: str, label: str) -> dict[str, str]:
    return {"customer": customer, "message": message, "label": label}


MESSY = [
    _row("a", "My wheel wobbles.", "Complaint"),
    _row("b", "Are you open?", "question "),
    _row("c", "my  wheel WOBBLES. ", "complaint"),
    _row("d", "Still no pedals.", ""),
    _row("e", "Still no pedals. [fwd: complaints desk]", "COMPLAINT"),
    _row("f", "You are wizards.", "praise"),
    _row("e", "Still no pedals.", "complaint"),
    _row("g", "Thanks!", "  "),
    _row("h", "Are you open? I need a bell.", "question"),
]
TIDY = [MESSY[0] | {"label": "complaint"}, MESSY[1] | {"label": "question"}, MESSY[4], MESSY[5], MESSY[8]]
TIDY[2] = MESSY[4] | {"message": "Still no pedals.", "label": "complaint"}


def _rows_are_cleaned(function: Callable) -> None:
    given = copy.deepcopy(MESSY)
    found = function(given)
    if given != MESSY:
        raise Mistake("You changed the rows that were passed in. Make new ones: row | {…} is a copy with other values.")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Mistake("Return a list of rows, each a dictionary with all of its columns.")
    texts, labels = [row.get("message", "") for row in found], [row.get("label", "") for row in found]
    if any(not label.strip() for label in labels):
        raise Mistake("An empty label is no class of its own: leave these rows out.")
    if any(label != label.strip().lower() for label in labels):
        raise Mistake("Complaint, COMPLAINT and 'complaint ' are one class: strip and lower-case the label.")
    if any("[fwd:" in text for text in texts):
        raise Mistake(
            "The note [fwd: …] was written after somebody knew the label. With it in the text the label leaks."
        )
    _copies_are_gone(found, texts)


def _copies_are_gone(found: list[dict], texts: list[str]) -> None:
    alike = [" ".join(text.lower().split()) for text in texts]
    if alike.count("still no pedals.") == 2:
        raise Mistake("Two messages differ by the note alone: take it off before you look for copies.")
    if len(set(alike)) < len(alike):
        raise Mistake("Two messages are alike but for case and spaces: compare ' '.join(text.lower().split()).")
    if "still no pedals." not in alike:
        raise Mistake("The first copy has no label, a later one has: only rows that are kept make others a copy.")
    if len(found) < len(TIDY):
        raise Mistake("Too few rows: keep the first of each message, and every message that only begins like another.")
    if [row.get("customer") for row in found] != [row["customer"] for row in TIDY]:
        raise Mistake("Of copies keep the first, and leave the rows in their order (a set has none).")
    if [{k: row.get(k) for k in TIDY[0]} for row in found] != TIDY:
        tidy = [row["message"] for row in TIDY]
        raise Mistake("On the check's nine rows the right result is {tidy}, as they are written.", tidy=tidy)


GROUPED = [_row(f"k{number % 40}", f"message {number}", "question") for number in range(100)]


def _no_customer_is_on_both_sides(function: Callable) -> None:
    found = function(list(GROUPED), 0.25, 3)
    if not (isinstance(found, tuple | list) and len(found) == 2):
        raise Mistake("Return two lists: the rows to learn from, and the rows held out.")
    train, held_out = map(list, found)
    both = {row["customer"] for row in train} & {row["customer"] for row in held_out}
    if both:
        raise Mistake(
            "{count} customers are on both sides. Draw customers, not rows: what one person writes is alike.",
            count=len(both),
        )
    if sorted(row["message"] for row in train + held_out) != sorted(row["message"] for row in GROUPED):
        raise Mistake("Every row belongs to exactly one side.")
    if len(train) < len(held_out):
        raise Mistake("The share is that of the rows held out, the second list.")
    if not 0.18 <= len(held_out) / len(GROUPED) <= 0.32:
        raise Mistake(
            "A share of 0.25 was asked for; {held_out} of {total} rows are held out.",
            held_out=len(held_out),
            total=len(GROUPED),
        )


def _the_seed_decides(function: Callable) -> None:
    def chosen(seed: int) -> set[str]:
        return {row["customer"] for row in function(list(GROUPED), 0.25, seed)[1]}

    if chosen(3) != chosen(3):
        raise Mistake(
            "The same seed gives another split: use random.Random(seed), not the module's own state or a set's order."
        )
    if len({frozenset(chosen(seed)) for seed in range(5)}) < 3:
        raise Mistake("Whatever the seed, the same customers are held out: shuffle them by it.")


COUNTED = ["q"] * 6 + ["c"] * 3 + ["p"]
WEIGHTS = (10 / 18, 10 / 9, 10 / 3)


def _rare_classes_weigh_more(function: Callable) -> None:
    found = _numbers(function(list(COUNTED), ["q", "c", "p"]), 3)
    if _near(found, WEIGHTS):
        return
    if found[0] > found[2]:
        raise Mistake("The commonest class got the largest weight: that is its frequency. Rare classes weigh more.")
    if _near(found, [w / sum(WEIGHTS) for w in WEIGHTS]) or _near(found, [1 / 6, 1 / 3, 1.0]):
        raise Mistake(
            "The proportions are right, the size is not: with n / (K · count) the mean weight of a row is 1, so "
            "the learning rate keeps its meaning."
        )
    if _near(found, [10 / 6, 10 / 3, 10.0]):
        raise Mistake("Divide by the number of classes as well: n / (K · count).")
    raise Mistake(
        "For six q, three c and one p the weights are {weights}.", weights=joined((f"{w:.3f}" for w in WEIGHTS), ITEMS)
    )


def _order_and_absence(function: Callable) -> None:
    if not _near(_numbers(function(list(COUNTED), ["p", "q", "c"]), 3), (WEIGHTS[2], WEIGHTS[0], WEIGHTS[1])):
        raise Mistake("The weights stand in the order of kinds, whatever comes first in the data.")
    try:
        found = _numbers(function(["q", "q"], ["q", "c"]), 2)
    except ZeroDivisionError:
        raise Mistake("A class without a row divides by zero: count it as one row.") from None
    if not all(map(math.isfinite, found)):
        raise Mistake("A class without a row has no finite weight: count it as one row.")


def _numbers(found: Any, count: int) -> list[float]:
    try:
        values = [float(value) for value in found]
    except (TypeError, ValueError):
        raise Mistake("Return a list of numbers, one for each of kinds.") from None
    if len(values) != count:
        raise Mistake(
            "Return one weight for each of the {right} kinds; yours are {found}.", right=count, found=len(values)
        )
    return values


def _near(found: Sequence[float], right: Sequence[float]) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(found, right, strict=True))


class Toy(torch.nn.Module):
    """Three classes from five numbers; remembers in which mode it was asked."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.out = torch.nn.Linear(5, 3)
        self.scale, self.trained_in = scale, []

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.trained_in.append(self.training)
        return self.scale * self.out(batch)


def _stepped(function: Callable, *, scale: float = 1.0, steps: int = 1, weights: Sequence[float] = (1.0, 1.0, 1.0)):
    net = Toy(scale).eval()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    batch, targets = torch.randn(7, 5, generator=torch.Generator().manual_seed(2)), torch.tensor([0, 1, 2, 2, 1, 0, 2])
    losses = [function(net, batch, targets, torch.tensor(weights), optimizer) for _ in range(steps)]
    return net, losses


def _one_step_is_right(function: Callable) -> None:
    (net, losses), (right, wanted) = _stepped(function), _stepped(training_step)
    if not all(net.trained_in):
        raise Mistake("The net was in eval mode: without net.train() there is no dropout while you fine-tune.")
    if isinstance(losses[0], torch.Tensor) or not isinstance(losses[0], float):
        raise Mistake("Return loss.item(), a number: a tensor keeps the whole graph in memory.")
    if torch.equal(net.out.weight, Toy().out.weight):
        raise Mistake("No weight moved: loss.backward(), then optimizer.step().")
    if not math.isclose(losses[0], wanted[0], rel_tol=1e-4):
        raise Mistake(
            "The loss is another: F.cross_entropy takes logits (its softmax is inside) and averages over the rows."
        )
    if not torch.allclose(net.out.weight, right.out.weight, atol=1e-6):
        raise Mistake("The loss is right and the step is not: one backward pass and one optimizer step a batch.")


def _nothing_is_left_of_the_step_before(function: Callable) -> None:
    (net, _), (right, _) = _stepped(function, steps=3), _stepped(training_step, steps=3)
    if not torch.allclose(net.out.weight, right.out.weight, atol=1e-6):
        raise Mistake("The second step goes elsewhere: gradients add up until optimizer.zero_grad() clears them.")


def _weights_are_used(function: Callable) -> None:
    weights = (0.2, 1.0, 4.0)
    (net, losses), (right, wanted) = _stepped(function, weights=weights), _stepped(training_step, weights=weights)
    if math.isclose(losses[0], _stepped(training_step)[1][0], rel_tol=1e-4):
        raise Mistake("The class weights change nothing: F.cross_entropy(logits, targets, weight=weights).")
    if not math.isclose(losses[0], wanted[0], rel_tol=1e-4) or not torch.allclose(
        net.out.weight, right.out.weight, atol=1e-6
    ):
        raise Mistake("A weighted mean divides by the sum of the rows' weights, as F.cross_entropy(…, weight=…) does.")


def _gradients_are_clipped(function: Callable) -> None:
    net, _ = _stepped(function, scale=200.0)
    moved = sum(float((a - b).square().sum()) for a, b in zip(net.parameters(), Toy().parameters(), strict=True)) ** 0.5
    if moved > 0.11:  # a norm of 1 times the learning rate of 0.1
        raise Mistake(
            "A loss that is 200 times as steep moves the weights that far: clip the norm of the gradient to 1."
        )


REPORTS = (
    "the best validation score of the search",
    "the test score of the run that validation chose",
    "the best test score of the search",
)
THRESHOLDS = ("the training rows", "the validation rows", "the test rows")
REPORT_ANSWER = {
    "report": REPORTS[1],
    "threshold chosen on": THRESHOLDS[1],
    "error of the accuracy": math.sqrt(0.8 * 0.2 / 36),
}


def _the_report_is_honest(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(REPORT_ANSWER):
        raise Mistake("Keep {report_answer}.", report_answer=joined(REPORT_ANSWER, ITEMS))
    if answers["report"] not in REPORTS or answers["threshold chosen on"] not in THRESHOLDS:
        told = {"reports": joined(REPORTS), "thresholds": joined(THRESHOLDS)}
        raise Mistake("report: one of {reports}. threshold chosen on: one of {thresholds}.", **told)
    if answers["report"] == REPORTS[0]:
        raise Mistake("The best of several runs was lucky on just these rows: its validation score flatters.")
    if answers["report"] == REPORTS[2]:
        raise Mistake("A run chosen by its test score has seen the test rows. They are asked once, at the end.")
    if answers["threshold chosen on"] == THRESHOLDS[0]:
        raise Mistake("On rows that it learned from a model is far too sure of itself.")
    if answers["threshold chosen on"] == THRESHOLDS[2]:
        raise Mistake("A threshold chosen on the test rows looks better there than anywhere else.")
    _the_error_is_counted(answers["error of the accuracy"])


def _the_error_is_counted(value: Any) -> None:
    try:
        error = float(value)
    except (TypeError, ValueError):
        raise Mistake("error of the accuracy is a number: one standard error.") from None
    if math.isclose(error, 0.8 * 0.2 / 36, rel_tol=0.02):
        raise Mistake("That is the variance: take the square root.")
    if math.isclose(error, math.sqrt(0.8 * 0.2), rel_tol=0.02):
        raise Mistake("That is the spread of one row. The mean of 36 rows varies less: divide by √36.")
    if math.isclose(error, 1.96 * REPORT_ANSWER["error of the accuracy"], rel_tol=0.03):
        raise Mistake("That is the 95 % interval. One standard error was asked for.")
    if not math.isclose(error, REPORT_ANSWER["error of the accuracy"], rel_tol=0.02):
        raise Mistake("One standard error of an accuracy p over n rows is √(p (1 − p) / n), with p = 0.8 and n = 36.")


EXERCISES = (
    Exercise(
        id="14.1",
        title="Rows that may be learned from",
        kind="build",
        minutes=15,
        difficulty=2,
        specification="rows (dictionaries with customer, message, label) → the rows that may be learned from: label stripped and "
        "lower-cased, empty labels left out, the note [fwd: …] taken off, of messages that are alike but for case and spaces the first.",
        checks=(_rows_are_cleaned,),
        hints=(
            "Four things a row: its label in one spelling, its text without the note, a key for comparing, and whether to keep it.",
            'key = " ".join(message.lower().split()); keep a set of the keys of rows that you kept.',
        ),
        solution=cleaned,
        variable="cleaned",
        fallback=cleaned,
        starred=True,
    ),
    Exercise(
        id="14.2",
        title="Split by customer",
        kind="build",
        minutes=12,
        difficulty=2,
        specification="rows, share, seed → (rows to learn from, rows held out): about that share of the rows held out, and no customer "
        "on both sides; the seed alone decides.",
        checks=(_no_customer_is_on_both_sides, _the_seed_decides),
        hints=(
            "Shuffle the customers, not the rows.",
            "random.Random(seed).shuffle(sorted customers); take customers until their rows reach share · len(rows).",
        ),
        solution=split_by_group,
        variable="split_by_group",
        fallback=split_by_group,
    ),
    Exercise(
        id="14.3",
        title="Class weights",
        kind="build",
        minutes=6,
        difficulty=1,
        specification="labels (n), kinds (K) → K weights, n / (K · count of the kind); a kind without a row counts as one row.",
        checks=(_rare_classes_weigh_more, _order_and_absence),
        hints=(
            "A class with a third of the rows of K = 3 has the weight 1.",
            "len(labels) / (len(kinds) * max(1, labels.count(kind)))",
        ),
        solution=class_weights,
        variable="class_weights",
        fallback=class_weights,
    ),
    Exercise(
        id="14.4",
        title="One step of fine-tuning",
        kind="build",
        minutes=15,
        difficulty=2,
        specification="net, batch, targets (B,), weights (K,), optimizer → the loss as a number, after one step: training mode, gradients "
        "cleared, cross-entropy with class weights, the norm of the gradient clipped to 1, update.",
        checks=(_one_step_is_right, _nothing_is_left_of_the_step_before, _gradients_are_clipped, _weights_are_used),
        hints=(
            "Six lines: train, zero_grad, loss, backward, clip, step; then return a number.",
            "F.cross_entropy(net(batch), targets, weight=weights); torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0).",
        ),
        solution=training_step,
        variable="training_step",
        fallback=training_step,
        starred=True,
    ),
    Exercise(
        id="14.5",
        title="What you report",
        kind="decide",
        minutes=8,
        difficulty=2,
        specification="Which score is reported, on which rows a threshold is chosen, the error of an accuracy of 0.8 over 36 rows.",
        checks=(_the_report_is_honest,),
        hints=(
            "Every choice (rate, epochs, threshold) is made before the test rows are read.",
            "√(p (1 − p) / n).",
        ),
        solution=REPORT_ANSWER,
        variable="my_report",
        why="Whatever was chosen on rows flatters on these rows; test rows are read once. And 36 rows leave an error of 0.067.",
        starred=True,
    ),
)
