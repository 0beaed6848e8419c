"""Text generation with a masked language model: blanks are filled by the generator, and what the critic dislikes is drawn again.

A masked language model says what may stand at one place given all others. So text is made by Gibbs sampling: fill the blanks, then again
and again hide one word and draw it anew (Wang and Cho, 2019). Which one? A random one, the one the generator is least sure of, or the one
that the discriminator, here the *critic*, takes for replaced. Shapes: B rows, L length, M positions, V vocabulary.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from unicodedata import normalize

import torch
from torch import Tensor

from electra_helpers.corruption import Selection, sample_tokens, scatter_at, select_positions
from electra_helpers.errors import ElectraError
from electra_helpers.fields import check_number
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.detection import encode
from electra_helpers.text.tokenizer import MASK
from electra_helpers.training.loop import seed_for
from electra_helpers.words import is_chinese

Guess = Callable[[Tensor, Tensor], Tensor]  # rows (B, L) with [MASK]s, positions (B, M) → logits (B, M, V)
Step = Callable[..., Tensor]  # as gibbs_step
ORDERS = ("one by one", "at once")
REDO = ("critic", "random", "confidence")
BLANK = re.compile(r"_{2,}")  # in a text that is typed: the same as [MASK]
NEVER = -1e9  # logit of a token that is not drawn


@dataclass(frozen=True, eq=False)
class Draft:
    """Rows in the making: ids (B, L), where they may change (B, L), and which tokens are no padding (B, L)."""

    ids: Tensor
    is_blank: Tensor
    is_real: Tensor

    def emptied(self, mask_id: int) -> Draft:
        """The same with [MASK] on every blank."""
        return replace(self, ids=self.ids.masked_fill(self.is_blank, mask_id))

    def __len__(self) -> int:
        return len(self.ids)


def guesser(model: Pretrained, draft: Draft, temperature: float = 1.0) -> Guess:
    """What the generator says at some positions of the draft's rows; special tokens are never said.

    Raises `ElectraError` for a model without a generator and for a temperature that is not positive.
    """
    net, forbidden = model.net.generator, torch.tensor(model.tokenizer.special_ids)
    if net is None:
        raise ElectraError(f"{model.name} has no generator, so it cannot write: load the generator of the pair.")
    if not 0 < temperature < math.inf:
        raise ElectraError(
            f"temperature is {temperature}: it must be above 0 (small = the likeliest token), and finite."
        )

    @torch.inference_mode()
    def guess(ids: Tensor, positions: Tensor) -> Tensor:
        logits = net(ids, None, draft.is_real, positions=positions).float()
        return logits.index_fill(-1, forbidden, NEVER) / temperature

    return guess


def gibbs_step(
    ids: Tensor, positions: Tensor, guess: Guess, *, mask_id: int, generator: torch.Generator | None = None
) -> Tensor:
    """Hide one token of each row and draw it anew, given all the others: `ids` (B, L), `positions` (B,) → new ids (B, L).

    `guess(ids, positions)` gives logits (B, M, V). Source: Wang and Cho (2019), *BERT has a mouth, and it must speak*.

    >>> import torch
    >>> always_7 = lambda ids, positions: torch.eye(9)[7].expand(*positions.shape, 9) * 99
    >>> gibbs_step(torch.tensor([[2, 5, 6, 3]]), torch.tensor([1]), always_7, mask_id=4)
    tensor([[2, 7, 6, 3]])

    Built in notebook 12.
    """
    where = positions[:, None]  # (B, 1)
    hidden = ids.scatter(1, where, mask_id)
    drawn = sample_tokens(guess(hidden, where), generator=generator)  # (B, 1)
    return ids.scatter(1, where, drawn)


def fill(
    draft: Draft,
    guess: Guess,
    *,
    mask_id: int,
    order: str = "one by one",
    generator: torch.Generator | None = None,
    step: Step = gibbs_step,
) -> Draft:
    """Fill all blanks: each given those already filled, in a random order, or all "at once", none knowing the others."""
    if order not in ORDERS:
        raise ElectraError(f"There is no order {order!r}: choose one of {', '.join(ORDERS)}.")
    draft, counts = draft.emptied(mask_id), draft.is_blank.sum(1)  # (B,)
    keys = torch.rand(draft.ids.shape, generator=generator).masked_fill(~draft.is_blank, -1.0)
    turns = keys.argsort(dim=1, descending=True)[:, : int(counts.max())]  # (B, M): blanks first
    is_valid = torch.arange(turns.shape[1]) < counts[:, None]
    if order == "at once":
        drawn = sample_tokens(guess(draft.ids, turns), generator=generator)
        return replace(draft, ids=scatter_at(draft.ids, Selection(turns, is_valid), drawn))
    ids = draft.ids
    for turn, valid in zip(turns.T, is_valid.T, strict=True):
        new = step(ids, turn, guess, mask_id=mask_id, generator=generator)
        ids = torch.where(valid[:, None], new, ids)
    return replace(draft, ids=ids)


def doubt(
    model: Pretrained, draft: Draft, by: str, *, guess: Guess, generator: torch.Generator | None = None
) -> Tensor:
    """How much each blank asks to be drawn again, (B, L); below 0 elsewhere. One pass for the critic, one a blank for confidence."""
    if by == "critic":
        found = critic_scores(model, draft)
    elif by == "random":
        found = torch.rand(draft.ids.shape, generator=generator)
    elif by == "confidence":
        found = 1 - own_probability(draft, guess, model.net.config.mask_id)
    else:
        raise ElectraError(f"Nothing is redone by {by!r}: choose one of {', '.join(REDO)}.")
    return found.masked_fill(~draft.is_blank, -1.0)


@torch.inference_mode()
def critic_scores(model: Pretrained, draft: Draft) -> Tensor:
    """P(replaced) of every token, (B, L). Raises `ElectraError` for a model without a discriminator."""
    if model.net.discriminator is None:
        raise ElectraError(
            f"{model.name} has no discriminator, so it cannot criticise: redo at random or by confidence."
        )
    return torch.sigmoid(model.net.discriminator(draft.ids, None, draft.is_real).float())


def own_probability(draft: Draft, guess: Guess, mask_id: int) -> Tensor:
    """The generator's P of each blank's own token when it alone is hidden, (B, L); 1 elsewhere."""
    found = torch.ones(draft.ids.shape)
    for position in draft.is_blank.any(0).nonzero()[:, 0].tolist():
        where = torch.full((len(draft), 1), position)
        p = torch.softmax(guess(draft.ids.scatter(1, where, mask_id), where)[:, 0], dim=-1)  # (B, V)
        own = p.gather(1, draft.ids[:, position, None])[:, 0]
        found[:, position] = torch.where(draft.is_blank[:, position], own, 1.0)
    return found


def redo(
    model: Pretrained,
    draft: Draft,
    steps: int,
    *,
    by: str = "critic",
    guess: Guess | None = None,
    generator: torch.Generator | None = None,
    step: Step = gibbs_step,
    watch: Callable[[int, Tensor, Draft], None] = lambda number, positions, draft: None,
) -> Draft:
    """Draw one blank of each row again, `steps` times: the one that is doubted most. `watch` is told after each step.

    Raises `ElectraError` for another `by`, and for a model without the net that is asked.
    """
    guess = guess or guesser(model, draft)
    for number in range(steps):
        positions = doubt(model, draft, by, guess=guess, generator=generator).argmax(1)  # (B,)
        ids = step(draft.ids, positions, guess, mask_id=model.net.config.mask_id, generator=generator)
        draft = replace(draft, ids=ids)
        watch(number, positions, draft)
    return draft


def draft_of(model: Pretrained, text: str | None, *, count: int, words: int, share: float, seed: int) -> Draft:
    """Copies of a text whose [MASK]s (or ___) are blanks; of one without any, `share` of its tokens; without a text, all blank."""
    config = model.net.config
    if text is None:
        if not 1 <= words <= config.max_positions - 2:
            raise ElectraError(f"words is {words}: this model writes 1 to {config.max_positions - 2} tokens.")
        ids = torch.tensor([[config.cls_id, *[config.mask_id] * words, config.sep_id]])
    else:
        ids = torch.tensor([encode(model, BLANK.sub(MASK, text), blanks=True).ids])
    ids = ids.repeat(count, 1)
    is_blank = ids == config.mask_id
    if not is_blank.any():
        random = torch.Generator().manual_seed(seed_for(seed, 1))
        is_blank = select_positions(ids, config.unselectable_ids, share=share, generator=random).as_mask(ids.shape[1])
    return Draft(ids, is_blank, torch.ones_like(is_blank))


def generate(
    model: Pretrained,
    text: str | None = None,
    *,
    count: int = 1,
    words: int = 40,
    share: float = 0.3,
    steps: int | None = None,
    by: str = "critic",
    order: str = "one by one",
    temperature: float = 1.0,
    seed: int = 0,
) -> list[str]:
    """Write `count` texts: fill the [MASK]s of `text` (or `share` of its tokens; without a text, `words` tokens), then redo.

    `steps` words are drawn again, by default two for each blank; 0 = none. `by` chooses them: the "critic" (the discriminator), at
    "random", or by the generator's "confidence". The same seed writes the same again. Raises `ElectraError` for a text or a setting
    that does not fit, and for a model that lacks a net.

    >>> import electra_helpers as eh
    >>> eh.generate(eh.load("electra-tiny-world-en"), "a [MASK] named anna", steps=0)[0].split()[-2:]
    ['named', 'anna']

    Built in notebook 12.
    """
    if count < 1:
        raise ElectraError(f"count is {count}: ask for at least one text.")
    if steps is not None:
        check_number("steps", steps, int, 0)
    draft = draft_of(model, text, count=count, words=words, share=share, seed=seed)
    guess, random = guesser(model, draft, temperature), torch.Generator().manual_seed(seed_for(seed, 2))
    draft = fill(draft, guess, mask_id=model.net.config.mask_id, order=order, generator=random)
    steps = 2 * int(draft.is_blank.sum(1).max()) if steps is None else steps
    draft = redo(model, draft, steps, by=by, guess=guess, generator=random)
    return [as_text(model.tokenizer.tokens(row[1:-1].tolist())) for row in draft.ids]


def as_text(tokens: Sequence[str]) -> str:
    """Tokens as they would be written: pieces joined, no blank before a full stop or between Chinese characters.

    >>> as_text(["a", "tail", "##or", ",", "天", "气", "."])
    'a tailor, 天气.'
    """
    text = ""
    for token in tokens:
        joined = token.startswith("##") and text
        tight = (
            not text
            or re.fullmatch(r"[.,!?;:、。！？，；：）》”’]", token)
            or (is_chinese(token[0]) and _is_wide(text[-1]))
        )
        text += token[2:] if joined else token if tight else f" {token}"
    return normalize("NFC", text)


def _is_wide(character: str) -> bool:
    return is_chinese(character) or character in "、。！？，；：（《“‘"


def distinct_n(texts: Sequence[Sequence[str]], n: int) -> float:
    """Different n-grams divided by all n-grams, over all texts (Li et al., 2016); 0 without any.

    >>> distinct_n([["a", "b", "a", "b"]], 2)  # ab ba ab
    0.6666666666666666

    Used in notebook 12.
    """
    grams = [tuple(text[at : at + n]) for text in texts for at in range(len(text) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0
