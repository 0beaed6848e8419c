"""Notebook 15: what the benchmark recorded, and every number and verdict of the prose, recomputed from it."""

# ruff: noqa: E501
import re
from itertools import combinations
from statistics import mean, stdev

import pytest

from electra_helpers.course.exercises.n15_the_papers_experiments import COMPARED, blimp, over_a_coin
from electra_helpers.course.labs import ladder_pictures as pictures
from electra_helpers.course.labs import objectives
from electra_helpers.course.labs.ladder import (
    ARMS,
    LADDER,
    OF_06,
    PAPER,
    arms_of,
    gains,
    recorded,
    runs,
    scores,
)
from electra_helpers.course.labs.ladder_pictures import (
    PAPER_SAYS,
    apart,
    beside_the_paper,
    gains_picture,
    gains_table,
    scores_picture,
    with_spread,
)
from tests.notebooks.form import NOTEBOOKS, read, tags

SEEDS = {"world": [0, 1, 2], "real": [0, 1, 2], "06": [0, 1, 2, 3, 4]}


def test_the_benchmark_recorded_every_arm_with_the_same_seeds():
    assert set(arms_of("world")) == set(ARMS)
    assert set(arms_of("real")) == {*LADDER, "uniform", "unigram"}
    for ground in ("world", "real"):
        for arm in arms_of(ground):
            known = SEEDS["06" if ground == "world" and arm in OF_06 else ground]
            assert [run["seed"] for run in runs(ground, arm)] == known, (ground, arm)
    for run in [run for found in recorded()["real"]["arms"].values() for run in found]:
        assert run["steps"] * run["flops_per_step"] == pytest.approx(electra_budget(), rel=0.02)
        assert run["tokens"] == run["steps"] * 16 * 64
        assert run["cpu_seconds"] > 0


def electra_budget() -> int:
    run = runs("real", "rtd")[0]
    return run["steps"] * run["flops_per_step"]


def test_all_arms_on_real_text_start_from_the_same_encoder():
    for reading in ("grammar", "reviews"):
        starts = {run["readings"][0][reading] for found in recorded()["real"]["arms"].values() for run in found}
        assert len(starts) == 1, reading


def test_a_picture_of_gains_says_in_words_what_it_shows():
    figure = gains_picture("real", "grammar", ("rtd", "uniform"), {"rtd": 0.5})
    assert f"ELECTRA {100 * mean(gains('real', 'rtd', 'grammar')):.1f}" in figure.alt
    assert "yours 50.0" in figure.alt
    assert (
        f"uniform fakes {100 * mean(scores('real', 'uniform', 'blimp')):.1f}" in scores_picture("blimp", COMPARED).alt
    )
    assert with_spread([1.0, 3.0], "+") == "+2.0 ± 1.4"
    assert with_spread([1.0]) == "1.0 (one seed)", "one seed has no spread"
    assert "uniform fakes" in gains_table("real", "blimp", ("rtd", "uniform"))


BOOK = NOTEBOOKS / "15_the_papers_experiments.ipynb"
NUMBER = re.compile(r"\d\.\d")


def points(value: float) -> str:
    """A difference of shares in points, as the prose writes it."""
    return f"{100 * value:+.1f}".replace("-", "−")


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def twice_the_spread(*found: list[float]) -> str:
    return f"{200 * max(map(stdev, found)):.1f}"


def is_clear(one: list[float], other: list[float]) -> bool:
    """Whether two arms differ by twice the larger spread."""
    difference, twice = apart(one, other)
    return abs(difference) >= twice


def above(one: list[float], other: list[float]) -> tuple[str, str]:
    """By how many points the first is above the second, and twice the spread."""
    difference, twice = apart(one, other)
    return f"{100 * difference:.1f}", f"{100 * twice:.1f}"


def clear_by_the_probes() -> list[tuple[str, str, str]]:
    """Which arms are apart on real text by what a probe gained, whose start is the same for all."""
    return [
        (probe, *pair)
        for probe in ("grammar", "reviews")
        for pair in combinations(arms_of("real"), 2)
        if is_clear(*(gains("real", arm, probe) for arm in pair))
    ]


def passages() -> list[str]:
    """Every passage of the prose that holds a number of the recordings or of the paper's tables, recomputed."""
    pairs = {arm: gains("world", arm, "pairs") for arm in ARMS}
    outcome = {arm: gains("world", arm, "outcome") for arm in LADDER}
    blimp_of = {arm: scores("real", arm, "blimp") for arm in arms_of("real")}
    own = {arm: mean(found) for arm, found in blimp_of.items()}
    grammar, reviews = ({arm: gains("real", arm, probe) for arm in blimp_of} for probe in ("grammar", "reviews"))
    coin = [run["readings"][0]["blimp"] for arm in COMPARED for run in runs("real", arm)]
    real, over_coin = recorded()["real"], [gains("real", arm, "blimp") for arm in COMPARED]
    bert, fewer = above(grammar["mlm"], grammar["all-tokens-mlm"]), above(reviews["rtd-selected"], reviews["rtd"])
    learned, judged = above(blimp_of["rtd"], blimp_of["uniform"]), above(pairs["rtd"], pairs["rtd-selected"])
    pairs_of_arms = len(list(combinations(blimp_of, 2)))
    return [
        *(f"| {score} |" for score in sorted(set(PAPER.values()))),
        f"BERT gains most, {bert[0]} points more than All-Tokens MLM (twice the spread is {bert[1]}); on reviews ELECTRA loses {fewer[0]} points more than ELECTRA 15 % ({fewer[1]}).",
        f"ahead of four of the six other arms: {learned[0]} points above ELECTRA with uniform fakes, for example ({learned[1]}).",
        f"by what each gained the difference is {100 * over_a_coin():.1f} and twice the spread {twice_the_spread(*over_coin)}, not clear.",
        f"gains {judged[0]} points more on minimal pairs than ELECTRA 15 %; twice the spread is {judged[1]}.",
        f"ELECTRA gains {points(mean(pairs['rtd']))} points, ELECTRA 15 % {points(mean(pairs['rtd-selected']))}:",
        f"All-Tokens MLM gains {points(mean(pairs['all-tokens-mlm']))}, Replace MLM {points(mean(pairs['replace-mlm']))}:",
        f"more than BERT ({points(mean(pairs['mlm']))})",
        f"BERT gains most: {points(mean(outcome['mlm']))} points, ELECTRA {points(mean(outcome['rtd']))};",
        f"{percent(own['rtd'])} against {percent(own['uniform'])}",
        f"*unigram* fakes, which no context has chosen, end at {percent(own['unigram'])},",
        f"the difference is {100 * over_a_coin():.1f} points with twice the spread at {twice_the_spread(*over_coin)}: *not clear*.",
        f"between {100 * min(coin):.1f} % and {100 * max(coin):.1f} % before",
        f"end at {percent(own['replace-mlm'])} for Replace MLM, {percent(own['mlm'])} for BERT, {percent(own['all-tokens-mlm'])} for All-Tokens MLM, "
        f"{percent(own['rtd-selected'])} for ELECTRA 15 % and {percent(own['rtd'])} for ELECTRA.",
        f"BERT gains {points(mean(grammar['mlm']))} points: clearly more than Replace MLM ({points(mean(grammar['replace-mlm']))}), "
        f"All-Tokens MLM ({points(mean(grammar['all-tokens-mlm']))}) and ELECTRA with uniform fakes ({points(mean(grammar['uniform']))}).",
        f"ELECTRA 15 % ({points(mean(grammar['rtd-selected']))}) is clearly above Replace MLM, and ELECTRA ({points(mean(grammar['rtd']))}) clearly apart from none.",
        f"*loses*, {points(mean(reviews['rtd']))} points, clearly more than ELECTRA 15 % ({points(mean(reviews['rtd-selected']))}) and than with unigram fakes "
        f"({points(mean(reviews['unigram']))}); with uniform fakes the encoder stays what it was ({points(mean(reviews['uniform']))}).",
        f"These are {len(clear_by_the_probes())} of {2 * pairs_of_arms} comparisons ({pairs_of_arms} pairs of arms, two probes).",
        f"between {points(mean(pairs['generator 1/8']))} points for a generator of 1/8 and {points(mean(pairs['untied']))} without tied embeddings, ELECTRA's at {points(mean(pairs['rtd']))}, "
        f"the adversarial generator's at {points(mean(pairs['adversarial']))}, and one that saw uniform fakes at {points(mean(pairs['uniform']))};",
        f"lead of {PAPER['rtd'] - PAPER['mlm']:.1f} come back",
        f"may spend {objectives.BUDGET / 1e12} · 10¹² operations",
        f"cut to {real['pieces']:,} pieces;",
        f"{real['settings']['length']} tokens at most, {real['settings']['batch_size']} a step; every arm has the compute of {real['electra_steps']} steps",
        f"Every {round(67_000 / real['blimp_pairs'])}th of the 67,000 pairs",
        "no embeddings tied 83.6 on GLUE, with the token embeddings tied 84.3, with all of them 84.4",  # the paper's
    ]


def test_every_number_in_the_prose_is_recomputed_from_the_recording():
    text = "\n".join(cell.source for cell in read(BOOK).cells if "recorded" in tags(cell))
    for passage in passages():
        assert passage in text, passage
        text = text.replace(passage, "")
    text = re.sub(r"`[^`]*`|Sections? \d\.\d(?: (?:and|to) \d\.\d)?", "", text)  # code, and where to read
    assert not NUMBER.findall(text), "a number that nobody recomputes"
    others = "\n".join(cell.source for cell in read(BOOK).cells if "recorded" not in tags(cell))
    prose = re.sub(r"\b(?:15|05)\.\d\b|0\.\d+|1\.0", "", others)  # numbers of exercises, and those of the tiny example
    assert NUMBER.findall(prose) == [], "a number outside of the cells that are recomputed"


def test_what_the_prose_calls_clear_on_the_little_world_is_clear_and_a_tie_is_a_tie():
    pairs = {arm: gains("world", arm, "pairs") for arm in ARMS}
    assert is_clear(pairs["rtd"], pairs["rtd-selected"])
    assert not is_clear(pairs["all-tokens-mlm"], pairs["replace-mlm"])
    for arm in ("all-tokens-mlm", "mlm"):
        assert mean(pairs["rtd"]) > mean(pairs[arm]), arm
        assert not is_clear(pairs["rtd"], pairs[arm]), arm
    assert mean(pairs["replace-mlm"]) < mean(pairs["mlm"])
    outcome = {arm: gains("world", arm, "outcome") for arm in LADDER}
    assert max(outcome, key=lambda arm: mean(outcome[arm])) == "mlm"
    assert not is_clear(outcome["mlm"], outcome["rtd"])
    others = ["rtd", *(arm for arm in ARMS if arm not in LADDER)]
    assert min(others, key=lambda arm: mean(pairs[arm])) == "generator 1/8"
    assert max(others, key=lambda arm: mean(pairs[arm])) == "untied"
    assert not [pair for pair in combinations(others, 2) if is_clear(pairs[pair[0]], pairs[pair[1]])]
    ends = {arm: gains("world", arm, "outcome") for arm in others}
    found = [pair for pair in combinations(others, 2) if is_clear(ends[pair[0]], ends[pair[1]])]
    assert found == [("uniform", "generator 1/8"), ("uniform", "generator 1")]
    assert all(mean(ends["uniform"]) > mean(ends[arm]) for _, arm in found)
    assert (len(others), len(list(combinations(others, 2)))) == (11, 55)
    assert [arm for arm in others if not is_clear(pairs[arm], pairs["rtd-selected"])] == ["generator 1/8"]


def test_the_papers_eight_orders_are_told_as_they_came_out():
    found = [apart(*(gains("world", arm, "pairs") for arm in pair)) for pair in PAPER_SAYS]
    assert len(found) == 8
    assert [difference > 0 for difference, _ in found].count(True) == 4
    for reading in ("pairs", "outcome"):
        lines = beside_the_paper(reading).splitlines()
        assert len(lines) == 9
        assert all(line.endswith("not clear") for line in lines[1:]), reading


def test_an_order_agrees_or_is_turned_round_where_it_is_clear(monkeypatch):
    monkeypatch.setattr(pictures, "gains", lambda ground, arm, reading: [0.2, 0.21] if arm == "rtd" else [0.1, 0.11])
    lines = beside_the_paper().splitlines()
    assert [line.split("  ")[-1].strip() for line in lines[4:6]] == ["agrees", "agrees"], "ELECTRA is above"
    monkeypatch.setattr(pictures, "gains", lambda ground, arm, reading: [0.2, 0.21] if arm == "untied" else [0.1, 0.11])
    assert beside_the_paper().splitlines()[-1].endswith("the other way round")


def test_what_the_prose_calls_clear_on_real_text_is_clear():
    learned, uniform = blimp().values()
    assert is_clear(learned, uniform)
    assert min(learned) > max(uniform), "the rings of the two arms do not meet"
    own = {arm: scores("real", arm, "blimp") for arm in arms_of("real")}
    order = ["replace-mlm", "mlm", "all-tokens-mlm", "rtd-selected", "rtd"]
    assert sorted(LADDER, key=lambda arm: mean(own[arm])) == order, "the order that the prose gives"
    assert all(is_clear(own["replace-mlm"], own[arm]) for arm in order[1:])
    assert [arm for arm in order[1:-1] if is_clear(own["rtd"], own[arm])] == ["mlm", "all-tokens-mlm"]
    assert [arm for arm in own if arm != "rtd" and not is_clear(own["rtd"], own[arm])] == ["rtd-selected", "unigram"]
    assert is_clear(own["unigram"], own["uniform"])
    assert not is_clear(own["unigram"], own["rtd"])
    over_coin = {arm: gains("real", arm, "blimp") for arm in own}
    assert not [arm for arm in own if arm != "rtd" and is_clear(over_coin["rtd"], over_coin[arm])]
    heads = [[run["readings"][0]["blimp"] for run in runs("real", arm)] for arm in ("rtd", "unigram")]
    assert heads[0] == heads[1], "their heads start alike, seed by seed"
    assert runs("real", "uniform")[0]["steps"] > runs("real", "rtd")[0]["steps"]


def test_against_the_same_start_no_arm_is_behind_electra():
    assert clear_by_the_probes() == [
        ("grammar", "mlm", "replace-mlm"),
        ("grammar", "mlm", "all-tokens-mlm"),
        ("grammar", "mlm", "uniform"),
        ("grammar", "replace-mlm", "rtd-selected"),
        ("reviews", "rtd-selected", "rtd"),
        ("reviews", "rtd", "unigram"),
    ]
    grammar, reviews = (
        {arm: mean(gains("real", arm, probe)) for arm in arms_of("real")} for probe in ("grammar", "reviews")
    )
    assert max(grammar, key=grammar.get) == "mlm"
    assert grammar["rtd-selected"] > grammar["replace-mlm"]
    assert reviews["rtd"] < min(reviews["rtd-selected"], reviews["unigram"])
    assert abs(reviews["uniform"]) < 0.01
