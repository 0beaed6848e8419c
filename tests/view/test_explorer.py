"""The explorer without a browser: what each action does, undo, the state, errors, and what is left where nothing runs."""

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.resources import FREE_TEXT
from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.view.explorer.duel import duel
from electra_helpers.view.explorer.examples import examples_for
from electra_helpers.view.explorer.widget import WIDGET_VIEW, explore
from electra_helpers.world import stories, vocabulary
from electra_helpers.world.oracle import Oracle
from tests.pace import within
from tests.view.models import small_pair, world_pair

TEXT = "The chef cooked the unlikely meal today ."
# 0 [CLS]  1 the  2 chef  3 cook  4 ##ed  5 the  6 un  7 ##like  8 ##ly  9 meal  10 today  11 .  12 [SEP]


@pytest.fixture(scope="module")
def pair():
    return small_pair()


@pytest.fixture
def explorer(pair):
    return explore(pair, TEXT)


def ask(explorer, name, *values):
    """What the front end does."""
    explorer._receive(explorer, {"do": name, "with": list(values)}, [])
    return explorer.view


def test_a_click_masks_a_token_and_opens_the_generators_proposals(explorer, pair):
    view = ask(explorer, "press", 2)
    assert explorer.state["masked"] == [2]
    ids = torch.tensor([pair.tokenizer.encode(TEXT).ids])
    original = int(ids[0, 2])
    ids[0, 2] = pair.tokenizer.mask_id
    with torch.no_grad():
        p = torch.softmax(pair.net.generator(ids)[0, 2], -1)
    assert [row["p"] for row in view["proposals"]["rows"]] == pytest.approx(p.topk(8).values.tolist(), abs=1e-6)
    assert view["proposals"]["original_rank"] == int((p > p[original]).sum()) + 1
    assert view["proposals"]["original_p"] == pytest.approx(float(p[original]), abs=1e-6)


def test_the_discriminator_reads_what_was_put_in_and_never_a_mask(explorer, pair):
    ask(explorer, "press", 2)
    untouched = explorer.p_replaced
    ids = torch.tensor([pair.tokenizer.encode(TEXT).ids])
    with torch.no_grad():
        assert untouched == pytest.approx(torch.sigmoid(pair.net.discriminator(ids)[0]).tolist(), abs=1e-6)
        view = ask(explorer, "choose", "tailor")
        ids[0, 2] = pair.tokenizer.backend.token_to_id("tailor")
        judged = torch.sigmoid(pair.net.discriminator(ids)[0]).tolist()
    assert [chip["p"] for chip in view["chips"]] == pytest.approx(judged, abs=1e-6)
    assert view["chips"][2]["mark"] == "replaced"


def test_a_right_guess_is_original_and_not_replaced(explorer):
    ask(explorer, "press", 2)
    view = ask(explorer, "type_word", "chef")
    assert view["chips"][2]["mark"] == "guessed"
    assert not any(explorer.exploration.is_replaced)


def test_pressing_an_open_token_again_puts_the_original_back(explorer):
    start = explorer.state
    ask(explorer, "press", 2)
    ask(explorer, "choose", "meal")
    ask(explorer, "press", 2)
    assert explorer.state == start


def test_a_blank_is_read_with_all_other_blanks(explorer):
    ask(explorer, "press", 2)
    alone = explorer.exploration.proposals.probabilities
    ask(explorer, "press", 3)
    ask(explorer, "choose", "meal")
    ask(explorer, "press", 2)
    assert explorer.exploration.generator_tokens[2:4] == ["[MASK]", "[MASK]"]
    assert explorer.exploration.proposals.probabilities != pytest.approx(alone)


def test_temperature_sharpens_the_bars_and_keeps_the_rank(explorer):
    warm = ask(explorer, "press", 2)["proposals"]
    cold = ask(explorer, "set_temperature", 0.2)["proposals"]
    assert cold["rows"][0]["p"] > warm["rows"][0]["p"]
    assert cold["original_rank"] == warm["original_rank"]


def test_the_ladder_reveals_one_rung_at_a_time(explorer):
    views = [ask(explorer, "step") for _ in range(5)]
    assert [view["stage"] for view in views] == [0, 1, 2, 3, 4]
    select, mask, sample, corrupt, judge = views
    chosen = explorer.state["selected"]
    assert len(chosen) == round(0.15 * 13)
    assert [chip["shown"] for chip in select["chips"]] == explorer.exploration.tokens
    assert [i for i, chip in enumerate(mask["chips"]) if chip["shown"] == "[MASK]"] == explorer.state["masked"]
    assert {sample["chips"][i]["mark"] for i in chosen} == {"drawn"}
    assert {corrupt["chips"][i]["mark"] for i in chosen} <= {"replaced", "guessed"}
    assert all(chip["p"] is None for view in views[:4] for chip in view["chips"])
    assert all(chip["p"] is not None for chip in judge["chips"])


def test_random_corruption_selects_fifteen_percent_and_is_another_one_each_time(explorer):
    seen = set()
    for _ in range(8):
        ask(explorer, "corrupt")
        assert len(explorer.state["sampled"]) == 2
        assert not set(explorer.state["selected"]) & {0, 12}
        seen.add(str(explorer.state["sampled"]))
    assert len(seen) > 3


def test_the_same_seed_repeats_the_same_chance(pair):
    one, two = explore(pair, TEXT, seed=3), explore(pair, TEXT, seed=3)
    for name in ("corrupt", "step", "step", "step", "corrupt"):
        ask(one, name)
        ask(two, name)
    assert one.state == two.state


ACTIONS = st.one_of(
    st.tuples(st.just("press"), st.integers(1, 11)),
    st.tuples(st.just("restore"), st.integers(1, 11)),
    st.tuples(st.just("choose"), st.sampled_from(["meal", "chef", "the"])),
    st.tuples(st.just("set_temperature"), st.sampled_from([0.5, 1.0, 2.0])),
    st.tuples(st.just("set_text"), st.sampled_from([TEXT, "the chef ate ."])),
    st.tuples(st.sampled_from(["sample", "corrupt", "step", "reset"])),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(ACTIONS, max_size=12))
def test_undo_leads_back_and_redo_forth_through_any_actions(actions):
    explorer = explore(small_pair(), TEXT)
    seen = [explorer.state]
    for name, *values in actions:
        ask(explorer, name, *values)
        if explorer.state != seen[-1]:
            seen.append(explorer.state)
    last = explorer.state
    while explorer.view["can_undo"]:
        ask(explorer, "undo")
        assert explorer.state in seen
    assert explorer.state == seen[0]
    while explorer.view["can_redo"]:
        ask(explorer, "redo")
    assert explorer.state == last


@settings(max_examples=15, deadline=None)
@given(st.lists(ACTIONS, max_size=8))
def test_a_state_that_was_read_can_be_set_again(actions):
    explorer = explore(small_pair(), TEXT)
    for name, *values in actions:
        ask(explorer, name, *values)
    state, view = explorer.state, explorer.view
    explorer.reset()
    explorer.state = state
    assert explorer.state == state
    assert explorer.view["chips"] == view["chips"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"masked": [99]}, "no position 99"),
        ({"selected": [0]}, "special token"),
        ({"masked": [3]}, "not among those selected"),
        ({"stage": "guess"}, "no stage 'guess'"),
        ({"temperature": 0}, "temperature is 0"),
        ({"selected": [3], "sampled": {3: "zebra"}}, "no token of this vocabulary"),
        ({"colour": 1}, "has no 'colour'"),
        ({"text": "  "}, "nothing to read"),
    ],
)
def test_a_state_that_cannot_be_is_refused_and_changes_nothing(explorer, state, message):
    before = explorer.state
    with pytest.raises(ElectraError, match=message):
        explorer.state = state
    assert explorer.state == before


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (("press", 0), "special token"),
        (("type_word", "meal"), "No token is open"),
        (("set_text", ""), "nothing to read"),
        (("_act", "x"), "no action"),
        (("set_temperature", "hot"), "temperature is 'hot'"),
        (("press",), "TypeError"),
    ],
)
def test_an_error_is_shown_in_the_widget_and_gone_after_the_next_action(explorer, what, message):
    assert message in ask(explorer, *what)["error"]
    assert explorer.error is not None
    assert ask(explorer, "corrupt")["error"] is None


@pytest.mark.parametrize(
    ("word", "message"),
    [("zebra", "not in this model's vocabulary"), ("cooked", "2 tokens here"), ("[MASK]", "special")],
)
def test_a_typed_word_must_be_one_token(explorer, word, message):
    ask(explorer, "press", 2)
    assert message in ask(explorer, "type_word", word)["error"]


def test_a_piece_stays_a_piece(explorer):
    ask(explorer, "press", 4)
    ask(explorer, "type_word", "ly")
    assert explorer.state["sampled"] == {4: "##ly"}


HARD = {
    "markup": "<script>alert(1)</script>",
    "emoji": "the chef ate 😀 👩‍👩‍👧 .",
    "combining": "le chat é ê " + "e" + "\u0301" * 40,
    "right to left": "שלום עולם",
    "Chinese": "今天天气很好，阳光明媚。",
    "one word of 5,000 letters": "e" * 5_000,
}


@pytest.mark.parametrize("name", HARD)
def test_hard_texts_are_shown_as_text(pair, name):
    explorer = explore(pair, HARD[name])
    explorer.corrupt()
    assert explorer.view["error"] is None
    assert "<script" not in explorer._html()
    assert explorer.view["direction"] == ("rtl" if name == "right to left" else "ltr")


def test_a_long_text_is_cut_with_a_notice_and_answers_within_a_second(pair):
    explorer = explore(pair, "the chef ate the meal . " * 900)
    assert len(explorer.view["chips"]) == 512
    assert "4,890 are cut" in explorer.view["notices"][0]
    began = time.perf_counter()
    ask(explorer, "press", 300)
    assert within(time.perf_counter() - began, 1)


def test_an_empty_text_is_refused_with_a_clear_word(pair):
    with pytest.raises(ElectraError, match="type at least one word"):
        explore(pair, "   ")


def test_without_a_generator_words_can_still_be_typed_and_it_says_what_is_missing():
    explorer = explore(small_pair(generator=False), TEXT)
    assert "discriminator only" in explorer.view["notices"][0]
    assert "no generator" in ask(explorer, "corrupt")["error"]
    ask(explorer, "press", 2)
    view = ask(explorer, "type_word", "meal")
    assert view["proposals"] is None
    assert view["chips"][2]["mark"] == "replaced"
    assert view["chips"][2]["p"] is not None


def test_without_a_discriminator_it_proposes_and_says_what_is_missing():
    explorer = explore(small_pair(discriminator=False), TEXT)
    view = ask(explorer, "press", 2)
    assert "generator only" in view["notices"][0]
    assert len(view["proposals"]["rows"]) == 8
    assert all(chip["p"] is None for chip in view["chips"])
    assert "[MASK]" in explorer._plain()


def test_where_nothing_runs_html_and_a_repeatable_text_stand_in(pair):
    data, _ = explore(pair, TEXT)._repr_mimebundle_()
    assert WIDGET_VIEW in data
    assert "<bdi>chef</bdi>" in data["text/html"]
    assert data["text/plain"] == explore(pair, TEXT)._repr_mimebundle_()[0]["text/plain"]
    assert "chef" in data["text/plain"]


@pytest.mark.parametrize(
    ("code", "position", "fakes"), [("en", 4, "baker tailor"), ("zh", 2, "马 朱"), ("fr", 2, "une avec")]
)
def test_a_story_of_the_little_world_has_ceiling_marks(code, position, fakes):
    """The marks are the oracle's own numbers, and the judge's formula stands in FACTS: m·q·(1−p) / ((1−m)·p + m·q)."""
    [story] = stories(count=1, split="test")
    pair, text = world_pair(code), story.text(code)
    explorer = explore(pair, text)
    view = ask(explorer, "press", position)
    words = explorer.exploration.tokens[1:-1]
    p = Oracle("test", code).distributions(words, [position - 1])[0]
    by_word = dict(zip(vocabulary(code), p, strict=True))
    for row in view["proposals"]["rows"]:
        assert row["ceiling"] == pytest.approx(by_word.get(row["token"], 0.0))
    assert view["proposals"]["original_ceiling"] == pytest.approx(by_word[words[position - 1]])
    fake = next(word for word in fakes.split() if word != words[position - 1])
    chip = ask(explorer, "choose", fake)["chips"][position]
    q = torch.softmax(explorer.exploration._logits(text, (position,), position).double(), -1)
    q = float(q[pair.tokenizer.backend.token_to_id(fake)])
    true = by_word[fake]
    assert chip["best"] == pytest.approx(0.15 * q * (1 - true) / (0.85 * true + 0.15 * q))
    ask(explorer, "set_text", " ".join(words[:5]))
    assert ask(explorer, "press", position)["proposals"]["original_ceiling"] is None, "half a story has no ceiling"


def test_the_bundled_chinese_model_has_its_ceilings_at_once():
    explorer = explore("electra-tiny-world-zh", max((s.text("zh") for s in stories(count=20)), key=len))
    explorer.press(3)
    began = time.perf_counter()
    explorer.corrupt()
    assert explorer.exploration.best_judgement.keys() == explorer.exploration.now.sampled.keys()
    assert within(time.perf_counter() - began, 5), "a dozen ceilings"


def test_every_model_is_offered_sentences_of_its_own_vocabulary():
    tokenizer = tokenizer_from_words(vocabulary("en"))
    offered = examples_for(tokenizer)
    assert len(offered) >= 4
    assert all(tokenizer.unk_id not in tokenizer.encode(text).ids for text in offered[:4])
    [story] = stories(count=1, split="test")
    assert any(text == story.text("en") for text in offered[:4])


def test_explorer_and_duel_read_real_english_where_no_model_is_named():
    explorer, game = explore(), duel()
    assert explorer.exploration.pretrained.name == game.contest.pretrained.name == FREE_TEXT
    assert explorer.state["text"] == explorer.examples[0]
    assert {"She", "letter", "envelope"} <= set(explorer.examples[0].split()), "English, and each word one token"
