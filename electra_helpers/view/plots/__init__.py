"""The course's pictures: every function returns a `Picture`, a matplotlib figure that can say in words what it shows."""

from electra_helpers.view.plots.clues import clue_finder
from electra_helpers.view.plots.curves import curves, packing_strip, two_exams
from electra_helpers.view.plots.interpretation import attention, between, embedding_map, gradient_map
from electra_helpers.view.plots.scores import calibration, confusion_by_phenomenon, threshold_and_prior
from electra_helpers.view.plots.style import Picture

__all__ = [
    "Picture",
    "attention",
    "between",
    "calibration",
    "clue_finder",
    "confusion_by_phenomenon",
    "curves",
    "embedding_map",
    "gradient_map",
    "packing_strip",
    "threshold_and_prior",
    "two_exams",
]
