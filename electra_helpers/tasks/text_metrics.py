"""Scores of written texts, right for Chinese too, and what costs nothing: a dictionary, and the first sentence.

BLEU and chrF are sacreBLEU's, ROUGE is rouge-score's with words of our own: its own rule keeps a to z only, so that no word of a
Chinese text would be left. Scores of translations go from 0 to 100, as that field writes them, ROUGE from 0 to 1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from electra_helpers.text.tokenizer import CHINESE, is_chinese

HAN = "".join(f"{chr(first)}-{chr(last)}" for first, last in CHINESE)
WORD = re.compile(rf"[{HAN}]|[^\W_{HAN}]+")
TOKEN = re.compile(rf"[{HAN}]|[^\W_{HAN}]+|[^\s\w]")  # the same with punctuation
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")
LONGEST_CHUNK = 4  # Chinese characters that one word may become
MOST_PAIRS = 50_000  # from which a dictionary is learnt


def words(text: str) -> list[str]:
    """Lower-case words; every Chinese character is one.

    >>> words("L'été à 北京!")
    ['l', 'été', 'à', '北', '京']
    """
    return WORD.findall(text.lower())


def sentences(text: str) -> list[str]:
    """A text cut behind its full stops, question and exclamation marks."""
    return [part for part in SENTENCE_END.split(text.strip()) if part]


def mostly_chinese(texts: Iterable[str]) -> bool:
    """Whether more than half of the letters are Chinese characters."""
    letters = [character for text in texts for character in text if character.isalpha()]
    return sum(map(is_chinese, letters)) > len(letters) / 2


def translation_metrics(references: Sequence[str], written: Sequence[str]) -> dict[str, float]:
    """chrF and BLEU of a whole set; Chinese references are compared by character (sacreBLEU's tokenizer zh, else 13a).

    >>> translation_metrics(["今天天气很好。"], ["今天天气不好。"])["bleu"] > 40
    True
    """
    import sacrebleu

    tokenizer = "zh" if mostly_chinese(references) else "13a"
    return {
        "chrf": sacrebleu.corpus_chrf(list(written), [list(references)]).score,
        "bleu": sacrebleu.corpus_bleu(list(written), [list(references)], tokenize=tokenizer, force=True).score,
    }


class Words:
    """`words` as rouge-score asks for them."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


def summary_metrics(references: Sequence[str], written: Sequence[str]) -> dict[str, float]:
    """Mean F1 of words (rouge_1), of pairs of words (rouge_2) and of the longest common subsequence (rouge_l).

    >>> round(summary_metrics(["Anna lost her net."], ["Anna lost it."])["rouge_l"], 3)
    0.571
    """
    from rouge_score.rouge_scorer import RougeScorer

    names = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
    scorer = RougeScorer(list(names.values()), tokenizer=Words())
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
    runs = re.findall(rf"[{HAN}]+", text)
    return [run[at : at + n] for run in runs for n in range(1, LONGEST_CHUNK + 1) for at in range(len(run) - n + 1)]


def word_by_word(text: str, dictionary: Mapping[str, str], chinese: bool) -> str:
    """Each word as the dictionary has it, an unknown one as it is, in the order of the source.

    >>> word_by_word("A dog sat.", {"a": "un", "dog": "chien"}, chinese=False)
    'un chien sat .'
    """
    return ("" if chinese else " ").join(dictionary.get(token, token) for token in TOKEN.findall(text.lower()))


def lead(text: str, count: int = 1) -> str:
    """The first sentences of a text: how far a summary gets that nobody wrote.

    >>> lead("Anna lost a net. She wept.")
    'Anna lost a net.'
    """
    first = sentences(text)[:count]
    return ("" if mostly_chinese(first) else " ").join(first)
