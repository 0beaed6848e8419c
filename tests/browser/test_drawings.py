"""The drawings as a reader sees them: words inside their boxes and clear of each other, in both themes, described in words."""

import io

import pytest
from PIL import Image

from electra_helpers.errors import ElectraError
from electra_helpers.view.drawings import DRAWINGS, drawing
from electra_helpers.view.drawings.svg import WIDTH, Drawing

# What a drawing does wrong: words over words, words over the line of a box, words off the card.
FAULTS = """() => {
  const place = shape => shape.getBoundingClientRect();
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  const inside = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  const texts = [...document.querySelectorAll("text")], boxes = [...document.querySelectorAll("rect, circle")];
  const faults = [];
  texts.forEach((one, i) => {
    texts.slice(i + 1).forEach(other => apart(place(one), place(other)) || faults.push(`${one.textContent} / ${other.textContent}`));
    boxes.forEach(box => apart(place(one), place(box)) || inside(place(one), place(box)) || faults.push(`${one.textContent} over a line`));
    if (parseFloat(getComputedStyle(one).fontSize) < 12) faults.push(`${one.textContent} is small`);
  });
  return faults;
}"""


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page(viewport={"width": WIDTH, "height": 480})
    yield page
    page.close()


def faults(page, made: Drawing) -> list[str]:
    page.set_content(f'<body style="margin:0">{made.svg}</body>')
    return page.evaluate(FAULTS)


@pytest.mark.parametrize("name", DRAWINGS)
def test_its_words_are_clear_of_each_other_and_of_lines(page, name):
    assert faults(page, drawing(name)) == []


def test_words_that_overlap_and_words_too_wide_for_their_box_are_found(page):
    crowded = Drawing("crowded", 100)
    crowded.box(10, 10, 40, 30, "far too wide for it")
    crowded.text(300, 50, "one word")
    crowded.text(320, 52, "another")
    crowded.text(690, 90, "off the card")
    assert len(faults(page, crowded)) >= 3


@pytest.mark.parametrize(("light", "dark_paper"), [("true", False), ("false", True)])
def test_it_follows_the_theme_of_jupyterlab(page, light, dark_paper):
    page.set_content(f'<body data-jp-theme-light="{light}" style="margin:0">{drawing("joint step").html}</body>')
    page.locator("img").evaluate("picture => picture.decode()")
    corner = Image.open(io.BytesIO(page.screenshot())).convert("L").getpixel((10, 10))
    assert (corner < 64) is dark_paper


def test_it_shrinks_with_a_narrow_page(page):
    page.set_content(f'<body style="margin:0;width:400px">{drawing("two nets").html}</body>')
    page.locator("img").evaluate("picture => picture.decode()")
    assert page.locator("img").bounding_box()["width"] == 400


@pytest.mark.parametrize("name", DRAWINGS)
def test_it_is_told_in_words_where_it_is_not_seen(name):
    shown = drawing(name)._repr_mimebundle_()
    assert len(shown["text/plain"].split()) > 30
    assert f'alt="{shown["text/plain"]}"'.replace("'", "&#x27;") in shown["text/html"]


def test_a_drawing_that_there_is_not():
    with pytest.raises(ElectraError, match="two nets"):
        drawing("three nets")
