"""The bug hunt of notebook 04: corruption pipelines that print words only, most of them with one broken rule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from electra_helpers import corruption
from electra_helpers.errors import ElectraError
from electra_helpers.language import columns, padded, worded, wording
from electra_helpers.text.tokenizer import Tokenizer, tokenizer_from_words

SENTENCES = (  # one token between two blanks: in Chinese a character
    wording("the museum opens at nine on sundays ."),
    wording("she put the letter into her bag ."),
    wording("rain is expected ."),
    wording("nobody had seen the old bridge before the war ."),
)
SHARE, RIGHT = 0.3, 0.5  # selected, more than ELECTRA's 15 %, so that there is something to see; guesses that are right
MASK_LEAKS, LABEL_IS_SELECTED = "[MASK] reaches the discriminator", "the label says selected"
PADDING_IS_HIT, LABELS_ARE_SHIFTED = "padding is corrupted", "the labels are shifted by one"
NOTHING = "nothing"
BUGS = (MASK_LEAKS, LABEL_IS_SELECTED, PADDING_IS_HIT, LABELS_ARE_SHIFTED, NOTHING)
PIPELINES = {
    "A": LABELS_ARE_SHIFTED,
    "B": NOTHING,
    "C": PADDING_IS_HIT,
    "D": LABEL_IS_SELECTED,
    "E": MASK_LEAKS,
}


@dataclass(frozen=True, eq=False)
class Corrupted:
    """What one pipeline did to the sentences, all (B, L)."""

    original_ids: Tensor
    selected: Tensor
    shown_ids: Tensor  # what the discriminator sees
    labels: Tensor


def sentences() -> tuple[str, ...]:
    """The sentences in the language that was chosen."""
    return tuple(map(worded, SENTENCES))


def vocabulary() -> Tokenizer:
    """The words of the sentences, each one token."""
    return _vocabulary(sentences())


@cache
def _vocabulary(said: tuple[str, ...]) -> Tokenizer:
    return tokenizer_from_words(sorted({word for sentence in said for word in sentence.split()}))


def corrupted_by(name: str, seed: int = 0) -> Corrupted:
    """Run one pipeline. Its generator is right half of the time, and draws any word otherwise."""
    if name not in PIPELINES:
        raise ElectraError(
            worded(
                "There is no pipeline {name!r}: choose one of {pipelines}.", name=name, pipelines=", ".join(PIPELINES)
            )
        )
    pieces, bug = vocabulary(), PIPELINES[name]
    rows = [pieces.encode(sentence).ids for sentence in sentences()]
    length = max(map(len, rows))
    ids = torch.tensor([row + [pieces.pad_id] * (length - len(row)) for row in rows])
    random = torch.Generator().manual_seed(seed)
    pad = -1 if bug == PADDING_IS_HIT else pieces.pad_id
    unselectable = (pad, pieces.cls_id, pieces.sep_id, pieces.mask_id)
    selection = corruption.select_positions(ids, unselectable, share=SHARE, generator=random)
    words = torch.randint(len(pieces.special_ids), pieces.vocab_size, selection.positions.shape, generator=random)
    is_right = torch.rand(selection.positions.shape, generator=random) < RIGHT
    sampled = torch.where(is_right, ids.gather(1, selection.positions), words)
    shown = corruption.corrupt(ids, selection, sampled)
    labels, selected = shown != ids, selection.as_mask(length)
    if bug == MASK_LEAKS:  # only wrong guesses are written into the masked row
        shown = torch.where(selected & ~labels, pieces.mask_id, shown)
    if bug == LABEL_IS_SELECTED:
        labels = selected
    if bug == LABELS_ARE_SHIFTED:
        labels = labels.roll(1, dims=1)
    return Corrupted(ids, selected, shown, labels)


def show_pipeline(name: str, seed: int = 0) -> None:
    """Print the sentences, and below each what the discriminator sees; words labelled *replaced* stand in brackets ›‹."""
    made, pieces = corrupted_by(name, seed), vocabulary()
    print(worded("pipeline {name}, seed {seed}", name=name, seed=seed))
    for ids, shown, labels in zip(made.original_ids, made.shown_ids, made.labels, strict=True):
        pairs = zip(pieces.tokens(shown.tolist()), labels.tolist(), strict=True)
        below = [f"›{word}‹" if is_replaced else word for word, is_replaced in pairs]
        above = pieces.tokens(ids.tolist())
        widths = [max(map(columns, pair)) for pair in zip(above, below, strict=True)]
        for line in (above, below):
            print("  " + " ".join(map(padded, line, widths)).rstrip())
