"""The laboratory of real sentences in notebooks 08 to 13: the hand-written sets, what a label hangs on, and what fits a blank."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from electra_helpers.reading.files import read_rows
from electra_helpers.reading.labelled import LabelledData, labelled, load_labelled
from electra_helpers.resources import data_folder
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.finetuned import Finetuned
from electra_helpers.tasks.generation import Draft, draft_of, guesser
from electra_helpers.tasks.surprisal import log_odds

MOODS = ("negative", "positive")
# A Chinese character is a word; elsewhere letters and digits that belong together.
WORD = re.compile(r"[一-鿿]|[^\W一-鿿](?:[\w'’-]*[^\W_])?")


def sets(kind: str, language: str = "en") -> tuple[LabelledData, LabelledData]:
    """The course's hand-written reviews, entities or passages: rows to learn from, and rows to test on.

    >>> [len(part) for part in sets("reviews")]
    [320, 160]
    """
    labels = MOODS if kind == "reviews" else None
    learn, test = (
        load_labelled(f"bundled:sentences/{kind}.{language}", split, labels=labels) for split in ("train", "test")
    )
    return learn, test


def first(data: LabelledData, count: int) -> LabelledData:
    """Its first rows; of the reviews as many are positive as negative."""
    return replace(data, rows=data.rows[:count])


def carriers(made: Finetuned, text: str, label: str) -> list[tuple[str, float]]:
    """What a label hangs on: by how much its log odds, ln P / (1 − P), fall when each word (of Chinese: each character) is deleted.

    In nats, in reading order. Of a net that is sure P itself would hardly move: from 0.9999 to 0.998 are 3 nats.
    """
    places = [found.span() for found in WORD.finditer(text)]
    whole, *shorter = made.predict([text, *(text[:start] + text[end:] for start, end in places)])
    before = log_odds(whole["probabilities"][label])
    falls = [before - log_odds(said["probabilities"][label]) for said in shorter]
    return [(text[start:end], fall) for (start, end), fall in zip(places, falls, strict=True)]


def proposals(model: Pretrained, text: str, count: int = 5) -> list[list[tuple[str, float]]]:
    """For each blank (___) the tokens that the generator finds likeliest there, with their P; no blank knows of another.

    >>> import electra_helpers as eh
    >>> [len(each) for each in proposals(eh.load("electra-tiny-world-en"), "A ___ named Anna lived in a ___ .", 3)]
    [3, 3]
    """
    return _likeliest(model, draft_of(model, text, count=1, words=0, share=0.0, seed=0), count)


def _likeliest(model: Pretrained, draft: Draft, count: int) -> list[list[tuple[str, float]]]:
    where = draft.is_blank.nonzero()[:, 1][None]  # (1, M)
    p = torch.softmax(guesser(model, draft)(draft.ids, where)[0], dim=-1)  # (M, V)
    best = p.topk(count)
    return [
        list(zip(model.tokenizer.tokens(ids), values, strict=True))
        for ids, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def hidden_words(model: Pretrained, texts: Sequence[str], seed: int = 0) -> Iterator[tuple[str, list[str]]]:
    """One whole word of each text hidden, drawn at random: the word, and the five tokens that the generator finds likeliest there."""
    rng = random.Random(seed)
    for text in texts:
        encoding = model.tokenizer.encode(text)
        pieces = Counter(encoding.word_ids)
        whole = [
            at
            for at, (token, word) in enumerate(zip(encoding.tokens, encoding.word_ids, strict=True))
            if word is not None and pieces[word] == 1 and token[0].isalpha()
        ]
        if not whole:
            continue
        at, ids = rng.choice(whole), torch.tensor([encoding.ids])
        is_blank = torch.zeros_like(ids, dtype=torch.bool)
        is_blank[0, at] = True
        draft = Draft(ids.masked_fill(is_blank, model.net.config.mask_id), is_blank, torch.ones_like(is_blank))
        yield encoding.tokens[at], [token for token, _ in _likeliest(model, draft, 5)[0]]


def hidden_word_scores(model: Pretrained, texts: Sequence[str], seed: int = 0) -> dict[str, float]:
    """How often a hidden word is the generator's first choice, how often among its five, and how often the commonest of them is right."""
    found = list(hidden_words(model, texts, seed))
    commonest, times = Counter(word for word, _ in found).most_common(1)[0]
    return {
        "first choice": sum(word == best[0] for word, best in found) / len(found),
        "among five": sum(word in best for word, best in found) / len(found),
        f"always {commonest!r}": times / len(found),
    }


def corrections(language: str = "en") -> LabelledData:
    """The course's sentences with errors as minimal pairs: right and wrong, by kind of error.

    >>> len(corrections())
    72
    """
    rows = [row for row in read_rows(data_folder() / "sentences" / f"errors.{language}.jsonl") if row["errors"]]
    pairs: list[dict[str, Any]] = [
        {"good": row["corrected"], "bad": row["text"], "phenomenon": row["kind"]} for row in rows
    ]
    return labelled(pairs, task="minimal pairs", source="sentences with errors, and put right")


def unusual(language: str = "en") -> dict[str, list[str]]:
    """Right sentences that a hasty reader takes for wrong, by the reason why.

    >>> len(unusual()["idiom"])
    4
    """
    found: dict[str, list[str]] = {}
    for row in read_rows(data_folder() / "sentences" / f"unusual.{language}.jsonl"):
        found.setdefault(row["reason"], []).append(row["text"])
    return found
