"""The oracle is exact: it equals brute force on a small grammar, and on the world itself it is calibrated."""

import itertools
import random

import numpy as np
import pytest

from electra_helpers.world import chart, stories
from electra_helpers.world.chart import HIDDEN, Arc, Chart, Factor, Grammar
from electra_helpers.world.oracle import Oracle

NAMES = ["ann", "eve", "ida", "bob", "tom"]
WORDS = [*NAMES, "she", "he", "baker", "tailor", "smith", "whisk", "sieve", "needle", "pin", "file", "tongs"]
WORDS += ["cake", "pie", "coat", "hat", "knife", "axe", "had", "met", "then", "was", "proud", "sad", ".", "a", "an"]
ID = {word: number for number, word in enumerate(WORDS)}


def ids(*words):
    return np.array([ID[word] for word in words])


def small_grammar() -> Grammar:
    """Two names, a pronoun, a trade with tools and a product that hangs on it, an outcome, optional words."""
    another = (np.ones((5, 5)) - np.eye(5)) / 4
    product = np.array([[0.7, 0.3, 0, 0, 0, 0], [0, 0, 0.5, 0.5, 0, 0], [0, 0, 0, 0, 0.2, 0.8]])
    priors = {
        "P": np.full(5, 0.2),
        "F": another,
        "T": np.array([0.5, 0.3, 0.2]),
        "J": np.array([0.6, 0.4]),
        "X": product,
        "O": np.array([0.4, 0.6]),
    }
    pronoun = ids("she", "she", "she", "he", "he")
    tools = ids("whisk", "sieve", "needle", "pin", "file", "tongs").reshape(3, 2)
    products = ids("cake", "pie", "coat", "hat", "knife", "axe")
    articles = ids("a", "a", "a", "a", "a", "an")
    tables = [Factor((), np.array(ID[word])) for word in ("had", "met", "then", "was", "proud", "sad", ".", "a")]
    had, met, then, was, proud, sad, stop, a = range(8)
    tables += [Factor(("P",), ids(*NAMES)), Factor(("P",), pronoun), Factor(("F",), ids(*NAMES))]
    name, he, friend = 8, 9, 10
    tables += [Factor(("T",), ids("baker", "tailor", "smith")), Factor(("T", "J"), tools)]
    trade, tool = 11, 12
    tables += [Factor(("X",), products), Factor(("X",), articles)]
    thing, article = 13, 14
    good, bad = Factor(("O",), np.array([1.0, 0.0])), Factor(("O",), np.array([0.0, 1.0]))
    arcs = [
        *(Arc(0, 1, 0.7, (name, was, a, trade, stop)), Arc(0, 1, 0.3, (a, trade, was, name, stop))),
        *(Arc(1, 2, 0.5, ()), Arc(1, 2, 0.5, (then,))),
        *(Arc(2, 3, 0.6, (he, had, article, thing)), Arc(2, 3, 0.4, (name, met, friend))),
        *(Arc(3, 4, 1.0, (stop,), good), Arc(3, 4, 0.8, (then, had, a, tool, stop), bad), Arc(3, 4, 0.2, (stop,), bad)),
        *(Arc(4, 5, 1.0, (friend, was, proud), good), Arc(4, 5, 1.0, (he, was, sad), bad)),
    ]
    parents = {"F": "P", "X": "T"}
    return Grammar(priors, parents, tables, arcs, n_nodes=6, n_words=len(WORDS))


def every_text(grammar: Grammar) -> dict[tuple[int, ...], float]:
    """Say everything: all values of all registers times all ways through the graph."""
    texts: dict[tuple[int, ...], float] = {}
    names = list(grammar.priors)
    for values in itertools.product(*(range(grammar.priors[name].shape[-1]) for name in names)):
        world = dict(zip(names, values, strict=True))
        weight = 1.0
        for name, value in world.items():
            parent = grammar.parents.get(name)
            weight *= grammar.priors[name][value] if parent is None else grammar.priors[name][world[parent], value]
        if weight > 0:
            walk(grammar, world, 0, (), weight, texts)
    return texts


def walk(grammar, world, node, said, weight, texts):
    if node == grammar.n_nodes - 1:
        texts[said] = texts.get(said, 0.0) + weight
    for arc in (arc for arc in grammar.arcs if arc.source == node):
        share = arc.weight
        if arc.condition:
            share *= arc.condition.table[tuple(world[name] for name in arc.condition.registers)]
        words = (grammar.words[slot] for slot in arc.slots)
        more = tuple(int(table[tuple(world[name] for name in registers)]) for registers, table in words)
        if share > 0:
            walk(grammar, world, arc.target, said + more, weight * share, texts)


GRAMMAR = small_grammar()
TEXTS = every_text(GRAMMAR)


def by_brute_force(text, hidden):
    out, total = np.zeros((len(hidden), len(WORDS))), 0.0
    for other, weight in TEXTS.items():
        if len(other) == len(text) and all(
            a == b for i, (a, b) in enumerate(zip(text, other, strict=True)) if i not in hidden
        ):
            total += weight
            for row, position in enumerate(hidden):
                out[row, other[position]] += weight
    return out / total, total


def cases(n, seed):
    """Texts with anything from one word to all words hidden."""
    rng = random.Random(seed)
    known = list(TEXTS)
    for number in range(n):
        text = rng.choice(known)
        hidden = sorted(rng.sample(range(len(text)), len(text) if number % 10 == 0 else rng.randint(1, len(text))))
        yield text, hidden


def test_all_texts_of_the_small_grammar_add_up_to_one():
    assert len(TEXTS) > 1000
    assert np.isclose(sum(TEXTS.values()), 1.0)


@pytest.mark.parametrize("large", [0, chart.LARGE])
def test_the_chart_equals_brute_force_whether_it_drops_what_is_ruled_out_or_not(large, monkeypatch):
    monkeypatch.setattr(chart, "LARGE", large)
    for text, hidden in cases(400, seed=1):
        read = Chart(GRAMMAR, [HIDDEN if at in hidden else word for at, word in enumerate(text)])
        assert read.drops == (large == 0)
        expected, total = by_brute_force(text, hidden)
        np.testing.assert_allclose(read.distributions(hidden), expected, atol=1e-12)
        assert np.isclose(read.total, total)


def test_a_hidden_tool_is_known_by_the_product_although_no_word_of_the_trade_is_visible():
    # "? was a ? . she had a pie . …": the values of the trade may not be lumped, for the product tells them apart
    text = [HIDDEN, ID["was"], ID["a"], HIDDEN, ID["."], ID["she"], ID["had"], ID["a"], ID["pie"]]
    text += [ID["then"], ID["had"], ID["a"], HIDDEN, ID["."], *ids("she", "was", "sad")]
    rows = Chart(GRAMMAR, text).distributions([3, 12])
    assert rows[0, ID["baker"]] == pytest.approx(1.0)
    assert rows[1, ID["whisk"]] == pytest.approx(0.6)


def test_an_impossible_text_is_refused():
    with pytest.raises(ValueError, match="cannot say"):
        Chart(GRAMMAR, ids("ann", "was", "a", "baker", ".", "he", "had", "a", "cake", ".", "tom", "was", "proud"))


def masked_rows(n, split="validation", seed=0, share=0.13, code="en"):
    rng = random.Random(seed)
    for story in stories(count=n, split=split):
        words = story.words(code)
        yield words, sorted(rng.sample(range(len(words)), max(1, round(share * len(words)))))


@pytest.mark.parametrize(
    ("split", "code"),
    [("validation", "en"), ("test", "en"), ("validation", "zh"), ("test", "zh"), ("validation", "fr")],
)
def test_on_the_world_the_oracle_is_calibrated_and_never_rules_out_the_truth(split, code):
    oracle = Oracle(split, code)
    right, expected, entropy, loss = [], [], [], []
    for words, hidden in masked_rows(120 if code == "en" else 60, split, code=code):
        p = oracle.distributions(words, hidden)
        assert np.allclose(p.sum(axis=1), 1.0)
        truth = [oracle.ids[words[at]] for at in hidden]
        of_truth = p[np.arange(len(hidden)), truth]
        assert (of_truth > 0).all()
        right += list(p.argmax(axis=1) == truth)
        expected += list(p.max(axis=1))
        loss += list(-np.log(of_truth))
        entropy += list(-(p * np.log(np.where(p > 0, p, 1))).sum(axis=1))
    n = len(right)
    assert abs(np.mean(right) - np.mean(expected)) < 3.5 * 0.5 / n**0.5
    assert abs(np.mean(loss) - np.mean(entropy)) < 3.5 * np.std(loss) / n**0.5


def test_with_everything_hidden_the_oracle_says_what_the_stories_say():
    oracle = Oracle()
    told = [story.words() for story in stories(seed=3, count=6000, languages=[])]
    same_length = [words for words in told if len(words) == 55]
    p = oracle.distributions([""] * 55, range(55))
    for at in (0, 1, 8, 54):
        for word in ("in", "a", ".", "!", "was", "on"):
            share = np.mean([words[at] == word for words in same_length])
            assert abs(share - p[at, oracle.ids[word]]) < 4 * 0.5 / len(same_length) ** 0.5


def test_names_of_two_and_of_three_characters_stand_for_each_other_and_half_a_name_for_none():
    oracle = Oracle("validation", "zh")
    text = next(text for story in stories(count=500) if "茱莉娅" in (text := "".join(story.words("zh"))))
    assert oracle.log_probability(list(text)) > -150
    assert oracle.log_probability(list(text.replace("茱莉娅", "艾玛"))) > -150
    assert oracle.log_probability(list(text.replace("茱莉娅", "茱莉"))) == float("-inf")
    at = text.index("茱莉娅")
    [first, second] = oracle.distributions(list(text), [at, at + 1])
    assert first[oracle.ids["茱"]] > 0.9, "the name stands elsewhere in the story"
    assert second[oracle.ids["莉"]] > 0.9


def test_a_word_outside_the_world_is_named():
    with pytest.raises(ValueError, match="'xylophone'"):
        Oracle().distributions(["xylophone", "."], [1])


def test_a_storys_probability_is_that_of_all_ways_to_say_it_and_nonsense_has_none():
    oracle = Oracle()
    story = next(stories(count=1, split="validation"))
    words = story.words()
    assert -150 < oracle.log_probability(words) < -20
    assert oracle.log_probability(words[:-1]) == float("-inf")
    other = "he" if "she" in words else "she"
    assert oracle.log_probability([other if word in ("he", "she") else word for word in words] + ["."]) == float("-inf")
    assert np.isclose(Chart(GRAMMAR, next(iter(TEXTS))).total, next(iter(TEXTS.values())))


def test_a_name_needs_the_other_sentences_and_a_full_stop_does_not():
    oracle = Oracle()
    for story in stories(count=3, split="validation"):
        sentences = [told.words for told in story.told()]
        slots = [slot for told in story.told() for slot in told.slots]
        names = [at for at, slot in enumerate(slots) if slot and slot[:2] == ("P", "")]
        assert oracle.needs_other_sentences(sentences, names[-1])
        assert not oracle.needs_other_sentences(sentences, len(slots) - 1)
