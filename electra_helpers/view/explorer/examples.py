"""Sentences to begin with, in the languages of the course; a model is offered those that its vocabulary knows."""

from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.world import SPOKEN, stories

SENTENCES = (
    "The chef cooked the meal for the guests who had waited all evening.",
    "She put the letter into the envelope and took it to the post office.",
    "The museum opens at nine, but the café next door opens at seven.",
    "今天天气很好，阳光明媚。",
    "他把信放进信封，然后去了邮局。",
    "Le chef a préparé le repas pour les invités qui attendaient depuis une heure.",
    "Elle a mis la lettre dans l'enveloppe et l'a portée à la poste.",
)
STORIES = 4
MOST_UNKNOWN = 0.05  # share of [UNK] up to which a sentence is still worth looking at


def examples_for(tokenizer: Tokenizer) -> list[str]:
    """Those of our sentences, and of the little world's stories, that have next to no [UNK]; those in fewest pieces a word first."""
    candidates = [*SENTENCES, *little_stories()]
    shares = {text: (unknown_share(tokenizer, text), pieces_per_word(tokenizer, text)) for text in candidates}
    return [text for text in sorted(candidates, key=shares.__getitem__) if shares[text][0] <= MOST_UNKNOWN]


def unknown_share(tokenizer: Tokenizer, text: str) -> float:
    """The share of a text's tokens that are [UNK]."""
    ids = tokenizer.encode(text).ids[1:-1]
    return ids.count(tokenizer.unk_id) / max(1, len(ids))


def pieces_per_word(tokenizer: Tokenizer, text: str) -> float:
    """How finely a vocabulary cuts a text: 1 where every word is one token."""
    words = [word for word in tokenizer.encode(text).word_ids if word is not None]
    return len(words) / max(1, len(set(words)))


def little_stories() -> list[str]:
    """A few whole stories that no model was trained on, in every language that the little world speaks."""
    return [story.text(code) for code in SPOKEN for story in stories(count=STORIES, split="test")]
