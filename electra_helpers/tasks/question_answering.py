"""Question answering: the answer is a span of the context, or [CLS] where the context has none (SQuAD, CMRC, DRCD).

A row reads [CLS] question [SEP] context [SEP]; a long context is read in windows. Shapes: B batch, L length.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.model.electra import LossSum, real_tokens
from electra_helpers.model.heads import ConditionedSpanHead, FinetunedNet, SpanHead
from electra_helpers.reading.labelled import NO_START, LabelledData
from electra_helpers.tasks.base import DownstreamTask, Example, Row
from electra_helpers.tasks.windows import windows
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.words import is_chinese

MOST_QUESTION = 64  # tokens of a question, as in the reference code
N_BEST = 5


class Window(NamedTuple):
    """What a window shows of the context."""

    first: int  # the token where the context begins
    offsets: list[tuple[int, int]]  # characters of each of its tokens


def best_spans(scores: np.ndarray, allowed: np.ndarray, most: int, n: int = 1) -> list[tuple[int, int, float]]:
    """The `n` best (first, last, score) of scores (L, L), both ends in `allowed` (L,), not backwards, at most `most` tokens.

    >>> best_spans(np.add.outer([0, 1, 5.0], [3, 2, 0.0]), np.array([False, True, True]), most=2)
    [(2, 2, 5.0)]
    """
    place = np.arange(len(scores))
    span = place[None, :] - place[:, None]
    fits = (span >= 0) & (span < most) & allowed[:, None] & allowed[None, :]
    valid = np.where(fits, scores, -np.inf).ravel()
    likeliest = np.argsort(-valid, kind="stable")[:n]
    return [(*map(int, divmod(at, len(scores))), float(valid[at])) for at in likeliest if np.isfinite(valid[at])]


@dataclass(frozen=True)
class QuestionAnswering(DownstreamTask):
    """Answers as spans of the context; with `unanswerable` also "no answer", where [CLS] beats every span."""

    unanswerable: bool
    most_tokens: int  # of an answer

    name: ClassVar[str] = "question-answering"
    inputs: ClassVar = (("context", "question"),)
    world: ClassVar[str] = "questions"
    main_metric: ClassVar[str] = "f1"

    @classmethod
    def from_data(cls, data: LabelledData, config: FinetuneConfig) -> QuestionAnswering:
        answers = [_gold(row) for row in data.rows if has_answer(row)]
        if not answers:
            raise ElectraError(f"{data.source} has no question with an answer in its context.")
        longest = max(len(text) for text, _ in answers)
        return cls(any(not row["answers"]["text"] for row in data.rows), min(longest, max(30, config.length // 2)))

    def head(self, config: ModelConfig, form: str) -> nn.Module:
        return SpanHead(config) if form == "transformers" else ConditionedSpanHead(config)

    def answered(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row.get("answers") and (has_answer(row) or not row["answers"]["text"])]

    def examples(
        self, rows: Sequence[Row], tokenizer: Tokenizer, config: FinetuneConfig, *, training: bool = False
    ) -> list[Example]:
        return [e for number, row in enumerate(rows) for e in self._windows(row, number, tokenizer, config)]

    def _windows(self, row: Row, number: int, tokenizer: Tokenizer, config: FinetuneConfig) -> list[Example]:
        question = tokenizer.encode(row["question"], max_length=MOST_QUESTION + 2)  # [CLS] question [SEP]
        cut = len(question.ids) < len(tokenizer.encode(row["question"]).ids)
        context = tokenizer.encode(row["context"])
        ids, offsets = context.ids[1:-1], context.offsets[1:-1]
        first = len(question.ids)
        made = []
        for start, stop in windows(len(ids), config.length - first - 1, config.stride):
            shown = Window(first, offsets[start:stop])
            read = [*question.ids, *ids[start:stop], tokenizer.sep_id]
            types = [0] * first + [1] * (len(read) - first)
            made.append(Example(read, types, answer_tokens(row, shown), number, shown, cut))
        return made

    def loss(self, net: nn.Module, batch: Batch, targets: Tensor) -> LossSum:
        edges = net(batch, "edges", real=real_tokens(batch), context=context_and_cls(batch), starts=targets[:, 0])
        chosen = [log_p.float().gather(1, targets[:, i : i + 1]) for i, log_p in enumerate(edges)]
        return LossSum(-torch.cat(chosen).sum() / 2, self.count(targets))

    def count(self, targets: Tensor) -> Tensor:
        return torch.tensor(len(targets), device=targets.device)

    def outputs(self, net: FinetunedNet, batch: Batch) -> list[np.ndarray]:
        return list(net(batch, "spans", real=real_tokens(batch), context=context_and_cls(batch)).float().cpu().numpy())

    def predictions(self, rows: Sequence[Row], examples: Sequence[Example], outputs: Sequence[np.ndarray]) -> list[Row]:
        seen: list[list[tuple[Window, np.ndarray]]] = [[] for _ in rows]
        for example, scores in zip(examples, outputs, strict=True):
            seen[example.row].append((example.about, scores))
        return [self._prediction(row, parts) for row, parts in zip(rows, seen, strict=True)]

    def _prediction(self, row: Row, parts: list[tuple[Window, np.ndarray]]) -> Row:
        """The answer, its place, its n-best rivals, and how much likelier than any span it is that there is none."""
        found: dict[tuple[int, int], float] = {}
        for window, scores in parts:
            allowed = np.zeros(len(scores), dtype=bool)
            allowed[window.first : window.first + len(window.offsets)] = True
            for first, last, score in best_spans(scores, allowed, self.most_tokens, N_BEST):
                place = window.offsets[first - window.first][0], window.offsets[last - window.first][1]
                found[place] = max(score, found.get(place, -np.inf))
        ranked = sorted(found, key=found.get, reverse=True)[:N_BEST]
        # A context has no answer if none of its windows has one.
        nothing = min(float(scores[0, 0]) for _, scores in parts)
        n_best = [
            {"text": row["context"][a:b], "start": a, "end": b, "probability": float(np.exp(found[a, b]))}
            for a, b in ranked
        ]
        margin = nothing - (found[ranked[0]] if ranked else -np.inf)
        refuses = not ranked or (self.unanswerable and margin > 0)
        best = (
            {"text": "", "start": None, "end": None} if refuses else {k: n_best[0][k] for k in ("text", "start", "end")}
        )
        return {
            "answer": best["text"],
            "start": best["start"],
            "end": best["end"],
            "no_answer_margin": margin,
            "n_best": n_best,
        }

    def score(self, rows: Sequence[Row], predictions: Sequence[Row]) -> dict[str, float]:
        found = answer_metrics(rows, [prediction["answer"] for prediction in predictions])
        none = np.array([not row["answers"]["text"] for row in rows])
        if 0 < none.sum() < len(none):
            from sklearn.metrics import roc_auc_score

            margins = np.nan_to_num(
                [prediction["no_answer_margin"] for prediction in predictions], posinf=1e9, neginf=-1e9
            )
            spans = [p["n_best"][0]["text"] if p["n_best"] else "" for p in predictions]
            forced = answer_metrics(
                *zip(*[(r, s) for r, s, no in zip(rows, spans, none, strict=True) if not no], strict=True)
            )
            found |= {"answerable_f1": forced["f1"], "unanswerable_auc": float(roc_auc_score(none, margins))}
        return found

    def uniform(self, predictions: Sequence[Row]) -> str:
        return "every question is given no answer" if not any(p["answer"] for p in predictions) else ""

    def baseline(self, rows: Sequence[Row]) -> tuple[str, dict[str, float]]:
        """Blind to the question: the context's first sentence, or no answer where that scores higher."""
        sentences = answer_metrics(rows, [re.split(r"(?<=[.!?。！？])", row["context"])[0] for row in rows])
        nothing = answer_metrics(rows, [""] * len(rows))
        return ("no answer", nothing) if nothing["f1"] > sentences["f1"] else ("first sentence", sentences)


def context_and_cls(batch: Batch) -> Tensor:
    """True where an answer may begin and end, (B, L): in the second segment, and at [CLS], which says that there is none."""
    is_cls = torch.arange(batch.input_ids.shape[1], device=batch.input_ids.device) == 0
    return real_tokens(batch) & (batch.token_type_ids == 1) | is_cls


def has_answer(row: Row) -> bool:
    """Whether the row has an answer that stands in its context."""
    return any(start != NO_START for start in row["answers"]["answer_start"])


def _gold(row: Row) -> tuple[str, int]:
    """The first answer that stands in the context, and where."""
    texts, starts = row["answers"]["text"], row["answers"]["answer_start"]
    return next((text, start) for text, start in zip(texts, starts, strict=True) if start != NO_START)


def answer_tokens(row: Row, window: Window) -> tuple[int, int] | None:
    """First and last token of the answer in a window; [CLS] twice where the window does not hold all of it."""
    if not row.get("answers"):
        return None
    if not has_answer(row):
        return (0, 0)
    text, start = _gold(row)
    end = start + len(text)
    touched = [at for at, (a, b) in enumerate(window.offsets) if a < end and b > start]
    whole = touched and window.offsets[touched[0]][0] <= start and window.offsets[touched[-1]][1] >= end
    return (window.first + touched[0], window.first + touched[-1]) if whole else (0, 0)


def answer_metrics(rows: Sequence[Row], answers: Sequence[str]) -> dict[str, float]:
    """Exact match and F1 against the best of each row's right answers; "" is right where there is none."""
    exact, overlap = [], []
    for row, answer in zip(rows, answers, strict=True):
        wanted = [answer_words(text) for text in row["answers"]["text"]] or [[]]
        given = answer_words(answer)
        exact.append(max(float(given == words) for words in wanted))
        overlap.append(max(word_f1(given, words) for words in wanted))
    return {"exact_match": float(np.mean(exact)), "f1": float(np.mean(overlap))}


def answer_words(text: str) -> list[str]:
    """An answer as SQuAD's script compares it: lower case, no punctuation, no articles; a Chinese character is a word.

    >>> answer_words("The 3 Red hats!"), answer_words("《战国无双3》")
    (['3', 'red', 'hats'], ['战', '国', '无', '双', '3'])
    """
    kept = (c for c in unicodedata.normalize("NFC", text).lower() if not is_punctuation(c))
    apart = "".join(f" {c} " if is_chinese(c) else c for c in kept)
    return [word for word in apart.split() if word not in ("a", "an", "the")]


def is_punctuation(character: str) -> bool:
    """Whether SQuAD's scores (ASCII) or those of MLQA (every script) leave the character out."""
    return character in string.punctuation + "～" or unicodedata.category(character).startswith("P")


def word_f1(given: Sequence[str], wanted: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of words, counted with repetition; 1 where both are empty."""
    if not given or not wanted:
        return float(given == wanted)
    shared = sum((Counter(given) & Counter(wanted)).values())
    return 2 * shared / (len(given) + len(wanted))
