"""The search finds sections by words and by Chinese pairs of characters, in the script that every page has."""

import pytest

from electra_helpers.site.build import HERE
from tests.site.javascript import NODE, in_node

pytestmark = pytest.mark.skipif(NODE is None, reason="no node on this machine")
ASK = """
const given = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const { search, termsOf, excerpt } = globalThis.electraSearch;
const answers = given.queries.map((query) => [search(given.sections, query).map((section) => section.url), termsOf(query)]);
process.stdout.write(JSON.stringify(answers));
"""
SECTIONS = [
    {"url": "a", "page": "03 · The generator", "title": "Gather", "text": "Only the selected positions get logits."},
    {"url": "b", "page": "05 · The discriminator", "title": "The loss", "text": "A generator that reselected nothing."},
    {"url": "c", "page": "词表", "title": "分词", "text": "今天天气很好，模型读到的是词片。"},
    {"url": "d", "page": "词表", "title": "天空", "text": "气球在天上。"},
]


def found(tmp_path, *queries):
    script = (HERE / "assets" / "search.js").read_text("utf-8") + ASK
    return in_node(script, {"sections": SECTIONS, "queries": queries}, tmp_path)


def test_a_word_is_found_by_its_beginning_and_the_best_section_comes_first(tmp_path):
    (selected, _), (generator, _), (both, _) = found(tmp_path, "SELECT", "generator", "generator loss")
    assert selected == ["a"]  # not inside "reselected"
    assert sorted(generator) == ["a", "b"]
    assert both == ["b"]


def test_chinese_is_found_without_blanks_between_words(tmp_path):
    (weather, terms), (nothing, _), (mixed, _) = found(tmp_path, "天气很好", "天球气", "模型 词片")
    assert terms == ["天气", "气很", "很好"]
    assert weather == ["c"]
    assert nothing == []
    assert mixed == ["c"]


def test_an_empty_query_and_an_unknown_word_find_nothing(tmp_path):
    assert [urls for urls, _ in found(tmp_path, "", "  ?! ", "zebra")] == [[], [], []]
