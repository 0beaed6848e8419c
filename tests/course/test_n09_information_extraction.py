"""Notebook 09: what passes, what does not, and what each mistake is told; the learner's functions are run by the package."""

# ruff: noqa: E501

import pytest
import torch

from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.n09_information_extraction import (
    READINGS,
    ROWS,
    align_labels,
    bio_to_spans,
    names_answer,
)
from electra_helpers.course.labs import finetuning as lab
from electra_helpers.exchange.store import load
from electra_helpers.reading.labelled import load_labelled
from electra_helpers.tasks import tagging
from electra_helpers.tasks.finetuning import finetune
from tests.course.cases import Cases, hold

ALIGN, SPANS = "def align_labels(word_ids, tags):\n", "def bio_to_spans(tags):\n"
NAMES = names_answer()

CASES = {
    "09.1": Cases(
        ALIGN + "    raise NotImplementedError",
        [
            ALIGN + "    return [-100 if w is None or (i and word_ids[i - 1] == w) else tags[w] for i, w in enumerate(word_ids)]",
            ALIGN + "    found = torch.full((len(word_ids),), -100)\n    for w in set(word_ids) - {None}:\n        found[word_ids.index(w)] = tags[w]\n    return found",
            ALIGN
            + """
    seen, labels = set(), []
    for word in word_ids:
        labels.append(tags[word] if word is not None and word not in seen else -100)
        seen.add(word)
    return labels
""",
            ALIGN + "    return torch.tensor([-100 if w is None or w in word_ids[:i] else tags[w] for i, w in enumerate(word_ids)])",
        ],
        [
            (ALIGN + "    return [-100 if w is None else tags[w] for w in word_ids]", "every piece"),
            (ALIGN + "    out, last = [], None\n    for w in word_ids:\n        out.append(0 if w is None or w == last else tags[w])\n        last = w\n    return out", "They are no words"),
            (ALIGN + "    out, last = [], None\n    for w in word_ids:\n        out.append(-100 if w is None else 0 if w == last else tags[w])\n        last = w\n    return out", "0 is a label"),
            (ALIGN + "    padded = [-100, *tags]\n    return [-100 if w is None or word_ids[i - 1] == w else padded[w] for i, w in enumerate(word_ids)]", "shifted"),
            (ALIGN + "    return tags", "One label a *token*"),
            (ALIGN + "    out, last, n = [], None, -1\n    for w in word_ids:\n        n += w is not None and w != last\n        out.append(-100 if w is None or w == last else tags[n])\n        last = w\n    return out", "window may begin"),
            (ALIGN + "    return 3", "list of numbers"),
            (ALIGN + "    out, last = [], None\n    for w in word_ids:\n        out.append(-100 if w is None or w == last else tags[w] or -100)\n        last = w\n    return out", "tag 0 is a tag"),
            (ALIGN + "    out, last = [], None\n    tags = list(tags)\n    for w in word_ids:\n        out.append(tags.pop(0) if w is not None and w != last and tags else -100)\n        last = w\n    return out", "word"),
        ],
    ),
    "09.2": Cases(
        SPANS + "    raise NotImplementedError",
        [
            SPANS
            + """
    starts = [i for i, t in enumerate(tags) if t[0] == "B" or (t[0] == "I" and (i == 0 or tags[i - 1][2:] != t[2:]))]
    spans = []
    for start in starts:
        end = start + 1
        while end < len(tags) and tags[end] == "I-" + tags[start][2:]:
            end += 1
        spans.append([tags[start][2:], start, end])
    return spans
""",
            SPANS
            + """
    spans, opened = [], None
    for i, tag in enumerate([*tags, "O"]):
        goes_on = opened is not None and tag == "I-" + opened[0]
        if opened is not None and not goes_on:
            spans.append((*opened, i))
            opened = None
        if tag != "O" and not goes_on:
            opened = (tag[2:], i)
    return spans
""",
        ],
        [
            (SPANS + "    spans, before = [], ''\n    for i, t in enumerate(tags):\n        k = t[2:]\n        if k and k == before: spans[-1] = (k, spans[-1][1], i + 1)\n        elif k: spans.append((k, i, i + 1))\n        before = k\n    return spans", "Two B in a row"),
            (SPANS + "    spans, open_ = [], ''\n    for i, t in enumerate(tags):\n        if t[0] == 'B': spans.append((t[2:], i, i + 1)); open_ = t[2:]\n        elif t[0] == 'I' and t[2:] == open_: spans[-1] = (open_, spans[-1][1], i + 1)\n        else: open_ = ''\n    return spans", "You drop it"),
            (SPANS + "    spans, inside = [], False\n    for i, t in enumerate(tags):\n        if t[0] == 'I' and inside: spans[-1] = (*spans[-1][:2], i + 1)\n        elif t != 'O': spans.append((t[2:], i, i + 1))\n        inside = t != 'O'\n    return spans", "kind changes inside"),
            (SPANS + "    spans, opened = [], None\n    for i, t in enumerate(tags):\n        goes_on = opened is not None and t == 'I-' + opened[0]\n        if opened is not None and not goes_on:\n            spans.append((*opened, i)); opened = None\n        if t != 'O' and not goes_on: opened = (t[2:], i)\n    return spans", "ends with the row"),
            (SPANS + "    return [(t[2:], i, i + 1) for i, t in enumerate(tags) if t != 'O']", "you open a new one"),
            (SPANS + "    return 'PER'", "Return a list of"),
            (SPANS + "    spans, before = [], None\n    for i, tag in enumerate(tags):\n        kind = None if tag == 'O' else tag.split('-')[1]\n        if tag[0] == 'I' and kind == before: spans[-1] = (kind, spans[-1][1], i + 1)\n        elif kind: spans.append((kind, i, i + 1))\n        before = kind\n    return spans", "hyphen"),
            (SPANS + "    spans, before = [], None\n    for i, tag in enumerate(tags):\n        kind = None if tag == 'O' else tag.rsplit('-', 1)[1]\n        if tag[0] == 'I' and kind == before: spans[-1] = (kind, spans[-1][1], i + 1)\n        elif kind: spans.append((kind, i, i + 1))\n        before = kind\n    return spans", "hyphen"),
        ],
    ),
    "09.3": Cases(
        dict.fromkeys(NAMES),
        [NAMES, NAMES | {"seen": round(NAMES["seen"], 3), "unseen": round(NAMES["unseen"], 3)}],
        [
            (NAMES | {"seen": NAMES["unseen"], "unseen": NAMES["seen"]}, "exchanged"),
            (NAMES | {"unseen": max(lab.recorded()["tagging"]["test"]["f1"])}, "best seed"),
            (NAMES | {"seen": 0.5}, "is not 0.500"),
            (NAMES | {"kind": "TIME"}, "kind by kind"),
            (NAMES | {"kind": "PER"}, "choose one of"),
            (NAMES | {"reading": READINGS[0]}, "It knows a list"),
            (NAMES | {"reading": READINGS[2]}, "would not fall"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"torch": torch})


def test_the_readable_functions_are_the_packages():
    real = load_labelled("bundled:sentences/entities.en.jsonl", task="tagging")
    for row in real.rows:
        tags = [real.labels[tag] for tag in row["tags"]]
        assert bio_to_spans(tags) == tagging.bio_to_spans(tags)
        word_ids = [None, *(w for w in range(len(tags)) for _ in range(1 + w % 3)), None]
        assert align_labels(word_ids, row["tags"]) == tagging.align_labels(word_ids, row["tags"])
    assert all(bio_to_spans(row) == tagging.bio_to_spans(row) for row in ROWS)


def test_a_learners_alignment_makes_the_targets():
    rows, model = lab.world_rows("entities", "train", 8), load("electra-tiny-world-en")

    def tuned(align):
        with lab.own_alignment(align):
            return finetune("tagging", model, rows, steps=2).net.head.state_dict()["out.weight"]

    package = finetune("tagging", model, rows, steps=2).net.head.state_dict()["out.weight"]
    assert torch.equal(tuned(align_labels), package)
    assert not torch.equal(tuned(lambda word_ids, tags: [0] * len(word_ids)), package)


def test_a_fact_is_the_first_entity_of_its_kind():
    rows = lab.world_rows("entities", "validation", 3)
    assert lab.facts(lab.true_entities(rows.rows[0], rows.labels))["who"] == "Martin"
    assert set(lab.facts([]).values()) == {"–"}


def test_f1_of_each_kind_is_that_of_its_own_entities():
    rows = lab.world_rows("entities", "train", 40)
    made = finetune("tagging", "electra-tiny-world-en", rows, steps=30)
    kinds, all_of_them = lab.f1_by_kind(made, rows), made.evaluate(rows)["f1"]
    assert set(kinds) == {"PERSON", "PLACE", "TRADE", "TIME", "THING"}
    assert min(kinds.values()) <= all_of_them <= max(kinds.values())


def test_the_recorded_f1_falls_on_unseen_names():
    assert NAMES["seen"] >= 0.95
    assert NAMES["unseen"] < NAMES["seen"] - 0.05


def test_all_of_notebook_09_is_here():
    assert [find(number).starred for number in CASES] == [True, False, False]
