"""What three nets of one size can be asked without any fine-tuning: to score a text, to find fakes, to fill a blank, to write.

Shapes: B rows, L length, V vocabulary. A score is the log of a probability in nats, high = the token looks right; the first token
([CLS]) has none. What each costs is counted in passes: how often a net reads the text.
"""

from __future__ import annotations

from collections.abc import Callable as Function
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from electra_helpers.corruption import sample_tokens
from electra_helpers.course.labs.generation import oracle
from electra_helpers.course.labs.objectives import padded, story_pairs
from electra_helpers.course.labs.world_run import world_texts
from electra_helpers.errors import ElectraError
from electra_helpers.language import worded
from electra_helpers.model.electra import Discriminator, Electra, Generator, real_tokens
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.cleaning.acceptability import preferred
from electra_helpers.tasks.detection import encode
from electra_helpers.tasks.generation import NEVER
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.evaluation import chunks
from electra_helpers.training.metrics import detection_metrics

WIDTH = 4  # words of a run by which a text is compared with told stories
RERANKED = 20  # candidates that a causal model compares by the whole text, at a blank


@torch.inference_mode()
def left_to_right(net: Generator, batch: Batch) -> Tensor:
    """log p of every token given those before it, (B, L): one pass. The sum over a row is log p of the text."""
    logits = net(batch.input_ids, None, batch.attention_mask)[:, :-1]  # (B, L − 1, V)
    log_p = -F.cross_entropy(logits.transpose(1, 2), batch.input_ids[:, 1:], reduction="none")
    return F.pad(log_p, (1, 0)) * real_tokens(batch)


@torch.inference_mode()
def one_hidden(net: Generator, batch: Batch, mask_id: int) -> Tensor:
    """log p of every token when it alone is masked, (B, L): a pass for each token (Salazar et al., 2020). No sum is log p of a text."""
    ids, real, found = batch.input_ids, real_tokens(batch), torch.zeros(batch.input_ids.shape)
    for place in range(1, ids.shape[1]):
        rows = real[:, place].nonzero()[:, 0]
        where = torch.full((len(rows), 1), place)
        hidden = ids[rows].scatter(1, where, mask_id)
        logits = net(hidden, None, real[rows], positions=where)[:, 0]  # (rows, V)
        found[rows, place] = -F.cross_entropy(logits, ids[rows, place], reduction="none")
    return found


@torch.inference_mode()
def as_it_stands(net: Generator, batch: Batch) -> Tensor:
    """log p of every token that a masked language model gives with nothing masked, (B, L): one pass, in which each token sees itself."""
    log_p = net(batch.input_ids, None, batch.attention_mask).log_softmax(-1)  # (B, L, V)
    found = log_p.gather(-1, batch.input_ids[..., None])[..., 0] * real_tokens(batch)
    found[:, 0] = 0
    return found


@torch.inference_mode()
def original(net: Discriminator, batch: Batch) -> Tensor:
    """log P(original) of every token, (B, L): one pass. No sum is log p of a text."""
    found = F.logsigmoid(-net(batch.input_ids, None, batch.attention_mask)) * real_tokens(batch)
    found[:, 0] = 0
    return found


def scorers(net: Electra) -> dict[str, Function[[Batch], Tensor]]:
    """Every way in which this net scores tokens, by name. Raises `ElectraError` for a bare encoder."""
    found: dict[str, Function[[Batch], Tensor]] = {}
    if getattr(net, "language_model", None) is not None:
        found["left to right"] = lambda batch: left_to_right(net.language_model, batch)
    elif net.discriminator is not None:
        found["P(original)"] = lambda batch: original(net.discriminator, batch)
    elif net.generator is not None:
        found["one hidden"] = lambda batch: one_hidden(net.generator, batch, net.config.mask_id)
        found["as it stands"] = lambda batch: as_it_stands(net.generator, batch)
    if not found:
        raise ElectraError(worded("A bare encoder scores nothing: it has no head."))
    return found


def in_parts(score: Function[[Batch], Tensor], batch: Batch, rows: int = 128) -> Tensor:
    """The scores of many rows, computed some rows at a time."""
    return torch.cat([score(part) for part in chunks(batch, rows)])


def pairs_won(score: Function[[Batch], Tensor], good: Batch, bad: Batch) -> float:
    """The share of minimal pairs whose good text has the higher sum."""
    return float(preferred(*(in_parts(score, side).sum(1).numpy() for side in (good, bad))).mean())


def world_pairs(tokenizer: Tokenizer, per_phenomenon: int, length: int) -> tuple[Batch, Batch]:
    """Whole stories without and with one mistake, those that fit a row of `length` tokens."""
    texts = [pair[:2] for pair in story_pairs(per_phenomenon)]
    short = [pair for pair in texts if all(len(tokenizer.encode(text).ids) <= length for text in pair)]
    good, bad = (padded(tokenizer, list(side)) for side in zip(*short, strict=True))
    return good, bad


def found_fakes(score: Function[[Batch], Tensor], corrupted: Batch, is_replaced: Tensor) -> float:
    """AUC of −score over all real tokens but [CLS]: does a fake look less right than an original?"""
    asked = real_tokens(corrupted).clone()
    asked[:, 0] = False
    doubt = -in_parts(score, corrupted)[asked]
    return detection_metrics(torch.sigmoid(doubt).double().numpy(), is_replaced[asked].numpy())["auc"]


@torch.inference_mode()
def filled(net: Generator, batch: Batch, places: Tensor, mask_id: int) -> Tensor:
    """The likeliest token of each row's one blank, (B,), by a net that sees both sides: one pass."""
    logits = net(batch.input_ids.scatter(1, places, mask_id), None, batch.attention_mask, positions=places)
    return logits[:, 0].argmax(-1)


@torch.inference_mode()
def filled_from_the_left(net: Generator, batch: Batch, places: Tensor, candidates: int = 1) -> Tensor:
    """The likeliest token of each row's blank, (B,), by a causal net: from the left alone, in one pass; or, with more `candidates`,
    the one of them that makes the whole text likeliest, at a pass for each.
    """
    logits = net(batch.input_ids, None, batch.attention_mask, positions=places - 1)[:, 0]  # (B, V)
    likely = logits.topk(candidates, dim=-1).indices  # (B, C)
    if candidates == 1:
        return likely[:, 0]
    whole = [
        left_to_right(net, Batch(batch.input_ids.scatter(1, places, tried[:, None]), None, batch.attention_mask)).sum(1)
        for tried in likely.T
    ]
    return likely.gather(1, torch.stack(whole, 1).argmax(1, keepdim=True))[:, 0]


@torch.inference_mode()
def write(
    net: Generator, count: int, *, tokenizer: Tokenizer, length: int, seed: int = 0, temperature: float = 1.0
) -> list[list[str]]:
    """`count` texts of a causal net as lists of words: each word is drawn given those before it, until it draws [SEP]."""
    random, ids = torch.Generator().manual_seed(seed), torch.full((count, 1), tokenizer.cls_id)
    forbidden = torch.tensor([each for each in tokenizer.special_ids if each != tokenizer.sep_id])
    has_ended = torch.zeros(count, dtype=torch.bool)
    while ids.shape[1] < length and not has_ended.all():
        here = torch.full((count, 1), ids.shape[1] - 1)
        logits = net(ids, positions=here)[:, 0].index_fill(-1, forbidden, NEVER)  # (B, V)
        drawn = sample_tokens(logits, temperature=temperature, generator=random)
        ids = torch.cat([ids, drawn.masked_fill(has_ended, tokenizer.pad_id)[:, None]], dim=1)
        has_ended |= drawn == tokenizer.sep_id
    return [words_before_the_end(tokenizer.tokens(row[1:].tolist())) for row in ids]


def words_before_the_end(tokens: Sequence[str]) -> list[str]:
    """The tokens before the first [SEP], all of them if there is none."""
    return list(tokens[: tokens.index("[SEP]")] if "[SEP]" in tokens else tokens)


def told(tokenizer: Tokenizer, split: str, count: int) -> list[list[str]]:
    """Stories of the little world as lists of tokens."""
    return [tokenizer.tokens(tokenizer.encode(text).ids[1:-1]) for text in world_texts("stories", count, split=split)]


def known_runs(tokenizer: Tokenizer, count: int) -> frozenset[tuple[str, ...]]:
    """All runs of words of so many training stories: how the little world sounds."""
    return frozenset(windows(told(tokenizer, "train", count)))


def windows(texts: Sequence[Sequence[str]], width: int = WIDTH) -> list[tuple[str, ...]]:
    """All runs of `width` words in the texts.

    >>> windows([["a", "b", "c"]], 2)
    [('a', 'b'), ('b', 'c')]
    """
    return [tuple(text[at : at + width]) for text in texts for at in range(len(text) - width + 1)]


def share_known(texts: Sequence[Sequence[str]], known: frozenset[tuple[str, ...]]) -> float:
    """The share of the texts' runs of `WIDTH` words that are among the known ones: 0 to 1, and 0 without any run."""
    runs = windows(texts)
    return float(np.mean([run in known for run in runs])) if runs else 0.0


@torch.inference_mode()
def two_orders(model: Pretrained, text: str, *, first: int, second: int) -> dict[str, float]:
    """The probability of two tokens of a text by a masked language model: shown in one order, in the other, and each hidden alone.

    `first` and `second` are positions, [CLS] counted. Of one distribution both orders would give the same number.
    """
    ids = torch.tensor([encode(model, text).ids])
    a, b = torch.tensor([[first]]), torch.tensor([[second]])

    def p(place: Tensor, *hidden: Tensor) -> float:
        shown = ids.clone()
        for each in hidden:
            shown[0, each[0]] = model.net.config.mask_id
        logits = model.net.generator(shown, positions=place)[0, 0]
        return float(logits.softmax(-1)[ids[0, place[0, 0]]])

    return {
        "left to right": p(a, a, b) * p(b, b),
        "right to left": p(b, a, b) * p(a, a),
        "pseudo": p(a, a) * p(b, b),
    }


def beside_the_grammar(net: Generator, tokenizer: Tokenizer, count: int, length: int = 80) -> dict[str, float]:
    """Nats per token of held-out stories that fit a row: of a causal net, and of the grammar that told them, than which none is lower."""
    stories = [words for words in told(tokenizer, "validation", count) if len(words) + 2 <= length]
    batch = padded(tokenizer, [" ".join(words) for words in stories])
    total = float(in_parts(lambda part: left_to_right(net, part), batch).sum())
    tokens, exact = sum(len(words) + 1 for words in stories), sum(map(oracle().log_probability, stories))
    return {"net": -total / tokens, "grammar": -exact / tokens}
