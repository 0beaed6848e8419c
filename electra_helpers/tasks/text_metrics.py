"""Scores of written texts, right for every script, and the trivial baselines: a dictionary, and the first sentence.

BLEU and chrF are sacreBLEU's, with its tokenizer chosen by the script of the references; ROUGE is rouge-score's with words of our own:
its own rule keeps a to z only, so that no word of a Chinese text would be left. Both sides are compared in composed form (NFC). Scores
of translations go from 0 to 100, as that field writes them, ROUGE from 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from unicodedata import normalize

import regex

from electra_helpers.words import FIND_TOKEN, HAN, clusters, composed, is_chinese, is_unsegmented, script_of, words

SENTENCE_END = regex.compile(r"(?<=[.!?।॥؟۔։።។။])\s+|(?<=[。！？])\s*")
LONGEST_CHUNK = 4  # Chinese characters that one word may become
MOST_PAIRS = 50_000  # from which a dictionary is learnt


def sentences(text: str) -> list[str]:
    """A text cut behind its full stops, question and exclamation marks."""
    return [part for part in SENTENCE_END.split(text.strip()) if part]


def mostly_chinese(texts: Iterable[str]) -> bool:
    """Whether more than half of the letters are Chinese characters."""
    letters = [character for text in texts for character in text if character.isalpha()]
    return sum(map(is_chinese, letters)) > len(letters) / 2


# sacreBLEU's tokenizer where its default, 13a, would leave whole sentences or full stops as parts of words.
BY_CHARACTER = ("Thai", "Lao", "Khmer", "Myanmar", "Tibetan")
WESTERN = ("Latin", "Cyrillic", "Greek", "Hangul", "Georgian")  # punctuation is ASCII's, words have blanks between them


def bleu_tokenizer(references: Iterable[str]) -> str:
    """The name of sacreBLEU's tokenizer for the script of these texts; Japanese is cut by MeCab where it is installed.

    >>> [bleu_tokenizer([text]) for text in ("Le chat dort.", "今天天气很好。", "यह किताब है।", "ภาษาไทย")]
    ['13a', 'zh', 'intl', 'char']
    """
    script = script_of(references)
    if script == "Japanese":
        return "ja-mecab" if find_spec("MeCab") and find_spec("ipadic") else "char"
    if script == "Han":
        return "zh"
    return "char" if script in BY_CHARACTER else "13a" if script in WESTERN else "intl"


def translation_metrics(references: Sequence[str], written: Sequence[str]) -> dict[str, float]:
    """chrF and BLEU of a whole set, compared in NFC; BLEU's words are those of `bleu_tokenizer`.

    >>> translation_metrics(["今天天气很好。"], ["今天天气不好。"])["bleu"] > 40
    True
    """
    import sacrebleu

    references, written = composed(references), composed(written)
    tokenizer = bleu_tokenizer(references)
    return {
        "chrf": sacrebleu.corpus_chrf(written, [references]).score,
        "bleu": sacrebleu.corpus_bleu(written, [references], tokenize=tokenizer, force=True).score,
    }


class Units:
    """Words or, in texts without blanks between them, characters, as rouge-score asks for them."""

    def __init__(self, references: Sequence[str]) -> None:
        self.by_character = is_unsegmented(references)

    def tokenize(self, text: str) -> list[str]:
        return (clusters if self.by_character else words)(text)


def rouge_unit(references: Sequence[str]) -> str:
    """What ROUGE counts in a set of these references.

    >>> rouge_unit(["किताब अच्छी है"]), rouge_unit(["ภาษาไทยเขียนโดยไม่เว้นวรรค"])
    ('words', 'characters')
    """
    return "characters" if Units(references).by_character or mostly_chinese(references) else "words"


def summary_metrics(references: Sequence[str], written: Sequence[str]) -> dict[str, float]:
    """Mean F1 of words (rouge_1), of pairs of words (rouge_2) and of the longest common subsequence (rouge_l).

    >>> round(summary_metrics(["Anna lost her net."], ["Anna lost it."])["rouge_l"], 3)
    0.571
    """
    from rouge_score.rouge_scorer import RougeScorer

    names = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
    scorer = RougeScorer(list(names.values()), tokenizer=Units(references))
    found = [scorer.score(reference, text) for reference, text in zip(references, written, strict=True)]
    return {ours: sum(scores[theirs].fmeasure for scores in found) / len(found) for ours, theirs in names.items()}


def learn_dictionary(pairs: Iterable[tuple[str, str]], chinese: bool) -> dict[str, str]:
    """Source word → what stands in the same pairs of texts most faithfully, by Dice's coefficient 2·both / (one + other).

    With `chinese` targets a word may become up to four characters in a row.

    >>> learn_dictionary([("a cat", "un chat"), ("a dog", "un chien")], chinese=False)
    {'a': 'un', 'cat': 'chat', 'dog': 'chien'}
    """
    here, there, both = Counter(), Counter(), Counter()
    for number, (source, target) in enumerate(pairs):
        if number == MOST_PAIRS:
            break
        ones, others = set(words(source)), set(_units(target, chinese))
        here.update(ones)
        there.update(others)
        both.update((one, other) for one in ones for other in others)
    best: dict[str, tuple[float, int, str]] = {}
    for (one, other), count in both.items():
        score = (2 * count / (here[one] + there[other]), len(other), other)
        best[one] = max(best.get(one, score), score)
    return {one: best[one][2] for one in sorted(best)}


def _units(text: str, chinese: bool) -> list[str]:
    if not chinese:
        return words(text)
    runs = regex.findall(rf"[{HAN}]+", text)
    return [run[at : at + n] for run in runs for n in range(1, LONGEST_CHUNK + 1) for at in range(len(run) - n + 1)]


def word_by_word(text: str, dictionary: Mapping[str, str], chinese: bool) -> str:
    """Each word as the dictionary has it, an unknown one as it is, in the order of the source.

    >>> word_by_word("A dog sat.", {"a": "un", "dog": "chien"}, chinese=False)
    'un chien sat .'
    """
    return ("" if chinese else " ").join(
        dictionary.get(token, token) for token in FIND_TOKEN.findall(normalize("NFC", text).lower())
    )


def lead(text: str, count: int = 1) -> str:
    """The first sentences of a text: how far a summary gets that nobody wrote.

    >>> lead("Anna lost a net. She wept.")
    'Anna lost a net.'
    """
    first = sentences(text)[:count]
    return ("" if mostly_chinese(first) else " ").join(first)
