"""Exercises of notebook 11: what the decoder reads, what of a translator comes from ELECTRA, and scores beside their baselines."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean, median
from typing import Any

import torch
from torch import Tensor

from electra_helpers.course.engine.grading import Exercise, Mistake, as_number
from electra_helpers.course.labs.seq2seq import baseline_of, seed_scores
from electra_helpers.language import ITEMS, joined, wording
from electra_helpers.tasks.seq2seq import shift_right as package_shift


def shift_right(labels, start_id, pad_id):
    """The start, then every label but the last; -100 becomes padding."""
    inputs = torch.empty_like(labels)
    inputs[:, 0] = start_id
    inputs[:, 1:] = labels[:, :-1]
    inputs[inputs == -100] = pad_id  # no id: the word table has no row for it
    return inputs


LABELS = torch.tensor([[11, 12, 13, 3], [14, 3, -100, -100], [15, 16, 3, -100]])
START, PAD, END = 2, 0, 3


def _run(function: Callable, labels: Tensor = LABELS, start: int = START, pad: int = PAD) -> Tensor:
    given = labels.clone()
    found = function(given, start, pad)
    if not isinstance(found, Tensor):
        raise Mistake("Return a tensor of ids (B, T), not {kind}.", kind=type(found).__name__)
    if found.is_floating_point():
        raise Mistake(
            "Ids are whole numbers, torch.long; yours are {dtype}: the word table cannot look them up.",
            dtype=found.dtype,
        )
    if not torch.equal(given, labels):
        raise Mistake(
            "You changed labels in place. The loss still needs them: -100 there keeps padding out of it. Make a new tensor."
        )
    return found


def _every_label_is_said_from_what_stands_before_it(function: Callable) -> None:
    found, right = _run(function), package_shift(LABELS, START, PAD)
    if found.shape != LABELS.shape:
        raise Mistake(
            "labels are {right}, yours are {found}: the start comes in front, the last label"
            " falls out, so that input t stands above label t.",
            right=tuple(LABELS.shape),
            found=tuple(found.shape),
        )
    if torch.equal(found.masked_fill(found == -100, PAD), LABELS.masked_fill(LABELS == -100, PAD)):
        raise Mistake(
            "Label leak: at every place the decoder reads the very token that it has to say there. The loss falls to"
            " nothing, and no text comes out. Shift."
        )
    if torch.equal(found[:, :-1].masked_fill(found[:, :-1] == -100, PAD), _left()[:, :-1]):
        raise Mistake("Shifted to the left: the decoder reads the token after the one it has to say. To the right.")
    if (found == -100).any():
        raise Mistake(
            "-100 is fed as an id. It says 'not judged' in labels; the word table has no such row. Put pad_id."
        )
    if (found[:, 0] != START).any():
        raise Mistake(
            "The first input must be start_id in every row: before anything is written there is nothing else to read. (Does"
            " roll put the last label there?)"
        )
    if torch.equal(found, torch.where(_shifted(LABELS) == -100, START, _shifted(LABELS))):
        raise Mistake(
            "-100 becomes start_id: the decoder would read a beginning in the middle of the padding. Put pad_id there."
        )
    if torch.equal(found, right.masked_fill(right == END, PAD)):
        raise Mistake(
            'The end of a row is taken out too. "All but the last" is a column of the tensor: what stands above -100 is not'
            " judged, and [SEP] may be read there."
        )
    if torch.equal(found[0], right[0]) and torch.equal(found, right[:1].expand_as(right)):
        raise Mistake("Every row reads the first row's labels: each has its own.")
    if not torch.equal(found, right):
        raise Mistake(
            "For labels {labels} {right} is right, yours is {found}.",
            labels=LABELS.tolist(),
            right=right.tolist(),
            found=found.tolist(),
        )


def _shifted(labels: Tensor) -> Tensor:
    """The start and all labels but the last, -100 as it is."""
    return torch.cat([labels.new_full((len(labels), 1), START), labels[:, :-1]], dim=1)


def _left() -> Tensor:
    return torch.where(LABELS == -100, PAD, LABELS).roll(-1, 1)


def _any_ids_will_do(function: Callable) -> None:
    one = torch.tensor([[9], [-100]])
    if not torch.equal(_run(function, one), torch.full_like(one, START)):
        raise Mistake("With one label a row, only start_id is read.")
    labels = torch.tensor([[7, 5, 9, -100, -100]])
    if not torch.equal(_run(function, labels, 6, 4), package_shift(labels, 6, 4)):
        raise Mistake(
            "Right for start 2 and padding 0, wrong for 6 and 4: does a number of your own stand where they should?"
        )


STARTS = ("warm", "random", "partly")
READERS = ("ELECTRA translates", "ELECTRA reads, the decoder learns to write", "the generator writes")
BLOCKS = {
    "encoder": "warm",
    "decoder: self-attention": "warm",
    "decoder: feed-forward": "warm",
    "decoder: cross-attention": "random",
    "decoder: word table": "partly",
    "decoder: language model's head": "random",
}
BLOCK_ANSWER = BLOCKS | {"who": READERS[1]}


def _blocks_are_marked(answers: Any) -> None:
    if not isinstance(answers, dict) or set(answers) != set(BLOCK_ANSWER):
        raise Mistake("Keep {block_answer}.", block_answer=joined(BLOCK_ANSWER, ITEMS))
    for block in BLOCKS:
        if answers[block] not in STARTS:
            raise Mistake("{block}: choose one of {starts}.", block=block, starts=joined(STARTS, ITEMS))
    if answers["who"] not in READERS:
        raise Mistake("who: choose one of {readers}.", readers=joined(READERS))
    if answers["who"] == READERS[0]:
        raise Mistake(
            "ELECTRA never wrote a word in another language, nor any word in order: before training on pairs it translates"
            " nothing. Which half is it?"
        )
    if answers["who"] == READERS[2]:
        raise Mistake(
            "The generator fills single gaps of the source language, all at once, and is much narrower. It is not used here."
        )
    if answers["encoder"] != "warm":
        raise Mistake("encoder: that is the discriminator itself, layer by layer.")
    if answers["decoder: cross-attention"] != "random":
        raise Mistake(
            "Cross-attention looks from one text into another. No net that read one text has such weights: they are drawn."
        )
    if "random" in (answers["decoder: self-attention"], answers["decoder: feed-forward"]):
        raise Mistake(
            "The decoder's layers have the shape of the encoder's: their self-attention and feed-forward weights are copied,"
            " and from then on learn on their own."
        )
    if answers["decoder: language model's head"] != "random":
        raise Mistake(
            "A discriminator has no head that says words, and the generator's has another width: the head is drawn."
        )
    if answers["decoder: word table"] != "partly":
        raise Mistake(
            "The table has a row for each piece of the *target* language. Names, full stops and words spelled alike have a"
            " row in ELECTRA's table; the others do not."
        )
    for block, right in BLOCKS.items():
        if answers[block] != right:
            raise Mistake(
                "{block}: {answers} is not it. The table of counts above says how much was taken over.",
                block=block,
                answers=answers[block],
            )


REPORTED = (
    "the model's score alone",
    "mean and spread over seeds beside the dictionary",
    "the best seed beside the dictionary",
)
HIDDEN = ("nothing, a high ROUGE-L is a true summary", "wrong names", "wrong grammar")


def measure_answer() -> dict[str, Any]:
    """The right answer of 11.3."""
    return {
        "gain over the dictionary": mean(seed_scores("en-fr")) - baseline_of("en-fr"),
        "gain over lead-1": mean(seed_scores("summaries")) - baseline_of("summaries"),
        "warm minus random": mean(seed_scores("en-fr")) - mean(seed_scores("en-fr", "random")),
        "report": REPORTED[1],
        "hidden by ROUGE": HIDDEN[1],
    }


def _scores_stand_beside_baselines(answers: Any) -> None:
    right = measure_answer()
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Mistake("Keep {right}.", right=joined(right, ITEMS))
    keys = [key for key, value in right.items() if isinstance(value, float)]
    try:
        given = {key: as_number(answers[key]) for key in keys}
    except (TypeError, ValueError):
        raise Mistake("{keys} are numbers.", keys=joined(keys, ITEMS)) from None
    _gain_is_a_difference(given["gain over the dictionary"], right["gain over the dictionary"], "en-fr", 0.1)
    _gain_is_a_difference(given["gain over lead-1"], right["gain over lead-1"], "summaries", 0.002)
    if abs(given["warm minus random"] - right["warm minus random"]) > 0.1:
        raise Mistake(
            "warm minus random: {why_no_difference}", why_no_difference=_why_no_difference(given["warm minus random"])
        )
    if answers["report"] not in REPORTED:
        raise Mistake("report: choose one of {reported}.", reported=joined(REPORTED))
    if answers["report"] == REPORTED[0]:
        raise Mistake("A score without a baseline: nobody can tell what of it a dictionary would have given.")
    if answers["report"] == REPORTED[2]:
        raise Mistake("The best of five seeds is luck; nobody else gets it back.")
    if answers["hidden by ROUGE"] not in HIDDEN:
        raise Mistake("hidden by ROUGE: choose one of {hidden}.", hidden=joined(HIDDEN))
    if answers["hidden by ROUGE"] != right["hidden by ROUGE"]:
        raise Mistake(
            "Read the summaries of the test stories above beside the true ones: most words agree. Which one does not?"
        )


def _why_no_difference(given: float) -> str:
    """What was computed in place of warm less random, chrF of en-fr, in words."""
    warm, random = seed_scores("en-fr"), seed_scores("en-fr", "random")
    told = (
        (mean(random) - mean(warm), wording("the sign is turned round.")),
        (mean(seed_scores("en-fr", "warm", "test")) - mean(seed_scores("en-fr", "random", "test")), wording("that is on the test rows.")),
        (max(warm) - max(random), wording("you compared the best seeds. Compare the means.")),
        (median(warm) - median(random), wording("that is the difference of the medians. The mean counts every seed.")),
        (mean(seed_scores("en-fr", "random")) - baseline_of("en-fr"), wording("that is what the random arm gains over the dictionary.")),
    )  # fmt: skip
    for value, message in told:
        if abs(given - value) < 0.05:
            return message
    return wording("the mean of the warm seeds less the mean of the random ones, en-fr, validation.")


def _gain_is_a_difference(given: float, right: float, what: str, close: float) -> None:
    if abs(given - right) <= close:
        return
    scores, free = seed_scores(what), baseline_of(what)
    if abs(given - mean(scores)) <= close:
        raise Mistake(
            "{what}: that is the score itself. What the baseline gives for nothing is not the model's doing.", what=what
        )
    if abs(given + right) <= close:
        raise Mistake("{what}: the sign is turned round: gain = model − baseline.", what=what)
    if abs(given - (max(scores) - free)) <= close:
        raise Mistake("{what}: you took the best seed. Take the mean of all of them.", what=what)
    if abs(given - mean(scores) / free) <= close:
        raise Mistake("{what}: a difference is asked for, not a ratio.", what=what)
    if abs(given - (median(scores) - free)) <= close:
        raise Mistake("{what}: that is the median of the seeds. The mean counts every seed.", what=what)
    if abs(given - (mean(seed_scores(what, "warm", "test")) - free)) <= close:
        raise Mistake(
            "{what}: the score is of the test rows, the baseline of the validation rows: take both from one set.",
            what=what,
        )
    if abs(given - (mean(seed_scores(what, "random")) - free)) <= close:
        raise Mistake("{what}: that is the random arm. Asked for is what the warm one gains.", what=what)
    raise Mistake("{what}: the mean of lab.seed_scores less lab.baseline_of.", what=what)


EXERCISES = (
    Exercise(
        id="11.1",
        title="What the decoder reads",
        kind="build",
        minutes=10,
        difficulty=1,
        starred=True,
        specification=(
            "shift_right(labels, start_id, pad_id) → ids (B, T): input t is label t − 1, the first is start_id, and no -100 is"
            " left; labels stay as they are."
        ),
        checks=(_every_label_is_said_from_what_stands_before_it, _any_ids_will_do),
        hints=(
            "Write two rows under each other, the labels below, what may be read above. What may be read when the first is to be said?",
            "A new tensor: column 0 is start_id, the other columns are labels[:, :-1]; then -100 becomes pad_id.",
        ),
        solution=shift_right,
        fallback=package_shift,
        variable="shift_right",
    ),
    Exercise(
        id="11.2",
        title="Warm and random blocks",
        kind="decide",
        minutes=8,
        difficulty=2,
        starred=True,
        specification="For each block of the translator: warm, random or partly; and who does what.",
        checks=(_blocks_are_marked,),
        hints=(
            "What did ELECTRA learn from? One text at a time, in one language, and it never wrote one.",
            "Two blocks are drawn, three are copied, and one has only the rows that are spelled alike.",
        ),
        solution=BLOCK_ANSWER,
        variable="my_blocks",
        why="Cross-attention and the head that says words are new, and with them what makes it a translator.",
    ),
    Exercise(
        id="11.3",
        title="A score beside its baseline",
        kind="measure",
        minutes=12,
        difficulty=2,
        specification=(
            "From the recorded seeds: the gains over the dictionary (chrF) and over the first sentence (ROUGE-L), warm minus"
            " random, what to report, and what a high ROUGE-L hid."
        ),
        checks=(_scores_stand_beside_baselines,),
        hints=(
            "statistics.mean(lab.seed_scores(what, arm)); lab.baseline_of(what).",
            "Two differences with the baseline, one between the arms; the names are read, not computed.",
        ),
        solution=measure_answer(),
        variable="my_scores",
        why="A dictionary of the pairs scores without any net; ROUGE counts words, and the name is one word of many.",
    ),
)
