"""French grammar for the little world: gender, agreement, elision, conjugation, and how a sentence is written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import french_words as fr
from . import lexicon as lex

PROPER = frozenset((*lex.NAMES, *lex.PETS, *lex.CITIES))
NOTHING = " "  # a slot that shows no word: where the adjective would stand, had it not its place across the noun
NO_BREAK = "\u00a0"  # French keeps a space before ; : ! ? and inside « », and no line may end there


def _noun(concept: str, other: str = "") -> tuple[str, str]:
    """A noun and its gender, m, f or p; a trade takes the gender of the `other` who practises it."""
    if concept in fr.TRADES:
        is_woman = other in lex.WOMEN
        return fr.TRADES[concept].split()[is_woman].replace("_", " "), "mf"[is_woman]
    if concept.startswith("many "):
        one = concept.removeprefix("many ")
        return fr.IRREGULAR_PLURALS.get(one, f"{_noun(one)[0]}s"), "p"
    for gender, table in (("m", fr.MASCULINE), ("f", fr.FEMININE), ("p", fr.PLURAL)):
        if concept in table:
            return table[concept], gender
    if concept not in PROPER:
        raise ValueError(f"French has no noun for {concept!r}: add it to MASCULINE, FEMININE or PLURAL.")
    return fr.NAMES.get(concept, concept), "mf"[concept in lex.WOMEN]


def opens_with_vowel(text: str) -> bool:
    """Whether le, de, que … lose their vowel before the text: not before an aspirated h, nor before "yacht"."""
    first = re.match(r"\w+", text.lower())[0]
    return (first[0] in fr.VOWELS or first[0] == "h") and first not in fr.ASPIRATED


def _agree(form: str, gender: str, following: str) -> str:
    """An article, preposition or pronoun for a gender, before the word that follows it."""
    column = 4 if gender == "p" else "mf".index(gender) + 2 * opens_with_vowel(following)
    return fr.FORMS[form][column]


def _verb(concept: str, form: str, other: str) -> str:
    """A verb; "le" with another noun is that noun's pronoun before the verb, "de" and "que" are what stands before it."""
    infinitive = fr.VERBS[concept]
    head, blank, rest = infinitive.partition(" ")
    stem = {"g": f"{head[:-2]}e", "c": f"{head[:-3]}ç"}.get(head[-3], head[:-2])  # mangea, perça
    is_first_group = head.endswith("er")
    past = (f"{stem}a" if is_first_group else fr.PAST.get(head, f"{stem}it")) + blank + rest
    if form == "imperfect":
        return (f"{stem}ait" if is_first_group else fr.IMPERFECT[head]) + blank + rest
    if form == "le":
        return _agree("le", _noun(other)[1], past)
    if form in ("de", "que"):
        return _agree(form, "m", infinitive if form == "de" else past)
    return {"": past, "infinitive": infinitive}[form]


def _adjective(concept: str, form: str, other: str) -> str:
    """An adjective; "before" and "after" show it on its side of the noun, "le", "un" … are the article before both."""
    noun, gender = _noun(other) if other else ("", "m")
    ways = [way.replace("_", " ") for way in fr.ADJECTIVES[concept].split()]
    is_before = concept in fr.BEFORE_THE_NOUN
    column = 1 if gender == "f" else 2 if is_before and opens_with_vowel(noun) else 0
    shown = ways[column] if column < len(ways) else ways[0]
    if form in fr.FORMS:
        return _agree(form, gender, shown if is_before else noun)
    return NOTHING if form == ("after" if is_before else "before") else shown


def _number(concept: str, form: str, other: str) -> str:
    """A number, "f" for the feminine; any other form is what it counts: "pièce", "pièces"."""
    if form in ("", "f"):
        is_feminine = form == "f" or (other and _noun(other)[1] == "f")
        return "une" if concept == "one" and is_feminine else fr.NUMBERS[concept]
    return form if concept == "one" else f"{form}s"


def _place(concept: str, form: str) -> str:
    """How one is somewhere: "in" without the article (dans, sur), "at" with it (à l', dans la)."""
    if form == "à":
        return "au" if concept == "Cairo" else "à"
    noun, gender = _noun(concept)
    inside = next((shown for shown, places in fr.PREPOSITIONS.items() if concept in places), "dans")
    if form == "in":
        return inside
    return f"{inside} {_agree('le', gender, noun)}" if concept in fr.WITHIN else _agree("au", gender, noun)


def word(concept: str, form: str = "") -> str:
    """A concept in a form of French; what follows a ~ in the form is the concept that it agrees with."""
    form, _, other = form.partition("~")
    for table, say in ((fr.VERBS, _verb), (fr.ADJECTIVES, _adjective), (fr.NUMBERS, _number)):
        if concept in table:
            return say(concept, form, other)
    if form in ("à", "at", "in"):
        return _place(concept, form)
    noun, gender = _noun(concept, other)
    if form in fr.FORMS:
        return _agree(form, gender, noun)
    if form.endswith("(e)"):  # a participle or adjective that only this place needs
        return form.replace("(e)", "e" if gender == "f" else "")
    shown = {
        "": noun,
        "en": "au" if concept == "spring" else "en",
        "-il": "-elle" if gender == "f" else "-il",
        "infinitive": fr.MEALS.get(concept),
    }.get(form)
    if shown is None:
        raise ValueError(f"French has no form {form!r} of {concept!r}.")
    return shown


def split(piece: str) -> list[str]:
    """A piece as the tokenizer sees it: lower case, accents kept, every apostrophe, hyphen and mark apart."""
    return re.findall(r"\w+|[^\w\s]", piece.lower())


def join(pieces: Sequence[str]) -> str:
    """Pieces as written: capitals, elided words that hug the next, French spaces around the marks."""
    text, before = "", "«"
    for piece in filter(str.strip, pieces):
        text += _space(before, piece) if text else ""
        text += piece[0].upper() + piece[1:] if before == "«" else piece
        before = piece
    return text


def _space(before: str, piece: str) -> str:
    if before.endswith("'") or piece in (",", ".") or piece.startswith("-"):
        return ""
    return NO_BREAK if before == "«" or piece in ("»", "!", "?", ":", ";") else " "


def _noun_phrase(match: re.Match) -> str:
    """`le tool` → `{tool.le} {tool}`; with an adjective, its two places too, one of which will show nothing."""
    article, *adjective, noun = match[1].split()
    bare, tilde, other = noun.partition("~")
    if not adjective:
        return f"{{{bare}.{article}{tilde}{other}}} {{{noun}}}"
    [adjective] = adjective
    return f"{{{adjective}.{article}~{noun}}} {{{adjective}.before~{noun}}} {{{noun}}} {{{adjective}.after~{noun}}}"


def expand(template: str) -> str:
    """A template with its noun phrases written out as slots."""
    return re.sub(r"\[([^\]]+)\]", _noun_phrase, template)
