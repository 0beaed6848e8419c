"""`electra doctor`: what is installed here, what it will compute with, and which data and models it finds."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from electra_helpers import __version__
from electra_helpers.device import choose_device
from electra_helpers.errors import ElectraError
from electra_helpers.resources import bundled_models, data_folder

LIBRARIES = (
    "torch",
    "transformers",
    "datasets",
    "tokenizers",
    "accelerate",
    "safetensors",
    "jupyterlab",
    "ipywidgets",
    "anywidget",
)


def examine() -> str:
    """One line for each thing, aligned."""
    lines = {"electra_helpers": __version__, "Python": f"{platform.python_version()} on {platform.platform()}"}
    for name in LIBRARIES:
        try:
            lines[name] = version(name)
        except PackageNotFoundError:
            lines[name] = "not installed"
    choice = choose_device()
    lines["device"] = f"{choice.device}, {choice.precision} ({choice.reason})"
    try:
        lines["data"] = str(data_folder())
        lines["models"] = ", ".join(bundled_models()) or "none bundled"
    except ElectraError as error:
        lines["data"] = str(error)
    return "\n".join(f"{name:>16}  {value}" for name, value in lines.items())
