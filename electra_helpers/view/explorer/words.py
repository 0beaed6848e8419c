"""The words of the widgets' JavaScript in the learner's language."""

import json
import re

from electra_helpers.language import ENGLISH, language, worded

WORDS = re.compile(r'\bw\("((?:[^"\\]|\\.)*)"')  # w("…"), as the front end asks for a text


def front_words(source: str) -> dict[str, str]:
    """English text → text in the language that was chosen, of all that a front end says; none in English, which it has.

    >>> front_words('button(w("Undo"))')
    {}
    """
    if language() == ENGLISH:
        return {}
    texts = [json.loads(f'"{text}"') for text in WORDS.findall(source)]
    return {text: worded(text) for text in texts}
