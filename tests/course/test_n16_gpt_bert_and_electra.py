"""Notebook 16: what passes, what does not, and what each mistake is told; a learner's mask and loss train in the package's loop."""

# ruff: noqa: E501

import re
from statistics import mean

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import ModelConfig
from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.n16_gpt_bert_and_electra import (
    BODY,
    LENGTH,
    LOWER,
    SELECTED,
    WHICH,
    WORD,
    WORTH,
    causal_mask,
    next_token_loss,
    no_perplexity,
    operations,
)
from electra_helpers.course.labs import three_objectives as lab
from electra_helpers.course.labs import three_pictures as pictures
from electra_helpers.model.encoder import Encoder
from tests.course.cases import Cases, hold
from tests.notebooks.form import NOTEBOOKS, code_cells, read, tags

MASK = "def causal_mask(is_real):\n    n = is_real.shape[1]\n    keys = is_real[:, None, None, :]\n"
LOSS = "def next_token_loss(logits, ids, is_real):\n"
OPS, NUMBERS = operations(), no_perplexity()

CASES = {
    "16.1": Cases(
        "def causal_mask(is_real):\n    raise NotImplementedError",
        [
            MASK + "    at = torch.arange(n)\n    return (at[None, :] <= at[:, None]) & keys",
            MASK + "    return ~torch.ones(n, n, dtype=torch.bool).triu(1)[None, None] & keys",
        ],
        [
            (MASK + "    return torch.ones(n, n, dtype=torch.bool).triu(1) & keys", "upside down"),
            (MASK + "    return torch.ones(n, n, dtype=torch.bool).triu() & keys", "keys and queries changed places"),
            (MASK + "    return torch.ones(n, n, dtype=torch.bool).tril(-1) & keys", "diagonal belongs to it"),
            (MASK + "    return torch.ones(n, n, dtype=torch.bool) & keys", "that is BERT"),
            (MASK + "    return torch.ones(n, n, dtype=torch.bool).tril().expand(len(is_real), 1, n, n)", "Padding is still seen"),
            (MASK + "    return torch.ones(n, n, dtype=torch.bool).tril() & is_real[:, None, :, None]", "as a *key*"),
            (MASK + "    return torch.ones(n, n, dtype=torch.bool).tril() & is_real.all(0) & torch.ones(len(is_real), 1, 1, 1, dtype=torch.bool)", "hides tokens of another"),
            (MASK + "    return torch.ones(n, n, dtype=torch.bool).tril() & is_real[:, None, :]", "one mask a row"),
            (MASK + "    return torch.ones(n, n, dtype=torch.bool).tril()", "one mask a row"),
            (MASK + "    return (torch.ones(n, n, dtype=torch.bool).tril() & keys).float()", "of bool"),
        ],
    ),
    "16.2": Cases(
        LOSS + "    raise NotImplementedError",
        [
            LOSS + "    targets = torch.where(is_real, ids, -100)[:, 1:]\n    return F.cross_entropy(logits[:, :-1].transpose(1, 2), targets, ignore_index=-100)",
            LOSS + "    log_p = logits.log_softmax(-1)[:, :-1]\n    own = log_p.gather(2, ids[:, 1:, None])[..., 0]\n    keep = is_real[:, 1:].float()\n    return -(own * keep).sum() / keep.sum()",
        ],
        [
            (LOSS + "    return F.cross_entropy(logits[is_real], ids[is_real])", "not shifted"),
            (LOSS + "    return F.cross_entropy(logits[:, 1:][is_real[:, 1:]], ids[:, :-1][is_real[:, 1:]])", "wrong way"),
            (LOSS + "    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())", "Padding is counted"),
            (LOSS + "    return F.cross_entropy(logits[is_real], ids.roll(-1, 1)[is_real])", "roll goes round"),
            (LOSS + "    each = F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction='none')\n    return (each * is_real[:, 1:]).mean()", "counted in the mean"),
            (LOSS + "    each = F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction='none') * is_real[:, 1:]\n    return (each.sum(1) / is_real[:, 1:].sum(1)).mean()", "mean of the rows' means"),
            (LOSS + "    keep = is_real[:, 1:]\n    return F.cross_entropy(logits[:, :-1][keep], ids[:, 1:][keep], reduction='sum')", "That is a sum"),
            (LOSS + "    keep = is_real[:, 1:]\n    return F.cross_entropy(logits[:, :-1][keep], ids[:, 1:][keep]) / 0.6931472", "in bits"),
            (LOSS + "    keep = is_real[:, 1:]\n    return F.cross_entropy(logits[:, :-1][keep], ids[:, 1:][keep]).detach()", "cut off from the logits"),
            (LOSS + "    keep = is_real[:, 1:]\n    return F.cross_entropy(logits[:, :-1][keep], ids[:, 1:][keep], reduction='none')", "one number"),
            (LOSS + "    keep = is_real[:, 1:]\n    return F.cross_entropy(logits[:, :-1][keep].softmax(-1), ids[:, 1:][keep])", "over 4 + 3 targets"),
        ],
    ),
    "16.3": Cases(
        dict.fromkeys(OPS),
        [OPS, {"GPT": 217, "BERT": 1192, "ELECTRA": np.float64(197.2), "worth": WORTH[1]}],
        [
            (OPS | {"GPT": BODY}, "product with the vocabulary is missing"),
            (OPS | {"BERT": BODY + WORD}, "counted the selected tokens alone"),
            (OPS | {"BERT": (LENGTH * BODY + SELECTED * WORD) / LENGTH}, "not by the 128 tokens"),
            (OPS | {"ELECTRA": 171.2}, "somebody has to make the fakes"),
            (OPS | {"ELECTRA": OPS["ELECTRA"] * LENGTH / SELECTED}, "of every token, not of the selected"),
            (OPS | {"GPT": 1000.0}, "is not it"),
            (OPS | {"worth": WORTH[0]}, "more predictions are not more knowledge"),
            (OPS | {"worth": WORTH[2]}, "more predictions are not more knowledge"),
        ],
    ),
    "16.4": Cases(
        dict.fromkeys(NUMBERS),
        [NUMBERS, NUMBERS | {"left to right": 1 / 20, "right to left": np.float64(0.018), "pseudo": 0.45}],
        [
            (NUMBERS | {"left to right": 0.45}, "while the second is hidden too"),
            (NUMBERS | {"right to left": 0.05}, "york first"),
            (NUMBERS | {"pseudo": 0.002}, "both words hidden at once"),
            (NUMBERS | {"pseudo": 0.3}, "is not the product"),
            (NUMBERS | {"P(new york)": WHICH[0]}, "belong to none"),
            (NUMBERS | {"P(new york)": WHICH[2]}, "belong to none"),
            (NUMBERS | {"4 is below 15": LOWER[0]}, "between its neighbours is easier"),
            (NUMBERS | {"4 is below 15": LOWER[1]}, "one distribution over texts"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, {"torch": torch, "F": F})


@pytest.fixture(scope="module")
def run():
    return lab.three_run("clm", seed=0, percent=1, story_count=20)


def test_the_readable_mask_is_the_one_that_the_encoder_makes():
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=30, embedding_size=8, hidden_size=12, num_layers=1, num_heads=2, max_positions=9, causal=True
    )
    real = torch.arange(7) < torch.tensor([[7], [4], [5]])
    _, seen = Encoder(config).embed(torch.ones(3, 7, dtype=torch.long), None, real)
    assert torch.equal(seen, causal_mask(real))


def test_a_learners_mask_and_loss_are_those_that_train(run):
    batch = run.task.held_out.rows(0, 5)
    own = lab.own_run(run, causal_mask, next_token_loss).task.model
    own.load_state_dict(run.task.model.state_dict())
    ours, theirs = (net(batch, None, run.config).losses["clm"] for net in (own, run.task.model))
    assert torch.equal(ours.count, theirs.count)
    assert torch.allclose(ours.total, theirs.total, rtol=1e-5)
    assert not lab.leaks(own.logits, batch.input_ids[:1], 4, 9)[3]
    blind = lab.own_run(run, lambda real: torch.ones(len(real), 1, 80, 80, dtype=torch.bool), next_token_loss)
    assert all(lab.leaks(blind.task.model.logits, batch.input_ids[:1], 4, 9))


def test_a_learners_net_learns_in_the_packages_loop():
    own = lab.own_run(lab.three_run("clm", seed=1, percent=4, story_count=60), causal_mask, next_token_loss)
    with torch.no_grad():
        before = own.task.evaluate(own.task.model.eval(), torch.device("cpu"))["clm_loss"]
    own.task.model.train()
    assert own.train().evaluation["clm_loss"] < before - 1


def test_equal_tokens_are_as_many_steps_for_each_and_equal_compute_is_not():
    steps = {equal: [lab.steps_for(each, equal) for each in lab.OBJECTIVES] for equal in lab.EQUAL}
    assert len(set(steps["tokens"])) == 1
    clm, mlm, rtd = steps["compute"]
    assert clm == steps["tokens"][0] < rtd < mlm
    for objective, count in zip(lab.OBJECTIVES, steps["compute"], strict=True):
        assert count * lab.step_flops(objective) == pytest.approx(lab.BUDGET, rel=0.005)


def test_a_tie_is_called_a_tie():
    near, far = [0.50, 0.54, 0.58], [0.70, 0.71, 0.72]
    assert lab.ahead({"a": near, "b": far}) == "b"
    assert lab.ahead({"a": [0.66, 0.70, 0.74], "b": far}) == "a tie: a, b"
    assert not lab.is_beyond([0.6, 0.7], [0.7, 0.8])


def test_operations_are_those_of_the_package():
    from electra_helpers.recipes import recipe
    from electra_helpers.speed import flops_per_token

    base = recipe("base").model
    for name, objective, predictions in (("GPT", "clm", LENGTH), ("BERT", "mlm", SELECTED), ("ELECTRA", "rtd", LENGTH)):
        counted = flops_per_token(base, LENGTH, SELECTED / LENGTH, objective) / 3 / 1e6 * LENGTH / predictions
        assert OPS[name] == pytest.approx(counted, rel=0.05)  # which counts attention's own products too


def test_numbers_of_new_york_belong_to_no_distribution():
    assert NUMBERS["left to right"] == pytest.approx(0.05)
    assert NUMBERS["right to left"] == pytest.approx(0.018)
    assert NUMBERS["pseudo"] == pytest.approx(0.45)


def seeds_mean(objective, *path, part="compute"):
    return mean(lab.scores(objective, *path, part=part))


# What the page says in words, {} standing for a number; where the record has it; and in which part.
PROSE = (
    ("Of GPT's runs of four words {}", ('clm', 'written', 'known_runs'), 'compute'),
    ('0.36 are known, of told stories {}', ('clm', 'written', 'real_stories'), 'compute'),
    ('page of blanks one by one, {}', ('mlm', 'written', 'known_runs'), 'compute'),
    ('blanks one by one, 0.02 and {}', ('rtd', 'written', 'known_runs'), 'compute'),
    ('is ahead from the left alone: {}', ('clm', 'filled', 'left side'), 'compute'),
    ('0.44 of the hidden words against {}', ('mlm', 'filled', 'both sides'), 'compute'),
    ('as a whole text, it reaches {}', ('clm', 'filled', 'reranked'), 'compute'),
    ('who knows the world would reach {}', ('clm', 'filled', 'ceiling'), 'compute'),
    ("GPT's one pass finds most: AUC {}", ('clm', 'scored', 'fakes', 'left to right', 'learned'), 'compute'),
    ("AUC 0.82. ELECTRA's one pass gets {}", ('rtd', 'scored', 'fakes', 'P(original)', 'learned'), 'compute'),
    ('n passes, each token hidden once: {}', ('mlm', 'scored', 'fakes', 'one hidden', 'learned'), 'compute'),
    ('each token sees itself, BERT gets {}', ('mlm', 'scored', 'fakes', 'as it stands', 'learned'), 'compute'),
    ('GPT prefers the right one in {}', ('clm', 'scored', 'pairs', 'left to right'), 'compute'),
    ('0.73 of the cases, ELECTRA in {}', ('rtd', 'scored', 'pairs', 'P(original)'), 'compute'),
    ('cases, ELECTRA in 0.67, BERT in {}', ('mlm', 'scored', 'pairs', 'one hidden'), 'compute'),
    ('as well: BERT, stopped there, guesses {}', ('mlm', 'filled', 'both sides'), 'tokens'),
    ("of the hidden words, ELECTRA's generator {}", ('rtd', 'filled', 'both sides'), 'tokens'),
    ('ahead in topics (32 labels: accuracy {}', ('clm', 'fine_tuned', 'topic', '32'), 'compute'),
    ('(32 labels: accuracy 0.61, the others {}', ('mlm', 'fine_tuned', 'topic', '32'), 'compute'),
    ('accuracy 0.61, the others 0.44 and {}', ('rtd', 'fine_tuned', 'topic', '32'), 'compute'),
    ('with 1,000 questions ELECTRA reaches F1 {}', ('rtd', 'fine_tuned', 'questions', '1000'), 'compute'),
    ('ELECTRA reaches F1 0.61 and BERT {}', ('mlm', 'fine_tuned', 'questions', '1000'), 'compute'),
    ('BERT 0.42; with 16 tagged sentences {}', ('rtd', 'fine_tuned', 'entities', '16'), 'compute'),
    ('with 16 tagged sentences 0.66 and {}', ('mlm', 'fine_tuned', 'entities', '16'), 'compute'),
    ('which are mostly rare words: AUC {}', ('clm', 'fakes', 'left to right', 'uniform'), 'real'),
    ('words: AUC 0.81 for GPT and {}', ('mlm', 'fakes', 'one hidden', 'uniform'), 'real'),
    ('for BERT, which learn words, against {}', ('rtd', 'fakes', 'P(original)', 'uniform'), 'real'),
)  # fmt: skip


def test_every_number_in_the_prose_is_that_of_the_record():
    (path,) = NOTEBOOKS.glob("16_*.ipynb")
    text = "\n".join(cell.source for cell in read(path).cells if "recorded" in tags(cell))
    for fragment, where, part in PROSE:
        assert fragment.format(f"{seeds_mean(*where, part=part):.2f}") in text, (fragment, where)
    assert len(re.findall(r"(?<![\d.])\d\.\d+", text)) == len(PROSE) > 20, "a number that no record is asked for"


def test_the_page_shows_what_is_recorded_now():
    (path,) = NOTEBOOKS.glob("16_*.ipynb")
    shown = "\n".join(
        o.get("text", "") + str(o.get("data", {}).get("text/plain", ""))
        for c in code_cells(read(path))
        for o in c.outputs
    )
    for table in (
        lab.runs_table,
        lab.fine_tuned_table,
        lab.adversary_table,
        pictures.scoring_table,
        pictures.real_table,
        pictures.when_to_take_which,
    ):
        assert table() in shown, table.__name__


def test_runs_say_what_they_cost_and_none_was_interrupted():
    content = lab.recorded()
    for part in (*lab.EQUAL, "real"):
        for runs in content[part].values():
            for run in runs:
                assert {"seed", "steps", "tokens", "flops", "seconds"} <= set(run)
                assert run["evaluation"], "a run that ended has an evaluation"
    for objective in lab.OBJECTIVES:
        runs = content["compute"][objective]
        assert [run["seed"] for run in runs] == [0, 1, 2, 3, 4]
        assert all(run["flops"] == pytest.approx(lab.BUDGET, rel=0.01) for run in runs)
        assert all(run["steps"] == lab.steps_for(objective) for run in runs)
    assert len({run["steps"] for runs in content["tokens"].values() for run in runs}) == 1


def test_the_last_table_calls_ahead_who_is_beyond_twice_the_spread():
    for need, measure, passes, found in pictures.needs():
        best = max(found, key=lambda name: mean(found[name]))
        rivals = [name for name in found if name != best and not lab.is_beyond(found[name], found[best])]
        verdict = best if not rivals else "a tie"
        (line,) = [row for row in pictures.when_to_take_which().splitlines() if row.startswith(f"| {need} |")]
        assert line.split("|")[-2].strip().startswith(verdict), line
        assert all(lab.shown(values) in line for values in found.values())
        assert passes.count(",") == 2
        assert measure in line


def test_pictures_say_what_they_show():
    assert "GPT reads [CLS] the chef cooked" in pictures.sight().alt
    assert "10 of 16 pairs are seen" in pictures.sight().alt
    alt = pictures.ability_picture({pictures.SCORE: 0.7}).alt
    assert all(panel in alt for panel in (pictures.WRITE, pictures.FILL, pictures.DETECT, pictures.SCORE))
    assert lab.shown(lab.scores("clm", "written", "known_runs")) in alt
    assert f"{pictures.UNTRAINED}: " in pictures.label_picture().alt
    assert "ELECTRA" in pictures.real_picture().alt


def test_all_of_notebook_16_is_here():
    assert [find(number).starred for number in CASES] == [True, True, False, True]
