"""The heat map for the terminal: same words with and without colour, numbers under their tokens, never too wide."""

import os
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from electra_helpers.errors import ElectraError
from electra_helpers.view.tokens import tokens_to_terminal

TOKENS = ["[CLS]", "the", "chef", "cook", "##ed", "今", "天", "[SEP]"]
P = [0.0, 0.01, 0.25, 0.93, 0.71, 0.5, 0.1, 0.0]
WORDS = [None, 0, 1, 2, 2, 3, 4, None]
ANSI = re.compile(r"\x1b\[[\d;]*m")


def plain(*args, **kwargs) -> str:
    return tokens_to_terminal(*args, color=False, **kwargs)


def test_each_number_stands_under_its_token_also_after_chinese():
    above, below = plain(TOKENS, P, width=80).split("\n")
    starts = [(wcswidth(above[: m.start()]), m[0]) for m in re.finditer(r"\S+", above)]
    assert [token.lstrip("*") for _, token in starts] == TOKENS
    assert [column for column, _ in starts] == [m.start() for m in re.finditer(r"\S+", below)]
    assert below.split() == [f"{p:.2f}" for p in P]


def test_a_star_marks_what_is_suspected_and_a_line_what_was_replaced():
    above = plain(["a", "b", "c"], [0.49, 0.5, 0.2], is_replaced=[False, True, True]).split("\n")[0]
    assert above.split() == ["a", "*_b", "_c"]


def test_colour_adds_nothing_but_colour():
    painted = tokens_to_terminal(TOKENS, P, color=True, width=30)
    assert ANSI.search(painted)
    lines = [line.rstrip() for line in ANSI.sub("", painted).split("\n")]
    assert lines == plain(TOKENS, P, width=30).split("\n")


def test_the_more_suspected_the_deeper_and_what_is_hardly_suspected_stays_unpainted():
    painted = tokens_to_terminal(["a", "b", "c", "d", "e"], [0.1, 0.3, 0.5, 0.7, 1.0], color=True, width=80)
    above = painted.split("\n")[0]
    assert above.startswith("a "), "no colour below 0.2"
    assert re.findall(r"48;5;(\d+)", above) == ["223", "222", "215", "208"]
    assert "38;5;16" in above, "the text colour is set with the background, whatever the terminal's theme"


@pytest.mark.parametrize(
    ("is_terminal", "environment", "painted"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(monkeypatch, is_terminal, environment, painted):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)
    assert ("\x1b" in tokens_to_terminal(["chef"], [0.9])) is painted


@given(
    st.lists(st.tuples(st.text(max_size=12), st.floats(0, 1), st.integers(0, 2)), max_size=12),
    st.integers(6, 40),
)
def test_no_line_is_wider_than_the_terminal(rows, width):
    text = plain([t for t, _, _ in rows], [p for _, p, _ in rows], word_ids=[w for _, _, w in rows], width=width)
    for line in text.split("\n"):
        assert 0 <= wcswidth(line) <= max(width, len("(no tokens)") if not rows else 0)


def test_a_word_moves_to_the_next_line_as_a_whole():
    text = plain(["the", "play", "##ing", "chef"], [0.1] * 4, word_ids=[0, 1, 1, 2], width=13)
    assert [block.split("\n")[0] for block in text.split("\n\n")] == ["the", "play ##ing", "chef"]


def test_width_is_asked_of_the_terminal(monkeypatch):
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((12, 24)))
    assert len(plain(["aaaa", "bbbb", "cccc"], [0.1] * 3).split("\n\n")) == 2


@pytest.mark.parametrize("letters", [6, 5000])
def test_a_long_token_is_cut_with_an_ellipsis_at_once(letters):
    above, below = plain(["漢" * letters], [0.1], width=11).split("\n")  # 6 letters: too wide, though not too many
    assert above == "漢" * 5 + "…"
    assert below == "0.10"


@pytest.mark.parametrize("token", ["<script>alert(1)</script>", "👩‍🍳", "مرحبا", "é"])
def test_any_script_is_printed_as_it_is(token):
    assert token in plain([token], [0.1], width=80)


def test_escape_sequences_in_a_token_do_not_reach_the_terminal():
    text = plain(["\x1b[2Jgone", "\x9b31m", "a\nb"], [0.1] * 3, width=80)
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert text.count("\n") == 1
    assert "␛[2Jgone" in text


def test_no_tokens_is_said_in_words():
    assert plain([], []) == "(no tokens)"


def test_lists_that_are_not_aligned_are_refused():
    with pytest.raises(ElectraError, match="1 tokens but 2 values in p"):
        plain(["a"], [0.1, 0.2])
