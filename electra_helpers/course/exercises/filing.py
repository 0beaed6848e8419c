"""Exercise 07.3: whether a fake is filed under a phenomenon that its two words allow."""

from __future__ import annotations

from electra_helpers.course.engine.grading import Mistake
from electra_helpers.course.exercises.n00_welcome import words_of
from electra_helpers.course.labs.replacements import told
from electra_helpers.world.english_words import PLURALS
from electra_helpers.world.pairs import DETERMINERS, PREPOSITIONS

HERS_AND_HIS = frozenset(
    ("he", "she", "his", "her", "him", "hers", "himself", "herself", "it", "its", "they", "their", "them")
)
FORMS = (frozenset(("was", "were")), frozenset(("a", "an")), frozenset(("has", "have")), frozenset(("is", "are")))
SMALL = DETERMINERS | PREPOSITIONS | HERS_AND_HIS | frozenset(("and", "but", "was", "were", "to", "of", "by"))


def is_filed_rightly(number: int, row: tuple[int, str, str, str]) -> None:
    """Hold a label against the two words, as far as these decide."""
    story, word, wrong, phenomenon = row
    pair = {word, wrong}
    are_forms = pair in FORMS or PLURALS.get(word) == wrong or PLURALS.get(wrong) == word
    if phenomenon == "agreement" and not are_forms:
        raise Mistake(
            "Row {number}: {word} and {wrong} are not two forms of a word (a and an, was and were): that is not agreement.",
            number=number,
            word=word,
            wrong=wrong,
        )
    if phenomenon == "pronoun" and not pair & HERS_AND_HIS:
        raise Mistake(
            "Row {number}: neither {word} nor {wrong} is a pronoun: that is not pronoun.",
            number=number,
            word=word,
            wrong=wrong,
        )
    if phenomenon not in ("pronoun", "order", "other") and pair <= HERS_AND_HIS:
        raise Mistake(
            "Row {number}: {word} and {wrong} are pronouns: that is not {phenomenon}.",
            number=number,
            word=word,
            wrong=wrong,
            phenomenon=phenomenon,
        )
    if phenomenon in ("selection", "world knowledge") and pair <= SMALL:
        raise Mistake(
            "Row {number}: {word} and {wrong} are small words; they say nothing of the world: that is not {phenomenon}.",
            number=number,
            word=word,
            wrong=wrong,
            phenomenon=phenomenon,
        )
    if phenomenon == "order":
        words = words_of(told(story))
        at = words.index(word)
        if wrong not in words[max(0, at - 1) : at + 2]:
            raise Mistake(
                "Row {number}: order means that neighbours changed places, and {wrong} is no neighbour of {word}.",
                number=number,
                wrong=wrong,
                word=word,
            )
