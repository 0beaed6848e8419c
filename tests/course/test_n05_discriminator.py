"""Notebook 05: what passes, what does not, and what each mistake is told; the exams and numbers of the course are what is computed."""

# ruff: noqa: E501
import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

import electra_helpers as eh
from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.information import WHY, label_bits
from electra_helpers.course.exercises.n05_discriminator import (
    ORIGINAL,
    REPLACED,
    auc_by_hand,
    best_judge,
    detectors,
    rtd_loss,
    shift_prior,
)
from electra_helpers.course.exercises.n05_judge import best_judge as readable_judge
from electra_helpers.course.labs import exams
from electra_helpers.course.labs.fakes import HiddenWords
from electra_helpers.model.electra import real_tokens
from electra_helpers.world import oracle
from tests.course.cases import Cases, hold

LOSS = "def rtd_loss(logits, labels, mask=None):\n    mask = torch.ones_like(labels) if mask is None else mask\n"
EACH = "    each = F.binary_cross_entropy_with_logits(logits, labels.float(), reduction='none')\n"
JUDGE = "def best_judge(p, q, share):\n    shown = (1 - share) * p + share * q\n"
SHIFT = "def shift_prior(logits, trained, used):\n"
MEASURES, EXAMS, BITS = (find(f"05.{n}").solution for n in (2, 3, 4))
EASIER, OWN, COMPARED = EXAMS

CASES = {
    "05.1": Cases(
        LOSS + "    raise NotImplementedError",
        [
            LOSS + "    return F.binary_cross_entropy_with_logits(logits[mask], labels[mask].float())",
            LOSS + EACH + "    return (each * mask).sum() / mask.sum()",
            LOSS + "    sign = torch.where(labels, -1.0, 1.0)\n    return F.softplus(sign * logits).masked_select(mask).mean()",
        ],
        [
            (LOSS + EACH + "    return each.mean()", "Padding is judged too"),
            (LOSS + EACH + "    return (each * mask).mean()", "padding is in the denominator"),
            (LOSS + EACH + "    return ((each * mask).sum(1) / mask.sum(1)).mean()", "mean of row means"),
            (LOSS + EACH + "    return each[labels].mean()", "Only the replaced tokens"),
            (LOSS + EACH + "    words = mask.clone()\n    words[:, 0] = False\n    words[torch.arange(len(mask)), mask.sum(1) - 1] = False\n    return each[words].mean()",
             "[CLS] and [SEP] out"),
            (LOSS + EACH + "    return each[mask].sum()", "That is the sum"),
            (LOSS + EACH + "    return each * mask", "one number"),
            (LOSS + EACH.replace("logits(logits,", "logits(logits.sigmoid(),") + "    return each[mask].mean()", "applied twice"),
            (LOSS + EACH.replace("labels.float()", "1 - labels.float()") + "    return each[mask].mean()", "Upside down"),
            (LOSS + "    p = logits.sigmoid()\n    return -torch.where(labels, p.log(), (1 - p).log())[mask].mean()", "rounded sigmoid"),
            (LOSS + "    return F.binary_cross_entropy_with_logits(logits[mask], labels[mask].float()).detach()", "No gradient"),
        ],
    ),
    "05.2": Cases(
        dict.fromkeys(MEASURES),
        [MEASURES, MEASURES | {"auc": 9 / 12, "auc needs a threshold": "no"}],
        [
            (MEASURES | {"keep": "A"}, "majority class"),
            (MEASURES | {"keep": "B"}, "most of these are original"),
            (MEASURES | {"auc": 5 / 7}, "the accuracy at threshold"),
            (MEASURES | {"auc": 0.25}, "one minus that"),
            (MEASURES | {"auc": 0.9}, "12 pairs"),
            (MEASURES | {"auc needs a threshold": True}, "order of the scores"),
        ],
    ),
    "05.3": Cases(
        dict.fromkeys(EXAMS),
        [EXAMS, dict(reversed(EXAMS.items()))],
        [
            (EXAMS | {OWN: "a better model"}, "AUC .99 is not the better model"),
            (EXAMS | {COMPARED: "their own fakes"}, "two different exams"),
            (EXAMS | {EASIER: "learned fakes"}, "The best judge"),
            (EXAMS | {EASIER: "neither"}, "choose"),
        ],
    ),
    "05.4": Cases(
        dict.fromkeys(BITS),
        [BITS, label_bits()],
        [
            (BITS | {"why": WHY[0]}, "not 6.7 × the information"),
            (BITS | {"why": WHY[2]}, "never sees [MASK]"),
            (BITS | {"rtd": 128}, "half of the tokens"),
            (BITS | {"rtd": 29.05}, "in nats"),
            (BITS | {"mlm at most": 128 * math.log2(30_522)}, "no label at every token"),
            (BITS | {"mlm at most": 100}, "19 labels"),
        ],
    ),
    "05.5": Cases(
        SHIFT + "    raise NotImplementedError",
        [
            SHIFT + "    return logits + math.log(used) - math.log(1 - used) - math.log(trained) + math.log(1 - trained)",
            SHIFT + "    to = torch.logit(torch.tensor([trained, used], dtype=torch.float64))\n    return logits + float(to[1] - to[0])",
            SHIFT + "    odds = logits.double().exp() * (used / (1 - used)) * ((1 - trained) / trained)\n    return odds.log().float()",
            SHIFT + "    return logits.double() + math.log(used / (1 - used) / (trained / (1 - trained)))",
        ],
        [
            (SHIFT + "    return logits", "no absolute truth"),
            (SHIFT + "    return logits + math.log(used / trained)", "You divide the shares"),
            (SHIFT + "    return logits.sigmoid() * used / trained", "can exceed 1"),
            (SHIFT + "    return logits + math.log(trained / (1 - trained)) - math.log(used / (1 - used))", "wrong way round"),
            (SHIFT + "    return (logits + math.log(used / (1 - used)) - math.log(trained / (1 - trained))).sigmoid()", "Return logits"),
            (SHIFT + "    return logits + used - trained", "cannot be added"),
            (SHIFT + "    p = logits.sigmoid()\n    odds = p / (1 - p) * (used / (1 - used)) / (trained / (1 - trained))\n    return odds.log()", "rounds to 1"),
            (SHIFT + "    p = logits.sigmoid().clamp(1e-6, 1 - 1e-6)\n    return p.logit() + math.log(used / (1 - used)) - math.log(trained / (1 - trained))", "rounds to 1"),
            (SHIFT + "    return logits + math.log(used / (1 - used)) - math.log(0.06 / 0.94)", "use trained and used"),
            (SHIFT + "    return logits + math.log(0.4 / 0.6) - math.log(trained / (1 - trained))", "use trained and used"),
        ],
    ),
    "05.7": Cases(
        JUDGE + "    raise NotImplementedError",
        [
            JUDGE + "    return share * q * (1 - p) / shown",
            JUDGE + "    p, q = p.double(), q.double()\n    return share * q * (1 - p) / ((1 - share) * p + share * q)",
            JUDGE + "    original = (1 - share + share * q) * p\n    return 1 - original / shown",
            JUDGE + "    odds = share * q * (1 - p) / ((1 - share) * p + share * q * p)\n    return torch.where(odds.isinf(), 1.0, odds / (1 + odds))",
            JUDGE + "    return torch.where(q == 0, 0.0, (1 - p) / (1 + (1 - share) / share * p / q))",
        ],
        [
            (JUDGE + "    return share * q / shown", "A right guess counts as original"),
            (JUDGE + "    return 1 - share * q * (1 - p) / shown", "P(original | w)"),
            (JUDGE + "    return share * q * (1 - p)", "chance to see w *and*"),
            (JUDGE + "    return share * q * (1 - p) / ((1 - share) * p + share * q * (1 - p))", "guessed right, m·q·p"),
            (JUDGE + "    return share * q * (1 - p) / ((1 - share) * p)", "against the words left alone"),
            (JUDGE + "    return share * q * (1 - p) / ((1 - share) * p + share * q * p)", "Those are odds"),
            (JUDGE + "    return q * (1 - p) / (p + q)", "selected share is missing"),
            (JUDGE + "    return q / (p + q)", "selected share is missing, and"),
            (JUDGE + "    return (1 - share) * p / shown", "was not selected"),
            (JUDGE + "    return 1 - p", "rare and right"),
            (JUDGE + "    return share * (1 - p)", "forgets what the generator draws"),
            (JUDGE.replace("p, q,", "q, p,") + "    return share * q * (1 - p) / shown", "swapped"),
            (JUDGE + "    return (1 - share) * q * (1 - p) / (share * p + (1 - share) * q)", "not the rest"),
            (JUDGE + "    return share * q * (1 - q) / shown", "1 - q is not"),
            (JUDGE + "    return (share * q * (1 - p)).sum() / shown.sum()", "one probability for each word"),
            (JUDGE + "    return 0.15 * q * (1 - p) / (0.85 * p + 0.15 * q)", "should say"),
            (JUDGE + "    q = q / q.sum()\n    return share * q * (1 - p) / shown", "(n, V)"),
        ],
    ),
    "05.6": Cases(
        None,
        [
            "The labels hold less: 42 bits against 283 at most. But the loss is taken at all tokens, so no vector goes untrained.",
            "It is not 6.7 times the information; a label of RTD says less than one of MLM.\nWhat counts is that every position is trained: 82.4 against 85.0.",
            "一行的 RTD 标签约 42 比特，MLM 至多 283 比特，标签的信息并不更多；但损失取遍每个词元，没有一个向量得不到训练。",
            "判别器从不看到 [MASK]。关键是每个词元都参与训练，论文里 82.4 对 85.0。",
            "The discriminator learns from every token, whereas a masked language model learns from 15 %.",
            "The discriminator learns from every token of a row, while BERT reads [MASK] and learns from 15 % of them.",
            "You say that 6.7 times the labels are 6.7 times the information, but a row holds 42 bits against 283. Every token is trained.",
            "It isn’t 6.7 times the information: 42 bits against 283. The loss is taken everywhere, that is the point.",
            "The claim that the discriminator sees [MASK] more often is wrong (04). Its loss runs over all 128 tokens of a row.",
            "The discriminator never sees a [MASK], but that is worth little more than nothing (82.4). Its loss on all tokens is what counts.",
        ],
        [
            ("Because it is better.", "say little"),
            ("RTD has labels at all 128 tokens and so gets 6.7 times as much information out of every row as MLM does.", "not 6.7 × the information"),
            ("The discriminator learns from the [MASK] tokens more often than BERT does, at 15 % of all positions.", "never meets a [MASK]"),
            ("In every row of 128 tokens the discriminator is trained to read masks, and the more of them the better.", "never meets a [MASK]"),
            ("The discriminator learns from every [MASK] of the row, which are 19 of its 128 tokens.", "never meets a [MASK]"),
            ("RTD 在全部 128 个词元上都有标签，所以每一行得到 6.7 倍的信息，这就是它更好的原因。", "not 6.7 × the information"),
            ("判别器在每一行里看到 [MASK] 的次数更多，所以 128 个词元学得更好，效果也更好。", "never meets a [MASK]"),
            ("It learns from every token of the row and that is why it is better than a masked language model.", "no number"),
            ("A label of RTD holds few bits, 42 a row against 283, and still the model wins over the other one.", "*where* the loss is taken"),
        ],
    ),
}  # fmt: skip
NAMES = {"torch": torch, "F": F, "math": math}


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, NAMES)


def test_the_hand_count_is_scikit_learns():
    truth = [1] * len(REPLACED) + [0] * len(ORIGINAL)
    assert auc_by_hand() == pytest.approx(roc_auc_score(truth, [*REPLACED, *ORIGINAL])) == MEASURES["auc"]


def test_the_detectors_are_as_accurate_as_is_said():
    accuracy = {name: float(((p >= 0.5) == truth).mean()) for name, (p, truth) in detectors().items()}
    assert accuracy == {"A": 0.94, "B": 0.93, "C": 0.90}
    found = {name: eh.detection_metrics(p, truth)["auc"] for name, (p, truth) in detectors().items()}
    assert found["C"] > found["B"] + 0.2
    assert found["C"] > found["A"] + 0.2


def test_the_best_judge_finds_uniform_fakes_easier():
    limits = best_judge()
    assert 0.5 < limits["learned fakes"] < limits["uniform fakes"] <= 1


def test_the_best_judge_is_helpless_only_where_it_must_be():
    truth = torch.tensor([[0.5, 0.5, 0.0]], dtype=torch.float64)
    one = HiddenWords(torch.tensor([[9]]), torch.tensor([[0]]), torch.tensor([1]), truth)

    def generator(ids, positions):
        return truth.log()[None]

    assert exams.best_auc([one], generator) == pytest.approx(0.5)  # two equal words, drawn as they are: no score tells
    assert exams.best_auc([one], None) > 0.6


def test_bits_of_labels_are_the_courses():
    right = label_bits()
    assert BITS["rtd"] == pytest.approx(right["rtd"], abs=0.1)
    assert BITS["mlm at most"] == pytest.approx(right["mlm at most"], abs=0.1)
    assert exams.bits(0.5) == 1
    assert find("05.4").solution["why"] == right["why"]


def test_shifting_the_prior_calibrates_a_detector():
    random = np.random.default_rng(0)

    def sample(share, n=200_000):
        truth = random.random(n) < share
        return truth, torch.from_numpy(random.normal(np.where(truth, 1.0, -1.0), 1.0))

    trained, used = 0.3, 0.05
    truth, x = sample(used)
    logits = 2 * x + math.log(trained / (1 - trained))  # the exact posterior at the share of training
    assert float(logits.sigmoid().mean()) > 2 * truth.mean()
    assert float(shift_prior(logits, trained, used).sigmoid().mean()) == pytest.approx(truth.mean(), abs=0.002)


def test_the_learned_exam_is_the_same_at_every_call():
    model = eh.load("electra-tiny-world-en")
    held_out = eh.world_run(story_count=10, steps=1).task.held_out.rows(0, 8)
    first, again = (exams.learned_exam(model, held_out) for _ in range(2))
    assert torch.equal(first.batch.input_ids, again.batch.input_ids)
    assert not first.is_replaced[~real_tokens(held_out)].any()
    assert torch.equal(first.is_replaced, first.batch.input_ids != held_out.input_ids)
    logits, labels = exams.judged_logits(model.net.discriminator, first)
    assert logits.shape == labels.shape == (int(real_tokens(held_out).sum()),)


def test_pretraining_runs_a_learners_loss(define):
    """As the notebook does it; the package's loss where the function is right."""

    def trained(loss):
        parts = None if loss is None else eh.own_steps(rtd_loss=loss)
        return eh.world_run(story_count=30, steps=2, parts=parts).train().last["rtd_loss"]

    assert trained(rtd_loss) == pytest.approx(trained(None), abs=1e-5)
    wrong = define(LOSS + EACH + "    return (each * mask).mean()", **NAMES)
    assert trained(wrong) != pytest.approx(trained(None), abs=1e-3)


def test_the_readable_judge_is_the_packages():
    p, q = torch.rand(4, 9).double().softmax(-1), torch.rand(4, 9).double().softmax(-1)
    assert np.allclose(readable_judge(p, q, 0.15), oracle.best_judge(p.numpy(), q.numpy(), 0.15))
