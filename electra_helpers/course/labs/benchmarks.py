"""What tests/benchmarks measured, for the labs that show it beside a learner's own run."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.language import worded
from electra_helpers.resources import data_folder


def file_of(benchmark: str) -> Path:
    """Where the results of tests/benchmarks/`benchmark`.py are kept."""
    return data_folder() / "benchmarks" / f"{benchmark}.json"


@cache
def recorded_by(benchmark: str) -> dict[str, Any]:
    """What tests/benchmarks/`benchmark`.py recorded, as its own docstring describes it. Raises `ElectraError` if the file is missing."""
    path = file_of(benchmark)
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ElectraError(
            worded(
                "{path} is missing: run tests/benchmarks/{benchmark}.py to record it anew.",
                path=path,
                benchmark=benchmark,
            )
        ) from None
