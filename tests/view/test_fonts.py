"""Texts of pictures: a script without a font costs one line, and a $ is a dollar."""

import warnings

import numpy as np
import pytest
from matplotlib.text import Text

from electra_helpers.view.plots import attention, fonts
from electra_helpers.view.plots.style import LIGHT, label, picture, png


@pytest.fixture
def only_latin(monkeypatch):
    monkeypatch.setattr(fonts, "FONTS", [fonts.LATIN])
    monkeypatch.setattr(fonts, "_told", set())


def shown(*tokens):
    return png(attention(list(tokens), np.full((1, len(tokens), len(tokens)), 1 / len(tokens))))


def test_chinese_without_a_font_is_one_line_that_names_the_package(only_latin, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown("[CLS]", "天", "气", "很", "好")
        shown("[CLS]", "別", "の")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "fonts-noto-cjk" in said[0]


def test_another_script_names_another_package_and_latin_none(only_latin, capsys):
    shown("[CLS]", "é", "Ж")
    assert capsys.readouterr().err == ""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        shown("किताब", "กิน")
    assert "fonts-noto-core" in capsys.readouterr().err
    assert [str(each.message) for each in seen if "Glyph" in str(each.message)] == [], (
        "one line for all characters is enough"
    )


def test_two_dollars_in_a_title_are_no_formula():
    figure, (axes,) = picture(LIGHT)
    label(axes, LIGHT, title="$31 and $135", x="for $1 a share, $2 in all")
    axes.set_xscale("log")
    axes.plot([1, 1000], [0, 1])
    png(figure)
    texts = {text.get_text(): text.get_parse_math() for text in figure.findobj(Text)}
    assert texts["$31 and $135"] is texts["for $1 a share, $2 in all"] is False
    assert any(parsed and fonts.FORMULA in text for text, parsed in texts.items()), "powers of ten are formulas"
