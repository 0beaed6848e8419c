"""Where the bundled data and models lie: in a clone, in an installed wheel, or where ELECTRA_DATA says."""

from __future__ import annotations

import os
from pathlib import Path

from electra_helpers.errors import ElectraError

FREE_TEXT = "electra-minilm-en"  # the bundled model that has read real English: the default wherever a reader types


def data_folder() -> Path:
    """The folder `data/` of the course, wherever the package was installed from. Raises `ElectraError` if it is missing."""
    here = Path(__file__).resolve().parent
    named = os.environ.get("ELECTRA_DATA")
    # A wheel carries data/ as electra_helpers/bundled; a clone has it beside the package.
    places = [Path(named)] if named else [here / "bundled", here.parent / "data"]
    for place in places:
        if place.is_dir():
            return place
    raise ElectraError(
        f"The bundled data is not in {' or '.join(map(str, places))}. Set ELECTRA_DATA to the folder `data`."
    )


def bundled_models() -> dict[str, Path]:
    """Name → folder of every model that came with the course."""
    models = data_folder() / "models"
    return {p.name: p for p in sorted(models.iterdir()) if (p / "config.json").is_file()} if models.is_dir() else {}
