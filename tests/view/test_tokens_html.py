"""The heat map for the page: escaped, aligned, readable in both themes, and never by colour alone."""

import re
import sysconfig
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.view.tokens import tokens_to_html

ATTACK = "<script>alert(1)</script>"
THEMES = Path(sysconfig.get_path("data"), "share/jupyter/lab/themes/@jupyterlab")
# Where Jupyter's variables are missing, `Canvas` and `CanvasText` count: the browser's own two.
CANVAS = {"light": ((255, 255, 255), (0, 0, 0)), "dark": ((18, 18, 18), (255, 255, 255))}


class Reader(HTMLParser):
    """Reads a fragment as a browser does: the tags, and the text outside of `style`."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.text, self.attributes, self.open = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)

    @property
    def shown(self) -> str:
        return "".join(self.text)


@pytest.mark.parametrize("where", ["token", "title"])
def test_text_is_shown_and_never_run(where):
    html = tokens_to_html([ATTACK if where == "token" else "x"], [0.5], title=ATTACK if where == "title" else None)
    page = Reader(html)
    assert "script" not in page.tags
    assert ATTACK in page.shown
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_a_quote_does_not_end_the_attribute():
    page = Reader(tokens_to_html(['" onmouseover="alert(1)'], [0.5]))
    assert {name for name, _ in page.attributes} <= {"class", "style", "title", "dir"}


@given(st.lists(st.tuples(st.text(), st.floats(0, 1)), max_size=8))
def test_any_text_survives_with_its_number(pairs):
    page = Reader(tokens_to_html([t for t, _ in pairs], [p for _, p in pairs]))
    assert page.open == []
    for token, p in pairs:
        if token.isprintable():
            assert f"{token} {p:.2f}" in page.shown


def test_heat_and_number_do_not_need_the_style_sheet():
    bare = re.sub(r"<style>.*?</style>", "", tokens_to_html(["chef"], [0.5]), flags=re.DOTALL)
    assert re.search(r'style="background-color:rgba\([\d,.]+\)" title="[^"]*"><bdi>chef</bdi> <small>0.50<', bare)


def test_the_number_is_text_and_not_only_colour():
    page = Reader(tokens_to_html(["the", "chef"], [0.031, 0.968]))
    assert "chef 0.97" in page.shown
    assert ("title", "chef: P(replaced) = 0.9680") in page.attributes


def test_control_characters_become_pictures():
    shown = Reader(tokens_to_html(["a\x00b\x1bc\x9bd"], [0.1])).shown
    assert "a␀b␛c\N{REPLACEMENT CHARACTER}d" in shown


def test_pieces_of_a_word_stay_in_one_box_and_specials_stand_alone():
    html = tokens_to_html(["[CLS]", "[MASK]", "play", "##ing", "play"], [0] * 5, word_ids=[None, None, 0, 0, 1])
    boxes = re.findall(r'class="eh-word">(.*?)</span></span>', html.partition('<p class="eh-legend"')[0], re.DOTALL)
    assert [re.findall(r"<bdi>(.*?)</bdi>", box) for box in boxes] == [
        ["[CLS]"],
        ["[MASK]"],
        ["play", "##ing"],
        ["play"],
    ]


def test_what_was_replaced_is_underlined_and_named():
    html = tokens_to_html(["the", "chef", "ate"], [0.9, 0.1, 0.5], is_replaced=[False, False, True])
    text = html.partition('<p class="eh-legend"')[0]
    assert re.findall(r"<u><bdi>(.*?)</bdi></u>", text) == ["ate"]
    assert "ate: P(replaced) = 0.5000, really replaced" in text
    assert "really replaced" not in tokens_to_html(["the"], [0.9]), "no legend for marks that nobody asked for"


@pytest.mark.parametrize(
    ("tokens", "direction"),
    [(["مرحبا", "بالعالم"], "rtl"), (["שלום"], "rtl"), (["chef"], "ltr"), (["👩‍🍳", "😀"], "ltr")],
)
def test_right_to_left_text_starts_at_the_right(tokens, direction):
    ids = [None, *range(len(tokens)), None]
    html = tokens_to_html(["[CLS]", *tokens, "[SEP]"], [0] * len(ids), word_ids=ids)
    assert f'<div class="eh-text" dir="{direction}">' in html
    assert all(f"<bdi>{token}</bdi>" in html for token in tokens)


def test_no_tokens_is_said_in_words():
    assert "(no tokens)" in Reader(tokens_to_html([], [])).shown


@pytest.mark.parametrize("values", [{"p": [0.1]}, {"word_ids": [0, 1, 2]}, {"is_replaced": []}])
def test_lists_that_are_not_aligned_are_refused(values):
    with pytest.raises(ElectraError, match=r"2 tokens but \d values in .*\[CLS\]"):
        tokens_to_html(["a", "b"], **{"p": [0.1, 0.2], **values})


@pytest.mark.parametrize("p", [-0.01, 1.01, float("nan"), float("inf")])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ElectraError, match=r"p\[1\] = .*'b'.*sigmoid"):
        tokens_to_html(["a", "b"], [0.1, p])


def test_a_long_text_stays_small():
    assert len(tokens_to_html(["token"] * 512, [0.5] * 512)) < 100_000


def luminance(rgb) -> float:
    """Relative luminance as WCAG defines it; `rgb` 0 … 255."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b) -> float:
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def over(rgba, page) -> list[float]:
    """What is seen where a half-transparent colour lies on the page."""
    *color, alpha = rgba
    return [c * alpha + b * (1 - alpha) for c, b in zip(color, page, strict=True)]


def color_of(css: str) -> tuple[int, ...]:
    names = {"white": "#ffffff", "black": "#000000"}
    digits = names.get(css, css).removeprefix("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    return tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4))


def jupyterlab_theme(name: str) -> tuple[tuple, tuple]:
    """Background and text colour of the JupyterLab that is installed."""
    css = (THEMES / f"theme-{name}-extension" / "index.css").read_text("utf-8")
    wanted = ("--jp-layout-color0", "--jp-content-font-color0")
    return tuple(color_of(re.search(rf"{variable}:\s*([^;]+)", css)[1].strip()) for variable in wanted)


@pytest.mark.parametrize("theme", ["light", "dark", "dark-high-contrast", "canvas light", "canvas dark"])
def test_text_can_be_read_on_every_heat_in_every_theme(theme):
    page, text = CANVAS[theme.split()[1]] if "canvas" in theme else jupyterlab_theme(theme)
    steps = (0, 0.25, 0.5, 0.75, 1)
    html = tokens_to_html(["x"] * 5, steps)
    assert "color: var(--jp-content-font-color0, CanvasText)" in html
    assert "background: var(--jp-layout-color0, Canvas)" in html
    heats = re.findall(r"rgba\((\d+),(\d+),(\d+),([\d.]+)\)", html.partition('<p class="eh-legend"')[0])
    assert len(heats) == len(steps)
    painted = [over(map(float, heat), page) for heat in heats]
    for p, under in zip(steps, painted, strict=True):
        assert contrast(under, text) >= 4.5, f"P = {p} in {theme}: {contrast(under, text):.2f}"
    assert painted[0] == list(page)
    assert contrast(page, painted[-1]) > 1.5, "the heat can be seen"


@pytest.mark.parametrize("text", ["$31 and $135", r"\(x\)", "$$x$$", r"\begin{x}"])
def test_no_text_is_a_formula(text):
    read = Reader(tokens_to_html([text], [0.5], title=text))
    assert not [part for part in read.text if part not in ("$", "\\") and ("$" in part or "\\" in part)]
    assert read.shown.count(text) == 2
