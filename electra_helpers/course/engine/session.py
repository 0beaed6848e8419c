"""The first cell of every notebook: seeds, device, profile, and one line on each.

A *profile* says how much is computed: `smoke` (seconds, for tests), `laptop` (the default on a CPU), `gpu` (the default with CUDA).
Every number that depends on it stands in AMOUNTS, so that a notebook's text and cells never do.
"""

from __future__ import annotations

import os
import platform
import random
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from electra_helpers.device import DeviceChoice, choose_device
from electra_helpers.errors import ElectraError, ElectraWarning
from electra_helpers.language import choose_language, worded

AS_PYTHON = warnings.formatwarning
PROFILES = ("smoke", "laptop", "gpu")
# Name → what it is in smoke, laptop and gpu. Steps are optimizer steps, stories are stories of the little world.
AMOUNTS: dict[str, tuple[int, int, int]] = {
    "00.steps": (20, 600, 2_000),
    "00.stories": (300, 6_000, 20_000),
    "00.pictures": (4, 40, 40),  # how often the watched sentences are coloured anew
    "01.stories": (300, 3_000, 3_000),
    "02.stories": (200, 3_000, 6_000),
    "02.steps": (10, 250, 600),
    "03.stories": (300, 6_000, 20_000),
    "03.steps": (20, 900, 2_500),
    "04.stories": (300, 6_000, 20_000),
    "04.steps": (10, 500, 2_500),
    "04.examined": (5, 24, 48),  # held-out stories on which fakes are measured
    "05.stories": (300, 6_000, 20_000),
    "05.steps": (8, 900, 3_000),
    "05.examined": (5, 24, 48),
    "06.steps": (6, 120, 400),
    "06.percent": (1, 100, 100),  # of the compute of a recorded arm, for the arm that is run live
    "06.readings": (2, 6, 6),
    "07.pairs": (4, 40, 100),  # of each phenomenon
    "08.epochs": (1, 40, 40),  # over a few dozen rows
    "08.pairs": (40, 1_000, 3_000),
    "08.examined": (20, 300, 500),  # held-out rows
    "08.review_epochs": (1, 15, 15),  # over 64 reviews
    "09.rows": (20, 500, 2_000),
    "09.epochs": (1, 6, 10),
    "09.chinese": (16, 500, 2_000),
    "09.examined": (12, 200, 500),
    "09.name_epochs": (1, 10, 10),  # over 200 sentences
    "10.rows": (24, 1_000, 4_000),
    "10.epochs": (1, 6, 6),
    "10.examined": (16, 200, 500),
    "10.long": (6, 60, 200),
    "10.long_train": (4, 400, 1_000),
    "10.chinese": (16, 1_000, 4_000),
    "10.english": (8, 400, 2_000),
    "10.passages": (16, 160, 160),  # questions to learn from
    "10.passage_epochs": (1, 6, 6),
    "10.asked": (12, 80, 80),
    "11.rows": (40, 6_000, 6_000),
    "11.steps": (4, 500, 800),
    "11.examined": (6, 150, 150),
    "11.summary_rows": (20, 1_000, 2_000),
    "11.summary_steps": (4, 120, 200),
    "11.extract": (12, 200, 400),
    "12.stories": (12, 60, 100),
    "12.steps": (4, 16, 16),  # words of each story that are drawn again
    "13.fresh": (100, 400, 700),  # stories on which a threshold is checked
    "13.orders": (40, 200, 1_000),
    "13.chinese": (40, 200, 500),
    "13.pairs": (10, 60, 100),  # of each phenomenon
    "13.train": (16, 500, 2_000),
    "13.epochs": (1, 6, 6),
    "14.epochs": (1, 8, 10),
    "14.rates": (1, 3, 3),  # learning rates of the search
    "15.percent": (1, 100, 100),  # of the compute of a recorded arm, for the arm that is run live
    "15.readings": (2, 6, 6),
    "16.percent": (1, 100, 100),  # of the compute of a recorded run, for the GPT that is trained live
    "16.texts": (3, 40, 100),  # stories that it writes
    "16.known": (100, 10_000, 10_000),  # stories that these are compared with
    "16.pairs": (2, 30, 30),  # of each phenomenon
    "16.held_out": (8, 96, 96),
    "17.percent": (1, 100, 100),  # of the compute of a recorded run, for the Electric that is trained live
    "17.pairs": (2, 30, 30),  # of each phenomenon
    "18.steps": (2, 200, 200),  # of fine-tuning on 320 reviews
    "18.few_steps": (2, 30, 30),  # the paper's three epochs of them
    "18.percent": (2, 100, 100),  # of the budget of the run that is trained live
    "18.stories": (100, 8_000, 40_000),
    "18.hidden": (4, 150, 150),  # held-out stories with hidden words
    "18.examined": (8, 300, 300),  # held-out stories of the exams
}


@dataclass(frozen=True)
class Session:
    """What `eh.setup` found: seed, profile, device and precision."""

    seed: int
    profile: str
    device: str
    precision: str

    def amount(self, name: str) -> int:
        """A number that depends on the profile, such as "03.steps". Raises `ElectraError` for an unknown name."""
        if name not in AMOUNTS:
            raise ElectraError(
                worded("There is no amount {name!r}. There are: {amounts}.", name=name, amounts=", ".join(AMOUNTS))
            )
        return AMOUNTS[name][PROFILES.index(self.profile)]


def setup(seed: int = 0, *, profile: str | None = None, device: str = "auto", language: str | None = None) -> Session:
    """Seed Python, numpy and torch, choose device, profile and language, and print what was chosen and why.

    The profile is the argument, else ELECTRA_PROFILE, else `gpu` with CUDA and `laptop` without. The language is the argument ("en" or
    "zh"), else ELECTRA_LANG, else English. Raises `ElectraError` for an unknown profile or language, or a device that is not there.

    >>> import electra_helpers as eh
    >>> eh.setup(seed=0, profile="smoke", device="cpu").amount("00.steps")  # doctest: +ELLIPSIS
    electra_helpers ...
    20

    Built in notebook 00.
    """
    import numpy as np
    import torch

    choose_language(language)
    choice = choose_device(device)
    chosen = profile or os.environ.get("ELECTRA_PROFILE") or ("gpu" if choice.device.startswith("cuda") else "laptop")
    if chosen not in PROFILES:
        raise ElectraError(
            worded(
                "There is no profile {chosen!r}: choose one of {profiles}.", chosen=chosen, profiles=", ".join(PROFILES)
            )
        )
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    # Widgets that a browser does not have fall back to text; tqdm warns of it in red.
    warnings.filterwarnings("ignore", message="IProgress not found")
    warnings.formatwarning = in_one_line
    _announce(choice, chosen, seed)
    return Session(seed, chosen, choice.device, choice.precision)


def in_one_line(message: Warning | str, category: type[Warning], *where: Any, **line: Any) -> str:
    """A warning of the course as its message alone, any other as Python shows it, with its file and line."""
    return f"{message}\n" if issubclass(category, ElectraWarning) else AS_PYTHON(message, category, *where, **line)


def _announce(choice: DeviceChoice, profile: str, seed: int) -> None:
    from electra_helpers import __version__

    libraries = [f"{name} {_version(name)}" for name in ("torch", "transformers")]
    print(" · ".join([f"electra_helpers {__version__}", f"Python {platform.python_version()}", *libraries]))
    print(
        worded(
            "{device} in {precision} ({reason}) · profile {profile} · seed {seed}",
            device=choice.device,
            precision=choice.precision,
            reason=choice.reason,
            profile=profile,
            seed=seed,
        )
    )
    offline = os.environ.get("HF_HUB_OFFLINE") == "1"
    bundled = worded("Data: bundled with the course.")
    print(worded("Data: bundled with the course, the hub is switched off.") if offline else bundled)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return worded("missing")
