"""Options that another option would leave without effect: refused in one line, so that nobody believes they were heeded."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from electra_helpers.config import ONE_NET
from electra_helpers.errors import ElectraError
from electra_helpers.fields import COLDEST, check_number

VOCABULARY = ("vocab_size", "whole_words", "lowercase")
BLANKS = r"\[MASK\]|_{2,}"
WITHOUT_FILES = ("docs", "world")  # sources that have no columns
HOLDING = ("hold_out", "group", "split_seed")  # how rows are held out of the training rows
WRITING = ("translation", "summarisation")
# Options of fine-tuning that only some tasks read.
TASKS_OF = {
    "class_weights": ("classification",),
    "symmetric": ("classification",),
    "stride": ("tagging", "question-answering", "cleaning"),
    "beams": WRITING,
    "target_vocab": WRITING,
    "labels": ("classification", "tagging", "cleaning"),
    "kind": ("classification",),
}

# Where a run may be logged besides, and the packages of which each needs one.
TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",)}

Case = tuple[bool, Sequence[str], str]  # whether it is the case, the options that then do nothing, and why


def flag(name: str) -> str:
    """How the option is written: warmup_steps → --warmup-steps."""
    return f"--{name.replace('_', '-')}"


def refuse_idle(given: Mapping[str, Any], cases: Iterable[Case]) -> None:
    """Raise `ElectraError` for the first option among `given` (name → value; None = not given) that would do nothing."""
    for applies, names, why in cases:
        idle = [name for name in names if given.get(name) not in (None, (), [])]
        if applies and idle:
            raise ElectraError(f"{flag(idle[0])} does nothing {why}: leave it out.")


def without_columns(sources: Sequence[str]) -> Case:
    """The case of sources that are not read from files."""
    applies = bool(sources) and all(source.split(":")[0] in WITHOUT_FILES for source in sources)
    return applies, ("column",), f"for {' and '.join(sources)}, which have no columns"


def without_plain_text(sources: Sequence[str]) -> Case:
    """The case of sources whose documents are separate already."""
    applies = bool(sources) and all(source.split(":")[0] in (*WITHOUT_FILES, "hub") for source in sources)
    return applies, ("documents",), f"for {' and '.join(sources)}, whose documents are separate already"


def check_pretrain(given: Mapping[str, Any], sources: Sequence[str]) -> None:
    """Refuse what `electra pretrain` would pass over."""
    objective, fakes = given.get("objective"), given.get("fakes")
    only_world = bool(sources) and all(source.split(":")[0] == "world" for source in sources)
    if only_world and any(name in given for name in VOCABULARY):
        from electra_helpers.reading.corpora import open_corpus  # costs time: only those who ask pay

        open_corpus(*sources)  # what is wrong with the source itself is said first
    reads_a_vocabulary = given.get("tokenizer") or given.get("init_from")
    refuse_idle(
        given,
        [
            (bool(given.get("init_from")), ("tokenizer",), "beside --init-from, whose model brings its own"),
            (bool(reads_a_vocabulary), VOCABULARY, "where the vocabulary comes with --tokenizer or --init-from"),
            (only_world, ("vocab_size", "whole_words"), "for the little world, whose words are its vocabulary"),
            without_columns(sources),
            without_plain_text(sources),
            (given.get("steps") is not None, ("epochs", "minutes"), "beside --steps, which says how long it trains"),
            (given.get("epochs") is not None, ("minutes",), "beside --epochs, which says how long it trains"),
            (
                objective in ONE_NET,
                ("rtd_weight", "generator_size", "generator_layers", "sharing", "temperature"),
                f"with --objective {objective}, which trains one net of full size",
            ),
            (
                objective == "clm",
                ("mask_share", "keep_share", "random_share", "mlm_weight"),
                "with --objective clm, which hides no token",
            ),
            (objective in ("replace-mlm", "all-tokens-mlm"), ("rtd_weight",), f"with --objective {objective}"),
            (
                fakes == "uniform",
                (
                    "generator_size",
                    "generator_layers",
                    "sharing",
                    "mlm_weight",
                    "temperature",
                    "keep_share",
                    "random_share",
                ),
                "with --fakes uniform, where there is no generator",
            ),
        ],
    )
    positions, length = given.get("max_positions"), given.get("length")
    if positions and length and positions < length:
        raise ElectraError(f"--max-positions {positions} is too few for --length {length}: raise it, or leave it out.")


def check_finetune(task: str, given: Mapping[str, Any], sources: Sequence[str] = ()) -> None:
    """Refuse what `electra finetune` would pass over."""
    refuse_idle(
        given,
        [
            *((task not in tasks, (name,), f"for {task}") for name, tasks in TASKS_OF.items()),
            (task in WRITING, ("head",), f"for {task}, where a decoder writes"),
            (given.get("steps") is not None, ("epochs", "min_steps"), "beside --steps, which says how long it trains"),
            (given.get("warmup_steps") is not None, ("warmup_share",), "beside --warmup-steps"),
            (bool(given.get("validation")), HOLDING, "beside --validation, whose rows are the held-out ones"),
            (given.get("kind") == "scale", ("labels",), "with --kind scale, where labels are numbers without names"),
            without_columns(sources),
            (bool(given.get("freeze")), ("layer_decay", "decay_exponent"), "beside --freeze: only the head learns"),
        ],
    )


def check_evaluate(task: str, given: Mapping[str, Any]) -> None:
    """Refuse what `electra evaluate` would pass over."""
    from electra_helpers.reading.sources import is_one_file

    refuse_idle(
        given,
        [
            (task != "cleaning", ("threshold", "choose_on"), f"for {task}: it is for cleaning"),
            (task != "acceptability", ("how", "context"), f"for {task}: it is for acceptability"),
            (task in ("acceptability", "cleaning") or task not in TASKS_OF["labels"], ("labels",), f"for {task}"),
            (is_one_file(given["data"]), ("split",), "for a file, which has no splits"),
            (
                task == "acceptability" and given["data"].split(":")[0] == "world",
                ("split",),
                "for the little world's pairs, which have no splits",
            ),
            without_columns([given["data"]]),
        ],
    )


def check_generate(text: str | None, given: Mapping[str, Any]) -> None:
    """Refuse what `electra generate` would pass over, or cannot do."""
    check_bounds(given)
    has_blanks = text is not None and re.search(BLANKS, text) is not None
    refuse_idle(
        given,
        [
            (text is not None, ("words",), "beside --text, which is as long as it is"),
            (text is None, ("share",), "without --text: everything is written anew"),
            (has_blanks, ("share",), "for a text with blanks: they are what is filled"),
            (given.get("steps") == 0, ("redo",), "with --steps 0: nothing is drawn again"),
        ],
    )


# Options that stand in no configuration: their kind, and their bounds.
BOUNDS: dict[str, tuple[type, float | None, float | None]] = {
    "seed": (int, 0, None),
    "steps": (int, 0, None),
    "share": (float, 0, 1),
    "temperature": (float, COLDEST, None),
}


def check_bounds(given: Mapping[str, Any]) -> None:
    """Raise `ElectraError` for the first option of BOUNDS whose value is out of them."""
    for name, (kind, low, high) in BOUNDS.items():
        if given.get(name) is not None:
            check_number(name, given[name], kind, low, high)


def check_trackers(names: Sequence[str]) -> None:
    """Raise `ElectraError` for a tracker that is not known or not installed."""
    for name in names:
        if name not in TRACKERS:
            raise ElectraError(f"There is no --log-with {name!r}: choose one of {', '.join(TRACKERS)}.")
        if not any(importlib.util.find_spec(package) for package in TRACKERS[name]):
            raise ElectraError(
                f"--log-with {name} needs a package that is not installed: pip install {TRACKERS[name][0]}"
            )
