"""Labelled examples from the same meanings, in the formats of the hub's data sets of the same task.

| task | like | columns |
|---|---|---|
| sentiment | sst2 | idx, sentence, label (0 negative, 1 positive) |
| topic | ag_news | text, label |
| entities | wikiann | tokens, ner_tags (indices into `LABEL_NAMES["entities"]`) |
| questions | squad_v2 | id, title, context, question, answers {text, answer_start}; no answer: empty lists |
| summary | xsum | document, summary, id |
| translation | opus_books | id, translation {en, fr} |
| noisy | jfleg | sentence, corrections; also tokens, labels (1 = changed) and changes |

Splits are those of the stories (`splits.py`): the test split has new heroes and new verb-object pairs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count as numbers
from itertools import islice
from typing import NamedTuple

from . import lexicon as lex
from .noise import noisy_row
from .splits import EVALUATION_STORIES, stories
from .story import TOPICS, Story
from .telling import SPACE, Question, Slot, Told, language, say

LABELLED_SEED = 1000  # pre-training uses other seeds, so labelled stories are not among its stories
ENTITIES = ("PERSON", "PLACE", "TRADE", "TIME", "THING")
LABEL_NAMES: dict[str, tuple[str, ...]] = {
    "sentiment": ("negative", "positive"),
    "topic": tuple(TOPICS),
    "entities": ("O", *(f"{part}-{entity}" for entity in ENTITIES for part in "BI")),
}
UNANSWERABLE_SHARE = 0.25


class Word(NamedTuple):
    """A word of a told story as it is written, where it stands in the story's text, and what it is."""

    text: str
    start: int
    sentence: int
    slot: Slot | None
    entity: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def located_words(story: Story, code: str) -> list[Word]:
    """Every word of a story with its place in `story.text(code)`."""
    words, start = [], 0
    for number, told in enumerate(story.told(code)):
        words += [word._replace(start=word.start + start, sentence=number) for word in _words_of(told)]
        start += len(told.text) + len(SPACE[code])
    return words


def _words_of(told: Told) -> Iterator[Word]:
    text, at, split = told.text, 0, language(told.language).split
    owners = [slot for piece, slot in zip(told.pieces, told.slots, strict=True) for _ in split(piece)]
    for word, slot, entity in zip(told.words, owners, told.entities, strict=True):
        at = text.lower().index(word, at)
        yield Word(text[at : at + len(word)], at, 0, slot, entity)
        at += len(word)


def sentiment_row(story: Story, code: str) -> dict:
    """A story and whether it ends well, in the form of SST-2."""
    return {"idx": story.key, "sentence": story.text(code), "label": int(story.is_good)}


def topic_row(story: Story, code: str) -> dict:
    """A story and the number of its topic."""
    return {"text": story.text(code), "label": LABEL_NAMES["topic"].index(story.topic)}


def entities_row(story: Story, code: str) -> dict:
    """A story's words with BIO tags, in the form of WikiANN."""
    words = located_words(story, code)
    tags = [LABEL_NAMES["entities"].index(word.entity) for word in words]
    return {"tokens": [word.text for word in words], "ner_tags": tags}


def summary_row(story: Story, code: str) -> dict:
    """A story and a summary of one sentence, in the form of XSum."""
    speaker = language(code)
    templates = speaker.summaries[story.topic, story.values["O"]]
    told = say(story, "summary", templates, speaker, random.Random(f"{story.key}/{code}/summary"))
    return {"document": story.text(code), "summary": told.text, "id": story.key}


def question_rows(story: Story, code: str) -> Iterator[dict]:
    """Up to three questions about a story; one in four is asked about somebody who is not in it."""
    rng = random.Random(f"{story.key}/{code}/questions")
    speaker, words = language(code), located_words(story, code)
    known = [(at, q) for at, frame in enumerate(story.frames) for q in speaker.questions.get(frame, ())]
    for number, (sentence, question) in enumerate(sorted(known, key=lambda _: rng.random())[:3]):
        asked = _about_a_stranger(story, question, rng) if rng.random() < UNANSWERABLE_SHARE else story
        answer = _answer(story, code, words, sentence, question) if asked is story else ("", None)
        if answer is None:
            continue
        text, start = answer
        yield {
            "id": f"{story.key}/{number}",
            "title": story.topic,
            "context": story.text(code),
            "question": say(asked, "question", [question.template], speaker, rng).text,
            "answers": {"text": [text], "answer_start": [start]}
            if asked is story
            else {"text": [], "answer_start": []},
        }


def _about_a_stranger(story: Story, question: Question, rng: random.Random) -> Story:
    """The story with somebody else in a part that the question names; the story itself if it names nobody."""
    pieces = {piece for segment in question.template for way in segment for piece in way}
    named = [part for part in ("P", "F") if Slot(part, "") in pieces]
    if not named:
        return story
    present = {story.values.get("P"), story.values.get("F"), story.values.get("Q")}
    heroes = lex.HELD_OUT_NAMES if story.values["P"] in lex.HELD_OUT_NAMES else lex.FEMALE_NAMES + lex.MALE_NAMES
    stranger = rng.choice([name for name in heroes if name not in present])
    return replace(story, values=story.values | {named[0]: stranger})


def _answer(story: Story, code: str, words: list[Word], sentence: int, question: Question) -> tuple[str, int] | None:
    """The answer's words and where they start; a person told by a pronoun is looked up where the name last stood."""
    if question.answer == "sentence":
        inside = [word for word in words if word.sentence == sentence]
        first, last = inside[0], [word for word in inside if word.text[0].isalnum()][-1]
        return story.text(code)[first.start : last.end], first.start
    speaker = language(code)
    told = [w for w in words if w.slot and w.slot.expression == question.answer and w.slot.form in speaker.noun_forms]
    here = [word for word in told if word.sentence == sentence] or [word for word in told if word.sentence < sentence]
    if not here:
        return None
    last_sentence = here[-1].sentence
    same = [word for word in here if word.sentence == last_sentence]
    first = same[0]
    end = max(word.end for word in same if word.slot is first.slot and word.start - first.start < 40)
    return story.text(code)[first.start : end], first.start


def translation_rows(story: Story, pair: str) -> Iterator[dict]:
    """Sentence pairs of a story; sentences in which one language names somebody and the other does not are left out."""
    source, target = pair.split("-")
    for number, (one, other) in enumerate(zip(story.told(source), story.told(target), strict=True)):
        if _people(one) == _people(other):
            yield {"id": f"{story.key}/{number}", "translation": {source: one.text, target: other.text}}


def _people(told: Told) -> set[str]:
    nouns = language(told.language).noun_forms
    return {
        slot.expression for slot in told.slots if slot and slot.expression in ("P", "F", "Q") and slot.form in nouns
    }


def _noisy_rows(story: Story, code: str) -> Iterator[dict]:
    yield noisy_row(story, code)


def _one(row: Callable[[Story, str], dict]) -> Callable[[Story, str], Iterator[dict]]:
    return lambda story, code: iter([row(story, code)])


ROWS: dict[str, Callable[[Story, str], Iterator[dict]]] = {
    "sentiment": _one(sentiment_row),
    "topic": _one(topic_row),
    "entities": _one(entities_row),
    "questions": question_rows,
    "summary": _one(summary_row),
    "translation": translation_rows,
    "noisy": _noisy_rows,
}


def labelled(task: str, code: str = "en", *, split: str = "train", start: int = 0, count: int = 1000) -> Iterator[dict]:
    """Yield rows `start` … `start + count` of a task, made as they are asked for; fewer where a fixed split ends.

    `code` is a language, or a pair such as "en-fr" for translation. Raises ValueError for an unknown task or for
    questions and summaries in a language that has none. Used from notebook 08 on.

    >>> [row] = labelled("sentiment", count=1)
    >>> sorted(row)
    ['idx', 'label', 'sentence']
    """
    if task not in ROWS:
        raise ValueError(f"There is no task {task!r} in the little world: take one of {', '.join(ROWS)}.")
    tables = {"questions": language(code).questions, "summary": language(code).summaries} if "-" not in code else {}
    if not tables.get(task, True):
        raise ValueError(f"The little world has no {task} in {code!r}: take English.")
    many = numbers() if split == "train" else range(EVALUATION_STORIES)
    rows = (row for at in many for s in stories(LABELLED_SEED, at, 1, split=split) for row in ROWS[task](s, code))
    yield from islice(rows, start, start + count)
