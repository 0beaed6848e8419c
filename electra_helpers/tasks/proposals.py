"""One position after the other: what the generator proposes there, and what the discriminator says of an edited row.

The generator always reads the original row with every chosen position masked, as in pre-training: blanks are filled independently of
each other. The discriminator never reads a [MASK].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from electra_helpers.corruption import MASK_SHARE, Selection, mask_positions, sample_tokens, select_positions
from electra_helpers.errors import ElectraError
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.detection import judge_ids
from electra_helpers.text.tokenizer import Encoding, Tokenizer
from electra_helpers.training.loop import seed_for

LONGEST = 512  # tokens that are shown; a longer text is cut, with a notice


@dataclass(frozen=True)
class Proposals:
    """The generator at one position: its likeliest tokens, and where the original stands among all of them (rank 1 = likeliest)."""

    position: int
    ids: list[int]
    tokens: list[str]
    probabilities: list[float]
    original: str
    original_probability: float
    original_rank: int


@dataclass(frozen=True)
class EncodedText:
    """A text as one row of ids, and how many tokens of it had to be left out."""

    text: str
    encoding: Encoding
    n_cut: int


def read_row(pretrained: Pretrained, text: str) -> EncodedText:
    """Tokenise a text, cut to what the model reads and to 512 tokens. Raises `ElectraError` for a text without tokens."""
    whole = pretrained.tokenizer.encode(text)
    if len(whole.ids) <= 2:
        raise ElectraError("There is nothing to read: type at least one word.")
    most = min(LONGEST, pretrained.net.config.max_positions)
    if len(whole.ids) <= most:
        return EncodedText(text, whole, 0)
    return EncodedText(text, pretrained.tokenizer.encode(text, max_length=most), len(whole.ids) - most)


@torch.inference_mode()
def generator_logits(
    pretrained: Pretrained, ids: Sequence[int], masked: Sequence[int], positions: Sequence[int]
) -> Tensor:
    """Vocabulary logits (M, V) at `positions`, the row being read with [MASK] at `masked`."""
    if pretrained.net.generator is None:
        raise ElectraError(f"{pretrained.name} has no generator, so it cannot propose tokens: type a word instead.")
    row = torch.tensor([list(ids)])
    row[0, list(masked)] = pretrained.net.config.mask_id
    return pretrained.net.generator(row, positions=torch.tensor([list(positions)]))[0].float()


def propose(
    tokenizer: Tokenizer, logits: Tensor, original_id: int, *, position: int, temperature: float = 1.0, top_k: int = 8
) -> Proposals:
    """The likeliest tokens of softmax(logits / temperature), `logits` (V,), with the rank of the original."""
    if temperature <= 0:
        raise ElectraError(f"temperature is {temperature}: it must be above 0 (small = the likeliest token).")
    p = torch.softmax(logits / temperature, -1)
    best = p.topk(min(top_k, len(p)))
    return Proposals(
        position=position,
        ids=best.indices.tolist(),
        tokens=tokenizer.tokens(best.indices.tolist()),
        probabilities=best.values.tolist(),
        original=tokenizer.tokens([original_id])[0],
        original_probability=float(p[original_id]),
        original_rank=1 + int((logits > logits[original_id]).sum()),
    )


def probabilities(logits: Tensor, temperature: float) -> np.ndarray:
    """softmax(logits / temperature), (V,), in double precision."""
    scaled = (
        logits.float().cpu().numpy().astype(np.float64) / temperature
    )  # not on the device: an Apple GPU has no fp64
    raised = np.exp(scaled - scaled.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def draw(logits: Tensor, *, temperature: float, seed: int, number: int) -> list[int]:
    """One sampled id for each row of `logits` (M, V); the draw with the same seed and number is the same again."""
    random = torch.Generator().manual_seed(seed_for(seed, number))
    return sample_tokens(logits, temperature=temperature, generator=random).tolist()


def choose_at_random(
    pretrained: Pretrained, ids: Sequence[int], *, seed: int, number: int, share: float = MASK_SHARE
) -> list[int]:
    """The positions that pre-training's rule selects of one row."""
    random = torch.Generator().manual_seed(seed_for(seed, number))
    unselectable = pretrained.net.config.unselectable_ids
    selection = select_positions(torch.tensor([list(ids)]), unselectable, share=share, generator=random)
    return selection.positions[0][selection.is_valid[0]].tolist()


def mask_at_random(
    pretrained: Pretrained, ids: Sequence[int], selected: Sequence[int], *, seed: int, number: int
) -> list[int]:
    """Those of the selected positions that show [MASK]: 85 %, the others stay as they are and are predicted too."""
    random = torch.Generator().manual_seed(seed_for(seed, number))
    positions = torch.tensor([list(selected)])
    selection = Selection(positions, torch.ones_like(positions, dtype=torch.bool))
    mask_id = pretrained.net.config.mask_id
    shown = mask_positions(torch.tensor([list(ids)]), selection, mask_id=mask_id, generator=random)[0]
    return [i for i in selected if shown[i] == mask_id]


def judge_edited(pretrained: Pretrained, ids: Sequence[int], edits: Mapping[int, int]) -> list[float]:
    """P(replaced) of every token of a row, `edits` (position → id) put in."""
    row = torch.tensor([list(ids)])
    for position, token_id in edits.items():
        row[0, position] = token_id
    return judge_ids(pretrained, row)


@torch.inference_mode()
def judge_alternatives(
    pretrained: Pretrained, ids: Sequence[int], position: int, candidates: Sequence[int], rows: int = 64
) -> list[float]:
    """P(replaced) at one position for each candidate token put there, in batches of `rows`."""
    net = pretrained.net.discriminator
    if net is None:
        raise ElectraError(f"{pretrained.name} has no discriminator, so it cannot judge: load the discriminator.")
    batch = torch.tensor([list(ids)]).repeat(len(candidates), 1)
    batch[:, position] = torch.tensor(list(candidates))
    return [p for part in batch.split(rows) for p in torch.sigmoid(net(part)[:, position].float()).tolist()]


def single_token(tokenizer: Tokenizer, word: str, *, like: str = "") -> int:
    """The id of a typed word, which must be one token. `like` is the token it stands in for: a piece ##x is kept a piece."""
    wanted = word.strip()
    if not wanted:
        raise ElectraError("Type a word first.")
    exact = tokenizer.backend.token_to_id(wanted)
    if exact is None and like.startswith("##"):
        exact = tokenizer.backend.token_to_id(f"##{wanted}")
    if exact is not None:
        return _allowed(tokenizer, exact, wanted)
    ids = tokenizer.encode(wanted).ids[1:-1]
    if len(ids) != 1:
        pieces = " ".join(tokenizer.tokens(ids))
        raise ElectraError(f"{wanted!r} is {len(ids)} tokens here ({pieces}); one position takes one token.")
    return _allowed(tokenizer, ids[0], wanted)


def _allowed(tokenizer: Tokenizer, token_id: int, word: str) -> int:
    if token_id == tokenizer.unk_id:
        raise ElectraError(f"{word!r} is not in this model's vocabulary of {tokenizer.vocab_size:,} tokens.")
    if token_id in tokenizer.special_ids:
        raise ElectraError(f"{word!r} is a special token; the discriminator never reads it inside a text.")
    return token_id
