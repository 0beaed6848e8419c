"""Notebook 04: what passes, what does not, and what each mistake is told; the hunted bugs are there, and only those."""

# ruff: noqa: E501
import pytest
import torch

from electra_helpers import corruption
from electra_helpers.course.exercises import find
from electra_helpers.course.exercises.hard_fakes import findings
from electra_helpers.course.exercises.n04_corrupted_inputs import (
    _case,
    corrupt,
    label_replaced,
    sample_tokens,
)
from electra_helpers.course.labs import bug_hunt, fakes
from electra_helpers.course.labs.bug_hunt import (
    LABEL_IS_SELECTED,
    LABELS_ARE_SHIFTED,
    MASK_LEAKS,
    NOTHING,
    PADDING_IS_HIT,
    PIPELINES,
)
from electra_helpers.course.labs.own_steps import own_steps
from electra_helpers.errors import ElectraError
from electra_helpers.language import choose_language
from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.world import vocabulary
from tests.course.cases import Cases, hold

SAMPLE = "def sample_tokens(logits, temperature=1.0, generator=None):\n"
FLAT = "    p = {}\n    return torch.multinomial(p.flatten(0, -2), 1, generator=generator).view(logits.shape[:-1])"
CORRUPT = "def corrupt(original_ids, selection, sampled_ids):\n"
LABEL = "def label_replaced(original_ids, corrupted_ids, selection=None):\n"
MEASURED = find("04.5").solution
COLDER, IMPOSSIBLE, TOGETHER, ALWAYS, WIDER, BEST = MEASURED
FAKES = "def expected_fakes(logits, original_ids, is_possible, temperature=1.0):\n"
Q = "    q = (logits / temperature).softmax(-1)\n    right = q.gather(1, original_ids[:, None])[:, 0]\n"

CASES = {
    "04.1": Cases(
        SAMPLE + "    raise NotImplementedError",
        [
            SAMPLE + FLAT.format("(logits.float() / temperature).softmax(-1)"),
            SAMPLE
            + "    u = torch.rand(logits.shape, generator=generator, dtype=torch.float64).clamp(min=1e-300)\n"
            + "    return (logits.double() / temperature - (-u.log()).log()).argmax(-1)",
            SAMPLE
            + "    cdf = (logits.double() / temperature).softmax(-1).cumsum(-1)\n"
            + "    u = torch.rand(*logits.shape[:-1], 1, generator=generator, dtype=torch.float64)\n"
            + "    return torch.searchsorted(cdf, u).squeeze(-1).clamp(max=logits.shape[-1] - 1)",
            SAMPLE + "    p = (logits.float() / temperature).softmax(-1)\n    drawn = [torch.multinomial(row, 1, generator=generator) for row in p.flatten(0, -2)]\n    return torch.cat(drawn).view(logits.shape[:-1])",
        ],
        [
            (SAMPLE + "    return logits.argmax(-1)", "that is argmax"),
            (SAMPLE + FLAT.format("logits.float().softmax(-1) / temperature"), "divide the *probabilities*"),
            (SAMPLE + FLAT.format("(logits.float() * temperature).softmax(-1)"), "multiply by the temperature"),
            (SAMPLE + FLAT.format("logits.float().softmax(-1)"), "The temperature changes nothing"),
            (SAMPLE + FLAT.format("(logits / temperature).softmax(-1)"), "in fp16"),
            (SAMPLE + "    cdf = (logits / temperature).softmax(-1).cumsum(-1)\n    u = torch.rand(logits.shape[:-1], generator=generator)\n"
             "    return (cdf <= u[..., None] * cdf[..., -1:]).sum(-1).clamp(max=logits.shape[-1] - 1)", "in fp16"),
            (SAMPLE + FLAT.format("(logits.float() / temperature).softmax(-1)").replace("generator=generator", ""), "ignores the generator"),
            (SAMPLE + FLAT.format("(logits.float() / temperature).softmax(-1)").replace(".view(logits.shape[:-1])", ".view(*logits.shape[:-1], 1)"), "axis of length 1"),
            (SAMPLE + "    cdf = (logits.float() / temperature).softmax(-1).cumsum(-1)\n    u = torch.rand(1, generator=generator)\n"
             "    return (cdf <= u).sum(-1).clamp(max=logits.shape[-1] - 1)", "One dart"),
            (SAMPLE + "    return (logits.float() / temperature).softmax(-1)", "one id a position"),
            (SAMPLE + "    logits /= temperature\n" + FLAT.format("logits.float().softmax(-1)"), "changed the logits"),
            (SAMPLE + "    top = (logits.float() / temperature).topk(10)\n    at = torch.multinomial(top.values.softmax(-1).flatten(0, -2), 1, generator=generator).view(*logits.shape[:-1], 1)\n    return top.indices.gather(-1, at)[..., 0]", "top-k"),
        ],
    ),
    "04.2": Cases(
        CORRUPT + "    raise NotImplementedError",
        [
            CORRUPT + "    return corruption.scatter_at(original_ids, selection, sampled_ids)",
            CORRUPT
            + """
    rows = original_ids.tolist()
    for row, places, valid, samples in zip(rows, selection.positions, selection.is_valid, sampled_ids.tolist()):
        for place, is_valid, sample in zip(places.tolist(), valid, samples):
            if is_valid:
                row[place] = sample
    return torch.tensor(rows)
""",
            CORRUPT
            + """
    corrupted = original_ids.clone()
    rows = torch.arange(len(original_ids))[:, None].expand_as(selection.positions)[selection.is_valid]
    corrupted[rows, selection.positions[selection.is_valid]] = sampled_ids[selection.is_valid]
    return corrupted
""",
            "corrupt = lambda ids, s, new: ids.scatter(1, s.positions, torch.where(s.is_valid, new, ids.gather(1, s.positions))) if False else corruption.scatter_at(ids, s, new)",
        ],
        [
            (CORRUPT + "    masked = corruption.mask_positions(original_ids, selection, mask_id=4, keep_share=0.0)\n"
             "    right = sampled_ids == original_ids.gather(1, selection.positions)\n"
             "    return corruption.scatter_at(masked, Selection(selection.positions, selection.is_valid & ~right), sampled_ids)",
             "started from the masked ids"),
            (CORRUPT + "    for row in range(len(original_ids)):\n        v = selection.is_valid[row]\n"
             "        original_ids[row, selection.positions[row, v]] = sampled_ids[row, v]\n    return original_ids", "changed the caller's"),
            (CORRUPT + "    return original_ids.scatter(1, selection.positions, sampled_ids)", "[CLS] was overwritten"),
            (CORRUPT + "    corrupted = original_ids.clone()\n    for row in range(len(corrupted)):\n        v = selection.is_valid[row]\n"
             "        corrupted[:, selection.positions[row, v]] = sampled_ids[row, v]\n    return corrupted", "its own"),
            (CORRUPT + "    return sampled_ids", "same shape"),
            (CORRUPT + "    return original_ids.clone()", "its own sample"),
            (CORRUPT + "    corrupted = original_ids.clone()\n    for b in range(len(corrupted)):\n        places = selection.positions[b, selection.is_valid[b]]\n        corrupted[b, places] = sampled_ids[b, : len(places)]\n    return corrupted", "the sample of its own slot"),
            (CORRUPT + "    corrupted = original_ids.clone()\n    for b in range(len(corrupted)):\n        places = selection.positions[b, selection.is_valid[b]].sort().values\n        corrupted[b, places] = sampled_ids[b, selection.is_valid[b]]\n    return corrupted", "the sample of its own slot"),
            (CORRUPT + "    n = selection.is_valid.sum(1)\n    front = torch.arange(selection.positions.shape[1]) < n[:, None]\n    return corruption.scatter_at(original_ids, Selection(selection.positions, front), sampled_ids)", "[CLS] was overwritten"),
        ],
    ),
    "04.3": Cases(
        LABEL + "    raise NotImplementedError",
        [
            LABEL + "    return (original_ids - corrupted_ids).bool()",
            LABEL + "    return ~torch.eq(original_ids, corrupted_ids)",
            LABEL + "    return torch.tensor([[a != b for a, b in zip(x, y)] for x, y in zip(original_ids.tolist(), corrupted_ids.tolist())])",
            "label_replaced = torch.ne",
            "import operator\nlabel_replaced = operator.ne",
            "import functools\nlabel_replaced = functools.partial(torch.ne)",
            "label_replaced = lambda original_ids, corrupted_ids, *rest: original_ids.ne(corrupted_ids)",
            "label_replaced = torch.not_equal",
        ],
        [
            (LABEL + "    return selection.as_mask(original_ids.shape[1])", "Selected is not replaced"),
            (LABEL + "    return original_ids == corrupted_ids", "Upside down"),
            (LABEL + "    return (original_ids != corrupted_ids).gather(1, selection.positions)", "One label for each token"),
            (LABEL + "    return (original_ids != corrupted_ids).float()", "torch.bool"),
            (LABEL + "    return (original_ids != corrupted_ids).roll(1, 1)", "is wrong"),
            (LABEL + "    return (original_ids != corrupted_ids) & selection.as_mask(original_ids.shape[1])", "raised an exception"),
            (LABEL + "    return corrupted_ids > original_ids", "smaller id"),
            (LABEL + "    return corrupted_ids < original_ids", "smaller id"),
            (LABEL + "    return (corrupted_ids - original_ids).clamp(min=0).bool()", "smaller id"),
        ],
    ),
    "04.4": Cases(
        dict.fromkeys(PIPELINES),
        [PIPELINES, dict(reversed(PIPELINES.items()))],
        [
            (PIPELINES | {"E": NOTHING}, "word by word"),
            (PIPELINES | {"D": NOTHING}, "the same in both lines"),
            (PIPELINES | {"C": LABEL_IS_SELECTED}, "behind [SEP]"),
            (PIPELINES | {"A": LABEL_IS_SELECTED}, "just before each word"),
            (PIPELINES | {"B": MASK_LEAKS}, "breaks no rule"),
            (PIPELINES | {"B": "who knows"}, "choose one of"),
        ],
    ),
    "04.5": Cases(
        dict.fromkeys(MEASURED),
        [MEASURED, dict(reversed(MEASURED.items()))],
        [
            (MEASURED | {COLDER: "more fakes"}, "does not give the most signal"),
            (MEASURED | {ALWAYS: "the hardest fakes"}, "Harder is not always better"),
            (MEASURED | {TOGETHER: "together"}, "not filled jointly"),
            (MEASURED | {IMPOSSIBLE: "more often"}, "second column"),
            (MEASURED | {IMPOSSIBLE: "perhaps"}, "choose"),
            (MEASURED | {WIDER: "more fakes"}, "a right guess is no fake"),
            (MEASURED | {BEST: "that of the discriminator"}, "not the better opponent"),
        ],
    ),
    "04.6": Cases(
        FAKES + "    raise NotImplementedError",
        [
            FAKES + Q + "    return 1 - right.mean(), (q * ~is_possible).sum() / (1 - right).sum()",
            FAKES + "    q = torch.softmax(logits / temperature, 1)\n    wrong = bad = 0.0\n    for row, original, possible in zip(q, original_ids, is_possible):\n        wrong += 1 - row[original]\n        bad += row[~possible].sum()\n    return [float(wrong) / len(q), float(bad / wrong)]",
            FAKES + Q + "    one_hot = torch.nn.functional.one_hot(original_ids, q.shape[1]).bool()\n    fakes = q.masked_fill(one_hot, 0)\n    return torch.stack([fakes.sum(1).mean(), fakes[~is_possible].sum() / fakes.sum()])",
        ],
        [
            (FAKES + Q + "    return right.mean(), (q * ~is_possible).sum() / (1 - right).sum()", "guessed *right*"),
            (FAKES + Q + "    return (q.argmax(-1) != original_ids).float().mean(), 0.5", "*best* guess"),
            (FAKES + Q + "    return (1 - right).sum(), 0.5", "expected number"),
            (FAKES + Q.replace(" / temperature", "") + "    return 1 - right.mean(), (q * ~is_possible).sum() / (1 - right).sum()", "temperature is not used"),
            (FAKES + Q.replace(" / temperature", " * temperature") + "    return 1 - right.mean(), 0.5", "multiplied by the temperature"),
            (FAKES + Q + "    return (1 - q.max(-1).values).mean(), 0.5", "need not be the likeliest"),
            (FAKES + Q + "    return 1 - right.mean(), (q * ~is_possible).sum(-1).mean()", "of *all* selected"),
            (FAKES + Q + "    return 1 - right.mean(), ((q * ~is_possible).sum(-1) / (1 - right)).mean()", "mean of ratios"),
            (FAKES + Q + "    return 1 - right.mean(), 1 - (q * ~is_possible).sum() / (1 - right).sum()", "*could* stand"),
            (FAKES + Q + "    return 1 - right.mean(), (q * is_possible).sum() / (1 - right).sum()", "where the word *can*"),
            (FAKES + Q + "    return 1 - right.mean(), (~is_possible).float().mean()", "counts words of the vocabulary"),
            (FAKES + Q + "    drawn = q.multinomial(1)[:, 0]\n    return (drawn != original_ids).float().mean() + 0.01 * torch.rand(()), torch.rand(())", "Two calls differ"),
            (FAKES + Q + "    return 1 - right.mean()", "two numbers"),
            (FAKES + Q + "    return 1 - right, right", "two numbers"),
            (FAKES.replace("=1.0", "=2.0") + Q + "    return 1 - right.mean(), (q * ~is_possible).sum() / (1 - right).sum()", "T is 1"),
        ],
    ),
}  # fmt: skip
NAMES = {"torch": torch, "corruption": corruption, "Selection": corruption.Selection}


@pytest.mark.parametrize("exercise_id", CASES)
def test_answers_are_told_apart(exercise_id, define):
    hold(exercise_id, CASES[exercise_id], define, NAMES)


def test_the_packages_functions_pass_the_checks():
    for exercise_id in ("04.1", "04.2", "04.3"):
        exercise = find(exercise_id)
        for check in exercise.checks:
            check(exercise.fallback)


def test_readable_functions_are_the_packages():
    logits = torch.randn(3, 4, 50)
    draws = [
        f(logits, temperature=0.7, generator=torch.Generator().manual_seed(5))
        for f in (sample_tokens, corruption.sample_tokens)
    ]
    assert torch.equal(*draws)
    ids, selection, sampled = _case()
    assert torch.equal(corrupt(ids, selection, sampled), corruption.corrupt(ids, selection, sampled))
    assert torch.equal(label_replaced(ids, sampled[:, :1]), corruption.label_replaced(ids, sampled[:, :1]))


def test_what_the_course_says_of_the_fakes_is_what_is_measured():
    assert findings() == MEASURED


def broken(made) -> set[str]:
    """The rules that one output breaks, found from the output alone."""
    pieces, found, changed = bug_hunt.vocabulary(), set(), made.shown_ids != made.original_ids
    if (made.shown_ids == pieces.mask_id).any():
        return {MASK_LEAKS}
    if changed[made.original_ids == pieces.pad_id].any():
        found.add(PADDING_IS_HIT)
    if not torch.equal(made.labels, changed):
        is_selected = torch.equal(made.labels, made.selected)
        found.add(LABEL_IS_SELECTED if is_selected else LABELS_ARE_SHIFTED)
    return found


def test_each_pipeline_breaks_its_own_rule_and_no_other():
    for name, bug in PIPELINES.items():
        over_seeds = [broken(bug_hunt.corrupted_by(name, seed)) for seed in range(20)]
        assert set().union(*over_seeds) == ({bug} - {NOTHING}), name
        shown = [bool(each) for each in over_seeds[:5]]
        assert any(shown) == (bug != NOTHING), "five seeds are enough to see it"


def test_a_pipeline_prints_words_and_brackets(capsys):
    bug_hunt.show_pipeline("B", seed=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 * len(bug_hunt.SENTENCES)
    made, pieces = bug_hunt.corrupted_by("B", 1), bug_hunt.vocabulary()
    first = [word.strip("›‹") for word in lines[2].split()]
    assert first == pieces.tokens(made.shown_ids[0].tolist())
    assert [word.startswith("›") for word in lines[2].split()] == made.labels[0].tolist()
    with pytest.raises(ElectraError, match="no pipeline 'Z'"):
        bug_hunt.show_pipeline("Z")


def test_the_bug_hunt_speaks_the_learners_language(capsys):
    choose_language("zh")
    try:
        test_each_pipeline_breaks_its_own_rule_and_no_other()
        bug_hunt.show_pipeline("A")
        tokens = capsys.readouterr().out.split("[CLS]")[1].split()[:3]
    finally:
        choose_language("en")
    assert tokens == list("博物馆")
    assert bug_hunt.vocabulary().encode("rain").ids[1] != bug_hunt.vocabulary().unk_id, "and English again"


class _Always:
    """A generator with fixed logits everywhere."""

    def __init__(self, logits):
        self.logits = logits

    def __call__(self, ids, positions):
        return self.logits.expand(1, positions.shape[1], -1)


def test_hardness_is_what_the_probabilities_say():
    truth = torch.tensor([[0.0, 0.5, 0.5, 0.0]])
    one = fakes.HiddenWords(torch.tensor([[9]]), torch.tensor([[0]]), torch.tensor([1]), truth)
    generator = _Always(torch.tensor([0.1, 0.6, 0.2, 0.1]).log())
    found = fakes.expected_hardness(generator, [one], 1.0)
    assert found.replaced == pytest.approx(0.4)
    assert found.impossible == pytest.approx(0.5)  # 0.2 of the 0.4
    assert fakes.expected_hardness(generator, [one], 0.5).replaced == pytest.approx(1 - 0.36 / 0.42)


def test_the_dart_is_told_in_words():
    shown = fakes.sampling_dart(["a", "b"], torch.tensor([0.7, 0.3]).log(), 0.65, (1.0, 100.0))
    assert "at T 1 it hits a (P 0.70); at T 100 it hits b (P 0.50)" in shown.alt


def test_a_generator_run_has_the_width_that_is_asked_for():
    run = fakes.generator_run(0.25, story_count=10, steps=1)
    assert run.task.model.generator.encoder.layers[0].attention.out.weight.shape[0] == 24
    assert run.task.model.config.num_layers == 2


def test_pretraining_runs_a_learners_functions(define):
    from electra_helpers.course.labs.world_run import world_run

    def trained(**parts):
        run = world_run(story_count=30, steps=2, parts=own_steps(**parts))
        return run.train().last["rtd_loss"]

    mine = trained(sample=sample_tokens, corrupt=corrupt, label=label_replaced)
    assert trained(sample=sample_tokens, corrupt=corrupt, label=label_replaced) == mine
    assert (
        trained(sample=define(SAMPLE + "    return logits.argmax(-1)", **NAMES), corrupt=corrupt, label=label_replaced)
        != mine
    )
    assert (
        trained(
            sample=sample_tokens,
            corrupt=corrupt,
            label=define(LABEL + "    return original_ids == corrupted_ids", **NAMES),
        )
        != mine
    )


@pytest.mark.slow
def test_a_wider_generator_trained_as_long_makes_fewer_fakes():
    examined = fakes.hidden_words(tokenizer_from_words(vocabulary("en")), 4)
    replaced = {}
    for width in (0.25, 1.0):
        run = fakes.generator_run(width, story_count=6_000, steps=500)
        run.train()
        replaced[width] = fakes.expected_hardness(run.task.model.eval().generator, examined, 1.0).replaced
    assert replaced[1.0] < replaced[0.25] - 0.02, replaced
