"""What a hand moves: a line to type into, and two sliders over what a threshold is worth; a picture where no kernel runs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from threading import Lock
from typing import Any

import numpy as np

from electra_helpers.errors import ElectraError
from electra_helpers.language import worded
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.detection import detect
from electra_helpers.view.painted import Painted, paint_detection
from electra_helpers.view.plots.scores import threshold_and_prior
from electra_helpers.view.plots.style import Picture, png
from electra_helpers.view.tokens import html_text

PRIORS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5)
WIDE = "95%"


def type_and_see(model: Pretrained, text: str) -> Painted:
    """A line to type a sentence into, coloured by P(replaced) at every change; without a kernel, the picture of `text`.

    A word that the model's vocabulary does not have is read as [UNK]. Raises `ElectraError` for an empty `text`.

    >>> import electra_helpers as eh
    >>> "chef" in eh.type_and_see(eh.load("electra-tiny-world-en"), "the chef ate .").text
    True

    Built in notebook 00.
    """
    import ipywidgets

    first = paint_detection(detect(model, text))
    line = ipywidgets.Text(text, description=worded("sentence"), layout=ipywidgets.Layout(width=WIDE))
    shown = ipywidgets.HTML(first.html)
    one_at_a_time = Lock()  # see threshold_sliders

    def update(_: Any) -> None:
        with one_at_a_time:
            try:
                shown.value = paint_detection(detect(model, line.value)).html
            except Exception as error:  # an exception in a callback would otherwise vanish in a log
                shown.value = f"<p>{html_text(str(error))}</p>"

    line.observe(update, names="value")
    return first.with_widget(ipywidgets.VBox([line, shown]))


def threshold_sliders(
    p: Sequence[float],
    is_replaced: Sequence[bool],
    *,
    threshold: float = 0.5,
    prior: float = 0.01,
    dark: bool | None = None,
) -> Painted:
    """Two sliders, threshold and prior, over 1,000 words as dots: what share of the flags is right?

    `p` (n) is P(replaced) of judged tokens, `is_replaced` (n) the truth: recall and false alarms at a threshold are measured on them.
    Raises `ElectraError` where they do not belong together, and unless both kinds are there.

    >>> import electra_helpers as eh
    >>> print(eh.threshold_sliders([0.9, 0.2, 0.6, 0.1], [True, True, False, False], threshold=0.7).text)
    At threshold 0.70, 50 % of the replaced are found and 0.0 % of the originals flagged. With 1 % of the words wrong:
    Of 1,000 words 10 are wrong: 5 found, 5 missed; 0 good words are flagged. So 100 % of the flags are right.

    Built in notebook 05.
    """
    import ipywidgets

    p, truth = np.asarray(p, dtype=float), np.asarray(is_replaced, dtype=bool)
    if p.shape != truth.shape or truth.all() or not truth.any():
        raise ElectraError(
            worded(
                "{probabilities} probabilities and {truths} truths, {replaced} of them replaced: give one truth for each "
                "probability, with replaced and original tokens among them.",
                probabilities=p.size,
                truths=truth.size,
                replaced=truth.sum(),
            )
        )
    grid = ipywidgets.Layout(width=WIDE)
    cut = ipywidgets.FloatSlider(
        threshold, min=0.01, max=0.99, step=0.01, description=worded("threshold"), readout_format=".2f", layout=grid
    )
    share = ipywidgets.SelectionSlider(
        options=[(f"{100 * x:g} %", x) for x in sorted({*PRIORS, prior})],
        value=prior,
        description=worded("prior"),
        layout=grid,
    )
    first = _paint_threshold(p, truth, threshold, prior, dark)
    shown = ipywidgets.HTML(first.html)
    # JupyterLab may hand two changes to two threads of the kernel: the values are read by whoever holds the lock,
    # so that the last picture shown is of the newest values.
    one_at_a_time = Lock()

    def update(_: Any) -> None:
        with one_at_a_time:
            shown.value = _paint_threshold(p, truth, cut.value, share.value, dark).html

    for slider in (cut, share):
        slider.observe(update, names="value")
    # A page without a kernel may take the style that chooses between two themes away: it gets one picture.
    still = _paint_threshold(p, truth, threshold, prior, bool(dark))
    return still.with_widget(ipywidgets.VBox([cut, share, shown]))


def _paint_threshold(p: np.ndarray, truth: np.ndarray, threshold: float, prior: float, dark: bool | None) -> Painted:
    """The dots at one threshold and prior, with the measured rates in words above them."""
    recall, alarms = float((p[truth] >= threshold).mean()), float((p[~truth] >= threshold).mean())
    themes = (False, True) if dark is None else (dark,)
    made = [threshold_and_prior(recall, alarms, prior, dark=theme) for theme in themes]
    said = worded(
        "At threshold {threshold:.2f}, {recall:.0f} % of the replaced are found and {alarms:.1f} % of the originals "
        "flagged. With {prior:g} % of the words wrong:",
        threshold=threshold,
        recall=100 * recall,
        alarms=100 * alarms,
        prior=100 * prior,
    )
    shown = image(made[0]) if len(made) == 1 else in_both_themes(*made)
    return Painted(f"<p>{said}</p>{shown}", f"{said}\n{made[0].alt}")


def image(made: Picture, name: str = "") -> str:
    """A picture as HTML that needs no file, its words as the alt text."""
    data = b64encode(png(made)).decode()
    return f'<img class="{name}" src="data:image/png;base64,{data}" alt="{escape(made.alt)}">'


def in_both_themes(light: Picture, dark: Picture) -> str:
    """Two pictures of which the page shows the one that suits its theme."""
    style = "<style>[data-jp-theme-light=false] .eh-by-day, body:not([data-jp-theme-light=false]) .eh-by-night {display: none}</style>"
    return style + image(light, "eh-by-day") + image(dark, "eh-by-night")
