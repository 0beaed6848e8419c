"""Every downstream task by the name that the command, the modules and the notebooks use."""

from __future__ import annotations

from electra_helpers.errors import ElectraError
from electra_helpers.tasks.base import DownstreamTask
from electra_helpers.tasks.classification import Classification
from electra_helpers.tasks.cleaning.task import Cleaning
from electra_helpers.tasks.multiple_choice import MultipleChoice
from electra_helpers.tasks.question_answering import QuestionAnswering
from electra_helpers.tasks.seq2seq import Summarisation, Translation
from electra_helpers.tasks.tagging import Tagging

TASKS: dict[str, type[DownstreamTask]] = {
    task.name: task
    for task in (Classification, Tagging, QuestionAnswering, MultipleChoice, Translation, Summarisation, Cleaning)
}


def task_named(name: str) -> type[DownstreamTask]:
    """The task of that name. Raises `ElectraError`, listing those there are."""
    if name not in TASKS:
        raise ElectraError(f"There is no task {name!r}: choose one of {', '.join(TASKS)}.")
    return TASKS[name]
