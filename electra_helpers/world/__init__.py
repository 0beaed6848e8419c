"""The little world: short stories with meaning, told in several languages, with labels and known ceilings."""

from .splits import EVALUATION_STORIES, stories
from .story import Story
from .telling import SPOKEN, vocabulary

__all__ = ["EVALUATION_STORIES", "SPOKEN", "Story", "stories", "vocabulary"]
