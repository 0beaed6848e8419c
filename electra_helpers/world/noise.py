"""Stories with mistakes in them, and what was changed: typing errors, wrong words, wrong forms."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from itertools import product

from .meaning import registers
from .story import Story
from .telling import SPACE, Language, Slot, Told, language, slot_registers, slot_words

NOISE_SHARE = 0.06  # of the pieces; every story gets at least one mistake
SHORTEST_TYPO = {"chinese": 2, "letters": 4}  # in shorter words a typing error is another word too easily


def noisy_row(story: Story, code: str) -> dict:
    """One story with mistakes, like jfleg: sentence and corrections, and for every token whether it was changed."""
    rng = random.Random(f"{story.key}/{code}/noise")
    sentences = story.told(code)
    nouns = [slot for told in sentences for slot in told.slots if slot and slot.form in language(code).noun_forms]
    shown = Counter(name for slot in nouns for name in slot_registers(slot))
    places = [(number, at) for number, told in enumerate(sentences) for at in range(len(told.pieces))]
    wanted, changed = max(1, round(NOISE_SHARE * len(places))), {}
    for number, at in sorted(places, key=lambda _: rng.random()):
        mistake = _mistake(story, sentences[number], at, shown, rng)
        if mistake and len(changed) < wanted:
            changed[number, at] = mistake
    return _row(story, code, changed)


def _row(story: Story, code: str, changed: dict[tuple[int, int], tuple[str, str]]) -> dict:
    speaker, tokens, labels, changes, sentences = language(code), [], [], [], []
    for number, told in enumerate(story.told(code)):
        pieces = [changed.get((number, at), ("", piece))[1] for at, piece in enumerate(told.pieces)]
        for at, piece in enumerate(pieces):
            kind = changed.get((number, at), ("",))[0]
            if kind:
                changes.append({"position": len(tokens), "kind": kind, "wrong": piece, "right": told.pieces[at]})
            labels += [int(bool(kind))] * len(speaker.split(piece))
            tokens += speaker.split(piece)
        sentences.append(speaker.join(pieces))
    noisy, clean = SPACE[code].join(sentences), story.text(code)
    return {"sentence": noisy, "corrections": [clean], "tokens": tokens, "labels": labels, "changes": changes}


def _mistake(story: Story, told: Told, at: int, shown: Counter, rng: random.Random) -> tuple[str, str] | None:
    """A kind of mistake and the piece with it; None if this piece is too short or too plain for one."""
    piece, slot, speaker = told.pieces[at], told.slots[at], language(told.language)
    if slot is not None and rng.random() < 0.7:
        wrong = [w for w in _contradictions(story, slot, shown, speaker) if len(speaker.split(w)) == 1]
        if wrong and len(speaker.split(piece)) == 1:
            return ("wrong word" if slot.form in speaker.noun_forms else "wrong form"), rng.choice(wrong)
    typo = _typo(piece, rng)
    return ("typo", typo) if typo else None


def _contradictions(story: Story, slot: Slot, shown: Counter, speaker: Language) -> list[str]:
    """Words of the slot that contradict another word of the story: one that shows a register of this slot too."""
    names = slot_registers(slot)
    alone = 1 if slot.form in speaker.noun_forms else 0  # this slot itself does not count
    said = {at: story.values[name] for at, name in enumerate(names) if shown[name] > alone}
    if not said:
        return []
    words = _words(slot, speaker.code, story.key.split("/")[0])
    possible = {word for values, word in words if all(values[at] == value for at, value in said.items())}
    return sorted({word for _, word in words} - possible)


@cache
def _words(slot: Slot, code: str, split: str) -> list[tuple[tuple[str, ...], str]]:
    """Every combination of the values that a slot's registers take in a split, with the word that it shows."""
    names = slot_registers(slot)
    drawn = {name: registers(split)[name] for name in names}
    possible = {name: {v for v, w in zip(r.values, r.weights.T, strict=True) if w.any()} for name, r in drawn.items()}
    values = product(*(drawn[name].values for name in names))
    shown = zip(values, slot_words(slot, language(code)), strict=True)
    return [(each, word) for each, word in shown if all(v in possible[n] for n, v in zip(names, each, strict=True))]


def _typo(piece: str, rng: random.Random) -> str | None:
    """One letter dropped, doubled or exchanged with the next; None for short words."""
    script = "chinese" if "\u4e00" <= piece[0] <= "\u9fff" else "letters"
    if not piece.isalpha() or len(piece) < SHORTEST_TYPO[script]:
        return None
    at = rng.randrange(min(1, len(piece) - 2), len(piece) - 1)
    before, letter, after, rest = piece[:at], piece[at], piece[at + 1], piece[at + 2 :]
    ways = {before + after + rest, before + letter + letter + after + rest, before + after + letter + rest}
    return rng.choice(sorted(ways - {piece}))
