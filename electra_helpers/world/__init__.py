"""The little world: short stories with meaning, told in several languages, with labels and known ceilings."""

from .labels import LABEL_NAMES, labelled
from .meaning import SPLITS
from .oracle import ExamItem, MlmCeiling, Oracle, best_judge, one_replacement_exam, rtd_ceiling
from .pairs import PHENOMENA, blimp_row, minimal_pairs
from .splits import EVALUATION_STORIES, stories
from .story import Story
from .telling import SPOKEN, vocabulary

__all__ = [
    "EVALUATION_STORIES",
    "LABEL_NAMES",
    "PHENOMENA",
    "SPLITS",
    "SPOKEN",
    "ExamItem",
    "MlmCeiling",
    "Oracle",
    "Story",
    "best_judge",
    "blimp_row",
    "labelled",
    "minimal_pairs",
    "one_replacement_exam",
    "rtd_ceiling",
    "stories",
    "vocabulary",
]
