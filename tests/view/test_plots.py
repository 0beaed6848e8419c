"""Every picture says in words what it shows, from its own numbers, in both themes, and what it draws is what it was given."""

import io
import itertools
import re

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle
from PIL import Image

from electra_helpers.config import PretrainConfig
from electra_helpers.corruption import draw_noise
from electra_helpers.errors import ElectraError
from electra_helpers.language import choose_language
from electra_helpers.tasks.detection import detect
from electra_helpers.tasks.interpret import Clues, attention_of, find_clues, gradient_norms
from electra_helpers.text.packing import Batch
from electra_helpers.view import plots
from electra_helpers.view.plots.places import name_points, spread
from electra_helpers.view.plots.style import DARK, LIGHT, on, picture, png
from tests.view.models import small_pair
from tests.view.test_tokens_html import color_of, contrast

STEPS = [0, 100, 200]
SEEDS = [(STEPS, [9.0, 6.0, 4.0]), (STEPS, [9.0, 5.0, 3.0]), (STEPS, [9.0, 5.5, 3.2])]
NORMS = {
    "mlm": {"generator head": 0.5, "discriminator head": None},
    "rtd": {"generator head": None, "discriminator head": 2.0},
}
CLUES = Clues(["[CLS]", "the", "tailor", "needle", "[SEP]"], 3, 0.1, [0, 0.01, 0.6, 0, 0], [0.2, 0.5, 0.1, 0.2, 0])

PICTURES = {
    "curves": lambda dark: plots.curves(
        {"yours": SEEDS[0]}, bands={"course": SEEDS}, ceilings={"ln V": 9.1}, dark=dark
    ),
    "two_exams": lambda dark: plots.two_exams(STEPS, [0.5, 0.6, 0.58], {"uniform": [0.5, 0.8, 0.9]}, dark=dark),
    "packing_strip": lambda dark: plots.packing_strip([[2, 7, 3, 0]], [[None, 0, None, None]], dark=dark),
    "attention": lambda dark: plots.attention(["a", "气"], np.array([[[0.9, 0.1], [0.2, 0.8]]] * 3), dark=dark),
    "between": lambda dark: plots.between(["the", "气", "."], ["le", "x"], np.eye(3)[:2], dark=dark),
    "embedding_map": lambda dark: plots.embedding_map(list("abcd"), np.eye(4), groups=["x", "x", "y", "y"], dark=dark),
    "gradient_map": lambda dark: plots.gradient_map(NORMS, dark=dark),
    "calibration": lambda dark: plots.calibration(np.linspace(0, 1, 40), np.linspace(0, 1, 40) > 0.5, dark=dark),
    "confusion": lambda dark: plots.confusion_by_phenomenon({"agreement": (9, 1, 0, 0)}, dark=dark),
    "threshold": lambda dark: plots.threshold_and_prior(0.9, 0.02, 0.01, dark=dark),
    "clue_finder": lambda dark: plots.clue_finder(CLUES, dark=dark),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_small_png_with_words_in_either_theme(name):
    pages = []
    for dark in (False, True):
        data, metadata = PICTURES[name](dark)._repr_mimebundle_()
        assert data["text/plain"] == metadata["image/png"]["alt"]
        assert len(data["text/plain"]) > 40
        assert len(data["image/png"]) < 40_000
        pages.append(Image.open(io.BytesIO(data["image/png"])).convert("RGB").getpixel((1, 1)))
    assert pages == [(255, 255, 255), (17, 17, 17)]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_speaks_chinese_with_chinese_signs(name):
    choose_language("zh")
    try:
        alt = PICTURES[name](None).alt
    finally:
        choose_language("en")
    assert re.search(r"[\u4e00-\u9fff]", alt)
    assert not re.search(r"[;,] |[。；，、：] |(?<=[\u4e00-\u9fff）])[;:,.]", alt), alt


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_lines_and_text_stand_out_from_the_page(theme):
    page = color_of(theme.page)
    assert contrast(page, color_of(theme.ink)) >= 4.5
    assert all(contrast(page, color_of(colour)) >= 3 for colour in theme.series[:4])


def test_the_band_is_the_range_of_its_seeds():
    made = plots.curves({}, bands={"course": SEEDS})
    [band] = made.axes[0].collections
    edge = band.get_paths()[0].vertices
    assert edge[edge[:, 0] == 200][:, 1].min() == 3.0
    assert edge[edge[:, 0] == 200][:, 1].max() == 4.0
    assert "3 seeds: 3 to 4 at step 200" in made.alt


def test_two_bands_are_told_apart_by_line_and_name():
    made = plots.curves({}, bands={"RTD": SEEDS, "MLM": SEEDS}, x="compute in %")
    axes = made.axes[0]
    medians = [line for line in axes.lines if not line.get_label().startswith("_")]
    assert [line.get_label() for line in medians] == ["RTD: 3 seeds, median", "MLM: 3 seeds, median"]
    assert len({line.get_linestyle() for line in medians} | {str(line._dash_pattern) for line in medians}) >= 2
    assert axes.get_xlabel() == "compute in %"
    assert "at compute in % 200" in made.alt


def test_a_level_with_an_error_is_as_wide_as_it_and_says_so():
    figure = plots.curves({"yours": SEEDS[0]}, ceilings={"ceiling": (0.2, 0.09), "ln V": 9.1})
    (strip,) = figure.axes[0].patches
    low, high = strip.get_path().transformed(strip.get_patch_transform()).vertices[[0, 2], 1]
    assert (low, high) == pytest.approx((0.11, 0.29))
    assert "ceiling 0.2 ± 0.09, ln V 9.1" in figure.alt


def test_names_at_the_ends_keep_their_distance_and_move_no_more_than_they_must():
    assert spread([0, 10], gap=1) == [0, 10]
    assert spread([5, 5, 5], gap=1) == [4, 5, 6]
    assert spread([0, 0.2, 9], gap=1) == pytest.approx([-0.4, 0.6, 9])
    crowded = spread([1, 1.1, 1.2, 1.9, 2], gap=0.5)
    assert np.diff(crowded) == pytest.approx([0.5] * 4)
    assert np.mean(crowded) == pytest.approx(np.mean([1, 1.1, 1.2, 1.9, 2]))


def test_no_name_of_a_crowd_covers_another():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 0.02, (14, 2)), [[1, 1], [2, 3]]])
    words = [f"word{i}" for i in range(14)] + ["今天天气", "far"]
    _, (axes,) = picture(LIGHT, height=4.6)
    axes.scatter(*points.T)
    boxes = name_points(axes, LIGHT, points, words)
    covered = [
        (a, b) for (i, a), b in itertools.product(enumerate(boxes), boxes)
        if b not in boxes[: i + 1] and a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]  # fmt: skip
    assert covered == []
    assert [text.get_text() for text in axes.texts] == words


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_a_number_on_a_colour_can_be_read(theme):
    for colour in theme.series:
        assert contrast(color_of(colour), color_of(on(colour))) >= 4, colour


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_small_png_keeps_the_colours_of_the_theme(theme):
    made = plots.embedding_map(list("abcdefgh"), np.eye(8), groups=list("wwxxyyzz"), dark=theme is DARK)
    image = Image.open(io.BytesIO(png(made))).convert("RGB")
    kept = {colour for _, colour in image.getcolors(1 << 20)}
    for colour in (*theme.series[:4], theme.page, theme.ink):
        assert min(max(abs(a - b) for a, b in zip(color_of(colour), k, strict=True)) for k in kept) <= 2, colour


def test_seeds_at_different_steps_make_no_band():
    with pytest.raises(ElectraError, match="different steps"):
        plots.curves({}, bands={"course": [SEEDS[0], ([0, 100, 300], [9, 6, 4])]})


def test_calibration_of_an_honest_judge_lies_on_the_diagonal():
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    honest, sure = rng.random(20_000) < p, p > 0.5
    assert "mean gap 0.01" in plots.calibration(p, honest).alt
    assert "mean gap 0.25" in plots.calibration(p, sure).alt


def test_calibration_by_log_odds_parts_what_is_rare():
    p = np.array([0.001] * 40 + [0.01] * 40 + [0.5] * 40)
    truth = np.tile([True] + [False] * 9, 12)
    (axes,) = plots.calibration(p, truth, bins=3, log_odds=True).axes
    line = axes.lines[1]
    at = axes.transData.transform(line.get_xydata())[:, 0]
    assert at[1] - at[0] > 0.4 * (at[2] - at[1]), "0.001 and 0.01 fall on each other on plain axes"
    never = plots.calibration(p, np.zeros(120), bins=3, log_odds=True).axes[0].lines[1]
    assert (never.get_ydata() > 0).all(), "log odds of 0 cannot be drawn: such a bin stands at the foot"


def test_every_one_of_a_thousand_words_is_a_dot():
    made = plots.threshold_and_prior(0.8, 0.1, 0.05)
    assert [len(dots.get_offsets()) for dots in made.axes[0].collections] == [40, 10, 95, 855]
    assert "30 % of the flags" in made.alt
    assert "Nothing is flagged" in plots.threshold_and_prior(0, 0, 0.05).alt
    with pytest.raises(ElectraError, match=r"prior is 1\.5"):
        plots.threshold_and_prior(0.8, 0.1, 1.5)


def test_padding_is_counted_and_documents_keep_their_colour():
    rows = [[2, 7, 7, 3], [2, 7, 3, 0]]
    made = plots.packing_strip(rows, [[None, 0, 0, None], [None, 0, None, None]])
    assert "hold 1 documents; 1 of 8 tokens (12 %) is padding" in made.alt
    blue = [
        bar for bar in made.axes[0].patches if bar.get_facecolor()[:3] == pytest.approx((0, 0x72 / 255, 0xB2 / 255))
    ]
    assert [(bar.get_x(), bar.get_width()) for bar in blue] == [(1, 2), (1, 1)]


def test_two_groups_that_lie_apart_have_their_own_neighbours():
    vectors = np.array([[1, 0.1], [1, 0.2], [-1, 3], [-1.1, 3]])
    assert "for 100 %" in plots.embedding_map(list("abcd"), vectors, groups=["x", "x", "y", "y"]).alt
    assert "for 0 %" in plots.embedding_map(list("abcd"), vectors, groups=["x", "y", "x", "y"]).alt


def test_attention_is_the_models_own_with_its_words():
    pair = small_pair()
    tokens, weights = attention_of(pair, "The chef cooked .")
    assert tokens == ["[CLS]", "the", "chef", "cook", "##ed", ".", "[SEP]"]
    assert weights.shape == (2, 7, 7)
    assert weights.sum(-1) == pytest.approx(1)
    made = plots.attention(tokens, weights)
    assert np.array_equal(made.axes[1].images[0].get_array(), weights[1])
    with pytest.raises(ElectraError, match="no layer 5"):
        attention_of(pair, "The chef .", layer=5)


def test_unshared_embeddings_have_a_box_of_their_own():
    shared = plots.gradient_map(NORMS)
    own = plots.gradient_map(NORMS | {"rtd": {"discriminator embeddings": 7.6, "shared embeddings": None}})
    named = [{text.get_text().replace("\n", " ") for text in made.axes[0].texts} for made in (shared, own)]
    assert "discriminator embeddings" not in named[0]
    assert {"discriminator embeddings", "7.6", "none"} <= named[1]


def test_no_gradient_passes_the_sampling_and_both_losses_reach_the_shared_table():
    pair = small_pair()
    ids = torch.tensor([pair.tokenizer.encode("the chef ate the meal today .").ids] * 3)
    noise = draw_noise(3, ids.shape[1], torch.Generator().manual_seed(0))
    norms = gradient_norms(pair.net, Batch(ids, None, None), noise, PretrainConfig())
    assert norms["rtd"]["generator encoder"] is None
    assert norms["rtd"]["generator head"] is None
    assert norms["mlm"]["discriminator encoder"] is None
    assert norms["mlm"]["shared embeddings"] > 0
    assert norms["rtd"]["shared embeddings"] > 0
    assert norms["rtd"]["discriminator head"] > 0
    assert "none at generator encoder, generator head" in plots.gradient_map(norms).alt


def test_a_clue_is_what_changes_when_the_word_is_gone():
    pair = small_pair()
    clues = find_clues(pair, "the chef ate the meal .", 5)
    whole = detect(pair, "the chef ate the meal .").p_replaced[5]
    without_chef = detect(pair, "the ate the meal .").p_replaced[4]
    without_stop = detect(pair, "the chef ate the meal").p_replaced[5]
    assert clues.change[2] == pytest.approx(without_chef - whole, abs=1e-6)
    assert clues.change[6] == pytest.approx(without_stop - whole, abs=1e-6)
    assert clues.change[0] == clues.change[5] == 0
    assert "Deleting tailor moves it most, by +0.60; attention looks most at the (0.50)" in plots.clue_finder(CLUES).alt
    with pytest.raises(ElectraError, match="no word at position 0"):
        find_clues(pair, "the chef .", 0)


def test_of_a_long_text_the_clue_finder_shows_the_words_that_matter():
    n = 60
    change, attention = np.zeros(n), np.full(n, 0.2 / n)
    change[[3, 40]], attention[55] = (0.4, -0.7), 0.8
    made = plots.clue_finder(Clues([f"w{i}" for i in range(n)], 50, 0.9, change.tolist(), attention.tolist()))
    shown = [text.get_text() for text in made.axes[0].texts]
    assert {"w3", "w40", "w50", "w55", "…"} <= set(shown)
    assert len([word for word in shown if word.startswith("w")]) == 16
    assert "Deleting w40 moves it most, by -0.70; attention looks most at w55 (0.80)" in made.alt
    assert made.get_size_inches()[0] < 14


def test_a_clue_that_moves_nothing_is_not_drawn_as_if_it_did():
    made = plots.clue_finder(Clues(list("abc"), 1, 1.0, [-0.001, 0, 0.0005], [0.3, 0.3, 0.4]))
    rising = [bar.get_height() for bar in made.axes[0].patches if isinstance(bar, Rectangle) and bar.get_height() > 0]
    assert rising == []
    assert "by 0.00" in made.alt
