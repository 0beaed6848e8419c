"""Which replacements would turn a sentence into its opposite, in English, French and Chinese."""

from __future__ import annotations

ENGLISH = (
    "no not none nobody nothing neither nor never nowhere without cannot hardly scarcely t nt dont cant wont isnt didnt"
)
FRENCH = "ne n pas non jamais rien aucun aucune personne plus ni sans nul nulle guère point"
CHINESE = frozenset("不没沒無无非未别別勿否莫毋")
_WORDS = frozenset(f"{ENGLISH} {FRENCH}".split())
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non")


def is_negation(word: str) -> bool:
    """Whether the word negates; of don't and n'est the model's words are t and n."""
    return word.lower() in _WORDS or not CHINESE.isdisjoint(word)


def changes_negation(written: str, suggested: str) -> bool:
    """Whether the suggestion takes a negation away, brings one in, or exchanges one for another.

    >>> changes_negation("several", "no"), changes_negation("possible", "impossible"), changes_negation("wnet", "went")
    (True, True, False)
    """
    one, other = sorted((written.lower(), suggested.lower()), key=len)
    if one == other:
        return False
    return is_negation(one) or is_negation(other) or any(other == prefix + one for prefix in _PREFIXES)
