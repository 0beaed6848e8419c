"""Notebook 14: what passes, what does not, and what each mistake is told; the file is as messy as the page says."""

# ruff: noqa: E501

import math
import random
import re

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import FinetuneConfig
from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.n14_your_own_data import (
    REPORT_ANSWER,
    REPORTS,
    THRESHOLDS,
    class_weights,
    cleaned,
)
from electra_helpers.course.labs import practice as lab
from electra_helpers.exchange.store import load
from electra_helpers.reading.labelled import labelled
from electra_helpers.tasks.classification import Classification
from electra_helpers.tasks.finetuning import finetune
from tests.course.cases import Cases, hold

CLEAN = "def cleaned(rows):\n    seen, kept = set(), []\n    for row in rows:\n        label = {label}\n        message = {message}\n        key = {key}\n        if {keep}:\n            seen.add(key)\n            kept.append({row})\n    return kept"
PARTS = {
    "label": "row['label'].strip().lower()",
    "message": r"re.sub(r'\s*\[fwd: .*?\]', '', row['message']).strip()",
    "key": "' '.join(message.lower().split())",
    "keep": "label and key not in seen",
    "row": "{**row, 'message': message, 'label': label}",
}


def clean(**parts):
    return CLEAN.format(**PARTS | parts)


SPLIT = "def split_by_group(rows, share, seed=0):\n"
GROUPS = (
    SPLIT
    + "    names = sorted({{r['customer'] for r in rows}})\n    {shuffle}\n    out, n = set(), 0\n    while n < share * len(rows):\n        c = names.pop()\n        out.add(c)\n        n += sum(r['customer'] == c for r in rows)\n    return {sides}"
)
SIDES = "[r for r in rows if r['customer'] not in out], [r for r in rows if r['customer'] in out]"
SHUFFLE = "random.Random(seed).shuffle(names)"
WEIGH = "def class_weights(labels, kinds):\n    return [{} for kind in kinds]"
STEP = "def training_step(net, batch, targets, weights, optimizer):\n"
LINES = {
    "mode": "net.train()",
    "clear": "optimizer.zero_grad()",
    "loss": "loss = F.cross_entropy(net(batch), targets, weight=weights)",
    "back": "loss.backward()",
    "clip": "torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)",
    "step": "optimizer.step()",
    "end": "return loss.item()",
}


def step(**lines):
    return STEP + "".join(f"    {line}\n" for line in (LINES | lines).values() if line)


CASES = {
    "14.1": Cases(
        "def cleaned(rows):\n    raise NotImplementedError",
        [
            clean(),
            "def cleaned(rows):\n    found = {}\n    for row in rows:\n        text = row['message'].split(' [fwd:')[0].strip()\n        label = row['label'].lower().strip()\n        if label:\n            found.setdefault(tuple(text.casefold().split()), row | {'message': text, 'label': label})\n    return list(found.values())",
        ],
        [
            (clean(keep="key not in seen"), "no class of its own"),
            (clean(label="row['label'].lower()", keep="label.strip() and key not in seen"), "strip and lower-case"),
            (clean(label="row['label'].strip()"), "strip and lower-case"),
            (clean(message="row['message'].strip()"), "the label leaks"),
            (clean(key="' '.join(row['message'].lower().split())"), "before you look for copies"),
            (clean(key="message"), "but for case and spaces"),
            (clean(key="message.lower()"), "but for case and spaces"),
            (clean(key="' '.join(message.lower().split())[:13]"), "Too few rows"),
            (CLEAN.format(**PARTS).replace("        if label and key not in seen:\n            seen.add(key)\n", "        new = key not in seen\n        seen.add(key)\n        if label and new:\n"), "a later one has"),
            (clean(row="row").replace("kept.append(row)", "row.update(message=message, label=label)\n            kept.append(row)"), "passed in"),
            ("def cleaned(rows):\n    found = {}\n    for row in rows:\n        text = row['message'].split(' [fwd:')[0].strip()\n        label = row['label'].lower().strip()\n        if label:\n            found[' '.join(text.lower().split())] = row | {'message': text, 'label': label}\n    return list(found.values())", "keep the first"),
            (clean(message=PARTS["message"] + ".lower()"), "as they are written"),
            (clean(row="message"), "list of rows"),
        ],
    ),
    "14.2": Cases(
        SPLIT + "    raise NotImplementedError",
        [
            GROUPS.format(shuffle=SHUFFLE, sides=SIDES),
            SPLIT + "    names = sorted({r['customer'] for r in rows})\n    order = np.random.default_rng(seed).permutation(len(names))\n    out = {names[i] for i in order[: round(share * len(names))]}\n    return " + SIDES,
        ],
        [
            (SPLIT + "    rows = list(rows)\n    random.Random(seed).shuffle(rows)\n    n = round(share * len(rows))\n    return rows[n:], rows[:n]", "Draw customers, not rows"),
            (GROUPS.format(shuffle="pass", sides=SIDES), "shuffle them by it"),
            (GROUPS.format(shuffle="random.shuffle(names)", sides=SIDES), "another split"),
            (GROUPS.format(shuffle=SHUFFLE, sides=", ".join(reversed(SIDES.split(", ")))), "the second list"),
            (GROUPS.format(shuffle=SHUFFLE, sides=SIDES).replace("share * len(rows)", "0.5 * share * len(rows)"), "0.25 was asked for"),
            (GROUPS.format(shuffle=SHUFFLE, sides=SIDES.replace("r for r in rows if r['customer'] in", "r for r in rows[:50] if r['customer'] in")), "exactly one side"),
            (GROUPS.format(shuffle=SHUFFLE, sides="out"), "two lists"),
        ],
    ),
    "14.3": Cases(
        "def class_weights(labels, kinds):\n    raise NotImplementedError",
        [
            WEIGH.format("len(labels) / len(kinds) / max(1, labels.count(kind))"),
            "def class_weights(labels, kinds):\n    n = np.maximum([sum(x == k for x in labels) for k in kinds], 1)\n    return len(labels) / (len(kinds) * n)",
        ],
        [
            (WEIGH.format("labels.count(kind) / len(labels)"), "its frequency"),
            (WEIGH.format("1 / max(1, labels.count(kind))"), "the size is not"),
            (WEIGH.format("len(labels) / max(1, labels.count(kind))"), "number of classes"),
            (WEIGH.format("len(labels) / len(kinds) / labels.count(kind)"), "divides by zero"),
            (WEIGH.format("float(np.float64(len(labels)) / len(kinds) / labels.count(kind)) if labels.count(kind) else float('inf')"), "no finite weight"),
            ("def class_weights(labels, kinds):\n    return [len(labels) / (len(kinds) * max(1, labels.count(k))) for k in dict.fromkeys([*labels, *kinds])]", "order of kinds"),
            ("def class_weights(labels, kinds):\n    return 1.0", "a list of numbers"),
            ("def class_weights(labels, kinds):\n    return [1.0]", "one weight for each"),
            (WEIGH.format("1.0"), "0.556"),
        ],
    ),
    "14.4": Cases(
        STEP + "    raise NotImplementedError",
        [
            step(),
            step(clear="net.zero_grad(set_to_none=True)", end="return float(loss.detach())"),
            step(loss="log_p = F.log_softmax(net(batch), -1)\n    loss = F.nll_loss(log_p, targets, weights)"),
            step(clear="", end="optimizer.zero_grad()\n    return loss.item()"),
        ],
        [
            (step(mode=""), "eval mode"),
            (step(mode="net.eval()"), "eval mode"),
            (step(clear=""), "gradients add up"),
            (step(loss="loss = F.cross_entropy(net(batch).softmax(-1), targets, weight=weights)"), "takes logits"),
            (step(loss="loss = F.cross_entropy(net(batch), targets, weight=weights, reduction='sum')"), "averages over the rows"),
            (step(loss="loss = F.cross_entropy(net(batch), targets)"), "change nothing"),
            (step(loss="loss = (weights[targets] * F.cross_entropy(net(batch), targets, reduction='none')).mean()"), "sum of the rows' weights"),
            (step(back="", step=""), "No weight moved"),
            (step(step="optimizer.step()\n    optimizer.step()"), "one optimizer step"),
            (step(clip=""), "clip the norm"),
            (step(end="return loss"), "keeps the whole graph"),
        ],
    ),
    "14.5": Cases(
        dict.fromkeys(REPORT_ANSWER),
        [REPORT_ANSWER, REPORT_ANSWER | {"error of the accuracy": 0.067}],
        [
            (REPORT_ANSWER | {"report": REPORTS[0]}, "lucky"),
            (REPORT_ANSWER | {"report": REPORTS[2]}, "asked once"),
            (REPORT_ANSWER | {"threshold chosen on": THRESHOLDS[0]}, "too sure"),
            (REPORT_ANSWER | {"threshold chosen on": THRESHOLDS[2]}, "better there"),
            (REPORT_ANSWER | {"error of the accuracy": 0.4}, "√36"),
            (REPORT_ANSWER | {"error of the accuracy": 0.16 / 36}, "variance"),
            (REPORT_ANSWER | {"error of the accuracy": 0.131}, "95 %"),
            (REPORT_ANSWER | {"error of the accuracy": math.nan}, "standard error"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(
        exercise_id,
        CASES[exercise_id],
        define,
        {"np": np, "math": math, "re": re, "random": random, "torch": torch, "F": F},
    )


def test_the_weights_are_the_packages():
    rows = [{"text": str(n), "label": label} for n, label in enumerate(["q"] * 6 + ["c"] * 3 + ["p"])]
    task = Classification.from_data(labelled(rows), FinetuneConfig(class_weights="balanced"))
    assert class_weights([row["label"] for row in rows], task.labels) == pytest.approx(task.weights)


def test_the_file_is_as_messy_as_the_page_says():
    rows = lab.messages()
    assert len(rows) == 178
    assert sum(not row["label"].strip() for row in rows) == 7
    assert all("complaint" in row["label"].lower() or not row["label"] for row in rows if "[fwd:" in row["message"])
    assert {row["label"].strip().lower() for row in rows if row["desk"] == "returns"} == {"complaint"}
    tidy = cleaned(rows)
    assert lab.counts(tidy, "label") == {"question": 91, "complaint": 53, "praise": 17}
    texts = [row["message"] for row in tidy]
    tokenizer = load("electra-mini-en").tokenizer
    assert max(len(tokenizer.encode(text).ids) for text in texts) <= lab.LENGTH


def test_batches_hold_every_row_once_with_its_label():
    rows = cleaned(lab.messages())[:37]
    tokenizer = load("electra-mini-en").tokenizer
    found = list(lab.batches(tokenizer, rows, size=16, seed=3))
    assert [len(targets) for _, targets in found] == [16, 16, 5]
    labels = torch.cat([targets for _, targets in found]).tolist()
    assert sorted(labels) == sorted(lab.LABELS.index(row["label"]) for row in rows)


def test_certainty_counts_every_row_in_one_band():
    rows = [{"label": "praise"}] * 4
    said = [{"label": "praise", "probability": p} for p in (0.5, 0.7, 1.0)] + [
        {"label": "question", "probability": 0.7}
    ]
    found = lab.certainty(rows, said, (0.0, 0.6, 0.8, 1.0))
    assert [(band["rows"], band["is right"]) for band in found] == [(1, 1.0), (2, 0.5), (1, 1.0)]
    assert lab.sorted_alone(rows, said, 0.7) == (0.75, pytest.approx(2 / 3))
    assert lab.sorted_alone(rows, said, 1.1) == (0.0, 1.0)


def test_a_saved_model_says_the_same_in_a_fresh_process_and_in_transformers(tmp_path):
    rows = [{"text": row["message"], "label": row["label"]} for row in cleaned(lab.messages())[:24]]
    made = finetune("classification", "electra-tiny-world-en", rows, steps=1, batch_size=8, device="cpu")
    texts = [row["text"] for row in rows[:3]]
    ours = np.array([list(said["probabilities"].values()) for said in made.predict(texts)])
    folder = made.save(tmp_path / "saved")
    assert np.abs(lab.in_a_fresh_process(folder, texts) - ours).max() < 1e-6
    assert np.abs(lab.by_transformers(made, tmp_path / "theirs", texts) - ours).max() < 1e-5


def test_all_of_notebook_14_is_here():
    assert [find(number).starred for number in sorted(CASES)] == [True, False, False, True, True]
